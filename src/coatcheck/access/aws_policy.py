"""Policies in AWS's language -> the same in RAM's, and back. Pure: JSON text in, JSON text out.

What is translated is judged as any policy is; nothing decides by the text of AWS. So what has no counterpart is refused
with its place: a condition that is left out would open what it was to close. A pattern of actions becomes the actions
that it fits. Variables (`${...}`), NotPrincipal and qualified operators have no counterpart.

Source: IAM JSON policy reference; S3 reference, sections 11.2 and 11.3.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from coatcheck.core.limits import AWS_POLICY_MAX_BYTES, POLICY_STATEMENTS_MAX

from .aws_actions import oss_actions, s3_actions
from .policy import Kind, PolicyFault, members_of, read_json, read_policy

VERSIONS: Final = ("2012-10-17", "2008-10-17")
_STATEMENT: Final = (
    *("Sid", "Action", "NotAction", "Resource", "NotResource", "Condition", "Principal"),
    "NotPrincipal",
)
_S3: Final = "arn:aws:s3:::"
_OSS: Final = "acs:oss:*:*:"

# Conditions: the keys that mean the same. A name with a slash at its end is followed by the name of a tag.
_KEYS: Final = {
    "aws:SourceIp": "acs:SourceIp",
    "aws:SecureTransport": "acs:SecureTransport",
    "aws:CurrentTime": "acs:CurrentTime",
    "aws:UserAgent": "acs:UserAgent",
    "aws:PrincipalArn": "acs:PrincipalArn",
    "s3:prefix": "oss:Prefix",
    "s3:delimiter": "oss:Delimiter",
    "s3:x-amz-acl": "oss:x-oss-acl",
    "s3:ExistingObjectTag/": "oss:ExistingObjectTag/",
    "s3:RequestObjectTag/": "oss:RequestObjectTag/",
}
_OSS_KEYS: Final = {theirs: ours for ours, theirs in _KEYS.items()}
_OPERATORS: Final = frozenset(
    {
        *("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike"),
        *("StringNotLike", "Bool", "IpAddress", "NotIpAddress"),
        *(f"{kind}{name}" for kind in ("Numeric", "Date") for name in ("Equals", "NotEquals", "LessThan")),
        *(f"{kind}{name}" for kind in ("Numeric", "Date") for name in ("LessThanEquals", "GreaterThan")),
        *(f"{kind}GreaterThanEquals" for kind in ("Numeric", "Date")),
    }
)
_ARN_OPERATORS: Final = {
    "ArnEquals": "StringLike",
    "ArnLike": "StringLike",
    "ArnNotEquals": "StringNotLike",
    "ArnNotLike": "StringNotLike",
}
_ALWAYS_THERE: Final = ("aws:SecureTransport", "aws:CurrentTime")
# S3's canned ACLs that are the owner's alone are private here before any condition sees them.
_ACLS: Final = dict.fromkeys(
    ("bucket-owner-read", "bucket-owner-full-control", "aws-exec-read", "log-delivery-write"), "private"
)


def from_aws(text: str, kind: Kind) -> str:
    """A policy in RAM's grammar that says the same.

    Args:
        kind: BUCKET, whose statements name a principal, or IDENTITY.
    Raises: PolicyFault, with the place and what has no counterpart.
    """
    if len(text.encode("utf-8", "surrogatepass")) > AWS_POLICY_MAX_BYTES:
        raise PolicyFault("", f"the policy is larger than {AWS_POLICY_MAX_BYTES} bytes")
    document = members_of(read_json(text), "", required=("Statement",), optional=("Version", "Id"))
    if document.get("Version", VERSIONS[1]) not in VERSIONS:
        raise PolicyFault("Version", f"must be {' or '.join(VERSIONS)}")
    given = document["Statement"]
    statements = given if isinstance(given, list) else [given]
    if len(statements) > POLICY_STATEMENTS_MAX:
        raise PolicyFault("Statement", f"has more than {POLICY_STATEMENTS_MAX} statements")
    translated = [
        _from_statement(statement, f"Statement[{number}]", kind) for number, statement in enumerate(statements)
    ]
    policy = json.dumps({"Version": "1", "Statement": translated}, ensure_ascii=False, separators=(",", ":"))
    read_policy(policy, kind)
    return policy


def to_aws(text: str) -> str:
    """The policy of a bucket, that was checked when it was stored, in AWS's language. Raises: PolicyFault, likewise."""
    statements = [
        _to_statement(statement, f"Statement[{number}]")
        for number, statement in enumerate(read_json(text)["Statement"])
    ]
    return json.dumps({"Version": VERSIONS[0], "Statement": statements}, ensure_ascii=False, separators=(",", ":"))


# --- AWS -> RAM -------------------------------------------------------------------------------------------------------


def _from_statement(value: Any, place: str, kind: Kind) -> dict[str, Any]:
    given = members_of(value, place, required=("Effect",), optional=_STATEMENT)
    effect = given["Effect"]
    if effect not in ("Allow", "Deny"):
        raise PolicyFault(f"{place}.Effect", "must be Allow or Deny")
    if "NotPrincipal" in given:
        raise PolicyFault(f"{place}.NotPrincipal", "has no counterpart; name whom the statement means in Principal")
    statement: dict[str, Any] = {"Effect": effect}
    if kind is Kind.BUCKET:
        if "Principal" not in given:
            raise PolicyFault(place, "Principal is missing")
        statement["Principal"] = _from_principal(given["Principal"], f"{place}.Principal")
    elif "Principal" in given:
        raise PolicyFault(f"{place}.Principal", "a policy of a user or role is about its holder")
    for name in ("Action", "NotAction"):
        if name in given:
            statement[name] = _from_actions(
                given[name], f"{place}.{name}", whole=(effect == "Deny") == (name == "Action")
            )
    for name in ("Resource", "NotResource"):
        if name in given:
            statement[name] = _each(given[name], f"{place}.{name}", _from_resource)
    if "Condition" in given:
        statement["Condition"] = _from_conditions(given["Condition"], f"{place}.Condition")
    return statement


def _from_actions(value: Any, place: str, *, whole: bool) -> list[str]:
    """The actions of OSS.

    Args:
        whole: a pattern also means what only OSS has, as its names fit: where that can only forbid more.
    """
    found: dict[str, None] = {}
    for text, where in _texts(value, place):
        try:
            found.update(dict.fromkeys(oss_actions(text, whole=whole)))
        except ValueError as error:
            raise PolicyFault(where, str(error)) from None
    return list(found)


def _from_resource(text: str) -> str:
    if text == "*":
        return text
    partition, _, name = text.partition(":s3:::")
    if partition not in ("arn:aws", "arn:aws-cn", "arn:aws-us-gov") or not name:
        raise ValueError(f"{text!r} is not a resource such as {_S3}bucket/key*")
    return _OSS + _plain(name)


def _from_principal(value: Any, place: str) -> list[str]:
    if value == "*":
        return ["*"]
    members = members_of(value, place, optional=("AWS", "CanonicalUser", "Service", "Federated"))
    for name in ("Service", "Federated"):
        if name in members:
            raise PolicyFault(f"{place}.{name}", "has no counterpart; users, roles and accounts of this server have")
    named = [each for name in members for each in _each(members[name], f"{place}.{name}", _from_identity)]
    if not named:
        raise PolicyFault(place, "AWS is missing")
    return named


def _from_identity(text: str) -> str:
    """A uid, "*", or an ARN of IAM or STS."""
    if text == "*" or (text.isascii() and text.isdigit()):
        return text
    for begins, becomes in (("arn:aws:iam::", "acs:ram::"), ("arn:aws:sts::", "arn:sts::")):
        rest = text.removeprefix(begins)
        if rest != text and rest.split(":")[0].isdigit():
            return becomes + _plain(rest)
    raise ValueError(f"{text!r} is neither a uid, nor *, nor such as arn:aws:iam::UID:user/NAME")


def _from_conditions(value: Any, place: str) -> dict[str, dict[str, list[str]]]:
    if not isinstance(value, dict):
        raise PolicyFault(place, "must be an object in braces")
    blocks: dict[str, dict[str, list[str]]] = {}
    for operator, keys in value.items():
        if not isinstance(keys, dict) or not keys:
            raise PolicyFault(f"{place}.{operator}", "must be an object of condition keys")
        for key, given in keys.items():
            where = f"{place}.{operator}.{key}"
            named, theirs = _find_key(key, _KEYS, where)
            block = blocks.setdefault(_from_operator(operator, named, where), {})
            if theirs in block:
                raise PolicyFault(where, "is given twice, by operators that mean the same")
            block[theirs] = [_from_value(named, text, at) for text, at in _texts(given, where, scalars=True)]
    return blocks


def _from_operator(operator: str, key: str, place: str) -> str:
    plain = operator.removesuffix("IfExists")
    if plain in _ARN_OPERATORS and key == "aws:PrincipalArn":
        translated = _ARN_OPERATORS[plain]
    elif plain in _OPERATORS:
        translated = plain
    else:
        raise PolicyFault(place, f"the operator {operator} has no counterpart")
    if plain != operator and "Not" not in plain and key not in _ALWAYS_THERE:
        raise PolicyFault(place, "IfExists has no counterpart for a key that a request may lack")
    return translated


def _from_value(key: str, text: str, place: str) -> str:
    plain = _plain_at(text, place)
    if key == "aws:PrincipalArn":
        uid, _, name = plain.removeprefix("arn:aws:iam::").partition(":")
        if not plain.startswith("arn:aws:iam::") or not (name == "root" or name.startswith("user/")):
            # a session has the name of its role in AWS, and a name of its own here
            raise PolicyFault(place, f"{plain!r} has no counterpart; arn:aws:iam::UID:user/NAME and ...:root have")
        return f"acs:ram::{uid}:{name}"
    return _ACLS.get(plain, plain) if key == "s3:x-amz-acl" else plain


# --- RAM -> AWS -------------------------------------------------------------------------------------------------------


def _to_statement(given: dict[str, Any], place: str) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": given["Effect"]}
    named = _each(given.get("Principal", "*"), f"{place}.Principal", _to_identity)
    statement["Principal"] = "*" if "*" in named else {"AWS": named}
    for name in ("Action", "NotAction"):
        if name in given:
            texts = [text for text, _ in _texts(given[name], f"{place}.{name}")]
            try:
                statement[name] = s3_actions(texts)
            except ValueError as error:
                raise PolicyFault(f"{place}.{name}", str(error)) from None
    for name in ("Resource", "NotResource"):
        if name in given:
            statement[name] = _each(given[name], f"{place}.{name}", _to_resource)
    conditions = given.get("Condition")
    if conditions:
        statement["Condition"] = _to_conditions(conditions, f"{place}.Condition")
    return statement


def _to_conditions(given: dict[str, dict[str, Any]], place: str) -> dict[str, dict[str, list[str]]]:
    blocks: dict[str, dict[str, list[str]]] = {}
    for operator, keys in given.items():
        block = blocks.setdefault(operator, {})
        for key, values in keys.items():
            where = f"{place}.{operator}.{key}"
            named = _find_key(key, _OSS_KEYS, where)[1]
            if named in block:
                raise PolicyFault(where, "is given twice, which has no counterpart")
            block[named] = [_to_value(key, text) for text, _ in _texts(values, where, scalars=True)]
    return blocks


def _to_resource(text: str) -> str:
    if text == "*":
        return text
    _, service, region, owner, name = text.split(":", 4)
    if (service, region) != ("oss", "*") or not (owner == "*" or owner.isdigit()):
        raise ValueError(f"{text!r} has no counterpart; one such as {_OSS}bucket/key* has")
    return _S3 + name


def _to_identity(text: str) -> str:
    for begins, becomes in (
        ("acs:ram::", "arn:aws:iam::"),
        ("arn:sts::", "arn:aws:sts::"),
        ("acs:sts::", "arn:aws:sts::"),
    ):
        if text.startswith(begins):
            return becomes + text.removeprefix(begins)
    return text


def _to_value(key: str, text: str) -> str:
    return _to_identity(text) if key.lower() == "acs:principalarn" else text


# --- both -------------------------------------------------------------------------------------------------------------


def _find_key(key: str, keys: dict[str, str], place: str) -> tuple[str, str]:
    """A condition key as the table has it, which is read without case, and its counterpart; the name of a tag stays."""
    name, slash, tag = key.partition("/")
    for known, other in keys.items():
        if (name + slash).lower() == known.lower() and bool(tag) == bool(slash):
            return known, other + tag
    raise PolicyFault(place, f"the condition key {key} has no counterpart")


def _each(value: Any, place: str, translate: Callable[[str], str]) -> list[str]:
    """Each text of one or several, translated."""
    translated = []
    for text, where in _texts(value, place):
        try:
            translated.append(translate(text))
        except ValueError as error:
            raise PolicyFault(where, str(error)) from None
    return translated


def _texts(value: Any, place: str, *, scalars: bool = False) -> list[tuple[str, str]]:
    """The texts of one or of a list, each with its place; numbers and switches as texts where `scalars` says so."""
    given = value if isinstance(value, list) else [value]
    if not given:
        raise PolicyFault(place, "is empty")
    texts = []
    for number, each in enumerate(given):
        where = f"{place}[{number}]" if isinstance(value, list) else place
        text = str(each).lower() if isinstance(each, bool) else each
        text = str(text) if scalars and isinstance(text, int | float) else text
        if not isinstance(text, str) or (isinstance(each, bool) and not scalars):
            raise PolicyFault(where, "must be a text")
        texts.append((text, where))
    return texts


def _plain(text: str) -> str:
    """Raises: ValueError, for a variable."""
    if "${" in text:
        raise ValueError("variables such as ${aws:username} have no counterpart")
    return text


def _plain_at(text: str, place: str) -> str:
    try:
        return _plain(text)
    except ValueError as error:
        raise PolicyFault(place, str(error)) from None

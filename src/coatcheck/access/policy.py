"""RAM's policy grammar: JSON text -> statements.

Source: RAM policy structure and syntax, Version "1"; OSS bucket policy. Three kinds share the grammar: identity
policies (of users and roles, and of a session) have no Principal, bucket policies mean everybody without one, and a
role's trust policy has a Principal and no Resource.

Two rules of this file: a text that isn't understood to its last member is refused with the place of the fault, and
nothing here takes longer than its text is long. What statements say of a request: `verdict.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import Enum
from typing import Any, Final, TypeVar

from msgspec import Struct

from coatcheck.core.limits import (
    BUCKET_POLICY_MAX_BYTES,
    POLICY_MAX_BYTES,
    POLICY_STATEMENTS_MAX,
    POLICY_VALUES_MAX,
    SESSION_POLICY_MAX_BYTES,
)

from .actions import ACTION_NAMES
from .conditions import Condition, narrows, read_condition
from .facts import Asked
from .patterns import Test, read_pattern

T = TypeVar("T")


class PolicyFault(ValueError):
    """A policy that isn't one: where, and why."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}" if place else reason)
        self.place = place
        self.reason = reason


class Kind(Enum):
    """What a policy is attached to; `most_bytes` is how long its text may be."""

    IDENTITY = POLICY_MAX_BYTES
    TRUST = POLICY_MAX_BYTES + 1
    SESSION = SESSION_POLICY_MAX_BYTES
    BUCKET = BUCKET_POLICY_MAX_BYTES

    @property
    def most_bytes(self) -> int:
        return POLICY_MAX_BYTES if self is Kind.TRUST else self.value

    @property
    def has_principal(self) -> bool:
        return self in (Kind.BUCKET, Kind.TRUST)

    @property
    def has_resource(self) -> bool:
        return self is not Kind.TRUST


class Resource(Struct, frozen=True):
    """The parts of acs:oss:REGION:OWNER:NAME; `name` is BUCKET, BUCKET/KEY, or "*" for the service."""

    region: str
    owner: str
    name: str
    service: str = "oss"


class ResourcePattern(Struct, frozen=True):
    """`acs:oss:REGION:OWNER:NAME`, part by part: a `*` never reaches over a colon into the next part. None: any."""

    service: Test | None
    region: Test | None
    owner: Test | None
    name: Test

    def fits(self, resource: Resource) -> bool:
        """All but the name, which is asked for first, since it is what most often differs."""
        return (
            (self.owner is None or self.owner(resource.owner))
            and (self.region is None or self.region(resource.region))
            and (self.service is None or self.service(resource.service))
        )


class Statement(Struct, frozen=True):
    """One statement. `actions` and `resources` are read the other way round where `not_...` says so.

    Bucket and trust policies say whom they mean: `everybody`, and `principals`, patterns of `Caller.names`.
    """

    allows: bool
    actions: tuple[Test, ...]
    not_actions: bool
    resources: tuple[ResourcePattern, ...]
    not_resources: bool
    conditions: tuple[Condition, ...]
    principals: tuple[str, ...] = ()
    everybody: bool = False

    def names_action(self, folded: str) -> bool:
        return any(test(folded) for test in self.actions) != self.not_actions

    def fits(self, resource: Resource, asked: Asked) -> bool:
        """Resource and conditions; the action was looked at before."""
        for pattern in self.resources:
            if pattern.name(resource.name) and pattern.fits(resource):
                if self.not_resources:
                    return False
                break
        else:
            if self.resources and not self.not_resources:
                return False
        for condition in self.conditions:  # noqa: SIM110 (a generator would cost more than what it does)
            if not condition.holds(asked, unknown=self.allows):
                return False
        return True

    @property
    def narrowed(self) -> bool:
        return any(narrows(condition) for condition in self.conditions)


Policy = tuple[Statement, ...]

EVERYBODY: Final = "*"


# --- text -> statements ---------------------------------------------------------------------------------------------


def read_policy(text: str, kind: Kind, *, stored: bool = False) -> Policy:
    """A policy's statements.

    Args:
        stored: it was checked when it was stored, perhaps before an action's name was: any name is taken.
    Raises: PolicyFault.
    """
    if len(text.encode("utf-8", "surrogatepass")) > kind.most_bytes:
        raise PolicyFault("", f"the policy is larger than {kind.most_bytes} bytes")
    document = members_of(read_json(text), "", required=("Version", "Statement"))
    if document["Version"] != "1":
        raise PolicyFault("Version", 'must be the text "1"')
    statements = document["Statement"]
    if not isinstance(statements, list) or not statements:
        raise PolicyFault("Statement", "must be a list of one statement or more")
    if len(statements) > POLICY_STATEMENTS_MAX:
        raise PolicyFault("Statement", f"has more than {POLICY_STATEMENTS_MAX} statements")
    read_action = _read_action if stored else _check_bucket_action if kind is Kind.BUCKET else _check_action
    return tuple(
        _read_statement(statement, f"Statement[{number}]", kind, read_action)
        for number, statement in enumerate(statements)
    )


def read_json(text: str) -> Any:
    """What the text holds; no member of an object twice. Raises: PolicyFault."""
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise PolicyFault(f"line {error.lineno}, column {error.colno}", f"not JSON: {error.msg}") from None
    except RecursionError:
        raise PolicyFault("", "it is nested too deeply") from None
    except PolicyFault:
        raise
    except ValueError:  # a number of thousands of digits
        raise PolicyFault("", "it holds a number that nobody could mean") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise PolicyFault(name, "is given twice in one place")
        members[name] = value
    return members


def _refuse_constant(name: str) -> Any:
    raise PolicyFault("", f"not JSON: {name}")


def members_of(
    value: Any, place: str, *, required: tuple[str, ...] = (), optional: tuple[str, ...] = ()
) -> dict[str, Any]:
    """An object with just these members. Raises: PolicyFault."""
    if not isinstance(value, dict):
        raise PolicyFault(place or "policy", "must be an object in braces")
    before = f"{place}." if place else ""
    for name in value:
        if name not in required and name not in optional:
            raise PolicyFault(f"{before}{name}", f"there is no such member; there are {', '.join(required + optional)}")
    for name in required:
        if name not in value:
            raise PolicyFault(place or "policy", f"{name} is missing")
    return value


def _read_statement(value: Any, place: str, kind: Kind, read_action: Callable[[str], Test]) -> Statement:
    names = ("Action", "NotAction", "Resource", "NotResource", "Condition", "Principal")
    members = members_of(value, place, required=("Effect",), optional=names)
    if members["Effect"] not in ("Allow", "Deny"):
        raise PolicyFault(f"{place}.Effect", "must be Allow or Deny")
    actions, not_actions = _either(members, place, "Action", read_action)
    resources: tuple[ResourcePattern, ...] = ()
    not_resources = False
    if kind.has_resource:
        resources, not_resources = _either(members, place, "Resource", _read_resource)
    elif "Resource" in members or "NotResource" in members:
        raise PolicyFault(f"{place}.Resource", "a trust policy is about the role it belongs to and names no resource")
    principals = _read_principals(members, place, kind)
    return Statement(
        members["Effect"] == "Allow",
        actions,
        not_actions,
        resources,
        not_resources,
        _read_conditions(members.get("Condition", {}), f"{place}.Condition"),
        tuple(name for name in principals if name != EVERYBODY),
        EVERYBODY in principals,
    )


def _either(members: dict[str, Any], place: str, name: str, read: Callable[[str], T]) -> tuple[tuple[T, ...], bool]:
    """The values of `name` or of `Not` and that name, one of which must be there; and whether it was the latter."""
    other = f"Not{name}"
    if (name in members) == (other in members):
        raise PolicyFault(place, f"needs either {name} or {other}")
    given = name if name in members else other
    return tuple(_read_each(members[given], f"{place}.{given}", read)), given == other


def _read_each(value: Any, place: str, read: Callable[[str], T]) -> list[T]:
    """A text, or a list of texts, each read."""
    if isinstance(value, list):
        if len(value) > POLICY_VALUES_MAX:
            raise PolicyFault(place, f"has more than {POLICY_VALUES_MAX} values")
        places = [f"{place}[{number}]" for number in range(len(value))]
    else:
        value, places = [value], [place]
    if not value:
        raise PolicyFault(place, "is empty")
    return [_read_one(item, where, read) for item, where in zip(value, places, strict=True)]


def _read_one(value: Any, place: str, read: Callable[[str], T]) -> T:
    if not isinstance(value, str) or not value:
        raise PolicyFault(place, "must be a text")
    try:
        return read(value)
    except PolicyFault:
        raise
    except ValueError as error:
        raise PolicyFault(place, str(error)) from None


_ACTION_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_*?:")


def _read_action(text: str) -> Test:
    """ "oss:GetObject", "oss:Get*", "*"; letters of either case mean the same."""
    service, colon, name = text.partition(":")
    if text != "*" and not (service and colon and name and ":" not in name):
        raise ValueError(f"{text!r} is not an action such as oss:GetObject or oss:*")
    if not _ACTION_CHARACTERS.issuperset(text):
        raise ValueError(f"{text!r} has characters that no action has")
    return read_pattern(text.lower())


def _check_action(text: str) -> Test:
    """As `_read_action`, of an action that there is, or a pattern that fits one."""
    test = _read_action(text)
    service = text.partition(":")[0].lower()
    if service in ACTION_NAMES and not any(map(test, ACTION_NAMES[service])):
        raise ValueError(f"there is no action {text}, so the statement could never apply")
    return test


def _check_bucket_action(text: str) -> Test:
    service, colon, _ = text.partition(":")
    if colon and not read_pattern(service.lower())("oss"):
        raise ValueError(f"{text} is no action on a bucket; these begin with oss:")
    return _check_action(text)


def _read_resource(text: str) -> ResourcePattern:
    """ "acs:oss:*:*:bucket/key*", or "*"."""
    if text == "*":
        return ResourcePattern(None, None, None, read_pattern("*"))
    parts = text.split(":", 4)
    if len(parts) != 5 or parts[0] != "acs" or not parts[1] or not parts[4]:
        raise ValueError(f"{text!r} is not a resource such as acs:oss:*:*:bucket/key*")
    _, service, region, owner, name = parts
    if service == "oss" and not (region and owner):
        raise ValueError(f"{text!r} leaves out the region or the owner; write acs:oss:*:*:{name}")
    return ResourcePattern(
        None if service == "*" else read_pattern(service),
        None if region == "*" else read_pattern(region.removeprefix("oss-")),
        None if owner == "*" else read_pattern(owner),
        read_pattern(name),
    )


def _read_conditions(value: Any, place: str) -> tuple[Condition, ...]:
    conditions = []
    if not isinstance(value, dict):
        raise PolicyFault(place, "must be an object in braces")
    for operator, keys in value.items():
        if not isinstance(keys, dict) or not keys:
            raise PolicyFault(f"{place}.{operator}", "must be an object of condition keys")
        for key, given in keys.items():
            where = f"{place}.{operator}.{key}"
            texts = _read_condition_values(given, where)
            try:
                conditions.append(read_condition(operator, key, texts))
            except ValueError as error:
                raise PolicyFault(where, str(error)) from None
    if len(conditions) > POLICY_VALUES_MAX:
        raise PolicyFault(place, f"has more than {POLICY_VALUES_MAX} conditions")
    return tuple(conditions)


def _read_condition_values(value: Any, place: str) -> tuple[str, ...]:
    given = value if isinstance(value, list) else [value]
    if not 1 <= len(given) <= POLICY_VALUES_MAX:
        raise PolicyFault(place, f"needs 1 to {POLICY_VALUES_MAX} values")
    return tuple(_write_scalar(item, place) for item in given)


def _write_scalar(value: Any, place: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise PolicyFault(place, "must be a text, a number, true or false, or a list of these")


def _read_principals(members: dict[str, Any], place: str, kind: Kind) -> tuple[str, ...]:
    if not kind.has_principal:
        if "Principal" in members:
            raise PolicyFault(f"{place}.Principal", "a policy of a user, role or session is about its holder")
        return ()
    if "Principal" not in members and kind is Kind.BUCKET:
        return (EVERYBODY,)
    if "Principal" not in members:
        raise PolicyFault(place, "Principal is missing")
    value, where = members["Principal"], f"{place}.Principal"
    if kind is Kind.TRUST:
        return _read_all_trusted(value, where)
    return tuple(_read_each(value, where, read_principal))


def _read_all_trusted(value: Any, where: str) -> tuple[str, ...]:
    """Identities of RAM, services of Alibaba Cloud, or both."""
    members = members_of(value, where, optional=("RAM", "Service"))
    if not members:
        raise PolicyFault(where, "RAM is missing")
    trusted = _read_each(members["RAM"], f"{where}.RAM", _read_trusted) if "RAM" in members else []
    services = _read_each(members["Service"], f"{where}.Service", _read_service) if "Service" in members else []
    return (*trusted, *services)


def _read_service(text: str) -> str:
    """ "oss.aliyuncs.com": never the name of a caller, which has no dots."""
    if not text.endswith(".aliyuncs.com") or "*" in text:
        raise ValueError(f"{text!r} is not a service such as oss.aliyuncs.com")
    return text.lower()


_UID: Final = frozenset("0123456789")


def _read_trusted(text: str) -> str:
    """ "acs:ram::UID:root", "acs:ram::UID:user/NAME", "acs:ram::UID:role/NAME"."""
    parts = text.split(":", 4)
    if len(parts) != 5 or parts[:3] != ["acs", "ram", ""] or not parts[3] or not _UID.issuperset(parts[3]):
        raise ValueError(f"{text!r} is not a principal such as acs:ram::1234567890123456:root")
    kind, slash, name = parts[4].partition("/")
    if parts[4] == "root":
        return parts[3]
    if kind not in ("user", "role") or not slash or not name:
        raise ValueError(f"{text!r} must end in root, user/NAME or role/NAME")
    return text


def read_principal(text: str) -> str:
    """A uid of an account or a user, "*", or "arn:sts::UID:assumed-role/ROLE/SESSION"; RAM's own names do, too.

    Raises: ValueError, which says what is wrong.
    """
    if text == EVERYBODY or _UID.issuperset(text):
        return text
    if text.startswith(("arn:sts::", "acs:sts::")) and ":assumed-role/" in text:
        return f"acs:{text[4:]}"
    if text.startswith("acs:ram::"):
        return _read_trusted(text)
    raise ValueError(f"{text!r} is neither a uid, nor *, nor arn:sts::UID:assumed-role/ROLE/SESSION")

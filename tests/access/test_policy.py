"""RAM's grammar: what is read, what is refused and where, and what statements say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.access.actions import Action
from coatcheck.access.facts import AccessFacts, Asked, read_request_facts
from coatcheck.access.policy import Kind, PolicyFault, Resource, _unique, read_policy
from coatcheck.access.verdict import Verdict, is_public, weigh
from coatcheck.core.system_policies import SYSTEM_POLICIES
from coatcheck.identity.caller import ANONYMOUS, Caller
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.object import ObjectRecord
from coatcheck.wire.query import read_query
from coatcheck.wire.request import Request

from ..each import each
from ..patience import fails_if_it_hangs
from .world import HOME, a_bucket, a_bucket_policy, a_policy, a_user, an_object, policies

NOW = 1_772_694_489  # 2026-03-05T07:08:09Z


def fault_of(text: str, kind: Kind = Kind.IDENTITY) -> str:
    with pytest.raises(PolicyFault) as fault:
        read_policy(text, kind)
    return str(fault.value)


def a_statement(**members: Any) -> str:
    """A policy of one statement, some of whose members are others; None leaves one out."""
    statement = {"Effect": "Allow", "Action": "oss:*", "Resource": "*"} | members
    return json.dumps({"Version": "1", "Statement": [{k: v for k, v in statement.items() if v is not None}]})


def says(text: str, action: str, name: str, region: str = "cn-hangzhou", owner: str = HOME, **asked: Any) -> Verdict:
    return weigh((text,), action, Resource(region, owner, name), asked_of(**asked))


def asked_of(
    caller: Caller = ANONYMOUS,
    query: str = "",
    headers: dict[str, str] | None = None,
    client: str = "",
    secure: bool = False,
    about: str | None = "k",
    found: ObjectRecord | None = None,
    bucket: Bucket | None = None,
    acl: str | None = None,
    tags: tuple[tuple[str, str], ...] | None = (),
) -> Asked:
    request = read_request_facts(Request("GET", b"/", read_query(query.encode()), headers or {}, client, secure))
    return Asked(caller, AccessFacts(bucket or a_bucket(), about, found, request=request, now=NOW, acl=acl, tags=tags))


def allows_if(operator: str, key: str, value: Any, **asked: Any) -> bool:
    text = a_policy(Condition={operator: {key: value}})
    return says(text, "oss:GetObject", "photos/k", **asked) is Verdict.ALLOW


# --- actions and resources ---


@pytest.mark.parametrize(
    ("pattern", "action", "fits"),
    [
        ("oss:GetObject", "oss:GetObject", True),
        ("oss:GetObject", "oss:GetObjectAcl", False),
        ("oss:getobject", "oss:GetObject", True),
        ("oss:Get*", "oss:GetObjectAcl", True),
        ("oss:*Acl", "oss:PutBucketAcl", True),
        ("oss:?etObject", "oss:GetObject", True),
        ("oss:?etObject", "oss:etObject", False),
        ("*", "oss:DeleteBucket", True),
        ("*:*", "oss:DeleteBucket", True),
        ("ecs:*", "oss:GetObject", False),
        ("oss:G*t*O*t", "oss:GetObject", True),
    ],
)
def test_actions(pattern: str, action: str, fits: bool) -> None:
    assert (says(a_policy(action=pattern), action, "photos/k") is Verdict.ALLOW) == fits
    statement = a_statement(Action=None, NotAction=pattern)
    assert (says(statement, action, "photos/k") is Verdict.ALLOW) != fits


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("*", "photos/k", True),
        ("acs:oss:*:*:*", "photos/k", True),
        ("acs:oss:*:*:*", "*", True),
        ("acs:oss:*:*:photos", "photos", True),
        ("acs:oss:*:*:photos", "photos/k", False),
        ("acs:oss:*:*:photos/*", "photos/k", True),
        ("acs:oss:*:*:photos/*", "photos", False),
        ("acs:oss:*:*:photos/*", "photos/", True),
        ("acs:oss:*:*:photos/*", "photos2/k", False),
        ("acs:oss:*:*:photos*", "photos2/k", True),
        ("acs:oss:*:*:photos/2026/*.jpg", "photos/2026/a/b.jpg", True),
        ("acs:oss:*:*:photos/2026/*.jpg", "photos/2026/a.jpeg", False),
        ("acs:oss:*:*:photos/a?c", "photos/abc", True),
        ("acs:oss:*:*:photos/a?c", "photos/ac", False),
        ("acs:oss:cn-hangzhou:*:photos/*", "photos/k", True),
        ("acs:oss:oss-cn-hangzhou:*:photos/*", "photos/k", True),
        ("acs:oss:cn-shanghai:*:photos/*", "photos/k", False),
        ("acs:oss:cn-*:*:photos/*", "photos/k", True),
        (f"acs:oss:*:{HOME}:photos/*", "photos/k", True),
        ("acs:oss:*:2000000000000002:photos/*", "photos/k", False),
        ("acs:*:*:*:photos/*", "photos/k", True),
        ("acs:ecs:*:*:*", "photos/k", False),
        ("acs:oss:*:*:photos/a:b*", "photos/a:bc", True),
    ],
)
def test_resources(pattern: str, name: str, fits: bool) -> None:
    assert (says(a_policy(resource=pattern), "oss:GetObject", name) is Verdict.ALLOW) == fits
    statement = a_statement(Resource=None, NotResource=pattern)
    assert (says(statement, "oss:GetObject", name) is Verdict.ALLOW) != fits


def test_a_run_never_reaches_over_a_colon_into_the_next_part() -> None:
    """A key may hold colons: it must not be able to look like another bucket's resource."""
    text = a_policy(resource="acs:oss:*:*:photos/*")
    assert says(text, "oss:GetObject", "other/x:y:photos/secret") is Verdict.NOTHING
    assert says(text, "oss:GetObject", "other/acs:oss:*:*:photos/secret") is Verdict.NOTHING


def test_a_deny_beats_every_allow_whatever_the_order() -> None:
    allow = {"Effect": "Allow", "Action": "oss:*", "Resource": "*"}
    deny = {"Effect": "Deny", "Action": "oss:GetObject", "Resource": "acs:oss:*:*:photos/secret/*"}
    for text in (policies(allow, deny), policies(deny, allow)):
        assert says(text, "oss:GetObject", "photos/secret/k") is Verdict.DENY
        assert says(text, "oss:GetObject", "photos/k") is Verdict.ALLOW
        assert says(text, "oss:PutObject", "photos/secret/k") is Verdict.ALLOW
    assert says(policies(deny), "oss:GetObject", "photos/k") is Verdict.NOTHING


# --- conditions ---


@pytest.mark.parametrize(
    ("operator", "key", "value", "asked", "holds"),
    [
        ("StringEquals", "acs:UserAgent", "curl", {"headers": {"user-agent": "curl"}}, True),
        ("StringEquals", "acs:UserAgent", ["wget", "curl"], {"headers": {"user-agent": "curl"}}, True),
        ("StringEquals", "acs:UserAgent", "Curl", {"headers": {"user-agent": "curl"}}, False),
        ("StringEqualsIgnoreCase", "acs:useragent", "Curl", {"headers": {"user-agent": "curl"}}, True),
        ("StringNotEquals", "acs:UserAgent", ["wget", "curl"], {"headers": {"user-agent": "curl"}}, False),
        ("StringNotEquals", "acs:UserAgent", "wget", {}, True),
        ("StringNotEqualsIgnoreCase", "acs:UserAgent", "CURL", {"headers": {"user-agent": "curl"}}, False),
        ("StringEquals", "acs:UserAgent", "wget", {}, False),
        ("StringLike", "acs:UserAgent", "cu?l/*", {"headers": {"user-agent": "curl/8.1"}}, True),
        ("StringNotLike", "acs:UserAgent", "cu?l/*", {"headers": {"user-agent": "curl/8.1"}}, False),
        ("StringEquals", "oss:Prefix", "a/", {"query": "prefix=a%2F", "about": None}, True),
        ("StringLike", "oss:Prefix", ["a/*", "b/*"], {"query": "prefix=b/c", "about": None}, True),
        ("StringEquals", "oss:Prefix", "", {"about": None}, True),
        ("StringEquals", "oss:Prefix", "", {"about": "k"}, False),
        ("StringEquals", "oss:Delimiter", "/", {"query": "delimiter=/", "about": None}, True),
        ("IpAddress", "acs:SourceIp", "192.0.2.0/24", {"client": "192.0.2.7"}, True),
        ("IpAddress", "acs:SourceIp", "192.0.2.7/24", {"client": "192.0.2.9"}, True),
        ("IpAddress", "acs:SourceIp", ["10.0.0.1", "192.0.2.0/24"], {"client": "10.0.0.1"}, True),
        ("IpAddress", "acs:SourceIp", "192.0.2.0/24", {"client": "192.0.3.7"}, False),
        ("IpAddress", "acs:SourceIp", "192.0.2.0/24", {"client": "::ffff:192.0.2.7"}, True),
        ("IpAddress", "acs:SourceIp", "2001:db8::/32", {"client": "2001:db8::7"}, True),
        ("IpAddress", "acs:SourceIp", "192.0.2.0/24", {"client": "2001:db8::7"}, False),
        ("IpAddress", "acs:SourceIp", "0.0.0.0/0", {}, False),
        ("NotIpAddress", "acs:SourceIp", "192.0.2.0/24", {"client": "192.0.2.7"}, False),
        ("NotIpAddress", "acs:SourceIp", "192.0.2.0/24", {"client": "192.0.3.7"}, True),
        ("Bool", "acs:SecureTransport", "true", {"secure": True}, True),
        ("Bool", "acs:SecureTransport", True, {"secure": False}, False),
        ("Bool", "acs:SecureTransport", "False", {"secure": False}, True),
        ("DateLessThan", "acs:CurrentTime", "2026-03-05T07:08:10Z", {}, True),
        ("DateLessThan", "acs:CurrentTime", "2026-03-05T07:08:09Z", {}, False),
        ("DateLessThanEquals", "acs:CurrentTime", "2026-03-05T15:08:09+08:00", {}, True),
        ("DateGreaterThan", "acs:CurrentTime", "2026-03-05T07:08:08Z", {}, True),
        ("DateGreaterThanEquals", "acs:CurrentTime", "2026-03-05T07:08:10Z", {}, False),
        ("DateEquals", "acs:CurrentTime", "2026-03-05T07:08:09", {}, True),
        ("DateNotEquals", "acs:CurrentTime", "2026-03-05T07:08:09Z", {}, False),
        ("NumericEquals", "oss:ExistingObjectTag/size", 7, {"found": an_object(tags=(("size", "7.0"),))}, True),
        ("NumericNotEquals", "oss:ExistingObjectTag/size", 7, {"found": an_object(tags=(("size", "7"),))}, False),
        ("NumericLessThan", "oss:ExistingObjectTag/size", "8", {"found": an_object(tags=(("size", "-7"),))}, True),
        ("NumericLessThanEquals", "oss:ExistingObjectTag/size", 7, {"found": an_object(tags=(("size", "7"),))}, True),
        ("NumericGreaterThan", "oss:ExistingObjectTag/size", 7, {"found": an_object(tags=(("size", "7"),))}, False),
        ("NumericGreaterThanEquals", "oss:ExistingObjectTag/n", 7, {"found": an_object(tags=(("n", "x"),))}, False),
        ("StringEquals", "oss:ExistingObjectTag/colour", "red", {"found": an_object(tags=(("colour", "red"),))}, True),
        ("StringEquals", "oss:ExistingObjectTag/colour", "red", {}, False),
        ("StringEquals", "oss:RequestObjectTag/colour", "red", {"tags": (("colour", "red"), ("a", "b"))}, True),
        ("StringEquals", "oss:RequestObjectTag/colour", "red", {"headers": {"x-oss-tagging": "colour=red"}}, False),
        ("StringEquals", "oss:x-oss-acl", "private", {"acl": "private"}, True),
        ("StringEquals", "oss:x-oss-object-acl", "private", {"acl": "private"}, True),
        ("StringEquals", "oss:x-oss-object-acl", "private", {"acl": "private", "about": None}, False),
        ("StringEquals", "oss:x-oss-object-acl", "private", {"headers": {"x-oss-object-acl": "private"}}, False),
        ("StringEquals", "oss:BucketTag/team", "a", {"bucket": a_bucket(tags=(("team", "a"),))}, True),
        ("StringEquals", "oss:BucketTag/team", "a", {}, False),
        ("StringEquals", "acs:AccessId", "UserKey", {"caller": a_user()}, True),
        ("StringEquals", "acs:PrincipalARN", f"acs:ram::{HOME}:user/alice", {"caller": a_user()}, True),
        ("Bool", "acs:MFAPresent", "true", {"caller": a_user()}, False),
        ("StringEquals", "acs:SourceVpc", "vpc-1", {}, False),
        ("StringNotEquals", "acs:SourceVpc", "vpc-1", {}, True),
        ("StringEquals", "ecs:tag/x", "y", {}, False),
    ],
)
def test_conditions(operator: str, key: str, value: Any, asked: dict[str, Any], holds: bool) -> None:
    assert allows_if(operator, key, value, **asked) == holds


def test_tags_that_are_not_known_yet_count_in_the_requests_favour() -> None:
    """Whoever finds them decides again."""
    for operator in ("StringEquals", "StringNotEquals"):
        condition = {operator: {"oss:RequestObjectTag/colour": "red"}}
        assert says(a_policy(Condition=condition), "oss:PutObject", "photos/k", tags=None) is Verdict.ALLOW
        deny = a_policy("Deny", Condition=condition)
        assert says(deny, "oss:PutObject", "photos/k", tags=None) is Verdict.NOTHING
        never = a_policy(Condition={**condition, "Bool": {"acs:SecureTransport": "true"}})
        assert says(never, "oss:PutObject", "photos/k", tags=None) is Verdict.NOTHING


def test_all_operators_and_all_keys_must_hold() -> None:
    condition = {
        "IpAddress": {"acs:SourceIp": "192.0.2.0/24"},
        "StringLike": {"acs:UserAgent": "curl/*", "acs:AccessId": "*"},
    }
    text = a_policy(Condition=condition)
    right: dict[str, Any] = {"client": "192.0.2.7", "headers": {"user-agent": "curl/8"}, "caller": a_user()}
    assert says(text, "oss:GetObject", "photos/k", **right) is Verdict.ALLOW
    wrongs: list[dict[str, Any]] = [{"client": "192.0.3.7"}, {"headers": {}}, {"caller": ANONYMOUS}]
    for wrong in wrongs:
        assert says(text, "oss:GetObject", "photos/k", **(right | wrong)) is Verdict.NOTHING


# --- what is refused, and where ---


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "line 1, column 1: not JSON: Expecting value"),
        ('{"Version": "1",\n "Statement": [}', "line 2, column 16: not JSON: Expecting value"),
        ("[]", "policy: must be an object in braces"),
        ('{"Version": "1"}', "policy: Statement is missing"),
        ('{"Statement": []}', "policy: Version is missing"),
        ('{"Version": 1, "Statement": [{}]}', 'Version: must be the text "1"'),
        ('{"Version": "2", "Statement": [{}]}', 'Version: must be the text "1"'),
        ('{"Version": "1", "Statement": {}}', "Statement: must be a list of one statement or more"),
        ('{"Version": "1", "Statement": []}', "Statement: must be a list of one statement or more"),
        ('{"Version": "1", "Statement": [7]}', "Statement[0]: must be an object in braces"),
        ('{"Version": "1", "Version": "1", "Statement": [{}]}', "Version: is given twice in one place"),
        ('{"Version": NaN}', "not JSON: NaN"),
        ('{"Version": ' + "9" * 5000 + "}", "it holds a number that nobody could mean"),
        (a_statement(Effect="allow"), "Statement[0].Effect: must be Allow or Deny"),
        (a_statement(Effect=None), "Statement[0]: Effect is missing"),
        (a_statement(Action=None), "Statement[0]: needs either Action or NotAction"),
        (a_statement(NotAction="oss:*"), "Statement[0]: needs either Action or NotAction"),
        (a_statement(Action=[]), "Statement[0].Action: is empty"),
        (a_statement(Action=["oss:*", 7]), "Statement[0].Action[1]: must be a text"),
        (a_statement(Action="GetObject"), "Statement[0].Action: 'GetObject' is not an action such as oss:GetObject"),
        (
            a_statement(Action="oss:Get Object"),
            "Statement[0].Action: 'oss:Get Object' has characters that no action has",
        ),
        (a_statement(Resource="photos/*"), "Statement[0].Resource: 'photos/*' is not a resource such as"),
        (a_statement(Resource="arn:aws:s3:::photos"), "Statement[0].Resource: 'arn:aws:s3:::photos' is not a resource"),
        (a_statement(Resource="acs:oss:::photos"), "Statement[0].Resource: 'acs:oss:::photos' leaves out the region"),
        (a_statement(Principal="*"), "Statement[0].Principal: a policy of a user, role or session is about its holder"),
        (a_statement(Sid="x"), "Statement[0].Sid: there is no such member"),
        (a_statement(Condition=[]), "Statement[0].Condition: must be an object in braces"),
        (a_statement(Condition={"IpAddress": {}}), "Statement[0].Condition.IpAddress: must be an object of condition"),
        (
            a_statement(Condition={"IpAddress": {"acs:SourceIp": "10.0.0.0/33"}}),
            "Statement[0].Condition.IpAddress.acs:SourceIp: '10.0.0.0/33' is neither an address nor a network",
        ),
        (
            a_statement(Condition={"StringMatches": {"acs:UserAgent": "x"}}),
            "Statement[0].Condition.StringMatches.acs:UserAgent: there is no operator StringMatches",
        ),
        (
            a_statement(Condition={"StringEquals": {"acs:UsrAgent": "x"}}),
            "Statement[0].Condition.StringEquals.acs:UsrAgent: the condition key acs:UsrAgent is not known here",
        ),
        (
            a_statement(Condition={"DateLessThan": {"acs:CurrentTime": "tomorrow"}}),
            "Statement[0].Condition.DateLessThan.acs:CurrentTime: 'tomorrow' is not a time",
        ),
        (
            a_statement(Condition={"NumericEquals": {"oss:BucketTag/x": "seven"}}),
            "Statement[0].Condition.NumericEquals.oss:BucketTag/x: 'seven' is not a number",
        ),
        (
            a_statement(Condition={"Bool": {"acs:SecureTransport": "yes"}}),
            "Statement[0].Condition.Bool.acs:SecureTransport: 'yes' is neither true nor false",
        ),
        (
            a_statement(Condition={"Bool": {"acs:SecureTransport": [None]}}),
            "Statement[0].Condition.Bool.acs:SecureTransport: must be a text, a number, true or false",
        ),
    ],
)
def test_what_does_not_parse_is_refused_with_the_place(text: str, place: str) -> None:
    assert fault_of(text).startswith(place)


def test_a_policy_has_a_size() -> None:
    assert fault_of(" " * 6145) == "the policy is larger than 6144 bytes"
    assert fault_of(" " * 16_385, Kind.BUCKET) == "the policy is larger than 16384 bytes"
    assert fault_of(" " * 2049, Kind.SESSION) == "the policy is larger than 2048 bytes"
    assert fault_of("x" * 1_000_000) == "the policy is larger than 6144 bytes"
    many = ['{"Effect":"Deny","Action":"*","Resource":"*","Principal":"*"}'] * 129
    assert fault_of('{"Version":"1","Statement":[' + ",".join(many) + "]}", Kind.BUCKET) == (
        "Statement: has more than 128 statements"
    )


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"Version":"1","Statement":['])
def test_deep_nesting_is_a_refusal(opening: str) -> None:
    assert fault_of(opening * (16_000 // len(opening)), Kind.BUCKET)


def test_a_pattern_that_would_backtrack_does_not() -> None:
    text = a_policy(resource="acs:oss:*:*:photos/" + "*a" * 2000 + "b")
    with fails_if_it_hangs():  # with backtracking it would take longer than anybody lives
        assert says(text, "oss:GetObject", "photos/" + "a" * 1016) is Verdict.NOTHING


def test_the_policies_of_every_server_parse() -> None:
    for text in SYSTEM_POLICIES.values():
        assert read_policy(text, Kind.IDENTITY)
    reading = SYSTEM_POLICIES["AliyunOSSReadOnlyAccess"]
    assert says(reading, "oss:ListBuckets", "*") is Verdict.ALLOW
    assert says(reading, "oss:PutObject", "photos/k") is Verdict.NOTHING


# --- the other kinds ---


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"Principal": []}, "Statement[0].Principal: is empty"),
        ({"Principal": ["alice"]}, "Statement[0].Principal[0]: 'alice' is neither a uid, nor *, nor arn:sts::UID:"),
        ({"Principal": {"RAM": "*"}}, "Statement[0].Principal: must be a text"),
    ],
)
def test_a_bucket_policy_names_principals(changes: dict[str, Any], fault: str) -> None:
    members = {"Principal": "*", "Resource": "acs:oss:*:*:photos/*"} | changes
    assert fault_of(a_statement(**members), Kind.BUCKET).startswith(fault)


@pytest.mark.parametrize(
    "principal", ["*", HOME, [HOME, "201234567890123456"], "arn:sts::1:assumed-role/r/*", f"acs:ram::{HOME}:user/alice"]
)
def test_principals_of_bucket_policies(principal: Any) -> None:
    assert read_policy(a_bucket_policy(principal=principal), Kind.BUCKET)


def test_a_trust_policy_names_who_and_no_resource() -> None:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": [f"acs:ram::{HOME}:root"]}}
    assert read_policy(policies(trust), Kind.TRUST)
    assert fault_of(policies(trust | {"Resource": "*"}), Kind.TRUST).startswith("Statement[0].Resource: a trust policy")
    for principal, fault in (
        ("*", "Statement[0].Principal: must be an object in braces"),
        ({"Service": ["ecs"]}, "Statement[0].Principal.Service[0]: 'ecs' is not a service such as oss.aliyuncs.com"),
        (
            {"Service": ["*.aliyuncs.com"]},
            "Statement[0].Principal.Service[0]: '*.aliyuncs.com' is not a service such as oss.aliyuncs.com",
        ),
        ({"Federated": ["x"]}, "Statement[0].Principal.Federated: there is no such member; there are RAM, Service"),
        ({"RAM": "acs:ram::1:group/x"}, "Statement[0].Principal.RAM: 'acs:ram::1:group/x' must end in root, user/NAME"),
        (
            {"RAM": "alice"},
            "Statement[0].Principal.RAM: 'alice' is not a principal such as",
        ),
    ):
        assert fault_of(policies(trust | {"Principal": principal}), Kind.TRUST).startswith(fault)


@pytest.mark.parametrize(
    ("policy", "public"),
    [
        (a_bucket_policy(), True),
        (a_bucket_policy(principal=[HOME, "*"]), True),
        (a_bucket_policy("Deny"), False),
        (a_bucket_policy(principal=HOME), False),
        (a_bucket_policy(Condition={"IpAddress": {"acs:SourceIp": "192.0.2.0/24"}}), False),
        (a_bucket_policy(Condition={"IpAddress": {"acs:SourceIp": ["192.0.2.0/24", "0.0.0.0/1"]}}), True),
        (a_bucket_policy(Condition={"IpAddress": {"acs:SourceIp": "2001::/16"}}), True),
        (a_bucket_policy(Condition={"NotIpAddress": {"acs:SourceIp": "192.0.2.0/24"}}), True),
        (a_bucket_policy(Condition={"StringEquals": {"acs:SourceVpc": "vpc-1"}}), False),
        (a_bucket_policy(Condition={"StringLike": {"acs:AccessId": "LTAI*"}}), True),
        (a_bucket_policy(Condition={"StringLike": {"acs:UserAgent": "curl"}}), True),
        (a_bucket_policy(Condition={"Bool": {"acs:SecureTransport": "true"}}), True),
    ],
)
def test_what_is_public(policy: str, public: bool) -> None:
    assert is_public(policy) == public


# --- rubbish ---

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from(["Allow", "oss:*", "*", "1"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["Version", "Statement", "Effect", "Action", "Resource", "Condition", "Principal", "IpAddress"]
            )
            | st.text(max_size=8),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


def is_read(text: str, kind: Kind) -> bool:
    """Whether a text is a policy; a fault must say something."""
    try:
        return len(read_policy(text, kind)) > 0
    except PolicyFault as fault:
        return str(fault) != ""


@given(text=st.text(max_size=300) | JSON.map(json.dumps), kind=st.sampled_from(Kind))
def test_any_text_is_a_policy_or_a_fault(text: str, kind: Kind) -> None:
    assert is_read(text, kind)


@given(statement=st.dictionaries(st.sampled_from(["Effect", "Action", "Resource", "Condition", "Principal"]), JSON))
def test_any_statement_is_one_or_a_fault(statement: dict[str, Any]) -> None:
    whole = {"Effect": "Allow", "Action": "oss:*", "Resource": "*"} | statement
    assert is_read(json.dumps({"Version": "1", "Statement": [whole]}), Kind.IDENTITY)


class Counted(str):
    """A text whose comparisons are counted."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def test_the_member_that_is_there_twice_is_found_in_one_walk() -> None:
    Counted.compared = 0
    pairs = [(Counted(f"member{number}"), 1) for number in range(3000)]
    with pytest.raises(PolicyFault) as fault:
        _unique([*pairs, (Counted("member2999"), 1)])
    assert str(fault.value) == "member2999: is given twice in one place"
    assert Counted.compared < 100  # of equal hashes only; each with each would be 4.5 million


@pytest.mark.parametrize("key", ["acs:UserAgent", "oss:Prefix"])
def test_of_a_long_text_a_condition_looks_at_the_beginning(key: str) -> None:
    text = "a" * 1024 + "b" * 200_000
    asked = {"headers": {"user-agent": text}, "query": f"prefix={text}", "about": None}
    assert allows_if("StringEquals", key, "a" * 1024, **asked)
    assert not allows_if("StringLike", key, "*b*", **asked)


# --- actions that there are ---


@pytest.mark.parametrize("member", ["Action", "NotAction"])
@pytest.mark.parametrize("effect", ["Allow", "Deny"])
@pytest.mark.parametrize(
    "action", ["oss:GetObjct", "OSS:getobjct", "oss:Gett*", "oss:CopyObject", "oss:*Objct", "oss:?", "sts:AssumRole"]
)
def test_an_action_that_does_not_exist_is_refused(action: str, effect: str, member: str) -> None:
    text = a_statement(**{"Effect": effect, "Action": None, member: ["oss:GetObject", action]})
    place = f"Statement[0].{member}[1]"
    for kind in (Kind.IDENTITY, Kind.SESSION):
        assert fault_of(text, kind) == f"{place}: there is no action {action}, so the statement could never apply"


@pytest.mark.parametrize(
    "action",
    [
        *("*", "oss:*", "*:*", "oss:Get*", "oss:getobject", "oss:GetObjectVersion", "oss:*Acl", "oss:PutBucketLogging"),
        *("oss:DeleteObjectVersion", "oss:GetObjectVersionAcl", "oss:*Worm", "o?s:PutObject", "sts:AssumeRole"),
        *("ecs:DescribeInstances", "ram:*"),  # of services whose actions aren't known here
    ],
)
def test_an_action_that_exists_is_taken(action: str) -> None:
    assert read_policy(a_statement(Action=action), Kind.IDENTITY)


@each([action.action_name for action in Action])
def test_every_action_of_ours_may_be_named(action: str) -> None:
    assert read_policy(a_statement(Action=action, Effect="Deny"), Kind.IDENTITY)


def test_a_bucket_policy_is_about_the_bucket() -> None:
    for action in ("ecs:DescribeInstances", "sts:AssumeRole", "ram:*"):
        text = a_bucket_policy(action=action)
        assert fault_of(text, Kind.BUCKET).endswith(f"{action} is no action on a bucket; these begin with oss:")
    for action in ("*", "*:*", "oss:GetObject", "o*:Get*"):
        assert read_policy(a_bucket_policy(action=action), Kind.BUCKET)


def test_a_policy_that_was_stored_before_is_read_as_it_is() -> None:
    assert says(a_policy("Deny", ["oss:GetObjct", "oss:GetObject"]), "oss:GetObject", "photos/k") is Verdict.DENY
    assert says(a_policy("Deny", "oss:GetObjct"), "oss:GetObject", "photos/k") is Verdict.NOTHING

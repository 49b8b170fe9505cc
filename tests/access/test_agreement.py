"""For random policies and requests, the decision agrees with a naive reading of docs/permissions.md.

The evaluator below knows nothing of caches, compiled statements or indexes: it reads JSON and walks over it.
"""

from __future__ import annotations

import json
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coatcheck.access.actions import Action
from coatcheck.access.decide import decide
from coatcheck.access.facts import AccessFacts, read_request_facts
from coatcheck.core.errors import OssError
from coatcheck.identity.caller import Caller
from coatcheck.wire.query import read_query
from coatcheck.wire.request import Request

from ..soak import count
from .world import ABROAD, ALICE, ANYBODY, BOB, HOME, OWNER, STRANGER, a_bucket, a_session, a_user, an_object

# --- the evaluator: at most 60 lines --------------------------------------------------------------------------------


def fits(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(fits(pattern[1:], text[start:]) for start in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and fits(pattern[1:], text[1:])


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def covers(resource: str, asked: str) -> bool:
    parts, wanted = resource.split(":", 4), asked.split(":", 4)
    return resource == "*" or all(fits(part, want) for part, want in zip(parts, wanted, strict=True))


def holds(condition: dict[str, dict[str, Any]], request: Request) -> bool:
    for operator, keys in condition.items():
        for key, values in keys.items():
            agent, texts = request.headers.get("user-agent"), [str(value) for value in listed(values)]
            if key == "acs:SourceIp":
                found = any(request.client and ip_address(request.client) in ip_network(text) for text in texts)
            else:
                same = fits if "Like" in operator else str.__eq__
                found = agent is not None and any(same(text, agent) for text in texts)
            if found == ("Not" in operator):
                return False
    return True


def says(text: str, effect: str, action: str, asked: str, request: Request, names: set[str] | None = None) -> bool:
    for statement in json.loads(text)["Statement"]:
        actions, resources = statement.get("Action"), statement.get("Resource")
        if (
            statement["Effect"] == effect
            and (names is None or names & set(listed(statement["Principal"])))
            and any(fits(a.lower(), action) for a in listed(actions or statement["NotAction"])) == bool(actions)
            and any(covers(r, asked) for r in listed(resources or statement["NotResource"])) == bool(resources)
            and holds(statement.get("Condition", {}), request)
        ):
            return True
    return False


def may(caller: Caller, action: Action, shared: str | None, acl: str, request: Request) -> bool:
    who, about = caller.principal, (action.action_name.lower(), f"acs:oss:cn-hangzhou:{HOME}:photos/a.txt", request)
    own = who.policies if who else ()
    if caller.anonymous and action.acl_right.value == "nothing":
        return False
    if who and who.session_policy and not (says(who.session_policy, "Allow", *about)):
        return False
    if who and who.session_policy and says(who.session_policy, "Deny", *about):
        return False
    closest = {caller.account if not who else caller.arn if who.session else who.uid} | {"*"}
    names = closest | {caller.account}
    if any(says(text, "Deny", *about) for text in own) or (shared and says(shared, "Deny", *about, names)):
        return False
    if shared and says(shared, "Allow", *about, closest):
        return True
    at_home = caller.account == HOME or (shared is not None and says(shared, "Allow", *about, names))
    if at_home and (who is None or any(says(text, "Allow", *about) for text in own)):
        return True
    return action.acl_right.value in {"public-read": ["read"], "public-read-write": ["read", "write"]}.get(acl, [])


# --- what it is compared on -----------------------------------------------------------------------------------------

some = st.sampled_from
ACTIONS = some(
    ["oss:*", "oss:GetObject", "oss:getobject", "oss:Get*", "oss:?utObject", "*", "oss:*Acl", "sts:*", "oss:Delete*"]
)
RESOURCES = some(
    [
        "acs:oss:*:*:photos/*",
        "acs:oss:*:*:photos/a.txt",
        "acs:oss:*:*:photos/?.t*t",
        "acs:oss:*:*:photos/b*",
        "acs:oss:cn-*:*:photos/*",
        "acs:oss:cn-shanghai:*:photos/*",
        f"acs:oss:*:{HOME}:photos/*.txt",
        f"acs:oss:*:{ABROAD}:photos/*",
    ]
)
CONDITIONS = st.dictionaries(
    some(["IpAddress", "NotIpAddress"]),
    st.fixed_dictionaries({"acs:SourceIp": some(["192.0.2.0/24", "192.0.2.7", ["10.0.0.0/8", "192.0.2.9"]])}),
    max_size=2,
) | st.dictionaries(
    some(["StringEquals", "StringNotEquals", "StringLike", "StringNotLike"]),
    st.fixed_dictionaries({"acs:UserAgent": some(["curl", "cu*", ["wget", "c?rl"], "*"])}),
    max_size=2,
)
NAMES = some(["*", HOME, ABROAD, ALICE, BOB])


@st.composite
def a_document(draw: st.DrawFn, *, shared: bool) -> str:
    statements = []
    for _ in range(draw(st.integers(1, 3))):
        action, resource = draw(some(["Action", "NotAction"])), draw(some(["Resource", "NotResource"]))
        statement: dict[str, Any] = {
            "Effect": draw(some(["Allow", "Allow", "Deny"])),
            action: draw(ACTIONS | st.lists(ACTIONS, min_size=1, max_size=3)),
            resource: draw(RESOURCES | st.lists(RESOURCES, min_size=1, max_size=3)),
        }
        if draw(st.booleans()):
            statement["Condition"] = draw(CONDITIONS)
        if shared:
            statement["Principal"] = draw(NAMES | st.lists(NAMES, min_size=1, max_size=2))
        statements.append(statement)
    return json.dumps({"Version": "1", "Statement": statements})


OWN = a_document(shared=False)
PEOPLE = (
    some([OWNER, STRANGER, ANYBODY])
    | st.builds(a_user, some([HOME, ABROAD]), OWN)
    | st.builds(a_user, some([HOME, ABROAD]), OWN, OWN)
    | st.builds(a_user, some([HOME, ABROAD]))
    | st.builds(a_session, some([HOME, ABROAD]), OWN, session_policy=st.none() | OWN)
)


@pytest.mark.soak(count(2000))
@settings(max_examples=count(2000))
@given(
    caller=PEOPLE,
    action=some([Action.GET_OBJECT, Action.PUT_OBJECT, Action.DELETE_OBJECT, Action.GET_OBJECT_ACL]),
    bucket_policy=st.none() | a_document(shared=True),
    bucket_acl=some(["private", "public-read", "public-read-write"]),
    object_acl=some(["default", "private", "public-read", "public-read-write"]),
    client=some(["", "192.0.2.7", "192.0.2.8", "10.1.2.3"]),
    headers=some([{}, {"user-agent": "curl"}, {"user-agent": "wget"}]),
)
def test_the_decision_agrees_with_a_naive_reading(
    caller: Caller,
    action: Action,
    bucket_policy: str | None,
    bucket_acl: str,
    object_acl: str,
    client: str,
    headers: dict[str, str],
) -> None:
    request = Request("GET", b"/photos/a.txt", read_query(b""), headers, client)
    bucket, found = a_bucket(bucket_acl, bucket_policy), an_object(object_acl)
    facts = AccessFacts(bucket, "a.txt", found, request=read_request_facts(request))
    try:
        decided = decide(caller, action, facts).action is action
    except OssError as refusal:
        decided = refusal.status != 403
    acl = bucket_acl if object_acl == "default" else object_acl
    assert decided == may(caller, action, bucket_policy, acl, request)

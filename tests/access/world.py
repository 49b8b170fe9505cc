"""The people, buckets and policies that decisions are tested with."""

from __future__ import annotations

import json
from typing import Any

from coatcheck.access.facts import AccessFacts
from coatcheck.identity.caller import ANONYMOUS, Caller
from coatcheck.ports.bucket import TAGGING, Bucket, write_tags
from coatcheck.ports.keyring import Principal
from coatcheck.ports.object import ObjectRecord

HOME, ABROAD = "1000000000000001", "2000000000000002"
ALICE, BOB, ROLE = "201234567890123456", "202345678901234567", "301234567890123456"


def a_user(account: str = HOME, *policies: str) -> Caller:
    uid, name = (ALICE, "alice") if account == HOME else (BOB, "bob")
    return Caller(account, "UserKey", principal=Principal(uid, name, policies))


def a_session(account: str = HOME, *policies: str, session_policy: str | None = None) -> Caller:
    return Caller(account, "STS.Key", principal=Principal(ROLE, "reader", policies, "tuesday", session_policy))


OWNER, STRANGER, ANYBODY = Caller(HOME, "OwnerKey"), Caller(ABROAD, "StrangerKey"), ANONYMOUS


def a_bucket(
    acl: str = "private", policy: str | None = None, tags: tuple[tuple[str, str], ...] = (), **more: Any
) -> Bucket:
    configurations: tuple[tuple[str, str], ...] = () if policy is None else (("policy", policy),)
    if tags:
        configurations += ((TAGGING, write_tags(tags)),)
    return Bucket(1, "photos", HOME, "cn-hangzhou", acl, "Standard", "LRS", 0, configurations=configurations, **more)


def an_object(acl: str = "default", tags: tuple[tuple[str, str], ...] = ()) -> ObjectRecord:
    return ObjectRecord("a.txt", "null", "Normal", 0, "0" * 32, 0, 0, acl, "Standard", (), tags)


def facts(bucket: Bucket | None = None, key: str | None = "a.txt", acl: str = "default", **more: Any) -> AccessFacts:
    found = None if key is None else an_object(acl)
    return AccessFacts(bucket or a_bucket(), key, found, **more)


def a_policy(effect: str = "Allow", action: Any = "oss:*", resource: Any = "*", **more: Any) -> str:
    statement = {"Effect": effect, "Action": action, "Resource": resource, **more}
    return json.dumps({"Version": "1", "Statement": [statement]})


def policies(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "1", "Statement": list(statements)})


def a_bucket_policy(effect: str = "Allow", principal: Any = "*", action: Any = "oss:*", **more: Any) -> str:
    return a_policy(effect, action, ["acs:oss:*:*:photos", "acs:oss:*:*:photos/*"], Principal=principal, **more)

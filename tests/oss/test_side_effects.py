"""What a write asks for beside its content needs rights of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from coatcheck.engines.memory_keyring import MemoryKeyring
from coatcheck.ports.keyring import AccessKey, Principal

from .house import ANYBODY, OWNER, House

COPY = {"x-oss-copy-source": "/photos/a.txt", "x-oss-tagging-directive": "Replace"}


def a_user(*actions: str) -> AccessKey:
    statement: dict[str, Any] = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    policy = json.dumps({"Version": "1", "Statement": [statement]})
    return AccessKey("UserKey", "user-secret", OWNER.account, principal=Principal("2" * 18, "alice", (policy,)))


async def a_house(user: AccessKey) -> House:
    house = House(keyring=MemoryKeyring(OWNER, user))
    await house.with_bucket()
    await house.put("/photos/a.txt")
    return house


@pytest.mark.parametrize(
    ("method", "address", "headers"),
    [
        ("PUT", "/photos/b.txt", {}),
        ("PUT", "/photos/b.txt", COPY),
        ("POST", "/photos/b.txt?append&position=0", {}),
        ("POST", "/photos/b.txt?uploads", {}),
        ("PUT", "/photos/b.txt?symlink", {"x-oss-symlink-target": "a.txt"}),
    ],
)
async def test_tags_need_the_right_to_tag(method: str, address: str, headers: dict[str, str]) -> None:
    tags = headers | {"x-oss-tagging": "colour=red"}
    writer, tagger = a_user("oss:GetObject", "oss:PutObject"), a_user("oss:*Object", "oss:PutObjectTagging")
    house = await a_house(writer)
    assert (await house.ask(method, address, b"", tags, by=writer)).refusal == (403, "AccessDenied")
    assert (await house.ask(method, address, b"", headers, by=writer)).status == 200
    house = await a_house(tagger)
    assert (await house.ask(method, address, b"", tags, by=tagger)).status == 200


async def test_whom_an_acl_lets_write_may_not_tag() -> None:
    house = await House().with_bucket(acl="public-read-write")
    assert (await house.ask("PUT", "/photos/a", b"x", by=ANYBODY)).status == 200
    tagged = await house.ask("PUT", "/photos/a", b"x", {"x-oss-tagging": "a=b"}, by=ANYBODY)
    assert tagged.refusal == (403, "AccessDenied")


async def test_how_many_tags_there_are_is_told_to_those_who_may_read_them() -> None:
    reader, tag_reader = a_user("oss:GetObject"), a_user("oss:GetObject", "oss:GetObjectTagging")
    for user, told in ((reader, False), (tag_reader, True), (OWNER, True)):
        house = await a_house(user)
        await house.put("/photos/a.txt", headers={"x-oss-tagging": "colour=red"})
        for method in ("GET", "HEAD"):
            answer = await house.ask(method, "/photos/a.txt", by=user)
            assert answer.status == 200
            assert ("x-oss-tagging-count" in answer.headers) == told


async def test_the_right_to_make_buckets_opens_none_that_are_there() -> None:
    maker = a_user("oss:PutBucket")
    house = await a_house(maker)
    headers = {"x-oss-acl": "public-read"}
    assert (await house.ask("PUT", "/photos/", headers=headers, by=maker)).refusal == (403, "AccessDenied")
    assert (await house.ask("GET", "/photos/?acl")).text("AccessControlList/Grant") == "private"
    assert (await house.ask("PUT", "/photos/", by=maker)).status == 200
    assert (await house.ask("PUT", "/fresh/", headers=headers, by=maker)).status == 200

from __future__ import annotations

import json
from typing import Any

import pytest

from coatcheck.engines.memory_keyring import MemoryKeyring
from coatcheck.ports.keyring import AccessKey, Principal

from .house import ANYBODY, OWNER, STRANGER, Answer, House

HOME, ABROAD = OWNER.account, STRANGER.account
ALICE_UID, BOB_UID = "2" * 18, "2" * 17 + "3"


def a_policy(effect: str, action: Any, resource: Any = "*") -> str:
    return json.dumps({"Version": "1", "Statement": [{"Effect": effect, "Action": action, "Resource": resource}]})


def a_user(name: str, uid: str, account: str, *policies: str) -> AccessKey:
    return AccessKey(f"{name}Key", f"{name}-secret", account, principal=Principal(uid, name, policies))


ALICE = a_user("alice", ALICE_UID, HOME)
BOB = a_user("bob", BOB_UID, ABROAD)


def document(**changes: Any) -> bytes:
    statement = {
        "Effect": "Allow",
        "Action": ["oss:GetObject", "oss:ListObjects"],
        "Principal": ["*"],
        "Resource": ["acs:oss:*:*:photos", "acs:oss:*:*:photos/*"],
    }
    return json.dumps({"Version": "1", "Statement": [statement | changes]}).encode()


@pytest.fixture
async def house() -> House:
    house = House(keyring=MemoryKeyring(OWNER, STRANGER, ALICE, BOB))
    await house.with_bucket()
    await house.put("/photos/a.txt")
    return house


async def put(house: House, policy: bytes, by: AccessKey | None = OWNER) -> Answer:
    return await house.ask("PUT", "/photos/?policy", policy, by=by)


async def reads(house: House, by: AccessKey | None, address: str = "/photos/a.txt") -> int:
    return (await house.ask("GET", address, by=by)).status


# --- the document ---


async def test_it_is_given_back_as_it_was_put(house: House) -> None:
    missing = await house.ask("GET", "/photos/?policy")
    assert missing.refusal == (404, "NoSuchBucketPolicy")
    odd = document(Effect="Deny").replace(b", ", b" ,\n\t")
    assert (await put(house, odd)).status == 200
    got = await house.ask("GET", "/photos/?policy")
    assert (got.body, got.headers["content-type"]) == (odd, "application/json")
    assert (await put(house, document())).status == 200
    assert (await house.ask("GET", "/photos/?policy")).body == document()
    for _ in range(2):
        assert (await house.ask("DELETE", "/photos/?policy")).status == 204
    assert (await house.ask("GET", "/photos/?policy")).refusal == (404, "NoSuchBucketPolicy")


@pytest.mark.parametrize(
    ("policy", "message", "ec"),
    [
        (b"", "Invalid Policy: line 1, column 1: not JSON: Expecting value.", "0030-00000005"),
        (b"\xff", "Invalid Policy: it is not UTF-8.", "0030-00000005"),
        (document().replace(b'"1"', b'"2"', 1), 'Invalid Policy: Version: must be the text "1".', "0030-00000002"),
        (document(Effect="Maybe"), "Invalid Policy: Statement[0].Effect: must be Allow or Deny.", None),
        (document(Principal=[]), "Invalid Policy: Statement[0].Principal: is empty.", None),
        (b" " * 16_385, "Invalid Policy: it is larger than 16384 bytes.", None),
        (b"[" * 16_000, "Invalid Policy: it is nested too deeply.", None),
        (b"x" * 1_000_000, "Invalid Policy: it is larger than 16384 bytes.", None),
    ],
)
async def test_what_does_not_parse_is_refused_with_the_place_and_nothing_is_stored(
    house: House, policy: bytes, message: str, ec: str | None
) -> None:
    before = house.contents()
    answer = await put(house, policy)
    assert answer.refusal == (400, "InvalidPolicyDocument")
    assert (answer.text("Message"), answer.text("EC")) == (message, ec)
    assert house.contents() == before


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
async def test_resources_of_elsewhere_are_kept_and_match_nothing_here(house: House, effect: str) -> None:
    text = document(Effect=effect, Resource=["acs:oss:*:*:other", "acs:oss:*:*:other/*", "acs:oss:*:*:photos2/*"])
    assert (await put(house, text)).status == 200
    assert (await house.ask("GET", "/photos/?policy")).body == text
    assert [await reads(house, by) for by in (OWNER, STRANGER, ANYBODY)] == [200, 403, 403]
    assert (await house.ask("PUT", "/other/", by=STRANGER)).status == 200
    await house.ask("PUT", "/other/a.txt", b"theirs", by=STRANGER)
    assert (await house.ask("GET", "/other/a.txt", by=ANYBODY)).refusal == (403, "AccessDenied")


async def test_without_a_principal_everybody_is_meant(house: House) -> None:
    text = document().replace(b'"Principal": ["*"], ', b"")
    assert b"Principal" not in text
    assert (await put(house, text)).status == 200
    assert (await house.ask("GET", "/photos/?policy")).body == text
    assert await reads(house, ANYBODY) == 200
    assert (await house.ask("GET", "/photos/?policyStatus")).text("IsPublic") == "true"


async def test_only_those_with_the_right_may_touch_it(house: House) -> None:
    for by in (STRANGER, ALICE, ANYBODY):
        assert (await put(house, document(), by)).refusal == (403, "AccessDenied")
        for method in ("GET", "DELETE"):
            assert (await house.ask(method, "/photos/?policy", by=by)).refusal == (403, "AccessDenied")


async def test_the_status_says_whether_it_opens_the_bucket_to_everybody(house: House) -> None:
    async def status() -> str | None:
        return (await house.ask("GET", "/photos/?policyStatus")).text("IsPublic")

    assert await status() == "false"
    await put(house, document())
    assert await status() == "true"
    await put(house, document(Condition={"IpAddress": {"acs:SourceIp": ["192.0.2.0/24"]}}))
    assert await status() == "false"
    await put(house, document(Principal=[ABROAD]))
    assert await status() == "false"


# --- what it does ---


async def test_everybody_may_do_what_it_allows_everybody(house: House) -> None:
    await put(house, document())
    for by in (ANYBODY, STRANGER, ALICE, BOB):
        assert await reads(house, by) == 200
        assert await reads(house, by, "/photos/") == 200
        assert (await house.ask("PUT", "/photos/b.txt", b"x", by=by)).status == 403
        assert (await house.ask("GET", "/photos/missing", by=by)).refusal == (404, "NoSuchKey")


async def test_a_user_that_it_names_needs_no_policy_of_its_own(house: House) -> None:
    await put(house, document(Principal=[ALICE_UID]))
    assert [await reads(house, by) for by in (ALICE, BOB, STRANGER, ANYBODY)] == [200, 403, 403, 403]
    await put(house, document(Principal=f"acs:ram::{ABROAD}:user/bob"))
    assert [await reads(house, by) for by in (ALICE, BOB, STRANGER, ANYBODY)] == [403, 200, 403, 403]


async def test_an_account_that_it_names_passes_it_on_to_users_with_the_right(house: House) -> None:
    await put(house, document(Principal=[ABROAD]))
    assert [await reads(house, by) for by in (STRANGER, BOB, ALICE, ANYBODY)] == [200, 403, 403, 403]
    allowed = a_user("bob", BOB_UID, ABROAD, a_policy("Allow", "oss:GetObject", "acs:oss:*:*:photos/*"))
    house.keyring.keys["bobKey"] = allowed
    assert await reads(house, allowed) == 200


async def test_a_deny_holds_for_the_owner_too_but_for_the_policy_itself(house: House) -> None:
    await put(house, document(Effect="Deny", Action="oss:*"))
    denied = await house.ask("GET", "/photos/a.txt")
    assert denied.refusal == (403, "AccessDenied")
    assert denied.text("Message") == "Access denied by bucket policy."
    assert denied.text("EC") == "0003-00000201"
    assert denied.text("AccessDeniedDetail/PolicyType") == "ResourceBasedPolicy"
    assert denied.text("AccessDeniedDetail/NoPermissionType") == "ExplicitDeny"
    assert (await house.follow(house.link("GET", "a.txt"))).refusal == (403, "AccessDenied")
    assert (await house.ask("DELETE", "/photos/?policy")).status == 204
    assert await reads(house, OWNER) == 200


async def test_a_condition_on_tags_of_the_object_holds(house: House) -> None:
    await house.put("/photos/open", headers={"x-oss-tagging": "share=yes"})
    await put(house, document(Condition={"StringEquals": {"oss:ExistingObjectTag/share": "yes"}}))
    assert [await reads(house, ANYBODY, f"/photos/{key}") for key in ("open", "a.txt", "missing")] == [200, 403, 403]


# --- users, through the whole corridor ---


async def test_a_user_without_policies_may_nothing_and_learns_nothing(house: House) -> None:
    there, missing = [await house.ask("GET", f"/photos/{key}", by=ALICE) for key in ("a.txt", "missing")]
    assert there.refusal == missing.refusal == (403, "AccessDenied")
    assert there.body == missing.body
    assert there.text("AccessDeniedDetail/AuthAction") == "oss:GetObject"
    assert (await house.ask("GET", "/", by=ALICE)).text("Message") == "You are forbidden to list buckets."
    assert (await house.ask("PUT", "/fresh/", by=ALICE)).refusal == (403, "AccessDenied")


async def test_a_user_makes_and_lists_the_accounts_buckets(house: House) -> None:
    maker = a_user("alice", ALICE_UID, HOME, a_policy("Allow", ["oss:PutBucket", "oss:ListBuckets"], "acs:oss:*:*:*"))
    house.keyring.keys["aliceKey"] = maker
    assert (await house.ask("PUT", "/fresh/", by=maker)).status == 200
    listing = await house.ask("GET", "/", by=maker)
    assert listing.texts("Buckets/Bucket/Name") == ["fresh", "photos"]
    assert listing.text("Owner/ID") == HOME


async def test_deleting_many_needs_the_right_for_each_and_deletes_all_or_none(house: House) -> None:
    cleaner = a_user("alice", ALICE_UID, HOME, a_policy("Allow", "oss:DeleteObject", "acs:oss:*:*:photos/tmp/*"))
    house.keyring.keys["aliceKey"] = cleaner
    for key in ("tmp/1", "tmp/2"):
        await house.put(f"/photos/{key}")

    async def delete(*keys: str) -> Answer:
        listed = "".join(f"<Object><Key>{key}</Key></Object>" for key in keys)
        return await house.ask("POST", "/photos/?delete", f"<Delete>{listed}</Delete>".encode(), by=cleaner)

    before = house.contents()
    assert (await delete("tmp/1", "a.txt")).refusal == (403, "AccessDenied")
    assert house.contents() == before
    assert (await delete("tmp/1", "tmp/2", "tmp/none")).texts("Deleted/Key") == ["tmp/1", "tmp/2", "tmp/none"]


async def test_a_private_object_of_an_open_bucket_is_not_deleted_among_many(house: House) -> None:
    await house.ask("PUT", "/photos/?acl", headers={"x-oss-acl": "public-read-write"})
    await house.put("/photos/mine", headers={"x-oss-object-acl": "private"})
    body = b"<Delete><Object><Key>mine</Key></Object></Delete>"
    assert (await house.ask("POST", "/photos/?delete", body, by=ANYBODY)).refusal == (403, "AccessDenied")
    assert await reads(house, OWNER, "/photos/mine") == 200


async def test_a_copy_needs_the_right_to_read_its_source(house: House) -> None:
    writer = a_user("alice", ALICE_UID, HOME, a_policy("Allow", "oss:PutObject"))
    house.keyring.keys["aliceKey"] = writer
    headers = {"x-oss-copy-source": "/photos/a.txt"}
    assert (await house.ask("PUT", "/photos/b.txt", b"", headers, by=writer)).refusal == (403, "AccessDenied")
    house.keyring.keys["aliceKey"] = both = a_user("alice", ALICE_UID, HOME, a_policy("Allow", ["oss:*Object"]))
    assert (await house.ask("PUT", "/photos/b.txt", b"", headers, by=both)).status == 200


async def test_a_version_needs_the_right_to_versions(house: House) -> None:
    reader = a_user("alice", ALICE_UID, HOME, a_policy("Allow", "oss:GetObject"))
    house.keyring.keys["aliceKey"] = reader
    assert await reads(house, reader) == 200
    assert await reads(house, reader, "/photos/a.txt?versionId=null") == 403

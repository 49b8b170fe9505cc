"""Rights come from who asks and what is there, never from what a request says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from coatcheck.ports.keyring import AccessKey, Principal
from coatcheck.root_credentials import find_root_credentials

from ..oss.house import OWNER, STRANGER
from ..oss.test_post_object import a_form, post, signed
from .crafting import HOME, a_house, a_policy, a_user, objects, set_policy, v1_headers, v1_link, v4_headers, v4_link


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("acs:AccessId", "OwnerKey"),
        ("acs:PrincipalARN", f"acs:ram::{HOME}:root"),
        ("acs:SecureTransport", "true"),
        ("acs:MFAPresent", "true"),
        ("oss:BucketTag/team", "red"),
        ("oss:ExistingObjectTag/team", "red"),
    ],
)
async def test_no_header_fills_in_what_the_server_knows(key: str, value: str) -> None:
    """Conditions on the caller, the connection and what is stored are answered from these alone."""
    operator = "Bool" if value == "true" else "StringEquals"
    alice = a_user("alice", a_policy("oss:GetObject", Condition={operator: {key: value}}))
    house = await a_house(alice)
    name = key.lower()
    said = {
        name: value,
        name.partition(":")[2]: value,
        f"x-{name.replace(':', '-').replace('/', '-')}": value,
        "userid": HOME,
        "groups": "admin",
        "x-forwarded-proto": "https",
    }
    headers = v4_headers("/photos/secret.txt", by=alice, headers=said)
    answer = await house.ask("GET", "/photos/secret.txt", headers=headers, by=None)
    assert answer.refusal == (403, "AccessDenied")
    query = "&".join(f"{header}={value}" for header in said if header.isalpha())
    assert (await house.ask("GET", f"/photos/secret.txt?{query}", by=alice)).refusal == (403, "AccessDenied")


@pytest.mark.parametrize("value", ["red", "blue"])
async def test_not_equal_to_any_means_equal_to_none(value: str) -> None:
    """A negated operator with several values holds only where none of them fits."""
    condition = {"StringNotEquals": {"oss:ExistingObjectTag/team": ["red", "blue"]}}
    alice = a_user("alice", a_policy("oss:GetObject", Condition=condition))
    house = await a_house(alice)
    await house.put("/photos/a.txt", headers={"x-oss-tagging": f"team={value}"})
    await house.put("/photos/b.txt", headers={"x-oss-tagging": "team=green"})
    assert (await house.ask("GET", "/photos/a.txt", by=alice)).refusal == (403, "AccessDenied")
    assert (await house.ask("GET", "/photos/b.txt", by=alice)).status == 200


@pytest.mark.parametrize(
    "operator", ["ForAllValues:StringNotEquals", "ForAnyValue:StringEquals", "StringEqualsIfExists", "Null"]
)
async def test_an_operator_that_is_not_known_is_refused_when_it_is_stored(operator: str) -> None:
    """No policy is kept of which a part would mean something else here, or nothing."""
    house = await a_house()
    document = a_policy("oss:GetObject", objects(), Principal=["*"], Condition={operator: {"acs:AccessId": "a"}})
    assert (await house.ask("PUT", "/photos/?policy", document.encode())).status == 400
    assert (await house.ask("GET", "/photos/?policy")).status == 404


async def test_a_deny_by_tags_sees_the_tags_that_are_there() -> None:
    """The tags of the object itself are looked up before anybody decides, for a version as for the newest."""
    alice = a_user("alice", a_policy("oss:*"))
    house = await a_house(alice)
    condition = {"StringEquals": {"oss:ExistingObjectTag/secret": "yes"}}
    await set_policy(
        house, {"Effect": "Deny", "Action": ["oss:GetObject", "oss:GetObjectVersion"], "Condition": condition}
    )
    await house.put("/photos/a.txt", headers={"x-oss-tagging": "secret=yes"})
    await house.put("/photos/b.txt", headers={"x-oss-tagging": "secret=no"})
    for method in ("GET", "HEAD"):
        assert (await house.ask(method, "/photos/a.txt", by=alice)).trace.refusal == "AccessDenied"
        assert (await house.ask(method, "/photos/b.txt", by=alice)).status == 200
    assert (await house.ask("GET", "/photos/a.txt?versionId=null", by=alice)).refusal == (403, "AccessDenied")


async def test_a_deny_by_requested_tags_sees_those_of_a_document() -> None:
    """Tags that are asked for are the same whether they come in a header or in PutObjectTagging's document."""
    alice = a_user("alice", a_policy("oss:*"))
    house = await a_house(alice)
    condition = {"StringEquals": {"oss:RequestObjectTag/secret": "yes"}}
    await set_policy(house, {"Effect": "Deny", "Action": "oss:PutObjectTagging", "Condition": condition})
    document = b"<Tagging><TagSet><Tag><Key>secret</Key><Value>yes</Value></Tag></TagSet></Tagging>"
    answer = await house.ask("PUT", "/photos/secret.txt?tagging", document, by=alice)
    assert answer.refusal == (403, "AccessDenied")


@pytest.mark.parametrize("many", [False, True])
async def test_a_deny_on_versions_holds_for_every_way_to_delete_one(many: bool) -> None:
    """A policy against removing versions for good holds for DeleteObject and for DeleteMultipleObjects."""
    alice = a_user("alice", a_policy("oss:*"))
    house = await a_house(alice)
    enabled = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    assert (await house.ask("PUT", "/photos/?versioning", enabled)).status == 200
    version = (await house.put("/photos/a.txt", b"kept")).headers["x-oss-version-id"]
    await set_policy(house, {"Effect": "Deny", "Action": "oss:DeleteObjectVersion"})
    said = {"x-oss-bypass-governance-retention": "true", "x-amz-bypass-governance-retention": "true"}
    if many:
        item = f"<Delete><Object><Key>a.txt</Key><VersionId>{version}</VersionId></Object></Delete>"
        answer = await house.ask("POST", "/photos/?delete", item.encode(), said, by=alice)
    else:
        answer = await house.ask("DELETE", f"/photos/a.txt?versionId={version}", headers=said, by=alice)
    assert answer.refusal == (403, "AccessDenied")
    assert (await house.ask("GET", f"/photos/a.txt?versionId={version}")).body == b"kept"


@pytest.mark.parametrize(
    "headers",
    [
        {"if-modified-since": "Thu, 05 Mar 2020 07:08:09 GMT"},
        {"if-modified-since": "Thu, 05 Mar 2037 07:08:09 GMT"},
        {"if-unmodified-since": "Thu, 05 Mar 2020 07:08:09 GMT"},
        {"if-match": '"0"'},
        {"if-none-match": "*"},
        {"range": "bytes=9999-", "x-oss-range-behavior": "standard"},
        {},
    ],
)
@pytest.mark.parametrize("by", [None, STRANGER], ids=["anybody", "stranger"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_who_may_not_read_learns_nothing_of_what_is_there(
    method: str, by: AccessKey | None, headers: dict[str, str]
) -> None:
    """With whatever conditions, an object that is there and one that isn't are refused in the same words."""
    house = await a_house()
    there = await house.ask(method, "/photos/secret.txt", headers=headers, by=by)
    missing = await house.ask(method, "/photos/missing.txt", headers=headers, by=by)
    assert (there.status, there.trace.refusal) == (403, "AccessDenied")
    assert (there.status, there.body, there.headers) == (missing.status, missing.body, missing.headers)


@pytest.mark.parametrize(
    "acl", ["authenticated-read", "public-read,private", "PUBLIC-READ", "bucket-owner-full-control", ""]
)
async def test_an_acl_that_is_not_known_is_refused(acl: str) -> None:
    """No ACL is kept that would open something to somebody by a meaning that it hasn't got here."""
    house = await a_house()
    assert (await house.ask("PUT", "/photos/?acl", headers={"x-oss-acl": acl})).status == 400
    assert (await house.ask("PUT", "/photos/secret.txt?acl", headers={"x-oss-object-acl": acl})).status == 400
    assert (await house.ask("GET", "/photos/", by=None)).refusal == (403, "AccessDenied")


@pytest.mark.parametrize(
    "address",
    [
        "/photos/",
        "/photos/?list-type=2",
        "/photos/?versions",
        "/photos/secret.txt",
        "/photos/secret.txt?versionId=null",
    ],
)
async def test_blocked_public_access_has_no_way_around(address: str) -> None:
    """While public access is blocked, an ACL or a policy for everybody gives nothing, by whatever operation."""
    house = await a_house(acl="public-read")
    action = ["oss:ListObjects", "oss:ListObjectVersions", "oss:GetObject", "oss:GetObjectVersion"]
    await set_policy(house, {"Action": action})
    versions = address == "/photos/?versions"  # nobody in particular ever lists these
    assert (await house.ask("GET", address, by=None)).status == (403 if versions else 200)
    block = (
        b"<PublicAccessBlockConfiguration><BlockPublicAccess>true</BlockPublicAccess></PublicAccessBlockConfiguration>"
    )
    assert (await house.ask("PUT", "/photos/?publicAccessBlock", block)).status == 200
    assert (await house.ask("GET", address, by=None)).refusal == (403, "AccessDenied")


def test_no_two_servers_start_with_the_same_key(tmp_path: Path) -> None:
    """There is no default key: each first start makes its own, at random."""
    made = []
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
        made.append(find_root_credentials(tmp_path / name, {}))
    assert len({key.access_key_secret for key in made}) == len({key.access_key_id for key in made}) == 3
    assert all(len(key.access_key_secret) == 32 for key in made)


@pytest.mark.parametrize("change", [{"enabled": False}, {"suspended": True}])
@pytest.mark.parametrize("way", ["v4-header", "v1-header", "v4-link", "v1-link", "form"])
async def test_a_key_that_was_disabled_opens_nothing(way: str, change: dict[str, Any]) -> None:
    """A disabled key, and one of a disabled account, end every link, form and signature made with them."""
    alice = AccessKey(
        "AliceKey", "alice-secret", HOME, principal=Principal("2" * 18, "alice", (a_policy("oss:*"),)), **change
    )
    house = await a_house(alice)
    address = "/photos/secret.txt"
    match way:
        case "v4-header":
            answer = await house.ask("GET", address, by=alice)
        case "v1-header":
            answer = await house.ask("GET", address, headers=v1_headers(address, by=alice), by=None)
        case "v4-link":
            answer = await house.ask("GET", v4_link(address, by=alice), by=None)
        case "v1-link":
            answer = await house.ask("GET", v1_link(address, by=alice), by=None)
        case _:
            answer = await post(house, a_form(signed("a.txt", by=alice)))
    assert answer.status == 403
    assert b"a secret" not in answer.body
    assert (await house.ask("GET", "/photos/a.txt")).status == 404


async def test_the_right_to_one_bucket_is_no_right_to_another() -> None:
    """A resource that ends where a bucket's name goes on covers that bucket alone; a prefix ends where it says."""
    alice = a_user("alice", a_policy("oss:*", ["acs:oss:*:*:photos", "acs:oss:*:*:photos/a/*"]))
    house = await a_house(alice)
    await house.with_bucket("photos-private")
    await house.put("/photos-private/a/x")
    await house.put("/photos/ab/x")
    await house.put("/photos/a/x")
    assert (await house.ask("GET", "/photos/a/x", by=alice)).status == 200
    for address in ("/photos-private/a/x", "/photos/ab/x", "/photos/secret.txt", "/photos-private/"):
        assert (await house.ask("GET", address, by=alice)).refusal == (403, "AccessDenied")


async def test_a_policy_of_ones_own_opens_no_bucket_of_another_account() -> None:
    """An Allow that an account writes for its own users counts in its own buckets."""
    bob = AccessKey("BobKey", "bob-secret", STRANGER.account, principal=Principal("4" * 18, "bob", (a_policy("*"),)))
    house = await a_house(bob)
    assert (await house.ask("GET", "/photos/secret.txt", by=bob)).refusal == (403, "AccessDenied")
    assert (await house.ask("GET", "/photos/secret.txt", by=OWNER)).status == 200

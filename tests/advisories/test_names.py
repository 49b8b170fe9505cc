"""Names of buckets and objects are names: never paths, and the same to whoever decides and to whoever stores."""

from __future__ import annotations

from pathlib import Path

import pytest

from coatcheck.engines.local import open_local, prepare_local
from coatcheck.wire.target import Target, find_target, make_addressing

from ..builders import a_request
from ..oss.house import REGION, House
from .crafting import a_house, a_policy, a_user, objects

ALICE = a_user("alice", a_policy(["oss:GetObject", "oss:PutObject"], objects("public/")))


@pytest.mark.parametrize(
    "path",
    [
        "public/../secret.txt", "public/..%2Fsecret.txt", "public%2F..%2Fsecret.txt", "public/%2e%2e/secret.txt",
        "public/./../secret.txt", "public//../secret.txt", "public/..%5Csecret.txt", "public/%252e%252e/secret.txt",
    ],
)  # fmt: skip
async def test_dots_in_a_key_are_characters(path: str) -> None:
    """A key is compared with policies and looked up as it is: dots lead out of no prefix."""
    house = await a_house(ALICE)
    assert (await house.ask("GET", f"/photos/{path}", by=ALICE)).refusal == (404, "NoSuchKey")
    assert (await house.ask("PUT", f"/photos/{path}", b"mine", by=ALICE)).status == 200
    assert (await house.ask("GET", "/photos/secret.txt")).body == b"a secret"


@pytest.mark.parametrize("slash", ["/", "%2F", "%2f"])
async def test_an_encoded_slash_is_a_slash_to_everybody(slash: str) -> None:
    """Whoever decides and whoever reads see the same key, however its slashes came."""
    house = await a_house(ALICE)
    await house.put("/photos/public/a/b")
    await house.put("/photos/private/a/b")
    assert (await house.ask("GET", f"/photos/public{slash}a{slash}b", by=ALICE)).status == 200
    assert (await house.ask("GET", f"/photos/private{slash}a{slash}b", by=ALICE)).refusal == (403, "AccessDenied")


@pytest.mark.parametrize("key", ["%5Cx", "%5C..%5Cothers%5Cx", "%2Fx", "%2F%2Fothers%2Fx", "/x"])
async def test_a_key_begins_with_no_slash_of_either_kind(key: str) -> None:
    """Names that some systems would take for absolute paths are refused."""
    house = await a_house(acl="public-read-write")
    assert (await house.ask("PUT", f"/photos/{key}", b"x", by=None)).refusal == (400, "InvalidObjectName")


@pytest.mark.parametrize("key", ["%00", "a%00b", "a%00", "%ff%fe", "a" * 1024, "%E2%82" + "x"])
async def test_a_key_that_can_not_be_is_refused_in_words(key: str) -> None:
    """NUL, bytes that are no text, and names too long are the client's fault, not a failure of ours."""
    house = await a_house()
    for method in ("GET", "PUT", "DELETE", "HEAD"):
        answer = await house.ask(method, f"/photos/{key}", b"x", by=None)
        assert (answer.status, answer.trace.refusal) == (400, "InvalidObjectName")


async def test_no_name_becomes_a_path(tmp_path: Path) -> None:
    """What is stored under whatever name lies in the data directory, under names of the server's own making."""
    data = tmp_path / "data"
    lock, engines = prepare_local(data), open_local(data)
    before = set(tmp_path.rglob("*"))
    house = House()
    house.pipeline._ports = house.pipeline._ports._replace(byte_store=engines.byte_store)
    await house.with_bucket()
    names = [
        "../../escaped",
        "..%2F..%2Fescaped",
        "x/../../../escaped",
        "%2e%2e/escaped",
        "..%5C..%5Cescaped",
        "con",
        "a:b",
    ]
    for name in names:
        await house.put(f"/photos/{name}", b"x" * 100_000)
    engines.close()
    lock.close()
    found = [path for path in tmp_path.rglob("*") if path.is_file() and path not in before]
    assert len(found) == len(set(names)) - 1  # two of them are one key
    assert all(path.parent.parent == data / "blobs" for path in found)
    assert not any("escaped" in path.name for path in tmp_path.rglob("*"))


@pytest.mark.parametrize(
    "name",
    ["a%0d%0ab", "ab%0d%0aSet-Cookie:x", "..", "a..b", "A-bucket", ".minio.sys", "a_b", "bucket%00", "-ab", "ab"],
)
async def test_a_bucket_has_a_name_of_plain_characters(name: str) -> None:
    """No bucket has the name of something inside the server, nor one that would break a header or a path."""
    house = await a_house()
    for method in ("PUT", "GET", "DELETE"):
        answer = await house.ask(method, f"/{name}/", by=None)
        assert answer.trace.refusal in ("InvalidBucketName", "InvalidObjectName")
        assert not any("\r" in value or "\n" in value for value in answer.headers.values())
    assert (await house.ask("GET", "/")).texts("Buckets/Bucket/Name") == ["photos"]


def test_the_key_of_a_virtual_host_is_the_whole_path() -> None:
    """Under a bucket's own name the path is the key, also where it names another bucket."""
    addressing = make_addressing((REGION,), ("localhost",))
    request = a_request("GET", "/others/secret.txt", host=f"photos.oss-{REGION}.localhost")
    assert find_target(request, addressing) == Target("photos", "others/secret.txt", REGION)

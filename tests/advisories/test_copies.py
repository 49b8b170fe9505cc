"""A copy reads its source with the rights of whoever asks for it."""

from __future__ import annotations

import pytest

from coatcheck.ports.keyring import AccessKey

from ..oss.house import OWNER, STRANGER, Answer, House
from ..oss.test_object_process import StubRenderer, b64
from .crafting import a_house, a_policy, a_user, objects, set_policy

WRITER = a_user("writer", a_policy(["oss:PutObject", "oss:GetObject"], objects("mine/")))


async def copy(house: House, source: str, *, by: AccessKey = WRITER, key: str = "mine/copy") -> Answer:
    return await house.ask("PUT", f"/photos/{key}", headers={"x-oss-copy-source": source}, by=by)


async def copy_part(house: House, source: str, *, by: AccessKey = WRITER, key: str = "mine/parts") -> Answer:
    started = await house.ask("POST", f"/photos/{key}?uploads", by=by)
    address = f"/photos/{key}?partNumber=1&uploadId={started.text('UploadId')}"
    return await house.ask("PUT", address, headers={"x-oss-copy-source": source}, by=by)


async def test_a_part_copies_nothing_that_its_uploader_may_not_read() -> None:
    """UploadPartCopy asks for the right to read its source, as CopyObject does."""
    house = await a_house(WRITER)
    await house.put("/photos/mine/a", b"x" * 10)
    assert (await copy_part(house, "/photos/mine/a")).status == 200
    assert (await copy_part(house, "/photos/secret.txt")).refusal == (403, "AccessDenied")


async def test_a_copy_takes_nothing_that_its_maker_may_not_read() -> None:
    """The right to write below one prefix is no right to read below another, nor in another bucket."""
    house = await a_house(WRITER)
    await house.with_bucket("others")
    await house.put("/others/secret.txt")
    await house.put("/photos/mine/a")
    assert (await copy(house, "/photos/mine/a")).status == 200
    for source in ("/photos/secret.txt", "/others/secret.txt"):
        assert (await copy(house, source)).refusal == (403, "AccessDenied")
    assert (await copy(house, "/photos/mine/../secret.txt")).refusal == (404, "NoSuchKey")  # dots are characters


@pytest.mark.parametrize(
    "source",
    ["%2Fphotos%2Fsecret.txt", "photos%2fsecret.txt", "%2fphotos%2Fsecret%2etxt", "/photos/secret.txt?versionId=null"],
)
async def test_a_source_is_the_same_however_it_is_encoded(source: str) -> None:
    """An encoded source is the copy that it says, with the rights that needs; it is never a plain upload."""
    house = await a_house(WRITER)
    assert (await copy(house, source)).refusal == (403, "AccessDenied")
    assert (await copy(house, source, by=OWNER, key="mine/own")).text("ETag") is not None


@pytest.mark.parametrize(
    "source",
    ["", "/", "photos", "/photos/", "//", "?versionId=null", "/PHOTOS/a", "/photos/%00", "/photos/%ff", "/photos//a"],
)
async def test_a_source_that_names_nothing_is_refused(source: str) -> None:
    """An empty or broken copy source is a fault of the client's, in words, and stores nothing."""
    house = await a_house()
    before = house.contents()
    answer = await copy(house, source, by=OWNER)
    assert answer.status == 400
    assert house.contents() == before
    assert (await copy_part(house, source, by=OWNER)).status == 400


@pytest.mark.parametrize("operation", ["get", "copy", "part", "delete"])
async def test_a_named_version_needs_the_right_to_versions(operation: str) -> None:
    """GetObject doesn't read an old version, whether by GET or as the source of a copy."""
    alice = a_user("alice", a_policy(["oss:GetObject", "oss:PutObject", "oss:DeleteObject"], objects()))
    house = await a_house(alice)
    document = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    assert (await house.ask("PUT", "/photos/?versioning", document)).status == 200
    version = (await house.put("/photos/a.txt", b"old")).headers["x-oss-version-id"]
    await house.put("/photos/a.txt", b"new")
    source = f"/photos/a.txt?versionId={version}"
    assert (await house.ask("GET", "/photos/a.txt", by=alice)).body == b"new"
    match operation:
        case "get":
            answer = await house.ask("GET", source, by=alice)
        case "copy":
            answer = await copy(house, source, by=alice)
        case "part":
            answer = await copy_part(house, source, by=alice)
        case _:
            answer = await house.ask("DELETE", source, by=alice)
    assert answer.refusal == (403, "AccessDenied")
    assert (await house.ask("GET", source)).body == b"old"


async def test_a_condition_that_could_not_be_checked_is_refused_when_it_is_stored() -> None:
    """A policy that limits what may be copied, by a key that isn't known here, is never kept and passed over."""
    house = await a_house()
    document = (
        b'{"Version":"1","Statement":[{"Effect":"Deny","Principal":["*"],"Action":"oss:PutObject",'
        b'"Resource":["acs:oss:*:*:photos/*"],"Condition":{"StringNotLike":{"oss:CopySource":"photos/*"}}}]}'
    )
    answer = await house.ask("PUT", "/photos/?policy", document)
    assert answer.status == 400
    assert (await house.ask("GET", "/photos/?policy")).status == 404


async def test_a_deny_on_the_source_holds_for_a_copy() -> None:
    """A bucket's policy that keeps somebody from an object keeps them from copying it, too."""
    alice = a_user("alice", a_policy("oss:*"))
    house = await a_house(alice)
    await set_policy(house, {"Effect": "Deny", "Action": "oss:GetObject", "Resource": objects("secret.txt")})
    assert (await copy(house, "/photos/secret.txt", by=alice)).refusal == (403, "AccessDenied")
    assert (await copy_part(house, "/photos/secret.txt", by=alice)).refusal == (403, "AccessDenied")


async def test_a_watermark_shows_nothing_that_the_asker_may_not_see() -> None:
    """A picture that a processing step takes in is read with the rights of whoever asks, as if it weren't there."""
    house = await a_house(acl="public-read")
    house.pipeline._ports = house.pipeline._ports._replace(renderer=StubRenderer())
    await house.put("/photos/a.jpg", b"picture")
    await house.put("/photos/mark.png", b"mark")
    await house.put("/photos/hidden.png", b"mark", {"x-oss-object-acl": "private"})
    address = "/photos/a.jpg?x-oss-process=image/watermark,image_"
    assert (await house.ask("GET", address + b64("mark.png"), by=STRANGER)).status == 200
    for name in ("hidden.png", "missing.png"):
        assert (await house.ask("GET", address + b64(name), by=STRANGER)).refusal == (400, "WatermarkError")

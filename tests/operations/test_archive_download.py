"""Many objects as one ZIP, without a request: what is in it, and what ends it."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coatcheck.access.actions import Action
from coatcheck.core.byte_range import ByteRange
from coatcheck.core.errors import Broken, OssError
from coatcheck.engines.memory_content_sums import MemoryContentSums
from coatcheck.identity.caller import Caller
from coatcheck.operations import archive_members
from coatcheck.operations.archive_download import ArchiveDownload
from coatcheck.operations.archive_members import Named, members_of, members_under
from coatcheck.operations.commit import ReplacedMeanwhile
from coatcheck.operations.context import Context
from coatcheck.operations.delete import delete_object
from coatcheck.operations.symlink import put_symlink
from coatcheck.ports.damage import Damaged
from coatcheck.ports.object import Restore

from .stage import LARGE, OWNER, PLAIN, STRANGER, Stage, a_stage, content_of

ENCRYPTED = PLAIN._replace(encryption="AES256")


@pytest.fixture(autouse=True)
def nothing_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_members._room, "held", 0)


async def a_folder() -> Stage:
    stage = await a_stage()
    stage.ports = stage.ports._replace(content_sums=MemoryContentSums())
    await stage.put("y/2/large.bin", LARGE)
    await stage.put("y/2/secret.bin", LARGE[::-1], ENCRYPTED)
    await stage.put("y/hello.txt", b"hello")
    await stage.put("y/none", b"")
    await stage.put("y/empty/", b"")
    await stage.put("yz", b"a neighbour")
    await put_symlink(stage.context(), stage.grant(Action.PUT_OBJECT, "y/link"), PLAIN, "y/2/large.bin")
    await put_symlink(stage.context(), stage.grant(Action.PUT_OBJECT, "y/nowhere"), PLAIN, "gone")
    return stage


FOLDER = {
    "2/large.bin": LARGE,
    "2/secret.bin": LARGE[::-1],
    "empty/": b"",
    "hello.txt": b"hello",
    "link": LARGE,
    "none": b"",
}


async def under(stage: Stage, prefix: str = "y/", caller: Caller = OWNER) -> ArchiveDownload:
    context = stage.context(caller)
    return await ArchiveDownload.of(context, await members_under(context, stage.bucket, prefix, root=prefix))


async def whole_of(download: ArchiveDownload) -> bytes:
    return await content_of(await download.open(ByteRange(0, download.size)))


def unpacked(whole: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(whole)) as read:
        assert read.testzip() is None
        return {name: read.read(name) for name in read.namelist()}


async def test_a_prefix_is_one_file() -> None:
    stage = await a_folder()
    download = await under(stage)
    assert unpacked(await whole_of(download)) == FOLDER
    assert download.archive.content_bytes == 300_005
    assert (stage.blobs.opened, archive_members._room.held) == (0, 0)


async def test_a_prefix_with_nothing_in_it_is_an_empty_file() -> None:
    stage = await a_folder()
    assert unpacked(await whole_of(await under(stage, "none/"))) == {}


@settings(max_examples=15, deadline=None)
@given(st.data())
async def test_any_range_is_what_the_whole_file_has_there(data: st.DataObject) -> None:
    stage = await a_folder()
    whole = await whole_of(await under(stage))
    fresh = data.draw(st.booleans())
    if fresh:
        stage.ports = stage.ports._replace(content_sums=MemoryContentSums())
    download = await under(stage)
    assert download.size == len(whole)
    start = data.draw(st.integers(0, len(whole) - 1))
    stop = data.draw(st.integers(start + 1, len(whole)))
    assert await content_of(await download.open(ByteRange(start, stop))) == whole[start:stop]
    assert stage.blobs.opened == 0


async def test_what_is_known_is_not_read_again() -> None:
    stage = await a_folder()
    download = await under(stage)
    whole = await whole_of(download)
    stage.blobs.blobs.clear()
    again = await under(stage)
    end = ByteRange(len(whole) - 300, len(whole))
    assert await content_of(await again.open(end)) == whole[-300:]


async def test_a_broken_download_remembers_what_went_by() -> None:
    stage = await a_folder()
    download = await under(stage)
    stream = await download.open(ByteRange(0, download.size))
    seen = 0
    async for chunk in stream.chunks:
        seen += len(chunk)
        if seen > 150_000:
            break
    await stream.close()
    del stage.blobs.blobs[next(iter(stage.blobs.blobs))]  # of the one that went by
    again = await under(stage)
    behind = 30 + len("2/large.bin") + 9 + len(LARGE)
    descriptor = await content_of(await again.open(ByteRange(behind, behind + 16)))
    assert descriptor[:4] == b"PK\x07\x08"


async def test_of_a_prefix_what_may_not_be_read_is_left_out_and_of_a_list_it_refuses() -> None:
    stage = await a_folder()
    await stage.put("y/open.txt", b"for all", PLAIN._replace(acl="public-read"))
    download = await under(stage, caller=STRANGER)
    assert unpacked(await whole_of(download)) == {"open.txt": b"for all"}
    context = stage.context(STRANGER)
    named = [Named(stage.bucket, "y/open.txt", None, "one"), Named(stage.bucket, "y/hello.txt", None, "two")]
    assert len((await members_of(context, named[:1])).members) == 1
    with pytest.raises(OssError) as refused:
        await members_of(context, named)
    assert refused.value.code == "AccessDenied"


async def test_a_list_names_objects_as_it_likes() -> None:
    stage = await a_folder()
    named = [
        Named(stage.bucket, "y/hello.txt", None, "../greeting.txt"),
        Named(stage.bucket, "yz", None, "b"),
        Named(stage.bucket, "y/link", None, "B"),
    ]
    download = await ArchiveDownload.of(stage.context(), await members_of(stage.context(), named))
    found = unpacked(await whole_of(download))
    assert list(found.values()) == [b"hello", b"a neighbour", LARGE]
    assert list(found)[:2] == ["__/greeting.txt", "b"]
    with pytest.raises(OssError) as refused:
        await members_of(stage.context(), [*named, Named(stage.bucket, "gone", None, "gone")])
    assert refused.value.code == "NoSuchKey"


async def test_what_is_archived_refuses_the_whole_until_it_is_restored() -> None:
    stage = await a_folder()
    stored = await stage.put("y/old", b"old", PLAIN._replace(storage_class="ColdArchive"))
    with pytest.raises(OssError) as refused:
        await under(stage)
    assert (refused.value.code, refused.value.facts) == ("InvalidObjectState", {"Key": "y/old"})
    assert archive_members._room.held == 0

    now = int(stage.context().now)
    await stage.catalog.change_object(
        stage.bucket.bucket_id,
        "y/old",
        stored.version_id,
        lambda record: replace(record, restore=Restore(now - 1, now + 100)),
    )
    assert unpacked(await whole_of(await under(stage)))["old"] == b"old"


async def remove(stage: Stage, key: str) -> None:
    await delete_object(stage.context(), stage.grant(Action.DELETE_OBJECT, key))


async def happen(stage: Stage, change: str) -> None:
    if change == "removed":
        await remove(stage, "y/hello.txt")
    elif change == "replaced":
        await stage.put("y/hello.txt", b"HELLO")
    else:
        found = await stage.find("y/2/secret.bin")
        assert found is not None
        stage.blobs.blobs[found.segments[0].blob_id] = bytes(200_000)


@pytest.mark.parametrize("change", ["removed", "replaced", "damaged"])
async def test_an_object_that_changes_in_the_middle_breaks_it_off(change: str) -> None:
    stage = await a_folder()
    download = await under(stage)
    stream = await download.open(ByteRange(0, download.size))
    seen = bytearray()

    async def read() -> None:
        async for chunk in stream.chunks:
            if not seen:
                await happen(stage, change)
            seen.extend(chunk)

    with pytest.raises(Damaged if change == "damaged" else Broken):
        await read()
    await stream.close()
    assert len(seen) < download.size
    assert b"PK\x05\x06" not in seen
    assert (stage.blobs.opened, archive_members._room.held) == (0, 0)


async def test_the_first_object_is_looked_at_before_anything_is_promised() -> None:
    stage = await a_folder()
    download = await under(stage)
    await remove(stage, "y/2/large.bin")
    with pytest.raises(OssError) as gone:
        await download.open(ByteRange(0, download.size))
    assert gone.value.code == "NoSuchKey"
    await download.close()
    download = await under(stage)
    await stage.put("y/2/secret.bin", b"other")
    with pytest.raises(ReplacedMeanwhile):
        await download.open(ByteRange(0, download.size))
    await download.close()


async def etag_of(stage: Stage) -> str:
    download = await under(stage)
    await download.close()
    return download.etag


async def test_the_etag_changes_with_every_object() -> None:
    stage = await a_folder()
    etags = [await etag_of(stage), await etag_of(stage)]
    assert etags[0] == etags[1]
    await stage.put("y/hello.txt", b"HELLO")
    etags.append(await etag_of(stage))
    await remove(stage, "y/none")
    etags.append(await etag_of(stage))
    assert len(set(etags)) == 3


async def test_a_range_says_which_members_it_has_of() -> None:
    stage = await a_folder()
    download = await under(stage)
    whole = list(download.contents(ByteRange(0, download.size)))
    assert [(member.key, span.start, span.stop) for member, span in whole] == [
        ("y/2/large.bin", 0, 100_000),
        ("y/2/secret.bin", 0, 100_000),
        ("y/hello.txt", 0, 5),
        ("y/link", 0, 100_000),
    ]
    ((member, span),) = download.contents(ByteRange(1000, 2000))
    header = 30 + len("2/large.bin") + 9
    assert (member.name, span) == ("2/large.bin", ByteRange(1000 - header, 2000 - header))
    await download.close()


async def test_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = await a_folder()
    monkeypatch.setattr(archive_members, "ARCHIVE_MEMBERS_MAX", 5)
    with pytest.raises(OssError) as refused:
        await under(stage)
    assert refused.value.status == 400
    monkeypatch.setattr(archive_members, "ARCHIVE_MEMBERS_MAX", 6)
    first = await under(stage)
    monkeypatch.setattr(archive_members, "ARCHIVES_HELD_MAX_BYTES", archive_members._room.held + 100)
    with pytest.raises(OssError) as busy:
        await under(stage)
    assert (busy.value.status, busy.value.headers) == (503, ((b"Retry-After", b"5"),))
    await first.close()
    second = await under(stage)
    await second.close()
    monkeypatch.setattr(archive_members, "ARCHIVE_MAX_BYTES", 300_004)
    with pytest.raises(OssError):
        await under(stage)
    assert archive_members._room.held == 0


async def test_nobody_else_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each object is decided on, when the archive is put together and when it is opened."""
    stage, asked = await a_folder(), list[tuple[Action, str | None]]()
    decide = Context.decide

    def noting(self: Context, action: Action, bucket: object, key: str | None = None, *rest: object, **more: object):  # type: ignore[no-untyped-def]
        asked.append((action, key))
        return decide(self, action, bucket, key, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Context, "decide", noting)
    await whole_of(await under(stage))
    assert {action for action, _ in asked} == {Action.GET_OBJECT}
    assert [asked.count((Action.GET_OBJECT, f"y/{name}")) for name in ("hello.txt", "2/secret.bin")] == [2, 2]

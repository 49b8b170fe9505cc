"""A ZIP over a real connection, from files: whole, resumed, cancelled, broken off."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import struct
import subprocess
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from coatcheck.access.actions import Action
from coatcheck.core.byte_range import ByteRange
from coatcheck.core.errors import LINK_USED_UP
from coatcheck.engines.local import LocalEngines, open_local, prepare_local
from coatcheck.exchange import Exchange
from coatcheck.identity.caller import Caller, UsedLink
from coatcheck.link_watch import end_refused
from coatcheck.operations.archive_download import ArchiveDownload
from coatcheck.operations.archive_members import Archive, members_under
from coatcheck.operations.context import Context, Ports
from coatcheck.operations.delete import delete_object
from coatcheck.operations.intake import receive
from coatcheck.operations.put import put_object
from coatcheck.operations.record import put_record
from coatcheck.oss.archive_reply import TakeUses, no_uses, reply_with_archive
from coatcheck.ports.bucket import Bucket, NewBucket
from coatcheck.ports.links import Link
from coatcheck.ports.object import ObjectRecord, Segment
from coatcheck.wire.reply import Reply

from ..operations.stage import NOW, PLAIN, pieces_of
from ..patience import HANG_S
from ..wire.test_http1 import House, a_house

MIB = 1024**2
CONTENTS = {
    "p/a.bin": os.urandom(3 * MIB + 17),
    "p/b.txt": b"small",
    "p/c/": b"",
    "p/c/d.bin": os.urandom(200_000),
    "p/e.bin": os.urandom(MIB),
}


class Desk:
    """A bucket on disk, and an address that gives its objects as one ZIP: `/PREFIX`."""

    def __init__(self, engines: LocalEngines, bucket: Bucket, owner: Caller) -> None:
        self.engines = engines
        self.bucket = bucket
        self.context = Context(
            Ports(engines.catalog, engines.byte_store, content_sums=engines.content_sums), owner, NOW
        )
        self.take_uses: TakeUses = no_uses
        self.gathered: Callable[[], Awaitable[None]] | None = None
        self.link: UsedLink | None = None

    async def put(self, key: str, content: bytes, encryption: str = "") -> None:
        new = PLAIN._replace(encryption=encryption)
        grant = self.context.decide(Action.PUT_OBJECT, self.bucket, key)
        store = self.context.ports.byte_store
        incoming = await receive(pieces_of(content), store, most=1 << 40, encryption=encryption)
        await put_object(self.context, grant, new, incoming)

    async def answer(self, exchange: Exchange) -> Reply:
        prefix = exchange.request.raw_path.decode()[1:]
        exchange.link = self.link

        async def gather() -> Archive:
            found = await members_under(self.context, self.bucket, prefix, root=prefix)
            if self.gathered is not None:
                await self.gathered()
            return found

        return await reply_with_archive(self.context, exchange.request, gather, 'my 猫;"files"', self.take_uses)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    prepare_local(tmp_path / "data").close()
    with open_local(tmp_path / "data") as engines:
        account = await engines.keyring.root_account()
        new = NewBucket("photos", account, "cn-hangzhou", "private", "Standard", "LRS", NOW)
        bucket = await engines.catalog.create_bucket(new, most=100)
        desk = Desk(engines, bucket, Caller(account, "OwnerKey"))
        for key, content in CONTENTS.items():
            await desk.put(key, content, "AES256" if key.endswith("d.bin") else "")
        yield desk


async def ask(house: House, prefix: str = "p/", method: str = "GET", **headers: str) -> tuple[bytes, bytes]:
    """Head and body."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    answer = await house.say(f"{method} /{prefix} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{lines}\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


def header(head: bytes, name: str) -> str:
    found = [line for line in head.decode().split("\r\n") if line.lower().startswith(f"{name}:")]
    return found[0].partition(":")[2].strip() if found else ""


async def test_the_whole_file_has_its_length_and_unpacks(desk: Desk, tmp_path: Path) -> None:
    async with a_house(desk.answer) as house:
        head, body = await ask(house)
        again = await ask(house)
        await house.all_ended(2)
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert int(header(head, "content-length")) == len(body)
    assert header(head, "content-type") == "application/zip"
    assert header(head, "cache-control") == "private, no-store"
    assert header(head, "content-disposition") == (
        "attachment; filename=\"my ___files_.zip\"; filename*=UTF-8''my%20%E7%8C%AB%3B%22files%22.zip"
    )
    with zipfile.ZipFile(io.BytesIO(body)) as read:
        assert read.testzip() is None
        assert {f"p/{name}": read.read(name) for name in read.namelist()} == CONTENTS
    assert again[1] == body
    assert house.ended == [(200, len(body), True)] * 2
    if shutil.which("unzip"):
        (tmp_path / "a.zip").write_bytes(body)
        done = subprocess.run(["unzip", "-t", str(tmp_path / "a.zip")], capture_output=True, text=True, check=True)
        assert "No errors detected" in done.stdout


async def test_it_is_resumed_and_fetched_in_parts(desk: Desk) -> None:
    async with a_house(desk.answer) as house:
        end = (await ask(house, range="bytes=-700"))[1]  # before anything is known of what is in it
        head, body = await ask(house)
        etag = header(head, "etag")
        assert body[-700:] == end
        parts = [
            await ask(house, range=f"bytes={start}-{start + MIB - 1}", if_range=etag)
            for start in range(0, len(body), MIB)
        ]
        assert [part[0].partition(b"\r\n")[0] for part in parts] == [b"HTTP/1.1 206 Partial Content"] * 5
        assert b"".join(part[1] for part in parts) == body
        assert header(parts[1][0], "content-range") == f"bytes {MIB}-{2 * MIB - 1}/{len(body)}"
        beyond, _ = await ask(house, range=f"bytes={len(body)}-")
        assert beyond.startswith(b"HTTP/1.1 416 ")
        same, _ = await ask(house, if_none_match=etag)
        assert same.startswith(b"HTTP/1.1 304 ")
        length, nothing = await ask(house, method="HEAD")
        assert (header(length, "content-length"), nothing) == (str(len(body)), b"")


async def test_another_state_of_the_bucket_is_another_file(desk: Desk) -> None:
    async with a_house(desk.answer) as house:
        head, _ = await ask(house, range="bytes=0-99")
        await desk.put("p/b.txt", b"SMALL")
        changed, body = await ask(house, range="bytes=100-199", if_range=header(head, "etag"))
        assert changed.startswith(b"HTTP/1.1 200 OK\r\n")
        assert int(header(changed, "content-length")) == len(body)
        refused, _ = await ask(house, range="bytes=100-199", if_match=header(head, "etag"))
        assert refused.startswith(b"HTTP/1.1 412 ")
        dated, _ = await ask(house, range="bytes=1-2", if_range="Thu, 05 Mar 2026 07:08:09 GMT")
        assert dated.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_what_changes_before_the_first_byte_is_gathered_again(desk: Desk) -> None:
    async def change() -> None:
        desk.gathered = None
        await desk.put("p/a.bin", b"new")

    desk.gathered = change
    async with a_house(desk.answer) as house:
        _, body = await ask(house)
    with zipfile.ZipFile(io.BytesIO(body)) as read:
        assert read.read("a.bin") == b"new"


async def test_uses_are_taken_before_the_first_byte_or_nothing_goes_out(desk: Desk) -> None:
    told: list[object] = []

    async def take(download: ArchiveDownload, span: ByteRange) -> Callable[[int], Awaitable[None]]:
        told.append([member.name for member, _ in download.contents(span)])

        async def ended(sent: int) -> None:
            told.append(sent)

        return ended

    async def refuse(download: ArchiveDownload, span: ByteRange) -> None:
        raise LINK_USED_UP()

    desk.take_uses = take
    async with a_house(desk.answer) as house:
        _, body = await ask(house)
        await house.all_ended(1)
        assert told == [["a.bin", "b.txt", "c/d.bin", "e.bin"], len(body)]
        await ask(house, method="HEAD")
        assert len(told) == 2
        desk.take_uses = refuse
        head, body = await ask(house)
        assert head.startswith(b"HTTP/1.1 403 ")
        assert b"This link has been used up" in body


async def slow_answer(house: House, prefix: str) -> asyncio.StreamReader:
    """A download whose client has read a little of it, and takes no more for now."""
    reader, writer = await house.connect(room=64 * 1024)
    writer.write(f"GET /{prefix} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    async with asyncio.timeout(HANG_S):
        await reader.readexactly(100_000)
    return reader


async def test_a_cancelled_link_ends_it_at_once(desk: Desk) -> None:
    for number in range(64):
        await desk.put(f"q/{number}", CONTENTS["p/e.bin"])
    caller = Caller(desk.context.caller.account, "OwnerKey", by_link=True, signature="s")
    desk.link = UsedLink(caller, "photos", "q/", NOW)
    links = desk.engines.links
    async with a_house(desk.answer) as house:
        reader = await slow_answer(house, "q/")
        running = house.connections.with_exchange
        await end_refused(links, running(), NOW)
        assert not house.ended
        link = Link(caller.link, caller.account, "OwnerKey", "photos", "q/", NOW, cancelled_at=NOW)
        await links.change_link(caller.link, lambda _: link)
        begun = asyncio.get_running_loop().time()
        await end_refused(links, running(), NOW)
        await house.all_ended(1)
        took = asyncio.get_running_loop().time() - begun
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(64 * MIB)
    ((status, sent, whole),) = house.ended
    assert (status, whole) == (200, False)
    assert sent < 64 * MIB
    assert took < HANG_S


@pytest.mark.parametrize("known", [True, False])
async def test_who_has_gone_is_noticed_while_sums_are_computed(desk: Desk, *, known: bool) -> None:
    """The end of a ZIP whose CRC-32s nobody has computed takes reading all of it."""
    for number in range(32):
        await desk.put(f"q/{number}", CONTENTS["p/e.bin"])
    opened: list[str] = []
    find = desk.engines.catalog.find_object

    async def noting(bucket_id: int, key: str, version_id: str | None = None) -> ObjectRecord | None:
        opened.append(key)
        if len(opened) == 3 and not known:
            for connection in list(house.connections.with_exchange()):
                connection.reset()
        return await find(bucket_id, key, version_id)

    desk.link = UsedLink(desk.context.caller, "photos", "q/", NOW)
    catalog = Finding(desk.engines.catalog, noting)
    desk.context = replace(desk.context, ports=desk.context.ports._replace(catalog=catalog))
    async with a_house(desk.answer) as house:
        if known:
            await ask(house, "q/")
            opened.clear()
        reader, writer = await house.connect()
        writer.write(b"GET /q/ HTTP/1.1\r\nHost: a\r\nRange: bytes=-1000\r\nConnection: close\r\n\r\n")
        if known:
            assert (await reader.read()).startswith(b"HTTP/1.1 206 ")
            assert opened == []
        else:
            await house.all_ended(1)
            assert len(opened) < 8


class Finding:
    """A catalog, of which one question is looked at."""

    def __init__(self, catalog: Any, find_object: Any) -> None:
        self._catalog = catalog
        self.find_object = find_object

    def __getattr__(self, name: str) -> Any:
        return getattr(self._catalog, name)


async def test_an_object_that_goes_in_the_middle_breaks_it_off(desk: Desk) -> None:
    for number in range(32):
        await desk.put(f"q/{number:02}", CONTENTS["p/e.bin"])
    async with a_house(desk.answer) as house:
        reader = await slow_answer(house, "q/")
        await delete_object(desk.context, desk.context.decide(Action.DELETE_OBJECT, desk.bucket, "q/31"))
        async with asyncio.timeout(HANG_S):
            rest = b"".join([piece async for piece in pieces(reader)])
        await house.all_ended(1)
    assert len(rest) < 32 * MIB
    assert b"PK\x05\x06" not in rest[-30:]
    assert house.ended[0][2] is False


async def pieces(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    with suppress(ConnectionResetError):
        while piece := await reader.read(MIB):
            yield piece


SIZE = 5 * 1024**3
SAID_CRC32 = 0x2A1D0E6B


async def test_beyond_four_gibibytes(desk: Desk) -> None:
    """A sparse blob. Its CRC-32 is said to be known, so that only what is asked for is read."""
    store = desk.engines.byte_store
    writer = await store.new_blob()
    os.truncate(desk.engines._files._paths.incoming(writer.blob_id), SIZE)
    await writer.finish()
    record = ObjectRecord(
        "f/x.bin",
        "null",
        "Normal",
        SIZE,
        "E" * 32,
        1,
        NOW,
        "default",
        "Standard",
        (),
        segments=(Segment(writer.blob_id, 0, SIZE),),
    )
    await put_record(desk.context, desk.context.decide(Action.PUT_OBJECT, desk.bucket, "f/x.bin"), record, writer)
    await desk.put("f/y.txt", b"behind")
    archive = await members_under(desk.context, desk.bucket, "f/", root="f/")
    names = [archive.members.identity(number, desk.bucket.bucket_id) for number in (0, 1)]
    await desk.engines.content_sums.note({names[0]: SAID_CRC32})
    archive.close()
    async with a_house(desk.answer) as house:
        head, _ = await ask(house, "f/", method="HEAD")
        size = int(header(head, "content-length"))
        begin = 30 + 5 + 9 + 20
        _, first = await ask(house, "f/", range=f"bytes=0-{begin + 9}")
        _, end = await ask(house, "f/", range=f"bytes={begin + SIZE - 10}-{size - 1}")
    assert first[-10:] == bytes(10)
    assert end[:10] == bytes(10)
    assert end[10:34] == struct.pack("<IIQQ", 0x08074B50, SAID_CRC32, SIZE, SIZE)
    assert size == begin + SIZE - 10 + len(end)
    assert end[34 + 30 + 5 + 9 :][:6] == b"behind"
    records = end.index(b"PK\x01\x02")
    assert struct.unpack("<HHQQ", end[records + 46 + 5 + 9 :][:20]) == (1, 16, SIZE, SIZE)
    second = end.index(b"PK\x01\x02", records + 4)
    assert struct.unpack("<HHQ", end[second + 46 + 5 + 9 :][:12]) == (1, 8, begin + SIZE + 24)

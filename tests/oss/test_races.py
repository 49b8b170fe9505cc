"""Objects that are replaced while an operation is under way: it is repeated where it only read; a request never is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import pytest

from coatcheck.core.byte_range import ByteRange
from coatcheck.engines.memory_bytes import MemoryBlobReader, MemoryByteStore
from coatcheck.ports.damage import Origin
from coatcheck.ports.object import Segment
from coatcheck.ports.renderer import Job, Rendered

from .house import GivenBody, House
from .test_callback import Application, encoded

LARGE = b"x" * 100_000
NEWER = b"y" * 100_001


class Racing(MemoryByteStore):
    """Before a blob is opened, somebody else does something first: so often, and no more."""

    before: Callable[[], Awaitable[object]] | None = None
    times = 1

    async def open(
        self, segments: Sequence[Segment], origin: Origin | None = None, span: ByteRange | None = None
    ) -> MemoryBlobReader:
        if self.before is not None and self.times > 0:
            self.times -= 1
            await self.before()
        return await super().open(segments, origin, span)


class Reading:
    """A renderer that reads its picture and says it is one of 3 by 2 pixels."""

    async def render(self, job: Job) -> Rendered:
        size = 0
        async for chunk in job.source.chunks():
            size += len(chunk)
        body = b'{"ImageHeight": {"value": "2"}, "ImageWidth": {"value": "3"}, "Format": {"value": "png"}}'
        return Rendered("application/json" if "info" in job.process else "image/png", len(body), body)


async def a_house(store: Racing, **options: object) -> House:
    house = House(store=store, **options)  # type: ignore[arg-type]
    house.pipeline._ports = house.pipeline._ports._replace(renderer=Reading())
    return await house.with_bucket()


def replaced(house: House, store: Racing, body: bytes = NEWER, times: int = 1) -> None:
    async def replace() -> None:
        before, store.before = store.before, None
        await house.put("/photos/a.png", body)
        store.before = before

    store.before, store.times = replace, times


async def test_a_read_finds_what_replaced_its_object() -> None:
    house = await a_house(store := Racing())
    await house.put("/photos/a.png", LARGE)
    replaced(house, store)
    answer = await house.ask("GET", "/photos/a.png")
    assert (answer.status, answer.body) == (200, NEWER)


async def test_a_read_that_loses_every_race_is_refused() -> None:
    house = await a_house(store := Racing())
    await house.put("/photos/a.png", LARGE)
    replaced(house, store, times=100)
    assert (await house.ask("GET", "/photos/a.png")).refusal == (500, "InternalError")


async def test_what_may_be_done_is_decided_anew_with_what_is_there() -> None:
    """The newer object is private; who could read the older one by its ACL may not read this one."""
    house = await a_house(store := Racing())
    await house.put("/photos/a.png", LARGE, {"x-oss-object-acl": "public-read"})
    replaced(house, store)
    assert (await house.ask("GET", "/photos/a.png", by=None)).refusal == (403, "AccessDenied")


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_upload_replaced_before_its_callback_looks_at_it_stays_what_it_is(chunked: bool) -> None:
    """The newer object stays, the upload's own answer says 200, and its body was read once."""
    application = Application()
    house = await a_house(store := Racing(), notifier=application)
    replaced(house, store)
    document = {"callbackUrl": "http://app.example.com/", "callbackBody": "w=${imageInfo.width}&size=${size}"}
    headers = {"x-oss-callback": encoded(document)}
    body = GivenBody([LARGE])
    answer = await house.ask("PUT", "/photos/a.png", body, headers, chunked=chunked)
    assert answer.status == 200
    assert [notice.body for notice in application.heard] == [b"w=&size=100000"]
    store.before = None
    assert (await house.ask("GET", "/photos/a.png")).body == NEWER
    assert body.taken == 1


async def test_a_picture_is_processed_from_what_replaced_it() -> None:
    house = await a_house(store := Racing())
    await house.put("/photos/a.png", LARGE)
    replaced(house, store)
    save = b"x-oss-process=image/resize,w_1|sys/saveas,o_Yi5wbmc"
    answer = await house.ask("POST", "/photos/a.png?x-oss-process", GivenBody([save]))
    assert answer.status == 200, answer.body
    assert (await house.ask("GET", "/photos/b.png")).status == 200


async def test_a_copy_to_be_encrypted_takes_what_replaced_its_source() -> None:
    house = await a_house(store := Racing())
    await house.put("/photos/a.png", LARGE)
    replaced(house, store)
    headers = {"x-oss-copy-source": "/photos/a.png", "x-oss-server-side-encryption": "AES256"}
    assert (await house.ask("PUT", "/photos/b.png", headers=headers)).status == 200
    store.before = None
    assert (await house.ask("GET", "/photos/b.png")).body == NEWER


async def test_a_part_copied_takes_what_replaced_its_source() -> None:
    house = await a_house(store := Racing())
    await house.put("/photos/a.png", LARGE)
    begun = await house.ask("POST", "/photos/b.png?uploads")
    replaced(house, store)
    address = f"/photos/b.png?partNumber=1&uploadId={begun.text('UploadId')}"
    headers = {"x-oss-copy-source": "/photos/a.png", "x-oss-copy-source-range": "bytes=0-9"}
    assert (await house.ask("PUT", address, headers=headers)).status == 200
    store.before = None
    assert (
        await house.ask("POST", address.replace("partNumber=1&", ""), headers={"x-oss-complete-all": "yes"})
    ).status == 200
    assert (await house.ask("GET", "/photos/b.png")).body == b"y" * 10

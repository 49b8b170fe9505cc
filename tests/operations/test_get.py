"""Getting an object's content, without a request."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from coatcheck.access.actions import Action
from coatcheck.core.byte_range import ByteRange
from coatcheck.core.errors import INVALID_OBJECT_STATE, OssError
from coatcheck.operations.commit import ReplacedMeanwhile
from coatcheck.operations.get import inline_content, open_content
from coatcheck.operations.pacing import Meter, paced_content
from coatcheck.ports.object import Restore
from coatcheck.wire.reply import Stream

from .stage import LARGE, NOW, PLAIN, Stage, a_stage, content_of

SPAN = ByteRange(1, 4)


async def opened(stage: Stage, content: bytes, span: ByteRange, encryption: str = "") -> bytes:
    stored = await stage.put("a", content, PLAIN._replace(encryption=encryption))
    grant = stage.grant(Action.GET_OBJECT)
    found = inline_content(stage.context(), grant, stored.record, span)
    return await content_of(found or await open_content(stage.context(), grant, stored.record, span))


@pytest.mark.parametrize("encryption", ["", "AES256"])
async def test_a_span_is_the_same_from_the_row_and_from_a_blob(encryption: str) -> None:
    stage = await a_stage()
    assert await opened(stage, b"hello", SPAN, encryption) == b"ell"
    assert await opened(stage, LARGE, ByteRange(99_998, 100_000), encryption) == b"89"
    assert await opened(stage, LARGE, ByteRange(0, 100_000), encryption) == LARGE
    assert stage.blobs.opened == 0


async def test_of_many_blobs_those_are_opened_that_the_span_needs() -> None:
    stage = await a_stage()
    first = (await stage.put("b", LARGE)).record
    second = (await stage.put("c", LARGE)).record
    both = replace(first, kind="Multipart", size=200_000, segments=(*first.segments, *second.segments))
    del stage.blobs.blobs[second.segments[0].blob_id]
    grant = stage.grant(Action.GET_OBJECT, "b")
    assert (
        await content_of(await open_content(stage.context(), grant, both, ByteRange(99_990, 100_000))) == b"0123456789"
    )


async def test_what_was_replaced_and_left_no_bytes_is_told_from_what_is_lost() -> None:
    stage = await a_stage()
    old = (await stage.put("a", LARGE)).record
    await stage.put("a", b"hello")
    with pytest.raises(ReplacedMeanwhile):
        await open_content(stage.context(), stage.grant(Action.GET_OBJECT), old, SPAN)
    lost = (await stage.put("a", LARGE)).record
    stage.blobs.blobs.clear()
    with pytest.raises(OssError) as refusal:
        await open_content(stage.context(), stage.grant(Action.GET_OBJECT), lost, SPAN)
    assert refusal.value.status == 500


async def test_what_is_archived_is_had_while_it_is_restored() -> None:
    stage = await a_stage()
    archived = (await stage.put("a", b"hello", PLAIN._replace(storage_class="Archive"))).record
    grant = stage.grant(Action.GET_OBJECT)
    with pytest.raises(OssError) as refusal:
        inline_content(stage.context(), grant, archived, SPAN)
    assert refusal.value.fault is INVALID_OBJECT_STATE
    restored = replace(archived, restore=Restore(NOW, NOW + 60))
    assert inline_content(stage.context(), grant, restored, SPAN) == b"ell"
    with pytest.raises(OssError):
        inline_content(stage.context(now=NOW + 60), grant, restored, SPAN)


async def test_paced_content_is_the_same_content() -> None:
    stage = await a_stage()
    record = (await stage.put("a", LARGE)).record
    stream = await open_content(stage.context(), stage.grant(Action.GET_OBJECT), record, ByteRange(0, 10))
    assert await content_of(paced_content(stream, (Meter(8_000_000_000),))) == b"0123456789"
    assert paced_content(b"hello", (Meter(8_000_000_000),)) == b"hello", "it may go at once"
    assert await content_of(paced_content(b"x" * 20_000, (Meter(8_000_000_000),))) == b"x" * 20_000
    assert stage.blobs.opened == 0


async def test_a_small_body_waits_for_those_before_it() -> None:
    meter = Meter(40_000)
    assert paced_content(b"hello" * 100, (meter,)) == b"hello" * 100
    second = paced_content(b"hello", (meter,))
    assert isinstance(second, Stream)
    before = asyncio.get_running_loop().time()
    assert await content_of(second) == b"hello"
    assert asyncio.get_running_loop().time() - before > 0.01, "4,000 bits take 0.1 s"


async def test_a_grant_for_writing_is_none_for_reading() -> None:
    stage = await a_stage()
    record = (await stage.put("a", b"hello")).record
    with pytest.raises(TypeError, match="a grant for PUT_OBJECT is none for GET_OBJECT"):
        inline_content(stage.context(), stage.grant(Action.PUT_OBJECT), record, SPAN)
    with pytest.raises(TypeError, match="a grant for PUT_OBJECT is none for GET_OBJECT"):
        await open_content(stage.context(), stage.grant(Action.PUT_OBJECT), record, SPAN)

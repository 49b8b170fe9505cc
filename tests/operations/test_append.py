"""Appending to an object, without a request."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from coatcheck.access.actions import Action
from coatcheck.core.byte_range import ByteRange
from coatcheck.core.errors import INTERNAL_ERROR, OBJECT_NOT_APPENDABLE, POSITION_NOT_EQUAL_TO_LENGTH, OssError
from coatcheck.engines.memory_bytes import MemoryBlobReader, MemoryByteStore
from coatcheck.operations.append import Misplaced, append, seal
from coatcheck.operations.commit import Stored
from coatcheck.operations.intake import Arriving
from coatcheck.ports.byte_store import BlobGone
from coatcheck.ports.damage import Damaged, Origin
from coatcheck.ports.object import Segment

from .stage import LARGE, NOW, PLAIN, Stage, a_stage, pieces_of


async def add(stage: Stage, content: bytes, position: int) -> Stored:
    found = await stage.find("log")
    grant = stage.grant(Action.PUT_OBJECT, "log")
    return await append(stage.context(), grant, PLAIN, position, Arriving(pieces_of(content)), found)


async def test_bytes_come_behind_those_that_are_there() -> None:
    stage = await a_stage()
    await add(stage, b"one ", 0)
    stored = await add(stage, b"two", 4)
    assert stored.record == await stage.find("log")
    assert (stored.record.kind, stored.record.size, stored.record.body) == ("Appendable", 7, b"one two")


async def test_a_blob_that_came_is_kept_if_it_is_named_and_else_goes() -> None:
    stage = await a_stage()
    large = LARGE * 20
    await add(stage, large, 0)
    stored = await add(stage, LARGE, len(large))  # as it came: longer segments in front of it stay as they are
    named = [segment.blob_id for segment in stored.record.segments]
    assert len(named) == 2
    assert set(stage.blobs.blobs) == set(named)
    stored = await add(stage, LARGE, stored.record.size)  # put together with what was before it
    assert set(stage.blobs.blobs) == {segment.blob_id for segment in stored.record.segments}
    assert len(stored.record.segments) == 2
    assert (stage.blobs.unkept, stage.catalog.garbage) == (set(), set())


async def test_the_wrong_place_is_refused_with_the_right_one_and_nothing_is_kept() -> None:
    stage = await a_stage()
    await add(stage, b"one", 0)
    with pytest.raises(Misplaced) as refusal:
        await add(stage, LARGE, 5)
    assert (refusal.value.fault, refusal.value.length) == (POSITION_NOT_EQUAL_TO_LENGTH, 3)
    await stage.put("log", b"hello")
    with pytest.raises(Misplaced) as refusal:
        await add(stage, LARGE, 5)
    assert (refusal.value.fault, refusal.value.length) == (OBJECT_NOT_APPENDABLE, 5)
    assert stage.blobs.blobs == {}


async def test_one_who_comes_first_wins_and_the_other_ones_bytes_go() -> None:
    stage = await a_stage()
    await add(stage, b"one", 0)
    found = await stage.find("log")
    await add(stage, b" two", 3)
    grant = stage.grant(Action.PUT_OBJECT, "log")
    with pytest.raises(Misplaced) as refusal:  # as if both had looked before either was there
        await append(stage.context(), grant, PLAIN, 3, Arriving(pieces_of(LARGE)), found)
    assert refusal.value.length == 7
    assert stage.blobs.blobs == {}


class Failing(MemoryByteStore):
    failure: Exception | None = None

    async def open(
        self, segments: Sequence[Segment], origin: Origin | None = None, span: ByteRange | None = None
    ) -> MemoryBlobReader:
        if self.failure is not None:
            raise self.failure
        return await super().open(segments, origin, span)


@pytest.mark.parametrize("failure", [BlobGone(), Damaged("cut short")])
async def test_what_cannot_be_read_again_leaves_no_bytes_of_the_append(failure: Exception) -> None:
    """BlobGone: the object is replaced each time. Damaged: it can't be put together with what came."""
    stage = await a_stage(blobs=(blobs := Failing()))
    before = await add(stage, LARGE, 0)
    blobs.failure = failure
    with pytest.raises((OssError, Damaged)) as refusal:
        await add(stage, LARGE, len(LARGE))
    if isinstance(refusal.value, OssError):
        assert refusal.value.fault is INTERNAL_ERROR
    assert set(blobs.blobs) == {before.record.segments[0].blob_id}
    assert blobs.unkept == set()


async def test_a_sealed_object_takes_no_more_and_says_since_when() -> None:
    stage = await a_stage()
    stored = await add(stage, b"one", 0)
    grant = stage.grant(Action.SEAL_APPEND_OBJECT, "log")
    assert await seal(stage.context(), grant, stored.version_id, 3) == NOW
    assert await seal(stage.context(now=NOW + 60), grant, stored.version_id, 3) == NOW
    with pytest.raises(Misplaced) as refusal:
        await add(stage, b"two", 3)
    assert refusal.value.fault is OBJECT_NOT_APPENDABLE

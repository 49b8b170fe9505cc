"""Uploads in parts, without a request."""

from __future__ import annotations

from typing import Any

import pytest

from coatcheck.access.actions import Action
from coatcheck.core.byte_range import ByteRange
from coatcheck.core.errors import INTERNAL_ERROR, INVALID_PART, NO_SUCH_UPLOAD, OssError
from coatcheck.engines.memory import MemoryCatalog
from coatcheck.operations.get import open_content
from coatcheck.operations.intake import Arriving
from coatcheck.operations.list import Selection
from coatcheck.operations.multipart import (
    Completion,
    abort_upload,
    complete_upload,
    initiate_upload,
    list_parts,
    list_uploads,
)
from coatcheck.operations.part import copy_part, upload_part
from coatcheck.operations.source import SourceName
from coatcheck.ports.catalog import Stale, Written
from coatcheck.ports.upload import Part

from .stage import LARGE, PLAIN, Stage, a_stage, content_of, pieces_of

TAGGED = PLAIN._replace(tags=(("colour", "red"),), storage_class="IA")


async def begun(stage: Stage) -> str:
    return (await initiate_upload(stage.context(), stage.grant(Action.PUT_OBJECT), TAGGED)).upload_id


async def sent(stage: Stage, upload_id: str, number: int, content: bytes) -> Part:
    grant = stage.grant(Action.PUT_OBJECT)
    stored = await upload_part(stage.context(), grant, upload_id, number, Arriving(pieces_of(content)))
    return stored.part


async def test_the_parts_that_are_named_become_the_object_and_the_others_go() -> None:
    stage = await a_stage()
    upload_id = await begun(stage)
    first, _, last = [await sent(stage, upload_id, number, LARGE * 2) for number in (1, 2, 3)]
    wanted = [(1, first.etag), (3, last.etag)]
    grant = stage.grant(Action.PUT_OBJECT)
    record = (await complete_upload(stage.context(), grant, upload_id, Completion(wanted, acl="private"))).record
    assert record == await stage.find("a")
    assert (record.kind, record.size, record.acl, record.tags) == ("Multipart", 400_000, "private", TAGGED.tags)
    assert (record.storage_class, record.segments) == ("IA", (*first.segments, *last.segments))
    assert set(stage.blobs.blobs) == {segment.blob_id for segment in record.segments}
    stream = await open_content(stage.context(), stage.grant(Action.GET_OBJECT), record, ByteRange(0, record.size))
    assert await content_of(stream) == LARGE * 4


async def test_a_part_copied_from_blobs_shares_them() -> None:
    stage = await a_stage()
    source = await stage.put("b", LARGE)
    upload_id = await begun(stage)
    grant = stage.grant(Action.PUT_OBJECT)
    name = SourceName("photos", "b")
    copied = await copy_part(stage.context(), grant, upload_id, 1, name, lambda _: ByteRange(10, 20))
    assert copied.part.segments == (source.record.segments[0]._replace(start=10, stop=20),)
    assert copied.part.etag == "781E5E245D69B566979B86E28D23F2C7"
    await stage.put("b", b"hello")
    record = (await complete_upload(stage.context(), grant, upload_id, Completion())).record
    stream = await open_content(stage.context(), stage.grant(Action.GET_OBJECT), record, ByteRange(0, 10))
    assert await content_of(stream) == b"0123456789"


async def test_a_part_that_is_not_as_it_was_named_stops_the_end() -> None:
    stage = await a_stage()
    upload_id = await begun(stage)
    await sent(stage, upload_id, 1, b"one")
    with pytest.raises(OssError) as refusal:
        await complete_upload(stage.context(), stage.grant(Action.PUT_OBJECT), upload_id, Completion([(1, "0" * 32)]))
    assert refusal.value.fault is INVALID_PART
    page = await list_parts(stage.context(), stage.grant(Action.LIST_PARTS), upload_id, marker=0, limit=10)
    assert ([part.number for part in page.parts], page.more) == ([1], False)


async def test_an_upload_that_is_aborted_leaves_nothing() -> None:
    stage = await a_stage()
    upload_id = await begun(stage)
    await sent(stage, upload_id, 1, LARGE)
    listing = stage.grant(Action.LIST_MULTIPART_UPLOADS)
    assert [upload.key for upload in (await list_uploads(stage.context(), listing, Selection())).uploads] == ["a"]
    await abort_upload(stage.context(), stage.grant(Action.ABORT_MULTIPART_UPLOAD), upload_id)
    assert (await list_uploads(stage.context(), listing, Selection())).uploads == ()
    assert stage.blobs.blobs == {}
    with pytest.raises(OssError) as refusal:
        await sent(stage, upload_id, 2, LARGE)
    assert refusal.value.fault is NO_SUCH_UPLOAD
    assert stage.blobs.unkept == set()


class Busy(MemoryCatalog):
    """A part comes in before each of the next ends of an upload."""

    times = 0
    tries = 0

    async def complete_upload(self, *arguments: Any, **named: Any) -> Written:
        self.tries += 1
        if self.tries <= self.times:
            raise Stale
        return await super().complete_upload(*arguments, **named)


async def test_an_end_that_parts_came_before_is_tried_again_but_not_without_end() -> None:
    stage = await a_stage(catalog := Busy())
    upload_id = await begun(stage)
    await sent(stage, upload_id, 1, b"one")
    catalog.times = 100
    grant = stage.grant(Action.PUT_OBJECT)
    with pytest.raises(OssError) as refusal:
        await complete_upload(stage.context(), grant, upload_id, Completion())
    assert (refusal.value.fault, catalog.tries) == (INTERNAL_ERROR, 8)
    catalog.times, catalog.tries = 2, 0
    assert (await complete_upload(stage.context(), grant, upload_id, Completion())).record.size == 3

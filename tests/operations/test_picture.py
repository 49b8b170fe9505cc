"""Stored objects as pictures, without a request; what renders is a stub."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field

import pytest

from coatcheck.access.actions import Action
from coatcheck.core.errors import NOT_A_PICTURE, NOT_IMPLEMENTED, WATERMARK_ERROR, OssError
from coatcheck.engines.memory_bytes import MemoryBlobReader, MemoryByteStore
from coatcheck.operations.picture import PictureFacts, describe_picture, process_picture
from coatcheck.ports.renderer import Job, Rendered

from .stage import LARGE, OWNER, PLAIN, STRANGER, Stage, a_stage, content_of

RESIZE = "image/resize,w_100"
INFO = {"ImageHeight": {"value": "40"}, "ImageWidth": {"value": "30"}, "Format": {"value": "png"}}


@dataclass
class StubRenderer:
    """Reads what it was given; "text" objects are no pictures. A result is remembered content where it has a store."""

    jobs: list[Job] = field(default_factory=list)
    results: MemoryByteStore | None = None

    async def render(self, job: Job) -> Rendered:
        self.jobs.append(job)
        async with job.source.as_file() as file:
            assert file is None  # nothing here is one
        source = b"".join([bytes(chunk) async for chunk in job.source.chunks()])
        if source.startswith(b"text"):
            raise NOT_A_PICTURE()
        marks = [b"".join([bytes(chunk) async for chunk in mark.chunks()]) for mark in job.marks.values()]
        body = b"%d bytes %b" % (len(source), b"".join(marks))
        if job.process == "image/info":
            body = json.dumps(INFO).encode()
        if self.results is not None:
            return Rendered("image/jpeg", len(body), MemoryBlobReader(self.results, [memoryview(body)]))
        return Rendered("image/jpeg", len(body), body)


async def a_studio() -> Stage:
    stage = await a_stage()
    stage.ports = stage.ports._replace(renderer=StubRenderer())
    return stage


def watermarked(key: str) -> str:
    return f"{RESIZE}/watermark,image_{urlsafe_b64encode(key.encode()).decode()}"


async def test_what_is_made_of_a_picture_is_a_value() -> None:
    stage = await a_studio()
    record = (await stage.put("a", LARGE)).record
    made = await process_picture(stage.context(), stage.grant(Action.GET_OBJECT), record, RESIZE)
    assert (made.content_type, made.size, await content_of(made.content)) == ("image/jpeg", 13, b"100000 bytes ")
    assert stage.blobs.opened == 0


async def test_a_result_that_is_read_while_it_is_sent_is_closed_by_who_got_it() -> None:
    stage = await a_studio()
    results = MemoryByteStore()
    stage.ports = stage.ports._replace(renderer=StubRenderer(results=results))
    record = (await stage.put("a", b"picture")).record
    made = await process_picture(stage.context(), stage.grant(Action.GET_OBJECT), record, RESIZE)
    assert results.opened == 1
    assert await content_of(made.content) == b"7 bytes "
    assert results.opened == 0
    assert await describe_picture(stage.context(), stage.grant(Action.PUT_OBJECT), record) is None
    assert results.opened == 0


async def test_a_watermark_is_decided_on_for_who_asks() -> None:
    stage = await a_studio()
    shown = (await stage.put("a", b"picture", PLAIN._replace(acl="public-read"))).record
    await stage.put("mark", b"mark")
    plan = watermarked("mark")
    made = await process_picture(stage.context(OWNER), stage.grant(Action.GET_OBJECT), shown, plan)
    assert await content_of(made.content) == b"7 bytes mark"
    stranger = stage.context(STRANGER)
    grant = stranger.decide(Action.GET_OBJECT, stage.bucket, "a", shown)
    with pytest.raises(OssError) as refusal:
        await process_picture(stranger, grant, shown, plan)
    assert refusal.value.fault is WATERMARK_ERROR


async def test_without_a_renderer_nothing_is_processed() -> None:
    stage = await a_stage()
    record = (await stage.put("a", b"picture")).record
    with pytest.raises(OssError) as refusal:
        await process_picture(stage.context(), stage.grant(Action.GET_OBJECT), record, RESIZE)
    assert refusal.value.fault is NOT_IMPLEMENTED
    assert await describe_picture(stage.context(), stage.grant(Action.PUT_OBJECT), record) is None


async def test_a_stored_picture_says_how_large_it_is() -> None:
    stage = await a_studio()
    picture, text = (await stage.put("a", b"picture")).record, (await stage.put("b", b"text")).record
    grant = stage.grant(Action.PUT_OBJECT)
    assert await describe_picture(stage.context(), grant, picture) == PictureFacts(40, 30, "png")
    assert await describe_picture(stage.context(), stage.grant(Action.PUT_OBJECT, "b"), text) is None


async def test_a_result_of_encrypted_content_is_not_remembered() -> None:
    stage = await a_studio()
    for key, encryption in (("a", ""), ("b", "AES256")):
        record = (await stage.put(key, b"picture", PLAIN._replace(encryption=encryption))).record
        await process_picture(stage.context(), stage.grant(Action.GET_OBJECT, key), record, RESIZE)
    renderer = stage.ports.renderer
    assert isinstance(renderer, StubRenderer)
    assert [job.source.remember for job in renderer.jobs] == [True, False]

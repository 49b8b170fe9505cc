"""Copying objects, without a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from coatcheck.access.actions import Action
from coatcheck.core.errors import NO_SUCH_BUCKET, NO_SUCH_KEY, OssError
from coatcheck.engines.memory import MemoryCatalog
from coatcheck.identity.caller import Caller
from coatcheck.operations.copy import Copied, CopyWishes, copy_object
from coatcheck.operations.delete import delete_object
from coatcheck.operations.source import Judge, Source, SourceName
from coatcheck.ports.catalog import Written

from .stage import LARGE, OWNER, PLAIN, STRANGER, Stage, a_stage

TAGGED = PLAIN._replace(tags=(("colour", "red"),))
CSS = ((b"content-type", b"text/css"),)
AS_IT_IS = CopyWishes()


def any_source(source: Source) -> None:
    """What is asked of a source where nothing is."""


async def copied(
    stage: Stage,
    wishes: CopyWishes = AS_IT_IS,
    judge: Judge = any_source,
    *,
    source: str = "a",
    key: str = "b",
    caller: Caller = OWNER,
) -> Copied:
    grant = stage.grant(Action.PUT_OBJECT, key, caller)
    return await copy_object(stage.context(caller), grant, SourceName("photos", source), wishes, judge)


async def test_a_copy_shares_the_bytes_and_has_what_the_source_had() -> None:
    stage = await a_stage()
    first = await stage.put("a", LARGE, TAGGED)
    stored = (await copied(stage)).stored
    assert stored.record == await stage.find("b")
    assert (stored.record.segments, stored.record.tags) == (first.record.segments, (("colour", "red"),))
    assert len(stage.blobs.blobs) == 1


async def test_a_copy_gets_what_replaces_it() -> None:
    stage = await a_stage()
    await stage.put("a", LARGE, TAGGED)
    wishes = CopyWishes(CSS, True, (("x", "1"),), True, "public-read", "IA", "AES256")
    record = (await copied(stage, wishes)).stored.record
    assert (record.headers, record.tags, record.acl, record.storage_class) == (
        CSS,
        (("x", "1"),),
        "public-read",
        "IA",
    )
    assert (record.encryption, len(stage.blobs.blobs), stage.blobs.unkept) == ("AES256", 2, set())


async def test_onto_itself_it_changes_the_row_alone() -> None:
    stage = await a_stage()
    first = await stage.put("a", LARGE, TAGGED._replace(acl="private"))
    record = (await copied(stage, CopyWishes(CSS), key="a")).stored.record
    assert (record.headers, record.acl, record.segments) == (CSS, "private", first.record.segments)


async def test_what_judges_the_source_can_refuse_it() -> None:
    stage = await a_stage()
    await stage.put("a", b"hello")

    def refuse(source: Source) -> None:
        raise LookupError(source.record.etag)

    with pytest.raises(LookupError, match="5D41402ABC4B2A76B9719D911017C592"):
        await copied(stage, judge=refuse)
    assert await stage.find("b") is None


async def test_the_right_to_write_is_no_right_to_read_the_source() -> None:
    stage = await a_stage()
    await stage.put("a", b"hello")
    await stage.change_bucket(lambda bucket: replace(bucket, acl="public-read-write"))
    await stage.put("secret", b"hello", PLAIN._replace(acl="private"))
    assert (await copied(stage, caller=STRANGER)).stored.record.size == 5
    with pytest.raises(OssError) as refusal:
        await copied(stage, source="secret", caller=STRANGER)
    assert refusal.value.code == "AccessDenied"


async def test_a_grant_for_something_else_is_a_mistake_in_the_code() -> None:
    stage = await a_stage()
    grant = stage.grant(Action.GET_OBJECT, "b")
    with pytest.raises(TypeError, match="GET_OBJECT"):
        await copy_object(stage.context(), grant, SourceName("photos", "a"), AS_IT_IS, any_source)


class Raced(MemoryCatalog):
    """Somebody does something before the next put."""

    before: Callable[[], Awaitable[object]] | None = None

    async def put_object(self, *arguments: Any, **named: Any) -> Written:
        before, self.before = self.before, None
        if before is not None:
            await before()
        return await super().put_object(*arguments, **named)


async def test_a_source_that_is_replaced_meanwhile_is_found_anew() -> None:
    stage = await a_stage(catalog := Raced())
    await stage.put("a", LARGE)
    judged: list[int] = []
    catalog.before = lambda: stage.put("a", LARGE[1:])
    record = (await copied(stage, judge=lambda source: judged.append(source.record.size))).stored.record
    assert (record.size, judged) == (99_999, [100_000, 99_999])
    assert set(stage.blobs.blobs) == {record.segments[0].blob_id}


async def test_a_source_or_a_bucket_that_went_meanwhile_is_said_so() -> None:
    stage = await a_stage(catalog := Raced())
    await stage.put("a", LARGE)
    catalog.before = lambda: delete_object(stage.context(), stage.grant(Action.DELETE_OBJECT))
    with pytest.raises(OssError) as refusal:
        await copied(stage)
    assert refusal.value.fault is NO_SUCH_KEY
    await stage.put("a", LARGE)

    async def go() -> None:
        await delete_object(stage.context(), stage.grant(Action.DELETE_OBJECT))
        await catalog.delete_bucket(stage.bucket.bucket_id)

    catalog.before = go
    with pytest.raises(OssError) as refusal:
        await copied(stage)
    assert refusal.value.fault is NO_SUCH_BUCKET

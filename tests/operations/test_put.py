"""Putting an object, without a request."""

from __future__ import annotations

import pytest

from coatcheck.access.actions import Action
from coatcheck.core.errors import FILE_ALREADY_EXISTS, OssError
from coatcheck.operations.intake import receive
from coatcheck.operations.overwrite import check_overwrite
from coatcheck.operations.put import put_object

from .stage import LARGE, NOW, PLAIN, a_stage, pieces_of


async def test_what_arrived_is_stored_with_what_was_said_of_it() -> None:
    stage = await a_stage()
    new = PLAIN._replace(acl="public-read", storage_class="IA", tags=(("colour", "red"),))
    stored = await stage.put("a", b"hello", new)
    found = await stage.catalog.find_object(stage.bucket.bucket_id, "a")
    assert found == stored.record
    assert (found.kind, found.size, found.etag) == ("Normal", 5, "5D41402ABC4B2A76B9719D911017C592")
    assert (found.acl, found.storage_class, found.tags) == ("public-read", "IA", (("colour", "red"),))
    assert (found.headers, found.body, found.last_modified) == (((b"content-type", b"text/plain"),), b"hello", NOW)
    assert stored.version_id == "null"


async def test_a_large_object_is_a_blob_that_its_row_names() -> None:
    stage = await a_stage()
    stored = await stage.put("a", LARGE)
    assert stored.record.body is None
    assert {segment.blob_id for segment in stored.record.segments} == set(stage.blobs.blobs)
    assert stage.blobs.unkept == set()


async def test_what_may_not_be_overwritten_stays_and_the_new_bytes_go() -> None:
    stage = await a_stage()
    first = await stage.put("a", LARGE)
    with pytest.raises(OssError) as refusal:
        await stage.put("a", LARGE[1:], PLAIN._replace(forbid_overwrite=True))
    assert refusal.value.fault is FILE_ALREADY_EXISTS
    assert await stage.catalog.find_object(stage.bucket.bucket_id, "a") == first.record
    assert set(stage.blobs.blobs) == {first.record.segments[0].blob_id}


async def test_overwriting_can_be_refused_before_anything_arrives() -> None:
    stage = await a_stage()
    await check_overwrite(stage.context(), stage.grant(Action.PUT_OBJECT, "a"), asked=True)
    await stage.put("a", b"hello")
    await check_overwrite(stage.context(), stage.grant(Action.PUT_OBJECT, "a"), asked=False)
    with pytest.raises(OssError) as refusal:
        await check_overwrite(stage.context(), stage.grant(Action.PUT_OBJECT, "a"), asked=True)
    assert refusal.value.fault is FILE_ALREADY_EXISTS


async def test_a_small_object_lies_encrypted_in_its_row() -> None:
    stage = await a_stage()
    stored = await stage.put("a", b"hello", PLAIN._replace(encryption="AES256"))
    assert stored.record.body is not None
    assert b"hello" not in stored.record.body
    assert stage.ports.byte_store.decrypt(stored.record.body) == b"hello"


async def test_a_grant_for_reading_is_none_for_writing() -> None:
    stage = await a_stage()
    incoming = await receive(pieces_of(b"hello"), stage.ports.byte_store, most=100)
    with pytest.raises(TypeError, match="a grant for GET_OBJECT is none for PUT_OBJECT"):
        await put_object(stage.context(), stage.grant(Action.GET_OBJECT), PLAIN, incoming)
    assert await stage.catalog.find_object(stage.bucket.bucket_id, "a") is None

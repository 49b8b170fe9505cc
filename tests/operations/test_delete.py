"""Deleting objects, without a request."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coatcheck.access.actions import Action
from coatcheck.core.errors import NO_SUCH_BUCKET, OssError
from coatcheck.operations.delete import Named, delete_object, delete_objects
from coatcheck.ports.object import DELETE_MARKER

from .stage import LARGE, NOW, PLAIN, STRANGER, a_stage


async def test_what_is_deleted_leaves_no_bytes_and_nothing_can_be_deleted_too() -> None:
    stage = await a_stage()
    await stage.put("a", LARGE)
    grant = stage.grant(Action.DELETE_OBJECT)
    assert (await delete_object(stage.context(), grant)).existed
    assert not (await delete_object(stage.context(), grant)).existed
    assert (await stage.find("a"), stage.blobs.blobs) == (None, {})


async def test_a_versioned_bucket_gets_a_marker_and_a_named_version_goes() -> None:
    stage = await a_stage()
    await stage.change_bucket(lambda bucket: replace(bucket, versioning="Enabled"))
    stored = await stage.put("a", b"hello")
    grant = stage.grant(Action.DELETE_OBJECT)
    deleted = await delete_object(stage.context(), grant)
    marker = await stage.find("a")
    assert marker is not None
    assert (marker.kind, marker.last_modified) == (DELETE_MARKER, NOW)
    assert (deleted.marker, deleted.version_id) == (True, marker.version_id)
    deleted = await delete_object(stage.context(), grant, stored.version_id)
    assert (deleted.marker, deleted.version_id) == (False, stored.version_id)


async def test_one_key_that_may_not_go_keeps_them_all() -> None:
    stage = await a_stage()
    await stage.change_bucket(lambda bucket: replace(bucket, acl="public-read-write"))
    await stage.put("a", b"hello")
    await stage.put("secret", b"hello", PLAIN._replace(acl="private"))
    named = [Named("a"), Named("secret")]
    with pytest.raises(OssError) as refusal:
        await delete_objects(stage.context(STRANGER), stage.grant(Action.DELETE_OBJECTS, caller=STRANGER), named)
    assert refusal.value.code == "AccessDenied"
    assert await stage.find("a") is not None
    deleted = await delete_objects(stage.context(), stage.grant(Action.DELETE_OBJECTS), [*named, Named("none")])
    assert [one.existed for one in deleted] == [True, True, False]


async def test_a_bucket_that_went_meanwhile_is_said_so() -> None:
    stage = await a_stage()
    grant = stage.grant(Action.DELETE_OBJECT)
    await stage.catalog.delete_bucket(stage.bucket.bucket_id)
    with pytest.raises(OssError) as refusal:
        await delete_object(stage.context(), grant)
    assert refusal.value.fault is NO_SUCH_BUCKET

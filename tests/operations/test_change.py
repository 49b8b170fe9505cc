"""What is changed of a version where it stands: tags, ACL, a restore. Without a request."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from coatcheck.access.actions import Action
from coatcheck.core.errors import INVALID_TAG, NO_SUCH_KEY, OPERATION_NOT_SUPPORTED, RESTORE_IN_PROGRESS, OssError
from coatcheck.core.tag_rules import OBJECT_TAGS
from coatcheck.operations.acl import put_object_acl
from coatcheck.operations.delete import delete_object
from coatcheck.operations.restore import clean_restored_object, restore_object
from coatcheck.operations.symlink import put_symlink
from coatcheck.operations.tagging import check_tags, delete_tags, put_tags
from coatcheck.ports.object import Restore

from .stage import NOW, PLAIN, a_stage

RED = (("colour", "red"),)
NOBODY_PAINTS_RED = json.dumps(
    {
        "Version": "1",
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": ["*"],
                "Action": ["oss:PutObjectTagging"],
                "Resource": ["acs:oss:*:*:photos/*"],
                "Condition": {"StringEquals": {"oss:RequestObjectTag/colour": "red"}},
            }
        ],
    }
)


async def test_a_version_gets_tags_and_an_acl_and_loses_them() -> None:
    stage = await a_stage()
    stored = await stage.put("a", b"hello")
    grant = stage.grant(Action.PUT_OBJECT_TAGGING)
    await put_tags(stage.context(now=NOW + 60), grant, stored.record, check_tags(RED, OBJECT_TAGS), versioned=False)
    await put_object_acl(stage.context(), stage.grant(Action.PUT_OBJECT_ACL), "null", "public-read")
    assert await stage.find("a") == replace(stored.record, tags=RED, acl="public-read")
    await delete_tags(stage.context(), stage.grant(Action.DELETE_OBJECT_TAGGING), "null")
    assert await stage.find("a") == replace(stored.record, acl="public-read")


async def test_the_tags_themselves_are_decided_on() -> None:
    stage = await a_stage()
    await stage.change_bucket(lambda bucket: bucket.with_configuration("policy", NOBODY_PAINTS_RED))
    stored = await stage.put("a", b"hello")
    grant = stage.grant(Action.PUT_OBJECT_TAGGING)
    with pytest.raises(OssError) as refusal:
        await put_tags(stage.context(), grant, stored.record, RED, versioned=False)
    assert refusal.value.code == "AccessDenied"
    await put_tags(stage.context(), grant, stored.record, (("colour", "blue"),), versioned=False)


async def test_what_went_meanwhile_is_not_changed() -> None:
    stage = await a_stage()
    await stage.put("a", b"hello")
    await delete_object(stage.context(), stage.grant(Action.DELETE_OBJECT))
    with pytest.raises(OssError) as refusal:
        await put_object_acl(stage.context(), stage.grant(Action.PUT_OBJECT_ACL), "null", "private")
    assert refusal.value.fault is NO_SUCH_KEY


def test_a_tag_that_there_cannot_be_is_refused() -> None:
    with pytest.raises(OssError) as refusal:
        check_tags((("a&b", "c"),), OBJECT_TAGS)
    assert refusal.value.fault is INVALID_TAG


async def test_an_archived_version_is_restored_and_archived_again() -> None:
    stage = await a_stage()
    await stage.put("a", b"hello", PLAIN._replace(storage_class="Archive"))
    await stage.put("b", b"hello")
    grant = stage.grant(Action.RESTORE_OBJECT)
    assert await restore_object(stage.context(), grant, "null", days=1, delay_s=60)
    with pytest.raises(OssError) as refusal:
        await restore_object(stage.context(now=NOW + 59), grant, "null", days=1, delay_s=60)
    assert refusal.value.fault is RESTORE_IN_PROGRESS
    assert not await restore_object(stage.context(now=NOW + 60), grant, "null", days=2, delay_s=60)
    found = await stage.find("a")
    assert found is not None
    assert found.restore == Restore(NOW + 60, NOW + 60 + 2 * 86_400)
    cleaning = stage.grant(Action.CLEAN_RESTORED_OBJECT)
    await clean_restored_object(stage.context(now=NOW + 60), cleaning, "null")
    with pytest.raises(OssError) as refusal:
        await restore_object(stage.context(), stage.grant(Action.RESTORE_OBJECT, "b"), "null", days=1, delay_s=0)
    assert refusal.value.fault is OPERATION_NOT_SUPPORTED


async def test_a_link_names_its_target() -> None:
    stage = await a_stage()
    stored = await put_symlink(stage.context(), stage.grant(Action.PUT_OBJECT), PLAIN, "dir/there")
    assert await stage.find("a") == stored.record
    assert (stored.record.kind, stored.record.symlink_target, stored.record.size) == ("Symlink", "dir/there", 0)

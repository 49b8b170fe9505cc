"""Listing what is in a bucket, without a request."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coatcheck.access.actions import Action
from coatcheck.operations.list import Selection, list_objects, list_versions

from .stage import a_stage


async def test_a_page_of_objects_and_the_one_behind_it() -> None:
    stage = await a_stage()
    for key in ("a/1", "a/2", "b", "c"):
        await stage.put(key, b"hello")
    grant = stage.grant(Action.LIST_OBJECTS)
    page = await list_objects(stage.context(), grant, Selection(delimiter="/", limit=2))
    assert (page.common_prefixes, [listed.key for listed in page.objects]) == (("a/",), ["b"])
    assert page.next_marker == "b"
    page = await list_objects(stage.context(), grant, Selection(delimiter="/", limit=2), page.next_marker)
    assert ([listed.key for listed in page.objects], page.next_marker) == (["c"], None)


async def test_versions_come_newest_first_behind_a_key_and_a_version() -> None:
    stage = await a_stage()
    await stage.change_bucket(lambda bucket: replace(bucket, versioning="Enabled"))
    older, newer = [(await stage.put("a", content)).version_id for content in (b"one", b"two")]
    grant = stage.grant(Action.LIST_OBJECT_VERSIONS)
    page = await list_versions(stage.context(), grant, Selection(limit=1))
    assert ([listed.version_id for listed in page.versions], page.next_marker) == ([newer], ("a", newer))
    page = await list_versions(stage.context(), grant, Selection(), ("a", newer))
    assert [(listed.version_id, listed.is_latest) for listed in page.versions] == [(older, False)]


async def test_the_right_to_objects_is_no_right_to_versions() -> None:
    stage = await a_stage()
    with pytest.raises(TypeError):
        await list_versions(stage.context(), stage.grant(Action.LIST_OBJECTS), Selection())

"""Every document, as the table has it: its XML form and its stored form say the whole value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.configurations.table import ROWS, Row
from coatcheck.core.errors import Fault
from coatcheck.core.xml import read_xml, write_xml

from .examples import VALUES

BY_NAME = {row.document.NAME: row for row in ROWS}
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.document.NAME))


def test_names_and_sub_resources_are_each_of_one_document() -> None:
    assert len(BY_NAME) == len({row.sub_resource for row in ROWS}) == len({row.document.ROOT for row in ROWS}) == 21
    assert BY_NAME.keys() == VALUES.keys()


@each_row
@given(data=st.data())
def test_what_is_written_is_read_again_as_xml_and_as_it_is_stored(row: Row, data: st.DataObject) -> None:
    document = row.document
    value = data.draw(VALUES[document.NAME])
    written = read_xml(write_xml(document.ROOT, document.write(value)), document.ROOT)
    document.SHAPE.check(written)
    assert document.read(written) == value
    stored = document.to_json(value)
    assert json.loads(stored)["v"] == 1
    assert "\n" not in stored
    assert document.from_json(stored) == value


@each_row
def test_where_nothing_is_stored_a_fault_or_a_value_is_said(row: Row) -> None:
    missing: Any = row.missing
    if isinstance(missing, Fault):
        assert missing.status == 404
    else:
        assert row.document.from_json(row.document.to_json(missing)) == missing
        assert write_xml(row.document.ROOT, row.document.write(missing))


@each_row
def test_actions_are_named_as_the_operations_are(row: Row) -> None:
    verbs = {"Put": row.put, "Get": row.get} | ({"Delete": row.delete} if row.delete else {})
    written = row.operation.title().replace("_", "").replace("BucketTags", "BucketTagging")
    assert {verb: action.action_name for verb, action in verbs.items()} == {v: f"oss:{v}{written}" for v in verbs}

"""Nodes of JSON, documents and lines, in pieces of any size."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.queries.errors import SelectError
from coatcheck.queries.json_nodes import find_nodes
from coatcheck.queries.options import JsonInput, Output, Span
from coatcheck.queries.tree import Path, Star

from .run import DOCUMENT, LINES, ask

CONTACTS = json.dumps(
    {
        "aside": {"contacts": [1, {"x": "]}"}], "n": None},
        "contacts": [
            {"firstName": "John", "age": 35, "children": ["a", "b"]},
            {"firstName": "Ann", "age": 28.5},
            {"lastName": "Q", "age": "old"},
        ],
        "end": 'a "quoted" \\ {[',
    }
)


@pytest.mark.parametrize(
    ("sql", "result"),
    [
        ("select s.firstName from ossobject.contacts[*] s where s.firstName like 'J%'", '{"firstName":"John"}\n'),
        ("select firstName from ossobject.contacts[1]", '{"firstName":"Ann"}\n'),
        ("select s.firstName as f, s.children[1] from ossobject.contacts[0] s", '{"f":"John","_2":"b"}\n'),
        ("select * from ossobject.contacts[*].age s where s > 30", '{"_1":35}\n'),
        ("select * from ossobject.aside.contacts[1]", '{"x":"]}"}\n'),
        ("select * from ossobject.nowhere[*]", ""),
        ("select * from ossobject.end[*]", ""),
        ("select count(*) from ossobject[*]", '{"_1":3}\n'),
        ("select count(*) as n from ossobject['contacts'][*]", '{"n":3}\n'),
        ("select s.firstName, s.nothing from ossobject.contacts[1] s", '{"firstName":"Ann"}\n'),
        ("select s.n from ossobject.aside s", '{"n":null}\n'),
        ("select count(*) from ossobject.contacts[*] s where s.firstName is null", '{"_1":1}\n'),
        ("select s.end from ossobject s", '{"end":"a \\"quoted\\" \\\\ {["}\n'),
    ],
)
def test_a_path_says_what_a_row_is(sql: str, result: str) -> None:
    assert ask(sql, CONTACTS, DOCUMENT, skipped=1) == result


def test_values_of_another_type_skip_the_node() -> None:
    with pytest.raises(SelectError, match="Row 3 does not fit") as caught:
        ask("select * from ossobject.contacts[*] s where s.age > 30", CONTACTS, DOCUMENT)
    assert caught.value.code == "InvalidJsonData"
    sql = "select s.firstName from ossobject.contacts[*] s where s.age > 30"
    assert ask(sql, CONTACTS, DOCUMENT, skipped=1) == '{"firstName":"John"}\n'
    assert ask("select avg(s.age) from ossobject.contacts[*] s", CONTACTS, DOCUMENT, skipped=1) == '{"_1":31.75}\n'


def test_lines_hold_a_value_or_several() -> None:
    lines = '{"a":1}\n{"a":2},{"a":2,"b":3}\n\n{"c":1}'
    assert ask("select * from ossobject where a = 2", lines, LINES) == '{"a":2}\n{"a":2,"b":3}\n'
    assert ask("select count(*) from ossobject", lines, LINES) == '{"_1":4}\n'
    assert ask("select * from ossobject", lines, JsonInput(lines=True, span=Span(1, 1))) == '{"a":2}\n{"a":2,"b":3}\n'
    assert ask("select a from ossobject", lines, LINES, Output(","), skip_partial=True, skipped=1) == (
        '{"a":1},{"a":2},{"a":2},'
    )


def test_numbers_keep_their_digits_as_texts() -> None:
    line = '{"n": 12345678901234567890.12345678901234567890, "t": true}\n'
    form = JsonInput(lines=True, numbers_as_text=True)
    assert ask("select n from ossobject", line, form) == '{"n":"12345678901234567890.12345678901234567890"}\n'
    assert ask("select t from ossobject where cast(n as double) > 5 and t = true", line, form) == '{"t":true}\n'


@pytest.mark.parametrize(
    ("data", "form", "code"),
    [
        ("{", DOCUMENT, "InvalidJsonData"),
        ('{"a":}', DOCUMENT, "InvalidJsonData"),
        ('{"a" 1}', DOCUMENT, "InvalidJsonData"),
        ('{"a":[1,]}', DOCUMENT, "InvalidJsonData"),
        ('{"a":[,1]}', DOCUMENT, "InvalidJsonData"),
        ('{,"a":[1]}', DOCUMENT, "InvalidJsonData"),
        ('{"a":[1 2]}', DOCUMENT, "InvalidJsonData"),
        ('{"a":[NaN]}', DOCUMENT, "InvalidJsonData"),
        ('{"a":[1]} x', DOCUMENT, "InvalidJsonData"),
        ('{"b":{"c', DOCUMENT, "InvalidJsonData"),
        ("", DOCUMENT, "InvalidJsonData"),
        ("{\n}", LINES, "InvalidJsonData"),
        (f'{{"a":[{"9" * 5000}]}}', DOCUMENT, "InvalidJsonData"),
        ('{"a":["' + "x" * 600_000 + '"]}', DOCUMENT, "JsonNodeExceedsMaxSize"),
        ('{"b":"' + "x" * 600_000 + '"}', DOCUMENT, "JsonNodeExceedsMaxSize"),
        ('"' + "x" * 600_000 + '"\n', LINES, "JsonNodeExceedsMaxSize"),
        ('{"a":[' + "[" * 100_000 + "]" * 100_000 + "]}", DOCUMENT, "JsonNodeExceedsMaxDepth"),
        ('{"b":' + "[" * 100_000 + "]" * 100_000 + "}", DOCUMENT, "JsonNodeExceedsMaxDepth"),
        ("[" * 100_000 + "\n", LINES, "JsonNodeExceedsMaxDepth"),
        ('{"a":[[' + "1," * 5000 + "1]]}", DOCUMENT, "ExceedsMaxJsonArraySize"),
    ],
)
@pytest.mark.parametrize("piece", [3, 65_536])
def test_what_is_no_json_or_too_much_of_it_is_refused(data: str, form: JsonInput, code: str, piece: int) -> None:
    with pytest.raises(SelectError) as caught:
        ask("select * from ossobject.a[*]", data, form, piece=piece if len(data) < 10_000 else 65_536)
    assert caught.value.code == code


def test_half_a_character_is_written_as_it_came() -> None:
    assert ask("select * from ossobject", '{"a":"\\ud800"}', LINES) == '{"a":"\\ud800"}\n'


def test_a_large_document_is_walked_in_little_memory() -> None:
    from coatcheck.queries.json_nodes import JsonDocument

    walk = JsonDocument(DOCUMENT, ("q", Star.STAR))
    found = list(walk.feed('{"p":['))
    for _ in range(20_000):
        found += list(walk.feed('{"x":[1,{"y":"a]b"}]},'))
        assert len(walk._text) - walk._at < 100
    found += list(walk.feed('0],"q":[{"z":1}'))
    assert found == [("", [{"z": 1}])]
    assert list(walk.feed("]}")) == list(walk.end()) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text('ab"\\]}{[,:\n', max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=15,
)
STEPS: st.SearchStrategy[Any] = st.sampled_from(["a", "b", 0, 1, Star.STAR])


@given(JSON, st.lists(STEPS, max_size=3), st.integers(1, 9), st.sampled_from([None, 1]))
def test_a_document_walked_in_pieces_has_the_nodes_of_the_whole(
    value: Any, steps: list[Any], piece: int, indent: int | None
) -> None:
    from coatcheck.queries.json_nodes import JsonDocument

    path: Path = tuple(steps)
    text = json.dumps(value, indent=indent)
    walk = JsonDocument(DOCUMENT, path)
    found = []
    for start in range(0, len(text), piece):
        found += [node for _, nodes in walk.feed(text[start : start + piece]) for node in nodes]
    found += [node for _, nodes in walk.end() for node in nodes]
    assert found == list(find_nodes(value, path))


@given(st.text('{}[]",:\\ab1 \n', max_size=60), st.integers(1, 9))
def test_any_text_is_json_or_refused(text: str, piece: int) -> None:
    for form in (DOCUMENT, LINES):
        with suppress(SelectError):
            ask("select * from ossobject.a[*] s where s.b > 1 or s.c like 'x%'", text, form, piece=piece, skipped=9)

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from coatcheck.links.audit_text import read_head, read_moment, read_row, word_for, words_in, write_row, write_rows
from coatcheck.ports.link_audit import AuditRow, Question

ROW = AuditRow(
    1_772_694_489_123, "1000", "lk_a", "photos", "2026/猫.jpg", "v1", "get_object", 200, "", "192.0.2.7", "curl/8",
    5, True, 12, "69A9",
)  # fmt: skip
LINE = (
    b'[1772694489123,"1000","lk_a","photos","2026/\\u732b.jpg","v1","get_object",200,"","192.0.2.7","curl/8",5,true,12,'
    b'"69A9"]\n'
)
TEXTS = st.text(st.characters(exclude_categories=()), max_size=40)


def test_a_row_is_one_line() -> None:
    assert write_row(ROW) == write_rows([ROW]) == LINE
    assert read_row(LINE) == ROW
    assert read_moment(LINE[:32]) == 1_772_694_489_123


@given(key=TEXTS, agent=TEXTS, address=TEXTS, whole=st.booleans())
def test_what_strangers_say_is_read_as_it_was_said_and_makes_no_line(
    key: str, agent: str, address: str, whole: bool
) -> None:
    row = replace(ROW, key=key, agent=agent, address=address, whole=whole)
    line = write_row(row)
    assert write_rows([row, ROW]) == line + LINE
    assert line.count(b"\n") == 1
    assert read_row(line) == row
    assert read_head(line) == ("lk_a", "photos")
    written = [json.dumps(text).encode() for text in (key, address)]
    assert words_in(line) == (b'"1000"', b'"lk_a"', b'"photos",' + written[0], b'"photos",', written[1])


@given(st.lists(st.text(st.characters(max_codepoint=127), max_size=40), max_size=5))
def test_rows_in_ascii_are_written_as_each_alone(agents: list[str]) -> None:
    rows = [replace(ROW, key="cat.jpg", agent=agent) for agent in agents]
    assert write_rows(rows) == b"".join(map(write_row, rows))


@pytest.mark.parametrize(
    ("question", "word"),
    [
        (Question("1000"), b'"1000"'),
        (Question("1000", bucket="photos"), b'"photos",'),
        (Question("1000", bucket="photos", address="192.0.2.7"), b'"192.0.2.7"'),
        (Question("1000", bucket="photos", key="猫"), b'"photos","\\u732b"'),
        (Question("1000", link="lk_a", bucket="photos", key="k"), b'"lk_a"'),
    ],
)
def test_a_question_looks_for_its_rarest_word(question: Question, word: bytes) -> None:
    assert word_for(question) == word


@given(st.binary(max_size=60) | st.sampled_from([LINE[:-2], b"[1]\n", b"{}\n", LINE.replace(b"true", b"1")]))
def test_what_is_no_row_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_row(line)


@given(st.binary(max_size=60) | st.sampled_from([LINE[1:], LINE.replace(b'"lk_a"', b"5"), b"[1]\n", b'[5,"' * 9999]))
def test_a_line_that_is_no_row_has_no_words(line: bytes) -> None:
    assert words_in(line) == ()


@pytest.mark.parametrize("line", [b"", b"[1]\n", b'[5,"1000","lk_a","photos', b'[5,"1000","lk_\xff","photos","k"'])
def test_a_line_without_a_head_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_head(line)

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.links.audit_text import read_moment, read_row, word_for, words_of, write_row
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
    assert write_row(ROW) == LINE
    assert read_row(LINE) == ROW
    assert read_moment(LINE[:32]) == 1_772_694_489_123


@given(key=TEXTS, agent=TEXTS, address=TEXTS, whole=st.booleans())
def test_what_strangers_say_is_read_as_it_was_said_and_makes_no_line(
    key: str, agent: str, address: str, whole: bool
) -> None:
    row = ROW._replace(key=key, agent=agent, address=address, whole=whole)
    line = write_row(row)
    assert line.count(b"\n") == 1
    assert read_row(line) == row
    assert all(word in line for word in words_of(row))


def test_an_agent_is_cut_off() -> None:
    assert read_row(write_row(ROW._replace(agent="a" * 100_000))).agent == "a" * 256


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

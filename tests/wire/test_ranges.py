from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.core.errors import INVALID_RANGE, OssError
from coatcheck.wire.ranges import ByteRange, RangeBehaviour, read_range, write_content_range

LENIENT, STANDARD = RangeBehaviour.LENIENT, RangeBehaviour.STANDARD
WHOLE = None
Answer = tuple[int, int] | str | None  # a span, "refused", or the whole object

TABLE: list[tuple[str, int, Answer, Answer]] = [
    # header, size, as OSS does by default, with x-oss-range-behavior: standard
    ("bytes=0-499", 1000, (0, 500), (0, 500)),
    ("bytes=500-", 1000, (500, 1000), (500, 1000)),
    ("bytes=-500", 1000, (500, 1000), (500, 1000)),
    ("bytes=0-0", 1000, (0, 1), (0, 1)),
    ("bytes=999-999", 1000, (999, 1000), (999, 1000)),
    ("bytes=0-999", 1000, (0, 1000), (0, 1000)),
    ("bytes=-1000", 1000, (0, 1000), (0, 1000)),
    ("bytes=500-2000", 1000, WHOLE, (500, 1000)),
    ("bytes=0-1000", 1000, WHOLE, (0, 1000)),
    ("bytes=1000-2000", 1000, WHOLE, "refused"),
    ("bytes=1000-", 1000, WHOLE, "refused"),
    ("bytes=-2000", 1000, WHOLE, (0, 1000)),
    ("bytes=-0", 1000, WHOLE, "refused"),
    ("byte=0-499", 1000, WHOLE, WHOLE),
    ("bytes=0-499,500-999", 1000, (0, 500), (0, 500)),
    ("bytes=500-999, 0-1, -1", 1000, (500, 1000), (500, 1000)),
    ("bytes=0-1000,0-1", 1000, WHOLE, (0, 1000)),
    ("bytes=1000-,0-1", 1000, WHOLE, "refused"),
    ("bytes=,0-1", 1000, WHOLE, WHOLE),
    ("bytes=5-3", 1000, WHOLE, WHOLE),
    ("bytes=-", 1000, WHOLE, WHOLE),
    ("bytes=", 1000, WHOLE, WHOLE),
    ("bytes", 1000, WHOLE, WHOLE),
    ("bytes=a-b", 1000, WHOLE, WHOLE),
    ("bytes=--5", 1000, WHOLE, WHOLE),
    ("bytes=+1-5", 1000, WHOLE, WHOLE),
    ("bytes=1_0-20", 1000, WHOLE, WHOLE),
    ("bytes=٣-٥", 1000, WHOLE, WHOLE),
    ("bytes=0-" + "9" * 5000, 1000, WHOLE, WHOLE),
    ("", 1000, WHOLE, WHOLE),
    ("BYTES = 0-499", 1000, (0, 500), (0, 500)),
    ("bytes=0-", 0, WHOLE, "refused"),
    ("bytes=-5", 0, WHOLE, "refused"),
]


def answer(header: str, size: int, behaviour: RangeBehaviour) -> Answer:
    try:
        span = read_range(header, size, behaviour)
    except OssError as refusal:
        return "refused" if refusal.fault is INVALID_RANGE else refusal.code
    return None if span is None else (span.start, span.stop)


@pytest.mark.parametrize(("header", "size", "by_default", "by_standard"), TABLE)
def test_the_table_of_ranges(header: str, size: int, by_default: Answer, by_standard: Answer) -> None:
    assert answer(header, size, LENIENT) == by_default
    assert answer(header, size, STANDARD) == by_standard


def test_an_unsatisfiable_range_is_told_how_long_the_object_is() -> None:
    with pytest.raises(OssError) as refusal:
        read_range("bytes=1000-", 1000, STANDARD)
    assert refusal.value.status == 416
    assert refusal.value.facts == {"ActualObjectSize": "1000", "RangeRequested": "bytes=1000-"}
    assert refusal.value.headers == ((b"Content-Range", b"bytes */1000"),)


@given(st.binary(min_size=1, max_size=50), st.data())
def test_a_range_equals_slicing_the_bytes(content: bytes, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(content) - 1))
    last = data.draw(st.integers(first, len(content) - 1))
    for header, expected in (
        (f"bytes={first}-{last}", content[first : last + 1]),
        (f"bytes={first}-", content[first:]),
        (f"bytes=-{last + 1}", content[-(last + 1) :]),
    ):
        for behaviour in (LENIENT, STANDARD):
            span = read_range(header, len(content), behaviour)
            assert span is not None
            assert content[span.start : span.stop] == expected
            assert span.size == len(expected)


@given(st.text() | st.from_regex(r"bytes=[0-9]{0,4}-[0-9]{0,4}", fullmatch=True), st.integers(0, 100))
def test_any_header_gives_a_part_of_the_object_the_whole_or_a_refusal(header: str, size: int) -> None:
    span = read_range(header, size, LENIENT)
    assert span is None or 0 <= span.start < span.stop <= size
    found = answer(header, size, STANDARD)
    assert found in (None, "refused") or isinstance(found, tuple)


def test_content_range_is_inclusive_on_the_wire() -> None:
    assert write_content_range(ByteRange(0, 500), 1000) == b"bytes 0-499/1000"

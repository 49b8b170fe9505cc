"""What strangers write of parts, copies, tags, positions and restores: a value or an OssError, nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from coatcheck.core.errors import OssError
from coatcheck.core.names import is_bucket_name
from coatcheck.core.xml import read_xml, write_xml
from coatcheck.oss.copy_source import read_source
from coatcheck.oss.multipart import read_part_number
from coatcheck.oss.object_append import read_position
from coatcheck.oss.tagging import read_tagging_document, read_tagging_header, write_tagging
from coatcheck.oss.versions import read_version_id
from coatcheck.ports.object import Segment, slice_segments
from coatcheck.wire.query import read_query

# As header and query values arrive: text, with what isn't UTF-8 as surrogates.
arrived = st.one_of(
    st.text(max_size=60), st.binary(max_size=60).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
)
pieces = st.lists(
    st.sampled_from(["&", "=", "%", "%41", "%FF", "/", "?versionId=", "a", "é", "\0", "+", " "]), max_size=12
)
texts = st.one_of(arrived, pieces.map("".join))
tag_text = st.text("abcXYZ019 +-=._:/写", max_size=20)


def is_answered(read: Callable[[Any], object], given_text: Any) -> None:
    refusal = None
    try:
        read(given_text)
    except OssError as error:
        refusal = error
    if refusal is not None:
        assert 400 <= refusal.status < 500
        assert write_xml("Error", list(refusal.facts.items()))


@given(texts)
def test_a_copy_source_is_read_or_refused(text: str) -> None:
    is_answered(read_source, text)


@given(st.text(min_size=1, max_size=40).filter(lambda key: key[0] not in "/\\" and "\0" not in key))
def test_a_copy_source_says_what_was_written(key: str) -> None:
    assert read_source(f"/photos/{quote(key, safe='/')}") == ("photos", key, None)
    assert read_source(f"photos/{quote(key, safe='')}?versionId=CAEQ") == ("photos", key, "CAEQ")
    assert is_bucket_name("photos")


@given(texts)
def test_a_tagging_header_is_read_or_refused(text: str) -> None:
    is_answered(read_tagging_header, text)


@given(st.dictionaries(tag_text.filter(bool), tag_text, max_size=10))
def test_tags_say_what_was_written(tags: dict[str, str]) -> None:
    pairs = tuple(tags.items())
    header = "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in pairs)
    assert read_tagging_header(header) == pairs
    document = read_xml(write_xml("Tagging", write_tagging(pairs)), "Tagging")
    assert read_tagging_document(document) == pairs


@given(texts)
def test_numbers_and_ids_are_read_or_refused(text: str) -> None:
    is_answered(read_part_number, text)
    is_answered(read_version_id, text)
    is_answered(read_position, read_query(f"position={quote(text, errors='surrogateescape')}".encode()))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=6), st.data())
def test_a_range_of_segments_is_the_range_of_their_bytes(lengths: list[tuple[int, int]], data: st.DataObject) -> None:
    segments = tuple(Segment(f"{number:032x}", start, start + size) for number, (start, size) in enumerate(lengths))

    def positions(found: tuple[Segment, ...]) -> list[tuple[str, int]]:
        return [(segment.blob_id, place) for segment in found for place in range(segment.start, segment.stop)]

    whole = positions(segments)
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, len(whole)))
    assert positions(slice_segments(segments, start, stop)) == whole[start:stop]

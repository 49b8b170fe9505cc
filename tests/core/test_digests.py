from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.core.digests import (
    EMPTY_CRC64,
    combine_crc64,
    multipart_etag,
    read_content_md5,
    update_crc64,
    write_content_md5,
)


@pytest.mark.parametrize(
    ("data", "crc"),
    [(b"", 0), (b"123456789", 11051210869376104954), (b"hello world", 5981764153023615706)],
)
def test_crc64_has_the_check_values_that_oss_publishes(data: bytes, crc: int) -> None:
    assert update_crc64(data) == crc


@given(st.binary(), st.binary())
def test_crc64_is_the_same_however_the_data_was_cut(first: bytes, second: bytes) -> None:
    assert update_crc64(memoryview(second), update_crc64(bytearray(first))) == update_crc64(first + second)


def test_content_md5_is_base64_of_sixteen_bytes() -> None:
    assert read_content_md5("1B2M2Y8AsgTpgAmY7PhCfg==") == bytes.fromhex("d41d8cd98f00b204e9800998ecf8427e")
    assert write_content_md5("D41D8CD98F00B204E9800998ECF8427E") == b"1B2M2Y8AsgTpgAmY7PhCfg=="


@pytest.mark.parametrize(
    "text",
    ["", "d41d8cd98f00b204e9800998ecf8427e", "1B2M2Y8AsgTpgAmY7PhCfg", "1B2M2Y8AsgTp\n", "?", "é", "AAAA"],
)
def test_anything_else_is_no_content_md5(text: str) -> None:
    assert read_content_md5(text) is None


@given(st.text())
def test_any_text_is_a_content_md5_or_none(text: str) -> None:
    assert read_content_md5(text) is None or len(read_content_md5(text) or b"") == 16


@given(first=st.binary(max_size=300), second=st.binary(max_size=300))
def test_the_crc_of_two_contents_is_combined_from_theirs(first: bytes, second: bytes) -> None:
    combined = combine_crc64(update_crc64(first), update_crc64(second), len(second))
    assert combined == update_crc64(first + second)


def test_the_crc_of_many_large_parts_is_combined() -> None:
    part = bytes(range(256)) * 4096
    combined = streamed = EMPTY_CRC64
    for size in (1_048_576, 1_048_576, 100_000, 0, 1):
        combined = combine_crc64(combined, update_crc64(part[:size]), size)
        streamed = update_crc64(part[:size], streamed)
    assert combined == streamed


def test_the_multipart_etag_is_that_of_a_recorded_exchange() -> None:
    etags = ["4DE8075FB607DF4D13FBC480EA488EFA", "AF947EC157726CEA88ED83B3C989063B"]
    assert multipart_etag(etags) == "1C787C506EABFB9B45EAAA8DB039F4B2-2"

"""What says a checksum is read, or refused in S3's words; nothing else happens."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.core.checksums import ALGORITHMS, Checksum, compose, sum_of
from coatcheck.core.errors import OssError
from coatcheck.core.s3_errors import S3_BAD_CHECKSUM
from coatcheck.ports.upload import WantedChecksum
from coatcheck.s3.checksums import check_form, read_wanted, read_whole

names = st.sampled_from([*ALGORITHMS, "algorithm", "type", "mode", "md5", ""])
values = st.one_of(
    st.text(max_size=60),
    st.sampled_from(["CRC32", "sha256", "COMPOSITE", "FULL_OBJECT", "NhCmhg==", "NhCmhg==-3", "NhCmhg==-x"]),
    st.binary(max_size=40).map(lambda raw: b64encode(raw).decode()),
)
headers = st.dictionaries(names.map(lambda name: f"x-amz-checksum-{name}"), values, max_size=3)


@pytest.mark.parametrize(("read", "kind"), [(read_whole, Checksum), (read_wanted, WantedChecksum)])
@given(given_headers=headers)
def test_any_headers_are_read_or_refused(
    read: Callable[[Mapping[str, str]], Any], kind: type[Any], given_headers: dict[str, str]
) -> None:
    refusal = None
    try:
        found = read(given_headers)
    except OssError as error:
        refusal, found = error.fault, None
    assert refusal in (None, S3_BAD_CHECKSUM)
    assert found is None or (isinstance(found, kind) and found.algorithm in ALGORITHMS)


@given(st.sampled_from([*ALGORITHMS]), st.binary(max_size=40))
def test_what_has_the_length_of_a_digest_is_well_formed(algorithm: str, raw: bytes) -> None:
    try:
        check_form(algorithm, b64encode(raw).decode())
    except OssError:
        assert len(raw) != ALGORITHMS[algorithm].size
    else:
        assert len(raw) == ALGORITHMS[algorithm].size


@given(st.sampled_from(["crc32", "crc32c", "crc64nvme"]), st.lists(st.binary(max_size=300), min_size=1, max_size=5))
def test_the_checksum_of_all_bytes_follows_from_those_of_parts(algorithm: str, contents: list[bytes]) -> None:
    parts = [(sum_of(content, algorithm), len(content)) for content in contents]
    assert compose(parts, composite=False) == sum_of(b"".join(contents), algorithm)

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.core.errors import (
    INVALID_BUCKET_NAME,
    INVALID_OBJECT_NAME,
    OBJECT_NAME_EMPTY,
    OBJECT_NAME_TOO_LONG,
    Fault,
    OssError,
)
from coatcheck.core.names import is_access_key_id, is_bucket_name, read_bucket_name, read_object_key


@pytest.mark.parametrize("name", ["abc", "a-c", "123", "0ab9", "a--b", "a" * 63, "xn--abc"])
def test_a_legal_bucket_name_is_taken_as_it_is(name: str) -> None:
    assert read_bucket_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "ab", "a" * 64, "-abc", "abc-", "Abc", "a_b", "a.b", "a b", "abc\n", "日本語", "ａｂｃ", "a/b", "٣٤٥"],
)
def test_any_other_bucket_name_is_refused_by_name(name: str) -> None:
    with pytest.raises(OssError) as refusal:
        read_bucket_name(name)
    assert refusal.value.fault is INVALID_BUCKET_NAME
    assert refusal.value.facts == {"BucketName": name}


@given(st.text())
def test_a_bucket_name_is_a_host_label(text: str) -> None:
    if is_bucket_name(text):
        assert text.encode("ascii").lower().decode() == text
        assert not set(text) & set("./\\ :@%")


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        (b"a", "a"),
        (b"dir/a.txt", "dir/a.txt"),
        (b"dir%2Fa.txt", "dir/a.txt"),
        (b"a+b", "a b"),
        (b"a%20b%2Bc", "a b+c"),
        (b"100%", "100%"),
        (b"%zz", "%zz"),
        (b"%2541", "%41"),
        ("写真.jpg".encode(), "写真.jpg"),
        (b"%E5%86%99%e7%9c%9f", "写真"),
        (b"..", ".."),
        (b"a/../../b", "a/../../b"),
        (b"a//b/", "a//b/"),
        (b"a\\b", "a\\b"),
        (b"line%0Abreak%01", "line\nbreak\x01"),
        (b"?x", "?x"),
    ],
)
def test_a_key_is_decoded_once_and_nothing_else_is_done_to_it(raw: bytes, key: str) -> None:
    assert read_object_key(raw) == key


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b"", OBJECT_NAME_EMPTY),
        (b"/a", INVALID_OBJECT_NAME),
        (b"%2Fa", INVALID_OBJECT_NAME),
        (b"\\a", INVALID_OBJECT_NAME),
        (b"%5Ca", INVALID_OBJECT_NAME),
        (b"a%00b", INVALID_OBJECT_NAME),
        (b"a\0b", INVALID_OBJECT_NAME),
        (b"%ff", INVALID_OBJECT_NAME),
        (b"\xc3", INVALID_OBJECT_NAME),
        (b"%C0%AF", INVALID_OBJECT_NAME),  # an overlong slash
        (b"%ED%A0%80", INVALID_OBJECT_NAME),  # a surrogate
        (b"a" * 1024, OBJECT_NAME_TOO_LONG),
    ],
)
def test_a_key_that_breaks_a_rule_is_refused(raw: bytes, fault: Fault) -> None:
    with pytest.raises(OssError) as refusal:
        read_object_key(raw)
    assert refusal.value.fault is fault


def test_a_keys_length_counts_bytes_not_characters() -> None:
    assert read_object_key("写".encode() * 341) == "写" * 341  # 1,023 bytes
    with pytest.raises(OssError) as refusal:
        read_object_key("写".encode() * 342)
    assert refusal.value.fault is OBJECT_NAME_TOO_LONG


def test_a_keys_length_is_that_of_the_decoded_name() -> None:
    assert len(read_object_key(b"%61" * 1023)) == 1023


@given(st.binary(max_size=64))
def test_any_bytes_are_a_key_or_a_refusal(raw: bytes) -> None:
    try:
        key = read_object_key(raw)
    except OssError:
        return
    assert 1 <= len(key.encode()) <= 1023
    assert key[0] not in "/\\"
    assert "\0" not in key


@pytest.mark.parametrize("text", ["LTAI5tExample", "STS.abc_DEF", "a=", "A" * 128])
def test_an_access_key_id_is_letters_digits_and_three_signs(text: str) -> None:
    assert is_access_key_id(text)


@pytest.mark.parametrize("text", ["", "a/b", "a b", "a\n", "é", "a" * 129, "a%2Fb"])
def test_no_other_text_is_an_access_key_id(text: str) -> None:
    assert not is_access_key_id(text)


def test_a_name_that_is_not_utf8_has_the_finer_code_of_one_too_long() -> None:
    with pytest.raises(OssError) as refusal:
        read_object_key(b"%ff")
    assert (refusal.value.code, refusal.value.ec) == ("InvalidObjectName", "0016-00000002")

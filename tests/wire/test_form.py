from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Mapping
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.core.digests import update_crc64
from coatcheck.core.errors import OssError
from coatcheck.wire.form import FormMemory, _read_parameters, read_boundary, read_files, read_form, read_part_headers
from coatcheck.wire.request import BodyFailed, Request

BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
TYPE = f"multipart/form-data; boundary={BOUNDARY}"


class Pieces:
    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    async def chunks(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


def a_part(name: str, value: bytes, extra: str = "", more: str = "") -> bytes:
    return (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n{more}\r\n'.encode() + value + b"\r\n"
    )


END = f"--{BOUNDARY}--\r\n".encode()
WHOLE = (
    a_part("key", b"user/${filename}")
    + a_part("X-OSS-Meta-Colour", "größe".encode())
    + a_part("file", b"two\r\nlines\r\n--", '; filename="C:\\dir\\a.txt"', "Content-Type: text/plain\r\n")
    + a_part("submit", b"Upload")
    + END
)


def outcome(pieces: list[bytes], headers: Mapping[str, str] | None = None) -> tuple[object, ...]:
    """What a form comes to: its parts, or the code of its refusal."""

    async def read() -> tuple[object, ...]:
        request = Request("POST", b"/", headers={"content-type": TYPE, **(headers or {})}, body=Pieces(pieces))
        try:
            form = await read_form(request, FormMemory().share())
            content = b"".join([chunk async for chunk in form.file.chunks()])
        except OssError as error:
            return (error.code, error.message)
        return (dict(form.fields), form.file_name, form.file_type, content)

    return asyncio.run(read())


EXPECTED = (
    {"key": "user/${filename}", "x-oss-meta-colour": "größe"},
    "a.txt",
    "text/plain",
    b"two\r\nlines\r\n--",
)


def test_a_form_is_its_fields_and_its_file() -> None:
    assert outcome([WHOLE]) == EXPECTED
    assert outcome([b"what a preamble is for\r\n" + WHOLE + b"an epilogue"]) == EXPECTED


@given(st.lists(st.integers(0, len(WHOLE)), max_size=12))
def test_however_the_bytes_are_cut_the_form_is_the_same(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(WHOLE)]
    assert outcome([WHOLE[a:b] for a, b in pairwise(places)]) == EXPECTED


MANY = (
    a_part("note", b"hello")
    + a_part("file", b"one\r\n--", '; filename="a/b.txt"', "Content-Type: text/plain\r\n")
    + a_part("file", b"", '; filename=""', "Content-Type: application/octet-stream\r\n")
    + a_part("file", b"", '; filename="empty"')
    + a_part("file", b"two" * 100, '; filename="c"')
    + a_part("submit", b"Upload")
    + END
)


def files_of(pieces: list[bytes]) -> list[tuple[str, str, bytes]] | str:
    async def read() -> list[tuple[str, str, bytes]]:
        request = Request("POST", b"/", headers={"content-type": TYPE}, body=Pieces(pieces))
        return [
            (part.name, part.type, b"".join([chunk async for chunk in part.file.chunks()]))
            async for part in read_files(request, FormMemory().share())
        ]

    try:
        return asyncio.run(read())
    except OssError as error:
        return error.code


@given(st.lists(st.integers(0, len(MANY)), max_size=12))
def test_however_the_bytes_are_cut_its_files_are_the_same(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(MANY)]
    assert files_of([MANY[a:b] for a, b in pairwise(places)]) == [
        ("b.txt", "text/plain", b"one\r\n--"),
        ("empty", "", b""),
        ("c", "", b"two" * 100),
    ]


@given(st.integers(0, len(MANY) - len("--\r\n") - 1))
def test_files_of_a_form_cut_off_are_malformed(length: int) -> None:
    assert files_of([MANY[:length]]) == "MalformedPOSTRequest"


def test_fields_beside_files_are_bounded() -> None:
    assert files_of([a_part("x", b"y" * 100_000) * 100 + END]) == "MaxPOSTPreDataLengthExceededError"


def test_one_byte_at_a_time_gives_the_same() -> None:
    assert outcome([WHOLE[i : i + 1] for i in range(len(WHOLE))]) == EXPECTED


REFUSALS = {
    "MalformedPOSTRequest",
    "FieldItemTooLong",
    "MaxPOSTPreDataLengthExceededError",
    "IncorrectNumberOfFilesInPOSTRequest",
}
RUBBISH = st.lists(
    st.sampled_from(
        [
            f"--{BOUNDARY}",
            f"\r\n--{BOUNDARY}\r\n",
            f"--{BOUNDARY}--",
            "\r\n",
            "\r\n\r\n",
            "--",
            'Content-Disposition: form-data; name="key"',
            'Content-Disposition: form-data; name="file"; filename="x',
            "Content-Disposition",
            ":",
            ";",
            '"',
            "\\",
            "x" * 9000,
            "\0",
        ]
    ).map(str.encode)
    | st.binary(max_size=8),
    max_size=20,
).map(b"".join)


@given(RUBBISH, st.lists(st.integers(1, 50), max_size=10))
def test_rubbish_is_one_documented_refusal_however_it_is_cut(rubbish: bytes, sizes: list[int]) -> None:
    pieces, at = [], 0
    for size in [*sizes, len(rubbish)]:
        pieces.append(rubbish[at : at + size])
        at += size
    whole = outcome([rubbish])
    assert outcome(pieces) == whole
    assert len(whole) == 4 or whole[0] in REFUSALS


@given(st.integers(0, len(WHOLE) - len(END) + 40))
def test_a_form_cut_off_is_malformed(length: int) -> None:
    code = outcome([WHOLE[:length]])[0]
    assert code == "MalformedPOSTRequest"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (END, "IncorrectNumberOfFilesInPOSTRequest"),
        (a_part("key", b"a") + END, "IncorrectNumberOfFilesInPOSTRequest"),
        (a_part("file", b"a") + a_part("FILE", b"b") + END, "IncorrectNumberOfFilesInPOSTRequest"),
        (a_part("n" * 8200, b"") + END, "FieldItemTooLong"),
        (a_part("x", b"v" * 65536) + END, "MaxPOSTPreDataLengthExceededError"),
        (b"".join(a_part(f"x{i}", b"v" * 8192) for i in range(8)) + END, "MaxPOSTPreDataLengthExceededError"),
        (b"".join(a_part("n" * 8000 + str(i), b"") for i in range(9)) + END, "MaxPOSTPreDataLengthExceededError"),
        (b"x" * 1100 + b"\r\n" + a_part("file", b"a") + END, "MalformedPOSTRequest"),
        (b"".join(a_part(f"x{i}", b"") for i in range(257)) + END, "MaxPOSTPreDataLengthExceededError"),
        (a_part("file", b"a") + a_part("x", b"v" * 8193) + END, "MaxPOSTPreDataLengthExceededError"),
        (a_part("file", b"a") + END + b"v" * 8193, "MalformedPOSTRequest"),
        (a_part("key", b"a") + a_part("Key", b"b") + END, "MalformedPOSTRequest"),
        (a_part("file", b"a", more="Content-Transfer-Encoding: base64\r\n") + END, "MalformedPOSTRequest"),
        (f"--{BOUNDARY}\r\n\r\nno headers\r\n".encode() + END, "MalformedPOSTRequest"),
        (f"--{BOUNDARY}x\r\n".encode() + END, "MalformedPOSTRequest"),
        (b"", "MalformedPOSTRequest"),
    ],
)
def test_what_is_no_form_is_refused_by_its_row(body: bytes, code: str) -> None:
    assert outcome([body])[0] == code


def test_fields_at_their_limit_are_read() -> None:
    room = 65536 - len('Content-Disposition: form-data; name="x"' + 'Content-Disposition: form-data; name="file"')
    fields = outcome([a_part("x", b"v" * room) + a_part("file", b"") + END])[0]
    assert isinstance(fields, dict)
    assert len(fields["x"]) == room


@pytest.mark.parametrize(
    ("name", "right", "code"),
    [
        ("content-md5", base64.b64encode(hashlib.md5(WHOLE).digest()).decode(), "InvalidDigest"),
        ("x-oss-content-sha256", hashlib.sha256(WHOLE).hexdigest(), "InvalidDigest"),
        ("x-oss-hash-crc64ecma", str(update_crc64(WHOLE)), "InvalidCRC64"),
    ],
)
def test_a_digest_of_the_whole_body_is_compared(name: str, right: str, code: str) -> None:
    assert outcome([WHOLE], {name: right}) == EXPECTED
    assert outcome([WHOLE + b"x"], {name: right})[0] == code


async def test_a_body_that_fails_fails_the_form() -> None:
    class Failing:
        async def chunks(self) -> AsyncIterator[bytes]:
            yield WHOLE[:40]
            raise BodyFailed

    with pytest.raises(BodyFailed):
        await read_form(Request("POST", b"/", headers={"content-type": TYPE}, body=Failing()), FormMemory().share())


async def test_the_file_is_not_gathered() -> None:
    """A megabyte arrives for each piece that is asked for, and no more is held."""
    asked = 0

    class Long:
        async def chunks(self) -> AsyncIterator[bytes]:
            nonlocal asked
            yield a_part("file", b"")[:-2]
            for _ in range(64):
                asked += 1
                yield b"\r\n--" * (1024**2 // 4)
            yield b"\r\n" + END

    form = await read_form(Request("POST", b"/", headers={"content-type": TYPE}, body=Long()), FormMemory().share())
    size = 0
    async for chunk in form.file.chunks():
        size += len(chunk)
        assert size >= (asked - 1) * 1024**2 - 100
    assert size == 64 * 1024**2


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=abc", "abc"),
        ('Multipart/Form-Data; charset=utf-8; Boundary="a b;c"', "a b;c"),
        ("multipart/form-data;boundary=abc;x=y", "abc"),
    ],
)
def test_the_boundary_is_read(content_type: str, boundary: str) -> None:
    assert read_boundary(content_type) == boundary


@pytest.mark.parametrize("content_type", ["", "text/plain", "multipart/mixed; boundary=a", "application/json"])
def test_another_content_type_is_not_a_form(content_type: str) -> None:
    with pytest.raises(OssError) as refused:
        read_boundary(content_type)
    assert refused.value.code == "RequestIsNotMultiPartContent"


@pytest.mark.parametrize("rest", ["a=;" * 80_000, "a=" * 500, ";" * 2000, '; boundary="' + "\\\\" * 1000 + '"'])
def test_a_content_type_has_a_length_at_which_it_is_not_read(rest: str) -> None:
    with pytest.raises(OssError) as refused:
        read_boundary(f"multipart/form-data; boundary=abc; {rest}"[:1025])
    assert (refused.value.code, "1024" in refused.value.message) == ("MalformedPOSTRequest", True)


def test_the_characters_of_parameters_are_looked_at_once() -> None:
    """Copying what is left for each parameter would make eight kilobytes 22 million characters."""
    copied = 0

    class Counting(str):
        def __getitem__(self, place: Any) -> Counting:
            nonlocal copied
            piece = Counting(str.__getitem__(self, place))
            copied += len(piece)
            return piece

        def find(self, what: str, *place: Any) -> int:
            nonlocal copied
            at = str.find(self, what, *place)
            copied += (at if at >= 0 else len(self)) - place[0]
            return at

    text = Counting("a=;" * 2700)
    assert len(list(_read_parameters(text))) == 2700
    assert copied <= 6 * len(text)


@pytest.mark.parametrize("rest", ["", "; boundary=", "; boundary=" + "x" * 201, "; bound"])
def test_a_form_needs_a_boundary(rest: str) -> None:
    with pytest.raises(OssError) as refused:
        read_boundary(f"multipart/form-data{rest}")
    assert refused.value.code == "MalformedPOSTRequest"


@pytest.mark.parametrize(
    ("line", "name", "file_name"),
    [
        (b'Content-Disposition: form-data; name="Key"', "key", ""),
        (b"content-disposition: form-data; name=key", "key", ""),
        (b'Content-Disposition: form-data; name="file"; filename="a \\"b\\" c.txt"', "file", 'a "b" c.txt'),
        (b'Content-Disposition: form-data; name="file"; filename="a%22b.txt"', "file", 'a"b.txt'),
        (b'Content-Disposition: form-data; filename="a;b.txt"; name="file"', "file", "a;b.txt"),
        ('Content-Disposition: form-data; name="file"; filename="示例.txt"'.encode(), "file", "示例.txt"),
    ],
)
def test_names_are_read_as_browsers_write_them(line: bytes, name: str, file_name: str) -> None:
    headers = read_part_headers(line)
    assert (headers.name, headers.file_name) == (name, file_name)

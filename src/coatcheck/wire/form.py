"""A PostObject form: multipart/form-data, read while it arrives, in bounded memory.

The fields come first and are kept; the file comes last and is handed on as a stream. Every decision depends on the
bytes alone, never on how they were cut into chunks, and each byte is looked at once: marks are searched with
`bytes.find` from where the last search ended. Source: RFC 7578, RFC 2046; OSS API reference, PostObject.
"""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Final, NamedTuple, Self

from msgspec import Struct

from coatcheck.core.errors import (
    FIELD_ITEM_TOO_LONG,
    FORMS_BUSY,
    INCORRECT_NUMBER_OF_FILES,
    MALFORMED_POST_REQUEST,
    NOT_MULTIPART,
    PRE_DATA_TOO_LONG,
    Fault,
    OssError,
)
from coatcheck.core.limits import (
    FORM_BOUNDARY_MAX_CHARS,
    FORM_FIELDS_MAX,
    FORM_FIELDS_MAX_BYTES,
    FORM_FREE_BYTES,
    FORM_LEAD_MAX_BYTES,
    FORM_PART_HEADERS_MAX_BYTES,
    FORM_TAIL_MAX_BYTES,
    FORM_TYPE_MAX_CHARS,
    FORMS_MAX_BYTES,
)

from .body_digests import compared_chunks
from .request import Body, Request

_FILE: Final = "file"
_MULTIPART: Final = "multipart/form-data"
_PADDING_MAX_BYTES: Final = 64  # blanks behind a boundary
_QUOTED: Final = re.compile(r'((?:[^"\\]++|\\["\\]?)*+)"?')
_ESCAPED: Final = re.compile(r'\\(["\\])')
_ESCAPES: Final = {"%22": '"', "%0D": "\r", "%0A": "\n"}  # what browsers write for these in a name


class Form(NamedTuple):
    """A form up to the first byte of its file.

    Attributes:
        fields: lower-case names; bytes that aren't UTF-8 are surrogates, as in a request's headers.
        file_name: the base name that came with the file; "" if none did.
        file_type: the Content-Type of the file's part; "" if it has none.
        file: the file's bytes. They end, or fail as a body does or with an OssError: what follows the file is read,
            and refused, before the end is told.
    """

    fields: Mapping[str, str]
    file_name: str
    file_type: str
    file: Body


class FormMemory:
    """What the forms of one process hold before it is known who sends them, and until they are answered.

    A little is there for every form, and ordinary ones need no more: so nobody keeps them away by filling the rest.
    """

    def __init__(self) -> None:
        self.held_bytes = 0

    def share(self) -> FormShare:
        """The share of one form, given back when its context is left."""
        return FormShare(self)


class FormShare:
    """What one form holds of the memory of all."""

    def __init__(self, memory: FormMemory) -> None:
        self._memory = memory
        self._held_bytes = 0

    def hold(self, size_bytes: int) -> None:
        """The form holds so much now. Raises: OssError FORMS_BUSY."""
        more = max(0, size_bytes - FORM_FREE_BYTES) - self._held_bytes
        if more > 0 and self._memory.held_bytes + more > FORMS_MAX_BYTES:
            raise FORMS_BUSY()
        self._memory.held_bytes += more
        self._held_bytes += more

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.hold(0)


async def read_form(request: Request, share: FormShare) -> Form:
    """Read the fields of a form, up to its file.

    Args:
        share: for what the form holds, until it is left.
    Raises:
        OssError: NOT_MULTIPART, MALFORMED_POST_REQUEST, FIELD_ITEM_TOO_LONG, PRE_DATA_TOO_LONG,
            INCORRECT_NUMBER_OF_FILES (none), FORMS_BUSY, and those of a digest that isn't the body's.
        BodyFailed: from the body.
    """
    boundary = read_boundary(request.headers.get("content-type", ""))
    source = _Source(request, b"\r\n--" + boundary.encode("utf-8", "surrogateescape"), share)
    await source.before_boundary(FORM_LEAD_MAX_BYTES, MALFORMED_POST_REQUEST)
    fields: dict[str, str] = {}
    left = FORM_FIELDS_MAX_BYTES
    while await source.begin_part():
        block = await source.part_headers(left)
        part = read_part_headers(block)
        if part.name == _FILE:
            source.keep(part.file_name, part.content_type)
            return Form(fields, _base_name(part.file_name), part.content_type, _File(source))
        if part.name in fields:
            raise MALFORMED_POST_REQUEST(f"{MALFORMED_POST_REQUEST.message} The field {part.name} is given twice.")
        if len(fields) == FORM_FIELDS_MAX:
            raise PRE_DATA_TOO_LONG(f"{PRE_DATA_TOO_LONG.message} There are more than {FORM_FIELDS_MAX} of them.")
        left -= len(block)
        raw = await source.before_boundary(left, PRE_DATA_TOO_LONG)
        left -= len(raw)
        value = fields[part.name] = raw.decode("utf-8", "surrogateescape")
        source.keep(part.name, value)
    raise INCORRECT_NUMBER_OF_FILES()


class FormFile(Struct, frozen=True):
    """One of a form's files.

    Attributes:
        name: its base name.
        type: the Content-Type of its part; "" if it has none.
        file: its bytes, to be read whole before the next is asked for.
    """

    name: str
    type: str
    file: Body


async def read_files(request: Request, share: FormShare) -> AsyncIterator[FormFile]:
    """The files of a form in their order, however many; other fields are skipped, and so is a file that nobody chose.

    Raises: as `read_form`, from the iterator and from the bodies.
    """
    boundary = read_boundary(request.headers.get("content-type", ""))
    source = _Source(request, b"\r\n--" + boundary.encode("utf-8", "surrogateescape"), share)
    await source.before_boundary(FORM_LEAD_MAX_BYTES, MALFORMED_POST_REQUEST)
    left = FORM_FIELDS_MAX_BYTES
    while await source.begin_part():
        block = await source.part_headers(FORM_PART_HEADERS_MAX_BYTES)
        part = read_part_headers(block)
        if part.name == _FILE and part.file_name:
            yield FormFile(_base_name(part.file_name), part.content_type, _PartBody(source))
            continue
        left -= len(block) + len(await source.before_boundary(left, PRE_DATA_TOO_LONG))
        if left < 0:
            raise PRE_DATA_TOO_LONG()
    await source.end(FORM_TAIL_MAX_BYTES)


class _PartBody:
    """A part, as a body."""

    def __init__(self, source: _Source) -> None:
        self._source = source

    def chunks(self) -> AsyncIterator[bytes]:
        return self._source.stream_before_boundary()


def is_multipart(request: Request) -> bool:
    """Whether a request says that its body is a form with files."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == _MULTIPART


def read_boundary(content_type: str) -> str:
    """The boundary of a multipart/form-data Content-Type. Raises: OssError NOT_MULTIPART, MALFORMED_POST_REQUEST."""
    kind, _, rest = content_type[: FORM_TYPE_MAX_CHARS + 1].partition(";")
    if kind.strip().lower() != _MULTIPART:
        raise NOT_MULTIPART()
    if len(content_type) > FORM_TYPE_MAX_CHARS:
        raise _malformed(f"The Content-Type is longer than {FORM_TYPE_MAX_CHARS} characters.")
    boundary = dict(_read_parameters(rest)).get("boundary", "")
    if not 0 < len(boundary) <= FORM_BOUNDARY_MAX_CHARS or "\r" in boundary or "\n" in boundary:
        raise _malformed("The Content-Type has no usable boundary.")
    return boundary


class PartHeaders(Struct, frozen=True):
    """What the headers of one part say. `name` is in lower case."""

    name: str
    file_name: str
    content_type: str


def read_part_headers(block: bytes) -> PartHeaders:
    """The header lines of a part, without the empty line. Raises: OssError MALFORMED_POST_REQUEST."""
    headers: dict[str, str] = {}
    for line in block.decode("utf-8", "surrogateescape").split("\r\n"):
        name, colon, value = line.partition(":")
        if not colon or name != name.strip() or not name:
            raise _malformed("A part has a header line that cannot be read.")
        headers[name.lower()] = value.strip(" \t")
    kind, _, rest = headers.get("content-disposition", "").partition(";")
    parameters = dict(_read_parameters(rest))
    if kind.strip().lower() != "form-data" or "name" not in parameters:
        raise _malformed("Every part needs Content-Disposition: form-data with a name.")
    encoding = headers.get("content-transfer-encoding", "binary").lower()
    if encoding not in ("binary", "7bit", "8bit"):
        raise _malformed("Content-Transfer-Encoding is not supported: send the bytes as they are.")
    name = _unescape(parameters["name"]).lower()
    return PartHeaders(name, _unescape(parameters.get("filename", "")), headers.get("content-type", ""))


def _read_parameters(text: str) -> Iterator[tuple[str, str]]:
    """`; name=token; name="quoted"` -> pairs, names in lower case. A backslash escapes a quote or itself only:
    browsers of old sent Windows paths unescaped."""
    at = 0
    while (equals := text.find("=", at)) >= 0:
        name, at = text[at:equals], equals + 1
        if text[at : at + 1] == '"':
            value, at = _read_quoted(text, at + 1)
            end = text.find(";", at)
        else:
            end = text.find(";", at)
            value = (text[at:] if end < 0 else text[at:end]).strip()
        yield name.strip(" \t;").lower(), value
        at = len(text) if end < 0 else end + 1


def _read_quoted(text: str, at: int) -> tuple[str, int]:
    """The value of a quoted text, and where it ends; without its closing quote it reaches to the end."""
    quoted = _QUOTED.match(text, at)
    assert quoted is not None  # it matches anything
    return _ESCAPED.sub(r"\1", quoted[1]), quoted.end()


def _unescape(text: str) -> str:
    for escaped, character in _ESCAPES.items():
        text = text.replace(escaped, character)
    return text


def _base_name(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


def _malformed(why: str) -> OssError:
    return MALFORMED_POST_REQUEST(f"{MALFORMED_POST_REQUEST.message} {why}")


class _File:
    """The file of a form, as a body."""

    def __init__(self, source: _Source) -> None:
        self._source = source

    async def chunks(self) -> AsyncIterator[bytes]:
        async for chunk in self._source.stream_before_boundary():
            yield chunk
        left = FORM_TAIL_MAX_BYTES
        while await self._source.begin_part():
            block = await self._source.part_headers(left)
            if read_part_headers(block).name == _FILE:
                raise INCORRECT_NUMBER_OF_FILES()
            left -= len(block)
            left -= len(await self._source.before_boundary(left, PRE_DATA_TOO_LONG))
        await self._source.end(FORM_TAIL_MAX_BYTES)


class _Source:
    """The bytes of the body, taken up to marks. The first boundary needs no line before it, so one is put there."""

    def __init__(self, request: Request, boundary: bytes, share: FormShare) -> None:
        self._chunks = compared_chunks(request)
        self._buffer = bytearray(b"\r\n")
        self._boundary = boundary
        self._share = share
        self._kept = 0

    def keep(self, *texts: str) -> None:
        """These are kept for as long as the form is. Raises: OssError FORMS_BUSY."""
        self._kept += sum(map(sys.getsizeof, texts))
        self._share.hold(self._kept)

    async def before_boundary(self, most: int, fault: Fault) -> bytes:
        return await self._take_before(self._boundary, most, fault)

    async def part_headers(self, left: int) -> bytes:
        """At most `left` bytes, and at most what one part may have."""
        if left < FORM_PART_HEADERS_MAX_BYTES:
            return await self._take_before(b"\r\n\r\n", left, PRE_DATA_TOO_LONG)
        return await self._take_before(b"\r\n\r\n", FORM_PART_HEADERS_MAX_BYTES, FIELD_ITEM_TOO_LONG)

    async def begin_part(self) -> bool:
        """Behind a boundary: True if a part begins, False if it was the last one."""
        while len(self._buffer) < 2:
            await self._more()
        if self._buffer.startswith(b"--"):
            del self._buffer[:2]
            return False
        padding = await self._take_before(b"\r\n", _PADDING_MAX_BYTES, MALFORMED_POST_REQUEST)
        if padding.strip(b" \t"):
            raise _malformed("A boundary is followed by something else.")
        return True

    async def stream_before_boundary(self) -> AsyncIterator[bytes]:
        """What stands before the boundary, in pieces; the boundary is left behind."""
        buffer, boundary = self._buffer, self._boundary
        while (at := buffer.find(boundary)) < 0:
            ready = len(buffer) - len(boundary) + 1
            if ready > 0:
                piece = bytes(buffer[:ready])
                del buffer[:ready]
                yield piece
            await self._more()
        piece = bytes(buffer[:at])
        del buffer[: at + len(boundary)]
        if piece:
            yield piece

    async def end(self, most: int) -> None:
        """Take what little may stand behind the last boundary. Raises: OssError MALFORMED_POST_REQUEST."""
        seen = len(self._buffer)
        while seen <= most:
            chunk = await anext(self._chunks, None)
            if chunk is None:
                return
            seen += len(chunk)
        raise _malformed("Too much follows its last boundary.")

    async def _take_before(self, mark: bytes, most: int, fault: Fault) -> bytes:
        """At most `most` bytes before the next `mark`, which is skipped."""
        buffer, searched = self._buffer, 0
        while (at := buffer.find(mark, searched, most + len(mark))) < 0:
            if len(buffer) >= most + len(mark):
                raise fault()
            searched = max(0, len(buffer) - len(mark) + 1)
            await self._more()
        taken = bytes(buffer[:at])
        del buffer[: at + len(mark)]
        return taken

    async def _more(self) -> None:
        """Wait for more. What is held meanwhile is counted; a chunk that has come is used up before the next wait."""
        self._share.hold(self._kept + len(self._buffer))
        chunk = await anext(self._chunks, None)
        if chunk is None:
            raise _malformed("It ends before its last boundary.")
        self._buffer += chunk

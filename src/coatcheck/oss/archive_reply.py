"""Many objects as one reply: a ZIP file, whole or a range of it.

Its ETag is of all that it is made from, so a range that belongs to another state of the bucket is never joined to this
one: If-Range with another ETag gets the whole file. Dates are no conditions here: an object that goes leaves none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import quote

from coatcheck.core.byte_range import ByteRange
from coatcheck.core.errors import INTERNAL_ERROR
from coatcheck.operations.archive_download import ArchiveDownload
from coatcheck.operations.archive_members import Archive
from coatcheck.operations.commit import ATTEMPTS, ReplacedMeanwhile
from coatcheck.operations.context import Context
from coatcheck.wire.conditions import is_same, is_unmodified
from coatcheck.wire.ranges import RangeBehaviour, read_range, write_content_range
from coatcheck.wire.reply import RawHeader, Reply
from coatcheck.wire.request import Request

WhenEnded = Callable[[int], Awaitable[None]]
TakeUses = Callable[[ArchiveDownload, ByteRange], Awaitable[WhenEnded | None]]

_NO_DATE: Final = -1  # of no If-Range
_KEPT_BY_304: Final = 2  # headers
_FALLBACK: Final = str.maketrans(dict.fromkeys('"\\%/;', "_"))


async def no_uses(download: ArchiveDownload, span: ByteRange) -> None:
    """Where nothing is counted."""


async def reply_with_archive(
    context: Context,
    request: Request,
    gather: Callable[[], Awaitable[Archive]],
    name: str,
    take_uses: TakeUses = no_uses,
) -> Reply:
    """
    Args:
        gather: puts the archive together (`members_under`, `members_of`); again, if an object changed meanwhile.
        name: of the file, without ".zip"; any text.
        take_uses: awaited once, when all else is ready, before the first byte goes out: what it raises refuses the
            download. What it returns is told how many bytes of the file went out. It isn't asked for HEAD.
    Raises: OssError INVALID_RANGE, PRECONDITION_FAILED, INTERNAL_ERROR; what the others raise.
    """
    for _ in range(ATTEMPTS):
        download = await ArchiveDownload.of(context, await gather())
        try:
            return await _reply(request, download, name, take_uses)
        except ReplacedMeanwhile:
            await download.close()
        except BaseException:
            await download.close()
            raise
    raise INTERNAL_ERROR("The objects are being replaced faster than they can be read. Try again.")


async def _reply(request: Request, download: ArchiveDownload, name: str, take_uses: TakeUses) -> Reply:
    headers = _headers(download, name)
    conditions = {name: value for name, value in request.headers.items() if name in ("if-match", "if-none-match")}
    if conditions and is_unmodified(conditions, download.etag, _NO_DATE):
        await download.close()
        return Reply(304, headers[:_KEPT_BY_304])
    if request.method == "HEAD":
        await download.close()
        return Reply(200, headers, content_length=download.size)
    span, status = _read_span(request, download), 206
    if span is None:
        span, status = ByteRange(0, download.size), 200
    else:
        headers = (*headers, (b"content-range", write_content_range(span, download.size)))
    body = await download.open(span)
    return Reply(status, headers, body, when_ended=await take_uses(download, span))


def _read_span(request: Request, download: ArchiveDownload) -> ByteRange | None:
    text, if_range = request.headers.get("range"), request.headers.get("if-range")
    if text is None or (if_range is not None and not is_same(if_range, download.etag, _NO_DATE)):
        return None
    return read_range(text, download.size, RangeBehaviour.STANDARD)


def _headers(download: ArchiveDownload, name: str) -> tuple[RawHeader, ...]:
    return (
        (b"etag", b'"%b"' % download.etag.encode()),
        (b"cache-control", b"private, no-store"),
        (b"accept-ranges", b"bytes"),
        (b"content-type", b"application/zip"),
        (b"content-disposition", _attachment(f"{name}.zip")),
        (b"x-content-type-options", b"nosniff"),
    )


def _attachment(name: str) -> bytes:
    """Both forms of RFC 6266: what every client reads, and the name as it is."""
    plain = "".join(letter if " " <= letter <= "~" else "_" for letter in name).translate(_FALLBACK)
    named = quote(name.encode("utf-8", "replace"), safe="")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{named}".encode()

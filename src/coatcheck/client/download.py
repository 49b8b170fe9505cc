"""Downloads: parallel ranges, retries, resume after an interruption, and the checksum of the whole at the end.

How it goes, and why so:

1. The first request asks for the first piece. A presigned GET link can't be used with HEAD (the method is signed), and
   one GET that brings bytes is enough for a small object. OSS answers a range that ends beyond the object with all of
   it and 200 (the header that would change this, x-oss-range-behavior, would break the signature), so both 200 and 206
   are good. The reply has size, ETag and checksum.
2. Threads fetch what is missing, each piece with If-Match. Range and If-Match are outside a link's signature.
3. What breaks is tried again from where it broke; what changed is started over; what is interrupted stays as a `Part`.
4. The file is read once more for its CRC-64, and only then gets its name.
"""

from __future__ import annotations

import os
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import BinaryIO, Final
from urllib.parse import urljoin

import httpx
from msgspec import Struct
from msgspec.structs import replace

from coatcheck.core.digests import EMPTY_CRC64, update_crc64

from .connection import Connection
from .errors import ClientError, Unreachable
from .exchange import exchange, open_client, read_url
from .naming import make_safe_name, read_disposition_name, read_url_name
from .part import Extent, Part, Remote
from .transfer import CRC64_HEADER, RETRY_DELAYS_S, Progress, check_crc64, file_crc64, read_crc64

FIRST_BYTES: Final = 8 * 1024**2  # asked for in the first request; smaller objects come whole
PIECE_MAX_BYTES: Final = 64 * 1024**2
_MARK_EVERY_BYTES: Final = 4 * 1024**2  # each connection of a run that is killed loses so much at most
CONNECTIONS: Final = 4
REDIRECTS_MAX: Final = 5

Opener = Callable[[Mapping[str, str]], AbstractContextManager[httpx.Response]]


class Source(Struct, frozen=True):
    """Where the bytes come from.

    Attributes:
        open: sends a GET with the given extra headers; the response's body is unread.
        name: what the file is called if the server doesn't say.
        retry_delays_s: seconds to wait before each new try; tests make them none.
        first_bytes: length of the first range.
    """

    open: Opener
    name: str
    retry_delays_s: tuple[float, ...] = RETRY_DELAYS_S
    first_bytes: int = FIRST_BYTES


class Destination(Struct, frozen=True):
    """Where a file goes: `path` as the person said it (a directory takes the server's name), or None for a name
    from the server in the current directory. What is there is only replaced if `path` names it, or under `force`."""

    path: Path | None = None
    force: bool = False


class Downloaded(Struct, frozen=True):
    """A finished download. `verified` when the server gave a checksum to compare; `resumed_bytes` came earlier."""

    file: Path | None
    size_bytes: int
    crc64: int
    verified: bool
    resumed_bytes: int = 0


@contextmanager
def link_source(url: str, headers: Mapping[str, str] | None = None, ca: Path | None = None) -> Iterator[Source]:
    """A link on any server; `ca` as for `open_client`. Redirects are followed, from https never to http."""
    with open_client(url, ca) as client:

        @contextmanager
        def open_link(extra: Mapping[str, str]) -> Iterator[httpx.Response]:
            address = url
            for _ in range(REDIRECTS_MAX + 1):
                try:
                    with exchange(client, "GET", address, {**(headers or {}), **extra}) as response:
                        yield response
                        return
                except ClientError as error:
                    if not error.location:
                        raise
                    address = _follow(address, error.location)
            raise ClientError("TooManyRedirects", f"More than {REDIRECTS_MAX} redirects.")

        yield Source(open_link, read_url_name(url))


def object_source(connection: Connection, bucket: str, key: str, headers: Mapping[str, str] | None = None) -> Source:
    """An object of our own server, each request signed anew."""

    def open_object(extra: Mapping[str, str]) -> AbstractContextManager[httpx.Response]:
        return connection.stream("GET", bucket, key, headers={**(headers or {}), **extra})

    return Source(open_object, key.rpartition("/")[2])


def download(
    source: Source, destination: Destination, progress: Progress, *, connections: int = CONNECTIONS
) -> Downloaded:
    """Fetch into a file.

    Raises:
        ClientError: refused, would replace a file, or the object kept changing; `Damaged` when checksums differ (then
            nothing is left); `Unreachable` when retries are used up (a later run goes on from there).
    """
    for _ in range(3):
        try:
            return _download_once(source, destination, progress, connections)
        except _Changed:
            continue
    raise ClientError("ObjectChanged", "The object changed again and again while it was fetched.", hint="try later")


def download_to_stream(source: Source, out: BinaryIO, progress: Progress) -> Downloaded:
    """Fetch in order into a pipe; goes on from where it broke if the server can. Raises as `download`."""
    copy = _StreamCopy(source, out, progress)
    try:
        copy.run()
    except _Changed:
        raise ClientError("ObjectChanged", "The object changed while it was fetched.", hint="start over") from None
    out.flush()
    theirs = copy.remote.crc64 if copy.remote else None
    check_crc64(source.name, copy.crc64, theirs)
    return Downloaded(None, copy.position, copy.crc64, theirs is not None)


class _Changed(Exception):
    """The object isn't the one this download began with."""


def _download_once(source: Source, destination: Destination, progress: Progress, connections: int) -> Downloaded:
    part, resumed_bytes = _begin(source, destination, progress, connections)
    try:
        _fetch_missing(source, part, progress, connections)
        return _finish(part, destination, resumed_bytes)
    except ClientError as error:
        if part.done_bytes and part.remote.resumable and part.file.exists():
            kept = f"what came is kept in {part.file}, the next run goes on from there"
            error.hint = f"{error.hint}; {kept}" if error.hint else kept
        raise
    finally:
        part.close()


def _begin(source: Source, destination: Destination, progress: Progress, connections: int) -> tuple[Part, int]:
    """The first request: what the object is, and its first bytes unless an earlier run left some."""
    part: Part | None = None
    try:
        with _open_first(source, connections) as response:
            part = Part(_find_target(source, destination, response), read_remote(response))
            resumed_bytes = part.done_bytes
            progress.begin(part.target.name, part.remote.size_bytes, resumed_bytes)
            if not resumed_bytes:
                _receive_first(part, response, progress)
            return part, resumed_bytes
    except BaseException as error:
        if part is not None and isinstance(error, Unreachable) and part.remote.resumable:
            return part, 0
        if part is not None and not part.remote.resumable:
            part.discard()
        if part is not None:
            part.close()
        raise


@contextmanager
def _open_first(source: Source, connections: int) -> Iterator[httpx.Response]:
    """With ranges where they help; without where the server can't: an empty object (416), a size it doesn't say."""
    if connections > 1:
        try:
            with source.open({"Range": f"bytes=0-{source.first_bytes - 1}"}) as response:
                if response.status_code != 206 or _read_content_range(response):
                    yield response
                    return
        except ClientError as error:
            if error.status != 416:
                raise
    with source.open({}) as response:
        yield response


def read_remote(response: httpx.Response) -> Remote:
    """What the first reply, 200 or 206, says of the object."""
    content_range = _read_content_range(response)
    length = response.headers.get("content-length", "")
    size_bytes = int(length) if length.isascii() and length.isdigit() else None
    etag = response.headers.get("etag")
    return Remote(
        size_bytes=content_range[1] if content_range else size_bytes,
        etag=etag if etag and not etag.startswith("W/") else None,
        last_modified=response.headers.get("last-modified"),
        crc64=read_crc64(response.headers.get(CRC64_HEADER)),
        ranges=content_range is not None or response.headers.get("accept-ranges", "").lower() == "bytes",
    )


def _read_content_range(response: httpx.Response) -> tuple[int, int] | None:
    """Of a 206: where its bytes start, and the size of the whole."""
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("content-range", ""), re.ASCII)
    return (int(found[1]), int(found[2])) if found and response.status_code == 206 else None


def _find_target(source: Source, destination: Destination, response: httpx.Response) -> Path:
    path = destination.path
    if path is None or path.is_dir():
        disposition = read_disposition_name(response.headers.get("content-disposition", ""))
        path = (path or Path()) / make_safe_name(disposition or source.name)
        _check_free(path, destination)
    return path


def _check_free(target: Path, destination: Destination) -> None:
    if destination.path == target or (destination.force and not target.is_dir()):
        return
    if os.path.lexists(target):
        raise ClientError(
            "FileExists", f"{target} is there already.", hint="replace it with --force, or name another with -o"
        )


def _receive_first(part: Part, response: httpx.Response, progress: Progress) -> None:
    piece = _Piece(0, part.remote.size_bytes)
    _receive(part, piece, response, progress, Event())
    if part.remote.size_bytes is None:
        part.remote = replace(part.remote, size_bytes=piece.position)


class _Piece(Struct):
    """What one request fetches: from `position`, which moves, to `stop`; None is wherever the body ends."""

    position: int
    stop: int | None


def _receive(part: Part, piece: _Piece, response: httpx.Response, progress: Progress, halt: Event) -> None:
    """Write a body where it belongs; the bytes that came are marked now and then, and whatever ends this."""
    start = piece.position
    try:
        for data in response.iter_raw():
            wanted = data if piece.stop is None else data[: piece.stop - piece.position]
            part.write(piece.position, wanted)
            piece.position += len(wanted)
            progress.advance(len(wanted))
            if halt.is_set() or piece.position == piece.stop:
                return
            if piece.position - start >= _MARK_EVERY_BYTES:
                part.mark(start, piece.position)
                start = piece.position
    finally:
        part.mark(start, piece.position)


def _fetch_missing(source: Source, part: Part, progress: Progress, connections: int) -> None:
    """Fetch every gap with several threads; the first failure stops them all.

    Daemon threads: after Ctrl-C a thread that waits for a silent server must not keep the process.
    """
    gaps = part.missing()
    if gaps and not part.remote.resumable:
        part.discard()
        raise Unreachable("CutOff", "The server stopped before the end.", hint="run the command again")
    pieces = deque(_split(gaps, connections, source.first_bytes))
    halt = Event()
    failures: list[BaseException] = []

    def work() -> None:
        while pieces and not halt.is_set():
            try:
                piece = pieces.popleft()
            except IndexError:  # another thread was quicker
                return
            try:
                _fetch_piece(source, part, piece, progress, halt)
            except BaseException as error:
                failures.append(error)
                halt.set()

    threads = [Thread(target=work, daemon=True) for _ in range(min(connections, len(pieces)))]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        halt.set()
        for thread in filter(Thread.is_alive, threads):  # Ctrl-C may come before all of them have started
            thread.join(timeout=1.0)
    if failures:
        raise failures[0]


def _split(gaps: list[Extent], connections: int, least_bytes: int) -> Iterator[_Piece]:
    """Gaps -> pieces, large enough to be worth a request, small enough that all threads have work to the end."""
    left_bytes = sum(stop - start for start, stop in gaps)
    each = left_bytes if connections == 1 else min(PIECE_MAX_BYTES, max(least_bytes, left_bytes // (4 * connections)))
    for start, stop in gaps:
        for position in range(start, stop, each):
            yield _Piece(position, min(position + each, stop))


def _fetch_piece(source: Source, part: Part, piece: _Piece, progress: Progress, halt: Event) -> None:
    assert piece.stop is not None
    delays = iter(source.retry_delays_s)
    while piece.position < piece.stop and not halt.is_set():
        before = piece.position
        failure: ClientError = Unreachable("CutOff", "The server stopped before the end.", hint="run the command again")
        try:
            with source.open({"Range": f"bytes={piece.position}-{piece.stop - 1}", **part.remote.guard()}) as response:
                _check_same(response, part.remote, piece.position)
                _receive(part, piece, response, progress, halt)
        except ClientError as error:
            failure = _sort_out(error)
        if piece.position > before:
            delays = iter(source.retry_delays_s)
        elif not halt.is_set():
            delay_s = next(delays, None)
            if delay_s is None:
                raise failure
            halt.wait(delay_s)


def _sort_out(error: ClientError) -> ClientError:
    """What may pass by itself is returned, to be tried again; the rest is raised."""
    if error.status in (412, 416):
        raise _Changed from None
    if not isinstance(error, Unreachable) and (error.status is None or error.status < 500):
        raise error
    return error


def _check_same(response: httpx.Response, remote: Remote, position: int) -> None:
    """Is this reply the range asked for, of the object this download began with?"""
    now = read_remote(response)
    if (now.size_bytes, now.etag) != (remote.size_bytes, remote.etag):
        raise _Changed
    content_range = _read_content_range(response)
    if (content_range[0] if content_range else 0) != position:
        raise ClientError("NoRanges", "The server no longer answers with ranges.", hint="use --connections 1")


def _finish(part: Part, destination: Destination, resumed_bytes: int) -> Downloaded:
    crc64 = file_crc64(part.file)
    try:
        check_crc64(part.target.name, crc64, part.remote.crc64)
    except ClientError:
        part.discard()
        raise
    _check_free(part.target, destination)
    part.commit()
    assert part.remote.size_bytes is not None
    return Downloaded(part.target, part.remote.size_bytes, crc64, part.remote.crc64 is not None, resumed_bytes)


class _StreamCopy:
    """A download in order: nothing that went out can be taken back, so only the same object may go on."""

    def __init__(self, source: Source, out: BinaryIO, progress: Progress) -> None:
        self.remote: Remote | None = None
        self.position = 0
        self.crc64 = EMPTY_CRC64
        self._source = source
        self._out = out
        self._progress = progress

    def run(self) -> None:
        delays = iter(self._source.retry_delays_s)
        while not self._is_done():
            before = self.position
            failure: ClientError = Unreachable("CutOff", "The server stopped before the end.", hint="try again")
            try:
                self._copy()
            except ClientError as error:
                failure = error if self.remote is None else _sort_out(error)
            if self.position > before:
                delays = iter(self._source.retry_delays_s)
            if not self._is_done():
                self._pause(failure, delays)

    def _is_done(self) -> bool:
        return self.remote is not None and self.position == self.remote.size_bytes

    def _pause(self, failure: ClientError, delays: Iterator[float]) -> None:
        delay_s = next(delays, None)
        if self.remote is None or not self.remote.resumable or delay_s is None:
            raise failure
        time.sleep(delay_s)

    def _copy(self) -> None:
        if self.remote is None:
            with self._source.open({}) as response:
                self.remote = read_remote(response)
                self._progress.begin(self._source.name, self.remote.size_bytes)
                self._pass_on(response)
            if self.remote.size_bytes is None:
                self.remote = replace(self.remote, size_bytes=self.position)
            return
        with self._source.open({"Range": f"bytes={self.position}-", **self.remote.guard()}) as response:
            _check_same(response, self.remote, self.position)
            self._pass_on(response)

    def _pass_on(self, response: httpx.Response) -> None:
        for data in response.iter_raw():
            self._out.write(data)
            self.crc64 = update_crc64(data, self.crc64)
            self.position += len(data)
            self._progress.advance(len(data))


def _follow(address: str, location: str) -> str:
    """Where a redirect leads. Raises: ClientError when it would leave https."""
    there = urljoin(address, location)
    if read_url(address).scheme == "https" and read_url(there).scheme != "https":
        raise ClientError("UnsafeRedirect", "The link redirects from https to an unprotected address.")
    return there

"""Bytes on their way in and on their way out, as every package knows them: streams that end, or fail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from types import AsyncGeneratorType
from typing import Final, Generic, Protocol, TypeVar

from msgspec import Struct

T = TypeVar("T")


class BodyFailed(Exception):
    """The client went away, or broke the framing, before the body was complete."""


class BodyStalled(BodyFailed):
    """The client is still there, but sent nothing for too long."""


class Body(Protocol):
    """A body on its way in: it ends, or it fails with BodyFailed or BodyStalled; a disconnect is never an end."""

    def chunks(self) -> AsyncIterator[bytes]:
        """The bytes as they arrive. May be called once."""
        ...


class NoBody:
    """A body of no bytes."""

    async def chunks(self) -> AsyncIterator[bytes]:
        return
        yield b""


NO_BODY: Final = NoBody()


class FileSlice(Struct, frozen=True):
    """Bytes of an open file that are in memory. The file stays open until the next slice is asked for."""

    fd: int
    offset: int
    size: int


Slice = FileSlice | bytes | bytearray  # bytes are what stands between files; none at all is a sign of life


def slice_size(piece: Slice) -> int:
    """Bytes."""
    return piece.size if isinstance(piece, FileSlice) else len(piece)


UNKNOWN_SIZE: Final = -1


class Stream(Struct, frozen=True):
    """A body that is made while it is sent. Whoever sends it calls `close` once, whether or not anything was read.

    Attributes:
        size: bytes; UNKNOWN_SIZE where only the end shows it.
        slices: the same bytes for whoever has the kernel send them, in place of `chunks`; None where no file has them.
        file: the same bytes, where they are one slice that is there already, and nothing has to be waited for.
        let_go: as `close`, where that needs no waiting; whether it was so. None where it always does.
    """

    chunks: AsyncIterator[bytes] | AsyncIterator[bytes | bytearray]
    size: int
    close: Callable[[], Awaitable[None]]
    slices: AsyncIterator[Slice] | None = None
    file: FileSlice | None = None
    let_go: Callable[[], bool] | None = None


class Later(Generic[T]):
    """A generator of pieces that is made when the first is asked for: most replies need one of several, or none."""

    __slots__ = ("_make", "_start", "_stop", "made")

    def __init__(self, make: Callable[[int, int], AsyncIterator[T] | None], start: int, stop: int) -> None:
        self._make = make
        self._start, self._stop = start, stop
        self.made: AsyncIterator[T] | None = None

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    def __anext__(self) -> Awaitable[T]:
        if self.made is None:
            self.made = self._make(self._start, self._stop)
            assert self.made is not None
        return self.made.__anext__()


async def one_chunk(content: bytes) -> AsyncIterator[bytes]:
    """Content that is there, for who takes chunks."""
    yield content


def let_go(chunks: AsyncIterator[object] | None) -> Awaitable[None]:
    """End a generator nobody goes on with: what it holds is given back now, not when garbage is next collected."""
    if isinstance(chunks, Later):
        chunks = chunks.made
    if isinstance(chunks, AsyncGeneratorType) and not chunks.ag_running:
        return chunks.aclose()
    return nothing()


async def nothing() -> None:
    """The close of what opened nothing."""

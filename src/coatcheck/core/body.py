"""Bytes on their way in and on their way out, as every package knows them: streams that end, or fail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from types import AsyncGeneratorType
from typing import Final, NamedTuple, Protocol


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


class FileSlice(NamedTuple):
    """Bytes of an open file that are in memory. The file stays open until the next slice is asked for."""

    fd: int
    offset: int
    size: int


Slice = FileSlice | bytes | bytearray  # bytes are what stands between files; none at all is a sign of life


def slice_size(piece: Slice) -> int:
    """Bytes."""
    return piece.size if isinstance(piece, FileSlice) else len(piece)


UNKNOWN_SIZE: Final = -1


class Stream(NamedTuple):
    """A body that is made while it is sent. Whoever sends it calls `close` once, whether or not anything was read.

    Attributes:
        size: bytes; UNKNOWN_SIZE where only the end shows it.
        slices: the same bytes for whoever has the kernel send them, in place of `chunks`; None where no file has them.
    """

    chunks: AsyncIterator[bytes] | AsyncIterator[bytes | bytearray]
    size: int
    close: Callable[[], Awaitable[None]]
    slices: AsyncIterator[Slice] | None = None


async def one_chunk(content: bytes) -> AsyncIterator[bytes]:
    """Content that is there, for who takes chunks."""
    yield content


def let_go(chunks: AsyncIterator[object]) -> Awaitable[None]:
    """End a generator nobody goes on with: what it holds is given back now, not when garbage is next collected."""
    if isinstance(chunks, AsyncGeneratorType) and not chunks.ag_running:
        return chunks.aclose()
    return nothing()


async def nothing() -> None:
    """The close of what opened nothing."""

"""What only Linux has, in one place, each with what happens elsewhere.

With COATCHECK_NO_LINUX in the environment everything is done as elsewhere, so that tests can run that way on Linux.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_SIOCOUTQ: Final = 0x5411
_SIOCOUTQNSD: Final = 0x894B
_SIOCINQ: Final = 0x541B
_TCP_CLOSE: Final = 7
_TRACKED_MAX: Final = 1 << 20  # files; beyond that a limit means no limit
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_IS_LINUX: Final = sys.platform == "linux" and not os.environ.get("COATCHECK_NO_LINUX")

# A flag of `os.preadv`: read only what needs no disk. Elsewhere 0: nobody can say, and every read takes a thread.
READ_CACHED: Final = getattr(os, "RWF_NOWAIT", 0) if _IS_LINUX else 0

# Whether the kernel can send a piece of a file, and say that this needs no disk. Elsewhere it is read and written.
CAN_SEND_FILES: Final = bool(READ_CACHED) and hasattr(os, "sendfile")
MSG_MORE: Final = getattr(socket, "MSG_MORE", 0) if _IS_LINUX else 0  # a flag of `send`: the rest follows at once
_SYNC_FILE_RANGE_WRITE: Final = 2
_READ_AHEAD_BYTES: Final = 128 * 1024  # what the kernel reads, and forgets, at once


def _find_sync_file_range() -> Callable[[int, int, int, int], int] | None:
    call = getattr(ctypes.CDLL(None), "sync_file_range", None) if _IS_LINUX else None
    if call is not None:
        call.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    return call


_SYNC_FILE_RANGE: Final = _find_sync_file_range()


def is_cached(fd: int, offset: int, size: int) -> bool:
    """Whether those bytes of a file are most likely in the page cache: one of each 128 KiB is looked at. Elsewhere
    nobody can say."""
    if not READ_CACHED:
        return False
    byte = [bytearray(1)]
    try:
        for at in range(offset, offset + size, _READ_AHEAD_BYTES):
            if not os.preadv(fd, byte, at, READ_CACHED):
                return False
        return os.preadv(fd, byte, offset + size - 1, READ_CACHED) == 1
    except OSError:  # not in the cache, or a file system that can't say
        return False


@contextmanager
def file_in_memory(content: bytes) -> Iterator[str]:
    """The path of a file with that content, for who reads only files; it is on no disk. Elsewhere it is a temporary one
    that nobody else may open, and is gone at the end."""
    if _IS_LINUX:
        fd = os.memfd_create("coatcheck")
        path = f"/proc/self/fd/{fd}"
    else:
        import tempfile

        fd, path = tempfile.mkstemp(prefix="coatcheck")
    try:
        os.write(fd, content)
        yield path
    finally:
        os.close(fd)
        if not _IS_LINUX:
            os.unlink(path)


def unacknowledged(fd: int) -> int:
    """Bytes that the peer of a TCP connection hasn't acknowledged yet, and still may. Elsewhere 0: none known."""
    left = _ask_tcp(fd, _SIOCOUTQ)
    return 0 if left and _is_reset(fd) else left


def _is_reset(fd: int) -> bool:
    """Whether nothing can be acknowledged any more: an event loop that reads nothing doesn't hear of it."""
    view = socket.socket(fileno=fd)
    try:
        return view.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _TCP_CLOSE
    except OSError:  # no TCP
        return False
    finally:
        view.detach()


def unsent(fd: int) -> int:
    """Those of them that it hasn't even sent. Elsewhere 0: all count as sent."""
    return _ask_tcp(fd, _SIOCOUTQNSD)


def unread(fd: int) -> int:
    """Bytes that have arrived and that nobody has read. Elsewhere 0: none known."""
    return _ask_tcp(fd, _SIOCINQ)


def _ask_tcp(fd: int, request: int) -> int:
    if not _IS_LINUX:
        return 0
    try:
        return int.from_bytes(fcntl.ioctl(fd, request, bytes(4)), sys.byteorder)
    except OSError:  # closed, or no TCP
        return 0


def boot_id() -> str:
    """Another one after each start of the machine. Elsewhere "": nobody can say."""
    return _BOOT_ID.read_text() if _IS_LINUX and _BOOT_ID.exists() else ""


def start_writeback(fd: int, start: int, stop: int) -> None:
    """Let the disk begin with bytes of a file that are still to be fsynced, so that the fsync needn't wait for all.

    By `sync_file_range`, which waits for nothing and leaves the pages in the cache; advising that they aren't needed
    also starts them, and then waits for every core to drain its list of pages. Elsewhere the fsync does all of it.
    """
    if _SYNC_FILE_RANGE is not None:
        _SYNC_FILE_RANGE(fd, start, stop - start, _SYNC_FILE_RANGE_WRITE)


def keep_freed_memory(most_bytes: int) -> None:
    """Keep so much of what pieces of bodies lay in for the next ones. By itself glibc gives it back to the kernel after
    each, to take it again page by page: a sixth of the CPU time of a large upload. Elsewhere, and with other C
    libraries, the allocator does as it likes."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if _IS_LINUX else None
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, most_bytes // 2)
        mallopt(_M_TRIM_THRESHOLD, most_bytes)


def give_back_freed_memory() -> None:
    """Give the kernel what is free between what is in use: pieces of many uploads at once leave tens of MiB there, and
    by itself glibc gives back no more than the end of the heap. Takes some milliseconds."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if _IS_LINUX else None
    if trim is not None:
        trim(0)


def drop_stalled(listening: socket.socket, timeout_s: float) -> None:
    """Have the kernel end connections whose peer acknowledges nothing for so long; they take it over from the socket
    that accepts them. Elsewhere only what the application sees is dropped."""
    if _IS_LINUX and hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(timeout_s * 1000))


def end_with(parent: int) -> None:
    """Have the kernel kill this process when its parent dies. Elsewhere, and for a parent that is dead already, whoever
    calls this looks at `os.getppid` now and then."""
    if _IS_LINUX:
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def raise_open_files() -> int:
    """Raise the limit of open files as far as an ordinary user may; what it is then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _TRACKED_MAX if hard == resource.RLIM_INFINITY else min(hard, _TRACKED_MAX)
    if soft != resource.RLIM_INFINITY and soft < most:
        with suppress(OSError, ValueError):  # macOS has a second limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
    return _TRACKED_MAX if soft == resource.RLIM_INFINITY else soft


def drop_cached(fd: int) -> None:
    """What is remembered of a file's bytes is forgotten, so that the next read is the disk's. Elsewhere: nothing."""
    if _IS_LINUX:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)

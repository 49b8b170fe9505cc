"""A render process: reads jobs from its standard input, which is a socket, and answers on it, one after the other.

It is started with an environment without secrets, has no other file open than that socket and a job's picture while it
reads it, and puts limits on itself before it touches a picture: memory, open files, size of files it writes, and an
alarm for each job. Loaders that we don't need are blocked in libvips. Whoever started it kills it when a job takes too
long, and starts another one.

What is said on the socket: see `engines.child`. The source's bytes don't come where a descriptor came with the head:
its file has them. If they can't be had there, the answer is "unread", and the job comes again without a file.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping
from typing import Any, Final

from ..child_end import limit, receive, receive_head, send

_ALLOWED_LOADERS: Final = ("Jpeg", "Png", "Webp", "Nsgif", "Tiff", "Heif")
_WRITTEN_FILE_MAX_BYTES: Final = 64 * 1024**2  # fontconfig's cache; libvips is told to write none


def main() -> None:
    """Arguments: memory limit in bytes, time limit of a job in seconds, `eighth_from` (see `source.Source`)."""
    memory_bytes, timeout_s, eighth_from = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    limit(memory_bytes, _WRITTEN_FILE_MAX_BYTES)
    logging.disable()  # libvips tells at length what is wrong with a picture, in words that strangers choose
    with contextlib.suppress(EOFError, ConnectionError):  # the server is gone, or has given this picture up
        serve(socket.socket(fileno=0), timeout_s, eighth_from)


def serve(connection: socket.socket, timeout_s: float, eighth_from: int) -> None:
    """Answer jobs until the other end closes. Raises: EOFError, ConnectionError."""
    from coatcheck.core import errors
    from coatcheck.core.errors import RENDER_TOO_COSTLY, OssError
    from coatcheck.images.text import read_plan

    from .render import render

    _block_loaders()
    names = {id(fault): name for name, fault in vars(errors).items() if isinstance(fault, errors.Fault)}
    send(connection, {"ready": True})
    while True:
        head, source, marks = _receive_job(connection)
        if source is None:
            send(connection, {"unread": True})
            continue
        signal.setitimer(signal.ITIMER_REAL, timeout_s)  # nobody handles the signal: it ends this process
        try:
            content_type, result = render(read_plan(head["process"]), source, marks, eighth_from)
        except OssError as error:
            send(connection, _refusal(error, names[id(error.fault)]))
        except MemoryError:
            send(connection, _refusal(RENDER_TOO_COSTLY(), names[id(RENDER_TOO_COSTLY)]))
        else:
            send(connection, {"content_type": content_type, "size": len(result)}, result)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


def _refusal(error: Any, fault: str) -> Mapping[str, Any]:
    return {"fault": fault, "message": error.message, "ec": error.ec, "facts": error.facts}


def _block_loaders() -> None:
    import pyvips

    pyvips.block_untrusted_set(True)
    pyvips.operation_block_set("VipsForeignLoad", True)
    for name in _ALLOWED_LOADERS:
        pyvips.operation_block_set(f"VipsForeignLoad{name}", False)
    pyvips.cache_set_max(0)


def _receive_job(connection: socket.socket) -> tuple[Any, bytes | None, dict[str, bytes]]:
    """The head; the source, None if its file can't be read; the marks. Raises: EOFError."""
    head, file = receive_head(connection)
    source = receive(connection, head["source"]) if file is None else _read_file(file, head["source"])
    return head, source, {key: receive(connection, size) for key, size in head["marks"]}


def _read_file(file: int, size: int) -> bytes | None:
    try:
        data = os.pread(file, size, 0)
    except OSError:
        return None
    finally:
        os.close(file)
    return data if len(data) == size else None


if __name__ == "__main__":
    main()

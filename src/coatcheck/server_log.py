"""The log of a server's process: where its lines go, from which level on, and how they are written.

Lines of requests come from `request_log`, all others through `logging`. Both end here, in one file or on stderr, which
takes whole batches in one write, so that lines of several processes don't mix.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
from pathlib import Path
from typing import Final

from coatcheck.core.times import write_iso_ms
from coatcheck.request_log import RequestLog
from coatcheck.settings import ServerSettings

LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

log = logging.getLogger("coatcheck")


class CannotLog(Exception):
    """The log file can't be opened; the message says why."""


class LogFile:
    """Where lines go: a file, or stderr. Both take UTF-8."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._fd = -1

    def open(self, path: Path | None) -> None:
        """From now on lines go there. Raises: CannotLog, and they go where they went."""
        fd = -1
        if path is not None:
            try:
                fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
            except OSError as error:
                raise CannotLog(
                    f"The log file {path} cannot be opened: {error.strerror}. Name another with --log-file."
                ) from None
        self._path, before, self._fd = path, self._fd, fd
        if before >= 0:
            os.close(before)

    def reopen(self) -> None:
        """The file was renamed, and another one is to be made in its place."""
        try:
            self.open(self._path)
        except CannotLog as error:
            log.error("%s Lines go on into the old one.", error)

    def write(self, lines: str) -> None:
        """Raises: OSError, ValueError: nobody can be told."""
        if self._fd < 0:
            sys.stderr.write(lines)  # for whoever has put something else in its place; else it is the same
            sys.stderr.flush()
            return
        left = lines.encode("utf-8", "backslashreplace")
        while left:
            left = left[os.write(self._fd, left) :]


_TALKATIVE: Final = ("httpx", "httpcore")  # they write whole addresses, which may hold secrets
LOG_FILE: Final = LogFile()  # a process has one log, as `logging` has it


def begin_log(settings: ServerSettings) -> None:
    """Lines of this process go where the settings say, and so do those of its forks. Raises: CannotLog."""
    LOG_FILE.open(settings.log_file)
    with contextlib.suppress(AttributeError, ValueError):  # tests put other things in its place
        sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    handler = _Lines()
    handler.setFormatter(_JsonLine() if settings.log_format == "json" else _TextLine())
    root = logging.getLogger()
    root.handlers = [each for each in root.handlers if not isinstance(each, _Lines)]
    root.addHandler(handler)
    root.setLevel(LEVELS[settings.log_level])
    for library in _TALKATIVE:
        logging.getLogger(library).setLevel(logging.WARNING)


def open_request_log(settings: ServerSettings) -> RequestLog:
    """The lines of this process's requests; its thread starts."""
    return RequestLog(
        LOG_FILE,
        everything=settings.access_log,
        as_json=settings.log_format == "json",
        errors_only=settings.log_level in ("warning", "error"),
    )


class _Lines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(Exception):  # a log that nobody reads stops nothing
            LOG_FILE.write(self.format(record) + "\n")


class _TextLine(logging.Formatter):
    """ "2026-03-05T07:08:09.123Z WARNING ...", a traceback on lines behind it."""

    def format(self, record: logging.LogRecord) -> str:
        record.asctime = write_iso_ms(int(record.created * 1000))
        record.message = record.getMessage()
        return self._with_traceback(f"{record.asctime} {record.levelname} {record.message}", record)

    def _with_traceback(self, line: str, record: logging.LogRecord) -> str:
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class _JsonLine(logging.Formatter):
    """One object a line, its traceback in it."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "time": write_iso_ms(int(record.created * 1000)),
            "level": record.levelname.lower(),
            "event": "message",
            "message": record.getMessage(),
        }
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return json.dumps(said)

"""How a verb fails: one line with the next step on stderr (JSON under --json), and the exit code."""

from __future__ import annotations

import errno
import json
import os
from typing import TYPE_CHECKING, Final

import click
from msgspec import Struct

from coatcheck.core.errors import OssError
from coatcheck.signing.refusal import PresignError

if TYPE_CHECKING:
    from coatcheck.client.errors import ClientError

OK: Final = 0
FAILED: Final = 1  # refused by the server, or failed here
USAGE: Final = 2  # the command line or the settings make no sense
NOT_FOUND: Final = 3
UNREACHABLE: Final = 4
DAMAGED: Final = 5
INTERRUPTED: Final = 130  # 128 + SIGINT, the shells' habit


class WontStart(click.ClickException):
    """Settings, keys, files, ports or the data directory don't fit; the message says what to do.

    Starting again helps nothing.
    """

    exit_code = USAGE

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.next_step = next_step


class Failure(Struct, frozen=True):
    exit_code: int
    code: str
    message: str
    hint: str = ""
    status: int | None = None
    request_id: str = ""
    ec: str = ""


def report(error: Exception, *, as_json: bool) -> int:
    """Say on stderr what went wrong and return the exit code; a bug of ours is raised again, with its traceback."""
    failure = read_failure(error)
    click.echo(write_json(failure) if as_json else write_line(failure), err=True)
    return failure.exit_code


def read_failure(error: Exception) -> Failure:
    """What kind of failure it is. Raises: the error itself, if it is a fault of ours."""
    from coatcheck.client.errors import ClientError  # a server's start has none of it

    match error:
        case ClientError():
            exit_code = _exit_code_of(error)
            return Failure(exit_code, error.code, error.message, error.hint, error.status, error.request_id, error.ec)
        case OssError():
            return Failure(USAGE, error.code, error.message)
        case PresignError():
            return Failure(USAGE, "CannotSign", str(error))
        case click.UsageError():
            where = error.ctx.command_path if error.ctx else "coatcheck"
            return Failure(USAGE, "Usage", error.format_message(), f"{where} --help")
        case WontStart():
            return Failure(error.exit_code, "Failed", error.message, error.next_step)
        case click.ClickException():
            return Failure(error.exit_code, "Failed", error.format_message())
        case click.Abort():
            return Failure(INTERRUPTED, "Interrupted", "Interrupted.")
        case OSError():
            return Failure(FAILED, type(error).__name__, write_os_error(error), find_next_step(error))
        case _:
            raise error


def _exit_code_of(error: ClientError) -> int:
    from coatcheck.client.errors import Damaged, NotConfigured, NotFound, Unreachable

    match error:
        case NotFound():
            return NOT_FOUND
        case Unreachable():
            return UNREACHABLE
        case Damaged():
            return DAMAGED
        case NotConfigured():
            return USAGE
        case _:
            return FAILED


def write_os_error(error: OSError) -> str:
    """What the system says, and of which file."""
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename is not None else reason


def find_next_step(error: OSError) -> str:
    """The next step where this computer's files are in the way."""
    name = str(error.filename or "").removesuffix(".part")
    match error:
        case FileNotFoundError() if name and not os.path.isdir(os.path.dirname(name) or "."):
            return f"make the folder {os.path.dirname(name)}, or name another file"
        case FileNotFoundError():
            return "check the name"
        case OSError(errno=errno.EMFILE | errno.ENFILE):
            return "allow this user more open files (ulimit -n)"
        case IsADirectoryError() | NotADirectoryError():
            return "name a file, not a folder, or the other way round"
        case PermissionError():
            return "name a file or folder that you may read and write"
        case OSError(errno=errno.EROFS):
            return "name a place that isn't read-only"
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return "make room on the disk, or name a place on another"
        case _:
            return ""


def write_line(failure: Failure, about: str = "") -> str:
    """One red line: what, the next step, and the request id to ask the server's operator about.

    Args:
        about: which of many things has failed.
    """
    named = failure.code not in ("Usage", "Failed", "Interrupted") and failure.code not in failure.message
    message = failure.message.replace("?.", "?")  # click ends some of its questions so
    text = f"error: {failure.code}: {message}" if named else f"error: {message}"
    if failure.hint:
        text = f"{text if text.endswith(('?', '!')) else text.rstrip('.') + '.'} Next: {failure.hint}"
    if failure.request_id:
        text += f" (request id {failure.request_id})"
    line = " ".join((text.replace("error: ", f"error: {about}: ", 1) if about else text).split())
    return line if "NO_COLOR" in os.environ else click.style(line, fg="red")


def write_json(failure: Failure, about: str = "") -> str:
    """As `write_line`, exactly."""
    facts = {
        "about": about,
        "code": failure.code,
        "message": failure.message,
        "hint": failure.hint,
        "status": failure.status,
        "request_id": failure.request_id,
        "ec": failure.ec,
    }
    return json.dumps({"error": {k: v for k, v in facts.items() if v}, "exit_code": failure.exit_code})

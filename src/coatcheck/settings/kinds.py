"""Kinds of settings: how a value is read from a command line, the environment or a TOML file, and written for people.

What arrives is a text, or what TOML makes of a value; a list where a setting may be given several times.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from msgspec import Struct

from coatcheck.core.database_urls import is_database, shown

_TRUE: Final = frozenset({"true", "yes", "on", "1"})
_FALSE: Final = frozenset({"false", "no", "off", "0"})
_MIB: Final = 1024**2
_OBJECT_STORES: Final = ("s3", "gs", "az", "file")


class BadSetting(ValueError):
    """A value that a setting can't have; the words say what it takes."""


class Kind(Protocol):
    """How the values of a setting are read and written."""

    @property
    def metavar(self) -> str:
        """What stands for a value in a help text; "" for a flag."""
        ...

    def read(self, given: Any) -> Any:
        """The value. Raises: BadSetting."""
        ...

    def write(self, value: Any) -> str:
        """The value as a person would give it."""
        ...


class Flag(Struct, frozen=True):
    """On or off."""

    metavar: str = ""

    def read(self, given: Any) -> bool:
        if isinstance(given, bool):
            return given
        text = str(given).strip().lower()
        if text not in _TRUE | _FALSE:
            raise BadSetting(f"{given!r} is neither true nor false")
        return text in _TRUE

    def write(self, value: bool) -> str:
        return "true" if value else "false"


class Text(Struct, frozen=True):
    """Any text that `check` finds nothing wrong with; it raises ValueError with words for a person."""

    metavar: str
    check: Callable[[str], object] = str
    lower: bool = False

    def read(self, given: Any) -> str:
        text = _read_text(given)
        text = text.lower() if self.lower else text
        try:
            self.check(text)
        except ValueError as error:
            raise BadSetting(str(error)) from None
        return text

    def write(self, value: str) -> str:
        return value


class Choice(Struct, frozen=True):
    """One of a few texts."""

    choices: tuple[str, ...]

    @property
    def metavar(self) -> str:
        return "|".join(self.choices)

    def read(self, given: Any) -> str:
        if str(given) not in self.choices:
            raise BadSetting(f"{given!r} is not one of {', '.join(self.choices)}")
        return str(given)

    def write(self, value: str) -> str:
        return value


class Whole(Struct, frozen=True):
    """A whole number from `least` to `most`."""

    least: int
    most: int
    metavar: str = "N"

    def read(self, given: Any) -> int:
        text = str(given).strip()
        digits = text.removeprefix("-")
        if isinstance(given, bool) or not (digits.isascii() and digits.isdigit() and len(digits) < 20):
            raise BadSetting(f"{given!r} is not a whole number")
        if not self.least <= int(text) <= self.most:
            raise BadSetting(f"{text} is not in the range {self.least} to {self.most}")
        return int(text)

    def write(self, value: int) -> str:
        return str(value)


class Seconds(Struct, frozen=True):
    """A time from `least` to `most` seconds."""

    least: float
    most: float
    metavar: str = "SECONDS"

    def read(self, given: Any) -> float:
        try:
            number = float(given) if not isinstance(given, bool) else float("nan")
        except (TypeError, ValueError, OverflowError):
            raise BadSetting(f"{given!r} is not a number of seconds") from None
        if not self.least <= number <= self.most:
            raise BadSetting(f"{given} is not in the range {self.least:g} to {self.most:g} seconds")
        return number

    def write(self, value: float) -> str:
        return f"{value:g}"


class Mebibytes(Struct, frozen=True):
    """A size given in MiB; its value is in bytes."""

    least: int
    most: int
    metavar: str = "MIB"

    def read(self, given: Any) -> int:
        return Whole(self.least, self.most).read(given) * _MIB

    def write(self, value: int) -> str:
        return str(value // _MIB)


class Hour(Struct, frozen=True):
    """An hour of the day; its value is None where that is -1, for never."""

    metavar: str = "H"

    def read(self, given: Any) -> int | None:
        hour = Whole(-1, 23).read(given)
        return None if hour < 0 else hour

    def write(self, value: int | None) -> str:
        return "-1" if value is None else str(value)


class Folder(Struct, frozen=True):
    """A directory; its value is absolute."""

    must_exist: bool = True
    metavar: str = "DIR"

    def read(self, given: Any) -> Path:
        path = _read_path(given)
        if path.exists() and not path.is_dir():
            raise BadSetting(f"{given!r} is not a directory")
        if self.must_exist and not path.exists():
            raise BadSetting(f"the directory {given} does not exist")
        return path.absolute()

    def write(self, value: Path) -> str:
        return str(value)


class File(Struct, frozen=True):
    """A file that exists; its value is absolute, and None where none was given."""

    metavar: str = "FILE"

    def read(self, given: Any) -> Path:
        path = _read_path(given)
        if not path.is_file():
            raise BadSetting(f"the file {given} does not exist")
        return path.absolute()

    def write(self, value: Path | None) -> str:
        return "" if value is None else str(value)


class NewFile(Struct, frozen=True):
    """A file that may have to be made, in a directory that exists; its value is absolute, None where none was given."""

    metavar: str = "FILE"

    def read(self, given: Any) -> Path:
        path = _read_path(given)
        if path.is_dir():
            raise BadSetting(f"{given!r} is a directory, and a file is needed")
        if not path.absolute().parent.is_dir():
            raise BadSetting(f"the directory {path.absolute().parent} does not exist")
        return path.absolute()

    def write(self, value: Path | None) -> str:
        return "" if value is None else str(value)


class StoreUrl(Struct, frozen=True):
    """What a store is opened by: "memory:", "file:" and an absolute directory, or the URL of a database; "" where none
    was given. No password is ever shown."""

    metavar: str = "URL"

    def read(self, given: Any) -> str:
        text = _read_text(given)
        if is_database(text):
            try:
                shown(text)
            except ValueError:
                raise BadSetting("the URL of the database cannot be read: postgresql://USER@HOST:PORT/NAME") from None
            return text
        scheme, colon, rest = text.partition(":")
        if (scheme, colon, rest) == ("memory", ":", ""):
            return "memory:"
        if scheme != "file" or not rest:
            raise BadSetting(f"it takes memory:, file:DIR or postgresql://...; {text!r} is not that")
        return f"file:{Folder(must_exist=False).read(rest)}"

    def write(self, value: str) -> str:
        return shown(value)


class BytesUrl(Struct, frozen=True):
    """What an object store is named by: "s3://bucket/prefix", or another scheme; "" where none was given."""

    metavar: str = "URL"

    def read(self, given: Any) -> str:
        text = _read_text(given)
        scheme, _, rest = text.partition("://")
        if scheme not in _OBJECT_STORES or not rest:
            raise BadSetting(f"it takes s3://BUCKET/PREFIX; {given!r} is not that")
        if "@" in rest or "?" in rest or any(char.isspace() for char in text):
            raise BadSetting("it takes s3://BUCKET/PREFIX, and keys come from AWS_* variables or --bytes-credentials")
        return text.rstrip("/")

    def write(self, value: str) -> str:
        return value


class Listen(Struct, frozen=True):
    """Where the server listens; port 0 takes a free one."""

    host: str
    port: int


class Address(Struct, frozen=True):
    """HOST:PORT."""

    metavar: str = "HOST:PORT"

    def read(self, given: Any) -> Listen:
        host, _, port = _read_text(given).rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        is_port = port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535
        if not is_port or any(char in "/[]@," or char.isspace() for char in host):
            raise BadSetting(f"it takes HOST:PORT, for example 127.0.0.1:8000; {given!r} is not that")
        return Listen(host or "127.0.0.1", int(port))

    def write(self, value: Listen | None) -> str:
        if value is None:
            return ""
        return f"[{value.host}]:{value.port}" if ":" in value.host else f"{value.host}:{value.port}"


class Many(Struct, frozen=True):
    """Any number of values of one kind: an option given several times, a list in TOML, commas in the environment."""

    of: Kind

    @property
    def metavar(self) -> str:
        return self.of.metavar

    def read(self, given: Any) -> tuple[Any, ...]:
        if isinstance(given, str):
            given = [piece.strip() for piece in given.split(",")]
        if not isinstance(given, Sequence):
            raise BadSetting(f"{given!r} is not a list")
        return tuple(self.of.read(item) for item in given)

    def write(self, value: tuple[Any, ...]) -> str:
        return ",".join(self.of.write(item) for item in value)


def _read_text(given: Any) -> str:
    """What can only be a text. Raises: BadSetting."""
    if not isinstance(given, str) or "\0" in given:
        raise BadSetting(f"{given!r} is not a text")
    return given


def _read_path(given: Any) -> Path:
    """Of whatever there may be; "~" is the home directory. Raises: BadSetting."""
    if isinstance(given, Path):
        return given
    text = _read_text(given)
    if not text:
        raise BadSetting("it takes a name, and there is none")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise BadSetting(f"{given!r} names the home directory of nobody here") from None

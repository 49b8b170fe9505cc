"""What several verbs read from their arguments: durations, oss:// addresses, header pairs, where the server is."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import click
from click.shell_completion import CompletionItem
from msgspec import Struct

from coatcheck.client.matching import has_wildcards
from coatcheck.client.profile import Options, Profile, data_of, read_profile, read_running
from coatcheck.clock import wall_date
from coatcheck.core.names import is_bucket_name

from .alias import apply_alias, read_alias
from .completing import offer_addresses

_F = TypeVar("_F", bound=Callable[..., Any])

_UNIT_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION: Final = re.compile(r"(?:\d+(?:\.\d+)?[smhdw])+", re.ASCII)
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)([smhdw])", re.ASCII)
_ISO_DURATION: Final = re.compile(
    r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.ASCII | re.IGNORECASE
)


def read_expiry(text: str) -> timedelta | datetime:
    """ "1h", "30m", "7d", "90s", "1h30m", "3600" (seconds), "PT1H", or a moment as "2026-03-05T07:08:09Z".

    A moment without an offset is local time.

    Raises: ValueError, with words for a person.
    """
    lower = text.strip().lower()
    if lower.isascii() and lower.isdigit():
        return timedelta(seconds=int(lower))
    if _DURATION.fullmatch(lower):
        return timedelta(seconds=sum(float(number) * _UNIT_S[unit] for number, unit in _PART.findall(lower)))
    iso = _ISO_DURATION.fullmatch(lower)
    if iso and any(iso.groups()):
        weeks, days, hours, minutes, seconds = (int(group or 0) for group in iso.groups())
        return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    try:
        return datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is neither a duration (90s, 30m, 1h, 7d, PT1H) nor a time (2026-03-05T07:08:09Z)"
        ) from None


class _Expiry(click.ParamType[timedelta | datetime]):
    name = "duration|time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta | datetime:
        if isinstance(value, timedelta | datetime):
            return value
        try:
            return read_expiry(value)
        except (ValueError, OverflowError) as error:
            self.fail(str(error), param, ctx)


class OssAddress(Struct, frozen=True):
    """oss://bucket/key as given; `key` is "" for the bucket itself. Keys are literal: "%20" is three characters."""

    bucket: str
    key: str = ""

    def __str__(self) -> str:
        return f"oss://{self.bucket}/{self.key}"


def read_address(text: str) -> OssAddress:
    """ "oss://bucket/some/key" -> OssAddress. Raises: ValueError, with words for a person."""
    bucket, _, key = text.removeprefix("oss://").partition("/")
    if not text.startswith("oss://") or not bucket:
        raise ValueError(f"{text!r} is not an address like oss://bucket/key")
    if not is_bucket_name(bucket):
        raise ValueError(
            f"{bucket!r} is not a bucket name: 3 to 63 of a-z, 0-9 and '-', starting and ending with a letter or digit"
        )
    return OssAddress(bucket, key)


class _Address(click.ParamType[OssAddress]):
    name = "oss://bucket/key"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> OssAddress:
        if isinstance(value, OssAddress):
            return value
        try:
            return read_address(read_alias(value, ctx, may_be_file=False))
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        return offer_addresses(ctx, param, incomplete)


class _Place(click.ParamType[str]):
    """A file, a link or oss://BUCKET/KEY, as text; an alias has become oss://."""

    name = "place"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return read_alias(value, ctx, may_be_file=True)


_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", re.ASCII | re.IGNORECASE)
_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


class _Size(click.ParamType[int]):
    """ "100M", "1.5 GiB", "4096": units are powers of 1024."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = _SIZE.fullmatch(value.strip())
        if found is None:
            self.fail(f"{value!r} is no size, such as 4096, 100M or 1.5G", param, ctx)
        return int(float(found[1]) * 1024 ** _POWERS[found[2].lower()])


class _Header(click.ParamType[tuple[str, str]]):
    name = "name: value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        name, colon, text = value.partition(":")
        if not colon or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name.strip()):
            self.fail(f"{value!r} is not a header like 'Content-Type: text/plain'", param, ctx)
        return name.strip(), text.strip()


class _Parameter(click.ParamType[tuple[str, str]]):
    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        name, _, text = value.partition("=")
        if not name:
            self.fail(f"{value!r} is not a parameter like name=value", param, ctx)
        return name, text


EXPIRY: Final = _Expiry()
ADDRESS: Final = _Address()
PLACE: Final = _Place()
HEADER: Final = _Header()
PARAMETER: Final = _Parameter()
SIZE: Final = _Size()


def refuse_wildcards(address: OssAddress, instead: str) -> None:
    """Where a key is one key. Raises: UsageError."""
    if has_wildcards(address.key):
        raise click.UsageError(f"{address}: wildcards mean nothing here; {instead}.")


def find_moment(given: timedelta | datetime | None) -> datetime | None:
    """A moment that was given, or the one that far ahead."""
    return wall_date() + given if isinstance(given, timedelta) else given


def ask_password(given: str | None) -> str | None:
    """The password of a link; asked for, where "-" was given."""
    if given != "-":
        return given
    asked: str = click.prompt("Password of the link", hide_input=True, confirmation_prompt=True, err=True)
    return asked


def json_option(function: _F) -> _F:
    """--json: one JSON object a line on stdout, errors as JSON on stderr."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line; errors too.")(function)


def profile_options(function: _F) -> _F:
    """Where the server is and whose keys to use, as one argument, `where`.

    Secrets come from environment and files, never from a command line, which every user of a machine can read.
    """

    @wraps(function)
    def with_options(
        *args: Any,
        endpoint: str | None,
        region: str | None,
        profile: str | None,
        data: Path | None,
        path_style: bool | None,
        **rest: Any,
    ) -> Any:
        where = apply_alias(Options(endpoint, region, profile, data, path_style))
        return function(*args, where=where, **rest)

    decorated: Any = with_options
    for option in reversed(
        (
            click.option("--endpoint", metavar="URL", help="Server, e.g. http://127.0.0.1:8000."),
            click.option("--region", metavar="ID", help="Region id, e.g. cn-hangzhou."),
            click.option("--profile", metavar="NAME", help="Profile of ~/.config/coatcheck/config.toml."),
            click.option(
                "--data",
                type=click.Path(path_type=Path),
                metavar="DIR",
                help="Data directory of a server on this machine, for its root key; else ./coatcheck-data.",
            ),
            click.option(
                "--path-style",
                is_flag=True,
                default=None,
                help="Bucket in the path, not in the host name; always so for IP addresses and localhost.",
            ),
        )
    ):
        decorated = option(decorated)
    return cast(_F, decorated)


def find_ca(url: str, where: Options) -> Path | None:
    """The authority of a server on this machine, where the URL leads to that."""
    running = read_running(data_of(where, os.environ))
    return running.ca if running is not None and url.startswith(f"{running.endpoint}/") else None


def find_profile(where: Options) -> Profile:
    """The settings for this run. Raises: NotConfigured."""
    return read_profile(where, os.environ, Path.home())

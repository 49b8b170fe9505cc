from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from coatcheck.cli.options import OssAddress, read_address, read_expiry
from coatcheck.cli.terminal import printable, write_duration, write_size


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("1h", timedelta(hours=1)),
        ("7d", timedelta(days=7)),
        ("1w", timedelta(days=7)),
        ("1h30m", timedelta(minutes=90)),
        ("1.5h", timedelta(minutes=90)),
        ("3600", timedelta(hours=1)),
        ("PT1H", timedelta(hours=1)),
        ("P1DT12H", timedelta(hours=36)),
        (" 1H ", timedelta(hours=1)),
    ],
)
def test_duration(text: str, duration: timedelta) -> None:
    assert read_expiry(text) == duration


def test_moment() -> None:
    assert read_expiry("2026-03-05T07:08:09Z") == datetime(2026, 3, 5, 7, 8, 9, tzinfo=UTC)
    assert read_expiry("2026-03-05T07:08:09+08:00") == datetime(2026, 3, 4, 23, 8, 9, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "1y", "h", "-1h", "1 hour", "P", "PT", "tomorrow", "１h", "2026-13-01"])
def test_what_is_neither(text: str) -> None:
    with pytest.raises(ValueError, match="neither a duration"):
        read_expiry(text)


def test_address_keeps_the_key_as_it_is() -> None:
    assert read_address("oss://bbb/dir//a%20b/") == OssAddress("bbb", "dir//a%20b/")
    assert read_address("oss://bbb") == OssAddress("bbb", "")


@pytest.mark.parametrize("text", ["b/k", "oss://", "oss:///k", "s3://b/k", ""])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        read_address(text)


@pytest.mark.parametrize("text", ["oss://b/k", "oss://My_Photos", "oss://-photos/k", "oss://photos.2026/k"])
def test_what_is_no_bucket(text: str) -> None:
    with pytest.raises(ValueError, match="is not a bucket name: 3 to 63 of a-z"):
        read_address(text)


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1024**2 - 1, "1.0 MiB"), (5 * 1024**3, "5.0 GiB")],
)
def test_size(size_bytes: int, text: str) -> None:
    assert write_size(size_bytes) == text


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(0), "0 seconds"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(minutes=90), "1 hour 30 minutes"),
        (timedelta(days=7), "7 days"),
        (timedelta(days=1, seconds=1), "1 day 1 second"),
    ],
)
def test_written_duration(duration: timedelta, text: str) -> None:
    assert write_duration(duration) == text


def test_control_characters_cannot_drive_the_terminal() -> None:
    assert printable("a\x1b[31m\n文\u202e") == "a\\x1b[31m\\n文\\u202e"

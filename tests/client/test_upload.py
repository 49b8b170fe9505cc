from __future__ import annotations

import fcntl
import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from coatcheck import Credentials
from coatcheck.client.connection import Connection
from coatcheck.client.errors import ClientError, Damaged
from coatcheck.client.journal import remove_old
from coatcheck.client.media_types import guess_type
from coatcheck.client.profile import Profile
from coatcheck.client.transfer import Unwatched
from coatcheck.client.upload import put_file, put_stream

from .fake import Fake

WATCH = Unwatched()


@pytest.fixture
def connection(fake: Fake) -> Iterator[Connection]:
    profile = Profile(fake.endpoint, "cn-hangzhou", Credentials("id", "secret"), path_style=True)
    fake.buckets["box"] = {}
    with Connection(profile, clock=lambda: 1772694489) as connection:
        yield connection


def test_file_arrives_with_length_type_and_checksum(fake: Fake, connection: Connection, tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(b"123456789")
    done = put_file(connection, file, "box", "k", progress=WATCH)
    assert fake.buckets["box"]["k"] == b"123456789"
    assert (done.size_bytes, done.content_type, done.crc64) == (9, "image/png", 0x995DC9BBDF1939FA)
    sent = fake.sent_headers[0]
    assert (sent["content-length"], sent["content-type"]) == ("9", "image/png")
    assert "transfer-encoding" not in sent


def test_request_is_signed_in_its_header(fake: Fake, connection: Connection, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"")
    put_file(connection, tmp_path / "f", "box", "k", progress=WATCH)
    sent = fake.sent_headers[0]
    credential = "OSS4-HMAC-SHA256 Credential=id/20260305/cn-hangzhou/oss/aliyun_v4_request,Signature="
    assert sent["authorization"].startswith(credential)
    assert sent["x-oss-date"] == "20260305T070809Z"


def test_stream_of_unknown_length_is_stored_whole(fake: Fake, connection: Connection) -> None:
    body = b"x" * 3_000_000
    done = put_stream(connection, io.BytesIO(body), "box", "k.txt", progress=WATCH)
    assert fake.buckets["box"]["k.txt"] == body
    assert (done.size_bytes, done.content_type) == (3_000_000, "text/plain; charset=utf-8")


def test_damage_on_the_way_is_found(fake: Fake, connection: Connection, tmp_path: Path) -> None:
    fake.headers = {"x-oss-hash-crc64ecma": "1"}
    (tmp_path / "f").write_bytes(b"hello")
    with pytest.raises(Damaged, match="ChecksumMismatch"):
        put_file(connection, tmp_path / "f", "box", "k", progress=WATCH)


def test_directory_or_device_is_no_file(connection: Connection) -> None:
    with pytest.raises(ClientError, match="NotAFile"):
        put_file(connection, Path("/dev/null"), "box", "k", progress=WATCH)


def test_file_beyond_five_gib_is_refused_before_it_is_sent(fake: Fake, connection: Connection, tmp_path: Path) -> None:
    with (tmp_path / "f").open("wb") as file:
        file.truncate(5 * 1024**3 + 1)
    with pytest.raises(ClientError, match="EntityTooLarge"):
        put_file(connection, tmp_path / "f", "box", "k", progress=WATCH)
    assert fake.seen == []


def test_metadata_of_any_script_is_sent_as_utf8(fake: Fake, connection: Connection, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"")
    put_file(connection, tmp_path / "f", "box", "k", progress=WATCH, headers={"x-oss-meta-author": "王"})
    assert fake.sent_headers[0]["x-oss-meta-author"].encode("latin-1").decode() == "王"


def test_key_goes_out_encoded_once_and_unresolved(fake: Fake, connection: Connection, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"")
    put_file(connection, tmp_path / "f", "box", "a/../b c+%20#?/文", progress=WATCH)
    assert fake.seen[0][0] == "PUT /box/a/../b%20c%2B%2520%23%3F/%E6%96%87"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.tar.gz", "application/gzip"),
        ("a.html", "text/html"),
        ("noext", "application/octet-stream"),
        ("server.log", "text/plain"),
        ("a.yaml", "text/plain"),
        ("pyproject.toml", "text/plain"),
        ("setup.INI", "text/plain"),
        (".env", "text/plain"),
        ("README.md", "text/markdown"),
    ],
)
def test_media_type_by_name(name: str, kind: str) -> None:
    assert guess_type(name) == kind


@pytest.mark.parametrize(
    ("name", "sample", "whole", "kind"),
    [
        ("a.txt", "grüezi".encode(), True, "text/plain; charset=utf-8"),
        ("a.txt", "grü".encode()[:3], False, "text/plain; charset=utf-8"),
        ("a.txt", "grü".encode()[:3], True, "text/plain"),
        ("a.txt", b"gr\xfcezi", True, "text/plain"),
        ("a.log", b"plain", True, "text/plain; charset=utf-8"),
        ("a.png", b"plain", True, "image/png"),
    ],
)
def test_texts_that_are_utf8_say_so(name: str, sample: bytes, whole: bool, kind: str) -> None:
    assert guess_type(name, sample, whole=whole) == kind


def test_journals_that_nobody_went_on_with_are_removed_after_30_days(tmp_path: Path) -> None:
    now_s = 1_800_000_000.0
    for name, age_days in (("old", 31), ("running", 31), ("young", 29)):
        (tmp_path / f"{name}.upload").write_text("{}")
        os.utime(tmp_path / f"{name}.upload", (now_s, now_s - age_days * 86_400))
    with (tmp_path / "running.upload").open() as running:
        fcntl.flock(running, fcntl.LOCK_EX)
        remove_old(tmp_path, now_s)
    assert sorted(file.stem for file in tmp_path.iterdir()) == ["running", "young"]

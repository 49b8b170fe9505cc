"""A server whose catalog is a database: an official SDK, commands beside it, a kill, and no database for a while."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import oss2
import pytest

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET, a_presigner
from ..patience import wait_until
from ..postgres_server import PostgresServer, postgres_server
from ..server_process import ServerProcess, clean_environment
from .raw import send


@pytest.fixture(scope="module")
def database() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


def bucket_of(server: ServerProcess, key_id: str = ACCESS_KEY_ID, secret: str = ACCESS_KEY_SECRET) -> oss2.Bucket:
    return oss2.Bucket(oss2.Auth(key_id, secret), server.endpoint, "photos")


def test_objects_and_keys_live_in_the_database(database: PostgresServer, tmp_path: Path) -> None:
    with database.database() as name:
        url = database.url(name)
        server = ServerProcess(tmp_path / "data", "--store", url)
        try:
            bucket = bucket_of(server)
            bucket.create_bucket()
            bucket.put_object("small", b"1" * 1000)
            bucket.put_object("large", b"2" * 3_000_000)
            upload_id = bucket.init_multipart_upload("parts").upload_id
            parts = [
                oss2.models.PartInfo(number, bucket.upload_part("parts", upload_id, number, b"3" * 200_000).etag)
                for number in (1, 2)
            ]
            bucket.complete_multipart_upload("parts", upload_id, parts)
            for key in ("dir/a", "dir/b"):
                bucket.put_object(key, b"")
            command = [sys.executable, "-m", "coatcheck", "key", "create", "--data", str(server.data), "--json"]
            made = subprocess.run(
                command, env=clean_environment(COATCHECK_STORE=url), capture_output=True, text=True, check=True
            )
            assert '"access_key_id"' in made.stdout
            server.kill()
            server = ServerProcess(tmp_path / "data", "--store", url)
            bucket = bucket_of(server)
            assert bucket.get_object("small").read() == b"1" * 1000
            assert bucket.get_object("large", byte_range=(10, 19)).read() == b"2" * 10
            assert bucket.get_object("parts").read() == b"3" * 400_000
            page = bucket.list_objects_v2(delimiter="/")
            assert [item.key for item in page.object_list] == ["large", "parts", "small"]
            assert page.prefix_list == ["dir/"]
            bucket.delete_object("small")
            with pytest.raises(oss2.exceptions.NoSuchKey):
                bucket.get_object("small")
        finally:
            server.stop()


def test_links_are_served_again_when_the_database_is_back(database: PostgresServer, tmp_path: Path) -> None:
    with database.database() as name:
        server = ServerProcess(tmp_path / "data", "--store", database.url(name))
        try:
            bucket = bucket_of(server)
            bucket.create_bucket()
            bucket.put_object("a", b"hello")
            link = a_presigner(server.endpoint).presign("GET", "photos", "a").url
            assert send(link, "GET").body == b"hello"
            database.kill()
            away = send(link, "GET")
            assert (away.status, away.headers.get("retry-after")) == (503, "1")
            database.start()
            wait_until(lambda: send(link, "GET").body == b"hello", "the link stayed dead")
        finally:
            server.stop()

from __future__ import annotations

from collections.abc import Iterator

import pytest

from coatcheck import Credentials
from coatcheck.client.connection import Connection
from coatcheck.client.errors import ClientError, Unreachable
from coatcheck.client.listing import Folder, Object, delete_objects, list_below, list_buckets, list_objects
from coatcheck.client.profile import Profile

from .fake import Fake

KEYS = ("a.txt", "dir/1", "dir/2/x", "dir-other", "ü + %.txt")


@pytest.fixture
def connection(fake: Fake) -> Iterator[Connection]:
    for key in KEYS:
        fake.store("box", key, b"12")
    fake.page_keys = 2
    with Connection(Profile(fake.endpoint, "cn-hangzhou", Credentials("id", "secret"), path_style=True)) as connection:
        yield connection


def test_all_pages_are_read(connection: Connection) -> None:
    keys = [entry.key for entry in list_objects(connection, "box") if isinstance(entry, Object)]
    assert keys == ["a.txt", "dir-other", "dir/1", "dir/2/x", "ü + %.txt"]


def test_folders_stand_for_what_is_below_a_slash(connection: Connection) -> None:
    entries = list(list_objects(connection, "box", recursive=False))
    assert [entry for entry in entries if isinstance(entry, Folder)] == [Folder("dir/")]
    assert len(entries) == 4


def test_buckets(fake: Fake, connection: Connection) -> None:
    assert [bucket.name for bucket in list_buckets(connection)] == ["box"]


def test_below_a_key_is_what_a_directory_would_hold(fake: Fake, connection: Connection) -> None:
    fake.store("box", "dir", b"")
    assert [entry.key for entry in list_below(connection, "box", "dir")] == ["dir", "dir/1", "dir/2/x"]


def test_many_are_deleted_at_once_and_unwritable_keys_alone(fake: Fake, connection: Connection) -> None:
    fake.store("box", "bell\x07", b"")
    gone = list(delete_objects(connection, "box", ["a.txt", "bell\x07", "ü + %.txt"]))
    assert sorted(gone) == ["a.txt", "bell\x07", "ü + %.txt"]
    assert sorted(fake.buckets["box"]) == ["dir-other", "dir/1", "dir/2/x"]
    assert [line.split()[0] for line, _ in fake.seen] == ["DELETE", "POST"]


def test_nobody_at_the_local_server_says_how_to_start_one() -> None:
    profile = Profile("http://127.0.0.1:9", "cn-hangzhou", Credentials("id", "secret"), path_style=True, local=True)
    with Connection(profile) as connection, pytest.raises(Unreachable) as caught:
        list(list_buckets(connection))
    assert "coatcheck serve" in caught.value.hint


def test_strange_document_is_a_client_error(fake: Fake, connection: Connection) -> None:
    fake.redirects = {"/": "/elsewhere"}
    with pytest.raises(ClientError):
        list(list_buckets(connection))

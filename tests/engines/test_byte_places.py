"""Where blobs are is noted once, and held to; what works on files refuses a directory whose blobs are elsewhere."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from coatcheck.engines.directory_faults import BadDirectory
from coatcheck.engines.local import open_local, prepare_local
from coatcheck.engines.object_store.place import BadPlace, BytePlace, make_client
from coatcheck.engines.rotation import rotate
from coatcheck.engines.upkeep.backup import back_up
from coatcheck.engines.upkeep.check import check
from coatcheck.engines.upkeep.directory_place import DirectoryPlace
from coatcheck.ports.byte_store import BlobStore
from coatcheck.ports.object import Segment
from coatcheck.settings.kinds import BadSetting, BytesUrl

from ..ports.byte_store_contract import a_blob, content_of
from ..ports.catalog_contract import a_bucket, a_large_object


@pytest.fixture
def place(tmp_path: Path) -> BytePlace:
    return BytePlace(f"file://{tmp_path}/bytes")


async def test_a_directory_remembers_where_its_blobs_are_and_a_store_whose_it_is(
    tmp_path: Path, place: BytePlace
) -> None:
    prepare_local(tmp_path / "data", place=place).close()
    with open_local(tmp_path / "data", place=place) as engines:
        blob = await a_blob(engines.byte_store, b"hello")
    prepare_local(tmp_path / "data").close()
    with open_local(tmp_path / "data") as engines:
        assert await content_of(engines.byte_store, Segment(blob, 0, 5)) == b"hello"
    with pytest.raises(BadPlace, match="has the bytes of another catalog"):
        prepare_local(tmp_path / "other", place=place)
    with pytest.raises(BadPlace, match="has none of this catalog's bytes"):
        prepare_local(tmp_path / "data", place=BytePlace(f"file://{tmp_path}/empty"))


async def test_a_store_may_move_with_its_bytes(tmp_path: Path, place: BytePlace) -> None:
    prepare_local(tmp_path / "data", place=place).close()
    with open_local(tmp_path / "data") as engines:
        blob = await a_blob(engines.byte_store, b"hello")
    shutil.move(tmp_path / "bytes", tmp_path / "moved")
    prepare_local(tmp_path / "data", place=BytePlace(f"file://{tmp_path}/moved")).close()
    with open_local(tmp_path / "data") as engines:
        assert await content_of(engines.byte_store, Segment(blob, 0, 5)) == b"hello"


async def test_a_directory_whose_blobs_are_files_takes_no_store(tmp_path: Path, place: BytePlace) -> None:
    prepare_local(tmp_path / "data").close()
    with open_local(tmp_path / "data") as engines:
        store: BlobStore = engines.byte_store
        bucket = await engines.catalog.create_bucket(a_bucket(), most=1)
        await engines.catalog.put_object(bucket.bucket_id, a_large_object("key", await a_blob(store, bytes(100_000))))
    with pytest.raises(BadDirectory, match="keeps objects as files"):
        prepare_local(tmp_path / "data", place=place)


WORKS: dict[str, Callable[[Path], object]] = {
    "backup": lambda data: back_up(data, DirectoryPlace(data.with_name("backup")), note=lambda *_: None, now=0),
    "check": lambda data: list(check(data)),
    "rotate": rotate,
}


@pytest.mark.parametrize("work", WORKS)
def test_what_works_on_files_refuses_blobs_that_are_elsewhere(tmp_path: Path, place: BytePlace, work: str) -> None:
    prepare_local(tmp_path / "data", place=place).close()
    with pytest.raises(BadDirectory, match="Objects are kept in file:"):
        WORKS[work](tmp_path / "data")


def test_credentials_come_from_a_file_of_the_usual_form(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id = one\naws_secret_access_key = two%\n")
    config = make_client(BytePlace("s3://bucket/prefix", file)).config  # type: ignore[union-attr]
    assert (config["access_key_id"], config["secret_access_key"]) == ("one", "two%")  # type: ignore[typeddict-item]
    file.write_text("[default]\naws_access_key_id = one\n")
    with pytest.raises(BadPlace, match="needs aws_access_key_id and aws_secret_access_key"):
        make_client(BytePlace("s3://bucket/prefix", file))


@pytest.mark.parametrize(
    "url", ["s3://", "http://bucket", "s3:bucket", "memory://x", "s3://key:secret@bucket", "s3://b?x=y"]
)
def test_a_url_of_bytes_names_a_bucket_and_no_key(url: str) -> None:
    with pytest.raises(BadSetting, match="it takes s3://BUCKET/PREFIX"):
        BytesUrl().read(url)

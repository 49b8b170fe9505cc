from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coatcheck.core.customer_key import CustomerKey
from coatcheck.core.digests import update_crc64
from coatcheck.engines import rotation, secret_files
from coatcheck.engines.blob_paths import BlobPaths
from coatcheck.engines.directory_faults import InUse
from coatcheck.engines.encrypted import HEADER_BYTES, SLOTS
from coatcheck.engines.local import open_local, prepare_local
from coatcheck.engines.master_keys import WRAP_BYTES, WrongEncryptionKey, label_of, read_master_keys, wrap_size
from coatcheck.engines.rotation import Rotation, rotate
from coatcheck.engines.secret_files import FileSecrets
from coatcheck.ports.bucket import NewBucket
from coatcheck.ports.object import ObjectRecord, Segment

from ..audit import audit
from ..ports.byte_store_contract import content_of

KEY_VARIABLE = "COATCHECK_ENCRYPTION_KEY"
LARGE = bytes(range(256)) * 1000
BODIES = {f"body-{number}": b"small " * (number + 1) for number in range(5)}
BLOBS = ("blob-0", "blob-1", "blob-2")
CUSTOMER = CustomerKey(bytes(32))  # which isn't here while keys are replaced
THEIRS = CUSTOMER.new_label()
LABELS = {  # of others: AES256
    "plain": "",
    "blob-1": "KMS:SM4:k-1",
    "blob-2": THEIRS,
    "body-1": "SM4",
    "body-2": "KMS:AES256:k-1",
    "body-3": THEIRS,
}


@pytest.fixture(autouse=True)
def _no_key_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


def a_record(key: str, size: int, crc64: int = 0, **content: Any) -> ObjectRecord:
    facts = (key, "null", "Normal", size, "AA" * 16, crc64, 0, "default", "Standard", ())
    return ObjectRecord(*facts, encryption="AES256", **content)


async def fill(data: Path) -> dict[str, str]:
    """Objects of both kinds, one not encrypted; the blob ids of the large ones."""
    blob_ids = {}
    with open_local(data) as engines:
        store = engines.byte_store.with_keys([CUSTOMER])
        bucket = await engines.catalog.create_bucket(NewBucket("b", "1", "r", "private", "Standard", "LRS", 0), most=9)
        for key, body in BODIES.items():
            record = a_record(key, len(body), body=store.encrypt(body, LABELS.get(key, "AES256")))
            await engines.catalog.put_object(bucket.bucket_id, record)
        for key in (*BLOBS, "plain"):
            blob = await store.new_blob(encryption=LABELS.get(key, "AES256"))
            await blob.write(LARGE)
            await blob.finish()
            record = a_record(key, len(LARGE), update_crc64(LARGE), segments=(Segment(blob.blob_id, 0, len(LARGE)),))
            await engines.catalog.put_object(bucket.bucket_id, record)
            await blob.keep()
            blob_ids[key] = blob.blob_id
    return blob_ids


async def check(data: Path) -> None:
    """Everything can be read."""
    with open_local(data) as engines:
        store = engines.byte_store.with_keys([CUSTOMER])
        bucket = await engines.catalog.find_bucket("b")
        assert bucket is not None
        for key in (*BLOBS, "plain"):
            record = await engines.catalog.find_object(bucket.bucket_id, key)
            assert record is not None
            assert await content_of(store, *record.segments) == LARGE
        for key, body in BODIES.items():
            record = await engines.catalog.find_object(bucket.bucket_id, key)
            assert record is not None
            assert record.body is not None
            assert store.decrypt(record.body) == body
    assert audit(data).clean


def chunks_of(data: Path, blob_id: str) -> bytes:
    return Path(BlobPaths(data).blob(blob_id)).read_bytes()[HEADER_BYTES:]


async def test_every_data_key_is_wrapped_anew_and_no_content_changes(data: Path) -> None:
    blob_ids = await fill(data)
    before = read_master_keys(FileSecrets(data))
    contents = {key: chunks_of(data, blob_id) for key, blob_id in blob_ids.items()}
    assert rotate(data) == Rotation(3, 5)
    after = read_master_keys(FileSecrets(data))
    assert (len(after.keys), before.keys[0] in after.keys) == (1, False)
    assert {key: chunks_of(data, blob_id) for key, blob_id in blob_ids.items()} == contents
    await check(data)
    for key in BLOBS:
        written = LABELS.get(key, "")
        header = Path(BlobPaths(data).blob(blob_ids[key])).read_bytes()[:HEADER_BYTES]
        wraps = [header[at : at + WRAP_BYTES] for at in SLOTS if any(header[at : at + WRAP_BYTES])]
        assert [label_of(header[at:]) for at in SLOTS if any(header[at : at + WRAP_BYTES])] == [written]
        assert not any(header[wrap_size(header) : SLOTS[1]]) or not any(header[: SLOTS[1]])
        assert (len(wraps), after.opens(wraps[0]), before.opens(wraps[0])) == (1, True, False)
    assert rotate(data) == Rotation(3, 5)
    await check(data)


@pytest.mark.parametrize("stop_at", range(1, 8))
async def test_an_interrupted_rotation_loses_nothing_and_can_be_finished(data: Path, stop_at: int) -> None:
    await fill(data)

    class Interrupted(Exception):
        pass

    def interrupt(done: int) -> None:
        if done >= stop_at:
            raise Interrupted

    with pytest.raises(Interrupted):
        rotate(data, interrupt)
    await check(data)
    assert len(read_master_keys(FileSecrets(data)).keys) == 2
    done = rotate(data)
    assert done.blobs <= 3
    assert len(read_master_keys(FileSecrets(data)).keys) == 1
    await check(data)


async def test_a_blob_caught_between_its_two_writes_is_finished(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(data)
    writes = 0
    pwrite = os.pwrite

    def stop_after_one(fd: int, what: bytes, at: int) -> int:
        nonlocal writes
        writes += 1
        if writes > 1:
            raise KeyboardInterrupt
        return pwrite(fd, what, at)

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", stop_after_one)
        with pytest.raises(KeyboardInterrupt):
            rotate(data)
    await check(data)
    assert rotate(data) == Rotation(3, 5)
    await check(data)


async def test_a_key_from_the_environment_is_the_operators_to_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, old, new = tmp_path / "data", "A" * 43 + "=", "B" * 42 + "A="
    monkeypatch.setenv(KEY_VARIABLE, old)
    prepare_local(data).close()
    await fill(data)
    monkeypatch.setenv(KEY_VARIABLE, f"{new},{old}")
    await check(data)
    assert rotate(data) == Rotation(3, 5)
    monkeypatch.setenv(KEY_VARIABLE, new)
    await check(data)
    monkeypatch.setenv(KEY_VARIABLE, old)
    with pytest.raises(WrongEncryptionKey, match="COATCHECK_ENCRYPTION_KEY is not the key"):
        open_local(data)


async def test_a_new_key_of_the_environment_that_was_used_must_be_rotated_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written before still needs the old one, and what was written since the new one."""
    data, old, new = tmp_path / "data", "A" * 43 + "=", "B" * 42 + "A="
    monkeypatch.setenv(KEY_VARIABLE, old)
    prepare_local(data).close()
    await fill(data)
    monkeypatch.setenv(KEY_VARIABLE, f"{new},{old}")
    prepare_local(data).close()
    for alone in (new, old):
        monkeypatch.setenv(KEY_VARIABLE, alone)
        with pytest.raises(WrongEncryptionKey):
            prepare_local(data)
    monkeypatch.setenv(KEY_VARIABLE, f"{new},{old}")
    assert rotate(data) == Rotation(3, 5)
    monkeypatch.setenv(KEY_VARIABLE, new)
    prepare_local(data).close()
    await check(data)


@pytest.mark.parametrize("stop_at", range(1, 10))
async def test_a_rotation_that_dies_before_any_of_its_writes_fits_at_the_next_start(
    data: Path, stop_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every write of a key file, of a fingerprint, and the first of blobs and bodies, is the one that isn't reached."""
    await fill(data)

    class Died(BaseException):
        pass

    steps = 0

    def counted(step: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            nonlocal steps
            steps += 1
            if steps == stop_at:
                raise Died
            return step(*arguments, **options)

        return run

    names = ("note_keys", "write_master_keys", "_rotate_blobs", "_rotate_bodies", "set_fingerprints")
    places = [*((rotation, name) for name in names), (secret_files, "sync_directory")]
    with monkeypatch.context() as patched:
        for place, name in places:
            patched.setattr(place, name, counted(getattr(place, name)))
        with pytest.raises(Died):
            rotate(data)
    prepare_local(data).close()
    await check(data)
    rotate(data)
    prepare_local(data).close()
    await check(data)
    assert len(read_master_keys(FileSecrets(data)).keys) == 1


async def test_a_running_server_is_not_pulled_from_under(data: Path) -> None:
    server = prepare_local(data)
    try:
        with pytest.raises(InUse):
            await asyncio.to_thread(rotate, data)
    finally:
        server.close()

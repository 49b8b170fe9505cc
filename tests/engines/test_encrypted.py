from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.engines.encrypted import CHUNK_BYTES, HEADER_BYTES, EncryptingByteStore, content_size, stored_size
from coatcheck.engines.local import LocalEngines
from coatcheck.engines.master_keys import (
    WRAP_BYTES,
    MasterKeys,
    WrongEncryptionKey,
    fresh_keys,
    make_master_key,
    read_master_keys,
    write_master_keys,
)
from coatcheck.engines.memory_bytes import MemoryByteStore
from coatcheck.engines.secret_files import FileSecrets
from coatcheck.ports.byte_store import BlobReader, BlobStore, BlobWriter
from coatcheck.ports.damage import Damaged, Origin
from coatcheck.ports.object import Segment

from ..ports.byte_store_contract import ByteStoreContract, a_blob, content_of, slice_of

KEYS = MasterKeys((bytes(range(32)),))
CONTENT = os.urandom(3 * CHUNK_BYTES + 1000)


class EverythingEncrypted:
    """A store that encrypts what isn't asked to be, so that the contract is held with encrypted blobs."""

    def __init__(self, store: EncryptingByteStore) -> None:
        self._store = store
        self.removal_grace_s = store.removal_grace_s

    async def new_blob(self, *, encrypted: bool | None = None) -> BlobWriter:
        return await self._store.new_blob(encrypted=encrypted is not False)

    async def open(self, segments: Sequence[Segment], origin: Origin | None = None) -> BlobReader:
        return await self._store.open(segments, origin)

    async def remove(self, blob_ids: Sequence[str]) -> None:
        await self._store.remove(blob_ids)

    async def size(self, blob_id: str) -> int:
        return await self._store.size(blob_id)


class TestEncryptedInMemory(ByteStoreContract):
    @pytest.fixture
    def store(self) -> BlobStore:
        return EverythingEncrypted(EncryptingByteStore(MemoryByteStore(), KEYS))


class TestEncryptedOnDisk(ByteStoreContract):
    @pytest.fixture
    def store(self, engines: LocalEngines) -> BlobStore:
        return EverythingEncrypted(engines.byte_store)


class TestPlainThroughTheEncryptingStore(ByteStoreContract):
    @pytest.fixture
    def store(self) -> BlobStore:
        return EncryptingByteStore(MemoryByteStore(), KEYS)


def stores() -> tuple[MemoryByteStore, EncryptingByteStore]:
    memory = MemoryByteStore()
    return memory, EncryptingByteStore(memory, KEYS)


async def encrypted_blob(store: EncryptingByteStore, content: bytes, piece: int = 50_000) -> str:
    writer = await store.new_blob(encrypted=True)
    for at in range(0, len(content), piece):
        await writer.write(content[at : at + piece])
    await writer.finish()
    await writer.keep()
    return writer.blob_id


async def test_no_plain_text_is_stored_and_no_two_blobs_are_alike() -> None:
    memory, store = stores()
    content = b"a secret sentence. " * 10_000
    first, second = await encrypted_blob(store, content), await encrypted_blob(store, content)
    assert b"secret" not in memory.blobs[first]
    assert memory.blobs[first][HEADER_BYTES:] != memory.blobs[second][HEADER_BYTES:]
    assert len(memory.blobs[first]) == stored_size(len(content))
    assert content_size(len(memory.blobs[first])) == len(content)


@given(st.integers(0, 10**9))
def test_the_sizes_fit_each_other(size: int) -> None:
    assert content_size(stored_size(size)) == size


SEGMENTS = st.lists(
    st.tuples(st.booleans(), st.integers(0, len(CONTENT)), st.integers(0, len(CONTENT))), min_size=1, max_size=5
)


@given(SEGMENTS, st.integers(0, 2**32), st.integers(0, 2**32))
def test_any_range_of_any_segments_is_that_of_the_content(
    given_segments: list[tuple[bool, int, int]], begin: int, end: int
) -> None:
    async def check() -> None:
        _, store = stores()
        blobs = {True: await encrypted_blob(store, CONTENT), False: await a_blob(store, CONTENT)}
        segments = [Segment(blobs[sealed], min(a, b), max(a, b)) for sealed, a, b in given_segments]
        whole = b"".join(CONTENT[segment.start : segment.stop] for segment in segments)
        start, stop = sorted((begin % (len(whole) + 1), end % (len(whole) + 1)))
        assert await slice_of(store, start, stop, *segments) == whole[start:stop]

    asyncio.run(check())


async def test_however_it_was_written_it_is_read() -> None:
    _, store = stores()
    for piece in (1000, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 10**6):
        blob = await encrypted_blob(store, CONTENT, piece)
        assert await content_of(store, Segment(blob, 0, len(CONTENT))) == CONTENT


@pytest.mark.parametrize("at", [HEADER_BYTES, HEADER_BYTES + CHUNK_BYTES + 20, -1, 40])
async def test_a_changed_byte_is_noticed(at: int) -> None:
    memory, store = stores()
    blob = await encrypted_blob(store, CONTENT)
    damaged = bytearray(memory.blobs[blob])
    damaged[at] ^= 1
    memory.blobs[blob] = bytes(damaged)
    with pytest.raises(Damaged):
        await content_of(store, Segment(blob, 0, len(CONTENT)))


async def test_chunks_and_blobs_cannot_be_exchanged() -> None:
    memory, store = stores()
    blob, other = await encrypted_blob(store, CONTENT), await encrypted_blob(store, CONTENT)
    stored, size = memory.blobs[blob], CHUNK_BYTES + 16
    chunks = [stored[a:b] for a, b in pairwise([HEADER_BYTES, HEADER_BYTES + size, HEADER_BYTES + 2 * size])]
    memory.blobs[blob] = stored[:HEADER_BYTES] + chunks[1] + chunks[0] + stored[HEADER_BYTES + 2 * size :]
    with pytest.raises(Damaged, match="don't fit their tag"):
        await content_of(store, Segment(blob, 0, 10))
    memory.blobs[other] = stored
    with pytest.raises(Damaged, match="data key is damaged"):
        await content_of(store, Segment(other, 0, 10))


async def test_another_master_key_opens_nothing() -> None:
    memory, store = stores()
    blob = await encrypted_blob(store, CONTENT)
    stranger = EncryptingByteStore(memory, MasterKeys((bytes(32),)))
    with pytest.raises(Damaged, match="isn't here"):
        await content_of(stranger, Segment(blob, 0, 10))
    with pytest.raises(Damaged, match="isn't here"):
        stranger.decrypt(store.encrypt(b"hello"))


async def test_an_older_master_key_still_opens() -> None:
    memory, store = stores()
    blob, body = await encrypted_blob(store, CONTENT), store.encrypt(b"hello")
    later = EncryptingByteStore(memory, fresh_keys(KEYS))
    assert await content_of(later, Segment(blob, 0, 10)) == CONTENT[:10]
    assert later.decrypt(body) == b"hello"


@given(st.binary(max_size=1000))
def test_a_small_body_comes_back(body: bytes) -> None:
    _, store = stores()
    sealed = store.encrypt(body)
    assert store.decrypt(sealed) == body
    assert len(body) < 8 or body not in sealed[WRAP_BYTES:]
    damaged = bytearray(sealed)
    damaged[-1] ^= 1
    with pytest.raises(Damaged, match="don't fit their tag"):
        store.decrypt(bytes(damaged))


def test_keys_are_made_once_kept_private_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COATCHECK_ENCRYPTION_KEY", raising=False)
    secrets = FileSecrets(tmp_path)
    make_master_key(secrets)
    keys = read_master_keys(secrets)
    make_master_key(secrets)
    assert read_master_keys(secrets) == keys
    assert (tmp_path / "encryption.key").stat().st_mode & 0o777 == 0o600
    assert "MasterKeys" in repr(keys)
    assert keys.keys[0].hex() not in repr(keys)
    both = fresh_keys(keys)
    write_master_keys(secrets, both)
    assert read_master_keys(secrets) == both
    monkeypatch.setenv("COATCHECK_ENCRYPTION_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
    assert read_master_keys(secrets) == KEYS


@pytest.mark.parametrize("text", ["", "short", "AAAA", "%" * 44])
def test_a_key_that_is_none_is_refused(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COATCHECK_ENCRYPTION_KEY", raising=False)
    (tmp_path / "encryption.key").write_text(text)
    with pytest.raises(WrongEncryptionKey):
        read_master_keys(FileSecrets(tmp_path))

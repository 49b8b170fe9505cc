from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.core.body import Stream
from coatcheck.core.byte_range import ByteRange
from coatcheck.core.customer_key import CustomerKey
from coatcheck.core.encryption_label import LABEL_MAX_CHARS, is_key_id, read_label, write_label
from coatcheck.core.errors import OssError
from coatcheck.engines.encrypted import (
    CHUNK_BYTES,
    HEADER_BYTES,
    EncryptingByteStore,
    content_size,
    open_body,
    stored_size,
)
from coatcheck.engines.local import LocalEngines
from coatcheck.engines.master_keys import (
    WRAP_BYTES,
    MasterKeys,
    WrongEncryptionKey,
    fresh_keys,
    label_of,
    make_master_key,
    read_master_keys,
    wrap_size,
    write_master_keys,
)
from coatcheck.engines.memory_bytes import MemoryByteStore
from coatcheck.engines.secret_files import FileSecrets
from coatcheck.engines.sm4 import Sm4Gcm
from coatcheck.ports.byte_store import BlobReader, BlobStore, BlobWriter
from coatcheck.ports.damage import Damaged, Origin
from coatcheck.ports.object import Segment

from ..ports.byte_store_contract import ByteStoreContract, a_blob, content_of, slice_of

KEYS = MasterKeys((bytes(range(32)),))
CONTENT = os.urandom(3 * CHUNK_BYTES + 1000)


class EverythingEncrypted:
    """A store that encrypts what isn't asked to be, so that the contract is held with encrypted blobs."""

    def __init__(self, store: EncryptingByteStore, label: str = "AES256") -> None:
        self._store = store
        self._label = label
        self.removal_grace_s = store.removal_grace_s

    async def new_blob(self, *, encryption: str | None = None) -> BlobWriter:
        return await self._store.new_blob(encryption=self._label if encryption is None else encryption)

    def at_hand(self, segments: Sequence[Segment], origin: Origin) -> Stream | None:
        return self._store.at_hand(segments, origin)

    async def open(
        self, segments: Sequence[Segment], origin: Origin | None = None, span: ByteRange | None = None
    ) -> BlobReader:
        return await self._store.open(segments, origin, span)

    async def remove(self, blob_ids: Sequence[str]) -> None:
        await self._store.remove(blob_ids)

    async def size(self, blob_id: str) -> int:
        return await self._store.size(blob_id)

    async def release_unnamed(self, now: float) -> int:
        return await self._store.release_unnamed(now)

    async def look(self) -> None:
        await self._store.look()


class TestEncryptedInMemory(ByteStoreContract):
    @pytest.fixture
    def store(self) -> BlobStore:
        return EverythingEncrypted(EncryptingByteStore(MemoryByteStore(), KEYS))


class TestEncryptedWithALocalKey(ByteStoreContract):
    @pytest.fixture
    def store(self) -> BlobStore:
        return EverythingEncrypted(EncryptingByteStore(MemoryByteStore(), KEYS), "KMS:SM4:team/k-1")


CUSTOMER = CustomerKey(bytes(range(32)))


class TestUnderAClientsKey(ByteStoreContract):
    @pytest.fixture
    def store(self) -> BlobStore:
        store = EncryptingByteStore(MemoryByteStore(), KEYS).with_keys([CustomerKey(bytes(32)), CUSTOMER])
        return EverythingEncrypted(store, CUSTOMER.new_label())


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


async def encrypted_blob(store: EncryptingByteStore, content: bytes, piece: int = 50_000, label: str = "AES256") -> str:
    writer = await store.new_blob(encryption=label)
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
        stranger.decrypt(store.encrypt(b"hello", "AES256"))


async def test_an_older_master_key_still_opens() -> None:
    memory, store = stores()
    blob, body = await encrypted_blob(store, CONTENT), store.encrypt(b"hello", "AES256")
    later = EncryptingByteStore(memory, fresh_keys(KEYS))
    assert await content_of(later, Segment(blob, 0, 10)) == CONTENT[:10]
    assert later.decrypt(body) == b"hello"


@given(st.binary(max_size=1000))
def test_a_small_body_comes_back(body: bytes) -> None:
    _, store = stores()
    sealed = store.encrypt(body, "AES256")
    assert store.decrypt(sealed) == body
    assert len(body) < 8 or body not in sealed[WRAP_BYTES:]
    damaged = bytearray(sealed)
    damaged[-1] ^= 1
    with pytest.raises(Damaged, match="don't fit their tag"):
        store.decrypt(bytes(damaged))


LABELS = ("SM4", "KMS:AES256:default", "KMS:SM4:default", "KMS:AES256:" + "k" * 64)


@pytest.mark.parametrize("label", LABELS)
@given(body=st.binary(max_size=200))
def test_a_small_body_comes_back_by_a_local_key(label: str, body: bytes) -> None:
    _, store = stores()
    sealed = store.encrypt(body, label)
    assert (label_of(sealed), store.decrypt(sealed)) == (label, body)
    assert EncryptingByteStore(MemoryByteStore(), fresh_keys(KEYS)).decrypt(sealed) == body
    for at in (0, 10, 20, 40, WRAP_BYTES, WRAP_BYTES + 1, wrap_size(sealed) - 1, -1):
        damaged = bytearray(sealed)
        damaged[at] ^= 1
        with pytest.raises(Damaged):
            store.decrypt(bytes(damaged))


@pytest.mark.parametrize("label", LABELS)
async def test_a_blob_says_how_it_is_kept_and_any_other_word_is_damage(label: str) -> None:
    memory, store = stores()
    blob = await encrypted_blob(store, CONTENT, label=label)
    assert label_of(memory.blobs[blob]) == label
    assert await content_of(store, Segment(blob, 0, len(CONTENT))) == CONTENT
    stored, (_, cipher, _) = memory.blobs[blob], read_label(label)
    others = ("SM4", "KMS:AES256:other", label.replace(cipher, "AES256" if cipher == "SM4" else "SM4"))
    for other in {*others} - {label}:
        text = bytes([len(other)]) + other.encode()
        header = (stored[:WRAP_BYTES] + text).ljust(HEADER_BYTES, b"\0")
        memory.blobs[blob] = header + stored[HEADER_BYTES:]
        with pytest.raises(Damaged, match="data key is damaged"):
            await content_of(store, Segment(blob, 0, 10))
    memory.blobs[blob] = b"CCWRAP1\n" + stored[8:]  # as if it had none
    with pytest.raises(Damaged, match="data key is damaged"):
        await content_of(store, Segment(blob, 0, 10))


async def test_what_is_kept_as_ever_has_the_form_it_always_had() -> None:
    memory, store = stores()
    header = memory.blobs[await encrypted_blob(store, CONTENT)][:HEADER_BYTES]
    assert (header[:8], any(header[WRAP_BYTES:])) == (b"CCWRAP1\n", False)
    assert store.encrypt(b"hello", "AES256").startswith(b"CCWRAP1\n")


def test_sm4_gcm_is_that_of_rfc_8998() -> None:
    """Its appendix A.1."""
    key, nonce = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"), bytes.fromhex("00001234567800000000ABCD")
    bound_to = bytes.fromhex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2")
    plain = b"".join(bytes([byte]) * 8 for byte in (0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF, 0xEE, 0xAA))
    sealed = bytes.fromhex(
        "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735"
        "D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D"
        "83DE3541E4C2B58177E065A9BF7B62EC"
    )
    assert Sm4Gcm(key).encrypt(nonce, plain, bound_to) == sealed
    assert Sm4Gcm(key + bytes(16)).decrypt(nonce, sealed, bound_to) == plain
    for wrong in (sealed[:-1] + b"x", sealed[:15], b""):
        with pytest.raises(InvalidTag):
            Sm4Gcm(key).decrypt(nonce, wrong, bound_to)


@given(st.text(max_size=80), st.text(max_size=80))
def test_a_key_id_is_told_from_anything_else(text: str, other: str) -> None:
    if is_key_id(text):
        for cipher in ("AES256", "SM4"):
            label = write_label("KMS", text, cipher)
            assert read_label(label) == ("KMS", cipher, text)
            assert len(label.encode()) <= LABEL_MAX_CHARS
            assert (write_label("KMS", other) == label) == (other == text and cipher == "AES256")
    assert not is_key_id(f"{text}:{other}")


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


async def test_what_a_client_keeps_the_key_of_is_refused_to_who_has_the_master_key_alone() -> None:
    memory = MemoryByteStore()
    plain = EncryptingByteStore(memory, KEYS)
    store, label = plain.with_keys([CUSTOMER]), CUSTOMER.new_label()
    blob_id = await encrypted_blob(store, CONTENT, label=label)
    body = store.encrypt(b"hello", label)
    segment = Segment(blob_id, 0, len(CONTENT))
    for other in (plain, plain.with_keys([CustomerKey(bytes(32))])):
        assert not other.supports(label)
        with pytest.raises(OssError, match="its client keeps its key"):
            await other.open([segment])
        with pytest.raises(OssError, match="its client keeps its key"):
            other.decrypt(body)
        with pytest.raises(OssError, match="its client keeps its key"):
            other.encrypt(b"hello", label)
        with pytest.raises(OssError, match="its client keeps its key"):
            await other.new_blob(encryption=label)
    assert len(memory.unkept) == 0
    assert (store.decrypt(body), await content_of(store, segment)) == (b"hello", CONTENT)
    # Who looks after the store sees that it is what was written, and not what it says.
    assert await content_of(EncryptingByteStore(memory, KEYS, None), segment) != CONTENT
    assert open_body(body, KEYS) != b"hello"


async def test_nothing_but_both_keys_opens_it() -> None:
    memory = MemoryByteStore()
    store, label = EncryptingByteStore(memory, KEYS).with_keys([CUSTOMER]), CUSTOMER.new_label()
    blob_id = await encrypted_blob(store, CONTENT, label=label)
    other = EncryptingByteStore(memory, MasterKeys((bytes(32),))).with_keys([CUSTOMER])
    with pytest.raises(Damaged):
        await other.open([Segment(blob_id, 0, len(CONTENT))])
    # Two blobs of one content under one key are not alike, nor does what lies in them begin as its content.
    again = await encrypted_blob(store, CONTENT, label=label)
    assert memory.blobs[blob_id][HEADER_BYTES:] != memory.blobs[again][HEADER_BYTES:]

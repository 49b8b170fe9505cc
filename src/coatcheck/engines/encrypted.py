"""A byte store that encrypts, around one that stores: AES-256-GCM or SM4-GCM in chunks, so that any range can be read
alone.

An encrypted blob has an id that says so (`ports.byte_store.is_encrypted`) and this form:

    0      a wrapped data key (`master_keys`), then zeros
    512    the place for another one, while a master key is replaced; else zeros
    1024   chunks: 64 KiB of content each (the last may be shorter) as ciphertext, and a tag of 16 bytes

Each blob has a data key of its own, so the number of a chunk is a nonce that is never used twice; the blob's id is
bound into every chunk and into the wrapped key, so that neither can be exchanged. A small body in the catalog has a
wrapped key and one chunk. What doesn't fit its tag is damaged, and so is what ends too early; no other check is
needed. Blobs that aren't encrypted pass through untouched, and cost one look at their id.

What a client keeps the key of (`core.customer_key`) has the same form, and holds what the client's key has made of the
content (`customer_cipher`). So it can be compared with its tags, and its data key wrapped anew, by who has the master
keys alone; the content is had only by who brings the other key too (`EncryptingByteStore.with_keys`).
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import BinaryIO, Final

from msgspec import Struct

from ..core.body import Stream
from ..core.byte_range import ByteRange
from ..core.customer_key import CustomerKey
from ..core.digests import EMPTY_CRC64, update_crc64
from ..core.encryption_label import AES256, SM4, is_customers, read_label
from ..core.s3_errors import S3_KEY_NEEDED
from ..ports.byte_store import BlobReader, BlobStore, BlobWriter, any_encrypted, is_encrypted
from ..ports.damage import Damaged, Origin
from ..ports.object import Segment
from .customer_cipher import UnderCustomerKey
from .master_keys import WRAP_MAX_BYTES, MasterKeys, WrongEncryptionKey, label_of, wrap_size
from .sm4 import Aead, Sm4Gcm, has_sm4

SLOTS: Final = (0, 512)  # where a wrapped key may be; in sectors of their own
HEADER_BYTES: Final = 1024
CHUNK_BYTES: Final = 64 * 1024
TAG_BYTES: Final = 16
_SEALED_CHUNK_BYTES: Final = CHUNK_BYTES + TAG_BYTES
_DATA_KEY_BYTES: Final = 32
BODY: Final = b"body"
_NOTHING_YET: Final = ByteRange(0, 0)  # where the encrypted blobs have been seen to be there by their sizes
Brought = tuple[CustomerKey, ...] | None  # by clients; None to leave what needs one as it lies under its data key
_KEYS_AT_ONCE: Final = 64  # as many blobs as a reader holds open; the keys of further ones are read when reached


class EncryptingByteStore:
    """See the module, and `ports.byte_store`."""

    def __init__(self, inner: BlobStore, keys: MasterKeys, brought: Brought = ()) -> None:
        self._inner = inner
        self._keys = keys
        self._brought = brought
        self.removal_grace_s = inner.removal_grace_s

    async def new_blob(self, *, encryption: str = "") -> BlobWriter:
        if not encryption:
            return await self._inner.new_blob()
        label, data_key = _kept_label(encryption), os.urandom(_DATA_KEY_BYTES)
        cipher = _cipher(data_key, label, self._brought)  # before there is a blob, since its key may not be here
        writer = await self._inner.new_blob(encryption=encryption)
        return _EncryptingWriter(writer, cipher, self._keys.wrap(data_key, bytes.fromhex(writer.blob_id), label))

    def at_hand(self, segments: Sequence[Segment], origin: Origin) -> Stream | None:
        return None if any_encrypted(segments) else self._inner.at_hand(segments, origin)

    async def open(
        self, segments: Sequence[Segment], origin: Origin | None = None, span: ByteRange | None = None
    ) -> BlobReader:
        if any_encrypted(segments):
            try:
                return await self._open_mixed(segments, origin)
            except Damaged as damage:
                raise damage.reported(origin) from None
        return await self._inner.open(segments, origin, span)

    async def remove(self, blob_ids: Sequence[str]) -> None:
        await self._inner.remove(blob_ids)

    async def size(self, blob_id: str) -> int:
        size = await self._inner.size(blob_id)
        return content_size(size) if is_encrypted(blob_id) else size

    async def release_unnamed(self, now: float) -> int:
        return await self._inner.release_unnamed(now)

    async def look(self) -> None:
        await self._inner.look()

    def supports(self, encryption: str) -> bool:
        if is_customers(encryption):
            return any(key.proves(encryption) for key in self._brought or ())
        return read_label(encryption).cipher == AES256 or has_sm4()

    def with_keys(self, keys: Sequence[CustomerKey]) -> EncryptingByteStore:
        return EncryptingByteStore(self._inner, self._keys, tuple(keys))

    def encrypt(self, body: bytes, encryption: str) -> bytes:
        data_key, label = os.urandom(_DATA_KEY_BYTES), _kept_label(encryption)
        cipher = _cipher(data_key, label, self._brought)
        return self._keys.wrap(data_key, BODY, label) + cipher.encrypt(_nonce(0), body, BODY)

    def decrypt(self, sealed: bytes) -> bytes:
        return open_body(sealed, self._keys, self._brought)

    async def _open_mixed(self, segments: Sequence[Segment], origin: Origin | None) -> _MixedReader:
        spans = [await self._span(segment) for segment in segments]
        content = await self._inner.open([span.stored for span in spans], origin, _NOTHING_YET)
        reader = _MixedReader(self._inner, _Opener(self._keys, self._brought), content, spans, origin)
        try:
            await reader.load_first_keys()
        except BaseException:
            await reader.close()
            raise
        return reader

    async def _span(self, segment: Segment) -> _Span:
        if not is_encrypted(segment.blob_id):
            return _Span(segment, segment, 0)
        stored_size = await self._inner.size(segment.blob_id)
        first = segment.start // CHUNK_BYTES
        last = -(-segment.stop // CHUNK_BYTES) if segment.stop > segment.start else first
        stop = min(HEADER_BYTES + last * _SEALED_CHUNK_BYTES, stored_size)
        start = min(HEADER_BYTES + first * _SEALED_CHUNK_BYTES, stop)
        return _Span(segment, Segment(segment.blob_id, start, stop), first)


def open_body(sealed: bytes, keys: MasterKeys, brought: Brought = None) -> bytes:
    """A small body, decrypted; without `brought`, one that needs a client's key is left as it lies under its data key.

    Raises: Damaged; OssError S3_KEY_NEEDED.
    """
    try:
        data_key = keys.unwrap(sealed[:WRAP_MAX_BYTES], BODY)
    except WrongEncryptionKey as error:
        raise Damaged(str(error)) from None
    return _decrypt(_cipher(data_key, label_of(sealed), brought), 0, sealed[wrap_size(sealed) :], BODY)


def open_chunks(file: BinaryIO, blob_id: str, keys: MasterKeys, first: int = 0) -> Iterator[bytes]:
    """The content of an encrypted blob's file, from a chunk on, a chunk at a time; of one that needs a client's key,
    what lies under its data key. Raises: Damaged."""
    cipher, bound_to = _Opener(keys, None).cipher(file.read(HEADER_BYTES), blob_id), bytes.fromhex(blob_id)
    file.seek(HEADER_BYTES + first * _SEALED_CHUNK_BYTES)
    number = first
    while sealed := file.read(_SEALED_CHUNK_BYTES):
        yield _decrypt(cipher, number, sealed, bound_to)
        number += 1


def content_size(stored_size: int) -> int:
    """How much content an encrypted blob of that size holds."""
    chunks = max(stored_size - HEADER_BYTES, 0)
    return chunks - -(-chunks // _SEALED_CHUNK_BYTES) * TAG_BYTES


def stored_size(content: int) -> int:
    """The size of an encrypted blob that holds that much content."""
    return HEADER_BYTES + content + -(-content // CHUNK_BYTES) * TAG_BYTES


def find_wrapped(header: bytes, keys: MasterKeys) -> bytes:
    """The wrapped key in a header that one of the master keys opens. Raises: WrongEncryptionKey."""
    for at in SLOTS:
        wrapped = header[at : at + WRAP_MAX_BYTES]
        if keys.opens(wrapped):
            return wrapped[: wrap_size(wrapped)]
    raise WrongEncryptionKey("This data was encrypted with a master key that isn't here.")


class _Span(Struct, frozen=True):
    """A segment, the stored bytes that hold it, and the number of their first chunk."""

    segment: Segment
    stored: Segment
    first: int

    @property
    def size(self) -> int:
        return self.segment.stop - self.segment.start


class _EncryptingWriter:
    """One encrypted blob in the making; holds less than a chunk."""

    def __init__(self, inner: BlobWriter, cipher: Aead, wrapped: bytes) -> None:
        self.blob_id = inner.blob_id
        self._inner = inner
        self._bound_to = bytes.fromhex(inner.blob_id)
        self._cipher = cipher
        self._waiting = bytearray()
        self._number = 0
        self._out = bytearray(wrapped.ljust(HEADER_BYTES, b"\0"))

    async def write(self, data: bytes | bytearray) -> None:
        self._waiting += data
        ready = len(self._waiting) // CHUNK_BYTES * CHUNK_BYTES
        with memoryview(self._waiting) as waiting:
            for at in range(0, ready, CHUNK_BYTES):
                self._seal(bytes(waiting[at : at + CHUNK_BYTES]))
        del self._waiting[:ready]
        await self._flush()

    async def finish(self) -> None:
        if self._waiting:
            self._seal(bytes(self._waiting))
            self._waiting.clear()
        await self._flush()
        await self._inner.finish()

    async def keep(self) -> None:
        await self._inner.keep()

    async def discard(self) -> None:
        await self._inner.discard()

    def _seal(self, chunk: bytes) -> None:
        self._out += self._cipher.encrypt(_nonce(self._number), chunk, self._bound_to)
        self._number += 1

    async def _flush(self) -> None:
        if self._out:
            out, self._out = self._out, bytearray()
            await self._inner.write(out)


class _Opener(Struct, frozen=True):
    """What data keys are unwrapped with, and the keys that clients brought along."""

    keys: MasterKeys
    brought: Brought

    def cipher(self, header: bytes, blob_id: str) -> Aead:
        """Raises: Damaged; OssError S3_KEY_NEEDED."""
        try:
            wrapped = find_wrapped(header, self.keys)
            data_key = self.keys.unwrap(wrapped, bytes.fromhex(blob_id))
        except WrongEncryptionKey as error:
            raise Damaged(str(error), blob_id) from None
        return _cipher(data_key, label_of(wrapped), self.brought)


class _MixedReader:
    """Segments of which some are encrypted. One pass over the stored bytes, however the segments follow each other."""

    def __init__(
        self,
        inner: BlobStore,
        opener: _Opener,
        content: BlobReader,
        spans: Sequence[_Span],
        origin: Origin | None,
    ) -> None:
        self._origin = origin
        self._inner = inner
        self._opener = opener
        self._content = content
        self._spans = spans
        self._ciphers: dict[str, Aead] = {}

    async def load_first_keys(self) -> None:
        """What is read now can be used even if the blobs are removed. Raises: BlobGone, Damaged."""
        for span in self._spans:
            if len(self._ciphers) == _KEYS_AT_ONCE:
                return
            if is_encrypted(span.segment.blob_id):
                await self._cipher_of(span.segment.blob_id)

    async def chunks(self, start: int, stop: int) -> AsyncIterator[bytes | bytearray]:
        """The last piece of a whole object waits for the blobs that aren't encrypted: for those that have sums, and,
        by the CRC of all, for those that haven't."""
        whole = start == 0 and stop >= self._size
        expected = self._expected_crc64 if whole else None
        left, crc64 = stop - start, EMPTY_CRC64
        try:
            async for piece in self._pieces(start, stop):
                left -= len(piece)
                if expected is not None:
                    crc64 = update_crc64(piece, crc64)
                if not left and whole:
                    await self._content.verify()
                    if expected is not None and crc64 != expected:
                        raise Damaged("the CRC-64 of all its blobs is another one")
                yield piece
        except Damaged as damage:
            raise damage.reported(self._origin) from None

    @property
    def _size(self) -> int:
        return sum(span.size for span in self._spans) if self._origin is None else self._origin.record.size

    @property
    def _expected_crc64(self) -> int | None:
        """None if it needn't be compared."""
        mixed = not all(is_encrypted(span.segment.blob_id) for span in self._spans)
        return self._origin.record.crc64 if mixed and self._origin is not None else None

    def slices(self, start: int, stop: int) -> None:
        """No file has the bytes as they are."""

    def at_hand(self, start: int, stop: int) -> None:
        """As `slices`."""

    async def verify(self) -> None:
        await self._content.verify()

    def as_file(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def _pieces(self, start: int, stop: int) -> AsyncIterator[bytes | bytearray]:
        wanted = list(_overlaps(self._spans, start, stop))
        if not wanted:
            return
        stored = _Stored(self._content.chunks(wanted[0].stored_start, wanted[-1].stored_stop))
        for part in wanted:
            blob_id = part.span.segment.blob_id
            if not is_encrypted(blob_id):
                async for piece in stored.pieces(part.stored_stop - part.stored_start):
                    yield piece
                continue
            cipher, bound_to = await self._cipher_of(blob_id), bytes.fromhex(blob_id)
            left, at = part.stored_stop - part.stored_start, part.number * CHUNK_BYTES
            if at + content_size(HEADER_BYTES + left) < part.stop:
                raise Damaged("its file is shorter than it should be", blob_id)
            number = part.number
            while left:
                size = min(left, _SEALED_CHUNK_BYTES)
                try:
                    chunk = _decrypt(cipher, number, await stored.take(size), bound_to)
                except Damaged as damage:
                    raise damage if damage.blob_id else Damaged(damage.reason, blob_id) from None
                yield chunk[max(part.start - at, 0) : part.stop - at]
                left -= size
                at += CHUNK_BYTES
                number += 1

    async def close(self) -> None:
        await self._content.close()

    async def _cipher_of(self, blob_id: str) -> Aead:
        cipher = self._ciphers.get(blob_id)
        if cipher is None:
            header_span = ByteRange(0, HEADER_BYTES)
            reader = await self._inner.open([Segment(blob_id, 0, HEADER_BYTES)], self._origin, header_span)
            try:
                header = b"".join([piece async for piece in reader.chunks(0, HEADER_BYTES)])
            finally:
                await reader.close()
            cipher = self._ciphers[blob_id] = self._opener.cipher(header, blob_id)
        return cipher


class _Part(Struct, frozen=True):
    """What is wanted of a span: content [start, stop) of its blob, and the stored bytes that hold it.

    The stored bytes are counted in the joint stored content of all spans; `number` is that of the first chunk.
    """

    span: _Span
    start: int
    stop: int
    stored_start: int
    stored_stop: int
    number: int


def _overlaps(spans: Sequence[_Span], start: int, stop: int) -> Iterator[_Part]:
    at = stored_at = 0  # where the span begins in the joint content, and in the joint stored content
    for span in spans:
        begin, end = max(start - at, 0), min(stop - at, span.size)
        if begin < end:
            first, last = span.segment.start + begin, span.segment.start + end
            yield _part(span, first, last, stored_at)
        at += span.size
        stored_at += span.stored.stop - span.stored.start
        if at >= stop:
            return


def _part(span: _Span, start: int, stop: int, stored_at: int) -> _Part:
    if not is_encrypted(span.segment.blob_id):
        begin = stored_at + start - span.segment.start
        return _Part(span, start, stop, begin, begin + stop - start, 0)
    number = start // CHUNK_BYTES
    begin = (number - span.first) * _SEALED_CHUNK_BYTES
    end = min((-(-stop // CHUNK_BYTES) - span.first) * _SEALED_CHUNK_BYTES, span.stored.stop - span.stored.start)
    return _Part(span, start, stop, stored_at + begin, stored_at + end, number)


class _Stored:
    """Stored bytes on their way in, taken in the sizes that are needed."""

    def __init__(self, chunks: AsyncIterator[bytes | bytearray]) -> None:
        self._chunks = chunks
        self._buffer = bytearray()

    async def take(self, size: int) -> bytes:
        """Raises: Damaged, if there are fewer."""
        while len(self._buffer) < size:
            self._buffer += await self._more()
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    async def _more(self) -> bytes | bytearray:
        try:
            return await anext(self._chunks)
        except StopAsyncIteration:
            raise Damaged("bytes are missing") from None

    async def pieces(self, size: int) -> AsyncIterator[bytes]:
        while size:
            if not self._buffer:
                self._buffer += await self._more()
            piece = await self.take(min(size, len(self._buffer)))
            size -= len(piece)
            yield piece


def _kept_label(encryption: str) -> str:
    """What stands with the data key; nothing for AES256, which needs no word."""
    return "" if encryption == AES256 else encryption


def _cipher(data_key: bytes, label: str, brought: Brought) -> Aead:
    """Raises: OssError S3_KEY_NEEDED, for what a client keeps the key of, and didn't bring."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # loads OpenSSL: not before it is needed

    if not label:
        return AESGCM(data_key)
    if is_customers(label) and brought is not None:
        for key in brought:
            if key.proves(label):
                return UnderCustomerKey(AESGCM(data_key), key.key_of_data(data_key))
        raise S3_KEY_NEEDED()
    return Sm4Gcm(data_key) if read_label(label).cipher == SM4 else AESGCM(data_key)


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _decrypt(cipher: Aead, number: int, sealed: bytes, bound_to: bytes) -> bytes:
    from cryptography.exceptions import InvalidTag

    try:
        return cipher.decrypt(_nonce(number), sealed, bound_to)
    except InvalidTag:
        raise Damaged("encrypted bytes don't fit their tag") from None

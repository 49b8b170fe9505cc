"""A body that came in the S3 dialect, as an operation takes it in: decoded, and compared with all that was said of it.

Source: S3 reference, sections 2.1, 4 and 5.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from msgspec.structs import replace

from coatcheck.core.checksums import ALGORITHMS, Checksum, write_sum
from coatcheck.core.digests import read_content_md5
from coatcheck.core.errors import INVALID_DIGEST, MISSING_CONTENT_LENGTH
from coatcheck.core.names import is_sha256
from coatcheck.core.s3_errors import S3_BAD_DIGEST, S3_SHA256_MISMATCH
from coatcheck.signing.s3_v4_scheme import STREAMING
from coatcheck.wire.aws_chunked import ChunkChecks, decoded_chunks, read_announced
from coatcheck.wire.request import Request

from .checksums import PREFIX, check_form, need_known, need_single, read_sent
from .documents import read_bytes


class S3Body:
    """What `Request.body` becomes.

    Attributes:
        algorithm: of the checksum that came with it, or is to come behind it; "" for none.
        checksum: what was sent and held; None until the body has ended.
    """

    def __init__(self, sent: Request, checks: ChunkChecks | None, payload: str, *, of_object: bool = False) -> None:
        """
        Args:
            checks: of the signatures of chunks; None where they aren't signed.
            payload: the last line of the canonical request.
            of_object: a checksum in the headers is that of an object, not of this body.
        Raises: OssError, for what is known without the bytes.
        """
        self.checksum: Checksum | None = None
        self._body = sent.body
        self._checks = checks
        self._payload = payload
        self._announced = read_announced(sent.headers)
        self._length = _read_decoded_length(sent.headers) if payload in STREAMING else None
        self._sent = {} if of_object else read_sent(sent.headers)
        trailing = [name[len(PREFIX) :] for name in self._announced if name.startswith(PREFIX)]
        need_single(len(self._sent) + len(trailing))
        for name, value in self._sent.items():
            check_form(name, value)
        for name in trailing:
            need_known(name)
        self.algorithm = next(iter((*self._sent, *trailing)), "")
        self._computed = ALGORITHMS[self.algorithm].new() if self.algorithm else None
        self._md5 = _read_md5(sent.headers.get("content-md5"))

    @property
    def has_digest(self) -> bool:
        """Whether anything says what the bytes are, beside the signature."""
        return self._md5 is not None or self._computed is not None

    @property
    def length(self) -> int | None:
        """Of the data, where the headers say that of chunks."""
        return self._length

    async def chunks(self) -> AsyncIterator[bytes]:
        """As `Body.chunks`. Raises: OssError, from the iterator: what differs, and in which way."""
        trailers: dict[str, str] = {}
        if self._length is None:
            arriving = self._body.chunks()
        else:
            arriving = decoded_chunks(self._body, self._checks, self._announced, self._length, trailers)
        sha256 = hashlib.sha256() if is_sha256(self._payload) else None
        md5 = None if self._md5 is None else hashlib.md5(usedforsecurity=False)
        taken: list[Any] = [each for each in (sha256, md5, self._computed) if each is not None]
        async for chunk in arriving:
            for each in taken:
                each.update(chunk)
            yield chunk
        if sha256 is not None and sha256.hexdigest() != self._payload:
            raise S3_SHA256_MISMATCH(
                ClientComputedContentSHA256=self._payload, S3ComputedContentSHA256=sha256.hexdigest()
            )
        if md5 is not None and md5.digest() != self._md5:
            raise S3_BAD_DIGEST("The Content-MD5 you specified did not match what we received.")
        self._compare({**self._sent, **read_sent(trailers)})

    def _compare(self, sent: Mapping[str, str]) -> None:
        if self._computed is None:
            return
        value = sent[self.algorithm]
        check_form(self.algorithm, value)
        ours = write_sum(self.algorithm, self._computed)
        if ours.value != value:
            raise S3_BAD_DIGEST(f"The {self.algorithm.upper()} you specified did not match the calculated checksum.")
        self.checksum = ours


def _read_md5(text: str | None) -> bytes | None:
    digest = None if text is None else read_content_md5(text)
    if text is not None and digest is None:
        raise INVALID_DIGEST("The Content-MD5 you specified was invalid.")
    return digest


def _read_decoded_length(headers: Mapping[str, str]) -> int:
    text = headers.get("x-amz-decoded-content-length")
    if text is None:
        raise MISSING_CONTENT_LENGTH()
    return read_bytes(text, "x-amz-decoded-content-length")


def with_s3_body(request: Request, checks: ChunkChecks | None, payload: str) -> Request:
    """The request with its body decoded, and with the headers of what is left to read. Raises: OssError."""
    completes = request.method == "POST" and "uploadId" in request.query.first
    body = S3Body(request, checks, payload, of_object=completes)
    headers = {name: value for name, value in request.headers.items() if name != "content-md5"}
    if body.length is not None:
        headers.pop("transfer-encoding", None)
        headers["content-length"] = str(body.length)
    return replace(request, headers=headers, body=body)

"""The signatures of the chunks of a body, each of which covers the one before it."""

from __future__ import annotations

from . import s3_v4
from .s3_v4 import ChunkSigner
from .s3_v4_scheme import S3V4Claim
from .verify import is_same


class SignedChunks:
    """What `wire/aws_chunked.py` asks of a body whose head has been verified."""

    def __init__(self, claim: S3V4Claim, secret: str) -> None:
        self._signer = ChunkSigner(secret, claim.scope, claim.timestamp, claim.signature)

    def is_chunk(self, digest: str, signature: str) -> bool:
        return is_same(self._signer.next_chunk(digest), signature)

    def is_trailer(self, text: str, signature: str) -> bool:
        return is_same(self._signer.trailer(text), signature)


def checks_of(claim: S3V4Claim, secret: str) -> SignedChunks | None:
    """None where chunks aren't signed."""
    signed = claim.payload_line.startswith(f"STREAMING-{s3_v4.ALGORITHM}")
    return SignedChunks(claim, secret) if signed else None

"""The claim of a request in whichever dialect it is signed, for who takes links of both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from coatcheck.wire.request import Request

from . import s3_schemes, schemes
from .claim import read_claim
from .s3_schemes import is_signed_as_s3, read_s3_claim
from .scheme import Claim, Scheme


def read_any_claim(request: Request) -> Claim | None:
    """Raises: OssError, as `read_claim` and `read_s3_claim`."""
    return read_s3_claim(request) if is_signed_as_s3(request) else read_claim(request)


def link_schemes() -> Iterator[Scheme[Any, Any]]:
    """Of both dialects; S3's first, since a link of its version 2 has two parameters of OSS's version 1."""
    yield from s3_schemes.TABLE.links
    yield from schemes.TABLE.links

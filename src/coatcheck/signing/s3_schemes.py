"""The signature schemes of the S3 dialect, a row each, and which of them a request is signed by."""

from __future__ import annotations

from typing import Final

from coatcheck.core.s3_errors import S3_HEADER_MALFORMED, S3_TWO_SIGNATURES
from coatcheck.wire.request import Request

from .s3_form_scheme import S3_FORM_V2, S3_FORM_V4
from .s3_v2_scheme import S3_V2_HEADER, S3_V2_LINK
from .s3_v4_scheme import S3_V4_HEADER, S3_V4_LINK
from .scheme import Claim
from .schemes import FOREIGN, Rows, make_table
from .schemes import TABLE as OSS_TABLE

ROWS: Final[Rows] = (S3_V4_LINK, S3_V2_LINK, S3_V4_HEADER, S3_V2_HEADER, S3_FORM_V4, S3_FORM_V2)
TABLE: Final = make_table(*ROWS)
OSS_MARKS: Final = OSS_TABLE.marks - FOREIGN - {"Signature", "Expires"}  # parameters of OSS's schemes alone
WORDS: Final = ("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", "AWS")  # of an Authorization header


def read_s3_claim(request: Request) -> Claim | None:
    """The claim of a request, or None if it makes none (anonymous).

    Raises: OssError: two signatures at once, or a claim that cannot be read.
    """
    first = request.query.first
    authorization = request.headers.get("authorization")
    if authorization is None:
        for read in TABLE.link_readers:
            claim = read(request)
            if claim is not None:
                return claim
        return None
    if not TABLE.marks.isdisjoint(first):
        raise S3_TWO_SIGNATURES()
    for read in TABLE.header_readers:
        claim = read(request)
        if claim is not None:
            return claim
    raise S3_HEADER_MALFORMED("The authorization mechanism you have provided is not supported.")


def is_signed_as_s3(request: Request) -> bool:
    """Whether a request shows a signature of S3, readable or not."""
    authorization = request.headers.get("authorization")
    if authorization is not None and authorization.partition(" ")[0] in WORDS:
        return True
    return not TABLE.marks.isdisjoint(request.query.first)

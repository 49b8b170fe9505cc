"""AWS's version 4 as STS reads it: of the service "sts", with the SHA-256 of the body for its last line.

Source: S3 reference, section 11.5; requests of botocore are in tests/signing/vectors/s3.json.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

from msgspec.structs import replace

from coatcheck.core.errors import SIGNATURE_DOES_NOT_MATCH, OssError
from coatcheck.core.s3_errors import S3_HEADER_MALFORMED
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target

from .s3_v4_scheme import S3_V4_HEADER, S3V4Claim, refuse_unsigned
from .scheme import Scheme

SERVICE: Final = "sts"


def read_aws_sts_claim(request: Request, body: bytes) -> S3V4Claim:
    """The claim of a request that is signed in its header. Raises: OssError."""
    claim = S3_V4_HEADER.read(request)
    if claim is None or claim.scope.product != SERVICE:
        raise S3_HEADER_MALFORMED("The service of the credential must be sts.")
    return claim._replace(scheme=AWS_STS, payload_line=sha256(body).hexdigest())


def _texts(claim: S3V4Claim, request: Request, target: Target) -> Sequence[str]:
    refuse_unsigned(request.headers, claim.signed_headers)
    return (S3_V4_HEADER.write(claim, request, target).string_to_sign,)


def _mismatch(*_: Any) -> OssError:
    return SIGNATURE_DOES_NOT_MATCH(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method."
    )


AWS_STS: Final[Scheme[Request, S3V4Claim]] = replace(S3_V4_HEADER, place="rpc", texts=_texts, mismatch=_mismatch)

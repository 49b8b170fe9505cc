"""What the headers of the two dialects call the same thing: one table each way, and what becomes of all others.

Only a request whose signature held is translated, and none that brings a header of OSS's along, so whoever sends it can
say nothing in OSS's words that they have not signed in S3's.

Source: S3 reference, sections 3, 9 and 11.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from coatcheck.core.errors import INVALID_ARGUMENT
from coatcheck.core.limits import S3_USER_METADATA_MAX_BYTES
from coatcheck.core.s3_errors import (
    S3_BAD_STORAGE_CLASS,
    S3_KEY_IN_URL,
    S3_METADATA_TOO_LARGE,
    S3_NOT_BUILT,
    S3_OTHER_DIALECT,
)
from coatcheck.wire.reply import RawHeader
from coatcheck.wire.request import Request

from . import grants

AMZ: Final = "x-amz-"
CUSTOMER: Final = "x-amz-server-side-encryption-customer-"
SOURCE_CUSTOMER: Final = "x-amz-copy-source-server-side-encryption-customer-"
CUSTOMER_HEADERS: Final = frozenset(
    f"{prefix}{name}" for prefix in (CUSTOMER, SOURCE_CUSTOMER) for name in ("algorithm", "key", "key-md5")
)
SSE: Final = "x-oss-server-side-encryption"  # as it is after `read_headers`
_AMZ_META: Final = "x-amz-meta-"
_OSS_META: Final = "x-oss-meta-"
_COMPATIBLE: Final = "x-oss-s3-compat"  # OSS's own examples send it with AWS's signatures

STORAGE_CLASSES: Final = {
    "STANDARD": "Standard",
    "STANDARD_IA": "IA",
    "ONEZONE_IA": "IA",
    "REDUCED_REDUNDANCY": "Standard",
    "INTELLIGENT_TIERING": "Standard",
    "GLACIER_IR": "Archive",
    "GLACIER": "ColdArchive",
    "DEEP_ARCHIVE": "DeepColdArchive",
}
_S3_CLASSES: Final = {
    "Standard": "STANDARD",
    "IA": "STANDARD_IA",
    "Archive": "GLACIER_IR",
    "ColdArchive": "GLACIER",
    "DeepColdArchive": "DEEP_ARCHIVE",
}
ENCRYPTIONS: Final = {"AES256": "AES256", "aws:kms": "KMS"}

# Names only: their values mean the same in both.
_SAME: Final = {
    "x-amz-tagging": "x-oss-tagging",
    "x-amz-tagging-directive": "x-oss-tagging-directive",
    "x-amz-metadata-directive": "x-oss-metadata-directive",
    "x-amz-copy-source": "x-oss-copy-source",
    "x-amz-copy-source-range": "x-oss-copy-source-range",
    "x-amz-copy-source-if-match": "x-oss-copy-source-if-match",
    "x-amz-copy-source-if-none-match": "x-oss-copy-source-if-none-match",
    "x-amz-copy-source-if-modified-since": "x-oss-copy-source-if-modified-since",
    "x-amz-copy-source-if-unmodified-since": "x-oss-copy-source-if-unmodified-since",
    "x-amz-server-side-encryption-aws-kms-key-id": "x-oss-server-side-encryption-key-id",
    "x-amz-object-lock-mode": "x-oss-object-worm-mode",
    "x-amz-object-lock-retain-until-date": "x-oss-object-worm-retain-until-date",
    "x-amz-object-lock-legal-hold": "x-oss-object-worm-legal-hold",
    "x-amz-bypass-governance-retention": "x-oss-bypass-governance-retention",
    "x-amz-request-payer": "x-oss-request-payer",
}
# Read elsewhere, or without a meaning here.
_KNOWN: Final = frozenset(
    {
        "x-amz-acl",
        "x-amz-api-version",
        "x-amz-bucket-object-lock-enabled",
        "x-amz-checksum-algorithm",
        "x-amz-checksum-crc32",
        "x-amz-checksum-crc32c",
        "x-amz-checksum-crc64nvme",
        "x-amz-checksum-mode",
        "x-amz-checksum-sha1",
        "x-amz-checksum-sha256",
        "x-amz-checksum-type",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-decoded-content-length",
        "x-amz-expected-bucket-owner",
        *grants.HEADERS,
        "x-amz-if-match-last-modified-time",
        "x-amz-if-match-size",
        "x-amz-max-parts",
        "x-amz-mp-object-size",
        "x-amz-object-attributes",
        "x-amz-object-ownership",
        "x-amz-optional-object-attributes",
        "x-amz-part-number-marker",
        "x-amz-sdk-checksum-algorithm",
        "x-amz-security-token",
        "x-amz-source-expected-bucket-owner",
        "x-amz-trailer",
        "x-amz-transition-default-minimum-object-size",
        "x-amz-user-agent",
        *CUSTOMER_HEADERS,
        "x-amz-website-redirect-location",
    }
)
# Whoever reads may ask for a form of the answer that isn't built, as the SDK for Java does with "x-amz-te", and sees by
# the reply's own headers that it is another. What the bytes are encrypted with is no such wish.
_READING: Final = ("GET", "HEAD")
_ENCRYPTION: Final = "x-amz-server-side-encryption"


def read_headers(request: Request) -> dict[str, str]:
    """The request's headers in OSS's words. Those that the other dialect has no word for stay as they are.

    Raises:
        OssError: S3_OTHER_DIALECT, for a header or parameter of OSS's; S3_KEY_IN_URL; S3_NOT_BUILT, for one of S3's
            that is not known here, unless it only says how a read is to be answered; S3_BAD_STORAGE_CLASS,
            INVALID_ARGUMENT, S3_METADATA_TOO_LARGE.
    """
    _refuse_oss(request)
    _refuse_key_in_url(request)
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        if not name.startswith(AMZ):
            if name != _COMPATIBLE:
                headers[name] = value
        elif name.startswith(_AMZ_META):
            headers[_OSS_META + name[len(_AMZ_META) :]] = value
        elif (same := _SAME.get(name)) is not None:
            headers[same] = value
        elif name == "x-amz-storage-class":
            headers["x-oss-storage-class"] = read_storage_class(value)
        elif name == _ENCRYPTION:
            if value not in ENCRYPTIONS:
                raise INVALID_ARGUMENT("The encryption method specified is not supported", ArgumentName=name)
            headers[SSE] = ENCRYPTIONS[value]
        elif name in _KNOWN or (request.method in _READING and not name.startswith(_ENCRYPTION)):
            headers[name] = value
        else:
            raise S3_NOT_BUILT(Header=name[:128])
    _check_metadata(headers)
    encoding = headers.get("content-encoding")
    if encoding is not None and "aws-chunked" in encoding:
        kept = [item.strip() for item in encoding.split(",") if item.strip() not in ("aws-chunked", "")]
        del headers["content-encoding"]
        if kept:
            headers["content-encoding"] = ",".join(kept)
    return headers


def _refuse_oss(request: Request) -> None:
    for name in (*request.headers, *request.query.first):
        if name.startswith("x-oss-") and name != _COMPATIBLE:
            raise S3_OTHER_DIALECT(ArgumentName=name[:128])


def _refuse_key_in_url(request: Request) -> None:
    """What stands in a URL is kept in histories and logs. Raises: OssError S3_KEY_IN_URL."""
    for name in request.query.first:
        if name.lower().startswith((CUSTOMER, SOURCE_CUSTOMER)):
            raise S3_KEY_IN_URL(ArgumentName=name[:128])


def _check_metadata(headers: Mapping[str, str]) -> None:
    size = sum(
        len(name) - len(_OSS_META) + len(value.encode("utf-8", "surrogateescape"))
        for name, value in headers.items()
        if name.startswith(_OSS_META)
    )
    if size > S3_USER_METADATA_MAX_BYTES:
        raise S3_METADATA_TOO_LARGE(Size=str(size), MaxSizeAllowed=str(S3_USER_METADATA_MAX_BYTES))


def read_storage_class(text: str) -> str:
    """Raises: OssError S3_BAD_STORAGE_CLASS."""
    if text not in STORAGE_CLASSES:
        raise S3_BAD_STORAGE_CLASS(StorageClassRequested=text[:128])
    return STORAGE_CLASSES[text]


def write_storage_class(name: str) -> str:
    return _S3_CLASSES.get(name, "STANDARD")


def write_encryption(algorithm: str) -> str:
    return "aws:kms" if algorithm == "KMS" else "AES256"


_REPLIED: Final = {
    b"x-oss-version-id": b"x-amz-version-id",
    b"x-oss-delete-marker": b"x-amz-delete-marker",
    b"x-oss-tagging-count": b"x-amz-tagging-count",
    b"x-oss-expiration": b"x-amz-expiration",
    b"x-oss-restore": b"x-amz-restore",
    b"x-oss-copy-source-version-id": b"x-amz-copy-source-version-id",
    b"x-oss-object-worm-mode": b"x-amz-object-lock-mode",
    b"x-oss-object-worm-retain-until-date": b"x-amz-object-lock-retain-until-date",
    b"x-oss-object-worm-legal-hold": b"x-amz-object-lock-legal-hold",
    b"x-oss-server-side-encryption-key-id": b"x-amz-server-side-encryption-aws-kms-key-id",
}


# What nearly every reply has; the rest is looked at one by one.
_THE_SAME: Final = frozenset({b"content-type", b"last-modified", b"content-range", b"content-encoding"})
_LEFT_OUT: Final = frozenset({b"content-md5", b"x-oss-object-type", b"x-oss-hash-crc64ecma"})


def write_headers(headers: tuple[RawHeader, ...]) -> tuple[RawHeader, ...]:
    """A reply's headers in S3's words; those of OSS that S3 has no word for are left out."""
    return tuple(
        [
            written
            for header in headers
            if header[0] not in _LEFT_OUT
            and (written := header if header[0] in _THE_SAME else _write(header)) is not None
        ]
    )


def _write(header: RawHeader) -> RawHeader | None:
    name, value = header[0].lower(), header[1]
    if name == b"etag":
        return b"ETag", value.lower()
    if name == b"content-md5":  # S3 has none on replies, and some clients would compare it with a range
        return None
    if not name.startswith(b"x-oss-"):
        return header
    if name.startswith(b"x-oss-meta-"):
        return b"x-amz-meta-" + name[len(b"x-oss-meta-") :], value
    if name == b"x-oss-storage-class":
        return None if value == b"Standard" else (b"x-amz-storage-class", write_storage_class(value.decode()).encode())
    if name == b"x-oss-server-side-encryption":
        return b"x-amz-server-side-encryption", write_encryption(value.decode()).encode()
    renamed = _REPLIED.get(name)
    return None if renamed is None else (renamed, value)

"""Every header that a reply may have, who decides what it says, and where that is documented. Nothing else is sent.

What an uploader may store goes out to strangers, through proxies and caches that do what certain headers say: nginx
reads a file for `X-Accel-Redirect`, a browser drops its cookies for `Clear-Site-Data`. So the list is closed: a header
that isn't here can be neither stored nor chosen, and is no longer sent where an earlier version stored it.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Final

from msgspec import Struct

RawHeader = tuple[bytes, bytes]
WEBSITE_REDIRECT: Final = b"x-amz-website-redirect-location"


class From(Enum):
    """Who chooses what a header says."""

    SERVER = "the server"
    UPLOAD = "the upload's header or form field of that name"
    S3_UPLOAD = "an S3 upload's header or form field of that name"
    PERSISTENT = "the upload's `x-oss-persistent-headers`"
    LINK = "the parameter `response-NAME` of a signed GET"
    BUCKET = "the bucket's configuration"


class ReplyHeader(Struct, frozen=True):
    """One row. A name that ends in `*` stands for all that begin so."""

    name: str
    words: tuple[From, ...]
    source: str


_ANY_COPY: Final = (From.UPLOAD, From.LINK)
_PUT: Final = "OSS: PutObject; GetObject, response-*"
_PERSISTENT: Final = "OSS: x-oss-persistent-headers; ours: which names"

ROWS: Final = (
    ReplyHeader("cache-control", _ANY_COPY, _PUT),
    ReplyHeader("content-disposition", _ANY_COPY, _PUT),
    ReplyHeader("content-encoding", (From.SERVER, *_ANY_COPY), _PUT),
    ReplyHeader("content-language", _ANY_COPY, _PUT),
    ReplyHeader("content-type", (From.SERVER, *_ANY_COPY), _PUT),
    ReplyHeader("expires", _ANY_COPY, _PUT),
    ReplyHeader("x-oss-meta-*", (From.UPLOAD,), "OSS: user metadata"),
    # What they say concerns this one object, and only takes something away or describes it.
    ReplyHeader("cross-origin-resource-policy", (From.PERSISTENT,), _PERSISTENT),
    ReplyHeader("pragma", (From.PERSISTENT,), _PERSISTENT),
    ReplyHeader("referrer-policy", (From.SERVER, From.PERSISTENT), _PERSISTENT),
    ReplyHeader("sourcemap", (From.PERSISTENT,), _PERSISTENT),
    ReplyHeader("x-custom-*", (From.PERSISTENT,), _PERSISTENT),
    ReplyHeader("x-download-options", (From.PERSISTENT,), _PERSISTENT),
    ReplyHeader("x-frame-options", (From.PERSISTENT,), _PERSISTENT),
    ReplyHeader("x-robots-tag", (From.SERVER, From.PERSISTENT), _PERSISTENT),
    ReplyHeader("access-control-allow-headers", (From.BUCKET,), "OSS: OptionObject"),
    ReplyHeader("access-control-allow-methods", (From.BUCKET,), "OSS: OptionObject"),
    ReplyHeader("access-control-allow-origin", (From.BUCKET,), "OSS: OptionObject"),
    ReplyHeader("access-control-expose-headers", (From.BUCKET,), "OSS: OptionObject"),
    ReplyHeader("access-control-max-age", (From.BUCKET,), "OSS: OptionObject"),
    ReplyHeader("location", (From.SERVER, From.BUCKET), "OSS: PutBucket, PostObject, website routing rules"),
    ReplyHeader("set-cookie", (From.SERVER,), "ours: the password of a ticket was right"),
    ReplyHeader("www-authenticate", (From.SERVER,), "RFC 9110: 401"),
    ReplyHeader("vary", (From.SERVER, From.BUCKET), "OSS: PutBucketCors, ResponseVary"),
    ReplyHeader("accept-ranges", (From.SERVER,), "OSS: GetObject"),
    ReplyHeader("allow", (From.SERVER,), "RFC 9110: 405"),
    ReplyHeader("connection", (From.SERVER,), "RFC 9112"),
    ReplyHeader("content-length", (From.SERVER,), "RFC 9110"),
    ReplyHeader("content-md5", (From.SERVER,), "OSS: GetObject"),
    ReplyHeader("content-range", (From.SERVER,), "RFC 9110: ranges"),
    ReplyHeader("content-security-policy", (From.SERVER,), "ours: pages, and what browsers run of objects"),
    ReplyHeader("date", (From.SERVER,), "RFC 9110"),
    ReplyHeader("etag", (From.SERVER,), "OSS: GetObject"),
    ReplyHeader("last-modified", (From.SERVER,), "OSS: GetObject"),
    ReplyHeader("retry-after", (From.SERVER,), "RFC 9110: 503"),
    ReplyHeader("server", (From.SERVER,), "OSS: common response headers"),
    ReplyHeader("transfer-encoding", (From.SERVER,), "RFC 9112"),
    ReplyHeader("x-amz-bucket-region", (From.SERVER,), "S3: HeadBucket; refusals about a bucket"),
    ReplyHeader("x-amz-checksum-*", (From.SERVER,), "S3: checksums of uploads"),
    ReplyHeader("x-amz-copy-source-version-id", (From.SERVER,), "S3: CopyObject"),
    ReplyHeader("x-amz-delete-marker", (From.SERVER,), "S3: DeleteObject"),
    ReplyHeader("x-amz-expiration", (From.SERVER,), "S3: lifecycle"),
    ReplyHeader("x-amz-id-2", (From.SERVER,), "S3: common response headers"),
    ReplyHeader("x-amz-meta-*", (From.SERVER,), "S3: user metadata, stored as x-oss-meta-*"),
    ReplyHeader("x-amz-mp-parts-count", (From.SERVER,), "S3: GetObject with partNumber"),
    ReplyHeader("x-amz-object-lock-legal-hold", (From.SERVER,), "S3: GetObject"),
    ReplyHeader("x-amz-object-lock-mode", (From.SERVER,), "S3: GetObject"),
    ReplyHeader("x-amz-object-lock-retain-until-date", (From.SERVER,), "S3: GetObject"),
    ReplyHeader("x-amz-request-id", (From.SERVER,), "S3: common response headers"),
    ReplyHeader("x-amz-restore", (From.SERVER,), "S3: RestoreObject"),
    ReplyHeader("x-amz-server-side-encryption", (From.SERVER,), "S3: server-side encryption"),
    ReplyHeader("x-amz-server-side-encryption-aws-kms-key-id", (From.SERVER,), "S3: server-side encryption"),
    ReplyHeader("x-amz-server-side-encryption-customer-algorithm", (From.SERVER,), "S3: SSE-C"),
    ReplyHeader("x-amz-server-side-encryption-customer-key-md5", (From.SERVER,), "S3: SSE-C"),
    ReplyHeader("x-amz-storage-class", (From.SERVER,), "S3: GetObject"),
    ReplyHeader("x-amz-tagging-count", (From.SERVER,), "S3: GetObject"),
    ReplyHeader("x-amz-transition-default-minimum-object-size", (From.SERVER,), "S3: lifecycle"),
    ReplyHeader("x-amz-version-id", (From.SERVER,), "S3: versioning"),
    ReplyHeader("x-amz-website-redirect-location", (From.S3_UPLOAD,), "S3: PutObject; sent in both dialects"),
    ReplyHeader("x-content-type-options", (From.SERVER,), "ours: nosniff"),
    ReplyHeader("x-oss-bucket-region", (From.SERVER,), "OSS: SDK for Java, getBucketMetadata"),
    ReplyHeader("x-oss-copy-source-version-id", (From.SERVER,), "OSS: CopyObject"),
    ReplyHeader("x-oss-delete-marker", (From.SERVER,), "OSS: DeleteObject"),
    ReplyHeader("x-oss-ec", (From.SERVER,), "OSS: error responses"),
    ReplyHeader("x-oss-err", (From.SERVER,), "OSS: error responses of HEAD"),
    ReplyHeader("x-oss-expiration", (From.SERVER,), "OSS: lifecycle"),
    ReplyHeader("x-oss-force-download", (From.SERVER,), "OSS: forced download"),
    ReplyHeader("x-oss-hash-crc64ecma", (From.SERVER,), "OSS: GetObject"),
    ReplyHeader("x-oss-next-append-position", (From.SERVER,), "OSS: AppendObject"),
    ReplyHeader("x-oss-last-access-time", (From.SERVER,), "OSS: HeadObject, PutBucketAccessMonitor"),
    ReplyHeader("x-oss-object-restore-priority", (From.SERVER,), "OSS: RestoreObject"),
    ReplyHeader("x-oss-object-worm-legal-hold", (From.SERVER,), "OSS: GetObject"),
    ReplyHeader("x-oss-object-worm-mode", (From.SERVER,), "OSS: GetObject"),
    ReplyHeader("x-oss-object-worm-retain-until-date", (From.SERVER,), "OSS: GetObject"),
    ReplyHeader("x-oss-object-type", (From.SERVER,), "OSS: GetObject"),
    ReplyHeader("x-oss-replication-rule-id", (From.SERVER,), "OSS: PutBucketReplication"),
    ReplyHeader("x-oss-request-id", (From.SERVER,), "OSS: common response headers"),
    ReplyHeader("x-oss-restore", (From.SERVER,), "OSS: RestoreObject"),
    ReplyHeader("x-oss-sealed-time", (From.SERVER,), "OSS: SealAppendObject"),
    ReplyHeader("x-oss-select-output-raw", (From.SERVER,), "OSS: SelectObject"),
    ReplyHeader("x-oss-server-side-data-encryption", (From.SERVER,), "OSS: server-side encryption"),
    ReplyHeader("x-oss-server-side-encryption", (From.SERVER,), "OSS: server-side encryption"),
    ReplyHeader("x-oss-server-side-encryption-key-id", (From.SERVER,), "OSS: server-side encryption"),
    ReplyHeader("x-oss-server-time", (From.SERVER,), "OSS: common response headers"),
    ReplyHeader("x-oss-storage-class", (From.SERVER,), "OSS: GetObject"),
    ReplyHeader("x-oss-symlink-target", (From.SERVER,), "OSS: GetSymlink"),
    ReplyHeader("x-oss-tagging-count", (From.SERVER,), "OSS: GetObject"),
    ReplyHeader("x-oss-version-id", (From.SERVER,), "OSS: versioning"),
    ReplyHeader("x-oss-worm-id", (From.SERVER,), "OSS: InitiateBucketWorm"),
)


def _named(*words: From) -> frozenset[str]:
    return frozenset(row.name for row in ROWS if not set(words).isdisjoint(row.words))


_STORED: Final = frozenset(
    name.encode() for name in _named(From.UPLOAD, From.S3_UPLOAD, From.PERSISTENT) if not name.endswith("*")
)
_STORED_FAMILIES: Final = (b"x-oss-meta-", b"x-custom-")
_PERSISTENT_NAMES: Final = _named(From.PERSISTENT)
_SENT: Final = _named(*From)
_SENT_FAMILIES: Final = tuple(name[:-1] for name in _SENT if name.endswith("*"))
_TOKEN: Final = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")

# Those of an upload that are stored under their own names, and that a signed GET may replace.
STANDARD: Final = tuple(sorted(_named(From.UPLOAD) - {"x-oss-meta-*"}))
OVERRIDDEN: Final = tuple(sorted(_named(From.LINK)))


def is_token(name: str) -> bool:
    """Whether a text can be the name of a header at all (RFC 9110, 5.6.2)."""
    return bool(name) and _TOKEN.issuperset(name)


def is_persistent(name: str) -> bool:
    """Whether an upload's `x-oss-persistent-headers` may hold a header of that name, in lower case."""
    return name in _PERSISTENT_NAMES or (name.startswith("x-custom-") and is_token(name))


def is_sent(name: str) -> bool:
    """Whether a reply may have a header of that name, in lower case."""
    return name in _SENT or name.startswith(_SENT_FAMILIES)


def keep_stored(names: Iterable[bytes], headers: tuple[RawHeader, ...]) -> tuple[RawHeader, ...]:
    """The headers stored with an object, without those that an earlier version let an uploader store.

    Args:
        names: those of `headers`; nearly always all may be sent, which takes one look.
    """
    if _STORED.issuperset(names):
        return headers
    return tuple(header for header in headers if header[0] in _STORED or _is_of_family(header[0]))


def _is_of_family(name: bytes) -> bool:
    return name.startswith(_STORED_FAMILIES) and is_token(name.decode("latin-1"))

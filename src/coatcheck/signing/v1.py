"""OSS signature version 1: string to sign -> HMAC-SHA1. One text for headers and for URLs.

    METHOD
    Content-MD5, or an empty line
    Content-Type, or an empty line
    the date: x-oss-date or Date as sent; in a URL, Expires as sent
    every x-oss-* header, "name:value", sorted
    /bucket/key?sub-resources

Nothing is percent-encoded: the key and the values of sub-resources stand there decoded. Only the parameters named below
are signed; all others may be added to a V1 link by anybody, which is why V4 is the better scheme. Since the text is not
encoded, the key "a?acl" and the key "a" with the sub-resource "acl" share a signature: the scheme's own weakness.

Source: signing reference, section 3. The names are the union of OSS's documentation and oss2, the library with the
longest list. Every x-oss-* parameter counts, as the Go library has it: the Python V2 library signs none of them, and
taking its word would let anybody add a processing step to a signed link.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Final

from coatcheck.wire.query import Parameter
from coatcheck.wire.target import Target

SUB_RESOURCES: Final = frozenset(
    """
    accessPoint accessPointPolicy acl append asyncFetch bucketArchiveDirectRead bucketInfo callback callback-var
    cleanRestoredObject cloudboxes cname comp continuation-token cors delete encryption endTime group httpsConfig
    img inventory inventoryId legalHold lifecycle link live location logging metaQuery objectInfo objectMeta
    objectWorm overwriteConfig partNumber policy policyStatus position publicAccessBlock qos qosInfo qosRequester
    redundancyTransition referer regionList replication replicationLocation replicationProgress requestPayment
    requesterQosInfo resourceGroup resourcePool resourcePoolBuckets resourcePoolInfo response-cache-control
    response-content-disposition response-content-encoding response-content-language response-content-type
    response-expires restore retention rtc seal security-token sequential startTime stat status style styleName
    symlink tagging transferAcceleration uploadId uploads userDefinedLogFieldsConfig versionId versioning versions
    vod website worm wormExtend wormId
    """.split()  # noqa: SIM905  # a literal list would be a screen of quotes
)


def is_sub_resource(name: str) -> bool:
    """Whether a query parameter of that name is signed."""
    return name in SUB_RESOURCES or name.startswith("x-oss-")


def canonicalized_resource(target: Target, parameters: Iterable[Parameter]) -> str:
    """/bucket/key?acl&partNumber=1, everything decoded; /bucket/ at bucket level, / at service level."""
    resource = f"/{target.bucket}/{target.key or ''}" if target.bucket is not None else "/"
    signed = sorted([(name, value) for name, value, _ in parameters if is_sub_resource(name)])
    if not signed:
        return resource
    return resource + "?" + "&".join([f"{name}={value}" if value else name for name, value in signed])


def canonicalized_headers(headers: Mapping[str, str]) -> str:
    """ "name:value\\n" for each x-oss-* header, sorted by name."""
    return "".join([f"{name}:{headers[name]}\n" for name in sorted(headers) if name.startswith("x-oss-")])


def string_to_sign(method: str, headers: Mapping[str, str], date_line: str, resource: str) -> str:
    """
    Args:
        headers: lower-case names, trimmed values.
        date_line: the date, or the Unix seconds of a URL's Expires, exactly as sent.
        resource: the canonicalized resource.
    """
    md5, content_type = headers.get("content-md5", ""), headers.get("content-type", "")
    return f"{method}\n{md5}\n{content_type}\n{date_line}\n{canonicalized_headers(headers)}{resource}"


def sign(secret: str, text: str) -> str:
    """Base64 of 20 bytes."""
    return b64encode(hmac.digest(secret.encode(), text.encode("utf-8", "surrogateescape"), "sha1")).decode("ascii")

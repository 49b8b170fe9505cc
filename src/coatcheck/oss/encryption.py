"""Server-side encryption: what is asked for, what is told, and PutBucketEncryption, GetBucketEncryption and
DeleteBucketEncryption.

AES256 is done by the byte store; an object's record says AES256 where all its bytes are encrypted on disk. KMS and SM4
need a key service that isn't here, and are refused. Source: OSS API reference, the operations of those names;
server-side encryption.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from xml.etree.ElementTree import Element

from coatcheck.core.errors import (
    INVALID_ARGUMENT,
    INVALID_ENCRYPTION_ALGORITHM,
    KMS_NOT_ENABLED,
    NO_SUCH_ENCRYPTION_RULE,
    NOT_IMPLEMENTED,
)
from coatcheck.core.xml import write_xml
from coatcheck.operations.encryption import AES256
from coatcheck.ports.bucket import Bucket
from coatcheck.wire.reply import RawHeader, Reply

from .arguments import read_document
from .call import Call
from .elements import find_text, need_one, need_text
from .settings_kept import drop_setting, keep_setting

ROOT: Final = "ServerSideEncryptionRule"
SETTING: Final = "encryption"  # holds the name of the algorithm
HEADER: Final = "x-oss-server-side-encryption"
_KEY_ID: Final = "x-oss-server-side-encryption-key-id"
_DATA: Final = "x-oss-server-side-data-encryption"
_SAID: Final = ((HEADER.encode(), AES256.encode()),)


async def put_bucket_encryption(call: Call) -> Reply:
    """PutBucketEncryption: how new objects are kept whose upload doesn't say."""
    await keep_setting(call, SETTING, _read_rule(await read_document(call.request, ROOT)))
    return Reply(200)


async def get_bucket_encryption(call: Call) -> Reply:
    """GetBucketEncryption."""
    algorithm = call.this_bucket.setting(SETTING)
    if algorithm is None:
        raise NO_SUCH_ENCRYPTION_RULE(BucketName=call.this_bucket.name)
    document = write_xml(ROOT, [("ApplyServerSideEncryptionByDefault", (("SSEAlgorithm", algorithm),))])
    return Reply(200, ((b"Content-Type", b"application/xml"),), document)


async def delete_bucket_encryption(call: Call) -> Reply:
    """DeleteBucketEncryption: 204 whether or not there was a rule. Objects stay as they are."""
    await drop_setting(call, SETTING)
    return Reply(204)


def read_encryption(call: Call) -> str:
    """As `find_encryption`, by the request's headers."""
    return find_encryption(call.request.headers, call.this_bucket)


def find_encryption(named: Mapping[str, str], bucket: Bucket) -> str:
    """How an upload is to be kept, by its header or else by its bucket: AES256, or "" for as it is.

    Raises: OssError INVALID_ENCRYPTION_ALGORITHM, KMS_NOT_ENABLED, NOT_IMPLEMENTED, INVALID_ARGUMENT.
    """
    asked = named.get(HEADER)
    if asked is not None:
        _check_algorithm(asked)
    for name in (_KEY_ID, _DATA):
        if name in named:
            raise INVALID_ARGUMENT(
                f"{name} is not applicable if the sse algorithm is not KMS.", ArgumentName=name, ArgumentValue=""
            )
    if asked is not None:
        return asked
    return bucket_encryption(bucket)


def bucket_encryption(bucket: Bucket) -> str:
    """How the bucket has new objects kept of which nothing else is said."""
    return (bucket.setting(SETTING) or "") if bucket.settings else ""


def encryption_headers(encryption: str) -> tuple[RawHeader, ...]:
    """What a reply says of how the bytes are kept."""
    return _SAID if encryption else ()


def _read_rule(document: Element) -> str:
    rule = need_one(document, "ApplyServerSideEncryptionByDefault")
    algorithm = need_text(rule, "SSEAlgorithm")
    _check_algorithm(algorithm)
    if find_text(rule, "KMSMasterKeyID"):
        raise INVALID_ARGUMENT(
            "KMSMasterKeyID is not applicable if the default sse algorithm is not KMS.", ArgumentName="KMSMasterKeyID"
        )
    if find_text(rule, "KMSDataEncryption"):
        raise INVALID_ARGUMENT(
            "KMSDataEncryption is not applicable if the default sse algorithm is not KMS.",
            ArgumentName="KMSDataEncryption",
        )
    return algorithm


def _check_algorithm(text: str) -> None:
    if text == "KMS":
        raise KMS_NOT_ENABLED()
    if text == "SM4":
        raise NOT_IMPLEMENTED("SM4 is not built; AES256 is.", Header=HEADER)
    if text != AES256:
        raise INVALID_ENCRYPTION_ALGORITHM(ArgumentName=HEADER, ArgumentValue=text[:64])

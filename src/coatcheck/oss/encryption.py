"""Server-side encryption: what an upload asks for, and what a reply says of it.

The byte store does it; an object's record has a label where all its bytes are encrypted on disk, and as it says. KMS
and SM4 are done with local keys where the server's settings allow it. The rule of a bucket, for uploads that don't ask,
is `configurations/encryption.py`'s. Source: OSS API reference, server-side encryption; PutBucketEncryption.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from coatcheck.configurations import encryption
from coatcheck.configurations.encryption import HEADER, EncryptionRule, check_rule
from coatcheck.core.encryption_label import AES256, KMS, SM4, is_customers, read_label
from coatcheck.core.errors import INVALID_ARGUMENT, KMS_NOT_ENABLED, NOT_IMPLEMENTED
from coatcheck.ports.bucket import Bucket
from coatcheck.wire.reply import RawHeader, Reply

from .arguments import read_document
from .call import Call
from .documents_kept import keep_document

_KEY_ID: Final = "x-oss-server-side-encryption-key-id"
_DATA: Final = "x-oss-server-side-data-encryption"
_SAID: Final = ((HEADER.encode(), AES256.encode()),)


async def put_bucket_encryption(call: Call) -> Reply:
    """PutBucketEncryption: in place of the rule that was there, if this server can follow it."""
    await keep_rule(call, encryption.read(await read_document(call.request, encryption.ROOT)))
    return Reply(200)


async def keep_rule(call: Call, rule: EncryptionRule) -> None:
    """Raises: OssError KMS_NOT_ENABLED, NOT_IMPLEMENTED, for what this server can't follow."""
    _need_built(call, rule)
    await keep_document(call, encryption.NAME, encryption.to_json(rule))


def read_encryption(call: Call) -> str:
    """As `find_encryption`, by the request's headers."""
    return find_encryption(call, call.request.headers)


def find_encryption(call: Call, named: Mapping[str, str]) -> str:
    """How an upload is to be kept, by its headers (or fields) or else by its bucket: a label; "" for as it is.

    Raises: OssError INVALID_ENCRYPTION_ALGORITHM, KMS_NOT_ENABLED, NOT_IMPLEMENTED, INVALID_ARGUMENT,
        INVALID_DATA_ENCRYPTION_ALGORITHM.
    """
    asked = named.get(HEADER)
    if asked is None:
        for name in (_KEY_ID, _DATA):
            if name in named:
                raise INVALID_ARGUMENT(
                    f"{name} is not applicable if the sse algorithm is not KMS.", ArgumentName=name, ArgumentValue=""
                )
        return default_encryption(call, call.this_bucket)
    rule = check_rule(EncryptionRule(asked, named.get(_KEY_ID), named.get(_DATA)), _KEY_ID, _DATA)
    return _need_built(call, rule).label


def default_encryption(call: Call, bucket: Bucket) -> str:
    """How a bucket has new objects kept of which nothing else is said: a label, or "".

    Raises: OssError KMS_NOT_ENABLED, NOT_IMPLEMENTED, where the rule asks for what this server was since told not to
        do: what is to be encrypted isn't stored as it is.
    """
    rule = bucket_rule(bucket)
    return "" if rule is None else _need_built(call, rule).label


def bucket_rule(bucket: Bucket) -> EncryptionRule | None:
    document = bucket.configuration(encryption.NAME) if bucket.configurations else None
    return None if document is None else encryption.from_json(document)


def _need_built(call: Call, rule: EncryptionRule) -> EncryptionRule:
    """Raises: OssError KMS_NOT_ENABLED, NOT_IMPLEMENTED."""
    if rule.algorithm == AES256:
        return rule
    if not call.settings.local_kms:
        if rule.algorithm == KMS:
            raise KMS_NOT_ENABLED()
        raise NOT_IMPLEMENTED("SM4 is switched off (--local-kms); AES256 is there.", Header=HEADER)
    if not call.ports.byte_store.supports(rule.label):
        raise NOT_IMPLEMENTED("SM4 is not in this server's OpenSSL; AES256 is there.", Header=HEADER)
    return rule


def encryption_headers(label: str) -> tuple[RawHeader, ...]:
    """What a reply says of how the bytes are kept; nothing where a client keeps their key."""
    if is_customers(label):
        return ()
    if label in ("", AES256):
        return _SAID if label else ()
    algorithm, cipher, key_id = read_label(label)
    headers = [(HEADER.encode(), algorithm.encode())]
    if algorithm == KMS:
        headers.append((_KEY_ID.encode(), key_id.encode()))
        if cipher == SM4:
            headers.append((_DATA.encode(), SM4.encode()))
    return tuple(headers)

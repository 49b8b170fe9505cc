"""The default encryption of a bucket, in S3's grammar: OSS's rule under other names.

Keys that a client brings along (SSE-C) go before it: `customer_keys.py`. Source: S3 reference, section 11.4.
"""

from __future__ import annotations

from typing import Final

from coatcheck.configurations import encryption
from coatcheck.configurations.elements import find_one, find_text, need_choice, need_one, texts
from coatcheck.configurations.encryption import EncryptionRule, check_rule
from coatcheck.core.encryption_label import KMS
from coatcheck.core.errors import NO_SUCH_ENCRYPTION_RULE
from coatcheck.core.s3_errors import S3_NOT_BUILT
from coatcheck.core.xml import Node
from coatcheck.oss.call import Call
from coatcheck.oss.encryption import keep_rule
from coatcheck.wire.reply import Reply

from .documents import read_document, show
from .words import ENCRYPTIONS, write_encryption

_ROOT: Final = "ServerSideEncryptionConfiguration"
_APPLY: Final = "ApplyServerSideEncryptionByDefault"
_KEY_ID: Final = "KMSMasterKeyID"
_SHAPE: Final = texts(
    Rule=texts(
        "BucketKeyEnabled",
        ApplyServerSideEncryptionByDefault=texts("SSEAlgorithm", _KEY_ID),
        BlockedEncryptionTypes=texts("EncryptionType"),
    )
)


async def put_bucket_encryption(call: Call) -> Reply:
    """PutBucketEncryption: one rule, in place of the one that was there. BucketKeyEnabled has nothing to say here."""
    rule = need_one(await read_document(call.request, _ROOT, _SHAPE), "Rule")
    if find_one(rule, "BlockedEncryptionTypes") is not None:
        raise S3_NOT_BUILT("BlockedEncryptionTypes is not built.")
    default = need_one(rule, _APPLY)
    algorithm = ENCRYPTIONS[need_choice(default, "SSEAlgorithm", ENCRYPTIONS)]
    key_id = find_text(default, _KEY_ID) or None
    await keep_rule(call, check_rule(EncryptionRule(algorithm, key_id), _KEY_ID, ""))
    return Reply(200)


async def get_bucket_encryption(call: Call) -> Reply:
    """GetBucketEncryption."""
    stored = call.this_bucket.configuration(encryption.NAME)
    if stored is None:
        raise NO_SUCH_ENCRYPTION_RULE(BucketName=call.this_bucket.name)
    rule = encryption.from_json(stored)
    if rule.algorithm not in ENCRYPTIONS.values() or rule.data_algorithm is not None:
        raise S3_NOT_BUILT("The bucket's rule is SM4, for which S3 has no word. Read it by OSS.")
    nodes: list[Node] = [("SSEAlgorithm", write_encryption(rule.algorithm))]
    if rule.algorithm == KMS and rule.key_id is not None:
        nodes.append((_KEY_ID, rule.key_id))
    return show(_ROOT, [("Rule", ((_APPLY, tuple(nodes)), ("BucketKeyEnabled", "false")))])

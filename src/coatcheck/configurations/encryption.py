"""How new objects of a bucket are kept whose upload doesn't say. Pure.

Whether this server does what a rule asks for (KMS and SM4 are a setting) is for whoever puts or follows it to see.
Source: OSS API reference, PutBucketEncryption; server-side encryption.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from msgspec import Struct

from coatcheck.core.encryption_label import AES256, KMS, SM4, is_key_id, write_label
from coatcheck.core.errors import (
    INVALID_ARGUMENT,
    INVALID_DATA_ENCRYPTION_ALGORITHM,
    INVALID_ENCRYPTION_ALGORITHM,
)
from coatcheck.core.xml import Node

from .elements import find_text, need_one, need_text, texts
from .stored import read_stored, write_stored

NAME: Final = "encryption"
ROOT: Final = "ServerSideEncryptionRule"
SHAPE: Final = texts(ApplyServerSideEncryptionByDefault=texts("KMSDataEncryption", "KMSMasterKeyID", "SSEAlgorithm"))
HEADER: Final = "x-oss-server-side-encryption"  # what refusals of an algorithm name, from wherever it came
_ALGORITHMS: Final = (AES256, SM4, KMS)
_KEY_ID: Final = "KMSMasterKeyID"
_DATA: Final = "KMSDataEncryption"


class EncryptionRule(Struct, frozen=True):
    """`key_id` and `data_algorithm` (SM4) only with KMS; None: the usual ones."""

    algorithm: str
    key_id: str | None = None
    data_algorithm: str | None = None

    @property
    def label(self) -> str:
        """As `core.encryption_label` has it."""
        return write_label(self.algorithm, self.key_id or "", self.data_algorithm or "")


def read(document: Element) -> EncryptionRule:
    """A ServerSideEncryptionRule. Raises: OssError MALFORMED_XML, and those of `check_rule`."""
    rule = need_one(document, "ApplyServerSideEncryptionByDefault")
    algorithm = need_text(rule, "SSEAlgorithm")
    return check_rule(
        EncryptionRule(algorithm, find_text(rule, _KEY_ID) or None, find_text(rule, _DATA) or None), _KEY_ID, _DATA
    )


def write(rule: EncryptionRule) -> list[Node]:
    return [("ApplyServerSideEncryptionByDefault", rule_nodes(rule))]


def rule_nodes(rule: EncryptionRule) -> list[Node]:
    nodes: list[Node] = [("SSEAlgorithm", rule.algorithm)]
    if rule.key_id is not None:
        nodes.append((_KEY_ID, rule.key_id))
    if rule.data_algorithm is not None:
        nodes.append((_DATA, rule.data_algorithm))
    return nodes


def to_json(rule: EncryptionRule) -> str:
    return write_stored(rule)


@lru_cache(maxsize=256)
def from_json(text: str) -> EncryptionRule:
    return read_stored(EncryptionRule, text)


def check_rule(rule: EncryptionRule, key_id_name: str, data_name: str) -> EncryptionRule:
    """The same rule, if its parts go together.

    Args:
        key_id_name, data_name: what the two are called where they came from.
    Raises: OssError INVALID_ENCRYPTION_ALGORITHM, INVALID_ARGUMENT, INVALID_DATA_ENCRYPTION_ALGORITHM.
    """
    if rule.algorithm not in _ALGORITHMS:
        raise INVALID_ENCRYPTION_ALGORITHM(ArgumentName=HEADER, ArgumentValue=rule.algorithm[:64])
    for name, value in ((key_id_name, rule.key_id), (data_name, rule.data_algorithm)):
        if value is not None and rule.algorithm != KMS:
            message = f"{name} is not applicable if the default sse algorithm is not KMS."
            raise INVALID_ARGUMENT(message, ArgumentName=name)
    if rule.key_id is not None and not is_key_id(rule.key_id):
        raise INVALID_ARGUMENT(
            f'{key_id_name} has 1 to 64 letters, digits, "-", "_" and "/".',
            ArgumentName=key_id_name,
            ArgumentValue=rule.key_id[:64],
        )
    if rule.data_algorithm not in (None, SM4):
        raise INVALID_DATA_ENCRYPTION_ALGORITHM(ArgumentName=data_name, ArgumentValue=(rule.data_algorithm or "")[:64])
    return rule

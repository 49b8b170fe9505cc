"""How new objects of a bucket are kept whose upload doesn't say: AES256, the one algorithm that is built. Pure.

KMS and SM4 need a key service that isn't here, and are refused. Source: OSS API reference, PutBucketEncryption;
server-side encryption.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from coatcheck.core.errors import (
    INVALID_ARGUMENT,
    INVALID_ENCRYPTION_ALGORITHM,
    KMS_NOT_ENABLED,
    NOT_IMPLEMENTED,
)
from coatcheck.core.xml import Node

from .elements import find_text, need_one, need_text, texts
from .stored import read_stored, write_stored

NAME: Final = "encryption"
ROOT: Final = "ServerSideEncryptionRule"
SHAPE: Final = texts(ApplyServerSideEncryptionByDefault=texts("KMSDataEncryption", "KMSMasterKeyID", "SSEAlgorithm"))
HEADER: Final = "x-oss-server-side-encryption"  # what refusals of an algorithm name, from wherever it came
AES256: Final = "AES256"


@dataclass(frozen=True, slots=True)
class EncryptionRule:
    algorithm: str


def read(document: Element) -> EncryptionRule:
    """A ServerSideEncryptionRule. Raises: OssError MALFORMED_XML, INVALID_ARGUMENT and those of `check_algorithm`."""
    rule = need_one(document, "ApplyServerSideEncryptionByDefault")
    algorithm = need_text(rule, "SSEAlgorithm")
    check_algorithm(algorithm)
    for name in ("KMSMasterKeyID", "KMSDataEncryption"):
        if find_text(rule, name):
            message = f"{name} is not applicable if the default sse algorithm is not KMS."
            raise INVALID_ARGUMENT(message, ArgumentName=name)
    return EncryptionRule(algorithm)


def write(rule: EncryptionRule) -> list[Node]:
    return [("ApplyServerSideEncryptionByDefault", (("SSEAlgorithm", rule.algorithm),))]


def to_json(rule: EncryptionRule) -> str:
    return write_stored(rule)


@lru_cache(maxsize=256)
def from_json(text: str) -> EncryptionRule:
    return read_stored(EncryptionRule, text)


def check_algorithm(text: str) -> None:
    """Raises: OssError INVALID_ENCRYPTION_ALGORITHM, KMS_NOT_ENABLED, NOT_IMPLEMENTED."""
    if text == "KMS":
        raise KMS_NOT_ENABLED()
    if text == "SM4":
        raise NOT_IMPLEMENTED("SM4 is not built; AES256 is.", Header=HEADER)
    if text != AES256:
        raise INVALID_ENCRYPTION_ALGORITHM(ArgumentName=HEADER, ArgumentValue=text[:64])

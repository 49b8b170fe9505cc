"""Who pays for requests to a bucket. Nobody is billed here; what it means for who may ask holds all the same. Pure.

Source: OSS API reference, PutBucketRequestPayment; pay-by-requester.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from msgspec import Struct

from coatcheck.core.xml import Node

from .elements import need_choice, texts
from .stored import read_stored, write_stored

NAME: Final = "requestPayment"
ROOT: Final = "RequestPaymentConfiguration"
SHAPE: Final = texts("Payer")

BUCKET_OWNER: Final = "BucketOwner"
REQUESTER: Final = "Requester"


class RequestPayment(Struct, frozen=True):
    payer: str = BUCKET_OWNER

    def allows(self, *, owner: bool, anonymous: bool, offers: bool) -> bool:
        """Whether somebody may ask anything of the bucket; rights are looked at besides.

        Args:
            owner: the bucket is of the caller's account.
            offers: the request says that its sender pays.
        """
        return self.payer == BUCKET_OWNER or owner or (offers and not anonymous)


def read(document: Element) -> RequestPayment:
    """A RequestPaymentConfiguration. Raises: OssError MALFORMED_XML, INVALID_ARGUMENT."""
    return RequestPayment(need_choice(document, "Payer", (BUCKET_OWNER, REQUESTER)))


def write(payment: RequestPayment) -> list[Node]:
    return [("Payer", payment.payer)]


def to_json(payment: RequestPayment) -> str:
    return write_stored(payment)


@lru_cache(maxsize=256)
def from_json(text: str) -> RequestPayment:
    return read_stored(RequestPayment, text)

"""SSE-C: keys that a client brings along in headers, with each request that reads or writes what they encrypt.

A key is compared with its MD5, used for this request, and forgotten; what is kept is `core/customer_key.py`'s to say.
Source: S3 reference, section 11.4; Amazon S3 User Guide, server-side encryption with customer-provided keys.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final, NamedTuple

from msgspec.structs import replace

from coatcheck.core.customer_key import CUSTOMER_KEY_BYTES, CustomerKey
from coatcheck.core.encryption_label import is_customers
from coatcheck.core.errors import INVALID_ARGUMENT, INVALID_ENCRYPTION_ALGORITHM
from coatcheck.core.s3_errors import (
    S3_BAD_KEY,
    S3_KEY_BY_HTTP,
    S3_KEY_NEEDED,
    S3_KEY_NOT_APPLICABLE,
    S3_OTHER_KEY,
)
from coatcheck.operations.put import NewObject
from coatcheck.operations.source import Source
from coatcheck.oss.call import Call
from coatcheck.ports.object import DELETE_MARKER
from coatcheck.ports.upload import Upload
from coatcheck.wire.reply import RawHeader

from .words import CUSTOMER, CUSTOMER_HEADERS, SOURCE_CUSTOMER, SSE

_AES256: Final = "AES256"
_REQUESTS: Final = "Requests specifying Server Side Encryption with Customer provided keys must provide"


class BroughtKeys(NamedTuple):
    """
    Attributes:
        key: of what is read, or written.
        source: of what is copied from.
    """

    key: CustomerKey | None = None
    source: CustomerKey | None = None

    @property
    def headers(self) -> tuple[RawHeader, ...]:
        """What a reply says of the key: never the key."""
        if self.key is None:
            return ()
        return (
            (f"{CUSTOMER}algorithm".encode(), _AES256.encode()),
            (f"{CUSTOMER}key-MD5".encode(), self.key.md5.encode()),
        )

    def encrypting(self, new: NewObject) -> NewObject:
        """What is to be stored, under the key if there is one: whatever the bucket's rule says."""
        return new if self.key is None else new._replace(encryption=self.key.new_label())

    def judge_source(self, source: Source) -> None:
        """Raises: OssError S3_KEY_NEEDED, S3_KEY_NOT_APPLICABLE, S3_OTHER_KEY."""
        if self.source is not None:
            _judge(self.source, source.record.encryption)
        elif is_customers(source.record.encryption):  # also where the target's key would do
            raise S3_KEY_NEEDED()

    def judge_upload(self, upload: Upload) -> None:
        """Raises: OssError S3_KEY_NOT_APPLICABLE, for an upload that was begun without a key."""
        if self.key is not None and not is_customers(upload.encryption):
            raise S3_KEY_NOT_APPLICABLE(
                "The multipart upload initiate did not request encryption. Please resend the request without sending "
                "encryption parameters."
            )


_NONE: Final = BroughtKeys()


def bring_keys(call: Call, named: Mapping[str, str] | None = None) -> tuple[Call, BroughtKeys]:
    """The call with the keys of its headers, or of the fields of a form that mean the same.

    Raises: OssError INVALID_ARGUMENT, INVALID_ENCRYPTION_ALGORITHM, S3_BAD_KEY, S3_KEY_BY_HTTP.
    """
    named = call.request.headers if named is None else named
    if CUSTOMER_HEADERS.isdisjoint(named):  # nearly always
        return call, _NONE
    brought = BroughtKeys(_read_key(named, CUSTOMER), _read_key(named, SOURCE_CUSTOMER))
    keys = [key for key in brought if key is not None]
    if brought.key is not None and SSE in named:
        raise INVALID_ARGUMENT(
            "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
            ArgumentName="x-amz-server-side-encryption",
        )
    if not (call.request.secure or call.settings.sse_c_over_http or _is_loopback(call.request.client)):
        raise S3_KEY_BY_HTTP()
    ports = call.ports
    ports = ports._replace(byte_store=ports.byte_store.with_keys(keys))
    return replace(call, context=replace(call.context, ports=ports)), brought


def bring_reading_key(call: Call) -> tuple[Call, BroughtKeys]:
    """As `bring_keys`, to read the object that was found.

    Raises: OssError, also S3_KEY_NOT_APPLICABLE, S3_OTHER_KEY.
    """
    call, brought = bring_keys(call)
    if brought.key is not None and call.found is not None and call.found.kind != DELETE_MARKER:
        _judge(brought.key, call.found.encryption)
    return call, brought


def _judge(key: CustomerKey, label: str) -> None:
    if not is_customers(label):
        raise S3_KEY_NOT_APPLICABLE()
    if not key.proves(label):
        raise S3_OTHER_KEY()


def _read_key(named: Mapping[str, str], prefix: str) -> CustomerKey | None:
    """Raises: OssError, as AWS for each mistake; none says anything of the key."""
    algorithm, text, md5 = (named.get(f"{prefix}{name}") for name in ("algorithm", "key", "key-md5"))
    if algorithm is None and text is None and md5 is None:
        return None
    if not algorithm:
        raise INVALID_ARGUMENT(f"{_REQUESTS} a valid encryption algorithm.", ArgumentName=f"{prefix}algorithm")
    if algorithm != _AES256:
        raise INVALID_ENCRYPTION_ALGORITHM(
            "The encryption request you specified is not valid. The valid value is AES256.",
            ArgumentName=f"{prefix}algorithm",
            ArgumentValue=algorithm[:64],
        )
    if not text:
        raise INVALID_ARGUMENT(f"{_REQUESTS} an appropriate secret key.", ArgumentName=f"{prefix}key")
    if not md5:
        raise INVALID_ARGUMENT(
            f"{_REQUESTS} the client calculated MD5 of the secret key.", ArgumentName=f"{prefix}key-MD5"
        )
    key = _read_base64(text)
    if len(key) != CUSTOMER_KEY_BYTES:
        raise S3_BAD_KEY(ArgumentName=f"{prefix}key")
    found = CustomerKey(key)
    if md5 != found.md5:
        raise S3_BAD_KEY(
            "The calculated MD5 hash of the key did not match the hash that was provided.",
            ArgumentName=f"{prefix}key-MD5",
        )
    return found


def _read_base64(text: str) -> bytes:
    """Nothing for what isn't."""
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _is_loopback(client: str) -> bool:
    """Whether a request never left the machine; not for an address that isn't known."""
    try:
        return ip_address(client).is_loopback
    except ValueError:
        return False

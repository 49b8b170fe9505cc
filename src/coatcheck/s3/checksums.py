"""Checksums as S3 writes them in headers and documents. Source: S3 reference, section 5."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from xml.etree.ElementTree import Element

from coatcheck.configurations.elements import find_text
from coatcheck.core.checksums import ALGORITHMS, Checksum, is_well_formed
from coatcheck.core.s3_errors import S3_BAD_CHECKSUM
from coatcheck.core.xml import Node
from coatcheck.ports.upload import WantedChecksum
from coatcheck.wire.reply import RawHeader

PREFIX: Final = "x-amz-checksum-"
_NOT_A_SUM: Final = frozenset({"algorithm", "mode", "type"})
_COMPOSITE: Final = "COMPOSITE"
_FULL_OBJECT: Final = "FULL_OBJECT"


def value_headers(checksum: Checksum | None) -> tuple[RawHeader, ...]:
    """Of a part."""
    return () if checksum is None else ((f"{PREFIX}{checksum.algorithm}".encode(), checksum.value.encode()),)


def checksum_headers(checksum: Checksum | None) -> tuple[RawHeader, ...]:
    """Of an object: the value, and what it was made of."""
    if checksum is None:
        return ()
    return (*value_headers(checksum), (b"x-amz-checksum-type", _kind(checksum.is_composite).encode()))


def wanted_headers(wanted: WantedChecksum | None) -> tuple[RawHeader, ...]:
    """What an upload's parts are to have."""
    if wanted is None:
        return ()
    return (b"x-amz-checksum-algorithm", wanted.algorithm.upper().encode()), (
        b"x-amz-checksum-type",
        _kind(wanted.composite).encode(),
    )


def wanted_nodes(wanted: WantedChecksum | None) -> tuple[Node, ...]:
    if wanted is None:
        return ()
    return ("ChecksumAlgorithm", wanted.algorithm.upper()), ("ChecksumType", _kind(wanted.composite))


def value_nodes(checksum: Checksum | None) -> tuple[Node, ...]:
    return () if checksum is None else ((_element(checksum.algorithm), checksum.value),)


def checksum_nodes(checksum: Checksum | None) -> tuple[Node, ...]:
    """The value, and what it was made of."""
    return () if checksum is None else (*value_nodes(checksum), ("ChecksumType", _kind(checksum.is_composite)))


def algorithm_nodes(checksum: Checksum | None) -> tuple[Node, ...]:
    """What a listing says of it: not the value."""
    if checksum is None:
        return ()
    return ("ChecksumAlgorithm", checksum.algorithm.upper()), ("ChecksumType", _kind(checksum.is_composite))


def read_sent(headers: Mapping[str, str]) -> dict[str, str]:
    """The values in headers, by the algorithm's name; none is known to be well-formed, nor its algorithm."""
    return {
        name[len(PREFIX) :]: value
        for name, value in headers.items()
        if name.startswith(PREFIX) and name[len(PREFIX) :] not in _NOT_A_SUM
    }


def need_single(names: int) -> None:
    """A request has one checksum at most. Raises: OssError S3_BAD_CHECKSUM."""
    if names > 1:
        raise S3_BAD_CHECKSUM("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")


def need_known(name: str) -> None:
    """Raises: OssError S3_BAD_CHECKSUM."""
    if name not in ALGORITHMS:
        raise S3_BAD_CHECKSUM(f"The checksum algorithm {name[:32]} is not known here.")


def check_form(name: str, value: str) -> None:
    """Of a checksum of bytes. Raises: OssError S3_BAD_CHECKSUM."""
    need_known(name)
    if not is_well_formed(name, value):
        raise S3_BAD_CHECKSUM(f"Value for {PREFIX}{name} header is invalid.")


def read_whole(headers: Mapping[str, str]) -> Checksum | None:
    """What CompleteMultipartUpload says of the object; a composite one with or without the number of parts.

    Raises: OssError S3_BAD_CHECKSUM.
    """
    sent = read_sent(headers)
    need_single(len(sent))
    for name, value in sent.items():
        digest, dash, count = value.partition("-")
        check_form(name, digest)
        if dash and not (count.isascii() and count.isdigit() and len(count) <= 5):
            raise S3_BAD_CHECKSUM(f"Value for {PREFIX}{name} header is invalid.")
        return Checksum(name, value)
    return None


def read_of_part(element: Element) -> Checksum | None:
    """What a document says of a part. Raises: OssError S3_BAD_CHECKSUM."""
    for name in ALGORITHMS:
        value = find_text(element, _element(name))
        if value is not None:
            check_form(name, value)
            return Checksum(name, value)
    return None


def read_wanted(headers: Mapping[str, str]) -> WantedChecksum | None:
    """What CreateMultipartUpload says that parts will have. Raises: OssError S3_BAD_CHECKSUM."""
    algorithm, kind = read_algorithm(headers), headers.get(f"{PREFIX}type")
    if not algorithm:
        if kind is not None:
            raise S3_BAD_CHECKSUM("The x-amz-checksum-type header can only be used with x-amz-checksum-algorithm.")
        return None
    about = ALGORITHMS[algorithm]
    if kind is None:
        return WantedChecksum(algorithm, about.has_composite)
    composite = kind.upper() == _COMPOSITE
    possible = about.has_composite if composite else kind.upper() == _FULL_OBJECT and about.crc is not None
    if not possible:
        raise S3_BAD_CHECKSUM(
            f"The {kind[:32]} checksum type cannot be used with the {algorithm.upper()} checksum algorithm."
        )
    return WantedChecksum(algorithm, composite)


def read_algorithm(headers: Mapping[str, str]) -> str:
    """x-amz-checksum-algorithm as a name of `ALGORITHMS`; "" for none. Raises: OssError S3_BAD_CHECKSUM."""
    name = headers.get(f"{PREFIX}algorithm", "").strip().lower()
    if name:
        need_known(name)
    return name


def asks_for_checksums(headers: Mapping[str, str]) -> bool:
    mode = headers.get("x-amz-checksum-mode")
    return mode is not None and mode.upper() == "ENABLED"


def _kind(composite: bool) -> str:
    return _COMPOSITE if composite else _FULL_OBJECT


def _element(algorithm: str) -> str:
    return f"Checksum{algorithm.upper()}"

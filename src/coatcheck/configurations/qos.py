"""How fast a bucket may be used: bandwidths and requests a second, in all and by either kind of endpoint. Pure.

Source: OSS API reference, PutBucketQoSInfo; oss2's BucketQosInfo, which has requests a second, too.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from msgspec import Struct

from coatcheck.core.errors import BANDWIDTH_FORBIDDEN, INVALID_ARGUMENT
from coatcheck.core.limits import QOS_MAX
from coatcheck.core.xml import Node

from .elements import find_text, malformed, texts
from .stored import read_stored, write_stored

NAME: Final = "qos"
ROOT: Final = "QoSConfiguration"

UNLIMITED: Final = -1
FORBIDDEN: Final = 0
_KINDS: Final = {"upload": "UploadBandwidth", "download": "DownloadBandwidth", "qps": "Qps"}
_SIDES: Final = {"total": "Total", "intranet": "Intranet", "extranet": "Extranet"}
_ELEMENTS: Final = {  # field -> element, in OSS's order
    f"{side}_{kind}": _SIDES[side] + _KINDS[kind] for kind in _KINDS for side in _SIDES
}
SHAPE: Final = texts(*_ELEMENTS.values())
_NUMBER: Final = re.compile("-1|[0-9]{1,9}")


class Qos(Struct, frozen=True):
    """Bandwidths in Gbit/s, `qps` in requests a second. UNLIMITED, FORBIDDEN, or a limit."""

    total_upload: int = UNLIMITED
    intranet_upload: int = UNLIMITED
    extranet_upload: int = UNLIMITED
    total_download: int = UNLIMITED
    intranet_download: int = UNLIMITED
    extranet_download: int = UNLIMITED
    total_qps: int = UNLIMITED
    intranet_qps: int = UNLIMITED
    extranet_qps: int = UNLIMITED

    def limits(self, kind: str, *, intranet: bool) -> tuple[tuple[str, int], ...]:
        """The limits that hold for a request, each with the name of what shares it. A part's that is the total's says
        nothing more, and isn't counted by itself.

        Args:
            kind: "upload", "download" or "qps".
            intranet: it came to an internal endpoint.
        """
        names = (f"{'intranet' if intranet else 'extranet'}_{kind}", f"total_{kind}")
        by_limit = {int(getattr(self, name)): name for name in names}  # of two that are alike the total
        return tuple((name, limit) for limit, name in by_limit.items() if limit != UNLIMITED)


def read(document: Element) -> Qos:
    """A QoSConfiguration; what is left out is unlimited. Raises: OssError MALFORMED_XML, INVALID_ARGUMENT."""
    given = {field: _read_limit(document, element) for field, element in _ELEMENTS.items()}
    for kind in _KINDS:
        total = given[f"total_{kind}"]
        for side in ("intranet", "extranet"):
            part = given[f"{side}_{kind}"]
            if total not in (None, UNLIMITED) and part is not None and part > (total or 0):
                raise INVALID_ARGUMENT(
                    f"{_ELEMENTS[f'{side}_{kind}']} must not be more than {_ELEMENTS[f'total_{kind}']}.",
                    ArgumentName=_ELEMENTS[f"{side}_{kind}"],
                    ArgumentValue=str(part),
                )
    return Qos(**{field: limit for field, limit in given.items() if limit is not None})


def _read_limit(document: Element, name: str) -> int | None:
    text = find_text(document, name)
    if text is None:
        return None
    if not _NUMBER.fullmatch(text):
        raise malformed(f"{name} must be a whole number, or -1.")
    if int(text) > QOS_MAX:
        raise INVALID_ARGUMENT(f"{name} must be at most {QOS_MAX}.", ArgumentName=name, ArgumentValue=text)
    return int(text)


def write(qos: Qos) -> list[Node]:
    return [(element, getattr(qos, field)) for field, element in _ELEMENTS.items()]


def to_json(qos: Qos) -> str:
    return write_stored(qos)


@lru_cache(maxsize=256)
def from_json(text: str) -> Qos:
    return read_stored(Qos, text)


@lru_cache(maxsize=1024)
def limits_of(text: str, kind: str, *, intranet: bool) -> tuple[tuple[str, int], ...]:
    """As `Qos.limits`, of a stored document. Raises: OssError BANDWIDTH_FORBIDDEN, where one of them is 0."""
    limits = from_json(text).limits(kind, intranet=intranet)
    if any(limit == FORBIDDEN for _, limit in limits):
        what = "requests a second are" if kind == "qps" else f"{kind} bandwidth is"
        raise BANDWIDTH_FORBIDDEN(f"{BANDWIDTH_FORBIDDEN.message} Its {what} 0.")
    return limits

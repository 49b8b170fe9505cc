"""Range header -> half-open ByteRange, and Content-Range back.

OSS is lenient unless told otherwise: a range that reaches beyond the object, or makes no sense, gives the whole object.
With `x-oss-range-behavior: standard` RFC 9110 holds. Only one range is served: of several, the first.
"""

from __future__ import annotations

from enum import Enum

from coatcheck.core.byte_range import ByteRange
from coatcheck.core.errors import INVALID_RANGE

__all__ = ["ByteRange", "RangeBehaviour", "read_range", "write_content_range"]

_DIGITS_MAX = 20  # more digits than any object's size has


class RangeBehaviour(Enum):
    LENIENT = "lenient"
    STANDARD = "standard"


def read_range(header: str, size: int, behaviour: RangeBehaviour) -> ByteRange | None:
    """Read a Range header for an object of known size.

    Args:
        header: the raw value, ends inclusive on the wire, e.g. "bytes=0-99".
        size: the object's length in bytes; may be 0.
        behaviour: STANDARD when the client sent x-oss-range-behavior: standard, else LENIENT.
    Returns:
        Half-open [start, stop) within the object, never empty; None to send the whole object.
    Raises:
        OssError: INVALID_RANGE, under STANDARD only, when the range starts behind the object's end.
    Source: OSS API reference, GetObject (Range, x-oss-range-behavior); RFC 9110, 14.1.2.
    """
    ends = _read_ends(header)
    if ends is None:
        return None
    first, last = ends
    standard = behaviour is RangeBehaviour.STANDARD
    if first is None:
        suffix = last or 0
        if 0 < suffix <= size or (standard and suffix and size):
            return ByteRange(max(size - suffix, 0), size)
    elif first < size and (last is None or last < size or standard):
        return ByteRange(first, size if last is None else min(last + 1, size))
    if standard:
        raise INVALID_RANGE(
            ActualObjectSize=str(size),
            RangeRequested=header,
            headers=((b"Content-Range", b"bytes */%d" % size),),
        )
    return None


def write_content_range(span: ByteRange, size: int) -> bytes:
    return b"bytes %d-%d/%d" % (span.start, span.stop - 1, size)


def _read_ends(header: str) -> tuple[int | None, int | None] | None:
    """The two numbers of "bytes=a-b"; None where the header doesn't begin with a legal range."""
    unit, equals, rest = header.partition("=")
    first, dash, last = rest.partition(",")[0].strip().partition("-")
    if unit.strip().lower() != "bytes" or not equals or not dash or not (first or last):
        return None
    for digits in (first, last):
        if digits and not (digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS_MAX):
            return None
    ends = int(first) if first else None, int(last) if last else None
    if ends[0] is not None and ends[1] is not None and ends[0] > ends[1]:
        return None
    return ends

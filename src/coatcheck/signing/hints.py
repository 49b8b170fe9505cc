"""The one change that would make a refused request match: what the server says of a signature that doesn't.

A search among the usual mistakes (`mistakes.py`), bounded in attempts and in CPU. What it answers is true of the very
signature that was given: the corrected request verifies with it, as a whole. So nobody learns a signature from it;
whoever sent it holds a signature that is good for the corrected request already.

1. Of a signature that isn't whole only its length counts: it is compared with nothing.
2. A search begins only for requests that are cheap to read in forty ways (`is_searchable`).
"""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Collection
from itertools import islice
from typing import Final

from coatcheck.core.limits import (
    HINT_ATTEMPTS_MAX,
    HINT_CPU_MAX_S,
    HINT_HEADERS_MAX_BYTES,
    HINT_PARAMETERS_MAX,
    HINT_TARGET_MAX_BYTES,
)
from coatcheck.wire.request import Request

from .attempt import Attempt, is_signed_by
from .claim_parts import absent_headers
from .mistakes import undo_mistakes
from .scheme import Claim
from .source_ip import is_restricted
from .v4 import is_always_signed

_SIGNATURES: Final = ("x-oss-signature", "Signature", "X-Amz-Signature")

CpuClock = Callable[[], float]

NOT_WHOLE: Final = "The link is not whole: copy all of it, and quote it in a shell, where '&' ends a command."
FROM_HTML: Final = "The link was copied out of HTML: '&amp;' stands where '&' belongs. Replace it."
ENCODED_TWICE: Final = "The link was percent-encoded twice (%25 where there was %): use it as the signer gave it."


def find_mismatch_hint(attempt: Attempt[Claim], secret: str, regions: Collection[str], cpu: CpuClock) -> str:
    """Why a signature doesn't match, in a sentence; "" where no usual mistake explains it.

    Args:
        attempt: the request as it was read, and refused.
        regions: those that this server serves.
        cpu: seconds of CPU that this thread has used.
    """
    if length := describe_length(attempt.claim):
        return length
    if attempt.claim.scheme.dialect == "S3" and (absent := absent_headers(attempt.claim, attempt.request)):
        return f"{absent} Send them with the values they were signed with."
    if not is_searchable(attempt.request) or is_restricted(attempt.request.query):
        return ""
    if not mimetypes.inited:
        mimetypes.init()  # reads files, once in a process
    until = cpu() + HINT_CPU_MAX_S
    for sentence, changed in islice(undo_mistakes(attempt, regions), HINT_ATTEMPTS_MAX):
        if is_signed_by(changed, secret):
            return sentence
        if cpu() > until:
            break
    return ""


def describe_length(claim: Claim) -> str:
    """What is wrong with a signature's length; "" for nothing. Nothing but the length is looked at."""
    length, whole = len(claim.signature), claim.scheme.signature_chars
    what = "link" if claim.scheme.is_link else "Authorization header"
    if length < whole:
        return f"The {what} was cut off: its signature has {length} of {whole} characters. Copy all of it."
    if length > whole:
        return f"Something was appended to the {what}: its signature has {length} characters, a whole one has {whole}."
    return ""


def is_searchable(request: Request) -> bool:
    """Whether the request is short enough to be read in forty ways."""
    raw = request.query.raw
    if len(request.raw_path) + len(raw) > HINT_TARGET_MAX_BYTES or raw.count(b"&") >= HINT_PARAMETERS_MAX:
        return False
    signed = sum(
        len(name) + len(value)
        for name, value in request.headers.items()
        if is_always_signed(name) or name.startswith("x-amz-")
    )
    return signed <= HINT_HEADERS_MAX_BYTES and len(request.host) <= 255


def find_unread_hint(request: Request) -> str:
    """Why a link can't even be read, in a sentence; "" if that isn't known. Nothing but the link is looked at."""
    first = request.query.first
    if any(name.startswith("amp;") for name in first):
        return FROM_HTML
    if "%2f" in (first.get("x-oss-credential") or first.get("X-Amz-Credential", "")).lower():
        return ENCODED_TWICE
    if "authorization" in request.headers or any(first.get(name) for name in _SIGNATURES):
        return ""
    return NOT_WHOLE

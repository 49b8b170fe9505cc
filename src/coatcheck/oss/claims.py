"""What a request claims of who asks, where that counts."""

from __future__ import annotations

from typing import Final

from coatcheck.core.errors import OssError
from coatcheck.signing.claim import read_claim
from coatcheck.signing.scheme import Claim
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target

from .table import is_form

_NONE: Final = (None, None)


def find_claim(request: Request, target: Target | None) -> tuple[Claim | None, OssError | None]:
    """The claim in the headers or the URL, None for none; or why it can't be read, which is said when its turn has
    come: that nothing is known by that name comes first.

    Args:
        target: None where the address doesn't tell it by itself.
    """
    method = request.method
    if method == "OPTIONS" or (method == "POST" and target is not None and is_form(target, request.query)):
        return _NONE
    try:
        return read_claim(request), None
    except OssError as error:
        return None, error

"""Where the service is."""

from __future__ import annotations

from typing import Final

from coatcheck.wire.request import Request

PREFIX: Final = b"/.coatcheck/v1/"


def is_for_links(request: Request) -> bool:
    """Whether a request is for this service, under the names of the server as a whole."""
    return request.raw_path.startswith(PREFIX)

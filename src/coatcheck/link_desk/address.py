"""Where the service is."""

from __future__ import annotations

from typing import Final

PREFIX: Final = b"/.coatcheck/v1/"  # under the names of the server as a whole

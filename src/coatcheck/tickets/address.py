"""Where the service is."""

from __future__ import annotations

from typing import Final

PREFIX: Final = b"/t/"

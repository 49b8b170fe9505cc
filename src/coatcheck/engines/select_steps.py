"""What a server process asks of its select process; apart from the latter, so that servers load no query engine."""

from __future__ import annotations

from typing import Final

OPEN: Final = "open"
FEED: Final = "feed"
GO_ON: Final = "go on"
END: Final = "end"
CLOSE: Final = "close"

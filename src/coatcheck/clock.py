"""The only file that asks what time it is. Wall time is a value that `app` hands down; time-outs are measured by
`time.monotonic`, which nobody can set.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

Clock = Callable[[], float]

wall_clock: Final[Clock] = time.time  # Unix seconds; may go back


def wall_date(clock: Clock = wall_clock) -> datetime:
    """What the clock says, in UTC."""
    return datetime.fromtimestamp(clock(), UTC)

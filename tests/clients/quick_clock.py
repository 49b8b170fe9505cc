"""coatcheck on a wall clock that runs faster: seconds since BEGUN count SPEED times. Monotonic time is what it was.

python quick_clock.py BEGUN SPEED serve ...
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable


def quick_clock(begun: float, speed: float) -> Callable[[], float]:
    """Every process that is told the same has the same time."""
    true = time.time
    return lambda: begun + (true() - begun) * speed


if __name__ == "__main__":
    begun, speed = map(float, sys.argv[1:3])
    time.time = quick_clock(begun, speed)
    from coatcheck.cli import main

    main(sys.argv[3:])

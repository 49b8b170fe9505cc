"""What records are made of in compiled modules.

mypyc drops the keywords of a class, so a Struct that says `frozen=True` there is not frozen; one that inherits it is.
"""

from __future__ import annotations

from msgspec import Struct


class Record(Struct, frozen=True):
    """Values that never change. Whoever derives from it says `frozen=True` too, for those who check types."""

"""How the names of operations are written: ours are OSS's in snake case."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=512)
def write_operation(name: str) -> str:
    """OSS's name: "put_object" -> "PutObject"; "" stays."""
    return "".join(word.capitalize() for word in name.split("_"))

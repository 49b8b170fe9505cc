"""A server for tests: in this process or beside it, with a clock that moves and faults on demand. See docs/testing.md.

The names below are imported on first use: whoever has the pytest plugin installed and no test that needs it loads
nothing. Nothing of a server imports this room but the plugin's entry point and, lazily, `serve --test-controls`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .documents import Refused
    from .face import Fault, Key, Oss, Request
    from .running import oss_server

__all__ = ["Fault", "Key", "Oss", "Refused", "Request", "oss_server"]

_HOMES = {
    "Fault": ".face",
    "Key": ".face",
    "Oss": ".face",
    "Refused": ".documents",
    "Request": ".face",
    "oss_server": ".running",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'coatcheck.testing' has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

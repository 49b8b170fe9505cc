"""What a start doesn't wait for is loaded soon after it, so that no request waits for it either.

A server whose files are replaced while it runs, by those of another version, has then all of its own. What only some
servers ever need stays out: background works, pages' templates, engines that weren't chosen.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

WARM_AFTER_S: Final = 2.0  # after the start: its first requests are over, and so are servers of tests
_PAUSE_S: Final = 0.005  # for requests, between two modules of some milliseconds

_ROOMS: Final = ("oss", "s3", "link_desk", "tickets", "pages")
_MODULES: Final = (
    "background.audit_reading",
    "background.mirror_run",
    "operations.lifecycle_run",
    "operations.sweep",
    "signing.hints",
)

log = logging.getLogger("coatcheck")


def load_rest() -> None:
    """All at once, in a process that answers nothing."""
    for name in _rest():
        _load(name)
    gc.freeze()  # forks share it


async def load_rest_slowly() -> None:
    """In a process that answers."""
    await asyncio.sleep(WARM_AFTER_S)
    for name in _rest():
        _load(name)
        await asyncio.sleep(_PAUSE_S)


def _rest() -> Iterator[str]:
    for room in _ROOMS:
        for found in iter_modules(import_module(f"coatcheck.{room}").__path__):
            yield f"coatcheck.{room}.{found.name}"
    for name in _MODULES:
        yield f"coatcheck.{name}"


def _load(name: str) -> None:
    try:
        import_module(name)
    except Exception as error:  # whoever asks for it later gets the same; all others go on
        log.warning("%s cannot be loaded: %s", name, error)

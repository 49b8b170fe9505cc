"""What a start doesn't wait for is loaded by the first process soon after it: workers that are forked later share it.

The first workers load what they are asked for, when they are first asked: some milliseconds, once. So an idle one holds
less. What only some servers ever need stays out: background works, pages' templates, engines that weren't chosen.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

WARM_AFTER_S: Final = 2.0  # after the start: its first requests are over, and so are servers of tests

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
    """One that can't be loaded is told: whoever asks for it gets the same, and all others go on."""
    for name in _rest():
        try:
            import_module(name)
        except Exception as error:
            log.error("%s cannot be loaded: %s", name, error)
    gc.freeze()  # forks share it


def _rest() -> Iterator[str]:
    for room in _ROOMS:
        for found in iter_modules(import_module(f"coatcheck.{room}").__path__):
            yield f"coatcheck.{room}.{found.name}"
    for name in _MODULES:
        yield f"coatcheck.{name}"

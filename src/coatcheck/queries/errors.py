"""What can be wrong with a statement or with the data, by OSS's code."""

from __future__ import annotations

from coatcheck.core.select_errors import FAULTS


class SelectError(Exception):
    """The query ends here. `code` is a row of `core.select_errors`; the message says more where there is more."""

    def __init__(self, code: str, message: str = "") -> None:
        self.code = code
        self.message = f"{FAULTS[code].message} {message}".strip()
        super().__init__(code, self.message)


class Mismatch(Exception):
    """A value isn't of the type that the statement gives it: this record is skipped."""

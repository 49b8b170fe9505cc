"""How a refusal travels: a `Fault` is a row of the table in `errors`, an `OssError` one that was raised."""

from __future__ import annotations

from msgspec import Struct


class Broken(Exception):
    """A body that is being sent can't be completed. What is wrong has been logged by whoever raised it."""


class OssError(Exception):
    """A refusal on its way to the client: which row, in which words, with which facts."""

    def __init__(
        self,
        fault: Fault,
        message: str,
        facts: dict[str, str],
        ec: str,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        super().__init__(f"{fault.code}: {message}")
        self.fault = fault
        self.message = message
        self.facts = facts
        self.ec = ec
        self.headers = headers
        self.hint = ""  # what would make it work, for whoever sent the request
        self.nested: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()  # elements that hold elements

    @property
    def code(self) -> str:
        return self.fault.code

    @property
    def status(self) -> int:
        return self.fault.status


class Fault(Struct, frozen=True):
    """One row of the table: OSS's code, the HTTP status, the message, and the finer code if there is one."""

    code: str
    status: int
    message: str
    ec: str = ""

    def __call__(
        self,
        message: str | None = None,
        /,
        *,
        ec: str | None = None,
        headers: tuple[tuple[bytes, bytes], ...] = (),
        **facts: str,
    ) -> OssError:
        """Make the exception; `message` and `ec` replace the row's, `headers` go out with the reply as they are."""
        return OssError(
            self, self.message if message is None else message, facts, self.ec if ec is None else ec, headers
        )

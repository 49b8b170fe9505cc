"""The latest refusals, each by its request id: why a request was refused, for whoever asks later."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Refusal(NamedTuple):
    """One refused request. No query, no key of an object, no signature.

    Attributes:
        time: Unix seconds.
        operation: "" where that wasn't known yet.
        access_key_id: the one that the request named; only where `proven` its signature held. "" for none.
        ec: the finer code; "" for none.
        reason: OSS's sentence for the code. `hint`: what would have made it work; "" if that isn't known.
    """

    id: str
    time: int
    method: str
    operation: str
    bucket: str
    access_key_id: str
    proven: bool
    status: int
    code: str
    ec: str
    reason: str
    hint: str


class Refusals(Protocol):
    """Of all processes of a server. What a process has not written yet, a moment's worth, nobody finds."""

    async def find(self, request_id: str) -> Refusal | None:
        """None for one that is not there, or not any more."""


class NoRefusals:
    """Where none are kept."""

    async def find(self, request_id: str) -> Refusal | None:
        return None

"""What came of the uses of links, and who is told of them, as values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct


class LinkUse(Struct, frozen=True):
    """One request that came by a link.

    Attributes:
        at: when it had ended.
        version: of the object; None where none was told.
        operation: in snake case, e.g. "get_object"; None where the link was refused before that was known.
        code: of the refusal and its number, e.g. "AccessDenied 9000-00000002"; None for none.
        address, agent: of the client: both are what they say of themselves, the agent whatever it likes.
        bytes: of the reply's body that went out.
        whole: all of the reply went out.
        ms: from its beginning to the reply's end.
    """

    at: datetime
    link: str
    bucket: str
    key: str
    version: str | None
    operation: str | None
    status: int
    code: str | None
    address: str
    agent: str
    bytes: int
    whole: bool
    ms: int
    request_id: str


class LinkNotice(Struct, frozen=True):
    """An address that is told of a link, or of all links of a bucket.

    Attributes:
        link: its id; None for all of the bucket.
        signing: "hmac-sha256" or "ed25519".
        public_key: whpk_... that Ed25519 signatures are checked with.
        secret: whsec_... that HMAC signatures are checked with; only in the answer of `Links.tell`.
        given_up: notices that could not be sent for three days, with the reason of the last.
    """

    id: str
    bucket: str
    link: str | None
    url: str
    events: tuple[str, ...]
    signing: str
    public_key: str | None
    made_at: datetime
    given_up: int
    given_up_why: str | None
    secret: str | None = None

    def __repr__(self) -> str:
        return f"LinkNotice({self.id}, bucket={self.bucket!r}, link={self.link!r}, events={self.events}, secret hidden)"


class WaitingNotice(Struct, frozen=True):
    """A notice that is to be sent.

    Attributes:
        notice: the id of the `LinkNotice` that it is for.
        events: how often each happened.
        why: what the last attempt failed of; None before one.
    """

    id: str
    notice: str
    link: str
    events: Mapping[str, int]
    attempts: int
    due_at: datetime
    why: str | None


def read_use(document: Mapping[str, Any]) -> LinkUse:
    return LinkUse(**{**document, "at": datetime.fromisoformat(document["at"])})


def read_notice(document: Mapping[str, Any]) -> LinkNotice:
    made_at, events = datetime.fromisoformat(document["made_at"]), tuple(document["events"])
    return LinkNotice(**{**document, "made_at": made_at, "events": events})


def read_waiting(document: Mapping[str, Any]) -> WaitingNotice:
    return WaitingNotice(**{**document, "due_at": datetime.fromisoformat(document["due_at"])})

"""What came of each use of a link: rows that are only ever added, and go when they are old.

Rows are written beside the requests, so the last second of them may be lost when a process dies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct


class AuditRow(Struct, frozen=True, array_like=True):
    """One request that came by a link whose signature held.

    Attributes:
        at_ms: when it had ended, Unix milliseconds.
        account: uid of the account whose key signed the link. The row is that account's.
        version: the version of the object that was asked for or made; "" where none was told.
        operation: in snake case, as logs have it.
        status: of the reply; 0 if there was none.
        code: of the refusal, and its number where it has one: "AccessDenied 9000-00000002"; "" for none.
        address: of the client, seen through trusted proxies.
        agent: what it calls itself, cut off at LINK_AGENT_MAX_CHARS.
        sent_bytes: of the reply's body.
        whole: the whole reply went out.
        ms: from the request's beginning to the reply's end.
    """

    at_ms: int
    account: str
    link: str
    bucket: str
    key: str
    version: str
    operation: str
    status: int
    code: str
    address: str
    agent: str
    sent_bytes: int
    whole: bool
    ms: int
    request_id: str


class Question(NamedTuple):
    """Which rows: those that fit all its parts; "" and None for any.

    Attributes:
        account: uid; nobody asks for more than one account's.
        key: only with a bucket.
        since_ms, until_ms: from then on, and before then, Unix milliseconds.
        newest_first: else the oldest first.
    """

    account: str
    link: str = ""
    bucket: str = ""
    key: str = ""
    address: str = ""
    since_ms: int = 0
    until_ms: int | None = None
    newest_first: bool = True

    def means(self, row: AuditRow) -> bool:
        return (
            self.account == row.account
            and self.link in ("", row.link)
            and self.bucket in ("", row.bucket)
            and self.key in ("", row.key)
            and self.address in ("", row.address)
            and self.since_ms <= row.at_ms
            and (self.until_ms is None or row.at_ms < self.until_ms)
        )


class Page(Struct, frozen=True):
    """Rows in the order that was asked for.

    Attributes:
        place: where the next page goes on; "" after the last.
    """

    rows: Sequence[AuditRow]
    place: str


class LinkAudit(Protocol):
    """The rows that are kept."""

    @property
    def is_on(self) -> bool:
        """Whether rows are written."""
        ...

    async def list_rows(self, question: Question, *, after: str = "", most: int) -> Page:
        """A page. A row may be seen a second after its request has ended.

        Args:
            after: what the page before gave as its place.
        Raises: ValueError, for a place that no page gave.
        """
        ...


class NoLinkAudit:
    """Where nothing is written down."""

    is_on = False

    async def list_rows(self, question: Question, *, after: str = "", most: int) -> Page:
        return Page((), "")

"""What a page says of a ticket: values that `pages` writes as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from coatcheck.core.errors import OssError
from coatcheck.ports.tickets import Box
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import Request

from .folder import File


class Preview(StrEnum):
    """How a page shows what is in a file."""

    NOTHING = ""
    PICTURE = "picture"
    VIDEO = "video"
    AUDIO = "audio"
    TEXT = "text"


class TicketView(NamedTuple):
    """What is said of any ticket.

    Attributes:
        path: of the ticket, as a URL has it: "/t/CODE".
        note: its maker's words.
        ends_at: Unix seconds; None for never.
        downloads_left: of one object; None for any number.
    """

    path: str
    note: str
    ends_at: int | None
    downloads_left: int | None = None


class ObjectView(NamedTuple):
    """A page of one file.

    Attributes:
        size: in bytes; None for a picture that is made when it is asked for.
        content_type: as it is stored.
        text: for a preview of a text.
    """

    ticket: TicketView
    name: str
    size: int | None
    content_type: str
    preview: Preview = Preview.NOTHING
    text: str = ""


class FolderView(NamedTuple):
    """A page of a folder or a list.

    Attributes:
        name: of the folder; "" for a list.
        next: where the next page begins; None on the last one.
        is_first: it is the first page.
    """

    ticket: TicketView
    name: str
    files: Sequence[File]
    next: str | None
    is_first: bool


class BoxView(NamedTuple):
    """A page of an upload box.

    Attributes:
        files_left, bytes_left: in all; None for any number.
        received: the names of files that a form has just brought.
        refusal: of the next of them; None without one.
    """

    ticket: TicketView
    box: Box
    files_left: int | None = None
    bytes_left: int | None = None
    received: Sequence[str] = ()
    refusal: OssError | None = None


class Pages(Protocol):
    """Who writes them. Each page is a whole reply."""

    def write_object(self, request: Request, view: ObjectView, now: float) -> Reply: ...

    def write_folder(self, request: Request, view: FolderView, now: float) -> Reply: ...

    def write_box(self, request: Request, view: BoxView, now: float) -> Reply: ...

    def write_password(self, request: Request, path: str, error: OssError) -> Reply:
        """The form that asks for the password; `error` says whether one was wrong."""
        ...

    def write_refusal(self, request: Request, error: OssError, request_id: str, now: float) -> Reply:
        """What happened, and what to do next; with the status that the XML would have."""
        ...

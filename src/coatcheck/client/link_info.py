"""What the server says of links, and of refusals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from coatcheck.core.link_ids import is_code, name_link

_KEY_PARAMETERS: Final = (
    "x-oss-credential",
    "x-amz-credential",
    "x-oss-access-key-id",
    "ossaccesskeyid",
    "awsaccesskeyid",
)
_SIGNATURE_PARAMETERS: Final = ("x-oss-signature", "x-amz-signature", "signature")


class LinkInfo(Struct, frozen=True):
    """What the server knows of a link.

    Attributes:
        id: lk_ and 24 letters and digits; nobody can make the link from it.
        state: "live", "cancelled", "ended" or "used up".
        access_key_id, bucket, key: "" where no more than the id was ever known.
        ends_at: when it expires by itself; None where that is unknown.
        downloads: how many there may be; None for any number.
        downloads_taken: how many there were; None in lists, for links that may have any number.
        networks: from where alone it may be used; () for from anywhere.
        uses, bytes, broken, refused, last_use_at: what all requests came to that it brought since the server knows it:
            answered, bytes sent, begun and not all sent, refused, and the last that was answered. A few seconds old.
    """

    id: str
    state: str
    access_key_id: str
    bucket: str
    key: str
    note: str
    registered_at: datetime
    ends_at: datetime | None
    cancelled_at: datetime | None
    downloads: int | None
    downloads_taken: int | None
    networks: tuple[str, ...]
    starts_at: datetime | None
    rate_bits_per_s: int | None
    uses: int = 0
    bytes: int = 0
    broken: int = 0
    refused: int = 0
    last_use_at: datetime | None = None


class Ticket(Struct, frozen=True):
    """A link that the server made.

    Attributes:
        link: its row in the register: limits, end, uses.
        url: to hand out; "" where it wasn't asked for, or can't be read any more.
        names: "object", "prefix", "list" or "box".
        keys: the object's key, the prefix, the keys of the list, or where a box puts what it takes.
        box: the rules of an upload box; None for all others.
    """

    link: LinkInfo
    url: str
    names: str
    keys: tuple[str, ...]
    has_password: bool
    box: Mapping[str, Any] | None = None


class LinkRule(Struct, frozen=True):
    """What holds for all links that fit its parts; None for any.

    Attributes:
        prefix, key: of the objects' keys, or one whole key.
        cancelled_before: links that were signed before then are cancelled; None for none.
        registered_only: links work only when they are registered.
    """

    access_key_id: str | None
    bucket: str | None
    prefix: str | None
    key: str | None
    cancelled_before: datetime | None
    registered_only: bool
    made_at: datetime


class RefusalInfo(Struct, frozen=True):
    """Why a request was refused.

    Attributes:
        operation, bucket, ec, hint: None where that isn't known.
        access_key_id: the one that the request named; "" for none.
        signature_held: its signature was right; else anybody may have named the key.
        reason: OSS's sentence for the code. `hint`: what would have made it work.
    """

    request_id: str
    time: datetime
    method: str
    operation: str | None
    bucket: str | None
    access_key_id: str
    signature_held: bool
    status: int
    code: str
    ec: str | None
    reason: str
    hint: str | None


def read_link(document: Mapping[str, Any]) -> LinkInfo:
    return LinkInfo(
        **{name: document[name] for name in ("id", "state", "access_key_id", "bucket", "key", "note", "downloads")},
        registered_at=datetime.fromisoformat(document["registered_at"]),
        ends_at=read_moment(document["ends_at"]),
        cancelled_at=read_moment(document["cancelled_at"]),
        starts_at=read_moment(document["starts_at"]),
        downloads_taken=document.get("downloads_taken"),
        networks=tuple(document["networks"]),
        rate_bits_per_s=document["rate_bits_per_s"],
        last_use_at=read_moment(document["last_use_at"]),
        **{name: document[name] for name in ("uses", "bytes", "broken", "refused")},
    )


def find_code(url: str) -> str:
    """The code of a link that a server made; "" for any other link."""
    parts = urlsplit(url).path.split("/")
    return parts[2] if len(parts) > 2 and parts[1] == "t" and is_code(parts[2]) else ""


def find_link_id(link: str) -> str:
    """The id of a link, as the server makes it from what only the link's holder has.

    Args:
        link: its URL, whoever signed it by whichever scheme; anything else stays as it is.
    """
    code = find_code(link) if "/" in link else ""
    if code:
        return name_link(code)
    given = {name.lower(): value for name, value in parse_qsl(urlsplit(link).query)}
    key = next((given[name].partition("/")[0] for name in _KEY_PARAMETERS if name in given), "")
    signature = next((given[name] for name in _SIGNATURE_PARAMETERS if name in given), "")
    return name_link(f"{key}\0{signature}") if key and signature else link


def read_ticket(document: Mapping[str, Any]) -> Ticket:
    names = document["names"]
    keys = document["keys"] if names == "list" else [document["key"]]
    return Ticket(
        read_link(document),
        document.get("url") or "",
        names,
        tuple(keys),
        document["has_password"],
        document.get("box"),
    )


def read_rule(document: Mapping[str, Any]) -> LinkRule:
    return LinkRule(
        **{name: document[name] for name in ("access_key_id", "bucket", "prefix", "key", "registered_only")},
        cancelled_before=read_moment(document["cancelled_before"]),
        made_at=datetime.fromisoformat(document["made_at"]),
    )


def read_moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)

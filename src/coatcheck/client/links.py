"""`coatcheck.Links`: what an owner does with links that are out. Each call is one request to the server."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx

from coatcheck.clock import wall_clock
from coatcheck.core.limits import BOX_ANSWERED_MAX
from coatcheck.core.link_ids import is_code, name_link
from coatcheck.signing.credentials import Credentials
from coatcheck.signing.signed_request import sign_request
from coatcheck.wire.query import write_query

from .arrived import AnsweredFile, ArrivedFile, read_arrived
from .exchange import exchange, open_client, read_document

_BUCKET: Final = ".coatcheck"  # no bucket can have that name; it is signed as one
_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class LinkInfo:
    """What the server knows of a link.

    Attributes:
        id: lk_ and 24 letters and digits; nobody can make the link from it.
        state: "live", "cancelled", "ended" or "used up".
        access_key_id, bucket, key: "" where no more than the id was ever known.
        ends_at: when it expires by itself; None where that is unknown.
        downloads: how many there may be; None for any number.
        downloads_taken: how many there were; None in lists, for links that may have any number.
        networks: from where alone it may be used; () for from anywhere.
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


@dataclass(frozen=True, slots=True)
class Ticket:
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


@dataclass(frozen=True, slots=True)
class LinkRule:
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


class Links:
    """Links of one account, by one access key. Safe to use from several threads.

    Args:
        endpoint: as the SDKs have it, e.g. "http://127.0.0.1:8000".
        region: e.g. "cn-hangzhou".
    """

    def __init__(
        self,
        access_key_id: str,
        access_key_secret: str,
        *,
        endpoint: str,
        region: str,
        security_token: str | None = None,
    ) -> None:
        self._credentials = Credentials(access_key_id, access_key_secret, security_token)
        self._base = f"{endpoint.rstrip('/')}/{_BUCKET}/"
        self._region = region
        self._client = open_client(endpoint)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End its connections."""
        self._client.close()

    def create(
        self,
        bucket: str,
        *,
        key: str | None = None,
        prefix: str | None = None,
        keys: Sequence[str] | None = None,
        box: Mapping[str, Any] | None = None,
        ends_at: datetime | None = None,
        forever: bool = False,
        **more: Any,
    ) -> Ticket:
        """A link that the server makes and knows: for an object, a folder, a list of objects, or to upload to.

        Args:
            key, prefix, keys, box: one of them; a box with the prefix that its files go to. `box` has the members
                files, file_bytes, bytes, types, names, dated and quarantine, see docs/links.md.
            ends_at: in a week, if None and not `forever`.
            more: password, downloads, networks, starts_at, rate_bits_per_s, note, file_name, inline, version_id,
                process.
        Raises: ClientError, for what isn't there, or without the right to read it or coatcheck:CreateLink.
        """
        named = _given({"key": key, "prefix": prefix, "ends_at": _write_moment(ends_at)})
        listed = {} if keys is None else {"keys": list(keys)}
        boxed = {} if box is None else {"box": dict(box)}
        forever_too = {"forever": True} if forever else {}
        document = {"bucket": bucket, **named, **listed, **boxed, **forever_too, **_write_more(more)}
        return _read_ticket(self._change("POST", "tickets", document))

    def show_ticket(self, link_id: str) -> Ticket:
        """A link that the server made, with its URL. Raises: ClientError NoSuchLink."""
        return _read_ticket(self._ask(f"tickets/{link_id}"))

    def change(
        self,
        link_id: str,
        *,
        ends_at: datetime | None = None,
        forever: bool = False,
        password: str | None = None,
        **more: Any,
    ) -> Ticket:
        """Another end, password, note or other limits, of a link that the server made; what it names stays.

        Args:
            password: "" for none from now on.
            more: note; downloads, networks, starts_at, rate_bits_per_s: of these either all stay, or all are replaced.
        """
        changed = {"ends_at": _write_moment(ends_at), "password": password}
        document: dict[str, Any] = {name: value for name, value in changed.items() if value is not None}
        if forever:
            document["forever"] = True
        return _read_ticket(self._change("POST", f"tickets/{link_id}", document | _write_more(more)))

    def list_arrivals(self, link_id: str) -> Iterator[ArrivedFile]:
        """The files that wait in an upload box, the oldest first. Raises: ClientError NoSuchLink, NotAnUploadBox."""
        for page in self._pages(f"tickets/{link_id}/arrivals", []):
            yield from map(read_arrived, page["arrivals"])

    def save_arrival(self, file_id: str, path: Path) -> int:
        """Write a file that waits in an upload box to `path`; it waits on. It needs the right to read the object that
        it would become.

        Returns: how many bytes it has.
        Raises: ClientError NoSuchArrival; Unreachable; OSError. Nothing of it is left then.
        """
        part = path.with_name(f"{path.name}.part")
        try:
            with part.open("wb") as out, self._exchange("GET", f"arrivals/{file_id}") as response:
                for piece in response.iter_raw():
                    out.write(piece)
                size = out.tell()
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return size

    def accept(self, link_id: str, ids: Iterable[str] | None = None) -> list[AnsweredFile]:
        """Make objects of files that wait in an upload box; of all, if None. It needs the right coatcheck:CreateLink,
        and the box's maker has to have oss:PutObject.

        Returns: each with its key, or with the `error` why it waits on.
        """
        return self._answer(link_id, ids, refuse=False)

    def refuse(self, link_id: str, ids: Iterable[str] | None = None) -> list[AnsweredFile]:
        """Remove files that wait in an upload box; all, if None."""
        return self._answer(link_id, ids, refuse=True)

    def _answer(self, link_id: str, ids: Iterable[str] | None, *, refuse: bool) -> list[AnsweredFile]:
        left = [file.id for file in self.list_arrivals(link_id)] if ids is None else list(ids)
        answered: list[AnsweredFile] = []
        for start in range(0, len(left), BOX_ANSWERED_MAX):
            document = {"ids": left[start : start + BOX_ANSWERED_MAX], "refuse": refuse}
            said = self._change("POST", f"tickets/{link_id}/arrivals", document)
            answered += [AnsweredFile(**each) for each in said["arrivals"]]
        return answered

    def register(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        downloads: int | None = None,
        networks: Sequence[str] = (),
        starts_at: datetime | None = None,
        rate_bits_per_s: int | None = None,
        note: str = "",
    ) -> LinkInfo:
        """Limit a link before it is handed out. Calling it again changes the limits, and nothing that was used.

        Args:
            url: the link, as it was signed.
            method, headers: that it was signed for.
        Raises: ClientError, for what is no link of this server, or without the right coatcheck:CreateLink.
        """
        limits = {
            "downloads": downloads,
            "networks": list(networks),
            "starts_at": _write_moment(starts_at),
            "rate_bits_per_s": rate_bits_per_s,
            "note": note,
        }
        return _read_link(self._change("POST", "links", _shown(url, method, headers) | limits))

    def cancel(self, link: str, *, method: str = "GET", headers: Mapping[str, str] | None = None) -> LinkInfo:
        """From the next request on nobody can use it.

        Args:
            link: its URL; or its id, of which only the account's own key may cancel one that isn't registered.
        Raises: ClientError, without the right coatcheck:CancelLink, and for a key that isn't the caller's.
        """
        if not link.startswith("lk_"):
            code = find_code(link)
            link = name_link(code) if code else link
        if link.startswith("lk_"):
            return _read_link(self._change("DELETE", f"links/{link}", {}))
        return _read_link(self._change("POST", "cancellations", _shown(link, method, headers)))

    def cancel_all(
        self,
        *,
        access_key_id: str | None = None,
        bucket: str | None = None,
        prefix: str | None = None,
        key: str | None = None,
        signed_before: datetime | None = None,
    ) -> LinkRule:
        """Cancel every link that fits, whether or not the server has seen it; those signed later work.

        Args:
            signed_before: now, if None. Links that don't say when they were signed (V1, V2) are cancelled in any case.
        """
        scope = {"access_key_id": access_key_id, "bucket": bucket, "prefix": prefix, "key": key}
        return _read_rule(
            self._change("POST", "rules", _given(scope) | _given({"signed_before": _write_moment(signed_before)}))
        )

    def need_registration(self, *, bucket: str, prefix: str | None = None, key: str | None = None) -> LinkRule:
        """From now on links of that bucket, prefix or object work only when they are registered."""
        scope = _given({"bucket": bucket, "prefix": prefix, "key": key})
        return _read_rule(self._change("POST", "rules", {**scope, "registered_only": True}))

    def remove_rule(
        self,
        *,
        access_key_id: str | None = None,
        bucket: str | None = None,
        prefix: str | None = None,
        key: str | None = None,
    ) -> None:
        """Links that it cancelled, or wanted registered, work again as far as their signatures say."""
        scope = {"access_key_id": access_key_id, "bucket": bucket, "prefix": prefix, "key": key}
        self._change("DELETE", "rules", _given(scope))

    def show(self, link_id: str) -> LinkInfo:
        """Raises: ClientError NoSuchLink."""
        return _read_link(self._ask(f"links/{link_id}"))

    def list_links(self, *, bucket: str | None = None) -> Iterator[LinkInfo]:
        """The account's links, by id; asks for a page when it is needed."""
        for page in self._pages("links", [] if bucket is None else [("bucket", bucket)]):
            yield from map(_read_link, page["links"])

    def list_rules(self) -> Iterator[LinkRule]:
        for page in self._pages("rules", []):
            yield from map(_read_rule, page["rules"])

    def _pages(self, path: str, query: list[tuple[str, str]]) -> Iterator[dict[str, Any]]:
        after: str | None = ""
        while after is not None:
            page = self._ask(path, [*query, ("limit", str(_PAGE)), *([("after", after)] if after else [])])
            yield page
            after = page["next"]

    def _ask(self, path: str, query: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
        return self._send("GET", path, query=query)

    def _change(self, method: str, path: str, document: Mapping[str, Any]) -> dict[str, Any]:
        body = json.dumps(document).encode()
        headers = {
            "x-oss-coatcheck-sha256": hashlib.sha256(body).hexdigest(),
            "x-oss-coatcheck-nonce": secrets.token_hex(16),
        }
        return self._send(method, path, headers=headers, body=body)

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> dict[str, Any]:
        with self._exchange(method, path, query=query, headers=headers, body=body) as response:
            document: dict[str, Any] = json.loads(read_document(response))
        return document

    def _exchange(
        self,
        method: str,
        path: str,
        *,
        query: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> AbstractContextManager[httpx.Response]:
        signed = sign_request(
            method,
            _BUCKET,
            f"v1/{path}",
            query=query,
            headers=headers or {},
            credentials=self._credentials,
            region=self._region,
            now=int(wall_clock()),
        )
        text = write_query(query)
        url = f"{self._base}v1/{path}{f'?{text}' if text else ''}"
        return exchange(self._client, method, url, signed, body or None)


def _shown(url: str, method: str, headers: Mapping[str, str] | None) -> dict[str, Any]:
    return {"url": url, "method": method, "headers": dict(headers or {})}


def _given(members: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in members.items() if value is not None}


def _read_link(document: Mapping[str, Any]) -> LinkInfo:
    return LinkInfo(
        **{name: document[name] for name in ("id", "state", "access_key_id", "bucket", "key", "note", "downloads")},
        registered_at=datetime.fromisoformat(document["registered_at"]),
        ends_at=_read_moment(document["ends_at"]),
        cancelled_at=_read_moment(document["cancelled_at"]),
        starts_at=_read_moment(document["starts_at"]),
        downloads_taken=document.get("downloads_taken"),
        networks=tuple(document["networks"]),
        rate_bits_per_s=document["rate_bits_per_s"],
    )


def find_code(url: str) -> str:
    """The code of a link that a server made; "" for any other link."""
    parts = urlsplit(url).path.split("/")
    return parts[2] if len(parts) > 2 and parts[1] == "t" and is_code(parts[2]) else ""


def _read_ticket(document: Mapping[str, Any]) -> Ticket:
    names = document["names"]
    keys = document["keys"] if names == "list" else [document["key"]]
    return Ticket(
        _read_link(document),
        document.get("url") or "",
        names,
        tuple(keys),
        document["has_password"],
        document.get("box"),
    )


def _write_more(more: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _write_moment(value) if isinstance(value, datetime) else list(value) if name == "networks" else value
        for name, value in more.items()
        if value is not None
    }


def _read_rule(document: Mapping[str, Any]) -> LinkRule:
    return LinkRule(
        **{name: document[name] for name in ("access_key_id", "bucket", "prefix", "key", "registered_only")},
        cancelled_before=_read_moment(document["cancelled_before"]),
        made_at=datetime.fromisoformat(document["made_at"]),
    )


def _read_moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _write_moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()

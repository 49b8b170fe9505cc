"""`coatcheck.Links`: what an owner does with links that are out. Each call is one request to the server."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx

from coatcheck.clock import wall_clock
from coatcheck.core.limits import BOX_ANSWERED_MAX
from coatcheck.core.link_ids import name_link
from coatcheck.signing.credentials import Credentials
from coatcheck.signing.signed_request import sign_request
from coatcheck.wire.query import write_query

from .arrived import AnsweredFile, ArrivedFile, read_arrived
from .exchange import exchange, open_client, read_document
from .link_info import (
    LinkInfo,
    LinkRule,
    RefusalInfo,
    Ticket,
    find_code,
    read_link,
    read_rule,
    read_ticket,
)
from .link_uses import LinkNotice, LinkUse, WaitingNotice, read_notice, read_use, read_waiting

_BUCKET: Final = ".coatcheck"  # no bucket can have that name; it is signed as one
_PAGE: Final = 500


class Links:
    """Links of one account, by one access key. Safe to use from several threads.

    Args:
        endpoint: as the SDKs have it, e.g. "http://127.0.0.1:8000".
        region: e.g. "cn-hangzhou".
        ca: certificate of an authority that is trusted besides the usual ones.
    """

    def __init__(
        self,
        access_key_id: str,
        access_key_secret: str,
        *,
        endpoint: str,
        region: str,
        security_token: str | None = None,
        ca: Path | None = None,
    ) -> None:
        self._credentials = Credentials(access_key_id, access_key_secret, security_token)
        self._base = f"{endpoint.rstrip('/')}/{_BUCKET}/"
        self._region = region
        self._client = open_client(endpoint, ca)

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
        return read_ticket(self._change("POST", "tickets", document))

    def show_ticket(self, link_id: str) -> Ticket:
        """A link that the server made, with its URL. Raises: ClientError NoSuchLink."""
        return read_ticket(self._ask(f"tickets/{link_id}"))

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
        return read_ticket(self._change("POST", f"tickets/{link_id}", document | _write_more(more)))

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
        return read_link(self._change("POST", "links", _shown(url, method, headers) | limits))

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
            return read_link(self._change("DELETE", f"links/{link}", {}))
        return read_link(self._change("POST", "cancellations", _shown(link, method, headers)))

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
        return read_rule(
            self._change("POST", "rules", _given(scope) | _given({"signed_before": _write_moment(signed_before)}))
        )

    def need_registration(self, *, bucket: str, prefix: str | None = None, key: str | None = None) -> LinkRule:
        """From now on links of that bucket, prefix or object work only when they are registered."""
        scope = _given({"bucket": bucket, "prefix": prefix, "key": key})
        return read_rule(self._change("POST", "rules", {**scope, "registered_only": True}))

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
        return read_link(self._ask(f"links/{link_id}"))

    def list_links(self, *, bucket: str | None = None) -> Iterator[LinkInfo]:
        """The account's links, by id; asks for a page when it is needed."""
        for page in self._pages("links", [] if bucket is None else [("bucket", bucket)]):
            yield from map(read_link, page["links"])

    def list_rules(self) -> Iterator[LinkRule]:
        for page in self._pages("rules", []):
            yield from map(read_rule, page["rules"])

    def explain(self, request_id: str) -> RefusalInfo:
        """Why a request by a key of the account was refused; the server keeps its latest 10,000 refusals.

        Raises: ClientError NoSuchRefusal.
        """
        document = self._ask(f"refusals/{request_id}")
        return RefusalInfo(**document | {"time": datetime.fromisoformat(document["time"])})

    def log(
        self,
        link: str | None = None,
        *,
        bucket: str | None = None,
        key: str | None = None,
        address: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        newest_first: bool = True,
    ) -> Iterator[LinkUse]:
        """Who used the account's links: those that fit all that is given. Asks for a page when it is needed.

        Args:
            link: an id; links that aren't registered have rows too.
            key: only with a bucket.
            since, until: from then on, and before then; whole seconds.
        Raises: ClientError, without the right coatcheck:ReadLinkAudit.
        """
        given = {"link": link, "bucket": bucket, "key": key, "address": address}
        times = {"since": _write_moment(since), "until": _write_moment(until)}
        query = list(_given({**given, **times}).items())
        for page in self._pages("uses", [*query, ("order", "newest" if newest_first else "oldest")]):
            yield from map(read_use, page["uses"])

    def tell(
        self,
        url: str,
        *,
        events: Sequence[str],
        bucket: str | None = None,
        link: str | None = None,
        signing: str = "hmac-sha256",
    ) -> LinkNotice:
        """Have an address told of what comes of a link, or of all links of a bucket. Its `secret` is shown this once.

        Args:
            events: some of "first_use", "use", "exhausted", "refused_too_often", "upload_arrived".
            link: the id of one that is registered.
            signing: or "ed25519".
        """
        place = _given({"bucket": bucket, "link": link})
        return read_notice(
            self._change("POST", "notices", {"url": url, "events": list(events), "signing": signing, **place})
        )

    def stop_telling(self, bucket: str, notice_id: str) -> None:
        """Nor of what waits to be told."""
        self._change("DELETE", "notices", {"bucket": bucket, "id": notice_id})

    def notices(self, bucket: str) -> tuple[list[LinkNotice], list[WaitingNotice]]:
        """Who is told of a bucket's links, and what waits to be told."""
        answer = self._ask("notices", [("bucket", bucket)])
        return [read_notice(each) for each in answer["notices"]], [read_waiting(each) for each in answer["waiting"]]

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


def _write_more(more: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _write_moment(value) if isinstance(value, datetime) else list(value) if name == "networks" else value
        for name, value in more.items()
        if value is not None
    }


def _write_moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()

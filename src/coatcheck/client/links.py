"""`coatcheck.Links`: what an owner does with links that are out. Each call is one request to the server."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self

from coatcheck.clock import wall_clock
from coatcheck.signing.credentials import Credentials
from coatcheck.signing.signed_request import sign_request
from coatcheck.wire.query import write_query

from .exchange import exchange, open_client, read_document
from .link_uses import LinkNotice, LinkUse, WaitingNotice, read_notice, read_use, read_waiting

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
        with exchange(self._client, method, url, signed, body or None) as response:
            document: dict[str, Any] = json.loads(read_document(response))
        return document


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
        last_use_at=_read_moment(document["last_use_at"]),
        **{name: document[name] for name in ("uses", "bytes", "broken", "refused")},
    )


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

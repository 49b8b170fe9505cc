"""Signed requests to one server in the name of one access key; where a bucket and key are on that server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from threading import Lock
from types import TracebackType
from typing import Self

import httpx

from coatcheck.clock import Clock, wall_clock
from coatcheck.core.percent import encode_path
from coatcheck.signing.endpoint import base_url
from coatcheck.signing.options import Where
from coatcheck.signing.signed_request import sign_request
from coatcheck.wire.query import write_query

from .errors import ClientError, Unreachable
from .exchange import (
    CONNECT_TIMEOUT_S,
    DOCUMENT_MAX_BYTES,
    SILENCE_TIMEOUT_S,
    exchange,
    is_this_machine,
    open_client,
    read_document,
    read_url,
    trusted,
)
from .profile import START_A_SERVER, Profile
from .quick import QuickClient, needs_proxy

Query = Iterable[tuple[str, str]]


class Connection:
    """Sends what a verb asks for; safe to use from several threads."""

    def __init__(self, profile: Profile, clock: Clock = wall_clock) -> None:
        self.profile = profile
        self._clock = clock
        self._client = open_client(profile.endpoint, profile.ca)
        self._quick: dict[str, QuickClient] = {}  # by the URL up to the key
        self._lock = Lock()
        parts = read_url(profile.endpoint)
        self._by_proxy = needs_proxy(parts) and not is_this_machine(parts.hostname or "")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()
        for quick in self._quick.values():
            quick.close()

    @contextmanager
    def stream(
        self,
        method: str,
        bucket: str = "",
        key: str = "",
        *,
        query: Query = (),
        headers: Mapping[str, str] | None = None,
        content: bytes | Iterable[bytes] | None = None,
    ) -> Iterator[httpx.Response]:
        """One request, its response's body unread. Raises as `exchange`."""
        pairs = list(query)
        signed = self._sign(method, bucket, key, pairs, headers)
        url = make_url(self.profile, bucket, key, pairs)
        with self._hinting(bucket), exchange(self._client, method, url, signed, content) as response:
            yield response

    def send(
        self,
        method: str,
        bucket: str = "",
        key: str = "",
        *,
        query: Query = (),
        headers: Mapping[str, str] | None = None,
        content: bytes | Iterable[bytes] | None = None,
        sent: Callable[[int], None] | None = None,
    ) -> tuple[Mapping[str, str], bytes]:
        """One request with a small reply: its headers and its whole body.

        Args:
            sent: told of each piece of a body that is in memory, as it goes out.
        """
        if self._by_proxy or not isinstance(content, bytes | None):
            with self.stream(method, bucket, key, query=query, headers=headers, content=content) as response:
                answer = response.headers, read_document(response)
            if sent is not None and isinstance(content, bytes):
                sent(len(content))
            return answer
        pairs = list(query)
        signed = self._sign(method, bucket, key, pairs, headers)
        url = make_url(self.profile, bucket, key, pairs)
        target = url[url.index("/", 8) :]  # behind "https://" and the host
        server = url[: len(url) - len(target)]
        signed["Host"] = server.partition("://")[2]
        with self._hinting(bucket):
            return self._find_quick(server).send(
                method,
                target,
                signed,
                content or b"",
                limit_bytes=DOCUMENT_MAX_BYTES,
                sent=sent,
            )

    def _sign(
        self, method: str, bucket: str, key: str, pairs: list[tuple[str, str]], headers: Mapping[str, str] | None
    ) -> dict[str, str]:
        return sign_request(
            method,
            bucket or None,
            key or None,
            query=pairs,
            headers=headers or {},
            credentials=self.profile.credentials,
            region=self.profile.region,
            now=int(self._clock()),
        )

    def _find_quick(self, server: str) -> QuickClient:
        """By scheme and host; a bucket in front of the host is a server of its own."""
        quick = self._quick.get(server)
        if quick is None:
            with self._lock:
                timeouts_s = CONNECT_TIMEOUT_S, SILENCE_TIMEOUT_S
                client = QuickClient(read_url(server), partial(trusted, self.profile.ca), timeouts_s)
                quick = self._quick.setdefault(server, client)
        return quick

    @contextmanager
    def _hinting(self, bucket: str) -> Iterator[None]:
        """What is known here makes the next step plain: the bucket's name, a server that isn't started."""
        try:
            yield
        except Unreachable as error:
            if self.profile.local and error.code == "NoConnection":
                error.hint = START_A_SERVER
            raise
        except ClientError as error:
            if bucket:
                error.hint = error.hint.replace("oss://BUCKET", f"oss://{bucket}")
            raise

    def ensure_bucket(self, bucket: str) -> bool:
        """Make a private bucket unless it is there; whether it was made. One that is there is left as it is."""
        try:
            self.send("GET", bucket, query=[("location", "")])
        except ClientError as error:
            if error.code != "NoSuchBucket":
                raise
            self._make_bucket(bucket)
            return True
        return False

    def make_bucket(self, bucket: str) -> bool:
        """As `ensure_bucket`, for a caller who wants a bucket of its own: somebody else's is refused.

        Raises: ClientError BucketAlreadyExists.
        """
        try:
            return self.ensure_bucket(bucket)
        except ClientError as error:
            if error.code != "AccessDenied":
                raise
        self._make_bucket(bucket)  # somebody else's, or ours and we may not look: the server knows
        return False

    def _make_bucket(self, bucket: str) -> None:
        """PutBucket without an ACL: private if new. With one, a bucket that is there would get it."""
        self.send("PUT", bucket, content=b"")


def make_url(profile: Profile, bucket: str, key: str, query: Query = ()) -> str:
    """Where a resource is on the profile's server; no signature in it. Raises: PresignError for an illegal name."""
    base = f"{profile.endpoint}/"
    if bucket:
        base = base_url(Where(bucket, path_style=profile.path_style), profile.region, profile.endpoint)
    text = write_query(query)
    return f"{base}{encode_path(key)}{f'?{text}' if text else ''}"

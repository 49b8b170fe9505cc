"""Signed requests to one server in the name of one access key; where a bucket and key are on that server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
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
from .exchange import exchange, open_client, read_document
from .profile import START_A_SERVER, Profile

Query = Iterable[tuple[str, str]]


class Connection:
    """Sends what a verb asks for; safe to use from several threads."""

    def __init__(self, profile: Profile, clock: Clock = wall_clock) -> None:
        self.profile = profile
        self._clock = clock
        self._client = open_client(profile.endpoint)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

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
        signed = sign_request(
            method,
            bucket or None,
            key or None,
            query=pairs,
            headers=headers or {},
            credentials=self.profile.credentials,
            region=self.profile.region,
            now=int(self._clock()),
        )
        url = make_url(self.profile, bucket, key, pairs)
        try:
            with exchange(self._client, method, url, signed, content) as response:
                yield response
        except Unreachable as error:
            if self.profile.local and error.code == "NoConnection":
                error.hint = START_A_SERVER
            raise

    def send(
        self,
        method: str,
        bucket: str = "",
        key: str = "",
        *,
        query: Query = (),
        headers: Mapping[str, str] | None = None,
        content: bytes | Iterable[bytes] | None = None,
    ) -> tuple[httpx.Headers, bytes]:
        """One request with a small reply: its headers and its whole body."""
        with self.stream(method, bucket, key, query=query, headers=headers, content=content) as response:
            return response.headers, read_document(response)

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

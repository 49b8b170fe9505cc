"""A visit to a bucket that has a website or mirrors: what comes of a key that isn't there, and of a folder."""

from __future__ import annotations

from collections.abc import Awaitable
from contextlib import suppress
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from coatcheck.configurations.website import RoutingRule, Website
from coatcheck.core.errors import NO_SUCH_KEY, OssError
from coatcheck.exchange import Exchange
from coatcheck.identity.caller import ANONYMOUS, Caller
from coatcheck.operations.context import Ports
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.snapshot import Lookup, Reads, Snapshot
from coatcheck.wire.reply import Reply
from coatcheck.wire.target import Target, is_path_style

from .bucket_website import redirected, serve_website
from .mirrored import fetch_missing, find_mirror
from .object_headers import SANDBOX, is_run
from .table import Row, page_row


class Perform(Protocol):
    """How the pipeline decides on an object, and gives it. Raises: OssError."""

    def __call__(
        self, row: Row, exchange: Exchange, target: Target, caller: Caller, bucket: Bucket | None, snapshot: Snapshot, /
    ) -> Awaitable[Reply]: ...


class Visit(Struct, frozen=True):
    """One request."""

    site: Website
    exchange: Exchange
    target: Target
    caller: Caller
    bucket: Bucket
    snapshot: Snapshot
    ports: Ports
    reads: Reads
    perform: Perform

    async def serve_page(self) -> Reply:
        """A website answers with other objects than the one addressed; each is decided on like any other."""
        request, target = self.exchange.request, self.target
        mount = f"/{self.bucket.name}" if is_path_style(request, target) else ""

        async def fetch(key: str) -> Reply:
            shown = target._replace(key=key or None)
            row = page_row(request.method, shown)
            reply = await self.perform(row, self.exchange, shown, self.caller, self.bucket, self.snapshot)
            return await redirected(reply, mount)

        async def mirror(rule: RoutingRule, key: str) -> Reply:
            return await replace(self, target=target._replace(key=key)).serve_mirrored(rule)

        return await serve_website(self.site, request, target.key or "", fetch, mirror=mirror, mount=mount)

    async def serve_missing(self, row: Row) -> Reply:
        """A signed request: the object, or else what is mirrored, or, behind a slash, what the website has there.

        The signer of a link signed for this one object: of others its holder sees what everybody does.
        """
        try:
            return await self.perform(row, self.exchange, self.target, self.caller, self.bucket, self.snapshot)
        except OssError as error:
            if error.fault is not NO_SUCH_KEY:
                raise
            refusal = error
        try:
            key = self.target.key or ""
            rule = find_mirror(self.site, self.exchange.request, key, refusal)
            if rule is not None:
                return await self.serve_mirrored(rule)
            if not key.endswith("/"):
                raise refusal
            with suppress(OssError):
                return await replace(self, caller=ANONYMOUS if self.caller.by_link else self.caller).serve_page()
            raise refusal
        finally:
            del refusal  # its traceback holds this frame: a circle

    async def serve_mirrored(self, rule: RoutingRule) -> Reply:
        """An object that whoever asks may read, and that isn't there: fetched, and then given as any other."""
        request, target, bucket = self.exchange.request, self.target, self.bucket
        key = target.key or ""
        reply = await fetch_missing(self.ports.mirrors, self.site, rule, request, (bucket, key, self.caller))
        if reply is not None:
            if is_run(reply.headers) and is_path_style(request, target):  # pages of other buckets have the same origin
                reply = replace(reply, headers=(*reply.headers, SANDBOX))
            return reply
        snapshot = await self.reads.read(Lookup(bucket=bucket.name, key=key))
        return await self.perform(
            page_row(request.method, target), self.exchange, target, self.caller, bucket, snapshot
        )

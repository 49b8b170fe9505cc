"""A bucket's website, served.

A website answers requests without a signature; signed ones see plain objects, but for a missing key that ends with a
slash. Source: OSS API reference, static website hosting.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from coatcheck.configurations.website import RoutingRule, Website, location
from coatcheck.core.errors import NO_SUCH_KEY, OssError
from coatcheck.core.percent import encode_path
from coatcheck.wire.query import write_query
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import Request

# Gives the object of a key, as GetObject or HeadObject would to whoever asks. Raises: OssError.
Fetch = Callable[[str], Awaitable[Reply]]

_SLASH_REDIRECT: Final = 0
_SERVED: Final = 2


async def serve_website(website: Website, request: Request, key: str, fetch: Fetch, *, mount: str = "") -> Reply:
    """Answer a GET or HEAD that the website is asked for.

    Args:
        key: "" for the bucket itself.
        mount: the path that the website's own paths follow, "/BUCKET" in a path-style address.
    Raises: OssError, what the object itself was refused with, where the website has nothing to say to it.
    """
    rule = website.find_rule(key, request.headers, None)
    if rule is not None:
        return await _follow(rule, request, key, fetch, mount)
    try:
        return await fetch(website.index_key(key))
    except OssError as error:
        rule = website.find_rule(key, request.headers, error.status)
        if rule is not None:
            return await _follow(rule, request, key, fetch, mount)
        if error.fault is not NO_SUCH_KEY:
            raise
        reply = await _directory(website, key, fetch, mount) or await _error_page(website, fetch)
        if reply is None:
            raise
        return reply


async def _follow(rule: RoutingRule, request: Request, key: str, fetch: Fetch, mount: str) -> Reply:
    if rule.kind == "Internal":
        return await fetch(rule.new_key(key))
    query = write_query((name, value) for name, value, _ in request.query.parameters)
    host = request.host if rule.host else f"{request.host}{mount}"
    target = location(rule, key, host=host, secure=request.secure, query=query)
    return Reply(int(rule.code or 301), ((b"Location", target.encode("utf-8", "surrogateescape")),))


async def _directory(website: Website, key: str, fetch: Fetch, mount: str) -> Reply | None:
    """A missing path that has an index below it."""
    if not website.sub_dirs or key.endswith("/") or website.sub_dir_type not in (_SLASH_REDIRECT, _SERVED):
        return None
    try:
        reply = await fetch(f"{key}/{website.index}")
    except OssError:
        return None
    if website.sub_dir_type == _SERVED:
        return reply
    await _close(reply)
    return Reply(302, ((b"Location", f"{mount}/{encode_path(key)}/".encode("utf-8", "surrogateescape")),))


async def _error_page(website: Website, fetch: Fetch) -> Reply | None:
    if not website.error_key:
        return None
    try:
        reply = await fetch(website.error_key)
    except OssError:
        return None
    return reply._replace(status=website.error_status) if reply.status == 200 else reply


async def _close(reply: Reply) -> None:
    if not isinstance(reply.body, bytes):
        await reply.body.close()

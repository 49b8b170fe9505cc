"""A bucket's website, served.

A website answers requests without a signature; signed ones see plain objects, but for a missing key that ends with a
slash. Source: OSS API reference, static website hosting.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import structs
from msgspec.structs import replace

from coatcheck.configurations import website
from coatcheck.configurations.website import RoutingRule, Website, location
from coatcheck.core.errors import INVALID_ARGUMENT, NO_SUCH_KEY, OssError
from coatcheck.core.percent import encode_path
from coatcheck.core.reply_headers import WEBSITE_REDIRECT
from coatcheck.identity.author import author_of
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.worm import BUCKET_WORM
from coatcheck.wire.query import write_query
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import Request

from .arguments import read_document
from .call import Call
from .documents_kept import change_document
from .mirrored import mirrors

# Gives the object of a key, as GetObject or HeadObject would to whoever asks. Raises: OssError.
Fetch = Callable[[str], Awaitable[Reply]]

# Fetches a missing object as a rule says, and gives it so. Raises: OssError.
Mirror = Callable[[RoutingRule, str], Awaitable[Reply]]

_SLASH_REDIRECT: Final = 0
_SERVED: Final = 2


async def serve_website(
    site: Website, request: Request, key: str, fetch: Fetch, *, mirror: Mirror, mount: str = ""
) -> Reply:
    """Answer a GET or HEAD that the website is asked for.

    Args:
        key: "" for the bucket itself.
        mirror: has a missing object fetched, as a rule says.
        mount: the path that the website's own paths follow, "/BUCKET" in a path-style address.
    Raises: OssError, what the object itself was refused with, where the website has nothing to say to it.
    """
    rule = site.find_rule(key, request.headers, None)
    if rule is not None:
        return await _follow(rule, request, key, fetch, mount)
    try:
        return await fetch(site.index_key(key))
    except OssError as error:
        rule = site.find_rule(key, request.headers, error.status)
        if rule is not None and rule.mirror is not None:
            if error.fault is not NO_SUCH_KEY or not mirrors(rule, request):
                raise
            return await mirror(rule, site.index_key(key))
        if rule is not None:
            return await _follow(rule, request, key, fetch, mount)
        if error.fault is not NO_SUCH_KEY:
            raise
        reply = await _directory(site, key, fetch, mount) or await _error_page(site, fetch)
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


async def _directory(site: Website, key: str, fetch: Fetch, mount: str) -> Reply | None:
    """A missing path that has an index below it."""
    if not site.sub_dirs or key.endswith("/") or site.sub_dir_type not in (_SLASH_REDIRECT, _SERVED):
        return None
    try:
        reply = await fetch(f"{key}/{site.index}")
    except OssError:
        return None
    if site.sub_dir_type == _SERVED:
        return reply
    await _close(reply)
    return Reply(302, ((b"Location", f"{mount}/{encode_path(key)}/".encode("utf-8", "surrogateescape")),))


async def _error_page(site: Website, fetch: Fetch) -> Reply | None:
    if not site.error_key:
        return None
    try:
        reply = await fetch(site.error_key)
    except OssError:
        return None
    return structs.replace(reply, status=site.error_status) if reply.status == 200 else reply


async def redirected(reply: Reply, mount: str) -> Reply:
    """The object, or where its uploader sends visitors of it."""
    target = next((value for name, value in reply.headers if name == WEBSITE_REDIRECT), None)
    if target is None:
        return reply
    await _close(reply)
    return Reply(301, ((b"Location", mount.encode() + target if target.startswith(b"/") else target),))


async def _close(reply: Reply) -> None:
    if not isinstance(reply.body, bytes):
        await reply.body.close()


async def put_bucket_website(call: Call) -> Reply:
    """PutBucketWebsite: in place of what was there. A website that mirrors stores objects as who put it."""
    value = website.read(await read_document(call.request, website.ROOT))
    if value.mirrors:
        value = replace(value, author=author_of(call.caller, call.now))

    def put(bucket: Bucket) -> str:
        if value.mirrors and (bucket.versioning or bucket.configuration(BUCKET_WORM) is not None):
            raise INVALID_ARGUMENT(
                "A bucket with versions, or with a retention policy, cannot mirror.", ArgumentName="RedirectType"
            )
        return website.to_json(value)

    await change_document(call, website.NAME, put)
    return Reply(200)

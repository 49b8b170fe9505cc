"""Missing objects of a bucket that mirrors another server: what of the request is passed on, and the reply.

Source: OSS API reference, PutBucketWebsite; mirroring-based back-to-origin.
"""

from __future__ import annotations

from typing import Final

from coatcheck.configurations import qos
from coatcheck.configurations.website import RoutingRule, Website
from coatcheck.core.errors import NO_SUCH_KEY, OssError
from coatcheck.identity.caller import Caller
from coatcheck.operations.mirroring import Mirrors, Missing, Moved, Shown
from coatcheck.ports.bucket import Bucket
from coatcheck.wire.query import write_query
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import Request

# Beside x-oss-*: what signs a link, or concerns the reply. Nobody else gets to see a signature.
_OURS: Final = frozenset({"callback", "callback-var", "expires", "ossaccesskeyid", "policy", "security-token"})
_NOT_THROUGH: Final = ("range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since")


def find_mirror(website: Website, request: Request, key: str, error: OssError) -> RoutingRule | None:
    """The rule by which the object that is refused so is fetched; None if it isn't."""
    if error.fault is not NO_SUCH_KEY or "versionId" in request.query:
        return None
    rule = website.find_mirror(key, request.headers)
    return None if rule is None or not mirrors(rule, request) else rule


def mirrors(rule: RoutingRule, request: Request) -> bool:
    return rule.mirror is not None and (request.method == "GET" or rule.mirror.head)


async def fetch_missing(
    port: Mirrors, website: Website, rule: RoutingRule, request: Request, place: tuple[Bucket, str, Caller]
) -> Reply | None:
    """Have the object fetched; None: it is there now. Raises: OssError, as `Mirrors.fetch`."""
    bucket, key, caller = place
    assert rule.mirror is not None
    passes = rule.pass_query if rule.mirror.pass_query is None else rule.mirror.pass_query
    pairs = [(name, value) for name, value, _ in request.query.parameters if not _is_ours(name)]
    missing = Missing(
        bucket,
        key,
        rule.mirror,
        website.author,
        rule.new_key(key),
        request.headers,
        write_query(pairs) if passes else "",
        _may_pass_through(request, bucket, caller),
    )
    got = await port.fetch(missing)
    if got is None:
        return None
    if isinstance(got, Moved):
        return Reply(got.status, ((b"Location", got.location.encode()),))
    if isinstance(got, Shown):
        return Reply(got.status, ((b"content-type", got.content_type.encode()),), got.body)
    return Reply(200, got.headers, got.content)


def _may_pass_through(request: Request, bucket: Bucket, caller: Caller) -> bool:
    """Whether the reply is the whole object as it is, at the speed that the client takes it."""
    if request.method != "GET" or caller.limits is not None or bucket.configuration(qos.NAME) is not None:
        return False
    asked = any(name in request.headers for name in (*_NOT_THROUGH, "x-oss-traffic-limit"))
    named = (name for name in request.query.first if name.startswith(("x-oss-", "response-")))
    return not asked and all(map(_signs, named))


def _signs(name: str) -> bool:
    return name.startswith(("x-oss-signature", "x-oss-credential", "x-oss-date", "x-oss-expires", "x-oss-security"))


def _is_ours(name: str) -> bool:
    lower = name.lower()
    return lower in _OURS or lower.startswith(("x-oss-", "response-", "signature"))

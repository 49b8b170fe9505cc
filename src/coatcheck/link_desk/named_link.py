"""A link that somebody shows: its URL as the request that it would make, and whether its signature holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from msgspec.structs import replace

from coatcheck.core.errors import NO_LINK
from coatcheck.identity.identify import ask_for_key, caller_of, find_key, verify_reading
from coatcheck.operations.link_register import NamedLink
from coatcheck.ports.keyring import AccessKey, KeyUse
from coatcheck.ports.snapshot import Lookup, Reads
from coatcheck.signing.any_claim import read_any_claim
from coatcheck.signing.s3_schemes import is_signed_as_s3
from coatcheck.signing.scheme import Claim
from coatcheck.wire.query import read_query
from coatcheck.wire.request import Request
from coatcheck.wire.target import Addressing, Target, find_target, own_domain_target, read_host_name, with_plain_plus

METHODS: Final = ("GET", "HEAD", "PUT", "POST", "DELETE")
_URL_MAX_CHARS: Final = 16 * 1024
_LAST_MOMENT: Final = 253_402_300_799  # the end of the year 9999; a later end is as good as none


class ShownLink(NamedTuple):
    """A link whose signature holds, with the key that signed it."""

    link: NamedLink
    signer: AccessKey


async def read_shown_link(
    url: str,
    method: str,
    headers: Mapping[str, str],
    *,
    addressing: Addressing,
    reads: Reads,
    keyring: KeyUse,
    now: float,
) -> ShownLink:
    """Whether it is still good doesn't matter: one that has ended, or isn't valid yet, can be cancelled too.

    Args:
        method: that it was signed for.
        headers: that it was signed with, names in lower case.
    Raises: OssError NO_LINK, for what is no link of this server; what its signature's verification refuses.
    """
    request = _as_request(url, method, headers)
    plain = request
    if b"+" in request.raw_path and is_signed_as_s3(request):
        plain = replace(request, raw_path=with_plain_plus(request.raw_path))
    target = find_target(plain, addressing)
    snapshot = await reads.read(_lookup_of(request, target))
    if target is None:
        target = own_domain_target(plain, addressing, snapshot.domain_bucket())
        snapshot = await reads.read(Lookup(bucket=target.bucket or ""))
    claim = read_any_claim(request)
    if claim is None or not claim.scheme.is_link:
        raise NO_LINK("There is no signature in this URL, so it is no link.")
    if target.bucket is None:
        raise NO_LINK("This URL names no bucket.")
    signer = find_key(claim, await reads.read(ask_for_key(claim, keyring)), keyring, now)
    target, _ = verify_reading(claim, request, target, signer)
    bucket = snapshot.bucket()
    caller = caller_of(signer, claim)
    link = NamedLink(
        caller.link,
        signer.account,
        signer.access_key_id,
        target.bucket or "" if bucket is None else bucket.name,
        target.key or "",
        _end_of(claim, request),
    )
    return ShownLink(link, signer)


def _lookup_of(request: Request, target: Target | None) -> Lookup:
    return Lookup(domain=read_host_name(request.host)) if target is None else Lookup(bucket=target.bucket or "")


def _as_request(url: str, method: str, headers: Mapping[str, str]) -> Request:
    if method not in METHODS:
        raise NO_LINK(f"method has to be one of {', '.join(METHODS)}.", ArgumentName="method")
    try:
        if len(url) > _URL_MAX_CHARS:
            raise ValueError
        parts = urlsplit(url)
        raw_path, raw_query = parts.path.encode("ascii"), parts.query.encode("ascii")
        host = parts.netloc.encode("ascii").decode().rpartition("@")[2]
    except ValueError:
        raise NO_LINK("This is not a URL as it goes over the wire: percent-encoded, in ASCII.") from None
    if parts.scheme not in ("http", "https") or not host:
        raise NO_LINK("A link begins with http:// or https:// and a host name.")
    return Request(
        method, raw_path or b"/", read_query(raw_query), {**headers, "host": host}, secure=parts.scheme == "https"
    )


def _end_of(claim: Claim, request: Request) -> int | None:
    glance = claim.scheme.glance(request.query)
    ends_at = None if glance is None else glance.expires_at_s
    return ends_at if ends_at is not None and ends_at <= _LAST_MOMENT else None

"""The usual mistakes with links of S3; as `mistakes.py`, which asks here.

Most are about the host, which S3 always signs: a proxy wrote another one, or the link is used under another name.
Source: S3 reference, section 10.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final
from urllib.parse import unquote

from msgspec.structs import replace

from coatcheck.wire.query import make_query
from coatcheck.wire.target import read_host_name

from . import s3_v4
from .attempt import (
    Attempt,
    Undone,
    content_type_signed_unsent,
    other_method,
    signature_text,
    with_values,
)
from .s3_v4_scheme import S3V4Claim

_CREDENTIAL: Final = "X-Amz-Credential"
_SIGNING: Final = ("X-Amz-", "x-amz-")
_LOCAL: Final = ("127.0.0.1", "localhost")


def undo_s3_mistakes(attempt: Attempt[Any], regions: Collection[str]) -> Iterator[Undone]:
    """The link as it is without each mistake; first those whose number doesn't depend on the link.

    Args:
        regions: for which it may have been signed.
    """
    claim = attempt.claim
    yield from other_method(attempt)
    if isinstance(claim, S3V4Claim):
        yield from signature_text(attempt)
        yield from _other_host(attempt)
        if "content-type" in claim.signed_headers:
            yield from content_type_signed_unsent(attempt)
        yield from _other_text(attempt)
        yield from _other_region(attempt, regions)
        yield from _parameter_added(attempt)
        return
    yield from _headers_sent_unsigned(attempt)
    yield from content_type_signed_unsent(attempt)
    yield from _other_text(attempt)


def _other_host(attempt: Attempt[Any]) -> Iterator[Undone]:
    request = attempt.request
    host, name = request.host, read_host_name(request.host)
    port = host[len(name) :] if host.lower().startswith(name) else ""
    local = (f"{other}{port}" for other in _LOCAL)
    for other in dict.fromkeys((request.proxy_host, host.lower(), name, f"{name}:80", f"{name}:443", *local)):
        if other and other != host:
            yield (
                f"The signer signed the host as {other}, and it came with Host {host}. S3 signs the host: use the link "
                "under that name, and have proxies pass Host on as it is, with its port.",
                attempt._replace(request=replace(request, headers={**request.headers, "host": other})),
            )


def _headers_sent_unsigned(attempt: Attempt[Any]) -> Iterator[Undone]:
    """Version 2 signs these whenever they are sent."""
    headers = attempt.request.headers
    for name in headers:
        if name.startswith("x-amz-") or name in ("content-type", "content-md5"):
            kept = {other: value for other, value in headers.items() if other != name}
            yield (
                f"{name} is sent but was not signed: don't send it, or sign the link with it.",
                attempt._replace(request=replace(attempt.request, headers=kept)),
            )


def _other_text(attempt: Attempt[Any]) -> Iterator[Undone]:
    """What became of "+", "%20" and "%25" on the way."""
    request = attempt.request
    path, query = request.raw_path, request.query
    for raw_path, sentence in (
        (path.replace(b"+", b"%20"), "A space of the key was written as '+', which is a plus in S3: write it as %20."),
        (path.replace(b"%20", b"%2B"), "A plus of the key arrived as a space: write it as %2B."),
    ):
        if raw_path != path:
            yield sentence, attempt._replace(request=replace(request, raw_path=raw_path))
    for changed, sentence in (
        (with_values(query, lambda value: value.replace(" ", "+")), "A '+' in the query is a space: write it as %2B."),
        (with_values(query, lambda value: value.replace("+", " ")), "A space in the query became a plus: write %20."),
    ):
        if changed != query:
            yield sentence, attempt._replace(request=replace(request, query=changed))
    once, decoded = path.replace(b"%25", b"%"), with_values(query, unquote)
    for raw_path, changed in dict.fromkeys(((once, decoded), (once, query), (path, decoded))):
        if (raw_path, changed) != (path, query):
            yield (
                "The link was percent-encoded twice (%25 where there was %): use it as the signer gave it.",
                attempt._replace(request=replace(request, raw_path=raw_path, query=changed)),
            )


def _other_region(attempt: Attempt[Any], regions: Collection[str]) -> Iterator[Undone]:
    claim: S3V4Claim = attempt.claim
    region = claim.scope.region
    for other in sorted({"us-east-1", *regions} - {region}):
        scope = claim.scope._replace(region=other)
        credential = f"{claim.access_key_id}/{s3_v4.write_scope(scope)}"
        parameters = attempt.request.query.parameters
        signed = make_query(tuple(p._replace(value=credential) if p.name == _CREDENTIAL else p for p in parameters))
        changed = attempt._replace(claim=claim._replace(scope=scope))
        yield f"The key was derived for region {other} while the credential says {region}: use one for both.", changed
        yield (
            f"The region of the credential was {other} when it was signed; now it is {region}. Sign it again.",
            changed._replace(request=replace(attempt.request, query=signed)),
        )


def _parameter_added(attempt: Attempt[Any]) -> Iterator[Undone]:
    parameters = attempt.request.query.parameters
    foreign = [name for name, _, _ in parameters if not name.startswith(_SIGNING)]
    choices = [[name] for name in dict.fromkeys(foreign)]
    for names in [*choices, foreign] if len(foreign) > 1 else choices:
        kept = tuple(parameter for parameter in parameters if parameter.name not in names)
        yield (
            f"Added to the link after it was signed: {', '.join(names)}. Take it away; every parameter is signed.",
            attempt._replace(request=replace(attempt.request, query=make_query(kept))),
        )

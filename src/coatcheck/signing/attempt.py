"""A link read one way, and what can be undone in it, whichever its dialect."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Iterator
from typing import Any, Final, Generic, NamedTuple, TypeVar

from msgspec.structs import replace

from coatcheck.core.errors import OssError
from coatcheck.wire.query import Query, make_query
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target

from .scheme import Claim
from .source_ip import SOURCE_IP
from .verify import find_signed_text

_SIGNATURES: Final = ("Signature", "X-Amz-Signature")
_METHODS: Final = ("GET", "HEAD", "PUT", "POST", "DELETE")
_CONTENT_TYPES: Final = (
    "application/octet-stream",
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "text/plain",
    "text/plain; charset=utf-8",
    "text/html",
    "image/jpeg",
    "image/png",
    "application/pdf",
    "application/zip",
    "video/mp4",
)

C_co = TypeVar("C_co", bound=Claim, covariant=True)


class Attempt(NamedTuple, Generic[C_co]):
    """A link read one way."""

    request: Request
    target: Target
    claim: C_co


Undone = tuple[str, Attempt[Any]]


def is_signed_by(attempt: Attempt[Claim], secret: str) -> bool:
    """Whether `secret` signed the link as read. A source address that it names is taken for the caller's."""
    request = attempt.request
    source_ip = request.query.get(SOURCE_IP)
    if source_ip and not request.client:
        request = replace(request, client=source_ip)
    try:
        return find_signed_text(attempt.claim, request, attempt.target, secret) is not None
    except OssError:
        return False


def other_method(attempt: Attempt[Claim]) -> Iterator[Undone]:
    for method in _METHODS:
        if method != attempt.request.method:
            changed = replace(attempt.request, method=method)
            yield (
                f"It was signed for {method}, not for {attempt.request.method}: use {method}, or sign it again.",
                attempt._replace(request=changed),
            )


def signature_text(attempt: Attempt[Any]) -> Iterator[Undone]:
    claim = attempt.claim
    if claim.signature != claim.signature.lower():
        yield (
            "The signature is in upper case; it must be lower case, as it was made.",
            attempt._replace(claim=claim._replace(signature=claim.signature.lower())),
        )
    if len(claim.signature) > 64:
        yield (
            f"Something was appended to the link: {claim.signature[64:80]!r}. Cut it off.",
            attempt._replace(claim=claim._replace(signature=claim.signature[:64])),
        )


def content_type_signed_unsent(attempt: Attempt[Claim]) -> Iterator[Undone]:
    guessed, _ = mimetypes.guess_type(attempt.target.key or "")
    sent = attempt.request.headers.get("content-type")
    for content_type in dict.fromkeys((guessed, *_CONTENT_TYPES)):
        if content_type is None or content_type == sent:
            continue
        headers = {**attempt.request.headers, "content-type": content_type}
        instead = f"not {sent!r}" if sent else "but none is sent"
        yield (
            f"It was signed with Content-Type {content_type}, {instead}: send exactly that Content-Type.",
            attempt._replace(request=replace(attempt.request, headers=headers)),
        )


def with_values(query: Query, change: Callable[[str], str]) -> Query:
    return make_query(
        tuple(p if p.name in _SIGNATURES else p._replace(value=change(p.value)) for p in query.parameters)
    )

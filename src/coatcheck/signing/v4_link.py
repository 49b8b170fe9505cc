"""A draft of a link -> its URL, signed with V4.

The parameters of the signature follow the caller's own, in the order of the official Python SDK V2, the signature last.
Links that differ in their key alone share all the rest, so that is made once: a `Frame`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from coatcheck.core.percent import encode

from . import v4
from .credentials import Signer
from .draft import Draft
from .endpoint import base_url
from .moments import SigningMoment, signing_moment
from .options import Where
from .url_parts import Pieces, encode_key, join


class Frame(NamedTuple):
    """All of a link but its method, its key and its signature.

    Attributes:
        base: its URL up to the key, with a slash at its end.
        resource: "/bucket/".
        wire_query: the query as it goes out, but for the signature.
        headers, additional_line, payload_line: parts of the canonical request.
    """

    base: str
    resource: str
    moment: SigningMoment
    canonical_query: str
    wire_query: str
    headers: str = ""
    additional_line: str = ""
    payload_line: str = v4.UNSIGNED_PAYLOAD


def sign_link(draft: Draft, signer: Signer) -> str:
    """The URL. Raises: PresignError: its key can't be an object's."""
    return finish(_make_frame(draft, signer), draft.method, draft.where.key)


@lru_cache(maxsize=256)
def plain_frame(signer: Signer, bucket: str, now_s: int, age_s: int, **place: Any) -> Frame:
    """Of all links to a bucket that are made in one second and have nothing of their own.

    Args:
        place: further fields of `Where`, by name.
    Raises:
        PresignError: a name that isn't one.
    """
    where = Where(bucket, **place)
    signer = signer.at(where)
    base = base_url(where, signer.region, signer.endpoint)
    return Frame(base, f"/{bucket}/", *_plain_query(signer, now_s, age_s))


def finish(frame: Frame, method: str, key: str | None) -> str:
    """The URL. Raises: PresignError: the key can't be an object's."""
    base, resource, moment, canonical_query, wire_query, headers, additional_line, payload_line = frame
    path = encode_key(key)
    text = v4.canonical_request(method, resource + path, canonical_query, headers, additional_line, payload_line)
    signature = v4.sign(moment.key, v4.string_to_sign(moment.timestamp, moment.scope, text))
    return f"{base}{path}?{wire_query}&x-oss-signature={signature}"


def _make_frame(draft: Draft, signer: Signer) -> Frame:
    resource, signed = f"/{draft.where.bucket}/", draft.signed
    if not draft.own and not signed.additional_line:
        query = _plain_query(signer, draft.now_s, draft.age_s)
    else:
        moment = signing_moment(signer.access_key_id, signer.access_key_secret, signer.region, draft.now_s)
        pieces = (*draft.own, *_pieces(moment, draft.age_s, signer.security_token, signed.additional_line))
        query = moment, join(sorted(pieces)), join(pieces)
    return Frame(
        draft.base,
        resource,
        *query,
        v4.canonical_headers(signed.headers, signed.additional),
        signed.additional_line,
        signed.headers.get("x-oss-content-sha256", v4.UNSIGNED_PAYLOAD),
    )


@lru_cache(maxsize=64)
def _plain_query(signer: Signer, now_s: int, age_s: int) -> tuple[SigningMoment, str, str]:
    """(moment, canonical query, query as it goes out) of a link without parameters of its own: the same all second."""
    moment = signing_moment(signer.access_key_id, signer.access_key_secret, signer.region, now_s)
    pieces = _pieces(moment, age_s, signer.security_token, "")
    return moment, join(sorted(pieces)), join(pieces)


def _pieces(moment: SigningMoment, age_s: int, token: str | None, additional_line: str) -> Pieces:
    """The parameters of the signature but for itself, in the order in which they go out."""
    pieces: Pieces = (
        ("x-oss-signature-version", v4.ALGORITHM),
        ("x-oss-date", moment.timestamp),
        ("x-oss-expires", str(age_s)),
        ("x-oss-credential", moment.credential),
    )
    if token is not None:
        pieces = (*pieces, ("x-oss-security-token", encode(token)))
    if additional_line:
        pieces = (*pieces, ("x-oss-additional-headers", encode(additional_line)))
    return pieces

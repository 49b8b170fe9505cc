"""A draft of a link -> its URL, signed with V1. No region in it, and no upper limit to its life."""

from __future__ import annotations

from coatcheck.core.percent import decode, encode
from coatcheck.wire.query import Parameter
from coatcheck.wire.target import Target

from . import v1
from .credentials import Signer
from .draft import Draft
from .refusal import PresignError
from .url_parts import Pieces, encode_key, join


def sign_link(draft: Draft, signer: Signer) -> str:
    """The URL. Raises: PresignError: V1 can't say what it asks for."""
    target = Target(draft.where.bucket, draft.where.key)
    if target.key is None:
        raise PresignError("a V1 link can only address an object; use V4 for the bucket itself.")
    if draft.signed.additional:
        raise PresignError("V1 has no additional headers; use V4 to sign them.")
    path, ends_at = encode_key(target.key), str(draft.now_s + draft.age_s)
    pieces = _pieces(draft.own, ends_at, signer)
    resource = v1.canonicalized_resource(target, [Parameter(decode(name), decode(value)) for name, value in pieces])
    text = v1.string_to_sign(draft.method, draft.signed.headers, ends_at, resource)
    signature = encode(v1.sign(signer.access_key_secret, text))
    return f"{draft.base}{path}?{join(pieces)}&Signature={signature}"


def _pieces(own: Pieces, ends_at: str, signer: Signer) -> Pieces:
    """All parameters but the signature, in the order in which they go out."""
    pieces = (*own, ("OSSAccessKeyId", encode(signer.access_key_id)), ("Expires", ends_at))
    if signer.security_token is None:
        return pieces
    return (*pieces, ("security-token", encode(signer.security_token)))

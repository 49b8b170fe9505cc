"""The other direction of `post_policy.py`: the fields of a form by which whoever has them may upload to a bucket.

Offline, with the same v4 as everything else. The fields go before the file, whose field is called "file".
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, NamedTuple

from coatcheck.core.times import write_basic_iso, write_iso

from . import v4
from .credentials import Signer
from .options import FormOptions, Where


class PostForm(NamedTuple):
    """Where to post, and the fields to post before the file. `repr()` hides the signature.

    Attributes:
        expires_at_s: when it stops working, in Unix seconds.
    """

    url: str
    fields: dict[str, str]
    expires_at_s: int

    def __repr__(self) -> str:
        return f"PostForm({self.url}, key={self.fields['key']!r})"


def sign_form(signer: Signer, url: str, where: Where, form: FormOptions, now_s: int, age_s: int) -> PostForm:
    """
    Args:
        url: where the form goes.
        where: its key may hold ${filename}; what stands before it is what the file's key must start with.
        now_s, age_s: the Unix second it is signed at, and how many seconds it lives from then.
    """
    timestamp = write_basic_iso(now_s)
    scope = v4.Scope(timestamp[:8], signer.region)
    signing_fields = _signing_fields(signer, timestamp, scope)
    fields = dict(form.fields or {})
    policy = {
        "expiration": write_iso(now_s + age_s),
        "conditions": _conditions(where, form, signing_fields | fields),
    }
    text = b64encode(json.dumps(policy).encode()).decode("ascii")
    signature = v4.sign(v4.signing_key(signer.access_key_secret, scope), text)
    signed = {"key": where.key or "", **fields, **signing_fields, "policy": text, "x-oss-signature": signature}
    return PostForm(url, signed, now_s + age_s)


def _signing_fields(signer: Signer, timestamp: str, scope: v4.Scope) -> dict[str, str]:
    fields = {
        "x-oss-signature-version": v4.ALGORITHM,
        "x-oss-credential": f"{signer.access_key_id}/{scope}",
        "x-oss-date": timestamp,
    }
    return fields | {"x-oss-security-token": signer.security_token} if signer.security_token else fields


def _conditions(where: Where, form: FormOptions, fields: Mapping[str, str]) -> list[Any]:
    """What the policy holds against the form: bucket, key, each of `fields`, the file's size, the caller's own."""
    prefix, template, _ = (where.key or "").partition("${filename}")
    return [
        {"bucket": where.bucket},
        ["starts-with", "$key", prefix] if template else {"key": where.key},
        *({name: value} for name, value in fields.items()),
        *([] if form.max_bytes is None else [["content-length-range", 0, form.max_bytes]]),
        *form.conditions,
    ]

"""The other direction of `post_policy.py`: the fields of a form by which whoever has them may upload to a bucket.

Offline, with the same v4 as everything else. The fields go before the file, whose field is called "file".
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from coatcheck.core.times import write_basic_iso, write_iso

from . import v4


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


def sign_form(
    key: tuple[str, str, str | None],
    url: str,
    bucket: str,
    object_key: str,
    *,
    region: str,
    now_s: int,
    age_s: int,
    fields: Mapping[str, str],
    conditions: Sequence[Any],
) -> PostForm:
    """
    Args:
        key: access key id, secret, and the token of a temporary key.
        object_key: may hold ${filename}; what stands before it is what the file's key must start with.
        fields: further fields; each must come exactly so.
        conditions: further conditions, in the policy's own form.
    """
    access_key_id, secret, token = key
    timestamp = write_basic_iso(now_s)
    scope = v4.Scope(timestamp[:8], region)
    signing_fields = {
        "x-oss-signature-version": v4.ALGORITHM,
        "x-oss-credential": f"{access_key_id}/{scope}",
        "x-oss-date": timestamp,
        **({"x-oss-security-token": token} if token else {}),
    }
    prefix, template, _ = object_key.partition("${filename}")
    policy = {
        "expiration": write_iso(now_s + age_s),
        "conditions": [
            {"bucket": bucket},
            ["starts-with", "$key", prefix] if template else {"key": object_key},
            *({name: value} for name, value in (signing_fields | dict(fields)).items()),
            *conditions,
        ],
    }
    text = b64encode(json.dumps(policy).encode()).decode("ascii")
    signature = v4.sign(v4.signing_key(secret, scope), text)
    signed = {"key": object_key, **fields, **signing_fields, "policy": text, "x-oss-signature": signature}
    return PostForm(url, signed, now_s + age_s)

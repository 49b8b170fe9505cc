"""The other direction of `s3_form_scheme.py`: the fields of an S3 form, in the order and in the words of botocore."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from coatcheck.core.times import write_basic_iso, write_iso

from . import s3_v4, v1
from .credentials import Signer
from .options import FormOptions, Where
from .post_form import PostForm
from .v4 import Scope, sign


def sign_s3_form(
    signer: Signer, url: str, where: Where, form: FormOptions, now_s: int, age_s: int, *, is_v4: bool
) -> PostForm:
    """
    Args:
        url: where the form goes.
        where: its key may hold ${filename}; what stands before it is what the file's key must start with.
        now_s, age_s: the Unix second it is signed at, and how many seconds it lives from then.
    """
    timestamp = write_basic_iso(now_s)
    scope = Scope(timestamp[:8], signer.region, s3_v4.SERVICE)
    signing = _signing_fields(signer, timestamp, scope) if is_v4 else _token(signer)
    policy = {
        "expiration": write_iso(now_s + age_s).replace(".000", ""),
        "conditions": [*_own_conditions(form), *_conditions(where, signing)],
    }
    text = b64encode(json.dumps(policy).encode()).decode("ascii")
    fields = {**(form.fields or {}), "key": where.key or ""}
    if is_v4:
        signature = sign(s3_v4.signing_key(signer.access_key_secret, scope), text)
        fields |= {**signing, "policy": text, "x-amz-signature": signature}
    else:
        signature = v1.sign(signer.access_key_secret, text)
        fields |= {"AWSAccessKeyId": signer.access_key_id, **signing, "policy": text, "signature": signature}
    return PostForm(url, fields, now_s + age_s)


def _signing_fields(signer: Signer, timestamp: str, scope: Scope) -> dict[str, str]:
    return {
        "x-amz-algorithm": s3_v4.ALGORITHM,
        "x-amz-credential": f"{signer.access_key_id}/{s3_v4.write_scope(scope)}",
        "x-amz-date": timestamp,
        **_token(signer),
    }


def _token(signer: Signer) -> dict[str, str]:
    return {} if signer.security_token is None else {"x-amz-security-token": signer.security_token}


def _own_conditions(form: FormOptions) -> list[Any]:
    """Each field has one, since S3 refuses those that no condition names: the caller's, or that it comes exactly so."""
    named = _named_by(form.conditions)
    exact = [{name: value} for name, value in (form.fields or {}).items() if name.lower() not in named]
    sizes = [] if form.max_bytes is None else [["content-length-range", 0, form.max_bytes]]
    return [*exact, *form.conditions, *sizes]


def _conditions(where: Where, signing: Mapping[str, str]) -> list[Any]:
    prefix, template, _ = (where.key or "").partition("${filename}")
    key = ["starts-with", "$key", prefix] if template else {"key": where.key}
    return [{"bucket": where.bucket}, key, *({name: value} for name, value in signing.items())]


def _named_by(conditions: Sequence[Any]) -> set[str]:
    """The fields that conditions are about, in lower case; what isn't one names none."""
    named: set[str] = set()
    for condition in conditions:
        if isinstance(condition, Mapping):
            named.update(str(name).lower() for name in condition)
        elif isinstance(condition, Sequence) and len(condition) > 1:
            named.add(str(condition[1]).removeprefix("$").lower())
    return named

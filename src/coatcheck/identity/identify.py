"""Claim -> keyring -> verify -> Caller: the first await of a request."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from coatcheck.core.errors import DISABLED_ACCESS_KEY_ID, SIGNATURE_DOES_NOT_MATCH, UNKNOWN_ACCESS_KEY_ID, OssError
from coatcheck.ports.keyring import AccessKey, KeyLookup
from coatcheck.signing.claim import Claim, V4Claim, read_claim
from coatcheck.signing.form_claim import check_form_claim, read_form_claim
from coatcheck.signing.post_policy import check_post_policy, read_post_policy
from coatcheck.signing.verify import check_claim, check_token, verify, verify_form
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target, second_reading

from .caller import ANONYMOUS, Caller


async def identify(
    request: Request, target: Target, keyring: KeyLookup, *, now: float, regions: Collection[str]
) -> tuple[Caller, Target]:
    """Who asks, and for what: the target is the other reading of the address where only that one verifies.

    Raises:
        OssError: what `read_claim`, `check_claim` and `verify` refuse; UNKNOWN_ACCESS_KEY_ID, DISABLED_ACCESS_KEY_ID.
    """
    claim = read_claim(request)
    if claim is None:
        return ANONYMOUS, target
    check_claim(claim, now=now, regions=regions, target=target)
    key = await _find_key(keyring, claim.access_key_id)
    check_token(claim, is_sts_key=False)
    try:
        verify(claim, request, target, key.access_key_secret)
    except OssError as error:
        target = _verify_second_reading(claim, request, target, key, error)
    listed = claim.additional_headers if isinstance(claim, V4Claim) else ()
    return Caller(key.account, key.access_key_id, claim.presigned, frozenset(listed)), target


class Poster(NamedTuple):
    """Who posts a form, and the (least, most) bytes of each size range in its policy."""

    caller: Caller
    sizes: tuple[tuple[int, int], ...] = ()


async def identify_form(
    fields: Mapping[str, str], keyring: KeyLookup, *, now: float, regions: Collection[str], door: str | None
) -> Poster:
    """Who posts a form: the one who signed its policy, which is held against the fields; or nobody in particular.

    Args:
        fields: the form's, names in lower case, with `bucket` and `content-type` as they will be used.
        door: the region that the address stands for, if it does.
    Raises:
        OssError: what `read_form_claim`, `check_form_claim`, `verify_form` and the policy refuse.
    """
    claim = read_form_claim(fields)
    if claim is None:
        return Poster(ANONYMOUS)
    check_form_claim(claim, now=now, regions=regions, door=door)
    key = await _find_key(keyring, claim.access_key_id)
    check_token(claim, is_sts_key=False)
    verify_form(claim, key.access_key_secret)
    policy = read_post_policy(claim.policy)
    check_post_policy(policy, fields, now=now)
    return Poster(Caller(key.account, key.access_key_id, True, policy.fields), policy.sizes)


async def _find_key(keyring: KeyLookup, access_key_id: str) -> AccessKey:
    key = await keyring.find_key(access_key_id)
    if key is None:
        raise UNKNOWN_ACCESS_KEY_ID(OSSAccessKeyId=access_key_id)
    if not key.enabled:
        raise DISABLED_ACCESS_KEY_ID(OSSAccessKeyId=access_key_id)
    return key


def _verify_second_reading(claim: Claim, request: Request, target: Target, key: AccessKey, error: OssError) -> Target:
    """See `wire.target.second_reading`; the first refusal is the one that is told."""
    other = second_reading(request, target) if error.fault is SIGNATURE_DOES_NOT_MATCH else None
    if other is None:
        raise error
    try:
        verify(claim, request, other, key.access_key_secret)
    except OssError:
        raise error from None
    return other

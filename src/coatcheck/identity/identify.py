"""Claim -> keyring -> verify -> Caller: the first await of a request."""

from __future__ import annotations

from collections.abc import Collection

from coatcheck.core.errors import DISABLED_ACCESS_KEY_ID, SIGNATURE_DOES_NOT_MATCH, UNKNOWN_ACCESS_KEY_ID, OssError
from coatcheck.ports.keyring import AccessKey, KeyLookup
from coatcheck.signing.claim import Claim, V4Claim, read_claim
from coatcheck.signing.verify import check_claim, check_token, verify
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

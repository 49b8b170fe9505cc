"""Claim, and the key that was found -> verify -> Caller."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Final

from coatcheck.core.errors import (
    DISABLED_ACCESS_KEY_ID,
    UNKNOWN_ACCESS_KEY_ID,
    USER_DISABLE,
    OssError,
)
from coatcheck.core.record import Record
from coatcheck.ports.keyring import AccessKey, KeyUse
from coatcheck.ports.snapshot import Lookup, Reads, Snapshot
from coatcheck.signing.form_scheme import FormClaim
from coatcheck.signing.post_policy import PostPolicy, check_post_policy, read_post_policy
from coatcheck.signing.scheme import Claim, SignersNow, one_clock
from coatcheck.signing.verify import check_claim, check_scope, check_token, is_signed, verify, verify_form
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target, other_readings

from .caller import ANONYMOUS, Caller
from .readings import Reading
from .session import TEMPORARY, Holder, find_holder, make_temporary_key


def ask_for_key(claim: Claim | None, keyring: KeyUse) -> Lookup:
    """What has to be known of whoever a claim names."""
    if claim is None:
        return _NOBODY
    if claim.access_key_id.startswith(TEMPORARY):
        role_uid, base_key = find_holder(keyring, claim.security_token or "")
        return Lookup(access_key_id=base_key, role_uid=role_uid)
    return Lookup(access_key_id=claim.access_key_id)


_NOBODY: Final = Lookup()


def identify(
    request: Request,
    claim: Claim | None,
    target: Target,
    snapshot: Snapshot,
    keyring: KeyUse,
    *,
    now: float,
    regions: Collection[str],
    signers_now: SignersNow = one_clock,
) -> tuple[Caller, Target, str]:
    """Who asks, for what, and the text that was signed: the target is another reading of the address where only that
    one verifies; the text is "" where nothing was signed.

    Args:
        claim: the request's, whose scope has been checked; None if it isn't signed.
        snapshot: of a lookup that has the parts of `ask_for_key`.
        signers_now: by which the claim's time is checked.
    Raises:
        OssError: what `check_claim`, `find_key` and `verify` refuse.
    """
    if claim is None:
        return ANONYMOUS, target, ""
    check_claim(claim, now=signers_now(claim, now), target=target)
    key = find_key(claim, snapshot, keyring, now)
    target, text = verify_reading(claim, request, target, key)
    if claim.security_token is None:
        keyring.note_use(key.access_key_id, now)
    if target.region is None and len(regions) > 1:
        target = target._replace(region=claim.region)  # an endpoint of no region: the signer says which is meant
    return caller_of(key, claim, frozenset(claim.additional_headers)), target, text


def recognise(reading: Reading, snapshot: Snapshot, keyring: KeyUse, now: float) -> Caller | None:
    """Who asks by a link that has verified before; None if it wouldn't now: it has ended, or its key is another one.

    Args:
        reading: of these very bytes. Of time and key nothing is remembered.
        snapshot: of a lookup that has the parts of `ask_for_key`.
    """
    kind, signature = reading.kind, reading.signature
    claim, end_s = kind.claim, reading.end_s
    if not end_s - kind.lasts_s <= now <= end_s:
        return None
    try:
        key = find_key(claim, snapshot, keyring, now)
    except OssError:
        return None
    if not is_signed(claim, reading.text, signature, key.access_key_secret):
        return None
    if claim.security_token is None:
        keyring.note_use(key.access_key_id, now)
    return caller_of(key, claim, kind.signed_headers, signature)


class Poster(Record, frozen=True):
    """Who posts a form.

    Attributes:
        sizes: the (least, most) bytes of each size range in its policy.
        signed_at_s: Unix seconds; None where it doesn't say.
    """

    caller: Caller
    sizes: tuple[tuple[int, int], ...] = ()
    signed_at_s: int | None = None


def _allow_more(_: PostPolicy, __: Mapping[str, str]) -> None:
    """What no condition of a policy names is allowed."""


class SignedFields(Record, frozen=True):
    """What a form says.

    Attributes:
        claim: None if it isn't signed.
        fields: names in lower case, with `bucket` and `content-type` as they will be used.
        check: what the dialect says of fields that no condition names; raises OssError.
    """

    claim: FormClaim | None
    fields: Mapping[str, str]
    check: Callable[[PostPolicy, Mapping[str, str]], None] = _allow_more


async def identify_form(
    form: SignedFields,
    target: Target,
    reads: Reads,
    keyring: KeyUse,
    *,
    now: float,
    regions: Collection[str],
    signers_now: SignersNow = one_clock,
) -> Poster:
    """Who posts a form: the one who signed its policy, which is held against the fields; or nobody in particular.

    Args:
        target: what the form's address says.
    Raises:
        OssError: what `check_scope`, `check_claim`, `verify_form` and the policy refuse.
    """
    claim = form.claim
    if claim is None:
        return Poster(ANONYMOUS)
    check_scope(claim, regions=regions, target=target)
    check_claim(claim, now=signers_now(claim, now), target=target)
    key = find_key(claim, await reads.read(ask_for_key(claim, keyring)), keyring, now)
    verify_form(claim, key.access_key_secret)
    if claim.security_token is None:
        keyring.note_use(key.access_key_id, now)
    policy = read_post_policy(claim.policy)
    check_post_policy(policy, form.fields, now=now)
    form.check(policy, form.fields)
    return Poster(caller_of(key, claim, policy.fields), policy.sizes, claim.signed_at_s)


def caller_of(
    key: AccessKey, claim: Claim, signed_headers: frozenset[str] = frozenset(), signature: str = ""
) -> Caller:
    """Whoever holds a key. Only for a claim whose signature was verified with it; `signature` where it has none."""
    by_link = claim.scheme.is_link
    signature = (signature or claim.signature) if by_link else ""
    return Caller(key.account, key.access_key_id, by_link, signed_headers, key.principal, signature)


def find_key(claim: Claim, snapshot: Snapshot, keyring: KeyUse, now: float) -> AccessKey:
    """The key that a claim names and, for a temporary one, its token.

    Raises:
        OssError: UNKNOWN_ACCESS_KEY_ID, DISABLED_ACCESS_KEY_ID, USER_DISABLE; what `make_temporary_key` refuses.
    """
    access_key_id, token = claim.access_key_id, claim.security_token
    if access_key_id.startswith(TEMPORARY):
        check_token(access_key_id, token, is_sts_key=True)
        key = make_temporary_key(
            keyring, access_key_id, token or "", Holder(snapshot.role(), snapshot.access_key()), now
        )
    else:
        found = snapshot.access_key()
        if found is None:
            raise UNKNOWN_ACCESS_KEY_ID(OSSAccessKeyId=access_key_id)
        if not found.enabled:
            raise DISABLED_ACCESS_KEY_ID(OSSAccessKeyId=access_key_id)
        check_token(access_key_id, token, is_sts_key=False)
        key = found
    if key.suspended:
        raise USER_DISABLE()
    return key


def verify_reading(claim: Claim, request: Request, target: Target, key: AccessKey) -> tuple[Target, str]:
    """The target, or another reading of the address where only that one verifies; and the text that was signed.

    Raises: OssError, what `verify` refuses the first of them with.
    """
    try:
        return target, verify(claim, request, target, key.access_key_secret)
    except OssError as error:
        return _verify_other_reading(claim, request, target, key, error)


def _verify_other_reading(
    claim: Claim, request: Request, target: Target, key: AccessKey, error: OssError
) -> tuple[Target, str]:
    """See `wire.target.other_readings`; the first refusal is the one that is answered."""
    for other in other_readings(request, target):
        with suppress(OssError):
            return other, verify(claim, request, other, key.access_key_secret)
    raise error

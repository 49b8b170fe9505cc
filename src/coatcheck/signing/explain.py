"""What a link grants, and why it does not work. Offline and pure; any text is answered, nothing raises."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from typing import Any, Final, Literal, cast

from msgspec import Struct, field

from coatcheck.core.errors import ACCESS_KEY_ID_CHARACTERS, OssError
from coatcheck.core.limits import CLOCK_SKEW_MAX_S
from coatcheck.core.names import is_access_key_id
from coatcheck.core.times import write_duration
from coatcheck.wire.query import Query
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target

from . import s3_v4
from .any_claim import link_schemes, read_any_claim
from .attempt import Attempt, is_signed_by
from .claim_parts import absent_headers
from .link import Address, read_address, read_link
from .mistakes import find_mistake
from .s3_v4_scheme import REGION_ALIASES
from .scheme import Claim, Dialect, Glance, Scheme
from .v4 import TERMINATOR

_TOKENS: Final = ("x-oss-security-token", "security-token", "X-Amz-Security-Token", "x-amz-security-token")
State = Literal["valid", "expired", "not yet valid", "unknown"]

_NO_TARGET: Final = (
    "The address holds no bucket and key. At an IP address or localhost the bucket is the first part of the path "
    "(ali-oss: sldEnable, others: path style)."
)


class Explanation(Struct, frozen=True):
    """What is known of a link; None or empty where it doesn't say.

    Attributes:
        version: of the signature, "V4", "V2" or "V1"; None if the link isn't signed.
        bucket, key: what it addresses. For an own domain the bucket isn't knowable (see `notes`).
        starts_at_s, expires_at_s: Unix seconds; a V4 link is taken from 15 minutes before its start.
        left_s: seconds left; negative once it has expired.
        required_headers: names of headers that must be sent with the values they were signed with.
        response_headers: what the answer's headers are changed to.
        notes: what a user of the link should know.
        problems: why it will not work, each a sentence that says what to do.
        verified: whether the secret signed it; None without a secret.
        dialect: whose link it is; None if it isn't signed.
    """

    version: Literal["V4", "V2", "V1"] | None = None
    method: str = "GET"
    access_key_id: str | None = None
    region: str | None = None
    bucket: str | None = None
    key: str | None = None
    starts_at_s: int | None = None
    expires_at_s: int | None = None
    left_s: int | None = None
    state: State = "unknown"
    required_headers: tuple[str, ...] = ()
    process: str | None = None
    response_headers: dict[str, str] = field(default_factory=dict)
    version_id: str | None = None
    traffic_limit: str | None = None
    source_ip: str | None = None
    has_security_token: bool = False
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    verified: bool | None = None
    dialect: Dialect | None = None


def explain(
    url: str,
    *,
    now: float,
    secret: str | None = None,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    bucket: str | None = None,
) -> Explanation:
    """
    Args:
        now: Unix seconds.
        secret: of the link's access key; with it the signature is checked and, if it doesn't match, the usual mistakes
            are tried.
        method, headers: what the link is used with.
        bucket: for links on an own domain, which don't name their bucket.
    """
    problems: list[str] = []
    if "&amp;" in url:
        problems.append("The link was copied out of HTML: '&amp;' stands where '&' belongs. Replace it.")
        url = html.unescape(url)
    if f"%252F{TERMINATOR}" in url or f"%252F{s3_v4.TERMINATOR}" in url:
        problems.append("The link was percent-encoded twice (%25 where there was %): use it as the signer gave it.")
        url = url.replace("%25", "%")
    request = read_link(url, method, headers)
    query = request.query
    scheme, seen = _glance(query)
    if scheme is None or seen is None:
        return Explanation(method=request.method, problems=(*problems, _why_unsigned(query)))
    address = read_address(request, bucket)
    starts_at_s, expires_at_s = seen.starts_at_s, seen.expires_at_s
    target, verified, why = _check(request, address, secret)
    problems += _time_problems(starts_at_s, expires_at_s, now) + why
    if scheme.dialect == "OSS" or seen.region not in REGION_ALIASES:
        problems += _region_problems(seen.region, address.region)
    overrides = [name for name in query.first if name.startswith("response-")]
    return Explanation(
        version=cast("Literal['V4', 'V2', 'V1']", scheme.version),  # links of these are all that we speak
        method=request.method,
        access_key_id=seen.access_key_id,
        region=seen.region,
        bucket=target.bucket,
        key=target.key,
        starts_at_s=starts_at_s,
        expires_at_s=expires_at_s,
        left_s=None if expires_at_s is None else math.floor(expires_at_s - now),
        state=_state(starts_at_s, expires_at_s, now),
        required_headers=seen.required_headers,
        process=query.get("x-oss-process"),
        response_headers={name.removeprefix("response-"): query.first[name] for name in overrides},
        version_id=query.get("versionId"),
        traffic_limit=query.get("x-oss-traffic-limit"),
        source_ip=query.get("x-oss-ac-source-ip"),
        has_security_token=any(query.get(name) for name in _TOKENS),
        notes=_notes(request, address, verified) if scheme.dialect == "OSS" else _s3_notes(request),
        problems=tuple(problems),
        verified=verified,
        dialect=scheme.dialect,
    )


def _check(request: Request, address: Address, secret: str | None) -> tuple[Target, bool | None, list[str]]:
    """(what the link addresses, whether `secret` signed it, why it will be refused)."""
    target = address.targets[0] if address.targets else Target()
    try:
        claim = read_any_claim(request)
    except OssError as error:
        return target, None, [f"{error.message} {_if_cut_off(request.query)}".strip()]
    if claim is not None and not is_access_key_id(claim.access_key_id):
        return target, None, [ACCESS_KEY_ID_CHARACTERS.message]
    if claim is None or not address.targets:
        return target, None, [_NO_TARGET]
    if claim.scheme.dialect == "S3" and claim.scheme.version == "V4":
        unsigned = s3_v4.find_unsigned(request.headers, claim.additional_headers)
        if unsigned:
            return target, None, [f"{', '.join(unsigned)}: sent but not signed. Don't send it, or have it signed."]
    if secret is None:
        return target, None, []
    attempts = [Attempt(request, found, claim) for found in address.targets]
    for attempt in attempts:
        if is_signed_by(attempt, secret):
            return attempt.target, True, []
    return target, False, [_why_mismatch(attempts[0], secret, address)]


def _glance(query: Query) -> tuple[Scheme[Any, Any] | None, Glance | None]:
    """(scheme, what it says) by the first that sees a signature of its own."""
    for scheme in link_schemes():
        seen = scheme.glance(query)
        if seen is not None:
            return scheme, seen
    return None, None


def _why_unsigned(query: Query) -> str:
    if any(name.startswith(("x-oss-", "X-Amz-")) for name in query.first):
        return "The link has no signature: copy all of it, and quote it in a shell, where '&' ends a command."
    return "The link is not signed: it works only if the object is public."


def _if_cut_off(query: Query) -> str:
    """What to add when a parameter is missing: most often it is the end of the link."""
    if query.get("x-oss-signature") or query.get("Signature") or query.get("X-Amz-Signature"):
        return ""
    return "The link is not whole: copy all of it, and quote it in a shell, where '&' ends a command."


def _why_mismatch(attempt: Attempt[Claim], secret: str, address: Address) -> str:
    claim = attempt.claim
    whole = claim.scheme.signature_chars
    if len(claim.signature) < whole:
        return f"The link was cut off: its signature has {len(claim.signature)} of {whole} characters. Copy all of it."
    if absent := absent_headers(claim, attempt.request):
        return f"{absent} Send them with the values they were signed with."
    target = attempt.target._replace(region=address.region)
    mistake = find_mistake(attempt._replace(target=target), address.mixed_up, secret)
    if mistake is not None:
        return mistake
    if claim.scheme.dialect == "S3":
        return (
            "The signature doesn't match and no usual mistake explains it: the secret isn't the one it was signed "
            f"with, the link was changed, or it was signed for another host name than {attempt.request.host}."
        )
    return (
        "The signature doesn't match and no usual mistake explains it: the secret isn't the one it was signed with, "
        "or the link was changed after signing."
    )


def _state(starts_at_s: int | None, expires_at_s: int | None, now: float) -> State:
    if expires_at_s is None:
        return "unknown"
    if now > expires_at_s:
        return "expired"
    return "not yet valid" if starts_at_s is not None and now < starts_at_s - CLOCK_SKEW_MAX_S else "valid"


def _time_problems(starts_at_s: int | None, expires_at_s: int | None, now: float) -> list[str]:
    state = _state(starts_at_s, expires_at_s, now)
    if state == "expired" and expires_at_s is not None:
        return [f"The link expired {write_duration(now - expires_at_s)} ago: ask for a new one."]
    if state == "not yet valid" and starts_at_s is not None:
        return [
            f"The link starts in {write_duration(starts_at_s - now)}: the signer's clock is ahead, this one is behind, "
            "or the signer wrote local time where UTC belongs."
        ]
    return []


def _region_problems(signed: str | None, addressed: str | None) -> list[str]:
    if signed is None or addressed is None or signed == addressed:
        return []
    return [f"It is signed for region {signed}, but its address is in {addressed}: sign it for that region."]


def _s3_notes(request: Request) -> tuple[str, ...]:
    notes = [f"S3 signs the host: the link works under {request.host} alone, and a proxy must pass that name on."]
    if b"+" in request.raw_path:
        notes.append("A '+' in the path is a plus in S3. Write a space as %20.")
    return tuple(notes)


def _notes(request: Request, address: Address, verified: bool | None) -> tuple[str, ...]:
    notes = [
        "A Content-Type, Content-MD5 or x-oss-* header must be sent if, and only if, the signer had it, with the same "
        "value; the link does not say which."
    ]
    if not address.is_certain and verified is not True:
        notes.append("The bucket can't be told from an own domain; give it to be sure.")
    if b"+" in request.raw_path:
        notes.append("A '+' in the path is a space; it is a plus only if the signer signed one. Write %20, or %2B.")
    return tuple(notes)

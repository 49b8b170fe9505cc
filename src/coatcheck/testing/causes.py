"""Why a request was refused, in one line for a person: the cause that `explain` finds, or what the refusal says."""

from __future__ import annotations

from typing import Final

from coatcheck.core.errors import OssError
from coatcheck.exchange import Exchange
from coatcheck.signing.attempt import Attempt
from coatcheck.signing.claim import read_claim
from coatcheck.signing.link import read_address
from coatcheck.signing.mistakes import find_mistake

_MISMATCH: Final = "SignatureDoesNotMatch"
_TOLD: Final = ("Expires", "ServerTime", "RequestTime", "Header", "BucketName", "Key", "Endpoint", "ArgumentName")


def find_cause(exchange: Exchange, error: OssError | None, secret: str | None) -> str:
    """One line; "" for a request that wasn't refused.

    Args:
        error: what it was refused with, where the pipeline did.
        secret: of the key that it names, if there is such a key; a usual mistake of a signer is looked for with it.
    """
    if error is None:
        return exchange.refusal and f"{exchange.refusal}."
    if error.code == _MISMATCH and secret is not None and (mistake := _find_mistake(exchange, secret)):
        return mistake
    facts = [f"{name} {error.facts[name]}" for name in _TOLD if error.facts.get(name)]
    return f"{' '.join(error.message.split())}{_write_denied(error)}" + (f" ({', '.join(facts)})" if facts else "")


def _write_denied(error: OssError) -> str:
    """Which policy had no Allow for what, or a Deny."""
    for name, details in error.nested:
        if name == "AccessDeniedDetail":
            told = dict(details)
            says = "denies" if told["NoPermissionType"] == "ExplicitDeny" else "doesn't allow"
            whom = told["AuthPrincipalDisplayName"] or "nobody"
            return f" {told['PolicyType']} {says} {told['AuthAction']} to {whom}."
    return ""


def _find_mistake(exchange: Exchange, secret: str) -> str | None:
    request = exchange.request
    try:
        claim = read_claim(request)
    except OssError:
        return None
    address = read_address(request, exchange.bucket or None)
    if claim is None or not address.targets:
        return None
    found = find_mistake(Attempt(request, address.targets[0], claim), address.mixed_up, secret)
    return found or "The secret isn't that of the access key, or the request was changed after it was signed."

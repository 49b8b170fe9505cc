"""The JSON of the service: what may arrive, each member with its bounds, and what is answered."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from coatcheck.core.addresses import read_network
from coatcheck.core.errors import INVALID_ARGUMENT, MISSING_ARGUMENT
from coatcheck.core.limits import LINK_DOWNLOADS_MAX, LINK_NETWORKS_MAX, LINK_RATE_MAX_BITS, LINK_RATE_MIN_BITS
from coatcheck.core.times import write_iso, write_iso_ms
from coatcheck.links.uses import Uses
from coatcheck.ports.link_totals import NO_TOTALS, Totals
from coatcheck.ports.links import Limits, Link, Rule
from coatcheck.ports.refusals import Refusal

_TEXT_MAX_CHARS: Final = 16 * 1024

Document = Mapping[str, Any]


def read_document(body: bytes, known: frozenset[str]) -> Document:
    """The members of a JSON object.

    Raises: OssError INVALID_ARGUMENT, for anything else, a member that is not known, or one that comes twice.
    """
    try:
        document = json.loads(body or b"{}", object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise INVALID_ARGUMENT(f"The body is not a JSON document: {error}"[:300]) from None
    if not isinstance(document, dict):
        raise INVALID_ARGUMENT("The body has to be a JSON object.")
    for name in document.keys() - known:
        message = f"There is no member of that name. Known are: {', '.join(sorted(known)) or 'none'}."
        raise INVALID_ARGUMENT(message, ArgumentName=name[:64])
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is given more than once")
    return members


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def read_text(document: Document, name: str, most: int = _TEXT_MAX_CHARS) -> str:
    """A member that is text; "" where it isn't given. Raises: OssError INVALID_ARGUMENT."""
    value = document.get(name, "")
    if not isinstance(value, str) or len(value) > most or not _is_encodable(value):
        raise _wrong(name, f"has to be text of at most {most} characters")
    return value


def need_text(document: Document, name: str) -> str:
    """Raises: OssError MISSING_ARGUMENT, INVALID_ARGUMENT."""
    value = read_text(document, name)
    if not value:
        raise MISSING_ARGUMENT(f"{name} is needed.", ArgumentName=name)
    return value


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def read_flag(document: Document, name: str) -> bool:
    value = document.get(name, False)
    if not isinstance(value, bool):
        raise _wrong(name, "has to be true or false")
    return value


def read_moment(document: Document, name: str) -> int | None:
    """A time with its zone, as Unix seconds; None where it isn't given. Raises: OssError INVALID_ARGUMENT."""
    text = document.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None or not 1970 <= moment.year <= 9998:
            raise ValueError
    except (TypeError, ValueError):
        raise _wrong(name, "has to be a time with its zone, such as 2026-11-27T21:30:00Z") from None
    return int(moment.astimezone(UTC).timestamp())


def read_limits(document: Document) -> Limits:
    """Raises: OssError INVALID_ARGUMENT."""
    networks = document.get("networks", [])
    if not isinstance(networks, list) or len(networks) > LINK_NETWORKS_MAX:
        raise _wrong("networks", f"has to be a list of at most {LINK_NETWORKS_MAX} networks")
    downloads = document.get("downloads")
    return Limits(
        None if downloads is None else read_whole(document, "downloads", 1, LINK_DOWNLOADS_MAX),
        tuple(_read_network(network) for network in networks),
        read_moment(document, "starts_at") or 0,
        _read_rate(document),
    )


def _read_rate(document: Document) -> int:
    if document.get("rate_bits_per_s") is None:
        return 0
    return read_whole(document, "rate_bits_per_s", LINK_RATE_MIN_BITS, LINK_RATE_MAX_BITS)


def read_whole(document: Document, name: str, least: int, most: int) -> int:
    """Raises: OssError INVALID_ARGUMENT."""
    value = document[name]
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise _wrong(name, f"has to be a whole number from {least} to {most}")
    return value


def _read_network(value: Any) -> str:
    try:
        return str(read_network(value))
    except (ValueError, AttributeError) as error:
        raise _wrong("networks", f"has to be networks: {error}"[:200]) from None


def _wrong(name: str, why: str) -> Exception:
    return INVALID_ARGUMENT(f"{name} {why}.", ArgumentName=name)


# --- answers --------------------------------------------------------------------------------------------------------


def write_link(link: Link, now: float, uses: Uses | None = None, totals: Totals = NO_TOTALS) -> dict[str, Any]:
    """A link as its owners see it. `state`: cancelled, ended, used up, or live."""
    taken = 0 if uses is None else uses.taken
    limits = link.limits
    document = {
        "id": link.id,
        "state": _state_of(link, taken, now),
        "access_key_id": link.access_key_id,
        "bucket": link.bucket,
        "key": link.key,
        "note": link.note,
        "registered_at": write_iso(link.registered_at),
        "ends_at": _write_moment(link.ends_at),
        "cancelled_at": _write_moment(link.cancelled_at),
        "downloads": limits.downloads,
        "networks": list(limits.networks),
        "starts_at": _write_moment(limits.starts_at or None),
        "rate_bits_per_s": limits.rate_bits_per_s or None,
        "uses": totals.uses,
        "bytes": totals.sent_bytes,
        "broken": totals.broken,
        "refused": totals.refused,
        "last_use_at": write_iso_ms(totals.last_use_ms) if totals.last_use_ms else None,
    }
    if uses is not None:
        document |= {"downloads_taken": taken, "running": sum(len(use.running) for use in uses.open)}
    return document


def write_rule(rule: Rule) -> dict[str, Any]:
    scope = rule.scope
    where: Callable[[bool], str | None] = lambda exact: scope.key if scope.key and scope.exact is exact else None  # noqa: E731
    return {
        "access_key_id": scope.access_key_id or None,
        "bucket": scope.bucket or None,
        "prefix": where(False),
        "key": where(True),
        "cancelled_before": _write_moment(rule.cancelled_before or None),
        "registered_only": rule.registered_only,
        "made_at": write_iso(rule.made_at),
    }


def write_refusal(refusal: Refusal) -> dict[str, Any]:
    return {
        "request_id": refusal.id,
        "time": write_iso(refusal.time),
        "method": refusal.method,
        "operation": refusal.operation or None,
        "bucket": refusal.bucket or None,
        "access_key_id": refusal.access_key_id,
        "signature_held": refusal.proven,
        "status": refusal.status,
        "code": refusal.code,
        "ec": refusal.ec or None,
        "reason": refusal.reason,
        "hint": refusal.hint or None,
    }


def _state_of(link: Link, taken: int, now: float) -> str:
    if link.cancelled_at is not None:
        return "cancelled"
    if link.ends_at is not None and link.ends_at < now:
        return "ended"
    if link.limits.downloads is not None and taken >= link.limits.downloads:
        return "used up"
    return "live"


def _write_moment(seconds: int | None) -> str | None:
    return None if seconds is None else write_iso(seconds)

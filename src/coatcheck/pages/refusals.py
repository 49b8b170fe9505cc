"""A refusal -> what a person is told: what happened, and what to do next."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

from coatcheck.core.errors import OssError

from .amounts import write_ago, write_moment
from .texts import TEXTS

_BY_EC: Final = {
    "9000-00000001": ("cancelled", "ask_again"),
    "9000-00000002": ("used_up", "ask_again"),
    "9000-00000003": ("not_started", "come_back"),
    "9000-00000004": ("wrong_address", "ask_sender"),
    "9000-00000005": ("refused", "ask_sender"),
    "9000-00000006": ("refused", "ask_sender"),
    "9000-00000020": ("unknown", "copy_whole"),
    "9000-00000021": ("ended", "ask_again"),
    "9000-00000022": ("cancelled", "ask_again"),
    "9000-00000023": ("used_up", "ask_again"),
    "9000-00000024": ("not_allowed", "ask_again"),
    "9000-00000029": ("too_often", "wait"),
    "9000-00000030": ("gone", "ask_sender"),
}
_BY_CODE: Final = {
    "NoSuchKey": ("gone", "ask_sender"),
    "NoSuchVersion": ("gone", "ask_sender"),
    "NoSuchBucket": ("gone", "ask_sender"),
    "SignatureDoesNotMatch": ("damaged", "copy_whole"),
    "InvalidAccessKeyId": ("not_allowed", "ask_again"),
    "AuthorizationQueryParametersError": ("damaged", "copy_whole"),
    "SecurityTokenExpired": ("ended", "ask_again"),
}
_EXPIRED: Final = "Expires"


UPLOAD_REASONS: Final = {
    "9000-00000050": "box_files_full",
    "9000-00000051": "box_bytes_full",
    "9000-00000052": "box_too_large",
    "9000-00000053": "box_wrong_type",
    "9000-00000054": "box_wrong_name",
    "9000-00000057": "box_busy",
    "9000-00000021": "ended",
    "9000-00000022": "cancelled",
    "9000-00000024": "not_allowed",
    "": "box_failed",
}


class Sentences(NamedTuple):
    what: str
    next: str


def word_refusal(error: OssError, language: str, now: float) -> Sentences:
    """In a language."""
    what, then = _BY_EC.get(error.ec) or _BY_CODE.get(error.code) or _by_facts(error)
    said = TEXTS[what][language]
    if what == "ended" and (moment := _read(error.facts.get(_EXPIRED))) is not None and moment < now:
        said = TEXTS["ended_ago"][language].format(write_ago(now - moment, language))
    if what == "not_started" and (moment := _read(error.facts.get("ValidFrom"))) is not None:
        said = TEXTS["not_started_until"][language].format(write_moment(moment))
    return Sentences(said, TEXTS[then][language])


def word_upload(error: OssError, language: str) -> str:
    """Why a file wasn't taken."""
    return TEXTS[UPLOAD_REASONS.get(error.ec, "box_failed")][language]


def _by_facts(error: OssError) -> tuple[str, str]:
    """Whose time is over says when it was; all else is the sender's affair, or ours."""
    if error.code == "AccessDenied" and _EXPIRED in error.facts:
        return "ended", "ask_again"
    if error.status == 429:
        return "too_often", "wait"
    return ("not_now", "wait") if error.status >= 500 else ("refused", "ask_sender")


def _read(text: str | None) -> float | None:
    try:
        return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None

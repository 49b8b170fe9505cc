"""The routes of notices: who is told of what comes of a link, or of all links of a bucket."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from coatcheck.access.link_rights import LinkAction, LinkGrant, Place
from coatcheck.core.errors import INVALID_ARGUMENT, LINK_AUDIT_OFF, LINK_UNKNOWN, MISSING_ARGUMENT, NO_SUCH_BUCKET
from coatcheck.core.limits import LINK_NOTICE_URL_MAX_CHARS
from coatcheck.core.times import write_iso
from coatcheck.identity.author import author_of
from coatcheck.links.notices import Event, Signing, Target
from coatcheck.operations import link_notices
from coatcheck.operations.link_notices import Queued
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.notifier import WebhookKey

from .deciding import decide, need_id
from .documents import Document, need_text, read_document, read_text
from .service import Answer, Asked, Route

_TARGET: Final = frozenset({"bucket", "link", "url", "events", "signing"})
_NAMED: Final = frozenset({"bucket", "id"})


async def list_notices(asked: Asked) -> Answer:
    """GET notices: who is told of a bucket's links, and what waits to be told."""
    bucket = await _find_bucket(asked, asked.request.query.first.get("bucket", ""))
    decide(asked, LinkAction.READ_AUDIT, Place(bucket.owner, bucket.name))
    catalog = asked.ports.catalog
    waiting = await link_notices.list_waiting(catalog, bucket)
    targets = await link_notices.list_targets(catalog, bucket)
    return 200, {
        "notices": [write_target(target, bucket.name) for target in targets],
        "waiting": [write_queued(queued) for queued in waiting],
    }


async def put_notice(asked: Asked) -> Answer:
    """POST notices: tell an address of what comes of a link, or of a bucket's links. The key is shown this once."""
    document = read_document(asked.body, _TARGET)
    if not asked.ports.audit.is_on:
        raise LINK_AUDIT_OFF()
    link, key, bucket = await _find_place(asked, document)
    grant = _decide(asked, Place(bucket.owner, bucket.name, key))
    signing = _read_signing(document)
    url, events, secret = _read_url(asked, document), _read_events(document), _make_key(asked, signing)
    target = Target(
        link_notices.new_target_id(),
        link,
        key,
        url,
        events,
        signing,
        asked.ports.keyring.seal_token(f"{link_notices.SEALED}{secret.secret}"),
        secret.public,
        author_of(asked.caller, asked.now),
        int(asked.now),
    )
    await link_notices.put_target(asked.ports.catalog, grant, bucket, target)
    return 200, write_target(target, bucket.name) | {"secret": None if secret.public else secret.secret}


async def delete_notice(asked: Asked) -> Answer:
    """DELETE notices: an address is told no more, nor of what waits."""
    document = read_document(asked.body, _NAMED)
    bucket = await _find_bucket(asked, need_text(document, "bucket"))
    target = await link_notices.find_target(asked.ports.catalog, bucket, need_text(document, "id"))
    grant = _decide(asked, Place(bucket.owner, bucket.name, target.key))
    await link_notices.remove_target(asked.ports.catalog, grant, bucket, target)
    return 200, {}


NOTICE_ROUTES: Final = (
    Route("GET", "notices", list_notices),
    Route("POST", "notices", put_notice),
    Route("DELETE", "notices", delete_notice),
)


def write_target(target: Target, bucket: str) -> dict[str, Any]:
    """An address as its owners see it."""
    return {
        "id": target.id,
        "bucket": bucket,
        "link": target.link or None,
        "url": target.url,
        "events": [event.value for event in target.events],
        "signing": target.signing.value,
        "public_key": target.public_key or None,
        "made_at": write_iso(target.made_at),
        "given_up": target.gave_up,
        "given_up_why": target.gave_up_why or None,
    }


def write_queued(queued: Queued) -> dict[str, Any]:
    """A notice that waits."""
    notice = queued.notice
    return {
        "id": notice.id,
        "notice": queued.target,
        "link": queued.link,
        "events": dict(notice.counts),
        "attempts": notice.attempts,
        "due_at": write_iso(int(notice.due_at)),
        "why": notice.why or None,
    }


def _decide(asked: Asked, place: Place) -> LinkGrant:
    """Whoever has somebody told may know it themselves. Raises: OssError LINK_FORBIDDEN."""
    decide(asked, LinkAction.READ_AUDIT, place)
    return decide(asked, LinkAction.CREATE, place)


async def _find_place(asked: Asked, document: Document) -> tuple[str, str, Bucket]:
    """The link ("" for all of a bucket), the key that it names, and the bucket."""
    link_id, name = read_text(document, "link"), read_text(document, "bucket")
    if not link_id:
        return "", "", await _find_bucket(asked, name)
    link = await asked.ports.links.find_link(need_id(link_id))
    if link is None or link.account != asked.caller.account or not link.bucket:
        raise LINK_UNKNOWN()
    if name not in ("", link.bucket):
        raise INVALID_ARGUMENT("The link is to another bucket.", ArgumentName="bucket")
    return link.id, link.key, await _find_bucket(asked, link.bucket)


async def _find_bucket(asked: Asked, name: str) -> Bucket:
    if not name:
        raise MISSING_ARGUMENT("bucket is needed.", ArgumentName="bucket")
    bucket = await asked.ports.catalog.find_bucket(name)
    if bucket is None:
        raise NO_SUCH_BUCKET(BucketName=name)
    return bucket


def _read_url(asked: Asked, document: Document) -> str:
    """Raises: OssError INVALID_ARGUMENT. Names are looked up when something is sent, and again each time."""
    url = need_text(document, "url")
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username and parts.port != 0
    except ValueError:
        good = False
    if not good or len(url) > LINK_NOTICE_URL_MAX_CHARS or not url.isascii() or not url.isprintable() or " " in url:
        raise INVALID_ARGUMENT(
            f"url has to be http:// or https:// with a host, without a user, at most {LINK_NOTICE_URL_MAX_CHARS} "
            "characters, percent-encoded.",
            ArgumentName="url",
        )
    if not asked.ports.operations.notifier.may_reach(parts.hostname or ""):
        raise INVALID_ARGUMENT("This server may not send anything to that address.", ArgumentName="url")
    return url


def _read_events(document: Document) -> tuple[Event, ...]:
    names = document.get("events")
    known = [event.value for event in Event]
    if not isinstance(names, list) or not names or not all(name in known for name in names):
        raise INVALID_ARGUMENT(f"events has to be a list of some of {', '.join(known)}.", ArgumentName="events")
    return tuple(event for event in Event if event.value in names)


def _read_signing(document: Document) -> Signing:
    try:
        return Signing(read_text(document, "signing") or Signing.HMAC.value)
    except ValueError:
        known = " or ".join(signing.value for signing in Signing)
        raise INVALID_ARGUMENT(f"signing has to be {known}.", ArgumentName="signing") from None


def _make_key(asked: Asked, signing: Signing) -> WebhookKey:
    notifier = asked.ports.operations.notifier
    return notifier.make_hmac_key() if signing is Signing.HMAC else notifier.make_ed25519_key()

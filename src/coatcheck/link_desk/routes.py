"""The routes of the service, one handler each. docs/links.openapi.json describes them, and a test compares both."""

from __future__ import annotations

from typing import Final

from coatcheck.access.link_rights import LinkAction, LinkGrant, Place, decide_own_key, may
from coatcheck.core.errors import INVALID_ARGUMENT, LINK_FORBIDDEN, MISSING_ARGUMENT, REFUSAL_UNKNOWN
from coatcheck.core.limits import CLOCK_SKEW_MAX_S, LINK_NOTE_MAX_CHARS
from coatcheck.core.names import is_access_key_id
from coatcheck.core.page_size import read_page_size
from coatcheck.links.uses import Uses
from coatcheck.operations import link_register
from coatcheck.operations.link_register import NamedLink
from coatcheck.ports.link_totals import NO_TOTALS
from coatcheck.ports.links import Link, Rule, Scope

from .audit_routes import AUDIT_ROUTES
from .deciding import decide, decide_on_bucket, decide_on_link, decide_on_scope, find_link, need_id
from .documents import (
    Document,
    need_text,
    read_document,
    read_flag,
    read_limits,
    read_moment,
    read_text,
    write_link,
    write_refusal,
    write_rule,
)
from .named_link import ShownLink, read_shown_link
from .notice_routes import NOTICE_ROUTES
from .service import Answer, Asked, Route

_SHOWN: Final = frozenset({"url", "method", "headers"})
_LIMITS: Final = frozenset({"downloads", "networks", "starts_at", "rate_bits_per_s", "note"})
_SCOPE: Final = frozenset({"access_key_id", "bucket", "prefix", "key"})

# --- links ----------------------------------------------------------------------------------------------------------


async def list_links(asked: Asked) -> Answer:
    """GET links: a page of the account's links, by id."""
    query = asked.request.query.first
    bucket, after = query.get("bucket", ""), query.get("after", "")
    grant = decide(asked, LinkAction.LIST, Place(asked.caller.account, bucket, ""))
    most = read_page_size(query.get("limit"))
    links = await asked.ports.links.list_links(asked.caller.account, bucket=bucket, after=after, most=most + 1)
    totals = await asked.ports.totals.find([link.id for link in links[:most]])
    page = [
        write_link(link, asked.now, await _uses_of_limited(asked, grant, link), totals.get(link.id, NO_TOTALS))
        for link in links[:most]
    ]
    return 200, {"links": page, "next": links[most - 1].id if len(links) > most else None}


async def register_link(asked: Asked) -> Answer:
    """POST links: give a link a row, with limits."""
    document = read_document(asked.body, _SHOWN | _LIMITS)
    shown, limits = await _read_shown(asked, document), read_limits(document)
    grant = await decide_on_bucket(asked, LinkAction.CREATE, shown.link.bucket, shown.link.key)
    note = read_text(document, "note", LINK_NOTE_MAX_CHARS)
    link = await link_register.register(asked.ports.links, grant, shown.link, limits, note, int(asked.now))
    return 200, write_link(link, asked.now)


async def show_link(asked: Asked) -> Answer:
    """GET links/{id}: what is known of a link, with its uses."""
    link = await find_link(asked)
    grant = await decide_on_link(asked, LinkAction.LIST, link)
    uses = await link_register.find_uses(asked.ports.links, grant, link.id, asked.now)
    totals = await asked.ports.totals.find([link.id])
    return 200, write_link(link, asked.now, uses, totals.get(link.id, NO_TOTALS))


async def cancel_link(asked: Asked) -> Answer:
    """DELETE links/{id}: cancel a link by its id, whether or not it has a row."""
    read_document(asked.body, frozenset())
    links, now = asked.ports.links, int(asked.now)
    link = await links.find_link(asked.name)
    if link is not None and link.access_key_id:
        grant = await decide_on_link(asked, LinkAction.CANCEL, link)
        named = NamedLink(link.id, link.account, link.access_key_id, link.bucket, link.key, link.ends_at)
        return 200, write_link(await link_register.cancel(links, grant, named, now), asked.now)
    if asked.caller.principal is not None:
        raise LINK_FORBIDDEN("Only the account's own key may cancel a link of which no more than its id is known.")
    grant = decide(asked, LinkAction.CANCEL, Place(asked.caller.account))
    return 200, write_link(await link_register.cancel_unseen(links, grant, need_id(asked.name), now), asked.now)


async def cancel_shown_link(asked: Asked) -> Answer:
    """POST cancellations: cancel the link of a URL."""
    shown = await _read_shown(asked, read_document(asked.body, _SHOWN))
    bucket = await asked.ports.catalog.find_bucket(shown.link.bucket)
    place = None if bucket is None else Place(bucket.owner, shown.link.bucket, shown.link.key)
    if place is not None and may(asked.caller, LinkAction.CANCEL, place, asked.facts, asked.now):
        grant = decide(asked, LinkAction.CANCEL, place)
    else:
        grant = decide_own_key(asked.caller, shown.signer, LinkAction.CANCEL)
    link = await link_register.cancel(asked.ports.links, grant, shown.link, int(asked.now))
    return 200, write_link(link, asked.now)


# --- rules ----------------------------------------------------------------------------------------------------------


async def list_rules(asked: Asked) -> Answer:
    """GET rules: a page of the account's rules."""
    decide(asked, LinkAction.LIST, Place(asked.caller.account))
    query = asked.request.query.first
    most = read_page_size(query.get("limit"))
    after = _read_place(query.get("after", ""))
    rules = await asked.ports.links.list_rules(asked.caller.account, after=after, most=most + 1)
    last = rules[most - 1] if len(rules) > most else None
    return 200, {"rules": [write_rule(rule) for rule in rules[:most]], "next": last and _write_place(last)}


async def put_rule(asked: Asked) -> Answer:
    """POST rules: cancel all links of a scope that were signed before a moment, or let only registered ones work."""
    document = read_document(asked.body, _SCOPE | {"signed_before", "registered_only"})
    scope, now = _read_scope(document), int(asked.now)
    if read_flag(document, "registered_only"):
        if document.get("signed_before") is not None:
            raise INVALID_ARGUMENT("A rule has signed_before, or registered_only.", ArgumentName="registered_only")
        grant = await decide_on_scope(asked, LinkAction.CREATE, scope)
        return 200, write_rule(await link_register.need_registration(asked.ports.links, grant, scope, now))
    signed_before = read_moment(document, "signed_before")
    if signed_before is None:
        signed_before = now + 1  # what was signed in this second, too
    if not 0 < signed_before <= now + CLOCK_SKEW_MAX_S:
        raise INVALID_ARGUMENT("signed_before has to be a time that is over.", ArgumentName="signed_before")
    grant = await decide_on_scope(asked, LinkAction.CANCEL, scope)
    return 200, write_rule(await link_register.cancel_by_rule(asked.ports.links, grant, scope, signed_before, now))


async def delete_rule(asked: Asked) -> Answer:
    """DELETE rules: links of that scope work again as far as their signatures say."""
    scope = _read_scope(read_document(asked.body, _SCOPE))
    grant = await decide_on_scope(asked, LinkAction.CREATE, scope)
    await link_register.remove_rule(asked.ports.links, grant, scope)
    return 200, {}


# --- refusals -------------------------------------------------------------------------------------------------------


async def show_refusal(asked: Asked) -> Answer:
    """GET refusals/{id}: why a request that named a key of the account was refused."""
    refusal, caller = await asked.ports.refusals.find(asked.name), asked.caller
    if refusal is None or not refusal.access_key_id:
        raise REFUSAL_UNKNOWN()
    key = await asked.ports.keyring.find_key(refusal.access_key_id)
    if key is None or key.account != caller.account:
        raise REFUSAL_UNKNOWN()
    if caller.principal is not None and caller.access_key_id != key.access_key_id:
        raise REFUSAL_UNKNOWN()  # a user sees what became of its own keys' requests
    return 200, write_refusal(refusal)


ROUTES: Final = (
    Route("GET", "links", list_links),
    Route("POST", "links", register_link),
    Route("GET", "links/{id}", show_link),
    Route("DELETE", "links/{id}", cancel_link, cancels=True),
    Route("POST", "cancellations", cancel_shown_link, cancels=True),
    Route("GET", "rules", list_rules),
    Route("POST", "rules", put_rule, cancels=True),
    Route("DELETE", "rules", delete_rule),
    Route("GET", "refusals/{id}", show_refusal),
    *AUDIT_ROUTES,
    *NOTICE_ROUTES,
)


# --- what handlers share --------------------------------------------------------------------------------------------


async def _read_shown(asked: Asked, document: Document) -> ShownLink:
    headers = document.get("headers", {})
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise INVALID_ARGUMENT("headers has to be an object of texts.", ArgumentName="headers")
    ports = asked.ports
    return await read_shown_link(
        need_text(document, "url"),
        read_text(document, "method") or "GET",
        {name.lower(): value for name, value in headers.items()},
        addressing=ports.addressing,
        reads=ports.reads,
        keyring=ports.keyring,
        now=asked.now,
    )


async def _uses_of_limited(asked: Asked, grant: LinkGrant, link: Link) -> Uses | None:
    """Only those can be used up."""
    if link.limits.downloads is None:
        return None
    return await link_register.find_uses(asked.ports.links, grant, link.id, asked.now)


def _read_scope(document: Document) -> Scope:
    prefix, key = read_text(document, "prefix"), read_text(document, "key")
    scope = Scope(read_text(document, "access_key_id"), read_text(document, "bucket"), key or prefix, bool(key))
    if not scope.bucket and not scope.access_key_id:
        raise MISSING_ARGUMENT("A rule names a bucket, an access key, or both.", ArgumentName="bucket")
    if scope.key and not scope.bucket:
        raise MISSING_ARGUMENT("A prefix or a key is in a bucket.", ArgumentName="bucket")
    if key and prefix:
        raise INVALID_ARGUMENT("A rule names a prefix, or a key.", ArgumentName="prefix")
    if scope.access_key_id and not is_access_key_id(scope.access_key_id):
        raise INVALID_ARGUMENT("This is no access key id.", ArgumentName="access_key_id")
    return scope


def _write_place(rule: Rule) -> str:
    scope = rule.scope
    return "\n".join((scope.access_key_id, scope.bucket, "1" if scope.exact else "0", scope.key))


def _read_place(text: str) -> Scope | None:
    if not text:
        return None
    parts = text.split("\n", 3)
    if len(parts) != 4:
        raise INVALID_ARGUMENT("after has to be what the page before gave as next.", ArgumentName="after")
    return Scope(parts[0], parts[1], parts[3], parts[2] == "1")

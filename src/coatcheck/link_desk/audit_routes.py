"""The route of the audit: what came of each use of links, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from coatcheck.access.link_rights import LinkAction, Place
from coatcheck.core.errors import INVALID_ARGUMENT, MISSING_ARGUMENT
from coatcheck.core.page_size import read_page_size
from coatcheck.core.times import write_iso_ms
from coatcheck.ports.link_audit import AuditRow, Question

from .deciding import decide, decide_on_bucket, decide_on_link, need_id
from .documents import read_moment
from .service import Answer, Asked, Route

_ORDERS: Final = ("newest", "oldest")
_PARTS: Final = frozenset({"link", "bucket", "key", "address", "since", "until", "order", "limit", "after"})


async def list_uses(asked: Asked) -> Answer:
    """GET uses: audit rows of the account's links: of one link, one object, one bucket, one address, or all."""
    query, audit = asked.request.query.first, asked.ports.audit
    for name in query.keys() - _PARTS:
        raise INVALID_ARGUMENT(f"Known are: {', '.join(sorted(_PARTS))}.", ArgumentName=name[:64])
    question, most = _read_question(asked.caller.account, query), read_page_size(query.get("limit"))
    await _decide(asked, question)
    try:
        page = await audit.list_rows(question, after=query.get("after", ""), most=most)
    except ValueError:
        raise INVALID_ARGUMENT("after has to be what the page before gave as next.", ArgumentName="after") from None
    return 200, {"kept": audit.is_on, "uses": [write_use(row) for row in page.rows], "next": page.place or None}


AUDIT_ROUTES: Final = (Route("GET", "uses", list_uses),)


def write_use(row: AuditRow) -> dict[str, Any]:
    """A row as its owners see it."""
    return {
        "at": write_iso_ms(row.at_ms),
        "link": row.link,
        "bucket": row.bucket,
        "key": row.key,
        "version": row.version or None,
        "operation": row.operation or None,
        "status": row.status,
        "code": row.code or None,
        "address": row.address,
        "agent": row.agent,
        "bytes": row.sent_bytes,
        "whole": row.whole,
        "ms": row.ms,
        "request_id": row.request_id,
    }


async def _decide(asked: Asked, question: Question) -> None:
    """On what the question names: a link's place, if that is known; else a bucket or object; else the account.

    Raises: OssError LINK_FORBIDDEN.
    """
    account = asked.caller.account
    known = await asked.ports.links.find_link(question.link) if question.link else None
    if known is not None and known.bucket and known.account == account:
        await decide_on_link(asked, LinkAction.READ_AUDIT, known)
    elif question.bucket and await asked.ports.catalog.find_bucket(question.bucket) is not None:
        await decide_on_bucket(asked, LinkAction.READ_AUDIT, question.bucket, question.key)
    else:  # nothing, or a bucket that is gone: its links are those of the account that signed them
        decide(asked, LinkAction.READ_AUDIT, Place(account, question.bucket, question.key))


def _read_question(account: str, query: Mapping[str, str]) -> Question:
    order, link = query.get("order", "newest"), query.get("link", "")
    if order not in _ORDERS:
        raise INVALID_ARGUMENT("order has to be newest or oldest.", ArgumentName="order")
    if query.get("key") and not query.get("bucket"):
        raise MISSING_ARGUMENT("A key is in a bucket.", ArgumentName="bucket")
    since, until = read_moment(query, "since"), read_moment(query, "until")
    return Question(
        account,
        need_id(link) if link else "",
        query.get("bucket", ""),
        query.get("key", ""),
        query.get("address", ""),
        (since or 0) * 1000,
        None if until is None else until * 1000,
        order == "newest",
    )

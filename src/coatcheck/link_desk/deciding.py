"""What the handlers of all routes share: whether the one who asks may, and the parts of an address."""

from __future__ import annotations

from coatcheck.access.link_rights import LinkAction, LinkGrant, Place, decide_link, decide_own_key
from coatcheck.core.errors import INVALID_ARGUMENT, LINK_FORBIDDEN, LINK_UNKNOWN, NO_SUCH_BUCKET
from coatcheck.core.link_ids import is_link_id
from coatcheck.ports.links import Link, Scope

from .service import Asked


async def find_link(asked: Asked) -> Link:
    link = await asked.ports.links.find_link(asked.name)
    if link is None or link.account != asked.caller.account:
        raise LINK_UNKNOWN()
    return link


def decide(asked: Asked, action: LinkAction, place: Place) -> LinkGrant:
    return decide_link(asked.caller, action, place, asked.facts, asked.now)


async def decide_on_bucket(asked: Asked, action: LinkAction, name: str, key: str) -> LinkGrant:
    bucket = await asked.ports.catalog.find_bucket(name)
    if bucket is None:
        raise NO_SUCH_BUCKET(BucketName=name)
    return decide(asked, action, Place(bucket.owner, name, key))


async def decide_on_link(asked: Asked, action: LinkAction, link: Link) -> LinkGrant:
    """Links of a bucket that is gone are those of the account that signed them."""
    bucket = await asked.ports.catalog.find_bucket(link.bucket) if link.bucket else None
    return decide(asked, action, Place(link.account if bucket is None else bucket.owner, link.bucket, link.key))


async def decide_on_scope(asked: Asked, action: LinkAction, scope: Scope) -> LinkGrant:
    if scope.bucket:
        return await decide_on_bucket(asked, action, scope.bucket, scope.key)
    key = await asked.ports.keyring.find_key(scope.access_key_id)
    if key is None:
        raise LINK_FORBIDDEN("There is no such access key.")
    return decide_own_key(asked.caller, key, action)


def need_id(name: str) -> str:
    if not is_link_id(name):
        raise INVALID_ARGUMENT("A link's id is lk_ and 24 letters and digits.", ArgumentName="id")
    return name

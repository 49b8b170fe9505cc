"""What every operation is handed: who acts, when, and the ports to act with. Nothing of how they asked."""

from __future__ import annotations

from typing import NamedTuple

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant, decide, owns
from coatcheck.access.facts import NO_REQUEST, AccessFacts, RequestFacts
from coatcheck.identity.caller import Caller
from coatcheck.ports.bucket import Bucket, Tags
from coatcheck.ports.byte_store import ByteStore
from coatcheck.ports.catalog import Catalog
from coatcheck.ports.domains import Domains, NoDomains
from coatcheck.ports.notifier import NoNotifier, Notifier
from coatcheck.ports.object import ObjectRecord
from coatcheck.ports.renderer import Renderer
from coatcheck.ports.resolver import NoResolver, Resolver

from .limited import LimitedDownloads


class Ports(NamedTuple):
    catalog: Catalog
    byte_store: ByteStore
    domains: Domains = NoDomains()
    resolver: Resolver = NoResolver()
    notifier: Notifier = NoNotifier()
    renderer: Renderer | None = None  # None where no pictures are processed
    links: LimitedDownloads | None = None  # None where no link is limited or cancelled


class Context(NamedTuple):
    """Who acts, when, and with what.

    Attributes:
        now: Unix seconds, one value for the whole request.
        request: what conditions of policies see of the request.
    """

    ports: Ports
    caller: Caller
    now: float
    request: RequestFacts = NO_REQUEST

    def decide(
        self,
        action: Action,
        bucket: Bucket,
        key: str | None = None,
        found: ObjectRecord | None = None,
        *,
        versioned: bool = False,
        acl: str | None = None,
        tags: Tags = (),
    ) -> Grant:
        """May the caller do this too, to another resource than the one addressed: the source of a copy, each key of a
        delete of many?

        Args:
            key: None for the bucket itself.
            found: the object there, or the version that is meant, if it exists; it may be left out where
                `needs_object` says so.
            versioned: a version is named ("oss:GetObjectVersion" is another right than "oss:GetObject").
            acl, tags: that it is to get.
        Raises: OssError, the refusal for the client. A caller who may not read learns nothing of what exists.
        """
        facts = AccessFacts(bucket, key, found, versioned, self.request, self.now, acl=acl, tags=tags)
        return decide(self.caller, action, facts)

    def needs_object(self, bucket: Bucket) -> bool:
        """Whether `decide` has to know the object; False for the owner, whom nothing about it could hold back."""
        return not owns(self.caller, bucket)

"""What every operation is handed: who acts, when, and the ports to act with. Nothing of how they asked."""

from __future__ import annotations

from typing import NamedTuple

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant, decide, owns
from coatcheck.access.facts import NO_REQUEST, AccessFacts, RequestFacts
from coatcheck.core.record import Record
from coatcheck.identity.caller import Caller
from coatcheck.ports.access_point import AccessPoint
from coatcheck.ports.arrivals import Arrivals, NoArrivals
from coatcheck.ports.bucket import Bucket, Tags
from coatcheck.ports.byte_store import ByteStore
from coatcheck.ports.catalog import Catalog
from coatcheck.ports.certificates import CertificateReader, NoCertificates
from coatcheck.ports.content_sums import ContentSums, NoContentSums
from coatcheck.ports.domains import Domains, NoDomains
from coatcheck.ports.fetcher import Fetcher, NoFetcher
from coatcheck.ports.keyring import Nobody, People
from coatcheck.ports.notifier import NoNotifier, Notifier
from coatcheck.ports.object import ObjectRecord
from coatcheck.ports.renderer import Renderer
from coatcheck.ports.resolver import NoResolver, Resolver
from coatcheck.ports.selector import NoSelector, Selector

from .access_times import AccessNotes
from .limited import LimitedDownloads, NoLimitedDownloads
from .mirroring import Mirrors, NoMirrors
from .pacing import BucketMeters


class Ports(NamedTuple):
    catalog: Catalog
    byte_store: ByteStore
    domains: Domains = NoDomains()
    resolver: Resolver = NoResolver()
    notifier: Notifier = NoNotifier()
    renderer: Renderer | None = None  # None where no pictures are processed
    meters: BucketMeters = BucketMeters()
    accesses: AccessNotes = AccessNotes()
    selector: Selector = NoSelector()
    certificates: CertificateReader = NoCertificates()
    links: LimitedDownloads = NoLimitedDownloads()
    content_sums: ContentSums = NoContentSums()
    fetcher: Fetcher = NoFetcher()
    mirrors: Mirrors = NoMirrors()
    arrivals: Arrivals = NoArrivals()
    people: People = Nobody()


class Context(Record, frozen=True):
    """Who acts, when, and with what.

    Attributes:
        now: Unix seconds, one value for the whole request.
        request: what conditions of policies see of the request.
        point: the access point that the request came through, to the one bucket that it leads into.
        archive_at_once: objects of the class Archive are read without being restored.
    """

    ports: Ports
    caller: Caller
    now: float
    request: RequestFacts = NO_REQUEST
    point: AccessPoint | None = None
    archive_at_once: bool = False

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
        point = self._point_to(bucket)
        facts = AccessFacts(bucket, key, found, versioned, self.request, self.now, tags=tags, point=point)
        return decide(self.caller, action, facts if acl is None else facts.to_get(acl))

    def needs_object(self, bucket: Bucket) -> bool:
        """Whether `decide` has to know the object; False for the owner, whom nothing about it could hold back."""
        return self._point_to(bucket) is not None or not owns(self.caller, bucket)

    def _point_to(self, bucket: Bucket) -> AccessPoint | None:
        """The access point, if it is by it that the bucket is reached."""
        point = self.point
        return None if point is None or point.bucket_id != bucket.bucket_id else point

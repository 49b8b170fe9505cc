"""What an operation is handed: the request, what was found and decided, and the ports."""

from __future__ import annotations

from typing import NamedTuple

from coatcheck.access.decide import Grant
from coatcheck.core.errors import MISSING_ARGUMENT, NO_SUCH_KEY
from coatcheck.identity.caller import Caller
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.byte_store import ByteStore
from coatcheck.ports.catalog import Catalog
from coatcheck.ports.object import ObjectRecord
from coatcheck.settings import ServerSettings
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target


class Ports(NamedTuple):
    catalog: Catalog
    byte_store: ByteStore


class Context(NamedTuple):
    """One decided request.

    Attributes:
        bucket: the addressed bucket; None at service level and for PutBucket.
        found: the addressed object's current version, for rows that read it.
        now: Unix seconds, one value for the whole request.
    """

    request: Request
    target: Target
    caller: Caller
    grant: Grant
    ports: Ports
    settings: ServerSettings
    now: float
    bucket: Bucket | None = None
    found: ObjectRecord | None = None

    @property
    def this_bucket(self) -> Bucket:
        """The bucket, where the route guarantees one."""
        assert self.bucket is not None
        return self.bucket

    @property
    def key(self) -> str:
        """The key, where the route guarantees one."""
        if self.target.key is None:
            raise MISSING_ARGUMENT("This operation needs an object name.")
        return self.target.key

    @property
    def this_object(self) -> ObjectRecord:
        """The object that was found. Raises: OssError NO_SUCH_KEY."""
        if self.found is None:
            raise NO_SUCH_KEY(Key=self.key)
        return self.found

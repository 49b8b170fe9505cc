"""What a handler of the dialect is given: the request, what was found and decided, and what operations need."""

from __future__ import annotations

from msgspec.structs import replace

from coatcheck.access.actions import Action
from coatcheck.access.decide import Grant, decide
from coatcheck.access.facts import AccessFacts
from coatcheck.core.errors import (
    METHOD_NOT_ALLOWED,
    MISSING_ARGUMENT,
    NO_SUCH_BUCKET,
    NO_SUCH_KEY,
    NO_SUCH_VERSION,
    OssError,
)
from coatcheck.core.record import Record
from coatcheck.identity.caller import Caller
from coatcheck.operations.context import Context, Ports
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.object import DELETE_MARKER, ObjectRecord
from coatcheck.settings import ServerSettings
from coatcheck.wire.form import Form
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target

from .versions import asked_version, marker_headers, read_version_id


class PostedForm(Record, frozen=True):
    """A form whose signature held; `sizes` are the (least, most) bytes of each size range in its policy."""

    form: Form
    sizes: tuple[tuple[int, int], ...]


class Call(Record, frozen=True):
    """One decided request.

    Attributes:
        bucket: the addressed bucket; None at service level and for PutBucket.
        found: the addressed object's current version, or the version that the request names, for rows that read it;
            it may be a delete marker.
        context: who asks, when, and the ports.
        request_id: the one that the reply and the log carry.
        form: of a PostObject, with the sizes that its policy allows.
        facts: what `grant` was decided from.
    """

    request: Request
    target: Target
    context: Context
    grant: Grant
    settings: ServerSettings
    bucket: Bucket | None = None
    found: ObjectRecord | None = None
    request_id: str = ""
    form: PostedForm | None = None
    facts: AccessFacts = AccessFacts()

    @property
    def ports(self) -> Ports:
        return self.context.ports

    @property
    def caller(self) -> Caller:
        return self.context.caller

    @property
    def action(self) -> Action:
        return self.grant.action

    @property
    def now(self) -> float:
        """Unix seconds, one value for the whole request."""
        return self.context.now

    async def look_again(self) -> Call:
        """The same operation on what is there now, decided anew.

        Raises: OssError NO_SUCH_BUCKET, or the refusal.
        """
        bucket = await self.ports.catalog.find_bucket(self.this_bucket.name)
        if bucket is None:
            raise NO_SUCH_BUCKET(BucketName=self.this_bucket.name)
        found = self.found
        if found is not None or self.context.needs_object(bucket):
            version_id = asked_version(self.request.query)
            found = await self.ports.catalog.find_object(bucket.bucket_id, self.key, version_id)
        facts = replace(self.facts, bucket=bucket, found=found)
        grant = decide(self.caller, self.grant.action, facts)
        return replace(self, bucket=bucket, found=found, grant=grant, facts=facts)

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
        """The object that was found. Raises: OssError NO_SUCH_KEY, NO_SUCH_VERSION, METHOD_NOT_ALLOWED (for a delete
        marker that the request names)."""
        found = self.found
        if found is None or found.kind == DELETE_MARKER:
            raise self._not_there(found)
        return found

    def _not_there(self, marker: ObjectRecord | None) -> OssError:
        named = self.request.query.get("versionId")
        if marker is None:
            if named is None:
                return NO_SUCH_KEY(_say_plus(self.request, self.key), Key=self.key)
            return NO_SUCH_VERSION(Key=self.key, VersionId=read_version_id(named, self.bucket))
        headers = marker_headers(marker.version_id)
        if named is None:
            return NO_SUCH_KEY(Key=self.key, headers=headers)
        return METHOD_NOT_ALLOWED(
            Method=self.request.method, ResourceType=DELETE_MARKER, headers=(*headers, (b"Allow", b"DELETE"))
        )


def _say_plus(request: Request, key: str) -> str | None:
    """OSS's message; and, where a "+" of the path was read as a space, that this may be the reason."""
    if b"+" not in request.raw_path or " " not in key:
        return None
    return f"{NO_SUCH_KEY.message} A '+' in a path is a space: write a plus as %2B."

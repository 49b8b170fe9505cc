"""Writing inventories: lists of what is in a bucket, made page by page, as who set them up and in the role they named.

Reading the bucket is decided on as its author, each page anew; writing the files as the role. Memory doesn't follow the
bucket: a page and a piece of compressed text are there at a time.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import uuid
import zlib
from collections.abc import AsyncIterator
from typing import Final, NamedTuple

from msgspec.structs import replace

from coatcheck.access.actions import Action
from coatcheck.configurations import inventory as inventories
from coatcheck.configurations.inventory import Inventory
from coatcheck.core.body import one_chunk
from coatcheck.core.encryption_label import AES256
from coatcheck.core.limits import INVENTORIES_PER_BUCKET, INVENTORY_FILE_MAX_BYTES, INVENTORY_PAGE, LIST_MAX_KEYS
from coatcheck.operations.context import Context, Ports
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import Gone
from coatcheck.ports.object import ListedVersion

from . import inventory_state as state
from .acting import Identities, act_as, assume, context_of
from .inventory_rows import columns_of, is_meant, write_row
from .inventory_state import DataFile, Run
from .notices import Notices, Stopped
from .writing import find_place, find_target, write_object

_SESSION: Final = "oss-inventory"
_GZIP: Final = 31  # zlib's window, with gzip's head and tail

log = logging.getLogger("coatcheck")


class _Replaced(Exception):
    """The inventory was deleted, or set up anew, since the run looked at it."""


class Job(NamedTuple):
    """An inventory of a bucket, as it is stored."""

    bucket: str
    inventory_id: str
    document: str

    @property
    def inventory(self) -> Inventory:
        return inventories.from_json(self.document)


class InventoryRuns(NamedTuple):
    """What writes them, and with what."""

    ports: Ports
    identities: Identities
    notices: Notices

    async def run(self, now: float) -> int:
        """Write every list that is due, and finish those that were begun; how many are complete now.

        Args:
            now: Unix seconds.
        """
        complete = 0
        for bucket in await self.ports.catalog.buckets_with_entries(inventories.KIND):
            async for job in self._jobs(bucket):
                if job.inventory.enabled and await self._is_waiting(bucket, job, now):
                    complete += await self._try(job, now)
        return complete

    async def _jobs(self, bucket: Bucket) -> AsyncIterator[Job]:
        marker, more = "", True
        while more:
            page, more = await self.ports.catalog.list_entries(
                bucket.bucket_id, inventories.KIND, prefix="", marker=marker, limit=INVENTORY_PAGE
            )
            for inventory_id, document in page:
                yield Job(bucket.name, inventory_id, document)
                marker = inventory_id

    async def _is_waiting(self, bucket: Bucket, job: Job, now: float) -> bool:
        run = await self._find_run(bucket, job)
        return state.is_due(job.inventory, run, now) or (run is not None and not run.done)

    async def _find_run(self, bucket: Bucket, job: Job) -> Run | None:
        stored = await self.ports.catalog.find_entry(bucket.bucket_id, inventories.RUN_KIND, job.inventory_id)
        return None if stored is None else state.from_json(stored)

    async def _try(self, job: Job, now: float) -> bool:
        work = f"inventory bucket={job.bucket} id={job.inventory_id!a}"
        try:
            run = await self._write(job, now)
        except _Replaced:
            return False
        except Exception as error:
            self.notices.ended(work, error)
            return False
        self.notices.goes(work)
        log.info("%s objects=%d files=%d", work, run.objects, len(run.files))
        return True

    async def _write(self, job: Job, now: float) -> Run:
        """From where it is to its end."""
        step = await self._look(job, now)
        run = await self._find_run(step.source, job)
        if run is None or state.is_due(job.inventory, run, now):
            period = state.period_of(job.inventory, now)
            run = Run(state.set_at(job.inventory), period, int(now), str(uuid.uuid4()))
            await self._keep(step, run)
        more = True
        while more:
            run, more = await self._write_file(step, run)
            await self._keep(step, run)
            step = await self._look(job, now)
        await self._write_manifest(step, run)
        run = replace(run, done=True)
        await self._keep(step, run)
        return run

    async def _look(self, job: Job, now: float) -> _Step:
        """Who may do what, as it is now. Raises: Stopped, _Replaced."""
        source = await self.ports.catalog.find_bucket(job.bucket)
        found = None
        if source is not None:
            found = await self.ports.catalog.find_entry(source.bucket_id, inventories.KIND, job.inventory_id)
        if source is None or found != job.document:
            raise _Replaced
        inventory = job.inventory
        author = await act_as(inventory.author, self.identities)
        role = await assume(inventory.target.role, author, self.identities, session=_SESSION, now=now)
        reading = context_of(self.ports, author, now, prefix=_prefix(inventory))
        writing = context_of(self.ports, role, now)
        target = await find_target(writing, inventory.target.bucket, owner=inventory.target.account)
        if target.region != source.region:
            raise Stopped(f"the target bucket {target.name} is in another region")
        if inventory.target.encryption == "SSE-KMS":
            raise Stopped("there is no key service for SSE-KMS here")
        return _Step(job, inventory, source, target, reading, writing)

    async def _keep(self, step: _Step, run: Run) -> None:
        """Raises: _Replaced, if the bucket is gone."""
        document, place = state.to_json(run), (step.source.bucket_id, inventories.RUN_KIND, step.job.inventory_id)
        try:
            await self.ports.catalog.change_entry(*place, lambda _: document, most=INVENTORIES_PER_BUCKET)
        except Gone:
            raise _Replaced from None

    async def _write_file(self, step: _Step, run: Run) -> tuple[Run, bool]:
        """One more data file, unless nothing is left for one; any more behind it?"""
        file = _File(step, run.key, run.version_id)
        await file.begin()
        if file.rows:
            key = state.next_file(step.inventory, step.source.name, run)
            place = await find_place(step.writing, step.target, key)
            encryption = AES256 if step.inventory.target.encryption else ""
            stored = await write_object(
                step.writing, place, file.chunks(), content_type=b"application/gzip", encryption=encryption
            )
            kept = DataFile(key, stored.record.size, stored.record.etag)
            run = replace(run, files=(*run.files, kept), objects=run.objects + file.written)
        return replace(run, key=file.marker[0], version_id=file.marker[1]), file.more

    async def _write_manifest(self, step: _Step, run: Run) -> None:
        """The manifest comes before its checksum: whoever sees that one finds both."""
        manifest = state.write_manifest(step.inventory, step.source.name, run, columns_of(step.inventory))
        checksum = hashlib.md5(manifest, usedforsecurity=False).hexdigest().upper().encode()
        folder = state.manifest_folder(step.inventory, step.source.name, run)
        encryption = AES256 if step.inventory.target.encryption else ""
        for name, content, kind in (
            ("manifest.json", manifest, b"application/json"),
            ("manifest.checksum", checksum, b"text/plain"),
        ):
            place = await find_place(step.writing, step.target, f"{folder}/{name}")
            await write_object(step.writing, place, one_chunk(content), content_type=kind, encryption=encryption)


class _Step(NamedTuple):
    """What one data file is made with: decided on anew for the next."""

    job: Job
    inventory: Inventory
    source: Bucket
    target: Bucket
    reading: Context
    writing: Context


class _File:
    """The lines of one data file, compressed while they are read.

    Attributes:
        marker: key and version id of the last version that was looked at.
        more: there are others behind it.
        rows: lines that wait to be compressed.
        written: how many lines it has.
    """

    def __init__(self, step: _Step, key: str, version_id: str) -> None:
        self._step = step
        self._action = Action.LIST_OBJECT_VERSIONS if step.inventory.versions == "All" else Action.LIST_OBJECTS
        self._compressor = zlib.compressobj(wbits=_GZIP)
        self._size = 0
        self.marker = (key, version_id)
        self.more = True
        self.rows: list[str] = []
        self.written = 0

    async def begin(self) -> None:
        """Read on to the first line, if there is one."""
        while self.more and not self.rows:
            await self._read_page()

    async def chunks(self) -> AsyncIterator[bytes]:
        while self.rows:
            if piece := await asyncio.to_thread(self._compress):
                yield piece
            if self._size < INVENTORY_FILE_MAX_BYTES:
                await self.begin()
        yield self._compressor.flush()

    def _compress(self) -> bytes:
        text = "".join(self.rows).encode()
        self._size += len(text)
        self.written += len(self.rows)
        self.rows = []
        return self._compressor.compress(text)

    async def _read_page(self) -> None:
        """Raises: OssError, when its author may not list the bucket any more."""
        step, catalog = self._step, self._step.reading.ports.catalog
        source = await catalog.find_bucket(step.source.name) or step.source
        step.reading.decide(self._action, source)
        page = await catalog.list_versions(
            step.source.bucket_id, prefix=_prefix(step.inventory), delimiter="", marker=self.marker, limit=LIST_MAX_KEYS
        )
        self.rows += await asyncio.to_thread(_rows_of, step, page.versions)
        self.more = page.next_marker is not None
        self.marker = page.next_marker or self.marker


def _rows_of(step: _Step, versions: tuple[ListedVersion, ...]) -> list[str]:
    inventory, bucket = step.inventory, step.source.name
    return [write_row(inventory, bucket, version) for version in versions if is_meant(inventory, version)]


def _prefix(inventory: Inventory) -> str:
    return "" if inventory.filter is None else inventory.filter.prefix or ""

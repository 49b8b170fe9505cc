"""SQLite agrees with the memory engine under random histories."""

from __future__ import annotations

import asyncio
import dataclasses
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from coatcheck.core.checksums import Checksum
from coatcheck.engines.local import LocalEngines, open_local
from coatcheck.engines.memory import MemoryCatalog
from coatcheck.engines.upkeep.check import check
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import AlreadyThere, Catalog, Deleted, Gone, Stale, Unmet, Written
from coatcheck.ports.object import Deletion, KeptPart, OnlyIf

from ..audit import audit
from ..ports.catalog_contract import (
    BLOB_A,
    BLOB_B,
    BLOB_C,
    a_bucket,
    a_large_object,
    a_part,
    all_items,
    an_object,
    an_upload,
    listed,
    listed_versions,
    version_ids,
)
from ..soak import count

# The first and last of each UTF-8 length, and of what surrounds the surrogates.
LETTERS = ("a", "b", "/", "//", "\x01", "\x7f", "\x80", "é", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0010ffff")
texts = st.lists(st.sampled_from(LETTERS), max_size=4).map("".join)
keys = st.lists(st.sampled_from(LETTERS), min_size=1, max_size=5).map("".join)
delimiters = st.sampled_from(("", "/", "//", "a", "b/", "\U0010ffff", "é"))


Step = Callable[[Catalog, Bucket, str], Awaitable[Any]]  # the text is unique among a history's steps


@dataclass(frozen=True)
class Put:
    key: str
    content: bytes | tuple[str, ...]  # inline, or the ids of blobs
    forbid_overwrite: bool = False
    shared: bool = False
    only_if: OnlyIf | None = None

    async def __call__(self, catalog: Catalog, bucket: Bucket, unique: str) -> Any:
        record = (
            an_object(self.key, self.content)
            if isinstance(self.content, bytes)
            else a_large_object(self.key, *self.content)
        )
        return await catalog.put_object(
            bucket.bucket_id,
            dataclasses.replace(record, version_id=unique, last_modified=int(unique[1:])),
            forbid_overwrite=self.forbid_overwrite,
            shared=self.shared,
            only_if=self.only_if,
        )


@dataclass(frozen=True)
class Delete:
    keys: tuple[str, ...]
    version: int | None = None  # of the one that so many steps ago may have made
    unless_newer_than: int | None = None
    only_if: OnlyIf | None = None

    async def __call__(self, catalog: Catalog, bucket: Bucket, unique: str) -> Any:
        version_id = version_of(self.version, unique)
        deletions = [
            Deletion(
                key, version_id, f"{unique}.{number}", int(unique[1:]), self.unless_newer_than, only_if=self.only_if
            )
            for number, key in enumerate(self.keys)
        ]
        return list(await catalog.delete_objects(bucket.bucket_id, deletions))


def version_of(steps_ago: int | None, unique: str) -> str | None:
    if steps_ago is None:
        return None
    return "null" if steps_ago == 0 else f"v{int(unique[1:]) - steps_ago}"


@dataclass(frozen=True)
class Change:
    key: str
    version: int | None
    segments: tuple[str, ...]

    async def __call__(self, catalog: Catalog, bucket: Bucket, unique: str) -> Any:
        segments = a_large_object("", *self.segments).segments
        return await catalog.change_object(
            bucket.bucket_id,
            self.key,
            version_of(self.version, unique),
            lambda record: dataclasses.replace(
                record, acl="public-read", body=None, segments=(*record.segments, *segments)
            ),
        )


@dataclass(frozen=True)
class Find:
    key: str
    version: int | None = None

    async def __call__(self, catalog: Catalog, bucket: Bucket, unique: str) -> Any:
        return await catalog.find_object(bucket.bucket_id, self.key, version_of(self.version, unique))


@dataclass(frozen=True)
class FindParts:
    key: str

    async def __call__(self, catalog: Catalog, bucket: Bucket, unique: str) -> Any:
        record = await catalog.find_object(bucket.bucket_id, self.key)
        return record and await catalog.find_parts(bucket.bucket_id, record)


@dataclass(frozen=True)
class List:
    prefix: str
    delimiter: str
    marker: str
    limit: int

    async def __call__(self, catalog: Catalog, bucket: Bucket, unique: str) -> Any:
        return await listed(catalog, bucket, self.prefix, self.delimiter, self.marker, self.limit)


@dataclass(frozen=True)
class ListVersions:
    prefix: str
    delimiter: str
    marker: str
    version: int | None
    limit: int

    async def __call__(self, catalog: Catalog, bucket: Bucket, unique: str) -> Any:
        marker = (self.marker, version_of(self.version, unique) or "")
        return await listed_versions(catalog, bucket, self.prefix, self.delimiter, marker, self.limit)


@dataclass(frozen=True)
class SetVersioning:
    state: str

    async def __call__(self, catalog: Catalog, bucket: Bucket, unique: str) -> Any:
        return await catalog.set_bucket_versioning(bucket.bucket_id, self.state)


@dataclass(frozen=True)
class Initiate:
    key: str
    upload_id: str

    async def __call__(self, catalog: Catalog, bucket: Bucket, unique: str) -> Any:
        if await catalog.find_upload(bucket.bucket_id, self.key, self.upload_id) is None:  # ids aren't used twice
            await catalog.create_upload(bucket.bucket_id, an_upload(self.key, self.upload_id))


@dataclass(frozen=True)
class PutPart:
    key: str
    upload_id: str
    number: int
    blob_ids: tuple[str, ...]

    async def __call__(self, catalog: Catalog, bucket: Bucket, unique: str) -> Any:
        checksum = Checksum("crc32", "NhCmhg==") if self.number == 1 else None
        part = replace(a_part(self.number, *self.blob_ids), checksum=checksum)
        return sorted(await catalog.put_part(bucket.bucket_id, self.key, self.upload_id, part))


@dataclass(frozen=True)
class Complete:
    key: str
    upload_id: str
    forbid_overwrite: bool
    leave_out: int
    only_if: OnlyIf | None

    async def __call__(self, catalog: Catalog, bucket: Bucket, unique: str) -> Any:
        upload = await catalog.find_upload(bucket.bucket_id, self.key, self.upload_id)
        if upload is None:
            return None
        parts, _ = await catalog.list_parts(bucket.bucket_id, self.key, self.upload_id, marker=0, limit=10)
        chosen = [part for part in parts if part.number != self.leave_out]
        record = an_object(
            self.key,
            None,
            version_id=unique,
            last_modified=int(unique[1:]),
            segments=tuple(segment for part in chosen for segment in part.segments),
            size=sum(part.size for part in chosen),
            kind="Multipart",
            parts=tuple(KeptPart(part.size, part.checksum) for part in chosen),
        )
        return await catalog.complete_upload(
            bucket.bucket_id, upload, record, forbid_overwrite=self.forbid_overwrite, only_if=self.only_if
        )


@dataclass(frozen=True)
class Abort:
    key: str
    upload_id: str

    async def __call__(self, catalog: Catalog, bucket: Bucket, unique: str) -> Any:
        return sorted(await catalog.abort_upload(bucket.bucket_id, self.key, self.upload_id))


@dataclass(frozen=True)
class ListUploads:
    prefix: str
    delimiter: str
    marker: tuple[str, str]
    limit: int

    async def __call__(self, catalog: Catalog, bucket: Bucket, unique: str) -> Any:
        return await catalog.list_uploads(
            bucket.bucket_id, prefix=self.prefix, delimiter=self.delimiter, marker=self.marker, limit=self.limit
        )


@dataclass(frozen=True)
class Stat:
    async def __call__(self, catalog: Catalog, bucket: Bucket, unique: str) -> Any:
        return await catalog.stat_bucket(bucket.bucket_id)


few_keys = st.sampled_from(("a", "b", "b/1"))
blob_ids = st.lists(st.sampled_from((BLOB_A, BLOB_B, BLOB_C)), max_size=4).map(tuple)
contents = st.one_of(st.sampled_from((b"", b"hello", bytes(5000))), blob_ids)
versions = st.sampled_from((None, 0, 1, 2, 3))
ids = st.sampled_from(("u1", "u2"))
meant = st.sampled_from((None, None, OnlyIf("*"), OnlyIf(size=5), OnlyIf(last_modified=3)))
upload_markers = st.tuples(few_keys, st.sampled_from(("", "u1", "u15")))
simple_steps: st.SearchStrategy[Step] = st.one_of(
    st.builds(Put, keys, contents, st.booleans()),
    st.builds(Put, keys, contents),
    st.builds(Delete, st.lists(keys, max_size=3).map(tuple)),
    st.builds(Change, keys, st.none(), blob_ids),
    st.builds(Find, keys),
    st.builds(List, texts, delimiters, texts, st.integers(1, 5)),
)
versioned_steps: st.SearchStrategy[Step] = st.one_of(
    st.builds(Put, few_keys, contents, st.booleans(), st.booleans()),
    st.builds(Put, few_keys, contents, only_if=meant),
    st.builds(Delete, st.lists(few_keys, max_size=3).map(tuple), versions, st.sampled_from((None, 5)), meant),
    st.builds(Change, few_keys, versions, blob_ids),
    st.builds(Find, few_keys, versions),
    st.builds(FindParts, few_keys),
    st.builds(ListVersions, texts, delimiters, few_keys, versions, st.integers(1, 5)),
    st.builds(List, texts, delimiters, texts, st.integers(1, 5)),
    st.builds(SetVersioning, st.sampled_from(("Enabled", "Suspended"))),
    st.builds(Initiate, few_keys, ids),
    st.builds(PutPart, few_keys, ids, st.integers(1, 3), blob_ids),
    st.builds(Complete, few_keys, ids, st.booleans(), st.integers(1, 4), meant),
    st.builds(Abort, few_keys, ids),
    st.builds(ListUploads, texts, delimiters, upload_markers, st.integers(1, 4)),
    st.builds(Stat),
)
HISTORIES = count(500)
stores = settings(
    max_examples=HISTORIES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


async def outcome(step: Step, catalog: Catalog, bucket: Bucket, unique: str) -> Any:
    try:
        return _in_any_order(await step(catalog, bucket, unique))
    except (AlreadyThere, Gone, Stale, Unmet, ValueError) as refusal:
        return type(refusal)


def _in_any_order(answer: Any) -> Any:
    """Released blobs have no order."""
    if isinstance(answer, list):
        return [_in_any_order(one) for one in answer]
    return replace(answer, released=tuple(sorted(answer.released))) if isinstance(answer, Written | Deleted) else answer


async def tell(data: Path, history: list[Step], final: tuple[str, str, int]) -> None:
    memory = MemoryCatalog()
    with open_local(data) as engines:
        theirs = await memory.create_bucket(a_bucket(), most=1)
        ours = await fresh_bucket(engines)
        for number, step in enumerate(history):
            unique = f"v{number}"
            expected = await outcome(step, memory, theirs, unique)
            assert await outcome(step, engines.catalog, ours, unique) == expected, step
        prefix, delimiter, limit = final
        assert await listed(engines.catalog, ours, prefix, delimiter) == await listed(memory, theirs, prefix, delimiter)
        paged = await all_items(engines.catalog, ours, prefix, delimiter, limit)
        assert paged == await all_items(memory, theirs, prefix, delimiter, 1000)
        assert len(set(paged)) == len(paged)
        every = await version_ids(engines.catalog, ours, prefix, delimiter, limit)
        assert sorted(every) == sorted(await version_ids(memory, theirs, prefix, delimiter))
        assert len(set(every)) == len(every)
        assert await engines.catalog.find_usage(ours.bucket_id) == await memory.find_usage(theirs.bucket_id)
    assert [problem for problem in check(data) if problem.kind == "usage"] == []
    report = audit(data)
    assert not report.miscounted
    assert set(report.garbage) == memory.garbage
    assert not report.wrong_rows
    assert not unsummed(data)


def unsummed(data: Path) -> list[str]:
    """Tables with a row that has no sum."""
    with closing(sqlite3.connect(data / "catalog.sqlite")) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE sql LIKE '%row_crc32%'")]
        assert len(tables) == 31
        return [
            table
            for table in tables
            if table != "move"  # whose row the schema makes, and a move sums
            and connection.execute(f"SELECT 1 FROM {table} WHERE row_crc32 IS NULL LIMIT 1").fetchone()
        ]


@pytest.mark.soak(HISTORIES)
@stores
@given(history=st.lists(simple_steps, max_size=30), final=st.tuples(texts, delimiters, st.integers(1, 4)))
def test_both_catalogs_tell_the_same_story(data: Path, history: list[Step], final: tuple[str, str, int]) -> None:
    asyncio.run(tell(data, history, final))


@pytest.mark.soak(HISTORIES)
@stores
@given(history=st.lists(versioned_steps, max_size=40), final=st.tuples(texts, delimiters, st.integers(1, 4)))
def test_both_catalogs_tell_the_same_story_of_versions_and_uploads(
    data: Path, history: list[Step], final: tuple[str, str, int]
) -> None:
    asyncio.run(tell(data, history, final))


async def fresh_bucket(engines: LocalEngines) -> Bucket:
    """The only bucket, empty: what the example before left is removed."""
    before = await engines.catalog.find_bucket("photos")
    if before is not None:
        left = await listed_versions(engines.catalog, before)
        await engines.catalog.delete_objects(
            before.bucket_id, [Deletion(found.key, found.version_id) for found in left.versions]
        )
        uploads = await ListUploads("", "", ("", ""), 1000)(engines.catalog, before, "")
        for upload in uploads.uploads:
            await engines.catalog.abort_upload(before.bucket_id, upload.key, upload.upload_id)
        await engines.catalog.forget_blobs([BLOB_A, BLOB_B, BLOB_C])
        await engines.catalog.delete_bucket(before.bucket_id)
    return await engines.catalog.create_bucket(a_bucket(), most=1)


@pytest.mark.soak(HISTORIES)
@stores
@given(found=st.lists(st.tuples(keys, keys), max_size=5))
def test_a_record_reads_back_whatever_its_words(data: Path, found: list[tuple[str, str]]) -> None:
    async def tell() -> None:
        with open_local(data) as engines:
            bucket = await fresh_bucket(engines)
            record = dataclasses.replace(
                an_object("a"),
                tags=tuple(found),
                headers=tuple((f"x-oss-meta-{name.encode().hex()}".encode(), value.encode()) for name, value in found),
            )
            await engines.catalog.put_object(bucket.bucket_id, record)
            assert await engines.catalog.find_object(bucket.bucket_id, "a") == record

    asyncio.run(tell())

"""SQLite agrees with the memory engine under random histories."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coatcheck.engines.local import LocalEngines, audit, open_local
from coatcheck.engines.memory import MemoryCatalog
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import AlreadyThere, Catalog, Gone

from ..ports.catalog_contract import BLOB_A, BLOB_B, a_bucket, a_large_object, all_items, an_object, listed

# The first and last of each UTF-8 length, and of what surrounds the surrogates.
LETTERS = ("a", "b", "/", "//", "\x01", "\x7f", "\x80", "é", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0010ffff")
texts = st.lists(st.sampled_from(LETTERS), max_size=4).map("".join)
keys = st.lists(st.sampled_from(LETTERS), min_size=1, max_size=5).map("".join)
delimiters = st.sampled_from(("", "/", "//", "a", "b/", "\U0010ffff", "é"))


@dataclass(frozen=True)
class Put:
    key: str
    content: bytes | str  # inline, or the id of a blob
    forbid_overwrite: bool = False

    async def run(self, catalog: Catalog, bucket: Bucket) -> Any:
        record = (
            an_object(self.key, self.content)
            if isinstance(self.content, bytes)
            else a_large_object(self.key, self.content)
        )
        return await catalog.put_object(bucket.bucket_id, record, forbid_overwrite=self.forbid_overwrite)


@dataclass(frozen=True)
class Delete:
    keys: tuple[str, ...]

    async def run(self, catalog: Catalog, bucket: Bucket) -> Any:
        return list(await catalog.delete_objects(bucket.bucket_id, self.keys))


@dataclass(frozen=True)
class SetAcl:
    key: str

    async def run(self, catalog: Catalog, bucket: Bucket) -> Any:
        return await catalog.set_object_acl(bucket.bucket_id, self.key, "public-read")


@dataclass(frozen=True)
class Find:
    key: str

    async def run(self, catalog: Catalog, bucket: Bucket) -> Any:
        return await catalog.find_object(bucket.bucket_id, self.key)


@dataclass(frozen=True)
class List:
    prefix: str
    delimiter: str
    marker: str
    limit: int

    async def run(self, catalog: Catalog, bucket: Bucket) -> Any:
        return await listed(catalog, bucket, self.prefix, self.delimiter, self.marker, self.limit)


contents = st.sampled_from((b"", b"hello", bytes(5000), BLOB_A, BLOB_B))
steps = st.one_of(
    st.builds(Put, keys, contents, st.booleans()),
    st.builds(Put, keys, contents),
    st.builds(Delete, st.lists(keys, max_size=3).map(tuple)),
    st.builds(SetAcl, keys),
    st.builds(Find, keys),
    st.builds(List, texts, delimiters, texts, st.integers(1, 5)),
)
stores = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def outcome(step: Put | Delete | SetAcl | Find | List, catalog: Catalog, bucket: Bucket) -> Any:
    try:
        return await step.run(catalog, bucket)
    except (AlreadyThere, Gone, ValueError) as refusal:
        return type(refusal)


@stores
@given(history=st.lists(steps, max_size=30), final=st.tuples(texts, delimiters, st.integers(1, 4)))
def test_both_catalogs_tell_the_same_story(
    data: Path, history: list[Put | Delete | SetAcl | Find | List], final: tuple[str, str, int]
) -> None:
    async def tell() -> None:
        memory = MemoryCatalog()
        with open_local(data) as engines:
            theirs = await memory.create_bucket(a_bucket(), most=1)
            ours = await fresh_bucket(engines)
            for step in history:
                assert await outcome(step, engines.catalog, ours) == await outcome(step, memory, theirs), step
            prefix, delimiter, limit = final
            assert await listed(engines.catalog, ours, prefix, delimiter) == await listed(
                memory, theirs, prefix, delimiter
            )
            paged = await all_items(engines.catalog, ours, prefix, delimiter, limit)
            assert paged == await all_items(memory, theirs, prefix, delimiter, 1000)
            assert len(set(paged)) == len(paged)
        assert not audit(data).miscounted

    asyncio.run(tell())


async def fresh_bucket(engines: LocalEngines) -> Bucket:
    """The only bucket, empty: what the example before left is removed."""
    before = await engines.catalog.find_bucket("photos")
    if before is not None:
        left = await listed(engines.catalog, before)
        await engines.catalog.delete_objects(before.bucket_id, [found.key for found in left.objects])
        await engines.catalog.forget_blobs([BLOB_A, BLOB_B])
        await engines.catalog.delete_bucket(before.bucket_id)
    return await engines.catalog.create_bucket(a_bucket(), most=1)


@stores
@given(found=st.lists(st.tuples(keys, keys), max_size=5))
def test_a_record_reads_back_whatever_its_words(data: Path, found: list[tuple[str, str]]) -> None:
    async def tell() -> None:
        with open_local(data) as engines:
            bucket = await fresh_bucket(engines)
            record = replace(
                an_object("a"),
                tags=tuple(found),
                headers=tuple((name.encode(), value.encode()) for name, value in found),
            )
            await engines.catalog.put_object(bucket.bucket_id, record)
            assert await engines.catalog.find_object(bucket.bucket_id, "a") == record

    asyncio.run(tell())

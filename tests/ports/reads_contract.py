"""What every engine's first answer to a request must be. Run on each engine; see `ports.snapshot`."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable

from msgspec.structs import replace

from coatcheck.core.access_point_names import make_alias
from coatcheck.ports.access_point import AccessPoint, write_access_point
from coatcheck.ports.keyring import AccessKey
from coatcheck.ports.snapshot import Lookup
from coatcheck.ports.store import Store

from ..patience import until
from .catalog_contract import a_bucket, an_object

HELD = AccessKey("held", "secret", "1000000000000001")
STORED = AccessKey("coat", "hanger", "1000000000000001")


class ReadsContract:
    """Subclasses give a fixture `store`."""

    async def test_nothing_asked_for_is_nothing(self, store: Store) -> None:
        snapshot = await store.reads.read(Lookup())
        assert (snapshot.domain_bucket(), snapshot.access_key(), snapshot.role()) == (None, None, None)
        assert (snapshot.bucket(), snapshot.found()) == (None, None)

    async def test_all_of_it_comes_at_once(self, store: Store) -> None:
        bucket = await store.catalog.create_bucket(a_bucket(), most=9)
        await store.keyring.add_key(STORED)
        await store.catalog.put_object(bucket.bucket_id, an_object("a.txt"))
        lookup = Lookup(access_key_id="coat", bucket=bucket.name, key="a.txt")
        snapshot = await store.reads.read(lookup)
        found = snapshot.found()
        assert found is not None
        assert (snapshot.lookup, snapshot.bucket(), found.key) == (lookup, bucket, "a.txt")
        assert snapshot.access_key() == STORED

    async def test_its_number_moves_with_what_may_change_rights(self, store: Store) -> None:
        bucket = await store.catalog.create_bucket(a_bucket(), most=9)
        await store.keyring.add_key(STORED)
        await store.reads.read(Lookup())
        changes: list[Awaitable[object]] = [
            store.catalog.set_configuration(bucket.bucket_id, "policy", "{}"),
            store.keyring.set_key_enabled("coat", False),
            store.keyring.remove_key("coat"),
        ]
        for change in changes:
            before = store.reads.number()
            await change
            await until(lambda before=before: store.reads.number() != before)  # type: ignore[misc]

    async def test_what_is_not_there_is_none(self, store: Store) -> None:
        bucket = await store.catalog.create_bucket(a_bucket(), most=9)
        snapshot = await store.reads.read(Lookup("a.example", "nobody", "9" * 18, bucket.name, "b.txt"))
        assert (snapshot.domain_bucket(), snapshot.access_key(), snapshot.role()) == (None, None, None)
        assert (snapshot.bucket(), snapshot.found()) == (bucket, None)
        assert (await store.reads.read(Lookup(bucket="no-such-bucket", key="b.txt"))).found() is None

    async def test_an_own_domain_stands_for_its_bucket(self, store: Store) -> None:
        bucket = await store.catalog.create_bucket(a_bucket(), most=9)
        await store.catalog.put_object(bucket.bucket_id, an_object("a.txt"))
        await store.domains.bind_domain("files.example", bucket.bucket_id, now=1, most=9)
        snapshot = await store.reads.read(Lookup(domain="files.example", key="a.txt"))
        assert (snapshot.domain_bucket(), snapshot.bucket()) == (bucket.name, bucket)
        assert snapshot.found() is not None

    async def test_an_alias_stands_for_the_bucket_that_its_access_point_leads_into(self, store: Store) -> None:
        bucket = await store.catalog.create_bucket(a_bucket(), most=9)
        await store.catalog.put_object(bucket.bucket_id, an_object("a.txt"))
        point = AccessPoint("ap-1", make_alias("ap-1", bucket.bucket_id), "internet", 1)
        document = write_access_point(point)
        await store.catalog.change_entry(bucket.bucket_id, "accessPoint", "ap-1", lambda _: document, most=9)
        snapshot = await store.reads.read(Lookup(bucket=point.alias, key="a.txt"))
        assert (snapshot.point(), snapshot.bucket()) == (point, bucket)
        assert snapshot.found() is not None
        assert (await store.reads.read(Lookup(bucket=bucket.name))).point() is None
        another = await store.reads.read(Lookup(bucket=make_alias("ap-1", bucket.bucket_id), key="a.txt"))
        assert (another.point(), another.bucket(), another.found()) == (None, None, None)

    async def test_a_version_is_found_by_its_id(self, store: Store) -> None:
        bucket = await store.catalog.create_bucket(a_bucket(), most=9)
        await store.catalog.set_bucket_versioning(bucket.bucket_id, "Enabled")
        for version_id in ("v1", "v2"):
            record = dataclasses.replace(an_object("a.txt"), version_id=version_id)
            await store.catalog.put_object(bucket.bucket_id, record)
        for asked, expected in ((None, "v2"), ("v1", "v1")):
            snapshot = await store.reads.read(Lookup(bucket=bucket.name, key="a.txt", version_id=asked))
            found = snapshot.found()
            assert found is not None
            assert found.version_id == expected

    async def test_a_key_that_is_held_comes_before_a_stored_one(self, store: Store) -> None:
        await store.keyring.add_key(replace(HELD, access_key_secret="another"))
        store.keyring.hold(HELD)
        assert (await store.reads.read(Lookup(access_key_id="held"))).access_key() == HELD

    async def test_a_change_is_seen_by_the_next_read(self, store: Store) -> None:
        bucket = await store.catalog.create_bucket(a_bucket(), most=9)
        lookup = Lookup(access_key_id="coat", bucket=bucket.name, key="a.txt")
        assert (await store.reads.read(lookup)).found() is None
        await store.catalog.put_object(bucket.bucket_id, an_object("a.txt"))
        await store.keyring.add_key(STORED)
        snapshot = await store.reads.read(lookup)
        assert snapshot.found() is not None
        await store.keyring.set_key_enabled("coat", False)
        after = (await store.reads.read(lookup)).access_key()
        assert after is not None
        assert not after.enabled

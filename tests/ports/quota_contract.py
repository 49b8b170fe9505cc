"""How every catalog holds buckets and accounts to their quotas, and counts what they hold."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import AlreadyThere, Catalog, Gone
from coatcheck.ports.object import Deletion, delete_marker
from coatcheck.ports.quota import (
    QUOTA,
    STORAGE_CAPACITY,
    STORAGE_QUOTA,
    UNLIMITED,
    OverQuota,
    Quota,
    Usage,
    write_quota,
)

from .catalog_contract import BLOB_A, BLOB_B, OWNER, a_bucket, a_part, an_object, an_upload


async def refused(write: Awaitable[object]) -> OverQuota:
    with pytest.raises(OverQuota) as caught:
        await write
    return caught.value


class QuotaContract:
    """`catalog` is empty; OWNER is an account that it knows."""

    @pytest.fixture
    async def bucket(self, catalog: Catalog) -> Bucket:
        return await catalog.create_bucket(a_bucket(), most=9)

    async def limit(self, catalog: Catalog, bucket: Bucket, quota: Quota) -> None:
        await catalog.set_configuration(bucket.bucket_id, QUOTA, write_quota(quota))

    async def test_versions_and_parts_are_counted_and_delete_markers_are_not(
        self, catalog: Catalog, bucket: Bucket
    ) -> None:
        number = bucket.bucket_id

        async def held() -> tuple[int, int]:
            usage = await catalog.find_usage(number)
            assert await catalog.find_account_usage(OWNER) == (UNLIMITED, usage)
            return usage

        assert await held() == (0, 0)
        await catalog.put_object(number, an_object("a.txt", b"12345"))
        await catalog.put_object(number, an_object("a.txt", b"123"))
        assert await held() == (3, 1)
        await catalog.change_object(number, "a.txt", None, lambda _: an_object("a.txt", b"1234567"))
        assert await held() == (7, 1)
        await catalog.create_upload(number, an_upload("b.txt"))
        await catalog.put_part(number, "b.txt", "upload-1", a_part(1, BLOB_A))
        await catalog.put_part(number, "b.txt", "upload-1", a_part(2, BLOB_B))
        assert await held() == (200_007, 1)
        await catalog.put_part(number, "b.txt", "upload-1", a_part(2))
        assert await held() == (200_007, 1)
        upload = await catalog.find_upload(number, "b.txt", "upload-1")
        assert upload is not None
        whole = an_object("b.txt", None, size=100_000, segments=a_part(1, BLOB_A).segments, kind="Multipart")
        await catalog.complete_upload(number, upload, whole)
        assert await held() == (100_007, 2)
        await catalog.create_upload(number, an_upload("c.txt"))
        await catalog.put_part(number, "c.txt", "upload-1", a_part(1))
        assert await held() == (200_007, 2)
        await catalog.abort_upload(number, "c.txt", "upload-1")
        await catalog.set_bucket_versioning(number, "Enabled")
        await catalog.put_object(number, an_object("a.txt", b"12", version_id="v1"))
        assert await held() == (100_009, 3)
        await catalog.delete_object(number, Deletion("a.txt", marker_id="m1", now=5))
        assert await held() == (100_009, 3)
        for version in ("null", "v1", "m1", "nothing"):
            await catalog.delete_object(number, Deletion("a.txt", version_id=version))
        assert await held() == (100_000, 1)
        await catalog.set_bucket_versioning(number, "Suspended")
        await catalog.put_object(number, delete_marker("d.txt", "null", 5))
        await catalog.put_object(number, an_object("d.txt", b"1"))
        assert await held() == (100_001, 2)
        await catalog.delete_objects(number, [Deletion("b.txt", version_id="null"), Deletion("d.txt", marker_id="m2")])
        assert await held() == (0, 0)

    async def test_what_a_bucket_held_goes_with_it(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, an_object("a.txt"))
        await catalog.delete_object(bucket.bucket_id, Deletion("a.txt"))
        await catalog.delete_bucket(bucket.bucket_id)
        assert await catalog.find_usage(bucket.bucket_id) == (0, 0)
        assert (await catalog.find_account_usage(OWNER))[1] == (0, 0)

    async def test_a_refused_write_counts_for_nothing(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, an_object("a.txt"))
        with pytest.raises(AlreadyThere):
            await catalog.put_object(bucket.bucket_id, an_object("a.txt", b"longer one"), forbid_overwrite=True)
        with pytest.raises(Gone):
            await catalog.put_part(bucket.bucket_id, "a.txt", "nothing", a_part(1))
        assert await catalog.find_usage(bucket.bucket_id) == (5, 1)

    async def test_a_bucket_takes_as_many_bytes_as_its_quota_and_no_more(
        self, catalog: Catalog, bucket: Bucket
    ) -> None:
        number = bucket.bucket_id
        await self.limit(catalog, bucket, Quota(10))
        await catalog.put_object(number, an_object("a.txt", b"123456"))
        over = await refused(catalog.put_object(number, an_object("b.txt", b"12345")))
        assert (over.account, over.quota) == ("", Quota(10))
        assert await catalog.find_object(number, "b.txt") is None
        await catalog.put_object(number, an_object("b.txt", b"1234"))
        await refused(catalog.change_object(number, "b.txt", None, lambda _: an_object("b.txt", b"12345")))
        await catalog.put_object(number, an_object("a.txt", b"654321"))  # in place of as much
        await catalog.change_object(number, "b.txt", None, lambda _: an_object("b.txt", b"1"))
        await catalog.put_object(number, an_object("none.txt", b""))
        await self.limit(catalog, bucket, Quota(0))  # what makes nothing more is never refused
        await catalog.put_object(number, an_object("a.txt", b"1"))
        await refused(catalog.put_object(number, an_object("a.txt", b"12")))
        assert await catalog.find_usage(number) == (2, 3)
        await catalog.set_configuration(number, QUOTA, None)
        await catalog.put_object(number, an_object("a.txt", b"123456789012"))

    async def test_a_bucket_takes_as_many_objects_as_its_quota_and_no_more(
        self, catalog: Catalog, bucket: Bucket
    ) -> None:
        number = bucket.bucket_id
        await self.limit(catalog, bucket, Quota(None, 1))
        await catalog.put_object(number, an_object("a.txt"))
        await refused(catalog.put_object(number, an_object("b.txt", b"")))
        await catalog.put_object(number, an_object("a.txt", b"again"))
        await catalog.set_bucket_versioning(number, "Enabled")
        await refused(catalog.put_object(number, an_object("a.txt", version_id="v1")))
        await catalog.delete_object(number, Deletion("a.txt", marker_id="m1", now=5))  # a marker is no object
        await catalog.delete_object(number, Deletion("a.txt", version_id="null"))
        await catalog.put_object(number, an_object("a.txt", version_id="v2"))

    async def test_parts_count_and_completing_needs_no_room_for_them_again(
        self, catalog: Catalog, bucket: Bucket
    ) -> None:
        number = bucket.bucket_id
        await self.limit(catalog, bucket, Quota(200_000, 1))
        await catalog.create_upload(number, an_upload("a.txt"))
        await catalog.put_part(number, "a.txt", "upload-1", a_part(1, BLOB_A))
        await catalog.put_part(number, "a.txt", "upload-1", a_part(2, BLOB_B))
        await refused(catalog.put_part(number, "a.txt", "upload-1", a_part(3)))
        await catalog.put_part(number, "a.txt", "upload-1", a_part(2, BLOB_B), shared=True)
        upload = await catalog.find_upload(number, "a.txt", "upload-1")
        assert upload is not None
        segments = a_part(1, BLOB_A).segments + a_part(2, BLOB_B).segments
        whole = an_object("a.txt", None, size=200_000, segments=segments, kind="Multipart")
        await self.limit(catalog, bucket, Quota(200_000, 0))
        await refused(catalog.complete_upload(number, upload, whole))
        await self.limit(catalog, bucket, Quota(200_000, 1))
        await catalog.complete_upload(number, upload, whole)
        assert await catalog.find_usage(number) == (200_000, 1)

    async def test_an_account_s_buckets_count_together(self, catalog: Catalog, bucket: Bucket) -> None:
        other = await catalog.create_bucket(a_bucket("films"), most=9)
        strangers = await catalog.create_bucket(a_bucket("theirs", "2234567890123456"), most=9)
        await catalog.set_account_quota(OWNER, Quota(10, 2))
        found = await catalog.find_bucket("photos")
        assert found is not None
        assert found.owner_has_quota
        await catalog.put_object(bucket.bucket_id, an_object("a.txt", b"12345"))
        over = await refused(catalog.put_object(other.bucket_id, an_object("a.txt", b"123456")))
        assert (over.account, over.quota) == (OWNER, Quota(10, 2))
        await catalog.put_object(other.bucket_id, an_object("a.txt", b"1234"))
        await refused(catalog.put_object(bucket.bucket_id, an_object("b.txt", b"")))
        await catalog.put_object(strangers.bucket_id, an_object("a.txt", b"123456789012"))
        assert await catalog.find_account_usage(OWNER) == (Quota(10, 2), Usage(9, 2))
        await catalog.set_account_quota(OWNER, UNLIMITED)
        found = await catalog.find_bucket("photos")
        assert found is not None
        assert not found.owner_has_quota
        await catalog.put_object(bucket.bucket_id, an_object("b.txt", b"123456789012"))

    async def test_the_smaller_of_capacity_and_quota_counts(self, catalog: Catalog, bucket: Bucket) -> None:
        number = bucket.bucket_id
        await catalog.set_configuration(number, STORAGE_CAPACITY, '{"v":1,"gigabytes":1}')
        await catalog.check_room(number, Usage(2**30, 1))
        over = await refused(catalog.check_room(number, Usage(2**30 + 1, 1)))
        assert over.quota == Quota(2**30)
        await self.limit(catalog, bucket, Quota(10, 7))
        assert (await refused(catalog.check_room(number, Usage(11)))).quota == Quota(10, 7)
        await self.limit(catalog, bucket, Quota(2**40))
        assert (await refused(catalog.check_room(number, Usage(2**39)))).quota == Quota(2**30)
        await catalog.set_configuration(number, STORAGE_QUOTA, '{"v":1,"size":9,"mode":"Strict"}')
        assert (await refused(catalog.put_object(number, an_object("a.txt", b"1234567890")))).quota == Quota(9)
        await catalog.set_configuration(number, STORAGE_QUOTA, '{"v":1,"size":9,"mode":"Warning"}')
        await catalog.put_object(number, an_object("a.txt", b"1234567890"))
        await catalog.set_configuration(number, STORAGE_CAPACITY, '{"v":1,"gigabytes":-1}')
        await catalog.check_room(number, Usage(2**39))

    async def test_of_many_at_once_no_more_than_fit_are_written(self, catalog: Catalog, bucket: Bucket) -> None:
        await self.limit(catalog, bucket, Quota(100, 7))
        writes = [catalog.put_object(bucket.bucket_id, an_object(f"{n}.txt", b"12345")) for n in range(50)]
        outcomes = await asyncio.gather(*writes, return_exceptions=True)
        assert sum(isinstance(outcome, OverQuota) for outcome in outcomes) == 43
        assert await catalog.find_usage(bucket.bucket_id) == (35, 7)

"""What every catalog does. An engine joins by subclassing `CatalogContract` with a `catalog` fixture."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Sequence

import pytest
from msgspec.structs import replace

from coatcheck.core.access_point_names import make_alias
from coatcheck.core.checksums import Checksum
from coatcheck.core.errors import OBJECT_NOT_APPENDABLE, OssError
from coatcheck.ports.access_point import AccessPoint, write_access_point
from coatcheck.ports.bucket import JOURNAL, REPLICATION, Bucket, BucketStat, ClassStat, NewBucket
from coatcheck.ports.catalog import (
    AlreadyThere,
    BucketChange,
    Catalog,
    Gone,
    HasEntries,
    NotEmpty,
    NothingThere,
    Stale,
    TooMany,
    Unmet,
)
from coatcheck.ports.object import (
    Deletion,
    KeptPart,
    ListPage,
    ObjectRecord,
    OnlyIf,
    Restore,
    Segment,
    VersionPage,
    delete_marker,
)
from coatcheck.ports.upload import Part, Upload, UploadPage, WantedChecksum

BLOB_A = "0a" * 16
BLOB_B = "0b" * 16
BLOB_C = "0c" * 16
BLOB_D = "0d" * 16
OWNER = "1234567890123456"
FAR = 2**40  # Unix seconds


def a_bucket(name: str = "photos", owner: str = OWNER, region: str = "cn-hangzhou") -> NewBucket:
    return NewBucket(name, owner, region, "private", "Standard", "LRS", 1_772_694_489)


def an_object(key: str, body: bytes | None = b"hello", **changes: object) -> ObjectRecord:
    """A small inline object; `changes` replace fields."""
    fields: dict[str, object] = {
        "key": key,
        "version_id": "null",
        "kind": "Normal",
        "size": len(body or b""),
        "etag": "5D41402ABC4B2A76B9719D911017C592",
        "crc64": 2**64 - 1,
        "last_modified": 1_772_694_489,
        "acl": "default",
        "storage_class": "Standard",
        "headers": ((b"content-type", b"text/plain"),),
        "body": body,
    }
    return ObjectRecord(**{**fields, **changes})  # type: ignore[arg-type]


def a_large_object(key: str, *blob_ids: str) -> ObjectRecord:
    return an_object(key, body=None, size=100_000, segments=tuple(Segment(b, 0, 100_000) for b in blob_ids))


def an_upload(key: str, upload_id: str = "upload-1", **changes: object) -> Upload:
    fields: dict[str, object] = {
        "key": key,
        "upload_id": upload_id,
        "initiated_at": 1_772_694_489,
        "storage_class": "Standard",
        "headers": ((b"content-type", b"text/plain"),),
    }
    return Upload(**{**fields, **changes})  # type: ignore[arg-type]


async def complete(catalog: Catalog, bucket: Bucket, record: ObjectRecord) -> None:
    """Complete an upload of the record's blobs, a part each."""
    upload = an_upload(record.key, f"upload-{record.version_id}")
    await catalog.create_upload(bucket.bucket_id, upload)
    for number, segment in enumerate(record.segments, 1):
        await catalog.put_part(bucket.bucket_id, record.key, upload.upload_id, a_part(number, segment.blob_id))
    begun = await catalog.find_upload(bucket.bucket_id, record.key, upload.upload_id)
    assert begun is not None
    await catalog.complete_upload(bucket.bucket_id, begun, record)


def a_part(number: int, *blob_ids: str) -> Part:
    segments = tuple(Segment(blob_id, 0, 100_000) for blob_id in blob_ids)
    return Part(number, 100_000, "5D41402ABC4B2A76B9719D911017C592", 2**64 - 1, 1_772_694_489, segments)


def keys_of(page: ListPage) -> list[str]:
    return [listed.key for listed in page.objects]


async def _put_point(catalog: Catalog, bucket: Bucket, point: AccessPoint) -> None:
    document = write_access_point(point)
    await catalog.change_entry(bucket.bucket_id, "accessPoint", point.name, lambda _: document, most=9)


class CatalogContract:
    @pytest.fixture
    async def bucket(self, catalog: Catalog) -> Bucket:
        return await catalog.create_bucket(a_bucket(), most=100)

    # --- buckets ---

    async def test_a_bucket_is_found_as_it_was_made(self, catalog: Catalog) -> None:
        made = await catalog.create_bucket(a_bucket("photos"), most=100)
        assert made == Bucket(
            bucket_id=made.bucket_id,
            name="photos",
            owner=OWNER,
            region="cn-hangzhou",
            acl="private",
            storage_class="Standard",
            redundancy="LRS",
            created_at=1_772_694_489,
        )
        assert await catalog.find_bucket("photos") == made

    async def test_there_is_no_bucket_that_nobody_made(self, catalog: Catalog) -> None:
        assert await catalog.find_bucket("photos") is None

    async def test_a_bucket_looked_for_too_early_is_found_once_made(self, catalog: Catalog) -> None:
        await catalog.find_bucket("photos")
        made = await catalog.create_bucket(a_bucket("photos"), most=100)
        assert await catalog.find_bucket("photos") == made

    async def test_buckets_are_found_by_a_configuration_whoever_owns_them(self, catalog: Catalog) -> None:
        first = await catalog.create_bucket(a_bucket("bbb"), most=9)
        second = await catalog.create_bucket(a_bucket("aaa", owner="2000000000000002"), most=9)
        await catalog.create_bucket(a_bucket("ccc"), most=9)
        assert await catalog.buckets_with_configuration("lifecycle") == []
        for bucket in (first, second):
            await catalog.set_configuration(bucket.bucket_id, "lifecycle", f"of {bucket.name}")
        await catalog.set_configuration(first.bucket_id, "cors", "other")
        found = await catalog.buckets_with_configuration("lifecycle")
        assert [(bucket.name, bucket.configuration("lifecycle")) for bucket in found] == [
            ("aaa", "of aaa"),
            ("bbb", "of bbb"),
        ]

    async def test_a_configuration_stays_with_its_bucket_until_it_is_replaced_or_removed(
        self, catalog: Catalog, bucket: Bucket
    ) -> None:
        await catalog.set_configuration(bucket.bucket_id, "policy", "one")
        await catalog.set_configuration(bucket.bucket_id, "cors", "two")
        await catalog.set_configuration(bucket.bucket_id, "policy", "three")
        found = await catalog.find_bucket(bucket.name)
        assert found is not None
        assert found.configurations == (("cors", "two"), ("policy", "three"))
        assert found.configuration("policy") == "three"
        await catalog.set_configuration(bucket.bucket_id, "policy", None)
        await catalog.set_configuration(bucket.bucket_id, "policy", None)
        found = await catalog.find_bucket(bucket.name)
        assert found is not None
        assert found.configuration("policy") is None
        assert found.configuration("cors") == "two"

    async def test_a_configuration_of_a_bucket_that_is_gone_is_not_kept(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.set_configuration(bucket.bucket_id, "cors", "one")
        await catalog.delete_bucket(bucket.bucket_id)
        with pytest.raises(Gone):
            await catalog.set_configuration(bucket.bucket_id, "cors", "two")
        made = await catalog.create_bucket(a_bucket(bucket.name), most=100)
        assert made.configurations == ()

    async def test_of_many_changes_at_once_each_is_made_from_the_one_before(
        self, catalog: Catalog, bucket: Bucket
    ) -> None:
        """Sixty configurations at once where fifty may be: fifty are kept, whoever was first."""

        def add(name: str) -> BucketChange:
            def change(now: Bucket) -> Bucket:
                if len(now.configurations) >= 50:
                    raise OBJECT_NOT_APPENDABLE()
                return now.with_configuration(name, "document")

            return change

        changes = [catalog.change_bucket(bucket.bucket_id, add(f"style/{number:02}")) for number in range(60)]
        outcomes = await asyncio.gather(*changes, return_exceptions=True)
        assert sum(isinstance(outcome, OssError) for outcome in outcomes) == 10
        found = await catalog.find_bucket(bucket.name)
        assert found is not None
        assert len(found.configurations) == 50

    async def test_a_change_sees_the_whole_bucket_and_changes_what_it_says(
        self, catalog: Catalog, bucket: Bucket
    ) -> None:
        await catalog.set_configuration(bucket.bucket_id, "cors", "one")
        await catalog.set_configuration(bucket.bucket_id, "policy", "two")
        await catalog.set_bucket_acl(bucket.bucket_id, "public-read")
        await catalog.find_bucket(bucket.name)
        seen = []

        def change(now: Bucket) -> Bucket:
            seen.append((now.name, now.acl, now.versioning, now.configurations))
            moved = now.with_configuration("cors", None).with_configuration("tagging", "three")
            unchanging = dataclasses.replace(moved, owner="0", name="other", region="elsewhere")
            return dataclasses.replace(unchanging, acl="private", redundancy="ZRS", versioning="Enabled")

        await catalog.change_bucket(bucket.bucket_id, change)
        assert set(seen) == {("photos", "public-read", "", (("cors", "one"), ("policy", "two")))}
        found = await catalog.find_bucket(bucket.name)
        configurations = (("policy", "two"), ("tagging", "three"))
        assert found == dataclasses.replace(
            bucket, redundancy="ZRS", versioning="Enabled", configurations=configurations
        )

    async def test_a_change_of_a_bucket_may_say_no_and_then_nothing_is_changed(
        self, catalog: Catalog, bucket: Bucket
    ) -> None:
        def refuse(now: Bucket) -> Bucket:
            raise OBJECT_NOT_APPENDABLE()

        with pytest.raises(OssError):
            await catalog.change_bucket(bucket.bucket_id, refuse)
        assert await catalog.find_bucket(bucket.name) == bucket
        await catalog.delete_bucket(bucket.bucket_id)
        with pytest.raises(Gone):
            await catalog.change_bucket(bucket.bucket_id, lambda now: now)

    async def test_a_bucket_is_made_with_its_configurations_or_not_at_all(self, catalog: Catalog) -> None:
        first = (("tagging", "a=b"), ("cors", "one"))
        new = replace(a_bucket("tagged"), configurations=first, versioning="Enabled")
        seen = []

        def refuse(made: Bucket) -> None:
            seen.append((made.name, made.acl, made.configuration("tagging"), made.versioning))
            raise OBJECT_NOT_APPENDABLE()

        with pytest.raises(OssError):
            await catalog.create_bucket(new, most=9, check=refuse)
        assert set(seen) == {("tagged", "private", "a=b", "Enabled")}
        assert await catalog.find_bucket("tagged") is None
        made = await catalog.create_bucket(new, most=9, check=lambda _: None)
        assert (made.configurations, made.versioning) == ((("cors", "one"), ("tagging", "a=b")), "Enabled")
        assert await catalog.find_bucket("tagged") == made

    async def test_a_bucket_name_is_taken_for_everybody(self, catalog: Catalog, bucket: Bucket) -> None:
        with pytest.raises(AlreadyThere):
            await catalog.create_bucket(a_bucket(bucket.name, owner="9999999999999999"), most=100)

    async def test_the_number_of_buckets_is_limited_by_owner_and_region(self, catalog: Catalog) -> None:
        await catalog.create_bucket(a_bucket("one"), most=2)
        await catalog.create_bucket(a_bucket("two"), most=2)
        with pytest.raises(TooMany):
            await catalog.create_bucket(a_bucket("three"), most=2)
        await catalog.create_bucket(a_bucket("elsewhere", region="cn-shanghai"), most=2)
        await catalog.create_bucket(a_bucket("other", owner="9999999999999999"), most=2)

    async def test_a_bucket_acl_can_be_changed(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.find_bucket("photos")
        await catalog.set_bucket_acl(bucket.bucket_id, "public-read")
        found = await catalog.find_bucket("photos")
        assert found is not None
        assert found.acl == "public-read"

    async def test_a_deleted_bucket_is_gone(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.find_bucket("photos")
        await catalog.delete_bucket(bucket.bucket_id)
        assert await catalog.find_bucket("photos") is None
        for attempt in (
            catalog.delete_bucket(bucket.bucket_id),
            catalog.set_bucket_acl(bucket.bucket_id, "private"),
            catalog.put_object(bucket.bucket_id, an_object("a")),
            catalog.delete_object(bucket.bucket_id, Deletion("a")),
            catalog.delete_objects(bucket.bucket_id, [Deletion("a")]),
            catalog.change_object(bucket.bucket_id, "a", None, lambda record: record),
        ):
            with pytest.raises(Gone):
                await attempt

    async def test_nothing_written_for_a_deleted_bucket_appears_in_its_successor(
        self, catalog: Catalog, bucket: Bucket
    ) -> None:
        await catalog.delete_bucket(bucket.bucket_id)
        successor = await catalog.create_bucket(a_bucket(), most=100)
        with pytest.raises(Gone):
            await catalog.put_object(bucket.bucket_id, an_object("late"))
        assert await catalog.find_object(successor.bucket_id, "late") is None

    async def test_a_bucket_with_an_object_is_not_deleted(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, an_object("a"))
        with pytest.raises(NotEmpty):
            await catalog.delete_bucket(bucket.bucket_id)
        await catalog.delete_object(bucket.bucket_id, Deletion("a"))
        await catalog.delete_bucket(bucket.bucket_id)

    async def test_buckets_are_listed_by_name_for_their_owner(self, catalog: Catalog) -> None:
        for name in ("b-two", "a-one", "b-one", "c-one"):
            await catalog.create_bucket(a_bucket(name), most=100)
        await catalog.create_bucket(a_bucket("b-other", owner="9999999999999999"), most=100)

        async def names(prefix: str = "", marker: str = "", limit: int = 10) -> tuple[list[str], bool]:
            found, more = await catalog.list_buckets(OWNER, prefix=prefix, marker=marker, limit=limit)
            return [bucket.name for bucket in found], more

        assert await names() == (["a-one", "b-one", "b-two", "c-one"], False)
        assert await names(prefix="b-") == (["b-one", "b-two"], False)
        assert await names(limit=2) == (["a-one", "b-one"], True)
        assert await names(marker="b-one", limit=2) == (["b-two", "c-one"], False)

    # --- objects ---

    async def test_an_entry_is_kept_by_its_bucket_its_kind_and_its_name(self, catalog: Catalog, bucket: Bucket) -> None:
        number = bucket.bucket_id
        assert await catalog.find_entry(number, "inventory", "all") is None
        await catalog.change_entry(number, "inventory", "all", lambda _: "one", most=9)
        assert await catalog.find_entry(number, "inventory", "all") == "one"
        for kind, name in (("inventory", "al"), ("inventory", "All"), ("other", "all")):
            assert await catalog.find_entry(number, kind, name) is None
        assert await catalog.count_entries(number, "inventory") == 1
        assert await catalog.count_entries(number, "other") == 0

    async def test_an_entry_is_made_from_the_one_before_and_dropped(self, catalog: Catalog, bucket: Bucket) -> None:
        number = bucket.bucket_id

        async def change(answer: str | None) -> str | None:
            seen: list[str | None] = []

            def make(before: str | None) -> str | None:
                seen.append(before)
                return answer

            await catalog.change_entry(number, "inventory", "all", make, most=1)
            return seen[-1]

        assert [await change(answer) for answer in ("one", "two", None, None)] == [None, "one", "two", None]
        assert await catalog.find_entry(number, "inventory", "all") is None

    async def test_a_change_of_an_entry_may_say_no(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.change_entry(bucket.bucket_id, "inventory", "all", lambda _: "one", most=9)

        def refuse(_: str | None) -> str:
            raise OBJECT_NOT_APPENDABLE()

        with pytest.raises(OssError):
            await catalog.change_entry(bucket.bucket_id, "inventory", "all", refuse, most=9)
        assert await catalog.find_entry(bucket.bucket_id, "inventory", "all") == "one"

    async def test_a_bucket_has_at_most_so_many_entries_of_a_kind(self, catalog: Catalog, bucket: Bucket) -> None:
        number = bucket.bucket_id
        for name in ("a", "b", "a"):
            await catalog.change_entry(number, "inventory", name, lambda _: "one", most=2)
        with pytest.raises(TooMany):
            await catalog.change_entry(number, "inventory", "c", lambda _: "one", most=2)
        await catalog.change_entry(number, "other", "c", lambda _: "one", most=2)
        await catalog.change_entry(number, "inventory", "c", lambda _: None, most=2)
        assert await catalog.count_entries(number, "inventory") == 2

    async def test_entries_are_listed_in_pages_by_name(self, catalog: Catalog, bucket: Bucket) -> None:
        names = ["a", "a%", "a_b", "ab", "b", "ä", "\U0001f600"]
        for name in reversed(names):
            await catalog.change_entry(bucket.bucket_id, "inventory", name, lambda _: "one", most=99)

        async def page(prefix: str, marker: str, limit: int) -> tuple[list[str], bool]:
            found, more = await catalog.list_entries(
                bucket.bucket_id, "inventory", prefix=prefix, marker=marker, limit=limit
            )
            assert all(document == "one" for _, document in found)
            return [name for name, _ in found], more

        assert await page("", "", 99) == (names, False)
        assert await page("", "", 2) == (names[:2], True)
        assert await page("", "a%", 5) == (names[2:], False)
        assert await page("a", "", 99) == (["a", "a%", "a_b", "ab"], False)
        assert await page("a", "a_b", 99) == (["ab"], False)
        assert await page("ä", "", 1) == (["ä"], False)
        assert await page("c", "", 1) == ([], False)

    async def test_buckets_are_found_by_the_kind_of_their_entries(self, catalog: Catalog, bucket: Bucket) -> None:
        other = await catalog.create_bucket(a_bucket("another"), most=9)
        assert await catalog.buckets_with_entries("inventory") == []
        await catalog.change_entry(bucket.bucket_id, "inventory", "all", lambda _: "one", most=9)
        await catalog.change_entry(bucket.bucket_id, "inventory", "some", lambda _: "two", most=9)
        await catalog.change_entry(other.bucket_id, "liveChannel", "door", lambda _: "three", most=9)
        assert [found.name for found in await catalog.buckets_with_entries("inventory")] == [bucket.name]
        assert [found.name for found in await catalog.buckets_with_entries("liveChannel")] == ["another"]
        for name in ("all", "some"):
            await catalog.change_entry(bucket.bucket_id, "inventory", name, lambda _: None, most=9)
        assert await catalog.buckets_with_entries("inventory") == []

    async def test_a_listing_of_versions_says_what_their_records_say(self, catalog: Catalog, bucket: Bucket) -> None:
        checksum = Checksum("crc32", "NhCmhg==-2")
        record = an_object("a", acl="public-read", encryption="AES256", crc64=(1 << 64) - 1, tags=(("k", "v"),))
        await catalog.put_object(bucket.bucket_id, dataclasses.replace(record, checksum=checksum))
        page = await catalog.list_versions(bucket.bucket_id, prefix="", delimiter="", marker=("", ""), limit=9)
        (version,) = page.versions
        assert (version.acl, version.encryption, version.crc64) == ("public-read", "AES256", (1 << 64) - 1)
        assert (version.tags, version.checksum) == ((("k", "v"),), checksum)

    async def test_entries_are_dropped_by_many(self, catalog: Catalog, bucket: Bucket) -> None:
        number = bucket.bucket_id
        for name in ("a", "b", "c"):
            await catalog.change_entry(number, "inventory", name, lambda _: "one", most=9)
        await catalog.change_entry(number, "other", "a", lambda _: "two", most=9)
        assert await catalog.drop_entries(number, "inventory", limit=2)
        assert await catalog.count_entries(number, "inventory") == 1
        assert not await catalog.drop_entries(number, "inventory", limit=2)
        assert await catalog.count_entries(number, "inventory") == 0
        assert await catalog.count_entries(number, "other") == 1
        assert not await catalog.drop_entries(number + 99, "inventory", limit=2)

    async def test_a_bucket_with_a_rule_notes_each_change_in_its_commit(self, catalog: Catalog, bucket: Bucket) -> None:
        number = bucket.bucket_id

        async def noted(change: Awaitable[object]) -> list[str]:
            """The keys that a change leaves in the journal, which was empty."""
            await change
            page, _ = await catalog.list_entries(number, JOURNAL, prefix="", marker="", limit=9)
            await catalog.drop_entries(number, JOURNAL, limit=9)
            assert len({text for _, text in page}) == len(page)
            return [key for key, _ in page]

        assert await noted(catalog.put_object(number, an_object("before"))) == []
        await catalog.set_configuration(number, REPLICATION, "{}")
        assert await noted(catalog.put_object(number, an_object("a/ü"))) == ["a/ü"]
        changed = catalog.change_object(
            number, "a/ü", None, lambda record: dataclasses.replace(record, tags=(("k", "v"),))
        )
        assert await noted(changed) == ["a/ü"]
        assert await noted(catalog.delete_object(number, Deletion("a/ü"))) == ["a/ü"]
        assert await noted(catalog.delete_object(number, Deletion("a/ü"))) == []  # nothing was there
        await catalog.set_bucket_versioning(number, "Enabled")
        assert await noted(catalog.put_object(number, an_object("v", version_id="one"))) == ["v"]
        deletions = [Deletion("v", marker_id="two"), Deletion("v", version_id="one"), Deletion("w", marker_id="three")]
        assert await noted(catalog.delete_objects(number, deletions)) == ["v", "w"]
        upload = an_upload("up")
        await catalog.create_upload(number, upload)
        assert await noted(catalog.complete_upload(number, upload, an_object("up", version_id="four"))) == ["up"]
        await catalog.set_configuration(number, REPLICATION, None)
        assert await noted(catalog.put_object(number, an_object("after"))) == []

    async def test_a_key_that_changes_again_is_noted_anew(self, catalog: Catalog, bucket: Bucket) -> None:
        number = bucket.bucket_id
        await catalog.set_configuration(number, REPLICATION, "{}")
        texts = []
        for _ in range(2):
            await catalog.put_object(number, an_object("a"))
            texts.append(await catalog.find_entry(number, JOURNAL, "a"))
        assert None not in texts
        assert texts[0] != texts[1]

    async def test_entries_go_with_their_bucket(self, catalog: Catalog, bucket: Bucket) -> None:
        number = bucket.bucket_id
        await catalog.change_entry(number, "inventory", "all", lambda _: "one", most=9)
        await catalog.delete_bucket(number)
        assert await catalog.find_entry(number, "inventory", "all") is None
        assert await catalog.list_entries(number, "inventory", prefix="", marker="", limit=9) == ([], False)
        with pytest.raises(Gone):
            await catalog.change_entry(number, "inventory", "all", lambda _: "one", most=9)

    async def test_a_bucket_stays_while_it_has_entries_that_keep_it(self, catalog: Catalog, bucket: Bucket) -> None:
        number = bucket.bucket_id
        await catalog.change_entry(number, "accessPoint", "ap", lambda _: "one", most=9)
        with pytest.raises(HasEntries):
            await catalog.delete_bucket(number, kept_by=("inventory", "accessPoint"))
        assert await catalog.find_entry(number, "accessPoint", "ap") == "one"
        await catalog.delete_bucket(number, kept_by=("inventory",))
        assert await catalog.find_bucket(bucket.name) is None

    async def test_of_some_kinds_a_name_is_good_once_an_account_and_region(self, catalog: Catalog) -> None:
        new = (
            a_bucket("one"),
            a_bucket("two"),
            replace(a_bucket("elsewhere"), region="cn-shanghai"),
            a_bucket("of-another", owner="9999999999999999"),
        )
        made = [await catalog.create_bucket(each, most=9) for each in new]
        one, two, elsewhere, of_another = [bucket.bucket_id for bucket in made]

        async def put(bucket_id: int, name: str, account_most: int = 2) -> None:
            await catalog.change_entry(bucket_id, "accessPoint", name, lambda _: "a", most=9, account_most=account_most)

        await put(one, "ap-1")
        await put(one, "ap-1")
        for bucket_id in (elsewhere, of_another):
            await put(bucket_id, "ap-1")
        with pytest.raises(AlreadyThere):
            await put(two, "ap-1")
        await put(two, "ap-2")
        with pytest.raises(TooMany):
            await put(two, "ap-3")
        assert await catalog.count_entries(two, "accessPoint") == 1
        await catalog.change_entry(one, "accessPoint", "ap-1", lambda _: None, most=9)
        await put(two, "ap-1")

    async def test_entries_of_an_account_are_listed_in_pages_by_name_and_bucket(self, catalog: Catalog) -> None:
        places = [("b-2", "ap-1"), ("b-1", "ap-2"), ("b-2", "ap-3"), ("b-1", "ap-1"), ("b-other", "ap-0")]
        elsewhere, of_another = replace(a_bucket("b-2"), region="cn-shanghai"), a_bucket("b-other", owner="9" * 16)
        for new in (a_bucket("b-1"), elsewhere, of_another):
            await catalog.create_bucket(new, most=9)
        for bucket_name, name in places:
            bucket = await catalog.find_bucket(bucket_name)
            assert bucket is not None
            for kind in ("accessPoint", "inventory"):
                await catalog.change_entry(bucket.bucket_id, kind, name, lambda _: f"{bucket_name} {name}", most=9)  # noqa: B023

        async def page(marker: tuple[str, str], limit: int) -> tuple[list[tuple[str, str, str]], bool]:
            found, more = await catalog.list_account_entries(OWNER, "accessPoint", marker=marker, limit=limit)
            return [tuple(entry) for entry in found], more  # type: ignore[misc]

        everything = [
            ("ap-1", "b-1", "b-1 ap-1"),
            ("ap-1", "b-2", "b-2 ap-1"),
            ("ap-2", "b-1", "b-1 ap-2"),
            ("ap-3", "b-2", "b-2 ap-3"),
        ]
        assert await page(("", ""), 9) == (everything, False)
        assert await page(("", ""), 1) == (everything[:1], True)
        assert await page(("ap-1", "b-1"), 2) == (everything[1:3], True)
        assert await page(("ap-1", "b-2"), 2) == (everything[2:], False)
        assert await page(("ap-3", "b-2"), 2) == ([], False)

    async def test_many_entries_are_kept_and_dropped_at_once(self, catalog: Catalog, bucket: Bucket) -> None:
        number = bucket.bucket_id
        await catalog.put_entries(number, "lastAccess", [("a", "1"), ("ä/b", "2"), ("c", "3")])
        await catalog.put_entries(number, "lastAccess", [("a", "4"), ("c", None), ("d", None)])
        found, _ = await catalog.list_entries(number, "lastAccess", prefix="", marker="", limit=9)
        assert list(found) == [("a", "4"), ("ä/b", "2")]
        assert await catalog.count_entries(number, "other") == 0
        await catalog.delete_bucket(number)
        with pytest.raises(Gone):
            await catalog.put_entries(number, "lastAccess", [("a", "1")])

    async def test_an_access_point_is_found_by_its_alias(self, catalog: Catalog) -> None:
        bucket = await catalog.create_bucket(a_bucket("pointed-at"), most=9)
        other = await catalog.create_bucket(a_bucket("other"), most=9)
        point = AccessPoint("ap-1", make_alias("ap-1", bucket.bucket_id), "internet", 1)
        await _put_point(catalog, bucket, point)
        assert await catalog.find_access_point(point.alias) == (bucket, point)
        await catalog.set_bucket_acl(bucket.bucket_id, "public-read")
        assert await catalog.find_access_point(point.alias) == (await catalog.find_bucket("pointed-at"), point)
        others = (
            make_alias("ap-1", bucket.bucket_id),
            make_alias("ap-1", other.bucket_id),
            make_alias("ap-1", 2**64 - 1),
            point.alias.replace("ap-1", "ap-2"),
            bucket.name,
            "",
        )
        for alias in others:
            assert await catalog.find_access_point(alias) is None
        await catalog.change_entry(bucket.bucket_id, "accessPoint", "ap-1", lambda _: None, most=9)
        assert await catalog.find_access_point(point.alias) is None

    async def test_an_access_point_leads_nowhere_when_its_bucket_was_made_again(self, catalog: Catalog) -> None:
        bucket = await catalog.create_bucket(a_bucket("pointed-at"), most=9)
        point = AccessPoint("ap-1", make_alias("ap-1", bucket.bucket_id), "internet", 1)
        await _put_point(catalog, bucket, point)
        await catalog.delete_bucket(bucket.bucket_id)
        await catalog.create_bucket(a_bucket("pointed-at"), most=9)
        assert await catalog.find_access_point(point.alias) is None

    async def test_an_object_is_found_as_it_was_put(self, catalog: Catalog, bucket: Bucket) -> None:
        put = an_object(
            "照片/\U0001f600 +%.jpg",
            headers=((b"content-type", b"image/jpeg"), (b"x-oss-meta-a", b""), (b"x-oss-meta-b", b"\xe7\x85\xa7: x")),
            tags=(("colour", "rot & blau"), ("empty", "")),
        )
        written = await catalog.put_object(bucket.bucket_id, put)
        assert (written.version_id, written.released) == ("null", ())
        assert await catalog.find_object(bucket.bucket_id, put.key) == put

    async def test_an_object_without_headers_and_bytes_is_found_as_it_was_put(
        self, catalog: Catalog, bucket: Bucket
    ) -> None:
        put = an_object("empty", body=b"", headers=(), crc64=0)
        await catalog.put_object(bucket.bucket_id, put)
        assert await catalog.find_object(bucket.bucket_id, "empty") == put

    async def test_an_object_of_ten_thousand_segments_is_found_as_it_was_put(
        self, catalog: Catalog, bucket: Bucket
    ) -> None:
        segments = tuple(Segment(f"{number:032x}", number, 2**40 + number) for number in range(10_000))
        put = an_object("many", body=None, segments=segments)
        await catalog.put_object(bucket.bucket_id, put)
        assert await catalog.find_object(bucket.bucket_id, "many") == put
        assert len((await catalog.delete_object(bucket.bucket_id, Deletion("many"))).released) == 10_000

    async def test_an_inline_body_has_up_to_64_kib(self, catalog: Catalog, bucket: Bucket) -> None:
        put = an_object("full", body=bytes(range(256)) * 256)
        await catalog.put_object(bucket.bucket_id, put)
        assert await catalog.find_object(bucket.bucket_id, "full") == put

    async def test_there_is_no_object_that_nobody_put(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, an_object("a"))
        assert await catalog.find_object(bucket.bucket_id, "A") is None
        assert await catalog.find_object(bucket.bucket_id, "a/") is None
        assert await catalog.find_object(bucket.bucket_id + 1, "a") is None

    async def test_the_last_put_is_what_is_found(self, catalog: Catalog, bucket: Bucket) -> None:
        history = (
            an_object("a", b"first"),
            a_large_object("a", BLOB_A),
            an_object("a", b"third, longer than the first"),
            an_object("a", b""),
        )
        for put in history:
            await catalog.put_object(bucket.bucket_id, put)
            assert await catalog.find_object(bucket.bucket_id, "a") == put
        assert keys_of(await listed(catalog, bucket)) == ["a"]

    async def test_overwriting_can_be_forbidden(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, an_object("a", b"first"), forbid_overwrite=True)
        with pytest.raises(AlreadyThere):
            await catalog.put_object(bucket.bucket_id, an_object("a", b"second"), forbid_overwrite=True)
        assert await catalog.find_object(bucket.bucket_id, "a") == an_object("a", b"first")

    async def test_of_many_at_once_that_forbid_overwriting_one_wins(self, catalog: Catalog, bucket: Bucket) -> None:
        puts = [
            catalog.put_object(bucket.bucket_id, an_object("a", b"%d" % n), forbid_overwrite=True) for n in range(20)
        ]
        outcomes = await asyncio.gather(*puts, return_exceptions=True)
        winners = [n for n, outcome in enumerate(outcomes) if not isinstance(outcome, AlreadyThere)]
        assert len(winners) == 1
        assert await catalog.find_object(bucket.bucket_id, "a") == an_object("a", b"%d" % winners[0])

    async def test_a_put_may_mean_the_object_that_is_there(self, catalog: Catalog, bucket: Bucket) -> None:
        with pytest.raises(NothingThere):
            await catalog.put_object(bucket.bucket_id, an_object("a"), only_if=OnlyIf("*"))
        await catalog.put_object(bucket.bucket_id, an_object("a", b"first", etag="A1"))
        with pytest.raises(Unmet):
            await catalog.put_object(bucket.bucket_id, an_object("a", b"second", etag="B2"), only_if=OnlyIf("B2"))
        assert await catalog.find_object(bucket.bucket_id, "a") == an_object("a", b"first", etag="A1")
        await catalog.put_object(bucket.bucket_id, an_object("a", b"second", etag="B2"), only_if=OnlyIf("A1"))
        await catalog.put_object(bucket.bucket_id, an_object("a", b"third", etag="C3"), only_if=OnlyIf("*"))
        assert await catalog.find_object(bucket.bucket_id, "a") == an_object("a", b"third", etag="C3")

    async def test_of_many_at_once_that_mean_the_same_object_one_wins(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, an_object("a", b"", etag="A1"))
        puts = [
            catalog.put_object(bucket.bucket_id, an_object("a", b"%d" % n, etag="B2"), only_if=OnlyIf("A1"))
            for n in range(20)
        ]
        outcomes = await asyncio.gather(*puts, return_exceptions=True)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Unmet"] * 19 + ["Written"]

    async def test_the_object_that_is_meant_is_the_newest_version(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.set_bucket_versioning(bucket.bucket_id, "Enabled")
        await catalog.put_object(bucket.bucket_id, an_object("a", version_id="v1", etag="A1"))
        await catalog.put_object(bucket.bucket_id, an_object("a", version_id="v2", etag="B2"))
        with pytest.raises(Unmet):
            await catalog.put_object(bucket.bucket_id, an_object("a", version_id="v3"), only_if=OnlyIf("A1"))
        await catalog.delete_object(bucket.bucket_id, Deletion("a", None, "m1", 300))
        with pytest.raises(NothingThere):
            await catalog.put_object(bucket.bucket_id, an_object("a", version_id="v3"), only_if=OnlyIf("B2"))

    async def test_a_delete_leaves_what_was_not_meant(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, an_object("a", b"five5", etag="A1", last_modified=100))
        wrong = [OnlyIf("B2"), OnlyIf("A1", 6), OnlyIf("A1", 5, 99), OnlyIf(size=4), OnlyIf(last_modified=101)]
        for only_if in wrong:
            deleted = await catalog.delete_object(bucket.bucket_id, Deletion("a", only_if=only_if))
            assert (deleted.existed, deleted.unmet) == (False, True), only_if
        both = [Deletion("a", only_if=OnlyIf("A1", 5, 100)), Deletion("none", only_if=OnlyIf("*"))]
        deleted_both = await catalog.delete_objects(bucket.bucket_id, both)
        assert [(one.existed, one.unmet) for one in deleted_both] == [(True, False), (False, False)]

    async def test_deleting_tells_whether_there_was_anything(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, an_object("a"))
        assert (await catalog.delete_object(bucket.bucket_id, Deletion("a"))).existed
        assert not (await catalog.delete_object(bucket.bucket_id, Deletion("a"))).existed
        assert await catalog.find_object(bucket.bucket_id, "a") is None

    async def test_many_are_deleted_at_once(self, catalog: Catalog, bucket: Bucket) -> None:
        for key in ("a", "b", "c"):
            await catalog.put_object(bucket.bucket_id, an_object(key))
        deleted = await catalog.delete_objects(
            bucket.bucket_id, [Deletion("c"), Deletion("x"), Deletion("a"), Deletion("a")]
        )
        assert [answer.existed for answer in deleted] == [True, False, True, False]
        assert keys_of(await listed(catalog, bucket)) == ["b"]

    async def test_an_object_is_changed_in_place(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, an_object("a"))

        def publish(record: ObjectRecord) -> ObjectRecord:
            return dataclasses.replace(record, acl="public-read")

        await catalog.change_object(bucket.bucket_id, "a", None, publish)
        assert await catalog.find_object(bucket.bucket_id, "a") == an_object("a", acl="public-read")
        await catalog.change_object(bucket.bucket_id, "a", "null", publish)
        for key, version_id in (("b", None), ("a", "v1")):
            with pytest.raises(Gone):
                await catalog.change_object(bucket.bucket_id, key, version_id, publish)

    async def test_every_field_of_an_object_is_kept(self, catalog: Catalog, bucket: Bucket) -> None:
        for put in (
            an_object("link", b"", kind="Symlink", symlink_target="写/a"),
            an_object("log", kind="Appendable", sealed_at=1_772_694_490, encryption="AES256"),
            an_object("summed", checksum=Checksum("sha1", "C54eoYSVRSQmdlz+QNH7JdIFgcU=-2")),
            an_object("cold", storage_class="Archive", restore=Restore(1_772_694_489, 1_772_780_889)),
        ):
            await catalog.put_object(bucket.bucket_id, put)
            assert await catalog.find_object(bucket.bucket_id, put.key) == put
        cold, link, log, _ = (await listed(catalog, bucket)).objects
        assert cold.restore == Restore(1_772_694_489, 1_772_780_889)
        assert link.restore is None
        assert log.kind == "Appendable"

    async def test_a_change_may_say_no_and_then_nothing_is_changed(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, an_object("a"))

        def refuse(record: ObjectRecord) -> ObjectRecord:
            raise OBJECT_NOT_APPENDABLE(Key=record.key)

        with pytest.raises(OssError):
            await catalog.change_object(bucket.bucket_id, "a", None, refuse)
        assert await catalog.find_object(bucket.bucket_id, "a") == an_object("a")

    async def test_a_change_may_add_and_drop_blobs(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, a_large_object("a", BLOB_A))

        def grow(record: ObjectRecord) -> ObjectRecord:
            return dataclasses.replace(record, segments=(*record.segments, Segment(BLOB_B, 0, 5)))

        def shrink(record: ObjectRecord) -> ObjectRecord:
            return dataclasses.replace(record, segments=record.segments[1:])

        assert (await catalog.change_object(bucket.bucket_id, "a", None, grow)).released == ()
        assert (await catalog.change_object(bucket.bucket_id, "a", None, shrink)).released == (BLOB_A,)
        assert (await catalog.change_object(bucket.bucket_id, "a", None, lambda record: record)).released == ()
        assert (await catalog.delete_object(bucket.bucket_id, Deletion("a"))).released == (BLOB_B,)

    async def test_a_delete_leaves_what_was_modified_since(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, an_object("a", last_modified=100))
        for until, existed in ((99, False), (100, True), (100, False)):
            deleted = await catalog.delete_object(bucket.bucket_id, Deletion("a", unless_newer_than=until))
            assert deleted.existed is existed

    async def test_a_bucket_counts_what_is_in_it(self, catalog: Catalog, bucket: Bucket) -> None:
        assert await catalog.stat_bucket(bucket.bucket_id) == BucketStat()
        await catalog.set_bucket_versioning(bucket.bucket_id, "Enabled")
        for version_id, size in (("v1", 10), ("v2", 100_000)):
            await catalog.put_object(
                bucket.bucket_id, an_object("a", size=size, version_id=version_id, storage_class="IA")
            )
        await catalog.put_object(bucket.bucket_id, an_object("b", version_id="v3"))
        await catalog.delete_object(bucket.bucket_id, Deletion("b", marker_id="v4"))
        await catalog.create_upload(bucket.bucket_id, an_upload("c"))
        await catalog.create_upload(bucket.bucket_id, an_upload("d"))
        for number in (1, 2):
            await catalog.put_part(bucket.bucket_id, "c", "upload-1", a_part(number))
        assert await catalog.stat_bucket(bucket.bucket_id) == BucketStat(
            (("IA", ClassStat(2, 100_010, 165_536)), ("Standard", ClassStat(1, 5, 65_536))),
            delete_markers=1,
            uploads=2,
            parts=2,
            parts_bytes=200_000,
        )

    # --- versions ---

    async def test_a_bucket_is_versioned_from_when_it_is_said(self, catalog: Catalog, bucket: Bucket) -> None:
        for state in ("Enabled", "Suspended", "Enabled"):
            await catalog.set_bucket_versioning(bucket.bucket_id, state)
            found = await catalog.find_bucket("photos")
            assert found is not None
            assert found.versioning == state
        with pytest.raises(Gone):
            await catalog.set_bucket_versioning(bucket.bucket_id + 1, "Enabled")

    async def test_an_enabled_bucket_keeps_every_version(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, an_object("a", b"before", version_id="proposed"))
        await catalog.set_bucket_versioning(bucket.bucket_id, "Enabled")
        for version_id in ("v1", "v2"):
            written = await catalog.put_object(
                bucket.bucket_id, an_object("a", version_id.encode(), version_id=version_id)
            )
            assert (written.version_id, written.released) == (version_id, ())
        assert await catalog.find_object(bucket.bucket_id, "a") == an_object("a", b"v2", version_id="v2")
        for version_id, body in (("null", b"before"), ("v1", b"v1"), ("v2", b"v2")):
            found = await catalog.find_object(bucket.bucket_id, "a", version_id)
            assert found == an_object("a", body, version_id=version_id)
        assert await catalog.find_object(bucket.bucket_id, "a", "proposed") is None
        assert await catalog.find_object(bucket.bucket_id, "b", "v1") is None
        assert keys_of(await listed(catalog, bucket)) == ["a"]
        assert await version_ids(catalog, bucket) == ["a v2", "a v1", "a null"]

    async def test_a_suspended_bucket_keeps_one_null_version(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, a_large_object("a", BLOB_A))
        await catalog.set_bucket_versioning(bucket.bucket_id, "Enabled")
        await catalog.put_object(bucket.bucket_id, an_object("a", version_id="v1"))
        await catalog.set_bucket_versioning(bucket.bucket_id, "Suspended")
        written = await catalog.put_object(bucket.bucket_id, a_large_object("a", BLOB_B))
        assert (written.version_id, written.released) == ("null", (BLOB_A,))
        assert await version_ids(catalog, bucket) == ["a null", "a v1"]
        written = await catalog.put_object(bucket.bucket_id, an_object("a", b"again", version_id="v2"))
        assert (written.version_id, written.released) == ("null", (BLOB_B,))
        assert await version_ids(catalog, bucket) == ["a null", "a v1"]
        await catalog.put_object(bucket.bucket_id, an_object("new", version_id="v3"))
        assert await catalog.find_object(bucket.bucket_id, "new", "null") == an_object("new")
        await catalog.set_bucket_versioning(bucket.bucket_id, "Enabled")
        await catalog.put_object(bucket.bucket_id, an_object("a", version_id="v4"))
        assert await version_ids(catalog, bucket) == ["a v4", "a null", "a v1", "new null"]

    async def test_deleting_in_an_enabled_bucket_puts_a_marker_on_top(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.set_bucket_versioning(bucket.bucket_id, "Enabled")
        await catalog.put_object(bucket.bucket_id, an_object("a", version_id="v1"))
        deleted = await catalog.delete_object(bucket.bucket_id, Deletion("a", marker_id="m1", now=7))
        assert (deleted.existed, deleted.version_id, deleted.marker) == (True, "m1", True)
        assert await catalog.find_object(bucket.bucket_id, "a") == delete_marker("a", "m1", 7)
        assert await catalog.find_object(bucket.bucket_id, "a", "v1") == an_object("a", version_id="v1")
        assert keys_of(await listed(catalog, bucket)) == []
        for key, marker_id in (("a", "m2"), ("never-was", "m3")):
            deleted = await catalog.delete_object(bucket.bucket_id, Deletion(key, marker_id=marker_id))
            assert (deleted.existed, deleted.version_id) == (False, marker_id)
        assert await version_ids(catalog, bucket) == ["a m2", "a m1", "a v1", "never-was m3"]
        with pytest.raises(Gone):
            await catalog.change_object(bucket.bucket_id, "a", None, lambda record: record)
        written = await catalog.put_object(bucket.bucket_id, an_object("a", version_id="v2"), forbid_overwrite=True)
        assert written.version_id == "v2"

    async def test_deleting_in_a_suspended_bucket_leaves_one_null_marker(
        self, catalog: Catalog, bucket: Bucket
    ) -> None:
        await catalog.put_object(bucket.bucket_id, a_large_object("a", BLOB_A))
        await catalog.set_bucket_versioning(bucket.bucket_id, "Enabled")
        await catalog.put_object(bucket.bucket_id, an_object("a", version_id="v1"))
        await catalog.set_bucket_versioning(bucket.bucket_id, "Suspended")
        deleted = await catalog.delete_object(bucket.bucket_id, Deletion("a", marker_id="m1"))
        assert (deleted.version_id, deleted.marker, deleted.released) == ("null", True, (BLOB_A,))
        deleted = await catalog.delete_object(bucket.bucket_id, Deletion("a", marker_id="m2"))
        assert (deleted.version_id, deleted.existed) == ("null", False)
        assert await version_ids(catalog, bucket) == ["a null", "a v1"]

    async def test_a_version_is_deleted_for_good(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.set_bucket_versioning(bucket.bucket_id, "Enabled")
        await catalog.put_object(
            bucket.bucket_id, dataclasses.replace(a_large_object("a", BLOB_A, BLOB_B, BLOB_C), version_id="v1")
        )
        await catalog.put_object(bucket.bucket_id, an_object("a", version_id="v2"))
        await catalog.delete_object(bucket.bucket_id, Deletion("a", marker_id="m1"))
        deleted = await catalog.delete_object(bucket.bucket_id, Deletion("a", "m1"))
        assert (deleted.existed, deleted.version_id, deleted.marker) == (True, "m1", True)
        assert await catalog.find_object(bucket.bucket_id, "a") == an_object("a", version_id="v2")
        deleted = await catalog.delete_object(bucket.bucket_id, Deletion("a", "v1"))
        assert (deleted.version_id, deleted.marker) == ("v1", False)
        assert sorted(deleted.released) == [BLOB_A, BLOB_B, BLOB_C]
        assert not (await catalog.delete_object(bucket.bucket_id, Deletion("a", "v1"))).existed
        with pytest.raises(NotEmpty):
            await catalog.delete_bucket(bucket.bucket_id)
        await catalog.delete_object(bucket.bucket_id, Deletion("a", "v2"))
        await catalog.delete_bucket(bucket.bucket_id)

    async def test_one_version_is_changed_and_the_others_stay(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.set_bucket_versioning(bucket.bucket_id, "Enabled")
        for version_id in ("v1", "v2", "v3"):
            await catalog.put_object(bucket.bucket_id, an_object("a", version_id=version_id))
        tags = (("colour", "red"),)
        written = await catalog.change_object(
            bucket.bucket_id, "a", "v2", lambda record: dataclasses.replace(record, tags=tags)
        )
        assert written.version_id == "v2"
        for version_id, expected in (("v1", ()), ("v2", tags), ("v3", ())):
            found = await catalog.find_object(bucket.bucket_id, "a", version_id)
            assert found is not None
            assert found.tags == expected
        assert await version_ids(catalog, bucket) == ["a v3", "a v2", "a v1"]

    async def test_versions_are_listed_with_when_they_were_superseded(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.set_bucket_versioning(bucket.bucket_id, "Enabled")
        tags = (("colour", "red"),)
        await catalog.put_object(bucket.bucket_id, an_object("a", version_id="v1", last_modified=1, tags=tags))
        await catalog.put_object(bucket.bucket_id, an_object("a", version_id="v2", last_modified=2))
        await catalog.delete_object(bucket.bucket_id, Deletion("a", marker_id="m", now=3))
        page = await listed_versions(catalog, bucket)
        assert [(v.version_id, v.kind, v.superseded_at, v.is_latest, v.tags) for v in page.versions] == [
            ("m", "DeleteMarker", None, True, ()),
            ("v2", "Normal", 3, False, ()),
            ("v1", "Normal", 2, False, tags),
        ]
        later = await listed_versions(catalog, bucket, marker=("a", "m"))
        assert later.versions == page.versions[1:]

    async def test_pages_of_versions_go_on_where_the_last_ended(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.set_bucket_versioning(bucket.bucket_id, "Enabled")
        for key in ("a", "b/1", "b/2", "c"):
            for number in (1, 2):
                await catalog.put_object(bucket.bucket_id, an_object(key, version_id=f"{key}-{number}"))
        every = ["a a-2", "a a-1", "b/1 b/1-2", "b/1 b/1-1", "b/2 b/2-2", "b/2 b/2-1", "c c-2", "c c-1"]
        assert await version_ids(catalog, bucket, limit=3) == every
        assert await version_ids(catalog, bucket, limit=1) == every
        assert await version_ids(catalog, bucket, prefix="b/") == every[2:6]
        assert await version_ids(catalog, bucket, delimiter="/", limit=1) == [*every[:2], "b/ ", *every[6:]]
        page = await listed_versions(catalog, bucket, delimiter="/", limit=3)
        assert (page.common_prefixes, page.next_marker) == (("b/",), ("b/", ""))
        for marker, first in (
            (("a", ""), "b/1"),
            (("a", "gone"), "a"),
            (("b/1", "b/1-2"), "b/1"),
            (("b/1", "b/1-1"), "b/2"),
            (("b", ""), "b/1"),
            (("c", "c-1"), None),
        ):
            page = await listed_versions(catalog, bucket, marker=marker)
            assert (page.versions[0].key if page.versions else None) == first
        page = await listed_versions(catalog, bucket, delimiter="/", marker=("b/1", "b/1-2"))
        assert [listed.key for listed in page.versions] == ["c", "c"]

    async def test_who_deletes_versions_page_by_page_leaves_none(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.set_bucket_versioning(bucket.bucket_id, "Enabled")
        for key in ("a", "b"):
            for number in (1, 2, 3):
                await catalog.put_object(bucket.bucket_id, an_object(key, version_id=f"{key}-{number}"))
        marker: tuple[str, str] | None = ("", "")
        told = []
        while marker is not None:
            page = await listed_versions(catalog, bucket, marker=marker, limit=2)
            told += [listed.version_id for listed in page.versions]
            gone = [Deletion(listed.key, version_id=listed.version_id) for listed in page.versions]
            await catalog.delete_objects(bucket.bucket_id, gone)
            marker = page.next_marker
        assert told == ["a-3", "a-2", "a-1", "b-3", "b-2", "b-1"]

    async def test_a_common_prefix_of_deleted_keys_is_not_listed(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.set_bucket_versioning(bucket.bucket_id, "Enabled")
        for key in ("b/1", "b/2", "c/1", "c/2"):
            await catalog.put_object(bucket.bucket_id, an_object(key, version_id=f"{key}-v"))
        for key in ("b/1", "b/2", "c/1"):
            await catalog.delete_object(bucket.bucket_id, Deletion(key, marker_id=f"{key}-m"))
        assert (await listed(catalog, bucket, delimiter="/")).common_prefixes == ("c/",)
        assert (await listed_versions(catalog, bucket, delimiter="/")).common_prefixes == ("b/", "c/")

    # --- multipart uploads ---

    async def test_an_upload_is_found_as_it_was_made(self, catalog: Catalog, bucket: Bucket) -> None:
        upload = an_upload("写/a", tags=(("colour", "red"),), encryption="AES256", sequential=True, storage_class="IA")
        await catalog.create_upload(bucket.bucket_id, upload)
        assert await catalog.find_upload(bucket.bucket_id, "写/a", "upload-1") == upload
        assert await catalog.find_upload(bucket.bucket_id, "b", "upload-1") is None
        assert await catalog.find_upload(bucket.bucket_id, "写/a", "upload-2") is None
        assert await catalog.find_object(bucket.bucket_id, "写/a") is None
        with pytest.raises(NotEmpty):
            await catalog.delete_bucket(bucket.bucket_id)
        with pytest.raises(Gone):
            await catalog.create_upload(bucket.bucket_id + 1, upload)

    async def test_parts_are_listed_by_number_and_replaced(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.create_upload(bucket.bucket_id, an_upload("a"))
        parts = [a_part(3), a_part(1, BLOB_A), Part(2, 0, "E", 0, 5)]
        for part in parts:
            assert await catalog.put_part(bucket.bucket_id, "a", "upload-1", part) == ()
        assert await catalog.list_parts(bucket.bucket_id, "a", "upload-1", marker=0, limit=10) == (
            [parts[1], parts[2], parts[0]],
            False,
        )
        assert await catalog.list_parts(bucket.bucket_id, "a", "upload-1", marker=1, limit=1) == ([parts[2]], True)
        assert await catalog.list_parts(bucket.bucket_id, "a", "upload-2", marker=0, limit=1) == ([], False)
        assert await catalog.put_part(bucket.bucket_id, "a", "upload-1", a_part(1, BLOB_B)) == (BLOB_A,)
        with pytest.raises(Gone):
            await catalog.put_part(bucket.bucket_id, "b", "upload-1", a_part(1))

    async def test_completing_makes_the_object_and_ends_the_upload(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, a_large_object("a", BLOB_C))
        await catalog.create_upload(bucket.bucket_id, an_upload("a"))
        await catalog.put_part(bucket.bucket_id, "a", "upload-1", a_part(1, BLOB_A))
        await catalog.put_part(bucket.bucket_id, "a", "upload-1", a_part(2, BLOB_B))
        stale = await the_upload(catalog, bucket)
        await catalog.put_part(bucket.bucket_id, "a", "upload-1", a_part(3, BLOB_D))
        record = dataclasses.replace(a_large_object("a", BLOB_A, BLOB_D), kind="Multipart")
        with pytest.raises(Stale):
            await catalog.complete_upload(bucket.bucket_id, stale, record)
        upload = await the_upload(catalog, bucket)
        with pytest.raises(AlreadyThere):
            await catalog.complete_upload(bucket.bucket_id, upload, record, forbid_overwrite=True)
        with pytest.raises(Unmet):
            await catalog.complete_upload(bucket.bucket_id, upload, record, only_if=OnlyIf("B2"))
        written = await catalog.complete_upload(bucket.bucket_id, upload, record)
        assert (written.version_id, sorted(written.released)) == ("null", [BLOB_B, BLOB_C])
        assert await catalog.find_object(bucket.bucket_id, "a") == record
        assert await catalog.find_upload(bucket.bucket_id, "a", "upload-1") is None
        with pytest.raises(Gone):
            await catalog.complete_upload(bucket.bucket_id, upload, record)
        assert sorted((await catalog.delete_object(bucket.bucket_id, Deletion("a"))).released) == [BLOB_A, BLOB_D]

    async def test_an_upload_and_its_parts_keep_what_was_said_of_checksums(
        self, catalog: Catalog, bucket: Bucket
    ) -> None:
        for number, wanted in enumerate((WantedChecksum("crc32", True), WantedChecksum("crc64nvme", False))):
            upload = an_upload("a", f"upload-{number}", checksum=wanted)
            await catalog.create_upload(bucket.bucket_id, upload)
            assert await catalog.find_upload(bucket.bucket_id, "a", upload.upload_id) == upload
            part = replace(a_part(1), checksum=Checksum("crc32", "NhCmhg=="))
            await catalog.put_part(bucket.bucket_id, "a", upload.upload_id, part)
            parts, _ = await catalog.list_parts(bucket.bucket_id, "a", upload.upload_id, marker=0, limit=10)
            assert parts == [part]

    @pytest.mark.parametrize("acl", ["default", "public-read", '{"v":1,"grants":[["AllUsers","READ"]]}'])
    async def test_an_upload_keeps_its_acl(self, catalog: Catalog, bucket: Bucket, acl: str) -> None:
        upload = an_upload("a", "upload-1", acl=acl)
        await catalog.create_upload(bucket.bucket_id, upload)
        assert await catalog.find_upload(bucket.bucket_id, "a", "upload-1") == upload

    @pytest.mark.parametrize("blobs", [(BLOB_A,), (BLOB_A, BLOB_B, BLOB_C), ()])
    async def test_an_object_keeps_the_parts_that_it_was_completed_from(
        self, catalog: Catalog, bucket: Bucket, blobs: tuple[str, ...]
    ) -> None:
        bucket_id, sums = bucket.bucket_id, [Checksum("crc32", "NhCmhg=="), None, Checksum("sha1", "abc=")]
        parts = tuple(KeptPart(100_000, checksum) for checksum, _ in zip(sums, blobs, strict=False)) or (KeptPart(0),)
        record = dataclasses.replace(
            a_large_object("a", *blobs), size=100_000 * len(blobs), body=None if blobs else b"", kind="Multipart"
        )
        for version_id in ("v1", "v2"):
            await complete(catalog, bucket, dataclasses.replace(record, version_id=version_id, parts=parts))
        found = await catalog.find_object(bucket_id, "a")
        assert found == dataclasses.replace(record, version_id="null")
        assert await catalog.find_parts(bucket_id, found) == parts
        await catalog.change_object(
            bucket_id, "a", None, lambda was: dataclasses.replace(was, acl="private", checksum=sums[0])
        )
        changed = await catalog.find_object(bucket_id, "a")
        assert changed == dataclasses.replace(found, acl="private", checksum=sums[0])
        assert await catalog.find_parts(bucket_id, changed) == parts
        await catalog.put_object(bucket_id, an_object("a"))
        assert await catalog.find_parts(bucket_id, an_object("a")) == ()
        assert await catalog.find_parts(bucket_id, changed) == ()

    async def test_aborting_lets_go_of_the_parts(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, a_large_object("source", BLOB_C))
        await catalog.create_upload(bucket.bucket_id, an_upload("a"))
        await catalog.put_part(bucket.bucket_id, "a", "upload-1", a_part(1, BLOB_A))
        await catalog.put_part(bucket.bucket_id, "a", "upload-1", a_part(2, BLOB_C), shared=True)
        assert await catalog.abort_upload(bucket.bucket_id, "a", "upload-1") == (BLOB_A,)
        with pytest.raises(Gone):
            await catalog.abort_upload(bucket.bucket_id, "a", "upload-1")

    async def test_uploads_are_listed_by_key_and_id(self, catalog: Catalog, bucket: Bucket) -> None:
        uploads = [an_upload("a", "u1"), an_upload("a", "u2"), an_upload("b/1", "u0"), an_upload("c", "u3")]
        for upload in reversed(uploads):
            await catalog.create_upload(bucket.bucket_id, upload)
        await catalog.put_part(bucket.bucket_id, "c", "u3", a_part(1))
        uploads[3] = replace(uploads[3], revision=1)

        async def page(marker: tuple[str, str] = ("", ""), limit: int = 10, **where: str) -> UploadPage:
            where = {"prefix": "", "delimiter": "", **where}
            return await catalog.list_uploads(
                bucket.bucket_id, prefix=where["prefix"], delimiter=where["delimiter"], marker=marker, limit=limit
            )

        assert await page() == UploadPage(tuple(uploads), (), None)
        assert await page(limit=1) == UploadPage((uploads[0],), (), ("a", "u1"))
        assert await page(marker=("a", "u1")) == UploadPage(tuple(uploads[1:]), (), None)
        assert await page(marker=("a", "u15")) == UploadPage(tuple(uploads[1:]), (), None)
        assert await page(marker=("a", "")) == UploadPage(tuple(uploads[2:]), (), None)
        assert await page(prefix="b") == UploadPage((uploads[2],), (), None)
        assert await page(delimiter="/") == UploadPage((*uploads[:2], uploads[3]), ("b/",), None)
        assert await page(delimiter="/", limit=3) == UploadPage(tuple(uploads[:2]), ("b/",), ("b/", ""))
        assert await page(delimiter="/", marker=("b/", "")) == UploadPage((uploads[3],), (), None)

    # --- blobs ---

    async def test_a_blob_is_released_by_who_lets_go_of_it(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, a_large_object("a", BLOB_A))
        written = await catalog.put_object(bucket.bucket_id, a_large_object("a", BLOB_B))
        assert written.released == (BLOB_A,)
        assert (await catalog.delete_object(bucket.bucket_id, Deletion("a"))).released == (BLOB_B,)
        await catalog.forget_blobs([BLOB_A, BLOB_B])
        await catalog.forget_blobs([BLOB_A])
        await catalog.forget_blobs([])

    async def test_a_blob_that_two_objects_name_is_released_by_the_last(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, a_large_object("a", BLOB_A, BLOB_A))
        await catalog.put_object(bucket.bucket_id, a_large_object("b", BLOB_A, BLOB_B))
        deleted = await catalog.delete_objects(bucket.bucket_id, [Deletion("b"), Deletion("a")])
        assert [answer.released for answer in deleted] == [(BLOB_B,), (BLOB_A,)]

    async def test_putting_the_same_blob_again_releases_nothing(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, a_large_object("a", BLOB_A))
        assert (await catalog.put_object(bucket.bucket_id, a_large_object("a", BLOB_A))).released == ()

    async def test_a_blob_is_not_named_again_while_it_is_being_removed(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, a_large_object("a", BLOB_A))
        await catalog.delete_object(bucket.bucket_id, Deletion("a"))
        with pytest.raises(ValueError):
            await catalog.put_object(bucket.bucket_id, a_large_object("a", BLOB_A))
        assert await catalog.find_object(bucket.bucket_id, "a") is None

    async def test_blobs_are_shared_only_while_somebody_names_them(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, a_large_object("a", BLOB_A))
        await catalog.put_object(bucket.bucket_id, a_large_object("b", BLOB_A), shared=True)
        for key in ("a", "b"):
            await catalog.delete_object(bucket.bucket_id, Deletion(key))
        await catalog.create_upload(bucket.bucket_id, an_upload("u"))
        for _ in range(2):  # before and after the bytes are known to be gone
            with pytest.raises(Stale):
                await catalog.put_object(bucket.bucket_id, a_large_object("c", BLOB_A), shared=True)
            with pytest.raises(Stale):
                await catalog.put_part(bucket.bucket_id, "u", "upload-1", a_part(1, BLOB_A), shared=True)
            await catalog.forget_blobs([BLOB_A])

    async def test_a_refused_put_releases_nothing(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, a_large_object("a", BLOB_A))
        with pytest.raises(AlreadyThere):
            await catalog.put_object(bucket.bucket_id, a_large_object("a", BLOB_B), forbid_overwrite=True)
        assert (await catalog.delete_object(bucket.bucket_id, Deletion("a"))).released == (BLOB_A,)

    # --- listing ---

    async def test_an_empty_bucket_lists_nothing(self, catalog: Catalog, bucket: Bucket) -> None:
        assert await listed(catalog, bucket) == ListPage((), (), None)
        assert await listed(catalog, bucket, prefix="a", delimiter="/", marker="b") == ListPage((), (), None)

    async def test_a_listing_says_of_an_object_what_it_is(self, catalog: Catalog, bucket: Bucket) -> None:
        checksum = Checksum("sha256", "x")
        record = an_object("a", storage_class="IA", kind="Multipart", size=7, encryption="AES256")
        await catalog.put_object(bucket.bucket_id, dataclasses.replace(record, checksum=checksum))
        await catalog.put_object(bucket.bucket_id, an_object("b"))
        found, other = (await listed(catalog, bucket)).objects
        assert (found.encryption, found.checksum, other.encryption, other.checksum) == ("AES256", checksum, "", None)
        assert (found.key, found.kind, found.size, found.etag) == ("a", "Multipart", 7, an_object("a").etag)
        assert (found.last_modified, found.storage_class) == (1_772_694_489, "IA")

    async def test_keys_are_in_the_order_of_their_utf8_bytes(self, catalog: Catalog, bucket: Bucket) -> None:
        in_order = [
            "\x01",
            "A",
            "B/",
            "B/a",
            "a",
            "a ",
            "a\x7f",
            "é",
            "照",
            "\ue000",
            "\uffff",
            "\U0001f600",
            "\U0010ffff",
        ]
        await put_keys(catalog, bucket, *reversed(in_order))
        assert keys_of(await listed(catalog, bucket)) == in_order

    async def test_a_prefix_takes_all_keys_below_it(self, catalog: Catalog, bucket: Bucket) -> None:
        await put_keys(catalog, bucket, "a", "a/", "a/1", "a/\U0010ffff\U0010ffff", "a0", "b")
        assert keys_of(await listed(catalog, bucket, prefix="a/")) == ["a/", "a/1", "a/\U0010ffff\U0010ffff"]

    async def test_prefixes_at_the_ends_of_code_points(self, catalog: Catalog, bucket: Bucket) -> None:
        await put_keys(catalog, bucket, "\ud7ff1", "\ue0001", "\U0010ffff1", "\U0010ffff\U0010ffff1")
        assert keys_of(await listed(catalog, bucket, prefix="\ud7ff")) == ["\ud7ff1"]
        assert keys_of(await listed(catalog, bucket, prefix="\U0010ffff")) == ["\U0010ffff1", "\U0010ffff\U0010ffff1"]

    async def test_keys_that_share_a_delimited_beginning_are_one_common_prefix(
        self, catalog: Catalog, bucket: Bucket
    ) -> None:
        await put_keys(catalog, bucket, "a", "b/1", "b/2/3", "b0", "c//", "d")
        page = await listed(catalog, bucket, delimiter="/")
        assert (keys_of(page), page.common_prefixes) == (["a", "b0", "d"], ("b/", "c/"))
        page = await listed(catalog, bucket, prefix="b/", delimiter="/")
        assert (keys_of(page), page.common_prefixes) == (["b/1"], ("b/2/",))
        page = await listed(catalog, bucket, prefix="c/", delimiter="/")
        assert (keys_of(page), page.common_prefixes) == ([], ("c//",))

    async def test_a_delimiter_can_have_many_characters(self, catalog: Catalog, bucket: Bucket) -> None:
        await put_keys(catalog, bucket, "a--1", "a--2", "a-3", "\U0010ffff--\U0010ffff", "\U0010ffff4")
        page = await listed(catalog, bucket, delimiter="--")
        assert (keys_of(page), page.common_prefixes) == (["a-3", "\U0010ffff4"], ("a--", "\U0010ffff--"))
        page = await listed(catalog, bucket, delimiter="\U0010ffff")
        assert page.common_prefixes == ("\U0010ffff",)

    async def test_a_key_that_is_the_prefix_itself_is_listed(self, catalog: Catalog, bucket: Bucket) -> None:
        await put_keys(catalog, bucket, "a/", "a/1")
        assert keys_of(await listed(catalog, bucket, prefix="a/", delimiter="/")) == ["a/", "a/1"]

    async def test_a_page_counts_keys_and_common_prefixes_together(self, catalog: Catalog, bucket: Bucket) -> None:
        await put_keys(catalog, bucket, "a", "b/1", "b/2", "c", "d/1")
        page = await listed(catalog, bucket, delimiter="/", limit=2)
        assert (keys_of(page), page.common_prefixes, page.next_marker) == (["a"], ("b/",), "b/")
        page = await listed(catalog, bucket, delimiter="/", limit=2, marker="b/")
        assert (keys_of(page), page.common_prefixes, page.next_marker) == (["c"], ("d/",), None)

    async def test_a_full_last_page_is_the_last(self, catalog: Catalog, bucket: Bucket) -> None:
        await put_keys(catalog, bucket, "a", "b")
        assert (await listed(catalog, bucket, limit=2)).next_marker is None
        assert (await listed(catalog, bucket, limit=1)).next_marker == "a"

    async def test_a_marker_is_not_listed_itself_and_need_not_exist(self, catalog: Catalog, bucket: Bucket) -> None:
        await put_keys(catalog, bucket, "a", "b", "c")
        assert keys_of(await listed(catalog, bucket, marker="b")) == ["c"]
        assert keys_of(await listed(catalog, bucket, marker="aa")) == ["b", "c"]
        assert keys_of(await listed(catalog, bucket, marker="c")) == []
        assert keys_of(await listed(catalog, bucket, prefix="b", marker="a")) == ["b"]
        assert keys_of(await listed(catalog, bucket, prefix="a", marker="b")) == []

    async def test_a_marker_within_a_common_prefix_skips_it(self, catalog: Catalog, bucket: Bucket) -> None:
        await put_keys(catalog, bucket, "b/1", "b/2", "c")
        page = await listed(catalog, bucket, delimiter="/", marker="b/1")
        assert (keys_of(page), page.common_prefixes) == (["c"], ())
        page = await listed(catalog, bucket, delimiter="/", marker="b")
        assert (keys_of(page), page.common_prefixes) == (["c"], ("b/",))

    async def test_a_listing_of_a_bucket_that_is_gone_is_empty(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.delete_bucket(bucket.bucket_id)
        assert await listed(catalog, bucket) == ListPage((), (), None)

    # --- what was released ---

    async def test_what_was_released_is_known_until_it_is_forgotten(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, a_large_object("a", BLOB_A))
        await catalog.put_object(bucket.bucket_id, a_large_object("b", BLOB_B))
        assert list(await catalog.released_blobs(FAR, limit=10)) == []
        for key in "ab":
            await catalog.delete_object(bucket.bucket_id, Deletion(key))
        assert sorted(await catalog.released_blobs(FAR, limit=10)) == [BLOB_A, BLOB_B]
        assert len(await catalog.released_blobs(FAR, limit=1)) == 1
        assert list(await catalog.released_blobs(1_772_694_489, limit=10)) == []  # both later
        await catalog.forget_blobs([BLOB_A])
        assert list(await catalog.released_blobs(FAR, limit=10)) == [BLOB_B]


async def put_keys(catalog: Catalog, bucket: Bucket, *keys: str) -> None:
    await asyncio.gather(*(catalog.put_object(bucket.bucket_id, an_object(key)) for key in keys))


async def listed(
    catalog: Catalog, bucket: Bucket, prefix: str = "", delimiter: str = "", marker: str = "", limit: int = 1000
) -> ListPage:
    return await catalog.list_objects(bucket.bucket_id, prefix=prefix, delimiter=delimiter, marker=marker, limit=limit)


async def all_items(catalog: Catalog, bucket: Bucket, prefix: str, delimiter: str, limit: int) -> Sequence[str]:
    """Keys and common prefixes of all pages, in order."""
    items: list[str] = []
    marker = ""
    while True:
        page = await listed(catalog, bucket, prefix, delimiter, marker, limit)
        items += sorted([*keys_of(page), *page.common_prefixes])
        if page.next_marker is None:
            return items
        marker = page.next_marker


async def listed_versions(
    catalog: Catalog,
    bucket: Bucket,
    prefix: str = "",
    delimiter: str = "",
    marker: tuple[str, str] = ("", ""),
    limit: int = 1000,
) -> VersionPage:
    return await catalog.list_versions(bucket.bucket_id, prefix=prefix, delimiter=delimiter, marker=marker, limit=limit)


async def version_ids(
    catalog: Catalog, bucket: Bucket, prefix: str = "", delimiter: str = "", limit: int = 1000
) -> list[str]:
    """ "key version-id" and "common-prefix " of all pages, each page's versions before its common prefixes."""
    items: list[str] = []
    marker: tuple[str, str] | None = ("", "")
    while marker is not None:
        page = await listed_versions(catalog, bucket, prefix, delimiter, marker, limit)
        items += [f"{listed.key} {listed.version_id}" for listed in page.versions]
        items += [f"{common_prefix} " for common_prefix in page.common_prefixes]
        marker = page.next_marker
    return items


async def the_upload(catalog: Catalog, bucket: Bucket, key: str = "a") -> Upload:
    found = await catalog.find_upload(bucket.bucket_id, key, "upload-1")
    assert found is not None
    return found

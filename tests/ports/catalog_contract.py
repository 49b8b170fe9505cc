"""What every catalog does. An engine joins by subclassing `CatalogContract` with a `catalog` fixture."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from coatcheck.ports.bucket import Bucket, NewBucket
from coatcheck.ports.catalog import AlreadyThere, Catalog, Gone, NotEmpty, TooMany
from coatcheck.ports.object import ListPage, ObjectRecord, Segment

BLOB_A = "0a" * 16
BLOB_B = "0b" * 16
OWNER = "1234567890123456"


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


def keys_of(page: ListPage) -> list[str]:
    return [listed.key for listed in page.objects]


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

    async def test_a_setting_stays_with_its_bucket_until_it_is_replaced_or_removed(
        self, catalog: Catalog, bucket: Bucket
    ) -> None:
        await catalog.set_bucket_setting(bucket.bucket_id, "policy", "one")
        await catalog.set_bucket_setting(bucket.bucket_id, "cors", "two")
        await catalog.set_bucket_setting(bucket.bucket_id, "policy", "three")
        found = await catalog.find_bucket(bucket.name)
        assert found is not None
        assert found.settings == (("cors", "two"), ("policy", "three"))
        assert found.setting("policy") == "three"
        await catalog.set_bucket_setting(bucket.bucket_id, "policy", None)
        await catalog.set_bucket_setting(bucket.bucket_id, "policy", None)
        found = await catalog.find_bucket(bucket.name)
        assert found is not None
        assert found.setting("policy") is None
        assert found.setting("cors") == "two"

    async def test_a_setting_of_a_bucket_that_is_gone_is_not_kept(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.set_bucket_setting(bucket.bucket_id, "cors", "one")
        await catalog.delete_bucket(bucket.bucket_id)
        with pytest.raises(Gone):
            await catalog.set_bucket_setting(bucket.bucket_id, "cors", "two")
        made = await catalog.create_bucket(a_bucket(bucket.name), most=100)
        assert made.settings == ()

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
            catalog.delete_object(bucket.bucket_id, "a"),
            catalog.delete_objects(bucket.bucket_id, ["a"]),
            catalog.set_object_acl(bucket.bucket_id, "a", "private"),
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
        await catalog.delete_object(bucket.bucket_id, "a")
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
        assert len((await catalog.delete_object(bucket.bucket_id, "many")).released) == 10_000

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

    async def test_deleting_tells_whether_there_was_anything(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, an_object("a"))
        assert (await catalog.delete_object(bucket.bucket_id, "a")).existed
        assert not (await catalog.delete_object(bucket.bucket_id, "a")).existed
        assert await catalog.find_object(bucket.bucket_id, "a") is None

    async def test_many_are_deleted_at_once(self, catalog: Catalog, bucket: Bucket) -> None:
        for key in ("a", "b", "c"):
            await catalog.put_object(bucket.bucket_id, an_object(key))
        deleted = await catalog.delete_objects(bucket.bucket_id, ["c", "x", "a", "a"])
        assert [answer.existed for answer in deleted] == [True, False, True, False]
        assert keys_of(await listed(catalog, bucket)) == ["b"]

    async def test_an_object_acl_can_be_changed(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, an_object("a"))
        await catalog.set_object_acl(bucket.bucket_id, "a", "public-read")
        assert await catalog.find_object(bucket.bucket_id, "a") == an_object("a", acl="public-read")
        with pytest.raises(Gone):
            await catalog.set_object_acl(bucket.bucket_id, "b", "public-read")

    # --- blobs ---

    async def test_a_blob_is_released_by_who_lets_go_of_it(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, a_large_object("a", BLOB_A))
        written = await catalog.put_object(bucket.bucket_id, a_large_object("a", BLOB_B))
        assert written.released == (BLOB_A,)
        assert (await catalog.delete_object(bucket.bucket_id, "a")).released == (BLOB_B,)
        await catalog.forget_blobs([BLOB_A, BLOB_B])
        await catalog.forget_blobs([BLOB_A])
        await catalog.forget_blobs([])

    async def test_a_blob_that_two_objects_name_is_released_by_the_last(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, a_large_object("a", BLOB_A, BLOB_A))
        await catalog.put_object(bucket.bucket_id, a_large_object("b", BLOB_A, BLOB_B))
        deleted = await catalog.delete_objects(bucket.bucket_id, ["b", "a"])
        assert [answer.released for answer in deleted] == [(BLOB_B,), (BLOB_A,)]

    async def test_putting_the_same_blob_again_releases_nothing(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, a_large_object("a", BLOB_A))
        assert (await catalog.put_object(bucket.bucket_id, a_large_object("a", BLOB_A))).released == ()

    async def test_a_blob_is_not_named_again_while_it_is_being_removed(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, a_large_object("a", BLOB_A))
        await catalog.delete_object(bucket.bucket_id, "a")
        with pytest.raises(ValueError):
            await catalog.put_object(bucket.bucket_id, a_large_object("a", BLOB_A))
        assert await catalog.find_object(bucket.bucket_id, "a") is None

    async def test_a_refused_put_releases_nothing(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, a_large_object("a", BLOB_A))
        with pytest.raises(AlreadyThere):
            await catalog.put_object(bucket.bucket_id, a_large_object("a", BLOB_B), forbid_overwrite=True)
        assert (await catalog.delete_object(bucket.bucket_id, "a")).released == (BLOB_A,)

    # --- listing ---

    async def test_an_empty_bucket_lists_nothing(self, catalog: Catalog, bucket: Bucket) -> None:
        assert await listed(catalog, bucket) == ListPage((), (), None)
        assert await listed(catalog, bucket, prefix="a", delimiter="/", marker="b") == ListPage((), (), None)

    async def test_a_listing_says_of_an_object_what_it_is(self, catalog: Catalog, bucket: Bucket) -> None:
        await catalog.put_object(bucket.bucket_id, an_object("a", storage_class="IA", kind="Multipart", size=7))
        found = (await listed(catalog, bucket)).objects[0]
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

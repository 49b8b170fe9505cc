"""What every catalog keeps from going and changing. An engine joins by subclassing `WormContract` with a `catalog`
fixture that tells the time by the fixture `clock`."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import Catalog, Immutable, NotEmpty
from coatcheck.ports.object import COMPLIANCE, GOVERNANCE, Deletion, ObjectRecord, Retention
from coatcheck.ports.worm import (
    BUCKET_WORM,
    OBJECT_WORM,
    BucketWorm,
    DefaultRetention,
    ObjectWorm,
    write_bucket_worm,
    write_object_worm,
)

from ..moved_clock import DAY_S, MovedClock
from .catalog_contract import BLOB_A, BLOB_B, a_bucket, a_large_object, an_object, an_upload

NOW = 1_772_694_489
POLICY = write_bucket_worm(BucketWorm("W1", 30, NOW, locked=True))
SOON = Retention(GOVERNANCE, NOW + 10 * DAY_S)
STRICT = Retention(COMPLIANCE, NOW + 10 * DAY_S)


class WormContract:
    @pytest.fixture
    def clock(self) -> MovedClock:
        return MovedClock(NOW)

    @pytest.fixture
    async def plain(self, catalog: Catalog) -> Bucket:
        """Never versioned, with a locked policy of 30 days."""
        bucket = await catalog.create_bucket(a_bucket("plain"), most=9)
        await catalog.set_configuration(bucket.bucket_id, BUCKET_WORM, POLICY)
        return bucket

    @pytest.fixture
    async def versioned(self, catalog: Catalog) -> Bucket:
        bucket = await catalog.create_bucket(a_bucket("versioned"), most=9)
        await catalog.set_bucket_versioning(bucket.bucket_id, "Enabled")
        await catalog.set_configuration(bucket.bucket_id, OBJECT_WORM, write_object_worm(ObjectWorm()))
        return bucket

    async def held(self, catalog: Catalog, bucket: Bucket, version_id: str = "v1", **how: Any) -> ObjectRecord:
        record = dataclasses.replace(an_object("coat", version_id=version_id), **how)
        await catalog.put_object(bucket.bucket_id, record)
        return record

    # --- a bucket's policy ---

    async def test_what_a_policy_covers_is_not_replaced(self, catalog: Catalog, plain: Bucket) -> None:
        before = await self.held(catalog, plain, "null")
        with pytest.raises(Immutable):
            await catalog.put_object(plain.bucket_id, a_large_object("coat", BLOB_A))
        assert await catalog.find_object(plain.bucket_id, "coat") == before
        # A refused write named nothing: its blob may be discarded, and another may be named.
        await catalog.put_object(plain.bucket_id, a_large_object("hat", BLOB_A))

    async def test_what_a_policy_covers_is_not_deleted_and_others_are(self, catalog: Catalog, plain: Bucket) -> None:
        before = await self.held(catalog, plain, "null")
        old = an_object("hat", last_modified=NOW - 30 * DAY_S)
        await catalog.set_configuration(plain.bucket_id, BUCKET_WORM, None)
        await catalog.put_object(plain.bucket_id, old)
        await catalog.set_configuration(plain.bucket_id, BUCKET_WORM, POLICY)
        for named in (None, "null"):
            deletions = [Deletion("coat", named), Deletion("hat", named), Deletion("nothing", named)]
            outcomes = await catalog.delete_objects(plain.bucket_id, deletions)
            assert [outcome.immutable for outcome in outcomes] == [True, False, False]
            assert not outcomes[0].existed
        assert await catalog.find_object(plain.bucket_id, "coat") == before
        assert await catalog.find_object(plain.bucket_id, "hat") is None
        with pytest.raises(NotEmpty):
            await catalog.delete_bucket(plain.bucket_id)

    async def test_what_a_policy_covers_is_not_replaced_by_an_upload(self, catalog: Catalog, plain: Bucket) -> None:
        before = await self.held(catalog, plain, "null")
        await catalog.create_upload(plain.bucket_id, an_upload("coat"))
        upload = await catalog.find_upload(plain.bucket_id, "coat", "upload-1")
        assert upload is not None
        with pytest.raises(Immutable):
            await catalog.complete_upload(plain.bucket_id, upload, an_object("coat", etag="A" * 32))
        assert await catalog.find_object(plain.bucket_id, "coat") == before
        assert await catalog.find_upload(plain.bucket_id, "coat", "upload-1") == upload

    async def test_content_stays_and_what_is_said_of_it_may_change(self, catalog: Catalog, plain: Bucket) -> None:
        before = await self.held(catalog, plain, "null")
        for change in (
            {"etag": "A" * 32},
            {"headers": ()},
            {"last_modified": NOW + 1},
            {"body": b"olleh"},
            {"kind": "Symlink"},
            {"symlink_target": "hat"},
            {"body": None, "segments": a_large_object("coat", BLOB_B).segments, "size": 100_000},
        ):
            with pytest.raises(Immutable):
                await catalog.change_object(
                    plain.bucket_id,
                    "coat",
                    None,
                    lambda was, new=change: dataclasses.replace(was, **new),  # type: ignore[misc]
                )
        assert await catalog.find_object(plain.bucket_id, "coat") == before
        allowed = {"acl": "private", "tags": (("a", "b"),), "storage_class": "IA", "sealed_at": 5}
        await catalog.change_object(plain.bucket_id, "coat", None, lambda was: dataclasses.replace(was, **allowed))  # type: ignore[arg-type]
        assert await catalog.find_object(plain.bucket_id, "coat") == dataclasses.replace(before, **allowed)  # type: ignore[arg-type]

    async def test_a_policy_ends_for_an_object_when_its_days_are_over(
        self, catalog: Catalog, plain: Bucket, clock: MovedClock
    ) -> None:
        await self.held(catalog, plain, "null")
        clock.go_by(30 * DAY_S - 1)
        assert (await catalog.delete_object(plain.bucket_id, Deletion("coat"))).immutable
        clock.go_by(1)
        assert (await catalog.delete_object(plain.bucket_id, Deletion("coat"))).existed

    async def test_a_policy_that_is_not_locked_holds_for_a_day(
        self, catalog: Catalog, plain: Bucket, clock: MovedClock
    ) -> None:
        begun = write_bucket_worm(BucketWorm("W2", 30, NOW))
        await catalog.set_configuration(plain.bucket_id, BUCKET_WORM, begun)
        await self.held(catalog, plain, "null")
        clock.go_by(DAY_S - 1)
        assert (await catalog.delete_object(plain.bucket_id, Deletion("coat"))).immutable
        clock.go_by(1)
        assert (await catalog.delete_object(plain.bucket_id, Deletion("coat"))).existed

    async def test_an_object_written_by_a_clock_that_was_set_back_is_dated_anew(
        self, catalog: Catalog, plain: Bucket, clock: MovedClock
    ) -> None:
        await self.held(catalog, plain, "null", last_modified=NOW - 40 * DAY_S)
        found = await catalog.find_object(plain.bucket_id, "coat")
        assert found is not None
        assert found.last_modified == NOW
        assert (await catalog.delete_object(plain.bucket_id, Deletion("coat"))).immutable

    async def test_so_is_one_that_is_changed_by_such_a_clock(
        self, catalog: Catalog, plain: Bucket, clock: MovedClock
    ) -> None:
        await self.held(catalog, plain, "null")
        clock.go_by(31 * DAY_S)
        for change, expected in (({"acl": "private"}, NOW), ({"last_modified": NOW - 9}, NOW + 31 * DAY_S)):
            await catalog.change_object(
                plain.bucket_id,
                "coat",
                None,
                lambda was, new=change: dataclasses.replace(was, **new),  # type: ignore[misc]
            )
            found = await catalog.find_object(plain.bucket_id, "coat")
            assert found is not None
            assert found.last_modified == expected

    # --- retention and holds of versions ---

    @pytest.mark.parametrize("how", [{"retention": SOON}, {"retention": STRICT}, {"legal_hold": True}], ids=str)
    async def test_a_held_version_stays_beneath_new_ones_and_markers(
        self, catalog: Catalog, versioned: Bucket, how: dict[str, Any]
    ) -> None:
        before = await self.held(catalog, versioned, **how)
        await catalog.put_object(versioned.bucket_id, an_object("coat", version_id="v2"))
        assert (await catalog.delete_object(versioned.bucket_id, Deletion("coat", marker_id="m"))).marker
        assert (await catalog.delete_object(versioned.bucket_id, Deletion("coat", "v1"))).immutable
        assert (await catalog.delete_object(versioned.bucket_id, Deletion("coat", "m"))).marker  # a marker never stays
        assert (await catalog.delete_object(versioned.bucket_id, Deletion("coat", "v2"))).existed
        assert await catalog.find_object(versioned.bucket_id, "coat", "v1") == before

    async def test_a_held_null_version_is_in_the_way_while_versioning_is_suspended(
        self, catalog: Catalog, versioned: Bucket
    ) -> None:
        await catalog.set_bucket_versioning(versioned.bucket_id, "Suspended")
        before = await self.held(catalog, versioned, "null", legal_hold=True)
        with pytest.raises(Immutable):
            await catalog.put_object(versioned.bucket_id, an_object("coat"))
        assert (await catalog.delete_object(versioned.bucket_id, Deletion("coat"))).immutable
        assert await catalog.find_object(versioned.bucket_id, "coat") == before

    async def test_governance_is_bypassed_and_nothing_else_is(
        self, catalog: Catalog, versioned: Bucket, clock: MovedClock
    ) -> None:
        await self.held(catalog, versioned, "v1", retention=SOON)
        await self.held(catalog, versioned, "v2", retention=STRICT)
        await self.held(catalog, versioned, "v3", retention=SOON, legal_hold=True)
        deletions = [Deletion("coat", name, bypass_governance=True) for name in ("v1", "v2", "v3")]
        outcomes = await catalog.delete_objects(versioned.bucket_id, deletions)
        assert [outcome.immutable for outcome in outcomes] == [False, True, True]
        clock.go_by(10 * DAY_S)
        deletions = [Deletion("coat", name) for name in ("v2", "v3")]
        outcomes = await catalog.delete_objects(versioned.bucket_id, deletions)
        assert [outcome.immutable for outcome in outcomes] == [False, True]

    @pytest.mark.parametrize(
        ("was", "becomes", "allowed", "by_bypass"),
        [
            (SOON, Retention(GOVERNANCE, NOW + 11 * DAY_S), True, True),
            (SOON, STRICT, True, True),
            (SOON, Retention(GOVERNANCE, NOW + 9 * DAY_S), False, True),
            (SOON, Retention(COMPLIANCE, NOW + 9 * DAY_S), False, True),
            (SOON, None, False, True),
            (STRICT, Retention(COMPLIANCE, NOW + 11 * DAY_S), True, True),
            (STRICT, Retention(COMPLIANCE, NOW + 9 * DAY_S), False, False),
            (STRICT, Retention(GOVERNANCE, NOW + 11 * DAY_S), False, False),
            (STRICT, None, False, False),
            (Retention(COMPLIANCE, NOW), None, True, True),  # over
            (None, STRICT, True, True),
        ],
        ids=str,
    )
    async def test_a_retention_becomes_longer_and_stricter(
        self,
        catalog: Catalog,
        versioned: Bucket,
        was: Retention | None,
        becomes: Retention | None,
        allowed: bool,
        by_bypass: bool,
    ) -> None:
        for name, bypass, may in (("v1", False, allowed), ("v2", True, by_bypass)):
            await self.held(catalog, versioned, name, retention=was)
            change = catalog.change_object(
                versioned.bucket_id,
                "coat",
                name,
                lambda record: dataclasses.replace(record, retention=becomes),
                bypass_governance=bypass,
            )
            if may:
                await change
            else:
                with pytest.raises(Immutable):
                    await change
            found = await catalog.find_object(versioned.bucket_id, "coat", name)
            assert found is not None
            assert found.retention == (becomes if may else was)

    async def test_a_hold_goes_and_the_retention_stays(self, catalog: Catalog, versioned: Bucket) -> None:
        await self.held(catalog, versioned, retention=STRICT, legal_hold=True)
        await catalog.change_object(
            versioned.bucket_id, "coat", "v1", lambda record: dataclasses.replace(record, legal_hold=False)
        )
        found = await catalog.find_object(versioned.bucket_id, "coat", "v1")
        assert found is not None
        assert (found.retention, found.legal_hold) == (STRICT, False)
        assert (await catalog.delete_object(versioned.bucket_id, Deletion("coat", "v1"))).immutable

    @pytest.mark.parametrize(
        ("default", "until"),
        [
            (DefaultRetention(GOVERNANCE, days=3), NOW + 3 * DAY_S),
            (DefaultRetention(COMPLIANCE, years=2), 1_835_852_889),  # 2028-03-05T07:08:09Z, over a 29th of February
        ],
        ids=str,
    )
    async def test_new_versions_get_the_default_unless_they_bring_their_own(
        self, catalog: Catalog, versioned: Bucket, default: DefaultRetention, until: int
    ) -> None:
        await self.held(catalog, versioned, "v0")
        document = write_object_worm(ObjectWorm(default))
        await catalog.set_configuration(versioned.bucket_id, OBJECT_WORM, document)
        await self.held(catalog, versioned, "v1")
        await self.held(catalog, versioned, "v2", retention=SOON)
        await catalog.create_upload(versioned.bucket_id, an_upload("coat", retention=None))
        upload = await catalog.find_upload(versioned.bucket_id, "coat", "upload-1")
        assert upload is not None
        await catalog.complete_upload(versioned.bucket_id, upload, an_object("coat", version_id="v3"))
        await catalog.delete_object(versioned.bucket_id, Deletion("coat", marker_id="m"))
        found = [await catalog.find_object(versioned.bucket_id, "coat", name) for name in ("v0", "v1", "v2", "v3", "m")]
        meant = Retention(default.mode, until)
        assert [record and record.retention for record in found] == [None, meant, SOON, meant, None]

    async def test_an_upload_remembers_how_its_object_is_held(self, catalog: Catalog, versioned: Bucket) -> None:
        upload = an_upload("coat", retention=STRICT, legal_hold=True)
        await catalog.create_upload(versioned.bucket_id, upload)
        assert await catalog.find_upload(versioned.bucket_id, "coat", "upload-1") == upload

    # --- the clock ---

    async def test_no_jump_of_the_wall_clock_ends_a_retention(
        self, catalog: Catalog, versioned: Bucket, clock: MovedClock
    ) -> None:
        await self.held(catalog, versioned, retention=STRICT)
        clock.wrong_by = 400 * DAY_S
        assert (await catalog.delete_object(versioned.bucket_id, Deletion("coat", "v1"))).immutable
        clock.go_by(10 * DAY_S - 1)
        assert (await catalog.delete_object(versioned.bucket_id, Deletion("coat", "v1"))).immutable
        clock.wrong_by = -400 * DAY_S
        clock.go_by(1)
        assert (await catalog.delete_object(versioned.bucket_id, Deletion("coat", "v1"))).immutable
        clock.wrong_by = 0
        assert (await catalog.delete_object(versioned.bucket_id, Deletion("coat", "v1"))).existed

    async def test_a_default_begins_at_the_latest_that_the_time_can_be(
        self, catalog: Catalog, versioned: Bucket, clock: MovedClock
    ) -> None:
        document = write_object_worm(ObjectWorm(DefaultRetention(COMPLIANCE, days=1)))
        await catalog.set_configuration(versioned.bucket_id, OBJECT_WORM, document)
        clock.wrong_by = -400 * DAY_S
        await self.held(catalog, versioned)
        found = await catalog.find_object(versioned.bucket_id, "coat", "v1")
        assert found is not None
        assert found.retention == Retention(COMPLIANCE, NOW + DAY_S)

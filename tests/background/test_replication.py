"""Replication between two buckets of one server: what changes follows, once, by who may, and comes to rest."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any

import pytest

from coatcheck.background.notices import Notices
from coatcheck.background.replication_run import Replications
from coatcheck.configurations.replication import RUN_KIND
from coatcheck.operations.context import Ports
from coatcheck.operations.replicate import replicate
from coatcheck.ports.bucket import JOURNAL, Bucket
from coatcheck.ports.catalog import NoSpace
from coatcheck.ports.identities import StoredPolicy, User
from coatcheck.ports.keyring import AccessKey, Principal, Role

from ..oss.house import NOW, OWNER, STRANGER, Answer, House
from .test_acting import a_policy, a_trust

ACCOUNT = OWNER.account
ALICE = "201234567890123456"
LARGE = b"0123456789" * 20_000  # lies in a blob


def a_document(
    target: str = "copies",
    *,
    location: str = "oss-cn-hangzhou",
    prefixes: Sequence[str] = (),
    action: str = "ALL",
    historical: str = "enabled",
    more: str = "",
) -> bytes:
    chosen = "".join(f"<Prefix>{prefix}</Prefix>" for prefix in prefixes)
    return (
        f"<ReplicationConfiguration><Rule><ID>one</ID><PrefixSet>{chosen}</PrefixSet><Action>{action}</Action>"
        f"<Destination><Bucket>{target}</Bucket><Location>{location}</Location></Destination>"
        f"<HistoricalObjectReplication>{historical}</HistoricalObjectReplication>{more}"
        "</Rule></ReplicationConfiguration>"
    ).encode()


class Scene:
    """A house with the bucket photos, and copies to copy to."""

    def __init__(self, house: House | None = None) -> None:
        self.house = house or House()
        self.runs = Replications(Ports(self.house.catalog, self.house.encrypting), self.house.keyring, Notices())

    async def begin(self) -> Scene:
        await (await self.house.with_bucket()).with_bucket("copies")
        return self

    async def put_rule(self, bucket: str = "photos", *, by: AccessKey = OWNER, **more: Any) -> Answer:
        target = more.pop("target", "copies" if bucket == "photos" else "photos")
        return await self.house.ask("POST", f"/{bucket}/?replication&comp=add", a_document(target, **more), by=by)

    async def set_up(self, bucket: str = "photos", **more: Any) -> Scene:
        answer = await self.put_rule(bucket, **more)
        assert answer.status == 200, answer.body
        return self

    async def bucket(self, name: str) -> Bucket:
        bucket = await self.house.catalog.find_bucket(name)
        assert bucket is not None
        return bucket

    async def there(self, bucket: str = "copies") -> dict[str, bytes]:
        keys = (await self.house.ask("GET", f"/{bucket}/")).texts("Contents/Key")
        return {key: (await self.house.ask("GET", f"/{bucket}/{key}")).body for key in keys}

    async def waiting(self, bucket: str = "photos") -> int:
        return await self.house.catalog.count_entries((await self.bucket(bucket)).bucket_id, JOURNAL)


async def a_scene(**more: Any) -> Scene:
    return await (await Scene().begin()).set_up(**more)


async def test_uploads_changes_and_deletes_follow() -> None:
    scene = await a_scene()
    house = scene.house
    await house.put("/photos/small", b"hello", {"x-oss-meta-colour": "green", "x-oss-tagging": "k=v"})
    await house.put("/photos/large", LARGE, {"x-oss-object-acl": "public-read"})
    assert await scene.runs.run(NOW) == 2
    assert await scene.there() == {"small": b"hello", "large": LARGE}
    head = await house.ask("HEAD", "/copies/small")
    assert (head.headers["x-oss-meta-colour"], head.headers["x-oss-tagging-count"]) == ("green", "1")
    assert (await house.ask("GET", "/copies/large?acl")).text("AccessControlList/Grant") == "public-read"
    tagging = b"<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"
    assert (await house.ask("PUT", "/photos/small?tagging", tagging)).status == 200
    await house.ask("DELETE", "/photos/large")
    assert await scene.runs.run(NOW + 5) == 2
    assert await scene.there() == {"small": b"hello"}
    assert (await house.ask("GET", "/copies/small?tagging")).texts("TagSet/Tag/Key") == ["a"]
    assert await scene.runs.run(NOW + 10) == 0
    assert await scene.waiting() == 0


async def test_bytes_are_shared_and_stay_when_the_source_goes() -> None:
    scene = await a_scene(action="PUT")
    await scene.house.put("/photos/large", LARGE)
    await scene.runs.run(NOW)
    assert len(scene.house.store.blobs) == 1
    await scene.house.ask("DELETE", "/photos/large")
    assert await scene.runs.run(NOW) == 0  # deletes don't follow
    assert await scene.there() == {"large": LARGE}


async def test_only_chosen_prefixes_follow() -> None:
    scene = await a_scene(prefixes=("a/", "b/"))
    for key in ("a/1", "b/1", "c/1"):
        await scene.house.put(f"/photos/{key}")
    await scene.runs.run(NOW)
    assert sorted(await scene.there()) == ["a/1", "b/1"]
    assert await scene.waiting() == 0


@pytest.mark.parametrize(("historical", "found"), [("enabled", 121), ("disabled", 1)])
async def test_what_was_there_before_follows_if_it_is_to(historical: str, found: int) -> None:
    scene = await Scene().begin()
    for number in range(120):
        await scene.house.put(f"/photos/k{number:03}")
    await scene.set_up(historical=historical)
    await scene.house.put("/photos/new")
    await scene.runs.run(NOW)
    listing = await scene.house.ask("GET", "/copies/?max-keys=1000")
    assert len(listing.texts("Contents/Key")) == found


async def test_two_buckets_that_copy_to_each_other_come_to_rest() -> None:
    scene = await (await a_scene()).set_up("copies")
    await scene.house.put("/photos/a", b"from photos")
    await scene.house.put("/copies/b", b"from copies")
    changed = [await scene.runs.run(NOW + 5 * number) for number in range(4)]
    assert changed[2:] == [0, 0]
    both = {"a": b"from photos", "b": b"from copies"}
    assert (await scene.there("photos"), await scene.there("copies")) == (both, both)
    await scene.house.ask("DELETE", "/copies/a")
    changed = [await scene.runs.run(NOW + 30 + number) for number in range(3)]
    assert changed == [1, 0, 0]
    assert (await scene.there("photos"), await scene.there("copies")) == ({"b": b"from copies"},) * 2


async def test_of_two_changes_of_a_key_on_both_sides_the_newer_stays() -> None:
    scene = await (await a_scene()).set_up("copies")
    await scene.house.put("/photos/a", b"older")
    scene.house.now = NOW + 60
    await scene.house.put("/copies/a", b"newer")
    for number in range(3):
        await scene.runs.run(NOW + 61 + number)
    assert (await scene.there("photos"), await scene.there("copies")) == ({"a": b"newer"},) * 2


async def test_a_versioned_target_keeps_what_was_there() -> None:
    scene = await a_scene()
    body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    for bucket in ("photos", "copies"):
        assert (await scene.house.ask("PUT", f"/{bucket}/?versioning", body)).status == 200
    for content in (b"1", b"2"):
        await scene.house.put("/photos/a", content)
        await scene.runs.run(NOW)
    await scene.house.ask("DELETE", "/photos/a")
    await scene.runs.run(NOW)
    listing = await scene.house.ask("GET", "/copies/?versions")
    assert (len(listing.texts("Version/Key")), len(listing.texts("DeleteMarker/Key"))) == (2, 1)
    marker = (await scene.house.ask("GET", "/photos/?versions")).text("DeleteMarker/VersionId")
    await scene.house.ask("DELETE", f"/photos/a?versionId={marker}")
    await scene.runs.run(NOW)
    assert await scene.there() == {"a": b"2"}


async def test_an_appendable_object_becomes_one_of_its_own_bytes() -> None:
    scene = await a_scene()
    await scene.house.ask("POST", "/photos/log?append&position=0", LARGE)
    await scene.runs.run(NOW)
    await scene.house.ask("POST", f"/photos/log?append&position={len(LARGE)}", b"more")
    assert await scene.there() == {"log": LARGE}
    await scene.runs.run(NOW)
    assert await scene.there() == {"log": LARGE + b"more"}
    assert (await scene.house.ask("HEAD", "/copies/log")).headers["x-oss-object-type"] == "Normal"


async def test_a_target_that_encrypts_encrypts_copies() -> None:
    scene = await Scene().begin()
    by_default = "ApplyServerSideEncryptionByDefault"
    rule = f"<{by_default}><SSEAlgorithm>AES256</SSEAlgorithm></{by_default}>"
    document = f"<ServerSideEncryptionRule>{rule}</ServerSideEncryptionRule>".encode()
    assert (await scene.house.ask("PUT", "/copies/?encryption", document)).status == 200
    await scene.set_up()
    await scene.house.put("/photos/large", LARGE)
    await scene.house.put("/photos/small", b"hello")
    assert [await scene.runs.run(NOW), await scene.runs.run(NOW)] == [2, 0]
    assert await scene.there() == {"large": LARGE, "small": b"hello"}
    for key in ("large", "small"):
        head = await scene.house.ask("HEAD", f"/copies/{key}")
        assert head.headers["x-oss-server-side-encryption"] == "AES256"


async def test_other_regions_are_targets_too() -> None:
    scene = Scene(House(regions=("cn-hangzhou", "cn-beijing")))
    await scene.house.with_bucket()
    assert (await scene.house.ask("PUT", "/copies/", region="cn-beijing")).status == 200
    await scene.set_up(location="oss-cn-beijing")
    await scene.house.put("/photos/a")
    assert await scene.runs.run(NOW) == 1


# --- what interrupts it ----------------------------------------------------------------------------------------------


async def test_a_key_that_changes_while_it_is_copied_is_copied_again(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = await a_scene(historical="disabled")
    await scene.house.put("/photos/a", b"first")

    async def changing(*arguments: Any) -> bool:
        done = await replicate(*arguments)
        await scene.house.put("/photos/a", b"second")
        return done

    with monkeypatch.context() as patch:
        patch.setattr("coatcheck.background.replication_run.replicate", changing)
        await scene.runs.run(NOW)
    assert await scene.there() == {"a": b"first"}
    assert await scene.waiting() == 1
    await scene.runs.run(NOW)
    assert await scene.there() == {"a": b"second"}


async def test_one_that_dies_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = await Scene().begin()
    for number in range(120):
        await scene.house.put(f"/photos/k{number:03}")
    await scene.set_up()
    walked: list[str] = []
    listing = scene.house.catalog.list_objects

    async def dying(*arguments: Any, **named: Any) -> Any:
        walked.append(named["marker"])
        if len(walked) == 3:
            raise KeyboardInterrupt
        return await listing(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(scene.house.catalog, "list_objects", dying)
        with pytest.raises(KeyboardInterrupt):
            await scene.runs.run(NOW)
        assert await scene.runs.run(NOW) == 20
    assert walked == ["", "k049", "k099", "k099"]


async def test_a_store_that_takes_nothing_costs_only_time(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = await a_scene()
    await scene.house.put("/photos/a")

    async def full(*_: Any, **__: Any) -> Any:
        raise NoSpace("full")

    with monkeypatch.context() as patch:
        patch.setattr(scene.house.catalog, "put_object", full)
        assert await scene.runs.run(NOW) == 0
    assert await scene.runs.run(NOW) == 1


async def test_a_rule_that_goes_takes_its_journal_with_it() -> None:
    scene = await a_scene()
    await scene.house.put("/photos/a")
    await scene.runs.run(NOW)
    await scene.house.put("/photos/b")
    gone = await scene.house.ask(
        "POST", "/photos/?replication&comp=delete", b"<ReplicationRules><ID>one</ID></ReplicationRules>"
    )
    assert gone.status == 200
    assert await scene.runs.run(NOW) == 0
    number = (await scene.bucket("photos")).bucket_id
    assert [await scene.house.catalog.count_entries(number, kind) for kind in (JOURNAL, RUN_KIND)] == [0, 0]
    assert await scene.there() == {"a": b"hello"}


# --- as whom ---------------------------------------------------------------------------------------------------------


async def as_alice(*actions: str) -> Scene:
    scene = Scene()
    identities = scene.house.identities
    await identities.add_user(User(ALICE, ACCOUNT, "alice", 1))
    for number, action in enumerate(("oss:PutBucketReplication", *actions)):
        await identities.put_policy(StoredPolicy(ACCOUNT, f"p{number}", a_policy(action)), replace=False)
        await identities.attach(ACCOUNT, f"p{number}", user="alice")
    alice = AccessKey("AliceKey", "alice-secret", ACCOUNT, principal=Principal(ALICE, "alice"))
    scene.house.keyring.keys["AliceKey"] = alice
    return await (await scene.begin()).set_up(by=alice)


async def test_its_author_needs_the_rights_and_keys_wait_for_them(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    scene = await as_alice("oss:GetObject")
    for key in ("a", "b"):
        await scene.house.put(f"/photos/{key}")
    assert await scene.runs.run(NOW) == 0
    assert "stopped: replication bucket=photos: AccessDenied: " in caplog.text
    assert await scene.waiting() == 2
    identities = scene.house.identities
    await identities.put_policy(StoredPolicy(ACCOUNT, "writes", a_policy("oss:PutObject")), replace=False)
    await identities.attach(ACCOUNT, "writes", user="alice")
    assert await scene.runs.run(NOW) == 2
    assert "goes on: replication bucket=photos" in caplog.text
    await scene.house.ask("DELETE", "/photos/a")
    assert await scene.runs.run(NOW) == 0  # no right to delete
    await identities.remove_user(ACCOUNT, "alice")
    assert await scene.runs.run(NOW) == 0
    assert "the user who set it up is no longer there" in caplog.text


async def test_a_stranger_who_makes_the_target_anew_gets_no_copies(caplog: pytest.LogCaptureFixture) -> None:
    scene = await a_scene()
    assert (await scene.house.ask("DELETE", "/copies/")).status == 204
    acl = {"x-oss-acl": "public-read-write"}
    assert (await scene.house.ask("PUT", "/copies/", headers=acl, by=STRANGER)).status == 200
    await scene.house.put("/photos/a")
    assert await scene.runs.run(NOW) == 0
    assert "the target bucket copies is not one of the account '1000000000000001'" in caplog.text
    assert await scene.waiting() == 1


async def test_a_key_that_is_refused_holds_no_other_up() -> None:
    scene = await as_alice("oss:GetObject", "oss:PutObject")
    denied = {"Effect": "Deny", "Action": "oss:PutObject", "Principal": ["*"], "Resource": ["acs:oss:*:*:copies/a*"]}
    policy = json.dumps({"Version": "1", "Statement": [denied]}).encode()
    assert (await scene.house.ask("PUT", "/copies/?policy", policy)).status == 200
    for key in ("a1", "b", "a2", "c"):
        await scene.house.put(f"/photos/{key}")
    assert await scene.runs.run(NOW) == 0  # it says that it stopped
    assert sorted(await scene.there()) == ["b", "c"]
    assert await scene.waiting() == 2


async def test_a_role_copies_in_place_of_the_author() -> None:
    scene = await Scene().begin()
    identities = scene.house.identities
    role = Role("301234567890123456", ACCOUNT, "copier", a_trust(Service="oss.aliyuncs.com"))
    await identities.put_role(role, replace=False)
    await scene.set_up(more="<SyncRole>copier</SyncRole>")
    await scene.house.put("/photos/a")
    assert await scene.runs.run(NOW) == 0
    await identities.put_policy(StoredPolicy(ACCOUNT, "copies", a_policy("oss:*Object")), replace=False)
    await identities.attach(ACCOUNT, "copies", role="copier")
    assert await scene.runs.run(NOW) == 1


# --- the operations --------------------------------------------------------------------------------------------------


async def test_a_rule_is_shown_as_it_was_put() -> None:
    scene = await Scene().begin()
    assert (await scene.house.ask("GET", "/photos/?replication")).refusal == (404, "NoSuchReplicationConfiguration")
    assert (await scene.house.ask("GET", "/photos/?bucketInfo")).text("Bucket/CrossRegionReplication") == "Disabled"
    more = "<SyncRole>r</SyncRole><RTC><Status>enabled</Status></RTC>"
    answer = await scene.put_rule(prefixes=("a/", "b/"), more=more)
    assert answer.headers["x-oss-replication-rule-id"] == "one"
    shown = await scene.house.ask("GET", "/photos/?replication")
    assert shown.xml.tag == "ReplicationConfiguration"
    told = {name: shown.text(f"Rule/{name}") for name in ("ID", "Action", "Status", "SyncRole", "RTC/Status")}
    assert told == {"ID": "one", "Action": "ALL", "Status": "doing", "SyncRole": "r", "RTC/Status": "enabled"}
    assert shown.texts("Rule/PrefixSet/Prefix") == ["a/", "b/"]
    assert (shown.text("Rule/Destination/Bucket"), shown.text("Rule/Destination/Location")) == (
        *("copies", "oss-cn-hangzhou"),
    )
    assert shown.text("Rule/HistoricalObjectReplication") == "enabled"
    assert b"1000000000000001" not in shown.body  # who set it up
    assert (await scene.house.ask("GET", "/photos/?bucketInfo")).text("Bucket/CrossRegionReplication") == "Enabled"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (a_document("nowhere"), "InvalidTargetBucket"),
        (a_document("photos"), "InvalidTargetBucket"),
        (a_document("theirs"), "InvalidTargetBucket"),
        (a_document(location="oss-cn-nowhere"), "NoReplicationLocation"),
        (a_document(prefixes=[str(number) for number in range(11)]), "TooManyPrefixes"),
        (b"<ReplicationConfiguration></ReplicationConfiguration>", "NoReplicationRule"),
        (a_document().replace(b"</Rule>", b"</Rule><Rule></Rule>"), "TooManyReplicationRules"),
        (a_document(action="SOME"), "InvalidArgument"),
        (a_document(historical="maybe"), "InvalidArgument"),
        (a_document().replace(b"<ID>one", b"<ID>" + b"x" * 256), "InvalidArgument"),
        (a_document(prefixes=["p" * 1024]), "InvalidArgument"),
        (a_document().replace(b"<Bucket>copies</Bucket>", b""), "MalformedXML"),
        (a_document(more="<Other/>"), "MalformedXML"),
    ],
)
async def test_a_rule_that_will_not_do_is_refused(document: bytes, code: str) -> None:
    scene = await Scene().begin()
    assert (await scene.house.ask("PUT", "/theirs/", by=STRANGER)).status == 200
    answer = await scene.house.ask("POST", "/photos/?replication&comp=add", document)
    assert answer.refusal == (400, code)


async def test_no_key_service_encrypts_copies() -> None:
    scene = await Scene().begin()
    for more in (
        "<EncryptionConfiguration><ReplicaKmsKeyID>k</ReplicaKmsKeyID></EncryptionConfiguration>",
        "<SourceSelectionCriteria><SseKmsEncryptedObjects><Status>Enabled</Status></SseKmsEncryptedObjects>"
        "</SourceSelectionCriteria>",
    ):
        assert (await scene.put_rule(more=more)).refusal == (403, "KmsServiceNotEnabled")


async def test_a_bucket_in_another_region_is_not_where_it_was_said_to_be() -> None:
    scene = Scene(House(regions=("cn-hangzhou", "cn-beijing")))
    await scene.begin()
    answer = await scene.put_rule(location="oss-cn-beijing")
    assert answer.refusal == (400, "InvalidTargetLocation")
    shown = await scene.house.ask("GET", "/photos/?replicationLocation")
    assert shown.texts("Location") == ["oss-cn-hangzhou", "oss-cn-beijing"]
    assert shown.texts("LocationRTCConstraint/Location") == ["oss-cn-hangzhou", "oss-cn-beijing"]


async def test_a_bucket_has_one_rule_which_is_deleted_by_its_id() -> None:
    scene = await a_scene()
    assert (await scene.put_rule()).refusal == (400, "BucketReplicationAlreadyExist")
    place, other = "/photos/?replication&comp=delete", b"<ReplicationRules><ID>two</ID></ReplicationRules>"
    assert (await scene.house.ask("POST", place, other)).refusal == (404, "NoSuchReplicationRule")
    assert (await scene.house.ask("POST", place, other.replace(b"two", b"one"))).status == 200
    assert (await scene.house.ask("POST", place, other)).refusal == (404, "NoSuchReplicationConfiguration")
    assert (await scene.put_rule()).status == 200


async def test_progress_says_how_far_it_has_come() -> None:
    scene = await Scene().begin()
    for key in ("a", "b"):
        await scene.house.put(f"/photos/{key}")
    address = "/photos/?replicationProgress&rule-id=one"
    assert (await scene.house.ask("GET", address)).refusal == (404, "NoSuchReplicationRule")
    await scene.set_up()
    before = await scene.house.ask("GET", address)
    assert before.text("Rule/Progress/HistoricalObject") == "0.00"
    await scene.runs.run(NOW + 100)
    scene.house.now = NOW + 200
    done = await scene.house.ask("GET", address)
    assert done.text("Rule/Progress/HistoricalObject") == "1.00"
    assert done.text("Rule/Progress/NewObject") == "2026-03-05T07:11:29.000Z"  # now: nothing waits
    await scene.house.put("/photos/c")
    scene.house.now = NOW + 300
    waiting = await scene.house.ask("GET", address)
    assert waiting.text("Rule/Progress/NewObject") == "2026-03-05T07:09:49.000Z"  # when nothing waited
    assert (await scene.house.ask("GET", f"{address}x")).refusal == (404, "NoSuchReplicationRule")


async def test_days_later_and_with_a_clock_that_was_a_year_ahead_objects_follow() -> None:
    scene, day = await a_scene(), 86_400
    house = scene.house
    for key, now in (("later", NOW + 40 * day), ("ahead", NOW + 365 * day), ("back", NOW + 41 * day)):
        house.now = now
        await house.put(f"/photos/{key}", key.encode())
        assert await scene.runs.run(now) == 1
    assert await scene.there() == {"later": b"later", "ahead": b"ahead", "back": b"back"}
    await house.ask("DELETE", "/photos/ahead")
    house.now += 100
    waiting = await house.ask("GET", "/photos/?replicationProgress&rule-id=one")
    assert (
        waiting.text("Rule/Progress/NewObject") == "2026-04-15T07:08:09.000Z"
    )  # when nothing waited, not a year ahead
    assert await scene.runs.run(house.now) == 1
    assert await scene.there() == {"later": b"later", "back": b"back"}


async def test_rtc_is_kept_and_shown() -> None:
    scene = await a_scene()
    document = b"<ReplicationRule><RTC><Status>enabled</Status></RTC><ID>one</ID></ReplicationRule>"
    assert (await scene.house.ask("PUT", "/photos/?rtc", document)).status == 200
    assert (await scene.house.ask("GET", "/photos/?replication")).text("Rule/RTC/Status") == "enabled"
    wrong = await scene.house.ask("PUT", "/photos/?rtc", document.replace(b"one", b"two"))
    assert wrong.refusal == (404, "NoSuchReplicationRule")
    await scene.house.put("/photos/a")
    assert await scene.runs.run(NOW) == 1

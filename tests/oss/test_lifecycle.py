from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.background.leader import leaders_in
from coatcheck.configurations.lifecycle import CLASSES, Due, Exclusion, Rule, Transition, read, write
from coatcheck.core.times import DAY_S
from coatcheck.core.xml import read_xml, write_xml
from coatcheck.lifecycle_schedule import run_if_due
from coatcheck.operations.context import Ports
from coatcheck.operations.lifecycle_plan import Action, Kind, find_expiry, plan_upload, plan_version
from coatcheck.operations.lifecycle_run import run_lifecycle
from coatcheck.ports.object import DELETE_MARKER, ListedVersion
from coatcheck.ports.upload import Upload

from .house import NOW, STRANGER, House

MIDNIGHT = NOW // DAY_S * DAY_S


def a_document(*rules: str) -> bytes:
    return f"<LifecycleConfiguration>{''.join(rules)}</LifecycleConfiguration>".encode()


def a_rule(inner: str, prefix: str = "", rule_id: str = "r", status: str = "Enabled") -> str:
    return f"<Rule><ID>{rule_id}</ID><Prefix>{prefix}</Prefix><Status>{status}</Status>{inner}</Rule>"


def expire(days: int) -> str:
    return f"<Expiration><Days>{days}</Days></Expiration>"


def transition(days: int, storage_class: str) -> str:
    return f"<Transition><Days>{days}</Days><StorageClass>{storage_class}</StorageClass></Transition>"


ABORT = "<AbortMultipartUpload><Days>3</Days></AbortMultipartUpload>"
DATE = "<CreatedBeforeDate>2026-01-01T00:00:00.000Z</CreatedBeforeDate>"
BY_DATE = f"<Expiration>{DATE}</Expiration>"
ABORT_BY_DATE = f"<AbortMultipartUpload>{DATE}</AbortMultipartUpload>"
FULL = a_rule(
    "<Tag><Key>a</Key><Value>b</Value></Tag><Filter><ObjectSizeGreaterThan>500</ObjectSizeGreaterThan>"
    "<ObjectSizeLessThan>64000</ObjectSizeLessThan><Not><Prefix>logs/keep</Prefix><Tag><Key>k</Key><Value>v</Value></Tag>"
    "</Not></Filter><Expiration><Days>365</Days></Expiration>"
    + transition(30, "IA")
    + transition(90, "Archive")
    + "<NoncurrentVersionExpiration><NoncurrentDays>10</NoncurrentDays></NoncurrentVersionExpiration>"
    "<NoncurrentVersionTransition><NoncurrentDays>5</NoncurrentDays><StorageClass>IA</StorageClass>"
    "</NoncurrentVersionTransition>",
    "logs/",
    "full",
)

# --- the documents ---------------------------------------------------------------------------------------------------


async def test_rules_are_kept_come_back_and_go() -> None:
    house = await House().with_bucket()
    assert (await house.ask("GET", "/photos/?lifecycle")).refusal == (404, "NoSuchLifecycle")
    dated = a_rule(
        "<Expiration><CreatedBeforeDate>2026-01-01T00:00:00.000Z</CreatedBeforeDate></Expiration>", "d/", "d"
    )
    assert (await house.ask("PUT", "/photos/?lifecycle", a_document(FULL, dated))).status == 200
    answer = await house.ask("GET", "/photos/?lifecycle")
    assert answer.texts("Rule/ID") == ["full", "d"]
    assert answer.texts("Rule/Prefix") == ["logs/", "d/"]
    assert answer.texts("Rule/Transition/StorageClass") == ["IA", "Archive"]
    assert answer.texts("Rule/Filter/Not/Prefix") == ["logs/keep"]
    assert answer.texts("Rule/Expiration/CreatedBeforeDate") == ["2026-01-01T00:00:00.000Z"]
    assert answer.texts("Rule/NoncurrentVersionExpiration/NoncurrentDays") == ["10"]
    assert (await house.ask("PUT", "/photos/?lifecycle", answer.body)).status == 200
    assert (await house.ask("GET", "/photos/?lifecycle")).body == answer.body
    assert (await house.ask("DELETE", "/photos/?lifecycle")).status == 204
    assert (await house.ask("DELETE", "/photos/?lifecycle")).status == 204


async def test_a_rule_without_id_gets_one() -> None:
    house = await House().with_bucket()
    rules = [a_rule(expire(1), "a/", ""), a_rule(expire(1), "b/").replace("<ID>r</ID>", "")]
    assert (await house.ask("PUT", "/photos/?lifecycle", a_document(*rules))).status == 200
    ids = (await house.ask("GET", "/photos/?lifecycle")).texts("Rule/ID")
    assert len(set(ids)) == 2
    assert all(ids)


async def test_rules_are_the_owners_affair() -> None:
    house = await House().with_bucket(acl="public-read-write")
    for method in ("PUT", "GET", "DELETE"):
        assert (await house.ask(method, "/photos/?lifecycle", a_document(FULL), by=STRANGER)).status == 403


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "MalformedXML"),
        (a_document(), "MalformedXML"),
        (b"<!DOCTYPE a>" + a_document(FULL), "MalformedXML"),
        (a_document(a_rule(expire(1), status="On")), "MalformedXML"),
        (a_document("<Rule><ID>a</ID><Prefix/>" + expire(1) + "</Rule>"), "MalformedXML"),
        (a_document(a_rule("<Expiration/>")), "MalformedXML"),
        (a_document(a_rule(expire(1) + expire(2))), "MalformedXML"),
        (a_document(a_rule("<Expiration><Days>x</Days></Expiration>")), "MalformedXML"),
        (
            a_document(a_rule("<Expiration><Days>1</Days><Date>2026-01-01T00:00:00.000Z</Date></Expiration>")),
            "MalformedXML",
        ),
        (a_document(a_rule("<Transition><Days>1</Days></Transition>")), "MalformedXML"),
        (a_document(a_rule("")), "InvalidArgument"),
        (a_document(a_rule(expire(0))), "InvalidArgument"),
        (a_document(a_rule("<Expiration><Date>2026-01-01T08:00:00.000Z</Date></Expiration>")), "InvalidArgument"),
        (a_document(a_rule("<Expiration><Date>yesterday</Date></Expiration>")), "InvalidArgument"),
        (a_document(a_rule(transition(1, "Standard"))), "InvalidArgument"),
        (a_document(a_rule(transition(10, "IA") + transition(5, "Archive"))), "InvalidArgument"),
        (a_document(a_rule(transition(5, "IA") + transition(6, "IA"))), "InvalidArgument"),
        (a_document(a_rule(transition(10, "IA") + expire(10))), "InvalidArgument"),
        (a_document(a_rule("<Tag><Key>a</Key><Value/></Tag>" + ABORT)), "InvalidArgument"),
        (a_document(a_rule(expire(1)), a_rule(expire(2), "b/")), "InvalidArgument"),
        (a_document(a_rule(expire(1), "a/", "1"), a_rule(expire(2), "a/b/", "2")), "InvalidArgument"),
        (a_document(a_rule(expire(1), rule_id="x" * 256)), "InvalidArgument"),
        (a_document(a_rule(expire(1) + "<Filter><Not><Prefix>b</Prefix></Not></Filter>", "a/")), "InvalidArgument"),
        (a_document(a_rule(expire(1) + "<Filter><Not><Prefix>a/</Prefix></Not></Filter>", "a/")), "InvalidArgument"),
        (a_document(a_rule(transition(1, "IA") + BY_DATE)), "InvalidRequest"),
        (a_document(a_rule(expire(1) + ABORT_BY_DATE)), "InvalidRequest"),
        (a_document(a_rule("<Tag><Key>a&amp;b</Key><Value>v</Value></Tag>" + expire(1))), "InvalidArgument"),
        (a_document(a_rule("<Tag><Key>a</Key><Value>v;</Value></Tag>" + expire(1))), "InvalidArgument"),
        (a_document(a_rule(f"<Tag><Key>{'a' * 129}</Key><Value/></Tag>" + expire(1))), "InvalidArgument"),
        (
            a_document(
                a_rule(transition(1, "IA").replace("<Days>", "<ReturnToStdWhenVisit>true</ReturnToStdWhenVisit><Days>"))
            ),
            "InvalidArgument",
        ),
        (a_document(*(a_rule(expire(1), f"{i:04}/", str(i)) for i in range(1001))), "InvalidArgument"),
    ],
)
async def test_what_are_no_rules_is_refused_and_nothing_changes(body: bytes, code: str) -> None:
    house = await House().with_bucket()
    await house.ask("PUT", "/photos/?lifecycle", a_document(FULL))
    before = house.contents()
    assert (await house.ask("PUT", "/photos/?lifecycle", body)).refusal == (400, code)
    assert house.contents() == before


async def test_rules_that_overlap_say_in_what() -> None:
    house = await House().with_bucket()
    body = a_document(a_rule(expire(1), "a/", "1"), a_rule(expire(2), "a/b/", "2"))
    answer = await house.ask("PUT", "/photos/?lifecycle", body)
    assert answer.text("Message") == "Overlap for same action type Expiration"


async def test_transitions_by_access_are_kept_and_given_back() -> None:
    house = await House().with_bucket()
    flags = "<IsAccessTime>true</IsAccessTime><ReturnToStdWhenVisit>false</ReturnToStdWhenVisit><Days>"
    body = a_document(a_rule(transition(1, "IA").replace("<Days>", flags)))
    assert (await house.ask("PUT", "/photos/?lifecycle", body)).status == 200
    kept = await house.ask("GET", "/photos/?lifecycle")
    assert kept.text("Rule/Transition/IsAccessTime") == "true"
    assert kept.text("Rule/Transition/ReturnToStdWhenVisit") == "false"
    assert kept.text("Rule/Transition/AllowSmallFile") is None


def test_transitions_by_access_are_not_carried_out() -> None:
    moving = Rule("r", "", True, transitions=(Transition(Due(days=1), "IA", by_access=True),))
    assert plan(moving, 100) is None


async def test_a_thousand_rules_are_taken_and_one_more_refused() -> None:
    house = await House().with_bucket()
    rules = [a_rule(expire(1), f"{number:04}/", f"rule-{number}") for number in range(1001)]
    assert (await house.ask("PUT", "/photos/?lifecycle", a_document(*rules[:1000]))).status == 200
    assert len((await house.ask("GET", "/photos/?lifecycle")).texts("Rule")) == 1000
    assert (await house.ask("PUT", "/photos/?lifecycle", a_document(*rules))).refusal == (400, "InvalidArgument")


async def test_overlapping_rules_are_taken_when_the_request_says_so_or_tags_differ() -> None:
    house = await House().with_bucket()
    both = a_document(a_rule(expire(1), "a/", "1"), a_rule(expire(2), "a/b/", "2"))
    headers = {"x-oss-allow-same-action-overlap": "true"}
    assert (await house.ask("PUT", "/photos/?lifecycle", both, headers)).status == 200
    tagged = a_rule("<Tag><Key>t</Key><Value>v</Value></Tag>" + expire(2), "a/b/", "2")
    body = a_document(a_rule(expire(1), "a/", "1"), tagged)
    assert (await house.ask("PUT", "/photos/?lifecycle", body)).status == 200


async def test_a_bucket_of_an_archive_class_has_no_transitions() -> None:
    house = House()
    body = b"<CreateBucketConfiguration><StorageClass>Archive</StorageClass></CreateBucketConfiguration>"
    assert (await house.ask("PUT", "/photos/", body)).status == 200
    refused = await house.ask("PUT", "/photos/?lifecycle", a_document(a_rule(transition(1, "ColdArchive"))))
    assert refused.refusal == (400, "InvalidArgument")


# --- the plan --------------------------------------------------------------------------------------------------------


def a_version(**facts: Any) -> ListedVersion:
    given = {
        "key": "a/b",
        "version_id": "v1",
        "kind": "Normal",
        "size": 1000,
        "etag": "E",
        "last_modified": MIDNIGHT,
        "storage_class": "Standard",
        **facts,
    }
    return ListedVersion(**given)


def plan(rule: Rule, days: float, **facts: Any) -> Action | None:
    """What is due that many days after a midnight at which it was modified."""
    alone = bool(facts.pop("alone", True))
    return plan_version([rule], a_version(**facts), alone=alone, now=MIDNIGHT + days * DAY_S)


EXPIRING = Rule("r", "a/", True, expiration=Due(days=3))


def test_days_are_full_and_end_at_midnight() -> None:
    assert plan(EXPIRING, 2.99) is None
    assert plan(EXPIRING, 3) == Action(Kind.EXPIRE, "r", "a/b", "v1", MIDNIGHT)
    assert plan(EXPIRING, 3.5, last_modified=MIDNIGHT + 1) is None
    assert plan(EXPIRING, 4, last_modified=MIDNIGHT + 1) is not None


def test_created_before_a_date_is_due_at_once() -> None:
    rule = Rule("r", "", True, expiration=Due(before_s=MIDNIGHT))
    assert plan(rule, 0, last_modified=MIDNIGHT - 1) is not None
    assert plan(rule, 1000, last_modified=MIDNIGHT) is None
    future = Rule("r", "", True, expiration=Due(before_s=MIDNIGHT + 100 * DAY_S))
    assert plan(future, 0) is not None


def test_a_date_is_due_on_that_day_for_everything() -> None:
    rule = Rule("r", "", True, expiration=Due(on_s=MIDNIGHT + DAY_S))
    assert plan(rule, 0.99) is None
    assert plan(rule, 1) is not None
    assert plan(rule, 5, last_modified=MIDNIGHT + 4 * DAY_S) is not None


@pytest.mark.parametrize(
    ("rule", "facts", "due"),
    [
        (Rule("r", "b/", True, expiration=Due(days=1)), {}, False),
        (Rule("r", "a/", False, expiration=Due(days=1)), {}, False),
        (Rule("r", "", True, (("k", "v"),), expiration=Due(days=1)), {}, False),
        (Rule("r", "", True, (("k", "v"),), expiration=Due(days=1)), {"tags": (("k", "v"), ("x", "y"))}, True),
        (Rule("r", "", True, larger_than=1000, expiration=Due(days=1)), {}, False),
        (Rule("r", "", True, larger_than=999, smaller_than=1001, expiration=Due(days=1)), {}, True),
        (Rule("r", "", True, smaller_than=1000, expiration=Due(days=1)), {}, False),
        (Rule("r", "", True, exclusions=(Exclusion("a/"),), expiration=Due(days=1)), {}, False),
        (Rule("r", "", True, exclusions=(Exclusion("a/", ("k", "v")),), expiration=Due(days=1)), {}, True),
        (
            Rule("r", "", True, exclusions=(Exclusion("a/", ("k", "v")),), expiration=Due(days=1)),
            {"tags": (("k", "v"),)},
            False,
        ),
    ],
)
def test_a_rule_is_about_what_all_its_conditions_hold_for(rule: Rule, facts: dict[str, Any], due: bool) -> None:
    assert (plan(rule, 100, **facts) is not None) is due


def test_the_coldest_class_that_is_due_is_moved_to_and_never_a_warmer_one() -> None:
    rule = Rule("r", "", True, transitions=(Transition(Due(days=1), "IA"), Transition(Due(days=5), "Archive")))
    assert [plan(rule, days) and plan(rule, days).storage_class for days in (0, 1, 4, 5)] == [  # type: ignore[union-attr]
        None,
        "IA",
        "IA",
        "Archive",
    ]
    assert plan(rule, 100, storage_class="ColdArchive") is None
    assert plan(rule, 100, kind="Symlink") is None


def test_small_files_stay_where_a_rule_says_so() -> None:
    rule = Rule("r", "", True, transitions=(Transition(Due(days=1), "IA", small_files=False),))
    assert plan(rule, 9, size=65535) is None
    assert plan(rule, 9, size=65536) is not None


def test_older_versions_go_by_when_they_were_superseded() -> None:
    rule = Rule("r", "", True, expiration=Due(days=1), noncurrent=Due(days=2))
    assert plan(rule, 50, superseded_at=MIDNIGHT + 49 * DAY_S) is None
    due = plan(rule, 51, superseded_at=MIDNIGHT + 49 * DAY_S)
    assert due is not None
    assert (due.kind, due.version) == (Kind.REMOVE_VERSION, "v1")


def test_a_delete_marker_goes_when_it_is_all_that_is_left() -> None:
    rule = Rule("r", "", True, expired_markers=True)
    marker = {"kind": DELETE_MARKER, "size": 0, "storage_class": ""}
    due = plan(rule, 0, **marker)
    assert due is not None
    assert due.kind is Kind.REMOVE_MARKER
    assert plan(rule, 0, **marker, alone=False) is None
    assert plan(EXPIRING, 100, **marker) is None


def test_uploads_are_aborted_by_when_they_were_begun() -> None:
    rule = Rule("r", "a/", True, abort=Due(days=3))
    upload = Upload("a/b", "U", MIDNIGHT, "Standard", ())
    assert plan_upload([rule], upload, now=MIDNIGHT + 3 * DAY_S - 1) is None
    assert plan_upload([rule], upload, now=MIDNIGHT + 3 * DAY_S) == Action(Kind.ABORT_UPLOAD, "r", "a/b", "U")
    assert plan_upload([rule], Upload("b", "U", 0, "Standard", ()), now=NOW) is None


def test_the_soonest_expiry_is_told() -> None:
    rules = [Rule("late", "", True, expiration=Due(days=9)), EXPIRING, Rule("no", "", True, abort=Due(days=1))]
    assert find_expiry(rules, a_version()) == (MIDNIGHT + 3 * DAY_S, "r")
    assert find_expiry(rules[2:], a_version()) is None


DUES = st.builds(Due, days=st.integers(1, 50)) | st.builds(
    lambda day, on: Due(on_s=day) if on else Due(before_s=day),
    st.integers(-50, 50).map(lambda day: MIDNIGHT + day * DAY_S),
    st.booleans(),
)
STEPS = st.lists(st.builds(Transition, DUES, st.sampled_from(CLASSES[1:])), max_size=3).map(tuple)
RULES = st.lists(
    st.builds(
        Rule,
        rule_id=st.sampled_from("xyz"),
        prefix=st.sampled_from(["", "a", "a/", "b"]),
        enabled=st.booleans(),
        tags=st.sampled_from([(), (("k", "v"),)]),
        expiration=st.none() | DUES,
        expired_markers=st.booleans(),
        transitions=STEPS,
        noncurrent=st.none() | st.builds(Due, days=st.integers(1, 50)),
        noncurrent_transitions=STEPS,
    ),
    max_size=4,
)
VERSIONS = st.builds(
    a_version,
    key=st.sampled_from(["a", "a/b", "b", "c"]),
    kind=st.sampled_from(["Normal", "Multipart", "Symlink", DELETE_MARKER]),
    size=st.integers(0, 10**6),
    last_modified=st.integers(MIDNIGHT - 50 * DAY_S, MIDNIGHT + 50 * DAY_S),
    storage_class=st.sampled_from(CLASSES),
    tags=st.sampled_from([(), (("k", "v"),)]),
    superseded_at=st.none() | st.integers(MIDNIGHT - 20 * DAY_S, MIDNIGHT + 20 * DAY_S),
)
MOMENTS = st.integers(MIDNIGHT - 100 * DAY_S, MIDNIGHT + 100 * DAY_S)


@given(RULES, VERSIONS, MOMENTS, st.booleans())
def test_a_plan_keeps_to_its_rules(rules: list[Rule], version: ListedVersion, now: int, alone: bool) -> None:
    action = plan_version(rules, version, alone=alone, now=now)
    if action is None:
        return
    assert (action.key, action.version) == (version.key, version.version_id)
    allowed = {
        rule.rule_id
        for rule in rules
        if rule.enabled and version.key.startswith(rule.prefix) and set(rule.tags) <= set(version.tags)
    }
    assert action.rule_id in allowed
    if action.kind is Kind.TRANSITION:
        assert CLASSES.index(action.storage_class) > CLASSES.index(version.storage_class)
    assert (action.kind is Kind.REMOVE_VERSION) <= (not version.is_latest)
    assert (action.kind in (Kind.EXPIRE, Kind.REMOVE_MARKER)) <= version.is_latest


@given(RULES, VERSIONS, MOMENTS, st.integers(0, 10**7))
def test_what_is_due_stays_due_or_something_stronger_is(
    rules: list[Rule], version: ListedVersion, now: int, later: int
) -> None:
    first = plan_version(rules, version, alone=True, now=now)
    second = plan_version(rules, version, alone=True, now=now + later)
    if first is None:
        return
    assert second is not None
    if first.kind is Kind.TRANSITION and second.kind is Kind.TRANSITION:
        assert CLASSES.index(second.storage_class) >= CLASSES.index(first.storage_class)
    elif first.kind is not Kind.TRANSITION:
        assert second.kind is first.kind


def test_a_written_document_reads_as_what_was_written() -> None:
    lifecycle = read(read_xml(a_document(FULL), "LifecycleConfiguration"))
    written = write_xml("LifecycleConfiguration", write(lifecycle))
    assert read(read_xml(written, "LifecycleConfiguration")) == lifecycle
    (rule,) = lifecycle.rules
    assert rule.exclusions == (Exclusion("logs/keep", ("k", "v")),)
    assert rule.transitions == (Transition(Due(days=30), "IA"), Transition(Due(days=90), "Archive"))


# --- carried out -----------------------------------------------------------------------------------------------------


async def run(house: House, days: float, *, dry_run: bool = False) -> dict[str, int]:
    report = await run_lifecycle(Ports(house.catalog, house.encrypting), now=NOW + days * DAY_S, dry_run=dry_run)
    return dict(report.done)


async def keys(house: House) -> list[str]:
    return (await house.ask("GET", "/photos/")).texts("Contents/Key")


async def test_expired_objects_go_and_their_bytes_too() -> None:
    house = await House().with_bucket()
    for key in ("tmp/a", "tmp/b", "keep"):
        await house.put(f"/photos/{key}", b"x" * 100_000)
    await house.ask("PUT", "/photos/?lifecycle", a_document(a_rule(expire(3), "tmp/")))
    assert await run(house, 2) == {}
    before = house.contents()
    assert await run(house, 5, dry_run=True) == {"expire": 2}
    assert house.contents() == before
    assert await run(house, 5) == {"expire": 2}
    assert await keys(house) == ["keep"]
    assert (len(house.store.blobs), house.catalog.garbage) == (1, set())
    assert await run(house, 5) == {}


async def test_what_was_written_since_is_left_alone() -> None:
    house = await House().with_bucket()
    await house.put("/photos/a", b"old")
    await house.ask("PUT", "/photos/?lifecycle", a_document(a_rule(expire(3))))

    overwritten = False

    class Overwriting(type(house.catalog)):  # type: ignore[misc]
        async def delete_objects(self, *arguments: Any) -> Any:
            nonlocal overwritten
            house.now = NOW + 5 * DAY_S
            await house.put("/photos/a", b"new")
            overwritten = True
            return await super().delete_objects(*arguments)

    house.catalog.__class__ = Overwriting
    await run(house, 5)
    assert overwritten
    assert (await house.ask("GET", "/photos/a")).body == b"new"


async def test_a_versioned_bucket_loses_nothing_at_once() -> None:
    house = await House().with_bucket()
    body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    assert (await house.ask("PUT", "/photos/?versioning", body)).status == 200
    await house.put("/photos/a", b"first")
    inner = expire(3) + "<NoncurrentVersionExpiration><NoncurrentDays>2</NoncurrentDays></NoncurrentVersionExpiration>"
    markers = a_rule("<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>", "", "m")
    headers = {"x-oss-allow-same-action-overlap": "true"}
    answer = await house.ask("PUT", "/photos/?lifecycle", a_document(a_rule(inner), markers), headers)
    assert answer.status == 200, answer.body
    assert await run(house, 4) == {"expire": 1}
    house.now = NOW + 4 * DAY_S
    listing = await house.ask("GET", "/photos/?versions")
    assert (len(listing.texts("DeleteMarker/Key")), len(listing.texts("Version/Key"))) == (1, 1)
    assert await run(house, 5) == {}
    assert await run(house, 7) == {"remove-version": 1}
    assert await run(house, 8) == {"remove-marker": 1}
    house.now = NOW + 8 * DAY_S
    listing = await house.ask("GET", "/photos/?versions")
    assert (listing.texts("DeleteMarker/Key"), listing.texts("Version/Key")) == ([], [])


async def test_transitions_change_the_class_alone() -> None:
    house = await House().with_bucket()
    put = await house.put("/photos/a", b"hello", {"x-oss-meta-a": "b"})
    await house.ask("PUT", "/photos/?lifecycle", a_document(a_rule(transition(1, "IA") + transition(5, "Archive"))))
    assert await run(house, 3) == {"transition": 1}
    head = await house.ask("HEAD", "/photos/a")
    assert head.headers["x-oss-storage-class"] == "IA"
    assert (head.headers["etag"], head.headers["x-oss-meta-a"]) == (put.headers["etag"], "b")
    assert await run(house, 3) == {}
    assert await run(house, 9) == {"transition": 1}
    assert (await house.ask("GET", "/photos/a")).refusal == (403, "InvalidObjectState")


async def test_uploads_are_aborted_and_their_parts_go() -> None:
    house = await House().with_bucket()
    begun = await house.ask("POST", "/photos/big?uploads")
    upload_id = begun.text("UploadId")
    await house.ask("PUT", f"/photos/big?partNumber=1&uploadId={upload_id}", b"x" * 1000)
    await house.ask("PUT", "/photos/?lifecycle", a_document(a_rule(ABORT)))
    assert await run(house, 2) == {}
    assert await run(house, 4) == {"abort-upload": 1}
    assert (house.store.blobs, house.catalog.garbage) == ({}, set())


async def test_a_bucket_of_many_pages_is_walked_to_its_end() -> None:
    house = await House().with_bucket()
    bucket = await house.catalog.find_bucket("photos")
    await house.put("/photos/k")
    assert bucket is not None
    record = await house.catalog.find_object(bucket.bucket_id, "k")
    assert record is not None
    for number in range(2300):
        await house.catalog.put_object(bucket.bucket_id, replace(record, key=f"k{number:04}"))
    await house.ask("PUT", "/photos/?lifecycle", a_document(a_rule(expire(1))))
    assert await run(house, 3) == {"expire": 2301}
    assert await keys(house) == []


async def test_an_object_that_will_expire_says_when() -> None:
    house = await House().with_bucket()
    await house.put("/photos/tmp/a")
    await house.put("/photos/b")
    await house.ask("PUT", "/photos/?lifecycle", a_document(a_rule(expire(3), "tmp/", "three days")))
    for method in ("GET", "HEAD"):
        answer = await house.ask(method, "/photos/tmp/a")
        assert answer.headers["x-oss-expiration"] == (
            'expiry-date="Mon, 09 Mar 2026 00:00:00 GMT", rule-id="three days"'
        )
    assert "x-oss-expiration" not in (await house.ask("GET", "/photos/b")).headers


async def test_the_server_does_it_once_a_day_from_its_hour(tmp_path: Path) -> None:
    house = await House().with_bucket()
    await house.put("/photos/a")
    await house.ask("PUT", "/photos/?lifecycle", a_document(a_rule(expire(1))))
    ports = Ports(house.catalog, house.encrypting)
    begin = MIDNIGHT + 10 * DAY_S
    first = await run_if_due(ports, leaders_in(tmp_path), now=begin, hour=3)
    assert first is not None
    assert await run_if_due(ports, leaders_in(tmp_path), now=begin + 3 * 3600 - 1, hour=3) is None
    assert await run_if_due(ports, leaders_in(tmp_path), now=begin + 3 * 3600, hour=3) is not None
    assert await run_if_due(ports, leaders_in(tmp_path), now=begin + 20 * 3600, hour=3) is None
    assert await keys(house) == []


async def test_a_clock_that_was_a_year_ahead_stops_nothing(
    house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ports = Ports(house.catalog, house.encrypting)
    begin = NOW // 86_400 * 86_400
    assert await run_if_due(ports, leaders_in(tmp_path), now=begin + 365 * 86_400, hour=0) is not None
    assert await run_if_due(ports, leaders_in(tmp_path), now=begin, hour=0) is not None
    assert "the clock has gone back" in caplog.text
    assert await run_if_due(ports, leaders_in(tmp_path), now=begin, hour=0) is None
    assert await run_if_due(ports, leaders_in(tmp_path), now=begin, hour=23) is None  # that is no other clock
    assert await run_if_due(ports, leaders_in(tmp_path), now=begin + 86_400, hour=0) is not None
    assert (tmp_path / "lifecycle.day").stat().st_mode & 0o777 == 0o600

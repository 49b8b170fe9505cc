"""Lifecycle in S3's grammar: the rules of OSS, seen by both dialects."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.configurations import lifecycle
from coatcheck.configurations.lifecycle import Due, Rule
from coatcheck.core.errors import INVALID_ARGUMENT, MALFORMED_XML, OssError
from coatcheck.core.s3_errors import S3_BAD_STORAGE_CLASS, S3_NOT_BUILT
from coatcheck.core.xml import Node, read_xml, write_xml
from coatcheck.operations.lifecycle_run import plan_bucket
from coatcheck.s3 import lifecycle as s3_lifecycle

from ..oss.house import House
from .asking import ask

DAY = 86_400
_XMLNS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


@pytest.fixture
async def house() -> House:
    return await House().with_bucket()


def a_rule(inside: str, status: str = "Enabled", rule_id: str = "r") -> str:
    return f"<Rule><ID>{rule_id}</ID><Status>{status}</Status>{inside}</Rule>"


async def put(house: House, *rules: str) -> tuple[int, str]:
    body = f"<LifecycleConfiguration {_XMLNS}>{''.join(rules)}</LifecycleConfiguration>"
    answer = await ask(house, "PUT", "/photos?lifecycle", body.encode())
    return (answer.status, "") if answer.status == 200 else answer.refusal


def flat(document: bytes) -> str:
    return "".join(line.strip() for line in document.decode().splitlines()[1:])


EVERYTHING = (
    "<Filter><And><Prefix>logs/</Prefix><Tag><Key>a</Key><Value>b</Value></Tag>"
    "<ObjectSizeGreaterThan>10</ObjectSizeGreaterThan><ObjectSizeLessThan>99</ObjectSizeLessThan></And></Filter>"
    "<Status>Enabled</Status><Expiration><Days>90</Days></Expiration>"
    "<Transition><Days>30</Days><StorageClass>STANDARD_IA</StorageClass></Transition>"
    "<Transition><Days>60</Days><StorageClass>GLACIER</StorageClass></Transition>"
    "<NoncurrentVersionExpiration><NewerNoncurrentVersions>3</NewerNoncurrentVersions>"
    "<NoncurrentDays>9</NoncurrentDays></NoncurrentVersionExpiration>"
    "<NoncurrentVersionTransition><NoncurrentDays>5</NoncurrentDays><StorageClass>DEEP_ARCHIVE</StorageClass>"
    "</NoncurrentVersionTransition>"
)


async def test_everything_that_a_rule_may_say_comes_back(house: House) -> None:
    days = "<DaysAfterInitiation>7</DaysAfterInitiation>"
    abort = f"<AbortIncompleteMultipartUpload>{days}</AbortIncompleteMultipartUpload>"
    second = f"<Rule><ID>s</ID><Filter><Prefix></Prefix></Filter><Status>Disabled</Status>{abort}</Rule>"
    rules = f"<Rule><ID>r</ID>{EVERYTHING}</Rule>{second}"
    assert await put(house, rules) == (200, "")
    shown = await ask(house, "GET", "/photos?lifecycle")
    assert flat(shown.body) == f"<LifecycleConfiguration {_XMLNS}>{rules}</LifecycleConfiguration>"
    assert (await ask(house, "DELETE", "/photos?lifecycle")).status == 204
    assert (await ask(house, "GET", "/photos?lifecycle")).refusal == (404, "NoSuchLifecycleConfiguration")


async def test_the_older_form_comes_back_as_it_was_put(house: House) -> None:
    rule = "<Rule><ID>r</ID><Prefix>a</Prefix><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule>"
    assert await put(house, rule) == (200, "")
    assert rule in flat((await ask(house, "GET", "/photos?lifecycle")).body)


async def test_a_rule_of_one_dialect_is_read_in_the_other(house: House) -> None:
    inside = "<Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter><Expiration><Date>2030-01-01T00:00:00Z</Date>"
    assert await put(house, a_rule(f"{inside}</Expiration>")) == (200, "")
    assert flat((await house.ask("GET", "/photos?lifecycle")).body) == (
        "<LifecycleConfiguration><Rule><ID>r</ID><Prefix></Prefix><Status>Enabled</Status><Tag><Key>a</Key>"
        "<Value>b</Value></Tag><Expiration><Date>2030-01-01T00:00:00.000Z</Date></Expiration></Rule>"
        "</LifecycleConfiguration>"
    )
    by_oss = (
        "<LifecycleConfiguration><Rule><ID>o</ID><Prefix>x/</Prefix><Status>Enabled</Status><Transition><Days>3</Days>"
        "<StorageClass>IA</StorageClass></Transition><AbortMultipartUpload><Days>2</Days></AbortMultipartUpload></Rule>"
        "</LifecycleConfiguration>"
    )
    assert (await house.ask("PUT", "/photos?lifecycle", by_oss.encode())).status == 200
    assert flat((await ask(house, "GET", "/photos?lifecycle")).body) == (
        f"<LifecycleConfiguration {_XMLNS}><Rule><ID>o</ID><Filter><Prefix>x/</Prefix></Filter><Status>Enabled</Status>"
        "<Transition><Days>3</Days><StorageClass>STANDARD_IA</StorageClass></Transition>"
        "<AbortIncompleteMultipartUpload><DaysAfterInitiation>2</DaysAfterInitiation></AbortIncompleteMultipartUpload>"
        "</Rule></LifecycleConfiguration>"
    )


@pytest.mark.parametrize(
    ("inside", "what"),
    [
        (EVERYTHING.replace("<Status>Enabled</Status>", ""), "NewerNoncurrentVersions"),
        (
            "<Prefix/><Transition><Date>2030-01-01T00:00:00Z</Date><StorageClass>GLACIER</StorageClass></Transition>",
            "Transition",
        ),
    ],
)
async def test_oss_is_told_what_it_has_no_word_for(house: House, inside: str, what: str) -> None:
    assert await put(house, a_rule(inside)) == (200, "")
    refused = await house.ask("GET", "/photos?lifecycle")
    assert refused.refusal[1] == "NotImplemented"
    assert what in (refused.text("Message") or "")


@pytest.mark.parametrize(
    ("inside", "what"),
    [
        ("<Filter><Not><Prefix>a/</Prefix></Not></Filter><Expiration><Days>1</Days></Expiration>", "Not"),
        ("<Expiration><CreatedBeforeDate>2020-01-01T00:00:00Z</CreatedBeforeDate></Expiration>", "CreatedBeforeDate"),
        (
            "<Transition><Days>1</Days><StorageClass>IA</StorageClass><IsAccessTime>true</IsAccessTime></Transition>",
            "IsAccessTime",
        ),
        (
            "<Transition><Days>1</Days><StorageClass>IA</StorageClass><AllowSmallFile>false</AllowSmallFile>"
            "</Transition>",
            "AllowSmallFile",
        ),
    ],
)
async def test_s3_is_told_what_it_has_no_word_for(house: House, inside: str, what: str) -> None:
    document = f"<LifecycleConfiguration>{a_rule(f'<Prefix/>{inside}')}</LifecycleConfiguration>"
    assert (await house.ask("PUT", "/photos?lifecycle", document.encode())).status == 200
    refused = await ask(house, "GET", "/photos?lifecycle")
    assert refused.refusal == (501, "NotImplemented")
    assert what in (refused.text("Message") or "")


_DAYS = "<Expiration><Days>1</Days></Expiration>"


@pytest.mark.parametrize(
    ("inside", "refusal"),
    [
        ("", (400, "MalformedXML")),
        (_DAYS, (400, "MalformedXML")),
        (f"<Prefix/><Filter/>{_DAYS}", (400, "MalformedXML")),
        (f"<Prefix/><Prefix/>{_DAYS}", (400, "MalformedXML")),
        (f"<Filter/><Filter/>{_DAYS}", (400, "MalformedXML")),
        (f"<Filter><Prefix/><Tag><Key>a</Key></Tag></Filter>{_DAYS}", (400, "MalformedXML")),
        (f"<Filter><Not><Prefix>a</Prefix></Not></Filter>{_DAYS}", (400, "MalformedXML")),
        ("<Prefix/><Expiration><Days>0</Days></Expiration>", (400, "InvalidArgument")),
        ("<Prefix/><Expiration><Days>-1</Days></Expiration>", (400, "MalformedXML")),
        ("<Prefix/><Expiration><Days>99999999999999999999999</Days></Expiration>", (400, "MalformedXML")),
        ("<Prefix/><Expiration><Days>1</Days><Days>2</Days></Expiration>", (400, "MalformedXML")),
        ("<Prefix/><Expiration><Date>20200101</Date></Expiration>", (400, "InvalidArgument")),
        ("<Prefix/><Expiration><CreatedBeforeDate>x</CreatedBeforeDate></Expiration>", (400, "MalformedXML")),
        (
            "<Prefix/><Expiration><Days>1</Days><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>",
            (400, "MalformedXML"),
        ),
        (
            "<Prefix/><Expiration><ExpiredObjectDeleteMarker>false</ExpiredObjectDeleteMarker></Expiration>",
            (400, "InvalidArgument"),
        ),
        (
            "<Prefix/><Transition><Days>1</Days><StorageClass>IA</StorageClass></Transition>",
            (400, "InvalidStorageClass"),
        ),
        (
            "<Prefix/><NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays>"
            "<NewerNoncurrentVersions>101</NewerNoncurrentVersions></NoncurrentVersionExpiration>",
            (400, "InvalidArgument"),
        ),
        (
            "<Prefix/><NoncurrentVersionTransition><NoncurrentDays>1</NoncurrentDays><NewerNoncurrentVersions>1"
            "</NewerNoncurrentVersions><StorageClass>GLACIER</StorageClass></NoncurrentVersionTransition>",
            (501, "NotImplemented"),
        ),
    ],
)
async def test_what_no_rule_may_say_is_refused(house: House, inside: str, refusal: tuple[int, str]) -> None:
    assert await put(house, a_rule(inside)) == refusal
    assert (await ask(house, "GET", "/photos?lifecycle")).status == 404


NAMES = (
    *("Rule", "ID", "Status", "Prefix", "Filter", "And", "Tag", "Key", "Value", "ObjectSizeGreaterThan", "Expiration"),
    *("Days", "Date", "ExpiredObjectDeleteMarker", "Transition", "StorageClass", "NoncurrentVersionExpiration"),
    *("NoncurrentDays", "NewerNoncurrentVersions", "NoncurrentVersionTransition", "AbortIncompleteMultipartUpload"),
    "DaysAfterInitiation",
)
TEXTS = st.sampled_from(["", "Enabled", "1", "0", "-1", "x", "true", "2030-01-01T00:00:00Z", "GLACIER", "9" * 30])
NODES = st.recursive(
    st.tuples(st.sampled_from(NAMES), TEXTS),
    lambda inner: st.tuples(st.sampled_from(NAMES), st.lists(inner, max_size=4)),
    max_leaves=12,
)


@given(st.lists(st.tuples(st.just("Rule"), st.lists(NODES, max_size=6)), max_size=3))
def test_any_rules_are_read_or_refused_in_words(nodes: list[Node]) -> None:
    fault = MALFORMED_XML
    try:
        s3_lifecycle.read(read_xml(write_xml(lifecycle.ROOT, nodes), lifecycle.ROOT))
    except OssError as refusal:
        fault = refusal.fault
    assert fault in (MALFORMED_XML, INVALID_ARGUMENT, S3_NOT_BUILT, S3_BAD_STORAGE_CLASS)


DUE = st.integers(1, 999)
STORED = st.builds(
    Rule,
    rule_id=st.sampled_from("abc"),
    prefix=st.sampled_from(["", "a/", "b"]),
    enabled=st.booleans(),
    tags=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["", "v"])), max_size=2).map(tuple),
    larger_than=st.none() | st.integers(0, 9),
    smaller_than=st.none() | st.integers(10, 99),
    expiration=st.none() | st.builds(Due, days=DUE) | st.builds(Due, on_s=DUE.map(lambda day: day * DAY)),
    noncurrent=st.builds(Due, days=DUE),
    keep_noncurrent=st.none() | st.integers(1, 100),
)


@given(STORED)
def test_a_rule_that_was_written_is_read_as_it_was(stored: Rule) -> None:
    written = write_xml(lifecycle.ROOT, s3_lifecycle.write(lifecycle.Lifecycle((stored,))))
    assert s3_lifecycle.read(read_xml(written, lifecycle.ROOT)).rules == (stored,)


async def test_a_number_of_older_versions_stays(house: House) -> None:
    """Of four older versions that are all old enough, the newest two stay."""
    enabled = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    await ask(house, "PUT", "/photos?versioning", enabled)
    versions = []
    for number in range(5):
        stored = await ask(house, "PUT", "/photos/k", str(number).encode())
        versions.append(stored.headers["x-amz-version-id"])
        house.now += 1
    kept = "<NoncurrentDays>1</NoncurrentDays><NewerNoncurrentVersions>2</NewerNoncurrentVersions>"
    rule = a_rule(f"<Filter/><NoncurrentVersionExpiration>{kept}</NoncurrentVersionExpiration>")
    assert await put(house, rule) == (200, "")
    bucket = await house.catalog.find_bucket("photos")
    assert bucket is not None
    stored_rules = lifecycle.from_json(bucket.configuration("lifecycle") or "").rules
    planned = [each async for each in plan_bucket(house.ports, bucket, stored_rules, now=house.now + 9 * DAY)]
    assert [action.version for action in planned] == [versions[1], versions[0]]


SIZE = "x-amz-transition-default-minimum-object-size"
MOVES = {  # which of the objects go where: of 131071 and 131072 bytes, to IA and to ColdArchive
    None: ["small cold", "small warm", "large cold", "large warm"],
    "varies_by_storage_class": ["small cold", "large cold", "large warm"],
    "all_storage_classes_128K": ["large cold", "large warm"],
}


@pytest.mark.parametrize("size", MOVES)
async def test_small_objects_stay_where_the_header_says_so(house: House, size: str | None) -> None:
    for key, length in (("small", 128 * 1024 - 1), ("large", 128 * 1024)):
        await ask(house, "PUT", f"/photos/cold/{key}", bytes(length))
        await ask(house, "PUT", f"/photos/warm/{key}", bytes(length))
    step = "<Transition><Days>1</Days><StorageClass>{}</StorageClass></Transition>"
    rules = [
        a_rule(f"<Filter><Prefix>{prefix}/</Prefix></Filter>{step.format(name)}", rule_id=prefix)
        for prefix, name in (("cold", "GLACIER"), ("warm", "STANDARD_IA"))
    ]
    own = "<And><Prefix>warm/</Prefix><ObjectSizeGreaterThan>9</ObjectSizeGreaterThan></And>"
    disabled = a_rule(f"<Filter>{own}</Filter>{step.format('STANDARD_IA')}", "Disabled", "own")
    document = f"<LifecycleConfiguration>{''.join(rules)}{disabled}</LifecycleConfiguration>".encode()
    headers = {} if size is None else {SIZE: size}
    stored = await ask(house, "PUT", "/photos?lifecycle", document, headers)
    shown = await ask(house, "GET", "/photos?lifecycle")
    assert [answer.headers.get(SIZE) for answer in (stored, shown)] == [size, size]
    assert shown.texts("{*}Rule/{*}ID") == ["cold", "warm", "own"]
    bucket = await house.catalog.find_bucket("photos")
    assert bucket is not None
    stored_rules = lifecycle.from_json(bucket.configuration("lifecycle") or "").rules
    assert stored_rules[2].transitions[0].least_size is None  # it says of sizes what it means
    planned = [each async for each in plan_bucket(house.ports, bucket, stored_rules, now=house.now + 9 * DAY)]
    assert {" ".join(reversed(action.key.split("/"))) for action in planned} == set(MOVES[size])
    by_oss = await house.ask("GET", "/photos/?lifecycle")
    assert by_oss.status == (200 if size is None else 400)


async def test_an_unknown_word_for_small_objects_is_refused(house: House) -> None:
    step = "<Filter/><Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition>"
    document = f"<LifecycleConfiguration>{a_rule(step)}</LifecycleConfiguration>".encode()
    refused = await ask(house, "PUT", "/photos?lifecycle", document, {SIZE: "64K"})
    assert refused.refusal == (400, "InvalidArgument")
    assert (await ask(house, "GET", "/photos?lifecycle")).status == 404

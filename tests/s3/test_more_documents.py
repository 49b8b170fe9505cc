"""CORS, logging and restores in S3's grammar, and what tools only ask for."""

from __future__ import annotations

import pytest

from ..oss.house import STRANGER, House
from .asking import ask


@pytest.fixture
async def house() -> House:
    return await House().with_bucket()


def cors(*rules: str) -> bytes:
    return (
        f"<CORSConfiguration>{''.join(f'<CORSRule>{rule}</CORSRule>' for rule in rules)}</CORSConfiguration>".encode()
    )


RULE = "<AllowedOrigin>http://a</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"


async def test_cors_rules_have_ids_and_there_may_be_a_hundred(house: House) -> None:
    rules = [f"<ID>rule {number}</ID>{RULE}" for number in range(100)]
    assert (await ask(house, "PUT", "/photos?cors", cors(*rules))).status == 200
    shown = await ask(house, "GET", "/photos?cors")
    assert shown.texts("{*}CORSRule/{*}ID") == [f"rule {number}" for number in range(100)]
    assert shown.texts("{*}ResponseVary") == []
    by_oss = await house.ask("GET", "/photos?cors")
    assert (len(by_oss.texts("CORSRule")), by_oss.texts("CORSRule/ID")) == (100, [])
    shared = await house.ask("GET", "/photos", headers={"origin": "http://a"})
    assert shared.headers["access-control-allow-origin"] == "http://a"
    too_many = await ask(house, "PUT", "/photos?cors", cors(*[RULE] * 101))
    assert too_many.status == 400
    assert (await ask(house, "DELETE", "/photos?cors")).status == 204
    assert (await ask(house, "GET", "/photos?cors")).refusal == (404, "NoSuchCORSConfiguration")


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (cors(), "MalformedXML"),
        (cors(f"<ID>{'a' * 256}</ID>{RULE}"), "InvalidArgument"),
        (cors(f"<ID>a</ID><ID>b</ID>{RULE}"), "MalformedXML"),
        (cors(f"<Id>a</Id>{RULE}"), "MalformedXML"),
        (b"<CORSConfiguration><ResponseVary>true</ResponseVary></CORSConfiguration>", "MalformedXML"),
        (cors("<AllowedOrigin>http://a</AllowedOrigin><AllowedMethod>PATCH</AllowedMethod>"), "InvalidArgument"),
    ],
)
async def test_what_is_no_cors_configuration_is_refused(house: House, document: bytes, code: str) -> None:
    assert (await ask(house, "PUT", "/photos?cors", document)).refusal == (400, code)
    assert (await ask(house, "GET", "/photos?cors")).status == 404


async def test_a_rule_of_oss_is_shown_without_an_id(house: House) -> None:
    document = cors(RULE).replace(b"</CORSConf", b"<ResponseVary>true</ResponseVary></CORSConf")
    assert (await house.ask("PUT", "/photos?cors", document)).status == 200
    shown = await ask(house, "GET", "/photos?cors")
    assert [element.tag.rpartition("}")[2] for element in shown.xml[0]] == ["AllowedOrigin", "AllowedMethod"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", (200, "")),
        ("<TargetGrants><Grant/></TargetGrants>", (501, "TargetGrants")),
        ("<TargetObjectKeyFormat><SimplePrefix/></TargetObjectKeyFormat>", (501, "TargetObjectKeyFormat")),
        ("<Dance/>", (400, "")),
    ],
)
async def test_logging_refuses_by_name_what_it_has_no_way_to_do(
    house: House, more: str, expected: tuple[int, str]
) -> None:
    inside = f"<TargetBucket>photos</TargetBucket><TargetPrefix>logs/</TargetPrefix>{more}"
    document = f"<BucketLoggingStatus><LoggingEnabled>{inside}</LoggingEnabled></BucketLoggingStatus>".encode()
    answer = await ask(house, "PUT", "/photos?logging", document)
    assert (answer.status, (answer.text("Header") or "") if answer.body else "") == expected
    kept = (await ask(house, "GET", "/photos?logging")).texts("{*}LoggingEnabled/{*}TargetPrefix")
    assert kept == (["logs/"] if answer.status == 200 else [])


def a_restore(inside: str = "<Days>2</Days>") -> bytes:
    return f'<RestoreRequest xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{inside}</RestoreRequest>'.encode()


async def test_an_archived_object_is_restored(house: House) -> None:
    await ask(house, "PUT", "/photos/a", b"brr", {"x-amz-storage-class": "GLACIER"})
    assert (await ask(house, "GET", "/photos/a")).refusal == (403, "InvalidObjectState")
    tier = "<Days>2</Days><GlacierJobParameters><Tier>Bulk</Tier></GlacierJobParameters>"
    assert (await ask(house, "POST", "/photos/a?restore", a_restore(tier))).status == 202
    assert (await ask(house, "HEAD", "/photos/a")).headers["x-amz-restore"] == 'ongoing-request="true"'
    assert (await ask(house, "POST", "/photos/a?restore", a_restore())).refusal == (409, "RestoreAlreadyInProgress")
    house.now += 3600
    got = await ask(house, "GET", "/photos/a")
    assert (got.body, got.headers["x-amz-restore"].partition(",")[0]) == (b"brr", 'ongoing-request="false"')
    assert (await ask(house, "POST", "/photos/a?restore", a_restore())).status == 200
    assert (await ask(house, "POST", "/photos/a?restore", a_restore(), by=STRANGER)).refusal == (403, "AccessDenied")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", (400, "MalformedXML")),
        (a_restore(""), (400, "MalformedXML")),
        (a_restore("<Days>0</Days>"), (400, "InvalidArgument")),
        (a_restore("<Days>9999</Days>"), (400, "InvalidArgument")),
        (a_restore("<Days>two</Days>"), (400, "InvalidArgument")),
        (a_restore("<Days>1</Days><Tier>Fast</Tier>"), (400, "InvalidArgument")),
        (a_restore("<Days>1</Days><Type>SELECT</Type>"), (501, "NotImplemented")),
        (a_restore("<Days>1</Days><OutputLocation/>"), (501, "NotImplemented")),
    ],
)
async def test_what_is_no_restore_is_refused(house: House, body: bytes, expected: tuple[int, str]) -> None:
    await ask(house, "PUT", "/photos/a", b"brr", {"x-amz-storage-class": "GLACIER"})
    assert (await ask(house, "POST", "/photos/a?restore", body)).refusal == expected
    assert "x-amz-restore" not in (await ask(house, "HEAD", "/photos/a")).headers


async def test_what_is_not_archived_is_not_restored(house: House) -> None:
    await ask(house, "PUT", "/photos/a", b"x")
    assert (await ask(house, "POST", "/photos/a?restore", a_restore())).refusal == (403, "InvalidObjectState")
    assert (await ask(house, "POST", "/photos/b?restore", a_restore())).refusal == (404, "NoSuchKey")


@pytest.mark.parametrize("name", ["analytics", "metrics", "intelligent-tiering"])
async def test_of_what_a_cloud_analyses_there_is_nothing(house: House, name: str) -> None:
    listed = await ask(house, "GET", f"/photos?{name}")
    assert (listed.status, listed.texts("*")) == (200, ["false"])
    assert (await ask(house, "GET", f"/photos?{name}&id=a")).refusal == (404, "NoSuchConfiguration")
    assert (await ask(house, "GET", f"/photos?{name}", by=STRANGER)).status == 403
    for method in ("PUT", "DELETE"):
        assert (await ask(house, method, f"/photos?{name}&id=a", b"<A/>")).refusal == (501, "NotImplemented")

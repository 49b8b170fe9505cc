"""Where access logs are to go, and which fields they are to have: the documents."""

from __future__ import annotations

import pytest

from .house import STRANGER, House

FIELDS = "/photos/?userDefinedLogFieldsConfig"


def a_document(inner: str) -> bytes:
    return f"<BucketLoggingStatus>{inner}</BucketLoggingStatus>".encode()


def enabled(bucket: str, prefix: str = "log-", more: str = "") -> bytes:
    target = f"<TargetBucket>{bucket}</TargetBucket><TargetPrefix>{prefix}</TargetPrefix>"
    return a_document(f"<LoggingEnabled>{target}{more}</LoggingEnabled>")


async def a_house() -> House:
    return await (await House().with_bucket()).with_bucket("logs")


async def shown(house: House) -> tuple[str | None, str | None]:
    info = await house.ask("GET", "/photos/?bucketInfo")
    return info.text("Bucket/BucketPolicy/LogBucket"), info.text("Bucket/BucketPolicy/LogPrefix")


async def test_there_is_no_log_where_nothing_was_said() -> None:
    house = await a_house()
    answer = await house.ask("GET", "/photos/?logging")
    assert (answer.status, answer.xml.tag, len(answer.xml)) == (200, "BucketLoggingStatus", 0)
    assert await shown(house) == ("", "")


async def test_what_was_put_comes_back() -> None:
    house = await a_house()
    assert (await house.ask("PUT", "/photos/?logging", enabled("logs"))).status == 200
    answer = await house.ask("GET", "/photos/?logging")
    assert answer.text("LoggingEnabled/TargetBucket") == "logs"
    assert answer.text("LoggingEnabled/TargetPrefix") == "log-"
    assert answer.texts("LoggingEnabled/LoggingRole") == []
    assert await shown(house) == ("logs", "log-")


async def test_a_role_is_kept_and_a_prefix_may_be_left_out() -> None:
    house = await a_house()
    inner = "<LoggingEnabled><TargetBucket>photos</TargetBucket><LoggingRole>writer</LoggingRole></LoggingEnabled>"
    assert (await house.ask("PUT", "/photos/?logging", a_document(inner))).status == 200
    answer = await house.ask("GET", "/photos/?logging")
    assert answer.text("LoggingEnabled/LoggingRole") == "writer"
    assert answer.text("LoggingEnabled/TargetPrefix") == ""


@pytest.mark.parametrize("way", ["empty", "delete"])
async def test_the_log_is_turned_off(way: str) -> None:
    house = await a_house()
    await house.ask("PUT", "/photos/?logging", enabled("logs"))
    if way == "empty":
        assert (await house.ask("PUT", "/photos/?logging", a_document(""))).status == 200
    else:
        assert (await house.ask("DELETE", "/photos/?logging")).status == 204
        assert (await house.ask("DELETE", "/photos/?logging")).status == 204
    assert len((await house.ask("GET", "/photos/?logging")).xml) == 0
    assert await shown(house) == ("", "")


async def test_the_log_goes_to_a_bucket_of_the_same_region_and_of_who_asks() -> None:
    house = House(regions=("cn-hangzhou", "eu-west-1"))
    await house.with_bucket()
    assert (await house.ask("PUT", "/west/", region="eu-west-1")).status == 200
    assert (await house.ask("PUT", "/theirs/", by=STRANGER)).status == 200
    for target, refusal in (("west", 400), ("nobodys", 400), ("theirs", 403)):
        answer = await house.ask("PUT", "/photos/?logging", enabled(target))
        assert answer.refusal == (refusal, "InvalidTargetBucketForLogging")
        assert answer.text("TargetBucket") == target
    assert len((await house.ask("GET", "/photos/?logging")).xml) == 0


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"", "MalformedXML"),
        (b"<LoggingEnabled/>", "MalformedXML"),
        (a_document("<LoggingEnabled/>"), "MalformedXML"),
        (a_document("<LoggingEnabled><TargetPrefix>a</TargetPrefix></LoggingEnabled>"), "MalformedXML"),
        (enabled(""), "MalformedXML"),
        (enabled("logs</TargetBucket><TargetBucket>logs"), "MalformedXML"),
        (enabled("logs", "1log"), "InvalidArgument"),
        (enabled("logs", "é"), "InvalidArgument"),
        (enabled("logs", "a" * 33), "InvalidArgument"),
    ],
)
async def test_a_document_that_is_none_is_refused(document: bytes, code: str) -> None:
    house = await a_house()
    assert (await house.ask("PUT", "/photos/?logging", document)).refusal == (400, code)
    assert len((await house.ask("GET", "/photos/?logging")).xml) == 0


# --- fields ----------------------------------------------------------------------------------------------------------


def fields(inner: str) -> bytes:
    return f"<UserDefinedLogFieldsConfiguration>{inner}</UserDefinedLogFieldsConfiguration>".encode()


async def test_the_fields_that_were_put_come_back_and_go() -> None:
    house = await a_house()
    assert (await house.ask("GET", FIELDS)).refusal == (404, "NoSuchUserDefinedLogFieldsConfig")
    two = "<HeaderSet><header>h1</header><header>h2</header></HeaderSet><ParamSet><parameter>p1</parameter></ParamSet>"
    assert (await house.ask("PUT", FIELDS, fields(two))).status == 200
    answer = await house.ask("GET", FIELDS)
    assert (answer.status, answer.xml.tag) == (200, "UserDefinedLogFieldsConfiguration")
    assert answer.texts("HeaderSet/header") == ["h1", "h2"]
    assert answer.texts("ParamSet/parameter") == ["p1"]
    assert (await house.ask("DELETE", FIELDS)).status == 204
    assert (await house.ask("GET", FIELDS)).status == 404


@pytest.mark.parametrize(
    ("inner", "code"),
    [
        ("", "MalformedXML"),
        ("<HeaderSet/>", "MalformedXML"),
        ("<HeaderSet/><HeaderSet/>", "MalformedXML"),
        ("<HeaderSet><Header>a</Header></HeaderSet>", "MalformedXML"),
        ("<HeaderSet><header/></HeaderSet>", "InvalidArgument"),
        (f"<ParamSet><parameter>{'a' * 257}</parameter></ParamSet>", "InvalidArgument"),
    ],
)
async def test_fields_that_are_none_are_refused(inner: str, code: str) -> None:
    house = await a_house()
    assert (await house.ask("PUT", FIELDS, fields(inner))).refusal == (400, code)
    assert (await house.ask("GET", FIELDS)).status == 404

"""Inventories of a bucket: many documents, each by its id."""

from __future__ import annotations

import pytest

from .house import House

FULL = (
    "<IsEnabled>True</IsEnabled>"
    "<Filter><Prefix>logs/</Prefix><LastModifyBeginTimeStamp>1637883649</LastModifyBeginTimeStamp>"
    "<LastModifyEndTimeStamp>1638347592</LastModifyEndTimeStamp><LowerSizeBound>1024</LowerSizeBound>"
    "<UpperSizeBound>1048576</UpperSizeBound><StorageClass>Standard,IA</StorageClass></Filter>"
    "<Destination><OSSBucketDestination><Format>CSV</Format><AccountId>1000000000000001</AccountId>"
    "<RoleArn>acs:ram::1000000000000001:role/writer</RoleArn><Bucket>acs:oss:::lists</Bucket><Prefix>p/</Prefix>"
    "<Encryption><SSE-OSS/></Encryption></OSSBucketDestination></Destination>"
    "<Schedule><Frequency>Daily</Frequency></Schedule><IncludedObjectVersions>All</IncludedObjectVersions>"
    "<OptionalFields><Field>Size</Field><Field>ETag</Field></OptionalFields>"
    "<IncrementalInventory><IsEnabled>true</IsEnabled><Schedule><Frequency>600</Frequency></Schedule>"
    "<OptionalFields><Field>RecordType</Field></OptionalFields></IncrementalInventory>"
)
SMALL = (
    "<IsEnabled>false</IsEnabled><Destination><OSSBucketDestination><Format>CSV</Format><AccountId>1</AccountId>"
    "<RoleArn>r</RoleArn><Bucket>acs:oss:::lists</Bucket></OSSBucketDestination></Destination>"
    "<Schedule><Frequency>Weekly</Frequency></Schedule><IncludedObjectVersions>Current</IncludedObjectVersions>"
)


def a_document(inner: str = SMALL, inventory_id: str = "one") -> bytes:
    return f"<InventoryConfiguration><Id>{inventory_id}</Id>{inner}</InventoryConfiguration>".encode()


async def put(house: House, inventory_id: str, inner: str = SMALL) -> None:
    answer = await house.ask("PUT", f"/photos/?inventory&inventoryId={inventory_id}", a_document(inner, inventory_id))
    assert answer.status == 200, answer.body


async def test_what_was_put_comes_back() -> None:
    house = await House().with_bucket()
    await put(house, "one", FULL)
    answer = await house.ask("GET", "/photos/?inventory&inventoryId=one")
    assert (answer.status, answer.xml.tag, answer.text("Id")) == (200, "InventoryConfiguration", "one")
    told = {element.tag: (element.text or "") for element in answer.xml.iter() if not len(element)}
    assert told == {
        "Id": "one",
        "IsEnabled": "true",
        "Prefix": "p/",
        "LastModifyBeginTimeStamp": "1637883649",
        "LastModifyEndTimeStamp": "1638347592",
        "LowerSizeBound": "1024",
        "UpperSizeBound": "1048576",
        "StorageClass": "Standard,IA",
        "Format": "CSV",
        "AccountId": "1000000000000001",
        "RoleArn": "acs:ram::1000000000000001:role/writer",
        "Bucket": "acs:oss:::lists",
        "SSE-OSS": "",
        "Frequency": "600",
        "IncludedObjectVersions": "All",
        "Field": "RecordType",
    }
    assert answer.text("Filter/Prefix") == "logs/"
    assert answer.text("Schedule/Frequency") == "Daily"
    assert answer.texts("OptionalFields/Field") == ["Size", "ETag"]


async def test_what_was_left_out_stays_out() -> None:
    house = await House().with_bucket()
    await put(house, "one")
    answer = await house.ask("GET", "/photos/?inventory&inventoryId=one")
    assert [element.tag for element in answer.xml] == [
        *("Id", "IsEnabled", "Destination", "Schedule", "IncludedObjectVersions")
    ]
    assert answer.text("IsEnabled") == "false"


async def test_a_filter_has_a_prefix_in_any_case() -> None:
    house = await House().with_bucket()
    await put(house, "one", f"{SMALL}<Filter><LowerSizeBound>1</LowerSizeBound></Filter>")
    answer = await house.ask("GET", "/photos/?inventory&inventoryId=one")
    assert answer.text("Filter/Prefix") == ""


async def test_the_server_may_encrypt_by_itself() -> None:
    house = await House().with_bucket()
    by_oss = SMALL.replace("</Bucket>", "</Bucket><Encryption><SSE-OSS/></Encryption>")
    await put(house, "one", by_oss)
    answer = await house.ask("GET", "/photos/?inventory&inventoryId=one")
    assert answer.text("Destination/OSSBucketDestination/Encryption/SSE-OSS") == ""


async def test_no_key_service_encrypts() -> None:
    house = await House().with_bucket()
    by_kms = SMALL.replace("</Bucket>", "</Bucket><Encryption><SSE-KMS><KeyId>k</KeyId></SSE-KMS></Encryption>")
    answer = await house.ask("PUT", "/photos/?inventory&inventoryId=one", a_document(by_kms))
    assert answer.refusal == (403, "KmsServiceNotEnabled")


async def test_an_empty_encryption_is_none() -> None:
    """As ali-oss sends it."""
    house = await House().with_bucket()
    document = a_document(SMALL.replace("</Bucket>", "</Bucket><Encryption></Encryption>"))
    assert (await house.ask("PUT", "/photos/?inventory&inventoryId=one", document)).status == 200
    assert b"Encryption>" not in (await house.ask("GET", "/photos/?inventory&inventoryId=one")).body


async def test_one_of_the_same_id_is_refused_until_the_first_is_gone() -> None:
    house = await House().with_bucket()
    place = "/photos/?inventory&inventoryId=one"
    await put(house, "one", FULL)
    assert (await house.ask("PUT", place, a_document())).refusal == (409, "InventoryAlreadyExist")
    assert (await house.ask("GET", place)).text("IsEnabled") == "true"
    assert (await house.ask("DELETE", place)).status == 204
    assert (await house.ask("DELETE", place)).status == 204
    refused = await house.ask("GET", place)
    assert (refused.refusal, refused.text("InventoryId")) == ((404, "NoSuchInventory"), "one")
    await put(house, "one")


async def test_they_are_listed_in_pages_of_a_hundred() -> None:
    house = await House().with_bucket()
    assert (await house.ask("GET", "/photos/?inventory")).refusal == (404, "NoSuchInventory")
    ids = [f"{number:03}" for number in range(101)]
    for inventory_id in reversed(ids):
        await put(house, inventory_id)
    first = await house.ask("GET", "/photos/?inventory")
    assert first.xml.tag == "ListInventoryConfigurationsResult"
    assert (first.texts("InventoryConfiguration/Id"), first.text("IsTruncated")) == (ids[:100], "true")
    second = await house.ask("GET", f"/photos/?inventory&continuation-token={first.text('NextContinuationToken')}")
    assert (second.texts("InventoryConfiguration/Id"), second.text("IsTruncated")) == (["100"], "false")
    assert second.text("NextContinuationToken") is None
    wrong = await house.ask("GET", "/photos/?inventory&continuation-token=!")
    assert wrong.refusal == (400, "InvalidArgument")


async def test_a_bucket_has_at_most_a_thousand() -> None:
    house = await House().with_bucket()
    bucket = await house.catalog.find_bucket("photos")
    assert bucket is not None
    for number in range(1000):
        await house.catalog.change_entry(bucket.bucket_id, "inventory", str(number), lambda _: "{}", most=1000)
    answer = await house.ask("PUT", "/photos/?inventory&inventoryId=one", a_document())
    assert answer.refusal == (400, "InventoryExceedLimit")


def with_filter(inner: str) -> str:
    return f"{SMALL}<Filter>{inner}</Filter>"


@pytest.mark.parametrize(
    ("inner", "code"),
    [
        ("", "MalformedXML"),
        (SMALL.replace("<IsEnabled>false</IsEnabled>", ""), "MalformedXML"),
        (SMALL.replace("false", "yes"), "MalformedXML"),
        (SMALL + "<IsEnabled>true</IsEnabled>", "MalformedXML"),
        (SMALL.replace("<Format>CSV</Format>", ""), "MalformedXML"),
        (SMALL.replace("CSV", "ORC"), "InvalidArgument"),
        (SMALL.replace("<RoleArn>r</RoleArn>", ""), "MalformedXML"),
        (SMALL.replace("acs:oss:::lists", "lists"), "InvalidArgument"),
        (SMALL.replace("acs:oss:::lists", "acs:oss:::"), "InvalidArgument"),
        (SMALL.replace("Weekly", "Hourly"), "InvalidArgument"),
        (SMALL.replace("Current", "Some"), "InvalidArgument"),
        (SMALL.replace("</Frequency>", "</Frequency><DayOfMonth>32</DayOfMonth>"), "InvalidArgument"),
        (SMALL.replace("</Bucket>", "</Bucket><Encryption><SSE-KMS/></Encryption>"), "MalformedXML"),
        (with_filter("<LastModifyBeginTimeStamp>1262275199</LastModifyBeginTimeStamp>"), "InvalidArgument"),
        (with_filter("<LastModifyEndTimeStamp>253402272000</LastModifyEndTimeStamp>"), "InvalidArgument"),
        (with_filter("<LowerSizeBound>-1</LowerSizeBound>"), "MalformedXML"),
        (with_filter("<LowerSizeBound>2</LowerSizeBound><UpperSizeBound>1</UpperSizeBound>"), "InvalidArgument"),
        (with_filter("<StorageClass>Standard,Cold</StorageClass>"), "InvalidArgument"),
        (with_filter(f"<Prefix>{'a' * 1024}</Prefix>"), "InvalidArgument"),
        (f"{SMALL}<OptionalFields><Field>Colour</Field></OptionalFields>", "InvalidArgument"),
        (f"{SMALL}<OptionalFields><Field>Size</Field><Field>Size</Field></OptionalFields>", "InvalidArgument"),
        (f"{SMALL}<OptionalFields><Field>RecordType</Field></OptionalFields>", "InvalidArgument"),
        (f"{SMALL}<IncrementalInventory/>", "MalformedXML"),
    ],
)
async def test_a_document_that_is_none_is_refused(inner: str, code: str) -> None:
    house = await House().with_bucket()
    place = "/photos/?inventory&inventoryId=one"
    assert (await house.ask("PUT", place, a_document(inner))).refusal == (400, code)
    assert (await house.ask("GET", place)).status == 404


@pytest.mark.parametrize("inventory_id", ["", "two", "a" * 257, "%0A"])
async def test_the_id_in_the_address_is_the_documents(inventory_id: str) -> None:
    house = await House().with_bucket()
    answer = await house.ask("PUT", f"/photos/?inventory&inventoryId={inventory_id}", a_document())
    assert answer.refusal == (400, "InvalidArgument")

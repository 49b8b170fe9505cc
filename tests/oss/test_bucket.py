from __future__ import annotations

import pytest

from coatcheck.core.limits import BUCKETS_PER_ACCOUNT

from .house import ANYBODY, STRANGER, House

CONFIGURATION = "<CreateBucketConfiguration>{}</CreateBucketConfiguration>"


def configuration(**settings: str) -> bytes:
    return CONFIGURATION.format("".join(f"<{name}>{text}</{name}>" for name, text in settings.items())).encode()


# --- PutBucket ---


async def test_put_bucket_makes_a_private_bucket_and_names_it(empty_house: House) -> None:
    made = await empty_house.ask("PUT", "/photos/")
    assert (made.status, made.body, made.headers) == (200, b"", {"location": "/photos"})
    bucket = await empty_house.catalog.find_bucket("photos")
    assert bucket is not None
    assert (bucket.owner, bucket.acl, bucket.region) == ("1000000000000001", "private", "cn-hangzhou")
    assert (bucket.storage_class, bucket.redundancy, bucket.created_at) == ("Standard", "LRS", 1_772_694_489)


async def test_put_bucket_needs_no_trailing_slash(empty_house: House) -> None:
    assert (await empty_house.ask("PUT", "/photos")).status == 200


async def test_put_bucket_takes_what_its_document_asks_for(empty_house: House) -> None:
    body = configuration(StorageClass="IA", DataRedundancyType="ZRS")
    assert (await empty_house.ask("PUT", "/photos/", body, {"x-oss-acl": "public-read"})).status == 200
    bucket = await empty_house.catalog.find_bucket("photos")
    assert bucket is not None
    assert (bucket.storage_class, bucket.redundancy, bucket.acl) == ("IA", "ZRS", "public-read")


async def test_put_bucket_again_with_nothing_that_contradicts_succeeds(house: House) -> None:
    before = house.contents()
    for body in (b"", configuration(), configuration(StorageClass="Standard", DataRedundancyType="LRS")):
        assert (await house.ask("PUT", "/photos/", body)).status == 200
    assert house.contents() == before


@pytest.mark.parametrize("acl", ["public-read", "public-read-write"])
async def test_put_bucket_again_without_an_acl_keeps_it(house: House, acl: str) -> None:
    """`coatcheck mb` relies on it."""
    assert (await house.ask("PUT", "/photos/?acl", headers={"x-oss-acl": acl})).status == 200
    assert (await house.ask("PUT", "/photos/")).status == 200
    assert (await house.ask("GET", "/photos/?acl")).text("AccessControlList/Grant") == acl


async def test_put_bucket_again_with_an_acl_sets_it(house: House) -> None:
    assert (await house.ask("PUT", "/photos/", headers={"x-oss-acl": "public-read"})).status == 200
    assert (await house.ask("GET", "/photos/?acl")).text("AccessControlList/Grant") == "public-read"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (configuration(StorageClass="IA"), "Bucket already exists can't modify storage type."),
        (configuration(DataRedundancyType="ZRS"), "Bucket already exists can't modify data redundancy type."),
    ],
)
async def test_put_bucket_again_cannot_change_what_is_fixed(house: House, body: bytes, message: str) -> None:
    again = await house.ask("PUT", "/photos/", body, {"x-oss-acl": "public-read"})
    assert again.refusal == (409, "BucketAlreadyExists")
    assert again.text("Message") == message
    assert (await house.ask("GET", "/photos/?acl")).text("AccessControlList/Grant") == "private"


async def test_put_bucket_again_cannot_move_it(empty_house: House) -> None:
    house = House(regions=("cn-hangzhou", "eu-west-1"))
    assert (await house.ask("PUT", "/photos/", host="oss-cn-hangzhou.localhost")).status == 200
    moved = await house.ask("PUT", "/photos/", host="oss-eu-west-1.localhost", region="eu-west-1")
    assert moved.refusal == (409, "BucketAlreadyExists")
    assert moved.text("Message") == "Bucket already exists can't modify location."


async def test_a_bucket_name_is_taken_for_everybody(house: House) -> None:
    taken = await house.ask("PUT", "/photos/", by=STRANGER)
    assert taken.refusal == (409, "BucketAlreadyExists")
    assert (taken.text("BucketName"), taken.text("EC")) == ("photos", "0015-00000104")


@pytest.mark.parametrize("name", ["ab", "Photos", "-photos", "photos-", "pho_tos", "a" * 64, "%E5%86%99%E7%9C%9F"])
async def test_put_bucket_refuses_a_name_that_no_bucket_can_have(empty_house: House, name: str) -> None:
    answer = await empty_house.ask("PUT", f"/{name}/", by=ANYBODY)
    assert answer.refusal == (400, "InvalidBucketName")
    assert answer.text("Message") == "The specified bucket is not valid."


async def test_put_bucket_refuses_an_unknown_acl(empty_house: House) -> None:
    answer = await empty_house.ask("PUT", "/photos/", headers={"x-oss-acl": "public"})
    assert answer.refusal == (400, "InvalidArgument")
    assert answer.text("Message") == "no such bucket access control exists"
    assert (answer.text("ArgumentName"), answer.text("ArgumentValue")) == ("x-oss-acl", "public")
    assert answer.text("EC") == "0015-00000204"
    assert await empty_house.catalog.find_bucket("photos") is None


async def test_put_bucket_names_the_class_that_no_bucket_has(empty_house: House) -> None:
    answer = await empty_house.ask("PUT", "/photos/", configuration(StorageClass="Frozen"))
    assert answer.text("Message") == "No such bucket storage class exists."
    assert (answer.text("ArgumentName"), answer.text("ArgumentValue")) == ("StorageClass", "Frozen")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"<CreateBucketConfiguration>", 400, "MalformedXML"),
        (b"<BucketConfiguration/>", 400, "MalformedXML"),
        (b"<!DOCTYPE a><CreateBucketConfiguration/>", 400, "MalformedXML"),
        (b"x" * (64 * 1024 + 1), 400, "MalformedXML"),
        (configuration(StorageClass="Frozen"), 400, "InvalidArgument"),
        (configuration(DataRedundancyType="RAID"), 400, "InvalidArgument"),
        (
            b"<CreateBucketConfiguration><StorageClass>IA</StorageClass><StorageClass>Archive</StorageClass>"
            b"</CreateBucketConfiguration>",
            400,
            "MalformedXML",
        ),
    ],
)
async def test_put_bucket_refuses_a_document_it_cannot_follow(
    empty_house: House, body: bytes, status: int, code: str
) -> None:
    assert (await empty_house.ask("PUT", "/photos/", body)).refusal == (status, code)
    assert await empty_house.catalog.find_bucket("photos") is None


@pytest.mark.parametrize("headers", [{"x-oss-hns-status": "enabled"}])
async def test_put_bucket_refuses_what_is_not_built(empty_house: House, headers: dict[str, str]) -> None:
    answer = await empty_house.ask("PUT", "/photos/", headers=headers)
    assert answer.refusal == (400, "NotImplemented")
    assert answer.text("Header") == next(iter(headers))


async def test_nobody_in_particular_makes_no_bucket(empty_house: House) -> None:
    assert (await empty_house.ask("PUT", "/photos/", by=ANYBODY)).refusal == (403, "AccessDenied")


async def test_an_account_has_a_hundred_buckets_at_most(empty_house: House) -> None:
    assert BUCKETS_PER_ACCOUNT == 100
    for number in range(100):
        await empty_house.with_bucket(f"bucket-{number}")
    assert (await empty_house.ask("PUT", "/one-more/")).refusal == (400, "TooManyBuckets")
    assert (await empty_house.ask("PUT", "/bucket-0/")).status == 200
    assert (await empty_house.ask("PUT", "/one-more/", by=STRANGER)).status == 200


# --- DeleteBucket ---


async def test_delete_bucket_removes_an_empty_one_once(house: House) -> None:
    gone = await house.ask("DELETE", "/photos/")
    assert (gone.status, gone.body) == (204, b"")
    again = await house.ask("DELETE", "/photos/")
    assert again.refusal == (404, "NoSuchBucket")
    assert (again.text("BucketName"), again.text("EC")) == ("photos", "0015-00000101")


async def test_delete_bucket_refuses_one_with_an_object(house: House) -> None:
    await house.put("/photos/a.txt")
    refused = await house.ask("DELETE", "/photos/")
    assert refused.refusal == (409, "BucketNotEmpty")
    assert (refused.text("BucketName"), refused.text("EC")) == ("photos", "0015-00000301")
    assert (await house.ask("GET", "/photos/a.txt")).body == b"hello"


async def test_a_bucket_made_again_is_a_new_one(house: House) -> None:
    await house.ask("PUT", "/photos/?acl", headers={"x-oss-acl": "public-read"})
    await house.ask("DELETE", "/photos/")
    await house.ask("PUT", "/photos/")
    assert (await house.ask("GET", "/photos/?acl")).text("AccessControlList/Grant") == "private"


# --- HeadBucket, GetBucketInfo, GetBucketLocation ---


async def test_head_bucket_says_its_region_to_those_who_may_list_it(house: House) -> None:
    there = await house.ask("HEAD", "/photos/")
    assert (there.status, there.body, there.headers["x-oss-bucket-region"]) == (200, b"", "oss-cn-hangzhou")
    assert (await house.ask("HEAD", "/photos/", by=None)).status == 403
    assert (await house.ask("HEAD", "/nobody/")).status == 404


async def test_get_bucket_info_has_what_the_sdks_look_up(house: House) -> None:
    info = await house.ask("GET", "/photos/?bucketInfo")
    assert info.status == 200
    assert info.headers["content-type"] == "application/xml"
    assert info.xml.tag == "BucketInfo"
    found = {element.tag: element.text for element in info.xml.findall("Bucket/*") if not len(element)}
    assert found == {
        "AccessMonitor": "Disabled",
        "CreationDate": "2026-03-05T07:08:09.000Z",
        "ExtranetEndpoint": "oss-cn-hangzhou.localhost",
        "IntranetEndpoint": "oss-cn-hangzhou-internal.localhost",
        "Location": "oss-cn-hangzhou",
        "StorageClass": "Standard",
        "DataRedundancyType": "LRS",
        "TransferAcceleration": "Disabled",
        "CrossRegionReplication": "Disabled",
        "Name": "photos",
        "ResourceGroupId": "rg-default-id",
        "Comment": None,
        "BlockPublicAccess": "false",
    }
    assert info.text("Bucket/Owner/ID") == info.text("Bucket/Owner/DisplayName") == "1000000000000001"
    assert info.text("Bucket/AccessControlList/Grant") == "private"
    assert info.text("Bucket/ServerSideEncryptionRule/SSEAlgorithm") == "None"


async def test_get_bucket_location_has_its_text_in_the_root(house: House) -> None:
    answer = await house.ask("GET", "/photos/?location")
    assert (answer.status, answer.xml.tag, answer.xml.text) == (200, "LocationConstraint", "oss-cn-hangzhou")


@pytest.mark.parametrize("address", ["/nobody/?bucketInfo", "/nobody/?location", "/nobody/?acl", "/nobody/"])
async def test_there_is_nothing_to_say_of_a_bucket_that_is_not_there(house: House, address: str) -> None:
    for by in (None, STRANGER):
        assert (await house.ask("GET", address, by=by)).refusal == (404, "NoSuchBucket")


# --- Get/PutBucketAcl ---


@pytest.mark.parametrize("acl", ["private", "public-read", "public-read-write"])
async def test_a_buckets_acl_is_given_back(house: House, acl: str) -> None:
    put = await house.ask("PUT", "/photos/?acl", headers={"x-oss-acl": acl})
    assert (put.status, put.body) == (200, b"")
    got = await house.ask("GET", "/photos/?acl=")
    assert got.xml.tag == "AccessControlPolicy"
    assert got.text("AccessControlList/Grant") == acl
    assert got.text("Owner/ID") == got.text("Owner/DisplayName") == "1000000000000001"


async def test_put_bucket_acl_without_the_header_changes_nothing(house: House) -> None:
    before = house.contents()
    assert (await house.ask("PUT", "/photos/?acl")).status == 200
    assert house.contents() == before


async def test_put_bucket_acl_refuses_an_unknown_value(house: House) -> None:
    answer = await house.ask("PUT", "/photos/?acl", headers={"x-oss-acl": "default"})
    assert answer.refusal == (400, "InvalidArgument")
    assert answer.text("ArgumentValue") == "default"


# --- ListBuckets ---


async def test_list_buckets_names_the_callers_own_in_order(empty_house: House) -> None:
    for name in ("photos", "archive", "zebra"):
        await empty_house.with_bucket(name)
    await empty_house.ask("PUT", "/of-a-stranger/", by=STRANGER)
    answer = await empty_house.ask("GET", "/")
    assert answer.xml.tag == "ListAllMyBucketsResult"
    assert answer.texts("Buckets/Bucket/Name") == ["archive", "photos", "zebra"]
    assert answer.text("Owner/ID") == "1000000000000001"
    assert answer.text("IsTruncated") == "false"
    assert answer.xml.find("NextMarker") is None
    first = {element.tag: element.text for element in answer.xml.findall("Buckets/Bucket[1]/*")}
    assert first == {
        "CreationDate": "2026-03-05T07:08:09.000Z",
        "ExtranetEndpoint": "oss-cn-hangzhou.localhost",
        "IntranetEndpoint": "oss-cn-hangzhou-internal.localhost",
        "Location": "oss-cn-hangzhou",
        "Name": "archive",
        "Region": "cn-hangzhou",
        "StorageClass": "Standard",
    }


async def test_list_buckets_goes_page_by_page(empty_house: House) -> None:
    for name in ("aaa", "bbb", "ccc"):
        await empty_house.with_bucket(name)
    first = await empty_house.ask("GET", "/?max-keys=2")
    assert first.texts("Buckets/Bucket/Name") == ["aaa", "bbb"]
    assert (first.text("IsTruncated"), first.text("NextMarker"), first.text("MaxKeys")) == ("true", "bbb", "2")
    second = await empty_house.ask("GET", "/?max-keys=2&marker=bbb")
    assert second.texts("Buckets/Bucket/Name") == ["ccc"]
    assert (second.text("IsTruncated"), second.text("Marker")) == ("false", "bbb")


async def test_list_buckets_may_be_narrowed_by_a_prefix(empty_house: House) -> None:
    for name in ("aaa", "aab", "bbb"):
        await empty_house.with_bucket(name)
    answer = await empty_house.ask("GET", "/?prefix=aa")
    assert answer.texts("Buckets/Bucket/Name") == ["aaa", "aab"]
    assert answer.text("Prefix") == "aa"


async def test_list_buckets_of_none_has_an_empty_element(empty_house: House) -> None:
    answer = await empty_house.ask("GET", "/")
    assert b"<Buckets></Buckets>" in answer.body


@pytest.mark.parametrize("most", ["0", "1001", "-1", "x", "1e2", "٣", " 5"])
async def test_list_buckets_refuses_an_impossible_page_size(empty_house: House, most: str) -> None:
    answer = await empty_house.ask("GET", "/?max-keys=" + most.replace(" ", "%20"), host="127.0.0.1")
    assert answer.refusal == (400, "InvalidArgument")
    assert (answer.text("ArgumentName"), answer.text("ArgumentValue")) == ("max-keys", most)


async def test_nobody_in_particular_lists_no_buckets(empty_house: House) -> None:
    answer = await empty_house.ask("GET", "/", by=ANYBODY)
    assert answer.refusal == (403, "AccessDenied")


# --- regions ---


async def test_a_bucket_of_another_region_names_its_own_endpoint() -> None:
    house = House(regions=("cn-hangzhou", "eu-west-1"))
    await house.ask("PUT", "/photos/", host="oss-cn-hangzhou.localhost")
    answer = await house.ask("GET", "/photos/", host="oss-eu-west-1.localhost", region="eu-west-1")
    assert answer.refusal == (403, "AccessDenied")
    assert (answer.text("Bucket"), answer.text("Endpoint")) == ("photos", "oss-cn-hangzhou.localhost")


async def test_a_list_of_regions_is_the_list_of_buckets(house: House) -> None:
    for query in ("regionList", "regionList="):
        assert (await house.ask("GET", f"/?{query}")).texts("Buckets/Bucket/Name") == ["photos"]
    assert (await house.ask("GET", "/?regionList", by=ANYBODY)).refusal == (403, "AccessDenied")


async def test_the_acl_of_a_bucket_that_is_not_there_makes_it() -> None:
    house = House()
    public = {"x-oss-acl": "public-read"}
    made = await house.ask("PUT", "/fresh/?acl", headers=public)
    assert (made.status, made.headers["location"], made.trace.operation) == (200, "/fresh", "put_bucket")
    assert (await house.ask("GET", "/fresh/?acl")).text("AccessControlList/Grant") == "public-read"
    again = await house.ask("PUT", "/fresh/?acl", headers={"x-oss-acl": "private"})
    assert (again.status, again.headers["location"]) == (200, "/fresh")
    assert (await house.ask("PUT", "/fresh/?acl", headers=public, by=STRANGER)).refusal == (403, "AccessDenied")
    assert (await house.ask("PUT", "/other/?acl", headers=public, by=ANYBODY)).refusal == (403, "AccessDenied")
    assert (await house.ask("PUT", "/other/?acl", headers={"x-oss-acl": "x"})).refusal == (400, "InvalidArgument")
    assert (await house.ask("PUT", "/Bad/?acl", headers=public)).refusal == (400, "InvalidBucketName")
    assert (await house.ask("GET", "/other/?acl")).refusal == (404, "NoSuchBucket")

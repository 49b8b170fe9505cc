"""Every operation that takes a body compares it with every digest that was sent of it, before anything is stored."""

from __future__ import annotations

import base64
import hashlib
from typing import Final

import pytest

from coatcheck import Presigner
from coatcheck.core.digests import update_crc64
from coatcheck.oss.table import ROWS
from coatcheck.wire.query import NO_QUERY, read_query
from coatcheck.wire.request import Request

from .house import NOW, OWNER, Answer, GivenBody, House
from .test_post_object import BOUNDARY, a_form, signed

UPLOAD: Final = "{upload}"  # stands for the id of an upload that has begun
BODIES: Final[dict[str, tuple[str, str | None, dict[str, str], bytes]]] = {  # method, key, query, body
    "put_object": ("PUT", "new.txt", {}, b"hello"),
    "put_bucket": (
        "PUT",
        None,
        {},
        b"<CreateBucketConfiguration><StorageClass>Standard</StorageClass></CreateBucketConfiguration>",
    ),
    "append_object": ("POST", "log", {"append": "", "position": "0"}, b"hello"),
    "upload_part": ("PUT", "parts", {"partNumber": "1", "uploadId": UPLOAD}, b"hello"),
    "complete_multipart_upload": (
        "POST",
        "parts",
        {"uploadId": UPLOAD},
        b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>",
    ),
    "delete_multiple_objects": ("POST", None, {"delete": ""}, b"<Delete><Object><Key>a.txt</Key></Object></Delete>"),
    "process_object": ("POST", "a.txt", {"x-oss-process": ""}, b"x-oss-process=image/resize,w_1|sys/saveas,o_YQ"),
    "async_process_object": (
        "POST",
        "a.txt",
        {"x-oss-async-process": ""},
        b"x-oss-async-process=image/resize,w_1|sys/saveas,o_YQ",
    ),
    "select_object": (
        "POST",
        "a.txt",
        {"x-oss-process": "csv/select"},
        b"<SelectRequest><Expression>c2VsZWN0ICogZnJvbSBvc3NvYmplY3Q=</Expression></SelectRequest>",
    ),
    "create_select_object_meta": ("POST", "a.txt", {"x-oss-process": "csv/meta"}, b"<CsvMetaRequest/>"),
    "restore_object": ("POST", "a.txt", {"restore": ""}, b"<RestoreRequest><Days>1</Days></RestoreRequest>"),
    "put_object_tagging": (
        "PUT",
        "a.txt",
        {"tagging": ""},
        b"<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>",
    ),
    "put_bucket_tags": (
        "PUT",
        None,
        {"tagging": ""},
        b"<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>",
    ),
    "put_object_retention": (
        "PUT",
        "a.txt",
        {"retention": ""},
        b"<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>2027-01-01T00:00:00.000Z</RetainUntilDate></Retention>",
    ),
    "put_object_legal_hold": ("PUT", "a.txt", {"legalHold": ""}, b"<LegalHold><Status>ON</Status></LegalHold>"),
    "initiate_bucket_worm": (
        "POST",
        None,
        {"worm": ""},
        b"<InitiateWormConfiguration><RetentionPeriodInDays>1</RetentionPeriodInDays></InitiateWormConfiguration>",
    ),
    "extend_bucket_worm": (
        "POST",
        None,
        {"wormExtend": "", "wormId": "A"},
        b"<ExtendWormConfiguration><RetentionPeriodInDays>2</RetentionPeriodInDays></ExtendWormConfiguration>",
    ),
    "put_bucket_object_worm_configuration": (
        "PUT",
        None,
        {"objectWorm": ""},
        b"<ObjectWormConfiguration><ObjectWormEnabled>Enabled</ObjectWormEnabled></ObjectWormConfiguration>",
    ),
    "put_bucket_policy": ("PUT", None, {"policy": ""}, b'{"Version":"1","Statement":[]}'),
    "put_bucket_versioning": (
        "PUT",
        None,
        {"versioning": ""},
        b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
    ),
    "put_bucket_website": (
        "PUT",
        None,
        {"website": ""},
        b"<WebsiteConfiguration><IndexDocument><Suffix>i</Suffix></IndexDocument></WebsiteConfiguration>",
    ),
    "put_bucket_lifecycle": (
        "PUT",
        None,
        {"lifecycle": ""},
        b"<LifecycleConfiguration><Rule><Prefix>a</Prefix><Status>Enabled</Status><Expiration><Days>1</Days>"
        b"</Expiration></Rule></LifecycleConfiguration>",
    ),
    "put_bucket_encryption": (
        "PUT",
        None,
        {"encryption": ""},
        b"<ServerSideEncryptionRule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>"
        b"</ApplyServerSideEncryptionByDefault></ServerSideEncryptionRule>",
    ),
    "put_bucket_cors": (
        "PUT",
        None,
        {"cors": ""},
        b"<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule>"
        b"</CORSConfiguration>",
    ),
    "put_bucket_referer": (
        "PUT",
        None,
        {"referer": ""},
        b"<RefererConfiguration><AllowEmptyReferer>true</AllowEmptyReferer><RefererList><Referer>http://a</Referer>"
        b"</RefererList></RefererConfiguration>",
    ),
    "put_bucket_https_config": (
        "PUT",
        None,
        {"httpsConfig": ""},
        b"<HttpsConfiguration><TLS><Enable>true</Enable><TLSVersion>TLSv1.2</TLSVersion></TLS></HttpsConfiguration>",
    ),
    "put_bucket_request_payment": (
        "PUT",
        None,
        {"requestPayment": ""},
        b"<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>",
    ),
    "create_cname_token": ("POST", None, {"cname": "", "comp": "token"}, b""),
    "put_cname": ("POST", None, {"cname": "", "comp": "add"}, b""),
    "delete_cname": ("POST", None, {"cname": "", "comp": "delete"}, b""),
    "put_style": (
        "PUT",
        None,
        {"style": "", "styleName": "small"},
        b"<Style><Content>image/resize,w_1</Content></Style>",
    ),
    "put_bucket_public_access_block": (
        "PUT",
        None,
        {"publicAccessBlock": ""},
        b"<PublicAccessBlockConfiguration><BlockPublicAccess>true</BlockPublicAccess></PublicAccessBlockConfiguration>",
    ),
    "put_bucket_transfer_acceleration": (
        "PUT",
        None,
        {"transferAcceleration": ""},
        b"<TransferAccelerationConfiguration><Enabled>true</Enabled></TransferAccelerationConfiguration>",
    ),
    "put_bucket_overwrite_config": (
        "PUT",
        None,
        {"overwriteConfig": ""},
        b"<OverwriteConfiguration><Rule><Action>forbid</Action></Rule></OverwriteConfiguration>",
    ),
    "put_bucket_resource_group": (
        "PUT",
        None,
        {"resourceGroup": ""},
        b"<BucketResourceGroupConfiguration><ResourceGroupId>rg-a</ResourceGroupId></BucketResourceGroupConfiguration>",
    ),
    "put_bucket_access_monitor": (
        "PUT",
        None,
        {"accessmonitor": ""},
        b"<AccessMonitorConfiguration><Status>Enabled</Status></AccessMonitorConfiguration>",
    ),
    "put_bucket_archive_direct_read": (
        "PUT",
        None,
        {"bucketArchiveDirectRead": ""},
        b"<ArchiveDirectReadConfiguration><Enabled>true</Enabled></ArchiveDirectReadConfiguration>",
    ),
    "put_bucket_callback_policy": (
        "PUT",
        None,
        {"policy": "", "comp": "callback"},
        b"<BucketCallbackPolicy><PolicyItem><PolicyName>a</PolicyName><Callback>eyJjYWxsYmFja1VybCI6"
        b"Imh0dHA6Ly9hIiwiY2FsbGJhY2tCb2R5IjoiYiJ9</Callback></PolicyItem></BucketCallbackPolicy>",
    ),
    "put_bucket_logging": (
        "PUT",
        None,
        {"logging": ""},
        b"<BucketLoggingStatus><LoggingEnabled><TargetBucket>photos</TargetBucket></LoggingEnabled><"
        b"/BucketLoggingStatus>",
    ),
    "put_user_defined_log_fields_config": (
        "PUT",
        None,
        {"userDefinedLogFieldsConfig": ""},
        b"<UserDefinedLogFieldsConfiguration><ParamSet><parameter>a</parameter></ParamSet></UserDefi"
        b"nedLogFieldsConfiguration>",
    ),
    "put_bucket_inventory": (
        "PUT",
        None,
        {"inventory": "", "inventoryId": "one"},
        b"<InventoryConfiguration><Id>one</Id><IsEnabled>false</IsEnabled><Destination><OSSBucketDes"
        b"tination><Format>CSV</Format><AccountId>1</AccountId><RoleArn>r</RoleArn><Bucket>acs:oss::"
        b":lists</Bucket></OSSBucketDestination></Destination><Schedule><Frequency>Weekly</Frequency"
        b"></Schedule><IncludedObjectVersions>Current</IncludedObjectVersions></InventoryConfigurati"
        b"on>",
    ),
    "put_bucket_qos_info": (
        "PUT",
        None,
        {"qosInfo": ""},
        b"<QoSConfiguration><TotalQps>9</TotalQps></QoSConfiguration>",
    ),
    "put_bucket_storage_capacity": (
        "PUT",
        None,
        {"qos": ""},
        b"<BucketUserQos><StorageCapacity>9</StorageCapacity></BucketUserQos>",
    ),
    "put_bucket_storage_quota": (
        "PUT",
        None,
        {"quota": ""},
        b"<QuotaConfiguration><StorageQuota>9</StorageQuota></QuotaConfiguration>",
    ),
    "create_access_point": (
        "PUT",
        None,
        {"accessPoint": ""},
        b"<CreateAccessPointConfiguration><AccessPointName>ap-01</AccessPointName><NetworkOrigin>internet</NetworkOrigin>"
        b"</CreateAccessPointConfiguration>",
    ),
    "put_access_point_policy": ("PUT", None, {"accessPointPolicy": ""}, b'{"Version":"1","Statement":[]}'),
    "put_access_point_public_access_block": (
        "PUT",
        None,
        {"publicAccessBlock": "", "x-oss-access-point-name": "ap-01"},
        b"<PublicAccessBlockConfiguration><BlockPublicAccess>true</BlockPublicAccess></PublicAccessBlockConfiguration>",
    ),
    "put_live_channel": (
        "PUT",
        "door",
        {"live": ""},
        b"<LiveChannelConfiguration><Target><Type>HLS</Type></Target></LiveChannelConfiguration>",
    ),
    "put_bucket_replication": (
        "POST",
        None,
        {"replication": "", "comp": "add"},
        b"<ReplicationConfiguration><Rule><Destination><Bucket>copies</Bucket><Location>oss-cn-hangzhou</Location>"
        b"</Destination></Rule></ReplicationConfiguration>",
    ),
    "put_async_fetch_task": (
        "POST",
        None,
        {"asyncFetch": ""},
        b"<AsyncFetchTaskConfiguration><Url>http://192.0.2.1/a</Url><Object>a</Object></AsyncFetchTaskConfiguration>",
    ),
    "delete_bucket_replication": (
        "POST",
        None,
        {"replication": "", "comp": "delete"},
        b"<ReplicationRules><ID>one</ID></ReplicationRules>",
    ),
    "put_bucket_rtc": (
        "PUT",
        None,
        {"rtc": ""},
        b"<ReplicationRule><RTC><Status>enabled</Status></RTC><ID>one</ID></ReplicationRule>",
    ),
}
# Of the account, so no link of a bucket asks for it; it reads its document as the bucket's operation does.
OF_THE_ACCOUNT: Final = {"put_public_access_block"}
NO_BODY_IS_READ: Final = {
    "complete_bucket_worm",
    "put_live_channel_status",
    "create_bucket_data_redundancy_transition",
    "put_bucket_acl",
    "put_object_acl",
    "initiate_multipart_upload",
    "upload_part_copy",
    "copy_object",
    "put_symlink",
    "seal_append_object",
    "clean_restored_object",
    "post_vod_playlist",
}
OF_FORMS: Final = {"post_object"}


def digests(body: bytes) -> dict[str, tuple[str, str]]:
    """Header -> what it says of `body`, and the code of the refusal where that isn't so."""
    return {
        "content-md5": (base64.b64encode(hashlib.md5(body).digest()).decode(), "InvalidDigest"),
        "x-oss-content-sha256": (hashlib.sha256(body).hexdigest(), "InvalidDigest"),
        "x-oss-hash-crc64ecma": (str(update_crc64(body)), "InvalidCRC64"),
    }


async def follow_with(house: House, operation: str, name: str, value: str, upload_id: str) -> Answer:
    """Use a link that was signed over a digest."""
    method, key, given, body = BODIES[operation]
    query = {known: upload_id if text == UPLOAD else text for known, text in given.items()}
    presigner = Presigner(
        OWNER.access_key_id, OWNER.access_key_secret, region="cn-hangzhou", endpoint="http://127.0.0.1"
    )
    link = presigner.presign(method, "photos", key, query=query, headers={name: value}, now=NOW)
    host, _, rest = link.url.partition("://")[2].partition("/")
    path, _, text = rest.partition("?")
    headers = {"host": host, name: value, "content-length": str(len(body))}
    return await house.send(
        Request(
            method, b"/" + path.encode(), read_query(text.encode()), headers, body=GivenBody([body] if body else [])
        )
    )


async def a_house() -> tuple[House, str]:
    """With a bucket, an object, and an upload that has begun."""
    house = await House().with_bucket()
    await house.put("/photos/a.txt", b"hello", {"x-oss-storage-class": "Archive"})
    begun = await house.ask("POST", "/photos/parts?uploads")
    return house, begun.text("UploadId") or ""


def test_every_operation_that_may_have_a_body_is_here() -> None:
    named = {row.name for row in ROWS if row.method in ("PUT", "POST")}
    assert named == BODIES.keys() | NO_BODY_IS_READ | OF_FORMS | OF_THE_ACCOUNT


@pytest.mark.parametrize("name", digests(b""))
@pytest.mark.parametrize("operation", BODIES)
async def test_a_digest_of_another_body_is_refused_and_nothing_stored(operation: str, name: str) -> None:
    house, upload_id = await a_house()
    before = house.contents()
    value, code = digests(b"another body")[name]
    answer = await follow_with(house, operation, name, value, upload_id)
    assert answer.refusal == (400, code)
    assert house.contents() == before


@pytest.mark.parametrize("name", digests(b""))
@pytest.mark.parametrize("operation", BODIES)
async def test_the_bodys_own_digest_is_no_reason_to_refuse(operation: str, name: str) -> None:
    house, upload_id = await a_house()
    value, code = digests(BODIES[operation][3])[name]
    answer = await follow_with(house, operation, name, value, upload_id)
    assert answer.trace.refusal not in (code, "SignatureDoesNotMatch")
    if operation in ("put_object", "append_object", "upload_part", "delete_multiple_objects"):
        assert answer.status == 200


@pytest.mark.parametrize("name", digests(b""))
async def test_a_form_is_compared_as_a_whole(name: str) -> None:
    house = await House().with_bucket()
    body = a_form(signed())
    sent = {"host": "127.0.0.1:8000", "content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    value, code = digests(b"another body")[name]
    before = house.contents()
    wrong = Request("POST", b"/photos/", NO_QUERY, sent | {name: value}, body=GivenBody([body]))
    assert (await house.send(wrong)).refusal == (400, code)
    assert house.contents() == before
    right = Request("POST", b"/photos/", NO_QUERY, sent | {name: digests(body)[name][0]}, body=GivenBody([body]))
    assert (await house.send(right)).status == 204


async def test_a_large_body_of_another_digest_leaves_no_bytes() -> None:
    house = await House().with_bucket()
    before = house.contents()
    content = bytes(range(256)) * 4096
    for name, (value, code) in digests(b"another body").items():
        if name != "x-oss-content-sha256":
            assert (await house.ask("PUT", "/photos/big", content, {name: value})).refusal == (400, code)
    value = digests(b"another body")["x-oss-content-sha256"][0]
    link = house.link("PUT", "big", headers={"x-oss-content-sha256": value})
    answer = await house.follow(link, "PUT", content, {"x-oss-content-sha256": value})
    assert answer.refusal == (400, "InvalidDigest")
    assert house.contents() == before


@pytest.mark.parametrize("value", ["", "unsigned-payload", "0" * 63, "A" * 64, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"])
async def test_a_link_over_what_is_no_digest_is_refused(value: str) -> None:
    house = await House().with_bucket()
    link = house.link("PUT", "a", headers={"x-oss-content-sha256": value})
    answer = await house.follow(link, "PUT", b"hello", {"x-oss-content-sha256": value})
    assert answer.refusal == (400, "InvalidArgument")
    assert answer.text("ArgumentName") == "x-oss-content-sha256"

"""Encryption, public access, ownership, acceleration and the log of a bucket, in S3's words and in OSS's."""

from __future__ import annotations

import pytest

from ..oss.house import ANYBODY, House
from ..oss.test_bucket_website import MIRROR, MISSING, a_site, rule, rules
from .asking import ask


@pytest.fixture
async def house() -> House:
    return await House().with_bucket()


def encryption(algorithm: str, more: str = "") -> bytes:
    return (
        "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>"
        f"<SSEAlgorithm>{algorithm}</SSEAlgorithm>{more}</ApplyServerSideEncryptionByDefault></Rule>"
        "</ServerSideEncryptionConfiguration>"
    ).encode()


async def test_the_rule_of_encryption_is_one_for_both(house: House) -> None:
    missing = (await ask(house, "GET", "/photos?encryption")).refusal
    assert missing == (404, "ServerSideEncryptionConfigurationNotFoundError")
    assert (await ask(house, "PUT", "/photos?encryption", encryption("AES256"))).status == 200
    shown = await ask(house, "GET", "/photos?encryption")
    assert shown.texts(".//{*}SSEAlgorithm") == ["AES256"]
    assert (await house.ask("GET", "/photos?encryption")).texts(".//SSEAlgorithm") == ["AES256"]
    stored = await ask(house, "PUT", "/photos/k", b"x")
    assert stored.headers["x-amz-server-side-encryption"] == "AES256"
    assert (await house.ask("HEAD", "/photos/k")).headers["x-oss-server-side-encryption"] == "AES256"
    assert (await ask(house, "DELETE", "/photos?encryption")).status == 204
    assert "x-amz-server-side-encryption" not in (await ask(house, "PUT", "/photos/k", b"x")).headers
    asked = await ask(house, "PUT", "/photos/k", b"x", {"x-amz-server-side-encryption": "AES256"})
    assert asked.headers["x-amz-server-side-encryption"] == "AES256"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (encryption("AES128"), "InvalidArgument"),
        (encryption("AES256", "<KMSMasterKeyID>k</KMSMasterKeyID>"), "InvalidArgument"),
        (encryption("AES256", "<SSEAlgorithm>AES256</SSEAlgorithm>"), "MalformedXML"),
        (encryption("", ""), "MalformedXML"),
        (b"<ServerSideEncryptionConfiguration/>", "MalformedXML"),
        (b"<ServerSideEncryptionRule/>", "MalformedXML"),
        (b"", "MalformedXML"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]>' + encryption("&b;"), "MalformedXML"),
        (encryption("AES256", "<x/>" * 30_000), "MalformedXML"),
    ],
)
async def test_a_rule_that_is_none_is_refused(house: House, document: bytes, code: str) -> None:
    assert (await ask(house, "PUT", "/photos?encryption", document)).refusal == (400, code)
    assert (await ask(house, "GET", "/photos?encryption")).status == 404


SWITCHES = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
PUBLIC_POLICY = (
    b'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject",'
    b'"Resource":"arn:aws:s3:::photos/*"}]}'
)


async def block(house: House, *names: str) -> None:
    inside = "".join(f"<{name}>true</{name}>" for name in names)
    body = f"<PublicAccessBlockConfiguration>{inside}</PublicAccessBlockConfiguration>"
    assert (await ask(house, "PUT", "/photos?publicAccessBlock", body.encode())).status == 200


async def test_the_four_switches_come_back_and_oss_sees_whether_all_are_on(house: House) -> None:
    missing = (await ask(house, "GET", "/photos?publicAccessBlock")).refusal
    assert missing == (404, "NoSuchPublicAccessBlockConfiguration")
    await block(house, "BlockPublicAcls", "RestrictPublicBuckets")
    shown = await ask(house, "GET", "/photos?publicAccessBlock")
    assert [shown.text(f"{{*}}{name}") for name in SWITCHES] == ["true", "false", "false", "true"]
    assert (await house.ask("GET", "/photos?publicAccessBlock")).text("BlockPublicAccess") == "false"
    await block(house, *SWITCHES)
    assert (await house.ask("GET", "/photos?publicAccessBlock")).text("BlockPublicAccess") == "true"
    assert (await ask(house, "DELETE", "/photos?publicAccessBlock")).status == 204


async def test_each_switch_does_what_it_says_and_no_more(house: House) -> None:
    opened = {"x-amz-acl": "public-read"}
    await ask(house, "PUT", "/photos/k", b"x")
    await block(house, "BlockPublicAcls")
    assert (await ask(house, "PUT", "/photos?acl", b"", opened)).refusal == (403, "AccessDenied")
    assert (await ask(house, "PUT", "/photos/k?acl", b"", opened)).refusal == (403, "AccessDenied")
    assert (await ask(house, "PUT", "/photos/k", b"", opened)).refusal == (403, "AccessDenied")
    group = "<Grantee><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee><Permission>READ</Permission>"
    grants = f"<AccessControlList><Grant>{group}</Grant></AccessControlList>"
    document = f"<AccessControlPolicy>{grants}</AccessControlPolicy>"
    assert (await ask(house, "PUT", "/photos/k?acl", document.encode())).refusal == (403, "AccessDenied")
    await block(house, "IgnorePublicAcls")
    assert (await ask(house, "PUT", "/photos?acl", b"", opened)).status == 200
    assert (await house.ask("GET", "/photos/k", by=ANYBODY)).status == 403
    await block(house, "BlockPublicPolicy", "RestrictPublicBuckets")
    assert (await house.ask("GET", "/photos/k", by=ANYBODY)).status == 200


async def test_where_the_owner_is_enforced_no_acl_counts(house: House) -> None:
    assert (await ask(house, "GET", "/photos?ownershipControls")).refusal == (404, "OwnershipControlsNotFoundError")
    await ask(house, "PUT", "/photos/k", b"x")
    assert (await ask(house, "PUT", "/photos?acl", b"", {"x-amz-acl": "public-read"})).status == 200
    assert (await house.ask("GET", "/photos/k", by=ANYBODY)).status == 200
    inside = "<Rule><ObjectOwnership>{}</ObjectOwnership></Rule>"
    document = f"<OwnershipControls>{inside}</OwnershipControls>"
    enforced = document.format("BucketOwnerEnforced").encode()
    assert (await ask(house, "PUT", "/photos?ownershipControls", enforced)).status == 200
    assert (await ask(house, "GET", "/photos?ownershipControls")).texts(".//{*}ObjectOwnership") == [
        "BucketOwnerEnforced"
    ]
    assert (await house.ask("GET", "/photos/k", by=ANYBODY)).status == 403
    refused = await ask(house, "PUT", "/photos/k?acl", b"", {"x-amz-acl": "public-read"})
    assert refused.refusal == (400, "AccessControlListNotSupported")
    assert (await ask(house, "PUT", "/photos/other", b"", {"x-amz-acl": "private"})).status == 200
    assert (await house.ask("PUT", "/photos?acl", b"", {"x-oss-acl": "public-read"})).refusal == (403, "AccessDenied")
    wrong = document.format("Nobody").encode()
    assert (await ask(house, "PUT", "/photos?ownershipControls", wrong)).refusal == (400, "InvalidArgument")
    assert (await ask(house, "DELETE", "/photos?ownershipControls")).status == 204
    assert (await house.ask("GET", "/photos/k", by=ANYBODY)).status == 200


async def test_acceleration_and_payment_are_those_of_oss(house: House) -> None:
    assert (await ask(house, "GET", "/photos?accelerate")).texts("*") == []
    document = b"<AccelerateConfiguration><Status>Enabled</Status></AccelerateConfiguration>"
    assert (await ask(house, "PUT", "/photos?accelerate", document)).status == 200
    assert (await ask(house, "GET", "/photos?accelerate")).text("{*}Status") == "Enabled"
    assert (await house.ask("GET", "/photos?transferAcceleration")).text("Enabled") == "true"
    payment = b"<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>"
    assert (await ask(house, "PUT", "/photos?requestPayment", payment)).status == 200
    shown = await ask(house, "GET", "/photos?requestPayment")
    assert shown.text("{http://s3.amazonaws.com/doc/2006-03-01/}Payer") == "Requester"


async def test_the_log_goes_where_s3_says(house: House) -> None:
    inside = "<TargetBucket>photos</TargetBucket><TargetPrefix>log/</TargetPrefix>"
    document = f"<BucketLoggingStatus><LoggingEnabled>{inside}</LoggingEnabled></BucketLoggingStatus>"
    assert (await ask(house, "PUT", "/photos?logging", document.encode())).status == 200
    assert (await ask(house, "GET", "/photos?logging")).texts(".//{*}TargetPrefix") == ["log/"]
    assert (await house.ask("GET", "/photos?logging")).texts(".//TargetPrefix") == ["log/"]
    assert (await ask(house, "PUT", "/photos?logging", b"<BucketLoggingStatus/>")).status == 200
    assert (await ask(house, "GET", "/photos?logging")).texts("*") == []


async def test_a_website_is_checked_as_one_of_oss(house: House) -> None:
    """A bucket with versions can't mirror, whoever asks for it."""
    enabled = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    assert (await ask(house, "PUT", "/photos?versioning", enabled)).status == 200
    assert (await ask(house, "PUT", "/photos?website", a_site(rules(rule(MISSING, MIRROR))))).refusal == (
        400,
        "InvalidArgument",
    )
    assert (await ask(house, "GET", "/photos?website")).refusal == (404, "NoSuchWebsiteConfiguration")

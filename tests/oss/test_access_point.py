"""Access points: the operations on them, and what goes through one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import pytest

from coatcheck import Presigner
from coatcheck.ports.bucket import NewBucket

from .house import ANYBODY, NOW, OWNER, REGION, REQUEST_ID, STRANGER, Answer, House
from .test_post_object import a_form, post
from .test_public_access_block import OFF, ON

UID: Final = OWNER.account
ARN: Final = f"acs:oss:{REGION}:{UID}:accesspoint/ap-01"
NAMED: Final = {"x-oss-access-point-name": "ap-01"}
BLOCK: Final = "/photos/?publicAccessBlock&x-oss-access-point-name=ap-01"


def a_configuration(name: str = "ap-01", network: str = "<NetworkOrigin>internet</NetworkOrigin>") -> bytes:
    inner = f"<AccessPointName>{name}</AccessPointName>{network}"
    return f"<CreateAccessPointConfiguration>{inner}</CreateAccessPointConfiguration>".encode()


VPC: Final = "<NetworkOrigin>vpc</NetworkOrigin><VpcConfiguration><VpcId>vpc-a1</VpcId></VpcConfiguration>"


async def create(house: House, name: str = "ap-01", bucket: str = "photos", **more: Any) -> str:
    """Its alias."""
    made = await house.ask("PUT", f"/{bucket}/?accessPoint", a_configuration(name, **more))
    assert made.status == 200, made.body
    return made.text("Alias") or ""


def a_policy(*resources: str, principal: str = "*", action: str = "oss:*", **more: Any) -> bytes:
    statement = {"Effect": "Allow", "Action": action, "Principal": [principal], "Resource": list(resources), **more}
    return json.dumps({"Version": "1", "Statement": [statement]}).encode()


POINT_POLICY: Final = a_policy(ARN, f"{ARN}/object/*")


async def delegate(house: House, bucket: str = "photos", **condition: str) -> None:
    """To the account's points, or under another condition."""
    given = condition or {"oss:DataAccessPointAccount": UID}
    policy = a_policy(f"acs:oss:*:*:{bucket}", f"acs:oss:*:*:{bucket}/*", Condition={"StringEquals": given})
    assert (await house.ask("PUT", f"/{bucket}/?policy", policy)).status == 200


async def put_policy(house: House, policy: bytes = POINT_POLICY, name: str = "ap-01", bucket: str = "photos") -> None:
    headers = {"x-oss-access-point-name": name}
    put = await house.ask("PUT", f"/{bucket}/?accessPointPolicy", policy, headers)
    assert put.status == 200, put.body


@pytest.fixture
async def house() -> House:
    house = await House().with_bucket()
    await house.put("/photos/a.txt")
    return house


@pytest.fixture
async def alias(house: House) -> str:
    """Of a point that leads somewhere."""
    alias = await create(house)
    await delegate(house)
    await put_policy(house)
    return alias


# --- the operations -------------------------------------------------------------------------------------------------


async def test_a_point_is_made_shown_and_deleted(house: House) -> None:
    made = await house.ask("PUT", "/photos/?accessPoint", a_configuration())
    assert (made.status, made.xml.tag) == (200, "CreateAccessPointResult")
    assert made.text("AccessPointArn") == ARN
    alias = made.text("Alias") or ""
    assert alias.startswith("ap-01-")
    assert alias.endswith("-ossalias")
    shown = await house.ask("GET", "/photos/?accessPoint", headers=NAMED)
    assert shown.xml.tag == "GetAccessPointResult"
    told = {element.tag: element.text for element in shown.xml if not len(element)}
    assert told == {
        "AccessPointName": "ap-01",
        "Bucket": "photos",
        "AccountId": UID,
        "NetworkOrigin": "internet",
        "AccessPointArn": ARN,
        "CreationDate": str(NOW),
        "Alias": alias,
        "Status": "enable",
    }
    assert shown.text("Endpoints/PublicEndpoint") == f"{alias}.oss-cn-hangzhou.localhost"
    assert shown.text("Endpoints/InternalEndpoint") == f"{alias}.oss-cn-hangzhou-internal.localhost"
    assert shown.text("PublicAccessBlockConfiguration/BlockPublicAccess") == "false"
    assert (await house.ask("DELETE", "/photos/?accessPoint", headers=NAMED)).status == 204
    for method in ("GET", "DELETE"):
        gone = await house.ask(method, "/photos/?accessPoint", headers=NAMED)
        assert gone.refusal == (404, "NoSuchAccessPoint")


async def test_a_point_of_a_vpc_is_kept_and_shown(house: House) -> None:
    await create(house, network=VPC)
    shown = await house.ask("GET", "/photos/?accessPoint", headers=NAMED)
    assert (shown.text("NetworkOrigin"), shown.text("VpcConfiguration/VpcId")) == ("vpc", "vpc-a1")


async def test_a_point_of_the_internet_has_an_empty_vpc_id(house: House) -> None:
    """As OSS's SDK for Java sends it, and needs it in the reply."""
    empty = VPC.replace("vpc<", "internet<").replace("vpc-a1", "")
    await create(house, network=empty)
    for path in ("/photos/?accessPoint", "/?accessPoint"):
        shown = await house.ask("GET", path, headers=NAMED)
        (network,) = shown.xml.iter("VpcConfiguration")
        assert network.findtext("VpcId") == ""


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (a_configuration("ab"), "InvalidArgument"),
        (a_configuration("a" * 20), "InvalidArgument"),
        (a_configuration("-ap"), "InvalidArgument"),
        (a_configuration("Ap-01"), "InvalidArgument"),
        (a_configuration("a-ossalias"), "InvalidArgument"),
        (a_configuration(""), "MalformedXML"),
        (a_configuration(network=""), "MalformedXML"),
        (a_configuration(network="<NetworkOrigin>moon</NetworkOrigin>"), "InvalidArgument"),
        (a_configuration(network="<NetworkOrigin>vpc</NetworkOrigin>"), "MalformedXML"),
        (a_configuration(network=VPC.replace("vpc<", "internet<")), "MalformedXML"),
        (a_configuration(network=VPC.replace("vpc-a1", "")), "MalformedXML"),
        (a_configuration(network=VPC.replace("vpc-a1", "vpc/a1")), "InvalidArgument"),
        (a_configuration(network=VPC.replace("vpc-a1", "v" * 65)), "InvalidArgument"),
    ],
)
async def test_no_point_is_made_of_what_is_none(house: House, document: bytes, code: str) -> None:
    before = house.contents()
    assert (await house.ask("PUT", "/photos/?accessPoint", document)).refusal == (400, code)
    assert house.contents() == before


async def test_a_name_is_good_once_in_an_account(house: House) -> None:
    await house.with_bucket("other")
    await create(house)
    before = house.contents()
    for bucket in ("photos", "other"):
        again = await house.ask("PUT", f"/{bucket}/?accessPoint", a_configuration())
        assert again.refusal == (409, "AccessPointAlreadyExists")
    assert house.contents() == before
    theirs = await house.ask("PUT", "/theirs/", by=STRANGER)
    assert theirs.status == 200
    assert (await house.ask("PUT", "/theirs/?accessPoint", a_configuration(), by=STRANGER)).status == 200


async def test_a_bucket_has_a_hundred_points_in_pages(house: House) -> None:
    for number in range(100):
        await create(house, f"ap-{number:03}")
    crowded = await house.ask("PUT", "/photos/?accessPoint", a_configuration("ap-100"))
    assert crowded.refusal == (400, "TooManyAccessPoints")
    for place, most in (("/photos/?accessPoint", 100), ("/?accessPoint", 1000)):
        names, token, pages = [], "", 0
        while pages < 5:
            page = await house.ask("GET", f"{place}&max-keys=33&continuation-token={quote(token)}")
            assert (page.text("MaxKeys"), page.text("AccountId")) == ("33", UID)
            names += page.texts("AccessPoints/AccessPoint/AccessPointName")
            token, pages = page.text("NextContinuationToken") or "", pages + 1
            if page.text("IsTruncated") == "false":
                break
        assert (names, pages) == ([f"ap-{number:03}" for number in range(100)], 4)
        all_of_them = await house.ask("GET", f"{place}&max-keys={most}")
        assert len(all_of_them.texts("AccessPoints/AccessPoint")) == 100
        assert (await house.ask("GET", f"{place}&max-keys={most + 1}")).refusal == (400, "InvalidArgument")
        assert (await house.ask("GET", f"{place}&continuation-token=%25")).refusal == (400, "InvalidArgument")


async def test_an_account_sees_the_points_of_its_buckets_alone(house: House) -> None:
    await house.with_bucket("other")
    first, second = await create(house, "ap-02", "other"), await create(house, network=VPC)
    listed = await house.ask("GET", "/?accessPoint")
    nodes = [
        {node.tag: node.text for node in point if not len(node)}
        for point in listed.xml.iterfind("AccessPoints/AccessPoint")
    ]
    about = {"AccessPointName": "ap-01", "Alias": second, "NetworkOrigin": "vpc"}
    assert nodes == [
        {"Bucket": "photos", **about, "Status": "enable"},
        {
            "Bucket": "other",
            "AccessPointName": "ap-02",
            "Alias": first,
            "NetworkOrigin": "internet",
            "Status": "enable",
        },
    ]
    assert (await house.ask("GET", "/?accessPoint", by=STRANGER)).texts("AccessPoints/AccessPoint") == []
    assert (await house.ask("GET", "/other/?accessPoint")).texts("AccessPoints/AccessPoint/Alias") == [first]


async def test_a_policy_is_kept_as_it_was_put(house: House) -> None:
    await create(house)
    place = "/photos/?accessPointPolicy"
    assert (await house.ask("GET", place, headers=NAMED)).refusal == (404, "NoSuchAccessPointPolicy")
    spaced = POINT_POLICY.replace(b":", b" :  ", 1)
    await put_policy(house, spaced)
    shown = await house.ask("GET", place, headers=NAMED)
    assert (shown.body, shown.headers["content-type"]) == (spaced, "application/json")
    for _ in range(2):
        assert (await house.ask("DELETE", place, headers=NAMED)).status == 204
    assert (await house.ask("GET", place, headers=NAMED)).refusal == (404, "NoSuchAccessPointPolicy")


@pytest.mark.parametrize(
    "policy",
    [
        b"",
        b"hello",
        b"\xff",
        b'{"Version":"1","Statement":[]}',
        POINT_POLICY.replace(b"oss:*", b"oss:Slip"),
        POINT_POLICY.replace(b'"1"', b'"2"'),
        POINT_POLICY + b" " * 16384,
    ],
)
async def test_what_is_no_policy_is_refused(house: House, policy: bytes) -> None:
    await create(house)
    before = house.contents()
    put = await house.ask("PUT", "/photos/?accessPointPolicy", policy, NAMED)
    assert put.refusal == (400, "InvalidPolicyDocument")
    assert house.contents() == before


@pytest.mark.parametrize(
    ("method", "address", "body"),
    [
        ("DELETE", "/photos/?accessPoint", b""),
        ("PUT", "/photos/?accessPointPolicy", POINT_POLICY),
        ("GET", "/photos/?accessPointPolicy", b""),
        ("DELETE", "/photos/?accessPointPolicy", b""),
        ("PUT", "/photos/?publicAccessBlock&x-oss-access-point-name", ON),
        ("GET", "/photos/?publicAccessBlock&x-oss-access-point-name", b""),
        ("DELETE", "/photos/?publicAccessBlock&x-oss-access-point-name", b""),
    ],
)
async def test_the_point_has_to_be_named_and_there(house: House, method: str, address: str, body: bytes) -> None:
    assert (await house.ask(method, address, body)).refusal == (400, "MissingArgument")
    for name, refusal in (("ap/01", (400, "InvalidArgument")), ("ap-99", (404, "NoSuchAccessPoint"))):
        headers = {"x-oss-access-point-name": name}
        assert (await house.ask(method, address, body, headers)).refusal == refusal


async def test_a_block_of_public_access_is_put_shown_and_removed(house: House) -> None:
    await create(house)

    async def switch() -> str | None:
        shown = await house.ask("GET", "/photos/?accessPoint", headers=NAMED)
        block = await house.ask("GET", BLOCK)
        assert block.xml.tag == "PublicAccessBlockConfiguration"
        assert shown.text("PublicAccessBlockConfiguration/BlockPublicAccess") == block.text("BlockPublicAccess")
        return block.text("BlockPublicAccess")

    assert await switch() == "false"
    assert (await house.ask("PUT", BLOCK, ON)).status == 200
    assert await switch() == "true"
    assert (await house.ask("PUT", BLOCK, OFF)).status == 200
    assert await switch() == "false"
    await house.ask("PUT", BLOCK, ON)
    assert (await house.ask("DELETE", BLOCK)).status == 204
    assert await switch() == "false"
    assert (await house.ask("GET", "/photos/?publicAccessBlock")).text("BlockPublicAccess") == "false"


async def test_new_points_may_be_blocked_from_the_start() -> None:
    house = await House(options={"block_new_buckets": True}).with_bucket()
    await create(house)
    assert (await house.ask("GET", BLOCK)).text("BlockPublicAccess") == "true"


@pytest.mark.parametrize("place", [BLOCK, "/photos/?publicAccessBlock", "/?publicAccessBlock"])
async def test_while_public_access_is_blocked_no_public_policy_can_be_put(house: House, place: str) -> None:
    await create(house)
    assert (await house.ask("PUT", place, ON)).status == 200
    put = await house.ask("PUT", "/photos/?accessPointPolicy", POINT_POLICY, NAMED)
    assert put.refusal == (403, "AccessDenied")
    assert "Public access is blocked" in (put.text("Message") or "")
    await put_policy(house, a_policy(f"{ARN}/object/*", principal=STRANGER.account))


async def test_a_bucket_with_points_is_not_deleted(house: House) -> None:
    await house.ask("DELETE", "/photos/a.txt")
    await create(house)
    refused = await house.ask("DELETE", "/photos/")
    assert refused.refusal == (409, "BucketNotEmpty")
    assert "access points" in (refused.text("Message") or "")
    await house.ask("DELETE", "/photos/?accessPoint", headers=NAMED)
    assert (await house.ask("DELETE", "/photos/")).status == 204


async def test_strangers_do_not_manage_points(house: House) -> None:
    await create(house)
    for by in (STRANGER, ANYBODY):
        for method, address, body in (
            ("PUT", "/photos/?accessPoint", a_configuration("ap-02")),
            ("GET", "/photos/?accessPoint", b""),
            ("DELETE", "/photos/?accessPoint", b""),
            ("PUT", "/photos/?accessPointPolicy", POINT_POLICY),
            ("PUT", BLOCK, ON),
        ):
            assert (await house.ask(method, address, body, NAMED, by=by)).refusal == (403, "AccessDenied")


# --- through a point ------------------------------------------------------------------------------------------------


async def test_a_new_point_leads_nowhere(house: House) -> None:
    alias = await create(house)
    for step in (delegate, put_policy):
        for by in (OWNER, STRANGER):
            assert (await house.ask("GET", f"/{alias}/a.txt", by=by)).refusal == (403, "AccessDenied")
        await step(house)
    for by in (OWNER, STRANGER):
        assert (await house.ask("GET", f"/{alias}/a.txt", by=by)).body == b"hello"


async def test_objects_are_reached_by_path_host_and_link(house: House, alias: str) -> None:
    assert (await house.ask("GET", f"/{alias}/a.txt")).body == b"hello"
    for style in ("path", "virtual"):
        endpoint = "http://127.0.0.1" if style == "path" else "http://oss-cn-hangzhou.localhost"
        presigner = Presigner(OWNER.access_key_id, OWNER.access_key_secret, region=REGION, endpoint=endpoint)
        link = str(presigner.presign("GET", alias, "a.txt", now=NOW))
        assert (alias in link.partition("//")[2].partition("/")[0]) == (style == "virtual")
        assert (await house.follow(link)).body == b"hello"
        assert (await house.follow(link.replace(alias, "photos"))).refusal == (403, "SignatureDoesNotMatch")
    bare = Presigner(OWNER.access_key_id, OWNER.access_key_secret, region=REGION, endpoint="http://localhost")
    link = str(bare.presign("GET", alias, "a.txt", now=NOW)).replace(f"localhost/{alias}", f"{alias}.localhost")
    assert (await house.follow(link)).body == b"hello"


async def test_a_link_of_the_bucket_is_none_of_its_point(house: House, alias: str) -> None:
    link = house.link("GET", "a.txt")
    assert (await house.follow(link)).status == 200
    assert (await house.follow(link.replace("/photos/", f"/{alias}/"))).refusal == (403, "SignatureDoesNotMatch")


async def test_nobody_gets_through_without_a_signature(house: House, alias: str) -> None:
    await house.ask("PUT", "/photos/?acl", headers={"x-oss-acl": "public-read-write"})
    assert (await house.ask("GET", "/photos/a.txt", by=ANYBODY)).status == 200
    for method, address in (("GET", "a.txt"), ("HEAD", "a.txt"), ("GET", ""), ("PUT", "b.txt"), ("DELETE", "a.txt")):
        answer = await house.ask(method, f"/{alias}/{address}", b"x" if method == "PUT" else b"", by=ANYBODY)
        assert answer.status == 403
    assert (await house.ask("GET", "/photos/a.txt")).body == b"hello"


async def test_what_objects_need_goes_through(house: House, alias: str) -> None:
    async def through(method: str, address: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        answer = await house.ask(method, f"/{alias}/{address}", body, headers, by=STRANGER)
        assert answer.status in (200, 204), (method, address, answer.body)
        return answer

    await through("PUT", "b.txt", b"world")
    assert (await house.ask("GET", "/photos/b.txt")).body == b"world"
    await through("PUT", "c.txt", headers={"x-oss-copy-source": f"/{alias}/b.txt"})
    await through("POST", "log?append&position=0", b"one")
    begun = await through("POST", "parts?uploads")
    upload = begun.text("UploadId")
    etag = (await through("PUT", f"parts?partNumber=1&uploadId={upload}", b"part")).headers["etag"]
    await through("GET", "?uploads")
    await through("GET", f"parts?uploadId={upload}")
    done = f"<Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>"
    document = f"<CompleteMultipartUpload>{done}</CompleteMultipartUpload>".encode()
    await through("POST", f"parts?uploadId={upload}", document)
    tags = b"<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"
    await through("PUT", "b.txt?tagging", tags)
    await through("GET", "b.txt?tagging")
    await through("DELETE", "b.txt?tagging")
    await through("PUT", "b.txt?acl", headers={"x-oss-object-acl": "private"})
    await through("GET", "b.txt?acl")
    await through("PUT", "link?symlink", headers={"x-oss-symlink-target": "b.txt"})
    await through("GET", "link?symlink")
    assert (await through("GET", "link")).body == b"world"
    await through("HEAD", "b.txt")
    await through("HEAD", "b.txt?objectMeta")
    names = ["a.txt", "b.txt", "c.txt", "link", "log", "parts"]
    assert (await through("GET", "")).texts("Contents/Key") == names
    assert (await through("GET", "?list-type=2")).texts("Contents/Key") == names
    await through("GET", "?versions")
    await through("DELETE", "c.txt")
    both = b"<Object><Key>log</Key></Object><Object><Key>link</Key></Object>"
    await through("POST", "?delete", b"<Delete>" + both + b"</Delete>")
    assert (await house.ask("GET", "/photos/")).texts("Contents/Key") == ["a.txt", "b.txt", "parts"]
    assert (await through("GET", "?accessPointPolicy", headers=NAMED)).body == POINT_POLICY


async def test_a_form_goes_through(house: House, alias: str) -> None:
    presigner = Presigner(OWNER.access_key_id, OWNER.access_key_secret, region=REGION, endpoint="http://127.0.0.1")
    fields = presigner.post_form(alias, "b.txt", now=NOW, fields={"success_action_status": "201"}).fields
    posted = await post(house, a_form(fields), f"/{alias}/")
    assert posted.status == 201, posted.body
    assert (posted.text("Bucket"), posted.text("Key")) == (alias, "b.txt")
    assert posted.text("Location") == f"http://127.0.0.1:8000/{alias}/b.txt"
    assert (await house.ask("GET", "/photos/b.txt")).body == b"hello"
    assert (await post(house, a_form(fields), "/photos/")).refusal == (403, "AccessDenied")


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("PUT", ""),
        ("DELETE", ""),
        ("GET", "?acl"),
        ("PUT", "?acl"),
        ("GET", "?policy"),
        ("PUT", "?policy"),
        ("DELETE", "?policy"),
        ("GET", "?bucketInfo"),
        ("GET", "?location"),
        ("GET", "?stat"),
        ("GET", "?lifecycle"),
        ("GET", "?cors"),
        ("GET", "?accessPoint"),
        ("PUT", "?accessPoint"),
        ("DELETE", "?accessPoint"),
        ("GET", "?publicAccessBlock"),
        ("GET", "?publicAccessBlock&x-oss-access-point-name=ap-01"),
        ("DELETE", "?publicAccessBlock&x-oss-access-point-name=ap-01"),
        ("POST", "?cname&comp=token"),
        ("PUT", "?style&styleName=small"),
        ("PUT", "door?live"),
        ("POST", "a.txt?x-oss-process"),
    ],
)
async def test_what_is_the_buckets_own_does_not_go_through(house: House, alias: str, method: str, address: str) -> None:
    before = house.contents()
    for by in (OWNER, STRANGER):
        answer = await house.ask(method, f"/{alias}/{address}", headers=NAMED, by=by)
        assert answer.refusal == (400, "OperationNotSupported")
    assert house.contents() == before


async def test_an_alias_of_nothing_is_no_bucket_and_cannot_be_made_one(house: House, alias: str) -> None:
    await house.with_bucket("other")
    another = alias.replace("ap-01", "ap-02")
    last = alias.replace("-ossalias", "")
    guesses = (another, alias.replace("-0000000000000001", "-0000000000000002"), f"{last[:-1]}x-ossalias", "x-ossalias")
    for guess in guesses:
        assert (await house.ask("GET", f"/{guess}/a.txt")).refusal == (404, "NoSuchBucket")
        assert (await house.ask("PUT", f"/{guess}/")).refusal == (400, "InvalidBucketName")
    await house.ask("DELETE", "/photos/?accessPoint", headers=NAMED)
    assert (await house.ask("GET", f"/{alias}/a.txt")).refusal == (404, "NoSuchBucket")
    assert await create(house) != alias
    assert (await house.ask("GET", f"/{alias}/a.txt")).refusal == (404, "NoSuchBucket")


async def test_a_point_does_not_speak_for_another(house: House, alias: str) -> None:
    other = await create(house, "ap-02")
    assert (await house.ask("GET", f"/{other}/a.txt")).refusal == (403, "AccessDenied")
    named = {"x-oss-access-point-name": "ap-02"}
    for method, body in (("GET", b""), ("PUT", POINT_POLICY), ("DELETE", b"")):
        answer = await house.ask(method, f"/{alias}/?accessPointPolicy", body, named)
        assert answer.refusal == (404, "NoSuchAccessPoint")


async def test_a_copy_takes_only_what_each_of_its_ways_gives(house: House, alias: str) -> None:
    await house.with_bucket("other")
    await house.put("/other/secret.txt")
    await put_policy(house, a_policy(f"{ARN}/object/in/*"))
    await house.put("/photos/in/a.txt")

    async def copy(source: str, target: str, **more: Any) -> Answer:
        return await house.ask("PUT", target, headers={"x-oss-copy-source": source}, by=STRANGER, **more)

    assert (await copy(f"/{alias}/in/a.txt", f"/{alias}/in/b.txt")).status == 200
    for source in (f"/{alias}/a.txt", "/photos/in/a.txt", "/photos/a.txt", "/other/secret.txt"):
        assert (await copy(source, f"/{alias}/in/c.txt")).refusal == (403, "AccessDenied")
    assert (await copy(f"/{alias}/in/a.txt", f"/{alias}/c.txt")).refusal == (403, "AccessDenied")
    assert (await copy(f"/{alias}/in/a.txt", "/photos/in/c.txt")).refusal == (403, "AccessDenied")
    assert (await copy(f"/{alias.replace('ap-01', 'ap-09')}/in/a.txt", f"/{alias}/in/c.txt")).status == 404
    assert (await house.ask("PUT", "/theirs/", by=STRANGER)).status == 200
    assert (await copy(f"/{alias}/in/a.txt", "/theirs/a.txt")).status == 200
    assert (await copy(f"/{alias}/a.txt", "/theirs/b.txt")).refusal == (403, "AccessDenied")


async def test_a_link_within_the_bucket_is_followed_only_where_the_point_leads(house: House, alias: str) -> None:
    await put_policy(house, a_policy(f"{ARN}/object/in/*"))
    linked = {"x-oss-symlink-target": "a.txt"}
    assert (await house.ask("PUT", f"/{alias}/in/link?symlink", headers=linked, by=STRANGER)).status == 200
    assert (await house.ask("GET", f"/{alias}/in/link", by=STRANGER)).refusal == (403, "AccessDenied")


async def test_deleting_many_is_decided_for_each_key(house: House, alias: str) -> None:
    await put_policy(house, a_policy(f"{ARN}/object/in/*"))
    await house.put("/photos/in/a.txt")
    both = b"<Delete><Object><Key>in/a.txt</Key></Object><Object><Key>a.txt</Key></Object></Delete>"
    assert (await house.ask("POST", f"/{alias}/?delete", both, by=STRANGER)).refusal == (403, "AccessDenied")
    assert (await house.ask("GET", "/photos/")).texts("Contents/Key") == ["a.txt", "in/a.txt"]


async def test_giving_tags_and_acls_needs_the_right_through_the_point(house: House, alias: str) -> None:
    await put_policy(house, a_policy(f"{ARN}/object/*", action="oss:PutObject"))
    put = await house.ask("PUT", f"/{alias}/b.txt", b"x", {"x-oss-tagging": "a=1"})
    assert put.refusal == (403, "AccessDenied")
    await house.ask("PUT", BLOCK, ON)
    await put_policy(house, a_policy(f"{ARN}/object/*", principal=UID))
    public = {"x-oss-object-acl": "public-read"}
    put = await house.ask("PUT", f"/{alias}/b.txt", b"x", public)
    assert put.refusal == (403, "AccessDenied")
    assert "Public access is blocked" in (put.text("Message") or "")
    assert (await house.ask("PUT", "/photos/b.txt", b"x", public)).status == 200


async def test_while_public_access_is_blocked_a_public_policy_of_a_point_gives_nothing(
    house: House, alias: str
) -> None:
    assert (await house.ask("GET", f"/{alias}/a.txt", by=STRANGER)).status == 200
    await house.ask("PUT", BLOCK, ON)
    assert (await house.ask("GET", f"/{alias}/a.txt", by=STRANGER)).refusal == (403, "AccessDenied")
    await put_policy(house, a_policy(f"{ARN}/object/*", principal=STRANGER.account))
    assert (await house.ask("GET", f"/{alias}/a.txt", by=STRANGER)).status == 200
    await house.ask("PUT", "/?publicAccessBlock", ON)
    assert (await house.ask("GET", f"/{alias}/a.txt", by=STRANGER)).refusal == (403, "AccessDenied")


async def test_a_point_of_a_vpc_refuses_its_owner_too(house: House) -> None:
    alias = await create(house, network=VPC)
    await delegate(house)
    await put_policy(house)
    refused = await house.ask("GET", f"/{alias}/a.txt")
    assert refused.refusal == (403, "AccessDenied")
    assert "from its VPC only" in (refused.text("Message") or "")


async def test_what_the_bucket_says_of_requests_holds_through_its_point(house: House, alias: str) -> None:
    payer = b"<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>"
    await house.ask("PUT", "/photos/?requestPayment", payer)
    assert (await house.ask("GET", f"/{alias}/a.txt", by=STRANGER)).refusal == (403, "AccessDenied")
    rule = b"<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule>"
    await house.ask("PUT", "/photos/?cors", b"<CORSConfiguration>" + rule + b"</CORSConfiguration>")
    page = {"origin": "http://page.example"}
    assert "access-control-allow-origin" in (await house.ask("GET", f"/{alias}/a.txt", headers=page)).headers
    preflight = page | {"access-control-request-method": "GET"}
    assert (await house.ask("OPTIONS", f"/{alias}/a.txt", headers=preflight, by=ANYBODY)).status == 200
    index = b"<IndexDocument><Suffix>a.txt</Suffix></IndexDocument>"
    await house.ask("PUT", "/photos/?website", b"<WebsiteConfiguration>" + index + b"</WebsiteConfiguration>")
    await house.ask("PUT", "/photos/?acl", headers={"x-oss-acl": "public-read"})
    assert (await house.ask("GET", f"/{alias}/", by=ANYBODY)).refusal == (403, "AccessDenied")


async def test_the_region_of_an_alias_is_its_buckets() -> None:
    house = await House(regions=(REGION, "cn-shanghai")).with_bucket()
    alias = await create(house)
    host = f"{alias}.oss-cn-shanghai.localhost"
    refused = await house.follow(f"http://{host}/a.txt")
    assert refused.refusal == (403, "AccessDenied")
    assert (refused.text("Bucket"), refused.text("Endpoint")) == (alias, "oss-cn-hangzhou.localhost")


async def test_the_log_has_the_alias_as_it_was_asked(house: House, alias: str) -> None:
    answer = await house.ask("GET", f"/{alias}/a.txt")
    assert (answer.trace.bucket, answer.trace.request_id) == (alias, REQUEST_ID)


async def test_a_bucket_of_such_a_name_made_by_an_older_server_stays_reachable(house: House) -> None:
    new = NewBucket("old-ossalias", UID, REGION, "private", "Standard", "LRS", NOW)
    await house.catalog.create_bucket(new, most=9)
    await house.put("/old-ossalias/a.txt")
    assert (await house.ask("GET", "/old-ossalias/a.txt")).body == b"hello"

"""A document holds the elements that OSS has, and no others: a slip would leave open what was meant to be closed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from xml.etree.ElementTree import Element, fromstring, tostring

import pytest

from coatcheck.configurations.elements import Shape
from coatcheck.oss.documents import SHAPES
from coatcheck.ports.worm import BUCKET_WORM, BucketWorm, write_bucket_worm

from .house import NOW, House
from .local_selector import LocalSelector

# A request that puts each document, and a document that is taken.
TAKEN = {
    "BucketCnameConfiguration": ("POST", "/photos/?cname&comp=token", "<Cname><Domain>a.example.org</Domain></Cname>"),
    "CORSConfiguration": (
        "PUT",
        "/photos/?cors",
        "<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule>",
    ),
    "CreateBucketConfiguration": ("PUT", "/photos/", "<StorageClass>Standard</StorageClass>"),
    "HttpsConfiguration": ("PUT", "/photos/?httpsConfig", "<TLS><Enable>false</Enable></TLS>"),
    "LifecycleConfiguration": (
        "PUT",
        "/photos/?lifecycle",
        "<Rule><Prefix/><Status>Enabled</Status><AtimeBase>1</AtimeBase>"
        "<Filter><ObjectSizeGreaterThan>1</ObjectSizeGreaterThan><Not><Prefix>a</Prefix></Not></Filter>"
        "<Expiration><Days>1</Days></Expiration></Rule>",
    ),
    "PublicAccessBlockConfiguration": (
        "PUT",
        "/photos/?publicAccessBlock",
        "<BlockPublicAccess>false</BlockPublicAccess>",
    ),
    "RefererConfiguration": (
        "PUT",
        "/photos/?referer",
        "<AllowEmptyReferer>true</AllowEmptyReferer><RefererList><Referer>http://a</Referer></RefererList>",
    ),
    "RequestPaymentConfiguration": ("PUT", "/photos/?requestPayment", "<Payer>Requester</Payer>"),
    "RestoreRequest": (
        "POST",
        "/photos/cold?restore",
        "<Days>1</Days><JobParameters><Tier>Bulk</Tier></JobParameters>",
    ),
    "ServerSideEncryptionRule": (
        "PUT",
        "/photos/?encryption",
        "<ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault>",
    ),
    "Style": ("PUT", "/photos/?style&styleName=small", "<Content>image/resize,w_100</Content>"),
    "Tagging": ("PUT", "/photos/?tagging", "<TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet>"),
    "VersioningConfiguration": ("PUT", "/photos/?versioning", "<Status>Enabled</Status>"),
    "WebsiteConfiguration": (
        "PUT",
        "/photos/?website",
        "<IndexDocument><Suffix>index.html</Suffix></IndexDocument><RoutingRules><RoutingRule><RuleNumber>1</RuleNumber>"
        "<Condition><KeyPrefixEquals>a</KeyPrefixEquals></Condition>"
        "<Redirect><RedirectType>External</RedirectType><HostName>a</HostName>"
        "<MirrorPassQueryString>false</MirrorPassQueryString></Redirect></RoutingRule></RoutingRules>",
    ),
    "TransferAccelerationConfiguration": ("PUT", "/photos/?transferAcceleration", "<Enabled>true</Enabled>"),
    "OverwriteConfiguration": (
        "PUT",
        "/photos/?overwriteConfig",
        "<Rule><Action>forbid</Action><Prefix>a</Prefix><Principals><Principal>1</Principal></Principals></Rule>",
    ),
    "BucketResourceGroupConfiguration": ("PUT", "/photos/?resourceGroup", "<ResourceGroupId>rg-a</ResourceGroupId>"),
    "AccessMonitorConfiguration": ("PUT", "/photos/?accessmonitor", "<Status>Enabled</Status>"),
    "ArchiveDirectReadConfiguration": ("PUT", "/photos/?bucketArchiveDirectRead", "<Enabled>true</Enabled>"),
    "BucketCallbackPolicy": (
        "PUT",
        "/photos/?policy&comp=callback",
        "<PolicyItem><PolicyName>a</PolicyName><Callback>eyJjYWxsYmFja1VybCI6Imh0dHA6Ly9hIiwiY2FsbGJhY2tCb2R5IjoiYiJ9</Callback></PolicyItem>",
    ),
    "BucketLoggingStatus": (
        "PUT",
        "/photos/?logging",
        "<LoggingEnabled><TargetBucket>photos</TargetBucket></LoggingEnabled>",
    ),
    "UserDefinedLogFieldsConfiguration": (
        "PUT",
        "/photos/?userDefinedLogFieldsConfig",
        "<HeaderSet><header>a</header></HeaderSet>",
    ),
    "InventoryConfiguration": (
        "PUT",
        "/photos/?inventory&inventoryId=one",
        "<Id>one</Id><IsEnabled>false</IsEnabled><Destination><OSSBucketDestination><Format>CSV</Format><"
        "AccountId>1</AccountId><RoleArn>r</RoleArn><Bucket>acs:oss:::lists</Bucket></OSSBucketDestinatio"
        "n></Destination><Schedule><Frequency>Weekly</Frequency></Schedule><IncludedObjectVersions>Curren"
        "t</IncludedObjectVersions>",
    ),
    "CreateAccessPointConfiguration": (
        "PUT",
        "/photos/?accessPoint",
        "<AccessPointName>ap-01</AccessPointName><NetworkOrigin>vpc</NetworkOrigin>"
        "<VpcConfiguration><VpcId>vpc-a</VpcId></VpcConfiguration>",
    ),
    "QoSConfiguration": (
        "PUT",
        "/photos/?qosInfo",
        "<TotalUploadBandwidth>10</TotalUploadBandwidth><TotalQps>-1</TotalQps>",
    ),
    "QuotaConfiguration": ("PUT", "/photos/?quota", "<StorageQuota>10</StorageQuota><Mode>Strict</Mode>"),
    "BucketUserQos": ("PUT", "/photos/?qos", "<StorageCapacity>10</StorageCapacity>"),
    "InitiateWormConfiguration": ("POST", "/photos/?worm", "<RetentionPeriodInDays>1</RetentionPeriodInDays>"),
    "ExtendWormConfiguration": (
        "POST",
        "/waxed/?wormExtend&wormId=W1",
        "<RetentionPeriodInDays>31</RetentionPeriodInDays>",
    ),
    "ObjectWormConfiguration": (
        "PUT",
        "/held/?objectWorm",
        "<ObjectWormEnabled>Enabled</ObjectWormEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>1</Days>"
        "</DefaultRetention></Rule>",
    ),
    "Retention": (
        "PUT",
        "/held/coat?retention",
        "<Mode>GOVERNANCE</Mode><RetainUntilDate>2026-03-06T00:00:00.000Z</RetainUntilDate>",
    ),
    "LegalHold": ("PUT", "/held/coat?legalHold", "<Status>ON</Status>"),
    "AsyncFetchTaskConfiguration": (
        "POST",
        "/photos/?asyncFetch",
        "<Url>http://files.example.com/</Url><Object>a</Object>",
    ),
    "LiveChannelConfiguration": ("PUT", "/photos/door?live", "<Target><Type>HLS</Type></Target>"),
    "SelectRequest": (
        "POST",
        "/photos/a.csv?x-oss-process=csv/select",
        "<Expression>c2VsZWN0ICogZnJvbSBvc3NvYmplY3Q=</Expression><InputSerialization><CSV><Range/></CSV>"
        "</InputSerialization><OutputSerialization><OutputHeader>false</OutputHeader></OutputSerialization>"
        "<Options><SkipPartialDataRecord>true</SkipPartialDataRecord></Options>",
    ),
    "CsvMetaRequest": (
        "POST",
        "/photos/a.csv?x-oss-process=csv/meta",
        "<InputSerialization><CSV/></InputSerialization><OverwriteIfExists>true</OverwriteIfExists>",
    ),
    "JsonMetaRequest": (
        "POST",
        "/photos/a.csv?x-oss-process=json/meta",
        "<InputSerialization><JSON><Type>LINES</Type></JSON></InputSerialization>",
    ),
    "ReplicationConfiguration": (
        "POST",
        "/photos/?replication&comp=add",
        "<Rule><Destination><Bucket>copies</Bucket><Location>oss-cn-hangzhou</Location></Destination></Rule>",
    ),
    "ReplicationRule": ("PUT", "/followed/?rtc", "<RTC><Status>enabled</Status></RTC><ID>one</ID>"),
    "ReplicationRules": ("POST", "/followed/?replication&comp=delete", "<ID>one</ID>"),
}
RULE = "<ID>one</ID><Destination><Bucket>copies</Bucket><Location>oss-cn-hangzhou</Location></Destination>"


@pytest.fixture
async def house() -> House:
    house = await House().with_bucket()
    house.pipeline._ports = house.pipeline._ports._replace(selector=LocalSelector())
    await house.put("/photos/a.csv", b"1\n")
    await house.put("/photos/cold", headers={"x-oss-storage-class": "ColdArchive"})
    await house.with_bucket("waxed")
    waxed = await house.catalog.find_bucket("waxed")
    assert waxed is not None
    policy = write_bucket_worm(BucketWorm("W1", 30, NOW, locked=True))
    await house.catalog.set_configuration(waxed.bucket_id, BUCKET_WORM, policy)
    await house.with_bucket("held")
    versioned = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    enabled = b"<ObjectWormConfiguration><ObjectWormEnabled>Enabled</ObjectWormEnabled></ObjectWormConfiguration>"
    assert (await house.ask("PUT", "/held/?versioning", versioned)).status == 200
    assert (await house.ask("PUT", "/held/?objectWorm", enabled)).status == 200
    await house.put("/held/coat")
    await (await house.with_bucket("copies")).with_bucket("followed")
    rule = f"<ReplicationConfiguration><Rule>{RULE}</Rule></ReplicationConfiguration>".encode()
    assert (await house.ask("POST", "/followed/?replication&comp=add", rule)).status == 200
    return house


def test_every_document_is_tried() -> None:
    assert set(TAKEN) == set(SHAPES)


@pytest.mark.parametrize("root", TAKEN)
async def test_a_document_with_known_elements_is_taken(house: House, root: str) -> None:
    method, address, inner = TAKEN[root]
    answer = await house.ask(method, address, f"<{root}>{inner}</{root}>".encode())
    assert answer.status in (200, 202, 206), answer.body


def slips(root: str) -> Iterator[tuple[str, str]]:
    """The document with one element more, in the root and in each place that holds elements; and what holds it."""
    inner = TAKEN[root][2]
    yield f"<{root}>{inner}<Slip/></{root}>", root
    for name in SHAPES[root].children:
        if f"<{name}>" in inner:
            yield f"<{root}>{inner.replace(f'<{name}>', f'<{name}><Slip/>', 1)}</{root}>", name


@pytest.mark.parametrize("root", TAKEN)
async def test_an_element_that_is_not_known_is_refused_and_nothing_is_changed(house: House, root: str) -> None:
    method, address, _ = TAKEN[root]
    before = house.contents()
    for document, parent in slips(root):
        answer = await house.ask(method, address, document.encode())
        assert answer.refusal == (400, "MalformedXML"), document
        assert (answer.text("Message") or "").endswith(f"There is no element Slip in {parent}.")
    assert house.contents() == before


async def test_a_list_of_referers_with_a_slip_in_its_name_is_no_list(house: House) -> None:
    slip = b"<AllowEmptyReferer>false</AllowEmptyReferer><RefererLst><Referer>http://a</Referer></RefererLst>"
    document = b"<RefererConfiguration>" + slip + b"</RefererConfiguration>"
    assert (await house.ask("PUT", "/photos/?referer", document)).refusal == (400, "MalformedXML")


def test_only_what_a_mirror_is_told_may_hold_anything() -> None:
    def open_places(shape: Shape, name: str) -> Iterator[str]:
        if shape.open:
            yield name
        for child, inner in shape.children.items():
            yield from open_places(inner, child)

    found = {place for root, shape in SHAPES.items() for place in open_places(shape, root)}
    assert found
    assert all("Mirror" in place for place in found)


NO_BODY_AT_ALL = {"CreateBucketConfiguration", "RestoreRequest"}  # may be left out
BAD: dict[str, Callable[[str, str], bytes]] = {
    "empty": lambda root, inner: b"",
    "no XML": lambda root, inner: b"hello",
    "cut short": lambda root, inner: f"<{root}>{inner}".encode(),
    "another root": lambda root, inner: f"<Other>{inner}</Other>".encode(),
    "a DTD": lambda root, inner: f"<!DOCTYPE {root} [<!ENTITY a 'b'>]><{root}>{inner}</{root}>".encode(),
    "an entity": lambda root, inner: f"<{root}>{inner}&a;</{root}>".encode(),
    "not UTF-8": lambda root, inner: f"<{root}>{inner}".encode() + b"\xff" + f"</{root}>".encode(),
    "too deep": lambda root, inner: f"<{root}>{'<a>' * 20}{'</a>' * 20}</{root}>".encode(),
    "too large": lambda root, inner: f"<{root}>{' ' * 1_048_576}{inner}</{root}>".encode(),
}


@pytest.mark.parametrize("fault", BAD)
@pytest.mark.parametrize("root", TAKEN)
async def test_what_is_no_document_of_its_kind_is_refused_and_nothing_is_changed(
    house: House, root: str, fault: str
) -> None:
    method, address, inner = TAKEN[root]
    if fault == "empty" and root in NO_BODY_AT_ALL:
        return
    before = house.contents()
    answer = await house.ask(method, address, BAD[fault](root, inner))
    assert answer.refusal == (400, "MalformedXML")
    assert house.contents() == before


# What may stand there again and again, by the element that holds it; and what is only told, so that nobody reads it.
LISTS = {
    ("CORSConfiguration", "CORSRule"),
    ("CORSRule", "AllowedMethod"),
    ("CORSRule", "AllowedOrigin"),
    ("Filter", "Not"),
    ("OverwriteConfiguration", "Rule"),
    ("Principals", "Principal"),
    ("RefererList", "Referer"),
    ("HeaderSet", "header"),
    ("ReplicationRules", "ID"),
}
READ_BY_NOBODY = {("Rule", "AtimeBase"), ("Redirect", "MirrorPassQueryString")}


def altered(root: str, change: Callable[[Element, Element], bool]) -> Iterator[tuple[str, bytes]]:
    """The document with each of its elements changed in turn, where `change(parent, element)` does so."""
    whole = f"<{root}>{TAKEN[root][2]}</{root}>"
    places = [(parent, child) for parent in fromstring(whole).iter() for child in parent]
    for number in range(len(places)):
        tree = fromstring(whole)
        parent, child = [(parent, child) for parent in tree.iter() for child in parent][number]
        if change(parent, child):
            yield f"{parent.tag}/{child.tag}", tostring(tree)


def repeat(parent: Element, child: Element) -> bool:
    parent.append(deepcopy(child))
    return not {(parent.tag, child.tag)} & (LISTS | READ_BY_NOBODY)


@pytest.mark.parametrize("root", TAKEN)
async def test_what_may_be_there_once_is_refused_twice(house: House, root: str) -> None:
    method, address, _ = TAKEN[root]
    before = house.contents()
    for place, document in altered(root, repeat):
        status, code = (await house.ask(method, address, document)).refusal
        assert status == 400, (place, code)
    assert house.contents() == before


NUMBERS = ("-2", "1.5", "1e3", "0x1", "\u0661", "9" * 20, "9" * 5000)  # none is in range anywhere


def is_number(child: Element) -> bool:
    return (child.text or "").lstrip("-").isdigit() and child.tag not in ("AccountId", "Principal")


@pytest.mark.parametrize("number", NUMBERS, ids=lambda text: text[:21])
@pytest.mark.parametrize("root", [root for root, (_, _, inner) in TAKEN.items() if re.search(r">-?\d+</", inner)])
async def test_a_number_out_of_range_is_refused(house: House, root: str, number: str) -> None:
    def put(parent: Element, child: Element) -> bool:
        counts, child.text = is_number(child), number
        return counts and (parent.tag, child.tag) not in READ_BY_NOBODY

    method, address, _ = TAKEN[root]
    before = house.contents()
    for place, document in altered(root, put):
        status, code = (await house.ask(method, address, document)).refusal
        assert status == 400, (place, code)
    assert house.contents() == before


@pytest.mark.parametrize("root", TAKEN)
async def test_with_an_element_missing_empty_or_full_it_is_taken_or_refused_in_words(house: House, root: str) -> None:
    """Which elements are needed is tested with each document; here: nothing fails, and a refusal changes nothing."""

    def drop(parent: Element, child: Element) -> bool:
        parent.remove(child)
        return True

    def fill(text: str) -> Callable[[Element, Element], bool]:
        def put(_: Element, child: Element) -> bool:
            child.text = text
            return True

        return put

    method, address, _ = TAKEN[root]
    for change in (drop, fill(""), fill("\u5199" * 3000)):
        for place, document in altered(root, change):
            before = house.contents()
            answer = await house.ask(method, address, document)
            assert answer.status in (200, 202, 206) or answer.status in (400, 403, 404, 409), place
            assert answer.status < 300 or (answer.text("Message") and house.contents() == before), place


@pytest.mark.parametrize("root", TAKEN)
async def test_text_between_elements_is_refused(house: House, root: str) -> None:
    method, address, inner = TAKEN[root]
    answer = await house.ask(method, address, f"<{root}>{inner}text</{root}>".encode())
    assert answer.refusal == (400, "MalformedXML")


@pytest.mark.parametrize("root", TAKEN)
async def test_a_document_is_taken_in_any_namespace(house: House, root: str) -> None:
    """SDKs put some of theirs into one, and leave it out elsewhere."""
    method, address, inner = TAKEN[root]
    document = f'<?xml version="1.0"?><{root} xmlns="http://doc.oss-cn-hangzhou.aliyuncs.com">{inner}</{root}>'
    assert (await house.ask(method, address, document.encode())).status in (200, 202, 206)

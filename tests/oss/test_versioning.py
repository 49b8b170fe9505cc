"""Versioned buckets, through every operation that knows of versions."""

from __future__ import annotations

import pytest

from .house import ANYBODY, STRANGER, Answer, House

ENABLED = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
SUSPENDED = b"<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>"


async def version(house: House, state: bytes) -> None:
    assert (await house.ask("PUT", "/photos/?versioning", state)).status == 200


@pytest.fixture
async def house() -> House:
    """A versioned bucket."""
    house = await House().with_bucket()
    await version(house, ENABLED)
    return house


async def put(house: House, body: bytes, key: str = "a") -> str:
    return (await house.put(f"/photos/{key}", body)).headers["x-oss-version-id"]


async def versions(house: House, query: str = "") -> list[str]:
    """ "key version-id", with "!" before a delete marker and "*" behind the latest."""
    answer = await house.ask("GET", f"/photos/?versions{query}")
    assert answer.status == 200, answer.body
    items = [item for item in answer.xml if item.tag in ("Version", "DeleteMarker")]
    return [
        f"{'!' if item.tag == 'DeleteMarker' else ''}{item.findtext('Key')} {item.findtext('VersionId')}"
        f"{'*' if item.findtext('IsLatest') == 'true' else ''}"
        for item in items
    ]


# --- the bucket ---


async def test_a_bucket_says_how_it_is_versioned() -> None:
    house = await House().with_bucket()
    answer = await house.ask("GET", "/photos/?versioning")
    assert answer.body == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<VersioningConfiguration></VersioningConfiguration>\n'
    )
    for state, document in (("Enabled", ENABLED), ("Suspended", SUSPENDED), ("Enabled", ENABLED)):
        await version(house, document)
        assert (await house.ask("GET", "/photos/?versioning")).text("Status") == state
    assert (await house.ask("GET", "/photos/?bucketInfo")).text("Bucket/Versioning") == "Enabled"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        b"<VersioningConfiguration></VersioningConfiguration>",
        b"<VersioningConfiguration><Status>Disabled</Status></VersioningConfiguration>",
        b"<VersioningConfiguration><Status></Status></VersioningConfiguration>",
        b"<VersioningConfiguration><Status>enabled</Status></VersioningConfiguration>",
        b"<VersioningConfiguration><Status>Enabled</Status><Status>Suspended</Status></VersioningConfiguration>",
        b"<Versioning><Status>Enabled</Status></Versioning>",
        b"<!DOCTYPE a [<!ENTITY b 'Enabled'>]><VersioningConfiguration><Status>&b;</Status></VersioningConfiguration>",
        ENABLED + b" " * 70_000,
    ],
)
async def test_a_state_that_does_not_exist_is_refused(body: bytes) -> None:
    house = await House().with_bucket()
    before = house.contents()
    assert (await house.ask("PUT", "/photos/?versioning", body)).refusal == (400, "MalformedXML")
    assert house.contents() == before


async def test_a_namespace_makes_no_difference() -> None:
    house = await House().with_bucket()
    await version(house, ENABLED.replace(b"<VersioningConfiguration>", b'<VersioningConfiguration xmlns="urn:x">'))
    assert (await house.ask("GET", "/photos/?versioning")).text("Status") == "Enabled"


async def test_versioning_is_the_owners_business(house: House) -> None:
    for by in (STRANGER, ANYBODY):
        for method, sub_resource in (("PUT", "versioning"), ("GET", "versioning"), ("GET", "versions")):
            assert (await house.ask(method, f"/photos/?{sub_resource}", by=by)).refusal == (403, "AccessDenied")


# --- writing and reading ---


async def test_every_write_adds_a_version_and_every_version_can_be_read(house: House) -> None:
    first, second = await put(house, b"first"), await put(house, b"second")
    assert first != second
    assert len(first) > 20
    current = await house.ask("GET", "/photos/a")
    assert (current.body, current.headers["x-oss-version-id"]) == (b"second", second)
    for version_id, body in ((first, b"first"), (second, b"second")):
        for method in ("GET", "HEAD"):
            answer = await house.ask(method, f"/photos/a?versionId={version_id}")
            assert answer.headers["x-oss-version-id"] == version_id
            assert answer.announced == len(body)
        meta = await house.ask("HEAD", f"/photos/a?objectMeta&versionId={version_id}")
        assert (meta.announced, meta.headers["x-oss-version-id"]) == (len(body), version_id)
    assert (await house.ask("GET", f"/photos/a?versionId={first}")).body == b"first"


async def test_what_was_there_before_versioning_is_the_null_version() -> None:
    house = await House().with_bucket()
    before = await house.put("/photos/a", b"before")
    assert "x-oss-version-id" not in before.headers
    assert "x-oss-version-id" not in (await house.ask("GET", "/photos/a")).headers
    await version(house, ENABLED)
    assert (await house.ask("GET", "/photos/a")).headers["x-oss-version-id"] == "null"
    newer = await put(house, b"newer")
    assert (await house.ask("GET", "/photos/a?versionId=null")).body == b"before"
    assert await versions(house) == [f"a {newer}*", "a null"]


async def test_a_suspended_bucket_writes_the_null_version(house: House) -> None:
    kept = await put(house, b"kept")
    await version(house, SUSPENDED)
    assert await put(house, b"one") == "null"
    assert await put(house, b"x" * 100_000) == "null"
    assert await versions(house) == ["a null*", f"a {kept}"]
    assert await put(house, b"two") == "null"
    assert not house.store.blobs
    assert (await house.ask("GET", f"/photos/a?versionId={kept}")).body == b"kept"


async def test_a_link_with_a_version_goes_on_serving_it(house: House) -> None:
    first = await put(house, b"first")
    link = house.link("GET", "a", version_id=first)
    await put(house, b"second")
    assert (await house.follow(link)).body == b"first"
    await house.ask("DELETE", "/photos/a")
    assert (await house.follow(link)).body == b"first"
    await house.ask("DELETE", f"/photos/a?versionId={first}")
    assert (await house.follow(link)).refusal == (404, "NoSuchVersion")


async def test_forbid_overwrite_has_no_effect_where_nothing_is_lost(house: House) -> None:
    forbid = {"x-oss-forbid-overwrite": "true"}
    await house.put("/photos/a", b"1", forbid)
    await house.put("/photos/a", b"2", forbid)
    await version(house, SUSPENDED)
    await house.put("/photos/a", b"3", forbid)
    assert len(await versions(house)) == 3


# --- deleting ---


async def test_deleting_puts_a_marker_on_top(house: House) -> None:
    kept = await put(house, b"kept")
    gone = await house.ask("DELETE", "/photos/a")
    marker = gone.headers["x-oss-version-id"]
    assert (gone.status, gone.headers) == (204, {"x-oss-delete-marker": "true", "x-oss-version-id": marker})
    for method, query in (("GET", ""), ("GET", "?acl"), ("PUT", "?acl")):
        answer = await house.ask(method, f"/photos/a{query}", headers={"x-oss-object-acl": "private"})
        assert answer.refusal == (404, "NoSuchKey")
        assert (answer.headers["x-oss-delete-marker"], answer.headers["x-oss-version-id"]) == ("true", marker)
    head = await house.ask("HEAD", "/photos/a")
    assert (head.status, head.headers["x-oss-delete-marker"]) == (404, "true")
    assert await versions(house) == [f"!a {marker}*", f"a {kept}"]
    assert (await house.ask("GET", "/photos/")).texts("Contents/Key") == []
    assert (await house.ask("GET", f"/photos/a?versionId={kept}")).body == b"kept"


async def test_a_key_that_never_was_gets_a_marker_too(house: House) -> None:
    await house.ask("DELETE", "/photos/never")
    await house.ask("DELETE", "/photos/never")
    assert [item[0] for item in await versions(house)] == ["!", "!"]
    assert (await house.ask("DELETE", "/photos/")).refusal == (409, "BucketNotEmpty")


async def test_a_marker_by_its_id_can_only_be_deleted(house: House) -> None:
    kept = await put(house, b"kept")
    marker = (await house.ask("DELETE", "/photos/a")).headers["x-oss-version-id"]
    answer = await house.ask("GET", f"/photos/a?versionId={marker}")
    assert answer.refusal == (405, "MethodNotAllowed")
    assert (answer.text("Method"), answer.text("ResourceType")) == ("GET", "DeleteMarker")
    assert {name: answer.headers[name] for name in ("allow", "x-oss-delete-marker", "x-oss-version-id")} == {
        "allow": "DELETE",
        "x-oss-delete-marker": "true",
        "x-oss-version-id": marker,
    }
    assert (await house.ask("HEAD", f"/photos/a?versionId={marker}")).status == 405
    gone = await house.ask("DELETE", f"/photos/a?versionId={marker}")
    assert gone.headers == {"x-oss-delete-marker": "true", "x-oss-version-id": marker}
    assert (await house.ask("GET", "/photos/a")).headers["x-oss-version-id"] == kept


async def test_a_version_is_deleted_for_good_with_its_bytes(house: House) -> None:
    older, newer = await put(house, b"x" * 100_000), await put(house, b"newer")
    gone = await house.ask("DELETE", f"/photos/a?versionId={older}")
    assert (gone.status, gone.headers) == (204, {"x-oss-version-id": older})
    assert not house.store.blobs
    assert (await house.ask("GET", f"/photos/a?versionId={older}")).refusal == (404, "NoSuchVersion")
    again = await house.ask("DELETE", f"/photos/a?versionId={older}")
    assert (again.status, again.headers) == (204, {"x-oss-version-id": older})
    assert await versions(house) == [f"a {newer}*"]


async def test_a_suspended_bucket_keeps_one_null_marker(house: House) -> None:
    kept = await put(house, b"kept")
    await version(house, SUSPENDED)
    await put(house, b"replaced by the marker")
    for _ in range(2):
        gone = await house.ask("DELETE", "/photos/a")
        assert gone.headers == {"x-oss-delete-marker": "true", "x-oss-version-id": "null"}
    assert await versions(house) == ["!a null*", f"a {kept}"]


async def test_many_are_deleted_by_version_or_by_marker(house: House) -> None:
    first, second = await put(house, b"1"), await put(house, b"2")
    marker = (await house.ask("DELETE", "/photos/b")).headers["x-oss-version-id"]
    body = (
        f"<Delete><Object><Key>a</Key><VersionId>{first}</VersionId></Object><Object><Key>a</Key></Object>"
        f"<Object><Key>b</Key><VersionId>{marker}</VersionId></Object></Delete>"
    )
    answer = await house.ask("POST", "/photos/?delete", body.encode())
    by_version, by_marker, of_marker = answer.xml.findall("Deleted")
    assert [child.tag for child in by_version] == ["Key", "VersionId"]
    assert by_version.findtext("VersionId") == first
    assert [child.tag for child in by_marker] == ["Key", "DeleteMarker", "DeleteMarkerVersionId"]
    assert [child.tag for child in of_marker] == ["Key", "VersionId", "DeleteMarker", "DeleteMarkerVersionId"]
    assert of_marker.findtext("DeleteMarkerVersionId") == marker
    assert await versions(house) == [f"!a {by_marker.findtext('DeleteMarkerVersionId')}*", f"a {second}"]


# --- naming a version ---


@pytest.mark.parametrize("version_id", ["nonsense", "CAE", "NULL", "caeqA"])
async def test_an_id_that_no_version_has_is_refused_where_there_are_versions(house: House, version_id: str) -> None:
    first = await put(house, b"first")
    named = f"<Delete><Object><Key>a</Key><VersionId>{version_id}</VersionId></Object></Delete>".encode()
    for answer in (
        await house.ask("POST", "/photos/?delete", named),
        await house.ask("DELETE", f"/photos/a?versionId={version_id}"),
        await house.ask("GET", f"/photos/a?versionId={version_id}"),
    ):
        assert (answer.refusal, answer.text("ArgumentValue")) == ((400, "InvalidArgument"), version_id)
        assert answer.text("Message") == "Invalid version id specified."
    assert (await house.ask("GET", f"/photos/a?versionId={first}")).body == b"first"
    await house.ask("PUT", "/plain/")
    assert (await house.ask("POST", "/plain/?delete", named)).status == 200


@pytest.mark.parametrize("version_id", ["", "%20", "a%00", "%FF", "x" * 129])
@pytest.mark.parametrize(("method", "query"), [("GET", ""), ("DELETE", ""), ("GET", "acl&"), ("HEAD", "objectMeta&")])
async def test_an_impossible_version_id_is_refused(house: House, method: str, query: str, version_id: str) -> None:
    await put(house, b"a")
    before = house.contents()
    answer = await house.ask(method, f"/photos/a?{query}versionId={version_id}")
    assert answer.status == 400
    assert house.contents() == before


async def test_an_unknown_version_is_not_there(house: House) -> None:
    await put(house, b"a")
    answer = await house.ask("GET", "/photos/a?versionId=CAEQunknown")
    assert answer.refusal == (404, "NoSuchVersion")
    assert (answer.text("Key"), answer.text("VersionId")) == ("a", "CAEQunknown")


async def test_the_acl_of_one_version_is_its_own(house: House) -> None:
    first, second = await put(house, b"1"), await put(house, b"2")
    published = await house.ask("PUT", f"/photos/a?acl&versionId={first}", headers={"x-oss-object-acl": "public-read"})
    assert published.headers == {"x-oss-version-id": first}
    for version_id, acl, status in ((first, "public-read", 200), (second, "default", 403)):
        told = await house.ask("GET", f"/photos/a?acl&versionId={version_id}")
        assert (told.text("AccessControlList/Grant"), told.headers["x-oss-version-id"]) == (acl, version_id)
        assert (await house.ask("GET", f"/photos/a?versionId={version_id}", by=ANYBODY)).status == status


# --- listing versions ---


async def listing(house: House, query: str) -> Answer:
    return await house.ask("GET", f"/photos/?versions&{query}")


async def test_versions_are_listed_as_documented(house: House) -> None:
    version_id = await put(house, b"hello")
    answer = await house.ask("GET", "/photos/?versions")
    assert answer.body.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ListVersionsResult>\n  <Name>photos</Name>\n  <Prefix></Prefix>\n'
        "  <KeyMarker></KeyMarker>\n  <VersionIdMarker></VersionIdMarker>\n  <MaxKeys>100</MaxKeys>\n"
        "  <Delimiter></Delimiter>\n  <IsTruncated>false</IsTruncated>\n  <Version>\n    <Key>a</Key>\n"
        f"    <VersionId>{version_id}</VersionId>\n    <IsLatest>true</IsLatest>\n"
        "    <LastModified>2026-03-05T07:08:09.000Z</LastModified>\n"
        '    <ETag>"5D41402ABC4B2A76B9719D911017C592"</ETag>\n    <Type>Normal</Type>\n    <Size>5</Size>\n'
        "    <StorageClass>Standard</StorageClass>\n    <Owner>\n      <ID>1000000000000001</ID>\n"
        "      <DisplayName>1000000000000001</DisplayName>\n    </Owner>\n  </Version>\n</ListVersionsResult>\n"
    )


async def test_pages_of_versions_go_on_where_the_last_ended(house: House) -> None:
    a1, a2 = await put(house, b"1"), await put(house, b"2")
    b1 = await put(house, b"1", "b")
    page = await listing(house, "max-keys=1")
    assert (page.text("IsTruncated"), page.text("NextKeyMarker"), page.text("NextVersionIdMarker")) == ("true", "a", a2)
    assert await versions(house, f"&key-marker=a&version-id-marker={a2}") == [f"a {a1}", f"b {b1}*"]
    assert await versions(house, "&key-marker=a") == [f"b {b1}*"]


async def test_names_of_versions_are_encoded_on_demand(house: House) -> None:
    await put(house, b"1", "%E5%86%99/+%20")
    page = await listing(house, "encoding-type=url&prefix=%E5%86%99")
    assert (page.text("EncodingType"), page.text("Prefix"), page.text("Version/Key")) == (
        "url",
        "%E5%86%99",
        "%E5%86%99%2F%2B%20",
    )
    page = await listing(house, "encoding-type=url&delimiter=/")
    assert page.texts("CommonPrefixes/Prefix") == ["%E5%86%99%2F"]


@pytest.mark.parametrize(
    "query", ["version-id-marker=x", "max-keys=0", "max-keys=1001", "key-marker=" + "k" * 1024, "encoding-type=hex"]
)
async def test_a_listing_that_breaks_a_rule_is_refused(house: House, query: str) -> None:
    assert (await listing(house, query)).refusal == (400, "InvalidArgument")


async def test_an_unversioned_bucket_has_null_versions() -> None:
    house = await House().with_bucket()
    await house.put("/photos/a")
    assert await versions(house) == ["a null*"]

from __future__ import annotations

import pytest

from coatcheck.core.digests import update_crc64
from coatcheck.oss.copy_source import read_source
from coatcheck.ports.bucket import NewBucket

from .house import ANYBODY, OWNER, STRANGER, Answer, House, together

ENABLED = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
HEADERS = {"content-type": "text/x", "cache-control": "no-store", "x-oss-meta-a": "1", "x-oss-tagging": "k=v"}


@pytest.fixture
async def house() -> House:
    """Two buckets, and in the first a small and a large object."""
    house = await House().with_bucket()
    await house.with_bucket("archive")
    await house.put("/photos/small", b"hello", HEADERS)
    await house.put("/photos/large", b"x" * 100_000, HEADERS)
    house.now += 60
    return house


async def copy(house: House, source: str, to: str = "/photos/copy", headers: dict[str, str] | None = None) -> Answer:
    return await house.ask("PUT", to, headers={"x-oss-copy-source": source, **(headers or {})})


# --- the copy ---


@pytest.mark.parametrize("name", ["small", "large"])
@pytest.mark.parametrize("to", ["/photos/copy", "/archive/small"])
async def test_a_copy_has_everything_but_the_acl(house: House, name: str, to: str) -> None:
    await house.ask("PUT", f"/photos/{name}?acl", headers={"x-oss-object-acl": "public-read"})
    original = await house.ask("GET", f"/photos/{name}")
    blobs = dict(house.store.blobs)
    copied = await copy(house, f"/photos/{name}", to)
    assert copied.status == 200, copied.body
    assert copied.text("ETag") == copied.headers["etag"] == original.headers["etag"]
    assert copied.text("LastModified") == "2026-03-05T07:09:09.000Z"
    assert copied.headers["x-oss-hash-crc64ecma"] == original.headers["x-oss-hash-crc64ecma"]
    assert house.store.blobs == blobs
    got = await house.ask("GET", to)
    assert got.body == original.body
    assert got.headers == {**original.headers, "last-modified": "Thu, 05 Mar 2026 07:09:09 GMT"}
    assert (await house.ask("GET", f"{to}?acl")).text("AccessControlList/Grant") == "default"


async def test_shared_bytes_live_as_long_as_somebody_names_them(house: House) -> None:
    await copy(house, "/photos/large")
    await house.ask("DELETE", "/photos/large")
    assert (await house.ask("GET", "/photos/copy")).body == b"x" * 100_000
    await house.ask("DELETE", "/photos/copy")
    assert not house.store.blobs
    assert not house.catalog.garbage


async def test_metadata_and_tags_are_replaced_when_asked(house: House) -> None:
    given = {"content-type": "image/png", "x-oss-meta-b": "2", "x-oss-tagging": "other=1", "x-oss-storage-class": "IA"}
    await copy(house, "/photos/small", headers=given)
    kept = (await house.ask("GET", "/photos/copy")).headers
    assert (kept["content-type"], kept["x-oss-meta-a"], "x-oss-meta-b" in kept) == ("text/x", "1", False)
    assert kept["x-oss-storage-class"] == "IA"
    assert (await house.ask("GET", "/photos/copy?tagging")).texts("TagSet/Tag/Key") == ["k"]
    for directive in ("REPLACE", "replace"):
        directives = {"x-oss-metadata-directive": directive, "x-oss-tagging-directive": directive}
        await copy(house, "/photos/small", headers={**given, **directives})
        replaced = (await house.ask("GET", "/photos/copy")).headers
        assert (replaced["content-type"], replaced["x-oss-meta-b"]) == ("image/png", "2")
        assert not {"x-oss-meta-a", "cache-control"} & set(replaced)
        assert (await house.ask("GET", "/photos/copy?tagging")).texts("TagSet/Tag/Key") == ["other"]


async def test_a_copy_of_parts_keeps_their_etag_and_type(house: House) -> None:
    begun = await house.ask("POST", "/photos/parts?uploads")
    upload_id = begun.text("UploadId")
    await house.ask("PUT", f"/photos/parts?partNumber=1&uploadId={upload_id}", b"parts")
    done = await house.ask("POST", f"/photos/parts?uploadId={upload_id}", headers={"x-oss-complete-all": "yes"})
    copied = await copy(house, "/photos/parts")
    assert copied.headers["etag"] == done.headers["etag"]
    got = await house.ask("GET", "/photos/copy")
    assert (got.body, got.headers["x-oss-object-type"]) == (b"parts", "Multipart")


async def test_a_copy_replaces_what_was_there(house: House) -> None:
    await house.put("/photos/copy", b"y" * 100_000)
    await copy(house, "/photos/small")
    assert (await house.ask("GET", "/photos/copy")).body == b"hello"
    assert list(house.store.blobs.values()) == [b"x" * 100_000]


# --- onto itself ---


@pytest.mark.parametrize("directive", [{}, {"x-oss-metadata-directive": "COPY"}])
@pytest.mark.parametrize("name", ["small", "large"])
async def test_onto_itself_the_metadata_is_replaced(house: House, name: str, directive: dict[str, str]) -> None:
    await house.ask("PUT", f"/photos/{name}?acl", headers={"x-oss-object-acl": "public-read"})
    before = await house.ask("GET", f"/photos/{name}")
    blobs = dict(house.store.blobs)
    changed = await copy(
        house, f"/photos/{name}", f"/photos/{name}", {"x-oss-meta-new": "yes", "x-oss-storage-class": "IA", **directive}
    )
    assert changed.status == 200, changed.body
    after = await house.ask("GET", f"/photos/{name}")
    assert after.body == before.body
    assert (after.headers["x-oss-meta-new"], after.headers["x-oss-storage-class"]) == ("yes", "IA")
    assert after.headers["last-modified"] == "Thu, 05 Mar 2026 07:09:09 GMT"
    assert not {"x-oss-meta-a", "cache-control"} & set(after.headers)
    assert (await house.ask("GET", f"/photos/{name}?acl")).text("AccessControlList/Grant") == "public-read"
    assert house.store.blobs == blobs


async def test_in_a_versioned_bucket_an_old_version_is_brought_back(house: House) -> None:
    await house.ask("PUT", "/photos/?versioning", ENABLED)
    await house.put("/photos/small", b"newer")
    copied = await copy(house, "/photos/small?versionId=null", "/photos/small")
    assert copied.headers["x-oss-copy-source-version-id"] == "null"
    got = await house.ask("GET", "/photos/small")
    assert (got.body, got.headers["x-oss-version-id"]) == (b"hello", copied.headers["x-oss-version-id"])
    assert got.headers["x-oss-meta-a"] == "1"
    assert len((await house.ask("GET", "/photos/?versions&prefix=small")).texts("Version/Key")) == 3


# --- naming the source ---


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("/photos/a", ("photos", "a", None)),
        ("photos/a", ("photos", "a", None)),
        ("/photos/dir/a%20b", ("photos", "dir/a b", None)),
        ("/photos/dir/a+b%2Bc", ("photos", "dir/a b+c", None)),
        ("/photos/dir%2Fa+b", ("photos", "dir/a b", None)),
        ("/photos/%E5%86%99%252F", ("photos", "写%2F", None)),
        ("/photos/a%3FversionId=x", ("photos", "a?versionId=x", None)),
        ("/photos/a?versionId=CAEQ", ("photos", "a", "CAEQ")),
        ("%2Fphotos%2Fa", ("photos", "a", None)),
    ],
)
def test_a_source_is_decoded_once(text: str, named: tuple[str, str, str | None]) -> None:
    assert read_source(text) == named


@pytest.mark.parametrize(
    ("source", "refusal"),
    [
        ("", (400, "InvalidArgument")),
        ("/", (400, "InvalidArgument")),
        ("/photos", (400, "InvalidArgument")),
        ("/photos/", (400, "InvalidArgument")),
        ("/P/a", (400, "InvalidArgument")),
        ("/photos/%FF", (400, "InvalidObjectName")),
        ("/photos//a", (400, "InvalidObjectName")),
        ("/photos/" + "k" * 1024, (400, "InvalidObjectName")),
        ("/photos/small?versionId=", (400, "InvalidArgument")),
        ("/photos/small?versionId=a%00b", (400, "InvalidArgument")),
        ("/photos/small?versionId=CAEQ", (404, "NoSuchVersion")),
        ("/photos/none", (404, "NoSuchKey")),
        ("/nobody/a", (404, "NoSuchBucket")),
    ],
)
async def test_a_source_that_is_not_there_is_refused(house: House, source: str, refusal: tuple[int, str]) -> None:
    before = house.contents()
    assert (await copy(house, source)).refusal == refusal
    assert house.contents() == before


async def test_a_delete_marker_is_no_source(house: House) -> None:
    await house.ask("PUT", "/photos/?versioning", ENABLED)
    marker = (await house.ask("DELETE", "/photos/small")).headers["x-oss-version-id"]
    for source in ("/photos/small", f"/photos/small?versionId={marker}"):
        assert (await copy(house, source, "/archive/copy")).refusal == (404, "NoSuchKey")
    assert (await copy(house, "/photos/small?versionId=null", "/archive/copy")).status == 200


async def test_an_archived_source_must_be_restored(house: House) -> None:
    await house.put("/photos/cold", b"brr", {"x-oss-storage-class": "Archive"})
    assert (await copy(house, "/photos/cold")).refusal == (403, "InvalidObjectState")


# --- conditions, overwriting, permission ---

ETAG = "5D41402ABC4B2A76B9719D911017C592"
AT, BEFORE = "Thu, 05 Mar 2026 07:08:09 GMT", "Thu, 05 Mar 2026 07:08:08 GMT"


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("if-match", ETAG, 200),
        ("if-match", f'"{ETAG.lower()}"', 200),
        ("if-match", "other", 412),
        ("if-none-match", "other", 200),
        ("if-none-match", ETAG, 304),
        ("if-unmodified-since", AT, 200),
        ("if-unmodified-since", BEFORE, 412),
        ("if-modified-since", BEFORE, 200),
        ("if-modified-since", AT, 304),
        ("if-modified-since", "2026-03-05T07:08:08.000Z", 200),
        ("if-modified-since", "nonsense", 200),
    ],
)
async def test_conditions_are_weighed_on_the_source(house: House, name: str, value: str, status: int) -> None:
    before = house.contents()
    answer = await copy(house, "/photos/small", headers={f"x-oss-copy-source-{name}": value})
    assert answer.status == status
    if status == 412:
        assert answer.text("Condition") == {"if-match": "If-Match"}.get(name, "If-Unmodified-Since")
    if status != 200:
        assert house.contents() == before


@pytest.mark.parametrize("name", ["If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"])
async def test_plain_conditions_are_ignored(house: House, name: str) -> None:
    """ali-oss sends each condition twice: as x-oss-copy-source-if-match, and as If-Match."""
    value = {"If-None-Match": ETAG, "If-Unmodified-Since": BEFORE}.get(name, "other")
    assert (await copy(house, "/photos/small", headers={name: value})).status == 200


async def test_a_type_that_is_not_given_stays_when_metadata_is_replaced(house: House) -> None:
    given = {"x-oss-metadata-directive": "REPLACE", "x-oss-meta-b": "2"}
    for to in ("/photos/copy", "/photos/small"):
        await copy(house, "/photos/small", to, given)
        kept = (await house.ask("GET", to)).headers
        assert (kept["content-type"], kept["x-oss-meta-b"], "x-oss-meta-a" in kept) == ("text/x", "2", False)


async def test_what_decrypts_an_object_survives_when_metadata_is_replaced(house: House) -> None:
    """The client keeps it with the object; without it, nobody could read the copy."""
    crypto = {"x-oss-meta-client-side-encryption-key": "a2V5", "x-oss-meta-client-side-encryption-cek-alg": "AES/CTR"}
    await house.put("/photos/secret", b"sealed", {**crypto, "x-oss-meta-a": "1"})
    for to in ("/photos/copy", "/photos/secret"):
        given = {"x-oss-metadata-directive": "REPLACE", "x-oss-meta-client-side-encryption-key": "bmV3"}
        await copy(house, "/photos/secret", to, given)
        kept = (await house.ask("GET", to)).headers
        assert kept["x-oss-meta-client-side-encryption-key"] == "bmV3"
        assert kept["x-oss-meta-client-side-encryption-cek-alg"] == "AES/CTR"
        assert "x-oss-meta-a" not in kept


async def test_overwriting_can_be_forbidden(house: House) -> None:
    forbid = {"x-oss-forbid-overwrite": "true"}
    assert (await copy(house, "/photos/small", headers=forbid)).status == 200
    before = house.contents()
    assert (await copy(house, "/photos/large", headers=forbid)).refusal == (409, "FileAlreadyExists")
    assert (await copy(house, "/photos/copy", "/photos/copy", forbid)).refusal == (409, "FileAlreadyExists")
    assert house.contents() == before


@pytest.mark.parametrize(
    "headers",
    [
        {"x-oss-metadata-directive": "MOVE"},
        {"x-oss-tagging-directive": ""},
        {"x-oss-object-acl": "secret"},
        {"x-oss-storage-class": "Frozen"},
        {"x-oss-tagging": "a=1&a=2", "x-oss-tagging-directive": "Replace"},
        {"x-oss-forbid-overwrite": "maybe"},
    ],
)
async def test_a_copy_that_breaks_a_rule_changes_nothing(house: House, headers: dict[str, str]) -> None:
    before = house.contents()
    for to in ("/photos/copy", "/photos/small"):
        assert (await copy(house, "/photos/small", to, headers)).refusal == (400, "InvalidArgument")
    assert house.contents() == before


async def test_a_refused_copy_leaves_no_encrypted_bytes(house: House) -> None:
    await copy(house, "/photos/small")
    before = house.contents()
    headers = {"x-oss-forbid-overwrite": "true", "x-oss-server-side-encryption": "AES256"}
    for to in ("/photos/copy", "/photos/large"):
        assert (await copy(house, "/photos/large", to, headers)).refusal == (409, "FileAlreadyExists")
    assert house.contents() == before


async def test_a_copy_needs_the_right_to_read_its_source(house: House) -> None:
    theirs = House(catalog=house.catalog, store=house.store)
    made = await theirs.ask("PUT", "/theirs/", by=STRANGER)
    assert made.status == 200
    headers = {"x-oss-copy-source": "/photos/small"}
    assert (await theirs.ask("PUT", "/theirs/a", headers=headers, by=STRANGER)).refusal == (403, "AccessDenied")
    missing = {"x-oss-copy-source": "/photos/none"}
    assert (await theirs.ask("PUT", "/theirs/a", headers=missing, by=STRANGER)).refusal == (403, "AccessDenied")
    await house.ask("PUT", "/photos/small?acl", headers={"x-oss-object-acl": "public-read"})
    assert (await theirs.ask("PUT", "/theirs/a", headers=headers, by=STRANGER)).status == 200
    for by, to in ((STRANGER, "/photos/a"), (ANYBODY, "/photos/a"), (OWNER, "/theirs/b")):
        assert (await theirs.ask("PUT", to, headers=headers, by=by)).refusal == (403, "AccessDenied")


async def test_buckets_of_different_regions_do_not_copy() -> None:
    house = House(regions=("cn-hangzhou", "cn-shanghai"))
    await house.with_bucket()
    elsewhere = NewBucket("elsewhere", OWNER.account, "cn-shanghai", "private", "Standard", "LRS", 0)
    await house.catalog.create_bucket(elsewhere, most=100)
    await house.put("/photos/a")
    assert (await copy(house, "/photos/a", "/elsewhere/a")).refusal == (403, "AccessDenied")


async def test_copies_and_writes_at_once_leave_whole_objects(house: House) -> None:
    """A source that is replaced while it is copied gives the old bytes or the new ones."""
    bodies = [bytes([number]) * 100_000 for number in range(6)]
    puts = [house.ask("PUT", "/photos/large", body) for body in bodies]
    copies = [copy(house, "/photos/large", f"/photos/copy-{number}") for number in range(6)]
    answers = await together(*(task for pair in zip(puts, copies, strict=True) for task in pair))
    assert {answer.status for answer in answers} == {200}
    for number in range(6):
        got = await house.ask("GET", f"/photos/copy-{number}")
        assert got.body in (b"x" * 100_000, *bodies)
        assert got.headers["x-oss-hash-crc64ecma"] == str(update_crc64(got.body))

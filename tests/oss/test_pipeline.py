"""The corridor as a whole: in which order it says no, and what leaves by its one way out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from email.utils import formatdate
from itertools import product

import pytest

from coatcheck import Credentials, sign_request
from coatcheck.engines.memory import MemoryCatalog
from coatcheck.engines.memory_bytes import MemoryByteStore
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import Deleted, NoSpace
from coatcheck.ports.keyring import AccessKey
from coatcheck.ports.object import Deletion

from .house import ANYBODY, NOW, OWNER, REQUEST_ID, STRANGER, House

CALLERS = {"owner": OWNER, "stranger": STRANGER, "anybody": ANYBODY}
READABLE = {"public-read", "public-read-write"}
WRITABLE = {"public-read-write"}


@pytest.fixture
async def house() -> House:
    return await House().with_bucket()


# --- permissions, all the way through ---


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("bucket_acl", ["private", "public-read", "public-read-write"])
@pytest.mark.parametrize("object_acl", ["default", "private", "public-read", "public-read-write"])
async def test_acls_hold_for_every_operation_on_an_object(caller: str, bucket_acl: str, object_acl: str) -> None:
    house = await House().with_bucket(acl=bucket_acl)
    await house.put("/photos/a.txt", headers={"x-oss-object-acl": object_acl})
    effective = bucket_acl if object_acl == "default" else object_acl
    by = CALLERS[caller]
    reads, writes = by is OWNER or effective in READABLE, by is OWNER or effective in WRITABLE
    for method, address, allowed in (
        ("GET", "/photos/a.txt", reads),
        ("HEAD", "/photos/a.txt", reads),
        ("HEAD", "/photos/a.txt?objectMeta", reads),
        ("GET", "/photos/a.txt?acl", by is OWNER),
        ("PUT", "/photos/a.txt?acl", by is OWNER),
        ("GET", "/photos/", by is OWNER or bucket_acl in READABLE),
        ("GET", "/photos/?list-type=2", by is OWNER or bucket_acl in READABLE),
        ("GET", "/photos/?acl", by is OWNER),
        ("GET", "/photos/?bucketInfo", by is OWNER),
        ("GET", "/photos/?location", by is OWNER),
        ("PUT", "/photos/a.txt", writes),
    ):
        headers = {"x-oss-object-acl": object_acl} if method == "PUT" else {}
        answer = await house.ask(method, address, b"hello" if writes else b"", headers, by=by)
        assert (answer.status == 200) == allowed, (method, address, answer.status)
        assert allowed or answer.status == 403
    assert (await house.ask("DELETE", "/photos/a.txt", by=by)).status == (204 if writes else 403)


@pytest.mark.parametrize(("caller", "bucket_acl"), list(product(CALLERS, ["private", "public-read-write"])))
async def test_the_bucket_itself_is_its_owners(caller: str, bucket_acl: str) -> None:
    house = await House().with_bucket(acl=bucket_acl)
    by = CALLERS[caller]
    expected = 200 if by is OWNER else 403
    headers = {"x-oss-acl": bucket_acl}
    assert (await house.ask("PUT", "/photos/?acl", headers=headers, by=by)).status == expected
    assert (await house.ask("DELETE", "/photos/", by=by)).status == (204 if by is OWNER else 403)


async def test_a_private_bucket_does_not_tell_what_is_missing(house: House) -> None:
    await house.put("/photos/there")
    for by in (STRANGER, ANYBODY):
        there = await house.ask("GET", "/photos/there", by=by)
        missing = await house.ask("GET", "/photos/missing", by=by)
        assert there.refusal == missing.refusal == (403, "AccessDenied")
        assert there.body == missing.body


async def test_a_refused_write_reads_nothing_and_changes_nothing(house: House) -> None:
    before = house.contents()
    assert (await house.ask("PUT", "/photos/a.txt", b"x" * 100_000, by=STRANGER)).refusal == (403, "AccessDenied")
    assert house.contents() == before


async def test_a_link_lets_anybody_do_the_one_thing_it_says(house: House) -> None:
    await house.put("/photos/a.txt")
    await house.put("/photos/b.txt")
    link = house.link("GET", "a.txt", expires=60)
    assert (await house.follow(link)).body == b"hello"
    assert (await house.follow(link)).body == b"hello"
    for changed in (link.replace("a.txt", "b.txt"), link + "&x=y", link + "&acl", link.replace("60&", "61&")):
        assert (await house.follow(changed)).status in (400, 403), changed
    assert (await house.follow(link, "HEAD")).status == 403
    house.now += 61
    late = await house.follow(link)
    assert late.refusal == (403, "AccessDenied")
    assert late.text("Message") == "Request has expired."
    assert (late.text("Expires"), late.text("ServerTime")) == ("2026-03-05T07:09:09.000Z", "2026-03-05T07:09:10.000Z")


async def test_a_link_of_a_stranger_opens_nothing(house: House) -> None:
    await house.put("/photos/a.txt")
    strangers = await house.ask("GET", "/photos/a.txt", by=STRANGER)
    assert strangers.refusal == (403, "AccessDenied")


# --- in which order it says no ---


async def test_the_address_comes_first(house: House) -> None:
    wrong_key = AccessKey("NobodysKey", "nobodys-secret", "3")
    assert (await house.ask("GET", "/photos/a", by=wrong_key, host="evil.test")).refusal == (
        403,
        "NonStandardHostForbidden",
    )
    assert (await house.ask("GET", "/photos//a", by=ANYBODY)).refusal == (400, "InvalidObjectName")


async def test_the_signature_comes_before_the_route(house: House) -> None:
    """Only the signature settles which of two readings of an address was meant, and with it the level of the route."""
    wrong_key = AccessKey("NobodysKey", "nobodys-secret", "3")
    assert (await house.ask("GET", "/photos/a?objectInfo", by=wrong_key)).refusal == (403, "InvalidAccessKeyId")
    assert (await house.ask("GET", "/photos/a?objectInfo", by=ANYBODY)).refusal == (400, "NotImplemented")
    assert (await house.ask("PATCH", "/photos/a")).refusal == (405, "MethodNotAllowed")


@pytest.mark.parametrize("address", ["/nobody/", "/nobody/a", "/nobody/a?legalHold", "/nobody/?live", "/nobody/?acl"])
async def test_that_a_bucket_is_not_there_comes_before_who_asks(house: House, address: str) -> None:
    """SDKs ask so whether a bucket exists, with keys that nobody knows; names of buckets are public."""
    nobody = AccessKey("NobodysKey", "nobodys-secret", "3")
    forger = AccessKey(OWNER.access_key_id, "wrong", "1")
    header = {"authorization": "OSS no-such-id:c2lnbmF0dXJl", "date": formatdate(NOW, usegmt=True)}
    for by in (OWNER, ANYBODY, nobody, forger):
        assert (await house.ask("GET", address, by=by)).refusal == (404, "NoSuchBucket")
        assert (await house.ask("DELETE", address, by=by)).refusal == (404, "NoSuchBucket")
    assert (await house.ask("GET", address, headers=header, by=ANYBODY)).refusal == (404, "NoSuchBucket")


@pytest.mark.parametrize("address", ["/nobody/", "/nobody/?acl"])
async def test_what_may_make_a_bucket_says_first_who_may_not(house: House, address: str) -> None:
    nobody = AccessKey("NobodysKey", "nobodys-secret", "3")
    assert (await house.ask("PUT", address, by=nobody)).refusal == (403, "InvalidAccessKeyId")
    assert (await house.ask("GET", "/", by=nobody)).refusal == (403, "InvalidAccessKeyId")
    assert (await house.ask("GET", "/?regions", by=nobody)).refusal == (403, "InvalidAccessKeyId")


async def test_a_bucket_may_be_made_by_either_reading_of_an_address(house: House) -> None:
    host = "nobody.oss-cn-hangzhou.aliyuncs.com"
    assert (await house.ask("PUT", "/nobody/", host=host)).status == 200


async def test_a_scope_of_elsewhere_comes_before_the_bucket(house: House) -> None:
    elsewhere = await house.ask("GET", "/nobody/a", region="cn-shanghai")
    assert elsewhere.refusal == (400, "InvalidArgument")
    assert elsewhere.text("EC") == "0002-00000226"


async def test_an_id_of_odd_characters_is_refused_where_the_bucket_is(house: House) -> None:
    header = {"authorization": "OSS no-such-id:c2lnbmF0dXJl", "date": formatdate(NOW, usegmt=True)}
    answer = await house.ask("GET", "/photos/a", headers=header, by=ANYBODY)
    assert answer.refusal == (403, "InvalidAccessKeyId")
    assert answer.text("EC") == "0002-00000206"


async def test_the_second_reading_may_be_of_another_level(house: House) -> None:
    await house.put("/photos/a.txt")
    answer = await house.ask("GET", "/photos/", host="photos.oss-cn-hangzhou.aliyuncs.com")
    assert answer.texts("Contents/Key") == ["a.txt"]


async def test_the_signature_comes_before_what_exists_in_a_bucket(house: House) -> None:
    wrong_key = AccessKey("NobodysKey", "nobodys-secret", "3")
    assert (await house.ask("GET", "/photos/a", by=wrong_key)).refusal == (403, "InvalidAccessKeyId")
    wrong_secret = AccessKey(OWNER.access_key_id, "wrong", "1")
    assert (await house.ask("GET", "/photos/a", by=wrong_secret)).refusal == (403, "SignatureDoesNotMatch")


async def test_the_bucket_comes_before_permission(house: House) -> None:
    assert (await house.ask("GET", "/nobody/a", by=ANYBODY)).refusal == (404, "NoSuchBucket")


async def test_permission_comes_before_what_the_request_says(house: House) -> None:
    assert (await house.ask("GET", "/photos/?max-keys=0", by=ANYBODY)).refusal == (403, "AccessDenied")
    assert (await house.ask("GET", "/photos/a?versionId=", by=ANYBODY)).refusal == (403, "AccessDenied")


# --- addresses ---


@pytest.mark.parametrize(
    "endpoint",
    [
        "photos.localhost:8000/",
        "photos.oss-cn-hangzhou.localhost/",
        "photos.oss-cn-hangzhou-internal.localhost/",
        "photos.oss-cn-hangzhou.aliyuncs.com/",
        "oss-cn-hangzhou.localhost/photos/",
        "localhost/photos/",
        "[::1]:8000/photos/",
    ],
)
async def test_one_signature_opens_an_object_by_every_endpoint(house: House, endpoint: str) -> None:
    """OSS signs the resource, not the URL."""
    await house.put("/photos/dir/a.txt", b"same")
    link = house.link("GET", "dir/a.txt")
    assert link.startswith("http://127.0.0.1/photos/dir/a.txt?")
    assert (await house.follow(link.replace("127.0.0.1/photos/", endpoint))).body == b"same"


async def test_the_reading_that_was_signed_is_the_one_that_counts(house: House) -> None:
    """ali-oss with sldEnable and an IP endpoint names the bucket in Host and in the path."""
    await house.put("/photos/a.txt", b"key a.txt")
    await house.put("/photos/photos/a.txt", b"key photos/a.txt")
    host = "photos.oss-cn-hangzhou.aliyuncs.com"
    answer = await house.ask("GET", "/photos/a.txt", host=host)
    assert (answer.body, answer.trace.key) == (b"key a.txt", "a.txt")
    link = house.link("GET", "photos/a.txt", endpoint="http://oss-cn-hangzhou.aliyuncs.com")
    answer = await house.follow(link)
    assert (answer.body, answer.trace.key) == (b"key photos/a.txt", "photos/a.txt")


@pytest.mark.parametrize("host", ["127.0.0.1", "photos.oss-cn-hangzhou.localhost"])
async def test_a_plus_in_a_path_is_what_was_signed(house: House, host: str) -> None:
    await house.put("/photos/a%20b", b"a space")
    await house.put("/photos/a%2Bb", b"a plus")
    for key, content in (("a b", b"a space"), ("a+b", b"a plus")):
        link = house.link("GET", key, endpoint=f"http://{host.removeprefix('photos.')}")
        plain = link.replace("a%20b", "a+b").replace("a%2Bb", "a+b")
        assert plain.partition("?")[0].endswith("/a+b")
        answer = await house.follow(plain)
        assert (answer.body, answer.trace.key) == (content, key)
        assert (await house.follow(plain.replace("a+b", "a%2Bb"))).status == (200 if key == "a+b" else 403)


async def test_a_plus_in_a_path_is_a_space_for_everybody_else() -> None:
    house = await House().with_bucket(acl="public-read")
    await house.put("/photos/a%20b", b"a space")
    await house.put("/photos/a%2Bb", b"a plus")
    assert (await house.ask("GET", "/photos/a+b", by=ANYBODY)).body == b"a space"
    assert (await house.ask("GET", "/photos/a%2Bb", by=ANYBODY)).body == b"a plus"


async def test_a_key_that_is_not_there_says_how_a_plus_is_written() -> None:
    house = await House().with_bucket(acl="public-read")
    await house.put("/photos/a%2Bb")
    missing = await house.ask("GET", "/photos/a+b", by=ANYBODY)
    assert (missing.refusal, missing.text("Key")) == ((404, "NoSuchKey"), "a b")
    assert (
        missing.text("Message") == "The specified key does not exist. A '+' in a path is a space: write a plus as %2B."
    )
    plain = await house.ask("GET", "/photos/a%20c", by=ANYBODY)
    assert plain.text("Message") == "The specified key does not exist."


async def test_a_plus_with_both_readings_of_an_address(house: House) -> None:
    await house.put("/photos/a%2Bb", b"key a+b")
    headers = sign_request(
        "GET",
        "photos",
        "a+b",
        credentials=Credentials(OWNER.access_key_id, OWNER.access_key_secret),
        region="cn-hangzhou",
        now=NOW,
    )
    host = "photos.oss-cn-hangzhou.aliyuncs.com"
    assert (await house.ask("GET", "/photos/a+b", headers=headers, by=ANYBODY, host=host)).body == b"key a+b"


async def test_without_a_signature_the_first_reading_counts() -> None:
    house = await House().with_bucket(acl="public-read")
    await house.put("/photos/a.txt", b"key a.txt")
    answer = await house.ask("GET", "/photos/a.txt", by=ANYBODY, host="photos.oss-cn-hangzhou.aliyuncs.com")
    assert answer.refusal == (404, "NoSuchKey")


# --- preflight ---


async def test_a_preflight_is_refused_as_long_as_there_are_no_rules(house: House) -> None:
    asked = {"origin": "http://example.com", "access-control-request-method": "GET"}
    assert (await house.ask("OPTIONS", "/photos/a", headers=asked, by=ANYBODY)).refusal == (403, "AccessForbidden")
    for missing in asked:
        headers = {name: value for name, value in asked.items() if name != missing}
        answer = await house.ask("OPTIONS", "/photos/a", headers=headers, by=ANYBODY)
        assert answer.refusal == (400, "BadRequest")
    assert (await house.ask("OPTIONS", "/nobody/a", headers=asked, by=ANYBODY)).refusal == (404, "NoSuchBucket")


# --- what must not happen ---


class BrokenCatalog(MemoryCatalog):
    def look_for_bucket(self, name: str) -> Bucket | None:
        raise RuntimeError("the secret of the cellar")


class FullCatalog(MemoryCatalog):
    async def delete_object(self, bucket_id: int, deletion: Deletion) -> Deleted:
        raise NoSpace


async def test_a_bug_is_told_without_detail_and_logged_with_all(caplog: pytest.LogCaptureFixture) -> None:
    house = House(catalog=BrokenCatalog())
    with caplog.at_level(logging.ERROR):
        answer = await house.ask("GET", "/photos/a.txt?x-oss-signature=hunter2")
    assert answer.status in (400, 500)
    answer = await house.ask("GET", "/photos/a.txt")
    assert answer.refusal == (500, "InternalError")
    assert answer.text("Message") == "Please contact the server administrator."
    assert answer.text("RequestId") == REQUEST_ID
    assert b"cellar" not in answer.body
    assert REQUEST_ID in caplog.text
    assert "the secret of the cellar" in caplog.text
    assert "hunter2" not in caplog.text
    assert OWNER.access_key_secret not in caplog.text


async def test_a_bug_met_by_a_head_has_no_body() -> None:
    answer = await House(catalog=BrokenCatalog()).ask("HEAD", "/photos/a.txt")
    assert (answer.status, answer.body, answer.announced) == (500, b"", 0)


async def test_a_full_disk_is_told_whatever_was_asked() -> None:
    house = await House(catalog=FullCatalog()).with_bucket()
    answer = await house.ask("DELETE", "/photos/a.txt")
    assert answer.refusal == (503, "ServiceUnavailable")
    assert answer.trace.refusal == "ServiceUnavailable"


async def test_bytes_that_are_not_removed_stay_remembered(caplog: pytest.LogCaptureFixture) -> None:
    class StuckStore(MemoryByteStore):
        async def remove(self, blob_ids: Sequence[str]) -> None:
            raise OSError("the disk is stuck")

    house = await House(store=StuckStore()).with_bucket()
    await house.put("/photos/a.bin", b"x" * 100_000)
    await house.ask("DELETE", "/photos/a.bin")
    assert (await house.ask("GET", "/photos/a.bin")).refusal == (404, "NoSuchKey")
    assert house.catalog.garbage == set(house.store.blobs)  # recovery finishes it at the next start
    caplog.clear()


# --- the trace, which becomes the log line ---


async def test_the_trace_says_who_did_what_to_what(house: House) -> None:
    trace = (await house.ask("GET", "/photos/dir%2Fa.txt")).trace
    assert (trace.bucket, trace.key, trace.access_key_id) == ("photos", "dir/a.txt", "OwnerKey")
    assert (trace.operation, trace.refusal) == ("get_object", "NoSuchKey")


async def test_a_key_that_did_not_prove_itself_is_not_in_the_trace(house: House) -> None:
    wrong_secret = AccessKey(OWNER.access_key_id, "wrong", "1")
    trace = (await house.ask("GET", "/photos/a.txt", by=wrong_secret)).trace
    assert (trace.access_key_id, trace.refusal) == ("", "SignatureDoesNotMatch")


# --- what a refusal repeats ---


@pytest.mark.parametrize("scheme", ["OSS Somebody:AAAA", "V4"])
async def test_a_refusal_is_not_longer_than_what_asked_for_it(scheme: str) -> None:
    """Headers of 240 KB are in the text that was signed; OSS repeats that text twice."""
    house = await House().with_bucket()
    long = {f"x-oss-meta-{number}": "&" * 8000 for number in range(30)}
    key = AccessKey(OWNER.access_key_id, "another secret", OWNER.account)
    if scheme == "V4":
        answer = await house.ask("PUT", "/photos/a", b"", long, by=key)
    else:
        headers = {**long, "authorization": f"OSS {OWNER.access_key_id}:AAAA", "date": formatdate(NOW, usegmt=True)}
        answer = await house.ask("PUT", "/photos/a", b"", headers, by=None)
    assert answer.refusal == (403, "SignatureDoesNotMatch")
    text = answer.text("CanonicalRequest" if scheme == "V4" else "StringToSign") or ""
    assert " more characters)" in text[-40:]
    assert len(text) < 8300
    assert len(answer.text("StringToSignBytes") or "") <= 8192
    assert len(answer.body) < 120_000


async def test_hosts_and_forms_come_back_cut_too() -> None:
    house = await House().with_bucket()
    answer = await house.ask("GET", "/?Action=GetCallerIdentity", by=None, host="sts." + "a" * 240_000)
    assert len(answer.body) < 10_000
    ranged = {"range": "bytes=99-," + "1" * 240_000, "x-oss-range-behavior": "standard"}
    await house.put("/photos/a")
    answer = await house.ask("GET", "/photos/a", headers=ranged)
    assert answer.refusal == (416, "InvalidRange")
    assert len(answer.body) < 10_000

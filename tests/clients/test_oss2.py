"""PyPI's oss2, the SDK that most Python code out there uses, unmodified, with V4 and V1 signatures."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import oss2
import pytest

from coatcheck import Presigner

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET, FROZEN
from ..server_process import ServerProcess
from .conftest import make_bucket
from .raw import send

pytestmark = pytest.mark.filterwarnings("ignore:.*utcnow.*:DeprecationWarning")  # oss2's own, from Python 3.12 on

KEY = "dir/ü 1+2 %&=.txt"


def an_auth(version: str) -> Any:
    return {"v4": oss2.AuthV4, "v1": oss2.Auth}[version](ACCESS_KEY_ID, ACCESS_KEY_SECRET)


@pytest.fixture(params=["v4", "v1"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store(live_server: ServerProcess, bucket: str, version: str) -> Any:
    return oss2.Bucket(an_auth(version), live_server.endpoint, bucket, region="cn-hangzhou")


def test_object_goes_up_and_comes_down(store: Any) -> None:
    put = store.put_object(KEY, b"hello", headers={"Content-Type": "text/x-hello", "x-oss-meta-colour": "green"})
    assert (put.status, put.etag, put.crc) == (200, "5D41402ABC4B2A76B9719D911017C592", 11177612005948864433)
    got = store.get_object(KEY)
    assert (got.read(), got.content_type, got.headers["x-oss-meta-colour"]) == (b"hello", "text/x-hello", "green")
    assert (got.client_crc, got.server_crc) == (11177612005948864433, 11177612005948864433)
    assert store.get_object(KEY, byte_range=(1, 3)).read() == b"ell"
    assert (store.head_object(KEY).content_length, store.get_object_meta(KEY).content_length) == (5, 5)
    assert store.object_exists(KEY)
    assert store.delete_object(KEY).status == 204
    assert not store.object_exists(KEY)


def test_file_goes_up_and_comes_down(store: Any, tmp_path: Path) -> None:
    body = bytes(range(256)) * 10_000
    (tmp_path / "up").write_bytes(body)
    store.put_object_from_file("file", str(tmp_path / "up"))
    store.get_object_to_file("file", str(tmp_path / "down"))
    assert (tmp_path / "down").read_bytes() == body
    oss2.resumable_download(store, "file", str(tmp_path / "parts"), multiget_threshold=1_000_000, part_size=500_000)
    assert (tmp_path / "parts").read_bytes() == body


def test_generator_goes_up_chunked(store: Any) -> None:
    store.put_object("generated", (b"%d;" % number for number in range(1000)))
    assert store.get_object("generated").read() == b"".join(b"%d;" % number for number in range(1000))


def test_listings_walk_page_by_page(live_server: ServerProcess, version: str) -> None:
    store = oss2.Bucket(an_auth(version), live_server.endpoint, make_bucket(live_server), region="cn-hangzhou")
    keys = ["a b+c", *[f"k/{number}" for number in range(5)], "ü"]
    for key in keys:
        store.put_object(key, b".")
    assert [entry.key for entry in oss2.ObjectIterator(store, max_keys=2)] == keys
    assert [entry.key for entry in oss2.ObjectIteratorV2(store, max_keys=2)] == keys
    grouped = store.list_objects_v2(delimiter="/")
    assert (grouped.prefix_list, [entry.key for entry in grouped.object_list]) == (["k/"], ["a b+c", "ü"])
    assert store.list_objects(prefix="k/", marker="k/2").object_list[0].key == "k/3"


def test_many_are_deleted_at_once(store: Any) -> None:
    keys = ["del/1", "del/ü & <2>"]
    for key in keys:
        store.put_object(key, b".")
    assert sorted(store.batch_delete_objects([*keys, "del/none"]).deleted_keys) == ["del/1", "del/none", "del/ü & <2>"]
    assert not store.object_exists("del/1")


def test_acls_are_set_and_obeyed(live_server: ServerProcess, version: str) -> None:
    bucket = make_bucket(live_server)
    store = oss2.Bucket(an_auth(version), live_server.endpoint, bucket, region="cn-hangzhou")
    store.put_object("coat", b"coat")
    address = f"{live_server.endpoint}/{bucket}/coat"
    assert (store.get_bucket_acl().acl, store.get_object_acl("coat").acl) == ("private", "default")
    store.put_object_acl("coat", oss2.OBJECT_ACL_PUBLIC_READ)
    assert store.get_object_acl("coat").acl == "public-read"
    assert send(address).body == b"coat"
    store.put_object_acl("coat", oss2.OBJECT_ACL_DEFAULT)
    assert send(address).status == 403
    store.put_bucket_acl(oss2.BUCKET_ACL_PUBLIC_READ)
    assert store.get_bucket_acl().acl == "public-read"
    assert send(address).body == b"coat"


def test_buckets_come_and_go(live_server: ServerProcess, version: str) -> None:
    store = oss2.Bucket(an_auth(version), live_server.endpoint, f"oss2-{version}", region="cn-hangzhou")
    store.create_bucket()
    info = store.get_bucket_info()
    assert (info.name, info.location, info.acl.grant) == (f"oss2-{version}", "oss-cn-hangzhou", "private")
    assert store.get_bucket_location().location == "oss-cn-hangzhou"
    service = oss2.Service(an_auth(version), live_server.endpoint, region="cn-hangzhou")
    assert f"oss2-{version}" in [entry.name for entry in oss2.BucketIterator(service)]
    store.put_object("still-here", b"")
    with pytest.raises(oss2.exceptions.BucketNotEmpty):
        store.delete_bucket()
    store.delete_object("still-here")
    store.delete_bucket()
    with pytest.raises(oss2.exceptions.NoSuchBucket):
        store.get_bucket_info()


def test_errors_have_their_own_classes(store: Any, live_server: ServerProcess, bucket: str, version: str) -> None:
    with pytest.raises(oss2.exceptions.NoSuchKey) as caught:
        store.get_object("missing")
    assert (caught.value.status, caught.value.ec) == (404, "0026-00000001")
    assert caught.value.details["Key"] == "missing"
    with pytest.raises(oss2.exceptions.NotFound) as caught:
        store.head_object("missing")
    assert len(caught.value.request_id) == 24
    etag = store.put_object("kept", b"abc").etag
    with pytest.raises(oss2.exceptions.NotModified):
        store.get_object("kept", headers={"If-None-Match": etag})
    with pytest.raises(oss2.exceptions.PreconditionFailed):
        store.get_object("kept", headers={"If-Match": "0"})
    wrong = {"v4": oss2.AuthV4, "v1": oss2.Auth}[version](ACCESS_KEY_ID, "not the secret")
    with pytest.raises(oss2.exceptions.SignatureDoesNotMatch):
        oss2.Bucket(wrong, live_server.endpoint, bucket, region="cn-hangzhou").get_object("kept")


def test_its_links_work(store: Any) -> None:
    put = store.sign_url("PUT", KEY, 60, slash_safe=True, headers={"Content-Type": "text/x-link"})
    assert send(put, "PUT", {"Content-Type": "text/x-link"}, b"by link").status == 200
    for slash_safe in (True, False):
        assert send(store.sign_url("GET", KEY, 60, slash_safe=slash_safe)).body == b"by link"
    assert send(store.sign_url("HEAD", KEY, 60), "HEAD").headers["content-type"] == "text/x-link"
    named = store.sign_url("GET", KEY, 60, params={"response-content-disposition": 'inline; filename="a b.txt"'})
    assert send(named).headers["content-disposition"] == 'inline; filename="a b.txt"'
    assert store.get_object_with_url(store.sign_url("GET", KEY, 60)).read() == b"by link"


def test_virtual_hosted_links_of_a_named_endpoint_work(live_server: ServerProcess, bucket: str, version: str) -> None:
    endpoint = f"http://oss-cn-hangzhou.localhost:{live_server.port}"
    store = oss2.Bucket(an_auth(version), endpoint, bucket, region="cn-hangzhou")
    url = store.sign_url("PUT", "coat", 60)
    assert url.startswith(f"http://{bucket}.oss-cn-hangzhou.localhost:{live_server.port}/coat?")
    assert send(url, "PUT", body=b"coat", connect_to=live_server).status == 200


class FrozenClock(datetime):
    """The clock as oss2 reads it, at one moment."""

    @classmethod
    def utcnow(cls) -> FrozenClock:
        return cls.fromtimestamp(FROZEN, UTC).replace(tzinfo=None)


def test_our_signature_is_its_signature(
    monkeypatch: pytest.MonkeyPatch, live_server: ServerProcess, version: Literal["v4", "v1"]
) -> None:
    monkeypatch.setattr(time, "time", lambda: float(FROZEN))
    monkeypatch.setattr(oss2.auth, "datetime", FrozenClock)
    store = oss2.Bucket(an_auth(version), live_server.endpoint, "examplebucket", region="cn-hangzhou")
    theirs, _, their_query = store.sign_url("GET", KEY, 3600, slash_safe=True).partition("?")
    signer = Presigner(
        ACCESS_KEY_ID,
        ACCESS_KEY_SECRET,
        region="cn-hangzhou",
        endpoint=live_server.endpoint,
        signature_version=version,
    )
    ours, _, our_query = signer.presign("GET", "examplebucket", KEY, expires=3600, now=FROZEN).url.partition("?")
    assert ours == theirs
    assert sorted(our_query.split("&")) == sorted(their_query.split("&"))  # oss2 has an order of its own

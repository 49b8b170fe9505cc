"""Every legal key, through every endpoint, and what HTTP clients of all kinds make of a link."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
import requests

from coatcheck import Presigner

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET, a_presigner
from ..patience import HANG_S
from ..server_process import ServerProcess
from .conftest import Put
from .programs import curl
from .raw import exchange, send

KEYS = [
    "plain.txt",
    "with space.txt",
    "a+b=c&d;e.txt",
    "?leading",
    "#fragment",
    "100%",
    "%2F%00%zz",
    "a//b///c",
    "folder/",
    "üñï-文档-😀.bin",
    "e\u0301 decomposed",
    "tab\tnewline\nreturn\r",
    "\x01\x7f\u0085",
    "'quotes' \"double\" <xml> & ]]>",
    "back\\slash",
    "*~!()'",
    "deep/" * 200 + "x",
    "x" * 1023,
    "文" * 341,
]
DOTTED_KEYS = [".", "..", "../../etc/passwd", "a/./b", "a/../b", "a/..", "...", ".hidden"]


@pytest.mark.parametrize("key", [*KEYS, *DOTTED_KEYS], ids=lambda key: ascii(key)[:24])
def test_key_is_kept_to_the_letter(live_server: ServerProcess, bucket: str, put: Put, key: str) -> None:
    body = key.encode()
    put(key, body)
    answer = send(a_presigner(live_server.endpoint).presign("GET", bucket, key).url)
    assert (answer.status, answer.body) == (200, body)
    assert answer.headers["etag"] == f'"{hashlib.md5(body).hexdigest().upper()}"'


@pytest.mark.parametrize("key", KEYS, ids=lambda key: ascii(key)[:24])
def test_curl_and_requests_take_the_link_as_it_is(live_server: ServerProcess, bucket: str, put: Put, key: str) -> None:
    put(key, b"whatever you have")
    url = a_presigner(live_server.endpoint).presign("GET", bucket, key).url
    assert curl(url).stdout == b"whatever you have"
    assert requests.get(url, timeout=HANG_S).content == b"whatever you have"


def test_dotted_key_goes_out_whole_with_curls_path_as_is(live_server: ServerProcess, bucket: str, put: Put) -> None:
    put("a/../b", b"dots")
    url = a_presigner(live_server.endpoint).presign("GET", bucket, "a/../b").url
    assert curl("--path-as-is", url).stdout == b"dots"


@pytest.mark.parametrize("key", ["x" * 1024, "文" * 341 + "x"])
def test_key_of_more_than_1023_bytes_is_refused(live_server: ServerProcess, bucket: str, key: str) -> None:
    answer = send(f"{live_server.endpoint}/{bucket}/{''.join(f'%{byte:02X}' for byte in key.encode())}")
    assert (answer.status, answer.error["Code"], answer.headers["x-oss-ec"]) == (
        400,
        "InvalidObjectName",
        "0016-00000002",
    )


@pytest.mark.parametrize("path", [b"%ff", b"a%00b", b"%c0%af", b"%ed%a0%80", b"%2fa", b"%5Ca"])
def test_key_that_is_none_is_refused(live_server: ServerProcess, bucket: str, path: bytes) -> None:
    request = b"GET /%s/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n" % (bucket.encode(), path)
    reply = exchange(live_server, request)
    assert reply.startswith(b"HTTP/1.1 400 ")
    assert b"<Code>InvalidObjectName</Code>" in reply


def test_one_link_opens_the_object_through_every_endpoint(live_server: ServerProcess, bucket: str, put: Put) -> None:
    put("coat.txt", b"same coat")
    url = a_presigner(live_server.endpoint).presign("GET", bucket, "coat.txt").url
    query = url.partition("?")[2]
    port = live_server.port
    for host in (
        f"{bucket}.oss-cn-hangzhou.localhost:{port}",
        f"{bucket}.oss-cn-hangzhou-internal.localhost:{port}",
        f"{bucket}.localhost:{port}",
        f"{bucket}.oss-cn-hangzhou.aliyuncs.com",
    ):
        answer = send(f"http://{host}/coat.txt?{query}", connect_to=live_server)
        assert (answer.status, answer.body) == (200, b"same coat"), host
    for host in (f"127.0.0.1:{port}", f"localhost:{port}"):
        answer = send(f"http://{host}/{bucket}/coat.txt?{query}", connect_to=live_server)
        assert (answer.status, answer.body) == (200, b"same coat"), host


def test_strange_host_is_turned_away(live_server: ServerProcess, bucket: str) -> None:
    answer = send(f"http://files.example.com/{bucket}/a", connect_to=live_server)
    assert (answer.status, answer.error["Code"]) == (403, "NonStandardHostForbidden")


def test_v1_link_works_too(live_server: ServerProcess, bucket: str, put: Put) -> None:
    put("v1 é.txt", b"old ticket")
    signer = Presigner(
        ACCESS_KEY_ID,
        ACCESS_KEY_SECRET,
        region="cn-hangzhou",
        endpoint=live_server.endpoint,
        signature_version="v1",
    )
    assert curl(signer.presign("GET", bucket, "v1 é.txt").url).stdout == b"old ticket"


def test_curl_downloads_twice_and_both_are_the_file(
    live_server: ServerProcess, bucket: str, put: Put, tmp_path: Path
) -> None:
    body = os.urandom(3_000_001)
    put("twice.bin", body)
    url = a_presigner(live_server.endpoint).presign("GET", bucket, "twice.bin").url
    for name in ("first", "second"):
        curl("--output", str(tmp_path / name), url)
        assert (tmp_path / name).read_bytes() == body


def test_curl_resumes_where_it_stopped(live_server: ServerProcess, bucket: str, put: Put, tmp_path: Path) -> None:
    body = os.urandom(1_000_000)
    put("resume.bin", body)
    url = a_presigner(live_server.endpoint).presign("GET", bucket, "resume.bin").url
    (tmp_path / "partial").write_bytes(body[:400_000])
    curl("--continue-at", "-", "--output", str(tmp_path / "partial"), url)
    assert (tmp_path / "partial").read_bytes() == body


def test_curl_uploads_through_a_link(live_server: ServerProcess, bucket: str, tmp_path: Path) -> None:
    body = os.urandom(2_000_000)  # larger than curl's threshold for Expect: 100-continue
    (tmp_path / "up.bin").write_bytes(body)
    signer = a_presigner(live_server.endpoint)
    curl("--fail", "--upload-file", str(tmp_path / "up.bin"), signer.presign("PUT", bucket, "up.bin").url)
    assert send(signer.presign("GET", bucket, "up.bin").url).body == body


def test_curl_uploads_a_stream_of_unknown_length(live_server: ServerProcess, bucket: str, tmp_path: Path) -> None:
    body = os.urandom(700_000)
    (tmp_path / "up.bin").write_bytes(body)
    signer = a_presigner(live_server.endpoint)
    url = signer.presign("PUT", bucket, "chunked.bin").url
    curl("--fail", "--upload-file", str(tmp_path / "up.bin"), "--header", "Transfer-Encoding: chunked", url)
    assert send(signer.presign("GET", bucket, "chunked.bin").url).body == body


def test_client_that_offers_to_upgrade_to_http2_is_answered_in_http1(
    live_server: ServerProcess, bucket: str, put: Put, tmp_path: Path
) -> None:
    """As curl and Java's own client do over plain HTTP; with a body too."""
    put("h2.txt", b"over one")
    signer = a_presigner(live_server.endpoint)
    format_ = ("--http2", "--write-out", "\n%{http_version} %{http_code}")
    assert curl(*format_, signer.presign("GET", bucket, "h2.txt").url).stdout == b"over one\n1.1 200"
    (tmp_path / "up.bin").write_bytes(b"x" * 100_000)
    upload = signer.presign("PUT", bucket, "up.bin").url
    assert curl(*format_, "--upload-file", str(tmp_path / "up.bin"), upload).stdout == b"\n1.1 200"
    assert send(signer.presign("GET", bucket, "up.bin").url).body == b"x" * 100_000


def test_client_that_speaks_http2_unasked_is_told_in_http1(live_server: ServerProcess) -> None:
    said = exchange(live_server, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
    assert said.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"<Code>InvalidRequest</Code>" in said


def test_requests_streams_a_download(live_server: ServerProcess, bucket: str, put: Put) -> None:
    body = os.urandom(5_000_000)
    put("stream.bin", body)
    url = a_presigner(live_server.endpoint).presign("GET", bucket, "stream.bin").url
    with requests.get(url, stream=True, timeout=HANG_S) as reply:
        assert reply.headers["Content-Length"] == "5000000"
        assert b"".join(reply.iter_content(100_000)) == body


def test_link_may_be_used_as_often_as_one_likes_on_one_connection(
    live_server: ServerProcess, bucket: str, put: Put
) -> None:
    put("again.txt", b"again")
    url = a_presigner(live_server.endpoint).presign("GET", bucket, "again.txt").url
    with requests.Session() as session:
        assert {session.get(url, timeout=HANG_S).content for _ in range(50)} == {b"again"}


@pytest.mark.parametrize(
    ("asked", "status", "first", "stop"),
    [
        ("bytes=0-0", 206, 0, 1),
        ("bytes=10-19", 206, 10, 20),
        ("bytes=90-", 206, 90, 100),
        ("bytes=-5", 206, 95, 100),
        ("bytes=50-200", 200, 0, 100),
        ("bytes=200-", 200, 0, 100),
        ("nonsense", 200, 0, 100),
    ],
)
def test_range_of_a_link_is_answered_as_oss_does(
    live_server: ServerProcess, bucket: str, put: Put, asked: str, status: int, first: int, stop: int
) -> None:
    body = bytes(range(100))
    put("ranged.bin", body)
    url = a_presigner(live_server.endpoint).presign("GET", bucket, "ranged.bin").url
    answer = send(url, headers={"Range": asked})
    assert (answer.status, answer.body) == (status, body[first:stop])
    assert answer.headers.get("content-range") == (f"bytes {first}-{stop - 1}/100" if status == 206 else None)


def test_standard_range_beyond_the_end_is_refused(live_server: ServerProcess, bucket: str, put: Put) -> None:
    put("ranged.bin", bytes(100))
    behaviour = {"x-oss-range-behavior": "standard"}
    url = a_presigner(live_server.endpoint).presign("GET", bucket, "ranged.bin", headers=behaviour).url
    answer = send(url, headers={"Range": "bytes=100-", **behaviour})
    assert (answer.status, answer.error["Code"]) == (416, "InvalidRange")


def test_conditions_are_kept(live_server: ServerProcess, bucket: str, put: Put) -> None:
    etag = put("kept.txt", b"abc").headers["etag"]
    url = a_presigner(live_server.endpoint).presign("GET", bucket, "kept.txt").url
    assert send(url, headers={"If-Match": etag}).status == 200
    assert send(url, headers={"If-None-Match": etag}).status == 304
    assert send(url, headers={"If-Match": '"0"'}).status == 412
    modified = send(url).headers["last-modified"]
    assert send(url, headers={"If-Modified-Since": modified}).status == 304
    assert send(url, headers={"If-Unmodified-Since": "Thu, 01 Jan 2015 00:00:00 GMT"}).status == 412


def test_download_is_named_as_the_signer_chose(live_server: ServerProcess, bucket: str, put: Put) -> None:
    put("a.bin", b"abc")
    url = (
        a_presigner(live_server.endpoint)
        .presign("GET", bucket, "a.bin", download_as="naïve 文档.pdf", response_content_type="application/pdf")
        .url
    )
    answer = send(url)
    assert answer.headers["content-type"] == "application/pdf"
    assert "filename*=UTF-8''na%C3%AFve%20%E6%96%87%E6%A1%A3.pdf" in answer.headers["content-disposition"]


def test_metadata_comes_back_on_get_and_head(live_server: ServerProcess, bucket: str, put: Put) -> None:
    put("meta.txt", b"abc", **{"x-oss-meta-colour": "red", "Content-Type": "text/x-test", "Cache-Control": "no-cache"})
    signer = a_presigner(live_server.endpoint)
    got = send(signer.presign("GET", bucket, "meta.txt").url)
    head = send(signer.presign("HEAD", bucket, "meta.txt").url, "HEAD")
    assert head.body == b""
    for answer in (got, head):
        assert answer.headers["x-oss-meta-colour"] == "red"
        assert answer.headers["content-type"] == "text/x-test"
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["content-length"] == "3"
        assert answer.headers["x-oss-object-type"] == "Normal"
        assert answer.headers["x-oss-storage-class"] == "Standard"
        assert answer.headers["x-oss-hash-crc64ecma"] == "3231342946509354535"
        assert answer.headers["accept-ranges"] == "bytes"

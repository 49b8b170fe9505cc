"""Any request at all gets a reply, and never one that says the server is to blame."""

from __future__ import annotations

import asyncio
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coatcheck import Credentials, sign_request
from coatcheck.oss.table import SUB_RESOURCES
from coatcheck.signing.refusal import PresignError
from coatcheck.wire.query import Query, read_query, write_query
from coatcheck.wire.request import Request

from ..oss.house import NOW, OWNER, GivenBody, House
from ..soak import count

BYTES = st.binary(max_size=40)
TEXTS = BYTES.map(lambda raw: raw.decode("utf-8", "surrogateescape"))
ODD_VALUES = st.sampled_from(
    ["", "0", "-1", "1", "9" * 25, "null", "true", "url", "2", "bytes=0-", "*", "\0", "é", "a=b,c"]
)

OSS_METHODS = st.sampled_from(["GET", "GET", "PUT", "HEAD", "POST", "DELETE", "OPTIONS"])
OSS_PATHS = st.sampled_from([b"/", b"/photos", b"/photos/", b"/photos/a.txt", b"/photos/large", b"/photos/%E5%86%99"])
METHODS = OSS_METHODS | st.text(max_size=8)
PATHS = OSS_PATHS | st.sampled_from([b"*", b""]) | BYTES.map(lambda raw: b"/photos/" + raw)
HOSTS = st.sampled_from(["127.0.0.1", "photos.localhost", "[::1]:80", "oss-cn-hangzhou.localhost"]) | TEXTS
PARAMETERS = st.sampled_from(
    [
        "prefix",
        "marker",
        "delimiter",
        "max-keys",
        "encoding-type",
        "continuation-token",
        "start-after",
        "fetch-owner",
        "list-type",
        "delete",
        "acl",
        "append",
        "position",
        "seal",
        "partNumber",
        "uploadId",
        "uploads",
        "tagging",
        "symlink",
        "restore",
        "versions",
        "versioning",
        "key-marker",
        "version-id-marker",
        "upload-id-marker",
        "part-number-marker",
        "max-uploads",
        "objectMeta",
        "versionId",
        "x-oss-process",
        "x-oss-traffic-limit",
        "response-content-type",
    ]
)
SIGNATURE_PARAMETERS = st.sampled_from(
    [
        "x-oss-signature-version",
        "x-oss-credential",
        "x-oss-date",
        "x-oss-expires",
        "x-oss-signature",
        "OSSAccessKeyId",
        "Expires",
        "Signature",
        "security-token",
    ]
)
NAMES = PARAMETERS | st.sampled_from(sorted(SUB_RESOURCES)) | SIGNATURE_PARAMETERS | TEXTS
HEADERS = st.sampled_from(
    [
        "authorization",
        "range",
        "if-match",
        "if-none-match",
        "if-modified-since",
        "if-unmodified-since",
        "content-length",
        "transfer-encoding",
        "content-md5",
        "content-type",
        "expires",
        "date",
        "x-oss-date",
        "x-oss-acl",
        "x-oss-object-acl",
        "x-oss-storage-class",
        "x-oss-forbid-overwrite",
        "x-oss-range-behavior",
        "x-oss-traffic-limit",
        "x-oss-hash-crc64ecma",
        "x-oss-content-sha256",
        "x-oss-meta-a",
        "x-oss-copy-source",
        "x-oss-copy-source-range",
        "x-oss-copy-source-if-match",
        "x-oss-metadata-directive",
        "x-oss-tagging",
        "x-oss-symlink-target",
        "x-oss-complete-all",
        "origin",
        "access-control-request-method",
    ]
)
BODIES = BYTES | st.sampled_from(
    [
        b"<Delete><Object><Key>a.txt</Key></Object></Delete>",
        b"<Delete><Quiet>true</Quiet><Object><Key/></Object></Delete>",
        b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>",
        b"<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>",
        b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
        b"<RestoreRequest><Days>1</Days></RestoreRequest>",
        b"<CreateBucketConfiguration><StorageClass>IA</StorageClass></CreateBucketConfiguration>",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><Delete>&b;</Delete>",
    ]
)
QUERIES = st.lists(st.tuples(NAMES, ODD_VALUES | TEXTS), max_size=4)
SIGNED_QUERIES = st.lists(st.tuples(PARAMETERS | TEXTS, ODD_VALUES | TEXTS), max_size=3)


async def ask(request: Request) -> int:
    house = await House().with_bucket(acl="public-read-write")
    await house.put("/photos/a.txt")
    await house.put("/photos/large", b"x" * 70_000)
    answer = await house.send(request)
    assert answer.trace.refusal or answer.status < 400
    return answer.status


@pytest.mark.soak(count(2500))
@settings(max_examples=count(2500))
@given(
    METHODS,
    PATHS,
    QUERIES.map(write_query).map(str.encode) | BYTES,
    HOSTS,
    st.dictionaries(HEADERS, ODD_VALUES | TEXTS, max_size=4),
    BODIES,
)
def test_rubbish_is_refused_and_never_breaks_the_server(
    method: str, path: bytes, raw_query: bytes, host: str, headers: dict[str, str], body: bytes
) -> None:
    request = Request(method, path, read_query(raw_query), {"host": host, **headers}, body=GivenBody([body]))
    assert 200 <= asyncio.run(ask(request)) < 500


@pytest.mark.soak(count(2500))
@settings(max_examples=count(2500))
@given(OSS_METHODS, OSS_PATHS, SIGNED_QUERIES, st.dictionaries(HEADERS, ODD_VALUES | TEXTS, max_size=3), BODIES)
def test_so_are_odd_values_of_what_oss_knows(
    method: str, path: bytes, pairs: list[tuple[str, str]], headers: dict[str, str], body: bytes
) -> None:
    """Sent by the owner, so that they reach the operations; those that cannot be signed go unsigned."""
    asyncio.run(_ask_signed(method, path, pairs, headers, body))


async def _ask_signed(
    method: str, path: bytes, pairs: list[tuple[str, str]], headers: dict[str, str], body: bytes
) -> None:
    house = await House().with_bucket()
    await house.put("/photos/a.txt")
    await house.put("/photos/large", b"x" * 70_000)
    answer = await house.send(Request(method, path, *_signed(method, path, pairs, headers), body=GivenBody([body])))
    assert 200 <= answer.status < 500


def _signed(
    method: str, path: bytes, pairs: list[tuple[str, str]], headers: dict[str, str]
) -> tuple[Query, dict[str, str]]:
    """The query and headers that go out; unsigned where the signer finds that they can't be sent."""
    raw_bucket, _, raw_key = path[1:].partition(b"/")
    given = {name: value for name, value in headers.items() if name != "authorization"}
    try:
        signed = sign_request(
            method,
            raw_bucket.decode() or None,
            unquote(raw_key.decode()) or None,
            query=pairs,
            headers=given,
            credentials=Credentials(OWNER.access_key_id, OWNER.access_key_secret),
            region="cn-hangzhou",
            now=NOW,
        )
    except (PresignError, UnicodeError):
        signed = headers
    sent = {name.lower(): value for name, value in signed.items()}
    return read_query(write_query(pairs).encode()), {**sent, "host": "127.0.0.1"}

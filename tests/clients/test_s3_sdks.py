"""SDKs of S3, unmodified: AWS's for JavaScript, Go and Java, and minio-go. Each program is one script over all of the
everyday surface, which says what it saw and how many operations it called; docs/s3.md has a row for each."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import requests

from coatcheck.engines.certificates import tls_files

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET, a_presigner
from ..patience import HANG_S
from ..server_process import ServerProcess, clean_environment
from .builds import go_program, java_program
from .programs import run_node

HERE: Final = Path(__file__).parent
KEY: Final = "dir one/k+1 ü"
HELLO: Final = "5d41402abc4b2a76b9719d911017c592"
LARGE: Final = "85f5ea71635f6dafb9e9ae9d5b92e9df-3"  # 11 MiB in parts of 5 MiB
SUMS: Final = {
    "CRC32": "NhCmhg==",
    "CRC32C": "mnG7TA==",
    "CRC64NVME": "M3eFcAZSQlc=",
    "SHA1": "qvTGHdzF6KLavt4PO0gs2a6pQ00=",
    "SHA256": "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
}


class Shared:
    """A bucket of OSS's, with an object that an SDK of S3 is to read; the SDK puts another."""

    def __init__(self, server: ServerProcess, bucket: str, verify: bool | str = True) -> None:
        self.bucket, self._verify = bucket, verify
        self._signer = a_presigner(server.endpoint)
        made = requests.put(self._signer.presign("PUT", bucket, None).url, verify=verify, timeout=HANG_S)
        assert made.status_code == 200, made.text
        headers = {"x-oss-meta-colour": "red"}
        link = self._signer.presign("PUT", bucket, KEY, headers=headers).url
        assert requests.put(link, data=b"from OSS", headers=headers, verify=verify, timeout=HANG_S).status_code == 200

    def check_back(self) -> None:
        """What the SDK put comes by a link of OSS, with the metadata in OSS's words."""
        link = self._signer.presign("GET", self.bucket, "back").url
        got = requests.get(link, verify=self._verify, timeout=HANG_S)
        assert (got.status_code, got.content, got.headers["x-oss-meta-colour"]) == (200, b"from S3", "green")
        assert got.headers["content-type"] != "application/xml"


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Over TLS SDKs leave chunks unsigned, and let the checksum follow the body."""
    server = ServerProcess(tmp_path_factory.mktemp("s3-tls") / "data", "--tls-self-signed")
    try:
        yield server
        server.stop()
    finally:
        server.kill()


def run_program(words: list[str], *arguments: str) -> dict[str, str]:
    """What the program told, by name."""
    done = subprocess.run(
        [*words, *arguments],
        env=clean_environment(OSS_ACCESS_KEY_ID=ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET=ACCESS_KEY_SECRET),
        capture_output=True,
        text=True,
        timeout=HANG_S,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return dict(line.split("\t", 1) for line in done.stdout.splitlines())


def test_the_sdk_for_go_over_tls(tls_server: ServerProcess) -> None:
    program, ca = go_program("aws", HERE / "go_s3"), str(tls_files(tls_server.data).ca)
    shared = Shared(tls_server, "go-shared", ca)
    assert run_program([program], tls_server.endpoint, "go-v2", shared.bucket, ca) == {
        "again": "BucketAlreadyOwnedByYou",
        "region": "cn-hangzhou",
        "buckets": "1",
        "found region": "cn-hangzhou",
        "etag": f'"{HELLO}"',
        "crc32": "NhCmhg==",
        "get": "hello green text/plain 2 NhCmhg==",
        "range": "el bytes 1-2/5",
        "head": "5 true",
        "unchanged": "NotModified",
        **{algorithm: f"{value} gzip" for algorithm, value in SUMS.items()},
        "upload": f'"{LARGE}" 3 true',
        "download": "true",
        "attributes": "11534336 3 3",
        "listed": "2 7 1",
        "completed": "DSfg9QWHJzk= FULL_OBJECT",
        "aborted": "NoSuchUpload",
        "copy": f'"{HELLO}" red {SUMS["SHA256"]}',
        "pages": "3+0 2+1 2+0 7 list/g &<ü+",
        "old list": "true list/b%20%26%3C%C3%BC%2B",
        "tags": "owner a@example.com",
        "no tags": "NoSuchTagSet",
        "taken": "PreconditionFailed",
        "absent": "NoSuchKey",
        "kept": "PreconditionFailed",
        "lock": "1 7 true",
        "unlocked": "none",
        "versions": "1 true MethodNotAllowed",
        "versioning": "Enabled",
        "get link": "200 text/x-other hello",
        "signed headers": "content-type host x-amz-meta-colour",
        "put link": "200 ",
        "put by link": "text/x-link blue",
        "changed": "403 true",
        "part link": "200 none",
        "other links": "200 204",
        "form": "6 true",
        "no key": "NoSuchKey true",
        "no head": "true",
        "no bucket": "NoSuchBucket",
        "no range": "InvalidRange",
        "bad digest": "BadDigest",
        "bad secret": "SignatureDoesNotMatch",
        "full": "BucketNotEmpty",
        "deleted": "0 none",
        "shared": "from OSS red",
        "operations": "28",
    }
    shared.check_back()


def test_minio_go(live_server: ServerProcess) -> None:
    shared = Shared(live_server, "minio-shared")
    program = go_program("minio", HERE / "go_s3")
    assert run_program([program], live_server.endpoint, "minio-go", shared.bucket) == {
        "again": "BucketAlreadyOwnedByYou",
        "exists": "true false us-east-1",
        "listed": "true",
        "put": f"{HELLO} 5",
        "get": "hello text/plain green 1",
        "range": "el",
        "seek": "lo",
        **{algorithm: f"{value} FULL_OBJECT" for algorithm, value in SUMS.items()},
        "upload": f"{LARGE} true",
        "attributes": "11534336 3 true",
        "open": "1 open/one0",
        "aborted": "NoSuchUpload",
        "copy": f"{HELLO} red 1",
        "compose": "true true",
        "list v1=false recursive=false": "8 list/d &<ü+ list/e &<ü+",
        "list v1=true recursive=false": "8 list/d &<ü+ list/e &<ü+",
        "list v1=false recursive=true": "8 list/d &<ü+ list/dir/one",
        "bucket tags": "team=red NoSuchTagSet",
        "tags": "a+b=c%2Fd",
        "by its host": "hello",
        "policy": "true 200 open true",
        "lifecycle": "1 old tmp/ 7",
        "acl": "1 private",
        "taken": "PreconditionFailed",
        "changed": "PreconditionFailed",
        "get link": "200 text/x-other hello",
        "links": "200 200",
        "named link": "200 403",
        "form": "204  text/plain blue 1",
        "large form": "400 true",
        "versions": "Enabled 1 0 true true 1 false false 1 false false",
        "lock config": "Enabled true",
        "default": "GOVERNANCE 1",
        "retained": "AccessDenied",
        "retention": "GOVERNANCE true",
        "held": "AccessDenied",
        "bypassed": "none",
        "own retention": "GOVERNANCE",
        "let go": "NoSuchObjectLockConfiguration",
        "no head": "NoSuchKey",
        "no key": "NoSuchKey",
        "bad secret": "SignatureDoesNotMatch",
        "full": "BucketNotEmpty",
        "deleted": "none",
        "shared": "from OSS red",
        "operations": "41",
    }
    shared.check_back()


def test_the_sdk_for_java(live_server: ServerProcess) -> None:
    shared = Shared(live_server, "java-shared")
    words = java_program(HERE / "java_s3", HERE / "java_s3" / "src" / "s3", "AwsSdk")
    assert run_program(words, live_server.endpoint, "java-v2", shared.bucket) == {
        "again": "409 BucketAlreadyOwnedByYou",
        "region": "cn-hangzhou",
        "location": "cn-hangzhou",
        "listed": "true",
        "put": f'"{HELLO}" NhCmhg== FULL_OBJECT',
        "get": "hello {colour=green} text/plain 2 null",
        "range": "el bytes 1-2/5",
        "head": "5 true",
        "unchanged": "304 S3Exception",
        "waited": "true",
        **{algorithm: f"{value} gzip" for algorithm, value in SUMS.items() if algorithm != "CRC64NVME"},
        "parts": "4 1",
        "completed": "true COMPOSITE 11534341 4",
        "same": "true 11534341",
        "aborted": "404 NoSuchUpload",
        "copy": f'"{HELLO}" {{colour=red}}',
        "lists": "3+3+1 7 true 2",
        "tags": "a@example.com true 404 NoSuchTagSet",
        "taken": "412 PreconditionFailed",
        "changed": "412 PreconditionFailed",
        "absent": "404 NoSuchKey",
        "kept": "412 PreconditionFailed",
        "versions": "Enabled 1 true 405 MethodNotAllowed",
        "get link": "200 text/x-other hello",
        "signed headers": "[content-type, host, x-amz-meta-colour] false",
        "put link": "200 403",
        "put by link": "text/x-link {colour=blue}",
        "other links": "200 204",
        "no key": "404 NoSuchKey",
        "no head": "404 NoSuchKey",
        "no bucket": "404 NoSuchBucket",
        "no range": "416 InvalidRange",
        "bad digest": "400 BadDigest",
        "bad secret": "403 SignatureDoesNotMatch",
        "full": "409 BucketNotEmpty",
        "deleted": "0 none",
        "shared": "from OSS red",
        "operations": "30",
    }
    shared.check_back()


JAVASCRIPT: Final[dict[str, Any]] = {
    "buckets": {
        "again": "409 BucketAlreadyOwnedByYou",
        "region": "cn-hangzhou",
        "listed": True,
        "owner": True,
        "location": "cn-hangzhou",
        "none": "404 NotFound",
    },
    "put": {"etag": f'"{HELLO}"', "crc32": "NhCmhg==", "type": "FULL_OBJECT"},
    "get": {
        "body": "hello",
        "meta": {"colour": "green"},
        "type": "text/plain",
        "cache": "no-cache",
        "tags": 2,
        "crc32": "NhCmhg==",
        "ranges": "bytes",
        "length": 5,
    },
    "range": {"body": "el", "range": "bytes 1-2/5", "status": 206},
    "head": {"length": 5, "etag": f'"{HELLO}"', "class": True},
    "unchanged": {"none": "304 Unknown", "other": "412 PreconditionFailed"},
    "stream": {"crc32": "TNw5NQ==", "body": "one|two", "same": True, "encoding": True},
    "checksums": SUMS,
    "own key": {"body": "hello", "none": "400 InvalidRequest", "other": "403 AccessDenied"},
    "archived": {
        "instant": "x",
        "cold": "403 InvalidObjectState",
        "restore": 202,
        "class": "DEEP_ARCHIVE",
        "plain": "403 InvalidObjectState",
    },
    "upload": {
        "etag": f'"{LARGE}"',
        "same": True,
        "parts": 3,
        "second": 5242880,
        "tags": [{"Key": "k", "Value": "v"}],
    },
    "by hand": {
        "listed": [[1, 5242880, True], [2, 7, True]],
        "open": [["by hand", True]],
        "refused": "400 InvalidPart",
        "checksum": True,
        "location": True,
        "size": 5242887,
        "parts": 2,
        "same": True,
        "tail": "coat ch",
    },
    "aborted": {"uploads": True, "gone": "404 NoSuchUpload"},
    "copy": {
        "etag": f'"{HELLO}"',
        "meta": {"colour": "green"},
        "replaced": {"colour": "red"},
        "tags": [{"Key": "n", "Value": "1"}],
        "itself": "400 InvalidRequest",
    },
    "lists": {
        "same": True,
        "pages": [3, 3, 2],
        "first": 5,
        "truncated": True,
        "encoded": "list/a%20%26%3C%C3%BC%2B",
        "next": ["list/f &<ü+", "list/g &<ü+"],
    },
    "tags": {
        "TagSet": [{"Key": "ü", "Value": "a +-=._:/@ ü"}],
        "none": [],
        "bare": "404 NoSuchTagSet",
        "bucket": [{"Key": "team", "Value": "red"}],
    },
    "conditions": {
        "taken": "412 PreconditionFailed",
        "changed": "412 PreconditionFailed",
        "absent": "404 NoSuchKey",
        "held": "mine",
        "replaced": 200,
        "kept": "412 PreconditionFailed",
        "released": 204,
    },
    "versions": {
        "status": "Enabled",
        "marker": True,
        "current": "404 NoSuchKey",
        "refused": "405 MethodNotAllowed",
        "pinned": "1",
        "listed": [1, 1, True, 1],
        "copied": True,
        "back": "1",
    },
    "get link": {"status": 200, "body": "hello", "disposition": 'attachment; filename="a b.txt"'},
    "head of a get link": {"status": 403},
    "head link": {"status": 200},
    "range of a link": {"status": 206, "body": "he"},
    "put link": {
        "status": 200,
        "hoisted": True,
        "type": "text/x-link",
        "meta": {"colour": "blue"},
        "other": 403,
        "unsigned": 403,
    },
    "put link once": {"first": 200, "second": 412},
    "part link": {"status": 200, "body": "part"},
    "delete link": {"status": 204},
    "list link": {"status": 200, "found": True},
    "late link": {"status": 403, "expired": True},
    "form": {"stored": "201 form/ü.txt", "body": "hello", "large": "400 EntityTooLarge", "extra": "403 AccessDenied"},
    "documents": {
        "rules": [{"Status": "Enabled", "Expiration": {"Days": 7}, "ID": "old", "Filter": {"Prefix": "tmp/"}}],
        "cors": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "MaxAgeSeconds": 60}],
        "bare": "404 NoSuchBucketPolicy",
        "policy": "s3:DeleteBucket",
        "acl": ["FULL_CONTROL"],
        "notification": ["$metadata"],
    },
    "errors": {
        "key": "404 NoSuchKey",
        "head": "404 NotFound",
        "bucket": "404 NoSuchBucket",
        "range": "416 InvalidRange",
        "digest": "400 BadDigest",
        "upload": "404 NoSuchUpload",
        "full": "409 BucketNotEmpty",
        "named": "400 InvalidBucketName",
        "secret": "403 SignatureDoesNotMatch",
        "id": "403 InvalidAccessKeyId",
        "long": "400 KeyTooLongError",
        "owner": "403 AccessDenied",
    },
    "deletes": {"some": [["list/a &<ü+", True], ["nothing", True]], "quiet": True, "left": 0, "gone": "404 NotFound"},
    "shared": {"body": "from OSS", "colour": "red"},
    "called": {"operations": 39},
}


def test_the_sdk_for_javascript(live_server: ServerProcess) -> None:
    shared = Shared(live_server, "js-shared")
    lines = run_node("aws_sdk_s3.js", "@aws-sdk/client-s3", live_server, bucket="javascript-v3", shared=shared.bucket)
    told: dict[str, Any] = {line.pop("name"): line for line in lines}
    assert told == JAVASCRIPT
    shared.check_back()

"""PyPI's alibabacloud-oss-v2 over everything an object can be: parts, copies, appends, links, tags, versions.

Its helpers are used as they come: uploader, downloader, copier, append-only and file-like objects, paginators, the
client that encrypts, and the asynchronous client.
"""

from __future__ import annotations

import hashlib
import io
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import alibabacloud_oss_v2 as oss
import alibabacloud_oss_v2.aio as oss_aio
import pytest
from alibabacloud_oss_v2.crypto.master_rsa_cipher import MasterRsaCipher
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ..server_process import ServerProcess
from .conftest import make_bucket
from .test_sdk_v2 import a_client, the_error

pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # the SDK never closes its connections
KIB = 1024
NUMBERS = itertools.count(1)
CONTENT = bytes(range(256)) * 4 * 500 + b"the end"  # 500 KiB and a bit


@pytest.fixture(params=["v4", "v1"])
def client(request: pytest.FixtureRequest, live_server: ServerProcess) -> Iterator[Any]:
    return a_client(live_server, request.param)  # type: ignore[no-any-return]  # the SDK is untyped


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "content.bin"
    path.write_bytes(CONTENT)
    return path


def read(client: Any, bucket: str, key: str, **more: Any) -> bytes:
    return client.get_object(oss.GetObjectRequest(bucket=bucket, key=key, **more)).body.content  # type: ignore[no-any-return]


def initiate(client: Any, bucket: str, key: str, **more: Any) -> str:
    begun = client.initiate_multipart_upload(oss.InitiateMultipartUploadRequest(bucket=bucket, key=key, **more))
    return str(begun.upload_id)


# --- parts ---


def test_an_upload_in_parts(client: Any, bucket: str) -> None:
    key = "multi/ü 1+2"
    upload_id = initiate(client, bucket, key, content_type="text/x", metadata={"a": "1"}, tagging="k=v")
    pieces = [CONTENT[:102_400], CONTENT[102_400:300_000], CONTENT[300_000:]]
    parts = []
    for number, piece in enumerate(pieces, 1):
        done = client.upload_part(
            oss.UploadPartRequest(bucket=bucket, key=key, upload_id=upload_id, part_number=number, body=piece)
        )
        assert done.etag == f'"{hashlib.md5(piece).hexdigest().upper()}"'
        parts.append(oss.UploadPart(part_number=number, etag=done.etag))
    listed = client.list_parts(oss.ListPartsRequest(bucket=bucket, key=key, upload_id=upload_id))
    assert [(part.part_number, part.size) for part in listed.parts] == [(1, 102_400), (2, 197_600), (3, 212_007)]
    paged = client.list_parts_paginator(limit=1).iter_page(
        oss.ListPartsRequest(bucket=bucket, key=key, upload_id=upload_id)
    )
    assert [part.part_number for page in paged for part in page.parts] == [1, 2, 3]
    open_uploads = client.list_multipart_uploads_paginator(limit=1).iter_page(
        oss.ListMultipartUploadsRequest(bucket=bucket, prefix="multi/")
    )
    assert [(found.key, found.upload_id) for page in open_uploads for found in page.uploads] == [(key, upload_id)]
    done = client.complete_multipart_upload(
        oss.CompleteMultipartUploadRequest(
            bucket=bucket,
            key=key,
            upload_id=upload_id,
            complete_multipart_upload=oss.CompleteMultipartUpload(parts=parts),
        )
    )
    head = client.head_object(oss.HeadObjectRequest(bucket=bucket, key=key))
    assert (head.etag, head.hash_crc64, head.object_type) == (done.etag, done.hash_crc64, "Multipart")
    assert (head.content_type, head.metadata["a"], head.tagging_count) == ("text/x", "1", 1)
    assert read(client, bucket, key) == CONTENT
    assert read(client, bucket, key, range_header="bytes=102390-102410") == CONTENT[102_390:102_411]


def test_an_aborted_upload_is_gone(client: Any, bucket: str) -> None:
    upload_id = initiate(client, bucket, "aborted")
    client.abort_multipart_upload(oss.AbortMultipartUploadRequest(bucket=bucket, key="aborted", upload_id=upload_id))
    error = the_error(client.list_parts, oss.ListPartsRequest(bucket=bucket, key="aborted", upload_id=upload_id))
    assert (error.status_code, error.code) == (404, "NoSuchUpload")


def test_its_uploader_and_downloader(client: Any, bucket: str, file: Path, tmp_path: Path) -> None:
    request = oss.PutObjectRequest(bucket=bucket, key="uploader")
    up = client.uploader(part_size=100 * KIB, parallel_num=3).upload_file(request, str(file))
    assert up.upload_id
    assert up.hash_crc64
    streamed = client.uploader(part_size=100 * KIB).upload_from(
        oss.PutObjectRequest(bucket=bucket, key="streamed"), io.BytesIO(CONTENT)
    )
    assert streamed.etag == up.etag
    down = tmp_path / "down.bin"
    client.downloader(part_size=70 * KIB, parallel_num=3).download_file(
        oss.GetObjectRequest(bucket=bucket, key="uploader"), str(down)
    )
    assert down.read_bytes() == CONTENT


def test_its_uploader_goes_on_where_it_broke_off(client: Any, bucket: str, file: Path, tmp_path: Path) -> None:
    request = oss.PutObjectRequest(bucket=bucket, key="resumed")
    options = {"part_size": 100 * KIB, "enable_checkpoint": True, "checkpoint_dir": str(tmp_path), "parallel_num": 1}
    uploader = client.uploader(**options)
    send = uploader._client.upload_part
    sent: list[int] = []

    def breaking(part: Any, **more: Any) -> Any:
        if len(sent) == 3:
            raise ConnectionError("unplugged")
        sent.append(part.part_number)
        return send(part, **more)

    uploader._client.upload_part = breaking
    with pytest.raises(Exception, match="unplugged"):
        uploader.upload_file(request, str(file))
    uploader._client.upload_part = send
    client.uploader(**options).upload_file(request, str(file))
    assert read(client, bucket, "resumed") == CONTENT


# --- copies ---


def test_its_copier_copies_in_one_and_in_parts(client: Any, bucket: str, live_server: ServerProcess) -> None:
    other = make_bucket(live_server)
    client.put_object(
        oss.PutObjectRequest(
            bucket=bucket, key="source ü+", body=CONTENT, metadata={"a": "1"}, tagging="k=v", content_type="text/x"
        )
    )
    source = {"source_bucket": bucket, "source_key": "source ü+"}
    for key, options in (("one", {}), ("parts", {"multipart_copy_threshold": 1, "disable_shallow_copy": True})):
        request = oss.CopyObjectRequest(bucket=other, key=key, **source)
        client.copier(part_size=100 * KIB, parallel_num=3, **options).copy(request)
        head = client.head_object(oss.HeadObjectRequest(bucket=other, key=key))
        assert (head.metadata["a"], head.content_type, head.tagging_count) == ("1", "text/x", 1), key
        assert read(client, other, key) == CONTENT
    copied = client.copy_object(
        oss.CopyObjectRequest(bucket=other, key="replaced", metadata_directive="REPLACE", metadata={"b": "2"}, **source)
    )
    head = client.head_object(oss.HeadObjectRequest(bucket=other, key="replaced"))
    assert (head.etag, head.metadata) == (copied.etag, {"b": "2"})
    error = the_error(client.copy_object, oss.CopyObjectRequest(bucket=other, key="x", if_match='"no"', **source))
    assert (error.status_code, error.code) == (412, "PreconditionFailed")


# --- appends, links, tags, restores ---


def test_appends_are_chained_by_position_and_crc(client: Any, bucket: str) -> None:
    key = f"append-{next(NUMBERS)}"
    position, crc = 0, "0"
    for body in (b"hello ", b"world"):
        done = client.append_object(
            oss.AppendObjectRequest(bucket=bucket, key=key, position=position, body=body, init_hash_crc64=crc)
        )
        position, crc = done.next_position, done.hash_crc64
    assert read(client, bucket, key) == b"hello world"
    error = the_error(client.append_object, oss.AppendObjectRequest(bucket=bucket, key=key, position=3, body=b"x"))
    assert (error.status_code, error.code) == (409, "PositionNotEqualToLength")
    assert error.headers["x-oss-next-append-position"] == "11"
    sealed = client.seal_append_object(oss.SealAppendObjectRequest(bucket=bucket, key=key, position="11"))
    assert sealed.sealed_time
    error = the_error(client.append_object, oss.AppendObjectRequest(bucket=bucket, key=key, position=11, body=b"x"))
    assert (error.status_code, error.code) == (409, "ObjectNotAppendable")


def test_its_append_only_and_file_like_objects(client: Any, bucket: str) -> None:
    key = f"file-{next(NUMBERS)}"
    with client.append_file(bucket, key) as log:
        log.write(b"one\n")
        log.write(b"two\n")
    with client.append_file(bucket, key) as log:
        assert log.tell() == 8
        log.write(b"three\n")
    with client.open_file(bucket, key) as opened:
        assert opened.read(4) == b"one\n"
        opened.seek(-6, io.SEEK_END)
        assert opened.read() == b"three\n"


def test_links_and_tags(client: Any, bucket: str) -> None:
    client.put_object(oss.PutObjectRequest(bucket=bucket, key="dir/target ü", body=b"hello"))
    client.put_symlink(oss.PutSymlinkRequest(bucket=bucket, key="link", symlink_target=quote("dir/target ü")))
    told = client.get_symlink(oss.GetSymlinkRequest(bucket=bucket, key="link"))
    assert told.target == "dir/target%20%C3%BC"
    assert read(client, bucket, "link") == b"hello"
    tags = [oss.Tag(key="colour", value="red"), oss.Tag(key="写", value="真 +")]
    client.put_object_tagging(
        oss.PutObjectTaggingRequest(
            bucket=bucket, key="dir/target ü", tagging=oss.Tagging(tag_set=oss.TagSet(tags=tags))
        )
    )
    told = client.get_object_tagging(oss.GetObjectTaggingRequest(bucket=bucket, key="dir/target ü"))
    assert [(tag.key, tag.value) for tag in told.tag_set.tags] == [("colour", "red"), ("写", "真 +")]
    client.delete_object_tagging(oss.DeleteObjectTaggingRequest(bucket=bucket, key="dir/target ü"))
    told = client.get_object_tagging(oss.GetObjectTaggingRequest(bucket=bucket, key="dir/target ü"))
    assert not told.tag_set.tags


def test_an_archived_object_is_restored(client: Any, bucket: str) -> None:
    key = f"cold-{next(NUMBERS)}"
    client.put_object(oss.PutObjectRequest(bucket=bucket, key=key, body=b"brr", storage_class="Archive"))
    error = the_error(client.get_object, oss.GetObjectRequest(bucket=bucket, key=key))
    assert (error.status_code, error.code) == (403, "InvalidObjectState")
    restored = client.restore_object(
        oss.RestoreObjectRequest(bucket=bucket, key=key, restore_request=oss.RestoreRequest(days=1))
    )
    assert restored.status_code == 202
    assert client.head_object(oss.HeadObjectRequest(bucket=bucket, key=key)).restore is not None


def test_counts_and_regions(client: Any, bucket: str) -> None:
    stat = client.get_bucket_stat(oss.GetBucketStatRequest(bucket=bucket))
    assert stat.storage >= 0
    assert client.describe_regions(oss.DescribeRegionsRequest()).region_info[0].region == "oss-cn-hangzhou"


# --- versions ---


def test_versions_of_an_object(client: Any, live_server: ServerProcess) -> None:
    bucket = make_bucket(live_server)
    client.put_bucket_versioning(
        oss.PutBucketVersioningRequest(
            bucket=bucket, versioning_configuration=oss.VersioningConfiguration(status="Enabled")
        )
    )
    assert client.get_bucket_versioning(oss.GetBucketVersioningRequest(bucket=bucket)).version_status == "Enabled"
    first, second = (
        client.put_object(oss.PutObjectRequest(bucket=bucket, key="a", body=body)).version_id for body in (b"1", b"2")
    )
    gone = client.delete_object(oss.DeleteObjectRequest(bucket=bucket, key="a"))
    assert gone.delete_marker
    assert read(client, bucket, "a", version_id=first) == b"1"
    pages = client.list_object_versions_paginator(limit=1).iter_page(oss.ListObjectVersionsRequest(bucket=bucket))
    listed = list(pages)
    assert [found.version_id for page in listed for found in page.version or ()] == [second, first]
    assert [found.version_id for page in listed for found in page.delete_marker or ()] == [gone.version_id]
    error = the_error(client.get_object, oss.GetObjectRequest(bucket=bucket, key="a", version_id=gone.version_id))
    assert (error.status_code, error.code, error.headers["x-oss-delete-marker"]) == (405, "MethodNotAllowed", "true")
    client.copy_object(
        oss.CopyObjectRequest(bucket=bucket, key="a", source_key="a", source_bucket=bucket, source_version_id=first)
    )
    assert read(client, bucket, "a") == b"1"
    client.delete_multiple_objects(
        oss.DeleteMultipleObjectsRequest(
            bucket=bucket,
            objects=[oss.DeleteObject(key="a", version_id=version) for version in (first, second, gone.version_id)],
        )
    )
    left = client.list_object_versions(oss.ListObjectVersionsRequest(bucket=bucket))
    assert len(left.version) == 1
    assert not left.delete_marker


# --- encrypting, and asynchronously ---


def test_its_client_that_encrypts(client: Any, bucket: str) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
    secret = oss.EncryptionClient(client, MasterRsaCipher({"tag": "value"}, public, private))
    secret.put_object(oss.PutObjectRequest(bucket=bucket, key="secret", body=CONTENT))
    assert secret.get_object(oss.GetObjectRequest(bucket=bucket, key="secret")).body.content == CONTENT
    ranged = secret.get_object(
        oss.GetObjectRequest(bucket=bucket, key="secret", range_header="bytes=100-199", range_behavior="standard")
    )
    assert ranged.body.content == CONTENT[100:200]
    assert read(client, bucket, "secret") != CONTENT

    begun = secret.initiate_multipart_upload(
        oss.InitiateMultipartUploadRequest(
            bucket=bucket, key="secret parts", cse_part_size=200 * KIB, cse_data_size=len(CONTENT)
        )
    )
    parts = []
    for number, start in enumerate(range(0, len(CONTENT), 200 * KIB), 1):
        done = secret.upload_part(
            oss.UploadPartRequest(
                bucket=bucket,
                key="secret parts",
                upload_id=begun.upload_id,
                part_number=number,
                cse_multipart_context=begun.cse_multipart_context,
                body=CONTENT[start : start + 200 * KIB],
            )
        )
        parts.append(oss.UploadPart(part_number=number, etag=done.etag))
    listed = secret.list_parts(oss.ListPartsRequest(bucket=bucket, key="secret parts", upload_id=begun.upload_id))
    assert (listed.client_encryption_data_size, listed.client_encryption_part_size) == (len(CONTENT), 200 * KIB)
    secret.complete_multipart_upload(
        oss.CompleteMultipartUploadRequest(
            bucket=bucket,
            key="secret parts",
            upload_id=begun.upload_id,
            complete_multipart_upload=oss.CompleteMultipartUpload(parts=parts),
        )
    )
    assert secret.get_object(oss.GetObjectRequest(bucket=bucket, key="secret parts")).body.content == CONTENT


async def test_its_asynchronous_client(live_server: ServerProcess, bucket: str) -> None:
    config = oss.config.load_default()
    config.credentials_provider = oss.credentials.StaticCredentialsProvider(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
    config.region, config.endpoint = "cn-hangzhou", live_server.endpoint
    async with oss_aio.AsyncClient(config) as client:
        begun = await client.initiate_multipart_upload(
            oss.InitiateMultipartUploadRequest(bucket=bucket, key="aio/multi")
        )
        parts = []
        for number, piece in enumerate((CONTENT[:200_000], CONTENT[200_000:]), 1):
            request = oss.UploadPartRequest(
                bucket=bucket, key="aio/multi", upload_id=begun.upload_id, part_number=number, body=piece
            )
            parts.append(oss.UploadPart(part_number=number, etag=(await client.upload_part(request)).etag))
        await client.complete_multipart_upload(
            oss.CompleteMultipartUploadRequest(
                bucket=bucket,
                key="aio/multi",
                upload_id=begun.upload_id,
                complete_multipart_upload=oss.CompleteMultipartUpload(parts=parts),
            )
        )
        await client.copy_object(
            oss.CopyObjectRequest(bucket=bucket, key="aio/copy", source_bucket=bucket, source_key="aio/multi")
        )
        await client.append_object(oss.AppendObjectRequest(bucket=bucket, key="aio/log", position=0, body=b"line"))
        got = await client.get_object(oss.GetObjectRequest(bucket=bucket, key="aio/copy"))
        assert await got.body.read() == CONTENT
        paginator = client.list_objects_v2_paginator(limit=1)
        keys = []
        async for page in paginator.iter_page(oss.ListObjectsV2Request(bucket=bucket, prefix="aio/")):
            keys += [entry.key for entry in page.contents]
        assert keys == ["aio/copy", "aio/log", "aio/multi"]

"""PyPI's oss2 over parts, copies, appends, links, tags and versions, with its resumable helpers and iterators."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import oss2
import pytest
from oss2.models import (
    BatchDeleteObjectVersion,
    BatchDeleteObjectVersionList,
    BucketVersioningConfig,
    PartInfo,
    Tagging,
    TaggingRule,
)

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ..server_process import ServerProcess
from .conftest import make_bucket

pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # the SDK never closes its connections
CONTENT = bytes(range(256)) * 4 * 500 + b"the end"


@pytest.fixture(params=["v4", "v1"])
def bucket(request: pytest.FixtureRequest, live_server: ServerProcess) -> Iterator[Any]:
    name = make_bucket(live_server)
    auth = oss2.AuthV4(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
    if request.param == "v1":
        auth = oss2.Auth(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
    return oss2.Bucket(auth, live_server.endpoint, name, region="cn-hangzhou")  # type: ignore[no-any-return]


def test_an_upload_in_parts(bucket: Any) -> None:
    upload_id = bucket.init_multipart_upload("multi").upload_id
    bucket.put_object("source", CONTENT)
    parts = [PartInfo(1, bucket.upload_part("multi", upload_id, 1, CONTENT[:200_000]).etag)]
    copied = bucket.upload_part_copy(bucket.bucket_name, "source", (200_000, len(CONTENT) - 1), "multi", upload_id, 2)
    parts.append(PartInfo(2, copied.etag))
    assert [part.part_number for part in oss2.PartIterator(bucket, "multi", upload_id, max_parts=1)] == [1, 2]
    assert [found.upload_id for found in oss2.MultipartUploadIterator(bucket, max_uploads=1)] == [upload_id]
    assert [found.upload_id for found in oss2.ObjectUploadIterator(bucket, "multi")] == [upload_id]
    done = bucket.complete_multipart_upload("multi", upload_id, parts)
    assert done.crc == bucket.head_object("multi").server_crc
    assert bucket.get_object("multi").read() == CONTENT
    all_of_them = bucket.init_multipart_upload("all").upload_id
    bucket.upload_part("all", all_of_them, 1, b"all")
    bucket.complete_multipart_upload("all", all_of_them, None, headers={"x-oss-complete-all": "yes"})
    assert bucket.get_object("all").read() == b"all"


def test_its_resumable_helpers(bucket: Any, tmp_path: Path) -> None:
    file = tmp_path / "content.bin"
    file.write_bytes(CONTENT)
    store = oss2.ResumableStore(root=str(tmp_path / "store"))
    oss2.resumable_upload(
        bucket, "resumable", str(file), store=store, multipart_threshold=1, part_size=100 * 1024, num_threads=3
    )
    down = tmp_path / "down.bin"
    oss2.resumable_download(
        bucket,
        "resumable",
        str(down),
        store=oss2.ResumableDownloadStore(root=str(tmp_path / "downs")),
        multiget_threshold=1,
        part_size=100 * 1024,
        num_threads=3,
    )
    assert down.read_bytes() == CONTENT


def test_copies_appends_links_and_tags(bucket: Any) -> None:
    bucket.put_object("a", b"hello", headers={"x-oss-meta-a": "1", "x-oss-tagging": "k=v"})
    bucket.copy_object(bucket.bucket_name, "a", "b")
    assert bucket.head_object("b").headers["x-oss-meta-a"] == "1"
    bucket.update_object_meta("b", {"x-oss-meta-b": "2"})
    assert bucket.head_object("b").headers["x-oss-meta-b"] == "2"
    done = bucket.append_object("log", 0, b"one")
    assert bucket.append_object("log", done.next_position, b"two", init_crc=done.crc).next_position == 6
    with pytest.raises(oss2.exceptions.PositionNotEqualToLength) as caught:
        bucket.append_object("log", 1, b"x")
    assert caught.value.next_position == 6
    bucket.put_symlink("dir/ü", "link")
    assert bucket.get_symlink("link").target_key == "dir/ü"
    rule = TaggingRule()
    rule.add("colour", "red")
    bucket.put_object_tagging("a", Tagging(rule))
    assert bucket.get_object_tagging("a").tag_set.tagging_rule == {"colour": "red"}
    bucket.delete_object_tagging("a")
    assert bucket.get_object_tagging("a").tag_set.tagging_rule == {}
    assert bucket.get_bucket_stat().object_count == 4


def test_versions(bucket: Any) -> None:
    config = BucketVersioningConfig()
    config.status = oss2.BUCKET_VERSIONING_ENABLE
    bucket.put_bucket_versioning(config)
    assert bucket.get_bucket_versioning().status == "Enabled"
    first, second = bucket.put_object("a", b"1").versionid, bucket.put_object("a", b"2").versionid
    gone = bucket.delete_object("a")
    assert gone.delete_marker
    assert bucket.get_object("a", params={"versionId": first}).read() == b"1"
    listed = bucket.list_object_versions()
    assert [found.versionid for found in listed.versions] == [second, first]
    assert [found.versionid for found in listed.delete_marker] == [gone.versionid]
    names = BatchDeleteObjectVersionList()
    names.append(BatchDeleteObjectVersion(key="a", versionid=first))
    names.append(BatchDeleteObjectVersion(key="a", versionid=gone.versionid))
    bucket.delete_object_versions(names)
    assert bucket.get_object("a").read() == b"2"
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        bucket.get_object("a", params={"versionId": first})
    assert caught.value.code == "NoSuchVersion"


@pytest.mark.filterwarnings("ignore:The 'warn' method is deprecated:DeprecationWarning")  # the SDK's own call
def test_its_bucket_that_encrypts(bucket: Any, tmp_path: Path) -> None:
    provider = oss2.LocalRsaProvider(dir=os.fspath(tmp_path), key="coat")
    secret = oss2.CryptoBucket(bucket.auth, bucket.endpoint, bucket.bucket_name, provider, region="cn-hangzhou")
    secret.put_object("secret", CONTENT)
    assert secret.get_object("secret").read() == CONTENT
    assert secret.get_object("secret", byte_range=(32, 63)).read() == CONTENT[32:64]
    assert bucket.get_object("secret").read() != CONTENT

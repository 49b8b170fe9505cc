"""minio-py: objects, parts, links, composing, policies, tags, versions, many removed at once."""

import io
import json
import os
import urllib.request
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from minio import Minio
from minio.commonconfig import ENABLED, ComposeSource, CopySource, Tags
from minio.deleteobjects import DeleteObject
from minio.versioningconfig import VersioningConfig

bucket = os.environ["BUCKET"]
client = Minio(
    urlsplit(os.environ["AWS_ENDPOINT_URL"]).netloc,
    access_key=os.environ["AWS_ACCESS_KEY_ID"],
    secret_key=os.environ["AWS_SECRET_ACCESS_KEY"],
    secure=False,
)


def content_of(key: str, **options: int) -> Any:
    with client.get_object(bucket, key, **options) as reply:
        return reply.read()


assert client.bucket_exists(bucket)
assert content_of("from-oss.txt") == b"put by OSS"
client.put_object(bucket, "from-s3.txt", io.BytesIO(b"put by S3"), 9, metadata={"made": "by minio"})
assert client.stat_object(bucket, "from-s3.txt").metadata["x-amz-meta-made"] == "by minio"
client.put_object(bucket, "large", io.BytesIO(bytes(6 * 1024**2)), -1, part_size=5 * 1024**2)
client.compose_object(bucket, "composed", [ComposeSource(bucket, "large"), ComposeSource(bucket, "from-s3.txt")])
assert content_of("composed", offset=6 * 1024**2 - 1) == b"\0put by S3"
client.copy_object(bucket, "copy", CopySource(bucket, "composed"))

with urllib.request.urlopen(client.presigned_get_object(bucket, "from-oss.txt", timedelta(minutes=5))) as reply:
    assert reply.read() == b"put by OSS"
link = client.presigned_put_object(bucket, "by link", timedelta(minutes=5))
urllib.request.urlopen(urllib.request.Request(link, b"linked", method="PUT")).close()
assert content_of("by link") == b"linked"

tags = Tags(for_object=True)
tags["a"] = "b"
client.set_object_tags(bucket, "copy", tags)
assert client.get_object_tags(bucket, "copy") == {"a": "b"}
statement = {
    "Effect": "Allow",
    "Principal": {"AWS": ["*"]},
    "Action": ["s3:GetObject"],
    "Resource": [f"arn:aws:s3:::{bucket}/by*"],
}
policy = {"Version": "2012-10-17", "Statement": [statement]}
client.set_bucket_policy(bucket, json.dumps(policy))
assert json.loads(client.get_bucket_policy(bucket)) == policy
with urllib.request.urlopen(f"{os.environ['AWS_ENDPOINT_URL']}/{bucket}/by%20link") as reply:
    assert reply.read() == b"linked"
client.delete_bucket_policy(bucket)

client.set_bucket_versioning(bucket, VersioningConfig(ENABLED))
second = client.put_object(bucket, "by link", io.BytesIO(b"second"), 6).version_id
versions = [each.version_id for each in client.list_objects(bucket, prefix="by", include_version=True)]
assert versions == [second, "null"], versions
keys = sorted(each.object_name for each in client.list_objects(bucket, recursive=True))
errors = list(client.remove_objects(bucket, [DeleteObject(key) for key in ("copy", "composed", "large")]))
assert not errors, errors
print(keys)

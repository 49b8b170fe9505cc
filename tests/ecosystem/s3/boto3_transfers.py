"""boto3's transfer manager: parts up and down, streams, parts copied, and both ways taken up where they broke off."""

import io
import os
from typing import Any

import boto3
from boto3.s3.transfer import TransferConfig

MIB = 1024**2
bucket = os.environ["BUCKET"]
s3 = boto3.client("s3")
in_parts = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=4)
content = os.urandom(12 * MIB)

assert s3.get_object(Bucket=bucket, Key="from-oss.txt")["Body"].read() == b"put by OSS"
s3.put_object(Bucket=bucket, Key="from-s3.txt", Body=b"put by S3")


class Stream(io.RawIOBase):
    """What can be read once, from its beginning to its end."""

    def __init__(self) -> None:
        self.rest = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self.rest.readinto(buffer)


s3.upload_fileobj(Stream(), bucket, "large", Config=in_parts, ExtraArgs={"Metadata": {"made": "by a stream"}})
received = io.BytesIO()
s3.download_fileobj(bucket, "large", received, Config=in_parts)
assert received.getvalue() == content
assert s3.head_object(Bucket=bucket, Key="large", PartNumber=3)["PartsCount"] == 3

kept = {"Metadata": {"made": "by a stream"}}  # what is copied in parts takes no metadata along, as on S3
s3.copy({"Bucket": bucket, "Key": "large"}, bucket, "copy", Config=in_parts, ExtraArgs=kept)
head = s3.head_object(Bucket=bucket, Key="copy")
assert (head["ContentLength"], head["Metadata"]) == (12 * MIB, {"made": "by a stream"}), head

# An upload that broke off: what the server has isn't sent again.
begun = {
    "Bucket": bucket,
    "Key": "resumed",
    "UploadId": s3.create_multipart_upload(Bucket=bucket, Key="resumed")["UploadId"],
}
s3.upload_part(**begun, PartNumber=1, Body=content[: 5 * MIB])
(found,) = [each for each in s3.list_multipart_uploads(Bucket=bucket)["Uploads"] if each["Key"] == "resumed"]
assert found["UploadId"] == begun["UploadId"], found
parts = {each["PartNumber"]: each for each in s3.list_parts(**begun)["Parts"]}
assert (list(parts), parts[1]["Size"]) == ([1], 5 * MIB), parts
parts[2] = s3.upload_part(**begun, PartNumber=2, Body=content[5 * MIB :])
wanted = [{"PartNumber": number, "ETag": parts[number]["ETag"]} for number in (1, 2)]
etag = s3.complete_multipart_upload(**begun, MultipartUpload={"Parts": wanted})["ETag"]

# A download that broke off: the rest of the same object.
first = s3.get_object(Bucket=bucket, Key="resumed", Range=f"bytes=0-{7 * MIB - 1}", IfMatch=etag)["Body"].read()
rest = s3.get_object(Bucket=bucket, Key="resumed", Range=f"bytes={len(first)}-", IfMatch=etag)
assert (first + rest["Body"].read(), rest["ContentRange"]) == (
    content,
    f"bytes {7 * MIB}-{12 * MIB - 1}/{12 * MIB}",
)
s3.put_object(Bucket=bucket, Key="resumed", Body=b"another")
try:
    s3.get_object(Bucket=bucket, Key="resumed", Range="bytes=1-", IfMatch=etag)
except s3.exceptions.ClientError as error:
    print("resumed, then", error.response["Error"]["Code"])

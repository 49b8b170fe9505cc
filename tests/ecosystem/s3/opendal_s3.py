"""Apache OpenDAL, service s3: reads, writes in parts, conditions, copies, lists, and signs links."""

import asyncio
import os
import urllib.request
from typing import Any

import opendal

options = {"bucket": os.environ["BUCKET"], "endpoint": os.environ["AWS_ENDPOINT_URL"], "region": "us-east-1"}
operator = opendal.Operator("s3", **options)
assert operator.read("from-oss.txt") == b"put by OSS"
operator.write("from-s3.txt", b"put by S3", content_type="text/plain")
with operator.open("dal/large.bin", "wb") as large:
    for number in range(12):
        large.write(bytes([number]) * 1024**2)
assert bytes(operator.read("dal/large.bin", offset=3 * 1024**2 - 1, size=2)) == b"\2\3"
operator.copy("dal/large.bin", "dal/copy +&.ä")
paths = sorted(entry.path for entry in operator.list("dal/"))


async def sent(request: Any, body: bytes | None = None) -> Any:
    asked = urllib.request.Request(request.url, body, dict(request.headers), method=request.method)
    with urllib.request.urlopen(asked) as reply:
        return reply.read()


async def links() -> None:
    signer = opendal.AsyncOperator("s3", **options)
    await sent(await signer.presign_write("dal/linked", 600), b"linked")
    assert await sent(await signer.presign_read("dal/linked", 600)) == b"linked"


asyncio.run(links())
try:
    operator.write("dal/linked", b"again", if_not_exists=True)
except opendal.exceptions.ConditionNotMatch:
    print("kept")
operator.remove_all("dal/")
assert not operator.exists("dal/linked")
print(paths)

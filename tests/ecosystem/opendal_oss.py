"""Apache OpenDAL, service oss: Rust underneath. Reads, writes in parts, copies, lists, and signs a link."""

import asyncio
import os
import urllib.request
from typing import Any

import opendal

options = {
    "bucket": os.environ["BUCKET"],
    "endpoint": os.environ["OSS_ENDPOINT"],
    "access_key_id": os.environ["OSS_ACCESS_KEY_ID"],
    "access_key_secret": os.environ["OSS_ACCESS_KEY_SECRET"],
    "addressing_style": "path",
    "region": "cn-hangzhou",
}
operator = opendal.Operator("oss", **options)
operator.write("dal/a.txt", "hello, wörld".encode())
assert operator.read("dal/a.txt").decode() == "hello, wörld"
assert operator.stat("dal/a.txt").content_length == 13
with operator.open("dal/large.bin", "wb") as large:
    for number in range(12):
        large.write(bytes([number]) * 1024**2)
with operator.open("dal/large.bin", "rb") as large:
    large.seek(3 * 1024**2 - 1)
    assert large.read(1) + large.read(1) == b"\2\3"  # one read ends where a piece of the reply does
operator.copy("dal/a.txt", "dal/b.txt")
paths = sorted(entry.path for entry in operator.list("dal/"))
assert {"dal/a.txt", "dal/b.txt", "dal/large.bin"} <= set(paths), paths


async def a_link() -> Any:
    return await opendal.AsyncOperator("oss", **options).presign_read("dal/b.txt", 600)


request = asyncio.run(a_link())
sent = urllib.request.Request(request.url, headers=dict(request.headers), method=request.method)
with urllib.request.urlopen(sent) as answer:
    assert answer.read().decode() == "hello, wörld"
operator.remove_all("dal/")
assert not operator.exists("dal/a.txt")
print("paths", len(paths))

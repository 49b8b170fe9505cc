"""aiooss2, oss2's asyncio twin: objects, ranges, appends, parts, copies, listing."""

import asyncio
import os

from aiooss2 import AioBucket, AioObjectIterator
from oss2 import AnonymousAuth, Auth  # noqa: F401
from oss2.models import PartInfo

auth = Auth(os.environ["OSS_ACCESS_KEY_ID"], os.environ["OSS_ACCESS_KEY_SECRET"])


async def main() -> None:
    async with AioBucket(auth, os.environ["OSS_ENDPOINT"], os.environ["BUCKET"]) as bucket:
        await bucket.put_object("async/a.txt", b"hello, world")
        result = await bucket.get_object("async/a.txt", byte_range=(7, 11))
        assert await result.resp.read() == b"world"
        appended = await bucket.append_object("async/log", 0, b"one ")
        await bucket.append_object("async/log", appended.next_position, b"two")
        begun = await bucket.init_multipart_upload("async/parts")
        parts = []
        for number, content in enumerate((b"a" * 110_000, b"b"), 1):
            part = await bucket.upload_part("async/parts", begun.upload_id, number, content)
            parts.append(PartInfo(number, part.etag))
        await bucket.complete_multipart_upload("async/parts", begun.upload_id, parts)
        await bucket.copy_object(os.environ["BUCKET"], "async/a.txt", "async/b.txt")
        found = [info.key async for info in AioObjectIterator(bucket, prefix="async/")]
        assert found == ["async/a.txt", "async/b.txt", "async/log", "async/parts"], found
        await bucket.batch_delete_objects(found)
        print("deleted", len(found))


asyncio.run(main())

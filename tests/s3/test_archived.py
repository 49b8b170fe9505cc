"""GLACIER_IR is archived, and read at once."""

from __future__ import annotations

from ..oss.house import House
from .asking import ask


async def test_glacier_ir_is_read_and_copied_at_once_and_oss_goes_by_its_bucket() -> None:
    house = await House().with_bucket()
    assert (await ask(house, "PUT", "/photos/k", b"hello", {"x-amz-storage-class": "GLACIER_IR"})).status == 200
    assert (await ask(house, "GET", "/photos/k")).body == b"hello"
    source = {"x-amz-copy-source": "/photos/k"}
    copied = await ask(house, "PUT", "/photos/copy", headers={**source, "x-amz-storage-class": "STANDARD"})
    assert copied.status == 200
    begun = await ask(house, "POST", "/photos/parts?uploads")
    part = f"/photos/parts?partNumber=1&uploadId={begun.text('{*}UploadId')}"
    assert (await ask(house, "PUT", part, headers=source)).status == 200
    assert (await house.ask("GET", "/photos/k")).refusal == (403, "InvalidObjectState")

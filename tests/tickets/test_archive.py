"""A ticket's folder or list as one ZIP: what is in it, and what it uses up."""

from __future__ import annotations

import io
import zipfile

import pytest

from ..oss.house import House
from .desk import a_house, call, make, refusal, use, with_password


@pytest.fixture
async def house() -> House:
    return await a_house()


def files(body: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


async def test_programs_get_a_folder_as_a_zip(house: House) -> None:
    url = (await make(house, prefix="2026/"))["url"]
    answer = await use(house, url)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/zip")
    assert answer.headers["content-disposition"].startswith('attachment; filename="2026.zip"')
    assert answer.announced == len(answer.body)
    assert files(answer.body) == {
        "2026/b/bird.txt": b"tweet",
        "2026/cat.jpg": b"0123456789",
        "2026/dog.txt": b"woof",
    }


async def test_a_list_too(house: House) -> None:
    url = (await make(house, keys=["2027/none.txt", "2026/dog.txt"]))["url"]
    assert files((await use(house, url, "/?zip")).body) == {"2027/none.txt": b"not yet", "2026/dog.txt": b"woof"}


async def test_a_range_of_it_can_be_had(house: House) -> None:
    url = (await make(house, prefix="2026/"))["url"]
    whole = await use(house, url)
    part = await use(house, url, headers={"range": "bytes=10-", "if-range": whole.headers["etag"]})
    assert (part.status, part.body) == (206, whole.body[10:])
    head = await use(house, url, method="HEAD")
    assert (head.status, head.announced) == (200, len(whole.body))


async def test_it_takes_one_use_of_each_object_all_or_none(house: House) -> None:
    url = (await make(house, prefix="2026/", downloads=1))["url"]
    assert (await use(house, url, "/dog.txt")).status == 200
    assert refusal(await use(house, url)) == (410, "9000-00000023")
    assert (await use(house, url, "/cat.jpg")).status == 200  # the refused ZIP took none
    fresh = (await make(house, prefix="2026/", downloads=1))["url"]
    assert (await use(house, fresh)).status == 200
    assert refusal(await use(house, fresh, "/cat.jpg")) == (410, "9000-00000023")


async def test_a_head_uses_nothing_up(house: House) -> None:
    url = (await make(house, prefix="2026/", downloads=1))["url"]
    assert (await use(house, url, method="HEAD")).status == 200
    assert (await use(house, url)).status == 200


async def test_a_zip_needs_the_password_and_ends_with_the_ticket(house: House) -> None:
    ticket = await make(house, prefix="2026/", password="swordfish")
    assert refusal(await use(house, ticket["url"], "/?zip")) == (401, "9000-00000025")
    assert (await use(house, ticket["url"], "/?zip", headers=with_password("swordfish"))).status == 200
    await call(house, "DELETE", f"links/{ticket['id']}")
    assert (await use(house, ticket["url"], "/?zip", headers=with_password("swordfish"))).status == 410

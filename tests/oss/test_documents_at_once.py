"""Changes of one bucket's documents at the same time: each is made from what is there when it is committed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from .house import OWNER, Answer, GivenBody, House

BLOCK = b"<PublicAccessBlockConfiguration><BlockPublicAccess>true</BlockPublicAccess></PublicAccessBlockConfiguration>"
PUBLIC = (
    b'{"Version":"1","Statement":[{"Effect":"Allow","Action":["oss:GetObject"],"Principal":["*"],'
    b'"Resource":["acs:oss:*:1000000000000001:photos/*"]}]}'
)


@dataclass
class HeldBody(GivenBody):
    """A body that comes when it is let go of, and once."""

    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def chunks(self) -> AsyncIterator[bytes]:
        assert self.taken == 0
        self.taken += 1
        await self.let_go.wait()
        for piece in self.pieces:
            yield piece


async def begin(house: House, method: str, address: str, body: HeldBody, **headers: str) -> asyncio.Task[Answer]:
    """A request that has passed every look at its bucket, and waits in its body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    task = asyncio.create_task(house.ask(method, address, body, named))
    async with asyncio.timeout(30):
        while not body.taken:
            await asyncio.sleep(0)
    return task


async def held(house: House, method: str, address: str, body: bytes) -> tuple[asyncio.Event, asyncio.Task[Answer]]:
    waiting = HeldBody([body])
    return waiting.let_go, await begin(house, method, address, waiting)


@pytest.fixture
async def house() -> House:
    house = House()
    assert (await house.ask("PUT", "/photos")).status == 200
    return house


async def test_sixty_styles_at_once_are_fifty(house: House) -> None:
    style = b"<Style><Content>image/resize,w_100</Content></Style>"
    waiting = [await held(house, "PUT", f"/photos?style&styleName=s{number}", style) for number in range(60)]
    for let_go, _ in waiting:
        let_go.set()
    answers = await asyncio.gather(*(task for _, task in waiting))
    assert sorted(answer.status for answer in answers) == [200] * 50 + [400] * 10
    listed = await house.ask("GET", "/photos?style")
    assert len(listed.texts("Style/Name")) == 50


async def test_a_style_replaced_while_another_is_put_keeps_the_moment_it_was_made(house: House) -> None:
    style = b"<Style><Content>image/resize,w_%d</Content></Style>"
    let_go, late = await held(house, "PUT", "/photos?style&styleName=thumb", style % 2)
    assert (await house.ask("PUT", "/photos?style&styleName=thumb", style % 1)).status == 200
    created = (await house.ask("GET", "/photos?style&styleName=thumb")).text("CreateTime")
    house.now += 3600
    let_go.set()
    assert (await late).status == 200
    assert (await house.ask("GET", "/photos?style&styleName=thumb")).text("CreateTime") == created


async def test_tags_put_beside_a_delete_of_one_stay(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    tag = b"<Tag><Key>%s</Key><Value>1</Value></Tag>"
    tags = b"<Tagging><TagSet>" + tag + tag % b"b" + b"</TagSet></Tagging>"
    assert (await house.ask("PUT", "/photos?tagging", tags % b"a")).status == 200
    change = house.catalog.change_bucket

    async def later(*arguments: object) -> None:
        """Between the look at the bucket and the change, the tags become others."""
        monkeypatch.setattr(house.catalog, "change_bucket", change)
        assert (await house.ask("PUT", "/photos?tagging", tags % b"c")).status == 200
        await change(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(house.catalog, "change_bucket", later)
    assert (await house.ask("DELETE", "/photos?tagging=a")).status == 204
    assert (await house.ask("GET", "/photos?tagging")).texts("TagSet/Tag/Key") == ["c", "b"]


async def test_a_public_policy_that_was_on_its_way_when_public_access_was_blocked_is_refused(house: House) -> None:
    let_go, late = await held(house, "PUT", "/photos?policy", PUBLIC)
    assert (await house.ask("PUT", "/photos?publicAccessBlock", BLOCK)).status == 200
    let_go.set()
    assert (await late).status == 403
    assert (await house.ask("GET", "/photos?policy")).refusal == (404, "NoSuchBucketPolicy")


async def test_a_public_acl_that_was_on_its_way_when_public_access_was_blocked_is_refused(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = house.catalog.change_bucket

    async def later(*arguments: object) -> None:
        monkeypatch.setattr(house.catalog, "change_bucket", change)
        assert (await house.ask("PUT", "/photos?publicAccessBlock", BLOCK)).status == 200
        await change(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(house.catalog, "change_bucket", later)
    answer = await house.ask("PUT", "/photos?acl", headers={"x-oss-acl": "public-read"})
    assert answer.refusal == (403, "AccessDenied")
    assert (await house.ask("GET", "/photos?acl")).text("AccessControlList/Grant") == "private"


async def test_a_public_bucket_that_was_on_its_way_when_the_account_blocked_public_access_is_refused(
    house: House,
) -> None:
    body = HeldBody([b""])
    late = await begin(house, "PUT", "/open", body, x_oss_acl="public-read")
    await house.catalog.set_account_public_access_block(OWNER.account, True)
    body.let_go.set()
    assert (await late).refusal == (403, "AccessDenied")
    assert await house.catalog.find_bucket("open") is None

from __future__ import annotations

from .house import ANYBODY, House


async def test_a_bucket_has_no_live_channels() -> None:
    house = await House().with_bucket()
    answer = await house.ask("GET", "/photos/?live&prefix=a&marker=b&max-keys=7")
    assert answer.status == 200
    assert {element.tag: element.text for element in answer.xml} == {
        "Prefix": "a",
        "Marker": "b",
        "MaxKeys": "7",
        "IsTruncated": "false",
    }
    assert answer.xml.tag == "ListLiveChannelResult"


async def test_live_channels_are_the_owners_affair_and_nothing_else_of_them_is_built() -> None:
    house = await House().with_bucket(acl="public-read")
    assert (await house.ask("GET", "/photos/?live", by=ANYBODY)).refusal == (403, "AccessDenied")
    assert (await house.ask("GET", "/photos/?live&max-keys=0")).refusal == (400, "InvalidArgument")
    for method in ("PUT", "GET", "DELETE"):
        assert (await house.ask(method, "/photos/channel?live")).refusal == (400, "NotImplemented")
    assert (await house.ask("PUT", "/photos/?live")).refusal == (405, "MethodNotAllowed")

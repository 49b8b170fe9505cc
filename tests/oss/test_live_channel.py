"""Live channels: many documents of a bucket, their states, and what there is of streams: nothing."""

from __future__ import annotations

import pytest

from .house import STRANGER, House

TARGET = "<Target><Type>HLS</Type></Target>"
FULL = (
    "<Description>the coats</Description><Status>disabled</Status>"
    "<Target><Type>HLS</Type><FragDuration>10</FragDuration><FragCount>4</FragCount>"
    "<PlaylistName>coats.m3u8</PlaylistName></Target>"
    "<Snapshot><RoleName>r</RoleName><DestBucket>b</DestBucket><NotifyTopic>t</NotifyTopic><Interval>5</Interval>"
    "</Snapshot>"
)


def a_document(inner: str = TARGET) -> bytes:
    return f"<LiveChannelConfiguration>{inner}</LiveChannelConfiguration>".encode()


async def a_house(*names: str, inner: str = TARGET) -> House:
    house = await House().with_bucket()
    for name in names:
        assert (await house.ask("PUT", f"/photos/{name}?live", a_document(inner))).status == 200
    return house


async def test_a_channel_is_made_and_says_where_its_addresses_are() -> None:
    house = await House().with_bucket()
    answer = await house.ask("PUT", "/photos/front%20door?live", a_document())
    assert (answer.status, answer.xml.tag) == (200, "CreateLiveChannelResult")
    assert answer.texts("PublishUrls/Url") == ["rtmp://photos.oss-cn-hangzhou.localhost/live/front%20door"]
    assert answer.texts("PlayUrls/Url") == ["http://127.0.0.1:8000/photos/front%20door/playlist.m3u8"]
    listed = await house.ask("GET", "/photos/?live")
    assert listed.texts("LiveChannel/PlayUrls/Url") == answer.texts("PlayUrls/Url")


async def test_the_play_address_has_the_style_of_the_request() -> None:
    house = await a_house("door")
    host = "photos.oss-cn-hangzhou.localhost:8000"
    link = house.link("GET", None, query={"live": ""}, endpoint="http://oss-cn-hangzhou.localhost:8000")
    answer = await house.follow(link)
    assert answer.texts("LiveChannel/PlayUrls/Url") == [f"http://{host}/door/playlist.m3u8"]


async def test_what_was_put_comes_back() -> None:
    house = await a_house("door", inner=FULL)
    answer = await house.ask("GET", "/photos/door?live")
    assert (answer.status, answer.xml.tag) == (200, "LiveChannelConfiguration")
    assert {element.tag: element.text for element in answer.xml.iter() if not len(element)} == {
        "Description": "the coats",
        "Status": "disabled",
        "Type": "HLS",
        "FragDuration": "10",
        "FragCount": "4",
        "PlaylistName": "coats.m3u8",
        "RoleName": "r",
        "DestBucket": "b",
        "NotifyTopic": "t",
        "Interval": "5",
    }


async def test_what_was_left_out_has_its_default() -> None:
    answer = await (await a_house("door")).ask("GET", "/photos/door?live")
    assert answer.text("Description") == ""
    assert answer.text("Status") == "enabled"
    assert (answer.text("Target/FragDuration"), answer.text("Target/FragCount")) == ("5", "3")
    assert answer.text("Target/PlaylistName") == "playlist.m3u8"
    assert answer.texts("Snapshot") == []


async def test_a_channel_takes_the_place_of_one_of_its_name_and_of_no_object() -> None:
    house = await a_house("door", inner=FULL)
    await house.put("/photos/door", b"an object")
    assert (await house.ask("PUT", "/photos/door?live", a_document())).status == 200
    assert (await house.ask("GET", "/photos/door?live")).text("Status") == "enabled"
    assert (await house.ask("GET", "/photos/door")).body == b"an object"
    assert (await house.ask("DELETE", "/photos/door?live")).status == 204
    assert (await house.ask("DELETE", "/photos/door?live")).status == 204
    assert (await house.ask("GET", "/photos/door")).body == b"an object"


async def test_a_channel_is_idle_or_disabled_and_never_had_a_stream() -> None:
    house = await a_house("door")
    for status, told in (("disabled", "Disabled"), ("enabled", "Idle")):
        assert (await house.ask("PUT", f"/photos/door?live&status={status}")).status == 200
        assert (await house.ask("GET", "/photos/door?live")).text("Status") == status
        stat = await house.ask("GET", "/photos/door?live&comp=stat")
        assert (stat.xml.tag, [(element.tag, element.text) for element in stat.xml]) == (
            *("LiveChannelStat", [("Status", told)]),
        )
    history = await house.ask("GET", "/photos/door?live&comp=history")
    assert (history.status, history.xml.tag, len(history.xml)) == (200, "LiveChannelHistory", 0)


@pytest.mark.parametrize("status", ["", "Enabled", "live"])
async def test_there_is_no_other_status(status: str) -> None:
    house = await a_house("door")
    answer = await house.ask("PUT", f"/photos/door?live&status={status}")
    assert answer.refusal == (400, "InvalidArgument")
    assert (await house.ask("GET", "/photos/door?live")).text("Status") == "enabled"


@pytest.mark.parametrize(
    ("method", "query"),
    [("GET", "live"), ("GET", "live&comp=stat"), ("GET", "live&comp=history"), ("PUT", "live&status=enabled")],
)
async def test_a_channel_that_is_not_there_is_said_to_be_none(method: str, query: str) -> None:
    answer = await (await a_house()).ask(method, f"/photos/door?{query}")
    assert (answer.refusal, answer.text("ChannelName")) == ((404, "NoSuchLiveChannel"), "door")


async def test_channels_are_listed_in_pages_by_name() -> None:
    house = await a_house("a1", "a2", "b", inner=FULL)
    answer = await house.ask("GET", "/photos/?live")
    assert (answer.status, answer.xml.tag) == (200, "ListLiveChannelResult")
    assert answer.texts("LiveChannel/Name") == ["a1", "a2", "b"]
    assert answer.texts("LiveChannel/LastModified") == ["2026-03-05T07:08:09.000Z"] * 3
    assert answer.texts("LiveChannel/Status") == ["disabled"] * 3
    assert (answer.text("MaxKeys"), answer.text("IsTruncated"), answer.text("NextMarker")) == ("100", "false", None)
    first = await house.ask("GET", "/photos/?live&prefix=a&max-keys=1")
    assert (first.texts("LiveChannel/Name"), first.text("IsTruncated"), first.text("NextMarker")) == (
        *(["a1"], "true", "a1"),
    )
    second = await house.ask("GET", "/photos/?live&prefix=a&marker=a1")
    assert (second.texts("LiveChannel/Name"), second.text("Prefix"), second.text("Marker")) == (["a2"], "a", "a1")
    assert (await house.ask("GET", "/photos/?live&max-keys=1001")).refusal == (400, "InvalidArgument")


async def test_the_buckets_statistics_count_channels() -> None:
    house = await a_house("a1", "a2")
    assert (await house.ask("GET", "/photos/?stat")).text("LiveChannelCount") == "2"


async def test_a_bucket_has_at_most_ten_thousand() -> None:
    house = await a_house("door")
    bucket = await house.catalog.find_bucket("photos")
    assert bucket is not None
    for number in range(9_999):
        await house.catalog.change_entry(bucket.bucket_id, "liveChannel", str(number), lambda _: "{}", most=10_000)
    answer = await house.ask("PUT", "/photos/more?live", a_document())
    assert answer.refusal == (400, "BadRequest")
    assert (await house.ask("PUT", "/photos/door?live", a_document())).status == 200


async def test_channels_go_with_their_bucket() -> None:
    house = await a_house("door")
    assert (await house.ask("DELETE", "/photos/")).status == 204
    await house.with_bucket()
    assert (await house.ask("GET", "/photos/door?live")).refusal == (404, "NoSuchLiveChannel")


async def test_strangers_see_no_channel() -> None:
    house = await House().with_bucket(acl="public-read-write")
    await house.ask("PUT", "/photos/door?live", a_document())
    for method, query in (("GET", "live"), ("PUT", "live"), ("DELETE", "live"), ("GET", "live&comp=stat")):
        answer = await house.ask(method, f"/photos/door?{query}", a_document() if method == "PUT" else b"", by=STRANGER)
        assert answer.refusal == (403, "AccessDenied")
    assert (await house.ask("GET", "/photos/?live", by=STRANGER)).refusal == (403, "AccessDenied")


@pytest.mark.parametrize("name", ["a%2Fb", "a" * 65, "%C3%A9" * 33])
async def test_a_name_that_is_none_is_refused(name: str) -> None:
    answer = await (await a_house()).ask("PUT", f"/photos/{name}?live", a_document())
    assert answer.refusal == (400, "InvalidChannelName")


async def test_the_longest_name_is_taken() -> None:
    await a_house("a" * 64)


def a_target(inner: str) -> bytes:
    return a_document(f"<Target><Type>HLS</Type>{inner}</Target>")


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"", "MalformedXML"),
        (a_document(""), "MalformedXML"),
        (a_document("<Target/>"), "MalformedXML"),
        (a_document(TARGET * 2), "MalformedXML"),
        (a_document("<Target><Type>DASH</Type></Target>"), "InvalidArgument"),
        (a_document(f"{TARGET}<Status>live</Status>"), "InvalidArgument"),
        (a_document(f"{TARGET}<Description>{'a' * 129}</Description>"), "InvalidArgument"),
        (a_document(f"{TARGET}<Snapshot/>"), "MalformedXML"),
        (a_document(FULL.replace("<RoleName>r</RoleName>", "")), "MalformedXML"),
        (a_document(FULL.replace("<Interval>5<", "<Interval>0<")), "InvalidArgument"),
        (a_target("<FragDuration>5</FragDuration>"), "MalformedXML"),
        (a_target("<FragDuration>0</FragDuration><FragCount>3</FragCount>"), "InvalidArgument"),
        (a_target("<FragDuration>5</FragDuration><FragCount>101</FragCount>"), "InvalidArgument"),
        (a_target("<FragDuration>5</FragDuration><FragCount>many</FragCount>"), "MalformedXML"),
        (a_target("<PlaylistName>coats.txt</PlaylistName>"), "InvalidRequest"),
        (a_target("<PlaylistName>.m3u8</PlaylistName>"), "InvalidArgument"),
        (a_target(f"<PlaylistName>{'a' * 124}.m3u8</PlaylistName>"), "InvalidArgument"),
    ],
)
async def test_a_document_that_is_none_is_refused(document: bytes, code: str) -> None:
    house = await a_house()
    assert (await house.ask("PUT", "/photos/door?live", document)).refusal == (400, code)
    assert (await house.ask("GET", "/photos/door?live")).status == 404


async def test_a_status_alone_selects_nothing() -> None:
    house = await House().with_bucket()
    await house.put("/photos/a.txt", b"hello")
    assert (await house.ask("GET", "/photos/a.txt?status=enabled")).body == b"hello"


@pytest.mark.parametrize(
    ("method", "address", "refusal"),
    [
        ("POST", "door/a.m3u8?vod&startTime=100&endTime=200", (400, "InvalidRequest")),
        ("GET", "door?vod&startTime=100&endTime=200", (400, "InvalidRequest")),
        ("GET", "window?vod&startTime=100&endTime=200", (404, "NoSuchLiveChannel")),
        ("POST", "window/a.m3u8?vod&startTime=100&endTime=200", (404, "NoSuchLiveChannel")),
        ("POST", "door/a.txt?vod&startTime=100&endTime=200", (400, "InvalidRequest")),
        ("GET", "door?vod&startTime=200&endTime=100", (400, "InvalidArgument")),
        ("GET", "door?vod&startTime=0&endTime=86400", (400, "InvalidArgument")),
        ("GET", "door?vod&startTime=-1&endTime=8", (400, "InvalidArgument")),
        ("GET", "door?vod", (400, "InvalidArgument")),
    ],
)
async def test_nothing_was_ever_recorded(method: str, address: str, refusal: tuple[int, str]) -> None:
    house = await a_house("door")
    before = house.contents()
    assert (await house.ask(method, f"/photos/{address}")).refusal == refusal
    assert (await house.ask(method, f"/photos/{address}", by=STRANGER)).refusal == (403, "AccessDenied")
    assert house.contents() == before

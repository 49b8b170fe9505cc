from __future__ import annotations

from urllib.parse import quote, unquote

import pytest

from .house import ANYBODY, Answer, House

KEYS = ["a.txt", "b/1", "b/2", "b/c/3", "d.txt", "写/真"]


@pytest.fixture
async def house() -> House:
    house = await House().with_bucket(acl="public-read")
    for key in KEYS:
        await house.put(f"/photos/{quote(key)}")
    return house


def shown(answer: Answer) -> tuple[list[str], list[str]]:
    assert (answer.status, answer.xml.tag) == (200, "ListBucketResult"), answer.body
    return answer.texts("Contents/Key"), answer.texts("CommonPrefixes/Prefix")


async def test_a_page_of_the_first_listing(house: House) -> None:
    answer = await house.ask("GET", "/photos/?prefix=b%2Fc&delimiter=%2F%2F&marker=a")
    assert answer.headers["content-type"] == "application/xml"
    assert answer.body.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        "<ListBucketResult>\n"
        "  <Name>photos</Name>\n"
        "  <Prefix>b/c</Prefix>\n"
        "  <Marker>a</Marker>\n"
        "  <MaxKeys>100</MaxKeys>\n"
        "  <Delimiter>//</Delimiter>\n"
        "  <IsTruncated>false</IsTruncated>\n"
        "  <Contents>\n"
        "    <Key>b/c/3</Key>\n"
        "    <LastModified>2026-03-05T07:08:09.000Z</LastModified>\n"
        '    <ETag>"5D41402ABC4B2A76B9719D911017C592"</ETag>\n'
        "    <Type>Normal</Type>\n"
        "    <Size>5</Size>\n"
        "    <StorageClass>Standard</StorageClass>\n"
        "    <Owner>\n"
        "      <ID>1000000000000001</ID>\n"
        "      <DisplayName>1000000000000001</DisplayName>\n"
        "    </Owner>\n"
        "  </Contents>\n"
        "</ListBucketResult>\n"
    )


async def test_a_page_of_the_second_listing(house: House) -> None:
    answer = await house.ask("GET", "/photos/?list-type=2&prefix=b%2Fc&start-after=a")
    assert answer.body.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        "<ListBucketResult>\n"
        "  <Name>photos</Name>\n"
        "  <Prefix>b/c</Prefix>\n"
        "  <StartAfter>a</StartAfter>\n"
        "  <MaxKeys>100</MaxKeys>\n"
        "  <Delimiter></Delimiter>\n"
        "  <IsTruncated>false</IsTruncated>\n"
        "  <Contents>\n"
        "    <Key>b/c/3</Key>\n"
        "    <LastModified>2026-03-05T07:08:09.000Z</LastModified>\n"
        '    <ETag>"5D41402ABC4B2A76B9719D911017C592"</ETag>\n'
        "    <Type>Normal</Type>\n"
        "    <Size>5</Size>\n"
        "    <StorageClass>Standard</StorageClass>\n"
        "  </Contents>\n"
        "  <KeyCount>1</KeyCount>\n"
        "</ListBucketResult>\n"
    )


async def test_an_empty_bucket_has_all_scalar_elements_and_no_others(empty_house: House) -> None:
    await empty_house.with_bucket()
    for address, elements in (
        ("/photos/", ["Name", "Prefix", "Marker", "MaxKeys", "Delimiter", "IsTruncated"]),
        ("/photos/?list-type=2", ["Name", "Prefix", "MaxKeys", "Delimiter", "IsTruncated", "KeyCount"]),
    ):
        answer = await empty_house.ask("GET", address)
        assert [element.tag for element in answer.xml] == elements
        assert b"<Prefix></Prefix>" in answer.body
        assert b"<Delimiter></Delimiter>" in answer.body


@pytest.mark.parametrize("start", ["", "list-type=2&"])
@pytest.mark.parametrize(
    ("query", "keys", "common_prefixes"),
    [
        ("", KEYS, []),
        ("delimiter=%2F", ["a.txt", "d.txt"], ["b/", "写/"]),
        ("prefix=b%2F&delimiter=%2F", ["b/1", "b/2"], ["b/c/"]),
        ("prefix=b&delimiter=%2F", [], ["b/"]),
        ("prefix=b%2F1", ["b/1"], []),
        ("prefix=nothing", [], []),
        ("delimiter=.t", ["b/1", "b/2", "b/c/3", "写/真"], ["a.t", "d.t"]),
        ("prefix=%E5%86%99", ["写/真"], []),
    ],
)
async def test_prefix_and_delimiter(
    house: House, start: str, query: str, keys: list[str], common_prefixes: list[str]
) -> None:
    assert shown(await house.ask("GET", f"/photos/?{start}{query}")) == (keys, common_prefixes)


@pytest.mark.parametrize("start", ["marker=", "list-type=2&start-after="])
@pytest.mark.parametrize(
    ("marker", "query", "keys", "common_prefixes"),
    [
        ("b%2F1", "", ["b/2", "b/c/3", "d.txt", "写/真"], []),
        ("b%2F1x", "", ["b/2", "b/c/3", "d.txt", "写/真"], []),
        ("zzz", "", ["写/真"], []),
        ("b%2F", "&delimiter=%2F", ["d.txt"], ["写/"]),
        ("b%2F1", "&delimiter=%2F", ["d.txt"], ["写/"]),
        ("%E5%86%99%2F%E7%9C%9F", "", [], []),
    ],
)
async def test_a_marker_is_exclusive_and_need_not_exist(
    house: House, start: str, marker: str, query: str, keys: list[str], common_prefixes: list[str]
) -> None:
    assert shown(await house.ask("GET", f"/photos/?{start}{marker}{query}")) == (keys, common_prefixes)


async def test_walking_by_marker_shows_every_item_once(house: House) -> None:
    for delimiter in ("", "%2F"):
        seen: list[str] = []
        marker = ""
        for _ in range(10):
            answer = await house.ask("GET", f"/photos/?max-keys=1&delimiter={delimiter}&marker={quote(marker)}")
            keys, common_prefixes = shown(answer)
            seen += keys + common_prefixes
            if answer.text("IsTruncated") == "false":
                assert answer.xml.find("NextMarker") is None
                break
            marker = answer.text("NextMarker") or ""
            assert [marker] == keys + common_prefixes  # ali-oss and oss2 go on from here alone
        assert seen == (KEYS if not delimiter else ["a.txt", "b/", "d.txt", "写/"])


async def test_walking_by_token_shows_every_item_once(house: House) -> None:
    seen: list[str] = []
    token = ""
    for _ in range(10):
        answer = await house.ask("GET", f"/photos/?list-type=2&max-keys=2&continuation-token={token}&start-after=zzz")
        if not token:  # an empty token is none
            answer = await house.ask("GET", "/photos/?list-type=2&max-keys=2")
        keys, _ = shown(answer)
        assert answer.text("KeyCount") == str(len(keys))
        seen += keys
        if answer.text("IsTruncated") == "false":
            assert answer.xml.find("NextContinuationToken") is None
            break
        token = answer.text("NextContinuationToken") or ""
        assert unquote(token) == quote(token) == token  # SDKs decode the token along with the names
    assert seen == KEYS


async def test_a_token_wins_over_start_after_and_is_echoed(house: House) -> None:
    first = await house.ask("GET", "/photos/?list-type=2&max-keys=1")
    token = first.text("NextContinuationToken")
    second = await house.ask("GET", f"/photos/?list-type=2&max-keys=1&start-after=zzz&continuation-token={token}")
    assert shown(second) == (["b/1"], [])
    assert (second.text("ContinuationToken"), second.text("StartAfter")) == (token, "zzz")


@pytest.mark.parametrize("token", ["%25", "a", "%FF", "_w", "a%20b"])
async def test_a_token_that_is_not_ours_is_refused(house: House, token: str) -> None:
    answer = await house.ask("GET", f"/photos/?list-type=2&continuation-token={token}")
    assert answer.refusal == (400, "InvalidArgument")
    assert answer.text("ArgumentName") == "continuation-token"


@pytest.mark.parametrize("start", ["", "list-type=2&"])
async def test_names_are_encoded_on_demand(house: House, start: str) -> None:
    await house.put("/photos/x%20y%2Bz%0A%01")
    answer = await house.ask("GET", f"/photos/?{start}prefix=x%20&delimiter=%2B&encoding-type=url")
    assert answer.text("EncodingType") == "url"
    assert (answer.text("Prefix"), answer.text("Delimiter")) == ("x%20", "%2B")
    assert answer.texts("CommonPrefixes/Prefix") == ["x%20y%2B"]
    answer = await house.ask("GET", f"/photos/?{start}prefix=x&encoding-type=url")
    assert answer.texts("Contents/Key") == ["x%20y%2Bz%0A%01"]
    answer = await house.ask("GET", f"/photos/?{start}prefix=b%2F&encoding-type=url&max-keys=1")
    assert answer.texts("Contents/Key") == ["b%2F1"]


async def test_markers_are_encoded_too(house: House) -> None:
    answer = await house.ask("GET", "/photos/?marker=a%2Fb&max-keys=1&encoding-type=url")
    assert (answer.text("Marker"), answer.text("NextMarker")) == ("a%2Fb", "b%2F1")
    answer = await house.ask("GET", "/photos/?list-type=2&start-after=a%2Fb&encoding-type=url")
    assert answer.text("StartAfter") == "a%2Fb"


async def test_without_the_demand_nothing_is_encoded(house: House) -> None:
    answer = await house.ask("GET", "/photos/?prefix=%E5%86%99")
    assert answer.text("Prefix") == "写"
    assert answer.xml.find("EncodingType") is None


async def test_another_encoding_is_refused(house: House) -> None:
    answer = await house.ask("GET", "/photos/?encoding-type=base64")
    assert answer.refusal == (400, "InvalidArgument")
    assert (answer.text("ArgumentName"), answer.text("ArgumentValue")) == ("encoding-type", "base64")


async def test_owners_are_listed_on_demand(house: House) -> None:
    address = "/photos/?list-type=2&max-keys=1"
    assert (await house.ask("GET", address)).xml.find("Contents/Owner") is None
    assert (await house.ask("GET", f"{address}&fetch-owner=false")).xml.find("Contents/Owner") is None
    assert (await house.ask("GET", f"{address}&fetch-owner=true")).text("Contents/Owner/ID") == "1000000000000001"


@pytest.mark.parametrize("start", ["", "list-type=2&"])
@pytest.mark.parametrize("most", ["0", "1001", "-1", "abc", "1.5", "99999999999999999999"])
async def test_an_impossible_page_size_is_refused(house: House, start: str, most: str) -> None:
    answer = await house.ask("GET", f"/photos/?{start}max-keys={most}")
    assert answer.refusal == (400, "InvalidArgument")
    assert (answer.text("ArgumentName"), answer.text("ArgumentValue")) == ("max-keys", most)


@pytest.mark.parametrize("most", ["1", "1000", "0007"])
async def test_a_page_has_one_to_a_thousand_items(house: House, most: str) -> None:
    assert (await house.ask("GET", f"/photos/?max-keys={most}")).text("MaxKeys") == str(int(most))


async def test_a_page_has_a_hundred_items_unless_told_otherwise(house: House) -> None:
    for number in range(101):
        await house.put(f"/photos/many/{number:03}", b"")
    answer = await house.ask("GET", "/photos/?prefix=many")
    assert len(answer.texts("Contents/Key")) == 100
    assert (answer.text("IsTruncated"), answer.text("NextMarker")) == ("true", "many/099")


@pytest.mark.parametrize("name", ["prefix", "marker", "delimiter"])
@pytest.mark.parametrize("text", ["a" * 1024, "%E5%86%99" * 342, "%FF", "a%00b"])
async def test_an_impossible_name_is_refused(house: House, name: str, text: str) -> None:
    answer = await house.ask("GET", f"/photos/?{name}={text}")
    assert answer.refusal == (400, "InvalidArgument")
    assert answer.text("ArgumentName") == name


async def test_a_name_of_1023_bytes_is_fine(house: House) -> None:
    assert shown(await house.ask("GET", f"/photos/?prefix={'a' * 1023}")) == ([], [])


async def test_who_may_read_the_bucket_may_list_it(house: House) -> None:
    assert shown(await house.ask("GET", "/photos/", by=ANYBODY)) == (KEYS, [])
    await house.ask("PUT", "/photos/?acl", headers={"x-oss-acl": "private"})
    assert (await house.ask("GET", "/photos/", by=ANYBODY)).refusal == (403, "AccessDenied")

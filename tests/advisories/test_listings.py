"""Listings show what their asker may see, in pages of a bounded size, and names as text."""

from __future__ import annotations

import pytest

from .crafting import a_house, a_policy, a_user


@pytest.mark.parametrize(
    "address",
    [
        "/photos/?max-keys={}", "/photos/?list-type=2&max-keys={}", "/photos/?versions&max-keys={}",
        "/photos/?uploads&max-uploads={}", "/photos/big?uploadId={upload}&max-parts={}", "/?max-keys={}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("number", ["1001", "1000000000", "99999999999999999999", "-1", "1e3", "%D9%A1", "0x10"])
async def test_a_page_has_a_bounded_size(address: str, number: str) -> None:
    """No listing answers more than a thousand entries at once, whatever number is asked for."""
    house = await a_house()
    upload = (await house.ask("POST", "/photos/big?uploads")).text("UploadId") or ""
    whole = address.replace("{upload}", upload)
    assert (await house.ask("GET", whole.replace("{}", "1000"))).status == 200
    assert (await house.ask("GET", whole.replace("{}", number))).refusal == (400, "InvalidArgument")


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?prefix=",
        "?prefix=private/",
        "?prefix=publi",
        "?delimiter=/",
        "?list-type=2",
        "?list-type=2&start-after=public/",
        "?versions&prefix=public/",
    ],
)
async def test_a_right_to_list_one_prefix_lists_no_other(query: str) -> None:
    """A condition on the prefix also holds for listings without one, and of the other kinds."""
    condition = {"StringLike": {"oss:Prefix": "public/*"}}
    alice = a_user("alice", a_policy("oss:ListObjects", Condition=condition))
    house = await a_house(alice)
    await house.put("/photos/public/a")
    listed = await house.ask("GET", "/photos/?prefix=public/", by=alice)
    assert listed.texts("Contents/Key") == ["public/a"]
    answer = await house.ask("GET", f"/photos/{query}", by=alice)
    assert answer.refusal == (403, "AccessDenied")
    assert b"secret.txt" not in answer.body


@pytest.mark.parametrize("encoded", ["", "&encoding-type=url"])
@pytest.mark.parametrize("address", ["/photos/?x", "/photos/?list-type=2", "/photos/?versions", "/photos/?uploads"])
async def test_a_name_writes_no_elements_into_a_listing(address: str, encoded: str) -> None:
    """Keys, prefixes and delimiters are text: no name makes a listing say something else."""
    house = await a_house()
    evil = "</Key></Contents><Contents><Key>spoofed</Key>&amp;]]>"
    path = "%3C/Key%3E%3C/Contents%3E%3CContents%3E%3CKey%3Espoofed%3C/Key%3E%26amp%3B%5D%5D%3E"
    await house.put(f"/photos/{path}")
    assert (await house.ask("POST", f"/photos/{path}?uploads")).text("Key") == evil
    answer = await house.ask("GET", f"{address}&prefix={path[:30]}{encoded}")
    found = [element.text for element in answer.xml.iter("Key")]
    assert found == [path.replace("/", "%2F") if encoded else evil]


@pytest.mark.parametrize("address", ["/photos/", "/photos/?list-type=2", "/photos/?uploads", "/photos/?versions", "/"])
async def test_an_open_object_opens_no_listing(address: str) -> None:
    """That single objects are public lists nothing to anybody, nor does a right to read."""
    alice = a_user("alice", a_policy("oss:GetObject"))
    house = await a_house(alice)
    await house.put("/photos/open.txt", headers={"x-oss-object-acl": "public-read"})
    assert (await house.ask("GET", "/photos/open.txt", by=None)).status == 200
    for by in (None, alice):
        answer = await house.ask("GET", address, by=by)
        assert answer.refusal == (403, "AccessDenied")
        assert b"secret.txt" not in answer.body

from __future__ import annotations

import pytest

from .house import ANYBODY, Answer, House

HELLO_ETAG = '"5D41402ABC4B2A76B9719D911017C592"'


@pytest.fixture
async def house() -> House:
    house = await House().with_bucket()
    await house.put("/photos/dir/%E5%86%99.txt", b"hello", {"x-oss-meta-a": "target's"})
    return house


async def link(house: House, target: str = "dir/%E5%86%99.txt", headers: dict[str, str] | None = None) -> Answer:
    return await house.ask("PUT", "/photos/link?symlink", headers={"x-oss-symlink-target": target, **(headers or {})})


async def test_a_link_shows_the_content_of_its_target(house: House) -> None:
    house.now += 60
    made = await link(house, headers={"x-oss-meta-b": "link's", "content-type": "text/x", "x-oss-storage-class": "IA"})
    assert made.status == 200, made.body
    assert len(made.headers["etag"]) == 34
    for method in ("GET", "HEAD"):
        got = await house.ask(method, "/photos/link")
        for name, value in {
            "etag": HELLO_ETAG,
            "content-md5": "XUFAKrxLKna5cZ2REBfFkg==",
            "x-oss-object-type": "Symlink",
            "x-oss-meta-b": "link's",
            "content-type": "text/x",
            "last-modified": "Thu, 05 Mar 2026 07:09:09 GMT",
        }.items():
            assert got.headers[name] == value
        assert "x-oss-meta-a" not in got.headers
        assert got.announced == 5
    assert (await house.ask("GET", "/photos/link")).body == b"hello"
    assert (await house.ask("GET", "/photos/link", headers={"range": "bytes=1-2"})).body == b"el"
    assert (await house.ask("GET", "/photos/link", headers={"if-none-match": HELLO_ETAG})).status == 304


@pytest.mark.parametrize("target", ["dir/%E5%86%99.txt", "dir%2F%E5%86%99.txt"])
async def test_a_link_says_what_it_stands_for(house: House, target: str) -> None:
    made = await link(house, target, {"x-oss-meta-b": "link's"})
    got = await house.ask("GET", "/photos/link?symlink")
    assert (got.status, got.body) == (200, b"")
    assert got.headers == {
        "x-oss-symlink-target": "dir/%E5%86%99.txt",
        "etag": made.headers["etag"],
        "last-modified": "Thu, 05 Mar 2026 07:08:09 GMT",
        "x-oss-meta-b": "link's",
    }
    meta = await house.ask("HEAD", "/photos/link?objectMeta")
    assert (meta.announced, meta.headers["etag"]) == (0, made.headers["etag"])
    listed = (await house.ask("GET", "/photos/?prefix=link")).xml.find("Contents")
    assert listed is not None
    assert (listed.findtext("Type"), listed.findtext("Size")) == ("Symlink", "0")


async def test_the_target_is_looked_at_when_the_link_is_read(house: House) -> None:
    await link(house, "later")
    for method in ("GET", "HEAD"):
        assert (await house.ask(method, "/photos/link")).status == 404
    assert (await house.ask("GET", "/photos/link")).refusal == (404, "SymlinkTargetNotExist")
    await house.put("/photos/later", b"x" * 100_000)
    assert (await house.ask("GET", "/photos/link")).body == b"x" * 100_000
    await house.put("/photos/later", b"newer")
    assert (await house.ask("GET", "/photos/link")).body == b"newer"


async def test_a_link_to_a_link_is_not_followed(house: House) -> None:
    await link(house)
    await house.ask("PUT", "/photos/link2?symlink", headers={"x-oss-symlink-target": "link"})
    assert (await house.ask("GET", "/photos/link2")).refusal == (400, "InvalidTargetType")
    assert (await house.ask("HEAD", "/photos/link2")).status == 400


async def test_the_acl_of_link_and_target_both_count(house: House) -> None:
    await link(house, headers={"x-oss-object-acl": "public-read"})
    assert (await house.ask("GET", "/photos/link", by=ANYBODY)).refusal == (403, "AccessDenied")
    await house.ask("PUT", "/photos/dir/%E5%86%99.txt?acl", headers={"x-oss-object-acl": "public-read"})
    assert (await house.ask("GET", "/photos/link", by=ANYBODY)).body == b"hello"


async def test_a_link_is_deleted_and_its_target_stays(house: House) -> None:
    await link(house)
    assert (await house.ask("DELETE", "/photos/link")).status == 204
    assert (await house.ask("GET", "/photos/dir/%E5%86%99.txt")).body == b"hello"


async def test_copying_a_link_copies_the_link(house: House) -> None:
    made = await link(house)
    copied = await house.ask("PUT", "/photos/copy", headers={"x-oss-copy-source": "/photos/link"})
    assert copied.headers["etag"] == made.headers["etag"]
    got = await house.ask("GET", "/photos/copy?symlink")
    assert got.headers["x-oss-symlink-target"] == "dir/%E5%86%99.txt"


async def test_overwriting_can_be_forbidden(house: House) -> None:
    await link(house, headers={"x-oss-forbid-overwrite": "true"})
    before = house.contents()
    assert (await link(house, headers={"x-oss-forbid-overwrite": "true"})).refusal == (409, "FileAlreadyExists")
    assert house.contents() == before


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("", "InvalidArgument"),
        ("%FF", "InvalidObjectName"),
        ("/a", "InvalidObjectName"),
        ("k" * 1024, "InvalidObjectName"),
    ],
)
async def test_a_target_must_be_a_key(house: House, target: str, code: str) -> None:
    before = house.contents()
    assert (await link(house, target)).refusal == (400, code)
    assert house.contents() == before


async def test_a_plus_in_a_target_is_a_space(house: House) -> None:
    await house.put("/photos/a%20b%2Bc", b"there")
    assert (await link(house, "a+b%2Bc")).status == 200
    assert (await house.ask("GET", "/photos/link")).body == b"there"


async def test_a_target_must_be_named(house: House) -> None:
    assert (await house.ask("PUT", "/photos/link?symlink")).refusal == (400, "InvalidArgument")


async def test_a_link_is_deleted_by_its_own_address_too(house: House) -> None:
    await link(house)
    assert (await house.ask("DELETE", "/photos/link?symlink")).status == 204
    assert (await house.ask("GET", "/photos/link?symlink")).refusal == (404, "NoSuchKey")
    assert (await house.ask("GET", "/photos/dir/%E5%86%99.txt")).status == 200
    assert (await house.ask("DELETE", "/photos/a?symlink", by=ANYBODY)).refusal == (403, "AccessDenied")


async def test_only_a_link_can_be_read_as_one(house: House) -> None:
    assert (await house.ask("GET", "/photos/dir/%E5%86%99.txt?symlink")).refusal == (400, "NotSymlink")
    assert (await house.ask("GET", "/photos/none?symlink")).refusal == (404, "NoSuchKey")

"""x-amz-website-redirect-location: kept, told, obeyed by a website, and never more than an address."""

from __future__ import annotations

import pytest

from coatcheck.core.errors import OssError
from coatcheck.s3.redirects import read_redirect

from ..oss.house import ANYBODY, REGION, House
from ..oss.test_bucket_website import a_site, index
from ..oss.test_post_object import a_form, post
from .asking import ask, form_fields

NAME = "x-amz-website-redirect-location"
HOST = f"photos.oss-{REGION}.localhost:8000"


@pytest.fixture
async def house() -> House:
    house = await House().with_bucket(acl="public-read")
    assert (await house.ask("PUT", "/photos?website", a_site(index()))).status == 200
    return house


async def told(house: House, key: str) -> str | None:
    found = {(await ask(house, method, f"/photos/{key}")).headers.get(NAME) for method in ("GET", "HEAD")}
    assert len(found) == 1
    return found.pop()


async def test_every_way_of_uploading_keeps_it(house: House) -> None:
    named = {NAME: "/elsewhere?a=b#c"}
    await ask(house, "PUT", "/photos/put", b"x", named)
    await ask(house, "PUT", "/photos/plain", b"x")
    await ask(house, "PUT", "/photos/copy", b"", {**named, "x-amz-copy-source": "/photos/plain"})
    upload = (await ask(house, "POST", "/photos/parts?uploads", b"", named)).text("{*}UploadId")
    part = await ask(house, "PUT", f"/photos/parts?partNumber=1&uploadId={upload}", b"x")
    listed = f"<Part><PartNumber>1</PartNumber><ETag>{part.headers['etag']}</ETag></Part>"
    document = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>"
    assert (await ask(house, "POST", f"/photos/parts?uploadId={upload}", document.encode())).status == 200
    conditions = [["starts-with", "$key", ""], ["starts-with", f"${NAME}", "/"]]
    assert (await post(house, a_form(form_fields(conditions, {"key": "form", **named})))).status == 204
    for key in ("put", "copy", "parts", "form"):
        assert await told(house, key) == "/elsewhere?a=b#c", key
    assert await told(house, "plain") is None


async def test_a_copy_has_its_own(house: House) -> None:
    await ask(house, "PUT", "/photos/from", b"x", {NAME: "/a", "x-amz-meta-a": "b"})
    source = {"x-amz-copy-source": "/photos/from"}
    await ask(house, "PUT", "/photos/to", b"", source)
    assert await told(house, "to") is None
    assert (await ask(house, "GET", "/photos/to")).headers["x-amz-meta-a"] == "b"
    assert (await ask(house, "PUT", "/photos/from", b"", source)).refusal == (400, "InvalidRequest")
    assert (await ask(house, "PUT", "/photos/from", b"", {**source, NAME: "/b"})).status == 200
    assert await told(house, "from") == "/b"
    assert (await ask(house, "GET", "/photos/from")).headers["x-amz-meta-a"] == "b"
    replaced = {**source, "x-amz-metadata-directive": "REPLACE"}
    assert (await ask(house, "PUT", "/photos/from", b"", replaced)).status == 200
    assert await told(house, "from") is None


@pytest.mark.parametrize("location", ["/b.html", "http://example.com/x", "https://example.com"])
async def test_a_website_sends_its_visitors_there(house: House, location: str) -> None:
    await ask(house, "PUT", "/photos/a", b"x", {NAME: location})
    await ask(house, "PUT", "/photos/index.html", b"x", {NAME: location})
    for path in ("/a", "/"):
        for method in ("GET", "HEAD"):
            visit = await house.ask(method, path, by=ANYBODY, host=HOST)
            assert (visit.status, visit.headers["location"], visit.body) == (301, location, b"")
    below = f"/photos{location}" if location.startswith("/") else location
    assert (await house.ask("GET", "/photos/a", by=ANYBODY)).headers["location"] == below
    signed = await house.ask("GET", "/photos/a")
    assert (signed.status, signed.body, signed.headers[NAME]) == (200, b"x", location)


async def test_oss_can_not_say_it(house: House) -> None:
    await house.put("/photos/a", b"x", {NAME: "/b"})
    assert await told(house, "a") is None
    assert (await house.ask("GET", "/a", by=ANYBODY, host=HOST)).status == 200


@pytest.mark.parametrize(
    "location",
    [
        "",
        "b",
        "//example.com",
        "/\\example.com",
        "http:example.com",
        "http://",
        "http:///a",
        "https://\\a",
        "javascript:alert(1)",
        "ftp://example.com",
        "/a b",
        "/a\tb",
        "/\u00e9",
        "HTTP://example.com",
        " /a",
        "/" + "a" * 2048,
    ],
)
async def test_what_is_no_address_is_refused(house: House, location: str) -> None:
    with pytest.raises(OssError) as refused:
        read_redirect({NAME: location})
    assert (refused.value.status, refused.value.code) == (400, "InvalidRedirectLocation")
    if location.isascii() and location == location.strip():
        assert (await ask(house, "PUT", "/photos/a", b"x", {NAME: location})).refusal == (
            400,
            "InvalidRedirectLocation",
        )
        assert (await ask(house, "GET", "/photos/a")).status == 404


async def test_it_must_be_signed(house: House) -> None:
    refused = await ask(house, "PUT", "/photos/a", b"x", unsigned={NAME: "/b"})
    assert refused.refusal == (403, "AccessDenied")
    assert refused.text("HeadersNotSigned") == NAME

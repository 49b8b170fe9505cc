from __future__ import annotations

import pytest

from .house import REGION, STRANGER, Answer, House

HOST = f"photos.oss-{REGION}.localhost:8000"


def index(more: str = "", suffix: str = "index.html") -> str:
    return f"<IndexDocument><Suffix>{suffix}</Suffix>{more}</IndexDocument>"


def sub_dirs(kind: int) -> str:
    return index(f"<SupportSubDir>true</SupportSubDir><Type>{kind}</Type>")


ELSEWHERE = "<RedirectType>External</RedirectType><HostName>a</HostName>"
ERROR = "<ErrorDocument><Key>error.html</Key></ErrorDocument>"


def rule(condition: str, redirect: str, number: int = 1) -> str:
    return (
        f"<RoutingRule><RuleNumber>{number}</RuleNumber><Condition>{condition}</Condition>"
        f"<Redirect>{redirect}</Redirect></RoutingRule>"
    )


def rules(*given: str) -> str:
    return f"<RoutingRules>{''.join(given)}</RoutingRules>"


def a_site(inner: str) -> bytes:
    return f"<WebsiteConfiguration>{inner}</WebsiteConfiguration>".encode()


async def a_house(inner: str, acl: str = "public-read") -> House:
    house = await House().with_bucket(acl=acl)
    for key in ("index.html", "dir/index.html", "error.html", "a.txt"):
        await house.put(f"/photos/{key}", key.encode())
    answer = await house.ask("PUT", "/photos/?website", a_site(inner))
    assert answer.status == 200, answer.body
    return house


async def visit(house: House, path: str, method: str = "GET", headers: dict[str, str] | None = None) -> Answer:
    return await house.ask(method, path, by=None, host=HOST, headers=headers)


async def test_the_index_stands_for_the_bucket_and_for_directories() -> None:
    house = await a_house(index())
    assert (await visit(house, "/")).body == b"index.html"
    assert (await visit(house, "/dir/")).body == b"index.html"
    assert (await visit(house, "/a.txt")).body == b"a.txt"
    assert (await visit(house, "/dir/", "HEAD")).announced == 10
    assert (await visit(house, "/", "HEAD")).announced == 10
    house = await a_house(sub_dirs(0))
    assert (await visit(house, "/")).body == b"index.html"
    assert (await visit(house, "/dir/")).body == b"dir/index.html"


@pytest.mark.parametrize(("kind", "status", "body"), [(0, 302, b""), (1, 404, None), (2, 200, b"dir/index.html")])
async def test_a_path_without_slash_is_redirected_missing_or_served(kind: int, status: int, body: bytes | None) -> None:
    house = await a_house(sub_dirs(kind))
    answer = await visit(house, "/dir")
    assert answer.status == status
    assert body is None or answer.body == body
    assert (kind != 0) or answer.headers["location"] == "/dir/"
    assert (await visit(house, "/nothing")).refusal == (404, "NoSuchKey")


async def test_parameters_of_a_listing_choose_no_other_operation_on_the_page() -> None:
    house = await a_house(index())
    assert (await visit(house, "/?list-type=1&prefix=a")).body == b"index.html"


async def test_without_an_index_the_bucket_itself_is_listed_as_its_acl_allows() -> None:
    house = await a_house(ERROR)
    assert (await visit(house, "/")).texts("Contents/Key") == ["a.txt", "dir/index.html", "error.html", "index.html"]
    house = await a_house(ERROR, acl="private")
    assert (await visit(house, "/")).refusal == (403, "AccessDenied")


async def test_in_path_style_a_redirect_stays_in_the_bucket() -> None:
    house = await a_house(sub_dirs(0))
    answer = await house.ask("GET", "/photos/dir", by=None)
    assert answer.headers["location"] == "/photos/dir/"


async def test_the_error_page_says_what_it_is_told_to() -> None:
    house = await a_house(index() + ERROR)
    answer = await visit(house, "/nothing")
    assert (answer.status, answer.body) == (404, b"error.html")
    house = await a_house("<ErrorDocument><Key>error.html</Key><HttpStatus>200</HttpStatus></ErrorDocument>")
    assert (await visit(house, "/nothing")).status == 200
    house = await a_house("<ErrorDocument><Key>none.html</Key></ErrorDocument>")
    assert (await visit(house, "/nothing")).refusal == (404, "NoSuchKey")


async def test_signed_requests_see_plain_objects() -> None:
    house = await a_house(sub_dirs(2) + ERROR)
    assert (await house.ask("GET", "/photos/")).xml.tag == "ListBucketResult"
    assert (await house.ask("GET", "/photos/dir")).refusal == (404, "NoSuchKey")
    assert (await house.follow(house.link("GET", "dir"))).refusal == (404, "NoSuchKey")
    assert (await house.ask("GET", "/photos/nothing", by=STRANGER)).refusal == (404, "NoSuchKey")


async def test_a_signed_request_sees_the_page_of_a_directory_that_is_no_object() -> None:
    house = await a_house(sub_dirs(2) + ERROR, acl="private")
    assert (await house.ask("GET", "/photos/dir/")).body == b"dir/index.html"
    assert (await house.ask("HEAD", "/photos/dir/")).status == 200
    missing = await house.ask("GET", "/photos/none/")
    assert (missing.status, missing.body) == (404, b"error.html")
    await house.put("/photos/dir/", b"an object")
    assert (await house.ask("GET", "/photos/dir/")).body == b"an object"
    assert (await house.ask("GET", "/photos/other/", by=STRANGER)).refusal == (403, "AccessDenied")


async def test_a_link_to_a_directory_shows_no_page_that_is_private() -> None:
    """It was signed for one object; what else its holder sees is what everybody sees."""
    house = await a_house(sub_dirs(2) + ERROR, acl="private")
    missing = await house.follow(house.link("GET", "dir/"))
    assert (missing.refusal, missing.text("Key")) == ((404, "NoSuchKey"), "dir/")
    public = await a_house(sub_dirs(2))
    assert (await public.follow(public.link("GET", "dir/"))).body == b"dir/index.html"


async def test_a_private_bucket_shows_nothing() -> None:
    house = await a_house(index() + ERROR, acl="private")
    for path in ("/", "/a.txt", "/nothing"):
        assert (await visit(house, path)).refusal == (403, "AccessDenied")


@pytest.mark.parametrize(
    ("condition", "redirect", "path", "location"),
    [
        (
            "<KeyPrefixEquals>old/</KeyPrefixEquals><HttpErrorCodeReturnedEquals>404</HttpErrorCodeReturnedEquals>",
            "<RedirectType>External</RedirectType><ReplaceKeyPrefixWith>new/</ReplaceKeyPrefixWith>",
            "/old/a%20b?x=y",
            f"http://{HOST}/new/a%20b",
        ),
        (
            "<KeySuffixEquals>.htm</KeySuffixEquals>",
            "<RedirectType>AliCDN</RedirectType><Protocol>https</Protocol><HostName>example.com</HostName>"
            "<ReplaceKeyWith>pages/${key}l</ReplaceKeyWith><PassQueryString>True</PassQueryString>"
            "<HttpRedirectCode>302</HttpRedirectCode>",
            "/a.htm?x=y&z",
            "https://example.com/pages/a.html?x=y&z",
        ),
    ],
)
async def test_a_rule_sends_the_client_elsewhere(condition: str, redirect: str, path: str, location: str) -> None:
    house = await a_house(index() + rules(rule(condition, redirect)))
    answer = await visit(house, path)
    assert answer.status == (302 if "302" in redirect else 301)
    assert answer.headers["location"] == location
    assert (await visit(house, "/a.txt")).status == 200


async def test_rules_are_tried_by_their_number_and_headers() -> None:
    wanted = "<IncludeHeader><Key>Accept-Language</Key><StartsWith>de</StartsWith></IncludeHeader>"
    house = await a_house(
        rules(
            rule("", "<RedirectType>Internal</RedirectType><ReplaceKeyWith>a.txt</ReplaceKeyWith>", 2),
            rule(wanted, "<RedirectType>Internal</RedirectType><ReplaceKeyWith>index.html</ReplaceKeyWith>", 1),
        )
    )
    assert (await visit(house, "/x")).body == b"a.txt"
    assert (await visit(house, "/x", headers={"Accept-Language": "de-CH"})).body == b"index.html"


async def test_the_configuration_comes_back_and_goes() -> None:
    house = await House().with_bucket()
    assert (await house.ask("GET", "/photos/?website")).refusal == (404, "NoSuchWebsiteConfiguration")
    site = (
        sub_dirs(2)
        + ERROR
        + rules(
            rule(
                "<KeyPrefixEquals>a</KeyPrefixEquals>", "<RedirectType>External</RedirectType><HostName>b.c</HostName>"
            )
        )
    )
    await house.ask("PUT", "/photos/?website", a_site(site))
    answer = await house.ask("GET", "/photos/?website")
    assert answer.text("IndexDocument/Suffix") == "index.html"
    assert answer.text("IndexDocument/SupportSubDir") == "true"
    assert answer.text("IndexDocument/Type") == "2"
    assert answer.text("ErrorDocument/HttpStatus") == "404"
    assert answer.text("RoutingRules/RoutingRule/Condition/KeyPrefixEquals") == "a"
    assert answer.text("RoutingRules/RoutingRule/Redirect/HostName") == "b.c"
    assert (await house.ask("PUT", "/photos/?website", answer.body)).status == 200
    assert (await house.ask("GET", "/photos/?website")).body == answer.body
    assert (await house.ask("DELETE", "/photos/?website")).status == 204
    assert (await house.ask("DELETE", "/photos/?website")).status == 204


MISSING = "<HttpErrorCodeReturnedEquals>404</HttpErrorCodeReturnedEquals>"
MIRROR = "<RedirectType>Mirror</RedirectType><MirrorURL>http://files.example.com/a/</MirrorURL>"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "MalformedXML"),
        (a_site(""), "MalformedXML"),
        (b"<!DOCTYPE a>" + a_site(index()), "MalformedXML"),
        (a_site(index() + index()), "MalformedXML"),
        (a_site("<IndexDocument/>"), "MalformedXML"),
        (a_site("<ErrorDocument><HttpStatus>404</HttpStatus></ErrorDocument>"), "MalformedXML"),
        (a_site(index("<SupportSubDir>perhaps</SupportSubDir>")), "MalformedXML"),
        (a_site(index("<Type>3</Type>")), "InvalidArgument"),
        (a_site(index(suffix="a/b")), "InvalidArgument"),
        (a_site("<ErrorDocument><Key>a</Key><HttpStatus>500</HttpStatus></ErrorDocument>"), "InvalidArgument"),
        (a_site(rules("<RoutingRule/>")), "MalformedXML"),
        (a_site(rules(rule("", ""))), "MalformedXML"),
        (a_site(rules(rule("", "<RedirectType>External</RedirectType>"))), "InvalidArgument"),
        (a_site(rules(rule("", "<RedirectType>Sideways</RedirectType>"))), "InvalidArgument"),
        (a_site(rules(rule(MISSING, "<RedirectType>Mirror</RedirectType>"))), "MalformedXML"),
        (a_site(rules(rule("", MIRROR))), "InvalidArgument"),
        (a_site(rules(rule(MISSING, MIRROR.replace("http:", "ftp:")))), "InvalidArgument"),
        (a_site(rules(rule(MISSING, MIRROR.replace("a/<", "a<")))), "InvalidArgument"),
        (a_site(rules(rule(MISSING, MIRROR + "<MirrorAuth><AuthType>S3V4</AuthType></MirrorAuth>"))), "NotImplemented"),
        (a_site(rules(rule(MISSING, MIRROR + "<MirrorProxyPass>true</MirrorProxyPass>"))), "NotImplemented"),
        (
            a_site(rules(rule(MISSING, f"{MIRROR}<MirrorHeaders><Pass>Authorization</Pass></MirrorHeaders>"))),
            "InvalidArgument",
        ),
        (
            a_site(rules(rule(MISSING, f"{MIRROR}<MirrorHeaders>{'<Pass>a</Pass>' * 11}</MirrorHeaders>"))),
            "InvalidArgument",
        ),
        (
            a_site(rules(rule("", "<RedirectType>External</RedirectType><HostName>a/b\r\nc</HostName>"))),
            "InvalidArgument",
        ),
        (
            a_site(rules(rule("", ELSEWHERE), rule("", ELSEWHERE))),
            "InvalidArgument",
        ),
        (
            a_site(
                rules(
                    *(rule("", "<RedirectType>External</RedirectType><HostName>a</HostName>", i) for i in range(1, 22))
                )
            ),
            "InvalidArgument",
        ),
    ],
)
async def test_what_is_no_website_is_refused_and_nothing_changes(body: bytes, code: str) -> None:
    house = await a_house(index())
    before = house.contents()
    assert (await house.ask("PUT", "/photos/?website", body)).refusal == (400, code)
    assert house.contents() == before


@pytest.mark.parametrize(
    "redirect",
    [
        "<RedirectType>External</RedirectType><ReplaceKeyWith>" + "${key}" * 9000 + "</ReplaceKeyWith>",
        "<RedirectType>Internal</RedirectType><ReplaceKeyWith>" + "${key}" * 9000 + "</ReplaceKeyWith>",
        "<RedirectType>External</RedirectType><ReplaceKeyPrefixWith>" + "b" * 1023 + "</ReplaceKeyPrefixWith>",
    ],
)
async def test_a_rule_makes_no_key_that_is_longer_than_keys_are(redirect: str) -> None:
    house = await a_house(rules(rule("<KeyPrefixEquals>x</KeyPrefixEquals>", redirect)))
    answer = await visit(house, "/x" + "a" * 1000)
    assert answer.refusal == (400, "InvalidObjectName")
    assert "location" not in answer.headers

"""Which pages may link to a bucket's objects."""

from __future__ import annotations

import pytest

from coatcheck.configurations import referer as referer_rules
from coatcheck.configurations.referer import RefererRules, allows
from coatcheck.core.wildcards import WildcardSet

from .house import ANYBODY, STRANGER, Answer, House


def a_document(white: tuple[str, ...] = (), black: tuple[str, ...] = (), empty: str = "true", more: str = "") -> bytes:
    def entries(name: str, patterns: tuple[str, ...]) -> str:
        return f"<{name}>{''.join(f'<Referer>{pattern}</Referer>' for pattern in patterns)}</{name}>"

    lists = entries("RefererList", white) + entries("RefererBlacklist", black)
    document = f"<AllowEmptyReferer>{empty}</AllowEmptyReferer>{more}{lists}"
    return f"<RefererConfiguration>{document}</RefererConfiguration>".encode()


async def a_house(document: bytes) -> House:
    house = await House().with_bucket(acl="public-read")
    await house.put("/photos/a.txt", b"hello")
    assert (await house.ask("PUT", "/photos/?referer", document)).status == 200
    return house


async def ask_from(house: House, referer: str | None) -> Answer:
    headers = {} if referer is None else {"referer": referer}
    return await house.ask("GET", "/photos/a.txt", headers=headers, by=ANYBODY)


async def test_never_set_means_everybody() -> None:
    answer = await (await House().with_bucket()).ask("GET", "/photos/?referer")
    assert (answer.text("AllowEmptyReferer"), answer.text("AllowTruncateQueryString")) == ("true", "true")
    assert (answer.text("TruncatePath"), answer.texts("RefererList/Referer")) == ("false", [])
    assert answer.xml.find("RefererList") is not None, "ali-oss wants the element"


async def test_rules_come_back_as_they_were_put() -> None:
    house = await a_house(a_document(("http://A.example.com",), ("http://*.bad.example",), "false"))
    answer = await house.ask("GET", "/photos/?referer")
    assert answer.text("AllowEmptyReferer") == "false"
    assert answer.texts("RefererList/Referer") == ["http://A.example.com"]
    assert answer.texts("RefererBlacklist/Referer") == ["http://*.bad.example"]


async def test_only_listed_pages_may_link() -> None:
    house = await a_house(a_document(("http://www.example.com", "https://*.example.net"), empty="false"))
    for referer in ("http://www.example.com/page?q=1", "https://a.example.net/", "HTTP://WWW.EXAMPLE.COM"):
        assert (await ask_from(house, referer)).status == 200
    for refused in ("http://www.example.com.evil.org/", "https://www.example.com/", "", None):
        answer = await ask_from(house, refused)
        assert answer.refusal == (403, "AccessDenied")
        assert answer.text("Message") == "You are denied by bucket referer policy."


async def test_links_are_judged_and_signed_headers_are_not() -> None:
    house = await a_house(a_document(("http://www.example.com",), empty="false"))
    link = house.link("GET", "a.txt")
    assert (await house.follow(link)).refusal == (403, "AccessDenied")
    assert (await house.follow(link, headers={"referer": "http://www.example.com/x"})).status == 200
    assert (await house.ask("GET", "/photos/a.txt")).status == 200
    assert (await house.ask("GET", "/photos/a.txt", by=STRANGER)).status == 200


async def test_empty_list_lets_everybody_in_again() -> None:
    house = await a_house(a_document(("http://www.example.com",), empty="false"))
    assert (await house.ask("PUT", "/photos/?referer", a_document())).status == 200
    assert (await ask_from(house, None)).status == 200
    assert (await ask_from(house, "http://anything.example")).status == 200


@pytest.mark.parametrize(
    ("rules", "referer", "allowed"),
    [
        (RefererRules(), "", True),
        (RefererRules(allow_empty=False), "", True),
        (RefererRules(allow_empty=False, black=("http://bad.example",)), "", False),
        (RefererRules(black=("http://bad.example",)), "http://bad.example/page", False),
        (RefererRules(black=("http://bad.example",)), "http://good.example/page", True),
        (RefererRules(white=("*",), black=("http://bad.example",)), "http://bad.example", False),
        (RefererRules(white=("http://a?c.example",)), "http://abc.example", True),
        (RefererRules(white=("http://a/page",)), "http://a/page?x=1", True),
        (RefererRules(white=("http://a/page",), truncate_query=False), "http://a/page?x=1", False),
        (RefererRules(white=("http://a/page?x=1",), truncate_query=False), "http://a/page?x=1", True),
        (RefererRules(white=("http://a/page",), truncate_path=True), "http://a/page", False),
        (RefererRules(white=("http://a",), truncate_path=True), "http://a/page?x", True),
        (RefererRules(white=("http://a",)), "http://a@evil.example/", False),
        (RefererRules(white=("http://a",)), "garbage", False),
    ],
)
def test_rule(rules: RefererRules, referer: str, allowed: bool) -> None:
    assert allows(rules, referer) is allowed


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"", "MalformedXML"),
        (b"<RefererConfiguration/>", "MalformedXML"),
        (a_document(empty="perhaps"), "MalformedXML"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]>' + a_document(), "MalformedXML"),
        (a_document(("http://a&#13;&#10;b",)), "InvalidArgument"),
        (a_document(("http://a b",)), "InvalidArgument"),
        (a_document(("*",) * 401), "InvalidArgument"),
        (a_document(more="<TruncatePath>x</TruncatePath>"), "MalformedXML"),
        (
            a_document(
                more="<AllowTruncateQueryString>false</AllowTruncateQueryString><TruncatePath>true</TruncatePath>"
            ),
            "InvalidArgument",
        ),
    ],
)
async def test_document_that_breaks_a_rule_is_refused_and_nothing_is_stored(document: bytes, code: str) -> None:
    house = await House().with_bucket()
    before = house.contents()
    assert (await house.ask("PUT", "/photos/?referer", document)).refusal == (400, code)
    assert house.contents() == before


async def test_lists_are_bounded_and_compared_in_one_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    walks: list[int] = []

    class Counting(WildcardSet):
        def match(self, text: str) -> bool:
            walks.append(len(text))
            return super().match(text)

    monkeypatch.setattr(referer_rules, "WildcardSet", Counting)
    house = await a_house(a_document(tuple(f"*x{number}" for number in range(400))))
    assert (await ask_from(house, "http://a/" + "b" * 200_000)).refusal == (403, "AccessDenied")
    assert walks == [4096, 8]
    too_much = a_document(("a" * 10_240,), ("b" * 10_241,))
    assert (await house.ask("PUT", "/photos/?referer", too_much)).refusal == (400, "InvalidArgument")
    assert (await house.ask("PUT", "/photos/?referer", a_document(("a" * 10_240,), ("b" * 10_240,)))).status == 200

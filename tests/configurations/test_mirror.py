from __future__ import annotations

from xml.etree.ElementTree import Element

from hypothesis import given
from hypothesis import strategies as st

from coatcheck.configurations import website
from coatcheck.configurations.mirror import CHILDREN, Mirror, address, may_pass
from coatcheck.core.errors import INVALID_ARGUMENT, MALFORMED_XML, NOT_IMPLEMENTED, OssError
from coatcheck.core.xml import Node, read_xml, write_xml

TEXTS = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"], exclude_characters="\ufffe\uffff"))
VALUES = st.one_of(st.sampled_from(["true", "false", "", "http://b.example/", "http://b.example"]), TEXTS)
NAMES = st.one_of(st.sampled_from(["Cookie", "Authorization", "x-oss-date", "Range", "X-Mine"]), TEXTS)


def a_document(elements: list[Node]) -> Element:
    condition: Node = ("Condition", [("HttpErrorCodeReturnedEquals", 404)])
    redirect: Node = ("Redirect", [("RedirectType", "Mirror"), *elements])
    rules: list[Node] = [("RoutingRules", [("RoutingRule", [("RuleNumber", 1), condition, redirect])])]
    return read_xml(write_xml(website.ROOT, rules), website.ROOT)


@given(
    st.dictionaries(st.sampled_from(sorted(CHILDREN.keys() - {"MirrorHeaders"})), VALUES),
    st.lists(NAMES, max_size=3),
    st.lists(NAMES, max_size=3),
    st.lists(st.tuples(NAMES, TEXTS), max_size=3),
)
def test_any_rule_is_read_or_refused_in_words(
    texts: dict[str, str], passed: list[str], removed: list[str], chosen: list[tuple[str, str]]
) -> None:
    names: list[Node] = [*(("Pass", name) for name in passed), *(("Remove", name) for name in removed)]
    sets: list[Node] = [("Set", [("Key", name), ("Value", value)]) for name, value in chosen]
    elements: list[Node] = list({"MirrorURL": "http://a.example/", **texts}.items())
    try:
        site = website.read(a_document([*elements, ("MirrorHeaders", [*names, *sets])]))
    except OssError as error:
        fault = error.fault
    else:
        assert website.from_json(website.to_json(site)) == site
        written = read_xml(write_xml(website.ROOT, website.write(site)), website.ROOT)
        assert website.read(written) == site
        return
    assert fault in (INVALID_ARGUMENT, MALFORMED_XML, NOT_IMPLEMENTED)


@given(st.dictionaries(st.one_of(st.sampled_from(["authorization", "range", "host", "cookie"]), TEXTS), TEXTS))
def test_no_credential_and_nothing_that_ends_a_line_is_passed_on(headers: dict[str, str]) -> None:
    passed = Mirror("http://a.example/", pass_all=True).headers_for(headers)
    for name, value in passed:
        assert may_pass(name)
        assert name not in ("authorization", "range", "host")
        assert value.isascii()
        assert not set(value) & set("\r\n\0")


def test_addresses_of_objects() -> None:
    assert address("http://a.example/b/", "c d/ä?#", "x=1&y") == "http://a.example/b/c%20d/%C3%A4%3F%23?x=1&y"
    assert address("http://a.example/", "k", "") == "http://a.example/k"


def test_the_stored_form_of_a_mirror_is_this_text() -> None:
    mirror = Mirror("http://a/", pass_query=True, passed=("x",), set_headers=(("y", "1"),))
    stored = website.to_json(website.Website(rules=(website.RoutingRule(1, "Mirror", error=404, mirror=mirror),)))
    assert stored == (
        '{"v":1,"index":"","sub_dirs":false,"sub_dir_type":0,"error_key":"","error_status":404,"rules":[{"number":1,'
        '"kind":"Mirror","error":404,"pass_query":false,"mirror":{"url":"http://a/","slave":"","probe":"",'
        '"pass_query":true,"follow_redirect":true,"check_md5":false,"metadata":false,"last_modified":false,'
        '"head":false,"all_errors":false,"pass_all":false,"passed":["x"],"set_headers":[["y","1"]]}}]}'
    )

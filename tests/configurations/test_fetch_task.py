from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coatcheck.configurations import fetch_task
from coatcheck.core.errors import INVALID_ARGUMENT, INVALID_DIGEST, MALFORMED_XML, OssError
from coatcheck.core.urls import find_host
from coatcheck.core.xml import read_xml, write_xml

TEXTS = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"], exclude_characters="\ufffe\uffff"))
SCHEMES = st.sampled_from(["http://", "https://", "ftp://", "//", "HTTP://", "http:", ""])
HOSTS = st.sampled_from(["a.example", "127.0.0.1", "[::1]", "a@b", "[::1", "a:0", "a:99999", "a:x", "", "ä.example"])


@given(SCHEMES, HOSTS, TEXTS)
def test_an_address_has_a_host_or_is_none(scheme: str, host: str, rest: str) -> None:
    found = find_host(f"{scheme}{host}{rest}")
    if found is not None:
        assert found.isascii()
        assert not set(found) & set(" @/\\?#")


def test_addresses() -> None:
    assert find_host("http://A.example:80/x?y#z") == "a.example"
    assert find_host("https://[::1]:8000") == "::1"
    for text in (
        "http://",
        "http://a b/",
        "http://a@b/",
        "http://a:0/",
        "http://a:65536/",
        "http://a\\b/",
        "a.example",
    ):
        assert find_host(text) is None


@given(st.dictionaries(st.sampled_from(sorted(fetch_task.SHAPE.children)), TEXTS))
def test_any_document_is_read_or_refused_in_words(texts: dict[str, str]) -> None:
    nodes = list({"Url": "http://a/", "Object": "k", **texts}.items())
    document = read_xml(write_xml(fetch_task.ROOT, nodes), fetch_task.ROOT)
    try:
        task = fetch_task.read(document)
    except OssError as error:
        fault = error.fault
    else:
        assert fetch_task.from_json(fetch_task.to_json(task)) == task
        assert task.md5 is None or len(task.md5) == 16
        return
    assert fault in (INVALID_ARGUMENT, INVALID_DIGEST, MALFORMED_XML)

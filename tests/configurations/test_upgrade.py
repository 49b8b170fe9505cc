"""Documents as the first release stored them: they mean the same, and are given back word for word."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.configurations import https, lifecycle, referer, style
from coatcheck.configurations.table import ROWS
from coatcheck.configurations.upgrade import upgrade_document
from coatcheck.core.errors import OssError
from coatcheck.core.xml import read_xml, write_xml
from coatcheck.ports.bucket import read_public_access_block, read_tags

from .examples import VALUES

_WAS_XML = ("cors", "https", "lifecycle", "referer", "website")
XML = {row.document.NAME: row.document for row in ROWS if row.document.NAME in _WAS_XML}


@pytest.mark.parametrize("name", XML)
@given(data=st.data())
def test_xml_is_given_back_as_it_was(name: str, data: st.DataObject) -> None:
    document = XML[name]
    value: Any = data.draw(VALUES[name])
    old = write_xml(document.ROOT, document.write(value)).decode()
    new = upgrade_document(name, old)
    assert document.from_json(new) == value
    assert write_xml(document.ROOT, document.write(document.from_json(new))).decode() == old


def test_more_referers_than_are_taken_today_stay() -> None:
    """The first release had no bound on all of them together."""
    patterns = tuple(f"http://{number}.{'x' * 100}.example" for number in range(300))
    old = write_xml(referer.ROOT, referer.write(referer.RefererRules(white=patterns))).decode()
    with pytest.raises(OssError):
        referer.read(read_xml(old.encode(), referer.ROOT))
    assert referer.from_json(upgrade_document("referer", old)) == referer.RefererRules(white=patterns)


def test_lifecycle_rules_that_are_refused_today_stay() -> None:
    """The first release took days beside dates, and tags of any characters."""
    old = (
        "<LifecycleConfiguration><Rule><ID>r</ID><Prefix/><Status>Enabled</Status><Tag><Key>a&amp;b</Key><Value/></Tag>"
        "<Expiration><CreatedBeforeDate>2026-01-01T00:00:00.000Z</CreatedBeforeDate></Expiration>"
        "<Transition><Days>1</Days><StorageClass>IA</StorageClass></Transition></Rule></LifecycleConfiguration>"
    )
    (rule,) = lifecycle.from_json(upgrade_document("lifecycle", old)).rules
    assert (rule.tags, rule.transitions[0].due.days) == ((("a&b", ""),), 1)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("encryption", "AES256", '{"v":1,"algorithm":"AES256"}'),
        ("tagging", "team=a+b%26c%3Dd&%E7%A9%BA=", '{"v":1,"tags":[["team","a b&c=d"],["空",""]]}'),
        ("publicAccessBlock", "true", '{"v":1,"blocked":true}'),
        ("publicAccessBlock", "false", '{"v":1,"blocked":false}'),
        ("https-only", "true", '{"v":1}'),
        (
            "style/small",
            '{"content": "image/resize,w_1", "category": "image", "created": 1, "modified": 2}',
            '{"v":1,"content":"image/resize,w_1","category":"image","created":1,"modified":2}',
        ),
        ("policy", '{"Version": "1",  "Statement": []}', '{"Version": "1",  "Statement": []}'),
    ],
)
def test_what_was_no_xml_is_json_too(name: str, old: str, new: str) -> None:
    assert upgrade_document(name, old) == new
    assert upgrade_document(name, new) == new


def test_what_decisions_read_is_what_is_written() -> None:
    assert read_tags(upgrade_document("tagging", "a=b")) == (("a", "b"),)
    assert read_public_access_block(upgrade_document("publicAccessBlock", "true"))
    assert json.loads(https.ONLY) == {"v": 1}
    small = upgrade_document("style/a", '{"content":"c","category":"image","created":3,"modified":4}')
    assert style.from_json(small) == style.Style("c", "image", 3, 4)


@pytest.mark.parametrize(
    ("name", "broken"), [("cors", "<CORS"), ("cors", ""), ("style/a", "{"), ("style/a", '{"a":1}')]
)
def test_what_is_no_document_is_a_fault(name: str, broken: str) -> None:
    with pytest.raises((OssError, ValueError, TypeError)):
        upgrade_document(name, broken)

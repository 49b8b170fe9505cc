from __future__ import annotations

import contextlib
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.core.errors import MALFORMED_XML, OssError
from coatcheck.core.xml import Node, read_xml, write_xml


def refusal_of(document: bytes) -> OssError:
    with pytest.raises(OssError) as refusal:
        read_xml(document, "Delete")
    assert refusal.value.fault is MALFORMED_XML
    return refusal.value


def test_a_document_looks_like_this() -> None:
    nodes: list[Node] = [("Name", "photos"), ("MaxKeys", 100), ("Prefix", ""), ("Contents", (("Key", "a"),))]
    assert write_xml("ListBucketResult", nodes) == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b"<ListBucketResult>\n"
        b"  <Name>photos</Name>\n"
        b"  <MaxKeys>100</MaxKeys>\n"
        b"  <Prefix></Prefix>\n"
        b"  <Contents>\n"
        b"    <Key>a</Key>\n"
        b"  </Contents>\n"
        b"</ListBucketResult>\n"
    )


def test_a_root_without_children_has_two_tags() -> None:
    assert write_xml("Buckets", ()).endswith(b"<Buckets></Buckets>\n")


def test_markup_in_text_is_escaped() -> None:
    assert b"<Key>a&lt;b&gt;&amp;\"'c</Key>" in write_xml("X", [("Key", "a<b>&\"'c")])


def test_characters_that_xml_has_no_form_for_are_dropped_or_replaced() -> None:
    document = write_xml("X", [("Key", "a\0\x01\x1fb\ud800\udcff\ufffec")])
    assert ElementTree.fromstring(document).findtext("Key") == "ab\ufffd\ufffd\ufffdc"


def test_a_name_is_written_so_that_it_can_be_read_again() -> None:
    name = "a\x01\x1f\t\rb\ufffe\uffff\U0010ff02"
    document = write_xml("Delete", [("Key", name)], controls=True)
    assert "<Key>a&#x1;&#x1F;\t&#13;b&#xFFFE;&#xFFFF;\U0010ff02</Key>".encode() in document
    name = name.removesuffix("\U0010ff02")
    document = write_xml("Delete", [("Key", name)], controls=True)
    assert read_xml(document, "Delete", controls=True).findtext("Key") == name


def test_control_characters_are_read_as_they_are_where_they_are_expected() -> None:
    document = "<Delete><Key>a\x01\x1f&#2;\ufffe\uffff</Key></Delete>".encode()
    assert read_xml(document, "Delete", controls=True).findtext("Key") == "a\x01\x1f\x02\ufffe\uffff"
    refusal_of(document)


def test_references_to_control_characters_are_read_where_they_are_expected() -> None:
    document = b"<Delete><Key>a&#01;&#x1f;&#31;&#009;b</Key></Delete>"
    assert read_xml(document, "Delete", controls=True).findtext("Key") == "a\x01\x1f\x1f\tb"
    refusal_of(document)


@pytest.mark.parametrize(
    "document",
    [
        b"<Delete><Key>&#0;</Key></Delete>",
        b"<Delete><Key>&#55296;</Key></Delete>",
        b"<Delete><Key>&#1;&#x10FF02;</Key></Delete>",
        "<Delete><Key>&#1;\U0010ff02</Key></Delete>".encode(),
        b"<Delete><Key><![CDATA[&#1;]]></Key></Delete>",
        b"<Delete><!-- &#1; --><Key>a</Key></Delete>",
        b"<Delete>&#1;<Key><b>&#2;</b>&#3;</Key></Delete>",
        b"<Delete><Key>&#1</Key></Delete>",
        b"<Delete><K\x01ey>a</K\x01ey></Delete>",
        b"<Delete>\x01<!-- \x02 --></Delete>",
        b"<Delete><Key>\0\x01</Key></Delete>",
    ],
)
def test_a_control_character_that_could_be_misread_is_refused(document: bytes) -> None:
    with pytest.raises(OssError) as refusal:
        read_xml(document, "Delete", controls=True)
    assert refusal.value.fault is MALFORMED_XML


def test_a_stand_in_of_the_documents_own_stays_what_it_is() -> None:
    document = "<Delete><Key>\U0010ff02&#38;</Key></Delete>".encode()
    assert read_xml(document, "Delete", controls=True).findtext("Key") == "\U0010ff02&"


xml_texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff").filter(
        lambda c: c >= " " or c in "\t\n\r"
    )
)


@given(st.lists(st.tuples(st.sampled_from(["Key", "Prefix"]), xml_texts)))
def test_what_was_written_is_read_back(pairs: list[tuple[str, str]]) -> None:
    element = read_xml(write_xml("Delete", pairs), "Delete")
    assert [(child.tag, child.text or "") for child in element] == pairs


@given(st.text(st.characters()))
def test_every_text_makes_a_well_formed_document(text: str) -> None:
    read_xml(write_xml("Delete", [("Key", text)]), "Delete")


@pytest.mark.parametrize(
    "document",
    [
        b"<Delete><Quiet>true</Quiet></Delete>",
        b'<?xml version="1.0" encoding="UTF-8"?>\n<Delete>\n  <Quiet>true</Quiet>\n</Delete>\n',
        b'<Delete xmlns="http://doc.oss-cn-hangzhou.aliyuncs.com"><Quiet>true</Quiet></Delete>',
        b'<o:Delete xmlns:o="urn:x"><o:Quiet a="b">true</o:Quiet></o:Delete>',
        b"\xef\xbb\xbf<Delete><Unknown/><Quiet>true</Quiet><!-- fine --></Delete>",
        '<?xml version="1.0" encoding="UTF-16"?><Delete><Quiet>true</Quiet></Delete>'.encode("utf-16"),
    ],
)
def test_a_document_is_read_with_any_namespace_or_none(document: bytes) -> None:
    assert read_xml(document, "Delete").findtext("Quiet") == "true"


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b" ",
        b"Delete",
        b"<Delete>",
        b"<Delete></delete>",
        b"<Delete/><Delete/>",
        b"<Delete><Key>a & b</Key></Delete>",
        b"<Delete><Key>\x01</Key></Delete>",
        b"<Delete><Key>&#0;</Key></Delete>",
        b"<Delete><Key>&#xD800;</Key></Delete>",
        b"<Delete><Key>\xff</Key></Delete>",
        b"<Delete><Key>&nbsp;</Key></Delete>",
        b'<?xml version="1.0" encoding="no-such-thing"?><Delete/>',
        b"\x00\x01\x02",
        b'{"Delete": {}}',
    ],
)
def test_what_is_not_well_formed_is_refused(document: bytes) -> None:
    refusal_of(document)


def test_another_root_is_refused_and_the_right_one_named() -> None:
    assert "Delete" in refusal_of(b"<Remove/>").message


@pytest.mark.parametrize(
    "document",
    [
        b"<!DOCTYPE Delete><Delete/>",
        b'<!DOCTYPE Delete [<!ENTITY a "b">]><Delete><Key>&a;</Key></Delete>',
        b'<!DOCTYPE Delete [<!ENTITY a SYSTEM "file:///etc/passwd">]><Delete><Key>&a;</Key></Delete>',
        b'<!DOCTYPE Delete SYSTEM "http://127.0.0.1:1/x.dtd"><Delete/>',
        b'<!DOCTYPE Delete [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x"> %p;]><Delete/>',
        b'<!DOCTYPE Delete [<!ENTITY a "lol">'
        + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))
        + b"]><Delete><Key>&a9;</Key></Delete>",
    ],
    ids=["doctype", "entity", "external entity", "external dtd", "parameter entity", "billion laughs"],
)
def test_a_document_type_is_refused_whatever_it_declares(document: bytes) -> None:
    refusal_of(document)


def test_sixteen_levels_are_read_and_seventeen_refused() -> None:
    inner = 15
    read_xml(b"<Delete>" + b"<a>" * inner + b"</a>" * inner + b"</Delete>", "Delete")
    inner = 16
    refusal_of(b"<Delete>" + b"<a>" * inner + b"</a>" * inner + b"</Delete>")


def test_a_hundred_thousand_levels_are_refused_at_once() -> None:
    refusal_of(b"<a>" * 100_000)


@given(st.binary() | st.text().map(lambda text: f"<Delete>{text}</Delete>".encode("utf-8", "replace")))
def test_any_bytes_are_a_document_or_a_refusal(document: bytes) -> None:
    with contextlib.suppress(OssError):
        assert read_xml(document, "Delete").tag == "Delete"

from __future__ import annotations

import base64
from xml.etree import ElementTree

import pytest

from coatcheck.core.errors import INVALID_ARGUMENT, INVALID_RANGE, NO_SUCH_KEY, OssError
from coatcheck.wire.faults import fault_reply
from coatcheck.wire.reply import Reply

REQUEST_ID = "69A92BD9A1B2C3D4E5F60718"
HOST = "photos.oss-cn-hangzhou.localhost:8000"


def reply_to(error: OssError, method: str = "GET", host: str = HOST) -> Reply:
    return fault_reply(error, method=method, host=host, request_id=REQUEST_ID)


def body_of(reply: Reply) -> bytes:
    assert isinstance(reply.body, bytes)
    return reply.body


def test_the_document_has_osss_elements_in_osss_order_and_no_namespace() -> None:
    reply = reply_to(NO_SUCH_KEY(Key="a.txt"))
    assert reply.status == 404
    assert body_of(reply).decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        "<Error>\n"
        "  <Code>NoSuchKey</Code>\n"
        "  <Message>The specified key does not exist.</Message>\n"
        f"  <RequestId>{REQUEST_ID}</RequestId>\n"
        f"  <HostId>{HOST}</HostId>\n"
        "  <Key>a.txt</Key>\n"
        "  <EC>0026-00000001</EC>\n"
        "</Error>\n"
    )


def test_the_finer_code_is_also_a_header_and_the_type_is_xml() -> None:
    """The SDKs would read application/json as another kind of error."""
    assert dict(reply_to(NO_SUCH_KEY()).headers) == {
        b"x-oss-ec": b"0026-00000001",
        b"Content-Type": b"application/xml",
    }


def test_without_a_finer_code_there_is_neither_element_nor_header() -> None:
    reply = reply_to(INVALID_ARGUMENT())
    assert b"<EC>" not in body_of(reply)
    assert b"x-oss-ec" not in dict(reply.headers)


def test_without_a_host_the_element_is_empty() -> None:
    assert b"<HostId></HostId>" in body_of(reply_to(NO_SUCH_KEY(), host=""))


def test_what_the_client_sent_cannot_break_the_document() -> None:
    reply = reply_to(NO_SUCH_KEY(Key="</Key><Code>Fine</Code>&\0\x1b"), host="\udcff<b>")
    document = ElementTree.fromstring(body_of(reply))
    assert document.findtext("Code") == "NoSuchKey"
    assert document.findtext("Key") == "</Key><Code>Fine</Code>&"
    assert document.findtext("HostId") == "\ufffd<b>"


def test_a_refused_head_carries_the_document_in_a_header_instead_of_a_body() -> None:
    reply = reply_to(NO_SUCH_KEY(Key="a.txt"), method="HEAD")
    assert (reply.status, reply.body, reply.content_length) == (404, b"", 0)
    encoded = dict(reply.headers)[b"x-oss-err"]
    assert base64.b64decode(encoded, validate=True) == reply_to(NO_SUCH_KEY(Key="a.txt")).body
    assert dict(reply.headers)[b"x-oss-ec"] == b"0026-00000001"


@pytest.mark.parametrize(
    "error", [NO_SUCH_KEY("refused", Key="x" * 9000), NO_SUCH_KEY("refused" + "é" * 9000)], ids=["facts", "message"]
)
def test_a_document_too_long_for_a_header_keeps_what_an_sdk_must_know(error: OssError) -> None:
    reply = reply_to(error, method="HEAD")
    encoded = dict(reply.headers)[b"x-oss-err"]
    assert len(encoded) < 8192
    document = ElementTree.fromstring(base64.b64decode(encoded))
    assert [element.tag for element in document] == ["Code", "Message", "RequestId", "EC"]
    assert document.findtext("Code") == "NoSuchKey"
    assert document.findtext("Message", "").startswith("refused")


def test_the_errors_own_headers_go_out_with_it() -> None:
    reply = reply_to(INVALID_RANGE(headers=((b"Content-Range", b"bytes */5"),)))
    assert (b"Content-Range", b"bytes */5") in reply.headers


def test_what_the_request_said_at_length_is_cut_and_the_cut_is_said() -> None:
    error = INVALID_ARGUMENT("m" * 8193, ArgumentName="a" * 8192, ArgumentValue="b" * 240_000)
    root = ElementTree.fromstring(body_of(reply_to(error, host="h" * 240_000)))
    assert root.findtext("Message") == "m" * 8192 + "... (cut off: 1 more characters)"
    assert root.findtext("ArgumentName") == "a" * 8192
    assert root.findtext("ArgumentValue") == "b" * 8192 + "... (cut off: 231808 more characters)"
    assert root.findtext("HostId") == "h" * 8192 + "... (cut off: 231808 more characters)"

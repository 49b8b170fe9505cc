from __future__ import annotations

import base64

import pytest

from coatcheck.client.errors import ClientError, NotFound, read_error

DOCUMENT = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error>\n  <Code>NoSuchKey</Code>\n'
    b"  <Message>The specified key does not exist.</Message>\n  <RequestId>69A92BD9A1B2C3D4E5F60718</RequestId>\n"
    b"  <HostId>h</HostId>\n  <Key>k</Key>\n  <EC>0026-00000001</EC>\n</Error>\n"
)


def test_error_document_becomes_code_message_request_id_and_ec() -> None:
    error = read_error(404, {}, DOCUMENT)
    assert isinstance(error, NotFound)
    assert (error.code, error.message) == ("NoSuchKey", "The specified key does not exist.")
    assert (error.request_id, error.ec, error.status) == ("69A92BD9A1B2C3D4E5F60718", "0026-00000001", 404)


def test_head_error_comes_in_a_header() -> None:
    error = read_error(404, {"x-oss-err": base64.b64encode(DOCUMENT).decode()}, b"")
    assert error.code == "NoSuchKey"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>nginx</html>",
        b"\xff\xfe",
        b"<Error>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><Error><Code>&a;</Code></Error>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><Error/>',
    ],
)
def test_anything_else_is_named_by_its_status(body: bytes) -> None:
    error = read_error(503, {"x-oss-err": "%%%"}, body)
    assert (error.code, error.message) == ("HTTP503", "The server answered 503 Service Unavailable.")
    assert error.hint == "the server is in trouble; try again later"


def test_message_of_a_stranger_cannot_drive_the_terminal() -> None:
    error = read_error(400, {}, "<Error><Code>C</Code><Message>a\x85\nb\tc</Message></Error>".encode())
    assert error.message == "a b c"


@pytest.mark.parametrize(
    ("code", "message", "hint"),
    [
        ("AccessDenied", "Request has expired.", "the link's time is over; ask its owner for a new link"),
        (
            "SignatureDoesNotMatch",
            "…",
            "check the access key's secret; why a link doesn't match, says: coatcheck explain 'LINK'",
        ),
    ],
)
def test_hints_name_the_next_step(code: str, message: str, hint: str) -> None:
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    error = read_error(403, {}, body)
    assert type(error) is ClientError
    assert error.hint == hint

"""Who reaches the controls, and what they say of themselves. Without a server under them: what they refuse is refused
before anything is done."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from coatcheck.core.body import NO_BODY
from coatcheck.core.limits import TEST_DOCUMENT_MAX_BYTES
from coatcheck.root_credentials import RootCredentials
from coatcheck.settings import ServerSettings
from coatcheck.testing.controls import CONTROLS
from coatcheck.testing.http_api import Door, begin_controls
from coatcheck.testing.kit import Kit, SteeredServer
from coatcheck.testing.openapi import write_openapi
from coatcheck.wire.request import Request

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET

TOKEN: Final = "t" * 24
LET_IN: Final = {
    "host": "127.0.0.1:9001",
    "x-coatcheck-test-token": TOKEN,
    "content-type": "application/json",
}


class Sent:
    """A body of one piece."""

    def __init__(self, text: bytes) -> None:
        self._text = text

    async def chunks(self) -> Any:
        yield self._text


def without(name: str) -> dict[str, str]:
    return {other: value for other, value in LET_IN.items() if other != name}


async def ask(
    path: str = "/controls/clock",
    headers: dict[str, str] = LET_IN,
    body: bytes = b"",
    method: str = "POST",
    host: str = "127.0.0.1",
) -> tuple[int, dict[str, Any]]:
    server = SteeredServer(ServerSettings(store="memory:"), RootCredentials(ACCESS_KEY_ID, ACCESS_KEY_SECRET), Kit())
    request = Request(method, path.encode(), headers=headers, body=Sent(body) if body else NO_BODY)
    reply = await begin_controls(server, Door(host, TOKEN))(request, "1", 0.0).answer()
    assert isinstance(reply.body, bytes)
    assert dict(reply.headers)[b"Content-Type"] == b"application/json"
    return reply.status, json.loads(reply.body)


async def test_whoever_shows_the_token_is_let_in() -> None:
    status, told = await ask()
    assert (status, told["frozen"], sorted(told)) == (200, False, ["ahead_s", "frozen", "now"])


@pytest.mark.parametrize(
    ("headers", "status", "sentence"),
    [
        (without("x-coatcheck-test-token"), 401, "Send the token of the ready line, or of COATCHECK_TEST_TOKEN, in"),
        (LET_IN | {"x-coatcheck-test-token": "u" * 24}, 401, "Send the token"),
        (LET_IN | {"x-coatcheck-test-token": "é\udcff"}, 401, "Send the token"),
        (LET_IN | {"origin": "http://127.0.0.1:9001"}, 403, "The controls aren't for web pages"),
        (LET_IN | {"origin": "null"}, 403, "The controls aren't for web pages"),
        (LET_IN | {"host": "evil.example.com"}, 403, "This Host isn't ours"),
        (LET_IN | {"host": "192.0.2.7"}, 403, "This Host isn't ours"),
        (LET_IN | {"host": "oss"}, 403, "This Host isn't ours"),
        (without("host"), 403, "This Host isn't ours"),
        (without("content-type"), 415, "The controls take JSON"),
        (LET_IN | {"content-type": "text/plain"}, 415, "The controls take JSON"),
        (LET_IN | {"content-type": "application/x-www-form-urlencoded"}, 415, "The controls take JSON"),
    ],
)
async def test_others_are_refused_with_a_sentence(headers: dict[str, str], status: int, sentence: str) -> None:
    for path in ("/controls/clock", "/controls/reset"):
        refused, told = await ask(path, headers)
        assert refused == status
        assert sentence in told["error"]


async def test_without_the_token_nobody_learns_what_there_is() -> None:
    assert (await ask("/controls/nothing", without("x-coatcheck-test-token")))[0] == 401
    assert (await ask("/controls/openapi.json", without("x-coatcheck-test-token"), method="GET"))[0] == 401


@pytest.mark.parametrize(
    ("host", "names", "status"),
    [
        ("127.0.0.1", ["localhost:9001", "127.0.0.1", "[::1]:9001"], 200),
        ("0.0.0.0", ["oss:9001", "192.0.2.7:32768", "localhost:9001"], 200),
        ("0.0.0.0", ["oss.evil.example.com", "evil.com:9001", ""], 403),
        ("oss.internal.example", ["oss.internal.example:9001"], 200),
        ("::1", ["[::1]:9001"], 200),
    ],
)
async def test_hosts_that_are_ours(host: str, names: list[str], status: int) -> None:
    for name in names:
        assert (await ask(headers=LET_IN | {"host": name}, host=host))[0] == status, name


@pytest.mark.parametrize(
    ("path", "body", "status", "sentence"),
    [
        ("/controls/nothing", b"{}", 404, "There is no such control. There are: reset, bucket, clock"),
        ("/", b"{}", 404, "There is no such control"),
        ("/controls/clock", b"{", 400, "The body is no JSON."),
        ("/controls/clock", b"[]", 400, "The body is no JSON object."),
        ("/controls/clock", b"[" * 100_000, 400, "The body is no JSON."),
        ("/controls/clock", b'{"seconds": 1}', 400, "'seconds' is no field of this. It has none."),
        ("/controls/clock-move", b"{}", 400, "'seconds' is missing"),
        ("/controls/clock-move", b'{"seconds": NaN}', 400, "'seconds' is nan; it takes"),
        ("/controls/clock-at", b'{"at": "tomorrow"}', 400, "'tomorrow' is no moment"),
        ("/controls/clock-at", b'{"at": {}}', 400, "{} is no moment"),
        ("/controls/fault", b'{"code": "Nope", "nth": 1}', 400, "'Nope' is no code of the error table"),
        ("/controls/clock", b" " * (TEST_DOCUMENT_MAX_BYTES + 1), 413, "at most 1048576 bytes"),
    ],
)
async def test_what_cannot_be_done_is_said(path: str, body: bytes, status: int, sentence: str) -> None:
    refused, told = await ask(path, body=body)
    assert refused == status
    assert sentence in told["error"]


async def test_controls_are_asked_with_post() -> None:
    assert (await ask(method="GET"))[0] == 405


async def test_the_openapi_document_has_every_control_and_no_other() -> None:
    status, document = await ask("/controls/openapi.json", method="GET")
    assert (status, document["openapi"]) == (200, "3.1.0")
    assert set(document["paths"]) == {f"/controls/{name}" for name in CONTROLS}
    for name, control in CONTROLS.items():
        described = document["paths"][f"/controls/{name}"]["post"]
        taken = described["requestBody"]["content"]["application/json"]["schema"]
        told = described["responses"]["200"]["content"]["application/json"]["schema"]
        assert set(taken["properties"]) == set(control.takes)
        assert taken["required"] == [name for name, field in control.takes.items() if field.required]
        assert set(told["properties"]) == set(control.tells)
        assert described["summary"] == control.meaning
    assert document == write_openapi()

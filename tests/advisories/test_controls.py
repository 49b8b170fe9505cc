"""Controls of a tool for developers, driven by a page that they happen to visit."""

from __future__ import annotations

from typing import Final

from coatcheck.root_credentials import RootCredentials
from coatcheck.settings import ServerSettings
from coatcheck.testing.http_api import Door, begin_controls
from coatcheck.testing.kit import Kit, SteeredServer
from coatcheck.wire.request import Request

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET

TOKEN: Final = "t" * 24
LET_IN: Final = {"host": "127.0.0.1:9001", "x-coatcheck-test-token": TOKEN, "content-type": "application/json"}


async def ask(headers: dict[str, str]) -> int:
    """The status of a request that asks what the clock says."""
    server = SteeredServer(ServerSettings(store="memory:"), RootCredentials(ACCESS_KEY_ID, ACCESS_KEY_SECRET), Kit())
    request = Request("POST", b"/controls/clock", headers=headers)
    return (await begin_controls(server, Door("127.0.0.1", TOKEN))(request, "1", 0.0).answer()).status


async def test_the_controls_want_a_token() -> None:
    assert await ask(LET_IN) == 200
    assert await ask({name: value for name, value in LET_IN.items() if name != "x-coatcheck-test-token"}) == 401


async def test_a_page_cannot_ask_the_controls() -> None:
    assert await ask(LET_IN | {"origin": "http://evil.example"}) == 403
    assert await ask(LET_IN | {"origin": "null"}) == 403


async def test_a_name_that_leads_to_loopback_is_not_ours() -> None:
    assert await ask(LET_IN | {"host": "rebound.evil.example:9001"}) == 403


async def test_a_form_cannot_ask_the_controls() -> None:
    assert await ask(LET_IN | {"content-type": "text/plain"}) == 415

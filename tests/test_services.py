"""Which service a request is for, by its address."""

from __future__ import annotations

import pytest

from coatcheck.exchange import Exchange
from coatcheck.identity.readings import Readings
from coatcheck.services import Service, Services
from coatcheck.wire.query import read_query
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import Request

from .oss.house import NOW, REQUEST_ID, House


class KeyOnly:
    """Somebody who has a key to show and tells nothing."""

    def may_reach(self, host: str) -> bool:
        return False

    async def public_key(self) -> bytes:
        return b"the key"

    async def send(self, notice: object) -> object:
        raise AssertionError("nothing is told")


@pytest.mark.parametrize(
    ("host", "target", "operation"),
    [
        ("127.0.0.1", "/.coatcheck/callback-key.pem", "callback_key"),
        ("localhost:8000", "/.coatcheck/callback-key.pem", "callback_key"),
        ("oss-cn-hangzhou.localhost", "/.coatcheck/callback-key.pem", "callback_key"),
        ("photos.oss-cn-hangzhou.localhost", "/.coatcheck/callback-key.pem", "get_object"),  # a key as any other
        ("127.0.0.1", "/.coatcheck/callback-key.pem/x", ""),
        ("sts.localhost", "/?Action=AssumeRole", "sts"),
        ("127.0.0.1", "/?Action=AssumeRole", "sts"),
        ("photos.oss-cn-hangzhou.localhost", "/?Action=AssumeRole", "list_objects"),
        ("127.0.0.1", "/photos/?Action=AssumeRole", "list_objects"),
    ],
)
async def test_an_address_belongs_to_one_service(host: str, target: str, operation: str) -> None:
    house = await House(notifier=KeyOnly()).with_bucket(acl="public-read")  # type: ignore[arg-type]
    path, _, query = target.partition("?")
    request = Request("GET", path.encode(), read_query(query.encode()), {"host": host})
    exchange = Exchange(request, REQUEST_ID, NOW, house.services.answer)
    await exchange.answer()
    assert exchange.operation == operation


async def test_the_first_that_takes_a_request_answers_it() -> None:
    def answers(status: int) -> Service:
        async def answer(_: Exchange) -> Reply:
            return Reply(status)

        return Service(str(status), lambda request: request.raw_path == b"/%d" % status, answer)

    async def otherwise(_: Exchange) -> Reply:
        return Reply(404)

    services = Services((answers(200), answers(200), answers(201)), otherwise, Readings())
    for path, status in ((b"/200", 200), (b"/201", 201), (b"/", 404)):
        assert (await services.answer(Exchange(Request("GET", path), "id", NOW, otherwise))).status == status

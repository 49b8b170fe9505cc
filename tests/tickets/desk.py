"""A whole server with a picture, a folder and its owner's way to make links to them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from itertools import count
from typing import Any

from coatcheck.ports.keyring import AccessKey
from coatcheck.wire.query import read_query
from coatcheck.wire.request import Request

from ..oss.house import OWNER, Answer, GivenBody, House

NONCES = count()


async def a_house(house: House | None = None) -> House:
    house = house or House()
    await house.with_bucket()
    await house.put("/photos/2026/cat.jpg", b"0123456789", {"content-type": "image/jpeg"})
    await house.put("/photos/2026/dog.txt", b"woof")
    await house.put("/photos/2026/b/bird.txt", b"tweet")
    await house.put("/photos/2027/none.txt", b"not yet")
    await house.put("/photos/20266.txt", b"a neighbour")
    return house


async def call(house: House, method: str, path: str, document: Any = None, *, by: AccessKey = OWNER) -> tuple[int, Any]:
    """Of the API, below /.coatcheck/v1/."""
    body = b"" if document is None else json.dumps(document).encode()
    given = {}
    if method != "GET":
        given = {
            "x-oss-coatcheck-sha256": hashlib.sha256(body).hexdigest(),
            "x-oss-coatcheck-nonce": f"ticket{next(NONCES):016}",
        }
    answer = await house.ask(method, f"/.coatcheck/v1/{path}", body, given, by=by)
    return answer.status, json.loads(answer.body)


async def make(house: House, *, by: AccessKey = OWNER, **members: Any) -> dict[str, Any]:
    """A ticket's document, with its `url`; for a picture of the bucket if nothing else is named."""
    if not {"key", "prefix", "keys", "box"} & members.keys():
        members["key"] = "2026/cat.jpg"
    status, document = await call(house, "POST", "tickets", {"bucket": "photos"} | members, by=by)
    assert status == 200, document
    assert isinstance(document, dict)
    return document


async def use(
    house: House,
    url: str,
    more: str = "",
    method: str = "GET",
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    client: str = "192.0.2.7",
) -> Answer:
    """Follow a ticket, as the program of somebody who has nothing else."""
    host, _, rest = (url + more).partition("://")[2].partition("/")
    raw_path, _, raw_query = rest.partition("?")
    sent = {"host": host, **(headers or {})}
    if method in ("PUT", "POST"):
        sent["content-length"] = str(len(body))
    query = read_query(raw_query.encode())
    return await house.send(
        Request(method, b"/" + raw_path.encode(), query, sent, client=client, body=GivenBody([body] if body else []))
    )


def with_password(password: str) -> dict[str, str]:
    """What curl -u :PASSWORD sends."""
    return {"authorization": "Basic " + base64.b64encode(f":{password}".encode()).decode()}


def refusal(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.text("EC") or ""

"""Values that many tests need, made with as little said as possible."""

from __future__ import annotations

from typing import Final

from coatcheck import Presigner
from coatcheck.wire.query import read_query
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target

FROZEN: Final = 1772694489  # 2026-03-05T07:08:09Z, the moment of the recorded signing vectors
REGION: Final = "cn-hangzhou"
BUCKET: Final = "examplebucket"
KEY: Final = "exampleobject.txt"
ACCESS_KEY_ID: Final = "CoatcheckAk0001"
ACCESS_KEY_SECRET: Final = "CoatcheckFakeSecret0123456789a"


def a_target(bucket: str | None = BUCKET, key: str | None = KEY, region: str | None = None) -> Target:
    return Target(bucket, key, region)


def a_request(method: str = "GET", target: str = f"/{BUCKET}/{KEY}", **headers: str) -> Request:
    """What arrived: `target` is path and query as on the request line; "_" in header names stands for "-"."""
    path, _, query = target.partition("?")
    named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return Request(method, path.encode(), read_query(query.encode()), {"host": "127.0.0.1", **named})


def a_presigner(endpoint: str | None = None, region: str = REGION) -> Presigner:
    return Presigner(ACCESS_KEY_ID, ACCESS_KEY_SECRET, region=region, endpoint=endpoint)

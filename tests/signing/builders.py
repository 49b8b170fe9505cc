"""Requests, targets and vectors for the tests of signing. The moment is that of the recorded vectors."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from coatcheck.signing.scheme import Claim
from coatcheck.signing.verify import check_claim, check_scope
from coatcheck.wire.query import read_query
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target

NOW = 1772694489  # 2026-03-05T07:08:09Z
REGION = "cn-hangzhou"
BUCKET = "examplebucket"
ACCESS_KEY_ID = "CoatcheckAk0001"
SECRET = "CoatcheckFakeSecret0123456789a"
SECRETS = {ACCESS_KEY_ID: SECRET, "STS.CoatcheckAk0002": "CoatcheckFakeTempSecret9876543210"}
HOST = f"{BUCKET}.oss-{REGION}.aliyuncs.com"
OBJECT = Target(BUCKET, "exampleobject.txt")

Vector = dict[str, Any]  # one entry of the recorded file; its shape is described in the file's own notes

_RECORDED = json.loads((Path(__file__).parent / "vectors" / "signing-vectors.json").read_text("utf-8"))


def vectors(*kinds: str) -> list[Vector]:
    """The recorded vectors of these kinds."""
    return [vector for vector in _RECORDED["vectors"] if vector["kind"] in kinds]


def a_request(url: str, method: str = "GET", headers: dict[str, str] | None = None, client: str = "") -> Request:
    """What a server sees of a URL and headers; header values are trimmed, as an HTTP server does."""
    parts = urlsplit(url)
    raw_path, _, raw_query = url.partition("#")[0].removeprefix(f"{parts.scheme}://{parts.netloc}").partition("?")
    seen = {"host": parts.netloc} | {name.lower(): value.strip() for name, value in (headers or {}).items()}
    return Request(method, (raw_path or "/").encode(), read_query(raw_query.encode()), seen, client)


def target_of(request: Request, style: str) -> Target:
    """The bucket and key of a vector's request, legal or not: some vectors have a leading slash."""
    raw = request.raw_path[1:]
    if style != "path":
        return _target(BUCKET, raw)
    bucket, _, raw_key = raw.partition(b"/")
    return _target(unquote_to_bytes(bucket).decode(), raw_key) if bucket else Target()


def _target(bucket: str, raw_key: bytes) -> Target:
    return Target(bucket, unquote_to_bytes(raw_key).decode() if raw_key else None)


def check_all(claim: Claim, *, now: float, regions: Collection[str], target: Target) -> None:
    """What is asked of a claim before its key is looked for."""
    check_scope(claim, regions=regions, target=target)
    check_claim(claim, now=now, target=target)

"""The recorded requests of botocore, and a good request with one change. The moment is that of the OSS vectors."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from coatcheck.wire.query import read_query
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target

from .builders import BUCKET, Vector

_RECORDED = json.loads((Path(__file__).parent / "vectors" / "s3.json").read_text("utf-8"))
CREDENTIALS: dict[str, Any] = _RECORDED["credentials"]
SECRETS = {keys["access_key_id"]: keys["access_key_secret"] for keys in CREDENTIALS.values()}


def s3_vectors(*kinds: str) -> list[Vector]:
    return [vector for vector in _RECORDED["vectors"] if vector["kind"] in kinds]


def s3_refusals() -> list[Vector]:
    return list(_RECORDED["refusals"])


class SentBody:
    """A body that arrives in pieces of one size."""

    def __init__(self, content: bytes, piece: int = 7) -> None:
        self._content = content
        self._piece = piece

    async def chunks(self) -> Any:
        for start in range(0, len(self._content), self._piece):
            yield self._content[start : start + self._piece]


def body_of(vector: Vector) -> bytes:
    sent = vector["request"]
    if "body_base64" in sent:
        return base64.b64decode(sent["body_base64"])
    return str(sent.get("body") or "").encode()


def arrived(vector: Vector) -> tuple[Request, Target]:
    """What a server sees of a vector, and what its address names."""
    sent = vector["request"]
    scheme_and_host, _, rest = sent["url"].partition("://")[2].partition("/")
    raw_path, _, raw_query = f"/{rest}".partition("?")
    headers = {name.lower(): value.strip(" \t") for name, value in sent["headers"].items()}
    headers.setdefault("host", scheme_and_host)
    request = Request(
        sent["method"], raw_path.encode(), read_query(raw_query.encode()), headers, body=SentBody(body_of(vector))
    )
    in_host = headers["host"].startswith(f"{BUCKET}.")
    path = raw_path[1:]
    if not in_host:
        path = path.partition("/")[2]
        bucket = raw_path[1:].partition("/")[0] or None
    else:
        bucket = BUCKET
    key = Request("GET", path.encode()).raw_path.decode() or None
    return request, Target(bucket, None if key is None else _decode(key))


def form_fields(vector: Vector) -> dict[str, str]:
    """The fields of a form, as they are held against its policy."""
    return {name.lower(): value for name, value in vector["request"]["fields"].items()} | {"bucket": BUCKET}


def _decode(path: str) -> str:
    from urllib.parse import unquote

    return unquote(path, errors="surrogateescape")

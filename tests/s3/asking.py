"""Requests that are signed as S3 signs them, to a house."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from msgspec.structs import replace

from coatcheck.core.times import write_basic_iso
from coatcheck.ports.keyring import AccessKey
from coatcheck.signing import s3_v4, v1
from coatcheck.signing.v4 import Scope, sign
from coatcheck.wire.query import read_query
from coatcheck.wire.request import Request

from ..oss.house import OWNER, Answer, GivenBody, House

HOST = "127.0.0.1:8000"
UNSIGNED = "UNSIGNED-PAYLOAD"


def signed(
    house: House,
    method: str,
    address: str,
    headers: Mapping[str, str] | None = None,
    *,
    payload: str = UNSIGNED,
    by: AccessKey = OWNER,
    region: str = "us-east-1",
    host: str = HOST,
) -> Request:
    """A request signed in its header; all headers given are signed."""
    raw_path, _, raw_query = address.partition("?")
    timestamp = write_basic_iso(int(house.now))
    sent = {"host": host, "x-amz-date": timestamp, "x-amz-content-sha256": payload}
    sent |= {name.lower(): value for name, value in (headers or {}).items()}
    scope = Scope(timestamp[:8], region, "s3")
    names = sorted(sent)
    query = read_query(raw_query.encode())
    text = s3_v4.canonical_request(
        method,
        s3_v4.canonical_uri(raw_path.encode()),
        s3_v4.canonical_query(query.parameters),
        s3_v4.canonical_headers(sent, names),
        ";".join(names),
        payload,
    )
    to_sign = s3_v4.string_to_sign(timestamp, s3_v4.write_scope(scope), text)
    signature = sign(s3_v4.signing_key(by.access_key_secret, scope), to_sign)
    credential = f"{by.access_key_id}/{s3_v4.write_scope(scope)}"
    sent["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return Request(method, raw_path.encode(), query, sent)


async def ask(
    house: House,
    method: str,
    address: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    unsigned: Mapping[str, str] | None = None,
    payload: str = UNSIGNED,
    by: AccessKey = OWNER,
    host: str = HOST,
) -> Answer:
    """Ask in S3; `unsigned` headers are added behind the signature."""
    request = signed(house, method, address, headers, payload=payload, by=by, host=host)
    return await send(house, request, body, unsigned)


async def send(
    house: House, request: Request, body: bytes = b"", unsigned: Mapping[str, str] | None = None, pieces: int = 1 << 20
) -> Answer:
    sent = {**request.headers, **(unsigned or {})}
    if request.method in ("PUT", "POST"):
        sent["content-length"] = str(len(body))
    cut = [body[start : start + pieces] for start in range(0, len(body), pieces)]
    return await house.send(replace(request, headers=sent, body=GivenBody(cut)))


def link(house: House, method: str, path: str, query: str = "", *, by: AccessKey = OWNER, expires_s: int = 600) -> str:
    """A link of version 4: path and query."""
    timestamp = write_basic_iso(int(house.now))
    scope = Scope(timestamp[:8], "us-east-1", "s3")
    credential = f"{by.access_key_id}/{s3_v4.write_scope(scope)}".replace("/", "%2F")
    pieces = [
        *([query] if query else []),
        "X-Amz-Algorithm=AWS4-HMAC-SHA256",
        f"X-Amz-Credential={credential}",
        f"X-Amz-Date={timestamp}",
        f"X-Amz-Expires={expires_s}",
        "X-Amz-SignedHeaders=host",
    ]
    whole = "&".join(pieces)
    text = s3_v4.canonical_request(
        method,
        s3_v4.canonical_uri(path.encode()),
        s3_v4.canonical_query(read_query(whole.encode()).parameters),
        f"host:{HOST}\n",
        "host",
    )
    to_sign = s3_v4.string_to_sign(timestamp, s3_v4.write_scope(scope), text)
    return f"{path}?{whole}&X-Amz-Signature={sign(s3_v4.signing_key(by.access_key_secret, scope), to_sign)}"


async def follow(
    house: House, address: str, method: str = "GET", body: bytes = b"", headers: Mapping[str, str] | None = None
) -> Answer:
    """Use a link of `link`."""
    return await house.follow(f"http://{HOST}{address}", method, body, headers)


def chunked(request: Request, chunks: Iterable[bytes], trailer: str = "", by: AccessKey = OWNER) -> bytes:
    """A body of signed chunks for a request signed with a STREAMING word; `trailer` is "name:value" or nothing."""
    signature = request.headers["authorization"].rpartition("=")[2]
    timestamp = request.headers["x-amz-date"]
    signer = s3_v4.ChunkSigner(by.access_key_secret, Scope(timestamp[:8], "us-east-1", "s3"), timestamp, signature)
    parts = []
    for data in (*chunks, b""):
        of_chunk = signer.next_chunk(sha256(data).hexdigest())
        parts.append(b"%x;chunk-signature=%b\r\n%b" % (len(data), of_chunk.encode(), data))
        parts.append(b"\r\n" if data or not trailer else b"")
    if trailer:
        parts.append(f"{trailer}\r\nx-amz-trailer-signature:{signer.trailer(trailer + chr(10))}\r\n\r\n".encode())
    return b"".join(parts)


def form_fields(
    conditions: Iterable[Any],
    fields: Mapping[str, str] | None = None,
    *,
    by: AccessKey = OWNER,
    expiration: object = "2026-03-05T08:08:09Z",
    version: int = 4,
    timestamp: str = "20260305T070809Z",
    bucket: str = "photos",
) -> dict[str, str]:
    """The fields of a form whose policy has the conditions, `bucket` and those of the signature."""
    scope = Scope(timestamp[:8], "us-east-1", "s3")
    signing = {
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-credential": f"{by.access_key_id}/{s3_v4.write_scope(scope)}",
        "x-amz-date": timestamp,
    }
    exact = [{name: value} for name, value in (signing if version == 4 else {}).items()]
    policy = b64encode(
        json.dumps({"expiration": expiration, "conditions": [*conditions, {"bucket": bucket}, *exact]}).encode()
    ).decode()
    if version == 2:
        signed = {"AWSAccessKeyId": by.access_key_id, "signature": v1.sign(by.access_key_secret, policy)}
    else:
        signed = {**signing, "x-amz-signature": sign(s3_v4.signing_key(by.access_key_secret, scope), policy)}
    return {"key": "a.txt", **(fields or {}), **signed, "policy": policy}

"""What does an upload of 256 MiB cost in S3's own encoding, beside the same bytes as they are?

    python benchmarks/s3_uploads.py [--mib 256] [--rounds 5] [--dir DIRECTORY]

One connection; PutObject, durable. `plain` has a Content-Length and no digest (rclone, opendal), `sha256` the digest
of its body in the head. The others are aws-chunked: `trailer` as boto3 sends it over TLS (1 MiB a chunk, unsigned, a
CRC-32 behind it), `signed` as minio-go and restic (64 KiB a chunk, each signed), `both` as Java's SDK (128 KiB, signed,
a signed CRC-32). `AES256` and `SSE-C` are plain, and encrypted at rest, the latter by the client's key too. Target: 0.8
times the rate of the same bytes as they are, verified as much: `trailer` beside `plain`, `signed` and `both`, whose
chunks are hashed, beside `sha256`; and no worker takes more memory for a larger body.

The machine may be busy, so a rate is that of the server's CPU, all its processes together; wall time stands beside it.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import tempfile
import time
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from hashlib import md5, sha256
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from peers import BUCKET, KEY_ID, SECRET, Coatcheck, coatcheck
from rates import worker_memory
from wrk import cpu_s

from coatcheck.core.times import write_basic_iso
from coatcheck.signing import s3_v4
from coatcheck.signing.v4 import Scope, sign

KIB, MIB = 1024, 1024**2
SMALL_BYTES: Final = 16 * MIB
TARGET: Final = 0.8


class Way(NamedTuple):
    """How a body is sent.

    Attributes:
        payload: the last line of the canonical request; "" for the digest of the body.
        chunk: bytes; 0 for a body as it is.
    """

    payload: str
    chunk: int = 0
    signed: bool = False
    trailer: bool = False
    headers: Mapping[str, str] = MappingProxyType({})


_KEY: Final = bytes(range(32))
_CUSTOMER: Final = "x-amz-server-side-encryption-customer-"
KEY: Final = {
    f"{_CUSTOMER}algorithm": "AES256",
    f"{_CUSTOMER}key": b64encode(_KEY).decode(),
    f"{_CUSTOMER}key-md5": b64encode(md5(_KEY, usedforsecurity=False).digest()).decode(),
}
WAYS: Final = {
    "plain": Way("UNSIGNED-PAYLOAD"),
    "trailer": Way("STREAMING-UNSIGNED-PAYLOAD-TRAILER", MIB, trailer=True),
    "signed": Way("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", 64 * KIB, signed=True),
    "both": Way("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", 128 * KIB, signed=True, trailer=True),
    "sha256": Way(""),
    "AES256": Way("UNSIGNED-PAYLOAD", headers={"x-amz-server-side-encryption": "AES256"}),
    "SSE-C": Way("UNSIGNED-PAYLOAD", headers=KEY),
}
HELD: Final = {"trailer": "plain", "signed": "sha256", "both": "sha256"}  # beside what


class Upload(NamedTuple):
    """A request that is ready to be sent."""

    head: bytes
    pieces: list[bytes]


def prepare(way: Way, endpoint: str, key: str, body: bytes) -> Upload:
    host, timestamp = urlsplit(endpoint).netloc, write_basic_iso(int(time.time()))
    scope = Scope(timestamp[:8], "us-east-1", "s3")
    payload = way.payload or sha256(body).hexdigest()
    sent = {"host": host, "x-amz-content-sha256": payload, "x-amz-date": timestamp, **way.headers}
    if way.chunk:
        sent["x-amz-decoded-content-length"] = str(len(body))
    if way.trailer:
        sent["x-amz-trailer"] = "x-amz-checksum-crc32"
    names, path = sorted(sent), f"/{BUCKET}/{key}"
    text = s3_v4.canonical_request("PUT", path, "", s3_v4.canonical_headers(sent, names), ";".join(names), payload)
    signature = sign(s3_v4.signing_key(SECRET, scope), s3_v4.string_to_sign(timestamp, s3_v4.write_scope(scope), text))
    pieces = [body]
    if way.chunk:
        signer = s3_v4.ChunkSigner(SECRET, scope, timestamp, signature) if way.signed else None
        pieces = list(_encode(way, body, signer))
    credential = f"{KEY_ID}/{s3_v4.write_scope(scope)}"
    sent["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    sent["content-length"] = str(sum(map(len, pieces)))
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    return Upload(f"PUT {path} HTTP/1.1\r\n{lines}\r\n".encode(), pieces)


def _encode(way: Way, body: bytes, signer: s3_v4.ChunkSigner | None) -> Iterator[bytes]:
    for start in (*range(0, len(body), way.chunk), len(body)):
        data = body[start : start + way.chunk]
        signature = (
            b"" if signer is None else b";chunk-signature=" + signer.next_chunk(sha256(data).hexdigest()).encode()
        )
        yield b"%x%b\r\n" % (len(data), signature)
        if data:
            yield data
            yield b"\r\n"
    if way.trailer:
        line = f"x-amz-checksum-crc32:{b64encode(zlib.crc32(body).to_bytes(4, 'big')).decode()}"
        yield f"{line}\r\n".encode()
        if signer is not None:
            yield f"x-amz-trailer-signature:{signer.trailer(f'{line}{chr(10)}')}\r\n".encode()
    yield b"\r\n"


def send(endpoint: str, upload: Upload) -> None:
    """Raises: RuntimeError, unless it was stored."""
    where = urlsplit(endpoint)
    with socket.create_connection((where.hostname, where.port), timeout=600) as connection:
        connection.sendall(upload.head)
        waiting = bytearray()
        for piece in upload.pieces:
            waiting += piece
            if len(waiting) >= MIB:
                connection.sendall(waiting)
                waiting.clear()
        connection.sendall(waiting)
        reply = connection.recv(64 * KIB)
        if not reply.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(reply.decode(errors="replace"))


class Cost(NamedTuple):
    cpu_s: float
    seconds: float
    grown: int  # bytes that the largest worker had more behind it than before


def measure(peer: Coatcheck, name: str, make: Callable[[], bytes]) -> Cost:
    upload = prepare(WAYS[name], peer.endpoint, name, make())
    memory, before, began = max(worker_memory(peer.pid)), cpu_s(peer.pid), time.perf_counter()
    send(peer.endpoint, upload)
    seconds = time.perf_counter() - began
    return Cost(cpu_s(peer.pid) - before, seconds, max(worker_memory(peer.pid)) - memory)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dir", type=Path, default=Path(tempfile.gettempdir()))
    given = parser.parse_args()
    body = os.urandom(MIB) * given.mib
    costs: dict[str, list[Cost]] = {name: [] for name in WAYS}
    with tempfile.TemporaryDirectory(dir=given.dir) as directory, coatcheck(Path(directory)) as peer:
        for name in WAYS:  # what a process takes once
            measure(peer, name, lambda: body[:SMALL_BYTES])
        for number in range(given.rounds):
            for name in WAYS:
                costs[name].append(measure(peer, name, lambda: body))
            print(f"round {number + 1}: " + ", ".join(f"{name} {each[-1].cpu_s:.2f} s" for name, each in costs.items()))
    print(f"\n{'':<10}{'CPU, s':>8}{'wall, s':>9}{'of plain':>10}{'grown, MiB':>12}")
    for name, each in costs.items():
        line = f"{name:<10}{statistics.median(cost.cpu_s for cost in each):>8.2f}"
        line += f"{statistics.median(cost.seconds for cost in each):>9.2f}{ratio(costs, name, 'plain'):>10.2f}"
        line += f"{max(cost.grown for cost in each) / MIB:>12.1f}"
        if name in HELD:
            found = ratio(costs, name, HELD[name])
            line += f"  {found:.2f} of {HELD[name]}: {'meets' if found >= TARGET else 'MISSES'} {TARGET}"
        print(line)


def ratio(costs: dict[str, list[Cost]], name: str, beside: str) -> float:
    """How many times the rate of the other, by CPU: the median over the rounds."""
    return statistics.median(other.cpu_s / cost.cpu_s for other, cost in zip(costs[beside], costs[name], strict=True))


if __name__ == "__main__":
    main()

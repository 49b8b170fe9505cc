"""How fast are bytes that an object store keeps? GETs of 64 MiB out of SeaweedFS, through coatcheck and by obstore.

    python benchmarks/bytes_elsewhere.py [--rounds 9]

Both read the same object by turns, in one process; what counts is the ratio of the medians. Everything runs on this
machine, so coatcheck, which reads the object and sends it on, shares its cores with the store and the client.
"""

from __future__ import annotations

import argparse
import http.client
import os
import shutil
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import obstore
from obstore.store import S3Store
from peers import BUCKET, KEY_ID, SECRET, coatcheck, put, seaweed

MIB: Final = 1024**2
SIZE: Final = 64 * MIB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    root = Path(tempfile.mkdtemp(prefix="coatcheck-bytes-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, root)
        peer = stack.enter_context(seaweed(root / "seaweed"))
        os.environ |= {
            "COATCHECK_BYTES": f"s3://{BUCKET}/bytes",
            "AWS_ENDPOINT_URL": peer.endpoint,
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
        }
        server = stack.enter_context(coatcheck(root / "coatcheck"))
        put(server.link("PUT", BUCKET, "large"), os.urandom(SIZE))
        store = S3Store(BUCKET, prefix="bytes", client_options={"allow_http": True, "timeout": "1h"})
        (path,) = [entry["path"] for page in obstore.list(store) for entry in page if entry["size"] == SIZE]
        link = server.link("GET", BUCKET, "large")
        ours, alone = [], []
        for _ in range(rounds):
            ours.append(_through_coatcheck(link))
            alone.append(_through_obstore(store, path))
    ours_s, alone_s = statistics.median(ours), statistics.median(alone)
    print(f"{SIZE // MIB} MiB through coatcheck  {SIZE / MIB / ours_s:8.0f} MiB/s")
    print(f"{SIZE // MIB} MiB by obstore alone   {SIZE / MIB / alone_s:8.0f} MiB/s")
    print(f"ratio of the rates        {alone_s / ours_s:8.2f}")


def _through_coatcheck(link: str) -> float:
    """Seconds."""
    parts, buffer, read = urlsplit(link), bytearray(MIB), 0
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    begun = time.perf_counter()
    connection.request("GET", f"{parts.path}?{parts.query}")
    reply = connection.getresponse()
    while count := reply.readinto(buffer):
        read += count
    seconds = time.perf_counter() - begun
    connection.close()
    assert (reply.status, read) == (200, SIZE)
    return seconds


def _through_obstore(store: S3Store, path: str) -> float:
    begun = time.perf_counter()
    read = sum(len(piece) for piece in obstore.get(store, path).stream(min_chunk_size=MIB))
    assert read == SIZE
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()

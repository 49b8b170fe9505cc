"""What do parts and copies cost: completing an upload, copying, reading an object of many parts, uploading in parts?

    python benchmarks/objects.py [--only complete copy read upload] [--scale 1.0] [--rounds 5] [--dir DIRECTORY]

`complete`: CompleteMultipartUpload of 1,000 parts of 1 MiB beside UploadPart of one. Target: less than 5 times.
`copy`: CopyObject of 10 GB beside that of 1 KiB. Target: at most 3 times.
`read`: GET of 100 parts of 1 MiB beside GET of the same bytes in one piece. Target: at least 0.9 of its rate.
`upload`: 1 GiB through the uploader of alibabacloud-oss-v2 beside SeaweedFS's S3 through boto3's transfer, both with
parts of 8 MiB and 4 threads. Target: at least 2 times as fast.

`--scale` makes all of it smaller. Everything alternates within a round; a figure is the median over the rounds.
"""

from __future__ import annotations

import argparse
import http.client
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

from peers import BUCKET, KEY_ID, SECRET, coatcheck, seaweed

from coatcheck import Credentials, sign_request

KIB, MIB, GIB = 1024, 1024**2, 1024**3
PART_BYTES = 8 * MIB
THREADS = 4


class Server:
    """Signed requests on one connection."""

    def __init__(self, endpoint: str) -> None:
        where = urlsplit(endpoint)
        self._connection = http.client.HTTPConnection(where.hostname or "", where.port or 0, timeout=600)

    def ask(self, method: str, key: str, query: str = "", body: bytes = b"", **headers: str) -> tuple[Any, bytes]:
        """The headers and the body of a reply that is a success."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        pairs = [(name, value) for name, _, value in (pair.partition("=") for pair in query.split("&") if pair)]
        signed = sign_request(
            method,
            BUCKET,
            key,
            query=pairs,
            headers=named,
            credentials=Credentials(KEY_ID, SECRET),
            region="cn-hangzhou",
            now=time.time(),
        )
        self._connection.request(method, f"/{BUCKET}/{key}{query and '?' + query}", body, dict(signed))
        reply = self._connection.getresponse()
        content = reply.read()
        assert reply.status in (200, 204, 206), (reply.status, content[:500])
        return reply.headers, content

    def initiate(self, key: str) -> str:
        _, begun = self.ask("POST", key, "uploads")
        return ElementTree.fromstring(begun).findtext("UploadId") or ""


def ms(call: Callable[..., object], *arguments: Any, **named: Any) -> float:
    """How long the call took."""
    began = time.perf_counter()
    call(*arguments, **named)
    return (time.perf_counter() - began) * 1000


def report(what: str, figure: float, unit: str = "", verdict: str = "") -> None:
    print(f"{what:<60} {figure:>12,.2f} {unit:<5} {verdict}".rstrip(), flush=True)


def verdict(met: bool, target: str) -> str:
    return f"{'meets' if met else 'MISSES'} {target}"


def complete(server: Server, rounds: int, scale: float) -> None:
    parts = max(int(1000 * scale), 2)
    body = os.urandom(MIB)
    one, whole = [], []
    for number_of_round in range(rounds):
        key = f"parts-{number_of_round}"
        upload_id = server.initiate(key)
        one += [
            ms(server.ask, "PUT", key, f"partNumber={number}&uploadId={upload_id}", body)
            for number in range(1, parts + 1)
        ]
        whole.append(ms(server.ask, "POST", key, f"uploadId={upload_id}", x_oss_complete_all="yes"))
    ratio = statistics.median(whole) / statistics.median(one)
    report("UploadPart of 1 MiB", statistics.median(one), "ms")
    report(f"CompleteMultipartUpload of {parts:,} parts", statistics.median(whole), "ms")
    report("complete: ratio", ratio, "x", verdict(ratio < 5, "< 5"))


def copy(server: Server, rounds: int, scale: float) -> None:
    """The large source is made of one GiB ten times over, as UploadPartCopy does it."""
    server.ask("PUT", "small", body=os.urandom(KIB))
    server.ask("PUT", "block", body=os.urandom(max(int(GIB * scale), 200 * KIB)))
    upload_id = server.initiate("large")
    for number in range(1, 11):
        server.ask("PUT", "large", f"partNumber={number}&uploadId={upload_id}", x_oss_copy_source=f"/{BUCKET}/block")
    server.ask("POST", "large", f"uploadId={upload_id}", x_oss_complete_all="yes")
    took: dict[str, list[float]] = {"small": [], "large": []}
    for number in range(rounds * 40):
        for name, costs in took.items():
            source = f"/{BUCKET}/{name}"
            costs.append(ms(server.ask, "PUT", f"copy-{number % 7}", x_oss_copy_source=source))
    ratio = statistics.median(took["large"]) / statistics.median(took["small"])
    report("CopyObject of 1 KiB", statistics.median(took["small"]), "ms")
    report(f"CopyObject of {10 * scale:g} GiB", statistics.median(took["large"]), "ms")
    report("copy: ratio", ratio, "x", verdict(ratio <= 3, "<= 3"))


def read(server: Server, rounds: int, scale: float) -> None:
    parts = max(int(100 * scale), 2)
    pieces = [os.urandom(MIB) for _ in range(parts)]
    server.ask("PUT", "single", body=b"".join(pieces))
    upload_id = server.initiate("parted")
    for number, piece in enumerate(pieces, 1):
        server.ask("PUT", "parted", f"partNumber={number}&uploadId={upload_id}", piece)
    server.ask("POST", "parted", f"uploadId={upload_id}", x_oss_complete_all="yes")
    took: dict[str, list[float]] = {"single": [], "parted": []}
    for _ in range(rounds * 5):
        for key, costs in took.items():
            costs.append(ms(server.ask, "GET", key))
    rates = {key: parts / statistics.median(costs) * 1000 for key, costs in took.items()}
    ratio = statistics.median(s / p for s, p in zip(took["single"], took["parted"], strict=True))
    report(f"GET of {parts} MiB in one piece", rates["single"], "MiB/s")
    report(f"GET of {parts} parts of 1 MiB", rates["parted"], "MiB/s")
    report("read: ratio", ratio, "x", verdict(ratio >= 0.9, ">= 0.9"))


def upload(endpoint: str, directory: Path, rounds: int, scale: float) -> None:
    import alibabacloud_oss_v2 as oss
    from boto3.s3.transfer import TransferConfig

    file = directory / "file"
    size = max(int(GIB * scale), 3 * PART_BYTES)
    file.write_bytes(os.urandom(MIB) * (size // MIB))
    config = oss.config.load_default()
    config.credentials_provider = oss.credentials.StaticCredentialsProvider(KEY_ID, SECRET)
    config.region, config.endpoint = "cn-hangzhou", endpoint
    uploader = oss.Client(config).uploader(part_size=PART_BYTES, parallel_num=THREADS)
    transfer = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, max_concurrency=THREADS)
    ours: list[float] = []
    theirs: list[float] = []
    with seaweed(directory / "seaweed") as peer:
        for number in range(rounds):
            request = oss.PutObjectRequest(bucket=BUCKET, key=f"file-{number}")
            ours.append(ms(uploader.upload_file, request, str(file)))
            theirs.append(ms(peer.client.upload_file, str(file), BUCKET, f"file-{number}", Config=transfer))
    ratio = statistics.median(t / o for o, t in zip(ours, theirs, strict=True))
    report(f"{size // MIB} MiB, coatcheck, alibabacloud-oss-v2", size / MIB / statistics.median(ours) * 1000, "MiB/s")
    report(f"{size // MIB} MiB, SeaweedFS, boto3", size / MIB / statistics.median(theirs) * 1000, "MiB/s")
    report("upload: ratio", ratio, "x", verdict(ratio >= 2, ">= 2"))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    names = ["complete", "copy", "read", "upload"]
    arguments.add_argument("--only", nargs="*", choices=names, default=names)
    arguments.add_argument("--scale", type=float, default=1.0, help="of all sizes")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--dir", type=Path, help="where to make the temporary directory; takes some GiB")
    given = arguments.parse_args()
    root = Path(tempfile.mkdtemp(prefix="coatcheck-objects-", dir=given.dir))
    measure: dict[str, Callable[[Server, int, float], None]] = {"complete": complete, "copy": copy, "read": read}
    try:
        with coatcheck(root / "coatcheck") as ours:
            server = Server(ours.endpoint)
            for name in given.only:
                if name == "upload":
                    upload(ours.endpoint, root, given.rounds, given.scale)
                else:
                    measure[name](server, given.rounds, given.scale)
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    main()

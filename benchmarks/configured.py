"""What does a GET in a bucket with every configuration cost, beside one in a bucket with none? At most 1.10 is wanted.

    python benchmarks/configured.py [--rounds 60] [--method PUT] [--these logging cors] [--bytecodes]

The application in process, asked through ASGI: presigned links to objects of 1 KiB that were seen before. Of no
configuration, of each by itself and of all: CPU microseconds of one request in the thread that answers it, the best of
many short rounds taken in turn, which a busy machine changes little; and the same with what the thread needs that
writes lines of access logs, timed by itself (a line, as often as one was written). At the end the ratios. With
`--bytecodes` what is counted is bytecodes of Python in the thread that answers: the same in each run, however busy the
machine is. With PUT there is replication, too: what its journal adds; CPU is then that of all threads.
"""

from __future__ import annotations

import argparse
import logging
import math
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, Final

import uvloop
from gateway import KEY_ID, PRESIGNER, SECRET, ask, scope

from coatcheck.app import Server
from coatcheck.background.access_log import AccessLog
from coatcheck.background.log_line import LogEntry, write_line
from coatcheck.configurations.table import ROWS
from coatcheck.engines.local import prepare_local
from coatcheck.root_credentials import RootCredentials
from coatcheck.settings import ServerSettings

PLAIN, LOG_FIELDS = "plain", "userDefinedLogFieldsConfig"
OBJECTS, SIZE = 50, 1024
UNTOUCHED: Final = {  # what they say of a GET by link: it is let through
    "accessmonitor": "<AccessMonitorConfiguration><Status>Enabled</Status></AccessMonitorConfiguration>",
    "bucketArchiveDirectRead": "<ArchiveDirectReadConfiguration><Enabled>true</Enabled>"
    "</ArchiveDirectReadConfiguration>",
    "cors": "<CORSConfiguration><CORSRule><AllowedOrigin>https://*.example.com</AllowedOrigin>"
    "<AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>",
    "encryption": "<ServerSideEncryptionRule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>"
    "</ApplyServerSideEncryptionByDefault></ServerSideEncryptionRule>",
    "httpsConfig": "<HttpsConfiguration><TLS><Enable>true</Enable><TLSVersion>TLSv1.3</TLSVersion></TLS>"
    "</HttpsConfiguration>",
    "lifecycle": "<LifecycleConfiguration><Rule><ID>old</ID><Prefix>old/</Prefix><Status>Enabled</Status>"
    "<Expiration><Days>9</Days></Expiration></Rule></LifecycleConfiguration>",
    "logging": f"<BucketLoggingStatus><LoggingEnabled><TargetBucket>{PLAIN}</TargetBucket>"
    "<TargetPrefix>log-</TargetPrefix></LoggingEnabled></BucketLoggingStatus>",
    "overwriteConfig": "<OverwriteConfiguration><Rule><ID>r</ID><Action>forbid</Action><Prefix>kept/</Prefix></Rule>"
    "</OverwriteConfiguration>",
    "publicAccessBlock": "<PublicAccessBlockConfiguration><BlockPublicAccess>true</BlockPublicAccess>"
    "</PublicAccessBlockConfiguration>",
    "qos": "<BucketUserQos><StorageCapacity>1000</StorageCapacity></BucketUserQos>",
    "qosInfo": "<QoSConfiguration><TotalDownloadBandwidth>1000</TotalDownloadBandwidth>"
    "<ExtranetDownloadBandwidth>1000</ExtranetDownloadBandwidth><TotalQps>1000000</TotalQps>"
    "<ExtranetQps>1000000</ExtranetQps></QoSConfiguration>",
    "quota": f"<QuotaConfiguration><StorageQuota>{2**40}</StorageQuota></QuotaConfiguration>",
    "referer": "<RefererConfiguration><AllowEmptyReferer>true</AllowEmptyReferer><RefererList>"
    "<Referer>https://*.example.com</Referer></RefererList></RefererConfiguration>",
    "requestPayment": "<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>",
    "resourceGroup": "<BucketResourceGroupConfiguration><ResourceGroupId>rg-1</ResourceGroupId>"
    "</BucketResourceGroupConfiguration>",
    "tagging": "<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>",
    "transferAcceleration": "<TransferAccelerationConfiguration><Enabled>true</Enabled>"
    "</TransferAccelerationConfiguration>",
    "userDefinedLogFieldsConfig": "<UserDefinedLogFieldsConfiguration><HeaderSet><header>h</header></HeaderSet>"
    "</UserDefinedLogFieldsConfiguration>",
    "website": "<WebsiteConfiguration><IndexDocument><Suffix>index.html</Suffix></IndexDocument>"
    "</WebsiteConfiguration>",
}
REPLICATION: Final = (
    f"<ReplicationConfiguration><Rule><Destination><Bucket>{PLAIN}</Bucket><Location>oss-cn-hangzhou</Location>"
    "</Destination><HistoricalObjectReplication>disabled</HistoricalObjectReplication></Rule></ReplicationConfiguration>"
)
NOT_BESIDE: Final = {"objectWorm": "needs versions", "comp=callback&policy": "it is of uploads"}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--method", choices=("GET", "PUT"), default="GET")
    parser.add_argument("--these", nargs="*", choices=list(UNTOUCHED), help="no others")
    parser.add_argument("--bytecodes", action="store_true")
    given = parser.parse_args()
    cost = counted_bytecodes if given.bytecodes else answering_us
    missing = {row.sub_resource for row in ROWS} - UNTOUCHED.keys() - NOT_BESIDE.keys()
    if missing:
        raise SystemExit(f"no document for {sorted(missing)}")
    documents = UNTOUCHED if given.these is None else {name: UNTOUCHED[name] for name in given.these}
    root = Path(tempfile.mkdtemp(prefix="coatcheck-configured-"))
    try:
        prepare_local(root).close()
        uvloop.run(measure(root, given.rounds, documents, given.method, cost))
    finally:
        shutil.rmtree(root)


Cost = Callable[[Server, list[dict[str, Any]], str], Awaitable[float]]


async def measure(root: Path, rounds: int, documents: dict[str, str], method: str, cost: Cost) -> None:
    sets: dict[str, tuple[str, ...]] = {PLAIN: (), **{name: (name,) for name in documents}, "all": tuple(documents)}
    if LOG_FIELDS in sets:
        sets[LOG_FIELDS] = ("logging", LOG_FIELDS)  # fields are of a log
    server = Server(ServerSettings(root), RootCredentials(KEY_ID, SECRET))
    await server.open()
    logging.disable()
    lines = _count_lines()
    try:
        asked: dict[str, list[dict[str, Any]]] = {}
        for number, (name, chosen) in enumerate(sets.items()):
            bucket = PLAIN if name == PLAIN else f"configured-{number}"
            asked[name] = await prepare(server, bucket, method)
            for sub_resource in chosen:
                await put(server, bucket, None, UNTOUCHED[sub_resource].encode(), {sub_resource: ""})
        if method == "PUT":
            asked["replication"] = await prepare(server, "replicated", method)
            await put(server, "replicated", None, REPLICATION.encode(), {"replication": "", "comp": "add"}, "POST")
        costs: dict[str, list[float]] = {name: [] for name in asked}
        for _ in range(rounds):
            for name, scopes in asked.items():
                costs[name].append(await cost(server, scopes, method))
        logs = {name for name, chosen in sets.items() if "logging" in chosen and cost is answering_us}
        written = {name: lines.cost_us() if name in logs else 0.0 for name in asked}
    finally:
        await server.close()
    none = min(costs[PLAIN])
    for name, found in costs.items():
        best = min(found)
        whole = best + written[name]
        print(f"{name:28} {best:7.1f} {best - none:+6.1f} {best / none:6.3f}   {whole:7.1f} {whole / none:6.3f}")


async def answering_us(server: Server, scopes: list[dict[str, Any]], method: str) -> float:
    body, clock = (bytes(SIZE), time.process_time) if method == "PUT" else (b"", time.thread_time)
    start = clock()
    for each in scopes:
        await ask(server, each, body)
    return (clock() - start) / len(scopes) * 1e6


async def counted_bytecodes(server: Server, scopes: list[dict[str, Any]], method: str) -> float:
    """Bytecodes of one request, in this thread."""
    await answering_us(server, scopes, method)
    scopes, count = scopes[:5], 0

    def follow(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return follow

    sys.settrace(follow)
    try:
        await answering_us(server, scopes, method)
    finally:
        sys.settrace(None)
    return count / len(scopes)


class _Lines:
    """Entries of an access log as they came, to time what becomes of them."""

    def __init__(self) -> None:
        self.entries: list[LogEntry] = []

    def cost_us(self) -> float:
        """CPU microseconds to write one."""
        sample, best = self.entries[-200:], math.inf
        for _ in range(50):
            start = time.thread_time()
            for entry in sample:
                write_line(entry)
            best = min(best, time.thread_time() - start)
        return best / len(sample) * 1e6


def _count_lines() -> _Lines:
    lines, append = _Lines(), AccessLog._append

    def keep(log: AccessLog, entries: Sequence[LogEntry]) -> None:
        lines.entries = [*lines.entries, *entries][-200:]
        append(log, entries)

    AccessLog._append = keep  # type: ignore[assignment, method-assign]
    return lines


async def prepare(server: Server, bucket: str, method: str) -> list[dict[str, Any]]:
    """The bucket with its objects; a request of each, of GETs asked twice already."""
    await put(server, bucket, None, b"", {})
    for number in range(OBJECTS):
        await put(server, bucket, f"{number}.jpg", bytes(SIZE), {})
    length = SIZE if method == "PUT" else None
    scopes = [scope(method, PRESIGNER.presign(method, bucket, f"{n}.jpg").url, length) for n in range(OBJECTS)]
    if method == "GET":
        for each in scopes * 3:
            await ask(server, each)
    return scopes


async def put(
    server: Server, bucket: str, key: str | None, body: bytes, query: dict[str, str], method: str = "PUT"
) -> None:
    asked = scope("PUT", PRESIGNER.presign(method, bucket, key, query=query).url, len(body))
    await ask(server, asked | {"method": method}, body)


if __name__ == "__main__":
    main()

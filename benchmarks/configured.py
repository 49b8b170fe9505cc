"""What does a GET in a bucket with every configuration cost, beside one in a bucket with none? At most 1.10 is wanted.

    python benchmarks/configured.py [--rounds 9]
    valgrind --tool=cachegrind --cache-sim=no python benchmarks/configured.py --only plain --count 400

The application in process, asked through ASGI: presigned links to objects of 1 KiB that were seen before. Prints CPU
microseconds of the best round of each, taken in turn, and the ratio. With `--only` and `--count` that many requests of
one bucket, and nothing else: the difference of two counts under cachegrind, divided by that of the counts, is what one
takes. Lines of the access log are written by a thread of their own, and counted too; `--without logging` leaves it out.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

import uvloop
from gateway import KEY_ID, PRESIGNER, SECRET, ask, cpu_us, scope

from coatcheck.app import Server
from coatcheck.configurations.table import ROWS
from coatcheck.engines.local import prepare_local
from coatcheck.root_credentials import RootCredentials
from coatcheck.settings import ServerSettings

PLAIN, CONFIGURED = "plain", "configured"
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
NOT_BESIDE: Final = {"objectWorm": "needs versions", "comp=callback&policy": "it is of uploads"}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", choices=(PLAIN, CONFIGURED))
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--without", nargs="*", default=[], choices=list(UNTOUCHED), help="leave these out")
    given = parser.parse_args()
    missing = {row.sub_resource for row in ROWS} - UNTOUCHED.keys() - NOT_BESIDE.keys()
    if missing:
        raise SystemExit(f"no document for {sorted(missing)}")
    root = Path(tempfile.mkdtemp(prefix="coatcheck-configured-"))
    try:
        prepare_local(root).close()
        documents = {name: text for name, text in UNTOUCHED.items() if name not in given.without}
        uvloop.run(measure(root, given.rounds, documents, (given.only, given.count)))
    finally:
        shutil.rmtree(root)


async def measure(root: Path, rounds: int, documents: dict[str, str], alone: tuple[str | None, int]) -> None:
    only, count = alone
    server = Server(ServerSettings(root), RootCredentials(KEY_ID, SECRET))
    await server.open()
    logging.disable()
    try:
        links = {bucket: await prepare(server, bucket) for bucket in (PLAIN, CONFIGURED)}
        for sub_resource, text in documents.items():
            await put(server, CONFIGURED, None, text.encode(), {sub_resource: ""})
        if only is not None:
            for number in range(count):
                await ask(server, links[only][number % OBJECTS])
            return
        costs: dict[str, list[float]] = {PLAIN: [], CONFIGURED: []}
        for _ in range(rounds):
            for bucket, scopes in links.items():
                costs[bucket].append(await cpu_us(server, scopes * 40))
        plain, configured = min(costs[PLAIN]), min(costs[CONFIGURED])
        print(f"none {plain:.1f} us, all {configured:.1f} us, ratio {configured / plain:.3f}")
    finally:
        await server.close()


async def prepare(server: Server, bucket: str) -> list[dict[str, Any]]:
    """The bucket with its objects; a GET of each, asked twice already."""
    await put(server, bucket, None, b"", {})
    for number in range(OBJECTS):
        await put(server, bucket, f"{number}.jpg", bytes(SIZE), {})
    scopes = [scope("GET", PRESIGNER.presign("GET", bucket, f"{number}.jpg").url) for number in range(OBJECTS)]
    for each in scopes * 3:
        await ask(server, each)
    return scopes


async def put(server: Server, bucket: str, key: str | None, body: bytes, query: dict[str, str]) -> None:
    await ask(server, scope("PUT", PRESIGNER.presign("PUT", bucket, key, query=query).url, len(body)), body)


if __name__ == "__main__":
    main()

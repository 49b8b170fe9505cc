"""How much more than its two hashes does a signature cost, here and in the official libraries?

    python benchmarks/signing.py [--json]

The floor is one SHA-256 and one HMAC-SHA256 of the standard library over the very texts that are signed. Against it:

* presign: `Presigner.presign` of a plain link, every key another (target: at most 2 x the floor, and at least 10 times
  as fast as alibabacloud-oss-v2);
* check: what the server does to a link: read_query, read_claim, check_claim and verify, every link another (target: at
  most 4 x the floor). Once with links signed in the same second, as those of one page are, and once with every link
  signed at another second;
* `Client.presign` of alibabacloud-oss-v2 and `Bucket.sign_url` of oss2, if they are installed.

Rounds alternate, so that a busy moment of the machine falls on all alike; the best round of each counts.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import platform
import time
from collections.abc import Callable
from datetime import timedelta

from coatcheck import Presigner
from coatcheck.signing import v4
from coatcheck.signing.claim import read_claim
from coatcheck.signing.verify import check_claim, check_scope, verify
from coatcheck.wire.query import read_query
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target

ACCESS_KEY_ID, SECRET, REGION, BUCKET = "BenchmarkAk0001", "BenchmarkSecret0123456789abcdef", "cn-hangzhou", "bucket"
NOW = 1772694489
LINKS = 2000
SLOW_LINKS = 100  # for the libraries that take twenty times as long
ROUNDS = 15
KEYS = [f"photos/2026/image-{number:06d}.jpg" for number in range(LINKS)]
HEADERS = {
    "host": f"{BUCKET}.oss-{REGION}.aliyuncs.com",
    "user-agent": "Mozilla/5.0",
    "accept": "*/*",
    "accept-language": "en",
    "accept-encoding": "gzip, deflate, br",
}

Round = Callable[[], object]


def main() -> None:
    """Measure, and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    as_json: bool = parser.parse_args().json
    best_us = measure(
        {
            "floor": (floor_round(), LINKS),
            "presign": (presign_round(), LINKS),
            "check, links of one second": (check_round(spread_s=0), LINKS),
            "check, a second each": (check_round(spread_s=1), LINKS),
            **peer_rounds(),
        }
    )
    floor_us = best_us["floor"]
    report = {name: {"us": round(us, 2), "x_floor": round(us / floor_us, 2)} for name, us in best_us.items()}
    machine = f"Python {platform.python_version()}, {platform.machine()}"
    if as_json:
        print(json.dumps({"machine": machine, "results": report}, indent=2))
        return
    print(machine)
    for name, row in report.items():
        print(f"{name:28} {row['us']:8.2f} µs {row['x_floor']:7.2f} x floor")


def measure(rounds: dict[str, tuple[Round, int]]) -> dict[str, float]:
    """Microseconds for one of each, from the best of alternating rounds."""
    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        for name, (run, size) in rounds.items():
            start = time.process_time()
            run()
            best[name] = min(best.get(name, float("inf")), (time.process_time() - start) / size * 1e6)
    return best


def floor_round() -> Round:
    scope = v4.Scope("20260305", REGION)
    key = v4.derive_key(SECRET, scope)
    texts = []
    for link in _links(spread_s=0):
        query = v4.canonical_query(read_query(link.partition("?")[2].encode()).parameters)
        uri = link.partition("?")[0].removeprefix(f"https://{HEADERS['host']}")
        canonical = v4.canonical_request("GET", f"/{BUCKET}{uri}", query, "", "")
        texts.append((canonical.encode(), v4.string_to_sign("20260305T070809Z", scope, canonical).encode()))

    def run() -> None:
        for canonical, string_to_sign in texts:
            hashlib.sha256(canonical).hexdigest()
            hmac.new(key, string_to_sign, "sha256").hexdigest()

    return run


def presign_round() -> Round:
    presigner = Presigner(ACCESS_KEY_ID, SECRET, region=REGION)

    def run() -> None:
        for key in KEYS:
            presigner.presign("GET", BUCKET, key, expires=3600)

    return run


def check_round(spread_s: int) -> Round:
    regions = frozenset({REGION})
    arrived = [
        (link.partition("?")[2].encode(), Target(BUCKET, key), NOW + number * spread_s)
        for number, (link, key) in enumerate(zip(_links(spread_s), KEYS, strict=True))
    ]

    def run() -> None:
        for raw_query, target, now in arrived:
            request = Request("GET", b"/", read_query(raw_query), HEADERS)
            claim = read_claim(request)
            assert claim is not None
            check_scope(claim, regions=regions, target=target)
            check_claim(claim, now=now, target=target)
            verify(claim, request, target, SECRET)

    return run


def _links(spread_s: int) -> list[str]:
    presigner = Presigner(ACCESS_KEY_ID, SECRET, region=REGION)
    return [presigner.presign("GET", BUCKET, key, now=NOW + number * spread_s).url for number, key in enumerate(KEYS)]


def peer_rounds() -> dict[str, tuple[Round, int]]:
    """The official libraries, those that are installed."""
    rounds: dict[str, tuple[Round, int]] = {}
    try:
        import alibabacloud_oss_v2

        rounds["alibabacloud-oss-v2"] = (_sdk_v2_round(alibabacloud_oss_v2), SLOW_LINKS)
    except ImportError:
        pass
    try:
        import oss2

        rounds["oss2"] = (_oss2_round(oss2), SLOW_LINKS)
    except ImportError:
        pass
    return rounds


def _sdk_v2_round(oss: object) -> Round:
    config = oss.config.load_default()  # type: ignore[attr-defined]
    config.credentials_provider = oss.credentials.StaticCredentialsProvider(ACCESS_KEY_ID, SECRET)  # type: ignore[attr-defined]
    config.region = REGION
    client = oss.Client(config)  # type: ignore[attr-defined]

    def run() -> None:
        for key in KEYS[:SLOW_LINKS]:
            client.presign(oss.GetObjectRequest(bucket=BUCKET, key=key), expires=timedelta(seconds=3600))  # type: ignore[attr-defined]

    return run


def _oss2_round(oss: object) -> Round:
    auth = oss.AuthV4(ACCESS_KEY_ID, SECRET)  # type: ignore[attr-defined]
    bucket = oss.Bucket(auth, f"https://oss-{REGION}.aliyuncs.com", BUCKET, region=REGION)  # type: ignore[attr-defined]

    def run() -> None:
        for key in KEYS[:SLOW_LINKS]:
            bucket.sign_url("GET", key, 3600)

    return run


if __name__ == "__main__":
    main()

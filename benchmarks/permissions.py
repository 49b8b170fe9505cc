"""What does a decision cost, beside the two hashes of a signature?

    python benchmarks/permissions.py [--json] [--rounds N]

The floor is that of `benchmarks/signing.py`: one SHA-256 and one HMAC-SHA256 over the texts of a link. Against it, for
a GET of an object, every key another:

* owner: the root key of the bucket's owner, no bucket policy;
* anybody: no signature, a public-read bucket;
* user, three policies: a user with three attached policies of three statements each, one of which has a condition, and
  the Allow in the last of them (target: at most 3 x the floor);
* user and bucket policy: the same with a bucket policy that denies something else;
* session: the same policies on a role, and a session policy.

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

from coatcheck import Presigner
from coatcheck.access.actions import Action
from coatcheck.access.decide import decide
from coatcheck.access.facts import AccessFacts, read_request_facts
from coatcheck.identity.caller import ANONYMOUS, Caller
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.keyring import Principal
from coatcheck.ports.object import ObjectRecord
from coatcheck.signing import v4
from coatcheck.wire.query import read_query
from coatcheck.wire.request import Request

ACCOUNT, REGION, BUCKET = "1000000000000001", "cn-hangzhou", "bucket"
NOW = 1772694489
KEYS = [f"photos/2026/image-{number:06d}.jpg" for number in range(2000)]
HEADERS = {"host": f"{BUCKET}.oss-{REGION}.aliyuncs.com", "user-agent": "Mozilla/5.0"}

Round = Callable[[], object]


def a_policy(*statements: dict[str, object]) -> str:
    return json.dumps({"Version": "1", "Statement": list(statements)})


def allow(action: object, resource: object, **more: object) -> dict[str, object]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


OTHERS = a_policy(
    allow(["oss:ListObjects", "oss:GetBucketInfo"], [f"acs:oss:*:*:{BUCKET}", "acs:oss:*:*:archive"]),
    allow("oss:PutObject", f"acs:oss:*:*:{BUCKET}/inbox/*"),
    allow("oss:Get*", "acs:oss:*:*:archive/*"),
)
LISTING = a_policy(
    allow(
        "oss:ListObjects", f"acs:oss:*:*:{BUCKET}", Condition={"StringLike": {"oss:Prefix": ["photos/*", "public/*"]}}
    ),
    allow("oss:ListBuckets", "acs:oss:*:*:*"),
    {"Effect": "Deny", "Action": "oss:DeleteObject", "Resource": "*"},
)
READING = a_policy(
    allow("oss:GetObject", "acs:oss:*:*:archive/*"),
    {"Effect": "Deny", "Action": "oss:*", "Resource": f"acs:oss:*:*:{BUCKET}/secret/*"},
    allow("oss:GetObject", f"acs:oss:*:*:{BUCKET}/photos/*", Condition={"IpAddress": {"acs:SourceIp": "192.0.2.0/24"}}),
)
SHARED = json.dumps(
    {
        "Version": "1",
        "Statement": [
            {"Effect": "Deny", "Action": "oss:*", "Principal": "*", "Resource": f"acs:oss:*:*:{BUCKET}/hidden/*"},
            {
                "Effect": "Allow",
                "Action": "oss:GetObject",
                "Principal": ["*"],
                "Resource": f"acs:oss:*:*:{BUCKET}/open/*",
            },
        ],
    }
)
POLICIES = (OTHERS, LISTING, READING)

OWNER = Caller(ACCOUNT, "RootKey")
USER = Caller(ACCOUNT, "UserKey", True, principal=Principal("2" * 18, "alice", POLICIES))
SESSION = Caller(ACCOUNT, "STS.Key", True, principal=Principal("3" * 18, "reader", POLICIES, "tuesday", READING))


def a_bucket(acl: str = "private", policy: str | None = None) -> Bucket:
    configurations = () if policy is None else (("policy", policy),)
    return Bucket(1, BUCKET, ACCOUNT, REGION, acl, "Standard", "LRS", 0, configurations=configurations)


def main() -> None:
    """Measure, and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--rounds", type=int, default=15, metavar="N")
    options = parser.parse_args()
    best_us = measure(
        {
            "floor": floor_round(),
            "owner": decide_round(OWNER, a_bucket()),
            "anybody": decide_round(ANONYMOUS, a_bucket("public-read")),
            "user, three policies": decide_round(USER, a_bucket()),
            "user and bucket policy": decide_round(USER, a_bucket(policy=SHARED)),
            "session": decide_round(SESSION, a_bucket()),
        },
        options.rounds,
    )
    floor_us = best_us["floor"]
    report = {name: {"us": round(us, 2), "x_floor": round(us / floor_us, 2)} for name, us in best_us.items()}
    machine = f"Python {platform.python_version()}, {platform.machine()}"
    if options.json:
        print(json.dumps({"machine": machine, "results": report}))
        return
    print(machine)
    for name, row in report.items():
        print(f"{name:<26}{row['us']:>8.2f} us{row['x_floor']:>8.2f} x floor")


def measure(rounds: dict[str, Round], count: int) -> dict[str, float]:
    """Microseconds a key, the best of the rounds of each."""
    best: dict[str, float] = {}
    for _ in range(count):
        for name, run in rounds.items():
            start = time.process_time()
            run()
            best[name] = min(best.get(name, float("inf")), (time.process_time() - start) / len(KEYS) * 1e6)
    return best


def floor_round() -> Round:
    scope = v4.Scope("20260305", REGION)
    secret = "BenchmarkSecret0123456789abcdef"
    key = v4.derive_key(secret, scope)
    presigner = Presigner("BenchmarkAk0001", secret, region=REGION)
    texts = []
    for name in KEYS:
        query = presigner.presign("GET", BUCKET, name, now=NOW).url.partition("?")[2]
        canonical = v4.canonical_request(
            "GET", f"/{BUCKET}/{name}", v4.canonical_query(read_query(query.encode()).parameters), "", ""
        )
        texts.append((canonical.encode(), v4.string_to_sign("20260305T070809Z", scope, canonical).encode()))

    def run() -> None:
        for canonical, string_to_sign in texts:
            hashlib.sha256(canonical).hexdigest()
            hmac.new(key, string_to_sign, "sha256").hexdigest()

    return run


def decide_round(caller: Caller, bucket: Bucket) -> Round:
    """The decision with the making of its facts, as the gateway does it."""
    request = Request("GET", b"/", read_query(b""), HEADERS, "192.0.2.7", True)
    found = [(key, ObjectRecord(key, "null", "Normal", 1, "0" * 32, 0, 0, "default", "Standard", ())) for key in KEYS]

    def run() -> None:
        for key, record in found:
            about = read_request_facts(request)
            facts = AccessFacts(bucket, key, record, "versionId" in request.query.first, about, NOW, BUCKET, REGION)
            decide(caller, Action.GET_OBJECT, facts)

    return run


if __name__ == "__main__":
    main()

"""What does a test against the kit cost, beside the same test against moto?

    python benchmarks/kit.py [--tests 1000] [--rounds 3]

1,000 tests that each put an object, sign a link and get it: through oss2 and the fixtures of coatcheck's plugin, and
through boto3 in moto's `mock_aws`, with one client a session each, in turn. The kit empties its server before each
test; moto keeps its state. Needs moto[s3], boto3, oss2 and coatcheck installed in the Python that runs it. Times are
those of whole runs of pytest, start-up included; CPU time is of all its processes.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

OURS: Final = """
import oss2
import pytest

@pytest.fixture(scope="session")
def client(oss_server):
    return oss_server.oss2("test-bucket")

@pytest.mark.parametrize("number", range({tests}))
def test_put_sign_get(number, client, oss_bucket):
    client.put_object("a.txt", b"hello")
    link = client.sign_url("GET", "a.txt", 3600)
    assert client.get_object_with_url(link).read() == b"hello"
"""

MOTO: Final = """
import boto3
import pytest
import requests
from moto import mock_aws

@pytest.fixture(scope="session")
def client():
    with mock_aws():
        client = boto3.client("s3", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        client.create_bucket(Bucket="test-bucket")
        yield client

@pytest.fixture(scope="session")
def session(client):
    with requests.Session() as session:
        yield session

@pytest.mark.parametrize("number", range({tests}))
def test_put_sign_get(number, client, session):
    client.put_object(Bucket="test-bucket", Key="a.txt", Body=b"hello")
    link = client.generate_presigned_url("get_object", {{"Bucket": "test-bucket", "Key": "a.txt"}}, 3600)
    assert session.get(link).content == b"hello"
"""


class Cost(NamedTuple):
    """Of one run, in seconds."""

    wall: float
    cpu: float


def run(program: str, tests: int) -> Cost:
    """One run of pytest."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "test_it.py").write_text(program.format(tests=tests))
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"],
            cwd=folder,
            env={name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OSS_"))},
            capture_output=True,
            text=True,
        )
        wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if f"{tests} passed" not in done.stdout:
        raise SystemExit(done.stdout + done.stderr)
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tests", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    ours: list[Cost] = []
    moto: list[Cost] = []
    for number in range(given.rounds):
        pair = [(ours, OURS), (moto, MOTO)]
        for costs, program in pair if number % 2 == 0 else reversed(pair):
            costs.append(run(program, given.tests))
        wall, cpu = ours[-1].wall / moto[-1].wall, ours[-1].cpu / moto[-1].cpu
        print(f"round {number + 1}: ours {ours[-1]}, moto {moto[-1]}, wall {wall:.2f}, cpu {cpu:.2f}", flush=True)
    walls = [our.wall / their.wall for our, their in zip(ours, moto, strict=True)]
    cpus = [our.cpu / their.cpu for our, their in zip(ours, moto, strict=True)]
    print(f"\n{given.tests} tests, median ratio to moto: wall {median(walls):.2f}, CPU {median(cpus):.2f}")


if __name__ == "__main__":
    main()

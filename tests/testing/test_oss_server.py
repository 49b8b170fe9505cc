"""A server in this process, and one beside it: what a test does with them, and that nothing of them stays."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import httpx
import pytest

from coatcheck.testing import Oss, Refused, oss_server
from coatcheck.testing.running import CannotServe

from ..patience import HANG_S, wait_until
from ..server_process import clean_environment

pytestmark = pytest.mark.live


def test_objects_are_put_and_got_and_a_reset_takes_all(oss: Oss) -> None:
    bucket = oss.bucket("photos")
    bucket.put("a/1.txt", "hello", Content_Type="text/plain")
    assert bucket.get("a/1.txt") == b"hello"
    oss.users.create(name="ann")
    oss.clock.move(hours=1)
    oss.faults.throttle()
    oss.reset()
    assert (list(oss.requests), abs(oss.clock.now() - time.time()) < 5) == ([], True)
    assert httpx.get(oss.presign("GET", "photos", "a/1.txt")).status_code == 404
    assert oss.users.create(name="ann").name == "ann"
    assert oss.bucket("photos").name == "photos"


def test_a_reset_takes_less_than_5_ms(threaded: Oss) -> None:
    """The least of twenty: the machine may be busy."""
    threaded.reset()
    taken = []
    for _ in range(20):
        threaded.bucket("photos").put("a", b"x")
        began = time.perf_counter()
        threaded.reset()
        taken.append(time.perf_counter() - began)
    assert min(taken) < 0.005


def test_buckets_are_versioned_or_public_if_asked(oss: Oss) -> None:
    public, versioned = oss.bucket("public", public=True), oss.bucket("versioned", versioned=True)
    public.put("a", b"x")
    versioned.put("a", b"x")
    assert httpx.get(f"{oss.endpoint}/public/a").content == b"x"
    assert httpx.get(f"{oss.endpoint}/versioned/a").status_code == 403
    assert "x-oss-version-id" in httpx.get(oss.presign("GET", "versioned", "a")).headers
    assert "x-oss-version-id" not in httpx.get(oss.presign("GET", "public", "a")).headers
    with pytest.raises(Refused, match="There is one already: public"):
        oss.bucket("public")
    with pytest.raises(Refused, match="not valid"):
        oss.bucket("No Bucket")


def test_a_tree_is_put_under_its_paths(oss: Oss, tmp_path: Path) -> None:
    (tmp_path / "css").mkdir()
    (tmp_path / "index.html").write_text("<p>")
    (tmp_path / "css" / "a b.css").write_text("p {}")
    bucket = oss.put_tree(tmp_path, "site")
    assert bucket.get("css/a b.css") == b"p {}"
    assert httpx.get(oss.presign("GET", "site", "index.html")).headers["content-type"] == "text/html"


def test_users_may_do_what_their_policy_allows(oss: Oss) -> None:
    oss.bucket("photos").put("a", b"x")
    reader = oss.users.create(policy="AliyunOSSReadOnlyAccess")
    allow = {"Effect": "Allow", "Action": "oss:PutObject", "Resource": "acs:oss:*:*:photos/up/*"}
    writer = oss.users.create(policy={"Version": "1", "Statement": [allow]})
    assert httpx.get(oss.presign("GET", "photos", "a", by=reader)).status_code == 200
    assert httpx.put(oss.presign("PUT", "photos", "up/b", by=reader), content=b"x").status_code == 403
    assert httpx.put(oss.presign("PUT", "photos", "up/b", by=writer), content=b"x").status_code == 200
    (refused,) = oss.requests.refused()
    assert (refused.operation, refused.bucket, refused.key) == ("PutObject", "photos", "up/b")
    assert (refused.caller, refused.status, refused.code) == (reader.access_key_id, 403, "AccessDenied")
    assert "doesn't allow oss:PutObject" in refused.why
    with pytest.raises(Refused, match="The policy can't be stored"):
        oss.users.create(policy={"Version": "1", "Statement": [{"Effect": "Perhaps"}]})


def test_what_arrived_is_recorded_and_why_it_was_refused(oss: Oss) -> None:
    oss.bucket("photos").put("a", b"x")
    oss.requests.clear()
    link = oss.presign("GET", "photos", "a")
    httpx.get(link)
    httpx.put(link, content=b"y")
    httpx.get(oss.presign("GET", "photos", "missing"))
    got, mismatched, missing = oss.requests
    assert (got.operation, got.status, got.code, got.sent_bytes, got.whole) == ("GetObject", 200, "", 1, True)
    assert mismatched.why == "It was signed for GET, not for PUT: use GET, or sign it again."
    assert str(missing) == (
        f"GetObject photos/missing by {oss.key.access_key_id}: 404 NoSuchKey: "
        "The specified key does not exist. (Key missing)"
    )
    assert "Signature" not in got.path
    assert [request.key for request in oss.requests.of("GetObject")] == ["a", "missing"]


_LEAVES_NOTHING: Final = """
import gc, os, signal, socket, threading, asyncio
import httpx
from coatcheck.testing import oss_server

def held():
    links = set()
    for fd in os.listdir("/proc/self/fd"):
        try:
            links.add(os.readlink(f"/proc/self/fd/{fd}"))
        except OSError:
            continue  # the directory itself
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)]
    policy = type(asyncio.get_event_loop_policy())
    return [t.name for t in threading.enumerate()], links, gc.get_threshold(), gc.get_freeze_count(), handlers, policy

def serve():
    with oss_server() as oss, httpx.Client() as client:
        oss.bucket("photos").put("a", b"x" * 100_000)
        assert client.get(oss.presign("GET", "photos", "a")).status_code == 200
        assert "coatcheck-testing" in held()[0]
    return int(oss.endpoint.rpartition(":")[2])

serve()  # what is loaded once stays loaded
gc.collect()
before = held()
port = serve()
after = held()
assert after == before, (before, after)
assert before[0] == ["MainThread"], before
try:
    socket.create_connection(("127.0.0.1", port))
except ConnectionRefusedError:
    print("gone")
"""


def test_every_thread_socket_and_file_is_gone_after_the_block(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _LEAVES_NOTHING],
        env=clean_environment(TMPDIR=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=HANG_S,
    )
    assert (done.stdout, done.stderr) == ("gone\n", "")
    assert list(tmp_path.iterdir()) == []


def test_a_setting_that_is_none_says_so() -> None:
    with pytest.raises(CannotServe, match="buckets_per_acount"), oss_server(buckets_per_acount=1):
        pass


def test_the_number_of_buckets_is_a_setting() -> None:
    with oss_server(buckets_per_account=1) as oss:
        oss.bucket("one-of-one")
        with pytest.raises(Refused, match="--buckets-per-account says how many"):
            oss.bucket("two-of-one")
        assert httpx.put(oss.presign("PUT", "three-of-one", None)).status_code == 400  # type: ignore[arg-type]


def test_a_server_of_its_own_ends_with_who_started_it() -> None:
    program = (
        "import os, sys\nfrom coatcheck.testing import oss_server\n"
        "with oss_server(subprocess=True) as oss:\n    print(oss.endpoint, flush=True)\n    os._exit(1)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=clean_environment(), stdout=subprocess.PIPE, text=True, timeout=HANG_S
    )
    host, _, port = done.stdout.strip().removeprefix("http://").partition(":")

    def is_gone() -> bool:
        try:
            socket.create_connection((host, int(port))).close()
        except ConnectionRefusedError:
            return True
        return False

    wait_until(is_gone)


def test_a_plain_server_loads_nothing_of_the_kit() -> None:
    program = (
        "import sys\nimport coatcheck.cli.serve, coatcheck.process, coatcheck.worker, coatcheck.app\n"
        "print(sorted(name for name in sys.modules if name.startswith('coatcheck.testing') or name == 'pytest'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=clean_environment(), stdout=subprocess.PIPE, text=True, timeout=HANG_S
    )
    assert done.stdout == "[]\n"

"""`serve --ephemeral` and `--test-controls` from outside: the ready line, what is refused, who ends with whom."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from coatcheck import Presigner

from ..patience import HANG_S
from ..server_process import clean_environment

pytestmark = pytest.mark.live

SERVE = [sys.executable, "-m", "coatcheck", "serve"]


@contextmanager
def serving(*options: str, **environment: str) -> Iterator[tuple[dict[str, Any], subprocess.Popen[str]]]:
    """The facts of the ready line, and the process."""
    with subprocess.Popen(
        [*SERVE, *options],
        env=clean_environment(**environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline()), process
        finally:
            process.terminate()


def refused(*options: str, **environment: str) -> str:
    """What it says on standard error when it doesn't start."""
    done = subprocess.run(
        [*SERVE, *options], env=clean_environment(**environment), capture_output=True, text=True, timeout=HANG_S
    )
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    return done.stderr


def link(facts: dict[str, Any], method: str, bucket: str, key: str | None) -> str:
    signer = Presigner(
        facts["access_key_id"], facts["access_key_secret"], region=facts["region"], endpoint=facts["endpoint"]
    )
    return signer.presign(method, bucket, key).url


def test_the_ready_line_is_all_that_a_client_needs(tmp_path: Path) -> None:
    real = {"OSS_ACCESS_KEY_ID": "RealKey", "OSS_ACCESS_KEY_SECRET": "RealSecret0123456789"}
    with serving("--ephemeral", TMPDIR=str(tmp_path), **real) as (facts, process):
        assert set(facts) == {"ready", "endpoint", "region", "access_key_id", "access_key_secret", "store"}
        assert (facts["ready"], facts["store"], facts["region"]) == (True, "memory:", "cn-hangzhou")
        assert facts["access_key_id"] != "RealKey"  # it is printed, and a real key must not be
        assert httpx.put(link(facts, "PUT", "photos", None)).status_code == 200
        assert httpx.put(link(facts, "PUT", "photos", "a"), content=b"x").status_code == 200
        assert httpx.get(link(facts, "GET", "photos", "a")).content == b"x"
        for path in ("controls/reset", "controls/clock", "controls/openapi.json"):  # a bucket's name, and no more
            answer = httpx.post(f"{facts['endpoint']}/{path}", json={}, headers={"x-coatcheck-test-token": "t" * 24})
            assert "<Error>" in answer.text
        process.terminate()
        assert process.wait(HANG_S) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_others_know_beforehand() -> None:
    given = {"COATCHECK_TEST_ACCESS_KEY_ID": "test-key.1", "COATCHECK_TEST_ACCESS_KEY_SECRET": "test-secret"}
    assert "an access key id has letters, digits" in refused("--ephemeral", **given)
    given["COATCHECK_TEST_ACCESS_KEY_ID"] = "TestKey1"
    with serving("--ephemeral", **given) as (facts, _):
        assert (facts["access_key_id"], facts["access_key_secret"]) == ("TestKey1", "test-secret")
    assert "Set both" in refused("--ephemeral", COATCHECK_TEST_ACCESS_KEY_ID="TestKey1")


def test_it_goes_with_no_directory_and_no_second_worker(tmp_path: Path) -> None:
    assert "it goes with no --data and no other --store" in refused("--ephemeral", "--data", str(tmp_path / "data"))
    assert "it goes with no --data and no other --store" in refused("--ephemeral", "--store", f"file:{tmp_path}")
    assert "it goes with --workers 1" in refused("--ephemeral", "--workers", "2")
    assert list(tmp_path.iterdir()) == []


def test_the_controls_go_with_no_store_but_memory(tmp_path: Path) -> None:
    said = refused("--test-controls", "--data", str(tmp_path / "data"))
    assert "they go with --ephemeral or --store memory:" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("token", ["short", "a token of many ümlauts"])
def test_a_token_that_can_be_guessed_or_not_sent_is_refused(token: str) -> None:
    assert "takes at least 16 printable ASCII" in refused("--ephemeral", "--test-controls", COATCHECK_TEST_TOKEN=token)


def test_an_address_that_is_none_is_refused() -> None:
    assert "it takes HOST:PORT" in refused("--ephemeral", "--test-controls", "nowhere")
    assert "can't listen on 192.0.2.1:9" in refused("--ephemeral", "--test-controls", "192.0.2.1:9")


def test_controls_are_bound_to_loopback_and_want_their_token() -> None:
    token = "a-token-of-our-own"
    with serving("--ephemeral", "--test-controls", COATCHECK_TEST_TOKEN=token) as (facts, _):
        assert facts["controls"].startswith("http://127.0.0.1:")
        assert facts["token"] == token
        shown = {"x-coatcheck-test-token": token}
        assert httpx.post(f"{facts['controls']}/controls/clock", json={}, headers=shown).status_code == 200
        assert httpx.post(f"{facts['controls']}/controls/clock", json={}).status_code == 401
        preflight = httpx.options(
            f"{facts['controls']}/controls/reset",
            headers={"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"},
        )
        assert preflight.status_code == 403
        assert not [name for name in preflight.headers if name.startswith("access-control")]
        document = httpx.get(f"{facts['controls']}/controls/openapi.json", headers=shown).json()
        for path in document["paths"]:  # each is routed
            assert httpx.post(f"{facts['controls']}{path}", json={}, headers=shown).status_code in (200, 400)
        assert "NoSuchBucket" in httpx.get(f"{facts['endpoint']}/controls/openapi.json", headers=shown).text


def test_controls_that_others_can_reach_are_announced() -> None:
    with serving("--ephemeral", "--test-controls", "0.0.0.0:0") as (facts, process):
        assert facts["controls"].startswith("http://0.0.0.0:")
        process.terminate()
        _, said = process.communicate(timeout=HANG_S)
    assert "aren't on loopback: its token alone guards them" in said


def test_it_ends_with_the_process_that_started_it() -> None:
    """A shell that is killed can tell nobody."""
    line = " ".join([*(f"'{word}'" for word in SERVE), "--ephemeral & read line; wait"])
    with subprocess.Popen(
        ["sh", "-c", line], env=clean_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as shell:
        assert shell.stdout is not None
        assert json.loads(shell.stdout.readline())["ready"]
        shell.kill()
        assert shell.stdout.read() == ""  # nobody has the pipe any more

"""Endpoints of the running server: own domains bound by command in every worker, paced links, proxies."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from ..builders import a_presigner
from ..patience import HANG_S
from ..server_process import ServerProcess
from .conftest import Put, make_bucket
from .raw import send

ATTEMPTS = 12  # connections of their own, so that both workers answer some


def test_domain_bound_by_command_answers_in_every_worker(live_server: ServerProcess, bucket: str, put: Put) -> None:
    put("own.txt", b"one coat")
    link = a_presigner(f"http://{live_server.host}:{live_server.port}").presign(
        "GET", bucket, "own.txt", custom_domain="http://files.example.com"
    )

    def answers() -> set[int]:
        return {send(link.url, connect_to=live_server).status for _ in range(ATTEMPTS)}

    assert answers() == {403}
    assert live_server.command("domain", "add", "files.example.com", bucket).returncode == 0
    assert answers() == {200}
    assert live_server.command("domain", "remove", "files.example.com").returncode == 0
    assert answers() == {403}


def test_bucket_for_https_only_refuses_plain_http(live_server: ServerProcess) -> None:
    bucket = make_bucket(live_server)
    url = a_presigner(live_server.endpoint).presign("GET", bucket, "a").url
    assert live_server.command("https-only", bucket).returncode == 0
    refused = send(url)
    assert (refused.status, "HTTPS only" in refused.error["Message"]) == (403, True)
    spoofed = send(url, headers={"X-Forwarded-Proto": "https", "Forwarded": "proto=https"})
    assert spoofed.error["Message"] == refused.error["Message"]


def test_paced_link_takes_as_long_as_its_rate_says(live_server: ServerProcess, bucket: str, put: Put) -> None:
    """Both ways: 250,000 bytes at 1,638,400 bit/s are 1.2 s; never less, and not for ever."""
    signer = a_presigner(live_server.endpoint)
    body = b"x" * 250_000
    started = time.monotonic()
    up = send(signer.presign("PUT", bucket, "slow", traffic_limit=1_638_400).url, "PUT", body=body)
    middle = time.monotonic()
    down = send(signer.presign("GET", bucket, "slow", traffic_limit=1_638_400).url)
    ended = time.monotonic()
    assert (up.status, down.status, down.body) == (200, 200, body)
    assert 1.0 < middle - started < HANG_S
    assert 1.0 < ended - middle < HANG_S


def test_rate_out_of_bounds_is_refused(live_server: ServerProcess, bucket: str, put: Put) -> None:
    put("a", b"abc")
    link = a_presigner(live_server.endpoint).presign("GET", bucket, "a").url
    for text in ("819199", "838860801", "-1", "fast", "٣"):
        url = a_presigner(live_server.endpoint).presign("GET", bucket, "a", query={"x-oss-traffic-limit": text}).url
        answer = send(url)
        assert (answer.status, answer.error["Code"]) == (400, "InvalidArgument"), text
    assert send(link).status == 200


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that trusts this machine to be its proxy."""
    server = ServerProcess(tmp_path_factory.mktemp("proxied") / "data", "--trusted-proxy", "127.0.0.0/8", workers=1)
    try:
        yield server
        server.stop()
    finally:
        server.kill()


def test_link_for_one_address_looks_behind_the_proxy_if_it_says_so(proxied: ServerProcess) -> None:
    bucket = make_bucket(proxied)
    signer = a_presigner(proxied.endpoint)
    assert send(signer.presign("PUT", bucket, "a").url, "PUT", body=b"abc").status == 200
    bound = {"x-oss-ac-source-ip": "203.0.113.0", "x-oss-ac-subnet-mask": "24"}
    near = signer.presign("GET", bucket, "a", query=bound).url
    far = signer.presign("GET", bucket, "a", query={**bound, "x-oss-ac-forward-allow": "true"}).url
    for chain, expected in (("203.0.113.9", 200), ("203.0.113.9, 198.51.100.1", 403), ("198.51.100.1", 403)):
        assert send(far, headers={"X-Forwarded-For": chain}).status == expected, chain
        assert send(near, headers={"X-Forwarded-For": chain}).status == 403, chain


def test_two_proxies_that_disagree_are_told(proxied: ServerProcess) -> None:
    answer = send(f"{proxied.endpoint}/", headers={"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=198.51.100.1"})
    assert (answer.status, answer.error["Code"]) == (400, "InvalidRequest")

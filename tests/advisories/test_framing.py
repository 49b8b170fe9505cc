"""Where a request begins, where it ends and whom it is for is read in one way, whatever a proxy in front reads."""

from __future__ import annotations

import pytest

from ..wire.readings import read

PUT = b"PUT /a HTTP/1.1\r\nHost: a\r\n"
CHUNKED = PUT + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"
NEXT = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize("name", [b"Connection", b"connection", b"Proxy-Connection"])
@pytest.mark.parametrize("behind", [b"", b"X: y\r\n"])
def test_a_trailer_ends_no_connection_that_others_are_on(name: bytes, behind: bytes) -> None:
    """The upload that has it fails; before, the request that came next on the proxy's connection did."""
    request = CHUNKED + name + b": close\r\n" + behind + b"\r\n"
    for cut in range(1, len(request)):
        verdict = read(request[:cut], request[cut:])
        assert [each.is_whole for each in verdict.requests] == [False]
        assert verdict.refusal.startswith("400 ")


def test_a_trailer_is_no_header() -> None:
    verdict = read(CHUNKED + b"X-Oss-Meta-A: b\r\nHost: c\r\nAuthorization: d\r\n\r\n", NEXT)
    assert [each.headers for each in verdict.requests] == [{"host": "a", "transfer-encoding": "chunked"}, {"host": "a"}]


@pytest.mark.parametrize("hosts", [b"", b"Host: a\r\nHost: b\r\n", b"Host: a\r\nhost: a\r\n"])
def test_a_request_is_for_one_host(hosts: bytes) -> None:
    verdict = read(b"GET / HTTP/1.1\r\n" + hosts + b"\r\n" + NEXT)
    assert (verdict.requests, verdict.refusal[:4]) == ([], "400 ")


@pytest.mark.parametrize("host", [b"a/b", b"a@b", b"a?b", b"a#b", b"a b", b"a\\b", b"http://a", b"\xff"])
def test_a_host_is_nothing_else(host: bytes) -> None:
    verdict = read(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n" + NEXT)
    assert (verdict.requests, verdict.refusal[:4]) == ([], "400 ")


@pytest.mark.parametrize("target", [b"http://b/", b"http://a:81/", b"https://a.b/", b"http://b/a"])
def test_a_target_names_no_other_host(target: bytes) -> None:
    verdict = read(b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n" + NEXT)
    assert (verdict.requests, verdict.refusal[:4]) == ([], "400 ")


def test_an_old_client_sends_no_chunks() -> None:
    verdict = read(CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + b"\r\n" + NEXT)
    assert (verdict.requests, verdict.refusal[:4]) == ([], "400 ")


@pytest.mark.parametrize("coding", [b"gzip, chunked", b"deflate, chunked", b"x, chunked"])
def test_chunks_are_in_no_other_coding(coding: bytes) -> None:
    verdict = read(CHUNKED.replace(b" chunked", b" " + coding) + b"\r\n" + NEXT)
    assert (verdict.requests, verdict.refusal) == ([], "400 The only Transfer-Encoding here is chunked.")


@pytest.mark.parametrize("version", [b"HTTP/0.9", b"HTTP/2.0"])
def test_a_version_that_is_not_spoken_is_not_read_as_another(version: bytes) -> None:
    verdict = read(b"GET / " + version + b"\r\nHost: a\r\n\r\n" + NEXT)
    assert (verdict.requests, verdict.refusal[:4]) == ([], "400 ")

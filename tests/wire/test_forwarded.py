"""Forwarded headers count from proxies we trust, and from nobody else."""

from __future__ import annotations

import ipaddress
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.core.errors import INVALID_REQUEST, OssError
from coatcheck.wire.forwarded import TrustedProxies, read_forwarded_address
from coatcheck.wire.request import Request

PROXIES = TrustedProxies(["10.0.0.0/8", "192.0.2.1", "fd00::/8"])


def seen(client: str = "10.0.0.1", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return PROXIES.see_through(Request("GET", b"/", headers={"host": "backend:8000", **named}, client=client))


@pytest.mark.parametrize("client", ["203.0.113.9", "192.0.2.2", "fe80::1", "::1", "", "unix"])
def test_nobody_else_is_believed(client: str) -> None:
    request = seen(
        client,
        x_forwarded_for="198.51.100.7",
        x_forwarded_proto="https",
        x_forwarded_host="evil.example",
        forwarded="for=198.51.100.7;proto=https",
        x_forwarded_tls_version="TLSv1.3",
    )
    assert (request.client, request.peer, request.secure, request.tls_version) == (client, "", False, "")
    assert request.host == "backend:8000"


@pytest.mark.parametrize("proxy", ["10.255.0.1", "192.0.2.1", "::ffff:10.0.0.1", "fd12::1"])
def test_trusted_proxy_says_who_asked_and_how(proxy: str) -> None:
    request = seen(
        proxy,
        x_forwarded_for="198.51.100.7",
        x_forwarded_proto="https",
        x_forwarded_host="files.example.com",
        x_forwarded_tls_version="TLSv1.2",
    )
    assert (request.client, request.peer, request.secure) == ("198.51.100.7", proxy, True)
    assert (request.host, request.proxy_host, request.tls_version) == ("files.example.com", "backend:8000", "TLSv1.2")


def test_trusted_proxy_that_says_nothing_is_the_client() -> None:
    request = seen()
    assert (request.client, request.peer, request.host, request.secure) == (
        "10.0.0.1",
        "10.0.0.1",
        "backend:8000",
        False,
    )


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("127.0.0.1, 203.0.113.9", "203.0.113.9"),
        ("1.1.1.1, 203.0.113.9, 10.1.1.1, 192.0.2.1", "203.0.113.9"),
        ("10.1.1.1, 10.2.2.2", "10.1.1.1"),
        ("garbage, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, unknown", ""),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        (" , ,203.0.113.9,", "203.0.113.9"),
    ],
)
def test_the_last_address_that_is_no_trusted_proxys_is_the_client(chain: str, client: str) -> None:
    assert seen(x_forwarded_for=chain).client == client


@pytest.mark.parametrize(
    ("forwarded", "client", "secure", "host"),
    [
        ("for=203.0.113.9", "203.0.113.9", False, "backend:8000"),
        ('For="[2001:db8::1]:4711";Proto=HTTPS;host="files.example.com"', "2001:db8::1", True, "files.example.com"),
        ("for=1.1.1.1, for=203.0.113.9;proto=https", "203.0.113.9", True, "backend:8000"),
        ('for="a,b;c", for=203.0.113.9', "203.0.113.9", False, "backend:8000"),
        ("for=_hidden", "", False, "backend:8000"),
        ("by=203.0.113.1", "", False, "backend:8000"),
    ],
)
def test_the_standard_header_says_the_same(forwarded: str, client: str, secure: bool, host: str) -> None:
    request = seen(forwarded=forwarded)
    assert (request.client, request.secure, request.host) == (client, secure, host)


def test_two_kinds_of_header_that_disagree_are_refused() -> None:
    with pytest.raises(OssError) as refusal:
        seen(x_forwarded_for="203.0.113.9", forwarded="for=198.51.100.7")
    assert refusal.value.fault is INVALID_REQUEST
    assert seen(x_forwarded_for="1.1.1.1, 203.0.113.9", forwarded="for=203.0.113.9").client == "203.0.113.9"


@pytest.mark.parametrize(
    "text", ["", "10.0.0.1/8", "10.0.0.0/33", "10.0.0", "localhost", "0.0.0.0/-1", "::/129", "a/8", "10.0.0.0/8/8"]
)
def test_what_is_no_network_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="is not a network like"):
        TrustedProxies([text])


@given(st.text(), st.text(), st.sampled_from(["10.0.0.1", "203.0.113.9"]))
def test_any_headers_are_a_request_or_a_refusal(first: str, second: str, client: str) -> None:
    with suppress(OssError):
        request = seen(client, x_forwarded_for=first, forwarded=second)
        assert request.client == "" or ipaddress.ip_address(request.client)


@given(st.ip_addresses(), st.integers(0, 65535))
def test_address_is_read_in_every_form_that_proxies_write(address: ipaddress.IPv4Address, port: int) -> None:
    expected = getattr(address, "ipv4_mapped", None) or address
    if address.version == 4:
        assert read_forwarded_address(f"{address}:{port}") == expected
    assert read_forwarded_address(f"[{address}]:{port}") == expected
    assert read_forwarded_address(str(address)) == expected

from __future__ import annotations

import pytest

from coatcheck.core.addresses import may_reach, read_address, read_network


@pytest.mark.parametrize("text", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "[2606:4700:4700::1111]"])
def test_public_addresses_may_be_reached(text: str) -> None:
    address = read_address(text)
    assert address is not None
    assert may_reach(address, ())


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "2001:db8::1",
    ],
)
def test_addresses_that_are_not_public_may_not(text: str) -> None:
    address = read_address(text)
    assert address is not None
    assert not may_reach(address, ())


def test_an_operator_may_allow_a_network() -> None:
    allowed = [read_network("10.1.0.0/16"), read_network("::1")]
    for text, answer in {"10.1.2.3": True, "10.2.2.3": False, "::1": True, "::ffff:10.1.2.3": True}.items():
        address = read_address(text)
        assert address is not None
        assert may_reach(address, allowed) is answer


@pytest.mark.parametrize("text", ["localhost", "", "1.2.3", "0x7f000001", "127.1", "2130706433", "1.2.3.4.5"])
def test_what_is_no_address_is_a_name(text: str) -> None:
    assert read_address(text) is None

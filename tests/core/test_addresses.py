from __future__ import annotations

import ipaddress
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.core.addresses import is_metadata_name, may_reach, read_address, read_network


@pytest.mark.parametrize(
    "text",
    [
        "1.1.1.1",
        "93.184.216.34",
        "99.255.255.255",
        "100.128.0.0",
        "168.63.129.15",
        "192.0.1.0",
        "223.255.255.255",
        "2606:4700:4700::1111",
        "[2606:4700:4700::1111]",
        "2001:200::1",
        "::ffff:1.1.1.1",
        "64:ff9b::101:101",
        "2606:4700::5efe:1.1.1.1",
    ],
)
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
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.9",
        "192.0.0.192",
        "192.88.99.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.7",
        "239.255.255.250",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "fec0::1",
        "feff::1",
        "ff0e::1",
        "100::1",
        "4000::1",
        "5f00::1",
        "::127.0.0.1",
        "::169.254.169.254",
        "::1.1.1.1",
        "::ffff:0:127.0.0.1",
        "::ffff:0:1.1.1.1",
        "::ffff:168.63.129.16",
        "64:ff9b:1::7f00:1",
        "64:ff9b:1:7f00:0:100::",
        "64:ff9b::7f00:1",
        "64:ff9b::c000:c0",
        "2002:101:101::",
        "2001:0:7f00:1:0:0:80ff:fffe",
        "2001:10::1",
        "2001:1ff::1",
        "3fff::1",
        "2606:4700::5efe:10.0.0.1",
        "2606:4700::200:5efe:127.0.0.1",
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


# Every known way to write an IPv4 address into an IPv6 one, each with where its four bytes stand.
FORMS: dict[str, Callable[[int], int]] = {
    "compatible": lambda v4: v4,
    "mapped": lambda v4: 0xFFFF << 32 | v4,
    "translated": lambda v4: 0xFFFF << 48 | v4,
    "NAT64": lambda v4: 0x64_FF9B << 96 | v4,
    "local NAT64, /96": lambda v4: 0x64_FF9B_0001 << 80 | v4,
    "local NAT64, /48": lambda v4: 0x64_FF9B_0001 << 80 | (v4 >> 16) << 64 | (v4 & 0xFFFF) << 40,
    "6to4": lambda v4: 0x2002 << 112 | v4 << 80,
    "Teredo server": lambda v4: 0x2001_0000 << 96 | v4 << 64 | 0x1234,
    "Teredo client": lambda v4: 0x2001_0000_0101_0101 << 64 | (v4 ^ 0xFFFF_FFFF),
    "ISATAP": lambda v4: 0x2606_4700 << 96 | 0x5EFE << 32 | v4,
    "ISATAP, global": lambda v4: 0x2606_4700 << 96 | 0x200_5EFE << 32 | v4,
    "link-local ISATAP": lambda v4: 0xFE80 << 112 | 0x5EFE << 32 | v4,
}
NOT_PUBLIC = ["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16", "169.254.0.0/16"]
NOT_PUBLIC += ["172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4"]


@given(
    st.sampled_from(NOT_PUBLIC).flatmap(lambda network: st.ip_addresses(network=network)), st.sampled_from(list(FORMS))
)
def test_an_address_that_is_not_public_is_so_in_every_form(v4: ipaddress.IPv4Address, form: str) -> None:
    address = ipaddress.IPv6Address(FORMS[form](int(v4)))
    assert not may_reach(v4, ())
    assert not may_reach(address, ())
    assert not may_reach(address, [read_network("192.0.2.0/24"), read_network("2001:db8::/32")])


@given(st.ip_addresses())
def test_nothing_is_public_that_python_calls_otherwise(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    carried = getattr(address, "ipv4_mapped", None) or address
    assert not may_reach(address, ()) or carried.is_global


@pytest.mark.parametrize(
    "name",
    [
        "metadata.google.internal",
        "METADATA.Google.Internal.",
        "metadata.goog",
        "metadata",
        "instance-data",
        "instance-data.ec2.internal",
        "metadata.tencentyun.com",
    ],
)
def test_metadata_services_are_known_by_name(name: str) -> None:
    assert is_metadata_name(name)


@pytest.mark.parametrize("name", ["metadata.example.com", "google.internal", "example.com", ""])
def test_other_names_are_not_theirs(name: str) -> None:
    assert not is_metadata_name(name)

"""The resolver against a name server that knows one name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import dns.message
import dns.rcode
import dns.rrset
import pytest

from coatcheck.engines.dns import DnsResolver

NAME = "_dnsauth.files.example.com."


class NameServer(asyncio.DatagramProtocol):
    """Answers for one name, says NXDOMAIN of others."""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        question = dns.message.from_wire(data)
        name = question.question[0].name.to_text()
        answer = dns.message.make_response(question)
        if name == NAME:
            answer.answer.append(dns.rrset.from_text(NAME, 60, "IN", "TXT", '"v=other"', '"0123" "4567"'))
        else:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        self._transport.sendto(answer.to_wire(), addr)


@pytest.fixture
async def resolver() -> AsyncIterator[DnsResolver]:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 0))
    yield DnsResolver(transport.get_extra_info("sockname"))
    transport.close()


async def test_texts_of_a_name_are_found_each_one_whole(resolver: DnsResolver) -> None:
    assert sorted(await resolver.find_texts("_dnsauth.files.example.com")) == ["01234567", "v=other"]


async def test_name_that_is_not_there_has_none(resolver: DnsResolver) -> None:
    assert await resolver.find_texts("_dnsauth.other.example.com") == ()


async def test_name_server_that_does_not_answer_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coatcheck.engines.dns._LIFETIME_S", 0.2)
    assert await DnsResolver(("127.0.0.1", 9)).find_texts("_dnsauth.files.example.com") == ()

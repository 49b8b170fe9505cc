"""Where a request comes from, and where the server may be sent to, nobody says but the connection and the operator."""

from __future__ import annotations

import asyncio
import json
import socket
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from coatcheck.background.audit_reading import AuditReading
from coatcheck.background.audit_segments import AuditSegments
from coatcheck.core.addresses import may_reach, read_address
from coatcheck.engines.noted_secrets import NotedSecrets
from coatcheck.engines.notifier import HttpNotifier
from coatcheck.engines.outgoing import Outgoing
from coatcheck.engines.secret_files import FileSecrets
from coatcheck.ports.notifier import Forbidden, Notice, Webhook
from coatcheck.wire.forwarded import TrustedProxies
from coatcheck.wire.query import read_query
from coatcheck.wire.request import Request

from ..link_desk.test_desk import ask
from ..oss.house import Answer, House
from .crafting import a_house, a_policy, a_user, v4_headers, v4_link

OFFICE, CAFE, PROXY = "198.51.100.7", "203.0.113.9", "192.0.2.1"
SPOOFED = [
    {"x-forwarded-for": OFFICE},
    {"x-forwarded-for": f"{OFFICE}, {OFFICE}"},
    {"x-real-ip": OFFICE},
    {"forwarded": f"for={OFFICE}"},
    {"x-client-ip": OFFICE, "true-client-ip": OFFICE, "cf-connecting-ip": OFFICE, "x-oss-source-ip": OFFICE},
]


async def come(
    house: House, address: str, client: str, headers: dict[str, str], proxies: tuple[str, ...] = (PROXY,)
) -> Answer:
    """A GET as it comes in from an address, behind proxies that are trusted or not."""
    path, _, query = address.partition("?")
    request = Request("GET", path.encode(), read_query(query.encode()), {"host": "127.0.0.1", **headers}, client)
    return await house.send(TrustedProxies(proxies).see_through(request))


@pytest.mark.parametrize("said", SPOOFED, ids=lambda said: next(iter(said)))
async def test_an_address_that_a_client_writes_satisfies_no_policy(said: dict[str, str]) -> None:
    """acs:SourceIp is the connection's; headers count only from proxies that the operator trusts."""
    condition = {"IpAddress": {"acs:SourceIp": f"{OFFICE}/32"}}
    alice = a_user("alice", a_policy("oss:GetObject", Condition=condition))
    house = await a_house(alice)
    signed = v4_headers("/photos/secret.txt", by=alice, headers=said)
    assert (await come(house, "/photos/secret.txt", OFFICE, v4_headers("/photos/secret.txt", by=alice))).status == 200
    assert (await come(house, "/photos/secret.txt", CAFE, signed)).refusal == (403, "AccessDenied")


async def test_a_chain_of_addresses_is_read_from_its_trusted_end() -> None:
    """What a client wrote before a trusted proxy added the truth stays what a client wrote."""
    condition = {"IpAddress": {"acs:SourceIp": f"{OFFICE}/32"}}
    alice = a_user("alice", a_policy("oss:GetObject", Condition=condition))
    house = await a_house(alice)
    headers = v4_headers("/photos/secret.txt", by=alice)
    through = headers | {"x-forwarded-for": f"{OFFICE}, {CAFE}"}
    assert (await come(house, "/photos/secret.txt", PROXY, through)).refusal == (403, "AccessDenied")
    honest = headers | {"x-forwarded-for": f"{CAFE}, {OFFICE}"}
    assert (await come(house, "/photos/secret.txt", PROXY, honest)).status == 200


@pytest.mark.parametrize("said", [{}, *SPOOFED[:4]], ids=str)
async def test_a_link_for_one_address_opens_from_no_other(said: dict[str, str]) -> None:
    """A link bound to a network is signed with it: who comes from elsewhere has another one, whatever they say."""
    house = await a_house()
    link = v4_link(f"/photos/secret.txt?x-oss-ac-source-ip={OFFICE}&x-oss-ac-subnet-mask=32")
    assert (await come(house, link, OFFICE, {})).status == 200
    assert (await come(house, link, CAFE, said)).refusal == (403, "SignatureDoesNotMatch")
    stripped = link.replace(f"x-oss-ac-source-ip={OFFICE}&", "").replace("x-oss-ac-subnet-mask=32&", "")
    assert (await come(house, stripped, CAFE, said)).refusal == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize("header", ["x-forwarded-host", "x-original-host", "x-host", "forwarded"])
async def test_a_host_that_a_client_writes_reaches_no_other_bucket(header: str) -> None:
    """The bucket is that of the Host and the path; headers that name another host are proxies' alone."""
    house = await a_house(acl="public-read")
    await house.with_bucket("others", acl="public-read")
    await house.put("/others/secret.txt", b"of others")
    host = "others.oss-cn-hangzhou.localhost"
    said = {header: f"host={host}" if header == "forwarded" else host}
    assert (await come(house, "/photos/secret.txt", CAFE, said)).body == b"a secret"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1,photos.oss-cn-hangzhou.localhost",
        "photos.evil.example",
        "photos",
        "photos.oss-cn-hangzhou.localhost.evil.example",
        "evil.example:80:80",
        "",
    ],
)
async def test_a_host_that_is_none_of_ours_is_nobodys(host: str) -> None:
    """A name that isn't known reaches no bucket and no service, nor do two of them."""
    house = await a_house(acl="public-read")
    answer = await house.ask("GET", "/photos/secret.txt", by=None, host=host)
    assert answer.status == 403
    assert b"a secret" not in answer.body


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254",
        "224.0.0.1", "255.255.255.255", "192.0.0.1", "198.18.0.1", "240.0.0.1", "::", "::1", "fe80::1", "fc00::1",
        "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::",
        "2001:0:7f00:1::",
    ],
)  # fmt: skip
async def test_no_private_address_is_called(text: str) -> None:
    """An address inside, in whatever form, is never asked because an uploader's callback names it."""
    address = read_address(text)
    assert address is not None
    assert not may_reach(address, ())
    assert may_reach(read_address("93.184.215.14") or address, ())


@pytest.mark.parametrize(
    "text",
    [
        "::127.0.0.1",
        "64:ff9b:1::7f00:1",
        "fec0::1",
        "::ffff:0:127.0.0.1",
        "2001:db8::5efe:7f00:1",
        "168.63.129.16",
        "192.0.0.192",
        "100.100.100.200",
    ],
)
async def test_no_unusual_form_of_a_private_address_is_called(text: str) -> None:
    """Old and rare forms of addresses inside, and those of metadata services, aren't public either."""
    address = read_address(text)
    assert address is not None
    assert not may_reach(address, ())


async def test_a_callback_to_an_address_inside_stores_nothing(tmp_path: Path) -> None:
    """An upload whose callback names a private address is refused before its body is taken."""
    house = await a_house(notifier=HttpNotifier(NotedSecrets(FileSecrets(tmp_path)), "http://keys.example.com/key.pem"))
    inside = ("http://169.254.169.254/latest/", "http://[::1]:8000/", "127.0.0.1:6379", "metadata.google.internal")
    for url in inside:
        document = json.dumps({"callbackUrl": url, "callbackBody": "a"}).encode()
        answer = await house.ask("PUT", "/photos/a", b"x", {"x-oss-callback": b64encode(document).decode()})
        assert answer.refusal == (400, "InvalidArgument")
        assert answer.text("Message") == "Private address is forbidden to callback."
    assert (await house.ask("GET", "/photos/a")).status == 404


async def test_a_name_that_leads_inside_is_not_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address that is connected to is the one that was looked at: a name can't change it in between."""
    notifier = HttpNotifier(NotedSecrets(FileSecrets(tmp_path)), "http://keys.example.com/key.pem")
    asked: list[str] = []
    answers = ["93.184.215.14", "127.0.0.1"]

    async def look_up(name: str, port: int, **more: Any) -> list[Any]:
        asked.append(name)
        address = answers[min(len(asked), 2) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)
    first = await Outgoing().resolve("rebound.example", 80)
    assert str(first) == "93.184.215.14"
    notice = Notice("http://rebound.example/", "", "application/json", b"{}", ())
    with pytest.raises(Forbidden):
        await notifier.send(notice)
    with pytest.raises(Forbidden):  # a notice of a link, as a callback
        await notifier.post(Webhook("http://rebound.example/", "msg_1", 1, b"{}", "whsec_AAAA"))
    assert asked == ["rebound.example"] * 3


async def test_nobody_inside_is_told_of_links(tmp_path: Path) -> None:
    """An address to be told of links that is private is refused when it is set."""
    notifier = HttpNotifier(NotedSecrets(FileSecrets(tmp_path)), "http://keys.example.com/key.pem")
    house = await a_house(notifier=notifier, audit=AuditReading(AuditSegments(tmp_path), is_on=True))
    for url in ("http://169.254.169.254/latest/", "http://[::1]:8000/", "http://metadata.google.internal/"):
        document = {"bucket": "photos", "url": url, "events": ["use"]}
        status, refusal = await ask(house, "POST", "notices", document)
        assert (status, refusal["error"]["message"]) == (400, "This server may not send anything to that address.")

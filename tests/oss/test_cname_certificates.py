"""Certificates of own domains through PutCname and ListCname: which are taken, what is said, what is never shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from ..pairs import Pair, a_pair
from .house import NOW, STRANGER, Answer, House
from .test_cname import DOMAIN, Dns, a_document, a_house, bind

BEGINS: Final = datetime.fromtimestamp(NOW, UTC) - timedelta(days=1)
ENDS: Final = datetime.fromtimestamp(NOW, UTC) + timedelta(days=1)
PAIR: Final = a_pair(DOMAIN, begins=BEGINS, ends=ENDS)
OTHER: Final = a_pair("*.example.com", begins=BEGINS, ends=ENDS)


def a_certificate(pair: Pair | None = PAIR, **more: str) -> str:
    given = {"Certificate": pair.chain, "PrivateKey": pair.key} if pair else {}
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in {**given, **more}.items())
    return f"<CertificateConfiguration>{inside}</CertificateConfiguration>"


async def put(house: House, certificate: str, bucket: str = "photos") -> Answer:
    return await house.ask("POST", f"/{bucket}/?cname&comp=add", a_document(more=certificate))


async def a_bound_house() -> tuple[House, Dns]:
    house, dns = await a_house()
    await bind(house, dns)
    return house, dns


async def listed_id(house: House) -> list[str]:
    return (await house.ask("GET", "/photos/?cname")).texts("Cname/Certificate/CertId")


async def test_certificate_is_kept_and_listed_without_its_key() -> None:
    house, _ = await a_bound_house()
    assert (await put(house, a_certificate(Force="true", CertId="mine-1"))).status == 200
    kept = house.domains.look_for_certificate(DOMAIN)
    assert kept is not None
    assert (kept.chain, kept.key) == (PAIR.chain.strip(), PAIR.key.strip())
    listed = await house.ask("GET", "/photos/?cname")
    shown = {
        name: listed.texts(f"Cname/Certificate/{name}")
        for name in ("Type", "CertId", "Status", "CreationDate", "ValidStartDate", "ValidEndDate")
    }
    assert shown == {
        "Type": ["Upload"],
        "CertId": ["mine-1"],
        "Status": ["Enabled"],
        "CreationDate": ["Thu, 05 Mar 2026 07:08:09 GMT"],
        "ValidStartDate": ["Wed, 04 Mar 2026 07:08:09 GMT"],
        "ValidEndDate": ["Fri, 06 Mar 2026 07:08:09 GMT"],
    }
    assert len(listed.texts("Cname/Certificate/Fingerprint")[0]) == 59
    assert b"PRIVATE" not in listed.body
    assert PAIR.key.splitlines()[1].encode() not in listed.body


async def test_domain_is_bound_with_its_certificate_at_once() -> None:
    house, _ = await a_house(verify_domains=False)
    assert (await put(house, a_certificate(Force="true"))).status == 200
    assert (await house.ask("GET", "/photos/?cname")).texts("Cname/Domain") == [DOMAIN]
    (cert_id,) = await listed_id(house)
    assert cert_id.endswith("-cn-hangzhou")
    assert len(cert_id) == 24


async def test_certificate_that_is_refused_binds_nothing() -> None:
    house, _ = await a_house(verify_domains=False)
    assert (await put(house, a_certificate(Pair(PAIR.chain, OTHER.key), Force="true"))).status == 400
    assert (await house.ask("GET", "/photos/?cname")).texts("Cname/Domain") == []


async def test_certificate_for_all_names_of_a_domain_is_taken() -> None:
    house, _ = await a_bound_house()
    assert (await put(house, a_certificate(OTHER, Force="true"))).status == 200


async def test_certificate_is_replaced_by_who_knows_its_id_or_by_force() -> None:
    house, _ = await a_bound_house()
    await put(house, a_certificate(Force="true", CertId="one"))
    for wrong, sentence in (
        ({}, "A certificate is put in place with PreviousCertId, or with Force true."),
        (
            {"PreviousCertId": "two"},
            "PreviousCertId names another certificate than the domain has: its certificate is one.",
        ),
        ({"PreviousCertId": "two", "Force": "false"}, "PreviousCertId names another certificate than"),
    ):
        refused = await put(house, a_certificate(OTHER, **wrong))
        assert refused.refusal == (400, "InvalidArgument")
        assert (refused.text("Message") or "").startswith(sentence)
    assert await listed_id(house) == ["one"]
    assert (await put(house, a_certificate(OTHER, PreviousCertId="one", CertId="two"))).status == 200
    assert await listed_id(house) == ["two"]


async def test_certificate_is_deleted_and_the_domain_stays() -> None:
    house, _ = await a_bound_house()
    await put(house, a_certificate(Force="true"))
    assert (await put(house, a_certificate(None, DeleteCertificate="true"))).status == 200
    assert house.domains.look_for_certificate(DOMAIN) is None
    assert (await house.ask("GET", "/photos/?cname")).texts("Cname/Domain") == [DOMAIN]
    assert await listed_id(house) == []


async def test_binding_again_without_one_keeps_the_certificate() -> None:
    house, _ = await a_bound_house()
    await put(house, a_certificate(Force="true", CertId="one"))
    for nothing in ("", "<CertificateConfiguration/>"):
        assert (await put(house, nothing)).status == 200
    assert await listed_id(house) == ["one"]


REFUSED: Final = {
    "other names": (
        a_pair("www.example.com", "example.com", begins=BEGINS, ends=ENDS),
        {},
        "The certificate is not for files.example.com: its alternative names do not have it.",
    ),
    "a wildcard above": (a_pair("*.com", "*.a.example.com", begins=BEGINS, ends=ENDS), {}, "is not for"),
    "no names": (a_pair(begins=BEGINS, ends=ENDS), {}, "is not for"),
    "it has ended": (
        a_pair(DOMAIN, begins=BEGINS, ends=ENDS - timedelta(days=1)),
        {},
        "The certificate has ended on Thu, 05 Mar 2026 07:08:09 GMT.",
    ),
    "it begins later": (
        a_pair(DOMAIN, begins=BEGINS + timedelta(days=1, seconds=1), ends=ENDS),
        {},
        "The certificate begins only on Thu, 05 Mar 2026 07:08:10 GMT.",
    ),
    "another key": (Pair(PAIR.chain, OTHER.key), {}, "PrivateKey is not the key of Certificate."),
    "no certificate": (Pair("pem", PAIR.key), {}, "Certificate is no certificate in PEM."),
    "no key": (Pair(PAIR.chain, "pem"), {}, "PrivateKey is no private key in PEM, or is encrypted with a password."),
    "half a pair": (None, {"Certificate": PAIR.chain}, "Certificate and PrivateKey are given together."),
    "the other half": (None, {"PrivateKey": PAIR.key}, "Certificate and PrivateKey are given together."),
    "both given and deleted": (PAIR, {"DeleteCertificate": "true"}, "A certificate is either given or deleted."),
    "force of another kind": (PAIR, {"Force": "yes"}, "Force must be true or false."),
    "an id of another kind": (PAIR, {"CertId": "a b"}, "CertId is up to 64 letters"),
    "an id that is too long": (PAIR, {"CertId": "a" * 65}, "CertId is up to 64 letters"),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_certificate_that_would_not_work_is_refused_in_words(what: str) -> None:
    pair, more, sentence = REFUSED[what]
    house, _ = await a_bound_house()
    refused = await put(house, a_certificate(pair, **{"Force": "true", **more}))
    assert refused.refusal == (400, "InvalidArgument")
    assert sentence in (refused.text("Message") or "")
    assert house.domains.look_for_certificate(DOMAIN) is None
    for key in (PAIR.key, OTHER.key):
        assert key.splitlines()[1].encode() not in refused.body


async def test_id_alone_names_no_certificate() -> None:
    house, _ = await a_bound_house()
    refused = await put(house, a_certificate(None, CertId="493-cn-hangzhou", Force="true"))
    assert refused.refusal == (400, "CertificateInvalidCasId")


async def test_domain_of_another_bucket_gets_no_certificate() -> None:
    house, _ = await a_bound_house()
    await house.with_bucket("other")
    assert (await put(house, a_certificate(Force="true"), "other")).refusal == (409, "CnameAlreadyExists")
    assert house.domains.look_for_certificate(DOMAIN) is None


async def test_who_may_not_bind_gives_no_certificate() -> None:
    house, _ = await a_bound_house()
    body = a_document(more=a_certificate(Force="true"))
    for by in (STRANGER, None):
        assert (await house.ask("POST", "/photos/?cname&comp=add", body, by=by)).refusal == (403, "AccessDenied")
    assert house.domains.look_for_certificate(DOMAIN) is None


@pytest.mark.parametrize("comp", ["token", "delete"])
async def test_certificate_is_for_nothing_else(comp: str) -> None:
    house, _ = await a_bound_house()
    body = a_document(more=a_certificate(Force="true"))
    refused = await house.ask("POST", f"/photos/?cname&comp={comp}", body)
    assert refused.refusal == (400, "MalformedXML")

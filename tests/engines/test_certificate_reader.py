"""A certificate and its key are read, and proved to be a pair, before they are kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from coatcheck.engines.certificate_reader import PemCertificateReader, _read
from coatcheck.ports.certificates import BadPair, CertificateFacts

from ..pairs import Pair, a_pair

READER = PemCertificateReader()


async def refused(chain: str, key: str) -> str:
    with pytest.raises(BadPair) as caught:
        await READER.read(chain, key)
    return str(caught.value)


async def test_facts_are_those_of_the_first_certificate() -> None:
    begins, ends = datetime(2026, 1, 2, tzinfo=UTC), datetime(2036, 1, 2, tzinfo=UTC)
    pair, issuer = a_pair("Files.example.com", "*.example.org", begins=begins, ends=ends), a_pair("issuer")
    facts = await READER.read(pair.chain + issuer.chain, pair.key)
    assert facts == CertificateFacts(("files.example.com", "*.example.org"), facts.fingerprint, 1767312000, 2082844800)
    assert len(facts.fingerprint) == 59
    assert set(facts.fingerprint) <= set("0123456789ABCDEF:")


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 2048),
        rsa.generate_private_key(65537, 3072),
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP521R1()),
    ],
    ids=["RSA 2048", "RSA 3072", "P-384", "P-521"],
)
async def test_usual_keys_are_taken(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
    pair = a_pair("a.example", key=key)
    assert (await READER.read(*pair)).names == ("a.example",)


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 1024),
        ec.generate_private_key(ec.SECP256K1()),
        ed25519.Ed25519PrivateKey.generate(),
    ],
    ids=["RSA 1024", "secp256k1", "Ed25519"],
)
async def test_unusual_keys_are_refused(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey,
) -> None:
    said = await refused(*a_pair("a.example", key=key))
    assert said == "PrivateKey must be of RSA, 2048 to 4096 bits, or of the curves P-256, P-384 and P-521."


async def test_key_of_another_certificate_is_refused() -> None:
    first, second = a_pair("a.example"), a_pair("a.example")
    large = a_pair("a.example", key=rsa.generate_private_key(65537, 2048))
    for key in (second.key, large.key):
        assert await refused(first.chain, key) == "PrivateKey is not the key of Certificate."


async def test_key_that_only_says_it_is_the_certificates_is_refused() -> None:
    """Its modulus is the certificate's, its exponent isn't: what it signs, nobody believes."""
    key = rsa.generate_private_key(65537, 2048)
    pair, numbers = a_pair("a.example", key=key), key.private_numbers()
    other = rsa.RSAPrivateNumbers(
        numbers.p, numbers.q, numbers.d ^ 6, numbers.dmp1 ^ 6, numbers.dmq1 ^ 6, numbers.iqmp, numbers.public_numbers
    ).private_key(unsafe_skip_rsa_key_validation=True)
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    assert await refused(pair.chain, pem) == "PrivateKey is not the key of Certificate."


async def test_key_with_a_password_is_refused() -> None:
    pair = a_pair("a.example")
    locked = load_pem_private_key(pair.key.encode(), None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    )
    said = await refused(pair.chain, locked.decode())
    assert said == "PrivateKey is no private key in PEM, or is encrypted with a password."


async def test_key_among_the_certificates_is_refused() -> None:
    pair = a_pair("a.example")
    said = await refused(pair.chain + pair.key, pair.key)
    assert said == "Certificate holds a private key: give that as PrivateKey alone."


async def test_certificate_without_names_has_none() -> None:
    assert (await READER.read(*a_pair())).names == ()


GOOD_NAMES: Final[tuple[str, ...]] = ("a.example",)
GOOD: Final = a_pair("a.example")


@settings(max_examples=100)
@given(st.sampled_from(["chain", "key"]), st.integers(0, 2000), st.text(max_size=3), st.integers(0, 40))
def test_no_text_does_more_than_be_refused(which: str, at: int, new: str, size: int) -> None:
    text = getattr(GOOD, which)
    at %= len(text)
    pair = Pair(GOOD.chain, GOOD.key)._replace(**{which: text[:at] + new + text[at + size :]})
    said, names = "", GOOD_NAMES
    try:
        names = _read(*pair).names
    except BadPair as error:
        said = str(error)
    assert GOOD.key[40:60] not in said
    assert names == GOOD_NAMES

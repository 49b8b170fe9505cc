"""Certificates that arrive through the API, read and proved before they are kept.

Whoever sends them is no friend of the server's: the key is of a kind and a size that a handshake can bear, and it is
shown to be the certificate's by a signature, not by what it says of itself.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Final

from ..ports.certificates import BadPair, CertificateFacts
from .certificates import BadCertificate, make_pem_context

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from cryptography.x509 import Certificate

_RSA_BITS: Final = (2048, 4096)  # a longer one takes tens of milliseconds a handshake
_CURVES: Final = ("secp256r1", "secp384r1", "secp521r1")
_TRIAL: Final = b"coatcheck: the key of this certificate"
_NO_KEY: Final = "PrivateKey is no private key in PEM, or is encrypted with a password."


class PemCertificateReader:
    """See `ports.certificates.CertificateReader`."""

    async def read(self, chain: str, key: str) -> CertificateFacts:
        return await asyncio.to_thread(_read, chain, key)


def _read(chain: str, key: str) -> CertificateFacts:
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA1

    certificate, private_key = _read_certificate(chain), _read_key(key)
    _check_key(private_key)
    _check_signature(certificate, private_key)
    try:
        make_pem_context(chain, key, "1.2")
    except BadCertificate as error:
        raise BadPair(str(error)) from None
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = extension.value.get_values_for_type(x509.DNSName)
    except (x509.ExtensionNotFound, ValueError):
        names = []
    return CertificateFacts(
        tuple(name.lower() for name in names),
        certificate.fingerprint(SHA1()).hex(":").upper(),  # noqa: S303  shown, as OSS does; nothing rests on it
        int(certificate.not_valid_before_utc.timestamp()),
        int(certificate.not_valid_after_utc.timestamp()),
    )


def _read_certificate(chain: str) -> Certificate:
    """The first one. Raises: BadPair."""
    from cryptography import x509

    if "PRIVATE KEY" in chain:  # which would be kept as it is
        raise BadPair("Certificate holds a private key: give that as PrivateKey alone.")
    try:
        certificates = x509.load_pem_x509_certificates(chain.encode("ascii"))
        return certificates[0]
    except ValueError:  # also for text that isn't ASCII
        raise BadPair("Certificate is no certificate in PEM.") from None


def _read_key(pem: str) -> PrivateKeyTypes:
    """Raises: BadPair."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        # To prove the primes of an RSA key takes a third of a second, and holds up every other request.
        return load_pem_private_key(pem.encode("ascii"), password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadPair(_NO_KEY) from None


def _check_key(key: PrivateKeyTypes) -> None:
    """Raises: BadPair."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    least, most = _RSA_BITS
    if isinstance(key, RSAPrivateKey) and least <= key.key_size <= most:
        return
    if isinstance(key, EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return
    raise BadPair(f"PrivateKey must be of RSA, {least} to {most} bits, or of the curves P-256, P-384 and P-521.")


def _check_signature(certificate: Certificate, key: PrivateKeyTypes) -> None:
    """Raises: BadPair."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        public = certificate.public_key()
        if isinstance(key, RSAPrivateKey) and isinstance(public, RSAPublicKey):
            public.verify(key.sign(_TRIAL, PKCS1v15(), SHA256()), _TRIAL, PKCS1v15(), SHA256())
            return
        if isinstance(key, EllipticCurvePrivateKey) and isinstance(public, EllipticCurvePublicKey):
            public.verify(key.sign(_TRIAL, ECDSA(SHA256())), _TRIAL, ECDSA(SHA256()))
            return
    except (InvalidSignature, ValueError, ssl.SSLError):
        pass
    raise BadPair("PrivateKey is not the key of Certificate.")

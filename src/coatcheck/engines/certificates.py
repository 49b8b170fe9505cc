"""A certificate for the server's own names, from a certificate authority of its own. Kept in the data directory:

tls/ca.pem        the authority's certificate: what clients are told to trust; ten years, then the same key's next one
tls/server.pem    the server's certificate and the authority's; ninety days, made anew a month before its end
tls/server.key    its key, mode 0600
tls/own-domains   own domains that it is also for, one a line; written by the workers, who know the catalog

The authority's key is the secret "tls", see `ports.secrets`: whoever holds it can pose as any server to those who trust
ca.pem. The others are files because others read them: OpenSSL the server's pair, clients the authority's certificate.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from ..linux import file_in_memory
from ..ports.secrets import TLS, Secrets, WrongKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate, GeneralName, KeyUsage, Name

_CA_LIFE: Final = timedelta(days=3650)
_SERVER_LIFE: Final = timedelta(days=90)
_RENEWED_BEFORE: Final = timedelta(days=30)
_CLOCKS_DIFFER: Final = timedelta(hours=1)


class BadCertificate(Exception):
    """The certificate or its key can't be used; the message says why."""


class TlsFiles(Struct, frozen=True):
    """Where the authority's certificate and the server's pair are."""

    ca: Path
    cert: Path
    key: Path


def tls_files(data: Path) -> TlsFiles:
    folder = data / "tls"
    return TlsFiles(folder / "ca.pem", folder / "server.pem", folder / "server.key")


def own_domains_file(data: Path) -> Path:
    return data / "tls" / "own-domains"


def read_own_domains(data: Path) -> list[str]:
    try:
        return own_domains_file(data).read_text("ascii").split()
    except OSError:
        return []


def keep_own_domains(data: Path, names: Sequence[str]) -> None:
    """Write the list, if it is another one than is there."""
    if list(names) != read_own_domains(data):
        own_domains_file(data).parent.mkdir(mode=0o700, exist_ok=True)
        _write(own_domains_file(data), "".join(f"{name}\n" for name in names).encode("ascii"))


def check_pair(cert: Path, key: Path) -> None:
    """Whether a server could be started with this pair now. Raises: BadCertificate."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password="")
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise BadCertificate(
            f"{cert} and {key} are no certificate and its key: {reason}. Give a chain and its key, both PEM."
        ) from None


def make_tls_context(cert: Path, key: Path, oldest: str) -> ssl.SSLContext:
    """The server's side of TLS with this pair, HTTP/1.1 inside.

    Args:
        oldest: version of TLS, "1.2" or "1.3".
    Raises: BadCertificate.
    """
    check_pair(cert, key)
    context = _make_context(oldest)
    context.load_cert_chain(cert, key, password="")
    return context


def make_pem_context(chain: str, key: str, oldest: str) -> ssl.SSLContext:
    """The same with a pair that lies in no file. Raises: BadCertificate."""
    context = _make_context(oldest)
    with file_in_memory(f"{key}\n{chain}\n".encode("ascii")) as path:
        try:
            context.load_cert_chain(path, password="")
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or "it can't be read"
            raise BadCertificate(f"This is no certificate and its key: {reason}.") from None
    return context


def _make_context(oldest: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3 if oldest == "1.3" else ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    # By its own order OpenSSL has AES-256 before AES-128, and Python can't order the suites of TLS 1.3. All of them are
    # good; browsers put AES-128 first, and phones that have no AES in hardware ChaCha20.
    context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    return context


def ensure_certificate(
    data: Path, secrets: Secrets, names: Iterable[str], now: datetime, *, new_authority: bool = True
) -> bool:
    """Make what is missing, has other names, will soon end, or begins only in the future (the clock has gone back).

    Args:
        secrets: where the authority's key is kept.
        names: host names, also wildcards, and IP addresses.
        new_authority: an authority may be made where there is none.
    Returns: True if the server's pair is a new one.
    Raises: BadCertificate.
    """
    files, where, wanted = tls_files(data), secrets.place(TLS).where, set(names)
    files.ca.parent.mkdir(mode=0o700, exist_ok=True)
    pem = _find_authority_key(secrets)
    if pem is None or not files.ca.exists():
        if not new_authority:
            raise BadCertificate(f"{where if pem is None else files.ca} is missing. Restore it from a backup.")
        ca_key = _new_key()
        ca = _make_authority(ca_key, _authority_name(), now)
        secrets.replace(TLS, _pem_of_key(ca_key))
        _write(files.ca, _pem(ca))
    else:
        ca_key, ca = _read_key(pem, where), _read_certificate(files.ca)
        if ca.public_key() != ca_key.public_key():
            raise BadCertificate(f"{files.ca} is not the certificate of {where}. Restore both from a backup.")
        if not _is_timely(files.ca, now):
            ca = _make_authority(ca_key, ca.subject, now)
            _write(files.ca, _pem(ca))
        elif files.key.exists() and _is_timely(files.cert, now) and _is_for(files.cert, files.ca, wanted):
            return False
    key, certificate = _make_certificate(ca_key, ca, sorted(wanted), now)
    _write(files.key, _pem_of_key(key))
    _write(files.cert, _pem(certificate) + _pem(ca))
    return True


def _find_authority_key(secrets: Secrets) -> bytes | None:
    """Raises: BadCertificate, if it can't be read."""
    try:
        return secrets.find(TLS)
    except WrongKey as error:
        raise BadCertificate(str(error)) from None


def _is_timely(path: Path, now: datetime) -> bool:
    """Whether the certificate is there, has begun, and doesn't end soon."""
    if not path.exists():
        return False
    certificate = _read_certificate(path)
    return certificate.not_valid_before_utc <= now and certificate.not_valid_after_utc - now >= _RENEWED_BEFORE


def _is_for(cert: Path, ca: Path, wanted: Collection[str]) -> bool:
    """Whether the certificate has exactly these names and is the authority's."""
    from cryptography import x509

    certificate = _read_certificate(cert)
    if certificate.issuer != _read_certificate(ca).subject:
        return False
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    held = {*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))}
    return held == wanted


def _authority_name() -> Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    number = x509.random_serial_number() % 10**8
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"coatcheck local authority {number:08d}")])


def _make_authority(key: EllipticCurvePrivateKey, name: Name, now: datetime) -> Certificate:
    """With key and name of the one before, what clients trust stays good for what is issued from now on."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(now + _CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return builder.sign(key, hashes.SHA256())


def _make_certificate(
    ca_key: EllipticCurvePrivateKey, ca: Certificate, names: list[str], now: datetime
) -> tuple[EllipticCurvePrivateKey, Certificate]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = _new_key()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "coatcheck")])
    builder = (
        x509.CertificateBuilder(ca.subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(min(now + _SERVER_LIFE, ca.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(map(_general_name, names)), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
    )
    return key, builder.sign(ca_key, hashes.SHA256())


def _general_name(name: str) -> GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_usage(*, signs_certificates: bool) -> KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _new_key() -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _pem(certificate: Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)


def _pem_of_key(key: EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _read_certificate(path: Path) -> Certificate:
    """The first certificate of a file. Raises: BadCertificate."""
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError:
        raise BadCertificate(f"{path} is no certificate; remove it to have a new one made.") from None


def _read_key(pem: bytes, where: str) -> EllipticCurvePrivateKey:
    """The authority's. Raises: BadCertificate."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, EllipticCurvePrivateKey):
        raise BadCertificate(f"{where} is no key of ours, or cut short. Restore it from a backup.")
    return key


def _write(path: Path, content: bytes) -> None:
    """Put the file in place whole, for nobody else's eyes."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)

"""The server's own certificate: for its names, trusted by who trusts the authority, renewed in time."""

from __future__ import annotations

import shutil
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from coatcheck.engines.certificates import (
    BadCertificate,
    TlsFiles,
    check_pair,
    ensure_certificate,
    keep_own_domains,
    own_domains_file,
    read_own_domains,
    tls_files,
)
from coatcheck.engines.secret_files import FileSecrets

NAMES = ["localhost", "*.oss-cn-hangzhou.localhost", "127.0.0.1", "::1"]
NOW = datetime.now(UTC)


@pytest.fixture
def files(tmp_path: Path) -> TlsFiles:
    assert ensure_certificate(tmp_path, FileSecrets(tmp_path), NAMES, NOW)
    return tls_files(tmp_path)


def shake_hands(files: TlsFiles, name: str) -> str | None:
    """The TLS version that a client who trusts the authority agrees on with the server, in memory."""
    client_context = ssl.create_default_context(cafile=str(files.ca))
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(files.cert, files.key)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return client.version()


@pytest.mark.parametrize("name", ["localhost", "photos.oss-cn-hangzhou.localhost", "127.0.0.1", "::1"])
def test_who_trusts_the_authority_trusts_every_name(files: TlsFiles, name: str) -> None:
    assert shake_hands(files, name) == "TLSv1.3"


@pytest.mark.parametrize("name", ["example.com", "a.b.oss-cn-hangzhou.localhost", "127.0.0.2"])
def test_other_names_are_not_trusted(files: TlsFiles, name: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(files, name)


def test_keys_are_for_the_owners_eyes(files: TlsFiles) -> None:
    assert files.ca.parent.stat().st_mode & 0o777 == 0o700
    for path in (files.key, files.ca.with_name("ca.key")):
        assert path.stat().st_mode & 0o777 == 0o600


def test_nothing_is_made_twice(files: TlsFiles, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in files.ca.parent.iterdir()}
    assert not ensure_certificate(tmp_path, FileSecrets(tmp_path), reversed(NAMES), NOW)
    assert {path: path.read_bytes() for path in files.ca.parent.iterdir()} == before


def test_new_names_take_a_new_certificate_of_the_same_authority(files: TlsFiles, tmp_path: Path) -> None:
    authority = files.ca.read_bytes()
    assert ensure_certificate(tmp_path, FileSecrets(tmp_path), [*NAMES, "files.example.com"], NOW)
    assert files.ca.read_bytes() == authority
    assert shake_hands(files, "files.example.com") == "TLSv1.3"


@pytest.mark.parametrize(("later", "made"), [(59, False), (61, True)])
def test_certificate_is_made_anew_a_month_before_its_end(
    files: TlsFiles, tmp_path: Path, later: int, made: bool
) -> None:
    authority = files.ca.read_bytes()
    assert ensure_certificate(tmp_path, FileSecrets(tmp_path), NAMES, NOW + timedelta(days=later)) is made
    assert files.ca.read_bytes() == authority
    check_pair(files.cert, files.key)


def test_authority_that_was_lost_is_made_anew_only_where_nobody_trusts_it(files: TlsFiles, tmp_path: Path) -> None:
    authority = files.ca.read_bytes()
    for lost in ("ca.key", "ca.pem"):
        kept = (tmp_path / "tls" / lost).read_bytes()
        (tmp_path / "tls" / lost).unlink()
        with pytest.raises(BadCertificate, match=f"{lost} is missing"):
            ensure_certificate(tmp_path, FileSecrets(tmp_path), NAMES, NOW, new_authority=False)
        assert not (tmp_path / "tls" / lost).exists()
        (tmp_path / "tls" / lost).write_bytes(kept)
    files.ca.with_name("ca.key").unlink()
    assert ensure_certificate(tmp_path, FileSecrets(tmp_path), NAMES, NOW)
    assert files.ca.read_bytes() != authority
    assert shake_hands(files, "localhost") == "TLSv1.3"


@pytest.mark.parametrize("moved", [timedelta(days=3640), timedelta(days=-365)], ids=["it ends", "the clock goes back"])
def test_authority_that_is_not_timely_goes_on_under_its_key(files: TlsFiles, tmp_path: Path, moved: timedelta) -> None:
    """Who trusts the authority's key and name still does, and everything is good at that time."""
    key, before = files.ca.with_name("ca.key").read_bytes(), read(files.ca)
    assert ensure_certificate(tmp_path, FileSecrets(tmp_path), NAMES, NOW + moved, new_authority=False)
    after = read(files.ca)
    assert files.ca.with_name("ca.key").read_bytes() == key
    assert (after.subject, after.public_key()) == (before.subject, before.public_key())
    for certificate in (after, read(files.cert)):
        assert certificate.not_valid_before_utc <= NOW + moved < certificate.not_valid_after_utc
    assert not ensure_certificate(tmp_path, FileSecrets(tmp_path), NAMES, NOW + moved, new_authority=False)


def test_certificate_of_a_clock_that_was_ahead_is_made_anew(files: TlsFiles, tmp_path: Path) -> None:
    ahead = NOW + timedelta(days=365)
    assert ensure_certificate(tmp_path, FileSecrets(tmp_path), NAMES, ahead)
    assert ensure_certificate(tmp_path, FileSecrets(tmp_path), NAMES, NOW)
    assert read(files.cert).not_valid_before_utc <= NOW
    assert shake_hands(files, "localhost") == "TLSv1.3"


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_authority_of_another_key_is_told(files: TlsFiles, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    ensure_certificate(other, FileSecrets(other), NAMES, NOW)
    shutil.copy(other / "tls" / "ca.pem", files.ca)
    with pytest.raises(BadCertificate, match="is not the certificate of"):
        ensure_certificate(tmp_path, FileSecrets(tmp_path), NAMES, NOW)


def test_pair_that_is_none_is_told(files: TlsFiles, tmp_path: Path) -> None:
    check_pair(files.cert, files.key)
    shutil.copy(files.ca.with_name("ca.key"), tmp_path / "other.key")
    (tmp_path / "rubbish").write_text("rubbish")
    for cert, key in (
        (files.cert, tmp_path / "other.key"),
        (tmp_path / "rubbish", files.key),
        (files.cert, tmp_path / "rubbish"),
        (tmp_path / "nowhere", files.key),
    ):
        with pytest.raises(BadCertificate, match="are no certificate and its key"):
            check_pair(cert, key)
    files.cert.write_text("rubbish")
    with pytest.raises(BadCertificate, match="is no certificate; remove it"):
        ensure_certificate(tmp_path, FileSecrets(tmp_path), NAMES, NOW)


def test_own_domains_are_handed_over_in_a_file(tmp_path: Path) -> None:
    assert read_own_domains(tmp_path) == []
    keep_own_domains(tmp_path, [])
    assert not own_domains_file(tmp_path).exists()
    keep_own_domains(tmp_path, ["a.example.com", "b.example.com"])
    assert read_own_domains(tmp_path) == ["a.example.com", "b.example.com"]
    written = own_domains_file(tmp_path).stat().st_ino
    keep_own_domains(tmp_path, ["a.example.com", "b.example.com"])
    assert own_domains_file(tmp_path).stat().st_ino == written

"""Own domains, by SQL. A certificate is an entry of its bucket, under the domain's name, and its key lies sealed."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Sequence
from typing import Final

from msgspec.structs import asdict

from ...core.limits import DOMAIN_TOKEN_LIFE_S
from ...ports.catalog import AlreadyThere, Gone, TooMany
from ...ports.domains import CertificateChange, DomainCertificate, DomainToken, OtherCertificate, OwnDomain
from .contract import SqlConnection, SqlReader, SqlWriter
from .seal import Seal, WrongSecretKey

_KIND: Final = "certificate"
CERTIFICATE: Final = (
    "SELECT document FROM domain JOIN bucket_entry ON bucket_entry.bucket_id = domain.bucket_id"
    " AND kind = 'certificate' AND bucket_entry.name = domain.name WHERE domain.name = ?"
)

log: Final = logging.getLogger("coatcheck")


class SqlDomains:
    """What of `ports.domains` is the same for every engine that speaks SQL: all but what is remembered."""

    def __init__(self, reader: SqlReader, writer: SqlWriter, seal: Seal) -> None:
        self._rows = reader
        self._writer = writer
        self._seal = seal

    async def list_domains(self, bucket_id: int | None = None) -> Sequence[OwnDomain]:
        rows = await self._rows.find_all(
            "SELECT domain.name, bucket.name, bound_at FROM domain JOIN bucket ON bucket.id = bucket_id"
            " WHERE bucket_id = coalesce(?1, bucket_id) ORDER BY domain.name",
            (bucket_id,),
        )
        return [OwnDomain(*row) for row in rows]

    async def bind_domain(
        self, name: str, bucket_id: int, *, now: int, most: int, change: CertificateChange | None = None
    ) -> None:
        given = change.certificate if change is not None else None
        document = None if given is None else _write_certificate(given, name, self._seal)

        def bind(connection: SqlConnection) -> None:
            _bind(connection, name, bucket_id, now, most)
            if change is not None:
                _change_certificate(connection, name, bucket_id, document, change.replaces)

        await self._writer.run(bind)

    async def unbind_domain(self, name: str, bucket_id: int) -> None:
        await self._writer.run(lambda connection: _unbind(connection, name, bucket_id))

    async def keep_token(self, bucket_id: int, token: DomainToken, *, now: int, most: int) -> DomainToken:
        return await self._writer.run(lambda connection: _keep_token(connection, bucket_id, token, now, most))

    async def find_token(self, bucket_id: int, domain: str, *, now: int) -> DomainToken | None:
        row = await self._rows.find(
            "SELECT domain, token, expires_at FROM domain_token WHERE bucket_id = ? AND domain = ?", (bucket_id, domain)
        )
        token = None if row is None else DomainToken(*row)
        return token if token is not None and token.is_good(now) else None


def _bind(connection: SqlConnection, name: str, bucket_id: int, now: int, most: int) -> None:
    _check_bucket(connection, bucket_id)
    bound = connection.execute("SELECT bucket_id FROM domain WHERE name = ?", (name,)).fetchone()
    if bound is not None:
        if bound[0] != bucket_id:
            raise AlreadyThere(name)
        return
    if connection.execute("SELECT count(*) FROM domain WHERE bucket_id = ?", (bucket_id,)).fetchone()[0] >= most:
        raise TooMany(f"bucket {bucket_id}")
    connection.execute("INSERT INTO domain (name, bucket_id, bound_at) VALUES (?, ?, ?)", (name, bucket_id, now))


def _unbind(connection: SqlConnection, name: str, bucket_id: int) -> None:
    if connection.execute("DELETE FROM domain WHERE name = ? AND bucket_id = ?", (name, bucket_id)).rowcount == 0:
        raise Gone(name)
    _drop_certificate(connection, name, bucket_id)


def _change_certificate(
    connection: SqlConnection, name: str, bucket_id: int, document: str | None, replaces: str | None
) -> None:
    if replaces is not None:
        row = connection.execute(CERTIFICATE, (name,)).fetchone()
        held = "" if row is None else json.loads(row[0])["cert_id"]
        if held != replaces:
            raise OtherCertificate(held)
    _drop_certificate(connection, name, bucket_id)
    if document is not None:
        connection.execute(
            "INSERT INTO bucket_entry (bucket_id, kind, name, document) VALUES (?, ?, ?, ?)",
            (bucket_id, _KIND, name, document),
        )
    connection.execute("UPDATE generation SET number = number + 1")


def _drop_certificate(connection: SqlConnection, name: str, bucket_id: int) -> None:
    connection.execute(
        "DELETE FROM bucket_entry WHERE bucket_id = ? AND kind = ? AND name = ?", (bucket_id, _KIND, name)
    )


def _write_certificate(certificate: DomainCertificate, name: str, seal: Seal) -> str:
    sealed = base64.b64encode(seal.close(certificate.key, _sealed_for(name))).decode("ascii")
    return json.dumps({**asdict(certificate), "key": sealed})


def read_certificate(document: str, name: str, seal: Seal) -> DomainCertificate | None:
    """None, and a line in the log, where another secret key has sealed it: it is of no use, and can be given anew."""
    facts = json.loads(document)
    try:
        facts["key"] = seal.open(base64.b64decode(facts["key"]), _sealed_for(name))
    except WrongSecretKey:
        log.error("the certificate of %s was kept under another secret key: give it anew with PutCname", name)
        return None
    return DomainCertificate(**facts)


def _sealed_for(name: str) -> str:
    return f"certificate {name}"


def _keep_token(connection: SqlConnection, bucket_id: int, token: DomainToken, now: int, most: int) -> DomainToken:
    _check_bucket(connection, bucket_id)
    rows = connection.execute("SELECT domain, token, expires_at FROM domain_token WHERE bucket_id = ?", (bucket_id,))
    good = [kept for kept in (DomainToken(*row) for row in rows) if kept.is_good(now)]
    for kept in good:
        if kept.domain == token.domain:
            return kept
    if len(good) >= most:
        raise TooMany(f"bucket {bucket_id}")
    connection.execute("DELETE FROM domain_token WHERE NOT (expires_at BETWEEN ? AND ?)", _good_ends(now))
    connection.execute(
        "INSERT INTO domain_token (bucket_id, domain, token, expires_at) VALUES (?, ?, ?, ?)",
        (bucket_id, token.domain, token.token, token.expires_at),
    )
    return token


def _good_ends(now: int) -> tuple[int, int]:
    """Between which a token that is good ends."""
    return now + 1, now + DOMAIN_TOKEN_LIFE_S


def _check_bucket(connection: SqlConnection, bucket_id: int) -> None:
    if connection.execute("SELECT 1 FROM bucket WHERE id = ?", (bucket_id,)).fetchone() is None:
        raise Gone(f"bucket {bucket_id}")

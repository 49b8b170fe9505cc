"""What a process remembers of the database: buckets, keys, roles and own domains, as long as nobody changed any.

Whoever asks has just read the numbers of `generation`, on its own or beside an object, so nothing that was
changed before is believed. What is missing is loaded, and the numbers are read again behind it: if they have moved, all
begins anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from ...core.access_point_names import read_alias
from ...core.system_policies import SYSTEM_POLICIES
from ...ports.access_point import KIND as ACCESS_POINT
from ...ports.access_point import AccessPoint, read_access_point
from ...ports.bucket import Bucket
from ...ports.catalog import Away
from ...ports.domains import DomainCertificate
from ...ports.keyring import AccessKey, Principal, Role
from ..sql import buckets, entries, keyring
from ..sql.domains import read_certificate
from ..sql.seal import Seal
from .connection import Reader
from .seen import Seen

T = TypeVar("T")
Domains = dict[str, tuple[str, str | None]]  # by its name: the bucket, and what is kept of a certificate

NUMBERS: Final = "SELECT number, links FROM generation"
DOMAINS: Final = (
    "SELECT domain.name, bucket.name, document FROM domain JOIN bucket ON bucket.id = domain.bucket_id"
    " LEFT JOIN bucket_entry ON bucket_entry.bucket_id = bucket.id AND kind = 'certificate'"
    " AND bucket_entry.name = domain.name"
)
_BUCKET_ID_MAX: Final = 2**63 - 1
_REMEMBERED_MAX: Final = 65_536  # of each kind
_TRIES: Final = 5


class Known:
    """Used on the event loop alone, but for `begin`."""

    def __init__(self, reader: Reader, seal: Seal, seen: Seen) -> None:
        self.reader = reader
        self._seal = seal
        self._seen = seen
        self._number = -1
        self._buckets: dict[str, Bucket] = {}
        self._keys: dict[str, AccessKey] = {}
        self._roles: dict[str, Role] = {}
        self._domains: Domains | None = None  # until the number moves
        self._last_domains: Domains = {}
        self._certificates: dict[str, DomainCertificate | None] = {}

    def begin(self, numbers: tuple[int, int], domains: list[Any]) -> None:
        """What a process that opens the database has read."""
        self.note(*numbers)
        self._keep_domains(_by_name(domains))

    @property
    def number(self) -> int:
        """As of which all that is remembered is true. It may move with every `await`."""
        return self._number

    def note(self, number: int, links: int) -> None:
        """The numbers as they were just read."""
        self._seen.note(number, links)
        if number != self._number:
            self._number = number
            for remembered in (self._buckets, self._keys, self._roles):
                remembered.clear()
            self._domains = None

    async def look(self) -> int:
        """Read the numbers, and return that of what is remembered. Raises: Away."""
        numbers = (await self.reader.ask(NUMBERS))[0]
        self.note(*numbers)
        return int(numbers[0])

    async def find(self, load: Callable[[], Awaitable[T]]) -> T:
        """What `load` makes of what is remembered, all of one moment. Raises: Away."""
        number = await self.look()
        for _ in range(_TRIES):
            found = await load()
            before, number = number, await self.look()
            if before == number:
                return found
        raise Away("Keys and buckets change faster than they can be read.")

    # --- each of these believes what is remembered, and loads what isn't ---

    async def bucket(self, name: str) -> Bucket | None:
        bucket, number = self._buckets.get(name), self._number
        if bucket is None:
            row = await self.reader.find(f"{buckets.BUCKET} WHERE name = ?", (name,))
            if row is not None:
                settings = await self.reader.find_all(buckets.CONFIGURATIONS, (row[0],))
                owner = await self.reader.find(buckets.OWNER, (row[2],))
                bucket = buckets.read_bucket(row, [(name, document) for name, document in settings], owner)
                self._keep(self._buckets, name, bucket, number)
        return bucket

    async def point(self, alias: str) -> tuple[Bucket, AccessPoint] | None:
        parts = read_alias(alias)
        if parts is None or parts.bucket_id > _BUCKET_ID_MAX:
            return None
        row = await self.reader.find(entries.ACCESS_POINT, (parts.bucket_id, ACCESS_POINT, parts.name))
        bucket = None if row is None else await self.bucket(row[0])
        if bucket is None:
            return None
        point = read_access_point(row[1])
        return (bucket, point) if (point.alias, point.bucket_id) == (alias, bucket.bucket_id) else None

    async def key(self, access_key_id: str) -> AccessKey | None:
        key, number = self._keys.get(access_key_id), self._number
        if key is None:
            row = await self.reader.find(f"{keyring.KEY} WHERE access_key_id = ?", (access_key_id,))
            if row is not None:
                key = await self.read_key(row)
                self._keep(self._keys, access_key_id, key, number)
        return key

    async def read_key(self, row: Any) -> AccessKey:
        access_key_id, sealed, account, enabled, last_used_at, account_enabled, user, name = row
        principal = None if user is None else Principal(user, name, await self.policies_of(user))
        secret = self._seal.open(sealed, access_key_id)
        return AccessKey(access_key_id, secret, account, bool(enabled), principal, not account_enabled, last_used_at)

    async def role(self, uid: str) -> Role | None:
        role, number = self._roles.get(uid), self._number
        if role is None:
            row = await self.reader.find(f"{keyring.ROLE} WHERE r.uid = ?", (uid,))
            if row is not None:
                role = await self.read_role(row)
                self._keep(self._roles, uid, role, number)
        return role

    async def read_role(self, row: Any) -> Role:
        uid, account, name, trust, session_max_s, enabled = row
        return Role(uid, account, name, trust, await self.policies_of(uid), session_max_s, not enabled)

    async def policies_of(self, holder: str) -> tuple[str, ...]:
        rows = await self.reader.find_all(keyring.POLICIES, (holder,))
        return tuple(document or SYSTEM_POLICIES[name] for name, document in rows)

    async def domain(self, name: str) -> str | None:
        domains, number = self._domains, self._number
        if domains is None:
            domains = _by_name(await self.reader.ask(DOMAINS))
            if number == self._number:
                self._keep_domains(domains)
        found = domains.get(name)
        return None if found is None else found[0]

    def certificate(self, name: str) -> DomainCertificate | None:
        """As it was when the domains were loaded last."""
        if name not in self._certificates:
            _, document = self._last_domains.get(name, ("", None))
            if document is None:
                return None
            self._certificates[name] = read_certificate(document, name, self._seal)
        return self._certificates[name]

    def _keep_domains(self, domains: Domains) -> None:
        if domains != self._last_domains:
            self._certificates.clear()
        self._domains = self._last_domains = domains

    def _keep(self, remembered: dict[str, T], name: str, value: T, number: int) -> None:
        """If it was loaded as of the number that counts still."""
        if number == self._number:
            if len(remembered) >= _REMEMBERED_MAX:
                remembered.clear()
            remembered[name] = value


def _by_name(rows: list[Any]) -> Domains:
    return {name: (bucket, document) for name, bucket, document in rows}

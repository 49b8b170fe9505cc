"""The keyring in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence

from ...clock import Clock
from ...ports.keyring import AccessKey, Holder, Principal, Role
from ..sql.contract import SqlWriter
from ..sql.keyring import HOLDER, KEY, PERSON, ROLE, ROOT_ACCOUNT, SqlKeyring
from ..sql.seal import Seal
from .known import Known


class PostgresKeyring(SqlKeyring):
    """See `ports.keyring`."""

    def __init__(self, known: Known, writer: SqlWriter, seal: Seal, clock: Clock) -> None:
        super().__init__(writer, seal, clock)
        self._known = known

    async def find_key(self, access_key_id: str) -> AccessKey | None:
        return self.held(access_key_id) or await self._known.find(lambda: self._known.key(access_key_id))

    async def find_role(self, account: str, name: str) -> Role | None:
        row = await self._known.reader.find(f"{ROLE} WHERE r.account = ? AND r.name = ?", (account, name))
        return None if row is None else await self._known.read_role(row)

    async def find_role_by_uid(self, uid: str) -> Role | None:
        return await self._known.find(lambda: self._known.role(uid))

    async def knows(self, uid: str) -> bool:
        return await self._known.reader.find(PERSON, (uid, uid)) is not None

    async def find_holder(self, account: str, user: str = "") -> Holder | None:
        row = await self._known.reader.find(HOLDER, (user, account))
        if row is None or (user and row[1] is None):
            return None
        enabled, uid, name = row
        return Holder(Principal(uid, name, await self._known.policies_of(uid)) if user else None, not enabled)

    async def root_account(self) -> str:
        return str((await self._known.reader.find(ROOT_ACCOUNT))[0])

    async def list_keys(self) -> Sequence[AccessKey]:
        rows = await self._known.reader.find_all(f"{KEY} ORDER BY access_key_id")
        return [await self._known.read_key(row) for row in rows]

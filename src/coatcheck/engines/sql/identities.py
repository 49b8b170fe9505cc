"""Accounts, users, roles and policies, by SQL. Every change moves the generation, so that every process looks again."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, Final

from ...clock import Clock
from ...core.system_policies import SYSTEM_POLICIES
from ...ports.catalog import AlreadyThere, Gone, NotEmpty
from ...ports.identities import Account, StoredPolicy, User
from ...ports.keyring import Role
from ..replacing import check_known
from .contract import SqlConnection, SqlReader, SqlWriter

_SYSTEM: Final = {name.lower(): name for name in SYSTEM_POLICIES}


class SqlIdentities:
    """See `ports.identities`."""

    def __init__(self, reader: SqlReader, writer: SqlWriter, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock
        self._writer = writer

    async def list_accounts(self) -> Sequence[Account]:
        rows = await self._reader.find_all(
            "SELECT uid, name, root, enabled, created_at FROM account ORDER BY root DESC, name, uid"
        )
        return [Account(uid, name, bool(root), bool(enabled), made) for uid, name, root, enabled, made in rows]

    async def add_account(self, account: Account) -> None:
        await self._writer.run(lambda connection: _add_account(connection, account))

    async def set_account_enabled(self, uid: str, enabled: bool) -> None:
        await self._writer.run(lambda connection: _set_account_enabled(connection, uid, enabled))

    async def remove_account(self, uid: str) -> None:
        await self._writer.run(lambda connection: _remove_account(connection, uid))

    async def list_users(self, account: str) -> Sequence[User]:
        rows = await self._reader.find_all(
            "SELECT uid, account, name, created_at FROM user WHERE account = ? ORDER BY name", (account,)
        )
        return [User(uid, owner, name, made, await self._policies_of(uid)) for uid, owner, name, made in rows]

    async def add_user(self, user: User) -> None:
        await self._writer.run(lambda connection: _add_user(connection, user))

    async def remove_user(self, account: str, name: str) -> None:
        await self._writer.run(lambda connection: _remove_user(connection, account, name))

    async def list_roles(self, account: str) -> Sequence[tuple[Role, tuple[str, ...]]]:
        rows = await self._reader.find_all(
            "SELECT uid, account, name, trust, session_max_s FROM role WHERE account = ? ORDER BY name", (account,)
        )
        return [
            (Role(uid, owner, name, trust, (), session_max_s), await self._policies_of(uid))
            for uid, owner, name, trust, session_max_s in rows
        ]

    async def put_role(self, role: Role, *, replace: bool) -> None:
        now = int(self._clock())
        await self._writer.run(lambda connection: _put_role(connection, role, replace, now))

    async def remove_role(self, account: str, name: str) -> None:
        await self._writer.run(lambda connection: _remove_role(connection, account, name))

    async def list_policies(self, account: str) -> Sequence[StoredPolicy]:
        rows = await self._reader.find_all(
            "SELECT account, name, document, changed_at FROM policy WHERE account = ? ORDER BY name", (account,)
        )
        return [StoredPolicy(*row) for row in rows]

    async def put_policy(self, policy: StoredPolicy, *, replace: bool) -> None:
        await self._writer.run(lambda connection: _put_policy(connection, policy, replace))

    async def remove_policy(self, account: str, name: str) -> None:
        await self._writer.run(lambda connection: _remove_policy(connection, account, name))

    async def attach(self, account: str, policy: str, *, user: str = "", role: str = "") -> None:
        await self._writer.run(lambda connection: _attach(connection, account, policy, user, role))

    async def detach(self, account: str, policy: str, *, user: str = "", role: str = "") -> None:
        await self._writer.run(lambda connection: _detach(connection, account, policy, user, role))

    async def _policies_of(self, holder: str) -> tuple[str, ...]:
        rows = await self._reader.find_all("SELECT policy FROM attachment WHERE holder = ? ORDER BY policy", (holder,))
        return tuple(row[0] for row in rows)


# --- mutations, run by the writer: each checks before it writes ------------------------------------------------------


def _is_there(connection: SqlConnection, sql: str, *arguments: Any) -> bool:
    return connection.execute(sql, arguments).fetchone() is not None


def _check_account(connection: SqlConnection, uid: str) -> None:
    if not _is_there(connection, "SELECT 1 FROM account WHERE uid = ?", uid):
        raise Gone(f"account {uid}")


def _add_account(connection: SqlConnection, account: Account) -> None:
    if _is_there(connection, "SELECT 1 FROM account WHERE uid = ?", account.uid):
        raise AlreadyThere(f"account {account.uid}")
    if _is_there(connection, "SELECT 1 FROM account WHERE name = ?", account.name):
        raise AlreadyThere(f"account {account.name}")
    connection.execute(
        "INSERT INTO account (uid, name, root, enabled, created_at) VALUES (?, ?, 0, ?, ?)",
        (account.uid, account.name, int(account.enabled), account.created_at),
    )


def _set_account_enabled(connection: SqlConnection, uid: str, enabled: bool) -> None:
    _check_account(connection, uid)
    connection.execute("UPDATE account SET enabled = ? WHERE uid = ?", (int(enabled), uid))


def _remove_account(connection: SqlConnection, uid: str) -> None:
    _check_account(connection, uid)
    if _is_there(connection, "SELECT 1 FROM bucket WHERE owner = ? LIMIT 1", uid):
        raise NotEmpty(f"account {uid}")
    for holder in _holders(connection, uid):
        connection.execute("DELETE FROM attachment WHERE holder = ?", (holder,))
    for table in ("access_key", "user", "role", "policy"):
        connection.execute(f"DELETE FROM {table} WHERE account = ?", (uid,))  # noqa: S608 (names of our own)
    connection.execute("DELETE FROM account WHERE uid = ?", (uid,))


def _holders(connection: SqlConnection, account: str) -> list[str]:
    """The uids of all users and roles."""
    rows = connection.execute(
        "SELECT uid FROM user WHERE account = ? UNION ALL SELECT uid FROM role WHERE account = ?", (account, account)
    )
    return [row[0] for row in rows]


def _holder(connection: SqlConnection, account: str, user: str, role: str) -> str:
    """The uid of a user or a role. Raises: Gone."""
    if user:
        sql, name = "SELECT uid FROM user WHERE account = ? AND name = ?", user
    else:
        sql, name = "SELECT uid FROM role WHERE account = ? AND name = ?", role
    row = connection.execute(sql, (account, name)).fetchone()
    if row is None:
        raise Gone(f"user {user}" if user else f"role {role}")
    return str(row[0])


def _add_user(connection: SqlConnection, user: User) -> None:
    _check_account(connection, user.account)
    if _is_there(connection, "SELECT 1 FROM user WHERE account = ? AND name = ?", user.account, user.name):
        raise AlreadyThere(f"user {user.name}")
    connection.execute(
        "INSERT INTO user (uid, account, name, created_at) VALUES (?, ?, ?, ?)",
        (user.uid, user.account, user.name, user.created_at),
    )


def _remove_user(connection: SqlConnection, account: str, name: str) -> None:
    uid = _holder(connection, account, name, "")
    connection.execute("DELETE FROM access_key WHERE user = ?", (uid,))
    connection.execute("DELETE FROM attachment WHERE holder = ?", (uid,))
    connection.execute("DELETE FROM user WHERE uid = ?", (uid,))


def _put_role(connection: SqlConnection, role: Role, replace: bool, now: int) -> None:
    _check_account(connection, role.account)
    place = (role.account, role.name)
    known = _is_there(connection, "SELECT 1 FROM role WHERE account = ? AND name = ?", *place)
    check_known(known, replace, f"role {role.name}")
    if known:
        connection.execute(
            "UPDATE role SET trust = ?, session_max_s = ? WHERE account = ? AND name = ?",
            (role.trust, role.session_max_s, *place),
        )
        return
    connection.execute(
        "INSERT INTO role (uid, account, name, trust, session_max_s, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        (role.uid, role.account, role.name, role.trust, role.session_max_s, now),
    )


def _remove_role(connection: SqlConnection, account: str, name: str) -> None:
    uid = _holder(connection, account, "", name)
    connection.execute("DELETE FROM attachment WHERE holder = ?", (uid,))
    connection.execute("DELETE FROM role WHERE uid = ?", (uid,))


def _put_policy(connection: SqlConnection, policy: StoredPolicy, replace: bool) -> None:
    _check_account(connection, policy.account)
    place = (policy.account, policy.name)
    known = _is_there(connection, "SELECT 1 FROM policy WHERE account = ? AND name = ?", *place)
    if policy.name.lower() in _SYSTEM:
        raise AlreadyThere(f"policy {policy.name}")
    check_known(known, replace, f"policy {policy.name}")
    if known:
        connection.execute(
            "UPDATE policy SET document = ?, changed_at = ? WHERE account = ? AND name = ?",
            (policy.document, policy.changed_at, *place),
        )
        return
    connection.execute(
        "INSERT INTO policy (account, name, document, created_at, changed_at) VALUES (?, ?, ?, ?, ?)",
        (*place, policy.document, policy.changed_at, policy.changed_at),
    )


def _remove_policy(connection: SqlConnection, account: str, name: str) -> None:
    if not _is_there(connection, "SELECT 1 FROM policy WHERE account = ? AND name = ?", account, name):
        raise Gone(f"policy {name}")
    if _is_there(connection, "SELECT 1 FROM attachment WHERE account = ? AND policy = ? LIMIT 1", account, name):
        raise NotEmpty(f"policy {name}")
    connection.execute("DELETE FROM policy WHERE account = ? AND name = ?", (account, name))


def _policy_place(connection: SqlConnection, account: str, policy: str) -> tuple[str, str]:
    """Account and name of a policy that can be attached. Raises: Gone."""
    row = connection.execute("SELECT name FROM policy WHERE account = ? AND name = ?", (account, policy)).fetchone()
    if row is not None:
        return account, str(row[0])
    if policy.lower() in _SYSTEM:
        return "", _SYSTEM[policy.lower()]
    raise Gone(f"policy {policy}")


def _attach(connection: SqlConnection, account: str, policy: str, user: str, role: str) -> None:
    holder = _holder(connection, account, user, role)
    place = _policy_place(connection, account, policy)
    connection.execute("INSERT OR IGNORE INTO attachment (holder, account, policy) VALUES (?, ?, ?)", (holder, *place))


def _detach(connection: SqlConnection, account: str, policy: str, user: str, role: str) -> None:
    holder = _holder(connection, account, user, role)
    place = _policy_place(connection, account, policy)
    if not _is_there(
        connection, "SELECT 1 FROM attachment WHERE holder = ? AND account = ? AND policy = ?", holder, *place
    ):
        raise Gone(f"policy {policy} of {user or role}")
    connection.execute("DELETE FROM attachment WHERE holder = ? AND account = ? AND policy = ?", (holder, *place))


def make_root_account(connection: SqlConnection, now: int) -> None:
    """Make the account that owns the server, unless there is one. Its uid has 16 digits, as OSS's have."""
    uid = str(10**15 + secrets.randbelow(9 * 10**15))
    connection.execute(
        "INSERT INTO account (uid, name, root, created_at) SELECT ?, 'root', 1, ?"
        " WHERE NOT EXISTS (SELECT 1 FROM account WHERE root = 1)",
        (uid, now),
    )

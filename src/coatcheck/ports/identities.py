"""Who there is: accounts, their users and roles, and the policies attached to those. For commands, not for requests.

Requests see the outcome through `ports.keyring`: every change counts from the next request on, in every process. Names
are unique within an account, upper and lower case being one. Documents were checked by the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from .keyring import Role


class Account(Struct, frozen=True):
    """One account. `root` is the one that owns the server."""

    uid: str
    name: str
    root: bool
    enabled: bool
    created_at: int


class User(Struct, frozen=True):
    """One user of an account; `policies` are names."""

    uid: str
    account: str
    name: str
    created_at: int
    policies: tuple[str, ...] = ()


class StoredPolicy(Struct, frozen=True):
    """One policy. `account` is "" for those that every server has."""

    account: str
    name: str
    document: str
    changed_at: int = 0


class Identities(Protocol):
    """Every change is atomic and durable when it returns. AlreadyThere, Gone and NotEmpty are those of `ports.catalog`;
    what is gone is named in the error."""

    async def list_accounts(self) -> Sequence[Account]: ...

    async def add_account(self, account: Account) -> None:
        """Raises: AlreadyThere (uid or name)."""
        ...

    async def set_account_enabled(self, uid: str, enabled: bool) -> None:
        """Raises: Gone."""
        ...

    async def remove_account(self, uid: str) -> None:
        """With its keys, users, roles and policies. Raises: Gone; NotEmpty, while it has buckets."""
        ...

    async def list_users(self, account: str) -> Sequence[User]: ...

    async def add_user(self, user: User) -> None:
        """Raises: AlreadyThere (the name), Gone (the account)."""
        ...

    async def remove_user(self, account: str, name: str) -> None:
        """With its keys. Raises: Gone."""
        ...

    async def list_roles(self, account: str) -> Sequence[tuple[Role, tuple[str, ...]]]:
        """Each with the names of its policies."""
        ...

    async def put_role(self, role: Role, *, replace: bool) -> None:
        """With `replace` only trust and session_max_s change. Raises: AlreadyThere; Gone (the role, the account)."""
        ...

    async def remove_role(self, account: str, name: str) -> None:
        """Its sessions end with it. Raises: Gone."""
        ...

    async def list_policies(self, account: str) -> Sequence[StoredPolicy]:
        """The account's own."""
        ...

    async def put_policy(self, policy: StoredPolicy, *, replace: bool) -> None:
        """Raises: AlreadyThere; Gone (the policy, the account)."""
        ...

    async def remove_policy(self, account: str, name: str) -> None:
        """Raises: Gone; NotEmpty, while it is attached."""
        ...

    async def attach(self, account: str, policy: str, *, user: str = "", role: str = "") -> None:
        """Attach a policy of the account, or one that every server has, to a user or a role, by name; fine if it is
        already. Raises: Gone."""
        ...

    async def detach(self, account: str, policy: str, *, user: str = "", role: str = "") -> None:
        """Raises: Gone (also if it isn't attached)."""
        ...

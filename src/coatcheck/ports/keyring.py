"""The keyring: whose key it is, and the secret that its signatures are checked with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class AccessKey:
    """One access key. `account` is the uid of the account that owns it; `root` means it may do all the owner may."""

    access_key_id: str
    access_key_secret: str
    account: str
    enabled: bool = True
    root: bool = True

    def __repr__(self) -> str:
        return f"AccessKey({self.access_key_id!r}, secret hidden)"


class KeyLookup(Protocol):
    """What a request needs of a keyring."""

    async def find_key(self, access_key_id: str) -> AccessKey | None:
        """The key of that id, enabled or not. On the path of every signed request: answered from memory while
        nothing has changed."""
        ...


class Keyring(KeyLookup, Protocol):
    """Every change is atomic, durable when it returns, and seen by every later `find_key` in every process."""

    async def root_account(self) -> str:
        """The uid of the account that owns the server: 16 decimal digits, the same for the life of the store."""
        ...

    async def list_keys(self) -> Sequence[AccessKey]:
        """All keys by id. For commands, not for requests."""
        ...

    async def add_key(self, key: AccessKey) -> None:
        """Raises: AlreadyThere (of `ports.catalog`), if there is a key of that id; NoSpace."""
        ...

    async def remove_key(self, access_key_id: str) -> None:
        """Fine if there is none."""
        ...

"""The keyring: whose key it is, and the secret that its signatures are checked with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from msgspec import Struct

SESSION: Final = "security-token"  # what the tokens of sessions are sealed for


class Principal(Struct, frozen=True):
    """Who holds a key below the account: a user, or the session of a role.

    Attributes:
        uid: of the user or the role.
        name: of the user or the role.
        policies: the texts of the policies attached to it.
        session: the session's name; "" for a user.
        session_policy: narrows what `policies` give; None: nothing does.
    """

    uid: str
    name: str
    policies: tuple[str, ...] = ()
    session: str = ""
    session_policy: str | None = None

    def arn(self, account: str) -> str:
        """RAM's name of it."""
        if self.session:
            return f"acs:sts::{account}:assumed-role/{self.name}/{self.session}"
        return f"acs:ram::{account}:user/{self.name}"

    def names(self, account: str) -> tuple[str, ...]:
        """By what policies can mean it, the closest first."""
        if self.session:
            return (self.arn(account), f"acs:ram::{account}:role/{self.name}")
        return (self.uid, self.arn(account))


class AccessKey(Struct, frozen=True):
    """One access key.

    Attributes:
        account: uid of the account that owns it.
        principal: whom it belongs to; None: to the account itself, so that it may do all the account may.
        suspended: the account was disabled, and all its keys with it.
        last_used_at: Unix seconds, to the hour; None: never, or nobody noted it.
    """

    access_key_id: str
    access_key_secret: str
    account: str
    enabled: bool = True
    principal: Principal | None = None
    suspended: bool = False
    last_used_at: int | None = None

    def __repr__(self) -> str:
        return f"AccessKey({self.access_key_id!r}, secret hidden)"


class Role(Struct, frozen=True):
    """What users and accounts may become for a while.

    Attributes:
        uid: 18 digits; a role made again under its old name gets another one.
        trust: the text of the policy that says who.
        policies: the texts of the policies attached to it.
        session_max_s: how long a session may last.
        suspended: its account was disabled.
    """

    uid: str
    account: str
    name: str
    trust: str
    policies: tuple[str, ...] = ()
    session_max_s: int = 43_200
    suspended: bool = False

    @property
    def arn(self) -> str:
        return f"acs:ram::{self.account}:role/{self.name}"


class Holder(Struct, frozen=True):
    """Who may act without a key at hand, since they set something up: an account itself (`principal` is None), or a
    user of it with today's policies. `suspended`: the account was disabled."""

    principal: Principal | None
    suspended: bool


class People(Protocol):
    """Who may be a grantee of an ACL."""

    async def knows(self, uid: str) -> bool:
        """Whether an account or a user has that uid."""
        ...


class Nobody:
    """Where there is nobody to give anything to."""

    async def knows(self, uid: str) -> bool:
        return False


class KeyUse(People, Protocol):
    """What requests need of a keyring beside the key and the role that `ports.snapshot` gives them."""

    async def find_role(self, account: str, name: str) -> Role | None:
        """The account's role of that name; upper and lower case are one."""
        ...

    def note_use(self, access_key_id: str, now: float) -> None:
        """The key has signed something. Remembered to the hour, written soon after, and forgotten by a crash."""
        ...

    async def use_nonce(self, access_key_id: str, nonce: str, expires_at: int, now: int) -> bool:
        """Whether nobody has used it with that key: True once, in all processes together, and False from then on.

        Durable when it returns. An hour after `expires_at` it may be forgotten, and soon is; until then a clock
        that goes back doesn't bring it back. To be called only for what was signed with that key: whoever may call it
        fills the store.

        Args:
            expires_at: Unix seconds from which on what it came with is refused for its age.
            now: Unix seconds.
        Raises: NoSpace (of `ports.catalog`).
        """
        ...

    def seal_token(self, text: str, purpose: str = SESSION) -> str:
        """Text that only this store can read or make; in letters, digits and signs that a URL leaves alone."""
        ...

    def open_token(self, token: str, purpose: str = SESSION) -> str | None:
        """What was sealed for that purpose; None for anything else."""
        ...


class Keyring(KeyUse, Protocol):
    """Every change is atomic, durable when it returns, and seen by every later `find_key` in every process."""

    async def find_key(self, access_key_id: str) -> AccessKey | None:
        """The key of that id, enabled or not."""
        ...

    async def find_role_by_uid(self, uid: str) -> Role | None: ...

    async def find_holder(self, account: str, user: str = "") -> Holder | None:
        """The account, or the user of that uid in it; None for one that isn't there (any more)."""
        ...

    def hold(self, key: AccessKey) -> None:
        """Answer for this key too, ahead of all that are stored, in this process: the owner's, which is kept elsewhere.

        It isn't listed, and its use isn't noted.
        """
        ...

    async def root_account(self) -> str:
        """The uid of the account that owns the server: 16 decimal digits, the same for the life of the store."""
        ...

    async def list_keys(self) -> Sequence[AccessKey]:
        """All keys by id. For commands, not for requests."""
        ...

    async def add_key(self, key: AccessKey) -> None:
        """Its account is made if there is none; its principal, if it has one, must be there.

        Raises: AlreadyThere (of `ports.catalog`), if there is a key of that id; Gone (no such user); NoSpace.
        """
        ...

    async def set_key_enabled(self, access_key_id: str, enabled: bool) -> None:
        """Raises: Gone."""
        ...

    async def remove_key(self, access_key_id: str) -> None:
        """Fine if there is none."""
        ...

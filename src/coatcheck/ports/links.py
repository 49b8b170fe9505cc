"""The register of links: what was decided about links that are out already, and how often they were used.

A link of the protocol needs no row to work; it has one from when somebody registers, limits or cancels it. Rules speak
of many links at once, also of those that nobody has seen yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from .catalog import Gone, Unwritable

Uses = str
"""An account of uses as `links.uses_text` writes it; "" for none. Stores keep it and don't read it."""


class Limits(Struct, frozen=True):
    """What a link may do less than its signature says.

    Attributes:
        downloads: how many there may be in all; None for any number.
        networks: from where alone it may be used, as `core.addresses` writes networks; () for from anywhere.
        starts_at: Unix seconds before which it isn't good yet; 0 for no such time.
        rate_bits_per_s: of each download; 0 for no limit.
    """

    downloads: int | None = None
    networks: tuple[str, ...] = ()
    starts_at: int = 0
    rate_bits_per_s: int = 0


class Link(Struct, frozen=True):
    """One row of the register.

    Attributes:
        id: see `identity.caller.Caller.link`.
        account: uid of the account whose key signed it. The row counts for links of that account's keys alone.
        access_key_id: that key; "" where only the id was known.
        bucket, key: what it names; "" where only the id was known.
        registered_at: Unix seconds.
        ends_at: Unix seconds when it expires by itself; None where that is unknown.
        cancelled_at: Unix seconds; None for a link that was not cancelled.
        note: its owner's words.
    """

    id: str
    account: str
    access_key_id: str
    bucket: str
    key: str
    registered_at: int
    ends_at: int | None = None
    cancelled_at: int | None = None
    limits: Limits = Limits()
    note: str = ""


class Scope(NamedTuple):
    """Which links a rule means: those that fit all its parts.

    Attributes:
        access_key_id: whose signature they have; "" for any.
        bucket: "" for any; never together with "" for the access key.
        key: what the object's key is, or begins with; "" for any. Only with a bucket.
        exact: `key` is the object's whole key.
    """

    access_key_id: str = ""
    bucket: str = ""
    key: str = ""
    exact: bool = False

    def means(self, access_key_id: str, bucket: str, key: str) -> bool:
        """Whether a link of that access key, for that object, is one of them."""
        if self.access_key_id not in ("", access_key_id) or self.bucket not in ("", bucket):
            return False
        return key == self.key if self.exact else key.startswith(self.key)


class Rule(Struct, frozen=True):
    """What holds for all links of a scope; there is one rule for a scope.

    Attributes:
        account: uid of the account that made it.
        cancelled_before: Unix seconds: links that were signed before then are cancelled; 0 for none.
        registered_only: links without a row don't work.
        made_at: Unix seconds.
    """

    scope: Scope
    account: str
    cancelled_before: int = 0
    registered_only: bool = False
    made_at: int = 0

    def joined(self, other: Rule) -> Rule:
        """One rule for both, which have one scope; the other is the newer."""
        return Rule(
            self.scope,
            other.account,
            max(self.cancelled_before, other.cancelled_before),
            self.registered_only or other.registered_only,
            other.made_at,
        )


class Standing(Struct, frozen=True):
    """All that the register says of one link.

    Attributes:
        link: its row, None without one.
        cancelled_before: the latest of the rules that mean it; 0 for none.
        registered_only: one of these rules asks for a row.
    """

    link: Link | None = None
    cancelled_before: int = 0
    registered_only: bool = False


UNKNOWN = Standing()


class LimitedPart(NamedTuple):
    """What uses are counted of.

    Attributes:
        part: of a link to several objects, which, as an opaque word; "" for a link to one.
    """

    link_id: str
    part: str = ""


class Links(Protocol):
    """The register. Changes are seen by the next question of any process; none is lost once its method has returned."""

    def number(self) -> int:
        """Another one after any change to rows or rules, in whatever process; not of uses. Costs next to nothing."""
        ...

    def in_use(self) -> bool:
        """Whether there is any row or rule. Costs next to nothing."""
        ...

    def may_say(self, link_id: str, access_key_id: str, bucket: str, key: str) -> bool:
        """Whether there may be a row or a rule for a link; False is certain. Costs a microsecond or two."""
        ...

    async def learn(self) -> None:
        """What makes `may_say` precise after a start, if anything does; may be called again and again."""
        ...

    async def find_standing(self, link_id: str, access_key_id: str, bucket: str, key: str) -> Standing:
        """What the register says of a link."""
        ...

    async def find_link(self, link_id: str) -> Link | None: ...

    async def change_link(self, link_id: str, change: Callable[[Link | None], Link]) -> Link:
        """Put what `change` makes of the row in its place, in one transaction; it may be called twice.

        Raises: what `change` raises, and nothing has changed.
        """
        ...

    async def list_links(self, account: str, *, bucket: str = "", after: str = "", most: int) -> Sequence[Link]:
        """An account's links, by id; those of one bucket if one is named."""
        ...

    async def put_rule(self, rule: Rule) -> Rule:
        """Add a rule, or join it with the one of its scope: it then says what either says, with the later time."""
        ...

    async def remove_rule(self, scope: Scope) -> None:
        """Raises: Gone."""
        ...

    async def list_rules(self, account: str, *, after: Scope | None = None, most: int) -> Sequence[Rule]:
        """An account's rules, in the order of their scopes' parts."""
        ...

    async def find_uses(self, link_id: str, part: str = "") -> Uses:
        """The account of a link's uses; of a link to several objects, that of one of them."""
        ...

    async def list_uses(self, link_id: str, *, after: str = "", most: int) -> Sequence[tuple[str, Uses]]:
        """The parts of a link to several objects that were used, in their order, each with its account."""
        ...

    async def change_uses(self, link_id: str, changes: Mapping[str, Callable[[Uses], Uses]]) -> None:
        """As `change_link`, of the accounts of a link's uses: all that are named, by part, or none.

        Raises: what a change raises; Gone, without the link.
        """
        ...

    async def tell_uses(self, changes: Mapping[LimitedPart, Callable[[Uses], Uses]]) -> None:
        """Change accounts of several links' uses, in one transaction; those of links without a row are passed over.

        Raises: what a change raises, and nothing has changed.
        """
        ...

    async def forget_ended(self, before: int, most: int) -> int:
        """Remove rows of links that ended before then, with their uses; how many, `most` at most."""
        ...


class NoLinks:
    """A register in which nothing is ever written."""

    def number(self) -> int:
        return 0

    def in_use(self) -> bool:
        return False

    def may_say(self, link_id: str, access_key_id: str, bucket: str, key: str) -> bool:
        return False

    async def learn(self) -> None:
        return

    async def find_standing(self, link_id: str, access_key_id: str, bucket: str, key: str) -> Standing:
        return UNKNOWN

    async def find_link(self, link_id: str) -> Link | None:
        return None

    async def list_links(self, account: str, *, bucket: str = "", after: str = "", most: int) -> Sequence[Link]:
        return ()

    async def list_rules(self, account: str, *, after: Scope | None = None, most: int) -> Sequence[Rule]:
        return ()

    async def find_uses(self, link_id: str, part: str = "") -> Uses:
        return ""

    async def list_uses(self, link_id: str, *, after: str = "", most: int) -> Sequence[tuple[str, Uses]]:
        return ()

    async def forget_ended(self, before: int, most: int) -> int:
        return 0

    async def change_link(self, link_id: str, change: Callable[[Link | None], Link]) -> Link:
        raise Unwritable("There is no register of links here.")

    async def put_rule(self, rule: Rule) -> Rule:
        raise Unwritable("There is no register of links here.")

    async def remove_rule(self, scope: Scope) -> None:
        raise Gone("rule")

    async def change_uses(self, link_id: str, changes: Mapping[str, Callable[[Uses], Uses]]) -> None:
        raise Gone(link_id)

    async def tell_uses(self, changes: Mapping[LimitedPart, Callable[[Uses], Uses]]) -> None:
        return

"""Who signs: the access key as callers give it, and as the presigner keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from coatcheck.core.names import is_access_key_id

from .endpoint import check_region
from .options import Where
from .refusal import PresignError


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key, and the token that goes with a temporary one."""

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)


class Signer(NamedTuple):
    """A checked access key, and where its links point unless they say otherwise. `repr()` hides the secret.

    A tuple, since all that is remembered between links is found by it, and a tuple is looked up quickly.
    """

    access_key_id: str
    access_key_secret: str
    security_token: str | None
    region: str
    endpoint: str | None

    def __repr__(self) -> str:
        return f"Signer({self.access_key_id!r}, region={self.region!r})"

    def at(self, where: Where) -> Signer:
        """Signing for the region that `where` names, if it does. Raises: PresignError: it is none."""
        return self if where.region is None else self._replace(region=check_region(where.region))


def make_signer(credentials: Credentials, region: str, endpoint: str | None) -> Signer:
    """Raises: PresignError: an id, a secret or a region that nothing can be signed with."""
    if not is_access_key_id(credentials.access_key_id) or not credentials.access_key_secret:
        raise PresignError("an access key is an id of letters, digits, '.', '_' and '=', and a secret.")
    return Signer(
        credentials.access_key_id,
        credentials.access_key_secret,
        credentials.security_token or None,
        check_region(region),
        endpoint,
    )

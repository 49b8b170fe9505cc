"""What the catalog remembers of an access point. It is an entry of its bucket, under the point's name."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Final

from msgspec import Struct, to_builtins

from ..core.access_point_names import read_alias

KIND: Final = "accessPoint"
INTERNET: Final = "internet"
VPC: Final = "vpc"
_VERSION: Final = 1


class AccessPoint(Struct, frozen=True):
    """A way into a bucket, with a policy of its own.

    Attributes:
        alias: what requests name in the bucket's place.
        network_origin: INTERNET, or VPC, which lets in only what comes from the network `vpc_id`.
        created_at: Unix seconds.
        policy: the point's policy; None if there is none.
        blocks_public_access: whether what the policy allows to everybody counts as absent.
    """

    name: str
    alias: str
    network_origin: str
    created_at: int
    vpc_id: str = ""
    policy: str | None = None
    blocks_public_access: bool = False

    @property
    def bucket_id(self) -> int:
        """Of the bucket it leads into."""
        parts = read_alias(self.alias)
        assert parts is not None
        return parts.bucket_id

    def arn(self, region: str, owner: str) -> str:
        """OSS's name of the point, in a bucket of that region and account."""
        return f"acs:oss:{region}:{owner}:accesspoint/{self.name}"


def write_access_point(point: AccessPoint) -> str:
    """The entry's document."""
    return json.dumps({"v": _VERSION, **to_builtins(point)}, ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=256)
def read_access_point(document: str) -> AccessPoint:
    """Raises: ValueError, for one of a version that this program doesn't know."""
    stored = json.loads(document)
    version = stored.pop("v")
    if version != _VERSION:
        raise ValueError(f"An access point of version {version} is stored; this coatcheck knows version {_VERSION}.")
    return AccessPoint(**stored)

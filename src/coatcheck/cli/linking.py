"""What commands that ask for links of the server share."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import click
from msgspec import to_builtins

from coatcheck.client.link_info import find_link_id
from coatcheck.client.links import Links
from coatcheck.client.profile import Options, Profile

from .options import find_profile


class _LinkId(click.ParamType[str]):
    name = "link"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return find_link_id(value)


LINK_ID: Final = _LinkId()  # a link's id, also where its URL was given


def open_links(where: Options) -> Links:
    """By the profile that options name. Close it, as by `with`."""
    return links_of(find_profile(where))


def links_of(profile: Profile) -> Links:
    """Close it, as by `with`."""
    keys = profile.credentials
    return Links(
        keys.access_key_id,
        keys.access_key_secret,
        endpoint=profile.endpoint,
        region=profile.region,
        security_token=keys.security_token,
        ca=profile.ca,
    )


def facts_of(entry: Any) -> dict[str, Any]:
    """What a record of the client says, for JSON."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in to_builtins(entry, builtin_types=(datetime,)).items()
    }

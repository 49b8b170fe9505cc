"""What commands that ask for links of the server share."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

import click

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
    """What a dataclass of the client says, for JSON."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(entry).items()}

"""What the commands of `coatcheck link` share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any

from coatcheck.client.links import Links
from coatcheck.client.profile import Options

from .options import find_profile


@contextmanager
def open_links(where: Options) -> Iterator[Links]:
    profile = find_profile(where)
    keys = profile.credentials
    with Links(
        keys.access_key_id,
        keys.access_key_secret,
        endpoint=profile.endpoint,
        region=profile.region,
        security_token=keys.security_token,
    ) as links:
        yield links


def facts_of(entry: Any) -> dict[str, Any]:
    """What a dataclass of the client says, for JSON."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(entry).items()}

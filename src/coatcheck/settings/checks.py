"""What texts of settings have to be: names of hosts, ids of regions, addresses of other servers.

Each check raises ValueError with words for a person, who sees them behind the name of the setting.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from coatcheck.core.names import is_host_name

_REGION: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_REGION_MAX_CHARS: Final = 50  # "oss-REGION-internal" is one label of a host name, which has 63 at most
_NOT_REGIONS: Final = ("accelerate", "accelerate-overseas")  # their endpoints stand for no region


def check_host_name(text: str) -> None:
    """A host name alone, in lower case, and no IP address. Raises: ValueError."""
    if "/" in text:
        host = text.partition("://")[2] or text
        raise ValueError(f"{text!r} is not a host name; without scheme and path it is {host.split('/')[0]!r}")
    if _is_address(text):
        raise ValueError(f"{text!r} is an address, and a host name is needed, such as files.example.com")
    host, colon, port = text.partition(":")
    if colon and port.isdigit():
        raise ValueError(f"{text!r} is not a host name; without the port it is {host!r}")
    if not is_host_name(text):
        raise ValueError(
            f"{text!r} is not a host name like files.example.com: between its dots are letters, digits and '-' "
            "(other letters as xn--...)"
        )


def check_region(text: str) -> None:
    """A region id, which is part of host names. Raises: ValueError."""
    if text.startswith("oss-"):
        raise ValueError(f"{text!r} is the name of an endpoint; the region id is {text.removeprefix('oss-')!r}")
    taken = text in _NOT_REGIONS or text.endswith("-internal")
    if taken or len(text) > _REGION_MAX_CHARS or not _REGION.fullmatch(text):
        raise ValueError(f"{text!r} is not a region id like cn-hangzhou: a-z, 0-9 and '-', at most 50 of them")


def check_url(text: str) -> None:
    """An address with http:// or https://. Raises: ValueError."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(char.isspace() for char in text):
        raise ValueError(f"{text!r} is not an address like http://127.0.0.1:4318")


def _is_address(text: str) -> bool:
    try:
        ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True

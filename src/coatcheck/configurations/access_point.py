"""The document that makes an access point: its name, and from which network it is reached. Pure.

Source: OSS API reference, CreateAccessPoint.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element

from coatcheck.core.access_point_names import is_access_point_name
from coatcheck.core.errors import INVALID_ARGUMENT
from coatcheck.core.limits import VPC_ID_MAX_CHARS
from coatcheck.ports.access_point import INTERNET, VPC

from .elements import find_one, find_text, malformed, need_choice, need_text, texts

ROOT: Final = "CreateAccessPointConfiguration"
SHAPE: Final = texts("AccessPointName", "NetworkOrigin", VpcConfiguration=texts("VpcId"))
_VPC_ID: Final = re.compile("[a-z0-9-]+")


class NewAccessPoint(NamedTuple):
    """What is asked for; `vpc_id` is "" for a point of the internet."""

    name: str
    network_origin: str
    vpc_id: str


def read(document: Element) -> NewAccessPoint:
    """A CreateAccessPointConfiguration. Raises: OssError MALFORMED_XML, INVALID_ARGUMENT."""
    name = check_name(need_text(document, "AccessPointName"))
    origin, network = need_choice(document, "NetworkOrigin", (INTERNET, VPC)), find_one(document, "VpcConfiguration")
    vpc_id = "" if network is None else find_text(network, "VpcId") or ""  # OSS's SDK for Java always sends one
    if (origin == VPC) != bool(vpc_id):
        raise malformed(f"A VpcId goes with the NetworkOrigin {VPC}, and with no other.")
    return NewAccessPoint(name, origin, vpc_id and _check_vpc_id(vpc_id))


def check_name(text: str) -> str:
    """The same name. Raises: OssError INVALID_ARGUMENT."""
    if not is_access_point_name(text):
        raise INVALID_ARGUMENT(
            'AccessPointName has 3 to 19 of a-z, 0-9 and "-", no "-" at either end, and does not end with -ossalias.',
            ArgumentName="AccessPointName",
            ArgumentValue=text[:64],
        )
    return text


def _check_vpc_id(text: str) -> str:
    if len(text) > VPC_ID_MAX_CHARS or not _VPC_ID.fullmatch(text):
        raise INVALID_ARGUMENT("VpcId is not one.", ArgumentName="VpcId", ArgumentValue=text[:VPC_ID_MAX_CHARS])
    return text

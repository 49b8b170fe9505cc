"""The resource group of a bucket: a label, by which buckets can be listed. No group has rights here. Pure.

Source: OSS API reference, PutBucketResourceGroup, GetBucketResourceGroup.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from msgspec import Struct

from coatcheck.core.errors import NO_SUCH_RESOURCE_GROUP
from coatcheck.core.xml import Node

from .elements import need_text, texts
from .stored import read_stored, write_stored

NAME: Final = "resourceGroup"
ROOT: Final = "BucketResourceGroupConfiguration"
SHAPE: Final = texts("ResourceGroupId")

_ID: Final = re.compile(r"rg-[A-Za-z0-9-]{1,61}")


class ResourceGroup(Struct, frozen=True):
    """The default is what OSS has for a bucket that was put into none."""

    group_id: str = "rg-default-id"


def read(document: Element) -> ResourceGroup:
    """A BucketResourceGroupConfiguration. Raises: OssError MALFORMED_XML, NO_SUCH_RESOURCE_GROUP."""
    return read_id(need_text(document, "ResourceGroupId"))


def read_id(text: str) -> ResourceGroup:
    """Raises: OssError NO_SUCH_RESOURCE_GROUP, for what can be no id. Any other id is taken: nobody keeps groups."""
    if not _ID.fullmatch(text):
        raise NO_SUCH_RESOURCE_GROUP(ResourceGroupId=text[:64])
    return ResourceGroup(text)


def write(group: ResourceGroup) -> list[Node]:
    return [("ResourceGroupId", group.group_id)]


def to_json(group: ResourceGroup) -> str:
    return write_stored(group)


@lru_cache(maxsize=256)
def from_json(text: str) -> ResourceGroup:
    return read_stored(ResourceGroup, text)


def group_of(document: str | None) -> str:
    """The group's id, by the stored document if there is one."""
    return (ResourceGroup() if document is None else from_json(document)).group_id

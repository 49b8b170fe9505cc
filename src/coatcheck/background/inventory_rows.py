"""A version of an object -> its line in an inventory. Pure.

Every value stands in quotes; a key is URL-encoded, so no value holds a quote or a line feed, nor is it a formula.
Source: OSS, the files of inventories. TransitionTime stays empty: nobody notes it here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from coatcheck.access.grants import nearest_word
from coatcheck.configurations.inventory import Filter, Inventory
from coatcheck.core.percent import encode
from coatcheck.core.times import write_iso
from coatcheck.ports.object import DELETE_MARKER, ListedVersion

_ALL: Final = "All"


def _switch(holds: bool) -> str:
    return "true" if holds else "false"


_VERSION_COLUMNS: Final[dict[str, Callable[[ListedVersion], str]]] = {
    "VersionId": lambda version: version.version_id,
    "IsLatest": lambda version: _switch(version.is_latest),
    "IsDeleteMarker": lambda version: _switch(version.kind == DELETE_MARKER),
}
_COLUMNS: Final[dict[str, Callable[[ListedVersion], str]]] = {  # of what isn't a delete marker
    "Size": lambda version: str(version.size),
    "LastModifiedDate": lambda version: write_iso(version.last_modified),
    "ETag": lambda version: version.etag,
    "StorageClass": lambda version: version.storage_class,
    "IsMultipartUploaded": lambda version: _switch(version.kind == "Multipart"),
    "EncryptionStatus": lambda version: _switch(version.encryption != ""),
    "ObjectAcl": lambda version: nearest_word(version.acl),
    "TaggingCount": lambda version: str(len(version.tags)),
    "ObjectType": lambda version: version.kind,
    "Crc64": lambda version: str(version.crc64),
    "TransitionTime": lambda version: "",
}
_OF_MARKERS: Final = frozenset({"LastModifiedDate"})


def columns_of(inventory: Inventory) -> tuple[str, ...]:
    """What the manifest calls the schema."""
    versions = tuple(_VERSION_COLUMNS) if inventory.versions == _ALL else ()
    return ("Bucket", "Key", *versions, *inventory.fields)


def write_row(inventory: Inventory, bucket: str, version: ListedVersion) -> str:
    """With its line feed. `bucket` is the source's name."""
    values = [bucket, encode(version.key)]
    if inventory.versions == _ALL:
        values += [value_of(version) for value_of in _VERSION_COLUMNS.values()]
    marker = version.kind == DELETE_MARKER
    values += [_COLUMNS[name](version) if not marker or name in _OF_MARKERS else "" for name in inventory.fields]
    return '"' + '","'.join(values) + '"\n'


def is_meant(inventory: Inventory, version: ListedVersion) -> bool:
    """Whether the inventory lists it, as far as that isn't a matter of its prefix. Both ends of ranges count."""
    marker = version.kind == DELETE_MARKER
    if inventory.versions != _ALL and (marker or not version.is_latest):
        return False
    chosen = inventory.filter
    return chosen is None or _passes(chosen, version, marker=marker)


def _passes(chosen: Filter, version: ListedVersion, *, marker: bool) -> bool:
    if not _within(version.last_modified, chosen.begin_s, chosen.end_s):
        return False
    classes = [] if chosen.storage_classes is None else [name.strip() for name in chosen.storage_classes.split(",")]
    by_class = bool(classes) and _ALL not in classes
    if marker:  # it has neither a size nor a class
        return not by_class and chosen.least_size is None and chosen.most_size is None
    return _within(version.size, chosen.least_size, chosen.most_size) and (
        not by_class or version.storage_class in classes
    )


def _within(value: int, least: int | None, most: int | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)

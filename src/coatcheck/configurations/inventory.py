"""An inventory of a bucket: which objects are to be listed, how often, with which fields, and where to. Pure.

A bucket has many, each stored for itself. `background/inventory_run.py` writes the lists; lists of what has changed
(IncrementalInventory) are kept and shown, and not written.

Source: OSS API reference, PutBucketInventory and its like.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from msgspec import Struct

from coatcheck.core.author import Author
from coatcheck.core.errors import INVALID_ARGUMENT, OssError
from coatcheck.core.limits import INVENTORY_ID_MAX_CHARS, OBJECT_KEY_MAX_BYTES
from coatcheck.core.xml import Node

from .elements import (
    find_given_switch,
    find_number,
    find_one,
    find_text,
    find_texts,
    malformed,
    need_choice,
    need_one,
    need_switch,
    need_text,
    texts,
    write_switch,
)
from .stored import read_stored, write_stored

KIND: Final = "inventory"  # of the entries of a bucket; the inventory's id is the name
RUN_KIND: Final = "inventoryRun"  # of the entries that say how far the list of each has come
ROOT: Final = "InventoryConfiguration"
SHAPE: Final = texts(
    "Id",
    "IsEnabled",
    "IncludedObjectVersions",
    Filter=texts(
        *("Prefix", "LastModifyBeginTimeStamp", "LastModifyEndTimeStamp"),
        *("LowerSizeBound", "UpperSizeBound", "StorageClass"),
    ),
    Destination=texts(
        OSSBucketDestination=texts(
            *("Format", "AccountId", "RoleArn", "Bucket", "Prefix"),
            Encryption=texts("SSE-OSS", **{"SSE-KMS": texts("KeyId")}),
        )
    ),
    Schedule=texts("Frequency", "DayOfMonth", "AutoDelete"),
    OptionalFields=texts("Field"),
    IncrementalInventory=texts("IsEnabled", Schedule=texts("Frequency"), OptionalFields=texts("Field")),
)

FIELDS: Final = (
    *("Size", "LastModifiedDate", "ETag", "StorageClass", "IsMultipartUploaded", "EncryptionStatus"),
    *("ObjectAcl", "TaggingCount", "ObjectType", "Crc64", "TransitionTime"),
)
INCREMENTAL_FIELDS: Final = (
    *("SequenceNumber", "RecordType", "RecordTimestamp", "Requester", "SourceIp", "RequestId"),
    *FIELDS,
)
_FREQUENCIES: Final = ("Daily", "Weekly", "Monthly", "Once")
_VERSIONS: Final = ("All", "Current")
_CLASSES: Final = ("Standard", "IA", "Archive", "ColdArchive", "DeepColdArchive", "All")
_BUCKET: Final = "acs:oss:::"
_FIRST_MOMENT_S, _LAST_MOMENT_S = 1_262_275_200, 253_402_271_999  # OSS: of both time stamps
_SIZE_MAX: Final = 2**63 - 1


class Filter(Struct, frozen=True):
    """Which objects; None for what is left open. Moments are Unix seconds, sizes bytes."""

    prefix: str | None = None
    begin_s: int | None = None
    end_s: int | None = None
    least_size: int | None = None
    most_size: int | None = None
    storage_classes: str | None = None


class Target(Struct, frozen=True):
    """`encryption`: "", "SSE-OSS", or "SSE-KMS" with `key_id`."""

    bucket: str
    account: str
    role: str
    prefix: str | None = None
    encryption: str = ""
    key_id: str | None = None


class Incremental(Struct, frozen=True):
    """Lists of what changed, every `every_s` seconds."""

    enabled: bool
    every_s: int | None = None
    fields: tuple[str, ...] = ()


class Inventory(Struct, frozen=True):
    inventory_id: str
    enabled: bool
    versions: str
    frequency: str
    target: Target
    filter: Filter | None = None
    day_of_month: int | None = None
    auto_delete: bool | None = None
    fields: tuple[str, ...] = ()
    incremental: Incremental | None = None
    author: Author | None = None  # who set it up


def read(document: Element) -> Inventory:
    """An InventoryConfiguration. Raises: OssError MALFORMED_XML, INVALID_ARGUMENT."""
    schedule, chosen = need_one(document, "Schedule"), find_one(document, "Filter")
    incremental = find_one(document, "IncrementalInventory")
    return Inventory(
        check_id(need_text(document, "Id")),
        need_switch(document, "IsEnabled"),
        need_choice(document, "IncludedObjectVersions", _VERSIONS),
        need_choice(schedule, "Frequency", _FREQUENCIES),
        _read_target(need_one(need_one(document, "Destination"), "OSSBucketDestination")),
        None if chosen is None else _read_filter(chosen),
        find_number(schedule, "DayOfMonth", least=1, most=31),
        find_given_switch(schedule, "AutoDelete"),
        _read_fields(document, FIELDS),
        None if incremental is None else _read_incremental(incremental),
    )


def check_id(text: str) -> str:
    """The same id. Raises: OssError INVALID_ARGUMENT."""
    if not 0 < len(text) <= INVENTORY_ID_MAX_CHARS or not text.isprintable():
        raise _bad(f"An inventory's id has 1 to {INVENTORY_ID_MAX_CHARS} characters.", "inventoryId", text)
    return text


def write(inventory: Inventory) -> list[Node]:
    nodes: list[Node] = [("Id", inventory.inventory_id), ("IsEnabled", write_switch(inventory.enabled))]
    if inventory.filter is not None:
        nodes.append(("Filter", _filter_nodes(inventory.filter)))
    nodes += [
        ("Destination", [("OSSBucketDestination", _target_nodes(inventory.target))]),
        ("Schedule", _schedule_nodes(inventory)),
        ("IncludedObjectVersions", inventory.versions),
        *_fields_nodes(inventory.fields),
    ]
    if inventory.incremental is not None:
        nodes.append(("IncrementalInventory", _incremental_nodes(inventory.incremental)))
    return nodes


def to_json(inventory: Inventory) -> str:
    return write_stored(inventory)


@lru_cache(maxsize=256)
def from_json(text: str) -> Inventory:
    return read_stored(Inventory, text)


# --- reading ---------------------------------------------------------------------------------------------------------


def _read_filter(element: Element) -> Filter:
    begin, end = (
        find_number(element, name, least=_FIRST_MOMENT_S, most=_LAST_MOMENT_S)
        for name in ("LastModifyBeginTimeStamp", "LastModifyEndTimeStamp")
    )
    least, most = (find_number(element, name, most=_SIZE_MAX) for name in ("LowerSizeBound", "UpperSizeBound"))
    _check_order(begin, end, "LastModifyEndTimeStamp")
    _check_order(least, most, "UpperSizeBound")
    classes = find_text(element, "StorageClass")
    if classes is not None and not all(name.strip() in _CLASSES for name in classes.split(",")):
        raise _bad(f"StorageClass lists some of {', '.join(_CLASSES)}.", "StorageClass", classes)
    return Filter(_read_prefix(element), begin, end, least, most, classes)


def _check_order(first: int | None, last: int | None, name: str) -> None:
    if first is not None and last is not None and first > last:
        raise _bad(f"{name} lies before its beginning.", name, str(last))


def _read_target(element: Element) -> Target:
    bucket = need_text(element, "Bucket")
    if not bucket.startswith(_BUCKET) or bucket == _BUCKET:
        raise _bad(f"Bucket is written {_BUCKET}NAME.", "Bucket", bucket)
    need_choice(element, "Format", ("CSV",))
    encryption, key_id = _read_encryption(find_one(element, "Encryption"))
    account, role = need_text(element, "AccountId"), need_text(element, "RoleArn")
    return Target(bucket.removeprefix(_BUCKET), account, role, _read_prefix(element), encryption, key_id)


def _read_encryption(element: Element | None) -> tuple[str, str | None]:
    """The way, and the key of KMS. Where there is none, ali-oss sends the element empty."""
    if element is None or not len(element):
        return "", None
    by_kms, by_oss = find_one(element, "SSE-KMS"), find_one(element, "SSE-OSS")
    if (by_kms is None) == (by_oss is None):
        raise malformed("Encryption is one of SSE-KMS and SSE-OSS.")
    return ("SSE-OSS", None) if by_kms is None else ("SSE-KMS", need_text(by_kms, "KeyId"))


def _read_incremental(element: Element) -> Incremental:
    schedule = find_one(element, "Schedule")
    every_s = None if schedule is None else find_number(schedule, "Frequency", least=1)
    return Incremental(need_switch(element, "IsEnabled"), every_s, _read_fields(element, INCREMENTAL_FIELDS))


def _read_fields(parent: Element, known: tuple[str, ...]) -> tuple[str, ...]:
    found = find_one(parent, "OptionalFields")
    fields = () if found is None else tuple(text.strip() for text in find_texts(found, "Field"))
    for name in fields:
        if name not in known or fields.count(name) > 1:
            raise _bad(f"Field is one of {', '.join(known)}, each once.", "Field", name)
    return fields


def _read_prefix(element: Element) -> str | None:
    prefix = find_text(element, "Prefix", trimmed=False)
    if prefix is not None and len(prefix.encode()) > OBJECT_KEY_MAX_BYTES:
        raise _bad(f"Prefix has at most {OBJECT_KEY_MAX_BYTES} bytes.", "Prefix", prefix)
    return prefix


def _bad(message: str, name: str, value: str) -> OssError:
    return INVALID_ARGUMENT(message, ArgumentName=name, ArgumentValue=value[:128])


# --- writing ---------------------------------------------------------------------------------------------------------


def _given(*nodes: tuple[str, str | int | None]) -> list[Node]:
    return [(name, value) for name, value in nodes if value is not None]


def _filter_nodes(chosen: Filter) -> list[Node]:
    """With a Prefix in any case, which oss2 needs."""
    return _given(
        ("Prefix", chosen.prefix or ""),
        ("LastModifyBeginTimeStamp", chosen.begin_s),
        ("LastModifyEndTimeStamp", chosen.end_s),
        ("LowerSizeBound", chosen.least_size),
        ("UpperSizeBound", chosen.most_size),
        ("StorageClass", chosen.storage_classes),
    )


def _target_nodes(target: Target) -> list[Node]:
    nodes = _given(
        ("Format", "CSV"),
        ("AccountId", target.account),
        ("RoleArn", target.role),
        ("Bucket", _BUCKET + target.bucket),
        ("Prefix", target.prefix),
    )
    if target.encryption:
        key: list[Node] = [] if target.key_id is None else [("KeyId", target.key_id)]
        nodes.append(("Encryption", [(target.encryption, key)]))
    return nodes


def _schedule_nodes(inventory: Inventory) -> list[Node]:
    auto_delete = None if inventory.auto_delete is None else write_switch(inventory.auto_delete)
    return _given(
        ("Frequency", inventory.frequency), ("DayOfMonth", inventory.day_of_month), ("AutoDelete", auto_delete)
    )


def _incremental_nodes(incremental: Incremental) -> list[Node]:
    nodes: list[Node] = [("IsEnabled", write_switch(incremental.enabled))]
    if incremental.every_s is not None:
        nodes.append(("Schedule", [("Frequency", incremental.every_s)]))
    return [*nodes, *_fields_nodes(incremental.fields)]


def _fields_nodes(fields: tuple[str, ...]) -> list[Node]:
    each: list[Node] = [("Field", name) for name in fields]
    return [("OptionalFields", each)] if each else []

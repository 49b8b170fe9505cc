"""Pages of the listings of the catalog in dicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ..core.limits import BILLED_LEAST_BYTES
from ..ports.bucket import ClassStat
from ..ports.object import ListedObject, ListedVersion, ObjectRecord


def page_of_pairs(
    order: dict[str, list[str]],
    prefix: str,
    delimiter: str,
    marker: tuple[str, str],
    limit: int,
    later: Callable[[str, str, str], bool],
) -> tuple[list[tuple[str, str]], tuple[str, str] | None]:
    """One page of (key, id) and (common prefix, ""), from the ids of each key in order; and its `next_marker`.

    Args:
        later: whether of a key the one id comes behind the other.
    """
    in_order = [key for key in sorted(order, key=str.encode) if key.startswith(prefix)]
    items = dict.fromkeys(
        (text, "" if is_prefix else number)
        for key, (text, is_prefix) in zip(in_order, items_of(in_order, prefix, delimiter), strict=True)
        for number in order[key]
    )

    def is_behind(text: str, number: str) -> bool:
        if text != marker[0]:
            return text.encode() > marker[0].encode()
        return bool(number and marker[1]) and later(text, number, marker[1])

    behind = [item for item in items if is_behind(*item)]
    return behind[:limit], behind[limit - 1] if len(behind) > limit else None


def later_in(order: dict[str, list[str]]) -> Callable[[str, str, str], bool]:
    """Later is what stands further behind; everything is later than an id that isn't there."""
    return lambda key, one, other: other not in order[key] or order[key].index(one) > order[key].index(other)


def items_of(keys: Iterable[str], prefix: str, delimiter: str) -> Iterator[tuple[str, bool]]:
    """What a listing shows of each key: the key, or the common prefix it falls under; and which of the two it is."""
    for key in keys:
        end = key.find(delimiter, len(prefix)) if delimiter else -1
        yield (key, False) if end < 0 else (key[: end + len(delimiter)], True)


def listed(record: ObjectRecord) -> ListedObject:
    return ListedObject(
        record.key,
        record.kind,
        record.size,
        record.etag,
        record.last_modified,
        record.storage_class,
        record.restore,
        record.encryption,
        record.checksum,
    )


def listed_version(record: ObjectRecord, versions: list[ObjectRecord]) -> ListedVersion:
    place = versions.index(record)
    return ListedVersion(
        key=record.key,
        version_id=record.version_id,
        kind=record.kind,
        size=record.size,
        etag=record.etag,
        last_modified=record.last_modified,
        storage_class=record.storage_class,
        tags=record.tags,
        restore=record.restore,
        superseded_at=versions[place - 1].last_modified if place else None,
        acl=record.acl,
        encryption=record.encryption,
        crc64=record.crc64,
        checksum=record.checksum,
    )


def class_stat(sizes: list[int]) -> ClassStat:
    """What a bucket's statistics say of versions of these sizes."""
    return ClassStat(len(sizes), sum(sizes), sum(max(size, BILLED_LEAST_BYTES) for size in sizes))

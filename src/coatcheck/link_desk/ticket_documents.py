"""Tickets as the JSON of a request and of an answer."""

from __future__ import annotations

from typing import Any, Final

from coatcheck.core.errors import INVALID_ARGUMENT, MISSING_ARGUMENT
from coatcheck.core.limits import (
    LINK_NOTE_MAX_CHARS,
    TICKET_KEYS_MAX,
    TICKET_NAME_MAX_CHARS,
    TICKET_PASSWORD_MAX_CHARS,
)
from coatcheck.core.names import read_object_key
from coatcheck.core.percent import encode_path
from coatcheck.links.uses import Uses
from coatcheck.operations.ticket_register import Changes, Wanted
from coatcheck.ports.links import Link
from coatcheck.ports.tickets import Box, Names, Ticket
from coatcheck.signing.disposition import write_disposition

from .documents import Document, need_text, read_flag, read_limits, read_moment, read_text, read_whole, write_link

LIMITS: Final = frozenset({"downloads", "networks", "starts_at", "rate_bits_per_s"})
WANTED: Final = LIMITS | {
    *("bucket", "key", "prefix", "keys", "box", "version_id", "process", "ends_at", "forever"),
    *("file_name", "inline", "password", "note"),
}
CHANGES: Final = LIMITS | {"ends_at", "forever", "password", "note"}
_BOX: Final = frozenset({"files", "file_bytes", "bytes", "types", "names", "dated", "quarantine"})
_DEFAULT_LIFE_S: Final = 7 * 86_400
_LIST_MAX: Final = 64
_LEAST_AWAY_S: Final = 1
_FILES_MAX: Final = 1_000_000
_BYTES_MAX: Final = 2**50


def read_wanted(document: Document, now: int) -> Wanted:
    """A ticket that is asked for, all but its password. Raises: OssError INVALID_ARGUMENT, MISSING_ARGUMENT."""
    names, keys, box = _read_names(document)
    file_name = read_text(document, "file_name", TICKET_NAME_MAX_CHARS)
    if file_name:
        try:
            write_disposition(file_name)
        except ValueError as error:
            raise INVALID_ARGUMENT(f"file_name: {error}."[:300], ArgumentName="file_name") from None
    version_id, process = read_text(document, "version_id", 128), read_text(document, "process", 4096)
    if names is not Names.OBJECT and (file_name or version_id or process):
        raise INVALID_ARGUMENT("version_id, process and file_name are for a link to one object.", ArgumentName="key")
    ends_at = _read_end(document, now)
    return Wanted(
        names,
        need_text(document, "bucket"),
        keys,
        now + _DEFAULT_LIFE_S if ends_at is None else ends_at or None,
        read_limits(document),
        read_text(document, "note", LINK_NOTE_MAX_CHARS),
        version_id,
        process,
        file_name,
        read_flag(document, "inline"),
        box=box,
    )


def read_changes(document: Document, now: int) -> Changes:
    """All but the password. Limits are given all together: what isn't given is no limit. Raises: OssError."""
    note = read_text(document, "note", LINK_NOTE_MAX_CHARS) if document.get("note") is not None else None
    limits = read_limits(document) if not LIMITS.isdisjoint(document) else None
    return Changes(_read_end(document, now), limits, note)


def read_password(document: Document) -> str | None:
    """The password; "" for none from now on, None where it isn't said. Raises: OssError INVALID_ARGUMENT."""
    if document.get("password") is None:
        return None
    return read_text(document, "password", TICKET_PASSWORD_MAX_CHARS)


def write_ticket(link: Link, ticket: Ticket, now: float, uses: Uses | None = None) -> dict[str, Any]:
    """As its owner sees it: the link's document and what is a ticket's alone."""
    document = write_link(link, now, uses) | {"kind": "ticket", "names": ticket.names.value}
    match ticket.names:
        case Names.OBJECT:
            document |= {"version_id": ticket.version_id or None, "process": ticket.process or None}
            document |= {"file_name": ticket.file_name or None}
        case Names.LIST:
            document["keys"] = list(ticket.keys)
        case Names.BOX:
            document["box"] = _write_box(ticket.box or Box())
        case Names.PREFIX:
            document["prefix"] = ticket.keys[0]
    return document | {"inline": ticket.inline, "has_password": bool(ticket.password)}


def write_address(code: str, host: str, *, secure: bool) -> str:
    """The ticket's URL."""
    return f"{'https' if secure else 'http'}://{host}/t/{code}"


def _read_end(document: Document, now: int) -> int | None:
    """Unix seconds; 0 for never, None where it isn't said."""
    ends_at, forever = read_moment(document, "ends_at"), read_flag(document, "forever")
    if forever and ends_at is not None:
        raise INVALID_ARGUMENT("A link has ends_at, or forever.", ArgumentName="forever")
    if ends_at is not None and ends_at < now + _LEAST_AWAY_S:
        raise INVALID_ARGUMENT("ends_at has to be a time to come.", ArgumentName="ends_at")
    return 0 if forever else ends_at


def _read_names(document: Document) -> tuple[Names, tuple[str, ...], Box | None]:
    given = [name for name in ("key", "prefix", "keys", "box") if document.get(name) is not None]
    if given == ["prefix", "box"]:
        given = ["box"]
    if len(given) != 1:
        raise MISSING_ARGUMENT("A link names one of key, prefix, keys and box.", ArgumentName="key")
    match given[0]:
        case "key":
            return Names.OBJECT, (_check_key(need_text(document, "key")),), None
        case "prefix":
            return Names.PREFIX, (_read_folder(document),), None
        case "box":
            return Names.BOX, (_read_folder(document),), _read_box(document["box"])
        case _:
            return Names.LIST, _read_keys(document["keys"]), None


def _read_folder(document: Document) -> str:
    """A prefix is a folder: "a" means what is in "a/", and nothing of "ab". "" is the whole bucket."""
    prefix = read_text(document, "prefix", 1023)
    return _check_key(prefix if prefix.endswith("/") else f"{prefix}/") if prefix else ""


def _read_keys(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= TICKET_KEYS_MAX:
        raise INVALID_ARGUMENT(f"keys has to be a list of 1 to {TICKET_KEYS_MAX} keys.", ArgumentName="keys")
    keys = tuple(_check_key(read_text({"keys": key}, "keys")) for key in value)
    if len(set(keys)) != len(keys):
        raise INVALID_ARGUMENT("keys names a key more than once.", ArgumentName="keys")
    return keys


def _check_key(key: str) -> str:
    """Raises: OssError, for what no object can be called."""
    read_object_key(encode_path(key).encode())
    return key


def _read_box(value: Any) -> Box:
    if not isinstance(value, dict) or value.keys() - _BOX:
        raise INVALID_ARGUMENT(f"box has to be an object of {', '.join(sorted(_BOX))}.", ArgumentName="box")
    default = Box()
    file_bytes = _read_count(value, "file_bytes", _BYTES_MAX)
    flags = {name: read_flag(value, name) if name in value else True for name in ("dated", "quarantine")}
    return Box(
        _read_count(value, "files", _FILES_MAX),
        default.file_bytes_max if file_bytes is None else file_bytes,
        _read_count(value, "bytes", _BYTES_MAX),
        _read_texts(value, "types"),
        _read_texts(value, "names"),
        **flags,
    )


def _read_count(value: Document, name: str, most: int) -> int | None:
    return None if value.get(name) is None else read_whole(value, name, 1, most)


def _read_texts(value: Document, name: str) -> tuple[str, ...]:
    texts = value.get(name, [])
    if not isinstance(texts, list) or len(texts) > _LIST_MAX:
        raise INVALID_ARGUMENT(f"{name} has to be a list of at most {_LIST_MAX} texts.", ArgumentName=name)
    return tuple(read_text({name: text}, name, TICKET_NAME_MAX_CHARS) for text in texts)


def _write_box(box: Box) -> dict[str, Any]:
    return {
        "files": box.files_max,
        "file_bytes": box.file_bytes_max,
        "bytes": box.bytes_max,
        "types": list(box.types),
        "names": list(box.patterns),
        "dated": box.dated,
        "quarantine": box.quarantine,
    }

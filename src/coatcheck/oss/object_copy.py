"""CopyObject. Source: OSS API reference, CopyObject."""

from __future__ import annotations

from typing import Final

from coatcheck.access.acl import read_object_acl
from coatcheck.core.errors import INVALID_ARGUMENT
from coatcheck.core.tag_rules import OBJECT_TAGS, TagRule
from coatcheck.core.times import write_iso
from coatcheck.core.xml import write_xml
from coatcheck.operations import copy
from coatcheck.operations.copy import Copied, CopyWishes
from coatcheck.operations.sequential import CONTENT_MD5
from coatcheck.operations.source import Source
from coatcheck.wire.reply import RawHeader, Reply

from .call import Call
from .copy_source import is_source_unmodified, read_copy_source, source_headers
from .encryption import read_encryption
from .metadata import read_stored_headers
from .object_put import read_forbid_overwrite, read_storage_class, stored_headers
from .retention import read_held
from .tagging import read_tagging_header

_TYPE: Final = b"content-type"
_CLIENT_ENCRYPTION: Final = b"x-oss-meta-client-side-encryption-"


class _Unmodified(Exception):
    """The source is as its caller has it already."""

    def __init__(self, source: Source) -> None:
        super().__init__(source.record.key)
        self.source = source


async def copy_object(call: Call) -> Reply:
    """CopyObject: bytes are shared, whatever their size; metadata and tags come along unless they are replaced.

    Conditions are those of the source, x-oss-copy-source-if-*. ali-oss sends each as a plain header too, and those are
    ignored.
    """
    name, wishes = read_copy_source(call.request.headers), read_wishes(call)

    def judge(source: Source) -> None:
        if is_source_unmodified(call.request.headers, source.record):
            raise _Unmodified(source)

    try:
        copied = await copy.copy_object(call.context, call.grant, name, wishes, judge)
    except _Unmodified as unmodified:
        source = unmodified.source
        return Reply(304, ((b"ETag", b'"%b"' % source.record.etag.encode()), *source_headers(source)))
    return _reply(call, copied)


def read_wishes(call: Call, of_tags: TagRule = OBJECT_TAGS) -> CopyWishes:
    """Raises: OssError INVALID_ARGUMENT, INVALID_TAG and its like, and those of `read_encryption`."""
    headers = call.request.headers
    acl = headers.get("x-oss-object-acl")
    storage_class = headers.get("x-oss-storage-class")
    tags = headers.get("x-oss-tagging")
    return CopyWishes(
        headers=_read_headers(call),
        survives=_survives,
        replaces_headers=_replaces(call, "x-oss-metadata-directive"),
        tags=None if tags is None else read_tagging_header(tags, of_tags),
        replaces_tags=_replaces(call, "x-oss-tagging-directive"),
        acl=None if acl is None else read_object_acl(acl),
        storage_class=None if storage_class is None else read_storage_class(storage_class, ""),
        encryption=read_encryption(call),
        forbid_overwrite=read_forbid_overwrite(call),
        held=read_held(call, headers),
    )


def _read_headers(call: Call) -> tuple[RawHeader, ...]:
    """Those to store in place of the source's; no type where none was sent."""
    headers = call.request.headers
    stored = read_stored_headers(headers, call.caller, strict=call.settings.strict_link_headers)
    return stored if headers.get("content-type") else tuple(header for header in stored if header[0] != _TYPE)


def _survives(name: bytes) -> bool:
    """What the copy has from its source where nothing else is given: type, MD5, what its reader decrypts it with."""
    return name in (_TYPE, CONTENT_MD5) or name.startswith(_CLIENT_ENCRYPTION)


def _replaces(call: Call, name: str) -> bool:
    """Whether a directive says REPLACE instead of COPY. Raises: OssError INVALID_ARGUMENT."""
    text = call.request.headers.get(name, "COPY")
    if text.upper() not in ("COPY", "REPLACE"):
        raise INVALID_ARGUMENT(f"{name} must be COPY or REPLACE.", ArgumentName=name, ArgumentValue=text[:64])
    return text.upper() == "REPLACE"


def _reply(call: Call, copied: Copied) -> Reply:
    record = copied.stored.record
    nodes = [("ETag", f'"{record.etag}"'), ("LastModified", write_iso(record.last_modified))]
    headers = (
        (b"Content-Type", b"application/xml"),
        *stored_headers(call, copied.stored),
        *source_headers(copied.source),
    )
    return Reply(200, headers, write_xml("CopyObjectResult", nodes))

"""The headers of a reply about an object that was found, and the conditions it was asked under.

Source: OSS API reference, GetObject and HeadObject.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from coatcheck.access.actions import Action
from coatcheck.configurations import lifecycle
from coatcheck.core.errors import PRECONDITION_FAILED, OssError
from coatcheck.operations.encryption import need_key
from coatcheck.ports.object import ObjectRecord
from coatcheck.wire.conditions import CONDITIONAL_HEADERS, is_unmodified
from coatcheck.wire.reply import RawHeader, Reply

from .bucket_lifecycle import expiration_headers
from .call import Call
from .encryption import encryption_headers
from .metadata import apply_overrides, force_download, write_object_headers
from .restoring import write_restore
from .retention import held_headers
from .versions import version_headers

_CONDITIONAL: Final = frozenset(CONDITIONAL_HEADERS)
_RUN: Final = frozenset({b"text/html", b"text/xml", b"application/xml", b"application/pdf", b"text/xsl"})
SANDBOX: Final[RawHeader] = (b"content-security-policy", b"sandbox")
_KEPT_BY_304: Final = (b"etag", b"last-modified")


def describe(call: Call) -> tuple[ObjectRecord, list[RawHeader], Reply | None]:
    """The object and its headers, and the 304 if the client has it already."""
    request = call.request
    record = call.this_object
    headers = write_object_headers(record)
    if record.tags and not _may_see_tags(call):
        headers = [header for header in headers if header[0] != b"x-oss-tagging-count"]
    headers = apply_overrides(headers, request.query, call.caller)
    if call.settings.force_download and not call.target.own_domain:
        headers = force_download(headers)
    if record.encryption:
        need_key(call.ports.byte_store, record.encryption)
        headers.extend(encryption_headers(record.encryption))
    if call.this_bucket.configurations and (rules := call.this_bucket.configuration(lifecycle.NAME)) is not None:
        headers.extend(expiration_headers(rules, record))
    if call.this_bucket.versioning:
        headers.extend(version_headers(call.this_bucket, record.version_id))
    if record.restore is not None and (restored := write_restore(record.restore, call.now)) is not None:
        headers.append((b"x-oss-restore", restored.encode()))
    if record.retention is not None or record.legal_hold:
        headers.extend(held_headers(record.retention, record.legal_hold))
    if _CONDITIONAL.isdisjoint(request.headers):
        return record, headers, None
    try:
        unmodified = is_unmodified(request.headers, record.etag, record.last_modified)
    except OssError as error:
        if error.fault is PRECONDITION_FAILED:
            error.headers = _kept(headers)
        raise
    return record, headers, Reply(304, _kept(headers)) if unmodified else None


def is_run(headers: Sequence[RawHeader]) -> bool:
    """Whether a browser would do what the content says, not only show it."""
    for name, value in headers:
        if name == b"content-type":
            return _is_run(value)
    return False


@lru_cache(maxsize=256)
def _is_run(content_type: bytes) -> bool:
    kind = content_type.partition(b";")[0].strip().lower()
    return kind in _RUN or kind.endswith(b"+xml")


def _may_see_tags(call: Call) -> bool:
    """Only those who may read the tags see how many there are."""
    if not call.context.needs_object(call.this_bucket):
        return True
    try:
        call.context.decide(
            Action.GET_OBJECT_TAGGING,
            call.this_bucket,
            call.key,
            call.found,
            versioned=call.facts.versioned,
        )
    except OssError:
        return False
    return True


def _kept(headers: list[RawHeader]) -> tuple[RawHeader, ...]:
    return tuple(header for header in headers if header[0] in _KEPT_BY_304 or header[0].startswith(b"x-oss-"))

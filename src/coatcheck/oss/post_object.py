"""PostObject: an upload whose headers came as the fields of a form. Source: OSS API reference, PostObject.

Its claim, its policy and its permission were decided before this (`identity/identify.py`, `access/decide.py`);
what is left is the size that the policy allows, and the form's own ways of saying that all went well.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from coatcheck.core.digests import write_content_md5
from coatcheck.core.errors import (
    ENTITY_TOO_LARGE,
    ENTITY_TOO_SMALL,
    INVALID_ARGUMENT,
    OBJECT_NAME_TOO_LONG,
    POST_FIELD_MISSING,
)
from coatcheck.core.limits import OBJECT_KEY_MAX_BYTES, PUT_OBJECT_MAX_BYTES
from coatcheck.core.names import check_object_key
from coatcheck.core.percent import encode_path
from coatcheck.core.reply_headers import is_token
from coatcheck.core.xml import write_xml
from coatcheck.operations import put
from coatcheck.operations.intake import receive
from coatcheck.operations.overwrite import check_writable
from coatcheck.operations.pacing import paced
from coatcheck.ports.object import ObjectRecord
from coatcheck.wire.form import Form
from coatcheck.wire.query import write_query
from coatcheck.wire.reply import RawHeader, Reply
from coatcheck.wire.request import Body

from .call import Call
from .callback import read_callback_fields, reply_after_callback
from .object_put import read_new_object, stored_headers
from .retention import HEADERS as WORM_HEADERS
from .traffic_limit import UP, find_pace

_RATE: Final = "x-oss-traffic-limit"
# Fields that mean what the header of the same name means to PutObject.
_AS_HEADERS: Final = frozenset(
    {
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "expires",
        "x-oss-forbid-overwrite",
        *WORM_HEADERS,
        "x-oss-object-acl",
        "x-oss-server-side-data-encryption",
        "x-oss-server-side-encryption",
        "x-oss-server-side-encryption-key-id",
        "x-oss-storage-class",
        _RATE,
    }
)
_FILE_NAME: Final = "${filename}"
_META: Final = "x-oss-meta-"
_SUCCESS: Final = {"200": 200, "201": 201}  # anything else is 204
_REDIRECT_MAX_CHARS: Final = 4096


async def post_object(call: Call) -> Reply:
    """PostObject: store the file, then answer as the form asked."""
    assert call.form is not None  # the gateway reads it before it knows who asks
    form = call.form.form
    named = _named(form)
    callback = read_callback_fields(call, form.fields)
    pace = find_pace(call, UP, limit=named.get(_RATE))
    new = read_new_object(call, named)
    await check_writable(call.context, call.grant, asked=new.forbid_overwrite)
    chunks = _Sized(form.file, call.form.sizes).chunks()
    incoming = await receive(
        chunks if pace is None else paced(chunks, pace),
        call.ports.byte_store,
        most=PUT_OBJECT_MAX_BYTES,
        encryption=new.encryption,
    )
    stored = await put.put_object(call.context, call.grant, new, incoming)
    headers = stored_headers(call, stored)
    if callback is None:
        return _answer(call, form, stored.record, headers)
    reply = Reply(200, (*headers, (b"Content-MD5", write_content_md5(stored.record.etag))))
    return await reply_after_callback(call, callback, stored.record, reply, "PostObject")


def find_key(form: Form) -> str:
    """The key that the file will be stored under. Raises: OssError POST_FIELD_MISSING, INVALID_OBJECT_NAME."""
    template = form.fields.get("key")
    if template is None:
        message = POST_FIELD_MISSING.message.replace("field", "'key'", 1)
        raise POST_FIELD_MISSING(message, ec="0002-00000706", ArgumentName="key", ArgumentValue="")
    added = len(form.file_name) - len(_FILE_NAME)
    if len(template) + template.count(_FILE_NAME) * added > OBJECT_KEY_MAX_BYTES:  # a thousand of them could be there
        raise OBJECT_NAME_TOO_LONG()
    key = template.replace(_FILE_NAME, form.file_name)
    try:
        check_object_key(key, len(key.encode()))
    except UnicodeEncodeError:
        raise INVALID_ARGUMENT("The key is not UTF-8.", ArgumentName="key") from None
    return key


def find_content_type(form: Form) -> str:
    """What the file will be stored as; "" if nothing in the form says."""
    fields = form.fields
    return fields.get("x-oss-content-type") or form.file_type or fields.get("content-type") or ""


def _named(form: Form) -> Mapping[str, str]:
    """What the form says of its object, under the names of PutObject's headers. Raises: OssError INVALID_ARGUMENT."""
    named = {name: value for name, value in form.fields.items() if name in _AS_HEADERS or name.startswith(_META)}
    named["content-type"] = find_content_type(form)
    for name, value in named.items():
        if not value.isprintable() and any((c < " " and c != "\t") or c == "\x7f" for c in value):
            raise INVALID_ARGUMENT(f"{name} holds a character that no header may hold.", ArgumentName=name)
        if not is_token(name):
            raise INVALID_ARGUMENT("A field has a name that no header may have.", ArgumentName=_META)
    return named


class _Sized:
    """A file of a size that the policy allows."""

    def __init__(self, file: Body, sizes: tuple[tuple[int, int], ...]) -> None:
        self._file = file
        self._least = max((least for least, _ in sizes), default=0)
        self._most = min((most for _, most in sizes), default=PUT_OBJECT_MAX_BYTES)

    async def chunks(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._file.chunks():
            size += len(chunk)
            if size > self._most:
                raise ENTITY_TOO_LARGE(MaxSizeAllowed=str(self._most))
            yield chunk
        if size < self._least:
            raise ENTITY_TOO_SMALL(ProposedSize=str(size), MinSizeAllowed=str(self._least))


def _answer(call: Call, form: Form, record: ObjectRecord, headers: tuple[RawHeader, ...]) -> Reply:
    """The reply that the form asks for."""
    bucket, key, etag = call.target.bucket or "", record.key, f'"{record.etag}"'
    location = f"{'https' if call.request.secure else 'http'}://{call.request.host}{_path(call, bucket, key)}"
    redirect = _redirect(
        form.fields.get("success_action_redirect", ""), (("bucket", bucket), ("key", key), ("etag", etag))
    )
    if redirect is not None:
        return Reply(303, (*headers, (b"Location", redirect.encode())))
    headers = (*headers, (b"Location", location.encode("utf-8", "surrogateescape")))
    status = _SUCCESS.get(form.fields.get("success_action_status", ""), 204)
    if status != 201:
        return Reply(status, headers)
    nodes = [("Bucket", bucket), ("ETag", etag), ("Key", key), ("Location", location)]
    document = write_xml("PostResponse", nodes, controls=True)
    return Reply(201, (*headers, (b"Content-Type", b"application/xml")), document)


def _path(call: Call, bucket: str, key: str) -> str:
    """Where the object is, in the style of the address that the form was posted to."""
    in_path = call.request.raw_path.startswith(b"/" + bucket.encode())
    return f"/{bucket}/{encode_path(key)}" if in_path else f"/{encode_path(key)}"


def _redirect(text: str, facts: tuple[tuple[str, str], ...]) -> str | None:
    """The address to go on to, or None if the text isn't one."""
    if not text or len(text) > _REDIRECT_MAX_CHARS or not text.isascii() or not text.isprintable() or " " in text:
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    query = f"{parts.query}&{write_query(facts)}" if parts.query else write_query(facts)
    return parts._replace(query=query).geturl()

"""PostObject: an upload whose headers came as the fields of a form. Source: OSS API reference, PostObject.

Its claim, its policy and its permission were decided before this (`identity/identify.py`, `access/decide.py`);
what is left is the size that the policy allows, and the form's own ways of saying that all went well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from coatcheck.core.digests import write_content_md5
from coatcheck.core.limits import PUT_OBJECT_MAX_BYTES
from coatcheck.operations import put
from coatcheck.operations.intake import receive
from coatcheck.operations.overwrite import check_writable
from coatcheck.operations.pacing import paced
from coatcheck.ports.object import ObjectRecord
from coatcheck.wire.form import Form
from coatcheck.wire.reply import RawHeader, Reply

from .call import Call
from .callback import read_callback_fields, reply_after_callback
from .form_upload import Sized, answer_form, check_as_headers, find_content_type, find_location
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
_META: Final = "x-oss-meta-"


async def post_object(call: Call) -> Reply:
    """PostObject: store the file, then answer as the form asked."""
    assert call.form is not None  # the gateway reads it before it knows who asks
    form = call.form.form
    named = _named(form)
    callback = read_callback_fields(call, form.fields)
    pace = find_pace(call, UP, limit=named.get(_RATE))
    new = read_new_object(call, named)
    await check_writable(call.context, call.grant, asked=new.forbid_overwrite)
    chunks = Sized(form.file, call.form.sizes).chunks()
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


def _named(form: Form) -> Mapping[str, str]:
    """What the form says of its object, under the names of PutObject's headers. Raises: OssError INVALID_ARGUMENT."""
    named = {name: value for name, value in form.fields.items() if name in _AS_HEADERS or name.startswith(_META)}
    named["content-type"] = find_content_type(form)
    check_as_headers(named)
    return named


def _answer(call: Call, form: Form, record: ObjectRecord, headers: tuple[RawHeader, ...]) -> Reply:
    """The reply that the form asks for."""
    bucket, key, etag = call.target.bucket or "", record.key, f'"{record.etag}"'
    nodes = [("Bucket", bucket), ("ETag", etag), ("Key", key), ("Location", find_location(call, key))]
    return answer_form(form.fields.get("success_action_redirect", ""), form, nodes, headers)

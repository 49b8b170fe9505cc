"""PostObject: an upload by a form, whose fields are what headers are to PutObject. Source: S3 reference, section 9.1.

Who posts it, and whether the policy covers each field, was decided before (`pipeline.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from msgspec.structs import replace

from coatcheck.access.actions import Action
from coatcheck.core.errors import MALFORMED_XML
from coatcheck.core.limits import PUT_OBJECT_MAX_BYTES
from coatcheck.core.s3_errors import S3_NOT_BUILT
from coatcheck.core.tag_rules import S3_OBJECT_TAGS
from coatcheck.core.xml import read_xml
from coatcheck.operations import put
from coatcheck.operations.intake import receive
from coatcheck.operations.overwrite import check_writable
from coatcheck.oss.call import Call
from coatcheck.oss.form_upload import Sized, answer_form, check_as_headers, find_location
from coatcheck.oss.object_put import stored_headers
from coatcheck.oss.row import Level, Row
from coatcheck.oss.tagging import read_tagging_document
from coatcheck.signing.s3_form_scheme import SIGNING_FIELDS
from coatcheck.signing.s3_v4 import UNSIGNED_PAYLOAD
from coatcheck.wire.form import Form
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import Request

from .acl import ACL_AND_TAGS
from .body import S3Body
from .checksums import checksum_headers
from .customer_keys import bring_keys
from .documents import quoted
from .objects import read_new, sent_checksum, with_type
from .words import AMZ, read_headers

_AS_HEADERS: Final = frozenset(
    {
        *("cache-control", "content-disposition", "content-encoding", "content-language", "content-md5"),
        *("content-type", "expires"),
    }
)
_AMZ_FIELDS: Final = (
    *("x-amz-meta-", "x-amz-checksum-", "x-amz-storage-class", "x-amz-server-side-encryption", "x-amz-object-lock-"),
    *("x-amz-acl", "x-amz-grant-", "x-amz-tagging", "x-amz-website-redirect-location"),
)
_REPLY_FIELDS: Final = ("success_action_redirect", "redirect", "success_action_status")


def translate_form(request: Request, form: Form) -> Form:
    """The form with its fields in OSS's words, and its file compared with the digests that its fields name.

    The type of the file's part means nothing in S3, so it gets around no condition.

    Raises: OssError, as `read_headers`; S3_NOT_BUILT, for a field that means something there and nothing here.
    """
    named: dict[str, str] = {}
    for name, value in form.fields.items():
        if name in _AS_HEADERS or name.startswith(_AMZ_FIELDS):
            named[name] = value
        elif name.startswith(AMZ) and name not in SIGNING_FIELDS:
            raise S3_NOT_BUILT(Header=name[:128])
    if "acl" in form.fields:
        named["x-amz-acl"] = form.fields["acl"]
    if "tagging" in form.fields:
        named["x-amz-tagging"] = _read_tagging(form.fields["tagging"])
    check_as_headers(named)
    sent = with_type(replace(request, headers=named, body=form.file))
    fields = read_headers(sent)
    fields.update({name: form.fields[name] for name in _REPLY_FIELDS if name in form.fields})
    return form._replace(fields=fields, file_type="", file=S3Body(sent, None, UNSIGNED_PAYLOAD))


async def post_object(call: Call) -> Reply:
    """PostObject: store the file, then answer as the form asked."""
    assert call.form is not None  # the pipeline reads it before it knows who asks
    form, sizes = call.form.form, call.form.sizes
    call, brought = bring_keys(call, form.fields)
    new = brought.encrypting(await read_new(call, form.fields))
    await check_writable(call.context, call.grant, asked=new.forbid_overwrite)
    incoming = await receive(
        Sized(form.file, sizes).chunks(),
        call.ports.byte_store,
        most=PUT_OBJECT_MAX_BYTES,
        encryption=new.encryption,
    )
    new = new._replace(checksum=sent_checksum(form.file))
    stored = await put.put_object(call.context, call.grant, new, incoming)
    record, fields = stored.record, form.fields
    headers = (*stored_headers(call, stored), *brought.headers, *checksum_headers(new.checksum))
    nodes = [
        ("Location", find_location(call, record.key)),
        ("Bucket", call.this_bucket.name),
        ("Key", record.key),
        ("ETag", quoted(record.etag)),
    ]
    return answer_form(_find_redirect(fields), form, nodes, headers)


def _find_redirect(fields: Mapping[str, str]) -> str:
    """ "redirect" is its name of old."""
    return fields.get("success_action_redirect") or fields.get("redirect", "")


def _read_tagging(text: str) -> str:
    """The document Tagging -> the header of the same meaning. Raises: OssError."""
    try:
        document = read_xml(text.encode(), "Tagging")
    except UnicodeEncodeError:
        raise MALFORMED_XML() from None
    return urlencode(read_tagging_document(document, S3_OBJECT_TAGS))


ROW: Final[Row] = Row("POST", Level.BUCKET, "", post_object, Action.PUT_OBJECT, asks=ACL_AND_TAGS)

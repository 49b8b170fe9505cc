"""An upload by a form, of whichever dialect: its key, the sizes that its policy allows, how success is said.

Source: OSS API reference, PostObject; S3 reference, section 9.1.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from coatcheck.core.errors import (
    ENTITY_TOO_LARGE,
    ENTITY_TOO_SMALL,
    INVALID_ARGUMENT,
    OBJECT_NAME_TOO_LONG,
    POST_FIELD_MISSING,
)
from coatcheck.core.limits import OBJECT_KEY_MAX_BYTES, PUT_OBJECT_MAX_BYTES, S3_OBJECT_KEY_MAX_BYTES
from coatcheck.core.names import check_object_key, check_s3_object_key
from coatcheck.core.percent import encode_path
from coatcheck.core.reply_headers import is_token
from coatcheck.core.xml import write_xml
from coatcheck.wire.form import Form
from coatcheck.wire.query import write_query
from coatcheck.wire.reply import RawHeader, Reply
from coatcheck.wire.request import Body

from .call import Call

_FILE_NAME: Final = "${filename}"
_SUCCESS: Final = {"200": 200, "201": 201}  # anything else is 204
_REDIRECT_MAX_CHARS: Final = 4096


def find_key(form: Form, *, s3: bool = False) -> str:
    """The key that the file will be stored under, by S3's rules for names or by ours.

    Raises: OssError POST_FIELD_MISSING, INVALID_OBJECT_NAME.
    """
    template = form.fields.get("key")
    if template is None:
        message = POST_FIELD_MISSING.message.replace("field", "'key'", 1)
        raise POST_FIELD_MISSING(message, ec="0002-00000706", ArgumentName="key", ArgumentValue="")
    added = len(form.file_name) - len(_FILE_NAME)
    most = S3_OBJECT_KEY_MAX_BYTES if s3 else OBJECT_KEY_MAX_BYTES
    if len(template) + template.count(_FILE_NAME) * added > most:  # a thousand of them could be there
        raise OBJECT_NAME_TOO_LONG()
    key = template.replace(_FILE_NAME, form.file_name)
    try:
        (check_s3_object_key if s3 else check_object_key)(key, len(key.encode()))
    except UnicodeEncodeError:
        raise INVALID_ARGUMENT("The key is not UTF-8.", ArgumentName="key") from None
    return key


def find_content_type(form: Form) -> str:
    """What the file will be stored as; "" if nothing in the form says."""
    fields = form.fields
    return fields.get("x-oss-content-type") or form.file_type or fields.get("content-type") or ""


def check_as_headers(named: Mapping[str, str]) -> None:
    """Whether fields may become headers of an object. Raises: OssError INVALID_ARGUMENT."""
    for name, value in named.items():
        if not value.isprintable() and any((c < " " and c != "\t") or c == "\x7f" for c in value):
            raise INVALID_ARGUMENT(f"{name} holds a character that no header may hold.", ArgumentName=name)
        if not is_token(name):
            raise INVALID_ARGUMENT("A field has a name that no header may have.")


class Sized:
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


def find_location(call: Call, key: str) -> str:
    """The URL of the object."""
    scheme = "https" if call.request.secure else "http"
    return f"{scheme}://{call.request.host}{_path(call, call.target.bucket or '', key)}"


def answer_form(redirect: str, form: Form, nodes: Sequence[tuple[str, str]], headers: tuple[RawHeader, ...]) -> Reply:
    """The reply that the form asks for.

    Args:
        redirect: where it wants to go on to.
        nodes: of the document PostResponse, in the dialect's order: Bucket, ETag, Key, Location.
    """
    said = dict(nodes)
    address = _find_redirect(redirect, (("bucket", said["Bucket"]), ("key", said["Key"]), ("etag", said["ETag"])))
    if address is not None:
        return Reply(303, (*headers, (b"Location", address.encode())))
    headers = (*headers, (b"Location", said["Location"].encode("utf-8", "surrogateescape")))
    status = _SUCCESS.get(form.fields.get("success_action_status", ""), 204)
    if status != 201:
        return Reply(status, headers)
    document = write_xml("PostResponse", nodes, controls=True)
    return Reply(201, (*headers, (b"Content-Type", b"application/xml")), document)


def _path(call: Call, bucket: str, key: str) -> str:
    """Where the object is, in the style of the address that the form was posted to."""
    in_path = call.request.raw_path.startswith(b"/" + bucket.encode())
    return f"/{bucket}/{encode_path(key)}" if in_path else f"/{encode_path(key)}"


def _find_redirect(text: str, facts: tuple[tuple[str, str], ...]) -> str | None:
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

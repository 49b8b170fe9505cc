"""Callback: how an upload asks for it, what its variables are called, and the reply that it makes.

What is asked for is read before the body is stored (`read_callback`), so that a fault in it stores nothing; the
application hears after the commit (`reply_after_callback`), so whatever it answers, the object stays. Source: OSS API
reference, Callback.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from coatcheck.configurations import callback_policy
from coatcheck.configurations.callback_policy import (
    BY_NAME,
    VARIABLE,
    bad_callback,
    read_callback_text,
    read_variables_text,
)
from coatcheck.core.errors import INVALID_ARGUMENT
from coatcheck.core.limits import CALLBACK_MAX_BYTES, CALLBACK_URLS_MAX
from coatcheck.core.urls import find_host
from coatcheck.operations.callback import FORM, JSON, Callback, notify
from coatcheck.operations.picture import describe_picture
from coatcheck.ports.object import ObjectRecord
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import Request

from .call import Call

_HEADERS: Final = frozenset({"x-oss-callback", "x-oss-callback-var"})
_PARAMETERS: Final = frozenset({"callback", "callback-var"})
_PICTURE: Final = "imageInfo."


def read_callback(call: Call) -> Callback | None:
    """The callback that a request asks for by headers or parameters, if it does.

    Raises: OssError INVALID_ARGUMENT, in OSS's words.
    """
    request = call.request
    if _HEADERS.isdisjoint(request.headers) and _PARAMETERS.isdisjoint(request.query.first):
        return None
    return _read_callback(call, _find(request, "callback"), read_variables_text(_find(request, "callback-var") or ""))


def read_callback_fields(call: Call, fields: Mapping[str, str]) -> Callback | None:
    """The callback that a form asks for; its variables are fields of their own. Raises: as `read_callback`."""
    if "callback" not in fields:
        return None
    variables = {name: value for name, value in fields.items() if name.startswith(VARIABLE)}
    if 4 * len(json.dumps(variables)) > 3 * CALLBACK_MAX_BYTES:  # what base64 makes of it, where they are a parameter
        raise bad_callback("The length of callback-var exceed max value.")
    return _read_callback(call, fields["callback"], variables)


def read_task_callback(call: Call, text: str) -> Callback:
    """The callback of a task, in base64. Raises: as `read_callback`."""
    return _read_callback(call, text, {})


async def reply_after_callback(
    call: Call, callback: Callback | None, record: ObjectRecord, reply: Reply, operation: str
) -> Reply:
    """The reply to an upload that was stored: as it is without a callback, else with what the application answered.

    Raises: OssError CALLBACK_FAILED; the object stays.
    """
    if callback is None:
        return reply
    facts = _facts(call, record, operation)
    if callback.uses(_PICTURE):
        facts |= await _picture_facts(call, record)
    answer = await notify(call.context, callback, facts, _notice_headers(call))
    kept = tuple(header for header in reply.headers if header[0].lower() != b"content-type")
    return Reply(200, (*kept, (b"Content-Type", JSON.encode())), answer)


def _notice_headers(call: Call) -> tuple[tuple[str, str], ...]:
    return (
        ("x-oss-request-id", call.request_id),
        ("x-oss-bucket", call.this_bucket.name),
        ("x-oss-object", quote(call.key, safe="/")),
        ("x-oss-owner", call.this_bucket.owner),
        ("x-oss-requester", call.caller.account or "anonymous"),
        ("x-oss-signature-version", "1.0"),
        ("x-oss-tag", "CALLBACK"),
    )


def _facts(call: Call, record: ObjectRecord, operation: str) -> dict[str, str | int]:
    content_type = dict(record.headers).get(b"content-type", b"").decode("utf-8", "surrogateescape")
    return {
        "bucket": call.this_bucket.name,
        "object": record.key,
        "etag": record.etag,
        "size": record.size,
        "mimeType": content_type,
        "crc64": str(record.crc64),
        "contentMd5": base64.b64encode(bytes.fromhex(record.etag)).decode() if record.kind == "Normal" else "",
        "clientIp": call.request.client,
        "reqId": call.request_id,
        "operation": operation,
    }


async def _picture_facts(call: Call, record: ObjectRecord) -> dict[str, str | int]:
    """Empty for what is no picture, as far as one can see."""
    facts = await describe_picture(call.context, call.grant, record)
    if facts is None:
        return {}
    return {
        f"{_PICTURE}height": facts.height,
        f"{_PICTURE}width": facts.width,
        f"{_PICTURE}format": facts.format,
    }


# --- reading what is asked for ---------------------------------------------------------------------------------------


def _read_callback(call: Call, text: str | None, variables: Mapping[str, str]) -> Callback:
    if not text:
        raise bad_callback("The callback configuration is empty.")
    document = read_callback_text(text)
    if BY_NAME in document:
        kept = _find_kept(call, document[BY_NAME])
        document, variables = read_callback_text(kept.callback), read_variables_text(kept.variables) | dict(variables)
    body, body_type = document.get("callbackBody"), document.get("callbackBodyType") or FORM
    if not isinstance(body, str) or not body:
        raise bad_callback("The callback body is empty.")
    if body_type not in (FORM, JSON):
        raise bad_callback("The callback body type is invalid.")
    host = document.get("callbackHost") or ""
    if not isinstance(host, str) or not host.isascii() or not host.isprintable() or " " in host:
        raise bad_callback("The callback host configuration is invalid.")
    return Callback(_read_urls(call, document.get("callbackUrl")), host, body, body_type, variables)


def _find_kept(call: Call, name: Any) -> callback_policy.PolicyItem:
    """What the bucket keeps under that name. Raises: OssError INVALID_ARGUMENT, if there is none."""
    document = call.this_bucket.configuration(callback_policy.NAME)
    found = None if document is None else callback_policy.from_json(document).find(name)
    if found is None:
        raise bad_callback("The callback policy does not exist.")
    return found


def _find(request: Request, name: str) -> str | None:
    """What the request says under that name, as base64."""
    in_header, in_query = request.headers.get(f"x-oss-{name}"), request.query.get(name)
    if in_header is not None and in_query is not None:
        raise INVALID_ARGUMENT(
            f"Either the {name} query string parameter or the x-oss-{name} header should be specified, not both.",
            ArgumentName=name,
        )
    return in_query if in_header is None else in_header


def _read_urls(call: Call, text: Any) -> tuple[str, ...]:
    if not isinstance(text, str):
        raise bad_callback("The callback url configuration is invalid.")
    urls = [url.strip() for url in text.split(";") if url.strip()]
    if len(urls) > CALLBACK_URLS_MAX:
        raise bad_callback("The number of callback url exceed max value.")
    if not urls:
        raise bad_callback("The callback url configuration is invalid.")
    return tuple(_read_url(call, url) for url in urls)


def _read_url(call: Call, url: str) -> str:
    if "://" not in url:
        url = f"http://{url}"
    host = find_host(url)
    if host is None:
        raise bad_callback("The callback url configuration is invalid.")
    if not call.ports.notifier.may_reach(host):
        raise bad_callback("Private address is forbidden to callback.")
    return url

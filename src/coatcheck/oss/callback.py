"""Callback: an upload is told to an application of its owner's, whose answer becomes the upload's.

What is asked for is read before the body is stored (`read_callback`), so that a fault in it stores nothing; the
application is told after the commit (`tell`), so whatever it answers, the object stays. Source: OSS API reference,
Callback.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

from coatcheck.core.errors import CALLBACK_FAILED, INVALID_ARGUMENT, NOT_IMPLEMENTED, OssError
from coatcheck.core.limits import CALLBACK_MAX_BYTES, CALLBACK_URLS_MAX
from coatcheck.operations.commit import ReplacedMeanwhile
from coatcheck.ports.notifier import Forbidden, Notice, Response, Unreachable
from coatcheck.ports.object import ObjectRecord
from coatcheck.ports.renderer import Job
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import Request

from .call import Call

_HEADERS: Final = frozenset({"x-oss-callback", "x-oss-callback-var"})
_PARAMETERS: Final = frozenset({"callback", "callback-var"})
_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"
_IMAGE_INFO: Final = "${imageInfo."
_LAST_CHANCE: Final = "OSS can not connect to your callbackUrl, please check it."


@dataclass(frozen=True, slots=True)
class Callback:
    """What the uploader asked for. `variables` are the callback-var, whose names start with "x:"."""

    urls: tuple[str, ...]
    host: str
    body: str
    body_type: str
    variables: Mapping[str, str]


def read_callback(call: Call) -> Callback | None:
    """The callback that a request asks for, if it does.

    Raises: OssError INVALID_ARGUMENT, in OSS's words; NOT_IMPLEMENTED for a callback policy.
    """
    request = call.request
    if _HEADERS.isdisjoint(request.headers) and _PARAMETERS.isdisjoint(request.query.first):
        return None
    text = _find(request, "callback")
    if not text:
        raise _bad("The callback configuration is empty.")
    document = _read(text, "callback", "The callback configuration is not json format.")
    if "callbackPolicy" in document:
        raise NOT_IMPLEMENTED("Callback policies are not built yet.", Header="callbackPolicy")
    body, body_type = document.get("callbackBody"), document.get("callbackBodyType") or _FORM
    if not isinstance(body, str) or not body:
        raise _bad("The callback body is empty.")
    if body_type not in (_FORM, _JSON):
        raise _bad("The callback body type is invalid.")
    host = document.get("callbackHost") or ""
    if not isinstance(host, str) or not host.isascii() or not host.isprintable() or " " in host:
        raise _bad("The callback host configuration is invalid.")
    variables = _read_variables(_find(request, "callback-var"))
    return Callback(_read_urls(call, document.get("callbackUrl")), host, body, body_type, variables)


async def tell(call: Call, callback: Callback | None, record: ObjectRecord, reply: Reply, operation: str) -> Reply:
    """The reply to an upload that was stored: as it is without a callback, else with what the application answered.

    Raises: OssError CALLBACK_FAILED; the object stays.
    """
    if callback is None:
        return reply
    values = _values(call, record, operation)
    if _IMAGE_INFO in callback.body:
        values |= await _image_info(call, record)
    body = _fill(callback, values).encode("utf-8", "surrogateescape")
    response = await _tell_one_of(call, callback, body)
    if response.status != 200:
        raise CALLBACK_FAILED(f"Error status : {response.status}.")
    if not response.announced:
        raise CALLBACK_FAILED(f"Error status : {response.status}. User server missing content-length.")
    if response.body is None:
        raise CALLBACK_FAILED("The response body of the callback is too long.")
    try:
        json.loads(response.body)
    except (ValueError, RecursionError):
        raise CALLBACK_FAILED("Response body is not valid json format.") from None
    kept = tuple(header for header in reply.headers if header[0].lower() != b"content-type")
    return Reply(200, (*kept, (b"Content-Type", b"application/json")), response.body)


async def _tell_one_of(call: Call, callback: Callback, body: bytes) -> Response:
    """Try the addresses in turn until one answers 200; what the last one said otherwise."""
    facts = (
        ("x-oss-request-id", call.request_id),
        ("x-oss-bucket", call.this_bucket.name),
        ("x-oss-object", quote(call.key, safe="/")),
        ("x-oss-owner", call.this_bucket.owner),
        ("x-oss-requester", call.caller.account or "anonymous"),
        ("x-oss-signature-version", "1.0"),
        ("x-oss-tag", "CALLBACK"),
    )
    response: Response | None = None
    refusal: OssError | None = None
    for url in callback.urls:
        try:
            response = await call.ports.notifier.send(Notice(url, callback.host, callback.body_type, body, facts))
        except Unreachable:
            refusal = CALLBACK_FAILED(f"Error status : 502. {_LAST_CHANCE}")
        except Forbidden:
            refusal = CALLBACK_FAILED("Private address is forbidden to callback.")
        else:
            if response.status == 200:
                return response
    if response is None:
        raise refusal or CALLBACK_FAILED()
    return response


# --- reading what is asked for ---------------------------------------------------------------------------------------


def _find(request: Request, name: str) -> str | None:
    in_header, in_query = request.headers.get(f"x-oss-{name}"), request.query.get(name)
    if in_header is not None and in_query is not None:
        raise INVALID_ARGUMENT(
            f"Either the {name} query string parameter or the x-oss-{name} header should be specified, not both.",
            ArgumentName=name,
        )
    return in_query if in_header is None else in_header


def _read(text: str, name: str, not_json: str) -> dict[str, Any]:
    """The JSON object in base64 that a parameter holds."""
    if len(text) > CALLBACK_MAX_BYTES:
        raise _bad(f"The length of {name} exceed max value.")
    try:
        decoded = base64.b64decode(text.replace(" ", "+"), validate=True)
    except (binascii.Error, ValueError):
        raise _bad(f"The {name} configuration is not base64 encoded.") from None
    try:
        document = json.loads(decoded)
    except (ValueError, RecursionError):
        raise _bad(not_json) from None
    if not isinstance(document, dict):
        raise _bad(not_json)
    return document


def _read_variables(text: str | None) -> dict[str, str]:
    if not text:
        return {}
    wrong = "The callback var is not expecten json."  # OSS's own spelling
    document = _read(text, "callback-var", wrong)
    if not all(name.startswith("x:") and isinstance(value, str) for name, value in document.items()):
        raise _bad(wrong)
    return document


def _read_urls(call: Call, text: Any) -> tuple[str, ...]:
    if not isinstance(text, str):
        raise _bad("The callback url configuration is invalid.")
    urls = [url.strip() for url in text.split(";") if url.strip()]
    if len(urls) > CALLBACK_URLS_MAX:
        raise _bad("The number of callback url exceed max value.")
    if not urls:
        raise _bad("The callback url configuration is invalid.")
    return tuple(_read_url(call, url) for url in urls)


def _read_url(call: Call, url: str) -> str:
    if "://" not in url:
        url = f"http://{url}"
    wrong = _bad("The callback url configuration is invalid.")
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise wrong
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise wrong from None
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or port == 0:
        raise wrong
    if not call.ports.notifier.may_reach(host):
        raise _bad("Private address is forbidden to callback.")
    return url


def _bad(message: str) -> OssError:
    return INVALID_ARGUMENT(message, ArgumentName="callback")


# --- filling in ------------------------------------------------------------------------------------------------------


def _values(call: Call, record: ObjectRecord, operation: str) -> dict[str, str | int]:
    """What the variables of a body stand for; one that isn't here is empty."""
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


async def _image_info(call: Call, record: ObjectRecord) -> dict[str, str | int]:
    """Size and format of a picture; empty for what is none, where pictures can't be read, and for one that somebody has
    replaced since it was stored."""
    from .picture import picture_of  # reading an object knows of links, and putting one of callbacks

    if call.ports.renderer is None:
        return {}
    try:
        told = await call.ports.renderer.render(Job("image/info", picture_of(call, call.this_bucket, record)))
    except (OssError, ReplacedMeanwhile):
        return {}
    if not isinstance(told.body, bytes):
        await told.body.close()
        return {}
    facts = json.loads(told.body)
    height, width, kind = (facts.get(name, {}).get("value", "") for name in ("ImageHeight", "ImageWidth", "Format"))
    numbers = {"imageInfo.height": height, "imageInfo.width": width}
    return {name: int(text) if text.isdigit() else text for name, text in numbers.items()} | {"imageInfo.format": kind}


def _fill(callback: Callback, values: Mapping[str, str | int]) -> str:
    """The body with its variables replaced: URL-encoded in a form; in JSON as JSON, quotes included unless the template
    has them around the variable."""
    write = _write_json if callback.body_type == _JSON else _write_form
    known = {**values, **callback.variables}
    return "".join(
        [write(known.get(text, ""), quoted) if is_name else text for text, is_name, quoted in _pieces(callback.body)]
    )


def _pieces(template: str) -> Iterator[tuple[str, bool, bool]]:
    """(text, False, False) and (name of a variable, True, whether it stands in quotes), in order."""
    at = 0
    while (begin := template.find("${", at)) >= 0 and (end := template.find("}", begin)) >= 0:
        yield template[at:begin], False, False
        quoted = template[begin - 1 : begin] == '"' and template[end + 1 : end + 2] == '"'
        yield template[begin + 2 : end], True, quoted
        at = end + 1
    yield template[at:], False, False


def _write_form(value: str | int, _: bool) -> str:
    return quote(str(value), safe="", errors="surrogateescape")


def _write_json(value: str | int, quoted: bool) -> str:
    text = json.dumps(value)
    return text[1:-1] if quoted and isinstance(value, str) else text

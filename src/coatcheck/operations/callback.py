"""Callback: an application of the uploader's hears of an object that was stored, and its answer becomes the upload's.

It hears after the commit, so whatever it answers, the object stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote

from msgspec import Struct

from coatcheck.core.errors import CALLBACK_FAILED, OssError
from coatcheck.ports.notifier import Forbidden, Notice, Response, Unreachable

from .context import Context

FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
_NO_ANSWER: Final = "OSS can not connect to your callbackUrl, please check it."

# What the variables of a body stand for, by name; one that isn't here is empty.
Facts = Mapping[str, str | int]


class Callback(Struct, frozen=True):
    """What the uploader asked for.

    Attributes:
        urls: tried in turn until one answers 200.
        host: for the Host header; "" for the URL's own.
        body: with variables, "${name}".
        body_type: FORM or JSON, which says how the variables are written.
        variables: of the uploader's own; none takes the place of a fact.
    """

    urls: tuple[str, ...]
    host: str
    body: str
    body_type: str
    variables: Mapping[str, str]

    def uses(self, prefix: str) -> bool:
        """Whether the body has a variable whose name begins so."""
        return f"${{{prefix}" in self.body


async def notify(
    context: Context, callback: Callback, facts: Facts, headers: tuple[tuple[str, str], ...] = ()
) -> bytes:
    """Send the callback, with its variables filled in.

    Args:
        headers: that go with it.
    Returns: what the application answered, a JSON document.
    Raises: OssError CALLBACK_FAILED.
    """
    body = fill(callback, facts).encode("utf-8", "surrogateescape")
    response = await _send(context, callback, body, headers)
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
    return response.body


async def _send(context: Context, callback: Callback, body: bytes, headers: tuple[tuple[str, str], ...]) -> Response:
    """The first answer of 200, else what the last application answered."""
    response: Response | None = None
    refusal: OssError | None = None
    for url in callback.urls:
        try:
            response = await context.ports.notifier.send(Notice(url, callback.host, callback.body_type, body, headers))
        except Unreachable:
            refusal = CALLBACK_FAILED(f"Error status : 502. {_NO_ANSWER}")
        except Forbidden:
            refusal = CALLBACK_FAILED("Private address is forbidden to callback.")
        else:
            if response.status == 200:
                return response
    if response is None:
        raise refusal or CALLBACK_FAILED()
    return response


def fill(callback: Callback, facts: Facts) -> str:
    """The body with its variables replaced: URL-encoded in a form; in JSON as JSON, quotes included unless the template
    has them around the variable."""
    write = _write_json if callback.body_type == JSON else _write_form
    known = {**callback.variables, **facts}
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

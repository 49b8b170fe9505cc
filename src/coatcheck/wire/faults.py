"""OssError -> Reply: the XML error body, or for HEAD the same document in `x-oss-err`, but for its hint.

Order of the elements: Code, Message, RequestId, HostId, then the error's own, then EC. Source: OSS error responses. The
last one, Hint, is ours.
"""

from __future__ import annotations

import base64
from typing import Final

from coatcheck.core.errors import OssError
from coatcheck.core.limits import ECHO_MAX_CHARS
from coatcheck.core.xml import Node, write_xml

from .reply import RawHeader, Reply

_HEADER_MAX_BYTES: Final = 8 * 1024
_SHORT_MAX_CHARS: Final = 512


def fault_reply(error: OssError, *, method: str, host: str, request_id: str) -> Reply:
    """The refusal as the client gets it."""
    hint = "" if method == "HEAD" else error.hint
    document = write_fault(error, host=host, request_id=request_id, hint=hint)
    headers: list[RawHeader] = [*error.headers]
    if error.ec:
        headers.append((b"x-oss-ec", error.ec.encode()))
    if method == "HEAD":
        encoded = base64.b64encode(document)
        if len(encoded) > _HEADER_MAX_BYTES:
            encoded = base64.b64encode(_write_short(error, request_id))
        headers.append((b"x-oss-err", encoded))
        return Reply(error.status, tuple(headers), content_length=0)
    headers.append((b"Content-Type", b"application/xml"))
    return Reply(error.status, tuple(headers), document)


def write_fault(error: OssError, *, host: str, request_id: str, hint: str = "") -> bytes:
    nodes: list[Node] = [
        ("Code", error.code),
        ("Message", cut(error.message)),
        ("RequestId", request_id),
        ("HostId", cut(host)),
        *((name, cut(value)) for name, value in error.facts.items()),
        *error.nested,
    ]
    if error.ec:
        nodes.append(("EC", error.ec))
    if hint:
        nodes.append(("Hint", cut(hint)))
    return write_xml("Error", nodes)


def cut(text: str) -> str:
    """What a refusal repeats of the request: a stranger's long text doesn't come back as a longer one."""
    if len(text) <= ECHO_MAX_CHARS:
        return text
    return f"{text[:ECHO_MAX_CHARS]}... (cut off: {len(text) - ECHO_MAX_CHARS} more characters)"


def _write_short(error: OssError, request_id: str) -> bytes:
    """Without what the request itself said at length: an SDK that finds no document knows no code."""
    nodes: list[Node] = [("Code", error.code), ("Message", error.message[:_SHORT_MAX_CHARS]), ("RequestId", request_id)]
    if error.ec:
        nodes.append(("EC", error.ec))
    return write_xml("Error", nodes)

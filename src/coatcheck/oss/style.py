"""PutStyle, GetStyle, ListStyle, DeleteStyle: plans of processing under a name. Source: OSS API reference, those names.

Each style is a setting of its bucket, "style/NAME": JSON with content, category and the two moments in Unix seconds.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from coatcheck.core.errors import (
    BAD_STYLE,
    INVALID_ARGUMENT,
    MALFORMED_XML,
    NO_SUCH_STYLE,
    TOO_MANY_STYLES,
)
from coatcheck.core.limits import PLAN_MAX_BYTES, STYLE_NAME_MAX_CHARS, STYLES_PER_BUCKET
from coatcheck.core.times import write_http_date
from coatcheck.core.xml import Node, write_xml
from coatcheck.ports.bucket import Bucket
from coatcheck.wire.reply import Reply

from .arguments import read_document
from .call import Call
from .settings_kept import change_setting, drop_setting

_PREFIX: Final = "style/"
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
_REFUSED: Final = frozenset(";()'*? \t\r\n|")  # the last is how a result is saved, which a style can't say
_CATEGORIES: Final = ("image", "document", "video")


async def put_style(call: Call) -> Reply:
    """PutStyle: made, or replaced; the moment it was made stays."""
    name = read_style_name(call.request.query.get("styleName") or "")
    category = call.request.query.get("category") or _CATEGORIES[0]
    if category not in _CATEGORIES:
        raise INVALID_ARGUMENT(
            f"The value: {category[:64]} of parameter: category is invalid.", ArgumentName="category"
        )
    content = (await read_document(call.request, "Style")).findtext("Content")
    if content is None:
        raise MALFORMED_XML(f"{MALFORMED_XML.message} Content is missing.")
    content = content.strip()
    if not content or len(content.encode()) > PLAN_MAX_BYTES or not _REFUSED.isdisjoint(content):
        raise BAD_STYLE()
    now = int(call.now)

    def put(bucket: Bucket) -> str:
        known = _find(bucket, name)
        if known is None and sum(setting.startswith(_PREFIX) for setting, _ in bucket.settings) >= STYLES_PER_BUCKET:
            raise TOO_MANY_STYLES()
        created = now if known is None else known["created"]
        style = {"content": content, "category": category, "created": created, "modified": now}
        return json.dumps(style, ensure_ascii=False)

    await change_setting(call, _PREFIX + name, put)
    return Reply(200)


async def get_style(call: Call) -> Reply:
    """GetStyle."""
    name = read_style_name(call.request.query.get("styleName") or "")
    style = _find(call.this_bucket, name)
    if style is None:
        raise NO_SUCH_STYLE(StyleName=name)
    return _xml("Style", _nodes(name, style))


async def list_style(call: Call) -> Reply:
    """ListStyle: all of the bucket's, by name."""
    names = sorted(s.removeprefix(_PREFIX) for s, _ in call.this_bucket.settings if s.startswith(_PREFIX))
    styles = ((name, _find(call.this_bucket, name)) for name in names)
    return _xml("StyleList", [("Style", _nodes(name, style)) for name, style in styles if style is not None])


async def delete_style(call: Call) -> Reply:
    """DeleteStyle: fine if there is none."""
    await drop_setting(call, _PREFIX + read_style_name(call.request.query.get("styleName") or ""))
    return Reply(204)


def read_style_name(name: str) -> str:
    """Raises: OssError INVALID_ARGUMENT."""
    if not 0 < len(name) <= STYLE_NAME_MAX_CHARS or not _NAME.fullmatch(name):
        length = not 0 < len(name) <= STYLE_NAME_MAX_CHARS
        shown = name.encode("utf-8", "replace").decode()[: STYLE_NAME_MAX_CHARS + 1]
        raise INVALID_ARGUMENT(
            f"The value: {shown} of parameter: stylename is invalid.",
            ec="0017-00000250" if length else "0017-00000251",
            ArgumentName="stylename",
            ArgumentValue=shown,
        )
    return name


def style_content(bucket: Bucket, name: str) -> str | None:
    """The text of a style; None if the bucket has none of that name."""
    style = _find(bucket, name)
    return None if style is None else str(style["content"])


def _find(bucket: Bucket, name: str) -> dict[str, Any] | None:
    text = bucket.setting(_PREFIX + name)
    return None if text is None else dict(json.loads(text))


def _nodes(name: str, style: dict[str, Any]) -> list[Node]:
    return [
        ("Name", name),
        ("Content", str(style["content"])),
        ("Category", str(style["category"])),
        ("CreateTime", write_http_date(int(style["created"]))),
        ("LastModifyTime", write_http_date(int(style["modified"]))),
    ]


def _xml(root: str, nodes: list[Node]) -> Reply:
    return Reply(200, ((b"Content-Type", b"application/xml"),), write_xml(root, nodes))

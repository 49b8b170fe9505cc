"""PutStyle, GetStyle, ListStyle, DeleteStyle: plans of processing under a name.

Source: OSS API reference, the operations of those names.
"""

from __future__ import annotations

from msgspec.structs import replace

from coatcheck.configurations import style
from coatcheck.configurations.style import CATEGORIES, PREFIX, Style, find_style, style_names
from coatcheck.core.errors import INVALID_ARGUMENT, NO_SUCH_STYLE, TOO_MANY_STYLES
from coatcheck.core.limits import STYLES_PER_BUCKET
from coatcheck.core.xml import Node
from coatcheck.ports.bucket import Bucket
from coatcheck.wire.reply import Reply

from .arguments import read_document
from .call import Call
from .configuration import show
from .documents_kept import change_document, drop_document


async def put_style(call: Call) -> Reply:
    """PutStyle: made, or replaced; the moment it was made stays."""
    name = _read_name(call)
    category = call.request.query.get("category") or CATEGORIES[0]
    if category not in CATEGORIES:
        raise INVALID_ARGUMENT(
            f"The value: {category[:64]} of parameter: category is invalid.", ArgumentName="category"
        )
    content = style.read_content(await read_document(call.request, style.ROOT))
    new = Style(content, category, int(call.now), int(call.now))

    def put(bucket: Bucket) -> str:
        known = find_style(bucket, name)
        if known is None and len(style_names(bucket)) >= STYLES_PER_BUCKET:
            raise TOO_MANY_STYLES()
        return style.to_json(new if known is None else replace(new, created=known.created))

    await change_document(call, PREFIX + name, put)
    return Reply(200)


async def get_style(call: Call) -> Reply:
    """GetStyle."""
    name = _read_name(call)
    found = find_style(call.this_bucket, name)
    if found is None:
        raise NO_SUCH_STYLE(StyleName=name)
    return show(style.ROOT, style.write(name, found))


async def list_style(call: Call) -> Reply:
    """ListStyle: all of the bucket's, by name."""
    return show("StyleList", [_node(call.this_bucket, name) for name in style_names(call.this_bucket)])


async def delete_style(call: Call) -> Reply:
    """DeleteStyle: fine if there is none."""
    await drop_document(call, PREFIX + _read_name(call))
    return Reply(204)


def _read_name(call: Call) -> str:
    return style.check_name(call.request.query.get("styleName") or "")


def _node(bucket: Bucket, name: str) -> Node:
    found = find_style(bucket, name)
    assert found is not None
    return style.ROOT, style.write(name, found)

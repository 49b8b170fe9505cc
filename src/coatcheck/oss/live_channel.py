"""ListLiveChannel. Live channels aren't built, so there is none to list; SDKs ask for them before they delete a bucket.

Source: OSS API reference, ListLiveChannel.
"""

from __future__ import annotations

from coatcheck.core.xml import Node, write_xml
from coatcheck.wire.reply import Reply

from .arguments import read_list_text, read_max_keys
from .call import Call


async def list_live_channel(call: Call) -> Reply:
    """ListLiveChannel: an empty page."""
    query = call.request.query
    nodes: list[Node] = [
        ("Prefix", read_list_text(query, "prefix")),
        ("Marker", read_list_text(query, "marker")),
        ("MaxKeys", read_max_keys(query)),
        ("IsTruncated", "false"),
    ]
    return Reply(200, ((b"Content-Type", b"application/xml"),), write_xml("ListLiveChannelResult", nodes))

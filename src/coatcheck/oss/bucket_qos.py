"""GetUserQosInfo; and which requests bring bytes that a bucket's storage capacity counts.

What a bucket's own documents say of both is put and shown like others (`configuration.py`). Source: oss2, its requests.
"""

from __future__ import annotations

from typing import Final

from coatcheck.configurations import qos
from coatcheck.core.xml import Node
from coatcheck.wire.reply import Reply

from .call import Call
from .configuration import show

# Copies count as nothing that is announced: they are refused where the bucket is full already.
BRINGING_BYTES: Final = frozenset(
    {"append_object", "copy_object", "post_object", "put_object", "upload_part", "upload_part_copy"}
)


def announced_bytes(call: Call) -> int:
    """How long the body says it is; of a form a little more than its file is. 0 where nothing says."""
    text = call.request.headers.get("content-length") or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 19 else 0


async def get_user_qos_info(call: Call) -> Reply:
    """GetUserQosInfo: an account has no limits here."""
    nodes: list[Node] = [("Region", f"oss-{call.settings.regions[0]}"), *qos.write(qos.Qos())]
    return show(qos.ROOT, nodes)

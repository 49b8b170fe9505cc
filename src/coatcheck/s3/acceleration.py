"""Whether a bucket answers at the accelerate endpoints, in S3's words. Source: S3 reference, section 11.4."""

from __future__ import annotations

from typing import Final

from coatcheck.configurations import transfer_acceleration
from coatcheck.configurations.elements import need_choice, texts
from coatcheck.configurations.transfer_acceleration import TransferAcceleration
from coatcheck.core.xml import Node
from coatcheck.oss.call import Call
from coatcheck.oss.documents_kept import keep_document
from coatcheck.wire.reply import Reply

from .documents import read_document, show

_ROOT: Final = "AccelerateConfiguration"
_SHAPE: Final = texts("Status")
_ENABLED: Final = "Enabled"
_SUSPENDED: Final = "Suspended"


async def put_bucket_accelerate_configuration(call: Call) -> Reply:
    """PutBucketAccelerateConfiguration."""
    status = need_choice(await read_document(call.request, _ROOT, _SHAPE), "Status", (_ENABLED, _SUSPENDED))
    document = transfer_acceleration.to_json(TransferAcceleration(status == _ENABLED))
    await keep_document(call, transfer_acceleration.NAME, document)
    return Reply(200)


async def get_bucket_accelerate_configuration(call: Call) -> Reply:
    """GetBucketAccelerateConfiguration: empty where it was never set."""
    stored = call.this_bucket.configuration(transfer_acceleration.NAME)
    nodes: list[Node] = []
    if stored is not None:
        nodes = [("Status", _ENABLED if transfer_acceleration.is_accelerated(stored) else _SUSPENDED)]
    return show(_ROOT, nodes)

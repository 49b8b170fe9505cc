"""Put, Get and DeletePublicAccessBlock, of the caller's account; a bucket's is a configuration like others.

Source: OSS API reference, the operations of those names. What it means for a decision is in `access/decide.py`.
"""

from __future__ import annotations

from coatcheck.configurations import public_access_block
from coatcheck.wire.reply import Reply

from .arguments import read_document
from .call import Call
from .configuration import show


async def put_public_access_block(call: Call) -> Reply:
    """PutPublicAccessBlock: for all buckets of the account."""
    await call.ports.catalog.set_account_public_access_block(call.caller.account, await read_block(call))
    return Reply(200)


async def get_public_access_block(call: Call) -> Reply:
    """GetPublicAccessBlock: false when never set."""
    return show_block(await call.ports.catalog.blocks_public_access(call.caller.account))


async def delete_public_access_block(call: Call) -> Reply:
    """DeletePublicAccessBlock."""
    await call.ports.catalog.set_account_public_access_block(call.caller.account, False)
    return Reply(204)


async def read_block(call: Call) -> bool:
    """The switch of a document that was sent. Raises: OssError MALFORMED_XML."""
    return public_access_block.read(await read_document(call.request, public_access_block.ROOT)).blocked


def show_block(blocked: bool) -> Reply:
    block = public_access_block.PublicAccessBlock(blocked)
    return show(public_access_block.ROOT, public_access_block.write(block))

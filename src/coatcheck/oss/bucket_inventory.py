"""PutBucketInventory, GetBucketInventory, ListBucketInventory, DeleteBucketInventory. The lists are written by
`background/inventory_run.py`.

Source: OSS API reference, the operations of those names.
"""

from __future__ import annotations

from msgspec.structs import replace

from coatcheck.configurations import inventory
from coatcheck.core.errors import (
    INVALID_ARGUMENT,
    INVENTORY_ALREADY_EXIST,
    INVENTORY_EXCEED_LIMIT,
    KMS_NOT_ENABLED,
    NO_SUCH_INVENTORY,
)
from coatcheck.core.limits import INVENTORIES_PER_BUCKET, INVENTORY_PAGE
from coatcheck.core.xml import Node
from coatcheck.identity.author import author_of
from coatcheck.wire.reply import Reply

from .arguments import read_document, read_token, write_token
from .call import Call
from .configuration import show
from .entries_kept import change_entry, drop_entry, find_entry, list_entries


async def put_bucket_inventory(call: Call) -> Reply:
    """PutBucketInventory: a new one; what is there is deleted first, by who wants another."""
    value = inventory.read(await read_document(call.request, inventory.ROOT))
    if value.inventory_id != _read_id(call):
        raise INVALID_ARGUMENT(
            "Id and inventoryId must be the same.", ArgumentName="Id", ArgumentValue=value.inventory_id
        )

    if value.target.encryption == "SSE-KMS":
        raise KMS_NOT_ENABLED()

    def put(before: str | None) -> str:
        if before is not None:
            raise INVENTORY_ALREADY_EXIST(InventoryId=value.inventory_id)
        return inventory.to_json(replace(value, author=author_of(call.caller, call.now)))

    await change_entry(
        call, inventory.KIND, value.inventory_id, put, most=INVENTORIES_PER_BUCKET, crowded=INVENTORY_EXCEED_LIMIT
    )
    return Reply(200)


async def get_bucket_inventory(call: Call) -> Reply:
    """GetBucketInventory."""
    inventory_id = _read_id(call)
    document = await find_entry(call, inventory.KIND, inventory_id)
    if document is None:
        raise NO_SUCH_INVENTORY(InventoryId=inventory_id)
    return show(inventory.ROOT, inventory.write(inventory.from_json(document)))


async def list_bucket_inventory(call: Call) -> Reply:
    """ListBucketInventory: a page by id; NoSuchInventory where there are none at all."""
    marker = read_token(call.request.query.get("continuation-token") or "")
    entries, more = await list_entries(call, inventory.KIND, marker=marker, limit=INVENTORY_PAGE)
    if not entries and not marker:
        raise NO_SUCH_INVENTORY()
    nodes: list[Node] = [(inventory.ROOT, inventory.write(inventory.from_json(document))) for _, document in entries]
    nodes.append(("IsTruncated", "true" if more else "false"))
    if more:
        nodes.append(("NextContinuationToken", write_token(entries[-1][0])))
    return show("ListInventoryConfigurationsResult", nodes)


async def delete_bucket_inventory(call: Call) -> Reply:
    """DeleteBucketInventory: fine if there is none."""
    inventory_id = _read_id(call)
    await drop_entry(call, inventory.KIND, inventory_id)
    await drop_entry(call, inventory.RUN_KIND, inventory_id)
    return Reply(204)


def _read_id(call: Call) -> str:
    return inventory.check_id(call.request.query.get("inventoryId") or "")

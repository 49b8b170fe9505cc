"""The operations on data redundancy transitions: a bucket's label changes, and a task keeps the record.

There is one way to go, so a bucket has one task at most. Source: OSS API reference, the operations of those names.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Final

from coatcheck.configurations import redundancy_transition
from coatcheck.configurations.redundancy_transition import AFTER, NAME, ROOT, Transition
from coatcheck.core.errors import INVALID_ARGUMENT, NO_SUCH_REDUNDANCY_TRANSITION
from coatcheck.core.xml import Node
from coatcheck.ports.bucket import Bucket
from coatcheck.wire.reply import Reply

from .arguments import read_max_keys, read_token, write_token
from .call import Call
from .configuration import show
from .documents_kept import change_bucket

_LIST: Final = "ListBucketDataRedundancyTransition"
_TARGET: Final = "x-oss-target-redundancy-type"
_TASK: Final = "x-oss-redundancy-transition-taskid"


async def create_bucket_data_redundancy_transition(call: Call) -> Reply:
    """CreateBucketDataRedundancyTransition: done at once; the task stays to be looked at."""
    target = call.request.query.get(_TARGET) or ""
    if target != AFTER:
        raise INVALID_ARGUMENT(f"{_TARGET} must be {AFTER}.", ArgumentName=_TARGET, ArgumentValue=target[:64])
    transition = Transition(secrets.token_hex(16), int(call.now))

    def change(bucket: Bucket) -> Bucket:
        if bucket.redundancy == AFTER:
            raise INVALID_ARGUMENT(f"The bucket is {AFTER} already.", ArgumentName=_TARGET, ArgumentValue=target)
        kept = bucket.with_configuration(NAME, redundancy_transition.to_json(transition))
        return replace(kept, redundancy=AFTER)

    await change_bucket(call, call.this_bucket, change)
    return show(ROOT, [("TaskId", transition.task_id)])


async def get_bucket_data_redundancy_transition(call: Call) -> Reply:
    """GetBucketDataRedundancyTransition."""
    task_id = _task_id(call)
    transition = _find(call.this_bucket)
    if transition is None or transition.task_id != task_id:
        raise NO_SUCH_REDUNDANCY_TRANSITION(TaskId=task_id)
    return show(ROOT, redundancy_transition.write(call.this_bucket.name, transition))


async def list_bucket_data_redundancy_transition(call: Call) -> Reply:
    """ListBucketDataRedundancyTransition: the bucket's, if it has one."""
    return show(_LIST, [*_nodes(call.this_bucket), ("IsTruncated", "false")])


async def list_user_data_redundancy_transition(call: Call) -> Reply:
    """ListUserDataRedundancyTransition: a page of those of the account's buckets, by the bucket's name."""
    query = call.request.query
    most, marker = read_max_keys(query), read_token(query.get("continuation-token") or "")
    buckets = [
        bucket
        for bucket in await call.ports.catalog.buckets_with_configuration(NAME)
        if bucket.owner == call.caller.account and bucket.name > marker
    ]
    nodes = [node for bucket in buckets[:most] for node in _nodes(bucket)]
    if len(buckets) <= most:
        return show(_LIST, [*nodes, ("IsTruncated", "false")])
    return show(
        _LIST, [*nodes, ("IsTruncated", "true"), ("NextContinuationToken", write_token(buckets[most - 1].name))]
    )


async def delete_bucket_data_redundancy_transition(call: Call) -> Reply:
    """DeleteBucketDataRedundancyTransition: the task goes, and what it did stays; fine if there is none of that id."""
    task_id = _task_id(call)

    def change(bucket: Bucket) -> Bucket:
        transition = _find(bucket)
        gone = transition is not None and transition.task_id == task_id
        return bucket.with_configuration(NAME, None) if gone else bucket

    await change_bucket(call, call.this_bucket, change)
    return Reply(204)


def _task_id(call: Call) -> str:
    return (call.request.query.get(_TASK) or "")[:64]


def _find(bucket: Bucket) -> Transition | None:
    document = bucket.configuration(NAME)
    return None if document is None else redundancy_transition.from_json(document)


def _nodes(bucket: Bucket) -> list[Node]:
    transition = _find(bucket)
    return [] if transition is None else [(ROOT, redundancy_transition.write(bucket.name, transition))]

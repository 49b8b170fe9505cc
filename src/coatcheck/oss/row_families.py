"""Rows of the table of routes that belong together: all that is about one kind of document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from coatcheck.access.actions import Action

from . import configuration
from .handlers import (
    access_monitor,
    access_point,
    async_fetch,
    bucket_inventory,
    bucket_lifecycle,
    bucket_logging,
    bucket_qos,
    bucket_replication,
    bucket_tags,
    bucket_website,
    bucket_worm,
    encryption,
    live_channel,
    public_access_block,
    redundancy_transition,
    retention,
    select_object,
)
from .row import Level, Row
from .through_point import NAME as POINT_NAME


def public_access_block_rows() -> Iterator[Row]:
    """Of the account."""
    block, name = public_access_block, "publicAccessBlock"
    yield Row("GET", Level.SERVICE, name, block.get_public_access_block, Action.GET_PUBLIC_ACCESS_BLOCK)
    yield Row("PUT", Level.SERVICE, name, block.put_public_access_block, Action.PUT_PUBLIC_ACCESS_BLOCK)
    yield Row("DELETE", Level.SERVICE, name, block.delete_public_access_block, Action.DELETE_PUBLIC_ACCESS_BLOCK)


def inventory_rows() -> Iterator[Row]:
    one, all_of_them = "inventory&inventoryId", "inventory"
    yield Row("PUT", Level.BUCKET, one, bucket_inventory.put_bucket_inventory, Action.PUT_BUCKET_INVENTORY)
    yield Row("GET", Level.BUCKET, one, bucket_inventory.get_bucket_inventory, Action.GET_BUCKET_INVENTORY)
    yield Row("DELETE", Level.BUCKET, one, bucket_inventory.delete_bucket_inventory, Action.DELETE_BUCKET_INVENTORY)
    yield Row("GET", Level.BUCKET, all_of_them, bucket_inventory.list_bucket_inventory, Action.LIST_BUCKET_INVENTORY)


def redundancy_transition_rows() -> Iterator[Row]:
    run, name = redundancy_transition, "redundancyTransition"
    task, create = f"{name}&x-oss-redundancy-transition-taskid", run.create_bucket_data_redundancy_transition
    get, delete = run.get_bucket_data_redundancy_transition, run.delete_bucket_data_redundancy_transition
    of_bucket, of_user = run.list_bucket_data_redundancy_transition, run.list_user_data_redundancy_transition
    yield Row("POST", Level.BUCKET, name, create, Action.CREATE_BUCKET_DATA_REDUNDANCY_TRANSITION)
    yield Row("GET", Level.BUCKET, task, get, Action.GET_BUCKET_DATA_REDUNDANCY_TRANSITION)
    yield Row("DELETE", Level.BUCKET, task, delete, Action.DELETE_BUCKET_DATA_REDUNDANCY_TRANSITION)
    yield Row("GET", Level.BUCKET, name, of_bucket, Action.LIST_BUCKET_DATA_REDUNDANCY_TRANSITION)
    yield Row("GET", Level.SERVICE, name, of_user, Action.LIST_USER_DATA_REDUNDANCY_TRANSITION)


def replication_rows() -> Iterator[Row]:
    run, name = bucket_replication, "replication"
    location, progress = run.get_bucket_replication_location, run.get_bucket_replication_progress
    yield Row("POST", Level.BUCKET, f"comp=add&{name}", run.put_bucket_replication, Action.PUT_BUCKET_REPLICATION)
    yield Row("GET", Level.BUCKET, name, run.get_bucket_replication, Action.GET_BUCKET_REPLICATION)
    yield Row("GET", Level.BUCKET, f"{name}Location", location, Action.GET_BUCKET_REPLICATION_LOCATION)
    yield Row("GET", Level.BUCKET, f"{name}Progress", progress, Action.GET_BUCKET_REPLICATION_PROGRESS)
    delete = run.delete_bucket_replication
    yield Row("POST", Level.BUCKET, f"comp=delete&{name}", delete, Action.DELETE_BUCKET_REPLICATION)
    yield Row("PUT", Level.BUCKET, "rtc", run.put_bucket_rtc, Action.PUT_BUCKET_RTC)


def live_channel_rows() -> Iterator[Row]:
    run, name = live_channel, "live"
    yield Row("GET", Level.BUCKET, name, run.list_live_channel, Action.LIST_LIVE_CHANNEL)
    yield Row("PUT", Level.OBJECT, name, run.put_live_channel, Action.PUT_LIVE_CHANNEL)
    yield Row("PUT", Level.OBJECT, "live&status", run.put_live_channel_status, Action.PUT_LIVE_CHANNEL_STATUS)
    yield Row("GET", Level.OBJECT, name, run.get_live_channel_info, Action.GET_LIVE_CHANNEL)
    yield Row("GET", Level.OBJECT, "comp=stat&live", run.get_live_channel_stat, Action.GET_LIVE_CHANNEL_STAT)
    yield Row("GET", Level.OBJECT, "comp=history&live", run.get_live_channel_history, Action.GET_LIVE_CHANNEL_HISTORY)
    yield Row("DELETE", Level.OBJECT, name, run.delete_live_channel, Action.DELETE_LIVE_CHANNEL)
    yield Row("POST", Level.OBJECT, "vod", run.post_vod_playlist, Action.POST_VOD_PLAYLIST)
    yield Row("GET", Level.OBJECT, "vod", run.get_vod_playlist, Action.GET_VOD_PLAYLIST)


def async_fetch_rows() -> Iterator[Row]:
    run, name = async_fetch, "asyncFetch"
    yield Row("POST", Level.BUCKET, name, run.put_async_fetch_task, Action.PUT_ASYNC_FETCH_TASK)
    yield Row("GET", Level.BUCKET, name, run.get_async_fetch_task, Action.GET_ASYNC_FETCH_TASK)


def access_point_rows() -> Iterator[Row]:
    run, name, policy = access_point, "accessPoint", "accessPointPolicy"
    block = f"publicAccessBlock&{POINT_NAME}"
    put_block, get_block = run.put_access_point_public_access_block, run.get_access_point_public_access_block
    drop_block = run.delete_access_point_public_access_block
    yield Row("PUT", Level.BUCKET, name, run.create_access_point, Action.CREATE_ACCESS_POINT)
    yield Row("GET", Level.BUCKET, name, run.list_access_points, Action.LIST_ACCESS_POINTS)
    yield Row("GET", Level.BUCKET, name, run.get_access_point, Action.GET_ACCESS_POINT, header=POINT_NAME)
    yield Row("GET", Level.SERVICE, name, run.list_access_points, Action.LIST_ACCESS_POINTS)
    yield Row("DELETE", Level.BUCKET, name, run.delete_access_point, Action.DELETE_ACCESS_POINT)
    yield Row("PUT", Level.BUCKET, policy, run.put_access_point_policy, Action.PUT_ACCESS_POINT_POLICY)
    yield Row("GET", Level.BUCKET, policy, run.get_access_point_policy, Action.GET_ACCESS_POINT_POLICY)
    yield Row("DELETE", Level.BUCKET, policy, run.delete_access_point_policy, Action.DELETE_ACCESS_POINT_POLICY)
    yield Row("PUT", Level.BUCKET, block, put_block, Action.PUT_ACCESS_POINT_PUBLIC_ACCESS_BLOCK)
    yield Row("GET", Level.BUCKET, block, get_block, Action.GET_ACCESS_POINT_PUBLIC_ACCESS_BLOCK)
    yield Row("DELETE", Level.BUCKET, block, drop_block, Action.DELETE_ACCESS_POINT_PUBLIC_ACCESS_BLOCK)


def worm_rows() -> Iterator[Row]:
    run, one = bucket_worm, "wormId"
    yield Row("POST", Level.BUCKET, "worm", run.initiate_bucket_worm, Action.INITIATE_BUCKET_WORM)
    yield Row("DELETE", Level.BUCKET, "worm", run.abort_bucket_worm, Action.ABORT_BUCKET_WORM)
    yield Row("GET", Level.BUCKET, "worm", run.get_bucket_worm, Action.GET_BUCKET_WORM)
    yield Row("POST", Level.BUCKET, one, run.complete_bucket_worm, Action.COMPLETE_BUCKET_WORM)
    yield Row("POST", Level.BUCKET, f"wormExtend&{one}", run.extend_bucket_worm, Action.EXTEND_BUCKET_WORM)
    for method, name, handler, action in (
        ("PUT", "retention", retention.put_object_retention, Action.PUT_OBJECT_RETENTION),
        ("GET", "retention", retention.get_object_retention, Action.GET_OBJECT_RETENTION),
        ("PUT", "legalHold", retention.put_object_legal_hold, Action.PUT_OBJECT_LEGAL_HOLD),
        ("GET", "legalHold", retention.get_object_legal_hold, Action.GET_OBJECT_LEGAL_HOLD),
    ):
        yield Row(method, Level.OBJECT, name, handler, action, reads_object=True)


# What is more than putting, giving and dropping a document.
_OWN_HANDLERS: Final = {
    run.__name__: run
    for run in (
        bucket_lifecycle.put_bucket_lifecycle,
        encryption.put_bucket_encryption,
        access_monitor.put_bucket_access_monitor,
        bucket_logging.put_bucket_logging,
        bucket_qos.get_bucket_storage_quota,
        bucket_website.put_bucket_website,
        bucket_tags.delete_bucket_tags,
        bucket_worm.put_bucket_object_worm_configuration,
    )
}


def configuration_rows() -> Iterator[Row]:
    """Of every document in `configurations/table.py`."""
    for method, sub_resource, run, action in configuration.routes():
        yield Row(method, Level.BUCKET, sub_resource, _OWN_HANDLERS.get(run.__name__, run), action)


# Selects an operation with POST only: without a value, or with those of SelectObject. With GET it says what to make of
# the object.
PROCESS: Final = "x-oss-process"


def select_rows() -> Iterator[Row]:
    """Whoever may read the object may have it searched."""
    for kind in ("csv", "json"):
        for word, run in (("select", select_object.select_object), ("meta", select_object.create_select_object_meta)):
            yield Row("POST", Level.OBJECT, f"{PROCESS}={kind}/{word}", run, Action.GET_OBJECT, reads_object=True)

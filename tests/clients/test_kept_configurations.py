"""Documents that are mostly kept and shown, as official SDKs make them and read them back."""

from __future__ import annotations

import base64
import json
from typing import Any

import alibabacloud_oss_v2 as oss
import oss2
import pytest

from ..server_process import ServerProcess
from .conftest import make_bucket
from .test_bucket_configurations import an_oss2_bucket
from .test_sdk_v2 import a_client


@pytest.fixture
def v2(live_server: ServerProcess) -> Any:
    return a_client(live_server)


@pytest.fixture
def new_bucket(live_server: ServerProcess) -> str:
    return make_bucket(live_server)


@pytest.fixture
def v1(live_server: ServerProcess, new_bucket: str) -> Any:
    return an_oss2_bucket(live_server, new_bucket)


def code_of(error: pytest.ExceptionInfo[Any]) -> str:
    return str(error.value.unwrap().code)


def test_transfer_acceleration(v2: Any, v1: Any, new_bucket: str) -> None:
    with pytest.raises(oss2.exceptions.NoSuchTransferAccelerationConfiguration):
        v1.get_bucket_transfer_acceleration()
    v1.put_bucket_transfer_acceleration("true")
    got = v2.get_bucket_transfer_acceleration(oss.GetBucketTransferAccelerationRequest(bucket=new_bucket))
    assert got.transfer_acceleration_configuration.enabled is True
    off = oss.TransferAccelerationConfiguration(enabled=False)
    v2.put_bucket_transfer_acceleration(
        oss.PutBucketTransferAccelerationRequest(bucket=new_bucket, transfer_acceleration_configuration=off)
    )
    assert v1.get_bucket_transfer_acceleration().enabled == "false"


def test_overwrite_rules(v2: Any, new_bucket: str) -> None:
    rule = oss.OverwriteRule(
        action="forbid", prefix="kept/", principals=oss.OverwritePrincipals(principals=["*"]), id="rule-1"
    )
    v2.put_bucket_overwrite_config(
        oss.PutBucketOverwriteConfigRequest(
            bucket=new_bucket, overwrite_configuration=oss.OverwriteConfiguration(rules=[rule])
        )
    )
    got = v2.get_bucket_overwrite_config(oss.GetBucketOverwriteConfigRequest(bucket=new_bucket))
    (found,) = got.overwrite_configuration.rules
    assert (found.id, found.action, found.prefix, found.principals.principals) == ("rule-1", "forbid", "kept/", ["*"])
    v2.put_object(oss.PutObjectRequest(bucket=new_bucket, key="kept/a", body=b"first"))
    with pytest.raises(oss.exceptions.OperationError) as refused:
        v2.put_object(oss.PutObjectRequest(bucket=new_bucket, key="kept/a", body=b"second"))
    assert code_of(refused) == "FileAlreadyExists"
    v2.delete_bucket_overwrite_config(oss.DeleteBucketOverwriteConfigRequest(bucket=new_bucket))
    v2.put_object(oss.PutObjectRequest(bucket=new_bucket, key="kept/a", body=b"second"))


def test_resource_group_and_access_monitor(v2: Any, v1: Any, new_bucket: str) -> None:
    v1.put_bucket_resource_group("rg-abc123")
    got = v2.get_bucket_resource_group(oss.GetBucketResourceGroupRequest(bucket=new_bucket))
    assert got.bucket_resource_group_configuration.resource_group_id == "rg-abc123"
    listed = v2.list_buckets(oss.ListBucketsRequest(resource_group_id="rg-abc123"))
    assert [bucket.name for bucket in listed.buckets] == [new_bucket]
    v1.put_bucket_access_monitor("Enabled")
    monitor = v2.get_bucket_access_monitor(oss.GetBucketAccessMonitorRequest(bucket=new_bucket))
    assert monitor.access_monitor_configuration.status == "Enabled"
    assert v1.get_bucket_info().access_monitor == "Enabled"


def test_archived_objects_are_read_directly(v2: Any, v1: Any, new_bucket: str) -> None:
    v2.put_object(oss.PutObjectRequest(bucket=new_bucket, key="old", body=b"hello", storage_class="Archive"))
    with pytest.raises(oss2.exceptions.ServerError) as refused:
        v1.get_object("old")
    assert refused.value.code == "InvalidObjectState"
    v1.put_bucket_archive_direct_read(True)
    got = v2.get_bucket_archive_direct_read(oss.GetBucketArchiveDirectReadRequest(bucket=new_bucket))
    assert got.archive_direct_read_configuration.enabled is True
    assert v1.get_object("old").read() == b"hello"


def test_callback_policies(v1: Any) -> None:
    callback = {"callbackUrl": "http://www.example.com/", "callbackBody": "x"}
    text = base64.b64encode(json.dumps(callback).encode()).decode()
    v1.put_bucket_callback_policy([oss2.models.CallbackPolicyInfo("first", text)])
    (found,) = v1.get_bucket_callback_policy().callback_policies
    assert (found.policy_name, found.callback, found.callback_var) == ("first", text, "")
    v1.delete_bucket_callback_policy()
    with pytest.raises(oss2.exceptions.ServerError) as refused:
        v1.get_bucket_callback_policy()
    assert refused.value.status == 404


def test_logging(v2: Any, v1: Any, new_bucket: str) -> None:
    v1.put_bucket_logging(oss2.models.BucketLogging(new_bucket, "log-"))
    got = v2.get_bucket_logging(oss.GetBucketLoggingRequest(bucket=new_bucket))
    enabled = got.bucket_logging_status.logging_enabled
    assert (enabled.target_bucket, enabled.target_prefix) == (new_bucket, "log-")
    v1.delete_bucket_logging()
    assert v1.get_bucket_logging().target_bucket == ""
    fields = oss.UserDefinedLogFieldsConfiguration(
        header_set=oss.LoggingHeaderSet(headers=["h1"]), param_set=oss.LoggingParamSet(parameters=["p1", "p2"])
    )
    v2.put_user_defined_log_fields_config(
        oss.PutUserDefinedLogFieldsConfigRequest(bucket=new_bucket, user_defined_log_fields_configuration=fields)
    )
    shown = v2.get_user_defined_log_fields_config(oss.GetUserDefinedLogFieldsConfigRequest(bucket=new_bucket))
    kept = shown.user_defined_log_fields_configuration
    assert (kept.header_set.headers, kept.param_set.parameters) == (["h1"], ["p1", "p2"])
    v2.delete_user_defined_log_fields_config(oss.DeleteUserDefinedLogFieldsConfigRequest(bucket=new_bucket))


def test_inventories(v2: Any, v1: Any, new_bucket: str) -> None:
    models = oss2.models
    target = models.InventoryBucketDestination(
        account_id="1000000000000001",
        role_arn="acs:ram::1000000000000001:role/r",
        bucket=new_bucket,
        inventory_format="CSV",
        prefix="lists/",
        sse_oss_encryption=models.InventoryServerSideEncryptionOSS(),
    )
    made = models.InventoryConfiguration(
        inventory_id="one",
        is_enabled=True,
        included_object_versions="All",
        inventory_filter=models.InventoryFilter(prefix="p", lower_size_bound=1),
        inventory_destination=models.InventoryDestination(target),
        inventory_schedule=models.InventorySchedule("Daily"),
        optional_fields=["Size", "ETag"],
    )
    v1.put_bucket_inventory_configuration(made)
    got = v2.get_bucket_inventory(oss.GetBucketInventoryRequest(bucket=new_bucket, inventory_id="one"))
    shown = got.inventory_configuration
    assert (shown.id, shown.is_enabled, shown.filter.prefix, shown.filter.lower_size_bound) == ("one", True, "p", 1)
    assert shown.optional_fields.fields == ["Size", "ETag"]
    shown.id = "two"
    shown.destination.oss_bucket_destination.encryption = None  # it loses SSE-OSS when it reads it
    v2.put_bucket_inventory(
        oss.PutBucketInventoryRequest(bucket=new_bucket, inventory_id="two", inventory_configuration=shown)
    )
    listed = v1.list_bucket_inventory_configurations()
    assert [each.inventory_id for each in listed.inventory_configurations] == ["one", "two"]
    assert listed.inventory_configurations[1].inventory_destination.bucket_destination.bucket == new_bucket
    pages = v2.list_bucket_inventory(oss.ListBucketInventoryRequest(bucket=new_bucket))
    assert len(pages.list_inventory_configurations_result.inventory_configurations) == 2
    v1.delete_bucket_inventory_configuration("one")
    with pytest.raises(oss2.exceptions.NoSuchInventory):
        v1.get_bucket_inventory_configuration("one")


def test_redundancy_transitions(v2: Any, v1: Any, new_bucket: str) -> None:
    task_id = v1.create_bucket_data_redundancy_transition("ZRS").task_id
    got = v2.get_bucket_data_redundancy_transition(
        oss.GetBucketDataRedundancyTransitionRequest(bucket=new_bucket, redundancy_transition_taskid=task_id)
    )
    shown = got.bucket_data_redundancy_transition
    assert (shown.task_id, shown.bucket, shown.status, shown.process_percentage) == (
        *(task_id, new_bucket, "Finished", 100),
    )
    assert v1.get_bucket_data_redundancy_transition(task_id).transition_status == "Finished"
    (listed,) = v1.list_bucket_data_redundancy_transition().data_redundancy_transitions
    assert listed.task_id == task_id
    users = v2.list_user_data_redundancy_transition(oss.ListUserDataRedundancyTransitionRequest(max_keys=100))
    found = users.list_bucket_data_redundancy_transition.bucket_data_redundancy_transition
    assert task_id in [each.task_id for each in found]
    v1.delete_bucket_data_redundancy_transition(task_id)
    with pytest.raises(oss.exceptions.OperationError) as refused:
        v2.get_bucket_data_redundancy_transition(
            oss.GetBucketDataRedundancyTransitionRequest(bucket=new_bucket, redundancy_transition_taskid=task_id)
        )
    assert code_of(refused) == "NoSuchDataRedundancyTransition"


def test_live_channels(v1: Any, live_server: ServerProcess) -> None:
    target = oss2.models.LiveChannelInfoTarget(frag_duration=5, frag_count=3, playlist_name="coats.m3u8")
    made = v1.create_live_channel("door", oss2.models.LiveChannelInfo("enabled", "the door", target))
    assert made.play_url.endswith("/door/coats.m3u8")
    assert made.publish_url.startswith("rtmp://")
    got = v1.get_live_channel("door")
    assert (got.description, got.status, got.target.playlist_name) == ("the door", "enabled", "coats.m3u8")
    v1.put_live_channel_status("door", "disabled")
    assert v1.get_live_channel_stat("door").status == "Disabled"
    assert v1.get_live_channel_history("door").records == []
    assert [channel.name for channel in oss2.LiveChannelIterator(v1)] == ["door"]
    v1.delete_live_channel("door")
    with pytest.raises(oss2.exceptions.NoSuchLiveChannel):
        v1.get_live_channel("door")


def test_qualities_of_service(v1: Any, live_server: ServerProcess) -> None:
    v1.put_bucket_qos_info(oss2.models.BucketQosInfo(total_upload_bw=10, intranet_upload_bw=-1, total_qps=1000))
    shown = v1.get_bucket_qos_info()
    assert (shown.total_upload_bw, shown.intranet_upload_bw, shown.extranet_download_bw) == (10, -1, -1)
    assert (shown.total_qps, shown.intranet_qps) == (1000, -1)
    assert v1.put_object("a.txt", b"hello").status == 200
    v1.delete_bucket_qos_info()
    assert v1.get_bucket_qos_info().total_upload_bw == -1
    service = oss2.Service(v1.auth, live_server.endpoint)
    assert (service.get_user_qos_info().region, service.get_user_qos_info().total_qps) == ("oss-cn-hangzhou", -1)

    v1.set_bucket_storage_capacity(oss2.models.BucketUserQos(0))
    assert v1.get_bucket_storage_capacity().storage_capacity == 0
    with pytest.raises(oss2.exceptions.OssError) as refused:
        v1.put_object("b.txt", b"hello")
    assert refused.value.code == "QuotaExceeded"
    v1.set_bucket_storage_capacity(oss2.models.BucketUserQos(-1))
    assert v1.put_object("b.txt", b"hello").status == 200

"""One session with every method of alibabacloud-oss-v2's client, each with arguments that make sense."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import alibabacloud_oss_v2 as oss

from .sdk_methods import Attempts, access_point_policy

PROCESS = "image/resize,w_10|sys/saveas,o_b3V0LnBuZw,b_"
_STATEMENT = '{"Effect": "Deny", "Action": ["oss:PutObject"], "Principal": ["1"], "Resource": ["acs:oss:*:*:*"]}'
POLICY = f'{{"Version": "1", "Statement": [{_STATEMENT}]}}'


def place_of(bucket: str) -> str:
    return urlsafe_b64encode(bucket.encode()).decode().rstrip("=")


def public_methods() -> set[str]:
    return {name for name in dir(oss.Client) if not name.startswith("_") and callable(getattr(oss.Client, name))}


class Session:
    """Calls methods by name; the class of a request follows from it."""

    def __init__(self, client: Any, attempts: Attempts, bucket: str) -> None:
        self.client = client
        self.attempts = attempts
        self.bucket = bucket

    def __call__(self, method: str, **arguments: Any) -> Any:
        """The result, or None where it failed."""
        words = {"bucket": self.bucket, **arguments}
        words = {name: value for name, value in words.items() if value is not ...}
        name = "".join(map(str.capitalize, method.split("_"))) + "Request"
        made = getattr(oss, name, None) or getattr(oss.models, name)
        return self.attempts.call(method, lambda: getattr(self.client, method)(made(**words)))

    def plain(self, method: str, call: Callable[[Any], Any]) -> Any:
        """One that takes no request."""
        return self.attempts.call(method, lambda: call(getattr(self.client, method)))


def run(client: Any, attempts: Attempts, prefix: str, picture: bytes, folder: Path) -> None:
    do = Session(client, attempts, f"{prefix}-a")
    versioned, other = f"{prefix}-v", f"{prefix}-t"
    do("put_bucket")
    for bucket in (versioned, other):
        client.put_bucket(oss.PutBucketRequest(bucket=bucket))
    enabled = oss.VersioningConfiguration(status="Enabled")
    client.put_bucket_versioning(oss.PutBucketVersioningRequest(bucket=versioned, versioning_configuration=enabled))
    _service(do)
    _objects(do, picture, folder)
    _uploads(do)
    _files(do, folder)
    _configurations(do, other)
    _policies(do)
    _worm(do, versioned)
    _names(do)
    _cloud(do)
    _ends(do)


def _service(do: Session) -> None:
    blocked = oss.PublicAccessBlockConfiguration(block_public_access=False)
    do("put_public_access_block", bucket=..., public_access_block_configuration=blocked)
    for method in ("get_public_access_block", "delete_public_access_block", "list_buckets", "describe_regions"):
        do(method, bucket=...)
    do("list_user_data_redundancy_transition", bucket=...)
    do("list_cloud_boxes", bucket=...)
    do.plain("list_buckets_paginator", lambda pages: list(pages().iter_page(oss.ListBucketsRequest())))
    for method in ("info", "location", "stat", "acl", "versioning"):
        do(f"get_bucket_{method}")
    do.plain("is_bucket_exist", lambda call: _true(call(do.bucket)))
    plain = oss.OperationInput(op_name="GetBucketAcl", method="GET", bucket=do.bucket, parameters={"acl": ""})
    do.plain("invoke_operation", lambda call: call(plain))


def _objects(do: Session, picture: bytes, folder: Path) -> None:
    do("put_object", key="a.csv", body=b"a,b\n1,2\n")
    do("put_object", key="a.png", body=picture)
    do("get_object", key="a.csv")
    do("head_object", key="a.csv")
    do("get_object_meta", key="a.csv")
    do("put_object_acl", key="a.csv", acl="private")
    do("get_object_acl", key="a.csv")
    tags = oss.Tagging(tag_set=oss.TagSet(tags=[oss.Tag(key="k", value="v")]))
    do("put_object_tagging", key="a.csv", tagging=tags)
    do("get_object_tagging", key="a.csv")
    do("delete_object_tagging", key="a.csv")
    do("put_symlink", key="link", symlink_target="a.csv")
    do("get_symlink", key="link")
    do("copy_object", key="copy", source_key="a.csv")
    do("append_object", key="log", position=0, body=b"one")
    do("seal_append_object", key="log", position=3)
    place = place_of(do.bucket)
    do("process_object", key="a.png", process=PROCESS + place)
    do("async_process_object", key="a.png", process=PROCESS + place)
    select = oss.models.SelectRequest(expression="c2VsZWN0ICogZnJvbSBvc3NvYmplY3Q=")
    do("select_object", key="a.csv", process="csv/select", select_request=select)
    do("create_select_object_meta", key="a.csv", process="csv/meta", select_meta_request=oss.models.CSVMetaRequest())
    do("put_object", key="old", body=b"x", storage_class="ColdArchive")
    do("restore_object", key="old", restore_request=oss.RestoreRequest(days=1))
    do.attempts.wait_restored(lambda: do.client.head_object(oss.HeadObjectRequest(bucket=do.bucket, key="old")).headers)
    do("clean_restored_object", key="old")
    for method in ("list_objects", "list_objects_v2", "list_object_versions"):
        do(method)
        name = "".join(map(str.capitalize, method.split("_"))) + "Request"
        asked = getattr(oss, name)(bucket=do.bucket)
        do.plain(f"{method}_paginator", partial(_all_pages, asked))
    do.plain("is_object_exist", lambda call: _true(call(do.bucket, "a.csv")))
    do.plain("presign", lambda call: call(oss.GetObjectRequest(bucket=do.bucket, key="a.csv")).url)


def _uploads(do: Session) -> None:
    begun = do("initiate_multipart_upload", key="parts")
    place = {"key": "parts", "upload_id": begun.upload_id}
    do("upload_part", **place, part_number=1, body=b"x" * 110_000)
    do("upload_part_copy", **place, part_number=2, source_key="a.csv")
    parts = do("list_parts", **place).parts
    asked = oss.ListPartsRequest(bucket=do.bucket, **place)
    do.plain("list_parts_paginator", lambda pages: list(pages().iter_page(asked)))
    do("list_multipart_uploads")
    uploads = oss.ListMultipartUploadsRequest(bucket=do.bucket)
    do.plain("list_multipart_uploads_paginator", lambda pages: list(pages().iter_page(uploads)))
    made = [oss.UploadPart(part_number=part.part_number, etag=part.etag) for part in parts]
    do("complete_multipart_upload", **place, complete_multipart_upload=oss.CompleteMultipartUpload(parts=made))
    again = do("initiate_multipart_upload", key="parts")
    do("abort_multipart_upload", key="parts", upload_id=again.upload_id)


def _files(do: Session, folder: Path) -> None:
    path = folder / "file"
    path.write_bytes(b"from a file")
    get, put = (made(bucket=do.bucket, key="file") for made in (oss.GetObjectRequest, oss.PutObjectRequest))
    do.plain("put_object_from_file", lambda call: call(put, str(path)))
    do.plain("get_object_to_file", lambda call: call(get, str(path)))
    do.plain("uploader", lambda call: call().upload_file(put, str(path)))
    do.plain("downloader", lambda call: call().download_file(get, str(path)))
    copy = oss.CopyObjectRequest(bucket=do.bucket, key="file 2", source_bucket=do.bucket, source_key="file")
    do.plain("copier", lambda call: call().copy(copy))
    do.plain("open_file", lambda call: _read(call(do.bucket, "file")))
    do.plain("append_file", lambda call: _append(call(do.bucket, "appended")))


def _read(file: Any) -> None:
    with file:
        assert file.read() == b"from a file"


def _append(file: Any) -> None:
    with file:
        file.write(b"more")


def _all_pages(asked: Any, pages: Callable[[], Any]) -> None:
    list(pages().iter_page(asked))


def _true(holds: bool) -> None:
    assert holds


def _documents(other: str) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """What is put, with what, and whether it can be deleted."""
    rule = oss.CORSRule(allowed_origins=["*"], allowed_methods=["GET"])
    yield "cors", {"cors_configuration": oss.CORSConfiguration(cors_rules=[rule])}, True
    aes = oss.ApplyServerSideEncryptionByDefault(sse_algorithm="AES256")
    sse = oss.ServerSideEncryptionRule(apply_server_side_encryption_by_default=aes)
    yield "encryption", {"server_side_encryption_rule": sse}, True
    old = oss.LifecycleRule(id="r", prefix="old/", status="Enabled", expiration=oss.LifecycleRuleExpiration(days=9))
    yield "lifecycle", {"lifecycle_configuration": oss.LifecycleConfiguration(rules=[old])}, True
    logging = oss.LoggingEnabled(target_bucket=other, target_prefix="log-")
    yield "logging", {"bucket_logging_status": oss.BucketLoggingStatus(logging_enabled=logging)}, True
    index = oss.WebsiteConfiguration(index_document=oss.IndexDocument(suffix="index.html"))
    yield "website", {"website_configuration": index}, True
    tags = oss.Tagging(tag_set=oss.TagSet(tags=[oss.Tag(key="k", value="v")]))
    yield "tags", {"tagging": tags}, True
    yield "policy", {"body": POLICY}, True
    block = oss.PublicAccessBlockConfiguration(block_public_access=False)
    yield "public_access_block", {"public_access_block_configuration": block}, True
    forbid = oss.OverwriteRule(action="forbid", prefix="kept/", id="r")
    yield "overwrite_config", {"overwrite_configuration": oss.OverwriteConfiguration(rules=[forbid])}, True
    yield "referer", {"referer_configuration": oss.RefererConfiguration(allow_empty_referer=True)}, False
    tls = oss.HttpsConfiguration(tls=oss.TLS(enable=False))
    yield "https_config", {"https_configuration": tls}, False
    monitor = oss.AccessMonitorConfiguration(status="Enabled")
    yield "access_monitor", {"access_monitor_configuration": monitor}, False
    direct = oss.ArchiveDirectReadConfiguration(enabled=True)
    yield "archive_direct_read", {"archive_direct_read_configuration": direct}, False
    payment = oss.RequestPaymentConfiguration(payer="BucketOwner")
    yield "request_payment", {"request_payment_configuration": payment}, False
    group = oss.BucketResourceGroupConfiguration(resource_group_id="rg-1")
    yield "resource_group", {"bucket_resource_group_configuration": group}, False
    fast = oss.TransferAccelerationConfiguration(enabled=True)
    yield "transfer_acceleration", {"transfer_acceleration_configuration": fast}, False
    yield "storage_quota", {"quota_configuration": oss.models.QuotaConfiguration(storage_quota=10)}, True
    yield "acl", {"acl": "private"}, False
    yield "versioning", {"versioning_configuration": oss.VersioningConfiguration(status="Suspended")}, False


def _configurations(do: Session, other: str) -> None:
    for name, words, deletable in _documents(other):
        do(f"put_bucket_{name}", **words)
        do(f"get_bucket_{name}")
        if name == "cors":
            do("option_object", key="a.csv", origin="https://a.example", access_control_request_method="GET")
        if name == "policy":
            do("get_bucket_policy_status")
        if deletable:
            do(f"delete_bucket_{name}")
    fields = oss.UserDefinedLogFieldsConfiguration(header_set=oss.LoggingHeaderSet(headers=["h"]))
    do("put_user_defined_log_fields_config", user_defined_log_fields_configuration=fields)
    do("get_user_defined_log_fields_config")
    do("delete_user_defined_log_fields_config")
    style = oss.StyleContent(content="image/resize,w_10")
    do("put_style", style_name="s", style=style)
    do("get_style", style_name="s")
    do("list_style")
    do("delete_style", style_name="s")
    _inventory(do, other)
    _replication(do, other)


def _inventory(do: Session, other: str) -> None:
    role = "acs:ram::1234567890123456:role/lister"
    target = oss.InventoryOSSBucketDestination(
        format="CSV", account_id=do.attempts.account, role_arn=role, bucket=f"acs:oss:::{other}"
    )
    made = oss.InventoryConfiguration(
        id="i",
        is_enabled=False,
        destination=oss.InventoryDestination(oss_bucket_destination=target),
        schedule=oss.InventorySchedule(frequency="Daily"),
        included_object_versions="All",
    )
    do("put_bucket_inventory", inventory_id="i", inventory_configuration=made)
    do("get_bucket_inventory", inventory_id="i")
    do("list_bucket_inventory")
    do("delete_bucket_inventory", inventory_id="i")


def _replication(do: Session, other: str) -> None:
    target = oss.ReplicationDestination(bucket=other, location="oss-cn-hangzhou")
    rule = oss.ReplicationRule(action="ALL", destination=target, historical_object_replication="disabled")
    put = do("put_bucket_replication", replication_configuration=oss.ReplicationConfiguration(rules=[rule]))
    rule_id = put.headers["x-oss-replication-rule-id"]
    do("get_bucket_replication")
    do("get_bucket_replication_location")
    do("get_bucket_replication_progress", rule_id=rule_id)
    rtc = oss.RtcConfiguration(rtc=oss.ReplicationTimeControl(status="enabled"), id=rule_id)
    do("put_bucket_rtc", rtc_configuration=rtc)
    do("delete_bucket_replication", replication_rules=oss.ReplicationRules(ids=[rule_id]))
    moved = do("create_bucket_data_redundancy_transition", target_redundancy_type="ZRS")
    task = moved.bucket_data_redundancy_transition.task_id
    do("get_bucket_data_redundancy_transition", redundancy_transition_taskid=task)
    do("list_bucket_data_redundancy_transition")
    do("delete_bucket_data_redundancy_transition", redundancy_transition_taskid=task)


def _policies(do: Session) -> None:
    point = oss.CreateAccessPointConfiguration(access_point_name="ap-session", network_origin="internet")
    do("create_access_point", create_access_point_configuration=point)
    name = {"access_point_name": "ap-session"}
    do("get_access_point", **name)
    do("list_access_points")
    do("put_access_point_policy", **name, body=access_point_policy(do.attempts.account))
    do("get_access_point_policy", **name)
    do("delete_access_point_policy", **name)
    block = oss.PublicAccessBlockConfiguration(block_public_access=True)
    do("put_access_point_public_access_block", **name, public_access_block_configuration=block)
    do("get_access_point_public_access_block", **name)
    do("delete_access_point_public_access_block", **name)
    do("delete_access_point", **name)


def _worm(do: Session, versioned: str) -> None:
    do(
        "put_bucket_object_worm_configuration",
        bucket=versioned,
        object_worm_configuration=oss.ObjectWormConfiguration(object_worm_enabled="Enabled"),
    )
    do("get_bucket_object_worm_configuration", bucket=versioned)
    do("put_object", bucket=versioned, key="held", body=b"x")
    held = {"bucket": versioned, "key": "held"}
    do("put_object_legal_hold", **held, legal_hold=oss.LegalHold(status="OFF"))
    do("get_object_legal_hold", **held)
    kept = oss.Retention(mode="GOVERNANCE", retain_until_date="2036-01-01T00:00:00.000Z")
    do("put_object_retention", **held, retention=kept)
    do("get_object_retention", **held)
    plain = f"{do.bucket}-w"
    do.client.put_bucket(oss.PutBucketRequest(bucket=plain))
    policy = oss.InitiateWormConfiguration(retention_period_in_days=1)
    do("initiate_bucket_worm", bucket=plain, initiate_worm_configuration=policy)
    do("get_bucket_worm", bucket=plain)
    do("abort_bucket_worm", bucket=plain)
    worm_id = do("initiate_bucket_worm", bucket=plain, initiate_worm_configuration=policy).worm_id
    do("complete_bucket_worm", bucket=plain, worm_id=worm_id)
    longer = oss.ExtendWormConfiguration(retention_period_in_days=2)
    do("extend_bucket_worm", bucket=plain, worm_id=worm_id, extend_worm_configuration=longer)


def _names(do: Session) -> None:
    domain = f"{do.bucket}.example.com"
    cname = oss.BucketCnameConfiguration(cname=oss.Cname(domain=domain))
    do("create_cname_token", bucket_cname_configuration=cname)
    do("get_cname_token", cname=domain)
    do("put_cname", bucket_cname_configuration=cname)
    do("list_cname")
    do("delete_cname", bucket_cname_configuration=cname)


def _cloud(do: Session) -> None:
    do("open_meta_query")
    do("get_meta_query_status")
    do("do_meta_query", meta_query=oss.MetaQuery(query='{"Field": "Size", "Value": "1", "Operation": "gt"}'))
    do("close_meta_query")
    do("do_meta_query_action", action="createDataset", body=b"{}")
    do("do_data_pipeline_action", bucket=..., action="listDataPipelines", body=b"{}")
    do("create_bucket_metadata_configuration", metadata_configuration=oss.MetadataConfiguration())
    do("get_bucket_metadata_configuration")
    inventory = oss.InventoryTableConfiguration()
    do("update_bucket_metadata_inventory_table_configuration", inventory_table_configuration=inventory)
    journal = oss.JournalTableConfiguration()
    do("update_bucket_metadata_journal_table_configuration", journal_table_configuration=journal)
    do("delete_bucket_metadata_configuration")


def _ends(do: Session) -> None:
    do("delete_object", key="copy")
    do("delete_multiple_objects", objects=[oss.DeleteObject(key="link")])
    empty = f"{do.bucket}-e"
    do.client.put_bucket(oss.PutBucketRequest(bucket=empty))
    do("delete_bucket", bucket=empty)

"""One session with every method of oss2's Service and Bucket, each with arguments that make sense."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import oss2

from .sdk_methods import Attempts, access_point_policy
from .session_sdk_v2 import POLICY, PROCESS, place_of

models = oss2.models


def public_methods() -> set[str]:
    """Two methods are there twice, in both classes, and count once each."""
    return {
        f"{kind.__name__}.{name}"
        for kind in (oss2.Service, oss2.Bucket)
        for name in dir(kind)
        if not name.startswith("_") and callable(getattr(kind, name))
    }


class Session:
    def __init__(self, attempts: Attempts, auth: Any, endpoint: str, prefix: str) -> None:
        self.attempts, self.prefix = attempts, prefix
        self._auth, self._endpoint = auth, endpoint
        self.service = oss2.Service(auth, endpoint)
        self.main = self.bucket("a")

    def bucket(self, letter: str) -> Any:
        return oss2.Bucket(self._auth, self._endpoint, f"{self.prefix}-{letter}", is_path_style=True)

    def __call__(self, method: str, *words: Any, on: Any = None, **named: Any) -> Any:
        """The result, or None where it failed; of the main bucket, unless another object is meant."""
        on = self.main if on is None else on
        name = f"{type(on).__name__}.{method}"
        return self.attempts.call(name, lambda: _read(getattr(on, method)(*words, **named)))


def _read(result: Any) -> Any:
    """A body is read to its end; a refusal may stand there."""
    if isinstance(result, models.GetObjectResult):
        result.read()
    return result


def run(auth: Any, endpoint: str, attempts: Attempts, prefix: str, picture: bytes, folder: Path) -> None:
    do = Session(attempts, auth, endpoint, prefix)
    do("create_bucket")
    for letter in "tv":
        do.bucket(letter).create_bucket()
    _service(do)
    _objects(do, picture, folder)
    _links(do, folder)
    _uploads(do)
    _configurations(do)
    _more_configurations(do)
    _access_points(do)
    _live(do)
    _cloud(do)
    _ends(do)


def _service(do: Session) -> None:
    on = do.service
    do("put_public_access_block", False, on=on)
    for method in ("get_public_access_block", "delete_public_access_block", "list_buckets", "describe_regions"):
        do(method, on=on)
    for method in ("get_user_qos_info", "list_access_points", "list_user_data_redundancy_transition"):
        do(method, on=on)
    do("list_resource_pools", on=on)
    for method in ("get_resource_pool_info", "list_resource_pool_buckets", "list_resource_pool_requester_qos_infos"):
        do(method, "pool", on=on)
    for method in ("get_resource_pool_requester_qos_info", "delete_resource_pool_requester_qos_info"):
        do(method, "1", "pool", on=on)
    do("put_resource_pool_requester_qos_info", "1", "pool", models.QoSConfiguration(total_upload_bw=1), on=on)
    do("write_get_object_response", "route", "token", "200", b"x", on=on)


def _objects(do: Session, picture: bytes, folder: Path) -> None:
    path = folder / "file"
    path.write_bytes(b"from a file")
    do("put_object", "a.csv", b"a,b\n1,2\n")
    do("put_object", "a.png", picture)
    do("put_object_from_file", "file", str(path))
    do("get_object", "a.csv")
    do("get_object_to_file", "a.csv", str(path))
    for method in ("head_object", "get_object_meta", "object_exists"):
        do(method, "a.csv")
    do("put_object_acl", "a.csv", "private")
    do("get_object_acl", "a.csv")
    rule = models.TaggingRule()
    rule.add("k", "v")
    do("put_object_tagging", "a.csv", models.Tagging(rule))
    do("get_object_tagging", "a.csv")
    do("delete_object_tagging", "a.csv")
    do("update_object_meta", "a.csv", {"x-oss-meta-k": "v"})
    do("put_symlink", "a.csv", "link")
    do("get_symlink", "link")
    do("copy_object", do.main.bucket_name, "a.csv", "copy")
    do("append_object", "log", 0, b"one")
    do("process_object", "a.png", PROCESS + place_of(do.main.bucket_name))
    do("async_process_object", "a.png", PROCESS + place_of(do.main.bucket_name))
    do("select_object", "a.csv", "select * from ossobject")
    do("select_object_to_file", "a.csv", str(path), "select * from ossobject")
    do("create_select_object_meta", "a.csv", {"RecordDelimiter": "\n"})
    do("put_object", "old", b"x", headers={"x-oss-storage-class": "ColdArchive"})
    do("restore_object", "old")
    for method in ("list_objects", "list_objects_v2", "list_object_versions"):
        do(method)


def _links(do: Session, folder: Path) -> None:
    path = folder / "linked"
    path.write_bytes(b"linked")
    get, put = do("sign_url", "GET", "a.csv", 60), do("sign_url", "PUT", "linked", 60)
    do("get_object_with_url", get)
    do("get_object_with_url_to_file", get, str(path))
    do("put_object_with_url", put, b"linked")
    do("put_object_with_url_from_file", put, str(path))


def _uploads(do: Session) -> None:
    upload_id = do("init_multipart_upload", "parts").upload_id
    do("upload_part", "parts", upload_id, 1, b"x" * 110_000)
    do("upload_part_copy", do.main.bucket_name, "a.csv", None, "parts", upload_id, 2)
    parts = do("list_parts", "parts", upload_id).parts
    do("list_multipart_uploads")
    do("complete_multipart_upload", "parts", upload_id, parts)
    do("abort_multipart_upload", "parts", do("init_multipart_upload", "parts").upload_id)


def _configurations(do: Session) -> None:
    rule = models.TaggingRule()
    rule.add("k", "v")
    old = models.LifecycleRule("r", "old/", expiration=models.LifecycleExpiration(days=9))
    put: dict[str, Any] = {
        "acl": "private",
        "cors": models.BucketCors([models.CorsRule(allowed_origins=["*"], allowed_methods=["GET"])]),
        "encryption": models.ServerSideEncryptionRule(sse_algorithm="AES256"),
        "lifecycle": models.BucketLifecycle([old]),
        "logging": models.BucketLogging(do.bucket("t").bucket_name, "log-"),
        "website": models.BucketWebsite("index.html", "error.html"),
        "tagging": models.Tagging(rule),
        "policy": POLICY,
        "public_access_block": False,
        "referer": models.BucketReferer(True, []),
        "https_config": SimpleNamespace(tls_enabled=False, tls_version=[]),
        "access_monitor": "Enabled",
        "archive_direct_read": True,
        "request_payment": "BucketOwner",
        "resource_group": "rg-1",
        "transfer_acceleration": "true",
        "qos_info": models.BucketQosInfo(total_upload_bw=10),
        "versioning": models.BucketVersioningConfig("Suspended"),
        "callback_policy": [models.CallbackPolicyInfo("p", b64encode(CALLBACK.encode()).decode())],
    }
    for name, value in put.items():
        do(f"put_bucket_{name}", value)
        do(f"get_bucket_{name}")
        if hasattr(do.main, f"delete_bucket_{name}"):
            do(f"delete_bucket_{name}")
    for method in ("info", "location", "stat"):
        do(f"get_bucket_{method}")
    do("set_bucket_storage_capacity", models.BucketUserQos(10))
    do("get_bucket_storage_capacity")


CALLBACK = json.dumps({"callbackUrl": "http://www.example.com/", "callbackBody": "x"})


def _more_configurations(do: Session) -> None:
    do("put_bucket_style", "s", "image/resize,w_10")
    do("get_bucket_style", "s")
    do("list_bucket_style")
    do("delete_bucket_style", "s")
    role = f"acs:ram::{do.attempts.account}:role/r"
    target = models.InventoryBucketDestination(do.attempts.account, role, do.bucket("t").bucket_name, "CSV")
    made = models.InventoryConfiguration(
        inventory_id="i",
        is_enabled=False,
        included_object_versions="All",
        inventory_destination=models.InventoryDestination(target),
        inventory_schedule=models.InventorySchedule("Daily"),
    )
    do("put_bucket_inventory_configuration", made)
    do("get_bucket_inventory_configuration", "i")
    do("list_bucket_inventory_configurations")
    do("delete_bucket_inventory_configuration", "i")
    rule = models.ReplicationRule(
        rule_id="rule",
        target_bucket_name=do.bucket("t").bucket_name,
        target_bucket_location="oss-cn-hangzhou",
        is_enable_historical_object_replication=False,
    )
    do("put_bucket_replication", rule)
    do("get_bucket_replication")
    do("get_bucket_replication_location")
    do("get_bucket_replication_progress", "rule")
    do("delete_bucket_replication", "rule")
    task = do("create_bucket_data_redundancy_transition", "ZRS").task_id
    do("get_bucket_data_redundancy_transition", task)
    do("list_bucket_data_redundancy_transition")
    do("delete_bucket_data_redundancy_transition", task)
    domain = f"{do.main.bucket_name}.example.com"
    do("create_bucket_cname_token", domain)
    do("get_bucket_cname_token", domain)
    do("put_bucket_cname", models.PutBucketCnameRequest(domain))
    do("list_bucket_cname")
    do("delete_bucket_cname", domain)
    plain = do.bucket("w")
    plain.create_bucket()
    do("init_bucket_worm", 1, on=plain)
    do("get_bucket_worm", on=plain)
    do("abort_bucket_worm", on=plain)
    worm_id = do("init_bucket_worm", 1, on=plain).worm_id
    do("complete_bucket_worm", worm_id, on=plain)
    do("extend_bucket_worm", worm_id, 2, on=plain)


def _access_points(do: Session) -> None:
    do("create_access_point", models.CreateAccessPointRequest("ap-session", "internet"))
    do("get_access_point", "ap-session")
    do("list_bucket_access_points")
    do("put_access_point_policy", "ap-session", access_point_policy(do.attempts.account))
    do("get_access_point_policy", "ap-session")
    do("delete_access_point_policy", "ap-session")
    do("put_access_point_public_access_block", "ap-session", True)
    do("get_access_point_public_access_block", "ap-session")
    do("delete_access_point_public_access_block", "ap-session")
    do("delete_access_point", "ap-session")


def _live(do: Session) -> None:
    target = models.LiveChannelInfoTarget(playlist_name="a.m3u8")
    do("create_live_channel", "live", models.LiveChannelInfo("enabled", "", target))
    for method in ("get_live_channel", "get_live_channel_stat", "get_live_channel_history"):
        do(method, "live")
    do("list_live_channel")
    do("put_live_channel_status", "live", "disabled")
    do("sign_rtmp_url", "live", "a.m3u8", 60)
    do("post_vod_playlist", "live", "vod.m3u8", 1_772_690_000, 1_772_694_000)
    do("get_vod_playlist", "live", 1_772_690_000, 1_772_694_000)
    do("delete_live_channel", "live")


def _cloud(do: Session) -> None:
    for method in ("open_bucket_meta_query", "get_bucket_meta_query_status", "close_bucket_meta_query"):
        do(method)
    do("do_bucket_meta_query", models.MetaQuery(max_results=1, query=json.dumps({"Field": "Size"})))
    do("put_bucket_requester_qos_info", "1", models.QoSConfiguration(total_upload_bw=1))
    do("get_bucket_requester_qos_info", "1")
    do("list_bucket_requester_qos_infos")
    do("delete_bucket_requester_qos_info", "1")
    task = do("put_async_fetch_task", models.AsyncFetchTaskConfiguration("http://www.example.com/a", "fetched"))
    do("get_async_fetch_task", task.task_id)


def _ends(do: Session) -> None:
    do("delete_object", "copy")
    do("batch_delete_objects", ["link", "linked"])
    versions = models.BatchDeleteObjectVersionList([models.BatchDeleteObjectVersion("log", "null")])
    do("delete_object_versions", versions)
    empty = do.bucket("e")
    empty.create_bucket()
    do("delete_bucket", on=empty)

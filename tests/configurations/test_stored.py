"""The stored form, word for word: it lies in data directories, so it changes only with a version."""

from __future__ import annotations

import pytest
from msgspec import Struct

from coatcheck.configurations import (
    access_monitor,
    archive_direct_read,
    bucket_logging,
    callback_policy,
    cors,
    encryption,
    fetch_task,
    https,
    inventory,
    lifecycle,
    live_channel,
    log_fields,
    object_worm,
    overwrite,
    public_access_block,
    redundancy_transition,
    referer,
    request_payment,
    resource_group,
    storage_quota,
    style,
    tags,
    transfer_acceleration,
    website,
)
from coatcheck.configurations.lifecycle import Due, Exclusion, Lifecycle, Rule, Transition
from coatcheck.configurations.stored import read_stored, write_stored
from coatcheck.configurations.table import Document
from coatcheck.configurations.task import Progress
from coatcheck.configurations.website import HeaderCondition, RoutingRule, Website
from coatcheck.core.author import Author
from coatcheck.ports.object import COMPLIANCE, GOVERNANCE
from coatcheck.ports.worm import BucketWorm, DefaultRetention, ObjectWorm, read_bucket_worm, write_bucket_worm

LIFECYCLE = Lifecycle(
    (
        Rule(
            "logs",
            "logs/",
            enabled=True,
            tags=(("k", "v"),),
            larger_than=0,
            exclusions=(Exclusion("logs/keep", ("a", "b")), Exclusion("logs/x")),
            expiration=Due(days=365),
            transitions=(Transition(Due(days=30), "IA", small_files=False),),
        ),
        Rule("old", "", enabled=False, expiration=Due(before_s=86_400), abort=Due(days=3)),
    )
)
RULE = RoutingRule(1, "External", prefix="a/", headers=(HeaderCondition("x", "1", None, None),), host="h", code="302")

STORED: list[tuple[Document, object, str]] = [
    (
        cors,
        cors.Cors((cors.CorsRule(("*",), ("GET",), (), ("ETag",), 600),), True),
        '{"v":1,"rules":[{"origins":["*"],"methods":["GET"],"exposed":["ETag"],"max_age_s":600}],"vary":true}',
    ),
    (
        referer,
        referer.RefererRules(False, True, False, ("http://空.example",), ()),
        '{"v":1,"allow_empty":false,"truncate_query":true,"truncate_path":false,"white":["http://空.example"]}',
    ),
    (
        https,
        https.HttpsConfig(True, ("TLSv1.3",), https.CipherSuites(True, None, ("A",))),
        '{"v":1,"enabled":true,"versions":["TLSv1.3"],"suites":{"enabled":true,"custom":["A"]}}',
    ),
    (
        lifecycle,
        LIFECYCLE,
        '{"v":1,"rules":[{"rule_id":"logs","prefix":"logs/","enabled":true,"tags":[["k","v"]],"larger_than":0,'
        '"exclusions":[{"prefix":"logs/keep","tag":["a","b"]},{"prefix":"logs/x"}],"expiration":{"days":365},'
        '"expired_markers":false,"transitions":[{"due":{"days":30},"storage_class":"IA","small_files":false}]},'
        '{"rule_id":"old","prefix":"","enabled":false,"expiration":{"before_s":86400},"expired_markers":false,'
        '"abort":{"days":3}}]}',
    ),
    (
        website,
        Website("index.html", True, 2, "", 404, (RULE,)),
        '{"v":1,"index":"index.html","sub_dirs":true,"sub_dir_type":2,"error_key":"","error_status":404,"rules":['
        '{"number":1,"kind":"External","prefix":"a/","headers":[{"name":"x","equals":"1","starts_with":null,'
        '"ends_with":null}],"host":"h","code":"302","pass_query":false}]}',
    ),
    (encryption, encryption.EncryptionRule("AES256"), '{"v":1,"algorithm":"AES256"}'),
    (tags, tags.BucketTags((("team", "a b&c=d"),)), '{"v":1,"tags":[["team","a b&c=d"]]}'),
    (public_access_block, public_access_block.PublicAccessBlock(True), '{"v":1,"blocked":true}'),
    (request_payment, request_payment.RequestPayment("Requester"), '{"v":1,"payer":"Requester"}'),
    (transfer_acceleration, transfer_acceleration.TransferAcceleration(True), '{"v":1,"enabled":true}'),
    (
        overwrite,
        overwrite.OverwriteRules((overwrite.Rule("r1", "a/", ".log", ("1000000000000001",)), overwrite.Rule("r2"))),
        '{"v":1,"rules":[{"rule_id":"r1","prefix":"a/","suffix":".log","principals":["1000000000000001"]},{"rule_id":"r2","prefix":"","suffix":""}]}',
    ),
    (resource_group, resource_group.ResourceGroup("rg-a"), '{"v":1,"group_id":"rg-a"}'),
    (access_monitor, access_monitor.AccessMonitor(True), '{"v":1,"enabled":true}'),
    (archive_direct_read, archive_direct_read.ArchiveDirectRead(True), '{"v":1,"enabled":true}'),
    (
        callback_policy,
        callback_policy.CallbackPolicy((callback_policy.PolicyItem("a", "e30="),)),
        '{"v":1,"items":[{"name":"a","callback":"e30=","variables":""}]}',
    ),
    (storage_quota, storage_quota.StorageQuota(9), '{"v":1,"size":9,"mode":"Strict"}'),
    (bucket_logging, bucket_logging.Logging("logs", "a-"), '{"v":1,"bucket":"logs","prefix":"a-"}'),
    (object_worm, ObjectWorm(), '{"v":1}'),
    (object_worm, ObjectWorm(DefaultRetention(GOVERNANCE, days=30)), '{"v":1,"mode":"GOVERNANCE","days":30}'),
    (object_worm, ObjectWorm(DefaultRetention(COMPLIANCE, years=7)), '{"v":1,"mode":"COMPLIANCE","years":7}'),
    (log_fields, log_fields.LogFields(("h",), ("p",)), '{"v":1,"headers":["h"],"parameters":["p"]}'),
]


@pytest.mark.parametrize(("document", "value", "stored"), STORED, ids=lambda each: getattr(each, "NAME", ""))
def test_the_stored_form_is_this_text(document: Document, value: object, stored: str) -> None:
    assert document.to_json(value) == stored
    assert document.from_json(stored) == value


def test_the_stored_form_of_a_retention_policy_is_this_text() -> None:
    value, stored = BucketWorm("A1", 30, 5), '{"v":1,"worm_id":"A1","days":30,"created_at":5,"locked":false}'
    assert write_bucket_worm(value) == stored
    assert read_bucket_worm(stored) == value


def test_the_stored_form_of_an_inventory_is_this_text() -> None:
    target = inventory.Target("lists", "1", "r", "p/", "SSE-KMS", "key")
    value = inventory.Inventory(
        "one",
        True,
        "All",
        "Daily",
        target,
        inventory.Filter("a", least_size=1),
        fields=("Size",),
        incremental=inventory.Incremental(True, 600),
    )
    stored = (
        '{"v":1,"inventory_id":"one","enabled":true,"versions":"All","frequency":"Daily","target":{"bucket":"lists",'
        '"account":"1","role":"r","prefix":"p/","encryption":"SSE-KMS","key_id":"key"},"filter":{"prefix":"a",'
        '"least_size":1},"fields":["Size"],"incremental":{"enabled":true,"every_s":600}}'
    )
    assert inventory.to_json(value) == stored
    assert inventory.from_json(stored) == value


def test_the_stored_form_of_a_redundancy_transition_is_this_text() -> None:
    value, stored = redundancy_transition.Transition("abc", 1), '{"v":1,"task_id":"abc","done_at":1}'
    assert redundancy_transition.to_json(value) == stored
    assert redundancy_transition.from_json(stored) == value


def test_the_stored_form_of_a_fetch_task_is_this_text() -> None:
    told = fetch_task.Told(("http://a",), "h", "b", "application/json", (("x:a", "1"),))
    content = fetch_task.Content("E", 5, "7", "text/plain")
    progress = Progress("Retry", 2, 9, "why", stored=True)
    author = Author("1", at=3)
    value = fetch_task.FetchTask("http://o", "k", "h", "m", "c", "IA", False, True, told, author, content, progress)
    stored = (
        '{"v":1,"url":"http://o","key":"k","host":"h","content_md5":"m","callback":"c","storage_class":"IA",'
        '"ignore_same_key":false,"callback_when_failed":true,"told":{"urls":["http://a"],"host":"h","body":"b",'
        '"body_type":"application/json","variables":[["x:a","1"]]},"author":{"account":"1","user":"","role":"",'
        '"session":"","at":3},"content":{"etag":"E","size":5,"crc64":"7","content_type":"text/plain"},'
        '"progress":{"state":"Retry","attempts":2,"due_at":9,"error":"why","stored":true,"ended_at":0}}'
    )
    assert fetch_task.to_json(value) == stored
    assert fetch_task.from_json(stored) == value


def test_the_stored_form_of_a_live_channel_is_this_text() -> None:
    snapshot = live_channel.Snapshot("r", "b", "t", 5)
    value = live_channel.LiveChannel("enabled", 1, "the coats", 10, 4, "coats.m3u8", snapshot)
    stored = (
        '{"v":1,"status":"enabled","modified_at":1,"description":"the coats","fragment_s":10,"fragments":4,'
        '"playlist":"coats.m3u8","snapshot":{"role":"r","bucket":"b","topic":"t","every_s":5}}'
    )
    assert live_channel.to_json(value) == stored
    assert live_channel.from_json(stored) == value


def test_the_stored_form_of_a_style_is_this_text() -> None:
    small = style.Style("image/resize,w_100", "image", 1, 2)
    stored = '{"v":1,"content":"image/resize,w_100","category":"image","created":1,"modified":2}'
    assert style.to_json(small) == stored
    assert style.from_json(stored) == small


class Ticket(Struct, frozen=True):
    count: int = 1
    note: str | None = "none yet"
    names: tuple[str, ...] = ()


def test_what_differs_from_its_default_is_written_also_when_it_is_nothing() -> None:
    assert write_stored(Ticket(0, None)) == '{"v":1,"count":0,"note":null}'
    assert read_stored(Ticket, '{"v":1,"count":0,"note":null}') == Ticket(0, None)


def test_a_version_that_is_not_known_is_not_guessed_at() -> None:
    with pytest.raises(ValueError, match=r"A Ticket of version 2 is stored; this coatcheck knows version 1\."):
        read_stored(Ticket, '{"v":2,"count":1}')

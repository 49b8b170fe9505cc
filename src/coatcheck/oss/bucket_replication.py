"""PutBucketReplication, GetBucketReplication, GetBucketReplicationLocation, GetBucketReplicationProgress,
DeleteBucketReplication, PutBucketRtc. What they set up is done by `background/replication_run.py`.

Source: OSS API reference, the operations of those names.
"""

from __future__ import annotations

import secrets

from msgspec.structs import replace

from coatcheck.configurations import replication
from coatcheck.configurations.replication import Rule
from coatcheck.core.errors import (
    BUCKET_REPLICATION_ALREADY_EXIST,
    INVALID_TARGET_BUCKET,
    INVALID_TARGET_LOCATION,
    NO_REPLICATION_LOCATION,
    NO_SUCH_REPLICATION_CONFIGURATION,
    NO_SUCH_REPLICATION_RULE,
)
from coatcheck.core.times import write_iso
from coatcheck.core.xml import Node
from coatcheck.identity.author import author_of
from coatcheck.ports.bucket import JOURNAL, Bucket
from coatcheck.wire.reply import Reply

from .arguments import read_document
from .call import Call
from .configuration import show
from .documents_kept import change_document


async def put_bucket_replication(call: Call) -> Reply:
    """PutBucketReplication: a bucket has one rule; another is set up when that is gone."""
    rule = replication.read(await read_document(call.request, replication.ROOT))
    await _check_target(call, rule)
    rule = replace(rule, rule_id=rule.rule_id or secrets.token_hex(16), author=author_of(call.caller, call.now))

    def put(bucket: Bucket) -> str:
        if bucket.configuration(replication.NAME) is not None:
            raise BUCKET_REPLICATION_ALREADY_EXIST(BucketName=bucket.name)
        return replication.to_json(rule)

    await change_document(call, replication.NAME, put)
    return Reply(200, ((b"x-oss-replication-rule-id", rule.rule_id.encode()),))


async def _check_target(call: Call, rule: Rule) -> None:
    """Raises: OssError NO_REPLICATION_LOCATION, INVALID_TARGET_BUCKET, INVALID_TARGET_LOCATION."""
    if rule.location not in _locations(call):
        raise NO_REPLICATION_LOCATION(Location=rule.location[:64])
    target = await call.ports.catalog.find_bucket(rule.bucket)
    if target is None or target.bucket_id == call.this_bucket.bucket_id or target.owner != call.this_bucket.owner:
        raise INVALID_TARGET_BUCKET(TargetBucket=rule.bucket[:64])
    if f"oss-{target.region}" != rule.location:
        raise INVALID_TARGET_LOCATION(TargetBucket=target.name, Location=rule.location)


def _locations(call: Call) -> list[str]:
    return [f"oss-{region}" for region in call.settings.regions]


async def get_bucket_replication(call: Call) -> Reply:
    """GetBucketReplication."""
    return show(replication.ROOT, replication.write(_rule(call.this_bucket)))


def _rule(bucket: Bucket) -> Rule:
    """Raises: OssError NO_SUCH_REPLICATION_CONFIGURATION."""
    document = bucket.configuration(replication.NAME)
    if document is None:
        raise NO_SUCH_REPLICATION_CONFIGURATION(BucketName=bucket.name)
    return replication.from_json(document)


async def get_bucket_replication_location(call: Call) -> Reply:
    """GetBucketReplicationLocation: the regions of this server, whatever bucket asks."""
    names = _locations(call)
    locations: list[Node] = [("Location", name) for name in names]
    transfers: list[Node] = [
        ("LocationTransferType", [("Location", name), ("TransferTypes", [("Type", "internal"), ("Type", "oss_acc")])])
        for name in names
    ]
    return show(
        "ReplicationLocation",
        [*locations, ("LocationTransferTypeConstraint", transfers), ("LocationRTCConstraint", locations)],
    )


async def get_bucket_replication_progress(call: Call) -> Reply:
    """GetBucketReplicationProgress: of the objects of before the part that was looked at; of newer ones the moment up
    to which all are copied."""
    bucket, rule_id = call.this_bucket, call.request.query.get("rule-id")
    document = bucket.configuration(replication.NAME)
    rule = None if document is None else replication.from_json(document)
    if rule is None or (rule_id and rule_id != rule.rule_id):
        raise NO_SUCH_REPLICATION_RULE(BucketName=bucket.name, RuleID=(rule_id or "")[:64])
    stored = await call.ports.catalog.find_entry(bucket.bucket_id, replication.RUN_KIND, "")
    set_at = 0 if rule.author is None else rule.author.at
    run = replication.Run(set_at) if stored is None else replication.run_from_json(stored)
    waiting = await call.ports.catalog.count_entries(bucket.bucket_id, JOURNAL)
    up_to = int(call.now) if not waiting else run.caught_up_at or set_at
    part = 1.0 if run.done else min(run.copied / run.of, 0.99) if run.of else 0.0
    progress: list[Node] = [("HistoricalObject", f"{part:.2f}")] if rule.historical else []
    nodes = [*replication.write_rule(rule, "doing"), ("Progress", [*progress, ("NewObject", write_iso(up_to))])]
    return show("ReplicationProgress", [("Rule", nodes)])


async def delete_bucket_replication(call: Call) -> Reply:
    """DeleteBucketReplication: at once; what was copied stays."""
    document = await read_document(call.request, replication.RULES_ROOT)
    rule_ids = [(element.text or "").strip() for element in document.findall("ID")]

    def drop(bucket: Bucket) -> None:
        if _rule(bucket).rule_id not in rule_ids:
            raise NO_SUCH_REPLICATION_RULE(BucketName=bucket.name, RuleID=", ".join(rule_ids)[:64])

    await change_document(call, replication.NAME, drop)
    return Reply(200)


async def put_bucket_rtc(call: Call) -> Reply:
    """PutBucketRtc: kept and shown; everything is copied as soon as it can be."""
    rule_id, watched = replication.read_rtc(await read_document(call.request, replication.RTC_ROOT))

    def change(bucket: Bucket) -> str:
        rule = _rule(bucket)
        if rule.rule_id != rule_id:
            raise NO_SUCH_REPLICATION_RULE(BucketName=bucket.name, RuleID=rule_id[:64])
        return replication.to_json(replace(rule, rtc=watched))

    await change_document(call, replication.NAME, change)
    return Reply(200)

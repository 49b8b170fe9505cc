"""A bucket's replication in S3's grammar: one rule, to another bucket of this server. What cannot be done as it is
asked for is refused by its name.

Source: Amazon S3 API reference, PutBucketReplication; `configurations/replication.py` has OSS's.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element

from msgspec.structs import replace

from coatcheck.access.actions import Action
from coatcheck.configurations import replication
from coatcheck.configurations.elements import find_choice, find_one, find_text, need_choice, need_one, need_text, texts
from coatcheck.configurations.replication import Rule, check_id
from coatcheck.core.errors import MALFORMED_XML
from coatcheck.core.limits import OBJECT_KEY_MAX_BYTES
from coatcheck.core.s3_errors import S3_BAD_REPLICATION, S3_NO_REPLICATION, S3_NOT_BUILT
from coatcheck.core.xml import Node
from coatcheck.identity.author import author_of
from coatcheck.oss.call import Call
from coatcheck.oss.documents_kept import change_document, drop_document
from coatcheck.oss.row import Level, Row
from coatcheck.ports.bucket import Bucket
from coatcheck.wire.reply import Reply

from .documents import read_document, show

ROOT: Final = "ReplicationConfiguration"
_ON_OFF: Final = ("Enabled", "Disabled")
_STATUS: Final = texts("Status")
_TIME: Final = texts("Status", Time=texts("Minutes"))
_METRICS: Final = texts("Status", EventThreshold=texts("Minutes"))
_TAG: Final = texts("Key", "Value")
_KMS: Final = texts(SseKmsEncryptedObjects=_STATUS, ReplicaModifications=_STATUS)
_SHAPE: Final = texts(
    "Role",
    Rule=texts(
        *("ID", "Prefix", "Priority", "Status"),
        DeleteMarkerReplication=_STATUS,
        Destination=texts(
            *("Account", "Bucket", "StorageClass"),
            AccessControlTranslation=texts("Owner"),
            EncryptionConfiguration=texts("ReplicaKmsKeyID"),
            Metrics=_METRICS,
            ReplicationTime=_TIME,
        ),
        ExistingObjectReplication=_STATUS,
        Filter=texts("Prefix", Tag=_TAG, And=texts("Prefix", Tag=_TAG)),
        SourceSelectionCriteria=_KMS,
    ),
)
_BUCKET: Final = "arn:aws:s3:::"
_ROLE: Final = re.compile(r"arn:aws:iam::([0-9]{1,32}):(root|role/[^:/\s]{1,64})", re.ASCII)
_QUARTER: Final = "15"  # minutes: the only promise that S3 sells


async def put_bucket_replication(call: Call) -> Reply:
    """PutBucketReplication: in place of the one there was. Both buckets have versions, as in S3."""
    rule = _read(await read_document(call.request, ROOT, _SHAPE), call.this_bucket)
    target = await call.ports.catalog.find_bucket(rule.bucket)
    if target is None or target.owner != call.this_bucket.owner:
        raise S3_BAD_REPLICATION("Destination bucket must exist.")
    if target.bucket_id == call.this_bucket.bucket_id:
        raise S3_BAD_REPLICATION("Destination bucket cannot be the same as the source bucket.")
    if target.versioning != _ON_OFF[0]:
        raise S3_BAD_REPLICATION("Destination bucket must have versioning enabled.")
    author = author_of(call.caller, call.now)
    rule = replace(rule, rule_id=rule.rule_id or secrets.token_hex(16), location=f"oss-{target.region}", author=author)

    def put(bucket: Bucket) -> str:
        if bucket.versioning != _ON_OFF[0]:
            raise S3_BAD_REPLICATION("Versioning must be 'Enabled' on the bucket to apply a replication configuration")
        return replication.to_json(rule)

    await change_document(call, replication.NAME, put)
    return Reply(200)


async def get_bucket_replication(call: Call) -> Reply:
    """GetBucketReplication: the rule, also one that OSS put, if S3 has words for it."""
    document = call.this_bucket.configuration(replication.NAME)
    if document is None:
        raise S3_NO_REPLICATION(BucketName=call.this_bucket.name)
    return show(ROOT, _write(replication.from_json(document), call.this_bucket.owner))


async def delete_bucket_replication(call: Call) -> Reply:
    """DeleteBucketReplication: at once; what was copied stays."""
    await drop_document(call, replication.NAME)
    return Reply(204)


def _read(document: Element, bucket: Bucket) -> Rule:
    """The rule, without the place of its target. Raises: OssError MALFORMED_XML, S3_NOT_BUILT, S3_BAD_REPLICATION,
    INVALID_ARGUMENT."""
    rules = document.findall("Rule")
    if not rules:
        raise MALFORMED_XML()
    if len(rules) > 1:
        raise S3_NOT_BUILT("A bucket has one rule of replication here.", Header="Rule")
    (rule,) = rules
    if need_choice(rule, "Status", _ON_OFF) != _ON_OFF[0]:
        raise S3_NOT_BUILT("A rule that is disabled is not built: delete the configuration.", Header="Status")
    destination, priority = need_one(rule, "Destination"), find_text(rule, "Priority")
    _refuse_what_is_not_built(rule, destination, bucket)
    if priority is not None and not (priority.isascii() and priority.isdigit() and len(priority) <= 10):
        raise MALFORMED_XML()
    filtered = find_one(rule, "Filter")
    prefix = find_text(rule if filtered is None else filtered, "Prefix", trimmed=False) or ""
    if len(prefix.encode()) > OBJECT_KEY_MAX_BYTES:
        raise S3_BAD_REPLICATION("Prefix length must be less than 1024.")
    arn = need_text(destination, "Bucket")
    if not arn.startswith(_BUCKET):
        raise S3_BAD_REPLICATION("Invalid bucket ARN.")
    return Rule(
        rule_id=check_id(find_text(rule, "ID") or ""),
        bucket=arn.removeprefix(_BUCKET),
        location="",
        prefixes=(prefix,) if prefix else (),
        deletes=_is_on(rule, "DeleteMarkerReplication", absent=filtered is None),
        historical=_is_on(rule, "ExistingObjectReplication"),
        role=_read_role(find_text(document, "Role") or ""),
        rtc=_is_on(destination, "ReplicationTime"),
        priority=None if filtered is None else int(priority or "0"),
    )


def _refuse_what_is_not_built(rule: Element, destination: Element, bucket: Bucket) -> None:
    """Raises: OssError S3_NOT_BUILT, S3_BAD_REPLICATION."""
    filtered, criteria = find_one(rule, "Filter"), find_one(rule, "SourceSelectionCriteria")
    for name in ("Tag", "And"):
        if filtered is not None and filtered.find(name) is not None:
            raise S3_NOT_BUILT("Replication by tags is not built.", Header=f"Filter/{name}")
    for name in ("StorageClass", "AccessControlTranslation", "EncryptionConfiguration"):
        if destination.find(name) is not None:
            raise S3_NOT_BUILT(f"{name} of a destination is not built: a copy is as its bucket has it.", Header=name)
    for name in ("SseKmsEncryptedObjects", "ReplicaModifications"):
        if criteria is not None and _is_on(criteria, name):
            raise S3_NOT_BUILT(f"{name} is not built.", Header=name)
    if _is_on(destination, "Metrics") and not _is_on(destination, "ReplicationTime"):
        raise S3_NOT_BUILT("Metrics without ReplicationTime are not built.", Header="Metrics")
    if (find_text(destination, "Account") or bucket.owner) != bucket.owner:
        raise S3_BAD_REPLICATION("The destination is a bucket of the same account.")


def _is_on(parent: Element, name: str, *, absent: bool = False) -> bool:
    found = find_one(parent, name)
    return absent if found is None else find_choice(found, "Status", _ON_OFF) == _ON_OFF[0]


def _read_role(arn: str) -> str | None:
    """The role that copies, in RAM's words; None for whoever put the rule, which S3 has no word for but the account."""
    if not arn:
        return None
    found = _ROLE.fullmatch(arn)
    if found is None:
        raise S3_BAD_REPLICATION("Role is arn:aws:iam::UID:role/NAME, or arn:aws:iam::UID:root for who puts the rule.")
    return None if found[2] == "root" else f"acs:ram::{found[1]}:{found[2]}"


def _write_role(role: str | None, owner: str) -> str:
    if role is None:
        return f"arn:aws:iam::{owner}:root"
    return role.replace("acs:ram:", "arn:aws:iam:", 1) if ":" in role else f"arn:aws:iam::{owner}:role/{role}"


def _write(rule: Rule, owner: str) -> list[Node]:
    """Raises: OssError S3_NOT_BUILT, for a rule of OSS's that S3 has no word for."""
    if len(rule.prefixes) > 1:
        raise S3_NOT_BUILT("The rule was put by OSS for several prefixes, which S3 has no word for.", Header="Prefix")
    prefix: Node = ("Prefix", "".join(rule.prefixes))
    place: list[Node] = [prefix] if rule.priority is None else [("Priority", rule.priority), ("Filter", [prefix])]
    destination: list[Node] = [("Bucket", f"{_BUCKET}{rule.bucket}")]
    if rule.rtc:
        promise: list[Node] = [("Minutes", _QUARTER)]
        destination += [
            ("ReplicationTime", [("Status", _ON_OFF[0]), ("Time", promise)]),
            ("Metrics", [("Status", _ON_OFF[0]), ("EventThreshold", promise)]),
        ]
    nodes: list[Node] = [
        ("ID", rule.rule_id),
        *place,
        ("Status", _ON_OFF[0]),
        *([("ExistingObjectReplication", [("Status", _ON_OFF[0])])] if rule.historical else []),
        ("Destination", destination),
        ("DeleteMarkerReplication", [("Status", _ON_OFF[not rule.deletes])]),
    ]
    return [("Role", _write_role(rule.role, owner)), ("Rule", nodes)]


def rows() -> Iterator[Row]:
    name = "replication"
    yield Row("PUT", Level.BUCKET, name, put_bucket_replication, Action.PUT_BUCKET_REPLICATION)
    yield Row("GET", Level.BUCKET, name, get_bucket_replication, Action.GET_BUCKET_REPLICATION)
    yield Row("DELETE", Level.BUCKET, name, delete_bucket_replication, Action.DELETE_BUCKET_REPLICATION)

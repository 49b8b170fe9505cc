"""Where a bucket's objects are to be copied to as they change: one rule, to another bucket of this server. Pure.

Source: OSS API reference, PutBucketReplication and its like.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from msgspec import Struct

from coatcheck.core.author import Author
from coatcheck.core.errors import (
    INVALID_ARGUMENT,
    KMS_NOT_ENABLED,
    NO_REPLICATION_RULE,
    TOO_MANY_PREFIXES,
    TOO_MANY_REPLICATION_RULES,
)
from coatcheck.core.limits import OBJECT_KEY_MAX_BYTES, REPLICATION_ID_MAX_CHARS, REPLICATION_PREFIXES_MAX
from coatcheck.core.xml import Node
from coatcheck.ports.bucket import REPLICATION as NAME

from .elements import find_choice, find_one, find_text, find_texts, need_one, need_text, texts
from .stored import read_stored, write_stored

ROOT: Final = "ReplicationConfiguration"
RULES_ROOT: Final = "ReplicationRules"  # of what names rules that are to go
RTC_ROOT: Final = "ReplicationRule"  # of PutBucketRtc
RUN_KIND: Final = "replicationRun"  # of the entry that says how far the objects of before have come
_RTC: Final = texts("Status")
SHAPE: Final = texts(
    Rule=texts(
        *("ID", "Action", "HistoricalObjectReplication", "SyncRole"),
        PrefixSet=texts("Prefix"),
        Destination=texts("Bucket", "Location", "TransferType"),
        SourceSelectionCriteria=texts(SseKmsEncryptedObjects=texts("Status")),
        EncryptionConfiguration=texts("ReplicaKmsKeyID"),
        RTC=_RTC,
    )
)
RULES_SHAPE: Final = texts("ID")
RTC_SHAPE: Final = texts("ID", RTC=_RTC)
_SWITCH: Final = ("enabled", "disabled")
_ACTIONS: Final = ("ALL", "PUT")
_TRANSFERS: Final = ("internal", "oss_acc")

__all__ = ["NAME"]


class Rule(Struct, frozen=True):
    """The one rule.

    Attributes:
        rule_id: given, or made by the server; "" until then.
        prefixes: of the keys that are meant; none: all.
        deletes: whether deletes follow too, not only uploads and changes.
        bucket, location: of the target; "oss-cn-hangzhou".
        historical: whether what was there before is copied too.
        transfer, rtc: kept and shown.
        priority: of a rule that S3 put with a Filter; shown there alone.
        role: the name or the ARN of the one that copies, in place of the author.
    """

    rule_id: str
    bucket: str
    location: str
    prefixes: tuple[str, ...] = ()
    deletes: bool = True
    historical: bool = True
    transfer: str | None = None
    role: str | None = None
    rtc: bool = False
    author: Author | None = None
    priority: int | None = None

    def means(self, key: str) -> bool:
        return not self.prefixes or key.startswith(self.prefixes)


def read(document: Element) -> Rule:
    """A ReplicationConfiguration. Raises: OssError MALFORMED_XML, INVALID_ARGUMENT, NO_REPLICATION_RULE,
    TOO_MANY_REPLICATION_RULES, TOO_MANY_PREFIXES, KMS_NOT_ENABLED."""
    rules = document.findall("Rule")
    if not rules:
        raise NO_REPLICATION_RULE()
    if len(rules) > 1:
        raise TOO_MANY_REPLICATION_RULES()
    (rule,) = rules
    _refuse_kms(rule)
    destination = need_one(rule, "Destination")
    prefix_set, rtc = find_one(rule, "PrefixSet"), find_one(rule, "RTC")
    return Rule(
        check_id(find_text(rule, "ID") or ""),
        need_text(destination, "Bucket"),
        need_text(destination, "Location"),
        () if prefix_set is None else _read_prefixes(prefix_set),
        _read_deletes(find_text(rule, "Action")),
        find_choice(rule, "HistoricalObjectReplication", _SWITCH) != "disabled",
        find_choice(destination, "TransferType", _TRANSFERS),
        find_text(rule, "SyncRole") or None,
        rtc is not None and find_choice(rtc, "Status", _SWITCH) == "enabled",
    )


def _read_deletes(text: str | None) -> bool:
    """ALL, or a list of which PUT is one that means anything here. Raises: OssError INVALID_ARGUMENT."""
    actions = [name.strip() for name in (text or "ALL").split(",")]
    if not set(actions) <= {*_ACTIONS, "DELETE", "ABORT"} or not {"ALL", "PUT"} & set(actions):
        raise INVALID_ARGUMENT("Action is ALL or PUT.", ArgumentName="Action", ArgumentValue=(text or "")[:64])
    return "ALL" in actions or "DELETE" in actions


def _read_prefixes(element: Element) -> tuple[str, ...]:
    prefixes = find_texts(element, "Prefix")
    if len(prefixes) > REPLICATION_PREFIXES_MAX:
        raise TOO_MANY_PREFIXES()
    for prefix in prefixes:
        if len(prefix.encode()) > OBJECT_KEY_MAX_BYTES:
            raise INVALID_ARGUMENT(
                f"Prefix has at most {OBJECT_KEY_MAX_BYTES} bytes.", ArgumentName="Prefix", ArgumentValue=prefix[:128]
            )
    return () if "" in prefixes else prefixes


def _refuse_kms(rule: Element) -> None:
    """There is no key service."""
    criteria = find_one(rule, "SourceSelectionCriteria")
    chosen = None if criteria is None else find_one(criteria, "SseKmsEncryptedObjects")
    by_kms = chosen is not None and find_choice(chosen, "Status", ("Enabled", "Disabled")) == "Enabled"
    key = find_one(rule, "EncryptionConfiguration")
    if by_kms or (key is not None and find_text(key, "ReplicaKmsKeyID")):
        raise KMS_NOT_ENABLED()


def check_id(text: str) -> str:
    """What a rule is called. Raises: OssError INVALID_ARGUMENT."""
    if len(text) > REPLICATION_ID_MAX_CHARS or not (text.isprintable() and text.isascii()):
        raise INVALID_ARGUMENT(
            f"ID has at most {REPLICATION_ID_MAX_CHARS} characters.", ArgumentName="ID", ArgumentValue=text[:128]
        )
    return text


def read_rtc(document: Element) -> tuple[str, bool]:
    """A ReplicationRule of PutBucketRtc: the rule's ID, and whether it is to be watched."""
    status = find_choice(need_one(document, "RTC"), "Status", _SWITCH)
    return need_text(document, "ID"), status == "enabled"


def write_rule(rule: Rule, status: str) -> list[Node]:
    """What GetBucketReplication and GetBucketReplicationProgress have in common. Status: starting, doing, closing."""
    destination: list[Node] = [("Bucket", rule.bucket), ("Location", rule.location)]
    if rule.transfer is not None:
        destination.append(("TransferType", rule.transfer))
    prefixes: list[Node] = [("Prefix", prefix) for prefix in rule.prefixes]
    return [
        ("ID", rule.rule_id),
        *([("PrefixSet", prefixes)] if prefixes else []),
        ("Action", "ALL" if rule.deletes else "PUT"),
        ("Destination", destination),
        ("Status", status),
        ("HistoricalObjectReplication", _SWITCH[not rule.historical]),
    ]


def write(rule: Rule) -> list[Node]:
    role: list[Node] = [] if rule.role is None else [("SyncRole", rule.role)]
    return [("Rule", [*write_rule(rule, "doing"), *role, ("RTC", [("Status", _SWITCH[not rule.rtc])])])]


def to_json(rule: Rule) -> str:
    return write_stored(rule)


@lru_cache(maxsize=256)
def from_json(text: str) -> Rule:
    return read_stored(Rule, text)


# --- how far it has come ---------------------------------------------------------------------------------------------


class Run(Struct, frozen=True):
    """How far the objects of before have come.

    Attributes:
        set_at: when the rule was set up: one that was set up anew begins anew. Unix seconds.
        key: of the last object of before that was copied.
        copied, of: how many, and how many there were when it began.
        done: all of them are.
        caught_up_at: when nothing newer was waiting; Unix seconds.
    """

    set_at: int
    key: str = ""
    copied: int = 0
    of: int = 0
    done: bool = False
    caught_up_at: int = 0


def run_from_json(text: str) -> Run:
    return read_stored(Run, text)

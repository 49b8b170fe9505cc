"""What lifecycle rules do to one version, or to one upload, at a moment. Pure: rules and facts in, an action out.

Several rules may be about the same object: then removing it wins over moving it, and of several moves the coldest.
Nothing is moved to a warmer class, and a version that a rule would remove is never moved first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Final

from msgspec import Struct

from coatcheck.configurations.lifecycle import CLASSES, NEVER, Rule, Transition
from coatcheck.core.limits import SMALL_FILE_BYTES
from coatcheck.ports.object import DELETE_MARKER, ListedVersion, ObjectRecord
from coatcheck.ports.upload import Upload

_FIXED_KINDS: Final = ("Symlink", DELETE_MARKER)  # no content, so no class to move to


class Kind(Enum):
    EXPIRE = "expire"  # the current version: removed, or covered by a delete marker
    REMOVE_VERSION = "remove-version"  # an older version, for good
    REMOVE_MARKER = "remove-marker"  # a delete marker that is all that is left of its key
    TRANSITION = "transition"
    ABORT_UPLOAD = "abort-upload"


class Action(Struct, frozen=True):
    """One thing to do, and the rule that says so.

    Attributes:
        version: an upload's id for ABORT_UPLOAD.
        last_modified: of the version when it was looked at: what was written since is left alone.
        storage_class: to move to.
    """

    kind: Kind
    rule_id: str
    key: str
    version: str
    last_modified: int = 0
    storage_class: str = ""


def plan_version(
    rules: Sequence[Rule],
    version: ListedVersion,
    *,
    alone: bool,
    now: float,
    accessed: int | None = None,
    newer: int = 0,
) -> Action | None:
    """What is due for a version.

    Args:
        alone: it is the only version of its key.
        now: Unix seconds.
        accessed: when the current version was last read or written, Unix seconds; None where nobody notes that.
        newer: of an older version: how many older versions of its key are newer than it.
    """
    matching = [rule for rule in rules if _is_about(rule, version)]
    if version.is_latest:
        return _plan_current(matching, version, alone=alone, now=now, accessed=accessed)
    assert version.superseded_at is not None
    for rule in matching:
        kept = newer < (rule.keep_noncurrent or 0)
        if rule.noncurrent is not None and not kept and rule.noncurrent.at(version.superseded_at) <= now:
            return _action(Kind.REMOVE_VERSION, rule, version)
    steps = (
        (rule, step, version.superseded_at)
        for rule in matching
        for step in rule.noncurrent_transitions
        if not step.by_access
    )
    return _plan_transition(steps, version, now)


def returns_on_visit(rules: Sequence[Rule], record: ObjectRecord) -> bool:
    """Whether an object that was read becomes Standard again: it is IA, and a rule that is about it moves what isn't
    read there and says so."""
    if record.storage_class != "IA" or record.kind in _FIXED_KINDS:
        return False
    facts = (record.key, record.version_id, record.kind, record.size, record.etag, record.last_modified)
    version = ListedVersion(*facts, record.storage_class, record.tags)
    return any(
        step.back_on_visit and step.storage_class == "IA"
        for rule in rules
        if _is_about(rule, version)
        for step in rule.transitions
    )


def plan_upload(rules: Sequence[Rule], upload: Upload, *, now: float) -> Action | None:
    for rule in rules:
        excluded = any(upload.key.startswith(one.prefix) for one in rule.exclusions if one.tag is None)
        if not rule.enabled or rule.abort is None or not upload.key.startswith(rule.prefix) or excluded:
            continue
        if rule.abort.at(upload.initiated_at) <= now:
            return Action(Kind.ABORT_UPLOAD, rule.rule_id, upload.key, upload.upload_id)
    return None


def find_expiry(rules: Sequence[Rule], version: ListedVersion) -> tuple[int, str] | None:
    """When the current version of an object will expire, and by which rule; None if none says so."""
    found = [
        (rule.expiration.at(version.last_modified), rule.rule_id)
        for rule in rules
        if rule.expiration is not None and _is_about(rule, version)
    ]
    return min((one for one in found if one[0] < NEVER), default=None)


def _plan_current(
    matching: Sequence[Rule], version: ListedVersion, *, alone: bool, now: float, accessed: int | None
) -> Action | None:
    if version.kind == DELETE_MARKER:
        rule = next((rule for rule in matching if rule.expired_markers), None)
        return _action(Kind.REMOVE_MARKER, rule, version) if alone and rule is not None else None
    for rule in matching:
        if rule.expiration is not None and rule.expiration.at(version.last_modified) <= now:
            return _action(Kind.EXPIRE, rule, version)
    steps = (
        (rule, step, since)
        for rule in matching
        for step in rule.transitions
        if (since := accessed if step.by_access else version.last_modified) is not None
    )
    return _plan_transition(steps, version, now)


def _plan_transition(
    steps: Iterable[tuple[Rule, Transition, int]], version: ListedVersion, now: float
) -> Action | None:
    """Of the steps that are due, each by the moment that its time counts from."""
    if version.kind in _FIXED_KINDS or version.storage_class not in CLASSES:
        return None
    warmest = CLASSES.index(version.storage_class)
    due = [
        (CLASSES.index(step.storage_class), rule.rule_id)
        for rule, step, since in steps
        if step.due.at(since) <= now and version.size >= _least_size(step)
    ]
    coldest, rule_id = max(due, default=(0, ""), key=lambda one: one[0])
    if coldest <= warmest:
        return None
    key, version_id = version.key, version.version_id
    return Action(Kind.TRANSITION, rule_id, key, version_id, version.last_modified, CLASSES[coldest])


def _least_size(step: Transition) -> int:
    """What is smaller keeps its class."""
    return max(step.least_size or 0, SMALL_FILE_BYTES if step.small_files is False else 0)


def _is_about(rule: Rule, version: ListedVersion) -> bool:
    tags = set(version.tags)
    return (
        rule.enabled
        and version.key.startswith(rule.prefix)
        and tags.issuperset(rule.tags)
        and (rule.larger_than is None or version.size > rule.larger_than)
        and (rule.smaller_than is None or version.size < rule.smaller_than)
        and not any(
            version.key.startswith(one.prefix) and (one.tag is None or one.tag in tags) for one in rule.exclusions
        )
    )


def _action(kind: Kind, rule: Rule, version: ListedVersion) -> Action:
    return Action(kind, rule.rule_id, version.key, version.version_id, version.last_modified)

"""Carrying lifecycle rules out: walk a bucket, plan each version and upload, act in batches.

Each batch of removals is one transaction, and what was written since it was looked at is left alone, so a run may be
killed at any point, run twice, or run beside uploads. Bytes go after the commit that lets go of them, as ever.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from msgspec import Struct, field

from coatcheck.configurations import access_monitor, lifecycle
from coatcheck.configurations.lifecycle import Rule
from coatcheck.core.limits import LIST_MAX_KEYS
from coatcheck.ports.bucket import Bucket
from coatcheck.ports.catalog import Gone, Stale
from coatcheck.ports.object import Deletion, ListedVersion, ObjectRecord

from .access_times import KIND as ACCESS_KIND
from .access_times import AccessDays, last_access
from .commit import commit, removed
from .context import Ports
from .lifecycle_plan import Action, Kind, plan_upload, plan_version
from .versions import version_id_for

_BATCH: Final = 200  # removals in one transaction: requests of others wait no longer than for that


class Report(Struct):
    """What a run did, or would do: how many of each kind, and by bucket."""

    done: Counter[str] = field(default_factory=Counter)
    buckets: dict[str, dict[str, int]] = field(default_factory=dict)


async def run_lifecycle(
    ports: Ports, *, now: float, dry_run: bool = False, note: Callable[[Bucket, Action], None] | None = None
) -> Report:
    """Do what is due in every bucket that has rules.

    Args:
        now: Unix seconds.
        dry_run: change nothing.
        note: told of each action before it is done.
    """
    report = Report()
    for bucket in await ports.catalog.buckets_with_configuration(lifecycle.NAME):
        document = bucket.configuration(lifecycle.NAME)
        if document is None:
            continue
        done: Counter[str] = Counter()
        batch: list[Action] = []
        async for action in plan_bucket(ports, bucket, lifecycle.from_json(document).rules, now=now):
            if note is not None:
                note(bucket, action)
            done[action.kind.value] += 1
            batch.append(action)
            if len(batch) == _BATCH and not dry_run:
                done.subtract(await carry_out(ports, bucket, batch, now=now))
                batch.clear()
        if not dry_run:
            done.subtract(await carry_out(ports, bucket, batch, now=now))
        report.done.update(done)
        report.buckets[bucket.name] = dict(done)
    if not dry_run:
        await forget_accesses(ports)
    await removed()
    return report


async def plan_bucket(ports: Ports, bucket: Bucket, rules: Sequence[Rule], *, now: float) -> AsyncIterator[Action]:
    """Every action that is due in a bucket, read page by page."""
    accesses = _accesses(ports, bucket, rules)
    async for versions in _keys(ports, bucket):
        accessed = None if accesses is None else await accesses.find(versions[0].key, versions[0].last_modified)
        older, alone = 0, len(versions) == 1
        for version in versions:
            action = plan_version(rules, version, alone=alone, now=now, accessed=accessed, newer=older)
            older += not version.is_latest
            if action is not None:
                yield action
    if not any(rule.abort is not None for rule in rules):
        return
    marker: tuple[str, str] | None = ("", "")
    while marker is not None:
        page = await ports.catalog.list_uploads(
            bucket.bucket_id, prefix="", delimiter="", marker=marker, limit=LIST_MAX_KEYS
        )
        for upload in page.uploads:
            aborted = plan_upload(rules, upload, now=now)
            if aborted is not None:
                yield aborted
        marker = page.next_marker


class _Accesses:
    """When each key was last read or written, asked for in the order of the keys."""

    def __init__(self, ports: Ports, bucket: Bucket, since: int) -> None:
        self._days = AccessDays(ports.catalog, bucket.bucket_id)
        self._since = since

    async def find(self, key: str, last_modified: int) -> int:
        return last_access(self._since, await self._days.find(key), last_modified)


def _accesses(ports: Ports, bucket: Bucket, rules: Sequence[Rule]) -> _Accesses | None:
    """None where no rule asks, or nobody notes."""
    since = access_monitor.monitored_since(bucket.configuration(access_monitor.NAME))
    asked = any(step.by_access for rule in rules for step in rule.transitions)
    return _Accesses(ports, bucket, since) if asked and since is not None else None


async def forget_accesses(ports: Ports) -> None:
    """Let go of the times of keys that are there no more, in every bucket that has noted any."""
    for bucket in await ports.catalog.buckets_with_configuration(access_monitor.NAME):
        if not await ports.catalog.count_entries(bucket.bucket_id, ACCESS_KIND):
            continue
        days = AccessDays(ports.catalog, bucket.bucket_id)
        async for versions in _keys(ports, bucket):
            await days.find(versions[0].key)
            await days.drop_gone()
        await days.find_end()
        await days.drop_gone()


async def _keys(ports: Ports, bucket: Bucket) -> AsyncIterator[list[ListedVersion]]:
    """The versions of one key after the other, each key's newest first."""
    versions: list[ListedVersion] = []
    marker: tuple[str, str] | None = ("", "")
    while marker is not None:
        page = await ports.catalog.list_versions(
            bucket.bucket_id, prefix="", delimiter="", marker=marker, limit=LIST_MAX_KEYS
        )
        for version in page.versions:
            if versions and versions[0].key != version.key:
                yield versions
                versions = []
            versions.append(version)
        marker = page.next_marker
    if versions:
        yield versions


async def carry_out(ports: Ports, bucket: Bucket, actions: Sequence[Action], *, now: float) -> Counter[str]:
    """Do what was planned, as far as it is still as it was; fine if the bucket is gone.

    Returns: how many of each kind were not done since the version is retained or held.
    """
    stayed: Counter[str] = Counter()
    try:
        removals = [action for action in actions if action.kind in _REMOVALS]
        if removals:
            deletions = [_deletion(bucket, action, int(now)) for action in removals]
            outcomes = await commit(ports, ports.catalog.delete_objects(bucket.bucket_id, deletions))
            stayed.update(
                action.kind.value for action, outcome in zip(removals, outcomes, strict=True) if outcome.immutable
            )
        for action in actions:
            if action.kind is Kind.TRANSITION:
                await _transition(ports, bucket, action)
            elif action.kind is Kind.ABORT_UPLOAD:
                await _abort(ports, bucket, action)
    except Gone:
        return stayed
    return stayed


_REMOVALS: Final = (Kind.EXPIRE, Kind.REMOVE_VERSION, Kind.REMOVE_MARKER)


def _deletion(bucket: Bucket, action: Action, now: int) -> Deletion:
    if action.kind is not Kind.EXPIRE:
        return Deletion(action.key, version_id=action.version)
    marker_id = version_id_for(bucket)
    return Deletion(action.key, marker_id=marker_id, now=now, unless_newer_than=action.last_modified)


async def _transition(ports: Ports, bucket: Bucket, action: Action) -> None:
    def change(record: ObjectRecord) -> ObjectRecord:
        if record.last_modified != action.last_modified:
            raise Stale(record.key)
        return replace(record, storage_class=action.storage_class, restore=None)

    try:
        await commit(ports, ports.catalog.change_object(bucket.bucket_id, action.key, action.version, change))
    except (Gone, Stale):
        return


async def _abort(ports: Ports, bucket: Bucket, action: Action) -> None:
    with suppress(Gone):
        await commit(ports, ports.catalog.abort_upload(bucket.bucket_id, action.key, action.version))

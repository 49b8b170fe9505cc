"""Replication: what changes in a bucket that has a rule is made so in its target, as who set the rule up.

Each change leaves its key in the journal, in the commit that makes it. A key is taken from the journal when its target
is as its source was looked at; one that changed again meanwhile stays. What was there before the rule is walked page by
page, with a note of how far it has come. So whatever dies, nothing is forgotten, and what is done twice does no harm.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from coatcheck.configurations import replication
from coatcheck.configurations.replication import Rule, Run
from coatcheck.configurations.stored import write_stored
from coatcheck.core.errors import OssError
from coatcheck.core.limits import LIST_MAX_KEYS
from coatcheck.identity.caller import Caller
from coatcheck.operations.context import Ports
from coatcheck.operations.replicate import Pair, replicate
from coatcheck.ports.bucket import JOURNAL, Bucket
from coatcheck.ports.catalog import Gone
from coatcheck.ports.damage import Damaged

from .acting import Identities, act_as, assume, context_of
from .notices import Notices, Stopped
from .writing import find_target

_SESSION: Final = "oss-replication"
_AT_ONCE: Final = 50  # keys whose commits the writer may join
_FAILURES_MAX: Final = 1000  # keys; then the others wait for the next look
_NOTED_S: Final = 60  # how often it is noted that nothing waits
_BEFORE: Final = "before"  # the entry of a key that was there before the rule
_ONE: Final = ""  # the name of the entry of a bucket's run

log = logging.getLogger("coatcheck")


class _Replaced(Exception):
    """The rule was removed, or another one set up, or the bucket is gone."""


class Replications(NamedTuple):
    """What replicates, and with what."""

    ports: Ports
    identities: Identities
    notices: Notices

    async def run(self, now: float) -> int:
        """Bring every bucket with a rule up to date; how many keys were changed in targets.

        Args:
            now: Unix seconds.
        """
        changed = 0
        for bucket in await self.ports.catalog.buckets_with_configuration(replication.NAME):
            changed += await self._try(bucket, now)
        for kind in (JOURNAL, replication.RUN_KIND):
            for bucket in await self.ports.catalog.buckets_with_entries(kind):
                if bucket.configuration(replication.NAME) is None:
                    await self._forget(bucket, kind)
        return changed

    async def _forget(self, bucket: Bucket, kind: str) -> None:
        """What a rule that is gone has left."""
        more = True
        while more:
            more = await self.ports.catalog.drop_entries(bucket.bucket_id, kind, limit=LIST_MAX_KEYS)

    async def _try(self, bucket: Bucket, now: float) -> int:
        work = f"replication bucket={bucket.name}"
        try:
            changed = await self._bring_up_to_date(bucket, now)
        except (_Replaced, Gone):
            return 0
        except Damaged:  # which object, and why, is in the log
            self.notices.stopped(work, "an object is damaged; the others go on")
            return 0
        except Exception as error:
            self.notices.ended(work, error)
            return 0
        self.notices.goes(work)
        if changed:
            log.info("%s changed=%d", work, changed)
        return changed

    async def _bring_up_to_date(self, bucket: Bucket, now: float) -> int:
        """First what changes, then a page of what was there before, until there is nothing of either."""
        document = bucket.configuration(replication.NAME)
        assert document is not None
        changed, waiting = 0, True
        while waiting:
            pair, rule = await self._look(bucket.name, document, now)
            changed += await self._follow_journal(pair, rule)
            before = run = await self._find_run(pair.source, rule)
            if run.done or not rule.historical:
                waiting = False
                run = replace(run, done=True)
                if abs(now - run.caught_up_at) > _NOTED_S:  # also where the clock was ahead then
                    run = replace(run, caught_up_at=int(now))
            else:
                run, more = await self._copy_page(pair, rule, run)
                changed += more
            if run != before:
                await self._keep(pair.source, run)
        return changed

    async def _look(self, name: str, document: str, now: float) -> tuple[Pair, Rule]:
        """Who may do what, as it is now. Raises: Stopped, _Replaced."""
        source = await self.ports.catalog.find_bucket(name)
        if source is None or source.configuration(replication.NAME) != document:
            raise _Replaced
        rule = replication.from_json(document)
        caller = await self._caller(rule, now)
        context = context_of(self.ports, caller, now)
        target = await find_target(context, rule.bucket, owner=source.owner)
        if target.bucket_id == source.bucket_id or f"oss-{target.region}" != rule.location:
            raise Stopped(f"the target bucket {target.name} is not one of {rule.location[:64]!a}")
        back = target.configuration(replication.NAME)
        mutual = back is not None and replication.from_json(back).bucket == source.name
        return Pair(context, context, source, target, rule.deletes, mutual), rule

    async def _caller(self, rule: Rule, now: float) -> Caller:
        author = await act_as(rule.author, self.identities)
        if not rule.role:
            return author
        arn = rule.role if ":" in rule.role else f"acs:ram::{author.account}:role/{rule.role}"
        return await assume(arn, author, self.identities, session=_SESSION, now=now)

    async def _follow_journal(self, pair: Pair, rule: Rule) -> int:
        """Once through the journal, by key; what comes in meanwhile waits for the next time. A key that fails stays,
        and the others go on. Raises: what the first that failed raised."""
        changed, marker, more = 0, "", True
        failures: dict[str, Exception] = {}
        while more and len(failures) < _FAILURES_MAX:
            page, more = await self.ports.catalog.list_entries(
                pair.source.bucket_id, JOURNAL, prefix="", marker=marker, limit=_AT_ONCE
            )
            done, failed = await self._do_all(pair, [key for key, _ in page if rule.means(key)])
            failures.update(failed)
            await asyncio.gather(*(self._take_out(pair.source, key, text) for key, text in page if key not in failed))
            changed, marker = changed + done, page[-1][0] if page else marker
        for failure in failures.values():
            raise failure
        return changed

    async def _take_out(self, source: Bucket, key: str, text: str) -> None:
        """Unless the key has changed again."""
        await self.ports.catalog.change_entry(
            source.bucket_id, JOURNAL, key, lambda now: None if now == text else now, most=0
        )

    async def _put_in(self, source: Bucket, key: str) -> None:
        """As if it had changed."""
        await self.ports.catalog.change_entry(source.bucket_id, JOURNAL, key, lambda now: now or _BEFORE, most=1 << 62)

    async def _copy_page(self, pair: Pair, rule: Rule, run: Run) -> tuple[Run, int]:
        """Some of what was there before."""
        page = await self.ports.catalog.list_objects(
            pair.source.bucket_id, prefix="", delimiter="", marker=run.key, limit=_AT_ONCE
        )
        keys = [listed.key for listed in page.objects]
        changed, failed = await self._do_all(pair, [key for key in keys if rule.means(key)])
        for key in failed:
            await self._put_in(pair.source, key)
        last = keys[-1] if keys else run.key
        return replace(run, key=last, copied=run.copied + len(keys), done=page.next_marker is None), changed

    async def _do_all(self, pair: Pair, keys: Sequence[str]) -> tuple[int, dict[str, Exception]]:
        """Side by side: how many were changed, and why others could not be.

        Raises: NotWritten, Unknown, and what no key explains; the first refusal, where all were refused.
        """
        outcomes = await asyncio.gather(*(replicate(pair, key) for key in keys), return_exceptions=True)
        failed: dict[str, Exception] = {}
        for key, outcome in zip(keys, outcomes, strict=True):
            if isinstance(outcome, OssError | Damaged):
                failed[key] = outcome
            elif isinstance(outcome, BaseException):
                raise outcome
        if failed and len(failed) == len(keys) > 1:
            raise failed[keys[0]]
        return sum(outcome is True for outcome in outcomes), failed

    async def _find_run(self, source: Bucket, rule: Rule) -> Run:
        """Or a new one, for a rule that is set up anew."""
        set_at = 0 if rule.author is None else rule.author.at
        stored = await self.ports.catalog.find_entry(source.bucket_id, replication.RUN_KIND, _ONE)
        run = None if stored is None else replication.run_from_json(stored)
        if run is not None and run.set_at == set_at:
            return run
        stat = await self.ports.catalog.stat_bucket(source.bucket_id)
        return Run(set_at, of=sum(each.objects for _, each in stat.classes))

    async def _keep(self, source: Bucket, run: Run) -> None:
        await self.ports.catalog.change_entry(
            source.bucket_id, replication.RUN_KIND, _ONE, lambda _: write_stored(run), most=1
        )

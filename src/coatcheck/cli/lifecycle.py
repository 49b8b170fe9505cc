"""`coatcheck lifecycle`: carrying out what buckets' lifecycle rules say."""

from __future__ import annotations

import json
from pathlib import Path

import click

from coatcheck.clock import wall_clock

from .directory import directory_options, on_directory, tell


@click.group("lifecycle")
def command() -> None:
    """What buckets' lifecycle rules remove, move and abort. The server does it once a day by itself.

    Every command takes --data DIR and --json, and works while the server runs.
    """


@command.command("run")
@click.option("--now", "at_once", is_flag=True, help="At once, whether or not it was done today.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@directory_options
def run(at_once: bool, dry_run: bool, data: Path | None, as_json: bool) -> None:
    """Carry the rules out: --now, or what --now would do with --dry-run."""
    from coatcheck.engines.local import LocalEngines
    from coatcheck.operations.context import Ports
    from coatcheck.operations.lifecycle_plan import Action
    from coatcheck.operations.lifecycle_run import Report, run_lifecycle
    from coatcheck.ports.bucket import Bucket

    if not (at_once or dry_run):
        raise click.UsageError("say --now, or --dry-run to see what would be done.")

    def note(bucket: Bucket, action: Action) -> None:
        facts = {"bucket": bucket.name, "action": action.kind.value, "key": action.key, "rule": action.rule_id}
        facts |= {"version": action.version} if action.version not in ("", "null") else {}
        facts |= {"storage_class": action.storage_class} if action.storage_class else {}
        line = f"{action.kind.value}  {bucket.name}/{action.key}  {action.storage_class}".rstrip()
        click.echo(json.dumps(facts, ensure_ascii=False) if as_json else line)

    async def work(engines: LocalEngines) -> Report:
        ports = Ports(engines.catalog, engines.byte_store)
        return await run_lifecycle(ports, now=wall_clock(), dry_run=dry_run, note=note)

    report = on_directory(data, work)
    count = sum(report.done.values())
    verb = "would be done" if dry_run else "done"
    facts = {"dry_run": dry_run, "done": dict(report.done), "buckets": report.buckets}
    tell(facts, f"{count} {verb}, by the rules of {len(report.buckets)} buckets.", as_json=as_json)

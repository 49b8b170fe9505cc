"""`coatcheck link log` and `coatcheck link notices`, `tell`, `untell`: what came of links, and who is told of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

import click

from coatcheck.client.link_uses import LinkUse
from coatcheck.client.profile import Options
from coatcheck.clock import wall_date

from .linking import LINK_ID, facts_of, open_links
from .options import ADDRESS, EXPIRY, OssAddress, json_option, profile_options
from .terminal import print_field, print_json, print_line, printable, say, write_count, write_local, write_size

_EVENTS: Final = ("upload_arrived", "exhausted", "refused_too_often", "first_use", "use")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


@click.command("log")
@click.argument("link", type=LINK_ID, required=False, metavar="[URL|ID]")
@click.option("--object", "object_", type=ADDRESS, help="Uses of all links to one object, or of a bucket.")
@click.option("--address", metavar="IP", help="Uses from one address.")
@click.option("--since", type=EXPIRY, help="From then on: a time, or how long ago.")
@click.option("--until", type=EXPIRY, help="Before then.")
@click.option("--oldest-first", is_flag=True, help="In the order in which they happened.")
@click.option(
    "--csv", "as_csv", is_flag=True, help="As CSV, with a line of names; texts that a sheet would run get a '."
)
@profile_options
@json_option
def log(
    link: str | None,
    object_: OssAddress | None,
    address: str | None,
    where: Options,
    as_json: bool,
    as_csv: bool,
    **options: Any,
) -> None:
    """Who used links: when, from where, with what, how much, and whether it arrived. The newest first."""
    if as_csv and as_json:
        raise click.UsageError("--csv or --json.")
    with open_links(where) as links:
        uses = links.log(
            link,
            bucket=object_.bucket if object_ else None,
            key=(object_.key or None) if object_ else None,
            address=address,
            since=_moment(options["since"]),
            until=_moment(options["until"]),
            newest_first=not options["oldest_first"],
        )
        if as_csv:
            _print_csv(uses)
        elif as_json:
            for use in uses:
                print_json(facts_of(use))
        else:
            _print_table(uses)


@click.command("tell")
@click.argument("url")
@click.option("--bucket", metavar="NAME", help="Of all links of this bucket.")
@click.option("--link", type=LINK_ID, metavar="URL|ID", help="Of this link, which is registered.")
@click.option("--on", "events", type=click.Choice(_EVENTS), multiple=True, required=True, help="Of what; repeatable.")
@click.option("--signing", type=click.Choice(("hmac-sha256", "ed25519")), default="hmac-sha256", show_default=True)
@profile_options
@json_option
def tell(
    url: str,
    bucket: str | None,
    link: str | None,
    events: tuple[str, ...],
    signing: str,
    where: Options,
    as_json: bool,
) -> None:
    """Have an address told of what comes of links, by POST. The key that checks it is shown this once."""
    if (bucket is None) == (link is None):
        raise click.UsageError("Name --bucket or --link.")
    with open_links(where) as links:
        notice = links.tell(url, events=events, bucket=bucket, link=link, signing=signing)
    if as_json:
        print_json(facts_of(notice))
        return
    print_field("notice", notice.id)
    print_field("check with", notice.secret or notice.public_key or "")


@click.command("untell")
@click.argument("bucket")
@click.argument("notice", metavar="ID")
@profile_options
def untell(bucket: str, notice: str, where: Options) -> None:
    """Tell an address no more."""
    with open_links(where) as links:
        links.stop_telling(bucket, notice)
    print_line(f"Removed {notice}.")


@click.command("notices")
@click.argument("bucket")
@profile_options
@json_option
def notices(bucket: str, where: Options, as_json: bool) -> None:
    """Who is told of a bucket's links; what waits to be told, and why what failed did."""
    with open_links(where) as links:
        told, waiting = links.notices(bucket)
    if as_json:
        print_json({"notices": [facts_of(each) for each in told], "waiting": [facts_of(each) for each in waiting]})
        return
    for each in told:
        lost = f"  gave up {each.given_up}: {printable(each.given_up_why or '')}" if each.given_up else ""
        print_line(f"{each.id}  {each.link or 'all links'}  {','.join(each.events)}  {printable(each.url)}{lost}")
    for queued in waiting:
        events = ",".join(f"{name}:{count}" for name, count in queued.events.items())
        tried = f"  failed {queued.attempts}: {printable(queued.why)}" if queued.why else ""
        print_line(f"{queued.id}  {queued.link}  {events}  due {write_local(queued.due_at)}{tried}")
    say(f"{write_count(len(told), 'receiver')}, {write_count(len(waiting), 'notice')} waiting", "dim")


COMMANDS: Final = (log, tell, untell, notices)


def _moment(given: timedelta | datetime | None) -> datetime | None:
    return wall_date() - given if isinstance(given, timedelta) else given


def _print_table(uses: Iterable[LinkUse]) -> None:
    count = 0
    for use in uses:
        count += 1
        end = use.code or ("whole" if use.whole else "broken")
        what = f"oss://{use.bucket}/{printable(use.key)}"
        agent = printable(use.agent)[:60] or "-"
        size = write_size(use.bytes)
        who = f"{use.link}  {use.address:<15}  {use.operation or '-'}"
        print_line(f"{write_local(use.at)}  {who}  {size:>9}  {end}  {what}  {agent}")
    say(write_count(count, "use"), "dim")


def _print_csv(uses: Iterable[LinkUse]) -> None:
    """A row at a time: however many there are, one is in memory."""
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    names = LinkUse.__struct_fields__
    writer.writerow(names)
    for use in uses:
        print_line(line.getvalue()[:-1])
        line.seek(0)
        line.truncate()
        writer.writerow([_cell(value) for value in facts_of(use).values()])
    print_line(line.getvalue()[:-1])


def _cell(value: Any) -> str:
    """As a sheet shows it: a quote before what it would run as a formula, control characters written out."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value).lower() if isinstance(value, bool) else str(value)
    text = printable(value)
    return f"'{text}" if value.lstrip(" ").startswith(_FORMULA) else text

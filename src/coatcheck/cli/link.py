"""`coatcheck link`: links with a life on the server: make, limit, look, cancel."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from coatcheck.client.link_info import LinkInfo, LinkRule
from coatcheck.client.profile import Options
from coatcheck.clock import wall_date

from . import link_audit
from .linking import LINK_ID, facts_of, open_links
from .options import (
    ADDRESS,
    EXPIRY,
    HEADER,
    SIZE,
    OssAddress,
    ask_password,
    find_moment,
    json_option,
    profile_options,
)
from .terminal import print_field, print_json, print_line, printable, say, warn, write_count, write_local, write_size


@click.group("link")
def command() -> None:
    """Links with a life on the server, also those that an SDK has signed: make, limit, see and cancel them.

    A link is named by its whole URL (in quotes) or by its id, lk_..., from which nobody can make the link.

    Every command takes --json.
    """


_method = click.option("--method", default="GET", show_default=True, help="What the link was signed for.")
_headers = click.option("--header", "headers", type=HEADER, multiple=True, help="A header that it was signed with.")


for part in link_audit.COMMANDS:
    command.add_command(part)


@command.command("create")
@click.argument("what", type=ADDRESS, nargs=-1, required=True, metavar="oss://BUCKET/KEY...")
@click.option("--expires", type=EXPIRY, help="How long, or until when; a week, if not given.")
@click.option("--forever", is_flag=True, help="It works until it is cancelled.")
@click.option("--downloads", type=click.IntRange(1), metavar="N", help="How many there may be, of each object.")
@click.option("--password", metavar="TEXT", help="Who opens it has to know it; - to be asked for it.")
@click.option("--from", "networks", metavar="NETWORK", multiple=True, help="Where alone it works, e.g. 192.0.2.0/24.")
@click.option("--starts", type=EXPIRY, help="When it begins to work.")
@click.option("--rate", type=int, metavar="BITS/S", help="How fast each download may be.")
@click.option("--download-as", "file_name", metavar="NAME", help="The file's name for its receiver.")
@click.option("--inline", is_flag=True, help="Browsers show it, in place of saving it.")
@click.option("--process", metavar="TEXT", help="What is made of a picture, e.g. image/resize,w_400.")
@click.option("--version-id", metavar="ID", help="Of the object; the newest, if not given.")
@click.option("--note", default="", help="Your own words; the receiver sees them.")
@click.option("--upload", is_flag=True, help="An upload box: it takes files, and puts them below oss://BUCKET/PREFIX/.")
@click.option("--files", type=click.IntRange(1), metavar="N", help="How many files a box takes in all.")
@click.option("--file-size", type=SIZE, metavar="SIZE", help="How large each may be, e.g. 100M.")
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Media types that a box takes, e.g. 'image/*'.")
@click.option("--name", "names", multiple=True, metavar="PATTERN", help="Names that a box takes, e.g. '*.pdf'.")
@click.option("--no-quarantine", is_flag=True, help="What arrives is an object at once, without `link accept`.")
@profile_options
@json_option
def create(what: tuple[OssAddress, ...], where: Options, as_json: bool, **options: Any) -> None:
    """Make a link that the server knows from the start: short, for any time, with a password if you like.

    It leads to an object, to several, to a folder (a prefix that ends with a slash), or, with --upload, takes files.
    It works with your rights as they are when it is used, and ends with the access key that made it.
    """
    named = _read_named(what, upload=options["upload"])
    box = None
    if options["upload"]:
        chosen = {"files": options["files"], "file_bytes": options["file_size"]}
        listed = {"types": list(options["types"]), "names": list(options["names"])}
        box = {name: value for name, value in (chosen | listed).items() if value}
        box["quarantine"] = not options["no_quarantine"]
    with open_links(where) as links:
        ticket = links.create(
            what[0].bucket,
            **named,
            box=box,
            ends_at=find_moment(options["expires"]),
            forever=options["forever"],
            password=ask_password(options["password"]),
            starts_at=find_moment(options["starts"]),
            networks=options["networks"] or None,
            rate_bits_per_s=options["rate"],
            **{name: options[name] or None for name in ("downloads", "file_name", "process", "version_id", "note")},
            inline=options["inline"] or None,
        )
    if as_json:
        print_json({"url": ticket.url, "names": ticket.names, "box": ticket.box} | facts_of(ticket.link))
        return
    print_line(ticket.url)
    ends = ticket.link.ends_at
    say(f"{ticket.link.id} ends {write_local(ends)}." if ends else f"{ticket.link.id} works until it is cancelled.")


def _read_named(what: tuple[OssAddress, ...], *, upload: bool) -> dict[str, Any]:
    """What the link names, as `Links.create` wants it."""
    buckets = {address.bucket for address in what}
    keys = [address.key or "" for address in what]
    if len(buckets) != 1:
        raise click.UsageError("One link leads into one bucket.")
    if len(keys) > 1:
        if upload or not all(keys) or any(key.endswith("/") for key in keys):
            raise click.UsageError("Several addresses make a list of objects; name one folder, or one box.")
        return {"keys": keys}
    if upload or not keys[0] or keys[0].endswith("/"):
        return {"prefix": keys[0]}
    return {"key": keys[0]}


@command.command("register")
@click.argument("url")
@_method
@_headers
@click.option("--downloads", type=click.IntRange(1), metavar="N", help="How many there may be; 1: a one-time link.")
@click.option("--from", "networks", metavar="NETWORK", multiple=True, help="Where alone it works, e.g. 192.0.2.0/24.")
@click.option("--starts", type=EXPIRY, help="When it begins to work.")
@click.option("--rate", type=int, metavar="BITS/S", help="How fast each download may be.")
@click.option("--note", default="", help="Your own words, shown in lists.")
@profile_options
@json_option
def register(url: str, where: Options, as_json: bool, **options: Any) -> None:
    """Limit a link before it is handed out. What it is limited to can be changed by registering it again."""
    with open_links(where) as links:
        link = links.register(
            url,
            method=options["method"],
            headers=dict(options["headers"]),
            downloads=options["downloads"],
            networks=options["networks"],
            starts_at=find_moment(options["starts"]),
            rate_bits_per_s=options["rate"],
            note=options["note"],
        )
    _tell(link, f"Registered {link.id}.", as_json)


@command.command("cancel")
@click.argument("link", required=False, metavar="[URL|ID]")
@_method
@_headers
@click.option("--prefix", type=ADDRESS, help="All links of a bucket, or of what is below a prefix.")
@click.option("--object", "object_", type=ADDRESS, help="All links to one object.")
@click.option("--access-key-id", metavar="ID", help="All links that this key has signed.")
@click.option("--signed-before", type=EXPIRY, help="Of those only what was signed before then; now, if not given.")
@profile_options
@json_option
def cancel(
    link: str | None,
    prefix: OssAddress | None,
    object_: OssAddress | None,
    access_key_id: str | None,
    where: Options,
    as_json: bool,
    **options: Any,
) -> None:
    """Cancel one link, or all of an access key, a bucket, a prefix or an object, seen or unseen.

    From the next request on they are refused, and downloads that run end within a second. Links that are signed later
    work. What a proxy or a cache has taken already is out of reach.
    """
    many = prefix is not None or object_ is not None or access_key_id is not None
    if (link is None) is not many or (prefix and object_):
        raise click.UsageError("Name one link; or --prefix or --object, --access-key-id, or both.")
    with open_links(where) as links:
        if link is not None:
            info = links.cancel(link, method=options["method"], headers=dict(options["headers"]))
            _tell(info, f"Cancelled {info.id}.", as_json)
            return
        address = object_ or prefix
        rule = links.cancel_all(
            access_key_id=access_key_id,
            bucket=address.bucket if address else None,
            prefix=prefix.key or None if prefix else None,
            key=object_.key if object_ else None,
            signed_before=_earlier(options["signed_before"]),
        )
    if as_json:
        print_json(facts_of(rule))
    else:
        print_line(f"Cancelled: {_say_rule(rule)}.")


@command.command("show")
@click.argument("link", type=LINK_ID, metavar="URL|ID")
@profile_options
@json_option
def show(link: str, where: Options, as_json: bool) -> None:
    """What the server knows of a link, and how often it was used."""
    with open_links(where) as links:
        info = links.show(link)
    if as_json:
        print_json(facts_of(info))
        return
    for label, value in (
        ("link", info.id),
        ("object", _say_object(info)),
        ("state", info.state),
        ("downloads", _say_downloads(info)),
        ("uses", _say_uses(info)),
        ("ends", write_local(info.ends_at) if info.ends_at else "unknown"),
        ("from", ", ".join(info.networks) or "anywhere"),
        ("signed by", info.access_key_id or "unknown"),
        ("note", printable(info.note) or "-"),
    ):
        print_field(label, value)


@command.command("ls")
@click.option(
    "--state", type=click.Choice(("live", "cancelled", "ended", "used up")), help="Links of this state alone."
)
@click.option("--bucket", metavar="NAME", help="Links of this bucket alone.")
@click.option("--rules", is_flag=True, help="The rules for many links in place of single links.")
@profile_options
@json_option
def ls(state: str | None, bucket: str | None, rules: bool, where: Options, as_json: bool) -> None:
    """List the links that were registered or cancelled. Others work as signed, and are in no list."""
    count = 0
    with open_links(where) as links:
        entries: Iterator[LinkInfo | LinkRule] = links.list_rules() if rules else links.list_links(bucket=bucket)
        for entry in entries:
            if state is not None and isinstance(entry, LinkInfo) and entry.state != state:
                continue
            count += 1
            if as_json:
                print_json(facts_of(entry))
            elif isinstance(entry, LinkRule):
                print_line(_say_rule(entry))
            else:
                ends = write_local(entry.ends_at) if entry.ends_at else "unknown"
                note = f"  {printable(entry.note)}" if entry.note else ""
                used = f"{entry.uses:>6}  {write_size(entry.bytes):>9}"
                print_line(f"{entry.id}  {entry.state:<9}  {used}  {ends:>23}  {_say_object(entry)}{note}")
    if not as_json:
        say(write_count(count, "rule" if rules else "link"), "dim")


@command.command("arrivals")
@click.argument("link", type=LINK_ID, metavar="URL|ID")
@click.option("--get", "file", metavar="FILE", help="Save this one of them to look at it; it waits on.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to; its own name here, if not given.")
@profile_options
@json_option
def arrivals(link: str, file: str | None, output: Path | None, where: Options, as_json: bool) -> None:
    """List the files that wait in an upload box, or look at one."""
    if file is not None:
        _save_arrival(link, file, output, where, as_json=as_json)
        return
    count = 0
    with open_links(where) as links:
        for each in links.list_arrivals(link):
            count += 1
            if as_json:
                print_json(facts_of(each))
            else:
                when = write_local(each.started_at)
                print_line(f"{each.id}  {write_size(each.size):>10}  {when:>23}  {each.sender}  {printable(each.name)}")
    if not as_json:
        say(write_count(count, "file"), "dim")


def _save_arrival(link: str, file: str, output: Path | None, where: Options, *, as_json: bool) -> None:
    with open_links(where) as links:
        found = next((each for each in links.list_arrivals(link) if each.id == file), None)
        if found is None:
            raise click.UsageError("No file of that id waits in this box.")
        path = output or Path(found.name)
        if output is None and path.exists():
            raise click.UsageError(f"{printable(path.name)} is there already. Say where to, with -o.")
        links.save_arrival(file, path)
    if as_json:
        print_json({"path": str(path)} | facts_of(found))
    else:
        print_line(f"Saved {printable(str(path))}.")


@command.command("accept")
@click.argument("link", type=LINK_ID, metavar="URL|ID")
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option("--refuse", is_flag=True, help="Remove them instead.")
@profile_options
@json_option
def accept(link: str, files: tuple[str, ...], refuse: bool, where: Options, as_json: bool) -> None:
    """Make objects of the files that wait in an upload box: of those that are named by their ids, or of all.

    Until then nobody but you sees them; after a week they are removed.
    """
    with open_links(where) as links:
        answered = (links.refuse if refuse else links.accept)(link, files or None)
    for file in answered:
        if as_json:
            print_json(facts_of(file))
        elif file.error is not None:
            warn(f"{file.id}: {file.message}")
        else:
            print_line(f"{'Refused' if refuse else 'Accepted'} {printable(file.key or '')}")
    if not as_json and not answered:
        say("No files wait.", "dim")
    if any(file.error is not None for file in answered):
        raise click.exceptions.Exit(1)


def _earlier(given: timedelta | datetime | None) -> datetime | None:
    return wall_date() - given if isinstance(given, timedelta) else given


def _tell(link: LinkInfo, line: str, as_json: bool) -> None:
    if as_json:
        print_json(facts_of(link))
    else:
        print_line(line)


def _say_object(link: LinkInfo) -> str:
    return f"oss://{link.bucket}/{printable(link.key)}" if link.bucket else "unknown"


def _say_downloads(link: LinkInfo) -> str:
    taken = link.downloads_taken or 0
    return f"{taken} of {link.downloads}" if link.downloads is not None else f"{taken}, no limit"


def _say_uses(link: LinkInfo) -> str:
    """ "3, 2.3 MiB, 1 broken, 2 refused, last 2026-03-05 15:08:09 CST"."""
    parts = [str(link.uses), write_size(link.bytes)]
    parts += [f"{count} {word}" for count, word in ((link.broken, "broken"), (link.refused, "refused")) if count]
    last = [f"last {write_local(link.last_use_at)}"] if link.last_use_at else []
    return ", ".join(parts + last)


def _say_rule(rule: LinkRule) -> str:
    """ "links to oss://photos/2026/* signed before 2026-03-05 15:08:09 CST"."""
    key = printable(rule.key) if rule.key else f"{printable(rule.prefix or '')}*"
    place = f" to oss://{rule.bucket}/{key}" if rule.bucket else ""
    signer = f" signed by {rule.access_key_id}" if rule.access_key_id else ""
    cancelled = f" signed before {write_local(rule.cancelled_before)}" if rule.cancelled_before else ""
    registered = " only if they are registered" if rule.registered_only else ""
    return f"links{place}{signer}{cancelled}{registered}"

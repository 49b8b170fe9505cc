"""`coatcheck explain`: what a link grants, and why it doesn't work; or why a request was refused."""

from __future__ import annotations

import os
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import click
from msgspec import to_builtins

from coatcheck.client.connection import Connection
from coatcheck.client.errors import ClientError, NotFound, find_next_step
from coatcheck.client.link_info import RefusalInfo
from coatcheck.client.objects import ObjectAddress, head_object
from coatcheck.client.profile import Options, find_secret
from coatcheck.clock import wall_clock
from coatcheck.engines.refusal_ring import FILE_NAME, RefusalRing
from coatcheck.signing.explain import Explanation, explain

from .failures import FAILED
from .linking import open_links
from .options import EXPIRY, HEADER, find_profile, json_option, profile_options
from .terminal import print_field, print_json, print_line, printable, write_duration, write_local

_REQUEST_ID: Final = re.compile("[0-9A-F]{24}")


@click.command("explain")
@click.argument("link", metavar="URL|REQUEST_ID|-")
@click.option("--method", default="GET", show_default=True, help="What the link is used with.")
@click.option("--header", "headers", type=HEADER, multiple=True, help="A header the link is used with.")
@click.option("--bucket", help="Bucket of a link on an own domain, which doesn't name it.")
@click.option("--offline", is_flag=True, help="Don't ask the server whether the object is there.")
@click.option("--at", type=EXPIRY, help="Judge it as of this time, or of so long from now; else now.")
@profile_options
@json_option
@click.pass_context
def command(
    context: click.Context,
    link: str,
    method: str,
    headers: tuple[tuple[str, str], ...],
    bucket: str | None,
    at: timedelta | datetime | None,
    offline: bool,
    where: Options,
    as_json: bool,
) -> None:
    """Decode a link: who signed it, for what, from when to when, which headers it needs; is the object still there?

    If the secret of its access key is at hand (environment, profile or the local server's), the signature is checked,
    and if it doesn't match, the usual mistakes are tried. Quote the link, or give "-" and paste it. Exit code 0 if the
    link works, 1 if not.
    """
    if _REQUEST_ID.fullmatch(link):
        _explain_refusal(link, where, as_json)
        return
    url = (sys.stdin.readline() if link == "-" else link).strip()
    now = _read_moment(at)
    found = explain(url, now=now, method=method.upper(), headers=dict(headers), bucket=bucket)
    secret = find_secret(found.access_key_id, where, os.environ, Path.home()) if found.access_key_id else None
    if secret is not None:
        found = explain(url, now=now, secret=secret, method=method.upper(), headers=dict(headers), bucket=bucket)
    there = None if offline or not _works(found) else _is_there(found, url, where)
    works = _works(found) and there is not False
    if as_json:
        print_json({**_write_facts(found), "works": works, "object_is_there": there})
    else:
        _print(found, there)
    if not works:
        context.exit(FAILED)


def _is_there(found: Explanation, url: str, where: Options) -> bool | None:
    """Whether the server has the object; None where nobody can say: another server, no reply, no right to look."""
    if found.method not in ("GET", "HEAD") or not found.bucket or not found.key:
        return None
    try:
        profile = find_profile(where)
        host, own = urlsplit(url).netloc, urlsplit(profile.endpoint).netloc
        if host != own and not host.endswith(f".{own}"):
            return None
        with Connection(profile) as connection:
            head_object(connection, ObjectAddress(found.bucket, found.key, found.version_id or ""))
    except NotFound:
        return False
    except (ClientError, ValueError):
        return None
    return True


def _explain_refusal(request_id: str, where: Options, as_json: bool) -> None:
    found = _read_refusal(request_id, where)
    if as_json:
        print_json(
            {
                **to_builtins(found, builtin_types=(datetime,)),
                "time": found.time.isoformat(),
                "next_step": _next_step(found),
            }
        )
        return
    print_line(click.style(f"{found.code}: {printable(found.reason)}", fg="red", bold=True))
    if step := _next_step(found):
        print_line(f"  {printable(step)}")
    proof = "" if found.signature_held else " (as the request says; its signature was not found right)"
    for label, value in (
        ("when", write_local(found.time)),
        ("what", " ".join(filter(None, (found.method, found.operation)))),
        ("bucket", found.bucket),
        ("access key", f"{found.access_key_id}{proof}" if found.access_key_id else None),
        ("answered", f"{found.status}{f' (EC {found.ec})' if found.ec else ''}"),
    ):
        if value:
            print_field(label, printable(value))


def _read_refusal(request_id: str, where: Options) -> RefusalInfo:
    """From the data directory that is named, else from the server. Raises: ClientError."""
    if where.data is None:
        with open_links(where) as links:
            return links.explain(request_id)
    found = RefusalRing(where.data / FILE_NAME).find_now(request_id)
    if found is None:
        raise NotFound("NoSuchRefusal", f"No refusal is kept under {request_id}; only the latest ones are.")
    return RefusalInfo(
        found.id,
        datetime.fromtimestamp(found.time, UTC),
        found.method,
        found.operation or None,
        found.bucket or None,
        found.access_key_id,
        found.proven,
        found.status,
        found.code,
        found.ec or None,
        found.reason,
        found.hint or None,
    )


def _next_step(found: RefusalInfo) -> str:
    return found.hint or find_next_step(found.code, found.reason, found.status)


def _read_moment(at: timedelta | datetime | None) -> float:
    if at is None:
        return wall_clock()
    return at.timestamp() if isinstance(at, datetime) else wall_clock() + at.total_seconds()


def _works(found: Explanation) -> bool:
    return found.state == "valid" and not found.problems and found.verified is not False


def _write_facts(found: Explanation) -> dict[str, Any]:
    """Every field of the explanation, its moments as ISO 8601, and the verdict."""
    facts = to_builtins(found, builtin_types=(datetime,))
    for name in ("starts_at", "expires_at"):
        moment_s = facts.pop(f"{name}_s")
        facts[name] = _moment(moment_s).isoformat() if moment_s is not None else None
    return {"works": _works(found), **facts}


def _print(found: Explanation, there: bool | None) -> None:
    works = _works(found) and there is not False
    print_line(click.style(_verdict(found, works), fg="green" if works else "red", bold=True))
    if there is False:
        print_line(click.style("  The object isn't there any more, or not yet.", fg="red"))
    elif there:
        print_line("  The object is there.")
    for problem in found.problems:
        print_line(click.style(f"  {printable(problem)}", fg="red"))
    for label, value in _fields(found):
        if value:
            print_field(label, printable(value))
    for note in found.notes:
        print_field("note", printable(note))


def _verdict(found: Explanation, works: bool) -> str:
    if not works:
        return "This link does not work."
    if found.verified:
        return "This link works: its signature is right and its time isn't over."
    return "Nothing speaks against this link; without its secret key the signature can't be checked."


def _fields(found: Explanation) -> list[tuple[str, str | None]]:
    return [
        ("object", _address(found)),
        ("method", found.method if found.version else None),
        ("signed by", f"{found.access_key_id} ({found.dialect} {found.version})" if found.access_key_id else None),
        ("region", found.region),
        ("from", _write_moment(found.starts_at_s)),
        ("until", _write_moment(found.expires_at_s)),
        ("time left", _write_left(found.left_s)),
        ("must be sent", ", ".join(found.required_headers)),
        ("version id", found.version_id),
        ("processing", found.process),
        ("answered with", "; ".join(f"{name}: {value}" for name, value in found.response_headers.items())),
        ("speed limit", f"{found.traffic_limit} bit/s" if found.traffic_limit else None),
        ("only from", found.source_ip),
        ("token", "signed with a temporary key's security token" if found.has_security_token else None),
    ]


def _address(found: Explanation) -> str | None:
    if found.bucket is None:
        return found.key
    scheme = "s3" if found.dialect == "S3" else "oss"
    return f"{scheme}://{found.bucket}/{found.key}" if found.key else f"{scheme}://{found.bucket}"


def _moment(moment_s: int) -> datetime:
    """A link may name any number; what no calendar has becomes the calendar's end."""
    try:
        return datetime.fromtimestamp(moment_s, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.max.replace(tzinfo=UTC)


def _write_moment(moment_s: int | None) -> str | None:
    return write_local(_moment(moment_s)) if moment_s is not None else None


def _write_left(left_s: int | None) -> str | None:
    if left_s is None:
        return None
    length = write_duration(min(abs(left_s), 10**9))
    return length if left_s >= 0 else f"none, it ended {length} ago"

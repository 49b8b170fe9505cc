"""`coatcheck share`: upload a file and print a link to it."""

from __future__ import annotations

import secrets
import shutil
import sys
import warnings
from collections.abc import Mapping
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from coatcheck.client.connection import Connection
from coatcheck.client.link_info import Ticket
from coatcheck.client.profile import Options, Profile, make_presigner
from coatcheck.client.upload import put_file
from coatcheck.clock import wall_date
from coatcheck.signing.presigned_url import PresignedUrl
from coatcheck.signing.refusal import PresignWarning

from .completing import offer_files_or_addresses
from .linking import links_of
from .options import (
    EXPIRY,
    OssAddress,
    ask_password,
    find_moment,
    find_profile,
    json_option,
    profile_options,
    read_address,
)
from .terminal import (
    print_json,
    print_line,
    printable,
    progress_bar,
    say,
    stderr,
    warn,
    write_duration,
    write_local,
    write_size,
)

_QR_BORDER = 2  # modules; readers want four of white, but a terminal's cells around it serve


@click.command("share")
@click.argument("what", metavar="FILE|oss://BUCKET/KEY", shell_complete=offer_files_or_addresses)
@click.option(
    "--expires", type=EXPIRY, default="1h", show_default=True, help="How long, or until when; 7 days at most."
)
@click.option("--download-as", metavar="NAME", help="Browsers save it under this name instead of showing it.")
@click.option("--bucket", default="shared", show_default=True, help="Where the file goes; made, private, if missing.")
@click.option("--key", help="Its key; else a random folder and the file's name, so that links never change content.")
@click.option("--content-type", metavar="TYPE", help="Media type; else by the file's name.")
@click.option("--link-endpoint", metavar="URL", help="Address in the link, if others reach the server by another.")
@click.option("--qr", is_flag=True, help="Show a QR code of the link too.")
@click.option("--short", is_flag=True, help="A short link that the server makes; so does each of the next four.")
@click.option("--downloads", type=click.IntRange(1), metavar="N", help="How many there may be; 1: a one-time link.")
@click.option("--password", metavar="TEXT", help="Who opens it has to know it; - to be asked for it.")
@click.option("--forever", is_flag=True, help="It works until it is cancelled.")
@click.option("--upload", is_flag=True, help="WHAT is oss://BUCKET/PREFIX/: a link by which others upload files.")
@profile_options
@json_option
def command(
    what: str,
    expires: timedelta | datetime,
    download_as: str | None,
    bucket: str,
    key: str | None,
    content_type: str | None,
    link_endpoint: str | None,
    qr: bool,
    where: Options,
    as_json: bool,
    **ticket: Any,
) -> None:
    """Upload a file, or take an object that is there, and print a link that works until it expires.

    Only the link goes to standard output. Whoever has it can download, without an account; nobody else can.
    """
    profile = find_profile(where)
    if ticket["upload"]:
        address = _read_folder(what)
        made = _make_ticket(profile, address, expires, None, ticket)
        _print_ticket(made, address, link_endpoint, qr=qr, as_json=as_json)
        return
    file, address = _read_what(what, bucket, key)
    if any(ticket.values()):
        with Connection(profile) as connection:
            if file is not None:
                _upload(connection, file, address, content_type, as_json)
        made = _make_ticket(profile, address, expires, download_as, ticket)
        _print_ticket(made, address, link_endpoint, qr=qr, as_json=as_json)
        return
    presigner = make_presigner(profile)
    with Connection(profile) as connection, warnings.catch_warnings():
        warnings.simplefilter("ignore", PresignWarning)  # said below, once, when the link is made for good

        def make_link(now: datetime) -> PresignedUrl:
            return presigner.presign(
                "GET",
                address.bucket,
                address.key,
                expires=expires,
                endpoint=link_endpoint,
                path_style=profile.path_style,
                download_as=download_as,
                now=now,
            )

        make_link(wall_date())  # what can't be signed is refused before anything is uploaded
        if file is None:
            connection.send("HEAD", address.bucket, address.key)
        else:
            _upload(connection, file, address, content_type, as_json)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", PresignWarning)
            now = wall_date().replace(microsecond=0)
            link = make_link(now)
    for warning in caught:
        warn(str(warning.message))
    _print(link, address, now, qr=qr, as_json=as_json)


def _read_folder(what: str) -> OssAddress:
    try:
        address = read_address(what)
    except ValueError as error:
        raise click.UsageError(f"With --upload name where files go: oss://BUCKET/PREFIX/ ({error}).") from None
    return OssAddress(address.bucket, address.key)


def _make_ticket(
    profile: Profile,
    address: OssAddress,
    expires: timedelta | datetime,
    download_as: str | None,
    wanted: Mapping[str, Any],
) -> Ticket:
    """A link that the server makes, in place of one that is signed here."""
    named: dict[str, Any] = {"key": address.key, "file_name": download_as}
    if wanted["upload"]:
        named = {"prefix": address.key, "box": {}}
    with links_of(profile) as links:
        return links.create(
            address.bucket,
            **named,
            ends_at=None if wanted["forever"] else find_moment(expires),
            forever=wanted["forever"],
            password=ask_password(wanted["password"]),
            downloads=wanted["downloads"],
        )


def _print_ticket(ticket: Ticket, address: OssAddress, endpoint: str | None, *, qr: bool, as_json: bool) -> None:
    url, ends = _move(ticket.url, endpoint), ticket.link.ends_at
    if as_json:
        print_json(
            {
                "url": url,
                "id": ticket.link.id,
                "expires_at": ends.isoformat() if ends else None,
                "bucket": address.bucket,
                "key": address.key,
            }
        )
    else:
        print_line(url)
        say(f"Ends {write_local(ends)}." if ends else "Works until it is cancelled.")
        say(f"Cancel it with: coatcheck link cancel {ticket.link.id}", "dim")
        if _is_loopback(url):
            say("It works on this computer only; see: coatcheck share --help, --link-endpoint.", "dim")
    if qr:
        _print_qr(url)


def _move(url: str, endpoint: str | None) -> str:
    """The link at another address of the server."""
    if endpoint is None:
        return url
    base = endpoint if "://" in endpoint else f"{urlsplit(url).scheme}://{endpoint}"
    return base.rstrip("/") + urlsplit(url).path


def _read_what(what: str, bucket: str, key: str | None) -> tuple[Path | None, OssAddress]:
    """The file to upload, or None, and where the object is, or will be."""
    if not what.startswith("oss://"):
        file = Path(what)
        return file, OssAddress(bucket, key or f"{secrets.token_hex(6)}/{file.name}")
    try:
        address = read_address(what)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if not address.key:
        raise click.UsageError("Share one object: coatcheck share oss://BUCKET/KEY")
    return None, address


def _upload(connection: Connection, file: Path, address: OssAddress, content_type: str | None, as_json: bool) -> None:
    with file.open("rb"):  # a missing file is noticed before a bucket is made for it
        pass
    if connection.ensure_bucket(address.bucket) and not as_json:
        say(f"Made oss://{address.bucket}, private.", "dim")
    with progress_bar(wanted=not as_json) as bar:
        uploaded = put_file(connection, file, address.bucket, address.key, progress=bar, content_type=content_type)
    if not as_json:
        say(f"Stored {printable(str(address))}, {write_size(uploaded.size_bytes)}.", "dim")


def _print(link: PresignedUrl, address: OssAddress, now: datetime, *, qr: bool, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "url": link.url,
                "expires_at": link.expires_at.isoformat(),
                "bucket": address.bucket,
                "key": address.key,
            }
        )
    else:
        print_line(link.url)
        left = write_duration(link.expires_at - now)
        say(f"Expires {write_local(link.expires_at)}, in {left}.")
        if _is_loopback(link.url):
            say("It works on this computer only; see: coatcheck share --help, --link-endpoint.", "dim")
    if qr:
        _print_qr(link.url)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host.startswith("127.") or host in ("localhost", "::1") or host.endswith(".localhost")


def _print_qr(url: str) -> None:
    """On stderr, in half blocks; not where it would be broken by the terminal's edge."""
    import segno

    code = segno.make_qr(url, error="l")
    needed = code.symbol_size(border=_QR_BORDER)[0]
    if sys.stderr.isatty() and shutil.get_terminal_size().columns < needed:
        warn(f"the QR code needs a terminal {needed} columns wide")
        return
    picture = StringIO()
    code.terminal(out=picture, border=_QR_BORDER, compact=True)
    stderr().file.write(picture.getvalue())

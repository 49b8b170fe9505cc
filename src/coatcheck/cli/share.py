"""`coatcheck share`: upload files and print links to them."""

from __future__ import annotations

import secrets
import shutil
import socket
import sys
import warnings
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from msgspec import Struct

from coatcheck.client.connection import Connection
from coatcheck.client.errors import ClientError
from coatcheck.client.link_info import Ticket
from coatcheck.client.listing import read_page
from coatcheck.client.moving import Mover
from coatcheck.client.multipart import PART_BYTES
from coatcheck.client.naming import make_safe_name
from coatcheck.client.profile import Options, Profile, make_presigner
from coatcheck.client.upload import MULTIPART_ABOVE_BYTES, put_file
from coatcheck.clock import wall_date
from coatcheck.signing.presigned_url import PresignedUrl
from coatcheck.signing.presigner import Presigner
from coatcheck.signing.refusal import PresignWarning

from .batch_run import Batch, make_parts
from .completing import offer_files_or_addresses
from .linking import links_of
from .options import (
    EXPIRY,
    PLACE,
    OssAddress,
    ask_password,
    find_moment,
    find_profile,
    json_option,
    profile_options,
    read_address,
    refuse_wildcards,
)
from .planning import Copying, as_folder
from .share_key import explain_refusal, with_share_key
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
@click.argument(
    "what",
    nargs=-1,
    required=True,
    type=PLACE,
    metavar="FILE|FOLDER|oss://BUCKET/KEY...",
    shell_complete=offer_files_or_addresses,
)
@click.option(
    "--expires", type=EXPIRY, default="1h", show_default=True, help="How long, or until when; 7 days at most."
)
@click.option("--download-as", metavar="NAME", help="Browsers save it under this name instead of showing it.")
@click.option("--bucket", default="shared", show_default=True, help="Where the file goes; made, private, if missing.")
@click.option("--key", help="Its key; else a random folder and the file's name, so that links never change content.")
@click.option("--content-type", metavar="TYPE", help="Media type; else by the file's name.")
@click.option("--link-endpoint", metavar="URL", help="Address in the link, if others reach the server by another.")
@click.option("--custom-domain", metavar="NAME", help="A domain bound to the bucket, in the link.")
@click.option("--qr", is_flag=True, help="Show a QR code of the link too.")
@click.option("--short", is_flag=True, help="A short link that the server makes; so does each of the next four.")
@click.option("--downloads", type=click.IntRange(1), metavar="N", help="How many there may be; 1: a one-time link.")
@click.option("--password", metavar="TEXT", help="Who opens it has to know it; - to be asked for it.")
@click.option("--forever", is_flag=True, help="It works until it is cancelled.")
@click.option("--upload", is_flag=True, help="WHAT is oss://BUCKET/PREFIX/: a link by which others upload files.")
@click.option("-y", "--yes", is_flag=True, help="Upload into a bucket that strangers can read without asking.")
@profile_options
@json_option
def command(what: tuple[str, ...], where: Options, as_json: bool, **given: Any) -> None:
    """Upload files, or take objects that are there, and print a link to each that works until it expires.

    Only the links go to standard output. Whoever has one can download, without an account; nobody else can. A folder is
    one link, which the server makes: a page for people, one ZIP for programs.
    """
    if len(what) > 1 and (given["key"] or given["download_as"]):
        raise click.UsageError("--key and --download-as name one file: share them one by one.")
    found = with_share_key(find_profile(where))
    sharing = _Sharing(found, given["link_endpoint"] or found.link_endpoint, as_json, given)
    if given["password"]:
        given["password"] = ask_password(given["password"])  # once, for all of them
    try:
        for one in what:
            sharing.share(one)
    except ClientError as error:
        raise explain_refusal(error, found) from None


class _Sharing(Struct, frozen=True):
    """What `share` was asked for."""

    profile: Profile
    link_endpoint: str | None
    as_json: bool
    given: Mapping[str, Any]

    def share(self, what: str) -> None:
        """One file, folder or object."""
        if self.given["upload"]:
            self._print_ticket(read_folder(what), None)
        elif not what.startswith("oss://") and Path(what).is_dir():
            self._share_folder(Path(what))
        else:
            self._share_object(*_read_what(what, self.given["bucket"], self.given["key"]))

    def _share_folder(self, directory: Path) -> None:
        given = self.given
        name = make_safe_name(directory.resolve().name)
        address = OssAddress(given["bucket"], as_folder(given["key"] or f"{secrets.token_hex(6)}/{name}"))
        batch = Batch("Stored", self.as_json)
        with Connection(self.profile) as connection:
            self._prepare(connection, address.bucket)
            copying = Copying(connection, True, lambda name: True, batch.pass_over)
            mover = Mover(connection, make_parts(MULTIPART_ABOVE_BYTES, PART_BYTES))
            counted = batch.run(copying.plan([directory], address), mover.do)
        if not self.as_json:
            say(f"{counted.summarize('Stored')}.", "dim")
        if batch.done["failed"]:
            raise ClientError("NotStored", "Some files were not stored, so no link was made.", hint="run it again")
        self._print_ticket(address, address.key)

    def _share_object(self, file: Path | None, address: OssAddress) -> None:
        if any(self.given[name] for name in ("short", "downloads", "password", "forever")):
            if file is not None:
                with Connection(self.profile) as connection:
                    self._upload(connection, file, address)
            self._print_ticket(address, None)
            return
        presigner = make_presigner(self.profile)
        with Connection(self.profile) as connection, warnings.catch_warnings():
            warnings.simplefilter("ignore", PresignWarning)  # said below, once, when the link is made for good
            make_link = partial(self._make_link, presigner, address, self._find_style(address.bucket))
            make_link(wall_date())  # what can't be signed is refused before anything is uploaded
            if file is None:
                connection.send("HEAD", address.bucket, address.key)
            else:
                self._upload(connection, file, address)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", PresignWarning)
                now = wall_date().replace(microsecond=0)
                link = make_link(now)
        for warning in caught:
            warn(str(warning.message))
        _print(link, address, now, qr=self.given["qr"], as_json=self.as_json)

    def _find_style(self, bucket: str) -> bool:
        """Whether the bucket goes into the path of links."""
        if self.link_endpoint is None or self.given["custom_domain"] or self.profile.path_style:
            return self.profile.path_style
        return needs_path_style(self.link_endpoint, bucket)

    def _make_link(self, presigner: Presigner, address: OssAddress, path_style: bool, now: datetime) -> PresignedUrl:
        return presigner.presign(
            "GET",
            address.bucket,
            address.key,
            expires=self.given["expires"],
            endpoint=self.link_endpoint,
            custom_domain=self.given["custom_domain"],
            path_style=path_style,
            download_as=self.given["download_as"],
            now=now,
        )

    def _upload(self, connection: Connection, file: Path, address: OssAddress) -> None:
        with file.open("rb"):  # a missing file is noticed before a bucket is made for it
            pass
        self._prepare(connection, address.bucket)
        with progress_bar(wanted=not self.as_json) as bar:
            uploaded = put_file(
                connection,
                file,
                address.bucket,
                address.key,
                progress=bar,
                content_type=self.given["content_type"],
                parts=make_parts(MULTIPART_ABOVE_BYTES, PART_BYTES),
            )
        if not self.as_json:
            say(f"Stored {printable(str(address))}, {write_size(uploaded.size_bytes)}.", "dim")

    def _prepare(self, connection: Connection, bucket: str) -> None:
        """Make the bucket; one that strangers can read is asked about before anything goes into it."""
        if connection.ensure_bucket(bucket):
            if not self.as_json:
                say(f"Made oss://{bucket}, private.", "dim")
            return
        if self.given["yes"] or not is_public(connection, bucket):
            return
        warn(f"strangers can read what is in oss://{bucket}, without a link and for ever")
        if not sys.stdin.isatty():
            raise click.UsageError("Name another bucket with --bucket, or say --yes.")
        if not click.confirm("Upload it there?", err=True):
            raise click.ClickException("Nothing was uploaded.")

    def _print_ticket(self, address: OssAddress, folder: str | None) -> None:
        given = {**self.given, "folder": folder}
        ticket = _make_ticket(self.profile, address, given["expires"], given["download_as"], given)
        endpoint = given["custom_domain"] or self.link_endpoint
        _print_ticket(ticket, address, endpoint, qr=given["qr"], as_json=self.as_json)


def is_public(connection: Connection, bucket: str) -> bool:
    """Whether an ACL lets everybody read. Where this key may not look, nobody knows: False."""
    try:
        body = connection.send("GET", bucket, query=[("acl", "")])[1]
    except ClientError:
        return False
    return (read_page(body).findtext(".//Grant") or "").startswith("public-read")


def needs_path_style(endpoint: str, bucket: str) -> bool:
    """Whether a link has to have the bucket in its path: where the endpoint's name is known, and the bucket's in front
    of it isn't, since there is no wildcard among its names. Says so where neither is known."""
    parts = urlsplit(endpoint if "://" in endpoint else f"https://{endpoint}")
    host = parts.hostname or ""
    if not host or "." not in host or _resolves(f"{bucket}.{host}"):
        return False
    if _resolves(host):
        return True
    warn(f"this computer knows no address of {host}: the link works only where that name is known")
    return False


def _resolves(host: str) -> bool:
    try:
        socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):
        return False
    return True


def read_folder(what: str) -> OssAddress:
    """oss://BUCKET/PREFIX/, where others upload to. Raises: UsageError."""
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
    if wanted["folder"] is not None:
        named = {"prefix": address.key}
    if wanted["upload"]:
        named = {"prefix": address.key, "box": {}}
    with links_of(profile) as links:
        return links.create(
            address.bucket,
            **named,
            ends_at=None if wanted["forever"] else find_moment(expires),
            forever=wanted["forever"],
            password=wanted["password"],
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
        raise click.UsageError(f"Share one object: coatcheck share oss://{address.bucket}/KEY")
    refuse_wildcards(address, "name the objects, or link a folder by: coatcheck link create")
    return None, address


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

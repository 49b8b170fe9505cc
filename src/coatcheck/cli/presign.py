"""`coatcheck presign`: sign links, offline."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import click

from coatcheck.client.profile import Options, Profile, make_presigner
from coatcheck.clock import wall_date
from coatcheck.signing.presigned_url import PresignedUrl
from coatcheck.signing.presigner import SignatureVersion
from coatcheck.signing.refusal import PresignWarning
from coatcheck.signing.s3_presigner import S3Presigner

from .completing import offer_addresses
from .options import (
    EXPIRY,
    HEADER,
    PARAMETER,
    PLACE,
    OssAddress,
    find_profile,
    json_option,
    profile_options,
    read_address,
    refuse_wildcards,
)

_PASSED_ON = (  # options that Presigner.presign takes under the same name
    "version_id",
    "process",
    "download_as",
    "response_content_type",
    "response_content_disposition",
    "response_cache_control",
    "response_expires",
    "response_content_language",
    "response_content_encoding",
    "traffic_limit",
    "internal",
    "custom_domain",
)


@click.command("presign")
@click.argument(
    "addresses", nargs=-1, type=PLACE, metavar="[(oss|s3)://BUCKET/KEY]... | -", shell_complete=offer_addresses
)
@click.option(
    "--expires", type=EXPIRY, default="1h", show_default=True, help="How long, or until when; 7 days at most."
)
@click.option(
    "--stable",
    type=EXPIRY,
    help="The same URL whoever signs within so long, for caches: its time is rounded down to a multiple of it.",
)
@click.option(
    "--method",
    type=click.Choice(("GET", "HEAD", "PUT", "POST", "DELETE"), case_sensitive=False),
    default="GET",
    show_default=True,
    help="What the link may be used for.",
)
@click.option(
    "--prefix",
    type=PLACE,
    metavar="(oss|s3)://BUCKET/PREFIX",
    help="Every object below it; asks the server which there are.",
    shell_complete=offer_addresses,
)
@click.option("--literal", is_flag=True, help="A * or ? in a key is a part of it.")
@click.option("--version-id", metavar="ID", help="One version of the object.")
@click.option("--process", metavar="TEXT", help="x-oss-process, e.g. image/resize,w_200.")
@click.option("--download-as", metavar="NAME", help="Browsers save it under this name.")
@click.option("--response-content-type", metavar="TYPE", help="Content-Type of the reply.")
@click.option("--response-content-disposition", metavar="TEXT", help="Content-Disposition of the reply.")
@click.option("--response-cache-control", metavar="TEXT", help="Cache-Control of the reply.")
@click.option("--response-expires", metavar="TEXT", help="Expires header of the reply.")
@click.option("--response-content-language", metavar="TEXT", help="Content-Language of the reply.")
@click.option("--response-content-encoding", metavar="TEXT", help="Content-Encoding of the reply.")
@click.option("--header", "headers", type=HEADER, multiple=True, help="A header the link's user will send.")
@click.option("--additional-header", "additional_headers", metavar="NAME", multiple=True, help="Sign this header too.")
@click.option("--query", "query", type=PARAMETER, multiple=True, help="A further query parameter.")
@click.option("--traffic-limit", type=int, metavar="BITS/S", help="Slow the transfer down to this.")
@click.option("--internal", is_flag=True, help="The region's internal endpoint.")
@click.option("--custom-domain", metavar="NAME", help="A domain bound to the bucket.")
@click.option("--signature-version", type=click.Choice(("v4", "v1")), default="v4", show_default=True)
@click.option("--s3-v2", is_flag=True, help="Version 2 for s3:// links, for software that knows no other.")
@click.option("--security-token", metavar="TOKEN", help="Of a temporary key; else OSS_SESSION_TOKEN or the profile's.")
@click.option(
    "--security-token-expires", type=EXPIRY, help="When that token expires: warns if the link would live longer."
)
@profile_options
@json_option
def command(
    addresses: tuple[str, ...],
    prefix: str | None,
    literal: bool,
    signature_version: SignatureVersion,
    s3_v2: bool,
    security_token: str | None,
    security_token_expires: timedelta | datetime | None,
    where: Options,
    as_json: bool,
    **options: Any,
) -> None:
    """Sign links to objects, one URL a line. Offline: the server isn't asked, and the object need not exist.

    "-" reads addresses from standard input, one a line. A BUCKET without a key gives a link to its listing. s3://
    gives a link of the S3 dialect, as botocore does; it works under the host name of --endpoint alone, which is signed.
    """
    if bool(addresses) == bool(prefix):
        raise click.UsageError("Give addresses (oss://BUCKET/KEY), or - to read them, or --prefix.")
    if isinstance(options["stable"], datetime):
        raise click.UsageError("--stable takes how long, such as 1h, not a time.")
    profile = _with_token(find_profile(where), security_token, security_token_expires)
    presigner, of_s3 = make_presigner(profile, signature_version), _make_s3_presigner(profile, s3_v2)
    chosen = _choose(options, profile)
    with _warnings_on_stderr():
        for address, is_s3 in _find_below(profile, prefix) if prefix else _read_all(addresses):
            if prefix is None and not literal:
                refuse_wildcards(address, "sign what is below a prefix by --prefix, or say --literal")
            sign = of_s3.presign if is_s3 else presigner.presign
            link = sign(options["method"], address.bucket, address.key or None, **chosen)
            _print(link, address, as_json)


def _with_token(profile: Profile, token: str | None, expires: timedelta | datetime | None) -> Profile:
    if token is not None:
        profile = replace(
            profile, credentials=replace(profile.credentials, security_token=token), token_expires_at=None
        )
    if expires is None:
        return profile
    moment = expires if isinstance(expires, datetime) else wall_date() + expires
    return replace(profile, token_expires_at=moment)


def _make_s3_presigner(profile: Profile, is_v2: bool) -> S3Presigner:
    return S3Presigner(
        profile.credentials.access_key_id,
        profile.credentials.access_key_secret,
        endpoint=profile.endpoint,
        region=profile.region,
        security_token=profile.credentials.security_token,
        token_expires_at=profile.token_expires_at,
        signature_version="v2" if is_v2 else "v4",
    )


def _choose(options: dict[str, Any], profile: Profile) -> dict[str, Any]:
    """The command line's words -> the arguments of Presigner.presign."""
    return {name: options[name] for name in _PASSED_ON} | {
        "expires": options["expires"],
        "stable": options["stable"],
        "path_style": profile.path_style,
        "headers": dict(options["headers"]),
        "additional_headers": options["additional_headers"],
        "query": dict(options["query"]),
    }


def _read_all(addresses: tuple[str, ...]) -> Iterator[tuple[OssAddress, bool]]:
    """Each with whether its link is to be one of S3."""
    for text in addresses:
        yield from _read_lines(line.decode() for line in sys.stdin.buffer) if text == "-" else _read_lines([text])


def _read_lines(lines: Iterable[str]) -> Iterator[tuple[OssAddress, bool]]:
    for line in lines:
        text = line.rstrip("\r\n")
        if not text:
            continue
        try:
            yield read_address(re.sub("^s3://", "oss://", text)), text.startswith("s3://")
        except ValueError as error:
            raise click.UsageError(str(error)) from None


def _find_below(profile: Profile, text: str) -> Iterator[tuple[OssAddress, bool]]:
    from coatcheck.client.connection import Connection  # only this way of calling needs HTTP
    from coatcheck.client.listing import Object, list_objects

    ((prefix, is_s3),) = _read_lines([text])
    with Connection(profile) as connection:
        for entry in list_objects(connection, prefix.bucket, prefix.key):
            if isinstance(entry, Object):
                yield OssAddress(prefix.bucket, entry.key), is_s3


def _print(link: PresignedUrl, address: OssAddress, as_json: bool) -> None:
    from .terminal import print_json, print_line

    if not as_json:
        print_line(link.url)
        return
    print_json(
        {
            "bucket": address.bucket,
            "key": address.key,
            "method": link.method,
            "url": link.url,
            "expires_at": link.expires_at.isoformat(),
            "signed_headers": dict(link.signed_headers),
        }
    )


@contextmanager
def _warnings_on_stderr() -> Iterator[None]:
    """A PresignWarning is said once a text, beside the links."""
    said: set[str] = set()

    def show(message: Warning | str, *rest: Any, **more: Any) -> None:
        from .terminal import warn

        if str(message) not in said:
            said.add(str(message))
            warn(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("always", PresignWarning)
        warnings.showwarning = show
        yield

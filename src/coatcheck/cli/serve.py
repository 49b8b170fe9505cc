"""`coatcheck serve`: run the server on a data directory."""

from __future__ import annotations

import json
import os
import shlex
from dataclasses import replace
from pathlib import Path

import click

from coatcheck.core.addresses import read_network
from coatcheck.root_credentials import RootCredentials
from coatcheck.settings import ServerSettings


@click.command(name="serve")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("coatcheck-data"),
    show_default=True,
    help="Data directory; made if missing.",
)
@click.option(
    "--listen",
    default="127.0.0.1:8000",
    show_default=True,
    metavar="HOST:PORT",
    help="Where to listen; port 0 takes a free one.",
)
@click.option(
    "--region",
    "regions",
    multiple=True,
    default=("cn-hangzhou",),
    show_default=True,
    metavar="ID",
    help="Region id; may be repeated.",
)
@click.option(
    "--domain",
    "domains",
    multiple=True,
    default=("localhost",),
    show_default=True,
    metavar="NAME",
    help="Base domain: a bucket answers as BUCKET.oss-REGION.NAME; may be repeated.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=None,
    metavar="N",
    help="Worker processes.  [default: one a core, at most 4]",
)
@click.option(
    "--tls-cert",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Certificate chain, PEM.",
)
@click.option(
    "--tls-key",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Its private key, PEM.",
)
@click.option(
    "--tls-self-signed",
    is_flag=True,
    help="HTTPS with a certificate of a local authority, both made and kept in the data directory.",
)
@click.option(
    "--tls-min", type=click.Choice(("1.2", "1.3")), default="1.2", show_default=True, help="Oldest version of TLS."
)
@click.option("--access-log", is_flag=True, help="Log every request, not only refused ones.")
@click.option(
    "--strict-link-headers",
    is_flag=True,
    help="Presigned uploads may set Content-Disposition and the like only if the signer listed them.",
)
@click.option(
    "--trusted-proxy",
    "trusted_proxies",
    multiple=True,
    metavar="CIDR",
    help="Reverse proxy whose X-Forwarded-* and Forwarded headers are believed; may be repeated.",
)
@click.option(
    "--force-download",
    is_flag=True,
    help="Browsers save objects instead of showing them, unless they come by an own domain, as on OSS.",
)
@click.option(
    "--no-verify-domains",
    is_flag=True,
    help="PutCname binds an own domain without a TXT record that proves whose it is.",
)
@click.option(
    "--callback-network",
    "callback_networks",
    multiple=True,
    metavar="CIDR",
    help="A private network that callbacks may go to; may be repeated.  [default: none]",
)
@click.option(
    "--callback-key-url",
    default="",
    metavar="URL",
    help="Where applications find the key that callbacks are signed with.  [default: this server]",
)
@click.option(
    "--body-timeout",
    "body_timeout_s",
    type=click.FloatRange(0.1, 86_400),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Drop a client that sends nothing, or takes nothing, for so long in the middle of a body.",
)
@click.option(
    "--drain-timeout",
    "drain_timeout_s",
    type=click.IntRange(1, 86_400),
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="How long running requests may go on after SIGTERM.",
)
@click.option(
    "--restore-delay",
    "restore_delay_s",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="How long RestoreObject takes to bring an archived object back.",
)
@click.option(
    "--image-cache",
    "image_cache_mib",
    type=click.IntRange(0, 1024**2),
    default=1024,
    show_default=True,
    metavar="MIB",
    help="Processed pictures remembered on disk.",
)
@click.option(
    "--image-processes",
    type=click.IntRange(1, 64),
    default=2,
    show_default=True,
    metavar="N",
    help="Processes for pictures, at most, of each worker.",
)
@click.option(
    "--image-fonts",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="More fonts for text watermarks; may be repeated.",
)
@click.option(
    "--lifecycle-hour",
    type=click.IntRange(-1, 23),
    default=0,
    show_default=True,
    metavar="H",
    help="Hour of the day, UTC, from which lifecycle rules are carried out; -1 for never.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the ready line as JSON.")
def command(
    data: Path,
    listen: str,
    regions: tuple[str, ...],
    domains: tuple[str, ...],
    workers: int | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    tls_self_signed: bool,
    tls_min: str,
    access_log: bool,
    strict_link_headers: bool,
    trusted_proxies: tuple[str, ...],
    force_download: bool,
    no_verify_domains: bool,
    callback_networks: tuple[str, ...],
    callback_key_url: str,
    lifecycle_hour: int,
    body_timeout_s: float,
    drain_timeout_s: int,
    restore_delay_s: float,
    image_cache_mib: int,
    image_processes: int,
    image_fonts: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Run the server on a data directory, until Ctrl-C or SIGTERM.

    The owner's access key comes from OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET; if they are not set, a key is made at
    the first start, kept in DATA/root-credentials.json and shown once.
    """
    from coatcheck.engines.certificates import BadCertificate
    from coatcheck.engines.local import InUse
    from coatcheck.engines.sqlite.schema import NewerStore
    from coatcheck.engines.sqlite.seal import WrongSecretKey
    from coatcheck.process import CannotListen, run
    from coatcheck.root_credentials import BadCredentials, find_root_credentials
    from coatcheck.wire.forwarded import TrustedProxies

    if bool(tls_cert) != bool(tls_key):
        raise click.UsageError("--tls-cert and --tls-key go together.")
    if tls_cert and tls_self_signed:
        raise click.UsageError("--tls-self-signed makes a certificate; it doesn't go with --tls-cert.")
    try:
        TrustedProxies(trusted_proxies)
    except ValueError as error:
        raise click.UsageError(f"--trusted-proxy: {error}") from None
    host, port = _read_listen(listen)
    for network in callback_networks:
        _check_network(network)
    settings = ServerSettings(
        data=data.absolute(),
        host=host,
        port=port,
        regions=regions,
        domains=tuple(domain.lower() for domain in domains),
        workers=workers or min(os.cpu_count() or 1, 4),
        tls_cert=tls_cert,
        tls_key=tls_key,
        tls_self_signed=tls_self_signed,
        tls_min=tls_min,
        access_log=access_log,
        strict_link_headers=strict_link_headers,
        trusted_proxies=trusted_proxies,
        force_download=force_download,
        verify_domains=not no_verify_domains,
        callback_networks=callback_networks,
        callback_key_url=callback_key_url,
        lifecycle_hour=None if lifecycle_hour < 0 else lifecycle_hour,
        body_timeout_s=body_timeout_s,
        drain_timeout_s=drain_timeout_s,
        restore_delay_s=restore_delay_s,
        image_cache_bytes=image_cache_mib * 1024**2,
        image_processes=image_processes,
        image_fonts=tuple(path.absolute() for path in image_fonts),
    )
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        root = find_root_credentials(settings.data, os.environ)

        def ready(final: ServerSettings) -> None:
            _print_ready(final, root, as_json=as_json)

        run(settings, root if not root.made else replace(root, made=False), ready)
    except (BadCertificate, BadCredentials, CannotListen, InUse, NewerStore, WrongSecretKey) as error:
        raise click.ClickException(str(error)) from None


def _read_listen(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise click.UsageError(f"--listen takes HOST:PORT, for example 127.0.0.1:8000; {text!r} is not that.")
    return host.strip("[]") or "127.0.0.1", int(port)


def _check_network(text: str) -> None:
    try:
        read_network(text)
    except ValueError:
        raise click.UsageError(f"--callback-network takes a network such as 10.0.0.0/8; {text!r} is not one.") from None


def _print_ready(settings: ServerSettings, root: RootCredentials, *, as_json: bool) -> None:
    scheme = "https" if settings.tls_cert else "http"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    endpoint = f"{scheme}://{host}:{settings.port}"
    if as_json:
        facts = {"endpoint": endpoint, "region": settings.regions[0], "data": str(settings.data)}
        if settings.tls_self_signed:
            facts["ca"] = str(settings.data / "tls" / "ca.pem")
        click.echo(json.dumps({"ready": True, **facts}))
        return
    if root.made:
        click.echo(
            "A root access key was made. It is shown this once and kept in "
            f"{settings.data / 'root-credentials.json'}:\n"
            f"  OSS_ACCESS_KEY_ID={root.access_key_id}\n"
            f"  OSS_ACCESS_KEY_SECRET={root.access_key_secret}"
        )
    click.echo(f"coatcheck is ready: {endpoint}  (region {settings.regions[0]}, data {settings.data}, Ctrl-C to stop)")
    if settings.tls_self_signed:
        _print_trust(settings.data / "tls" / "ca.pem")


def _print_trust(ca: Path) -> None:
    """The one line by which each client trusts our certificate."""
    file = shlex.quote(str(ca))
    click.echo(
        "Its certificate is of a local authority. Trust it with:\n"
        f"  curl    curl --cacert {file} URL\n"
        f"  Node    export NODE_EXTRA_CA_CERTS={file}\n"
        f"  Python  export SSL_CERT_FILE={file} REQUESTS_CA_BUNDLE={file}\n"
        f"  Java    keytool -importcert -noprompt -cacerts -storepass changeit -alias coatcheck -file {file}"
    )

"""The settings of `coatcheck serve`: one frozen value whose fields are the table.

A row says what a setting is called, how it is read, what it is without anybody's choice, and what it means. The command
line, the environment, the file, `coatcheck settings show` and the page docs/settings.md are made from these rows,
or tests compare them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field

from coatcheck.core.addresses import read_network
from coatcheck.core.endpoints import accelerate_names, endpoint_names
from coatcheck.core.limits import BUCKETS_PER_ACCOUNT

from .checks import check_host_name, check_region, check_url
from .kinds import (
    Address,
    BytesUrl,
    Choice,
    File,
    Flag,
    Folder,
    Hour,
    Kind,
    Listen,
    Many,
    Mebibytes,
    NewFile,
    Seconds,
    StoreUrl,
    Text,
    Whole,
)

_EVERY_ADDRESS: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104  compared, not bound


class Row(Struct, frozen=True):
    """How one setting is given.

    Attributes:
        option: on the command line, "--body-timeout"; "--no-..." turns off what is on.
        kind: how it is read and written.
        meaning: for people, in a help text and in the docs.
        default_text: how the default reads where its value would say too little or too much.
    """

    option: str
    kind: Kind
    meaning: str
    default_text: str = ""

    @property
    def name(self) -> str:
        """In a file, "body_timeout"; the option without dashes, and without a "no"."""
        return self.option.removeprefix("--").removeprefix("no-").replace("-", "_")

    @property
    def variable(self) -> str:
        """In the environment, "COATCHECK_BODY_TIMEOUT"."""
        return f"COATCHECK_{self.name.upper()}"

    @property
    def turns_off(self) -> bool:
        return self.option.startswith("--no-")


def _row(default: Any, option: str, kind: Kind, meaning: str, default_text: str = "") -> Any:
    """A field of the table. A function as default is called for it."""
    _IN_ORDER.append(Row(option, kind, meaning, default_text))
    return field(default_factory=default) if callable(default) else field(default=default)


_IN_ORDER: Final[list[Row]] = []  # as the fields of `ServerSettings`


def _workers() -> int:
    return min(os.cpu_count() or 1, 4)


class ServerSettings(Struct, frozen=True):
    """See the rows; units are in the names: `_s` seconds, `_bytes` bytes."""

    data: Path = _row(
        Path("coatcheck-data"), "--data", Folder(must_exist=False), "Data directory; made if missing.", "coatcheck-data"
    )
    store: str = _row(
        "",
        "--store",
        StoreUrl(),
        "What to serve: file:DIR, as --data; memory:, one worker whose objects are gone when it ends; or "
        "postgresql://USER@HOST/NAME, a database, with the bytes in --data.",
        "the data directory",
    )
    bytes_url: str = _row(
        "",
        "--bytes",
        BytesUrl(),
        "Where objects of more than 64 KiB are kept: s3://BUCKET/PREFIX. Where that is comes from AWS_ENDPOINT_URL and "
        "AWS_REGION, keys from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; needs coatcheck[object-store].",
        "files in the data directory",
    )
    bytes_credentials: Path | None = _row(
        None,
        "--bytes-credentials",
        File(),
        "A file with the keys for it, in the form of AWS's tools: aws_access_key_id and aws_secret_access_key.",
    )
    listen: Listen = _row(Listen("127.0.0.1", 8000), "--listen", Address(), "Where to listen; port 0 takes a free one.")
    regions: tuple[str, ...] = _row(
        ("cn-hangzhou",),
        "--region",
        Many(Text("ID", check_region)),
        "Region id; may be repeated. New buckets go to the first where the address names none.",
    )
    domains: tuple[str, ...] = _row(
        ("localhost",),
        "--domain",
        Many(Text("NAME", check_host_name, lower=True)),
        "Base domain: a bucket answers as BUCKET.oss-REGION.NAME; may be repeated.",
    )
    workers: int = _row(_workers, "--workers", Whole(1, 64), "Worker processes.", "one a core, at most 4")
    tls_cert: Path | None = _row(None, "--tls-cert", File(), "Certificate chain, PEM; read anew when it changes.")
    tls_key: Path | None = _row(None, "--tls-key", File(), "Its private key, PEM.")
    tls_self_signed: bool = _row(
        False,
        "--tls-self-signed",
        Flag(),
        "HTTPS with a certificate of a local authority, both made and kept in the data directory.",
    )
    tls_min: str = _row("1.2", "--tls-min", Choice(("1.2", "1.3")), "Oldest version of TLS.")
    access_log: bool = _row(False, "--access-log", Flag(), "Log every request, not only those refused or broken off.")
    log_format: str = _row("text", "--log-format", Choice(("text", "json")), "How lines of the log are written.")
    log_level: str = _row(
        "info",
        "--log-level",
        Choice(("debug", "info", "warning", "error")),
        "From which level on lines are written; of requests, warning leaves those answered with 500 or more.",
    )
    log_file: Path | None = _row(
        None, "--log-file", NewFile(), "Where the log goes; opened anew on SIGUSR1.", "standard error"
    )
    admin: Listen | None = _row(
        None, "--admin", Address(), "Where to serve /metrics, /health/live, /health/ready and /version, as plain HTTP."
    )
    otel_endpoint: str = _row(
        "",
        "--otel-endpoint",
        Text("URL", check_url),
        "Where traces and metrics are sent by OpenTelemetry, as OTLP over HTTP; needs coatcheck[otel].",
    )
    link_audit_days: int = _row(
        90,
        "--link-audit-days",
        Whole(0, 3650, "DAYS"),
        "How long it is kept who used which link, when, and how much; 0 writes none of it down.",
    )
    strict_link_headers: bool = _row(
        False,
        "--strict-link-headers",
        Flag(),
        "Presigned uploads may set Content-Disposition and the like only if the signer listed them.",
    )
    force_download: bool = _row(
        False,
        "--force-download",
        Flag(),
        "Browsers save objects instead of showing them, unless they come by an own domain, as on OSS.",
    )
    s3_signature_v2: bool = _row(
        False,
        "--s3-signature-v2",
        Flag(),
        "Accept Authorization headers of AWS's signature version 2, for old S3 tools; links of it are always accepted.",
    )
    sse_c_over_http: bool = _row(
        False,
        "--sse-c-over-http",
        Flag(),
        "Take keys that S3 clients bring along (SSE-C) over plain HTTP too; from this machine they always may come so.",
    )
    gzip: bool = _row(
        True, "--no-gzip", Flag(), "Send texts as they are, also to clients that ask for gzip; OSS compresses them."
    )
    hints: bool = _row(
        True, "--no-hints", Flag(), "Refusals of signed requests don't say in <Hint> which change would make them work."
    )
    buckets_per_account: int = _row(
        BUCKETS_PER_ACCOUNT,
        "--buckets-per-account",
        Whole(1, 1_000_000),
        "How many buckets an account may have in each region; OSS gives 100 to a new one.",
    )
    block_new_buckets: bool = _row(
        False,
        "--block-new-buckets",
        Flag(),
        "New buckets block public access from the start, as those of new accounts of OSS do.",
    )
    pages_host: str = _row(
        "",
        "--pages-host",
        Text("NAME", check_host_name, lower=True),
        "A host name for the pages of links and nothing else, so that no stored object shares their origin.",
        "the server's own names",
    )
    local_kms: bool = _row(
        False,
        "--local-kms",
        Flag(),
        "Objects may ask for KMS and SM4: their keys are wrapped with local keys, made from the master key.",
    )
    verify_domains: bool = _row(
        True,
        "--no-verify-domains",
        Flag(),
        "PutCname binds an own domain without a TXT record that proves whose it is.",
    )
    trusted_proxies: tuple[str, ...] = _row(
        (),
        "--trusted-proxy",
        Many(Text("CIDR", read_network)),
        "Reverse proxy whose X-Forwarded-* and Forwarded headers are believed; may be repeated.",
    )
    callback_networks: tuple[str, ...] = _row(
        (),
        "--callback-network",
        Many(Text("CIDR", read_network)),
        "A private network that callbacks may go to; may be repeated.",
    )
    callback_key_url: str = _row(
        "",
        "--callback-key-url",
        Text("URL", check_url),
        "Where applications find the key that callbacks are signed with.",
        "this server",
    )
    restore_delay_s: float = _row(
        1.0, "--restore-delay", Seconds(0, 10**9), "How long RestoreObject takes to bring an archived object back."
    )
    lifecycle_hour: int | None = _row(
        0,
        "--lifecycle-hour",
        Hour(),
        "Hour of the day, UTC, from which lifecycle rules are carried out; -1 for never.",
    )
    scrub_every_days: int = _row(
        30,
        "--scrub-every",
        Whole(0, 3650, "DAYS"),
        "How often every stored byte is compared with what was written, in the background; 0 for never.",
    )
    scrub_rate_bytes: int = _row(
        8 * 1024**2, "--scrub-rate", Mebibytes(1, 1024**2), "How much of it a second, at most."
    )
    accept_clock: bool = _row(
        False,
        "--accept-clock",
        Flag(),
        "Believe the clock though it is more than 24 hours past the newest commit: retention ends by it.",
    )
    body_timeout_s: float = _row(
        60.0,
        "--body-timeout",
        Seconds(0.1, 86_400),
        "Drop a client that sends nothing, or takes nothing, for so long in the middle of a body.",
    )
    head_timeout_s: float = _row(
        10.0,
        "--head-timeout",
        Seconds(0.1, 86_400),
        "How long a client may take from connecting, or from the first byte of a later request, until its headers are "
        "complete.",
    )
    idle_timeout_s: float = _row(
        75.0, "--idle-timeout", Seconds(0.1, 86_400), "How long a connection is kept between two requests."
    )
    connections_per_address: int = _row(
        1024,
        "--connections-per-address",
        Whole(1, 65_536),
        "Connections of one client (IPv6: of its /64) to each worker; trusted proxies may have more.",
    )
    worker_timeout_s: float = _row(
        30.0,
        "--worker-timeout",
        Seconds(1, 86_400),
        "A worker that gives no sign of life for so long is killed and replaced.",
    )
    drain_timeout_s: int = _row(
        30,
        "--drain-timeout",
        Whole(1, 86_400, "SECONDS"),
        "How long running requests may go on after SIGTERM.",
    )
    image_processes: int = _row(
        2, "--image-processes", Whole(1, 64), "Processes for pictures, at most, of each worker."
    )
    image_queue: int = _row(
        64, "--image-queue", Whole(1, 10_000), "Pictures of each worker that may wait for one of them."
    )
    image_timeout_s: float = _row(20.0, "--image-timeout", Seconds(0.1, 3600), "How long one picture may take.")
    image_memory_bytes: int = _row(
        768 * 1024**2, "--image-memory", Mebibytes(128, 1024**2), "Address space of a process for pictures."
    )
    image_cache_bytes: int = _row(
        1024**3, "--image-cache", Mebibytes(0, 1024**2), "Processed pictures remembered on disk; 0 remembers none."
    )
    image_fonts: tuple[Path, ...] = _row(
        (), "--image-fonts", Many(Folder()), "More fonts for text watermarks; may be repeated."
    )
    image_eighth_from: int = _row(
        16,
        "--image-eighth-from",
        Whole(12, 16, "RATIO"),
        "From how many times smaller on a JPEG is decoded at an eighth of its size: below 16 faster and less faithful.",
    )

    @property
    def store_url(self) -> str:
        """What is opened: the store, or the data directory as one."""
        return self.store or f"file:{self.data}"

    @property
    def host(self) -> str:
        return self.listen.host

    @property
    def port(self) -> int:
        return self.listen.port


ROWS: Final = dict(zip(ServerSettings.__struct_fields__, _IN_ORDER, strict=True))


def default_of(field: str) -> Any:
    """What a setting is when nobody chose."""
    return getattr(ServerSettings(), field)


def find_conflict(settings: ServerSettings) -> str:
    """What is wrong with settings that are right one by one, in words; "" for nothing."""
    if bool(settings.tls_cert) != bool(settings.tls_key):
        return "--tls-cert and --tls-key go together."
    if settings.tls_cert and settings.tls_self_signed:
        return "--tls-self-signed makes a certificate; it doesn't go with --tls-cert."
    if settings.admin is not None and _share_a_port(settings.admin, settings.listen):
        return f"--admin needs a port of its own, and {settings.admin.port} is that of --listen."
    if settings.store == "memory:" and settings.workers > 1:
        return "--store memory: is one process's memory; it goes with --workers 1."
    if settings.store == "memory:" and settings.bytes_url:
        return "--store memory: keeps everything in memory; it doesn't go with --bytes."
    if settings.bytes_credentials is not None and not settings.bytes_url:
        return "--bytes-credentials goes with --bytes."
    if not settings.regions or not settings.domains:
        return "--region and --domain need a value each."
    if settings.pages_host in _own_names(settings):
        return (
            f"--pages-host {settings.pages_host}: objects are answered at that name, and the pages of links need "
            f"another, such as links.{settings.domains[0]}."
        )
    return ""


def _share_a_port(one: Listen, other: Listen) -> bool:
    """Whether both can't be listened on at once, as far as names alone say; port 0 becomes a free one."""
    hosts = {"127.0.0.1" if host == "localhost" else host for host in (one.host, other.host)}
    return one.port == other.port != 0 and (len(hosts) == 1 or not hosts.isdisjoint(_EVERY_ADDRESS))


def _own_names(settings: ServerSettings) -> set[str]:
    """The host names of the server as a whole."""
    names = {"localhost", *settings.domains}
    for domain in settings.domains:
        names.update(accelerate_names(domain))
        names.update(*(endpoint_names(region, domain) for region in settings.regions))
    return names

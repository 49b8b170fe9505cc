"""What an operator may turn: one frozen value, each with its unit, default and name on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Settings of `coatcheck serve`; `docs/settings.md` has the table.

    Attributes:
        data: the data directory; made if missing.
        host, port: where to listen; port 0 takes a free one.
        regions: region ids served, the first is where new buckets go when their door stands for none.
        domains: base domains; a bucket answers as BUCKET.oss-REGION.DOMAIN.
        workers: processes.
        tls_cert, tls_key: PEM files; both or neither. Read anew when they change.
        tls_self_signed: a certificate of our own making instead, kept in the data directory.
        tls_min: the oldest version of TLS, "1.2" or "1.3".
        access_log: a log line for every request, not only for those refused or broken off.
        strict_link_headers: a presigned PUT may bring Content-Disposition, Cache-Control and their like only if the
            link's signer listed them as additional headers.
        force_download: objects are saved by browsers, not shown, unless they are reached by an own domain.
        verify_domains: PutCname binds only a domain whose TXT record holds the token.
        trusted_proxies: networks (CIDR) whose X-Forwarded-* and Forwarded headers are believed.
        callback_networks: networks (CIDR) that callbacks may go to though they aren't public.
        callback_key_url: where applications are told to find the key that callbacks are signed with; "" for this
            server's own address.
        restore_delay_s: how long RestoreObject takes to bring an archived object back.
        lifecycle_hour: of the day, UTC, from which lifecycle rules are carried out; None for never.
        body_timeout_s: how long a client may send nothing, or take nothing, in the middle of a body.
        image_processes: render processes of each server process, at most.
        image_queue: pictures that may wait for one of them; more are refused.
        image_timeout_s: how long one picture may take.
        image_memory_bytes: address space of a render process.
        image_cache_bytes: results remembered on disk, all together; 0 remembers none.
        image_fonts: directories of fonts for text watermarks, besides the packaged one.
        drain_timeout_s: how long running requests may go on after SIGTERM.
    """

    data: Path
    host: str = "127.0.0.1"
    port: int = 8000
    regions: tuple[str, ...] = ("cn-hangzhou",)
    domains: tuple[str, ...] = ("localhost",)
    workers: int = 2
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_self_signed: bool = False
    tls_min: str = "1.2"
    access_log: bool = False
    strict_link_headers: bool = False
    force_download: bool = False
    verify_domains: bool = True
    trusted_proxies: tuple[str, ...] = ()
    callback_networks: tuple[str, ...] = ()
    callback_key_url: str = ""
    restore_delay_s: float = 1.0
    lifecycle_hour: int | None = 0
    body_timeout_s: float = 60.0
    drain_timeout_s: int = 30
    image_processes: int = 2
    image_queue: int = 64
    image_timeout_s: float = 20.0
    image_memory_bytes: int = 768 * 1024**2
    image_cache_bytes: int = 1024**3
    image_fonts: tuple[Path, ...] = ()

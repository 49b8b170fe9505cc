"""Reverse proxies before a server, with what each says that it has passed on.

A proxy runs with its recipe of docs/deploy.md, other ports apart, and with short time-outs, so that a client that says
half a request isn't waited for.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from ..patience import HANG_S, wait_until
from .programs import need

DEPLOY: Final = Path(__file__).parents[2] / "docs" / "deploy.md"


class Passed(NamedTuple):
    """A request as a proxy's log has it.

    Attributes:
        target: as it stands in the request line.
        status: what the server answered; 0 where no answer came.
    """

    target: str
    status: int


class Kind(NamedTuple):
    """A proxy.

    Attributes:
        package: of Debian.
        configure: writes its configuration into a folder, for a port of its own and that of the server; the command.
        read: a line of its log, if that is a request which it has passed on.
        leave: the signal that has it end behind what it is at.
    """

    package: str
    configure: Callable[[Path, int, int], list[str]]
    read: Callable[[str], Passed | None]
    leave: signal.Signals


@dataclass(frozen=True, slots=True)
class Proxy:
    kind: Kind
    port: int
    log: Path

    def passed(self) -> list[Passed]:
        """What it says that it has passed on, until now."""
        lines = self.log.read_text("utf-8", "surrogateescape").split("\n")[:-1]
        return [found for found in map(self.kind.read, lines) if found is not None]


@contextmanager
def a_proxy(name: str, work: Path, server_port: int) -> Iterator[Proxy]:
    """Before that server. Its log is whole once the block has ended."""
    kind, port = PROXIES[name], free_port()
    log = work / "passed.log"
    command = kind.configure(work, port, server_port)
    command[0] = shutil.which(command[0], path=f"{os.environ['PATH']}:/usr/sbin") or need(command[0])
    environment = {"PATH": os.environ["PATH"], "HOME": str(work)}  # Caddy keeps files at home
    with log.open("ab") as out, (work / "errors.log").open("wb") as errors:
        process = subprocess.Popen(command, stdout=out, stderr=errors, env=environment, cwd=work)
        try:
            await_port(port, process, work / "errors.log")
            yield Proxy(kind, port, log)
        finally:
            process.send_signal(kind.leave)
            try:
                process.wait(HANG_S)
            finally:
                process.kill()


def free_port() -> int:
    """A port that nobody listens on, and that the system gives to no connection of its own choice."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def await_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    def listens() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            socket.create_connection(("127.0.0.1", port), timeout=HANG_S).close()
        except OSError:
            return False
        return True

    wait_until(listens, log.read_text)


def recipe(language: str) -> str:
    """The first one of docs/deploy.md in that language."""
    found = re.search(rf"```{language}\n(.*?)```", DEPLOY.read_text("utf-8"), re.DOTALL)
    assert found is not None, language
    return found[1]


# --- nginx ---

_NGINX: Final = """
daemon off;
worker_processes 1;
pid {work}/nginx.pid;
error_log stderr;
events {{ worker_connections 512; }}
http {{
    log_format passed escape=none '$upstream_addr $upstream_status $request_uri';
    access_log {work}/passed.log passed;
    client_body_temp_path {work}/body;
    proxy_temp_path {work}/proxy;
    fastcgi_temp_path {work}/fastcgi;
    uwsgi_temp_path {work}/uwsgi;
    scgi_temp_path {work}/scgi;
    client_header_timeout 1s;
    client_body_timeout 1s;
    keepalive_timeout 1s;
    lingering_timeout 1s;
    upstream server_behind {{ server 127.0.0.1:{behind}; keepalive 8; }}
    {server}
}}
"""


def _configure_nginx(work: Path, port: int, behind: int) -> list[str]:
    """With connections to the server that are kept, which the recipe leaves to who needs them."""
    server = re.sub(r"    (listen 443|ssl_).*\n", "", recipe("nginx"))
    server = server.replace("listen 80;", f"listen 127.0.0.1:{port};").replace("127.0.0.1:8000", "server_behind")
    (work / "nginx.conf").write_text(_NGINX.format(work=work, behind=behind, server=server))
    return ["nginx", "-p", str(work), "-c", str(work / "nginx.conf")]


def _read_nginx(line: str) -> Passed | None:
    server, status, target = line.split(" ", 2)
    return None if not server else Passed(target, int(status) if status.isdigit() else 0)


# --- HAProxy ---

_HAPROXY: Final = """
global
    log stdout format raw local0
    maxconn 500
defaults
    log global
    timeout connect 60s
    timeout server 60s
    timeout client 1s
    timeout http-request 1s
    http-reuse always
    log-format "%b/%s %ts %ST %HU"
"""


def _configure_haproxy(work: Path, port: int, behind: int) -> list[str]:
    sections = recipe("haproxy").replace("bind :80\n", f"bind 127.0.0.1:{port}\n")
    sections = re.sub(r"    bind :443.*\n", "", sections).replace("127.0.0.1:8000", f"127.0.0.1:{behind}")
    (work / "haproxy.cfg").write_text(_HAPROXY + sections)
    return ["haproxy", "-db", "-f", str(work / "haproxy.cfg")]


def _read_haproxy(line: str) -> Passed | None:
    """How it ended stands in two letters; "--" is well. What isn't quite safe in a target is written "#22"."""
    server, end, status, target = line.split(" ", 3)
    target = re.sub("#([0-9A-F]{2})", lambda found: f"%{found[1]}", target)
    return Passed(target, int(status) if end == "--" else 0) if server == "coatcheck/coatcheck" else None


# --- Caddy ---

_CADDY: Final = """
{{
    admin off
    auto_https off
    servers {{
        timeouts {{
            read_body 1s
            read_header 1s
            idle 1s
        }}
    }}
}}
:{port} {{
    log {{
        output stdout
        format json
    }}
    bind 127.0.0.1
"""


def _configure_caddy(work: Path, port: int, behind: int) -> list[str]:
    site = recipe("caddyfile").partition("{\n")[2].partition("\n}\n")[0]
    text = _CADDY.format(port=port) + site.replace("127.0.0.1:8000", f"127.0.0.1:{behind}") + "\n}\n"
    (work / "Caddyfile").write_text(text)
    return ["caddy", "run", "--config", str(work / "Caddyfile"), "--adapter", "caddyfile"]


def _read_caddy(line: str) -> Passed | None:
    """It logs what it has understood, and passes all of that on; 502 and 504 are its own."""
    entry = json.loads(line)
    if "request" not in entry:
        return None
    return Passed(entry["request"]["uri"], 0 if entry["status"] in (502, 504) else entry["status"])


PROXIES: Final = {
    "nginx": Kind("nginx-light", _configure_nginx, _read_nginx, signal.SIGQUIT),
    "HAProxy": Kind("haproxy", _configure_haproxy, _read_haproxy, signal.SIGUSR1),
    "Caddy": Kind("caddy", _configure_caddy, _read_caddy, signal.SIGTERM),
}

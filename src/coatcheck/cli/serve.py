"""`coatcheck serve`: run the server on a data directory."""

from __future__ import annotations

import gc
import json
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct

from coatcheck.core.database_urls import shown
from coatcheck.root_credentials import RUNNING_FILE, RootCredentials
from coatcheck.settings import Listen, ServerSettings
from coatcheck.settings.kinds import Address

from .ephemeral import (
    choose_ephemeral,
    control_facts,
    ephemeral_environment,
    ephemeral_facts,
    ephemeral_options,
    open_controls,
)
from .failures import WontStart, find_next_step, write_os_error
from .server_options import read_options, server_options, warn_of_unknown

if TYPE_CHECKING:
    from coatcheck.testing.serving import ServedControls


@click.command(name="serve")
@server_options
@ephemeral_options
@click.option("--json", "as_json", is_flag=True, help="Print the ready line as JSON.")
def command(as_json: bool, ephemeral: bool, controls: str | None, **options: Any) -> None:
    """Run the server on a data directory, until Ctrl-C or SIGTERM.

    The owner's access key comes from OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET; if they are not set, a key is made at
    the first start and kept in DATA/root-credentials.json; on a terminal it is shown once.
    """
    gc.disable()  # nothing that imports make is garbage; looking for it took a tenth of the start
    from coatcheck.process import run

    gc.freeze()  # workers are forks: what they share is never looked at again, and stays shared
    gc.enable()
    parent = os.getppid() if ephemeral else None
    if ephemeral:
        choose_ephemeral(options)
    settings = read_options(options).settings
    environment = ephemeral_environment(os.environ) if ephemeral else os.environ
    warn_of_unknown(os.environ)
    with ExitStack() as stack:
        served = None if controls is None else open_controls(controls, settings, stack)
        ready = stack.enter_context(_failures(Ready(as_json or ephemeral, ephemeral, served)))
        if served is None:
            run(settings, ready.say, environment=environment, parent=parent)
        else:
            run(
                settings,
                ready.say,
                served.clock,
                make_server=served.make_server,
                environment=environment,
                parent=parent,
            )


@contextmanager
def _failures(ready: Ready) -> Iterator[Ready]:
    """Why a server doesn't start, in the command line's words."""
    try:
        yield ready
    except _wont_start() as error:
        raise WontStart(str(error)) from None
    except OSError as error:
        if ready.is_said:
            raise  # it did start
        raise WontStart(write_os_error(error), find_next_step(error)) from None


def _wont_start() -> tuple[type[Exception], ...]:
    from coatcheck.engines.certificates import BadCertificate
    from coatcheck.engines.opening import not_opened
    from coatcheck.listening import CannotListen
    from coatcheck.process import CannotStart
    from coatcheck.root_credentials import BadCredentials
    from coatcheck.server_log import CannotLog
    from coatcheck.telemetry import NoTelemetry

    return BadCertificate, BadCredentials, CannotListen, CannotLog, CannotStart, NoTelemetry, *not_opened()


class Ready(Struct):
    """What is said when every worker takes connections."""

    as_json: bool
    is_ephemeral: bool
    controls: ServedControls | None
    is_said: bool = False

    def say(self, settings: ServerSettings, root: RootCredentials) -> None:
        self.is_said = True
        scheme = "https" if settings.tls_cert else "http"
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        endpoint = f"{scheme}://{host}:{settings.port}"
        if not self.is_ephemeral and settings.store != "memory:":
            _note_running(settings, scheme)
        if self.as_json:
            click.echo(json.dumps({"ready": True, **self._facts(endpoint, settings, root)}))
            return
        if root.made:
            _say_key(settings, root)
        watched = "" if settings.admin is None else f", admin {_address_of(settings.admin)}"
        click.echo(
            f"coatcheck is ready: {endpoint}  "
            f"(region {settings.regions[0]}, {_where(settings)}{watched}, Ctrl-C to stop)"
        )
        if settings.tls_self_signed:
            _print_trust(settings.data / "tls" / "ca.pem")
        if self.controls is not None:
            click.echo(f"Test controls: {self.controls.endpoint}  (token {self.controls.token})")

    def _facts(self, endpoint: str, settings: ServerSettings, root: RootCredentials) -> dict[str, Any]:
        if self.is_ephemeral:
            facts = ephemeral_facts(endpoint, settings, root)
        else:
            facts = {"endpoint": endpoint, "region": settings.regions[0], "data": str(settings.data)}
        if settings.admin is not None:
            facts["admin"] = _address_of(settings.admin)
        if settings.store:
            facts["store"] = shown(settings.store)
        if settings.tls_self_signed:
            facts["ca"] = str(settings.data / "tls" / "ca.pem")
        if self.controls is not None:
            facts |= control_facts(self.controls)
        return facts


def _note_running(settings: ServerSettings, scheme: str) -> None:
    """How commands on this machine reach the server: they look for it in the data directory."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 (it is read here)
    if scheme == "https" and not settings.tls_self_signed and settings.domains:
        host = settings.domains[0]  # the name that its certificate is of
    facts = {"endpoint": f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.port}"}
    facts["region"] = settings.regions[0]
    if settings.tls_self_signed:
        facts["ca"] = str((settings.data / "tls" / "ca.pem").absolute())
    fresh = settings.data / f"{RUNNING_FILE}.new"
    with suppress(OSError):  # it is of use to commands alone: a disk that is full keeps no server from starting
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(facts) + "\n", "utf-8")
        os.replace(fresh, settings.data / RUNNING_FILE)


def _address_of(admin: Listen) -> str:
    return f"http://{Address().write(admin)}"


def _say_key(settings: ServerSettings, root: RootCredentials) -> None:
    """Its secret is for the eyes of whoever sits there: what isn't a terminal may be a log that many read."""
    file = settings.data / "root-credentials.json"
    lasts = "gone when the server ends" if settings.store == "memory:" else f"kept in {file}"
    if not sys.stdout.isatty():
        click.echo(f"A root access key was made, {root.access_key_id}. Its secret is in {file}.")
        return
    click.echo(
        f"A root access key was made. It is shown this once and {lasts}:\n"
        f"  OSS_ACCESS_KEY_ID={root.access_key_id}\n"
        f"  OSS_ACCESS_KEY_SECRET={root.access_key_secret}"
    )


def _where(settings: ServerSettings) -> str:
    return "in memory" if settings.store == "memory:" else f"data {settings.data}"


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

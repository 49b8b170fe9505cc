"""`coatcheck serve`: run the server on a data directory."""

from __future__ import annotations

import gc
import json
import shlex
from pathlib import Path
from typing import Any

import click

from coatcheck.root_credentials import RootCredentials
from coatcheck.settings import ServerSettings

from .failures import WontStart
from .server_options import read_options, server_options


@click.command(name="serve")
@server_options
@click.option("--json", "as_json", is_flag=True, help="Print the ready line as JSON.")
def command(as_json: bool, **options: Any) -> None:
    """Run the server on a data directory, until Ctrl-C or SIGTERM.

    The owner's access key comes from OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET; if they are not set, a key is made at
    the first start, kept in DATA/root-credentials.json and shown once.
    """
    gc.disable()  # nothing that imports make is garbage; looking for it took a tenth of the start
    from coatcheck.engines.certificates import BadCertificate
    from coatcheck.engines.local import BadDirectory, InUse
    from coatcheck.engines.sqlite.schema import NewerStore
    from coatcheck.ports.secrets import WrongKey
    from coatcheck.process import CannotListen, CannotStart, run
    from coatcheck.root_credentials import BadCredentials

    gc.freeze()  # workers are forks: what they share is never looked at again, and stays shared
    gc.enable()
    settings = read_options(options).settings
    try:
        run(settings, lambda final, root: _print_ready(final, root, as_json=as_json))
    except (BadCredentials, BadDirectory, WrongKey) as error:
        raise WontStart(str(error)) from None
    except (BadCertificate, CannotListen, CannotStart, InUse, NewerStore) as error:
        raise click.ClickException(str(error)) from None


def _print_ready(settings: ServerSettings, root: RootCredentials, *, as_json: bool) -> None:
    scheme = "https" if settings.tls_cert else "http"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    endpoint = f"{scheme}://{host}:{settings.port}"
    if as_json:
        facts = {"endpoint": endpoint, "region": settings.regions[0], "data": str(settings.data)}
        if settings.store:
            facts["store"] = settings.store
        if settings.tls_self_signed:
            facts["ca"] = str(settings.data / "tls" / "ca.pem")
        click.echo(json.dumps({"ready": True, **facts}))
        return
    if root.made:
        click.echo(
            f"A root access key was made. It is shown this once and {_kept(settings)}:\n"
            f"  OSS_ACCESS_KEY_ID={root.access_key_id}\n"
            f"  OSS_ACCESS_KEY_SECRET={root.access_key_secret}"
        )
    click.echo(f"coatcheck is ready: {endpoint}  (region {settings.regions[0]}, {_where(settings)}, Ctrl-C to stop)")
    if settings.tls_self_signed:
        _print_trust(settings.data / "tls" / "ca.pem")


def _kept(settings: ServerSettings) -> str:
    if settings.store == "memory:":
        return "gone when the server ends"
    return f"kept in {settings.data / 'root-credentials.json'}"


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

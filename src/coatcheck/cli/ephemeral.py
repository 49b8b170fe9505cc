"""`coatcheck serve --ephemeral`: a server for one run of tests, and `--test-controls`, which tests steer it by."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import click

from coatcheck.root_credentials import RootCredentials
from coatcheck.settings import Listen, ServerSettings
from coatcheck.settings.kinds import Address, BadSetting

from .failures import WontStart

if TYPE_CHECKING:
    from coatcheck.testing.serving import ServedControls

KEY_VARIABLES: Final = ("COATCHECK_TEST_ACCESS_KEY_ID", "COATCHECK_TEST_ACCESS_KEY_SECRET")
_LOOPBACK: Final = "127.0.0.1:0"
_MEMORY: Final = "memory:"


def ephemeral_options(function: Any) -> Any:
    """--ephemeral and --test-controls."""
    function = click.option(
        "--test-controls",
        "controls",
        is_flag=False,
        flag_value=_LOOPBACK,
        default=None,
        metavar="[HOST:PORT]",
        help="With a store in memory: let tests reset it, move its clock and order faults, over HTTP; on a free port "
        "of 127.0.0.1 unless an address is given, and with the token of the ready line or of COATCHECK_TEST_TOKEN.",
    )(function)
    return click.option(
        "--ephemeral",
        is_flag=True,
        help="For one run of tests: in memory, one worker, a free port, a ready line in JSON with an access key; ends "
        "with the process that started it.",
    )(function)


def choose_ephemeral(options: dict[str, Any]) -> None:
    """The settings of an ephemeral server, where the command line doesn't say otherwise. Raises: click.UsageError."""
    if options.get("data") or options.get("store") not in (None, _MEMORY):
        raise click.UsageError("--ephemeral keeps everything in memory; it goes with no --data and no other --store.")
    options["store"] = _MEMORY
    for name, value in (("workers", "1"), ("listen", _LOOPBACK)):
        options[name] = options.get(name) or value


def ephemeral_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Where the owner's key is looked for. A real key of whoever runs the tests isn't taken: this one is printed."""
    given = [environment.get(name, "") for name in KEY_VARIABLES]
    access_key_id, access_key_secret = given if any(given) else _make_key()
    return {"OSS_ACCESS_KEY_ID": access_key_id, "OSS_ACCESS_KEY_SECRET": access_key_secret}


def _make_key() -> list[str]:
    return [f"LTAI5t{secrets.token_hex(9)}", secrets.token_urlsafe(24)]


def open_controls(address: str, settings: ServerSettings, stack: ExitStack) -> ServedControls:
    """The controls, ready to be asked once the server is. Raises: click.UsageError, click.ClickException."""
    if settings.store != _MEMORY:
        raise click.UsageError(
            "--test-controls let tests wipe the server: they go with --ephemeral or --store memory: ."
        )
    from coatcheck.testing.serving import CannotControl, ServedControls

    try:
        controls = stack.enter_context(ServedControls(_read_address(address)))
    except CannotControl as error:
        raise WontStart(str(error)) from None
    if not controls.is_loopback:
        click.echo(
            f"The test controls at {controls.endpoint} aren't on loopback: its token alone guards them.", err=True
        )
    return controls


def _read_address(text: str) -> Listen:
    try:
        return Address().read(text)
    except BadSetting as error:
        raise click.UsageError(f"--test-controls: {error}.") from None


def ephemeral_facts(endpoint: str, settings: ServerSettings, root: RootCredentials) -> dict[str, Any]:
    """What the ready line says of an ephemeral server."""
    return {
        "endpoint": endpoint,
        "region": settings.regions[0],
        "access_key_id": root.access_key_id,
        "access_key_secret": root.access_key_secret,
    }


def control_facts(controls: ServedControls) -> dict[str, Any]:
    """What the ready line says of the controls."""
    return {"controls": controls.endpoint, "token": controls.token}

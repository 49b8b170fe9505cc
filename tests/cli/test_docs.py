"""docs/cli.md names every verb, option and exit code; docs/settings.md every setting."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from coatcheck.cli import VERBS, failures, main
from coatcheck.client import profile
from coatcheck.settings.server import ROWS, default_of

DOCS = Path(__file__).parents[2] / "docs"
CLI = (DOCS / "cli.md").read_text("utf-8")
SETTINGS = (DOCS / "settings.md").read_text("utf-8")
SHARED = CLI[CLI.index("## Options of every verb") : CLI.index("## coatcheck serve")]


def section(verb: str) -> str:
    return CLI[CLI.index(f"## coatcheck {verb}\n") :].partition("\n## ")[0] + SHARED


@pytest.mark.parametrize("verb", list(VERBS))
def test_every_verb_and_option_is_documented_with_an_example(verb: str) -> None:
    command = main.get_command(click.Context(main), verb)
    assert command is not None
    text = section(verb) + (SETTINGS if verb == "serve" else "")
    assert f"$ coatcheck {verb}" in text or f"| coatcheck {verb}" in text
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            for name in parameter.opts:
                assert f"`{name}" in text, name


@pytest.mark.parametrize("verb", ["account", "user", "role", "policy", "key"])
def test_every_command_of_a_verb_and_its_options_are_documented_with_an_example(verb: str) -> None:
    group = main.get_command(click.Context(main), verb)
    assert isinstance(group, click.Group)
    shared = CLI.partition("\n## Verbs on identities\n")[2].partition("\n## ")[0]
    for name, command in group.commands.items():
        assert f"$ coatcheck {verb} {name}" in section(verb), name
        for parameter in command.params:
            for option in parameter.opts if isinstance(parameter, click.Option) else ():
                assert f"`{option}" in section(verb) + shared, (name, option)


def test_every_exit_code_is_documented() -> None:
    for code in (
        failures.OK,
        failures.FAILED,
        failures.USAGE,
        failures.NOT_FOUND,
        failures.UNREACHABLE,
        failures.DAMAGED,
        failures.INTERRUPTED,
    ):
        assert f"\n| {code} | " in CLI


@pytest.mark.parametrize("field", ROWS)
def test_every_server_setting_has_its_row(field: str) -> None:
    row = ROWS[field]
    option = f"{row.option} {row.kind.metavar}".rstrip().replace("|", "\\|")
    default = row.kind.write(default_of(field))
    shown = row.default_text if " " in row.default_text else f"`{default}`" if default else "none"
    assert f"\n| `{row.name}` | `{option}` | {shown} | " in SETTINGS


def test_every_client_setting_is_documented() -> None:
    names = (
        *profile._STORED_KINDS,
        *profile._ENVIRONMENT,
        *("OSS_ENDPOINT", "OSS_REGION", "COATCHECK_PROFILE", "COATCHECK_DATA", "COATCHECK_LINK_ENDPOINT"),
        "XDG_CONFIG_HOME",
    )
    for name in names:
        assert f"`{name}`" in SETTINGS, name

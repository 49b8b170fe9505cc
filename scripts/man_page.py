"""Write the manual page, docs/coatcheck.1, from the table of verbs: `make man`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from coatcheck import __version__
from coatcheck.cli import main

PAGE: Final = Path(__file__).parents[1] / "docs" / "coatcheck.1"
# What roff would print as another character, or take as a command.
LITERAL: Final = str.maketrans(
    {"\\": "\\e", "-": "\\-", '"': "\\(dq", "'": "\\(aq", "`": "\\(ga", "~": "\\(ti", "^": "\\(ha"}
)
EXIT_CODES: Final = re.compile(r"Exit codes: (.+)\.$")


def write_page() -> str:
    """The whole page, in the macros of man(7)."""
    context = click.Context(main, info_name="coatcheck")
    found = EXIT_CODES.search(main.epilog or "")
    assert found is not None
    lines = [
        '.\\" Made by scripts/man_page.py from the table of verbs.',
        f'.TH COATCHECK 1 "" "coatcheck {__version__}" "User Commands"',
        ".SH NAME",
        "coatcheck \\- object storage that speaks the OSS protocol, and its links",
        ".SH SYNOPSIS",
        ".B coatcheck",
        escape("VERB [OPTIONS] [ARGUMENTS]"),
        ".SH DESCRIPTION",
        *paragraphs(main),
        ".SH VERBS",
    ]
    for verb in main.list_commands(context):
        lines += describe(main.get_command(context, verb), verb, context)
    lines.append(".SH EXIT STATUS")
    for code in found[1].split(", "):
        number, _, meaning = code.partition(" ")
        lines += [".TP", number, escape(meaning)]
    lines += [".SH SEE ALSO", "The documents of the project: docs/cli.md, docs/settings.md, docs/operate.md."]
    return "\n".join(lines) + "\n"


def describe(command: click.Command | None, name: str, above: click.Context) -> Iterator[str]:
    """A verb, its options, and the commands below it."""
    assert command is not None
    context = click.Context(command, info_name=name, parent=above)
    pieces = " ".join(command.collect_usage_pieces(context))
    yield f'.SS "{escape(f"{context.command_path} {pieces}")}"'
    yield from paragraphs(command)
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
        if record is not None and "--help" not in parameter.opts:
            yield from (".TP", f"\\fB{escape(record[0])}\\fR", escape(record[1]))
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            yield from describe(command.get_command(context, below), below, context)


def paragraphs(command: click.Command) -> Iterator[str]:
    """What `--help` says, as it flows; a part that begins with a backspace keeps its lines, as in click."""
    for part in (command.help or "").split("\n\n"):
        kept = part.lstrip("\n").startswith("\b")
        lines = [line.strip() for line in part.strip("\b\n").splitlines()]
        yield ".PP"
        yield from (".nf", *map(escape, lines), ".fi") if kept else [escape(" ".join(lines))]


def escape(text: str) -> str:
    """Text as roff prints it unchanged, on one line."""
    plain = " ".join(text.split()).translate(LITERAL)
    return f"\\&{plain}" if plain.startswith(".") else plain


if __name__ == "__main__":
    PAGE.write_text(write_page(), "utf-8")
    sys.stdout.write(f"{PAGE}\n")

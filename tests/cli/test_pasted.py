"""Every `coatcheck` command that a page shows is one that the program takes: its verb, its options and their values."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from coatcheck.cli import main

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(?:sh|console)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`(coatcheck [^`]+)`")
WITHIN = re.compile(r"\$\((coatcheck [^)]*)\)")
# What keys are bound to, in docs/storage-format.md.
LABELS = ("coatcheck master key", "coatcheck local key", "coatcheck customer proof", "coatcheck customer data")
FORM = re.compile(r"coatcheck VERB\b|\.\.\.|…")  # not a command: `coatcheck link ...`


def commands(page: Path) -> Iterator[list[str]]:
    """What stands in the blocks of a page, to be pasted."""
    for block in BLOCK.findall(page.read_text("utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            if "coatcheck" in line:
                yield from split(line.removeprefix("$ "))


def names(page: Path) -> Iterator[list[str]]:
    """What is named in its sentences: a verb, and an option or an argument that matters."""
    for command in INLINE.findall(FENCED.sub("", page.read_text("utf-8"))):
        if not FORM.search(command) and command.strip() not in LABELS:
            yield from split(" ".join(command.split()))


def split(line: str) -> Iterator[list[str]]:
    """The words of each `coatcheck` in a line of a shell."""
    for within in WITHIN.findall(line):
        yield from split(within)
    if not re.search(r"(^|[|&;] *|\bdo )coatcheck ", WITHIN.sub("LINK", line)):
        return
    lexer = shlex.shlex(WITHIN.sub("LINK", line), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    redirected = False
    for word in [*lexer, ";"]:
        if set(word) <= set("();<>|&"):
            redirected = word[0] in "<>"
            if not redirected:
                if words[:1] == ["coatcheck"]:
                    yield words[1:]
                words = []
        elif redirected:
            redirected = False
        else:
            words.append(word)


def parse(words: list[str]) -> None:
    """Raises: UsageError."""
    command: click.Command = main
    context = main.make_context("coatcheck", list(words))
    while isinstance(command, click.Group):
        name, found, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        assert found is not None
        command = found
        context = command.make_context(name, rest, parent=context)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that has the alias of docs/cli.md."""
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "coatcheck" / "config.toml"
    config.parent.mkdir()
    config.write_text("[profile.cloud]\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_command_that_a_page_shows_is_one(page: Path) -> None:
    for words in commands(page):
        try:
            parse(words)
        except click.exceptions.Exit:  # --help, --version
            continue
        except click.BadParameter as error:
            if "No such file" not in error.message and "does not exist" not in error.message:  # the reader's file
                raise


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_command_that_a_sentence_names_is_one(page: Path) -> None:
    for words in names(page):
        command: click.Command = main
        while isinstance(command, click.Group) and words and not words[0].startswith("-"):
            found = command.get_command(click.Context(command), words.pop(0))
            assert found is not None, words
            command = found
        options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        used = {word.partition("=")[0] for word in words if re.match("--?[a-z]", word)}
        assert used <= options | {"--help", "--version"}, words


def test_pages_show_many() -> None:
    assert sum(1 for page in PAGES for _ in commands(page)) > 100
    assert sum(1 for page in PAGES for _ in names(page)) > 50

"""What a shell offers for a word that is being typed: the part of `completion` that runs at each press of the key.

The scripts in shells/ hand over the line up to the cursor, as it was typed, and get a line for each offer: what kind
it is (`whole`, `part` when more has to follow, `file` and `dir` for the shell's own), the text, and a word of help.
Bash replaces only what lies behind the last character of COMP_WORDBREAKS, such as the ":" of oss://, and inserts as it
is what it gets; zsh and fish take whole words, and quote them by themselves.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from threading import Thread
from typing import Any, Final

import click
from click.shell_completion import CompletionItem, ShellComplete, add_completion_class, split_arg_string
from msgspec import Struct

LINE: Final = "_COATCHECK_LINE"
BREAKS: Final = "_COATCHECK_BREAKS"
_PART: Final = "part"
_PATIENCE_S: Final = 2.0  # who presses a key waits no longer
_OFFERS_MAX: Final = 200
_SPECIAL: Final = frozenset(" \t\"'\\$`!&;|()<>*?[]{}#~^")
_SPECIAL_IN_QUOTES: Final = frozenset('"\\$`')


class _Word(Struct):
    """The word at the end of a line, as bash sees it: the quote that is open, and how much of it is not replaced."""

    quote: str = ""
    length: int = 0
    kept: int = 0


def _last_word(line: str, breaks: str) -> _Word:
    word, escaped = _Word(), False
    for character in line:
        if escaped:
            escaped, word.length = False, word.length + 1
        elif character == "\\" and word.quote != "'":
            escaped = True
        elif word.quote:
            word.quote = "" if character == word.quote else word.quote
            word.length += word.quote != ""
        elif character in "\"'":
            word.quote, word.kept = character, word.length
        elif character.isspace():
            word = _Word()
        else:
            word.length += 1
            word.kept = word.length if character in breaks else word.kept
    return word


class _Shell(ShellComplete):
    """What the three shells have in common."""

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ[LINE]
        words = split_arg_string(line)
        if line[-1:].isspace() and not _last_word(line, "").length:
            words.append("")
        return words[1:-1], words[-1] if len(words) > 1 else ""

    def complete(self) -> str:
        args, incomplete = self.get_completion_args()
        # click looks only at what follows the "=" of --option=value
        before = incomplete[: incomplete.find("=") + 1] if incomplete.startswith("-") else ""
        lines = []
        for item in self.get_completions(args, incomplete):
            if item.type in ("file", "dir"):
                lines.append(f"{item.type}\t\t")
            elif item.value.isprintable():
                kind = "part" if item.type == _PART else "whole"
                lines.append(f"{kind}\t{self.write(before + item.value)}\t{item.help or ''}")
        return "\n".join(lines)

    def write(self, word: str) -> str:
        """A whole word, as the shell wants to have it."""
        return word


class _Bash(_Shell):
    name = "bash"

    def write(self, word: str) -> str:
        typed = _last_word(os.environ[LINE], os.environ.get(BREAKS, ""))
        rest = word[typed.kept :]
        if typed.quote == "'":
            return rest.replace("'", "'\\''")
        special = _SPECIAL_IN_QUOTES if typed.quote else _SPECIAL
        return "".join(f"\\{character}" if character in special else character for character in rest)


class _Zsh(_Shell):
    name = "zsh"


class _Fish(_Shell):
    name = "fish"


def add_shells() -> None:
    """Let click ask us, in the place of its own three classes."""
    for shell in (_Bash, _Zsh, _Fish):
        add_completion_class(shell)


def offer_addresses(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem[str]]:
    """Buckets, then keys a folder at a time; nothing where the server is silent, refuses, or isn't known."""
    if not typed.startswith("oss://"):
        return [CompletionItem("oss://", type=_PART)] if "oss://".startswith(typed) else []
    bucket, slash, prefix = typed.removeprefix("oss://").partition("/")
    return _in_time(lambda: _list_keys(context, bucket, prefix) if slash else _list_buckets(context, bucket))


def offer_files_or_addresses(
    context: click.Context, parameter: click.Parameter, typed: str
) -> list[CompletionItem[str]]:
    """For an argument that is a file here, or an object there."""
    files = [] if typed.startswith("oss:") else [CompletionItem(typed, type="file")]
    return offer_addresses(context, parameter, typed) + files


def _list_buckets(context: click.Context, typed: str) -> Iterable[CompletionItem[str]]:
    from coatcheck.client.listing import list_buckets

    with _connection(context) as connection:
        for bucket in list_buckets(connection):
            if bucket.name.startswith(typed):
                yield CompletionItem(f"oss://{bucket.name}/", type=_PART)


def _list_keys(context: click.Context, bucket: str, prefix: str) -> Iterable[CompletionItem[str]]:
    from coatcheck.client.listing import Folder, list_objects

    with _connection(context) as connection:
        for entry in list_objects(connection, bucket, prefix, recursive=False, page_keys=_OFFERS_MAX):
            if isinstance(entry, Folder):
                yield CompletionItem(f"oss://{bucket}/{entry.prefix}", type=_PART)
            else:
                yield CompletionItem(f"oss://{bucket}/{entry.key}")


def _connection(context: click.Context) -> Any:
    """To the server that the options before the word name. Raises: NotConfigured."""
    from coatcheck.client.connection import Connection
    from coatcheck.client.profile import Options, read_profile

    names = ("endpoint", "region", "profile", "data", "path_style")
    where = Options(**{name: context.params.get(name) for name in names})
    return Connection(read_profile(where, os.environ, Path.home()))


def _in_time(listing: Callable[[], Iterable[CompletionItem[str]]]) -> list[CompletionItem[str]]:
    """What was found in time. The thread is left behind when the process ends, whatever it waits for."""
    found: list[CompletionItem[str]] = []

    def look() -> None:
        try:
            found.extend(islice(listing(), _OFFERS_MAX))
        except Exception:
            found.clear()  # a key that was pressed is no place for an error

    thread = Thread(target=look, daemon=True)
    thread.start()
    thread.join(_PATIENCE_S)
    return list(found)

"""No verb makes a data directory where there is none, but `serve` and `restore`."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from coatcheck.cli import VERBS, main

from .conftest import call

WORDS: dict[str, str] = {  # what a command needs besides --data to get as far as the directory
    "account create": "acme",
    "account disable": "acme",
    "account enable": "acme",
    "account delete": "acme",
    "user create": "alice",
    "user delete": "alice",
    "role create": "reader --trust FILE",
    "role delete": "reader",
    "policy create": "all FILE",
    "policy update": "all FILE",
    "user attach": "alice all",
    "user detach": "alice all",
    "role attach": "reader all",
    "role detach": "reader all",
    "policy show": "all",
    "policy delete": "all",
    "key import": "LTAI5tabcdefghijklmnop --secret-file FILE",
    "key disable": "LTAI5tabcdefghijklmnop",
    "key enable": "LTAI5tabcdefghijklmnop",
    "key delete": "LTAI5tabcdefghijklmnop",
    "domain add": "photos files.example.com",
    "domain remove": "files.example.com",
    "https-only": "photos",
    "lifecycle run": "--now",
    "accept-key": "secret",
    "quota set": "--bucket photos --bytes 1GiB",
    "backup": "BACKUP",
    "get": "oss://photos/a.txt",
    "share": "FILE",
    "put": "FILE oss://photos/a.txt",
    "rm": "oss://photos/a.txt",
    "mb": "oss://photos",
    "presign": "oss://photos/a.txt",
    "explain": "http://127.0.0.1:9/photos/a.txt?x-oss-signature=a",
}
MAKES_ONE = ("serve", "restore")
SAYS_ONLY = "settings show"  # what a server would run with, also where none ever did


def commands() -> list[str]:
    """Every command that takes --data, by its words."""
    found = []
    for verb in VERBS:
        command = main.get_command(click.Context(main), verb)
        group = command.commands if isinstance(command, click.Group) else {"": command}
        for name, each in group.items():
            assert each is not None
            if any("--data" in parameter.opts for parameter in each.params) and verb not in MAKES_ONE:
                found.append(f"{verb} {name}".strip())
    return found


def test_the_table_names_only_commands() -> None:
    assert set(WORDS) - set(commands()) == set()


@pytest.mark.parametrize("words", commands())
@pytest.mark.parametrize("made", [False, True])
def test_no_verb_makes_a_data_directory(work: Path, words: str, made: bool) -> None:
    place, file, backup = work / "nothing", work / "file.txt", work / "backup"
    if made:
        place.mkdir(mode=0o700)
    file.write_text('{"Version":"1","Statement":[]}')
    more = WORDS.get(words, "").replace("FILE", str(file)).replace("BACKUP", str(backup)).split()
    before = sorted(work.rglob("*"))
    result = call(*words.split(), *more, "--data", str(place))
    assert result.exit_code in ((0,) if words == SAYS_ONLY else (1, 2, 3, 4)), result.output
    assert sorted(work.rglob("*")) == before
    assert "Traceback" not in result.output

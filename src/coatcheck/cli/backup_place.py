"""Where a backup is, as a word of the command line, and the keys of an object store."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click
from click.shell_completion import CompletionItem


class _PlaceName(click.ParamType[str]):
    """A directory, or the URL of an object store."""

    name = "place"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        scheme, mark, rest = str(value).partition("://")
        if mark and (not scheme or not rest or "@" in rest or "?" in rest or any(map(str.isspace, rest))):
            self.fail("It takes a directory or s3://BUCKET/PREFIX; keys come from AWS_* variables or --credentials.")
        return str(value).rstrip("/") if mark else str(Path(value).absolute())

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(incomplete, type="dir")]


PLACE: Final = _PlaceName()
credentials_option: Final = click.option(
    "--credentials",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="Keys of an s3:// URL, as AWS's tools have them in a file.  [default: the AWS_* variables]",
)

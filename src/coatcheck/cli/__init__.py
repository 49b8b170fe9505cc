"""The command line: a table of verbs, each loaded when it is called, and the exit codes.

`coatcheck serve` must answer within half a second of its start, so nothing here imports what only other verbs need
(rich, httpx). A verb is one file beside this one, holding a click command named `command`.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final, NoReturn

import click
from click.shell_completion import CompletionItem

import coatcheck

from .failures import USAGE, report

# verb -> (module, the line in `coatcheck --help`)
VERBS: Final = {
    "serve": ("coatcheck.cli.serve", "Run the server on a data directory."),
    "share": ("coatcheck.cli.share", "Upload a file and print a link to it."),
    "get": ("coatcheck.cli.get", "Download a link, with resume and checksum."),
    "presign": ("coatcheck.cli.presign", "Sign links, offline."),
    "explain": ("coatcheck.cli.explain", "Say what a link grants, and why it doesn't work."),
    "link": ("coatcheck.cli.link", "Links that are out already: limit, see, cancel."),
    "cp": ("coatcheck.cli.cp", "Copy files and objects, in any direction."),
    "mv": ("coatcheck.cli.mv", "Move files and objects."),
    "sync": ("coatcheck.cli.sync", "Make one folder as the other."),
    "cat": ("coatcheck.cli.cat", "Print objects."),
    "head": ("coatcheck.cli.head", "Print how objects begin."),
    "stat": ("coatcheck.cli.stat", "What the server knows of an object or a bucket."),
    "du": ("coatcheck.cli.du", "How much lies below a prefix."),
    "find": ("coatcheck.cli.find", "Objects by name, size and age."),
    "ls": ("coatcheck.cli.ls", "List buckets or objects."),
    "put": ("coatcheck.cli.put", "Upload files, directories or standard input."),
    "rm": ("coatcheck.cli.rm", "Delete objects or buckets."),
    "mb": ("coatcheck.cli.mb", "Make a bucket."),
    "rb": ("coatcheck.cli.rb", "Remove a bucket."),
    "profile": ("coatcheck.cli.profile", "Servers and their keys, under names."),
    "account": ("coatcheck.cli.account", "Accounts: who owns buckets."),
    "user": ("coatcheck.cli.user", "Users of an account."),
    "role": ("coatcheck.cli.role", "Roles, for temporary keys."),
    "policy": ("coatcheck.cli.policy", "What users and roles may do."),
    "quota": ("coatcheck.cli.quota", "How much an account or a bucket may hold."),
    "key": ("coatcheck.cli.key", "Access keys of accounts and users."),
    "settings": ("coatcheck.cli.settings", "What the server's settings are, and where they were set."),
    "domain": ("coatcheck.cli.domain", "Own domains bound to buckets."),
    "https-only": ("coatcheck.cli.https_only", "Refuse plain HTTP for a bucket."),
    "lifecycle": ("coatcheck.cli.lifecycle", "Carry out what lifecycle rules say."),
    "backup": ("coatcheck.cli.backup", "Back a data directory up, while it is in use."),
    "restore": ("coatcheck.cli.restore", "Make a data directory of a backup."),
    "migrate": ("coatcheck.cli.migrate", "Move a whole store to a database, an object store, or back."),
    "check": ("coatcheck.cli.check", "Say what doesn't fit in a data directory."),
    "scrub": ("coatcheck.cli.scrub", "Compare every stored byte with what was written."),
    "accept-key": ("coatcheck.cli.accept_key", "Another key in the place of one that is lost."),
    "encryption": ("coatcheck.cli.encryption", "The master key that objects are encrypted under."),
    "completion": ("coatcheck.cli.completion", "Have a shell complete verbs, options, buckets and keys."),
}


_COMPLETE: Final = "_COATCHECK_COMPLETE"  # set by a shell that wants to know how a word may go on; see completing.py


class _Verbs(click.Group):
    """A group that imports a verb's module only when that verb runs, and ends every failure in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = import_module(VERBS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(verb, line) for verb, (_, line) in VERBS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        verbs = [CompletionItem(verb, help=line) for verb, (_, line) in VERBS.items() if verb.startswith(incomplete)]
        return verbs + click.Command.shell_complete(self, ctx, incomplete)

    def main(self, args: Sequence[str] | None = None, *rest: Any, **options: Any) -> NoReturn:
        words = list(sys.argv[1:] if args is None else args)
        options |= {"standalone_mode": False, "complete_var": _COMPLETE}
        if _COMPLETE in os.environ:
            import_module("coatcheck.cli.completing").add_shells()
        try:
            returned = super().main(words, *rest, **options)
        except click.exceptions.NoArgsIsHelpError as nothing_asked:
            click.echo(nothing_asked.format_message())
            sys.exit(USAGE)
        except Exception as error:
            sys.exit(report(error, as_json="--json" in words))
        sys.exit(returned if isinstance(returned, int) else 0)


@click.command(
    cls=_Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Help on one verb: coatcheck VERB --help. Exit codes: 0 done, 1 refused or failed, 2 wrong usage, "
    "3 not found, 4 no answer from the server, 5 damaged bytes, 130 interrupted.",
)
@click.version_option(coatcheck.__version__, prog_name="coatcheck", message="%(prog)s %(version)s")
@click.pass_context
def main(context: click.Context) -> None:
    """Keep an object private, share it by a link that ends by itself."""
    gc.enable()  # see `__main__`
    if "NO_COLOR" in os.environ:
        context.color = False

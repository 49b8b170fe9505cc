"""What the verbs on accounts, users, roles, policies and keys share: the data directory, and how they fail.

They work on the data directory itself, whether or not a server runs on it; a running server sees every change at its
next request.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections.abc import Awaitable, Callable, Iterable
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import click

from coatcheck.access.aws_policy import from_aws
from coatcheck.access.policy import Kind, PolicyFault, read_policy
from coatcheck.client.errors import ClientError, NotFound
from coatcheck.clock import wall_clock
from coatcheck.core.database_urls import is_database
from coatcheck.core.limits import AWS_POLICY_MAX_BYTES
from coatcheck.core.names import is_identity_name
from coatcheck.engines.directory_faults import BadDatabase, BadDirectory, InUse, NewerStore
from coatcheck.engines.local import LocalEngines, needs_preparing, open_local, prepare_local
from coatcheck.engines.opening import open_store
from coatcheck.ports.catalog import AlreadyThere, Gone, NotEmpty, NotWritten, Unknown
from coatcheck.ports.identities import Account
from coatcheck.ports.secrets import WrongKey
from coatcheck.ports.store import Store
from coatcheck.root_credentials import BadCredentials

from .failures import WontStart

T = TypeVar("T")
_F = TypeVar("_F", bound=Callable[..., Any])

_MEND_POLICY: Final = "mend the document; docs/permissions.md says what it may hold"
_KEY_ID_PREFIX: Final = "LTAI5t"


def directory_options(function: _F) -> _F:
    """--data and --json."""
    function = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line; errors too.")(
        function
    )
    return click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        default=None,
        metavar="DIR",
        help="Data directory; else COATCHECK_DATA, else ./coatcheck-data.",
    )(function)


def account_option(function: _F) -> _F:
    return click.option(
        "--account", default="", metavar="UID|NAME", help="Account; else the one that owns the server."
    )(function)


def name_argument(variable: str, metavar: str = "NAME") -> Callable[[_F], _F]:
    """A name of 1 to 64 letters, digits, ".", "_" and "-"."""

    def check(context: click.Context, parameter: click.Parameter, value: str) -> str:
        if not is_identity_name(value):
            raise click.BadParameter("a name has 1 to 64 letters, digits, '.', '_' and '-'", context, parameter)
        return value

    return click.argument(variable, metavar=metavar, callback=check)


def on_directory(data: Path | None, work: Callable[[LocalEngines], Awaitable[T]]) -> T:
    """Run `work` on the engines of the data directory, which is updated if it is older; or on the database that
    COATCHECK_STORE names, with that directory beside it. Raises: NotFound."""
    place, url = data_directory(data), store_url()
    if is_database(url):
        with failures(), closing(open_store(url, wall_clock, data=place)) as store:
            return asyncio.run(_run_to_the_end(work, store))
    need_directory(place)
    with failures():
        if needs_preparing(place):
            prepare_local(place).close()
        with open_local(place) as engines:
            return asyncio.run(_run(work, engines))


def store_url() -> str:
    """The database that has the catalog, or "": the data directory has it."""
    url = os.environ.get("COATCHECK_STORE", "")
    return url if is_database(url) else ""


def data_directory(data: Path | None) -> Path:
    return (data or Path(os.environ.get("COATCHECK_DATA") or "coatcheck-data")).absolute()


def need_directory(place: Path) -> Path:
    """A data directory that is there, and has its catalog: only `serve`, `restore` and `migrate` make one.

    Raises: NotFound; WontStart.
    """
    if store_url():
        raise WontStart(
            "The catalog is in a database, by COATCHECK_STORE; docs/scale-out.md says what does this there."
        )
    if not (place / "catalog.sqlite").exists():
        raise NotFound(
            "NoDataDirectory",
            f"{place} is not a data directory.",
            hint="name one with --data; coatcheck serve --data DIR makes one",
        )
    return place


async def _run(work: Callable[[LocalEngines], Awaitable[T]], engines: LocalEngines) -> T:
    return await work(engines)


async def _run_to_the_end(work: Callable[[LocalEngines], Awaitable[T]], store: Store) -> T:
    """What is read by connections of this event loop is closed in it."""
    try:
        return await work(cast(LocalEngines, store))  # it asks for what every store has
    finally:
        store.close()
        await asyncio.sleep(0)


@contextmanager
def failures() -> Any:
    """What the engines refuse, in the command line's words."""
    try:
        yield
    except AlreadyThere as error:
        raise ClientError("AlreadyThere", f"There is one already: {error}.") from None
    except Gone as error:
        raise NotFound("NotThere", f"There is no such thing: {error}.") from None
    except NotEmpty as error:
        raise ClientError("NotEmpty", f"Still in use: {error}.") from None
    except (BadCredentials, BadDatabase, BadDirectory, InUse, NewerStore, WrongKey) as error:
        raise WontStart(str(error)) from None
    except (NotWritten, Unknown) as error:
        raise click.ClickException(str(error)) from None


async def find_account(engines: LocalEngines, text: str) -> Account:
    """By uid or name; "" is the one that owns the server. Raises: Gone."""
    for account in await engines.identities.list_accounts():
        if (account.root and not text) or text in (account.uid, account.name):
            return account
    raise Gone(f"account {text}")


async def find_user_uid(engines: LocalEngines, account: str, name: str) -> str:
    """Raises: Gone."""
    for user in await engines.identities.list_users(account):
        if user.name.lower() == name.lower():
            return user.uid
    raise Gone(f"user {name}")


def read_document(file: Any, kind: Kind) -> str:
    """A policy from an open file, checked. Raises: ClientError, with the place of the fault."""

    def check(text: str) -> str:
        read_policy(text, kind)
        return text

    return _read_policy(file, kind.most_bytes, check)


def translate_document(file: Any, kind: Kind) -> str:
    """The same of a policy in AWS's language, in RAM's. Raises: ClientError, likewise."""
    return _read_policy(file, AWS_POLICY_MAX_BYTES, lambda text: from_aws(text, kind))


def _read_policy(file: Any, most_bytes: int, read: Callable[[str], str]) -> str:
    try:
        return read(file.read(most_bytes + 1))
    except UnicodeDecodeError:
        raise ClientError("InvalidPolicy", f"{file.name} is not UTF-8.", hint=_MEND_POLICY) from None
    except PolicyFault as fault:
        raise ClientError("InvalidPolicy", f"{file.name}: {fault}.", hint=_MEND_POLICY) from None


def new_key() -> tuple[str, str]:
    """A fresh access key id and secret, of the shape OSS's have."""
    return f"{_KEY_ID_PREFIX}{secrets.token_hex(9)}", secrets.token_urlsafe(24)


def new_uid(first: str, digits: int = 18) -> str:
    """A random uid; the first digit says what of: 1 an account, 2 a user, 3 a role."""
    return first + "".join(secrets.choice("0123456789") for _ in range(digits - 1))


def tell(facts: dict[str, Any], line: str, *, as_json: bool) -> None:
    """What a verb did or found: JSON, or the line for a person."""
    click.echo(json.dumps(facts, ensure_ascii=False) if as_json else line)


def print_rows(rows: Iterable[tuple[str, ...]]) -> None:
    """Columns as wide as their widest cell; nothing is cut, so that it can be piped."""
    table = list(rows)
    widths = [max(len(row[number]) for row in table) for number in range(len(table[0]))] if table else []
    for row in table:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

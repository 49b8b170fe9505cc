"""What people get wrong at a start and in use: each is one line that says what, and what to do, with its exit code."""

from __future__ import annotations

import base64
import errno
import json
import os
import shlex
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from coatcheck import process
from coatcheck.cli.serve import Ready
from coatcheck.engines.directory_faults import BadDirectory, told
from coatcheck.engines.local import RESTORING, prepare_local
from coatcheck.engines.secret_files import FileSecrets
from coatcheck.ports.secrets import SECRET
from coatcheck.root_credentials import RootCredentials
from coatcheck.settings import ServerSettings

from .conftest import call

Prepare = Callable[
    [Path, ExitStack], None
]  # makes the mistake's ground: the working directory, what ends with the test

_HELP: Final = "Next: coatcheck serve --help"


class Mistake(NamedTuple):
    """One of them.

    Attributes:
        words: the command line behind `coatcheck`; HERE is the working directory.
        says: what the line says of the fault.
        then: what it says to do.
        prepare: what there is beforehand.
        environment: variables, "NAME=value".
    """

    words: str
    says: str
    then: str
    exit_code: int = 2
    prepare: Prepare | None = None
    environment: tuple[str, ...] = ()


# --- grounds ---------------------------------------------------------------------------------------------------------


def _settings(text: str) -> Prepare:
    return lambda here, _: _write(here / "coatcheck.toml", text)


def _file(name: str, text: str = "rubbish") -> Prepare:
    return lambda here, _: _write(here / name, text)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_text(text)


def _directory(here: Path, _: ExitStack | None = None) -> Path:
    """A data directory that was used, and is used no more."""
    data = here / "data"
    prepare_local(data).close()
    return data


def _with_catalog(statement: str) -> Prepare:
    def prepare(here: Path, _: ExitStack) -> None:
        with closing(sqlite3.connect(_directory(here) / "catalog.sqlite")) as connection:
            connection.execute(statement)
            connection.commit()

    return prepare


def _with_root_key(text: str) -> Prepare:
    return lambda here, _: _write(_directory(here) / "root-credentials.json", text)


def _with_foreign_key(here: Path, _: ExitStack) -> None:
    FileSecrets(_directory(here)).replace(SECRET, base64.b64encode(os.urandom(32)))


def _without_key(here: Path, _: ExitStack) -> None:
    (_directory(here) / "secret.key").unlink()


def _junk_catalog(here: Path, _: ExitStack) -> None:
    (_directory(here) / "catalog.sqlite").write_bytes(b"junk, and no catalog. " * 1000)


def _broken_restore(here: Path, _: ExitStack) -> None:
    _write(_directory(here) / RESTORING, "")


def _others_things(here: Path, _: ExitStack) -> None:
    _write(here / "data" / "holiday.jpg", "a picture")
    (here / "data").chmod(0o755)


def _another_server(here: Path, stack: ExitStack) -> None:
    stack.enter_context(closing(prepare_local(here / "data")))


def _port_in_use(here: Path, stack: ExitStack) -> None:
    listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    _write(here / "coatcheck.toml", f'listen = "127.0.0.1:{listening.getsockname()[1]}"')


def _profiles(text: str) -> Prepare:
    def prepare(here: Path, _: ExitStack) -> None:
        folder = here.parent / ".config" / "coatcheck"
        folder.mkdir(parents=True)
        _write(folder / "config.toml", text)

    return prepare


# --- the table -------------------------------------------------------------------------------------------------------

_KEYS: Final = ("OSS_ACCESS_KEY_ID=testid", "OSS_ACCESS_KEY_SECRET=testsecret")
_FREE: Final = "--listen 127.0.0.1:0"
_START: Final = f"serve --data data {_FREE}"

SETTINGS: Final = (
    Mistake("serve --frob", "No such option '--frob'.", _HELP),
    Mistake("serve data", "unexpected extra argument (data).", _HELP),
    Mistake("serve --worker 2", "No such option '--worker'. (Did you mean one of: ", _HELP),
    Mistake("serve --workers", "Option '--workers' requires an argument.", "Next: coatcheck"),
    Mistake("serve --workers 0", "--workers: 0 is not in the range 1 to 64.", _HELP),
    Mistake("serve --workers two", "--workers: 'two' is not a whole number.", _HELP),
    Mistake("serve --body-timeout soon", "--body-timeout: 'soon' is not a number of seconds.", _HELP),
    Mistake("serve --body-timeout nan", "--body-timeout: nan is not in the range", _HELP),
    Mistake("serve --listen 127.0.0.1", "--listen: it takes HOST:PORT, for example 127.0.0.1:8000;", _HELP),
    Mistake("serve --listen 127.0.0.1:99999", "'127.0.0.1:99999' is not that.", _HELP),
    Mistake("serve --listen http://127.0.0.1:8000", "--listen: it takes HOST:PORT", _HELP),
    Mistake("serve --listen 'my host:80'", "--listen: it takes HOST:PORT", _HELP),
    Mistake("serve --admin 127.0.0.1:8000", "--admin needs a port of its own, and 8000 is that of --listen.", _HELP),
    Mistake("serve --listen 0.0.0.0:81 --admin localhost:81", "--admin needs a port of its own, and 81 is", _HELP),
    Mistake("serve --domain 'bad domain'", "--domain: 'bad domain' is not a host name like files.example.com", _HELP),
    Mistake(
        "serve --domain http://x.com", "'http://x.com' is not a host name; without scheme and path it is 'x.com'", _HELP
    ),
    Mistake("serve --domain x.com:8000", "without the port it is 'x.com'.", _HELP),
    Mistake("serve --domain 192.0.2.1", "'192.0.2.1' is an address, and a host name is needed", _HELP),
    Mistake("serve --domain ''", "--domain: '' is not a host name", _HELP),
    Mistake("serve --region 'Bad Region'", "--region: 'Bad Region' is not a region id like cn-hangzhou", _HELP),
    Mistake("serve --region oss-cn-hangzhou", "the region id is 'cn-hangzhou'.", _HELP),
    Mistake("serve --pages-host localhost", "objects are answered at that name", "another, such as links.localhost"),
    Mistake("serve --pages-host oss-cn-hangzhou.localhost", "objects are answered at that name", "links.localhost"),
    Mistake("serve --pages-host https://links.example.com", "without scheme and path it is 'links.example.com'", _HELP),
    Mistake(
        "serve --store unknown",
        "--store: it takes memory:, file:DIR or postgresql://...; 'unknown' is not that.",
        _HELP,
    ),
    Mistake("serve --store memory: --workers 2", "it goes with --workers 1.", _HELP),
    Mistake("serve --trusted-proxy my-proxy", "--trusted-proxy: 'my-proxy' is not a network like 10.0.0.0/8", _HELP),
    Mistake("serve --otel-endpoint localhost:4318", "is not an address like http://127.0.0.1:4318.", _HELP),
    Mistake("serve --callback-key-url ftp://x", "--callback-key-url: 'ftp://x' is not an address", _HELP),
    Mistake("serve --log-file logs/server.log", "--log-file: the directory HERE/logs does not exist.", _HELP),
    Mistake("serve --log-file HERE", "is a directory, and a file is needed.", _HELP),
    Mistake("serve --tls-cert cert.pem", "--tls-cert: the file cert.pem does not exist.", _HELP),
    Mistake("serve --tls-cert cert.pem", "--tls-cert and --tls-key go together.", _HELP, prepare=_file("cert.pem")),
    Mistake("serve --data file", "--data: 'file' is not a directory.", _HELP, prepare=_file("file")),
    Mistake("serve --data ~nobody-here/data", "names the home directory of nobody here.", _HELP),
    Mistake("serve --image-fonts fonts", "--image-fonts: the directory fonts does not exist.", _HELP),
    Mistake("serve --config missing.toml", "The file with settings, missing.toml, does not exist.", _HELP),
    Mistake("serve", "is not TOML: ", _HELP, prepare=_settings("workers =")),
    Mistake("serve", "workers: 'two' is not a whole number.", _HELP, prepare=_settings("workers = 'two'")),
    Mistake("serve", "data: 5 is not a text.", _HELP, prepare=_settings("data = 5")),
    Mistake("serve", "wrkers is no setting. Is workers meant? Next: ", _HELP, prepare=_settings("wrkers = 2")),
    Mistake("serve", "COATCHECK_WORKERS: 'x' is not a whole number.", _HELP, environment=("COATCHECK_WORKERS=x",)),
    Mistake("serve --ephemeral --data data", "it goes with no --data and no other --store.", _HELP),
    Mistake(f"serve {_FREE} --test-controls", "they go with --ephemeral or --store memory:", _HELP),
    Mistake("settings show --workers 0", "--workers: 0 is not in the range", "Next: coatcheck settings show --help"),
)

STARTS: Final = (
    Mistake("serve --data data --listen a..b:8199", "this machine knows no 'a..b'.", "or 0.0.0.0 for all of them."),
    Mistake(
        "serve --data data --listen 192.0.2.1:8199", "is no address of this machine.", "Take one that is, or 0.0.0.0"
    ),
    Mistake(
        "serve --data data",
        "on 127.0.0.1 is in use.",
        "Take another with --listen 127.0.0.1:PORT.",
        prepare=_port_in_use,
    ),
    Mistake(
        f"{_START} --tls-cert bad.pem --tls-key bad.pem",
        "HERE/bad.pem are no certificate and its key:",
        "Give a chain and its key, both PEM.",
        prepare=_file("bad.pem"),
    ),
    Mistake(
        f"{_START} --log-file /proc/x.log", "The log file /proc/x.log cannot be opened", "Name another with --log-file."
    ),
    Mistake(
        f"serve --data /proc/x {_FREE}", "The data directory /proc/x cannot be made", "Name another one with --data."
    ),
    Mistake(
        f"serve --data file/x {_FREE}",
        "HERE/file/x cannot be made (Not a directory).",
        "Name another one with --data.",
        prepare=_file("file"),
    ),
    Mistake(_START, "HERE/data/catalog.sqlite cannot be used", "Restore it from a backup.", prepare=_junk_catalog),
    Mistake(
        _START,
        "The catalog has version 1000; this coatcheck knows",
        "Install the newer one again, or restore a backup",
        prepare=_with_catalog("PRAGMA user_version = 1000"),
    ),
    Mistake(_START, "secret.key is not the key that", "coatcheck accept-key secret", prepare=_with_foreign_key),
    Mistake(_START, "secret.key is missing, and", "Restore it from a backup (or set", prepare=_without_key),
    Mistake(_START, "root-credentials.json is not JSON.", "Mend it or restore it", prepare=_with_root_key("garbage")),
    Mistake(_START, "has no access_key_id and access_key_secret", "Mend it or", prepare=_with_root_key("[1]")),
    Mistake(
        _START,
        "an access key id has letters, digits, '.', '_' and '=' alone.",
        "Give another.",
        prepare=_with_root_key(json.dumps({"access_key_id": "a b", "access_key_secret": "long enough"})),
    ),
    Mistake(_START, "Set both OSS_ACCESS_KEY_ID and", "or neither.", environment=("OSS_ACCESS_KEY_ID=testid",)),
    Mistake(
        _START,
        "the access key secret must have at least 8 characters.",
        "Give another.",
        environment=("OSS_ACCESS_KEY_ID=testid", "OSS_ACCESS_KEY_SECRET=short"),
    ),
    Mistake(_START, "A restore into HERE/data was broken off", "Repeat coatcheck restore.", prepare=_broken_restore),
    Mistake(_START, "Others may enter HERE/data", "Close it (chmod 700), or name an empty", prepare=_others_things),
    Mistake(_START, "Another process uses HERE/data.", "End it, or name another directory", prepare=_another_server),
    Mistake(
        "serve --ephemeral --test-controls=a..b:1",
        "The test controls can't listen on a..b:1: ",
        "Take another place",
    ),
)

VERBS: Final = (
    Mistake("frobnicate", "No such command 'frobnicate'.", "Next: coatcheck --help"),
    Mistake("link list", "No such command 'list'. Did you mean 'ls'? Next:", "Next: coatcheck link --help"),
    Mistake("mb photos", "'photos' is not an address like oss://bucket/key.", "Next: coatcheck mb --help"),
    Mistake("mb oss://Bad_Name", "'Bad_Name' is not a bucket name: 3 to 63 of a-z,", "Next: coatcheck mb --help"),
    Mistake("mb oss://photos/key", "A bucket has no key: coatcheck mb oss://photos.", "Next: coatcheck mb --help"),
    Mistake("ls s3://photos", "'s3://photos' is not an address like", "Next: coatcheck ls --help"),
    Mistake("ls oss://", "'oss://' is not an address like", "Next: coatcheck ls --help"),
    Mistake("ls", "NoCredentials: No access key", "Next: set OSS_ACCESS_KEY_ID and"),
    Mistake("ls", "its secret is missing.", "Next: set both, or neither", environment=("OSS_ACCESS_KEY_ID=testid",)),
    Mistake("ls --profile nobody", "has no [profile.nobody].", "Next: name one that it has, or add", environment=_KEYS),
    Mistake(
        "ls", "config.toml can't be read:", "Next: mend the file", prepare=_profiles("[profile"), environment=_KEYS
    ),
    Mistake(
        "ls --endpoint ftp://x",
        "'ftp://x' is not an endpoint like",
        "Next: give a scheme and a host",
        environment=_KEYS,
    ),
    Mistake("ls --endpoint http://127.0.0.1:1", "", "Next: ", 4, environment=_KEYS),
    Mistake("put", "Missing argument", "Next: coatcheck put --help"),
    Mistake("put missing oss://photos/a", "missing: No such file", "Next: check the name", 1, environment=_KEYS),
    Mistake("rm photos", "'photos' is not an address", "Next: coatcheck rm --help"),
    Mistake("get not-a-link", "Give a link (http:// or https://) or an object", "Next: coatcheck get --help"),
    Mistake("get oss://photos", "Give one object: coatcheck get oss://BUCKET/KEY.", "Next: coatcheck get --help"),
    Mistake("presign", "Give addresses (oss://BUCKET/KEY), or - to read them", "Next: coatcheck presign --help"),
    Mistake("presign oss://photos/a --expires soon", "'soon' is neither a duration", "Next: coatcheck presign --help"),
    Mistake("presign oss://photos/a --method FROB", "'FROB' is not one of", "Next: coatcheck presign --help"),
    Mistake("share missing", "missing: No such file", "Next: check the name", 1, environment=_KEYS),
    Mistake("explain", "Missing argument", "Next: coatcheck explain --help"),
    Mistake("user create 'bad name'", "a name has 1 to 64 letters, digits,", "Next: coatcheck user create --help"),
    Mistake("role create reader --trust no.json", "'no.json': No such file", "Next: coatcheck role create --help"),
    Mistake(
        "policy create all bad.json",
        "InvalidPolicy: bad.json: line 1,",
        "Next: mend the document",
        1,
        _file("bad.json"),
    ),
    Mistake("quota set --bucket photos", "Say --bucket or --account, and --bytes,", "Next: coatcheck quota set --help"),
    Mistake("quota set --bucket photos --bytes lots", "'lots' is no amount", "Next: coatcheck quota set --help"),
    Mistake("domain add 'bad domain' photos", "is not a host name like", "Next: coatcheck domain add --help"),
    Mistake("accept-key bogus", "'bogus' is not one of 'secret',", "Next: coatcheck accept-key --help"),
    Mistake("user list --data nothing", "HERE/nothing is not a data directory.", "Next: name one with --data;", 3),
    Mistake("check --data nothing", "HERE/nothing is not a data directory.", "Next: name one with --data;", 3),
    Mistake("scrub --data nothing", "HERE/nothing is not a data directory.", "Next: name one with --data;", 3),
    Mistake("backup copy --data nothing", "HERE/nothing is not a data directory.", "Next: name one with --data;", 3),
    Mistake("restore missing --data new", "/missing' does not exist.", "Next: coatcheck restore --help"),
    Mistake("user list --data data", "cannot be used", "Restore it from a backup.", prepare=_junk_catalog),
    Mistake("user list --data data", "is not the key that", "coatcheck accept-key secret", prepare=_with_foreign_key),
    Mistake(
        "user list --data data",
        "The catalog has version 1000;",
        "Install the newer one again",
        prepare=_with_catalog("PRAGMA user_version = 1000"),
    ),
)


# --- the tests -------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def none_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What isn't refused would fork workers of the tests' process."""

    def start(*_: object) -> None:
        raise AssertionError("the server would have started")

    monkeypatch.setattr(process, "_FirstProcess", start)


def test_there_are_sixty_of_them() -> None:
    assert len({(mistake.words, mistake.says) for mistake in (*SETTINGS, *STARTS, *VERBS)}) >= 60


@pytest.mark.parametrize("mistake", [*SETTINGS, *STARTS, *VERBS], ids=lambda mistake: f"{mistake.words}-{mistake.says}")
def test_a_mistake_is_one_line_with_the_next_step(
    work: Path, monkeypatch: pytest.MonkeyPatch, mistake: Mistake
) -> None:
    for name, value in (variable.split("=", 1) for variable in mistake.environment):
        monkeypatch.setenv(name, value)
    with ExitStack() as stack:
        if mistake.prepare is not None:
            mistake.prepare(work, stack)
        before = sorted(work.rglob("*"))
        result = call(*shlex.split(mistake.words.replace("HERE", str(work))))
        made = sorted(set(work.rglob("*")) - set(before))
    assert (result.exit_code, result.stdout) == (mistake.exit_code, ""), result.output
    assert result.stderr.startswith("error: ")
    assert (result.stderr.count("\n"), "Traceback" in result.stderr) == (1, False), result.stderr
    assert mistake.says.replace("HERE", str(work)) in result.stderr
    assert mistake.then in result.stderr
    if mistake in SETTINGS or mistake in VERBS:
        assert [path.name for path in made if not path.name.startswith("catalog.sqlite-")] == []


def _fill(path: Path) -> None:
    """A catalog that would grow beyond its room."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA max_page_count = 2")
        connection.execute("CREATE TABLE large (text)")
        connection.execute("INSERT INTO large VALUES (zeroblob(1000000))")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "incoming"), "The disk of DATA is full. Make room on it,"),
        (OSError(errno.EROFS, "Read-only file system", "x"), "x cannot be written (Read-only file system). Give this"),
        (
            OSError(errno.EMFILE, "Too many open files", "x"),
            "x cannot be opened (Too many open files). Allow this user",
        ),
        (OSError(errno.EIO, "Input/output error", "x"), "x cannot be used (Input/output error). Look at the disk,"),
    ],
)
def test_what_the_system_refuses_is_told(tmp_path: Path, error: OSError, says: str) -> None:
    with pytest.raises(BadDirectory) as refused, told(tmp_path):
        raise error
    assert str(refused.value).startswith(says.replace("DATA", str(tmp_path)))


def test_a_full_catalog_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadDirectory) as refused, told(tmp_path):
        _fill(tmp_path / "catalog.sqlite")
    assert str(refused.value) == (
        f"The disk of {tmp_path} is full. Make room on it, or name a directory on another one with --data."
    )


def test_a_full_disk_is_told_at_a_start(work: Path) -> None:
    """Mounting takes root."""
    data = work / "data"
    data.mkdir(mode=0o700)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", str(data)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"MISSING: cannot mount a small file system: {mounted.stderr.decode().strip()}")
    try:
        result = call(*shlex.split(_START))
    finally:
        subprocess.run(["umount", str(data)], check=True)
    assert (result.exit_code, result.stderr) == (
        2,
        f"error: The disk of {data} is full. Make room on it, or name a directory on another one with --data.\n",
    )


@pytest.mark.parametrize("is_terminal", [True, False])
def test_the_root_secret_is_shown_to_a_terminal_alone(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, is_terminal: bool
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
    root = RootCredentials("LTAI5tmade", "the-root-secret", made=True)
    Ready(as_json=False, is_ephemeral=False, controls=None).say(ServerSettings(data=work / "data"), root)
    said = capsys.readouterr()
    assert ("the-root-secret" in said.out, "LTAI5tmade" in said.out, said.err) == (is_terminal, True, "")
    assert str(work / "data" / "root-credentials.json") in said.out


def test_a_variable_that_is_none_is_told_at_a_start(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COATCHECK_WRKERS", "2")
    result = call("settings", "show")
    assert (result.exit_code, result.stderr) == (
        0,
        "warning: COATCHECK_WRKERS is set, and is no variable of coatcheck. Is COATCHECK_WORKERS meant?\n",
    )

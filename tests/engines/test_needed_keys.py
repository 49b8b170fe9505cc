"""A server starts with the keys that its catalog needs, or not at all; and makes none in the place of one that is."""

from __future__ import annotations

import base64
import re
import sqlite3
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

import coatcheck.engines.sqlite as sqlite_engine
from coatcheck.engines.accepting import WouldLose, accept_later_key, accept_master_keys, accept_secret_key
from coatcheck.engines.directory_faults import BadDirectory
from coatcheck.engines.local import open_local, prepare_local
from coatcheck.engines.needed_keys import check_authority, needs_root_key, note_authority, note_root_key
from coatcheck.engines.secret_files import FileSecrets
from coatcheck.engines.sqlite.schema import STEPS
from coatcheck.ports.secrets import WrongKey

from ..ports.catalog_contract import a_bucket
from ..ports.keyring_contract import KEY
from .test_rotation import check as check_objects
from .test_rotation import fill

OTHER = base64.b64encode(bytes(range(32))).decode()
VARIABLES = {"secret.key": "COATCHECK_SECRET_KEY", "encryption.key": "COATCHECK_ENCRYPTION_KEY"}
FILES = list(VARIABLES)


@pytest.fixture(autouse=True)
def _no_key_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
async def full(data: Path) -> Path:
    """A directory with an access key, and objects that are encrypted."""
    await fill(data)
    with open_local(data) as engines:
        await engines.keyring.add_key(KEY)
    return data


def make_older(data: Path) -> None:
    """As version 1 was: nothing is noted."""
    connection = sqlite3.connect(data / "catalog.sqlite", isolation_level=None)
    later = "\n".join(files(sqlite_engine).joinpath(step).read_text() for step in STEPS[1:] if isinstance(step, str))
    for trigger in re.findall(r"CREATE TRIGGER (\w+)", later):
        connection.execute(f"DROP TRIGGER {trigger}")
    tables = re.findall(r"CREATE TABLE (\w+)", later)
    for table in tables:
        connection.execute(f"DROP TABLE {table}")
    for table, column in re.findall(r"ALTER TABLE (\w+) ADD COLUMN (\w+)", later):
        if table not in tables:
            connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    connection.execute("PRAGMA user_version = 1")
    connection.close()


def noted(data: Path) -> list[str]:
    connection = sqlite3.connect(data / "catalog.sqlite")
    names = [row[0] for row in connection.execute("SELECT name FROM key_fingerprint ORDER BY name")]
    connection.close()
    return names


def refused(data: Path, says: str) -> None:
    """By a server and by every verb; with a next step; and nothing was made."""
    before = {path.name: path.read_bytes() for path in data.glob("*.key")}
    for start in (prepare_local, open_local):
        with pytest.raises(WrongKey) as caught:
            start(data)
        assert says in str(caught.value)
        assert "Restore it from" in str(caught.value)
        assert "\n" not in str(caught.value)
    assert {path.name: path.read_bytes() for path in data.glob("*.key")} == before


@pytest.mark.parametrize("name", FILES)
def test_a_missing_key_is_not_made_anew(data: Path, name: str) -> None:
    (data / name).unlink()
    refused(data, f"{name} is missing")


@pytest.mark.parametrize("content", [b"", b"QUFB", b"\xff\xfe" * 30, b"\n", OTHER[:-8].encode()])
@pytest.mark.parametrize("name", FILES)
def test_a_key_that_is_cut_short_or_damaged_is_told(data: Path, name: str, content: bytes) -> None:
    (data / name).write_bytes(content)
    refused(data, f"{name} is cut short or damaged")


@pytest.mark.parametrize("name", FILES)
def test_a_foreign_key_is_refused(data: Path, name: str) -> None:
    (data / name).write_text(OTHER)
    refused(data, f"{name} is not the key")


@pytest.mark.parametrize("name", FILES)
def test_a_foreign_key_of_the_environment_is_refused(data: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLES[name], OTHER)
    refused(data, f"{VARIABLES[name]} is not the key")
    monkeypatch.setenv(VARIABLES[name], "short")
    refused(data, f"{VARIABLES[name]} is cut short or damaged")


def test_a_key_that_is_a_folder_is_told(data: Path) -> None:
    (data / "secret.key").unlink()
    (data / "secret.key").mkdir()
    with pytest.raises(WrongKey, match="cannot be read"):
        prepare_local(data)


# --- catalogs in which nothing is noted yet ---


async def test_an_older_catalog_proves_its_keys_and_notes_them(full: Path) -> None:
    make_older(full)
    prepare_local(full).close()
    assert noted(full) == ["encryption", "secret"]
    await check_objects(full)
    with open_local(full) as engines:
        assert await engines.keyring.find_key("coat") == KEY


@pytest.mark.parametrize("what_is_done", ["removed", "replaced"])
@pytest.mark.parametrize("name", FILES)
async def test_an_older_catalog_refuses_what_does_not_open_it_and_stays_as_it_is(
    full: Path, name: str, what_is_done: str
) -> None:
    make_older(full)
    if what_is_done == "removed":
        (full / name).unlink()
    else:
        (full / name).write_text(OTHER)
    with pytest.raises(WrongKey, match=name):
        prepare_local(full)
    connection = sqlite3.connect(full / "catalog.sqlite")
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    connection.close()
    assert (full / name).exists() is (what_is_done == "replaced")


def test_an_older_catalog_that_needs_no_key_takes_the_one_that_is_there(data: Path) -> None:
    make_older(data)
    (data / "secret.key").write_text(OTHER)
    (data / "encryption.key").unlink()
    prepare_local(data).close()
    assert noted(data) == ["encryption", "secret"]
    (data / "secret.key").write_text(base64.b64encode(bytes(32)).decode())
    refused(data, "secret.key is not the key")


def test_a_verb_on_an_older_catalog_says_what_to_do(data: Path) -> None:
    make_older(data)
    with pytest.raises(BadDirectory, match="of an older coatcheck"):
        open_local(data)


# --- the others ---


def test_a_callback_key_that_applications_know_is_not_made_anew(data: Path) -> None:
    pem = "-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\n"
    (data / "callback.key").write_text(pem % "one")
    prepare_local(data).close()
    (data / "callback.key").write_text(pem % "two")
    with pytest.raises(WrongKey, match=r"callback\.key is not the key that applications know callbacks by"):
        prepare_local(data)
    (data / "callback.key").write_text("-----BEGIN PRIVATE KEY-----\nAAA")
    with pytest.raises(WrongKey, match=r"callback\.key is cut short or damaged"):
        prepare_local(data)
    (data / "callback.key").unlink()
    with pytest.raises(WrongKey, match=r"callback\.key is missing"):
        prepare_local(data)
    assert not accept_later_key(data, "callback")
    prepare_local(data).close()


def test_an_authority_that_clients_trust_is_not_made_anew(data: Path) -> None:
    secrets, certificate = FileSecrets(data), data / "tls" / "ca.pem"
    assert not check_authority(data, secrets, certificate)
    (data / "tls").mkdir()
    for name in ("ca.key", "ca.pem"):
        (data / "tls" / name).write_text(name)
    note_authority(data, secrets)
    assert check_authority(data, secrets, certificate)
    for name in ("ca.key", "ca.pem"):
        (data / "tls" / name).unlink()
        with pytest.raises(WrongKey, match=f"{name} is missing, and clients trust"):
            check_authority(data, secrets, certificate)
        (data / "tls" / name).write_text(name)
    (data / "tls" / "ca.key").write_text("another")
    with pytest.raises(WrongKey, match=r"ca\.key is not the key that clients trust"):
        check_authority(data, secrets, certificate)
    assert accept_later_key(data, "tls")
    assert check_authority(data, secrets, certificate)


async def test_a_root_key_is_needed_once_there_was_one(data: Path) -> None:
    assert not needs_root_key(data)
    note_root_key(data, "LTAI5tOne")
    assert needs_root_key(data)


async def test_a_root_key_is_needed_where_there_are_buckets(data: Path) -> None:
    with open_local(data) as engines:
        await engines.catalog.create_bucket(a_bucket(), most=1)
    assert needs_root_key(data)


# --- on purpose ---


async def test_a_lost_secret_key_is_replaced_on_purpose(full: Path) -> None:
    (full / "secret.key").unlink()
    with pytest.raises(WouldLose) as caught:
        accept_secret_key(full, drop_access_keys=False)
    assert caught.value.args == (1,)
    with pytest.raises(WrongKey):
        prepare_local(full)
    assert accept_secret_key(full, drop_access_keys=True) == 1
    prepare_local(full).close()
    with open_local(full) as engines:
        assert list(await engines.keyring.list_keys()) == []
        await engines.keyring.add_key(KEY)
    assert accept_secret_key(full, drop_access_keys=False) == 0


async def test_a_lost_encryption_key_is_replaced_on_purpose_and_may_come_back(full: Path) -> None:
    lost = (full / "encryption.key").read_text()
    (full / "encryption.key").unlink()
    accept_master_keys(full)
    prepare_local(full).close()
    new = (full / "encryption.key").read_text()
    assert new != lost
    (full / "encryption.key").write_text(new + lost)
    prepare_local(full).close()
    await check_objects(full)


# --- who may look ---


def test_everything_is_for_its_owner_alone(data: Path) -> None:
    for path in (data, data / "results", data / "results" / "new"):
        path.chmod(0o755)
    (data / "lifecycle.day").write_text("1")
    for path in (data / "lifecycle.day", data / "secret.key", data / "catalog.sqlite"):
        path.chmod(0o644)
    prepare_local(data).close()
    assert open_to_others(data) == []


def open_to_others(data: Path) -> list[str]:
    return [f"{path} {path.stat().st_mode:o}" for path in (data, *data.rglob("*")) if path.stat().st_mode & 0o077]


def test_a_new_directory_is_closed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o777)
    prepare_local(data).close()
    assert open_to_others(data) == []


def put_other_things(place: Path) -> None:
    (place / "other").write_text("things")


def make_shared(place: Path) -> None:
    place.chmod(0o1777)


@pytest.mark.parametrize("spoil", [put_other_things, make_shared])
def test_a_directory_of_other_things_is_not_closed_but_refused(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o755)
    spoil(data)
    mode = data.stat().st_mode
    with pytest.raises(BadDirectory, match="chmod 700"):
        prepare_local(data)
    assert data.stat().st_mode == mode


def test_a_catalog_that_is_none_is_told(data: Path) -> None:
    (data / "catalog.sqlite").write_bytes(b"rubbish" * 2000)
    for start in (prepare_local, open_local):
        with pytest.raises(BadDirectory, match="cannot be used"):
            start(data)

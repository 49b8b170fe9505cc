"""The places for secrets, each held to the contract; and what only files have: names, modes, variables."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from coatcheck.engines import secret_files
from coatcheck.engines.memory_secrets import MemorySecrets
from coatcheck.engines.secret_files import FileSecrets
from coatcheck.ports.secrets import Place, Secrets, WrongKey

from ..ports.secrets_contract import SecretsContract

FILES = {"secret": "secret.key", "encryption": "encryption.key", "callback": "callback.key", "tls": "tls/ca.key"}
VARIABLES = {"secret": "COATCHECK_SECRET_KEY", "encryption": "COATCHECK_ENCRYPTION_KEY"}


@pytest.fixture(autouse=True)
def _no_key_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def secrets(tmp_path: Path) -> FileSecrets:
    return FileSecrets(tmp_path)


class TestMemorySecrets(SecretsContract):
    @pytest.fixture
    def secrets(self) -> Secrets:
        return MemorySecrets()


class TestFileSecrets(SecretsContract):
    @pytest.fixture
    def secrets(self, tmp_path: Path) -> Secrets:
        return FileSecrets(tmp_path)


def files_in(folder: Path) -> dict[str, tuple[int, bytes]]:
    """What lies there: names, modes and contents."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): (stat.S_IMODE(path.stat().st_mode), path.read_bytes()) for path in found}


@pytest.mark.parametrize("way", ["keep", "replace"])
@pytest.mark.parametrize("name", FILES)
def test_a_secret_is_a_file_for_its_owner_alone(secrets: FileSecrets, tmp_path: Path, name: str, way: str) -> None:
    umask = os.umask(0)
    try:
        getattr(secrets, way)(name, b"hush\n")
    finally:
        os.umask(umask)
    assert files_in(tmp_path) == {FILES[name]: (0o600, b"hush\n")}
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir() if path.is_dir()] in ([], [0o700])
    assert FileSecrets(tmp_path).find(name) == b"hush\n"


@pytest.mark.parametrize("way", ["keep", "replace"])
def test_a_secret_that_cannot_be_written_is_not_there(
    secrets: FileSecrets, tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="No space left"):
            getattr(secrets, way)("callback", b"hush")
    assert secrets.find("callback") is None
    assert getattr(secrets, way)("callback", b"hush") in (None, b"hush")
    assert files_in(tmp_path) == {"callback.key": (0o600, b"hush")}


@pytest.mark.parametrize("way", ["keep", "replace"])
@pytest.mark.parametrize("name", FILES)
def test_names_are_synced_whoever_made_them(
    secrets: FileSecrets, tmp_path: Path, name: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets.keep(name, b"hush")
    synced: list[Path] = []
    monkeypatch.setattr(secret_files, "sync_directory", synced.append)
    getattr(secrets, way)(name, b"hush")
    assert sorted(synced) == ([tmp_path, tmp_path / "tls"] if name == "tls" else [tmp_path])


@pytest.mark.parametrize("name", VARIABLES)
def test_what_the_environment_gives_counts_in_the_place_of_the_file(
    secrets: FileSecrets, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets.keep(name, b"of the file")
    monkeypatch.setenv(VARIABLES[name], "given")
    assert (secrets.find(name), secrets.keep(name, b"new")) == (b"given", b"given")
    assert files_in(tmp_path) == {FILES[name]: (0o600, b"of the file")}
    monkeypatch.setenv(VARIABLES[name], "")
    assert secrets.find(name) == b"of the file"


@pytest.mark.parametrize("name", VARIABLES)
def test_what_the_environment_gives_is_not_kept(
    secrets: FileSecrets, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLES[name], "given")
    assert secrets.keep(name, b"new") == b"given"
    assert files_in(tmp_path) == {}


def test_messages_name_the_file_or_the_variable_and_the_next_step(
    secrets: FileSecrets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def remedy(name: str, or_set: str = "") -> str:
        accept = f"coatcheck accept-key {name} --data {tmp_path}"
        return f"Restore it from a backup{or_set}; to do without it: {accept}"

    missing = remedy("secret", " (or set COATCHECK_SECRET_KEY)")
    assert secrets.place("secret") == Place(f"{tmp_path}/secret.key", missing)
    secrets.keep("secret", b"hush")
    assert secrets.place("secret") == Place(f"{tmp_path}/secret.key", remedy("secret"))
    monkeypatch.setenv("COATCHECK_SECRET_KEY", "given")
    assert secrets.place("secret") == Place("COATCHECK_SECRET_KEY", remedy("secret"), is_given=True)
    assert secrets.place("tls") == Place(f"{tmp_path}/tls/ca.key", remedy("tls"))


def test_what_cannot_be_read_is_told(secrets: FileSecrets, tmp_path: Path) -> None:
    (tmp_path / "secret.key").mkdir()
    with pytest.raises(WrongKey, match=r"secret\.key cannot be read: Is a directory\. Make it a file"):
        secrets.find("secret")


def test_a_link_that_leads_nowhere_is_told_and_not_replaced(secrets: FileSecrets, tmp_path: Path) -> None:
    (tmp_path / "secret.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(WrongKey, match=r"secret\.key is missing\. Restore it from a backup\."):
        secrets.keep("secret", b"hush")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secret.key"]

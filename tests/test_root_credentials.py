from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from coatcheck.core.names import is_access_key_id
from coatcheck.root_credentials import FILE_NAME, BadCredentials, find_root_credentials

NOTHING: dict[str, str] = {}


def test_a_key_is_made_at_the_first_start_and_kept(tmp_path: Path) -> None:
    first = find_root_credentials(tmp_path, NOTHING)
    second = find_root_credentials(tmp_path, NOTHING)
    assert (first.made, second.made) == (True, False)
    assert first.access_key_id == second.access_key_id
    assert first.access_key_secret == second.access_key_secret
    assert is_access_key_id(first.access_key_id)
    assert len(first.access_key_secret) >= 30


def test_there_is_no_default_key(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    made = find_root_credentials(one, NOTHING), find_root_credentials(other, NOTHING)
    assert made[0].access_key_id != made[1].access_key_id
    assert made[0].access_key_secret != made[1].access_key_secret


def test_nobody_else_on_the_machine_can_read_it(tmp_path: Path) -> None:
    find_root_credentials(tmp_path, NOTHING)
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


def test_the_environment_comes_first_and_is_not_written_down(tmp_path: Path) -> None:
    environment = {"OSS_ACCESS_KEY_ID": "MyKey", "OSS_ACCESS_KEY_SECRET": "my-secret-text"}
    found = find_root_credentials(tmp_path, environment)
    assert (found.access_key_id, found.access_key_secret, found.made) == ("MyKey", "my-secret-text", False)
    assert not (tmp_path / FILE_NAME).exists()


def test_no_key_is_made_in_the_place_of_one_that_was_in_use(tmp_path: Path) -> None:
    with pytest.raises(BadCredentials, match="is missing, and links were signed with its key"):
        find_root_credentials(tmp_path, NOTHING, needed=True)
    assert not (tmp_path / FILE_NAME).exists()
    environment = {"OSS_ACCESS_KEY_ID": "MyKey", "OSS_ACCESS_KEY_SECRET": "my-secret-text"}
    assert find_root_credentials(tmp_path, environment, needed=True).access_key_id == "MyKey"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    find_root_credentials(tmp_path, NOTHING)
    environment = {"OSS_ACCESS_KEY_ID": "MyKey", "OSS_ACCESS_KEY_SECRET": "my-secret-text"}
    assert find_root_credentials(tmp_path, environment).access_key_id == "MyKey"


@pytest.mark.parametrize(
    "environment",
    [
        {"OSS_ACCESS_KEY_ID": "MyKey"},
        {"OSS_ACCESS_KEY_SECRET": "my-secret-text"},
        {"OSS_ACCESS_KEY_ID": "MyKey", "OSS_ACCESS_KEY_SECRET": ""},
        {"OSS_ACCESS_KEY_ID": "My/Key", "OSS_ACCESS_KEY_SECRET": "my-secret-text"},
        {"OSS_ACCESS_KEY_ID": "MyKey", "OSS_ACCESS_KEY_SECRET": "short"},
    ],
)
def test_a_key_that_cannot_work_is_refused_at_the_start(tmp_path: Path, environment: dict[str, str]) -> None:
    with pytest.raises(BadCredentials) as refusal:
        find_root_credentials(tmp_path, environment)
    assert "my-secret-text" not in str(refusal.value)
    assert not (tmp_path / FILE_NAME).exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rubbish",
        "[]",
        "null",
        '{"access_key_id": "MyKey"}',
        '{"access_key_id": 1, "access_key_secret": 2}',
        '{"access_key_id": "My Key", "access_key_secret": "my-secret-text"}',
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / FILE_NAME
    path.write_text(text)
    with pytest.raises(BadCredentials) as refusal:
        find_root_credentials(tmp_path, NOTHING)
    assert str(path) in str(refusal.value)
    assert path.read_text() == text


def test_a_person_may_write_the_file(tmp_path: Path) -> None:
    document = {"access_key_id": "MyKey", "access_key_secret": "my-secret-text", "note": "from the safe"}
    (tmp_path / FILE_NAME).write_text(json.dumps(document))
    assert find_root_credentials(tmp_path, NOTHING).access_key_id == "MyKey"


def test_credentials_do_not_print_their_secret(tmp_path: Path) -> None:
    found = find_root_credentials(tmp_path, NOTHING)
    assert found.access_key_secret not in repr(found)
    assert found.access_key_secret not in f"{found}"

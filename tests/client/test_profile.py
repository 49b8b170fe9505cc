"""Which place wins, for each setting."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from coatcheck.client.errors import NotConfigured
from coatcheck.client.profile import Options, find_secret, read_endpoint, read_profile

FILE = """
[profile.default]
endpoint = "http://file:1"
region = "file-1"
access_key_id = "fileid"
access_key_secret = "filesecret"

[profile.work]
endpoint = "https://work"
access_key_id = "workid"
access_key_secret = "worksecret"
security_token = "worktoken"
security_token_expires = 2026-03-05T07:08:09Z
path_style = true
"""
ENVIRONMENT = {
    "OSS_ENDPOINT": "http://env:1",
    "OSS_REGION": "env-1",
    "OSS_ACCESS_KEY_ID": "envid",
    "OSS_ACCESS_KEY_SECRET": "envsecret",
    "OSS_SESSION_TOKEN": "envtoken",
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / ".config" / "coatcheck"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(FILE)
    return tmp_path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    root = {"access_key_id": "rootid", "access_key_secret": "rootsecret"}
    (folder / "root-credentials.json").write_text(json.dumps(root))
    return folder


def test_options_go_before_everything(home: Path) -> None:
    profile = read_profile(Options(endpoint="http://option:1", region="option-1"), ENVIRONMENT, home)
    assert (profile.endpoint, profile.region) == ("http://option:1", "option-1")


def test_environment_goes_before_the_file(home: Path) -> None:
    profile = read_profile(Options(), ENVIRONMENT, home)
    assert (profile.endpoint, profile.region) == ("http://env:1", "env-1")
    assert profile.credentials.access_key_id == "envid"
    assert profile.credentials.security_token == "envtoken"


def test_file_goes_before_the_local_server(home: Path, data: Path) -> None:
    profile = read_profile(Options(data=data), {}, home)
    assert (profile.endpoint, profile.region, profile.local) == ("http://file:1", "file-1", False)
    assert profile.credentials.access_key_id == "fileid"


def test_local_server_is_the_last_resort(tmp_path: Path, data: Path) -> None:
    profile = read_profile(Options(data=data), {}, tmp_path)
    assert (profile.endpoint, profile.region, profile.local) == ("http://127.0.0.1:8000", "cn-hangzhou", True)
    assert profile.credentials.access_key_id == "rootid"


def test_named_profile_brings_its_own_key_even_if_the_environment_has_one(home: Path) -> None:
    environment = {"OSS_ACCESS_KEY_ID": "envid", "OSS_ACCESS_KEY_SECRET": "envsecret"}
    profile = read_profile(Options(profile="work"), environment, home)
    assert profile.credentials.access_key_id == "workid"
    assert profile.path_style
    assert profile.token_expires_at is not None
    assert profile.token_expires_at.isoformat() == "2026-03-05T07:08:09+00:00"


def test_profile_may_be_named_in_the_environment(home: Path) -> None:
    assert read_profile(Options(), {"COATCHECK_PROFILE": "work"}, home).endpoint == "https://work"


def test_config_directory_may_be_elsewhere(home: Path, tmp_path: Path) -> None:
    profile = read_profile(Options(), {"XDG_CONFIG_HOME": str(home / ".config")}, tmp_path / "nowhere")
    assert profile.endpoint == "http://file:1"


@pytest.mark.parametrize("half", ["OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET"])
def test_half_a_key_is_refused_rather_than_completed_from_elsewhere(home: Path, half: str) -> None:
    with pytest.raises(NotConfigured, match="HalfAnAccessKey"):
        read_profile(Options(), {half: "x"}, home)


def test_without_any_key_the_next_step_is_a_server(tmp_path: Path) -> None:
    with pytest.raises(NotConfigured) as caught:
        read_profile(Options(data=tmp_path / "none"), {}, tmp_path)
    assert "coatcheck serve" in caught.value.hint


def test_unknown_profile_is_refused(home: Path) -> None:
    with pytest.raises(NotConfigured, match="NoSuchProfile"):
        read_profile(Options(profile="typo"), ENVIRONMENT, home)


@pytest.mark.parametrize(
    "text", ["not toml", "[profile.default]\nendpont = 'x'", "[profile.default]\nregion = 3", "profile = 3"]
)
def test_broken_file_is_told_not_guessed(home: Path, text: str) -> None:
    (home / ".config" / "coatcheck" / "config.toml").write_text(text)
    with pytest.raises(NotConfigured):
        read_profile(Options(), {}, home)


def test_secrets_are_not_in_the_repr(home: Path) -> None:
    assert "secret" not in repr(read_profile(Options(), ENVIRONMENT, home)).replace("access_key_secret", "")


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("oss-cn-hangzhou.aliyuncs.com", "https://oss-cn-hangzhou.aliyuncs.com"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_endpoint(text: str, endpoint: str) -> None:
    assert read_endpoint(text) == endpoint


@pytest.mark.parametrize(
    "text", ["ftp://x", "http://", "http://u:p@x", "http://x/path", "http://x?q", "http://x:99999"]
)
def test_what_is_no_endpoint(text: str) -> None:
    with pytest.raises(NotConfigured):
        read_endpoint(text)


def test_secret_is_found_only_for_its_own_id(home: Path, data: Path) -> None:
    options = Options(data=data)
    assert find_secret("envid", options, ENVIRONMENT, home) == "envsecret"
    assert find_secret("fileid", options, ENVIRONMENT, home) == "filesecret"
    assert find_secret("rootid", options, ENVIRONMENT, home) == "rootsecret"
    assert find_secret("stranger", options, ENVIRONMENT, home) is None

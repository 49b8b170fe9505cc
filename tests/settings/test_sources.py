"""Where settings come from, in which order, and what is said of one that makes no sense."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.settings import Listen, ServerSettings
from coatcheck.settings.kinds import Address, BadSetting, Choice, Flag, Hour, Many, Mebibytes, Seconds, Text, Whole
from coatcheck.settings.server import ROWS
from coatcheck.settings.sources import BadSettings, find_settings, find_unknown


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_anybodys_choice_all_are_defaults(here: Path) -> None:
    found = find_settings({}, {})
    assert set(found.origins.values()) == {"default"}
    assert found.settings == ServerSettings(here / "coatcheck-data")


def test_the_command_line_beats_the_environment_beats_the_file(here: Path) -> None:
    (here / "coatcheck.toml").write_text("body_timeout = 1\nworkers = 3\nlifecycle_hour = 4\n")
    environment = {"COATCHECK_BODY_TIMEOUT": "2", "COATCHECK_WORKERS": "5"}
    found = find_settings({"body_timeout_s": "9"}, environment)
    settings = found.settings
    assert (settings.body_timeout_s, settings.workers, settings.lifecycle_hour) == (9.0, 5, 4)
    origins = [found.origins[name] for name in ("body_timeout_s", "workers", "lifecycle_hour", "data")]
    assert origins == ["--body-timeout", "COATCHECK_WORKERS", "coatcheck.toml", "default"]


def test_a_file_that_is_named_beats_the_one_that_lies_there(here: Path) -> None:
    (here / "coatcheck.toml").write_text("workers = 3")
    (here / "a.toml").write_text("workers = 4")
    (here / "b.toml").write_text("workers = 5")
    assert find_settings({}, {}).settings.workers == 3
    assert find_settings({}, {"COATCHECK_CONFIG": "a.toml"}).settings.workers == 4
    assert find_settings({}, {"COATCHECK_CONFIG": "a.toml"}, Path("b.toml")).settings.workers == 5


EXAMPLES = {
    "tls_cert": "cert.pem",
    "tls_key": "cert.pem",
    "image_fonts": "fonts",
    "store": "file:shop",
    "log_file": "server.log",
    "admin": "127.0.0.1:9100",
    "pages_host": "links.example.com",
    "otel_endpoint": "http://127.0.0.1:4318",
    "callback_key_url": "https://files.example.com/key.pem",
    "bytes_url": "s3://objects/coatcheck",
    "bytes_credentials": "cert.pem",
}
_TLS = {"tls_cert": "cert.pem", "tls_key": "cert.pem"}
GO_TOGETHER = {"tls_cert": _TLS, "tls_key": _TLS, "bytes_credentials": {"bytes_url": "s3://objects/coatcheck"}}


def test_every_setting_can_come_from_every_place(here: Path) -> None:
    """The names in files and in the environment are those of the options."""
    for name in ("fonts", "cert.pem"):
        (here / name).mkdir() if name == "fonts" else (here / name).write_text("")
    for field, row in ROWS.items():
        given = EXAMPLES.get(field)
        given = given or row.kind.write(getattr(ServerSettings(), field)) or "10.0.0.0/8"
        pair = GO_TOGETHER.get(field, {})
        by_option = find_settings({**pair, field: given}, {}).settings
        by_variable = find_settings({name: v for name, v in pair.items() if name != field}, {row.variable: given})
        assert (by_variable.settings, by_variable.origins[field]) == (by_option, row.variable)
        (here / "x.toml").write_text(f'{row.name} = "{given}"')
        by_file = find_settings({name: v for name, v in pair.items() if name != field}, {}, here / "x.toml")
        assert (by_file.settings, by_file.origins[field]) == (by_option, str(here / "x.toml"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("body_timout = 3", "coatcheck.toml: body_timout is no setting. Is body_timeout meant?"),
        ("xyzzy = 3", "coatcheck.toml: xyzzy is no setting. `coatcheck settings show` lists them all."),
        ("workers = 'two'", "coatcheck.toml: workers: 'two' is not a whole number."),
        ("workers = true", "coatcheck.toml: workers: True is not a whole number."),
        ("tls_self_signed = 3", "coatcheck.toml: tls_self_signed: 3 is neither true nor false."),
        ("region = 7", "coatcheck.toml: region: 7 is not a list."),
        ("trusted_proxy = ['10.0.0.0/33']", "is not a network like 10.0.0.0/8"),
        ("image_eighth_from = 11", "coatcheck.toml: image_eighth_from: 11 is not in the range 12 to 16."),
        ("image_eighth_from = 17", "coatcheck.toml: image_eighth_from: 17 is not in the range 12 to 16."),
        ("workers =", "coatcheck.toml is not TOML: "),
    ],
)
def test_what_makes_no_sense_is_told_with_its_place(here: Path, text: str, says: str) -> None:
    (here / "coatcheck.toml").write_text(text)
    with pytest.raises(BadSettings) as refused:
        find_settings({}, {})
    assert says in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_a_list_is_commas_in_the_environment_and_a_list_in_a_file(here: Path) -> None:
    (here / "coatcheck.toml").write_text("domain = ['Files.example.com', 'localhost']")
    assert find_settings({}, {}).settings.domains == ("files.example.com", "localhost")
    found = find_settings({}, {"COATCHECK_REGION": "cn-beijing, cn-hangzhou"})
    assert found.settings.regions == ("cn-beijing", "cn-hangzhou")


def test_what_is_on_can_be_turned_off_from_every_place(here: Path) -> None:
    assert find_settings({}, {}).settings.verify_domains
    assert not find_settings({"verify_domains": False}, {}).settings.verify_domains
    assert not find_settings({}, {"COATCHECK_VERIFY_DOMAINS": "no"}).settings.verify_domains


KINDS: list[tuple[Any, Any]] = [
    (Flag(), st.booleans()),
    (Whole(-5, 10**6), st.integers(-5, 10**6)),
    (Seconds(0, 10**6), st.integers(0, 10**6).map(lambda thousands: float(f"{thousands / 1000:g}"))),
    (Hour(), st.none() | st.integers(0, 23)),
    (Mebibytes(0, 100), st.integers(0, 100).map(lambda count: count * 1024**2)),
    (Choice(("1.2", "1.3")), st.sampled_from(("1.2", "1.3"))),
    (Address(), st.builds(Listen, st.sampled_from(("127.0.0.1", "::1", "localhost")), st.integers(0, 65535))),
    (Many(Text("ID")), st.lists(st.from_regex(r"[a-z]{1,5}", fullmatch=True), min_size=1).map(tuple)),
]


@given(st.sampled_from(KINDS).flatmap(lambda kind: st.tuples(st.just(kind[0]), kind[1])))
def test_what_is_written_is_read_as_the_same(case: tuple[Any, Any]) -> None:
    kind, value = case
    assert kind.read(kind.write(value)) == value


@given(
    st.sampled_from([kind for kind, _ in KINDS]), st.text() | st.integers() | st.floats() | st.booleans() | st.none()
)
def test_anything_is_read_or_refused(kind: Any, given: Any) -> None:
    try:
        kind.read(given)
    except BadSetting:
        return


def test_a_variable_that_is_none_is_told_with_the_likely_name() -> None:
    environment = {
        "COATCHECK_WRKERS": "2",
        "COATCHECK_XYZZY": "2",
        "COATCHECK_WORKERS": "2",
        "COATCHECK_CONFIG": "a.toml",
        "COATCHECK_SECRET_KEY": "of secrets",
        "COATCHECK_PORT": "tcp://10.0.0.1:80",
        "COATCHECK_SERVICE_HOST": "10.0.0.1",
        "OSS_REGION": "cn-hangzhou",
    }
    assert find_unknown(environment, ["COATCHECK_SECRET_KEY"]) == [
        "COATCHECK_WRKERS is set, and is no variable of coatcheck. Is COATCHECK_WORKERS meant?",
        "COATCHECK_XYZZY is set, and is no variable of coatcheck. `coatcheck settings show` lists all settings.",
    ]


# --- the URL of a database -------------------------------------------------------------------------------------------

SECRET_URL = "postgresql://coat:hunter2@db.example:5432/shop?sslmode=require&password=hunter3"


def test_a_password_in_an_option_is_refused_and_not_repeated(here: Path) -> None:
    with pytest.raises(BadSettings) as refused:
        find_settings({"store": SECRET_URL}, {})
    assert "--store has a password in it" in str(refused.value)
    assert "hunter" not in str(refused.value)


def test_the_url_of_a_database_may_be_anywhere_and_is_shown_without_passwords(here: Path) -> None:
    settings = find_settings({}, {"COATCHECK_STORE": SECRET_URL}).settings
    assert settings.store_url == SECRET_URL
    shown = "postgresql://coat:***@db.example:5432/shop?sslmode=require&password=***"
    assert ROWS["store"].kind.write(settings.store) == shown
    plain = find_settings({"store": "postgres://coat@/shop?host=/run/pg"}, {}).settings
    assert ROWS["store"].kind.write(plain.store) == "postgres://coat@/shop?host=/run/pg"


@pytest.mark.parametrize("url", ["postgresql:", "mysql://a/b", "postgresql://[::1/x"])
def test_what_is_no_url_of_a_store_is_refused(here: Path, url: str) -> None:
    with pytest.raises(BadSettings, match="--store"):
        find_settings({"store": url}, {})

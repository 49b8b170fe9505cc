"""What a newcomer meets in the first hour."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from coatcheck.client.profile import Options, read_profile
from tests.client.fake import Fake

from .conftest import Run, call


def test_wildcards_are_refused_where_a_key_is_one_key(run: Run, fake: Fake, work: Path) -> None:
    (work / "f").write_text("1")
    for words in (("put", "f", "oss://box/*.txt"), ("presign", "oss://box/*.txt"), ("share", "oss://box/*.txt")):
        result = run(*words)
        assert (result.exit_code, "wildcards mean nothing here" in result.stderr) == (2, True), words
    assert fake.seen == []
    assert "/box/%2A.txt?" in run("presign", "oss://box/*.txt", "--literal").stdout


@pytest.mark.parametrize("acl", ["public-read", "public-read-write"])
def test_share_warns_before_it_uploads_where_strangers_can_read(run: Run, fake: Fake, work: Path, acl: str) -> None:
    (work / "f").write_text("1")
    fake.buckets["shared"] = {}
    fake.acls["shared"] = acl
    result = run("share", "f")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("warning: strangers can read what is in oss://shared, without a link and for ever")
    assert fake.buckets["shared"] == {}
    assert run("share", "f", "--yes").exit_code == 0
    assert list(fake.buckets["shared"].values()) == [b"1"]


def test_share_of_several_files_is_a_link_a_line(run: Run, fake: Fake, work: Path) -> None:
    for name in ("a", "b"):
        (work / name).write_text(name)
    result = run("share", "a", "b")
    assert [line.partition("?")[0].rpartition("/")[2] for line in result.stdout.splitlines()] == ["a", "b"]
    assert run("share", "a", "b", "--key", "k").exit_code == 2


def test_texts_are_stored_with_their_charset(run: Run, fake: Fake, work: Path) -> None:
    (work / "server.log").write_text("grüezi")
    fake.buckets["box"] = {}
    run("cp", "server.log", "oss://box/")
    assert fake.sent_headers[-1]["content-type"] == "text/plain; charset=utf-8"


def test_share_on_a_custom_domain(run: Run, work: Path) -> None:
    (work / "f").write_text("1")
    result = run("share", "f", "--key", "k", "--custom-domain", "files.example.com")
    assert result.stdout.startswith("https://files.example.com/k?")


@pytest.mark.parametrize(
    ("names", "begins"),
    [
        (("files.example.com",), "https://files.example.com/shared/k?"),
        (("files.example.com", "shared.files.example.com"), "https://shared.files.example.com/k?"),
    ],
)
@pytest.mark.parametrize("place", ["option", "environment", "profile"])
def test_link_endpoint_needs_no_wildcard_name(
    run: Run, fake: Fake, work: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], begins: str, place: str
) -> None:
    (work / "f").write_text("1")
    monkeypatch.setattr("coatcheck.cli.share._resolves", lambda host: host in names)
    words: tuple[str, ...] = ("share", "f", "--key", "k")
    if place == "option":
        words += ("--link-endpoint", "https://files.example.com")
    elif place == "environment":
        monkeypatch.setenv("COATCHECK_LINK_ENDPOINT", "https://files.example.com")
    else:
        config = work.parent / ".config" / "coatcheck" / "config.toml"
        config.parent.mkdir(parents=True)
        config.write_text('[profile.default]\nlink_endpoint = "https://files.example.com"\n')
    assert run(*words).stdout.startswith(begins)


def test_link_endpoint_that_nobody_knows_is_told(run: Run, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (work / "f").write_text("1")
    monkeypatch.setattr("coatcheck.cli.share._resolves", lambda host: False)
    result = run("share", "f", "--link-endpoint", "https://files.example.com")
    assert result.exit_code == 0
    assert result.stderr.count("warning: this computer knows no address of files.example.com") == 1


def test_next_step_names_the_bucket_where_it_is_known(run: Run, fake: Fake) -> None:
    fake.store("box", "k", b"")
    assert "coatcheck ls oss://box -r" in run("get", "oss://box/missing").stderr
    assert "BUCKET" not in run("rm", "oss://box").stderr


def test_question_mark_is_followed_by_no_full_stop(run: Run) -> None:
    result = run("lss")
    assert result.exit_code == 2
    assert "?." not in result.stderr
    assert "  " not in result.stderr.strip()


def test_explain_asks_whether_the_object_is_there(run: Run, fake: Fake) -> None:
    fake.store("box", "k", b"1")
    link = run("presign", "oss://box/k").stdout.strip()
    result = run("explain", link)
    assert (result.exit_code, "The object is there." in result.stdout) == (0, True)
    del fake.buckets["box"]["k"]
    gone = run("explain", link)
    assert (gone.exit_code, "isn't there any more" in gone.stdout) == (1, True)
    assert json.loads(run("explain", link, "--json").stdout)["object_is_there"] is False
    fake.seen.clear()
    assert json.loads(run("explain", link, "--json", "--offline").stdout)["object_is_there"] is None
    assert fake.seen == []


def test_explain_says_that_a_get_link_is_not_for_head(run: Run) -> None:
    link = run("presign", "oss://box/k").stdout.strip()
    result = run("explain", link, "--method", "HEAD")
    assert result.exit_code == 1
    assert "GET" in result.stdout


def test_get_of_a_folder(run: Run, fake: Fake, work: Path) -> None:
    fake.store("box", "p/a", b"1")
    fake.store("box", "p/q/b", b"2")
    assert run("get", "-r", "oss://box/p", "-o", "out").exit_code == 0
    assert (work / "out" / "q" / "b").read_bytes() == b"2"
    assert run("get", "oss://box/p/*").exit_code == 0
    assert (work / "a").read_bytes() == b"1"


# --- what a server writes for commands on its machine --------------------------------------------------------------
def write_running(data: Path, **facts: str) -> None:
    data.mkdir()
    (data / "endpoint.json").write_text(json.dumps(facts))
    (data / "root-credentials.json").write_text('{"access_key_id": "i", "access_key_secret": "s"}')


def test_running_server_is_found_by_its_data_directory(work: Path) -> None:
    data = work / "data"
    write_running(data, endpoint="https://127.0.0.1:8443", region="cn-beijing", ca="/d/tls/ca.pem")
    profile = read_profile(Options(data=data), {}, work)
    assert (profile.endpoint, profile.region, profile.ca) == (
        "https://127.0.0.1:8443",
        "cn-beijing",
        Path("/d/tls/ca.pem"),
    )
    elsewhere = read_profile(Options(data=data, endpoint="https://oss.example.com"), {}, work)
    assert (elsewhere.region, elsewhere.ca) == ("cn-hangzhou", None)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"endpoint": "ftp://x", "region": "r"}', "\xff"])
def test_endpoint_file_that_says_nothing_is_passed_over(work: Path, text: str) -> None:
    write_running(work / "data")
    (work / "data" / "endpoint.json").write_bytes(text.encode("latin-1"))
    assert read_profile(Options(data=work / "data"), {}, work).endpoint == "http://127.0.0.1:8000"


def test_no_server_here_is_told_in_words(work: Path) -> None:
    write_running(work / "data", endpoint="http://127.0.0.1:1", region="cn-hangzhou")
    result = call("ls", "--data", str(work / "data"))
    assert result.exit_code == 4
    assert "start a server in this directory with: coatcheck serve" in result.stderr

"""The group itself: lazy verbs, exit codes, errors in one line or as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from coatcheck.cli import VERBS
from tests.client.fake import Fake

from .conftest import Run, call


def test_help_names_every_verb() -> None:
    output = call("--help").stdout
    for verb, (_, line) in VERBS.items():
        assert f"  {verb}" in output
        assert line in output


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "completion"])  # which prints a script
def test_every_verb_has_help_and_json(verb: str) -> None:
    result = call(verb, "--help")
    assert result.exit_code == 0
    assert "--json" in result.stdout


def test_version() -> None:
    assert call("--version").stdout == "coatcheck 0.1.0\n"


def test_help_and_serve_load_neither_rich_nor_httpx() -> None:
    program = (
        "import sys\nfrom click.testing import CliRunner\nfrom coatcheck.cli import main\n"
        "CliRunner().invoke(main, ['--help'])\nCliRunner().invoke(main, ['serve', '--help'])\n"
        "print(sorted({'rich', 'httpx', 'segno'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "[]\n"


def test_unknown_verb_is_usage() -> None:
    result = call("nope")
    assert result.exit_code == 2
    assert result.stderr == "error: No such command 'nope'. Next: coatcheck --help\n"


def test_usage_error_as_json() -> None:
    result = call("get", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stderr)["error"]["code"] == "Usage"


def test_not_found_is_3_and_names_the_request(run: Run) -> None:
    result = run("ls", "oss://nope-bucket")
    assert result.exit_code == 3
    assert result.stderr == (
        "error: NoSuchBucket: The specified bucket does not exist. Next: see the buckets with: coatcheck ls; "
        "make one with: coatcheck mb oss://nope-bucket (request id RID)\n"
    )


def test_not_found_as_json(run: Run) -> None:
    result = run("ls", "oss://nope-bucket", "--json")
    assert result.stdout == ""
    facts = json.loads(result.stderr)
    assert facts["exit_code"] == 3
    assert facts["error"]["request_id"] == "RID"


def test_unreachable_is_4(run: Run) -> None:
    assert run("ls", "--endpoint", "http://127.0.0.1:9").exit_code == 4


def test_damaged_is_5(run: Run, fake: Fake) -> None:
    link = fake.store("box", "k", b"hello")
    fake.headers = {"x-oss-hash-crc64ecma": "1"}
    assert run("get", link).exit_code == 5


def test_refused_is_1(run: Run, fake: Fake) -> None:
    fake.refusals = [(403, "AccessDenied", "no")]
    assert run("ls").exit_code == 1


def test_interrupted_is_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("coatcheck.cli.ls.list_buckets", interrupt)
    assert run("ls").exit_code == 130


def test_missing_file_is_one_line(run: Run) -> None:
    result = run("share", "missing.txt")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: FileNotFoundError: missing.txt: No such file")
    assert result.stderr.count("\n") == 1


@pytest.mark.usefixtures("work")
def test_no_settings_at_all_says_how_to_start_a_server() -> None:
    result = call("share", "x")
    assert result.exit_code == 2
    assert "start a server in this directory with: coatcheck serve" in result.stderr


def test_illegal_bucket_name_is_usage(run: Run) -> None:
    result = run("mb", "oss://Not_A_Bucket")
    assert result.exit_code == 2
    assert "3 to 63" in result.stderr


def test_secret_is_never_printed(run: Run, fake: Fake) -> None:
    for words in (("ls",), ("presign", "oss://box/k"), ("explain", fake.store("box", "k", b"")), ("mb", "oss://box")):
        result = run(*words)
        assert "testsecret" not in result.output

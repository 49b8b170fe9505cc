"""The pytest plugin, in runs of pytest of their own: as somebody has it who installed coatcheck and wrote a test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ..patience import HANG_S
from ..server_process import clean_environment

pytestmark = pytest.mark.live


def run_pytest(folder: Path, program: str, *words: str, ini: str = "") -> str:
    """What it says of one file of tests."""
    (folder / "test_it.py").write_text(program)
    (folder / "pytest.ini").write_text(f"[pytest]\n{ini}")
    line = [sys.executable, "-m", "pytest", "-p", "coatcheck.testing.plugin", "-p", "no:cacheprovider", "-q", *words]
    done = subprocess.run(
        line,
        cwd=folder,
        env=clean_environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"),
        capture_output=True,
        text=True,
        timeout=HANG_S,
    )
    return done.stdout + done.stderr


def test_a_bucket_in_four_lines(tmp_path: Path) -> None:
    said = run_pytest(
        tmp_path,
        "def test_upload(oss, oss_bucket):\n"
        "    bucket = oss.oss2(oss_bucket)\n"
        "    bucket.put_object('a.txt', b'hello')\n"
        "    assert bucket.get_object('a.txt').read() == b'hello'\n",
    )
    assert "1 passed" in said, said


def test_each_test_begins_with_nothing(tmp_path: Path) -> None:
    said = run_pytest(
        tmp_path,
        "import os, time, pytest\n"
        "@pytest.mark.parametrize('number', range(5))\n"
        "def test_it(number, oss, oss_bucket, oss_environment):\n"
        "    assert os.environ['OSS_ENDPOINT'] == oss.endpoint\n"
        "    assert os.environ['OSS_ACCESS_KEY_ID'] == oss.key.access_key_id\n"
        "    assert len(oss.requests) == 0 and abs(oss.clock.now() - time.time()) < 5\n"
        "    oss_bucket.put('a', 'x')\n"
        "    oss.clock.move(days=1)\n"
        "    oss.faults.throttle()\n"
        "def test_environment_is_as_it_was():\n"
        "    assert 'OSS_ENDPOINT' not in os.environ\n",
    )
    assert "6 passed" in said, said


FAILING = """
import urllib.request, urllib.error
def get(url, method='GET'):
    try:
        urllib.request.urlopen(urllib.request.Request(url, method=method))
    except urllib.error.HTTPError:
        pass
def test_fails(oss, oss_bucket):
    oss_bucket.put('a', 'x')
    link = oss.presign('GET', 'test-bucket', 'a', expires=60)
    get(link, 'DELETE')
    oss.clock.move(minutes=2)
    get(link)
    assert False
def test_fails_without_a_refusal(oss):
    assert False
def test_passes(oss, oss_bucket):
    get(oss.presign('GET', 'test-bucket', 'missing'))
def test_fails_without_an_oss():
    assert False
"""


def test_what_was_refused_is_in_the_report_of_a_test_that_failed(tmp_path: Path) -> None:
    said = run_pytest(tmp_path, FAILING)
    assert "3 failed, 1 passed" in said, said
    assert said.count("Requests that the OSS refused") == 1
    assert ": 403 SignatureDoesNotMatch: It was signed for GET, not for DELETE: use GET, or sign it again.\n" in said
    assert ": 403 AccessDenied: Request has expired. (Expires " in said
    assert "missing" not in said


def test_each_worker_of_xdist_has_a_server(tmp_path: Path) -> None:
    program = (
        "import pytest\n"
        "@pytest.mark.parametrize('number', range(20))\n"
        "def test_it(number, oss, oss_bucket):\n"
        "    oss_bucket.put('a', str(number))\n"
        "    assert oss_bucket.get('a') == str(number).encode()\n"
        "    assert False, oss.endpoint\n"
    )
    said = run_pytest(tmp_path, program, "-p", "xdist", "-n", "2")
    assert "20 failed" in said, said
    endpoints = {
        line.rpartition("http://")[2].split()[0] for line in said.splitlines() if "AssertionError: http" in line
    }
    assert len(endpoints) == 2


def test_options_and_ini_choose_settings_and_a_process_of_its_own(tmp_path: Path) -> None:
    program = (
        "import threading\n"
        "def test_it(oss, oss_bucket):\n"
        "    oss_bucket.put('a', 'x')\n"
        "    assert oss.region == 'cn-beijing'\n"
        "    assert 'coatcheck-testing' not in [thread.name for thread in threading.enumerate()]\n"
    )
    ini = "oss_subprocess = true\noss_settings =\n    region=cn-beijing\n    domain=example.com, localhost\n"
    said = run_pytest(tmp_path, program, ini=ini)
    assert "1 passed" in said, said
    said = run_pytest(tmp_path, program, "--oss-subprocess", "--oss-setting", "region=cn-beijing")
    assert "1 passed" in said, said


def test_a_setting_that_is_none_is_refused_with_a_sentence(tmp_path: Path) -> None:
    said = run_pytest(tmp_path, "def test_it(oss): pass\n", "--oss-setting", "regoin=x")
    assert "'regoin=x' is no setting of the server, NAME=VALUE. Is region meant?" in said


def test_who_asks_for_no_fixture_loads_nothing_of_the_server(tmp_path: Path) -> None:
    said = run_pytest(
        tmp_path,
        "import sys\n"
        "def test_it():\n"
        "    ours = {name for name in sys.modules if name.startswith('coatcheck')}\n"
        "    assert ours == {'coatcheck', 'coatcheck.testing', 'coatcheck.testing.plugin'}\n"
        "    assert not {'uvloop', 'httptools', 'cryptography'} & set(sys.modules)\n",
    )
    assert "1 passed" in said, said

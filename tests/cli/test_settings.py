"""`coatcheck settings show`: what a server would run with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import call


def test_values_and_where_they_were_set(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (work / "coatcheck.toml").write_text("lifecycle_hour = -1")
    monkeypatch.setenv("COATCHECK_LISTEN", "0.0.0.0:80")
    result = call("settings", "show", "--origin", "--workers", "3", "--domain", "a.test", "--domain", "b.test")
    lines = [line.split() for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    for line in (
        ["workers", "3", "--workers"],
        ["listen", "0.0.0.0:80", "COATCHECK_LISTEN"],
        ["lifecycle_hour", "-1", "coatcheck.toml"],
        ["domain", "a.test,b.test", "--domain"],
        ["region", "cn-hangzhou", "default"],
    ):
        assert line in lines


def test_as_json(work: Path) -> None:
    shown = json.loads(call("settings", "show", "--json", "--no-verify-domains").stdout)
    assert (shown["verify_domains"], shown["body_timeout"], shown["tls_cert"]) == ("false", "60", "")
    origins = json.loads(call("settings", "show", "--json", "--origin", "--no-verify-domains").stdout)
    assert origins["verify_domains"] == {"value": "false", "origin": "--no-verify-domains"}


def test_what_makes_no_sense_is_one_line_and_exit_code_2(work: Path) -> None:
    result = call("settings", "show", "--body-timeout", "0")
    assert (result.exit_code, result.stderr.startswith("error: --body-timeout: 0 is not in the range")) == (2, True)

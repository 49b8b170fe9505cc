"""deploy/helm/coatcheck: its values are the server's settings; and where there is a helm, what that makes of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import textwrap
from pathlib import Path
from typing import Final

import pytest

from coatcheck.settings.server import ROWS
from coatcheck.settings.sources import find_settings

CHART: Final = Path(__file__).parents[1] / "deploy" / "helm" / "coatcheck"
HELM: Final = pytest.mark.skipif(shutil.which("helm") is None, reason="there is no helm")
VALUES: Final = """
settings:
  workers: 3
  domain: [example.com, "example.org"]
  hints: false
  body_timeout: 2.5
  region: ["cn-hangzhou"]
rootKey: {accessKeyId: id, accessKeySecret: "sec: ret"}
persistence: {storageClassName: fast}
metrics: {service: true}
ingress: {enabled: true, className: nginx, hosts: ["*.a.example.com"], tls: [{secretName: tls, hosts: [a]}]}
"""


def helm(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["helm", *map(str, words)], capture_output=True, text=True)


def test_chart_knows_every_setting_that_is_not_its_own() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    own = {"data", "store", "listen", "admin"}
    assert schema["properties"]["settings"]["propertyNames"]["enum"] == sorted(
        {row.name for row in ROWS.values()} - own
    )
    served = (CHART / "templates" / "server.yaml").read_text("utf-8")
    assert set(re.findall(r"name: COATCHECK_([A-Z]+)", served)) == {"DATA", "LISTEN", "ADMIN"}
    assert set(re.findall(r"path: (/health/[a-z]+), port: admin", served)) == {"/health/live", "/health/ready"}


def test_chart_values_are_those_of_its_schema() -> None:
    """At the outermost level; helm looks at all of them."""
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    named = set(re.findall(r"^([a-zA-Z]+):", (CHART / "values.yaml").read_text("utf-8"), re.M))
    assert named == set(schema["properties"]) - {"global"}
    used = {
        name for path in (CHART / "templates").iterdir() for name in re.findall(r"\.Values\.(\w+)", path.read_text())
    }
    assert used == named


@HELM
def test_chart_renders_settings_that_the_server_reads(tmp_path: Path) -> None:
    assert helm("lint", "--strict", "--quiet", CHART).returncode == 0
    (tmp_path / "values.yaml").write_text(VALUES)
    done = helm("template", "box", CHART, "--values", tmp_path / "values.yaml")
    assert done.returncode == 0, done.stderr
    assert re.findall("^kind: (.+)$", done.stdout, re.M) == [
        *("Secret", "ConfigMap", "Service", "Service", "StatefulSet", "Ingress"),
    ]
    found = re.search(r"  coatcheck\.toml: \|\n((?:    .*\n)+)", done.stdout)
    assert found is not None
    (tmp_path / "coatcheck.toml").write_text(textwrap.dedent(found[1]))
    settings = find_settings({}, {}, tmp_path / "coatcheck.toml").settings
    assert (settings.workers, settings.body_timeout_s, settings.hints) == (3, 2.5, False)
    assert settings.domains == ("example.com", "example.org")
    assert 'OSS_ACCESS_KEY_SECRET: "sec: ret"\n' in done.stdout


@HELM
@pytest.mark.parametrize(
    "wrong", ["settings.listen=0.0.0.0:1", "replicas=2", "service.port=0", "rootKey.accessKeyId=a"]
)
def test_chart_refuses_values_that_make_no_sense(wrong: str) -> None:
    done = helm("template", "box", CHART, "--set", wrong)
    assert (done.returncode, done.stdout) == (1, "")

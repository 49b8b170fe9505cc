"""OSS's own SDKs for Java and Go: they put, get and list, and the links that they sign are accepted."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import pytest

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ..patience import HANG_S
from ..server_process import ServerProcess, clean_environment
from .builds import go_program, java_sdk
from .conftest import make_bucket
from .raw import send

SDKS: Final[dict[str, Callable[[], list[str]]]] = {"Java": java_sdk, "Go": lambda: [go_program("sdk")]}


@pytest.mark.parametrize("sdk", list(SDKS))
def test_sdk_works_and_its_links_are_accepted(live_server: ServerProcess, sdk: str) -> None:
    bucket = make_bucket(live_server)
    own_domain = f"{sdk.lower()}.example.com"
    assert live_server.command("domain", "add", own_domain, bucket).returncode == 0
    told = run_sdk(SDKS[sdk](), live_server, bucket, f"http://{own_domain}")
    key = f"{sdk.lower()}/ü 1+2 & 文.txt"
    assert told["get"] == f"hello from {sdk}"
    assert told["list"] == key
    assert told["none"] == "NoSuchKey"
    for name in ("link", "version", "domain"):
        answer = send(told[name], connect_to=live_server)
        assert (answer.status, answer.body.decode()) == (200, f"hello from {sdk}"), (name, answer)
    assert urlsplit(told["domain"]).hostname == own_domain
    assert "versionId=null" in told["version"]
    processed = send(told["process"], connect_to=live_server)
    assert processed.status in (200, 400), "accepted, and then it is for the picture to be one"
    assert b"SignatureDoesNotMatch" not in processed.body


def run_sdk(words: list[str], server: ServerProcess, bucket: str, own_domain: str) -> dict[str, str]:
    """What the program told, by name."""
    done = subprocess.run(
        [*words, server.endpoint, bucket, "http://oss-cn-hangzhou.aliyuncs.com", own_domain],
        env=clean_environment(OSS_ACCESS_KEY_ID=ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET=ACCESS_KEY_SECRET),
        capture_output=True,
        text=True,
        timeout=HANG_S,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return dict(line.split("\t", 1) for line in done.stdout.splitlines())

"""Every public method of OSS's SDKs is called against a server: which work, and what the others are answered, is the
table that docs/compatibility-sdk.md is written from."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import alibabacloud_oss_v2 as oss
import oss2
import pytest

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ..server_process import ServerProcess
from . import session_go, session_oss2, session_sdk_v2
from .builds import GO, JAVA, go_program, java_sdk
from .conftest import make_bucket
from .programs import NODE_FOLDER, run_node
from .sdk_methods import PAGE, Attempts, read_table, write_page
from .session_sdk_v2 import POLICY
from .test_more_sdks import run_sdk
from .test_sdk_v2 import a_client

TABLE = read_table()
PICTURE = bytes.fromhex(  # a PNG of one pixel
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c020000000b4944415478da6364f80f00010501012718e366"
    "0000000049454e44ae426082"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One of its own: the session changes what holds for the whole account. Archived objects are back at once."""
    running = ServerProcess(tmp_path_factory.mktemp("methods") / "data")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def account(server: ServerProcess) -> str:
    return str(json.loads(server.command("account", "list", "--json").stdout)["uid"])


def rows_of(package: str) -> dict[str, Any]:
    (found,) = [sdk for sdk in TABLE["sdks"] if sdk["package"] == package]
    return dict(found)


def check(package: str, methods: set[str], found: dict[str, str]) -> None:
    row = rows_of(package)
    assert methods - set(row["local"]) == found.keys(), "every method is called"
    assert dict(sorted(found.items())) == row["methods"]


def test_alibabacloud_oss_v2(server: ServerProcess, account: str, tmp_path: Path) -> None:
    def code_of(error: Exception) -> str:
        cause = error.unwrap() if isinstance(error, oss.exceptions.OperationError) else error
        return str(cause.code) if isinstance(cause, oss.exceptions.ServiceError) else ""

    attempts = Attempts(account, code_of)
    session_sdk_v2.run(a_client(server), attempts, "methods", PICTURE, tmp_path)
    check("alibabacloud-oss-v2", session_sdk_v2.public_methods(), attempts.found)


def test_oss2(server: ServerProcess, account: str, tmp_path: Path) -> None:
    def code_of(error: Exception) -> str:
        return str(error.code) if isinstance(error, oss2.exceptions.OssError) else ""

    attempts, auth = Attempts(account, code_of), oss2.Auth(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
    session_oss2.run(auth, server.endpoint, attempts, "older", PICTURE, tmp_path)
    check("oss2", session_oss2.public_methods(), attempts.found)


def test_ali_oss(server: ServerProcess, account: str) -> None:
    told = run_node(
        "ali_oss_session.js",
        "ali-oss",
        server,
        bucket="node-a",
        other="node-t",
        empty="node-e",
        account=account,
        policy=json.loads(POLICY),
        picture=b64encode(PICTURE).decode(),
    )
    (methods,) = [set(each["names"]) for each in told if each["name"] == "methods"]
    check("ali-oss", methods, {each["name"]: each["answer"] for each in told if "answer" in each})


def test_alibabacloud_oss_go_sdk_v2(server: ServerProcess, account: str, tmp_path: Path) -> None:
    def code_of(error: Exception) -> str:
        return str(error) if isinstance(error, session_go.Refused) else ""

    attempts = Attempts(account, code_of)
    with session_go.GoClient(go_program("methods"), server.endpoint) as client:
        found = session_go.run(client, attempts, "go", PICTURE, tmp_path)
        check("alibabacloud-oss-go-sdk-v2", client.methods, found)


def test_aliyun_sdk_oss(server: ServerProcess, account: str) -> None:
    found = run_sdk([*java_sdk()[:-1], "SdkMethods"], server, make_bucket(server), account)
    methods = set(found.pop("methods").split(","))
    check("aliyun-sdk-oss", methods, found)


def test_the_versions_are_those_that_run() -> None:
    installed = {name: version(name) for name in ("alibabacloud-oss-v2", "oss2")}
    lock = json.loads((NODE_FOLDER / "package-lock.json").read_text())
    installed["ali-oss"] = lock["packages"]["node_modules/ali-oss"]["version"]
    (installed["alibabacloud-oss-go-sdk-v2"],) = re.findall(r"oss-go-sdk-v2 v(\S+)", (GO / "go.mod").read_text())
    (installed["aliyun-sdk-oss"],) = re.findall(
        r"<artifactId>aliyun-sdk-oss<.*\s*<version>(.+)<", (JAVA / "pom.xml").read_text()
    )
    assert {sdk["package"]: sdk["version"] for sdk in TABLE["sdks"]} == installed


def test_the_page_is_the_table() -> None:
    """`python -m tests.clients.sdk_methods` writes it anew."""
    assert PAGE.read_text("utf-8").endswith(f"\n{write_page(TABLE)}")

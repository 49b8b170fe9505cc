"""The session of the Python SDK V2, with OSS's Go SDK V2 in its place: requests have the same names in both.

`tests/clients/go/methods` makes the calls. A name's letters say which field or method is meant, not their case.
"""

from __future__ import annotations

import json
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import alibabacloud_oss_v2 as oss

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ..server_process import clean_environment
from . import session_sdk_v2
from .sdk_methods import WORKS, Attempts, letters

_MAKERS: Final = {"uploader", "downloader", "copier"}  # and paginators: the client makes what is then used
_FILES: Final = {"open_file", "append_file"}
# Where Go's fields have names of their own.
_RENAMED: Final = {"requestpaymentconfiguration": "paymentconfiguration"}
_FUNCTION: Final = {"access_point_for_object_process_name": "fc-session"}  # an access point that runs a function


class Refused(Exception):
    """What the Go SDK says: the code of a refusal, or else its error."""


class GoClient:
    """Stands where a client of the Python SDK does.

    Attributes:
        methods: the names of the Go client's public methods.
    """

    def __init__(self, program: str, endpoint: str) -> None:
        environment = clean_environment(OSS_ACCESS_KEY_ID=ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET=ACCESS_KEY_SECRET)
        self._process = subprocess.Popen(
            [program, endpoint], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.methods: set[str] = set(self._read())
        self._named = {name.lower(): name for name in self.methods}

    def __enter__(self) -> GoClient:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate()

    def __getattr__(self, method: str) -> Any:
        name = self.name_of(method)
        if method in _MAKERS or method.endswith("_paginator"):
            return lambda: Tool(self, name)
        return Method(self, name, is_file=method in _FILES)

    def name_of(self, method: str) -> str:
        """Go's name of a method of the Python SDK."""
        name = letters(method)
        return self._named.get(name) or self._named[f"new{name}"]

    def call(self, method: str, *arguments: Any) -> Fields:
        assert self._process.stdin is not None
        line = json.dumps({"method": method, "arguments": [_plain(each) for each in arguments]})
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        told = self._read()
        if told["answer"] != WORKS:
            raise Refused(told["answer"])
        return Fields(told["result"])

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


class Fields:
    """A result of Go's, its fields by the names that Python's have."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __getattr__(self, name: str) -> Any:
        (found,) = [value for field, value in self._value.items() if field.lower() == letters(name)]
        if name == "headers":
            return {header.lower(): values[0] for header, values in found.items()}
        if isinstance(found, list):
            return [Fields(each) for each in found]
        return Fields(found) if isinstance(found, dict) else found


class Method:
    """A method of the client; one that opens a file gives what was read, or takes what is written."""

    def __init__(self, client: GoClient, name: str, *, is_file: bool) -> None:
        self._client = client
        self._name = name
        self._is_file = is_file

    def __call__(self, *arguments: Any) -> Any:
        result = self._client.call(self._name, *arguments)
        if self._is_file:
            return BytesIO(result.body.encode() if result else b"")
        return result


class Tool:
    """An uploader, a copier, a paginator ...: whatever it is asked, Go does."""

    def __init__(self, client: GoClient, name: str) -> None:
        self._client = client
        self._name = name

    def __getattr__(self, method: str) -> Any:
        return lambda *arguments: self._client.call(self._name, *arguments)

    def iter_page(self, asked: Any) -> list[Fields]:
        return [self._client.call(self._name, asked)]


def run(client: GoClient, attempts: Attempts, prefix: str, picture: bytes, folder: Path) -> dict[str, str]:
    """What came of each method, by Go's names."""
    session_sdk_v2.run(client, attempts, prefix, picture, folder)
    bucket = f"{prefix}-a"
    file = {"bucket": bucket, "key": "file"}
    _go_only(client, attempts, bucket, file, str(folder / "again"))
    return {client.name_of(method): answer for method, answer in attempts.found.items()}


def _go_only(client: GoClient, attempts: Attempts, bucket: str, file: dict[str, str], path: str) -> None:
    def call(method: str, *arguments: Any) -> None:
        attempts.call(method, lambda: client.call(client.name_of(method), *arguments))

    client.call("PutObject", {**file, "body": b"from a file"})
    call("get_object_to_file_v2", file, path, 4096)
    call("new_write_only_file", bucket, "written")
    call("open_write_only_file", bucket, "written too", {"partSize": 102_400})
    point = {"bucket": bucket, **_FUNCTION}
    process = "access_point{}_for_object_process"
    call("list_access_points_for_object_process", {})
    call("create_" + process.format(""), {**point, "createAccessPointForObjectProcessConfiguration": {}})
    call("put_" + process.format("_config"), {**point, "putAccessPointConfigForObjectProcessConfiguration": {}})
    call("put_" + process.format("_policy"), {**point, "body": session_sdk_v2.POLICY})
    for method in ("get_access_point", "get_access_point_config", "get_access_point_policy"):
        call(f"{method}_for_object_process", point)
    for method in ("delete_access_point_policy", "delete_access_point"):
        call(f"{method}_for_object_process", point)
    call("write_get_object_response", {"requestRoute": "r", "requestToken": "t", "fwdStatus": "200", "body": b""})


def _plain(value: Any) -> Any:
    """A request as JSON: what is unset left out, a body in base64."""
    match value:
        case oss.AsyncProcessObjectRequest():
            return _plain({"bucket": value.bucket, "key": value.key, "async_process": value.process})
        case oss.SelectObjectRequest():
            expression = b64decode(value.select_request.expression).decode()
            return _plain({**vars(value), "process": None, "select_request": {"expression": expression}})
        case oss.CreateSelectObjectMetaRequest():
            return _plain({"bucket": value.bucket, "key": value.key, "meta_request": {}})
        case oss.serde.Model() | oss.OperationInput():
            return _plain(vars(value))
        case Mapping():
            given = {_go_name(name): each for name, each in value.items() if each is not None and name[0] != "_"}
            return {name: _body(each) if name == "body" else _plain(each) for name, each in given.items()}
        case list():
            return [_plain(each) for each in value]
        case _:
            return value


def _body(value: str | bytes) -> str:
    return b64encode(value.encode() if isinstance(value, str) else value).decode()


def _go_name(name: str) -> str:
    return _RENAMED.get(letters(name), letters(name))

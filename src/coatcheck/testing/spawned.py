"""A server in a process of its own: `coatcheck serve --ephemeral --test-controls`, and the way to its controls."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from tempfile import TemporaryFile
from typing import Any, Final
from urllib.parse import urlsplit

from .documents import Refused
from .setting_words import write_options

_TIMEOUT_S: Final = 60.0
_END_S: Final = 10.0


class CannotSpawn(Exception):
    """The server doesn't come up; the message says why."""


class HttpControls:
    """The controls of a server, by HTTP. Raises OSError where it isn't there."""

    def __init__(self, endpoint: str, token: str) -> None:
        self._where = urlsplit(endpoint)
        self._token = token
        self._connection: HTTPConnection | None = None

    def ask(self, name: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """What a control tells. Raises: Refused, OSError."""
        headers = {"Content-Type": "application/json", "x-coatcheck-test-token": self._token}
        try:
            status, text = self._send(name, json.dumps(document), headers)
        except (OSError, HTTPException):  # the server ended a connection that was kept
            self.close()
            status, text = self._send(name, json.dumps(document), headers)
        told: dict[str, Any] = json.loads(text)
        if status != 200:
            raise Refused(told["error"])
        return told

    def _send(self, name: str, document: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = HTTPConnection(self._where.hostname or "", self._where.port, timeout=_TIMEOUT_S)
        self._connection.request("POST", f"/controls/{name}", document, dict(headers))
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class SpawnedServer:
    """Serves while its block runs; ends with this process in any case.

    Attributes:
        facts: those of the ready line.
    """

    facts: Mapping[str, str]

    def __init__(self, settings: Mapping[str, Any] | None = None) -> None:
        words = [sys.executable, "-m", "coatcheck", "serve", "--ephemeral", "--test-controls"]
        self._words = [*words, "--restore-delay", "0", "--lifecycle-hour", "-1", *write_options(settings or {})]

    def __enter__(self) -> SpawnedServer:
        self._log = TemporaryFile("w+")
        self._process = subprocess.Popen(self._words, stdout=subprocess.PIPE, stderr=self._log, text=True)  # noqa: S603
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.communicate()
            self._log.seek(0)
            said = self._log.read().strip()
            self._log.close()
            raise CannotSpawn(f"the server doesn't come up: {said}")
        self.facts = json.loads(line)
        self._controls = HttpControls(self.facts["controls"], self.facts["token"])
        return self

    def __exit__(self, *_: object) -> None:
        self._controls.close()
        self._process.terminate()
        try:
            self._process.communicate(timeout=_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        self._log.close()

    def ask(self, name: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """What a control tells. Raises: Refused."""
        return self._controls.ask(name, document)

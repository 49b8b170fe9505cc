"""A client under whose load servers and stores are killed: it knows what may be there, and what must."""

from __future__ import annotations

import http.client
import random
import threading

from ..builders import a_presigner
from ..patience import wait_until
from ..server_process import ServerProcess
from .raw import Answer, send


class LoadClient(threading.Thread):
    """Overwrites its own keys, and knows what each may have: what was acknowledged last, or came without an answer."""

    def __init__(
        self, server: ServerProcess, bucket: str, number: int, *, sizes: range = range(70_000, 400_000)
    ) -> None:
        super().__init__(daemon=True)
        self._server = server
        self._bucket = bucket
        self._sizes = sizes
        self._random = random.Random(number)
        self._keys = [f"client-{number}/{index}" for index in range(4)]
        self.ends = threading.Event()
        self.may_have: dict[str, set[bytes]] = {}
        self.acknowledged = 0
        self._there: set[str] = set()  # keys of which a write was acknowledged
        self.wrong: list[str] = []

    def run(self) -> None:
        while not self.ends.is_set():
            key = self._random.choice(self._keys)
            if self._random.random() < 0.5:
                self._write(key)
            else:
                self.read(key)

    def _write(self, key: str) -> None:
        body = self._random.randbytes(self._random.choice(self._sizes))
        self.may_have.setdefault(key, set()).add(body)
        try:
            status = self._send("PUT", key, body).status
        except (OSError, http.client.HTTPException):
            return
        if status == 200:
            self.acknowledged += 1
            self.may_have[key] = {body}
            self._there.add(key)
        elif status != 503:
            self.wrong.append(f"PUT {key}: {status}")

    def read(self, key: str) -> bool:
        """Whether it was answered whole, and rightly."""
        if key not in self.may_have:
            return True
        try:
            answer = self._send("GET", key)
        except (OSError, http.client.HTTPException):
            return False
        if answer.status == 200 and answer.body not in self.may_have[key]:
            self.wrong.append(f"GET {key}: {len(answer.body)} bytes of something else")
        elif answer.status == 404 and key in self._there:
            self.wrong.append(f"GET {key}: lost")
        elif answer.status not in (200, 404, 503):
            self.wrong.append(f"GET {key}: {answer.status}")
        return answer.status in (200, 404)

    def _send(self, method: str, key: str, body: bytes | None = None) -> Answer:
        return send(a_presigner(self._server.endpoint).presign(method, self._bucket, key).url, method, body=body)

    def check_all(self) -> None:
        for key in self._keys:
            wait_until(lambda key=key: self.read(key))  # type: ignore[misc]

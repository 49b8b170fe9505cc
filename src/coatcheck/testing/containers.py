"""A coatcheck in a container, by Testcontainers: for tests whose code under test runs in containers, too.

`pip install testcontainers`, and an image made from containers/testing/Containerfile.
"""

from __future__ import annotations

import json
import secrets
import socket
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

from .face import Oss
from .spawned import HttpControls

IMAGE: Final = "coatcheck-testing"
OSS_PORT: Final = 8000
CONTROLS_PORT: Final = 8001
_READY_S: Final = 60.0
_POLL_S: Final = 0.05


class Container(Protocol):
    """What is asked of Testcontainers' DockerContainer."""

    def with_env(self, key: str, value: str) -> Any: ...

    def with_exposed_ports(self, *ports: int) -> Any: ...

    def start(self) -> Any: ...

    def stop(self) -> None: ...

    def get_container_host_ip(self) -> str: ...

    def get_exposed_port(self, port: int) -> Any: ...

    def get_logs(self) -> tuple[bytes, bytes]:
        """What it has written to standard output, and to standard error."""
        ...


class ContainerFailed(Exception):
    """The server in the container doesn't come up; the message has what it wrote."""


class OssContainer:
    """Runs while its block does; the block has an `Oss`.

    Args:
        image: made from containers/testing/Containerfile.
        make: what makes a container of an image; Testcontainers' DockerContainer if None.
    """

    def __init__(self, image: str = IMAGE, make: Callable[[str], Container] | None = None) -> None:
        self._container = (make or _docker_container)(image)
        self._token = secrets.token_urlsafe(24)
        self._controls: HttpControls | None = None

    def __enter__(self) -> Oss:
        self._container.with_env("COATCHECK_TEST_TOKEN", self._token)
        self._container.with_exposed_ports(OSS_PORT, CONTROLS_PORT)
        self._container.start()
        try:
            facts = self._wait()
            facts |= {"endpoint": self._address(OSS_PORT)}
            self._controls = HttpControls(self._address(CONTROLS_PORT), self._token)
            return Oss(self._controls, facts)
        except BaseException:
            self._container.stop()
            raise

    def __exit__(self, *_: object) -> None:
        if self._controls is not None:
            self._controls.close()
        self._container.stop()

    def _wait(self) -> dict[str, str]:
        """The ready line. Raises: ContainerFailed."""
        deadline = time.monotonic() + _READY_S
        while True:
            out, errors = self._container.get_logs()
            for line in out.splitlines():
                if line.startswith(b'{"ready": true'):
                    facts: dict[str, str] = json.loads(line)
                    return facts
            if time.monotonic() > deadline:
                raise ContainerFailed(f"the server didn't get ready: {errors.decode('utf-8', 'replace').strip()}")
            time.sleep(_POLL_S)

    def _address(self, port: int) -> str:
        """As an address of numbers: under another machine's name the server would take the name for a bucket's."""
        host = self._container.get_container_host_ip()
        number = "127.0.0.1" if host == "localhost" else socket.gethostbyname(host)
        return f"http://{number}:{self._container.get_exposed_port(port)}"


def _docker_container(image: str) -> Container:
    from testcontainers.core.container import DockerContainer

    made: Container = DockerContainer(image)
    return made

"""Two servers beside each other on one database and one object store, behind a relay that gives each request to the
other one: in the place of one server."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from .seaweed import Seaweed
from .server_process import ServerProcess
from .turning_relay import TurningRelay


class Gateways(ServerProcess):
    """What is asked of it as of one server goes through the relay; `each` are the two. Its directory, its processes and
    its log are those of the first one."""

    def __init__(self, folder: Path, database: str, store: Seaweed, *options: str, workers: int = 1) -> None:
        self._relay = TurningRelay()
        self._words = (
            *("--store", database, "--bytes", store.url(f"{folder.name}-gateways")),
            *("--callback-key-url", f"{self._relay.endpoint}/.coatcheck/callback-key.pem"),
            *options,
        )
        self._environment: Mapping[str, str] = store.environment()
        super().__init__(folder / "first", *self._words, workers=workers, environment=self._environment)
        self.store = {**self._environment, "COATCHECK_STORE": database}
        self.own_endpoint = self.endpoint
        second = bring_keys(self.data, folder / "second")
        try:
            self.beside = self._another(second)
        except BaseException:
            super().kill()
            raise
        self._relay.lead_to(0, self.own_endpoint)
        self._relay.lead_to(1, self.beside.endpoint)
        self.endpoint = self._relay.endpoint
        self.host, self.port = urlsplit(self.endpoint).hostname or "", urlsplit(self.endpoint).port or 0

    def _another(self, data: Path) -> ServerProcess:
        return ServerProcess(data, *self._words, workers=1, environment=self._environment)

    @property
    def ports(self) -> list[int]:
        return [urlsplit(endpoint).port or 0 for endpoint in (self.own_endpoint, self.beside.endpoint)]

    def kill_one(self) -> None:
        """The one beside, at once; then it is started again."""
        self.beside.kill()
        self.beside = self._another(self.beside.data)
        self._relay.lead_to(1, self.beside.endpoint)

    def stop(self) -> None:
        self.beside.stop()
        super().stop()

    def kill(self) -> None:
        self._relay.close()
        super().kill()
        self.beside.kill()


def bring_keys(source: Path, target: Path) -> Path:
    """As an operator sets another gateway up."""
    target.mkdir(mode=0o700)
    for key in source.glob("*.key"):
        shutil.copy2(key, target)
    return target

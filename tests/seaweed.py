"""A SeaweedFS on free ports: the S3-compatible store that tests start, stop, kill and end themselves."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

import httpx
import obstore
from obstore.store import S3Store

from .patience import HANG_S

KEY_ID: Final = "store-key"
SECRET: Final = "store-secret-0123456789"
READER_KEY_ID: Final = "reader-key"  # may read and list, and nothing else
BUCKET: Final = "bytes"

_VOLUME_MIB: Final = 256


class Seaweed:
    """One SeaweedFS. Starts when made; it keeps its ports and its directory when it is started again."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._log = directory.with_name(f"{directory.name}.log")
        self._ports = _free_ports(8)
        self.endpoint = f"http://127.0.0.1:{self._ports[3]}"
        _write_identities(directory / "s3.json")
        self.start()
        self._make_bucket()

    def environment(self, key_id: str = KEY_ID, endpoint: str = "") -> dict[str, str]:
        """The variables by which a client finds it."""
        return {
            "AWS_ENDPOINT_URL": endpoint or self.endpoint,
            "AWS_ACCESS_KEY_ID": key_id,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
        }

    def url(self, prefix: str) -> str:
        return f"s3://{BUCKET}/{prefix}"

    def store(self, prefix: str = "", bucket: str = BUCKET) -> S3Store:
        """obstore's own client, for looking at what is there."""
        return S3Store(
            bucket,
            prefix=prefix or None,
            endpoint=self.endpoint,
            access_key_id=KEY_ID,
            secret_access_key=SECRET,
            region="us-east-1",
            client_options={"allow_http": True},
        )

    def start(self) -> None:
        """Raises: AssertionError, if it doesn't listen in time."""
        names = ("master.port", "volume.port", "filer.port", "s3.port")
        ports = [f"-{name}={port}" for name, port in zip(names, self._ports[:4], strict=True)]
        ports += [f"-{name}.grpc={port}" for name, port in zip(names, self._ports[4:], strict=True)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(Path(sys.executable).with_name("weed")),
                    *("server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={self._directory}", *ports),
                    *("-s3", f"-s3.config={self._directory / 's3.json'}", "-s3.autoCreateBucket=false"),
                    *("-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"),
                    *("-master.electionTimeout=1s", "-master.heartbeatInterval=100ms"),  # 10 s to come back otherwise
                    *("-volume.max=50", f"-master.volumeSizeLimitMB={_VOLUME_MIB}"),
                ],
                stdout=log,
                stderr=log,
            )

    def stop(self) -> None:
        """As a machine that hangs: connections stay open, and nothing answers."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """At once, as a power cut of this process; what it had given to the system stays. Harmless when it ended."""
        self._process.kill()
        self._process.wait(HANG_S)

    def wait_until_it_answers(self) -> None:
        """Until an object can be written and read: its parts find each other some seconds after the port is open."""
        store, deadline = self.store("ready"), time.monotonic() + HANG_S
        while True:
            try:
                obstore.put(store, "ready", b"ready")
                assert bytes(obstore.get(store, "ready").bytes()) == b"ready"
                return
            except Exception:
                assert time.monotonic() < deadline, self._log.read_text()[-4000:]
                time.sleep(0.1)

    def _make_bucket(self) -> None:
        """A bucket is a folder of its filer: obstore makes none."""
        url, deadline = f"http://127.0.0.1:{self._ports[2]}/buckets/{BUCKET}/", time.monotonic() + HANG_S
        while True:
            with suppress(httpx.HTTPError):
                if httpx.post(url).status_code in (201, 409):
                    break
            assert time.monotonic() < deadline, self._log.read_text()[-4000:]
            time.sleep(0.1)
        self.wait_until_it_answers()


@contextmanager
def seaweed(directory: Path) -> Iterator[Seaweed]:
    """One that is there for as long as the block runs."""
    store = Seaweed(directory)
    try:
        yield store
    finally:
        store.kill()


def _write_identities(file: Path) -> None:
    may = {KEY_ID: ["Admin", "Read", "Write", "List", "Tagging"], READER_KEY_ID: ["Read", "List"]}
    identities = [
        {"name": key_id, "credentials": [{"accessKey": key_id, "secretKey": SECRET}], "actions": actions}
        for key_id, actions in may.items()
    ]
    file.write_text(json.dumps({"identities": identities}))


def _free_ports(count: int) -> list[int]:
    """All held at once, so that they differ."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [free.getsockname()[1] for free in sockets]

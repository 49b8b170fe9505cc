"""A real `coatcheck serve` in processes of its own, for tests that drive it over loopback."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, NoReturn
from urllib.parse import urlsplit

import pytest

from .builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from .patience import HANG_S

READY: Final = "coatcheck is ready: "
NOTHING: Final[Mapping[str, str]] = {}


def clean_environment(**more: str) -> dict[str, str]:
    """Ours without settings a developer may have for coatcheck or OSS, so that tests are the same everywhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OSS_", "COATCHECK_"))}
    return {**kept, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), **more}


class ServerProcess:
    """One server on one data directory. Starts when made; `stop` is SIGTERM, `kill` is SIGKILL to every process."""

    def __init__(
        self,
        data: Path,
        *options: str,
        workers: int = 2,
        port: int = 0,
        own_root_key: bool = True,
        environment: Mapping[str, str] = NOTHING,
    ) -> None:
        self.data = data
        self.worker_count = workers
        self.store: Mapping[str, str] = NOTHING  # the variables by which commands find its store, beside --data
        self.admin = ""  # the address of its admin listener, where it has one
        self.log = data.with_name(f"{data.name}.log")
        words = ["serve", "--data", str(data), "--listen", f"127.0.0.1:{port}", "--workers", str(workers), *options]
        keys = {"OSS_ACCESS_KEY_ID": ACCESS_KEY_ID, "OSS_ACCESS_KEY_SECRET": ACCESS_KEY_SECRET} if own_root_key else {}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "coatcheck", *words],
                env=clean_environment(**keys, **environment),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.endpoint = self._await_ready()
        self.host, self.port = urlsplit(self.endpoint).hostname or "", urlsplit(self.endpoint).port or 0

    def _await_ready(self) -> str:
        out, said = self._out.fileno(), b""
        deadline = time.monotonic() + HANG_S
        while time.monotonic() < deadline and select.select([out], [], [], deadline - time.monotonic())[0]:
            piece = os.read(out, 65536)  # what a file object kept back would not be seen by `select`
            if not piece:
                break
            said += piece
            ready = re.search(rf"^{re.escape(READY)}(\S+).*\n", said.decode(), re.M)
            if ready:
                admin = re.search(r", admin (\S+),", ready[0])
                self.admin = admin[1] if admin else ""
                return ready[1]
        self.kill()
        raise AssertionError(f"the server did not get ready:\n{self.log.read_text()}")

    @property
    def _out(self) -> IO[str]:
        assert self._process.stdout is not None
        return self._process.stdout

    @property
    def ports(self) -> list[int]:
        """Where it listens itself, with nothing in front."""
        return [self.port]

    @property
    def pid(self) -> int:
        """The process that was started; the workers are its children."""
        return self._process.pid

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `coatcheck WORDS --data` on this server's data directory."""
        line = [sys.executable, "-m", "coatcheck", *words, "--data", str(self.data)]
        return subprocess.run(line, env=clean_environment(**self.store), capture_output=True, text=True, timeout=HANG_S)

    def reload(self) -> None:
        """Ask for new workers, as an operator does after renewing a certificate."""
        self._process.send_signal(signal.SIGHUP)

    def processes(self) -> list[int]:
        """The process ids of the server: the one that was started, and every descendant."""
        found = [self._process.pid]
        for pid in found:
            with suppress(FileNotFoundError, ProcessLookupError):  # it ended while we looked
                for task in Path(f"/proc/{pid}/task").glob("*/children"):
                    found += [int(child) for child in task.read_text().split()]
        return found

    def workers(self) -> list[int]:
        """The process ids of the workers."""
        return self.processes()[1:]

    def resident_bytes(self) -> dict[int, int]:
        """Resident memory of each worker."""
        page = os.sysconf("SC_PAGE_SIZE")
        return {pid: int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * page for pid in self.workers()}

    def connections(self) -> int:
        """How many connections to its port are open at its end, whether or not the client has closed."""
        open_states = ("01", "08")  # established; closed by the other end
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(int(row[1].split(":")[1], 16) == self.port and row[3] in open_states for row in rows)

    def terminate(self) -> None:
        """Ask it to end; `wait` for it afterwards."""
        self._process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """Its exit status, once it has ended."""
        try:
            return self._process.wait(HANG_S)
        finally:
            self.kill()

    def stop(self) -> None:
        """End in order, and hold the server to a clean exit."""
        self.terminate()
        status = self.wait()
        assert status == 0, f"exit status {status}:\n{self.log.read_text()}"

    def kill(self) -> None:
        """End every process at once, as a power cut would. Harmless when it has ended."""
        if self._process.poll() is None:
            for pid in self.processes():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait()
        self._out.close()


class EphemeralServer(ServerProcess):
    """`coatcheck serve --ephemeral`, in the place of a server on a data directory. A test that needs the directory, or
    more than one worker, is skipped, and says so."""

    def __init__(self, log: Path, *options: str) -> None:
        self.log, self.worker_count, self.store = log, 1, NOTHING
        keys = {"COATCHECK_TEST_ACCESS_KEY_ID": ACCESS_KEY_ID, "COATCHECK_TEST_ACCESS_KEY_SECRET": ACCESS_KEY_SECRET}
        with self.log.open("ab") as written:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "coatcheck", "serve", "--ephemeral", *options],
                env=clean_environment(**keys),
                stdout=subprocess.PIPE,
                stderr=written,
                text=True,
            )
        line = self._out.readline()
        assert line, self.log.read_text()
        self.endpoint = json.loads(line)["endpoint"]
        self.host, self.port = urlsplit(self.endpoint).hostname or "", urlsplit(self.endpoint).port or 0

    def __getattr__(self, name: str) -> NoReturn:
        if name == "data":
            pytest.skip("a server in memory has no data directory")
        raise AttributeError(name)

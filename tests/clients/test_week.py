"""A week of a server's life, with a wall clock that runs faster, under load that never ends.

Each day the certificate is renewed, the log rotated, a backup taken, every byte scrubbed; lifecycle rules are carried
out as the days go by; on two of them a newer tree takes the place of the one that runs. Each client knows what every
reply must be. What the processes hold, and what lies on the disk, is looked at once a day, while nobody asks.
"""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Unpack
from urllib.parse import urlsplit

import pytest
from cryptography import x509

import coatcheck
from coatcheck.engines.upkeep.check import check
from coatcheck.signing.options import PresignOptions
from coatcheck.signing.presigned_url import PresignedUrl
from coatcheck.signing.presigner import Presigner

from ..audit import audit
from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET, REGION
from ..patience import HANG_S, wait_until
from ..server_process import ServerProcess, clean_environment
from ..soak import SOAKING
from .certificates import make_certificate
from .quick_clock import quick_clock
from .test_mixed_load import BUCKET, FILES_MORE_MAX, GROWTH_MAX_BYTES, Ends, MixedClient, held_by, opens_blobs

pytestmark = [pytest.mark.live, pytest.mark.skipif(not SOAKING, reason="a week takes an hour: `make soak`")]

SECONDS: Final = int(os.environ.get("COATCHECK_WEEK_S") or 3600)
DAYS: Final = 7
UPGRADES: Final = (3, 5)  # before these days
SPEED: Final = DAYS * 86400 / SECONDS
CLIENTS: Final = 4
SOURCE: Final = Path(coatcheck.__file__).parent
QUICK: Final = Path(__file__).with_name("quick_clock.py")
LIFECYCLE: Final = (
    b"<LifecycleConfiguration><Rule><ID>old</ID><Prefix>diary/</Prefix><Status>Enabled</Status>"
    b"<Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>"
)
# Beside the objects' own bytes: what unfinished uploads and downloads hold for a while, and a page of waste a file.
DISK_MORE_MAX_BYTES: Final = 64 * 1024**2
CATALOG_GROWTH_MAX: Final = 1.5
# Who used which link, kept for two days: rows of a day more may wait for the end of their file, and of one for removal.
AUDIT_DAYS: Final = 4
AUDIT_ROW_MAX_BYTES: Final = 600
OTHER_MAX_BYTES: Final = 16 * 1024**2  # the ring of refusals, 10,000 of 1 KiB, and small files


class Outages(Ends):
    """When the server was not there; clients wait until it is again."""

    def __init__(self) -> None:
        super().__init__()
        self.is_up = threading.Event()
        self.is_up.set()
        self._over = 0.0

    @contextmanager
    def outage(self) -> Iterator[None]:
        self.is_up.clear()
        yield
        self._over = time.monotonic()
        self.is_up.set()

    def explain(self, opened: float, asked: float) -> bool:
        return not self.is_up.is_set() or self._over >= opened


class LastingPresigner(Presigner):
    """Its links last two days, which may be some seconds."""

    def presign(self, method: str, bucket: str, key: str | None, **options: Unpack[PresignOptions]) -> PresignedUrl:
        options["expires"] = 2 * 86400
        return super().presign(method, bucket, key, **options)


class WeekClient(MixedClient):
    """Comes by TLS, and makes its links anew each day."""

    def __init__(self, server: WeekServer, number: int, outages: Outages) -> None:
        self._tls, self._outages, self._day = server.tls, outages, 0
        super().__init__(server, number, outages)
        self._presigner = lasting_presigner(server)

    def _connect(self) -> http.client.HTTPConnection:
        self._outages.is_up.wait(HANG_S)
        self._opened = self._asked = self._asked_before = time.monotonic()
        return http.client.HTTPSConnection(*self._address, timeout=HANG_S, context=self._tls)

    def _link(self, method: str, key: str) -> str:
        if (day := int(time.time() * SPEED / 86400)) != self._day:
            self._links.clear()
            self._day = day
        return super()._link(method, key)

    @property
    def bytes_there(self) -> int:
        return sum(len(content) for (content,) in self._contents.values() if content is not None)


class WeekServer(ServerProcess):
    """Runs a copy of the code, on the quick clock."""

    def __init__(self, folder: Path, begun: float, tree: Path, tls: ssl.SSLContext, port: int = 0) -> None:
        self.data, self.log, self.tls = folder / "data", folder / "server.log", tls
        self.worker_count, self.admin, self._folder, self._begun, self._tree = 2, "", folder, begun, tree
        words = ["serve", "--listen", f"127.0.0.1:{port}", "--workers", "2", "--log-file", str(self.log)]
        words += ["--access-log", "--link-audit-days", "2", "--scrub-every", "1", "--lifecycle-hour", "0"]
        words += ["--tls-cert", str(folder / "certificate.pem"), "--tls-key", str(folder / "key.pem")]
        with (folder / "errors").open("ab") as errors:
            self._process = subprocess.Popen(
                self._line(*words), env=self._environment(), stdout=subprocess.PIPE, stderr=errors, text=True
            )
        self.endpoint = self._await_ready()
        self.host, self.port = urlsplit(self.endpoint).hostname or "", urlsplit(self.endpoint).port or 0

    def run(self, *words: str) -> str:
        """A command on its data directory, which must have nothing to complain of."""
        done = subprocess.run(self._line(*words), env=self._environment(), capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
        return done.stdout

    def _line(self, verb: str, *words: str) -> list[str]:
        return [sys.executable, str(QUICK), str(self._begun), str(SPEED), verb, "--data", str(self.data), *words]

    def _environment(self) -> dict[str, str]:
        keys = {"OSS_ACCESS_KEY_ID": ACCESS_KEY_ID, "OSS_ACCESS_KEY_SECRET": ACCESS_KEY_SECRET}
        environment = clean_environment(**keys)
        return {**environment, "PYTHONPATH": os.pathsep.join([str(self._tree), environment["PYTHONPATH"]])}


@dataclass(slots=True)
class Day:
    """What was found at its end."""

    answered: int
    files: dict[int, int] = field(default_factory=dict)
    resident: dict[int, int] = field(default_factory=dict)
    catalog_bytes: int = 0
    blob_bytes: int = 0
    object_bytes: int = 0
    diary: int = 0
    audit_bytes: int = 0
    other_bytes: int = 0

    def __str__(self) -> str:
        held = ", ".join(f"{self.resident[pid] / 2**20:.0f} MiB/{self.files[pid]} files" for pid in self.resident)
        return (
            f"{self.answered} answers; objects {self.object_bytes / 2**20:.1f} MiB, "
            f"blobs {self.blob_bytes / 2**20:.1f}, catalog {self.catalog_bytes / 2**20:.1f}, "
            f"audit {self.audit_bytes / 2**20:.1f}, all else {self.other_bytes / 2**20:.1f}; "
            f"diary {self.diary}; processes {held}"
        )


class Week:
    """The server, its clients, and what is done with them day by day."""

    def __init__(self, folder: Path, begun: float) -> None:
        self._folder, self._begun = folder, begun
        self._outages = Outages()
        make_certificate(folder)
        self.server = WeekServer(folder, self._begun, self._copy_tree(0), self._trusting())
        self._presigner = lasting_presigner(self.server)
        self._clients = [WeekClient(self.server, number, self._outages) for number in range(CLIENTS)]
        self._written = 0

    def _copy_tree(self, number: int) -> Path:
        tree = self._folder / f"tree-{number}"
        shutil.copytree(SOURCE, tree / "coatcheck", ignore=shutil.ignore_patterns("__pycache__"))
        return tree

    def _trusting(self) -> ssl.SSLContext:
        """Whatever the certificate is: it changes, and each is its own authority."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def ask(self, method: str, key: str | None, body: bytes | None = None, **query: str) -> bytes:
        link = urlsplit(self._presigner.presign(method, BUCKET, key, query=query).url)
        connection = http.client.HTTPSConnection(
            self.server.host, self.server.port, timeout=HANG_S, context=self.server.tls
        )
        connection.request(method, f"{link.path}?{link.query}", body)
        reply = connection.getresponse()
        received = reply.read()
        connection.close()
        assert reply.status == 200, received
        return received

    def start(self) -> None:
        self.ask("PUT", None, b"")
        self.ask("PUT", None, LIFECYCLE, lifecycle="")
        for client in self._clients:
            client.start()

    def stop(self) -> None:
        for client in self._clients:
            client.is_over = True
            client.may_go_on.set()
        for client in self._clients:
            if client.ident is not None:
                client.join(HANG_S)
            assert not client.is_alive()

    def hold_to_right_answers(self) -> None:
        assert [wrong for client in self._clients for wrong in client.wrong] == []
        assert "Traceback" not in (self._folder / "errors").read_text()

    def go_on(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        wait_for(lambda: time.monotonic() >= until or any(client.wrong for client in self._clients), seconds + HANG_S)
        self.hold_to_right_answers()

    # --- what an operator does ---

    def renew_certificate(self) -> None:
        """Without a reload: it is seen, and downloads go on."""
        make_certificate(self._folder)
        new = x509.load_pem_x509_certificate((self._folder / "certificate.pem").read_bytes()).serial_number
        address = self.server.host, self.server.port

        def served() -> int:
            return x509.load_pem_x509_certificate(ssl.get_server_certificate(address).encode()).serial_number

        wait_until(lambda: served() == new, "the old certificate is still served")

    def rotate_log(self) -> None:
        rotated = self.server.log.rename(self._folder / "server.log.1")
        os.kill(self.server.pid, signal.SIGUSR1)

        def holders() -> list[int]:
            return [pid for pid in self.server.processes() if holds(pid, rotated)]

        wait_until(lambda: not holders(), "a process writes on into the old log")
        assert "Traceback" not in rotated.read_text(errors="replace")
        wait_until(lambda: self.server.log.exists() and self.server.log.stat().st_size)

    def write_diary(self) -> None:
        """What the lifecycle rule removes."""
        for _ in range(20):
            self._written += 1
            self.ask("PUT", f"diary/{self._written}", b"x" * 100_000)

    def back_up_and_scrub(self) -> None:
        self.server.run("backup", str(self._folder / "backup"))
        assert self.server.run("scrub").endswith(": 0 problems.\n")
        assert self.server.run("check") == ""

    def upgrade(self, number: int) -> None:
        """A stop in order, and the next tree on the same port; clients come back."""
        tree = self._copy_tree(number)
        with self._outages.outage():
            self.server.stop()
            self.server = WeekServer(self._folder, self._begun, tree, self.server.tls, self.server.port)

    def look(self) -> Day:
        """While nobody asks."""
        for client in self._clients:
            client.may_go_on.clear()
        wait_until(lambda: all(client.is_resting.is_set() or client.wrong for client in self._clients))
        self.hold_to_right_answers()
        pids = self.server.processes()
        wait_until(lambda: not any(map(opens_blobs, pids)), "blobs stay open that nobody reads")
        day = Day(sum(client.answered for client in self._clients))
        for pid in pids:
            day.files[pid], day.resident[pid] = held_by(pid)
        data = self.server.data
        day.catalog_bytes = size_of(data, "catalog.sqlite*")
        day.blob_bytes = size_of(data / "blobs", "**/*")
        day.audit_bytes = size_of(data / "link-audit", "**/*")
        day.other_bytes = size_of(data, "**/*") - day.catalog_bytes - day.blob_bytes - day.audit_bytes
        day.diary = self.ask("GET", None, prefix="diary/").count(b"<Key>")
        day.object_bytes = sum(client.bytes_there for client in self._clients) + day.diary * 100_000
        for client in self._clients:
            client.may_go_on.set()
        return day


def lasting_presigner(server: WeekServer) -> LastingPresigner:
    return LastingPresigner(ACCESS_KEY_ID, ACCESS_KEY_SECRET, region=REGION, endpoint=server.endpoint)


def holds(pid: int, path: Path) -> bool:
    folder = Path(f"/proc/{pid}/fd")
    try:
        return any(os.path.realpath(link) == str(path) for link in folder.iterdir())
    except FileNotFoundError:
        return holds(pid, path) if folder.exists() else False


def size_of(folder: Path, pattern: str) -> int:
    total = 0
    for path in folder.glob(pattern):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total


def wait_for(holds: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_week_has_no_wrong_byte_and_nothing_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = time.time()
    monkeypatch.setattr("coatcheck.signing.presigner.wall_clock", quick_clock(begun, SPEED))
    week = Week(tmp_path, begun)
    days: list[Day] = []
    try:
        week.start()
        for number in range(1, DAYS + 1):
            over = time.monotonic() + SECONDS / DAYS
            if number in UPGRADES:
                week.upgrade(number)
            week.write_diary()
            week.renew_certificate()
            week.rotate_log()
            week.back_up_and_scrub()
            week.go_on(max(over - time.monotonic(), 1))
            days.append(week.look())
            print(f"day {number}: {days[-1]}", flush=True)
        week.stop()
        week.hold_to_right_answers()
        week.server.stop()
        hold_to_bounds(days)
        again = WeekServer(tmp_path, begun, tmp_path / "tree-0", week.server.tls)
        again.stop()
        assert audit(week.server.data).clean
        assert list(check(week.server.data)) == []
        restore_backup(week, tmp_path)
    finally:
        week.server.kill()
        week.stop()


def hold_to_bounds(days: list[Day]) -> None:
    """Each process against what it held when it was first looked at; the disk against the objects."""
    first: dict[int, tuple[int, int]] = {}
    answered = [0] * AUDIT_DAYS + [day.answered for day in days]
    for number, day in enumerate(days):
        for pid, resident in day.resident.items():
            files, begun = first.setdefault(pid, (day.files[pid], resident))
            assert day.files[pid] <= files + FILES_MORE_MAX, day
            assert resident <= begun + GROWTH_MAX_BYTES, day
        assert day.blob_bytes <= day.object_bytes + DISK_MORE_MAX_BYTES, day
        assert day.catalog_bytes <= days[1].catalog_bytes * CATALOG_GROWTH_MAX, day
        assert day.audit_bytes <= (day.answered - answered[number]) * AUDIT_ROW_MAX_BYTES, day
        assert day.other_bytes <= OTHER_MAX_BYTES, day
        assert day.diary <= 60, day  # of three days at most: a rule is carried out on the day after
    assert len({pid for day in days for pid in day.resident}) == 9  # no process but those of three starts


def restore_backup(week: Week, folder: Path) -> None:
    restored = folder / "restored"
    done = subprocess.run(
        [sys.executable, "-m", "coatcheck", "restore", str(folder / "backup"), "--data", str(restored)],
        env=clean_environment(),
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert list(check(restored)) == []

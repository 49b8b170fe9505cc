"""What is set up wrongly ends a start with a sentence that says what to do, and shows no password."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from coatcheck.clock import wall_clock
from coatcheck.engines.directory_faults import BadDatabase, NewerStore
from coatcheck.engines.object_store.place import BadPlace, BytePlace
from coatcheck.engines.object_store.start import check_place
from coatcheck.engines.postgres import server_check
from coatcheck.engines.postgres.store import PostgresPrepared

from ..postgres_server import PostgresServer, postgres_server

PASSWORD = "hunter2hunter2"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        server.sql(f"CREATE ROLE careful LOGIN PASSWORD '{PASSWORD}'; CREATE ROLE guest LOGIN")
        server.ask_for_password("careful")
        yield server


@pytest.fixture
def name(server: PostgresServer) -> Iterator[str]:
    with server.database() as name:
        yield name


def url(server: PostgresServer, name: str, user: str = "coat") -> str:
    return f"postgresql://{user}@127.0.0.1:{server.port}/{name}?sslmode=disable"


Urls = Callable[[PostgresServer, str], str]
WRONG: dict[str, tuple[Urls, str]] = {
    "port": (lambda server, name: "postgresql://coat@127.0.0.1:1/a?sslmode=disable", "cannot be reached"),
    "database": (lambda server, name: url(server, "nowhere"), r"\"nowhere\" does not exist. Make it"),
    "password": (lambda server, name: url(server, name, "careful:wrong"), "refuses this user .* Set PGPASSWORD or"),
    "no password": (lambda server, name: url(server, name, "careful"), "Set PGPASSWORD or PGPASSFILE"),
    "rights": (lambda server, name: url(server, name, "guest"), "allows this user too little .* Let it own"),
    "no url": (lambda server, name: "postgresql://coat@127.0.0.1:many/a", "--store is no URL of a database"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_database_that_is_set_up_wrongly_is_told(
    server: PostgresServer, name: str, tmp_path: Path, wrong: str
) -> None:
    wrong_url, says = WRONG[wrong]
    with pytest.raises(BadDatabase, match=says) as told:
        PostgresPrepared(wrong_url(server, name), tmp_path / "data", wall_clock)
    assert "\n" not in str(told.value)
    assert "wrong" not in str(told.value)


def test_the_right_password_is_found_in_a_file(
    server: PostgresServer, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.sql(f"ALTER DATABASE {name} OWNER TO careful")
    (tmp_path / "pgpass").write_text(f"127.0.0.1:{server.port}:*:careful:{PASSWORD}\n")
    (tmp_path / "pgpass").chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pgpass"))
    PostgresPrepared(url(server, name, "careful"), tmp_path / "data", wall_clock).close()


def test_a_database_of_a_newer_coatcheck_is_told(server: PostgresServer, name: str, tmp_path: Path) -> None:
    PostgresPrepared(url(server, name), tmp_path / "data", wall_clock).close()
    server.sql("UPDATE schema_version SET version = 99", url(server, name))
    with pytest.raises(NewerStore, match=r"has version 99; .* Install the newer one again"):
        PostgresPrepared(url(server, name), tmp_path / "data", wall_clock)


@pytest.mark.parametrize(("off_s", "says"), [(600, "10 minutes ahead of"), (-600, "10 minutes behind")])
def test_a_clock_that_is_off_is_told(
    server: PostgresServer, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off_s: float, says: str
) -> None:
    monkeypatch.setattr(server_check, "wall_clock", lambda: wall_clock() + off_s)
    with pytest.raises(BadDatabase, match=says):
        PostgresPrepared(url(server, name), tmp_path / "data", wall_clock)


def test_a_database_that_is_too_old_is_told(
    server: PostgresServer, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_check, "OLDEST", 99)
    with pytest.raises(BadDatabase, match=r"this needs 99 or newer\. Upgrade it"):
        PostgresPrepared(url(server, name), tmp_path / "data", wall_clock)


# --- object stores ---------------------------------------------------------------------------------------------------


class Refusing(BaseHTTPRequestHandler):
    """A store of one bucket in memory, which refuses some methods."""

    refused: ClassVar[dict[str, tuple[int, str]]] = {}
    kept: ClassVar[dict[str, bytes]] = {}
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if self._is_refused("LIST" if "list-type" in self.path else "GET"):
            return
        if "list-type" in self.path:
            keys = "".join(
                f"<Contents><Key>{each.split('/', 2)[2]}</Key><Size>1</Size><ETag>x</ETag>"
                "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
                for each in self.kept
            )
            self._answer(200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{keys}</ListBucketResult>".encode())
        elif path in self.kept:
            self._answer(200, self.kept[path])
        else:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if not self._is_refused("PUT"):
            self.kept[self.path.partition("?")[0]] = body
            self._answer(200, b"")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self._is_refused("DELETE")

    do_DELETE = do_POST

    def _is_refused(self, method: str) -> bool:
        status, code = self.refused.get(method) or self.refused.get("*") or (0, "")
        if status:
            self._answer(status, f"<Error><Code>{code}</Code></Error>".encode())
        return bool(status)

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        for header, value in (("content-length", str(len(body))), ("etag", '"x"'), ("content-type", "text/xml")):
            self.send_header(header, value)
        self.send_header("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Nothing."""


@contextmanager
def refusing_store(refused: dict[str, tuple[int, str]]) -> Iterator[str]:
    kind = type("Store", (Refusing,), {"refused": refused, "kept": {}})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as store:
        thread = threading.Thread(target=store.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{store.server_address[1]}"
        finally:
            store.shutdown()
            thread.join()


REFUSED: dict[str, tuple[dict[str, tuple[int, str]], str]] = {
    "region": ({"*": (400, "AuthorizationHeaderMalformed")}, "Set AWS_REGION to the bucket's region."),
    "clock": ({"*": (403, "RequestTimeTooSkewed")}, "Set the clock of this machine right."),
    "bucket": ({"*": (404, "NoSuchBucket")}, "Make the bucket"),
    "no delete": ({"DELETE": (403, "AccessDenied")}, "read, write, list and delete"),
    "no list": ({"LIST": (403, "AccessDenied")}, "read, write, list and delete"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_byte_store_that_is_set_up_wrongly_is_told(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refused, says = REFUSED[case]
    for variable, value in (("ACCESS_KEY_ID", "key"), ("SECRET_ACCESS_KEY", PASSWORD), ("REGION", "us-east-1")):
        monkeypatch.setenv(f"AWS_{variable}", value)
    with refusing_store(refused) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        with pytest.raises(BadPlace, match=says) as told:
            check_place(BytePlace("s3://bucket/x"), "marker", is_new=True)
    assert "\n" not in str(told.value)
    assert PASSWORD not in str(told.value)

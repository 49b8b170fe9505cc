"""What a server's first answer waits for: nothing that only other requests, or later hours, need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from coatcheck.engines.local import prepare_local
from coatcheck.engines.needed_keys import note_root_key

PROGRAM: Final = """
import asyncio, sys
from pathlib import Path
import coatcheck.cli.serve, coatcheck.process
from coatcheck import Presigner
from coatcheck.app import Server
from coatcheck.engines.local import prepare_local
from coatcheck.root_credentials import RootCredentials
from coatcheck.settings import ServerSettings

async def start(data):
    server = Server(ServerSettings(data), RootCredentials("AccessKeyId0001", "a-secret-of-many-letters"))
    await server.open()
    signer = Presigner("AccessKeyId0001", "a-secret-of-many-letters", region="cn-hangzhou", endpoint="http://127.0.0.1")
    for method, key, status in (("PUT", None, 200), ("PUT", "key", 200), ("GET", "key", 200)):
        assert await ask(server, method, signer.presign(method, "bucket", key).url) == status
    await server.close()

async def ask(server, method, url):
    path, _, query = url.removeprefix("http://127.0.0.1").partition("?")
    scope = {"type": "http", "method": method, "scheme": "http", "raw_path": path.encode(), "client": ("127.0.0.1", 1),
             "query_string": query.encode(), "headers": [(b"host", b"127.0.0.1"), (b"content-length", b"0")]}
    said = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        said.append(message)

    await server(scope, receive, send)
    return said[0]["status"]

data = Path(sys.argv[1])
prepare_local(data).close()
asyncio.run(start(data))
print(*sys.modules, sep="\\n")
"""

# What may not be there yet: a module's name is that of all below it too.
LATER: Final = (
    *("jinja2", "prometheus_client", "opentelemetry", "dns", "httpx", "rich", "segno", "pyvips", "PIL", "numpy"),
    *("tomllib", "difflib", "html", "http.cookies", "http.client", "sqlalchemy", "cryptography.x509"),
    *("coatcheck.engines.upkeep.scrub", "coatcheck.engines.memory", "coatcheck.engines.vips"),
    *("obstore", "asyncpg", "coatcheck.engines.postgres"),
    *("coatcheck.queries.evaluation", "coatcheck.queries.parser", "coatcheck.signing.explain", "coatcheck.testing"),
    *("coatcheck.background.fetch_run", "coatcheck.background.task_runs", "coatcheck.background.log_delivery"),
    *("coatcheck.background.inventory_run", "coatcheck.background.replication_run", "coatcheck.background.audit_run"),
    *("coatcheck.background.link_notices", "coatcheck.background.mirror_run", "coatcheck.background.audit_reading"),
    *("coatcheck.s3.pipeline", "coatcheck.s3.table", "coatcheck.link_desk.service", "coatcheck.link_desk.routes"),
    *("coatcheck.tickets.service", "coatcheck.tickets.presented", "coatcheck.pages", "coatcheck.archives"),
    *(
        "coatcheck.oss.object_process",
        "coatcheck.oss.object_copy",
        "coatcheck.oss.multipart",
        "coatcheck.oss.object_list",
    ),
    *("coatcheck.oss.access_point", "coatcheck.oss.documents", "coatcheck.oss.select_object", "coatcheck.queries"),
    *("coatcheck.operations.sweep", "coatcheck.operations.arrivals", "coatcheck.operations.multipart"),
    *("coatcheck.signing.hints", "coatcheck.signing.attempt", "coatcheck.client"),
    *("email", "tempfile", "mimetypes", "unicodedata"),
)


def test_the_first_answer_loads_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {[p for p in sys.path if p]!r}\n{PROGRAM}", str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = done.stdout.split()
    assert "coatcheck.oss.object_get" in loaded
    assert [name for name in loaded if any(f"{name}.".startswith(f"{later}.") for later in LATER)] == []


def test_a_start_soon_after_another_waits_for_no_disk_but_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in the catalog is other than it was, so there is nothing to be made durable but the names of files."""
    synced: list[int] = []
    now = 1_772_694_489.0
    data = tmp_path / "data"

    def start() -> bytes:
        prepare_local(data, lambda: now).close()
        note_root_key(data, "AccessKeyId0001")
        return (data / "catalog.sqlite").read_bytes()

    first = start()
    monkeypatch.setattr("os.fsync", synced.append)
    now += 59
    assert start() == first
    assert len(synced) == 1
    now += 1
    assert start() != first  # the time is noted

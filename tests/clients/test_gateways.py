"""Two servers on one database and one object store: what one is told the other knows at once, and nothing that was
acknowledged is lost, whatever dies."""

from __future__ import annotations

import asyncio
import json
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import obstore
import oss2
import pytest

from coatcheck import Links, Presigner

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET, REGION, a_presigner
from ..gateways import Gateways, bring_keys
from ..patience import HANG_S, wait_until
from ..postgres_server import PostgresServer, postgres_server
from ..seaweed import KEY_ID, SECRET, Seaweed
from ..server_process import ServerProcess, clean_environment
from ..soak import SOAKING
from .link_histories import LinkedHistory
from .load_client import LoadClient
from .programs import need, run_script
from .raw import Answer, send
from .test_consistency import CLIENTS, run_histories
from .test_link_uses import is_closed
from .test_links import Reader

BUCKET: Final = "photos"
LARGE: Final = bytes(range(256)) * 4096 * 8  # 8 MiB: no row has it
HISTORIES: Final = 1000 if SOAKING else 30
PAGE: Final = (Path(__file__).parents[2] / "docs" / "scale-out.md").read_text("utf-8")
BACKUP, RESTORE = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
ENCRYPTED: Final = {"x-oss-server-side-encryption": "AES256"}
KEPT: Final = {"small": (b"small", {}), "large": (b"0123456789" * 40_000, {}), "secret": (b"s" * 200_000, ENCRYPTED)}
AWAY_S: Final = 10.0 if SOAKING else 3.0
KILLS: Final = (
    {"a gateway": 200, "the database": 50, "the store": 50}
    if SOAKING
    else {"a gateway": 3, "the database": 2, "the store": 1}
)


@pytest.fixture(scope="module")
def database() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="module")
def url(database: PostgresServer) -> Iterator[str]:
    with database.database() as name:
        yield database.url(name)


@pytest.fixture(scope="module")
def server(url: str, seaweed_store: Seaweed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateways]:
    server = Gateways(tmp_path_factory.mktemp("two"), url, seaweed_store, "--admin", "127.0.0.1:0")
    try:
        assert send(a_presigner(server.endpoint).presign("PUT", BUCKET, None).url, "PUT", body=b"").status == 200
        yield server
        server.stop()
    finally:
        server.kill()


def link(endpoint: str, key: str, method: str = "GET") -> str:
    return a_presigner(endpoint).presign(method, BUCKET, key).url


def put(server: Gateways, key: str, body: bytes) -> Answer:
    return send(link(server.endpoint, key, "PUT"), "PUT", body=body)


def denied(act: Callable[[], object]) -> bool:
    """Whether it is refused to whom it must be."""
    try:
        act()
    except oss2.exceptions.ServerError as error:
        return bool(error.status == 403)
    return False


def test_what_one_gateway_is_told_the_other_knows_with_its_next_request(server: Gateways, url: str) -> None:
    assert put(server, "a", b"hello").status == 200
    here, there = server.own_endpoint, server.beside.endpoint
    owner = oss2.Bucket(oss2.Auth(ACCESS_KEY_ID, ACCESS_KEY_SECRET), here, BUCKET)
    guest = oss2.Bucket(oss2.AnonymousAuth(), there, BUCKET)
    for acl, is_denied in ((oss2.BUCKET_ACL_PUBLIC_READ, False), (oss2.BUCKET_ACL_PRIVATE, True)) * 3:
        owner.put_bucket_acl(acl)
        assert denied(lambda: guest.get_object("a")) is is_denied
    for turn in range(3):
        owner.put_object("b", b"%d" * turn)
        assert send(link(there, "b")).body == b"%d" * turn
    key_id, secret = new_key(server)
    made = oss2.Bucket(oss2.Auth(key_id, secret), there, BUCKET)
    assert made.get_object("a").read() == b"hello"
    server.command("key", "delete", key_id)
    assert denied(lambda: made.get_object("a"))


def test_a_link_that_is_cancelled_at_one_gateway_is_dead_at_the_other(server: Gateways) -> None:
    """At once for new requests, and within 2 seconds for those that are running."""
    assert put(server, "large", LARGE).status == 200
    presigner = a_presigner(server.beside.endpoint)
    with Links(ACCESS_KEY_ID, ACCESS_KEY_SECRET, endpoint=server.own_endpoint, region=REGION) as links:
        took_s = []
        for life in (1000, 1001, 1002):  # a busy machine may be late; it isn't so every time
            good = presigner.presign("GET", BUCKET, "large", expires=life).url
            reader = Reader(good)
            assert send(good).status == 200
            links.cancel(good)
            begun = time.monotonic()
            assert send(good).status == 403
            wait_until(lambda reader=reader: is_closed(reader))  # type: ignore[misc]
            took_s.append(time.monotonic() - begun)
            assert reader.ended.wait(HANG_S)
            assert reader.was_reset
            if took_s[-1] < 2:
                break
    assert min(took_s) < 2


def test_who_is_denied_at_one_gateway_gets_nothing_more_from_the_other(server: Gateways, url: str) -> None:
    """A key is deleted, a policy set: what runs at the other one ends within 2 seconds."""
    assert put(server, "large", LARGE).status == 200
    owner = oss2.Bucket(oss2.Auth(ACCESS_KEY_ID, ACCESS_KEY_SECRET), server.own_endpoint, BUCKET)
    deny = {"Effect": "Deny", "Action": "oss:GetObject", "Principal": ["*"], "Resource": [f"acs:oss:*:*:{BUCKET}/*"]}

    def by_its_key() -> tuple[Reader, Callable[[], object]]:
        key_id, secret = new_key(server)
        presigner = Presigner(key_id, secret, region=REGION, endpoint=server.beside.endpoint)
        return Reader(presigner.presign("GET", BUCKET, "large").url), lambda: server.command("key", "delete", key_id)

    def by_the_policy() -> tuple[Reader, Callable[[], object]]:
        document = json.dumps({"Version": "1", "Statement": [deny]})
        return Reader(link(server.beside.endpoint, "large")), lambda: owner.put_bucket_policy(document)

    for begin in (by_its_key, by_the_policy):
        took_s = []
        for _ in range(3):  # as above
            reader, deny_it = begin()
            deny_it()
            begun = time.monotonic()
            wait_until(lambda reader=reader: is_closed(reader))  # type: ignore[misc]
            took_s.append(time.monotonic() - begun)
            assert reader.ended.wait(HANG_S)
            assert reader.was_reset
            owner.delete_bucket_policy()
            if took_s[-1] < 2:
                break
        assert min(took_s) < 2


def new_key(server: Gateways) -> tuple[str, str]:
    made = json.loads(server.command("key", "create", "--json").stdout)
    return made["access_key_id"], made["access_key_secret"]


def test_a_gateway_with_another_key_ends_with_a_line(server: Gateways, tmp_path: Path) -> None:
    """With none of the keys, or with another root key."""
    brought = bring_keys(server.data, tmp_path / "brought")
    for data, secret, says in (
        (
            tmp_path / "new",
            ACCESS_KEY_SECRET,
            "secret.key is missing, and the catalog's",
        ),
        (brought, "another-secret", f"The root key {ACCESS_KEY_ID} is not the one that the other gateways have"),
    ):
        ended = subprocess.run(
            [*(sys.executable, "-m", "coatcheck", "serve"), "--listen", "127.0.0.1:0", "--data", str(data)],
            env=clean_environment(OSS_ACCESS_KEY_ID=ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET=secret, **server.store),
            capture_output=True,
            text=True,
            timeout=HANG_S,
        )
        assert ended.returncode == 2, ended.stderr
        assert says in ended.stderr
        assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("way", ["died", "hangs", "lets nobody in"])
def test_a_database_that_is_away_is_refused_in_time_and_back_in_time(
    server: Gateways, database: PostgresServer, url: str, way: str
) -> None:
    assert put(server, "small", b"small").status == put(server, "large", LARGE).status == 200
    asked = cycle((("GET", "small", None), ("PUT", "other", b"1"), ("GET", "large", None), ("PUT", "more", LARGE)))
    with _away(database, url, way):
        until = time.monotonic() + AWAY_S
        while time.monotonic() < until:
            (method, key, body), begun = next(asked), time.monotonic()
            answer = send(link(server.endpoint, key, method), method, body=body)
            assert time.monotonic() - begun < 5
            assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        for each in (server, server.beside):
            said = json.loads(send(f"{each.admin}/health/ready").body)
            assert (said["ready"], said["reads"], said["writes"]) == (False, "no, Away", "no, Away")
    begun = time.monotonic()
    for endpoint in (server.own_endpoint, server.beside.endpoint):
        wait_until(lambda endpoint=endpoint: send(link(endpoint, "small")).body == b"small")  # type: ignore[misc]
    assert time.monotonic() - begun < 2
    wait_until(lambda: put(server, "other", b"2").status == 200)


@pytest.mark.soak(HISTORIES)
async def test_histories_through_two_gateways_are_each_as_if_one_after_the_other(server: Gateways) -> None:
    """Of objects and of links to them; requests go to either gateway."""
    endpoints = (server.own_endpoint, server.beside.endpoint)
    with ExitStack() as stack:
        desks: asyncio.Queue[Links] = asyncio.Queue()
        for endpoint in endpoints * CLIENTS:
            desk = Links(ACCESS_KEY_ID, ACCESS_KEY_SECRET, endpoint=endpoint, region=REGION)
            desks.put_nowait(stack.enter_context(desk))
        done = await run_histories(
            HISTORIES, server.ports, lambda number, wires: LinkedHistory(BUCKET, number, wires, desks)
        )
    histories = [history for history in done if isinstance(history, LinkedHistory)]
    assert len(histories) == HISTORIES
    assert sum(history.taken for history in histories) > HISTORIES / 2
    assert sum(history.refused for history in histories) > HISTORIES / 2


@contextmanager
def _away(database: PostgresServer, url: str, way: str) -> Iterator[None]:
    if way == "lets nobody in":
        with database.let_nobody_into(urlsplit(url).path[1:]):
            yield
        return
    hangs = way == "hangs"
    if hangs:
        database.signal(signal.SIGSTOP)
    else:
        database.kill()
    try:
        yield
    finally:
        if hangs:
            database.signal(signal.SIGCONT)
        else:
            database.start()


def presigner_of(server: ServerProcess) -> Presigner:
    root = json.loads((server.data / "root-credentials.json").read_text())
    return Presigner(root["access_key_id"], root["access_key_secret"], region=REGION, endpoint=server.endpoint)


def put_by(presigner: Presigner, key: str | None, body: bytes, headers: dict[str, str]) -> Answer:
    return send(presigner.presign("PUT", "kept", key, headers=headers).url, "PUT", headers, body)


def test_a_database_a_bucket_and_keys_come_back_from_their_backup(
    database: PostgresServer, seaweed_store: Seaweed, tmp_path: Path
) -> None:
    """By the commands of docs/scale-out.md, word for word."""
    data, keys, lost = tmp_path / "data", tmp_path / "keys", seaweed_store.store("recipe")
    need("rclone")
    keys.mkdir()
    with database.database() as name:
        environment = {
            **seaweed_store.environment(),
            **database.environment(),
            "DATA": str(data),
            "KEYS": str(keys),
            "DUMP": str(tmp_path / "dump"),
            "STORE": "store:bytes/recipe",
            "COPY": f"copy:{tmp_path}/copy",
            "RCLONE_CONFIG_COPY_TYPE": "local",
            "AWS_CA_BUNDLE": "",  # this rclone takes none
            "RCLONE_CONFIG_STORE_TYPE": "s3",
            "RCLONE_CONFIG_STORE_PROVIDER": "Other",
            "RCLONE_CONFIG_STORE_ENDPOINT": seaweed_store.endpoint,
            "RCLONE_CONFIG_STORE_ACCESS_KEY_ID": KEY_ID,
            "RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY": SECRET,
        }
        words = ("--store", database.url(name), "--bytes", seaweed_store.url("recipe"))
        server = ServerProcess(data, *words, own_root_key=False, environment=seaweed_store.environment())
        try:
            presigner = presigner_of(server)
            assert put_by(presigner, None, b"", {}).status == 200
            for key, (body, headers) in KEPT.items():
                assert put_by(presigner, key, body, headers).status == 200
            made = run_script(BACKUP, tmp_path, COATCHECK_STORE=database.url(name), **environment)
            assert made.returncode == 0, made.stderr
            assert put_by(presigner, "later", b"1" * 100_000, {}).status == 200
            server.stop()
        finally:
            server.kill()
        shutil.rmtree(data)
        obstore.delete(lost, [found["path"] for page in obstore.list(lost) for found in page])
        again = run_script(RESTORE, tmp_path, COATCHECK_STORE=database.url("coatcheck"), **environment)
        assert again.returncode == 0, again.stdout + again.stderr
        words = ("--store", database.url("coatcheck"), "--bytes", seaweed_store.url("recipe"))
        server = ServerProcess(data, *words, own_root_key=False, environment=seaweed_store.environment())
        try:
            presigner = presigner_of(server)
            for key, (body, _) in KEPT.items():
                assert send(presigner.presign("GET", "kept", key).url).body == body
            assert send(presigner.presign("GET", "kept", "later").url).status == 404
            server.stop()
        finally:
            server.kill()


@pytest.mark.soak(sum(KILLS.values()))
@pytest.mark.parametrize("what", KILLS)
def test_nothing_acknowledged_is_lost_when_something_dies(
    server: Gateways, database: PostgresServer, seaweed_store: Seaweed, what: str
) -> None:
    first = 100 * list(KILLS).index(what)
    clients = [LoadClient(server, BUCKET, first + number, sizes=range(1_000, 200_000)) for number in range(4)]
    moments = random.Random(first)
    for client in clients:
        client.start()
    for _ in range(KILLS[what]):
        before = sum(client.acknowledged for client in clients)
        wait_until(lambda before=before: sum(client.acknowledged for client in clients) >= before + 10)  # type: ignore[misc]
        time.sleep(moments.random() / 10)
        if what == "a gateway":
            server.kill_one()
        elif what == "the database":
            database.kill()
            database.start()
        else:
            seaweed_store.kill()
            seaweed_store.start()
            seaweed_store.wait_until_it_answers()
    for client in clients:
        client.ends.set()
        client.join(HANG_S)
        client.check_all()
    assert [wrong for client in clients for wrong in client.wrong] == []

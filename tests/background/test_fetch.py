"""Async fetches: what another server has becomes an object, as who asked for it; what can't be had ends visibly."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import logging
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

import pytest
from msgspec.structs import replace

from coatcheck.background import fetch_run
from coatcheck.background.fetch_run import FetchDoer
from coatcheck.background.task_runs import TaskRuns
from coatcheck.configurations import fetch_task
from coatcheck.core import limits
from coatcheck.engines import fetcher as fetcher_module
from coatcheck.engines.fetcher import HttpFetcher
from coatcheck.ports.identities import StoredPolicy, User
from coatcheck.ports.keyring import AccessKey, Principal
from coatcheck.ports.notifier import Response

from ..each import each
from ..moved_clock import DAY_S, MovedClock
from ..origin import LOOPBACK, an_origin, ok, status
from ..oss.house import NOW, OWNER, STRANGER, Answer, House
from ..oss.test_callback import Application
from .test_acting import a_policy

ALICE = "201234567890123456"


def a_document(url: str, key: str = "a.txt", **more: str) -> bytes:
    texts = {"Url": url, "Object": key, **more}
    inner = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in texts.items())
    return f"<AsyncFetchTaskConfiguration>{inner}</AsyncFetchTaskConfiguration>".encode()


class Scene:
    """A house that may fetch from this machine, and what carries its tasks out."""

    def __init__(self) -> None:
        self.application = Application()
        self.house = House(fetcher=HttpFetcher(LOOPBACK), notifier=self.application)
        self.clock = MovedClock(NOW)
        doer = FetchDoer(self.house.ports, self.house.keyring)
        self.runs = TaskRuns(self.house.catalog, fetch_run.KIND, doer, self.clock.wall)

    async def begin(self) -> Scene:
        await self.house.with_bucket()
        return self

    async def ask(self, url: str, *, by: AccessKey = OWNER, **more: str) -> Answer:
        return await self.house.ask("POST", "/photos/?asyncFetch", a_document(url, **more), by=by)

    async def put(self, url: str, **more: Any) -> str:
        answer = await self.ask(url, **more)
        assert answer.status == 200, answer.body
        return answer.text("TaskId") or ""

    async def run(self) -> int:
        return await self.runs.run(self.clock.wall())

    async def look(self, name: str) -> Answer:
        return await self.house.ask("GET", "/photos/?asyncFetch", headers={"x-oss-task-id": name})

    async def state(self, name: str) -> tuple[str | None, str | None]:
        answer = await self.look(name)
        return answer.text("State"), answer.text("ErrorMsg")

    async def get(self, key: str = "a.txt") -> Answer:
        return await self.house.ask("GET", f"/photos/{key}")

    async def bucket_id(self) -> int:
        bucket = await self.house.catalog.find_bucket("photos")
        assert bucket is not None
        return bucket.bucket_id


async def a_scene() -> Scene:
    return await Scene().begin()


async def test_what_another_server_has_becomes_an_object() -> None:
    scene = await a_scene()
    answer = ok(b"hello", "Content-Type: text/plain", "Cache-Control: no-cache", "Set-Cookie: a=b", "x-oss-meta-a: b")
    async with an_origin(hello=answer) as origin:
        name = await scene.put(origin.url("/hello?x=1&y=%2F"), StorageClass="IA", Host="files.example.com")
        assert await scene.state(name) == ("Running", "")
        assert await scene.run() == 1
        assert await scene.state(name) == ("Success", "")
    assert origin.paths == ["/hello?x=1&y=%2F"]
    assert origin.header("host") == "files.example.com"
    assert origin.header("user-agent") == "aliyun-oss-fetch"
    assert origin.header("accept-encoding") == "identity"
    got = await scene.get()
    assert (got.status, got.body) == (200, b"hello")
    named = ("content-type", "cache-control", "x-oss-storage-class", "etag")
    assert [got.headers[name] for name in named] == [
        "text/plain",
        "no-cache",
        "IA",
        '"5D41402ABC4B2A76B9719D911017C592"',
    ]
    assert not {"set-cookie", "x-oss-meta-a"} & got.headers.keys()
    assert await scene.run() == 0


async def test_what_a_task_says_of_itself() -> None:
    scene = await a_scene()
    digest = base64.b64encode(hashlib.md5(b"hello").digest()).decode()
    name = await scene.put("http://127.0.0.1:9/a?b&c", key=" a ", ContentMD5=digest, Callback="", StorageClass="")
    info = await scene.look(name)
    assert info.xml.tag == "AsyncFetchTaskInfo"
    assert [(element.tag, element.text or "") for element in info.xml.find("TaskInfo") or ()] == [
        ("Url", "http://127.0.0.1:9/a?b&c"),
        ("Object", " a "),
        ("Host", ""),
        ("ContentMD5", digest),
        ("Callback", ""),
        ("IgnoreSameKey", "true"),
    ]


async def test_redirects_are_followed_and_each_address_is_looked_at() -> None:
    scene = await a_scene()
    async with an_origin() as origin, an_origin(last=ok(b"moved")) as other:
        origin.answers["/first"] = status(302, "Location: second")
        origin.answers["/second"] = status(307, f"Location: {other.url('/last')}")
        origin.answers["/inside"] = status(301, "Location: http://[::1]:80/")
        origin.answers["/round"] = status(302, "Location: /round")
        origin.answers["/odd"] = status(302, "Location: ftp://127.0.0.1/")
        good = await scene.put(origin.url("/first"), Host="files.example.com")
        inside, odd = await scene.put(origin.url("/inside"), key="b"), await scene.put(origin.url("/odd"), key="c")
        around = await scene.put(origin.url("/round"), key="d")
        await scene.run()
    assert (await scene.get()).body == b"moved"
    assert other.header("host") == f"127.0.0.1:{other.port}"
    assert await scene.state(good) == ("Success", "")
    assert await scene.state(inside) == ("Failed", "the address is not one that this server may be sent to")
    why = "the other server cannot be reached, or broke off: "
    assert await scene.state(odd) == ("Retry", f"{why}its address is not one of http or https")
    assert await scene.state(around) == ("Retry", f"{why}it redirects more than 10 times")
    assert origin.paths.count("/round") == 11


MISBEHAVING = {
    "less than announced": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
    "half a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello",
    "no HTTP": b"nonsense\r\n\r\n",
    "nothing": b"",
    "fault": status(500),
    "busy": status(429),
}


@each(MISBEHAVING)
async def test_what_may_go_better_is_tried_again_and_stores_nothing(case: str) -> None:
    scene = await a_scene()
    async with an_origin(a=MISBEHAVING[case]) as origin:
        name = await scene.put(origin.url("/a"))
        assert await scene.run() == 1
        assert (await scene.state(name))[0] == "Retry"
        assert (await scene.get()).status == 404
        assert await scene.run() == 0
        origin.answers["/a"] = ok(b"hello")
        scene.clock.go_by(10)
        assert await scene.run() == 1
    assert await scene.state(name) == ("Success", "")
    assert (await scene.get()).body == b"hello"
    assert scene.house.store.blobs == {}


async def test_a_task_fails_after_its_last_attempt(caplog: pytest.LogCaptureFixture) -> None:
    scene = await a_scene()
    async with an_origin(a=status(503)) as origin:
        name = await scene.put(origin.url("/a"))
        attempts = []
        with caplog.at_level(logging.WARNING, "coatcheck"):
            for _ in range(8):
                attempts.append(await scene.run())
                scene.clock.go_by(3600)
    assert attempts == [1, 1, 1, 1, 1, 0, 0, 0]
    why = "the other server cannot be reached, or broke off: the other server answered with status 503"
    assert await scene.state(name) == ("Failed", why)
    assert f"fetchTask bucket=photos task={name} Failed: {why}" in caplog.text


async def test_what_cannot_go_better_fails_at_once() -> None:
    scene = await a_scene()
    digest = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    async with an_origin(a=ok(b"hello"), gone=status(404)) as origin:
        gone = await scene.put(origin.url("/gone"))
        other = await scene.put(origin.url("/a"), ContentMD5=digest)
        await scene.run()
    assert await scene.state(gone) == ("Failed", "the other server answered with status 404")
    state, why = await scene.state(other)
    assert (state, (why or "")[:14]) == ("Failed", "InvalidDigest:")
    assert (await scene.get()).status == 404


async def test_an_endless_body_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coatcheck.operations.fetched.PUT_OBJECT_MAX_BYTES", 1_000_000)
    scene = await a_scene()
    endless = b"HTTP/1.1 200 OK\r\n\r\n"
    async with an_origin(a=endless, b=b"HTTP/1.1 200 OK\r\nContent-Length: 1000001\r\n\r\n") as origin:
        origin.endless.add("/a")
        names = [await scene.put(origin.url("/a")), await scene.put(origin.url("/b"))]
        await scene.run()
    for name in names:
        state, why = await scene.state(name)
        assert (state, (why or "")[:15]) == ("Failed", "EntityTooLarge:")
    assert scene.house.store.blobs == {}


async def test_a_slow_body_and_a_silent_one_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = await a_scene()
    async with an_origin(a=ok(b"hello" * 1000), b=ok(b"x" * 100_000)) as origin:
        origin.held.add("/a")
        with monkeypatch.context() as patched:
            patched.setattr(fetcher_module, "FETCH_SILENCE_S", 0.05)
            silent = await scene.put(origin.url("/a"))
            await scene.run()
        monkeypatch.setattr(fetcher_module, "FETCH_TIME_MAX_S", -1.0)
        slow = await scene.put(origin.url("/b"))
        await scene.run()
    why = "the other server cannot be reached, or broke off: "
    assert await scene.state(silent) == ("Retry", f"{why}ReadTimeout")
    assert await scene.state(slow) == ("Retry", f"{why}its content takes longer than -1 seconds")
    assert scene.house.store.blobs == {}


async def test_a_key_that_is_taken() -> None:
    scene = await a_scene()
    await scene.house.put("/photos/a.txt", b"mine")
    async with an_origin(a=ok(b"theirs")) as origin:
        refused = await scene.ask(origin.url("/a"), IgnoreSameKey="false")
        assert refused.refusal == (400, "ObjectAlreadyExists")
        late = await scene.put(origin.url("/a"), key="late", IgnoreSameKey="false")
        await scene.house.put("/photos/late", b"mine")
        over = await scene.put(origin.url("/a"))
        await scene.run()
    assert (await scene.state(late))[0] == "Failed"
    assert await scene.state(over) == ("Success", "")
    assert (await scene.get("late")).body == b"mine"
    assert (await scene.get()).body == b"theirs"


async def test_an_attempt_that_was_cut_off_behind_its_commit_has_succeeded() -> None:
    """Though the key may have had no object before: it has the one that was fetched."""
    scene = await a_scene()
    async with an_origin(a=ok(b"hello")) as origin:
        name = await scene.put(origin.url("/a"), IgnoreSameKey="false")
        bucket_id, catalog = await scene.bucket_id(), scene.house.catalog
        put_entries = catalog.put_entries

        async def dies(*_: Any, **__: Any) -> None:
            catalog.put_entries = put_entries  # type: ignore[method-assign]
            await catalog.change_entry(bucket_id, fetch_task.WAITING, name, _as_before_the_commit, most=9)
            raise asyncio.CancelledError

        catalog.put_entries = dies  # type: ignore[method-assign]
        assert await scene.run() == 2
    assert await scene.state(name) == ("Success", "")
    assert len(origin.heard) == 1


def _as_before_the_commit(document: str | None) -> str:
    task = fetch_task.from_json(document or "")
    assert task.progress.stored
    return fetch_task.to_json(replace(task, progress=replace(task.progress, stored=False)))


async def test_a_task_whose_end_was_written_down_is_not_done_again() -> None:
    scene = await a_scene()
    async with an_origin(a=ok(b"hello")) as origin:
        name = await scene.put(origin.url("/a"))
        bucket_id = await scene.bucket_id()
        waiting = await scene.house.catalog.find_entry(bucket_id, fetch_task.WAITING, name)
        await scene.run()
        await scene.house.catalog.change_entry(bucket_id, fetch_task.WAITING, name, lambda _: waiting, most=9)
        await scene.run()
    assert len(origin.heard) == 1
    assert await scene.house.catalog.count_entries(bucket_id, fetch_task.WAITING) == 0
    assert await scene.state(name) == ("Success", "")


async def test_a_task_that_kills_its_process_ends() -> None:
    scene = await a_scene()
    name = await scene.put("http://127.0.0.1:9/")
    bucket_id = await scene.bucket_id()

    def five(before: str | None) -> str:
        task = fetch_task.from_json(before or "")
        return fetch_task.to_json(replace(task, progress=replace(task.progress, attempts=5)))

    await scene.house.catalog.change_entry(bucket_id, fetch_task.WAITING, name, five, most=9)
    await scene.run()
    assert await scene.state(name) == ("Failed", "the server ended while it was carried out")


MAY_FETCH = json.dumps(
    {"Version": "1", "Statement": [{"Effect": "Allow", "Action": ["oss:*AsyncFetchTask"], "Resource": "*"}]}
)


async def a_user(scene: Scene, *policies: str) -> AccessKey:
    identities = scene.house.identities
    await identities.add_user(User(ALICE, OWNER.account, "alice", 1))
    for number, text in enumerate(policies):
        await identities.put_policy(StoredPolicy(OWNER.account, f"p{number}", text, 1), replace=False)
        await identities.attach(OWNER.account, f"p{number}", user="alice")
    alice = AccessKey("AliceKey", "alice-secret", OWNER.account, principal=Principal(ALICE, "alice", policies))
    scene.house.keyring.keys[alice.access_key_id] = alice
    return alice


async def test_who_asked_is_decided_on_each_time() -> None:
    scene = await a_scene()
    alice = await a_user(scene, MAY_FETCH, a_policy("oss:PutObject"))
    async with an_origin(a=ok(b"hello")) as origin:
        first = await scene.put(origin.url("/a"), by=alice)
        await scene.run()
        assert await scene.state(first) == ("Success", "")
        second = await scene.put(origin.url("/a"), by=alice, key="b")
        await scene.house.identities.detach(OWNER.account, "p1", user="alice")
        await scene.run()
        state, why = await scene.state(second)
        assert (state, (why or "")[:13]) == ("Failed", "AccessDenied:")
        third = await scene.put(origin.url("/a"), by=alice, key="c")
        scene.house.keyring.keys.clear()
        scene.house.keyring.keys[OWNER.access_key_id] = OWNER
        await scene.house.identities.remove_user(OWNER.account, "alice")
        await scene.run()
    assert await scene.state(third) == ("Failed", "the user who set it up is no longer there")
    assert len(origin.heard) == 1


async def test_who_may_not_store_the_object_may_not_have_it_fetched() -> None:
    scene = await a_scene()
    alice = await a_user(scene, MAY_FETCH)
    assert (await scene.ask("http://files.example.com/", by=alice)).refusal == (403, "AccessDenied")
    assert (await scene.ask("http://files.example.com/", by=STRANGER)).refusal == (403, "AccessDenied")
    assert await scene.run() == 0


async def test_the_callback_hears_of_the_end() -> None:
    scene = await a_scene()
    callback = base64.b64encode(
        json.dumps(
            {"callbackUrl": "http://app.example.com/", "callbackBody": "${object}=${etag}=${operation}"}
        ).encode()
    ).decode()
    async with an_origin(a=ok(b"hello"), gone=status(404)) as origin:
        good = await scene.put(origin.url("/a"), Callback=callback)
        await scene.run()
        scene.application.answers = [Response(500, True, b"{}")]
        untold = await scene.put(origin.url("/a"), key="b", Callback=callback)
        await scene.run()
        silent = await scene.put(origin.url("/gone"), key="c", Callback=callback)
        loud = await scene.put(origin.url("/gone"), key="d", Callback=callback, CallbackWhenFailed="true")
        await scene.run()
    digest = quote(hashlib.md5(b"hello").hexdigest().upper())
    assert [notice.body.decode() for notice in scene.application.heard] == [
        f"a.txt={digest}=AsyncFetch",
        f"b={digest}=AsyncFetch",
        "d==AsyncFetchFailed",
    ]
    assert await scene.state(good) == ("Success", "")
    assert await scene.state(untold) == ("FetchSuccessCallbackFailed", "CallbackFailed: Error status : 500.")
    assert (await scene.get("b")).body == b"hello"
    assert [(await scene.state(name))[0] for name in (silent, loud)] == ["Failed", "Failed"]


async def test_done_tasks_are_forgotten_after_a_week_whatever_the_clock_was() -> None:
    scene = await a_scene()
    async with an_origin(a=ok(b"hello"), b=status(503)) as origin:
        name = await scene.put(origin.url("/a"))
        scene.clock.wrong_by = 300 * DAY_S
        waits = await scene.put(origin.url("/b"), key="b")
        await scene.run()
        scene.clock.wrong_by = 0
        assert await scene.run() == 1  # it doesn't wait for a time that only a wrong clock named
        assert (await scene.state(waits))[0] == "Retry"
        scene.clock.go_by(300 * DAY_S + limits.TASKS_DONE_KEPT_S)
        await scene.run()
        assert await scene.state(name) == ("Success", "")
        scene.clock.go_by(DAY_S)
        await scene.run()
    assert (await scene.look(name)).refusal == (404, "NoSuchAsyncFetchTask")


async def test_one_bucket_does_not_take_all_turns() -> None:
    scene = await a_scene()
    await scene.house.with_bucket("zoo")
    async with an_origin(held=ok(b"x" * 1000), free=ok(b"hello")) as origin:
        origin.held.add("/held")
        for number in range(limits.FETCHES_AT_ONCE):
            await scene.put(origin.url("/held"), key=f"{number}")
        answer = await scene.house.ask("POST", "/zoo/?asyncFetch", a_document(origin.url("/free")))
        running = asyncio.create_task(scene.run())
        name = answer.text("TaskId") or ""
        await _until_done(scene, "zoo", name)
        assert origin.paths.count("/held") == limits.FETCHES_OF_BUCKET
        origin.released.set()
        assert await running == limits.FETCHES_AT_ONCE + 1


async def _until_done(scene: Scene, bucket: str, name: str) -> None:
    async with asyncio.timeout(60):
        state = "Running"
        while state != "Success":
            answer = await scene.house.ask("GET", f"/{bucket}/?asyncFetch", headers={"x-oss-task-id": name})
            state = answer.text("State") or ""
            await asyncio.sleep(0.005)


REFUSED = {
    "no address": a_document(""),
    "another scheme": a_document("ftp://example.com/"),
    "a file": a_document("file:///etc/passwd"),
    "a password": a_document("http://a:b@example.com/"),
    "a line": a_document("http://example.com/\r\nX: y"),
    "a long one": a_document("http://example.com/" + "a" * 9000),
    "private": a_document("http://10.0.0.1/"),
    "metadata": a_document("http://169.254.169.254/latest/"),
    "a digest that is none": a_document("http://example.com/", ContentMD5="abc"),
    "a short digest": a_document("http://example.com/", ContentMD5="aGVsbG8="),
    "a key that is none": a_document("http://example.com/", "/a"),
    "no key": a_document("http://example.com/", ""),
    "a class that is none": a_document("http://example.com/", StorageClass="Cold"),
    "a switch that is none": a_document("http://example.com/", IgnoreSameKey="2"),
    "a callback that is none": a_document("http://example.com/", Callback="abc"),
    "a host that is none": a_document("http://example.com/", Host="a b"),
    "an unknown element": a_document("http://example.com/", Colour="red"),
    "nothing": b"<AsyncFetchTaskConfiguration/>",
    "another document": b"<Other/>",
}


@each(REFUSED)
async def test_what_cannot_be_meant_is_refused(case: str) -> None:
    scene = await a_scene()
    answer = await scene.house.ask("POST", "/photos/?asyncFetch", REFUSED[case])
    assert answer.status == 400
    assert answer.text("Code") in ("InvalidArgument", "MalformedXML", "InvalidDigest", "InvalidObjectName")
    assert await scene.run() == 0


async def test_a_bucket_that_goes_takes_its_tasks_with_it() -> None:
    scene = await a_scene()
    async with an_origin(a=ok(b"x" * 100_000)) as origin:
        origin.held.add("/a")
        await scene.put(origin.url("/a"))
        running = asyncio.create_task(scene.run())
        async with asyncio.timeout(60):
            while not origin.heard:
                await asyncio.sleep(0.005)
        assert (await scene.house.ask("DELETE", "/photos/")).status == 204
        origin.released.set()
        assert await running == 1
    assert scene.house.store.blobs == {}

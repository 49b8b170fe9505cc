"""Forms of strangers, many at a time: what they hold is bounded, whatever their shape, and keeps no other form away."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator

import pytest

from coatcheck.wire.query import NO_QUERY
from coatcheck.wire.request import BodyFailed, Request

from ..soak import count
from .house import Answer, House
from .test_post_object import BOUNDARY, a_form, post, signed

FORMS = count(1000)
MIB = 1024**2


def a_field(name: str, value: str, more: str = "") -> str:
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n{more}\r\n{value}\r\n'


FILE = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx'
BEFORE = "something before the form"
SHAPES = {
    "one field that doesn't end": a_field("key", "a") + a_field("x", "v" * 64_000)[:-2],
    "a field that just fits": a_field("key", "a") + a_field("x", "v" * 7000),
    "one character that makes all of them wide": a_field("key", "a") + a_field("x", "\U0001f600" + "v" * 60_000),
    "no UTF-8": a_field("key", "a") + a_field("x", "\udcff" + "v" * 60_000),
    "many empty fields": a_field("key", "a") + "".join(a_field(f"x{number}", "") for number in range(250)),
    "long names": a_field("key", "a") + "".join(a_field("n" * 8000 + str(number), "") for number in range(3)),
    "headers of a part that don't end": a_field("key", "a") + a_field("x", "", "X-Odd: " + "v" * 8000)[:-4],
    BEFORE: "v" * 1000,
    "a file that doesn't end": a_field("key", "a") + a_field("x", "\U0001f600" + "v" * 60_000) + FILE,
    "a file that doesn't end, small": a_field("key", "a") + a_field("x", "\U0001f600" + "v" * 1800) + FILE,
    "a file of a long name": a_field("key", "${filename}") + FILE.replace('"a"', f'"{"/" * 8000}a"'),
}


class Stalled:
    """A body that sends some of itself, and no more until it is released; then it breaks off."""

    waiting = 0

    def __init__(self, sent: bytes, release: asyncio.Event) -> None:
        self._sent = sent
        self._release = release

    async def chunks(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self._sent), 16_384):
            yield self._sent[at : at + 16_384]
        Stalled.waiting += 1
        await self._release.wait()
        raise BodyFailed


def send_stalled(house: House, sent: bytes, release: asyncio.Event) -> asyncio.Task[Answer]:
    headers = {"host": "127.0.0.1:8000", "content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    request = Request("POST", b"/photos/", NO_QUERY, headers, body=Stalled(sent, release))
    return asyncio.create_task(house.send(request))


async def settled(tasks: list[asyncio.Task[Answer]]) -> list[Answer]:
    """The answers of those that were refused, once all others wait."""
    while Stalled.waiting + sum(task.done() for task in tasks) < len(tasks):
        await asyncio.sleep(0)
    return [task.result() for task in tasks if task.done()]


@pytest.mark.soak(FORMS * len(SHAPES))
@pytest.mark.parametrize(("shape", "forms"), [*((shape, FORMS) for shape in SHAPES), (BEFORE, 1000)])
async def test_a_thousand_unsigned_forms_hold_less_than_64_mib(shape: str, forms: int) -> None:
    house = await House().with_bucket(acl="public-read-write")
    assert (await post(house, a_form({"key": "warm"}))).status == 204
    sent, release = SHAPES[shape].encode("utf-8", "surrogateescape"), asyncio.Event()
    Stalled.waiting = 0
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tasks = [send_stalled(house, sent, release) for _ in range(forms)]
        refused = await settled(tasks)
        gc.collect()
        held = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert held < min(64 * MIB, forms * MIB // 10)  # a few may hold more each than a thousand may
    assert {answer.refusal for answer in refused} <= {(503, "ServiceUnavailable")}
    assert len(refused) < forms * 0.98
    assert (await post(house, a_form(signed()))).status == 204  # an ordinary form is taken all the while
    release.set()
    answers = [await task for task in tasks]
    assert {answer.refusal for answer in answers} <= {(400, "IncompleteBody"), (503, "ServiceUnavailable")}
    assert house.pipeline._form_memory.held_bytes == 0


async def test_a_form_to_no_bucket_is_refused_unread() -> None:
    house, release = await House().with_bucket(), asyncio.Event()
    headers = {"host": "127.0.0.1:8000", "content-type": "multipart/form-data; boundary=b"}
    Stalled.waiting = 0
    body = Stalled(b"--b\r\n", release)
    answer = await house.send(Request("POST", b"/no-such-bucket/", NO_QUERY, headers, body=body))
    assert answer.refusal == (404, "NoSuchBucket")
    assert answer.trace.operation == "post_object"
    assert Stalled.waiting == 0


@pytest.mark.parametrize("end", ["refused", "stored", "broken"])
async def test_what_a_form_held_is_given_back_however_it_ends(end: str) -> None:
    house = await House().with_bucket()
    fields = signed(fields={"x-odd": "v" * 20_000}) if end == "stored" else {"key": "a", "x-odd": "v" * 20_000}
    body = a_form(fields)
    answer = await post(house, body[:10_000] if end == "broken" else body)
    assert answer.status == {"refused": 403, "stored": 204, "broken": 400}[end]
    assert house.pipeline._form_memory.held_bytes == 0


async def test_a_key_is_not_made_longer_than_a_key_may_be() -> None:
    """Each ${filename} would have become eight kilobytes: fifty megabytes of one form."""
    house = await House().with_bucket(acl="public-read-write")
    body = a_form({"key": "${filename}" * 5000}, name="n" * 8000)
    tracemalloc.start()
    try:
        answer = await post(house, body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.refusal == (400, "InvalidObjectName")
    assert peak < 2 * MIB
    assert (await post(house, a_form({"key": "${filename}" * 93 + "k" * 93}, name="1" * 10))).status == 204

from __future__ import annotations

import io
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.gateway import Trace
from coatcheck.request_log import RequestLog
from coatcheck.wire.query import read_query
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import Request

from .operations.house import OWNER, House

NOW = 1_772_694_489


def logged(*entries: tuple[Request, Trace, Reply], everything: bool = True) -> str:
    out = io.StringIO()
    log = RequestLog(out, everything=everything)
    for request, trace, reply in entries:
        log.note(request, trace, reply, NOW)
    log.close()
    return out.getvalue()


def an_entry(key: str = "a.txt", status: int = 200, **trace: Any) -> tuple[Request, Trace, Reply]:
    fields = {"bucket": "photos", "key": key, "access_key_id": "ExampleKey", "operation": "get_object"}
    request = Request("GET", b"/", client="192.0.2.7")
    return request, Trace("69A92BD9A1B2C3D4E5F60718", **fields | trace), Reply(status)


def test_a_line_is_fields_in_a_fixed_order() -> None:
    line = logged(an_entry(status=404, refusal="NoSuchKey"))
    fields, _, ms = line.rpartition(" ")
    assert fields == (
        "time=2026-03-05T07:08:09.000Z request_id=69A92BD9A1B2C3D4E5F60718 client=192.0.2.7 method=GET "
        "operation=get_object bucket=photos key=a.txt access_key_id=ExampleKey status=404 refusal=NoSuchKey"
    )
    assert ms.startswith("ms=")
    assert ms.endswith("\n")


def test_refusals_are_always_logged_and_the_rest_if_asked_for() -> None:
    entries = [an_entry("fine"), an_entry("refused", status=403)]
    assert [line.split()[6] for line in logged(*entries, everything=False).splitlines()] == ["key=refused"]
    assert [line.split()[6] for line in logged(*entries).splitlines()] == ["key=fine", "key=refused"]


def test_what_is_not_known_is_a_dash() -> None:
    line = logged((Request("GET", b"/"), Trace("id"), Reply(400)))
    assert "operation=- bucket=- key=- access_key_id=- status=400 refusal=- " in line


@pytest.mark.parametrize(
    "key",
    [
        "a\nstatus=200",
        "a\r\n",
        "a status=200",
        '"',
        "a\u2028b",
        "\x1b[31m",
        "\udcff",
        "a\x00",
        "写 真",
        "a\x85b",
        "'\" ",
    ],
)
def test_a_key_cannot_fake_a_field_or_a_line(key: str) -> None:
    line = logged(an_entry(key))
    assert len(line.splitlines()) == 1
    assert line.isprintable() or line[:-1].isprintable()
    pieces = shlex.split(line.replace("\\'", ""))
    assert len(pieces) == 11
    assert pieces[8] == "status=200"


@given(st.text(), st.text())
def test_every_entry_is_one_line_of_printable_text(key: str, bucket: str) -> None:
    line = logged(an_entry(key, bucket=bucket))
    assert len(line.splitlines()) == 1
    assert line[:-1].isprintable()
    line.encode()


async def test_no_line_holds_a_secret_a_signature_or_a_query() -> None:
    house = await House().with_bucket()
    await house.put("/photos/a.txt")
    out = io.StringIO()
    log = RequestLog(out, everything=True)
    link = house.link("GET", "a.txt", query={"x-private": "hush-hush"})
    query = read_query(link.partition("?")[2].encode())
    for wrong in (False, True):
        path = b"/photos/b.txt" if wrong else b"/photos/a.txt"
        request = Request("GET", path, query, {"host": "127.0.0.1", "referer": link})
        trace = Trace("id")
        log.note(request, trace, await house.gateway.answer(request, trace, house.now), NOW)
    log.close()
    lines = out.getvalue()
    assert len(lines.splitlines()) == 2
    assert "status=200" in lines
    assert "refusal=SignatureDoesNotMatch" in lines
    for hidden in (query.get("x-oss-signature") or "missing", "hush-hush", OWNER.access_key_secret, "x-oss", "?"):
        assert hidden not in lines


def test_a_log_that_nobody_reads_any_more_stops_nothing() -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    log = RequestLog(Closed(), everything=True)
    log.note(*an_entry(), NOW)
    log.note(*an_entry(), NOW)
    log.close()


def test_lines_beyond_what_can_be_written_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coatcheck.request_log._QUEUED_MAX", 2)
    monkeypatch.setattr("coatcheck.request_log.threading.Thread.start", lambda thread: None)
    out = io.StringIO()
    log = RequestLog(out, everything=True)
    for _ in range(5):
        log.note(*an_entry(), NOW)
    log._write([])
    assert out.getvalue() == "dropped=3\n"

"""Upload boxes: what they take, to the byte; where it goes; and that nobody who has the link gets anything out."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
from typing import Any

import pytest

from coatcheck.core.limits import BOX_KEPT_S, BOX_PIECE_BYTES, BOX_UPLOAD_IDLE_S
from coatcheck.engines.memory_keyring import MemoryKeyring
from coatcheck.operations.sweep import forget_arrivals
from coatcheck.ports.arrivals import Taken
from coatcheck.ports.keyring import AccessKey, Principal
from coatcheck.ports.object import ObjectRecord
from coatcheck.wire.query import read_query
from coatcheck.wire.request import BodyFailed, Request

from ..oss.house import NOW, OWNER, STRANGER, Answer, GivenBody, House
from .desk import a_house, call, make, refusal, use, with_password

HOME = OWNER.account
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
HTML = b"<!doctype html><script>alert(1)</script>"
WRITER_POLICY = json.dumps(
    {
        "Version": "1",
        "Statement": [
            {"Effect": "Allow", "Action": ["oss:PutObject"], "Resource": "acs:oss:*:*:photos/in/*"},
            {"Effect": "Allow", "Action": "coatcheck:*", "Resource": "*"},
        ],
    }
)
BROWSER = {"accept": "text/html", "sec-fetch-mode": "navigate"}


def a_writer(policy: str = WRITER_POLICY) -> AccessKey:
    return AccessKey("WriterKey", "writer-secret", HOME, principal=Principal("200000000000000001", "writer", (policy,)))


@pytest.fixture
async def house() -> House:
    return await a_house(House(keyring=MemoryKeyring(OWNER, STRANGER, a_writer())))


async def a_box(house: House, *, by: AccessKey = OWNER, password: str = "", **rules: Any) -> dict[str, Any]:
    more = {"password": password} if password else {}
    return await make(house, by=by, prefix="in", box=rules, **more)


async def put(house: House, box: dict[str, Any], name: str, body: bytes, content_type: str = "") -> Answer:
    headers = {"content-type": content_type} if content_type else {}
    return await use(house, box["url"], f"/{name}", "PUT", body=body, headers=headers)


async def waiting(house: House, box: dict[str, Any]) -> list[dict[str, Any]]:
    status, page = await call(house, "GET", f"tickets/{box['id']}/arrivals")
    assert status == 200, page
    assert page["next"] is None
    found: list[dict[str, Any]] = page["arrivals"]
    return found


async def answer(house: House, box: dict[str, Any], ids: Any = None, **members: Any) -> list[dict[str, Any]]:
    """Of all that waits, if no ids are given."""
    ids = [each["id"] for each in await waiting(house, box)] if ids is None else ids
    status, said = await call(house, "POST", f"tickets/{box['id']}/arrivals", {"ids": ids} | members)
    assert status == 200, said
    found: list[dict[str, Any]] = said["arrivals"]
    return found


async def objects(house: House, prefix: str = "in/") -> dict[str, ObjectRecord]:
    """Of the bucket, with their content's row."""
    bucket = await house.catalog.find_bucket("photos")
    assert bucket is not None
    page = await house.catalog.list_objects(bucket.bucket_id, prefix=prefix, delimiter="", marker="", limit=100)
    found = {}
    for listed in page.objects:
        record = await house.catalog.find_object(bucket.bucket_id, listed.key)
        assert record is not None
        found[listed.key] = record
    return found


async def read(house: House, key: str) -> Answer:
    return await house.ask("GET", f"/photos/{key}")


def facts(answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.body)
    return found


# --- whole files ----------------------------------------------------------------------------------------------------


async def test_a_file_goes_where_the_box_says_and_is_the_bytes_that_came(house: House) -> None:
    box = await a_box(house, quarantine=False)
    answer = await put(house, box, "cat.jpg", b"meow" * 1000)
    assert (answer.status, facts(answer)) == (201, {"name": "cat.jpg", "size": 4000})
    ((key, record),) = (await objects(house)).items()
    assert re.fullmatch(r"in/2026-03-05/[a-z2-7]{16}-cat\.jpg", key)
    got = await read(house, key)
    assert got.body == b"meow" * 1000
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["content-disposition"] == "attachment"
    assert record.etag == "C949F862850C1B1A9A25390E3B5CAB4C"
    assert await house.arrivals.find_taken(box["id"]) == Taken(1, 4000, 0)


async def test_nothing_at_all_is_a_file_too(house: House) -> None:
    box = await a_box(house, quarantine=False, dated=False)
    assert (await put(house, box, "empty.txt", b"")).status == 201
    ((key, record),) = (await objects(house)).items()
    assert re.fullmatch(r"in/[a-z2-7]{16}-empty\.txt", key)
    assert (record.size, (await read(house, key)).body) == (0, b"")


async def test_the_same_name_twice_is_two_files(house: House) -> None:
    box = await a_box(house, quarantine=False)
    await put(house, box, "a.txt", b"one")
    await put(house, box, "a.txt", b"two")
    assert sorted([(await read(house, key)).body for key in await objects(house)]) == [b"one", b"two"]


async def test_curl_without_a_name_sends_a_file(house: House) -> None:
    box = await a_box(house)
    assert facts(await use(house, box["url"], "", "PUT", body=b"x")) == {"name": "file", "size": 1}
    assert facts(await use(house, box["url"], "/", "PUT", body=b"x")) == {"name": "file", "size": 1}
    assert facts(await use(house, box["url"], "/?name=n%C3%BC.txt", "PUT", body=b"x")) == {"name": "nü.txt", "size": 1}


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("a/b/c.txt", "c.txt"),
        ("C:%5Ctemp%5Cc.txt", "c.txt"),
        ("..", "file"),
        (".", "file"),
        ("...", "file"),
        ("a%00b%0D%0Ac.txt", "abc.txt"),
        ("photo%E2%80%AEgpj.exe", "photogpj.exe"),
        ("%20%20a.txt%20", "a.txt"),
        ("e%CC%81.txt", "\u00e9.txt"),
        ("%22%3Cscript%3E.txt", '"<script>.txt'),
        (".hidden", ".hidden"),
        ("%E7%8C%AB" * 100 + ".jpg", "猫" * 65 + ".jpg"),
    ],
)
async def test_names_are_made_harmless(house: House, sent: str, name: str) -> None:
    box = await a_box(house, quarantine=False, dated=False)
    assert facts(await put(house, box, sent, b"x"))["name"] == name
    (key,) = await objects(house)
    assert re.fullmatch(r"in/[a-z2-7]{16}-" + re.escape(name), key)


async def test_a_sender_lists_reads_and_overwrites_nothing(house: House) -> None:
    box = await a_box(house, quarantine=False)
    await put(house, box, "a.txt", b"secret")
    (key,) = await objects(house)
    for more in ("", "/", "/a.txt", f"/{key}", f"/{key.removeprefix('in/')}", "?list", "/?list", "/?zip", "?prefix=in"):
        got = await use(house, box["url"], more)
        assert b"secret" not in got.body
        assert key.encode() not in got.body
    for method in ("DELETE", "PATCH", "OPTIONS"):
        assert (await use(house, box["url"], "/a.txt", method)).refusal == (405, "MethodNotAllowed")
    await put(house, box, key.removeprefix("in/"), b"mine")
    assert (await read(house, key)).body == b"secret"
    assert len(await objects(house)) == 2


async def test_only_a_box_takes_files(house: House) -> None:
    for named in ({"key": "2026/cat.jpg"}, {"prefix": "2026/"}, {"keys": ["2026/cat.jpg"]}):
        ticket = await make(house, **named)
        assert (await put(house, ticket, "a.txt", b"x")).refusal == (405, "MethodNotAllowed")
        began = await use(house, ticket["url"], "/?upload&name=a&size=1", "POST")
        assert began.refusal == (405, "MethodNotAllowed")
        assert (await call(house, "GET", f"tickets/{ticket['id']}/arrivals"))[1]["error"]["code"] == "NotAnUploadBox"


# --- rules, to the byte ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunked", [False, True])
async def test_no_file_is_a_byte_over(house: House, chunked: bool) -> None:
    box = await a_box(house, file_bytes=10)
    over, fits = await sent(house, box, b"x" * 11, chunked), await sent(house, box, b"x" * 10, chunked)
    assert refusal(over) == (413, "9000-00000052")
    assert fits.status == 201
    assert [each["size"] for each in await waiting(house, box)] == [10]
    assert await house.arrivals.find_taken(box["id"]) == Taken(1, 10, 0)


@pytest.mark.parametrize("chunked", [False, True])
async def test_all_together_are_not_a_byte_over(house: House, chunked: bool) -> None:
    box = await a_box(house, bytes=10)
    assert (await sent(house, box, b"x" * 6, chunked)).status == 201
    assert refusal(await sent(house, box, b"x" * 5, chunked)) == (403, "9000-00000051")
    assert (await sent(house, box, b"x" * 4, chunked)).status == 201
    assert refusal(await sent(house, box, b"x", chunked)) == (403, "9000-00000051")
    assert await house.arrivals.find_taken(box["id"]) == Taken(2, 10, 0)


async def sent(house: House, box: dict[str, Any], body: bytes, chunked: bool) -> Answer:
    if not chunked:
        return await put(house, box, "f", body)
    path = box["url"].partition("://")[2].partition("/")[2]
    headers = {"host": "127.0.0.1:8000", "transfer-encoding": "chunked"}
    pieces = [body[at : at + 3] for at in range(0, len(body), 3)]
    return await house.send(Request("PUT", f"/{path}/f".encode(), read_query(b""), headers, body=GivenBody(pieces)))


async def test_the_files_are_counted_with_those_that_were_answered(house: House) -> None:
    box = await a_box(house, files=2)
    await put(house, box, "a", b"1")
    await put(house, box, "b", b"2")
    assert refusal(await put(house, box, "c", b"3")) == (403, "9000-00000050")
    await answer(house, box, refuse=True)
    assert refusal(await put(house, box, "c", b"3")) == (403, "9000-00000050")


async def test_a_refused_file_gives_its_place_back(house: House) -> None:
    box = await a_box(house, files=1, bytes=10, types=["image/png"])
    assert refusal(await put(house, box, "a.png", b"nothing")) == (415, "9000-00000053")
    body = GivenBody([b"\x89PNG"], BodyFailed())
    path = box["url"].partition("://")[2].partition("/")[2]
    headers = {"host": "127.0.0.1:8000", "content-length": "10"}
    broken = await house.send(Request("PUT", f"/{path}/a.png".encode(), read_query(b""), headers, body=body))
    assert broken.status == 400
    assert await house.arrivals.find_taken(box["id"]) == Taken(0, 0, 0)
    assert (await put(house, box, "a.png", PNG[:10])).status == 201


async def test_two_race_for_the_last_place(house: House) -> None:
    box = await a_box(house, files=1)
    answers = await asyncio.gather(*(put(house, box, "a", b"x" * 100) for _ in range(5)))
    assert sorted(each.status for each in answers) == [201, 403, 403, 403, 403]


async def test_what_is_on_its_way_counts(house: House) -> None:
    box = await a_box(house, files=3, bytes=BOX_PIECE_BYTES * 2)
    began = await use(house, box["url"], f"/?upload&name=a&size={BOX_PIECE_BYTES + 1}", "POST")
    assert began.status == 201
    assert refusal(await put(house, box, "b", b"x" * BOX_PIECE_BYTES)) == (403, "9000-00000051")
    assert (await put(house, box, "b", b"x" * (BOX_PIECE_BYTES - 1))).status == 201


async def test_names_fit_a_pattern(house: House) -> None:
    box = await a_box(house, names=["*.jpg", "scan-??.pdf"])
    statuses = {
        name: (await put(house, box, name, b"x")).status
        for name in ("a.jpg", "A.JPG", "a.jpg.exe", "scan-01.pdf", "scan-1.pdf", "a.jpg%00.exe", "x%2F..%2Fa.exe")
    }
    assert statuses == {
        "a.jpg": 201,
        "A.JPG": 201,
        "a.jpg.exe": 403,
        "scan-01.pdf": 201,
        "scan-1.pdf": 403,
        "a.jpg%00.exe": 403,
        "x%2F..%2Fa.exe": 403,
    }


@pytest.mark.parametrize(
    ("allowed", "name", "declared", "body", "kept"),
    [
        (["image/*"], "a.png", "image/png", PNG, "image/png"),
        (["image/*"], "a.png", "", PNG, "image/png"),  # as curl -T sends it
        (["image/*"], "a.bin", "application/octet-stream", PNG, "image/png"),
        (["image/*"], "a.jpg", "image/jpeg", PNG, "image/png"),  # the bytes say what it is
        (["image/jpeg"], "a.jpg", "image/jpeg", PNG, None),
        (["image/*"], "a.png", "image/png", HTML, None),  # a page that calls itself a picture
        (["image/*"], "a.svg", "image/svg+xml", SVG, "application/octet-stream"),
        (["text/*"], "a.html", "text/html", HTML, "application/octet-stream"),
        (["text/*"], "a.txt", "text/plain", HTML, "application/octet-stream"),
        (["text/*"], "a.txt", "text/plain; charset=utf-8", "grüße".encode(), "text/plain"),
        (["text/*"], "a.txt", "text/plain", b"\0\1\2", "application/octet-stream"),
        (["application/pdf"], "a.pdf", "", b"%PDF-1.7", "application/pdf"),
        (["application/pdf"], "a.pdf", "", b"MZ\x90", None),
        (["image/*"], "a.exe", "", b"MZ\x90", None),
        (["application/x-thing"], "a", "application/x-thing", b"anything", "application/octet-stream"),
        (["application/x-thing"], "a", "application/x-thing", PNG, None),
        ([], "a.png", "image/png", PNG, "application/octet-stream"),
        ([], "a.html", "text/html", HTML, "application/octet-stream"),
    ],
)
async def test_types_are_believed_of_bytes_that_agree(
    house: House, allowed: list[str], name: str, declared: str, body: bytes, kept: str | None
) -> None:
    box = await a_box(house, quarantine=False, types=allowed)
    answer = await put(house, box, name, body, declared)
    if kept is None:
        assert refusal(answer) == (415, "9000-00000053")
        assert await objects(house) == {}
        return
    (key,) = await objects(house)
    got = await read(house, key)
    assert got.headers["content-type"] == kept
    assert ("content-disposition" in got.headers) is (kept == "application/octet-stream")


# --- who ------------------------------------------------------------------------------------------------------------


async def test_the_password_guards_uploads(house: House) -> None:
    box = await a_box(house, password="swordfish")
    assert refusal(await put(house, box, "a", b"x")) == (401, "9000-00000025")
    for more in ("/?upload&name=a&size=1", "/?upload=" + "0" * 32 + "&at=0"):
        for method in ("GET", "POST", "PUT"):
            assert refusal(await use(house, box["url"], more, method)) == (401, "9000-00000025")
    given = await use(house, box["url"], "/a", "PUT", body=b"x", headers=with_password("swordfish"))
    assert given.status == 201


async def test_it_works_with_the_right_that_its_maker_has_then(house: House) -> None:
    box = await a_box(house, by=a_writer())
    assert (await put(house, box, "a", b"x")).status == 201
    house.keyring.keys["WriterKey"] = a_writer(WRITER_POLICY.replace("oss:PutObject", "oss:GetObject"))
    assert (await put(house, box, "a", b"x")).refusal == (403, "AccessDenied")
    assert [each["error"] for each in await answer(house, box)] == ["AccessDenied"]
    assert await objects(house) == {}


async def test_its_prefix_is_a_folder(house: House) -> None:
    """A box of "in" never reaches "inner", nor does one whose maker may write below "in/" alone."""
    box = await a_box(house, by=a_writer(), quarantine=False)
    await put(house, box, "a", b"x")
    assert len(await objects(house, "in/")) == 1
    status, said = await call(
        house, "POST", "tickets", {"bucket": "photos", "prefix": "inner", "box": {}}, by=a_writer()
    )
    assert (status, said["error"]["code"]) == (403, "AccessDenied")


async def test_an_ended_or_cancelled_box_takes_nothing(house: House) -> None:
    box, other = await a_box(house), await a_box(house)
    began = facts(await use(house, other["url"], "/?upload&name=a&size=3", "POST"))
    await call(house, "DELETE", f"links/{other['id']}", {})
    assert refusal(await put(house, other, "a", b"x")) == (410, "9000-00000022")
    piece = await use(house, other["url"], f"/?upload={began['id']}&at=0", "PUT", body=b"abc")
    assert refusal(piece) == (410, "9000-00000022")
    house.now = NOW + 8 * 86_400
    assert refusal(await put(house, box, "a", b"x")) == (410, "9000-00000021")


async def test_a_file_whose_box_is_cancelled_under_way_does_not_count(house: House) -> None:
    box = await a_box(house, quarantine=False)

    class Cancelling(GivenBody):
        async def chunks(self) -> Any:
            yield b"x" * 500
            await call(house, "DELETE", f"links/{box['id']}", {})
            yield b"x" * 500

    path = box["url"].partition("://")[2].partition("/")[2]
    headers = {"host": "127.0.0.1:8000", "content-length": "1000"}
    got = await house.send(Request("PUT", f"/{path}/f".encode(), read_query(b""), headers, body=Cancelling([])))
    assert refusal(got) == (410, "9000-00000022")
    assert await objects(house) == {}
    assert await house.arrivals.find_taken(box["id"]) == Taken(0, 0, 0)
    assert not house.catalog.references


async def test_the_exchange_has_the_link_so_that_a_cancellation_ends_it(house: House) -> None:
    box = await a_box(house)
    trace = (await put(house, box, "a", b"x")).trace
    assert trace.link is not None
    assert (trace.link.caller.link, trace.link.bucket, trace.link.key) == (box["id"], "photos", "in/")
    assert trace.request.raw_path == b"/t/"


# --- in pieces ------------------------------------------------------------------------------------------------------


async def test_a_large_file_comes_in_pieces_and_goes_on_where_it_stopped(house: House) -> None:
    box = await a_box(house, quarantine=False)
    body = bytes(range(256)) * (BOX_PIECE_BYTES // 256) + b"the end"
    url = box["url"]
    began = facts(await use(house, url, f"/?upload&name=big.bin&size={len(body)}", "POST"))
    assert began == {
        "id": began["id"],
        "received": 0,
        "size": len(body),
        "piece_bytes": BOX_PIECE_BYTES,
        "done": False,
    }
    upload = f"/?upload={began['id']}"
    first = facts(await use(house, url, f"{upload}&at=0", "PUT", body=body[:BOX_PIECE_BYTES]))
    assert (first["received"], first["done"]) == (BOX_PIECE_BYTES, False)
    again = await use(house, url, f"{upload}&at=0", "PUT", body=body[:BOX_PIECE_BYTES])
    assert refusal(again) == (409, "9000-00000056")
    assert again.text("Received") == str(BOX_PIECE_BYTES)
    assert facts(await use(house, url, upload))["received"] == BOX_PIECE_BYTES
    assert await objects(house) == {}
    last = facts(await use(house, url, f"{upload}&at={BOX_PIECE_BYTES}", "PUT", body=body[BOX_PIECE_BYTES:]))
    assert last["done"]
    ((key, record),) = (await objects(house)).items()
    assert (record.kind, record.etag[-2:]) == ("Multipart", "-2")
    assert (await read(house, key)).body == body
    assert await house.arrivals.find_taken(box["id"]) == Taken(1, len(body), 0)


@pytest.mark.parametrize("at", ["1", "-1", "x", "", "9" * 30])
async def test_a_piece_in_the_wrong_place_is_refused(house: House, at: str) -> None:
    box = await a_box(house)
    began = facts(await use(house, box["url"], "/?upload&name=a&size=3", "POST"))
    got = await use(house, box["url"], f"/?upload={began['id']}&at={at}", "PUT", body=b"abc")
    assert got.status in (400, 409)
    assert await waiting(house, box) == []


@pytest.mark.parametrize("body", [b"ab", b"abcd", b""])
async def test_a_piece_of_another_size_is_refused(house: House, body: bytes) -> None:
    box = await a_box(house)
    began = facts(await use(house, box["url"], "/?upload&name=a&size=3", "POST"))
    got = await use(house, box["url"], f"/?upload={began['id']}&at=0", "PUT", body=body)
    assert refusal(got) == (409, "9000-00000056")


@pytest.mark.parametrize("size", ["0", "-1", "", "x", "1.5", "9" * 20])
async def test_a_size_is_a_whole_number(house: House, size: str) -> None:
    box = await a_box(house)
    assert (await use(house, box["url"], f"/?upload&name=a&size={size}", "POST")).status == 400


async def test_rules_hold_for_pieces(house: House) -> None:
    box = await a_box(house, file_bytes=10, types=["image/png"], names=["*.png"])
    url = box["url"]
    assert refusal(await use(house, url, "/?upload&name=a.png&size=11", "POST")) == (413, "9000-00000052")
    assert refusal(await use(house, url, "/?upload&name=a.exe&size=3", "POST")) == (403, "9000-00000054")
    began = facts(await use(house, url, "/?upload&name=a.png&size=10&type=image/png", "POST"))
    piece = await use(house, url, f"/?upload={began['id']}&at=0", "PUT", body=b"0123456789")
    assert refusal(piece) == (415, "9000-00000053")
    assert await house.arrivals.find_taken(box["id"]) == Taken(0, 0, 0)


async def test_an_upload_is_of_its_own_box(house: House) -> None:
    box, other = await a_box(house), await a_box(house)
    began = facts(await use(house, box["url"], "/?upload&name=a&size=3", "POST"))
    for upload_id in (began["id"], "0" * 32, "..", "A" * 32, ""):
        for method, body in (("GET", b""), ("PUT", b"abc")):
            got = await use(house, other["url"], f"/?upload={upload_id}&at=0", method, body=body)
            assert refusal(got) == (404, "9000-00000055")


async def test_what_never_comes_whole_ends(house: House) -> None:
    box = await a_box(house, files=1)
    began = facts(await use(house, box["url"], f"/?upload&name=a&size={BOX_PIECE_BYTES + 1}", "POST"))
    await use(house, box["url"], f"/?upload={began['id']}&at=0", "PUT", body=b"x" * BOX_PIECE_BYTES)
    assert await forget_arrivals(house.ports, NOW + BOX_UPLOAD_IDLE_S) == 0
    assert await forget_arrivals(house.ports, NOW + BOX_UPLOAD_IDLE_S + 1) == 1
    assert await house.arrivals.find_taken(box["id"]) == Taken(0, 0, 0)
    assert not house.catalog.references
    assert (await put(house, box, "a", b"x")).status == 201


# --- forms ----------------------------------------------------------------------------------------------------------


def a_form(*files: tuple[str, str, bytes]) -> tuple[bytes, dict[str, str]]:
    body = b'--edge\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
    for name, kind, content in files:
        body += f'--edge\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'.encode()
        body += f"Content-Type: {kind}\r\n\r\n".encode() + content + b"\r\n"
    return body + b"--edge--\r\n", {"content-type": "multipart/form-data; boundary=edge"}


async def test_a_form_brings_many_files(house: House) -> None:
    box = await a_box(house)
    body, headers = a_form(("a.txt", "text/plain", b"one"), ("", "application/octet-stream", b""), ("b", "x/y", b"two"))
    got = await use(house, box["url"], "/", "POST", body=body, headers=headers)
    assert (got.status, facts(got)) == (201, {"files": [{"name": "a.txt", "size": 3}, {"name": "b", "size": 3}]})
    assert [each["name"] for each in await waiting(house, box)] in (["a.txt", "b"], ["b", "a.txt"])


async def test_a_form_of_a_browser_is_answered_by_the_page(house: House) -> None:
    box = await a_box(house, file_bytes=3)
    body, headers = a_form(("a<b>.txt", "text/plain", b"one"), ("b", "x/y", b"much"))
    got = await use(house, box["url"], "/", "POST", body=body, headers=headers | BROWSER)
    assert got.status == 413
    assert b"<bdi>a&lt;b&gt;.txt</bdi>" in got.body
    assert b"This file is too large." in got.body
    assert len(await waiting(house, box)) == 1


async def test_a_form_that_breaks_off_leaves_the_files_before(house: House) -> None:
    box = await a_box(house)
    body, headers = a_form(("a.txt", "text/plain", b"one"), ("b", "x/y", b"two"))
    got = await use(house, box["url"], "/", "POST", body=body[:-30], headers=headers)
    assert got.status == 400
    assert [each["name"] for each in await waiting(house, box)] == ["a.txt"]
    assert (await house.arrivals.find_taken(box["id"])).under_way == 0


# --- quarantine -----------------------------------------------------------------------------------------------------


async def test_what_waits_is_nowhere_until_it_is_accepted(house: House) -> None:
    box = await a_box(house, types=["image/*"])
    await put(house, box, "cat.png", PNG)
    (one,) = await waiting(house, box)
    assert one | {"id": "", "key": ""} == {
        "id": "",
        "name": "cat.png",
        "key": "",
        "size": 40,
        "content_type": "image/png",
        "sender": "192.0.2.7",
        "started_at": "2026-03-05T07:08:09.000Z",
        "ends_at": "2026-03-12T07:08:09.000Z",
    }
    assert await objects(house) == {}
    assert (await read(house, one["key"])).refusal == (404, "NoSuchKey")
    stat = await house.ask("GET", "/photos?stat")
    assert stat.text("MultipartUploadCount") == "0"
    assert stat.text("MultipartPartCount") == "0"
    assert (await house.ask("GET", "/photos?uploads")).text("Upload") is None
    house.now = NOW + 3600
    said = await answer(house, box)
    assert said == [{"id": one["id"], "key": one["key"], "error": None, "message": None}]
    got = await read(house, one["key"])
    assert (got.body, got.headers["content-type"]) == (PNG, "image/png")
    assert got.headers["last-modified"] == "Thu, 05 Mar 2026 08:08:09 GMT"
    assert await waiting(house, box) == []
    assert (await answer(house, box, [one["id"]]))[0]["error"] == "NoSuchArrival"


async def test_its_owner_may_look_at_what_waits(house: House) -> None:
    box = await a_box(house)
    for body in (b"x" * 100_000, b""):
        await put(house, box, "a", body)
    found = await waiting(house, box)
    bodies = [await house.ask("GET", f"/.coatcheck/v1/arrivals/{one['id']}") for one in found]
    assert sorted(got.body for got in bodies) == [b"", b"x" * 100_000]
    assert {got.headers["content-disposition"] for got in bodies} == {"attachment"}
    one = found[0]["id"]
    strangers = await house.ask("GET", f"/.coatcheck/v1/arrivals/{one}", by=STRANGER)
    writers = await house.ask("GET", f"/.coatcheck/v1/arrivals/{one}", by=a_writer())
    unknown = await house.ask("GET", f"/.coatcheck/v1/arrivals/{'0' * 32}")
    codes = [json.loads(got.body)["error"]["code"] for got in (strangers, writers, unknown)]
    assert codes == ["NoSuchLink", "AccessDenied", "NoSuchArrival"]
    await answer(house, box)
    assert (await house.ask("GET", f"/.coatcheck/v1/arrivals/{one}")).status == 404


async def test_what_is_refused_is_gone(house: House) -> None:
    box = await a_box(house)
    await put(house, box, "a", b"x" * 100_000)
    assert [each["error"] for each in await answer(house, box, refuse=True)] == [None]
    assert (await waiting(house, box), await objects(house)) == ([], {})
    assert not house.catalog.references


async def test_what_nobody_accepts_ends_after_a_week(house: House) -> None:
    box = await a_box(house)
    await put(house, box, "a", b"x")
    assert await forget_arrivals(house.ports, NOW + BOX_KEPT_S) == 0
    assert await forget_arrivals(house.ports, NOW + BOX_KEPT_S + 1) == 1
    assert await waiting(house, box) == []
    assert not house.catalog.references


async def test_others_neither_see_nor_accept(house: House) -> None:
    box, other = await a_box(house), await a_box(house)
    await put(house, box, "a", b"x")
    (one,) = await waiting(house, box)
    for method, body in (("GET", None), ("POST", {"ids": ["0" * 32]})):
        status, said = await call(house, method, f"tickets/{box['id']}/arrivals", body, by=STRANGER)
        assert (status, said["error"]["code"]) == (404, "NoSuchLink")
    assert (await answer(house, other, [one["id"]]))[0]["error"] == "NoSuchArrival"


@pytest.mark.parametrize("ids", [None, [], ["x"], ["../" + "0" * 29], ["0" * 32] * 101, "all", [1]])
async def test_ids_are_a_list_of_ids(house: House, ids: Any) -> None:
    box = await a_box(house)
    status, said = await call(house, "POST", f"tickets/{box['id']}/arrivals", {"ids": ids})
    assert (status, said["error"]["code"]) == (400, "InvalidArgument")


async def test_what_waits_counts_against_the_bucket(house: House) -> None:
    box = await a_box(house)
    await put(house, box, "a", b"x" * 1000)
    bucket = await house.catalog.find_bucket("photos")
    assert bucket is not None
    assert (await house.catalog.stat_bucket(bucket.bucket_id)).arrivals_bytes == 1000


async def test_what_the_bucket_says_of_requests_holds(house: House) -> None:
    box = await a_box(house)
    document = (
        b"<RefererConfiguration><AllowEmptyReferer>false</AllowEmptyReferer><RefererList>"
        b"<Referer>http://ours.example</Referer></RefererList></RefererConfiguration>"
    )
    assert (await house.ask("PUT", "/photos?referer", document)).status == 200
    assert (await put(house, box, "a", b"x")).refusal == (403, "AccessDenied")
    sent = await use(house, box["url"], "/a", "PUT", body=b"x", headers={"referer": "http://ours.example"})
    assert sent.status == 201


async def test_a_bucket_that_arrivals_have_filled_takes_nothing(house: House) -> None:
    capacity = b"<BucketUserQos><StorageCapacity>1</StorageCapacity></BucketUserQos>"
    assert (await house.ask("PUT", "/photos/?qos", capacity)).status == 200
    box = await a_box(house)
    began = await use(house, box["url"], f"/?upload&name=a&size={2**30 - 1000}", "POST")
    assert began.status == 201
    assert (await put(house, box, "b", b"x" * 1000)).refusal == (403, "QuotaExceeded")
    assert (await put(house, box, "b", b"x" * 900)).status == 201


# --- the page -------------------------------------------------------------------------------------------------------


async def test_the_page_runs_its_own_script_and_no_other(house: House) -> None:
    box = await make(
        house, prefix="in", box={"types": ["image/*", "<b>"], "names": ['"><script>'], "files": 2}, note="<b>"
    )
    page = await use(house, box["url"], headers=BROWSER)
    script = page.body.partition(b"<script>")[2].partition(b"</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
    policy = page.headers["content-security-policy"]
    assert f"script-src 'sha256-{digest}'; connect-src 'self'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.body.count(b"<script") == 1
    assert b"<b>" not in page.body
    other = await use(house, (await make(house))["url"], headers=BROWSER)
    assert "script-src" not in other.headers["content-security-policy"]


async def test_the_page_says_the_rules_and_what_is_left(house: House) -> None:
    box = await a_box(house, files=2, file_bytes=1024**2, bytes=3 * 1024**2)
    await put(house, box, "a", b"x" * 1024**2)
    page = (await use(house, box["url"], headers=BROWSER)).body.decode()
    for words in ("Any files", "At most 1.0 MB each", "1 more file", "2.0 MB more in all"):
        assert f"<li>{words}</li>" in page
    await put(house, box, "b", b"x")
    full = (await use(house, box["url"], headers=BROWSER | {"accept-language": "zh"})).body.decode()
    assert "<form" not in full
    assert "此处不再接收更多文件。" in full

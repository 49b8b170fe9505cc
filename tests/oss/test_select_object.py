"""SelectObject and CreateSelectObjectMeta: documents, frames, and who may; what selects runs in this process."""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from typing import NamedTuple

import pytest

from coatcheck.core.errors import Broken

from .house import ANYBODY, STRANGER, Answer, House
from .local_selector import LocalSelector

PEOPLE = b"name,age\nJohn,45\nAnn,30\nZoe,x\n"
PATH = "/photos/people.csv?x-oss-process=csv/select"


@pytest.fixture
async def library() -> House:
    house = House()
    house.pipeline._ports = house.pipeline._ports._replace(selector=LocalSelector())
    await house.with_bucket()
    await house.put("/photos/people.csv", PEOPLE)
    return house


def b64(text: str) -> str:
    return b64encode(text.encode()).decode()


def request(sql: str, form: str = "<CSV/>", output: str = "", options: str = "") -> bytes:
    return (
        f"<SelectRequest><Expression>{b64(sql)}</Expression><InputSerialization>{form}</InputSerialization>"
        f"<OutputSerialization>{output}</OutputSerialization><Options>{options}</Options></SelectRequest>"
    ).encode()


ALL = "select * from ossobject"
SKIP = "<MaxSkippedRecordsAllowed>1</MaxSkippedRecordsAllowed>"
USE = "<CSV><FileHeaderInfo>Use</FileHeaderInfo></CSV>"


class Frame(NamedTuple):
    kind: int
    payload: bytes


def frames(body: bytes) -> list[Frame]:
    found = []
    while body:
        head, length, checksum = struct.unpack_from(">III", body)
        payload, (crc,) = body[12 : 12 + length], struct.unpack_from(">I", body, 12 + length)
        assert head >> 24 == 1
        assert checksum == 0
        assert crc == zlib.crc32(payload)
        found.append(Frame(head & 0xFFFFFF, payload))
        body = body[16 + length :]
    return found


def end_of(answer: Answer) -> tuple[int, int, int, bytes]:
    last = frames(answer.body)[-1]
    assert last.kind == 8388613
    return *struct.unpack_from(">QQI", last.payload), last.payload[20:]


async def test_rows_come_in_frames(library: House) -> None:
    answer = await library.ask("POST", PATH, request("select name from ossobject where age > 40", USE, options=SKIP))
    assert answer.status == 206
    assert answer.headers["x-oss-select-output-raw"] == "false"
    data, _ = frames(answer.body)
    assert data.kind == 8388609
    assert data.payload == struct.pack(">Q", len(PEOPLE)) + b"John\n"
    assert end_of(answer) == (30, 30, 206, b".Skipped rows: 4 (1 in all).")


async def test_raw_rows_come_as_they_are(library: House) -> None:
    output = "<CSV><FieldDelimiter>fA==</FieldDelimiter></CSV><OutputRawData>True</OutputRawData>"
    answer = await library.ask("POST", PATH, request("select _2, _1 from ossobject limit 2", "<CSV/>", output))
    assert (answer.status, answer.body) == (206, b"age|name\n45|John\n")
    assert answer.headers["x-oss-select-output-raw"] == "true"


async def test_what_is_found_at_once_is_a_refusal_and_what_is_found_later_ends_the_frames(library: House) -> None:
    sql = "select name from ossobject where age > 0"
    assert (await library.ask("POST", PATH, request(sql, USE))).refusal == (400, "InvalidCsvLine")
    await library.put("/photos/people.csv", PEOPLE[:-6] + b"Ann,30\n" * 30_000 + b"Zoe,x\n")
    answer = await library.ask("POST", PATH, request(sql, USE))
    assert answer.status == 206
    scanned, _, status, message = end_of(answer)
    assert status == 400
    assert message.startswith(b"InvalidCsvLine.A row of the CSV object cannot be used. Row 30004")
    assert 131_072 <= scanned <= 210_040
    rows = b"".join(frame.payload[8:] for frame in frames(answer.body)[:-1])
    assert rows.startswith(b"John\nAnn\n")


async def test_raw_rows_that_cannot_go_on_are_broken_off(library: House) -> None:
    await library.put("/photos/people.csv", b"1\n" * 100_000 + b"x\n")
    asked = request("select _1 from ossobject where _1 > 0", output="<OutputRawData>true</OutputRawData>")
    with pytest.raises(Broken):
        await library.ask("POST", PATH, asked)


async def test_json_is_searched_too(library: House) -> None:
    await library.put("/photos/a.json", b'{"contacts":[{"n":"John"},{"n":"Ann"}]}')
    form = "<JSON><Type>DOCUMENT</Type></JSON>"
    answer = await library.ask(
        "POST",
        "/photos/a.json?x-oss-process=json/select",
        request("select * from ossobject.contacts[*] where n = 'Ann'", form),
    )
    assert frames(answer.body)[0].payload[8:] == b'{"n":"Ann"}\n'
    assert end_of(answer)[2:] == (206, b".")


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"", "MalformedXML"),
        (b"<SelectRequest><Whatever/></SelectRequest>", "MalformedXML"),
        (b"<SelectRequest/>", "InvalidSqlParameter"),
        (b"<SelectRequest><Expression>select</Expression></SelectRequest>", "InvalidSqlParameter"),
        (request("select"), "SqlSyntaxError"),
        (request(ALL, "<CSV><FieldDelimiter>LCw=</FieldDelimiter></CSV>"), "InvalidInputFieldDelimiter"),
        (request(ALL, "<CSV><RecordDelimiter>!</RecordDelimiter></CSV>"), "InvalidInputRecordDelimiter"),
        (request(ALL, "<CSV><QuoteCharacter>6ZW/</QuoteCharacter></CSV>"), "InvalidInputQuote"),
        (request(ALL, "<CSV><QuoteCharacter>LA==</QuoteCharacter></CSV>"), "InvalidInputFieldDelimiter"),
        (request(ALL, "<CSV><CommentCharacter>IyM=</CommentCharacter></CSV>"), "InvalidCommentCharacter"),
        (request(ALL, "<CSV><Range>lines=1-2</Range></CSV>"), "InvalidRange"),
        (request(ALL, "<CSV><Range>line-range=-2</Range></CSV>"), "InvalidRange"),
        (request(ALL, "<CSV><Range>line-range=3-2</Range></CSV>"), "InvalidRange"),
        (request(ALL, "<CompressionType>ZIP</CompressionType>"), "UnsupportedCompressionFormat"),
        (request(ALL, "<CompressionType>GZIP</CompressionType>"), "DecompressFailure"),
        (request(ALL, "<CSV><FileHeaderInfo>Maybe</FileHeaderInfo></CSV>"), "InvalidArgument"),
        (request(ALL, output="<CSV><FieldDelimiter>LCw=</FieldDelimiter></CSV>"), "InvalidOutputFieldDelimiter"),
        (request(ALL, output="<CSV><RecordDelimiter>LCws</RecordDelimiter></CSV>"), "InvalidOutputRecordDelimiter"),
        (request(ALL, options=SKIP.replace("1", "-1")), "InvalidMaxSkippedRecordsAllowed"),
        (
            request("select 1", output="<OutputRawData>true</OutputRawData><EnablePayloadCrc>true</EnablePayloadCrc>"),
            "InvalidOSSSelectParameters",
        ),
    ],
)  # fmt: skip
async def test_a_wrong_document_is_refused_by_oss_code(library: House, document: bytes, code: str) -> None:
    assert (await library.ask("POST", PATH, document)).refusal == (400, code)


async def test_other_refusals(library: House) -> None:
    asked = request("select * from ossobject")
    assert (await library.ask("POST", PATH.replace("people", "nobody"), asked)).refusal == (404, "NoSuchKey")
    assert (await library.ask("POST", PATH, asked, {"range": "bytes=0-9"})).refusal == (400, "NotImplemented")
    for kind in ("csv/filter", "image/resize", "video/select"):
        path = f"/photos/people.csv?x-oss-process={kind}"
        assert (await library.ask("POST", path, asked)).refusal == (400, "NotImplemented")
    json = request("select * from ossobject", "<JSON><Type>TREE</Type></JSON>")
    assert (await library.ask("POST", PATH.replace("csv/", "json/"), json)).refusal == (400, "InvalidArgument")


async def test_whoever_may_read_may_search(library: House) -> None:
    asked = request("select count(*) from ossobject")
    for by in (STRANGER, ANYBODY):
        assert (await library.ask("POST", PATH, asked, by=by)).refusal == (403, "AccessDenied")
    assert (await library.ask("PUT", "/photos/people.csv?acl", b"", {"x-oss-object-acl": "public-read"})).status == 200
    for by in (STRANGER, ANYBODY):
        assert frames((await library.ask("POST", PATH, asked, by=by)).body)[0].payload[8:] == b"4\n"


async def test_meta_counts_rows_columns_and_splits(library: House) -> None:
    path = "/photos/people.csv?x-oss-process=csv/meta"
    document = b"<CsvMetaRequest><InputSerialization><CSV/></InputSerialization></CsvMetaRequest>"
    answer = await library.ask("POST", path, document)
    assert answer.status == 200
    [frame] = frames(answer.body)
    assert frame.kind == 8388614
    assert struct.unpack(">QQIIQI", frame.payload[:36]) == (30, 30, 200, 1, 4, 2)
    await library.put("/photos/a.json", b'{"a":1}\n{"a":2}\n')
    path = "/photos/a.json?x-oss-process=json/meta"
    document = (
        b"<JsonMetaRequest><InputSerialization><JSON><Type>LINES</Type></JSON></InputSerialization></JsonMetaRequest>"
    )
    [frame] = frames((await library.ask("POST", path, document)).body)
    assert frame.kind == 8388615
    assert struct.unpack(">QQIIQ", frame.payload[:32]) == (16, 16, 200, 1, 2)
    document = document.replace(b"LINES", b"DOCUMENT")
    assert (await library.ask("POST", path, document)).refusal == (400, "InvalidArgument")


async def test_lines_are_chosen_by_number(library: House) -> None:
    form = "<CSV><Range>line-range=1-2</Range></CSV>"
    answer = await library.ask("POST", PATH, request("select _1 from ossobject", form))
    assert frames(answer.body)[0].payload[8:] == b"John\nAnn\n"

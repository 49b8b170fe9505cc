"""Checksums that are kept: said once, compared, and given back, of objects and of parts."""

from __future__ import annotations

from hashlib import md5

import pytest

from ..oss.house import Answer, House
from .asking import ask

ENABLED = {"x-amz-checksum-mode": "ENABLED"}
HELLO = {
    "crc32": "NhCmhg==",
    "crc32c": "mnG7TA==",
    "crc64nvme": "M3eFcAZSQlc=",
    "sha1": "qvTGHdzF6KLavt4PO0gs2a6pQ00=",
    "sha256": "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
}
PART = 100 * 1024  # the least of a part that isn't the last
FIRST, LAST = b"a" * PART, b"b" * 1000
# Of FIRST, of LAST, of both together, and the digest of both digests.
SUMS = {
    "crc32": ("8Jo9Kg==", "tgSiTw==", "gbwOXA==", "pyb6dw==-2"),
    "crc32c": ("phkymg==", "DAP9Ww==", "a59iqQ==", "XcoDvA==-2"),
    "crc64nvme": ("qpAlrNvJvg0=", "/uwNWkFeE8g=", "jNYwKbeMMN4=", ""),
    "sha1": ("TtcJsKPI3T09FNk+loDniWghZ8o=", "0YApFpkU60HAGMlXJHxdh1EnOXM=", "", "C54eoYSVRSQmdlz+QNH7JdIFgcU=-2"),
    "sha256": (
        "TD4eRitkKmIpvGnA6JVy7Gmzf7UwePlRLdgRQmJhBww=",
        "9vEY4SDlK+C9DP3yeUzRLAdobMhxI1rC8RRZN45tI1s=",
        "",
        "D8XWu+RX/0Dl8ebXs1ZX7ubyrGNvySe3re91+VEc5qc=-2",
    ),
}
KINDS = [
    (algorithm, kind, value)
    for algorithm, (_, _, whole, composite) in SUMS.items()
    for kind, value in (("FULL_OBJECT", whole), ("COMPOSITE", composite))
    if value
]


@pytest.fixture
async def house() -> House:
    return await House().with_bucket()


def sums_of(answer: Answer) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("x-amz-checksum-")}


@pytest.mark.parametrize("algorithm", HELLO)
async def test_what_was_said_of_an_object_is_given_back(house: House, algorithm: str) -> None:
    expected = {f"x-amz-checksum-{algorithm}": HELLO[algorithm], "x-amz-checksum-type": "FULL_OBJECT"}
    put = await ask(house, "PUT", "/photos/k", b"hello", {f"x-amz-checksum-{algorithm}": HELLO[algorithm]})
    assert (put.status, sums_of(put)) == (200, expected)
    for method in ("GET", "HEAD"):
        assert sums_of(await ask(house, method, "/photos/k", headers=ENABLED)) == expected
        assert sums_of(await ask(house, method, "/photos/k")) == {}
    answer = await ask(house, "GET", "/photos/k", headers={**ENABLED, "range": "bytes=0-2"})
    assert (answer.status, sums_of(answer)) == (206, {})
    shown = await attributes(house, "Checksum")
    assert shown.text(f"{{*}}Checksum/{{*}}Checksum{algorithm.upper()}") == HELLO[algorithm]
    assert shown.text("{*}Checksum/{*}ChecksumType") == "FULL_OBJECT"


async def attributes(house: House, names: str, key: str = "k", **headers: str) -> Answer:
    more = {f"x-amz-{name.replace('_', '-')}": value for name, value in headers.items()}
    return await ask(house, "GET", f"/photos/{key}?attributes", headers={"x-amz-object-attributes": names, **more})


async def test_an_object_of_the_other_dialect_has_none(house: House) -> None:
    await house.put("/photos/k", b"hello")
    assert sums_of(await ask(house, "GET", "/photos/k", headers=ENABLED)) == {}
    assert (await attributes(house, "Checksum,ETag")).xml.find("{*}Checksum") is None


async def test_a_write_of_the_other_dialect_takes_it_away(house: House) -> None:
    await ask(house, "PUT", "/photos/k", b"hello", {"x-amz-checksum-crc32": HELLO["crc32"]})
    await house.put("/photos/k", b"hello")
    assert sums_of(await ask(house, "GET", "/photos/k", headers=ENABLED)) == {}


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"x-amz-checksum-crc32": "NhCmhh=="}, "BadDigest"),
        ({"x-amz-checksum-crc32": "AAAAAA=="}, "BadDigest"),
        ({"x-amz-checksum-crc32": HELLO["sha1"]}, "InvalidRequest"),
        ({"x-amz-checksum-md5": "XUFAKrxLKna5cZ2REBfFkg=="}, "InvalidRequest"),
        ({"x-amz-checksum-crc32": HELLO["crc32"], "x-amz-checksum-sha1": HELLO["sha1"]}, "InvalidRequest"),
    ],
)
async def test_what_was_said_wrongly_stores_nothing(house: House, headers: dict[str, str], code: str) -> None:
    assert (await ask(house, "PUT", "/photos/k", b"hello", headers)).refusal == (400, code)
    assert (await house.ask("HEAD", "/photos/k")).status == 404


# --- uploads in parts ---


async def begin(house: House, headers: dict[str, str] | None = None) -> str:
    begun = await ask(house, "POST", "/photos/k?uploads", headers=headers)
    assert begun.status == 200
    return begun.text("{*}UploadId") or ""


async def put_part(
    house: House, upload_id: str, number: int, content: bytes, headers: dict[str, str] | None = None
) -> Answer:
    return await ask(house, "PUT", f"/photos/k?partNumber={number}&uploadId={upload_id}", content, headers)


def document(*parts: bytes, more: dict[int, str] | None = None) -> bytes:
    elements = [
        f"<Part><PartNumber>{number}</PartNumber><ETag>{md5(part, usedforsecurity=False).hexdigest()}</ETag>"
        f"{(more or {}).get(number, '')}</Part>"
        for number, part in enumerate(parts, 1)
    ]
    return f"<CompleteMultipartUpload>{''.join(elements)}</CompleteMultipartUpload>".encode()


async def complete(house: House, upload_id: str, body: bytes, headers: dict[str, str] | None = None) -> Answer:
    return await ask(house, "POST", f"/photos/k?uploadId={upload_id}", body, headers)


@pytest.mark.parametrize(("algorithm", "kind", "value"), KINDS)
async def test_an_object_has_what_follows_of_its_parts(house: House, algorithm: str, kind: str, value: str) -> None:
    name = f"x-amz-checksum-{algorithm}"
    wanted = {"x-amz-checksum-algorithm": algorithm.upper(), "x-amz-checksum-type": kind}
    begun = await ask(house, "POST", "/photos/k?uploads", headers=wanted)
    assert sums_of(begun) == wanted
    upload_id = begun.text("{*}UploadId") or ""
    for number, content in enumerate((FIRST, LAST), 1):
        sent = SUMS[algorithm][number - 1]
        assert sums_of(await put_part(house, upload_id, number, content, {name: sent})) == {name: sent}
    listed = await ask(house, "GET", f"/photos/k?uploadId={upload_id}")
    assert listed.texts(f"{{*}}Part/{{*}}Checksum{algorithm.upper()}") == list(SUMS[algorithm][:2])
    assert [listed.text("{*}ChecksumAlgorithm"), listed.text("{*}ChecksumType")] == [algorithm.upper(), kind]
    completed = await complete(house, upload_id, document(FIRST, LAST), {name: value})
    assert completed.text(f"{{*}}Checksum{algorithm.upper()}") == value
    assert completed.text("{*}ChecksumType") == kind
    expected = {name: value, "x-amz-checksum-type": kind}
    assert sums_of(await ask(house, "HEAD", "/photos/k", headers=ENABLED)) == expected
    part = await ask(house, "GET", "/photos/k?partNumber=2", headers=ENABLED)
    assert (part.status, part.body, part.headers[name]) == (206, LAST, SUMS[algorithm][1])


async def test_an_upload_that_said_nothing_keeps_what_its_parts_say(house: House) -> None:
    upload_id = await begin(house)
    for number, content in enumerate((FIRST, LAST), 1):
        await put_part(house, upload_id, number, content, {"x-amz-checksum-crc32": SUMS["crc32"][number - 1]})
    completed = await complete(house, upload_id, document(FIRST, LAST))
    assert [completed.text(f"{{*}}Checksum{name}") for name in ("CRC32", "Type")] == ["gbwOXA==", "FULL_OBJECT"]


async def test_parts_without_a_checksum_have_none_together(house: House) -> None:
    upload_id = await begin(house)
    await put_part(house, upload_id, 1, FIRST, {"x-amz-checksum-crc32": SUMS["crc32"][0]})
    await put_part(house, upload_id, 2, LAST)
    said = await complete(house, upload_id, document(FIRST, LAST), {"x-amz-checksum-crc32": "gbwOXA=="})
    assert said.refusal == (400, "InvalidRequest")
    completed = await complete(house, upload_id, document(FIRST, LAST))
    assert (completed.status, completed.text("{*}ChecksumType")) == (200, None)


@pytest.mark.parametrize("source", ["", "bytes=0-102399", "copied"])
async def test_a_part_gets_what_the_upload_wants_of_it(house: House, source: str) -> None:
    """Also one that came without it, or was copied."""
    upload_id = await begin(house, {"x-amz-checksum-algorithm": "SHA256"})
    if not source:
        answer = await put_part(house, upload_id, 1, FIRST)
        assert answer.headers["x-amz-checksum-sha256"] == SUMS["sha256"][0]
        return
    await house.put("/photos/source", FIRST)
    headers = {"x-amz-copy-source": "/photos/source"}
    if source != "copied":
        headers["x-amz-copy-source-range"] = source
    answer = await put_part(house, upload_id, 1, b"", headers)
    assert answer.text("{*}ChecksumSHA256") == SUMS["sha256"][0]


async def test_a_part_with_another_checksum_than_was_said_is_refused(house: House) -> None:
    upload_id = await begin(house, {"x-amz-checksum-algorithm": "SHA256"})
    answer = await put_part(house, upload_id, 1, FIRST, {"x-amz-checksum-crc32": SUMS["crc32"][0]})
    assert answer.refusal == (400, "InvalidRequest")
    assert (await ask(house, "GET", f"/photos/k?uploadId={upload_id}")).texts("{*}Part") == []


@pytest.mark.parametrize(
    ("of_part", "headers", "code"),
    [
        ("<ChecksumCRC32>tgSiTw==</ChecksumCRC32>", {}, "InvalidPart"),
        ("<ChecksumSHA1>TtcJsKPI3T09FNk+loDniWghZ8o=</ChecksumSHA1>", {}, "InvalidPart"),
        ("<ChecksumCRC32>zzz</ChecksumCRC32>", {}, "InvalidRequest"),
        ("", {"x-amz-checksum-crc32": "tgSiTw=="}, "BadDigest"),
        ("", {"x-amz-checksum-crc32": "zzz"}, "InvalidRequest"),
        ("", {"x-amz-checksum-crc32": "gbwOXA==-x"}, "InvalidRequest"),
        ("", {"x-amz-checksum-sha1": "TtcJsKPI3T09FNk+loDniWghZ8o="}, "InvalidRequest"),
        ("", {"x-amz-mp-object-size": "103399"}, "InvalidRequest"),
        ("", {"x-amz-mp-object-size": "many"}, "InvalidArgument"),
        ("<ChecksumCRC32>8Jo9Kg==</ChecksumCRC32>", {"x-amz-checksum-crc32": "gbwOXA=="}, ""),
        ("", {"x-amz-mp-object-size": "103400"}, ""),
    ],
)
async def test_what_is_said_of_an_upload_is_compared(
    house: House, of_part: str, headers: dict[str, str], code: str
) -> None:
    upload_id = await begin(house, {"x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-type": "FULL_OBJECT"})
    for number, content in enumerate((FIRST, LAST), 1):
        await put_part(house, upload_id, number, content)
    answer = await complete(house, upload_id, document(FIRST, LAST, more={1: of_part}), headers)
    if code:
        assert answer.refusal == (400, code)
        assert (await house.ask("HEAD", "/photos/k")).status == 404
    else:
        assert answer.status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"x-amz-checksum-algorithm": "CRC64NVME", "x-amz-checksum-type": "COMPOSITE"},
        {"x-amz-checksum-algorithm": "SHA256", "x-amz-checksum-type": "FULL_OBJECT"},
        {"x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-type": "HALF_OBJECT"},
        {"x-amz-checksum-algorithm": "MD5"},
        {"x-amz-checksum-type": "COMPOSITE"},
    ],
)
async def test_an_upload_of_an_impossible_kind_is_refused(house: House, headers: dict[str, str]) -> None:
    assert (await ask(house, "POST", "/photos/k?uploads", headers=headers)).refusal == (400, "InvalidRequest")


async def test_attributes_show_parts_in_pages(house: House) -> None:
    upload_id = await begin(house, {"x-amz-checksum-algorithm": "SHA256"})
    for number, content in enumerate((FIRST, FIRST, LAST), 1):
        await put_part(house, upload_id, number, content)
    await complete(house, upload_id, document(FIRST, FIRST, LAST))
    page = await attributes(house, "ObjectParts", max_parts="2")
    assert page.texts("{*}ObjectParts/{*}Part/{*}PartNumber") == ["1", "2"]
    names = ("PartsCount", "PartNumberMarker", "NextPartNumberMarker", "MaxParts", "IsTruncated")
    assert [page.text(f"{{*}}ObjectParts/{{*}}{name}") for name in names] == ["3", "0", "2", "2", "true"]
    page = await attributes(house, "ObjectParts", max_parts="2", part_number_marker="2")
    assert page.texts("{*}ObjectParts/{*}Part/{*}Size") == ["1000"]
    assert page.texts("{*}ObjectParts/{*}Part/{*}ChecksumSHA256") == [SUMS["sha256"][1]]
    assert page.text("{*}ObjectParts/{*}IsTruncated") == "false"
    assert (await attributes(house, "ObjectParts", max_parts="-1")).refusal == (400, "InvalidArgument")


# --- copies ---


async def test_a_copy_has_what_its_source_has_or_what_is_asked_for(house: House) -> None:
    await ask(house, "PUT", "/photos/source", b"hello", {"x-amz-checksum-crc32": HELLO["crc32"]})
    source = {"x-amz-copy-source": "/photos/source"}
    copied = await ask(house, "PUT", "/photos/k", headers=source)
    assert copied.text("{*}ChecksumCRC32") == HELLO["crc32"]
    copied = await ask(house, "PUT", "/photos/k", headers={**source, "x-amz-checksum-algorithm": "SHA256"})
    assert copied.text("{*}ChecksumSHA256") == HELLO["sha256"]
    answer = await ask(house, "GET", "/photos/k", headers=ENABLED)
    assert sums_of(answer) == {"x-amz-checksum-sha256": HELLO["sha256"], "x-amz-checksum-type": "FULL_OBJECT"}


async def test_an_object_gets_a_checksum_where_it_is_and_keeps_the_rest(house: House) -> None:
    await ask(house, "PUT", "/photos/k", FIRST, {"x-amz-meta-color": "red", "cache-control": "no-cache"})
    headers = {"x-amz-copy-source": "/photos/k", "x-amz-checksum-algorithm": "CRC64NVME"}
    assert (await ask(house, "PUT", "/photos/k", headers=headers)).status == 200
    answer = await ask(house, "HEAD", "/photos/k", headers=ENABLED)
    assert answer.headers["x-amz-checksum-crc64nvme"] == SUMS["crc64nvme"][0]
    assert (answer.headers["x-amz-meta-color"], answer.headers["cache-control"]) == ("red", "no-cache")


# --- parts of objects ---


async def make_parts(house: House, *contents: bytes, numbers: tuple[int, ...] = ()) -> None:
    upload_id = await begin(house)
    elements = b""
    for number, content in zip(numbers or range(1, len(contents) + 1), contents, strict=True):
        etag = (await put_part(house, upload_id, number, content)).headers["etag"]
        elements += f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>".encode()
    body = b"<CompleteMultipartUpload>" + elements + b"</CompleteMultipartUpload>"
    assert (await complete(house, upload_id, body)).status == 200


async def test_a_part_is_read_as_a_range(house: House) -> None:
    await make_parts(house, FIRST, LAST, numbers=(3, 7))
    answer = await ask(house, "GET", "/photos/k?partNumber=2")
    assert (answer.status, answer.body) == (206, LAST)
    named = ("content-range", "x-amz-mp-parts-count")
    assert [answer.headers[name] for name in named] == ["bytes 102400-103399/103400", "2"]
    answer = await ask(house, "HEAD", "/photos/k?partNumber=1")
    assert (answer.status, answer.announced) == (206, 102400)
    assert [answer.headers[name] for name in named] == ["bytes 0-102399/103400", "2"]
    assert "x-amz-mp-parts-count" not in (await ask(house, "GET", "/photos/k")).headers


async def test_an_object_in_one_piece_is_its_only_part(house: House) -> None:
    await house.put("/photos/k", b"hello")
    answer = await ask(house, "GET", "/photos/k?partNumber=1")
    assert (answer.status, answer.body, answer.headers["content-range"]) == (206, b"hello", "bytes 0-4/5")
    assert "x-amz-mp-parts-count" not in answer.headers
    await house.put("/photos/k", b"")
    for method in ("GET", "HEAD"):
        answer = await ask(house, method, "/photos/k?partNumber=1")
        assert (answer.status, answer.body) == (200, b"")


async def test_a_last_part_may_be_empty(house: House) -> None:
    await make_parts(house, FIRST, b"")
    answer = await ask(house, "GET", "/photos/k?partNumber=2")
    assert (answer.status, answer.body, answer.headers["x-amz-mp-parts-count"]) == (206, b"", "2")


@pytest.mark.parametrize(
    ("query", "headers", "status", "code"),
    [
        ("partNumber=3", {}, 416, "InvalidPartNumber"),
        ("partNumber=0", {}, 400, "InvalidArgument"),
        ("partNumber=10001", {}, 400, "InvalidArgument"),
        ("partNumber=one", {}, 400, "InvalidArgument"),
        ("partNumber=1", {"range": "bytes=0-1"}, 400, "InvalidRequest"),
        ("partNumber=1", {"if-match": "00000000000000000000000000000000"}, 412, "PreconditionFailed"),
    ],
)
async def test_parts_that_are_not_there_are_refused(
    house: House, query: str, headers: dict[str, str], status: int, code: str
) -> None:
    await make_parts(house, FIRST, LAST)
    assert (await ask(house, "GET", f"/photos/k?{query}", headers=headers)).refusal == (status, code)
    assert (await ask(house, "HEAD", f"/photos/k?{query}", headers=headers)).status == status


async def test_parts_stay_when_the_object_is_changed_and_go_when_it_is_replaced(house: House) -> None:
    await make_parts(house, FIRST, LAST)
    await house.ask("PUT", "/photos/k?acl", headers={"x-oss-object-acl": "public-read"})
    assert (await ask(house, "HEAD", "/photos/k?partNumber=1")).headers["x-amz-mp-parts-count"] == "2"
    await house.put("/photos/k", b"hello")
    assert (await ask(house, "GET", "/photos/k?partNumber=2")).refusal == (416, "InvalidPartNumber")


@pytest.mark.parametrize("address", ["/photos", "/photos?list-type=2", "/photos?versions"])
async def test_a_listing_says_which_checksum_there_is(house: House, address: str) -> None:
    await ask(house, "PUT", "/photos/a", b"hello", {"x-amz-checksum-sha256": HELLO["sha256"]})
    await ask(house, "PUT", "/photos/b", b"hello")
    item = "Version" if "versions" in address else "Contents"
    shown = await ask(house, "GET", address)
    names = ("Key", "ChecksumAlgorithm", "ChecksumType")
    assert [[each.findtext(f"{{*}}{name}") for name in names] for each in shown.xml.iterfind(f"{{*}}{item}")] == [
        ["a", "SHA256", "FULL_OBJECT"],
        ["b", None, None],
    ]
    assert HELLO["sha256"].encode() not in shown.body

"""What every write says to x-oss-forbid-overwrite, to plain conditions, and to those of a copy's source.

One table of all writes, so that none is left out: a new one is added to WRITES or to WITHOUT.
Source: OSS API reference, x-oss-forbid-overwrite; conditional headers; CopyObject, UploadPartCopy.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from itertools import product
from typing import Any, Final

import pytest

from coatcheck.access.actions import Action
from coatcheck.oss.table import ROWS, Level

from .house import Answer, House
from .test_post_object import a_form, post, signed

ETAG: Final = "5D41402ABC4B2A76B9719D911017C592"  # of "hello"
AT: Final = "Thu, 05 Mar 2026 07:08:09 GMT"
BEFORE: Final = "Thu, 05 Mar 2026 07:08:08 GMT"
AFTER: Final = "Thu, 05 Mar 2026 07:08:10 GMT"
CONDITIONS: Final = {"if-match": ETAG, "if-none-match": "*", "if-modified-since": BEFORE, "if-unmodified-since": AT}

Write = Callable[[House, str, Mapping[str, str]], Awaitable[Answer]]


async def begin(house: House, key: str, headers: Mapping[str, str] | None = None) -> str:
    return (await house.ask("POST", f"/photos/{key}?uploads", headers=headers)).text("UploadId") or ""


async def put_object(house: House, key: str, headers: Mapping[str, str]) -> Answer:
    return await house.ask("PUT", f"/photos/{key}", b"hello", headers)


async def copy_object(house: House, key: str, headers: Mapping[str, str]) -> Answer:
    return await house.ask("PUT", f"/photos/{key}", headers={"x-oss-copy-source": "/photos/source", **headers})


async def append_object(house: House, key: str, headers: Mapping[str, str]) -> Answer:
    return await house.ask("POST", f"/photos/{key}?append&position=0", b"hello", headers)


async def put_symlink(house: House, key: str, headers: Mapping[str, str]) -> Answer:
    return await house.ask("PUT", f"/photos/{key}?symlink", headers={"x-oss-symlink-target": "source", **headers})


async def post_object(house: House, key: str, headers: Mapping[str, str]) -> Answer:
    return await post(house, a_form(signed(key, fields=dict(headers))))


async def initiate_multipart_upload(house: House, key: str, headers: Mapping[str, str]) -> Answer:
    return await house.ask("POST", f"/photos/{key}?uploads", headers=headers)


async def complete_multipart_upload(house: House, key: str, headers: Mapping[str, str]) -> Answer:
    upload = await begin(house, key)
    await house.ask("PUT", f"/photos/{key}?partNumber=1&uploadId={upload}", b"hello")
    given = {"x-oss-complete-all": "yes", **headers}
    return await house.ask("POST", f"/photos/{key}?uploadId={upload}", headers=given)


WRITES: Final[dict[str, Write]] = {
    run.__name__: run
    for run in (
        put_object,
        copy_object,
        append_object,
        put_symlink,
        post_object,
        initiate_multipart_upload,
        complete_multipart_upload,
    )
}
# Parts take no object's place; a link of the last two kinds only changes what is there.
WITHOUT: Final = {"upload_part", "upload_part_copy"}

each_write = pytest.mark.parametrize("name", WRITES)


@pytest.fixture
async def house() -> House:
    house = await House().with_bucket()
    await house.put("/photos/source")
    return house


def test_every_write_is_here() -> None:
    named = {row.name for row in ROWS if row.action is Action.PUT_OBJECT and row.level is not Level.SERVICE}
    assert named == WRITES.keys() | WITHOUT


async def set_versioning(house: House, status: str) -> None:
    document = f"<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>".encode()
    assert (await house.ask("PUT", "/photos/?versioning", document)).status == 200


def succeeded(answer: Answer) -> bool:
    return answer.status in (200, 204)


@each_write
async def test_a_write_that_forbids_it_takes_no_objects_place(house: House, name: str) -> None:
    forbid = {"x-oss-forbid-overwrite": "true"}
    assert succeeded(await WRITES[name](house, "new", forbid))
    await house.put("/photos/there", b"there")
    before = house.contents()["objects"]
    refused = await WRITES[name](house, "there", forbid)
    assert refused.refusal == (409, "FileAlreadyExists")
    assert house.contents()["objects"] == before
    assert not house.store.unkept


@each_write
@pytest.mark.parametrize("text", ["yes", "", "1", "truth"])
async def test_it_is_true_or_false(house: House, name: str, text: str) -> None:
    refused = await WRITES[name](house, "new", {"x-oss-forbid-overwrite": text})
    assert refused.refusal == (400, "InvalidArgument")
    assert refused.text("EC") == "0017-00000279"
    assert "new" not in {key for objects in house.contents()["objects"].values() for key in objects}


@each_write
@pytest.mark.parametrize("text", ["true", "TRUE"])
@pytest.mark.parametrize("status", ["Enabled", "Suspended"])
async def test_it_has_no_effect_where_versions_are_kept(house: House, name: str, status: str, text: str) -> None:
    await set_versioning(house, status)
    if name == "append_object":  # an append never takes another kind of object's place
        assert succeeded(await WRITES[name](house, "there", {}))
        again = await house.ask("POST", "/photos/there?append&position=5", b"x", {"x-oss-forbid-overwrite": text})
        assert again.status == 200
        return
    await house.put("/photos/there", b"there")
    assert succeeded(await WRITES[name](house, "there", {"x-oss-forbid-overwrite": text}))


@each_write
async def test_of_two_at_once_one_is_refused_by_the_commit(house: House, name: str, monkeypatch: Any) -> None:
    """What was looked at before is another time's: here it sees nothing, and the commit still does."""
    forbid = {"x-oss-forbid-overwrite": "true"}
    if name == "initiate_multipart_upload":
        upload = await begin(house, "there", forbid)
        await house.ask("PUT", f"/photos/there?partNumber=1&uploadId={upload}", b"hello")
        await house.put("/photos/there", b"there")
        done = {"x-oss-complete-all": "yes", **forbid}
        answer = await house.ask("POST", f"/photos/there?uploadId={upload}", headers=done)
        assert answer.refusal == (409, "FileAlreadyExists")
        assert answer.text("EC") == "0042-00000214"
        return
    await house.put("/photos/there", b"there")

    async def nothing_seen(*_: Any, **__: Any) -> None:
        return None

    for room in ("object_put", "post_object"):
        monkeypatch.setattr(f"coatcheck.oss.{room}.check_writable", nothing_seen)
    for room in ("copy", "symlink"):
        monkeypatch.setattr(f"coatcheck.operations.{room}.check_writable", nothing_seen)
    monkeypatch.setattr("coatcheck.operations.multipart.check_overwrite", nothing_seen)
    before = house.contents()["objects"]
    answer = await WRITES[name](house, "there", forbid)
    assert answer.refusal == (409, "FileAlreadyExists")
    assert house.contents()["objects"] == before
    assert not house.store.unkept


@pytest.mark.parametrize("name", sorted(WRITES.keys() - {"post_object"}))  # a form has no such field
@pytest.mark.parametrize("condition", CONDITIONS)
async def test_plain_conditions_are_refused_and_of_copies_ignored(house: House, name: str, condition: str) -> None:
    before = house.contents()["objects"]
    answer = await WRITES[name](house, "new", {condition: CONDITIONS[condition]})
    if name == "copy_object":
        assert answer.status == 200
    else:
        assert answer.refusal == (400, "NotImplemented")
        assert house.contents()["objects"] == before


@pytest.mark.parametrize("condition", CONDITIONS)
async def test_a_part_takes_no_conditions(house: House, condition: str) -> None:
    upload = await begin(house, "parts")
    headers = {condition: CONDITIONS[condition]}
    answer = await house.ask("PUT", f"/photos/parts?partNumber=1&uploadId={upload}", b"hello", headers)
    assert answer.refusal == (400, "NotImplemented")


# --- the source of a copy -------------------------------------------------------------------------------------------

MATCHING: Final = {"": None, f'"{ETAG}"': True, ETAG.lower(): True, "*": True, f'"x", "{ETAG}"': True, "other": False}
NEWER: Final = {"": None, BEFORE: True, AT: False, AFTER: False, "2026-03-05T07:08:08.000Z": True, "nonsense": None}


def expected(match: bool | None, none_match: bool | None, unmodified: bool | None, modified: bool | None) -> str:
    """What the documents say, and RFC 9110 where they don't: an ETag overrules the date of its pair."""
    if match is False or (match is None and unmodified is False):
        return "failed"
    if none_match is False or (none_match is None and modified is False):
        return "unmodified"
    return "copied"


def cases() -> list[tuple[dict[str, str], str]]:
    found = []
    for match, none_match, unmodified, modified in product(MATCHING, MATCHING, NEWER, NEWER):
        headers = {
            "if-match": match,
            "if-none-match": none_match,
            "if-unmodified-since": unmodified,
            "if-modified-since": modified,
        }
        same, newer = MATCHING[none_match], NEWER[unmodified]
        outcome = expected(
            MATCHING[match],
            None if same is None else not same,
            None if newer is None else not newer,
            NEWER[modified],
        )
        found.append(({f"x-oss-copy-source-{name}": value for name, value in headers.items() if value}, outcome))
    return found


async def test_each_combination_of_conditions_of_a_copy(house: House) -> None:
    statuses = {"copied": 200, "failed": 412, "unmodified": 304}
    for headers, outcome in cases():
        answer = await copy_object(house, "copy", headers)
        assert answer.status == statuses[outcome], headers
        if outcome == "failed":
            assert answer.refusal == (412, "PreconditionFailed")
        if outcome == "unmodified":
            assert (answer.body, answer.headers["etag"]) == (b"", f'"{ETAG}"')


async def test_each_combination_of_conditions_of_a_copied_part(house: House) -> None:
    upload = await begin(house, "parts")
    for headers, outcome in cases():
        given = {"x-oss-copy-source": "/photos/source", **headers}
        answer = await house.ask("PUT", f"/photos/parts?partNumber=1&uploadId={upload}", headers=given)
        assert answer.status == (200 if outcome == "copied" else 412), headers
        if outcome != "copied":
            assert answer.refusal == (412, "PreconditionFailed")


async def test_a_condition_that_fails_leaves_no_trace(house: House) -> None:
    upload = await begin(house, "parts")
    before = house.contents()
    for name, value in (("if-match", "x"), ("if-none-match", ETAG), ("if-unmodified-since", BEFORE)):
        given = {"x-oss-copy-source": "/photos/source", f"x-oss-copy-source-{name}": value}
        await house.ask("PUT", "/photos/copy", headers=given)
        await house.ask("PUT", f"/photos/parts?partNumber=1&uploadId={upload}", headers=given)
    assert house.contents() == before


async def test_conditions_and_forbidding_hold_together(house: House) -> None:
    await house.put("/photos/there", b"there")
    both = {"x-oss-forbid-overwrite": "true", "x-oss-copy-source-if-match": ETAG}
    assert (await copy_object(house, "there", both)).refusal == (409, "FileAlreadyExists")
    assert (await copy_object(house, "new", both)).status == 200
    both["x-oss-copy-source-if-match"] = "other"
    assert (await copy_object(house, "newer", both)).refusal == (412, "PreconditionFailed")


async def test_conditions_are_of_the_version_that_is_named(house: House) -> None:
    await set_versioning(house, "Enabled")
    old = (await house.put("/photos/two", b"old")).headers["x-oss-version-id"]
    etag = (await house.ask("HEAD", "/photos/two")).headers["etag"]
    await house.put("/photos/two", b"new")
    given = {"x-oss-copy-source-if-match": etag}
    source = {"x-oss-copy-source": "/photos/two", **given}
    assert (await house.ask("PUT", "/photos/copy", headers=source)).refusal == (412, "PreconditionFailed")
    source["x-oss-copy-source"] += f"?versionId={old}"
    assert (await house.ask("PUT", "/photos/copy", headers=source)).status == 200

"""kill -9 in the middle of multipart uploads, appends, copies and versioned deletes: whole operations on real files."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import coatcheck
from coatcheck.engines.local import open_local, prepare_local
from coatcheck.engines.upkeep.check import check as problems_of

from ..audit import audit
from ..oss.house import House
from ..patience import wait_until
from ..s3.asking import ask as ask_s3
from ..s3.keys import ONE, TWO, customer_key
from ..soak import count
from ..tickets import desk
from .operating_process import PART_BYTES, PIECE_BYTES, PIECES, a_house, parts_of, pattern, pieces_of

KILLS = count(60)
OBJECT_WORM = b"<ObjectWormConfiguration><ObjectWormEnabled>Enabled</ObjectWormEnabled></ObjectWormConfiguration>"
ENABLED = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"


def make_buckets(data: Path) -> None:
    async def make() -> None:
        with open_local(data) as engines:
            house = await a_house(engines).with_bucket()
            await house.with_bucket("versions")
            await house.with_bucket("held")
            for name in ("versions", "held"):
                assert (await house.ask("PUT", f"/{name}/?versioning", ENABLED)).status == 200
            (data.parent / "box").write_text(json.dumps(await desk.make(house, prefix="in", box={"dated": False})))
            assert (await house.ask("PUT", "/held/?objectWorm", OBJECT_WORM)).status == 200

    asyncio.run(make())


def operate_until_killed(data: Path, seed: int) -> list[str]:
    """What the process said; a line that was cut short is left out."""
    said = data.parent / "said"
    root = Path(__file__).parents[2]
    paths = os.pathsep.join((str(Path(coatcheck.__file__).parents[1]), str(root)))
    with said.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.engines.operating_process", str(data), str(seed)],
            stdout=out,
            cwd=root,
            env={**os.environ, "PYTHONPATH": paths},
        )
    enough = random.Random(seed).randint(400, 8_000)  # bytes; the first 400 have an answer among them
    wait_until(lambda: said.stat().st_size >= enough or process.poll() is not None)
    process.kill()
    process.wait()
    return said.read_text().rpartition("\n")[0].splitlines()


class Promises:
    """How often each step of each key was begun, and answered."""

    def __init__(self, lines: list[str]) -> None:
        steps = [(line[0], *line[2:].split()) for line in lines if line[0] in "+="]
        self.begun = Counter((step, key) for kind, step, key in steps if kind == "+")
        self.done = Counter((step, key) for kind, step, key in steps if kind == "=")
        self.keys = sorted({key for _, _, key in steps})

    def of(self, kind: str) -> list[str]:
        return [key for key in self.keys if key.startswith(kind)]


@pytest.mark.live
@pytest.mark.soak(KILLS)
@pytest.mark.parametrize("seed", range(KILLS))
def test_what_was_answered_survives_kill_9(data: Path, seed: int) -> None:
    make_buckets(data)
    promised = Promises(operate_until_killed(data, seed))
    assert promised.done
    prepare_local(data).close()
    assert audit(data).clean
    assert list(problems_of(data)) == []

    async def check() -> None:
        with open_local(data) as engines:
            house = a_house(engines)
            listed = (await house.ask("GET", "/photos/?max-keys=1000")).texts("Contents/Key")
            for key in promised.of("multipart"):
                await check_multipart(house, promised, key, key in listed)
            for key in promised.of("append"):
                await check_append(house, promised, key)
            for key in promised.of("copy"):
                await check_copy(house, promised, key, listed)
            for key in promised.of("rekeyed"):
                await check_rekeyed(house, promised, key)
            for key in promised.of("versions"):
                await check_versions(house, promised, key)
            for key in promised.of("held"):
                await check_held(house, promised, key)
            await check_boxes(house, promised, json.loads((data.parent / "box").read_text()))
            await abort_what_is_open(house)

    asyncio.run(check())
    assert audit(data).clean
    assert list(problems_of(data)) == []


async def check_multipart(house: House, promised: Promises, key: str, listed: bool) -> None:
    if promised.done["complete", key]:
        assert listed
    if listed:
        assert promised.begun["complete", key]
        assert (await house.ask("GET", f"/photos/{key}")).body == b"".join(parts_of(key))
    open_uploads = (await house.ask("GET", f"/photos/?uploads&prefix={key}")).texts("Upload/UploadId")
    if promised.done["complete", key] or promised.done["abort", key]:
        assert not open_uploads
    elif promised.done["initiate", key] and not promised.begun["complete", key] and not promised.begun["abort", key]:
        parts = await house.ask("GET", f"/photos/{key}?uploadId={open_uploads[0]}")
        assert promised.done["part", key] <= len(parts.texts("Part/Size")) <= promised.begun["part", key]


async def check_boxes(house: House, promised: Promises, box: dict[str, Any]) -> None:
    """A file is where its owner last put it, once; what waits still is what came."""
    waiting = Counter(each.file_name for each in await house.arrivals.list_arrivals(box["id"], most=10_000))
    stored = await names_in(house)
    for key in promised.of("box"):
        assert waiting[key] + stored[key] <= 1
        accepted, refused = promised.begun["accept", key], promised.begun["refuse", key]
        if promised.done["sent", key] and not accepted and not refused:
            assert (waiting[key], stored[key]) == (1, 0)
        if promised.done["accept", key]:
            assert stored[key] == 1
        if promised.done["refuse", key]:
            assert waiting[key] + stored[key] == 0
        assert not stored[key] or accepted
    taken = await house.arrivals.find_taken(box["id"])
    assert sum(promised.done["sent", key] for key in promised.of("box")) <= taken.files
    ids = [arrival.id for arrival in await house.arrivals.list_arrivals(box["id"], most=100)]
    if ids:
        _, said = await desk.call(house, "POST", f"tickets/{box['id']}/arrivals", {"ids": ids})
        assert [each["error"] for each in said["arrivals"]] == [None] * len(ids)
    assert await names_in(house) == stored + waiting


async def names_in(house: House) -> Counter[str]:
    found: Counter[str] = Counter()
    for key in (await house.ask("GET", "/photos/?prefix=in/&max-keys=1000")).texts("Contents/Key"):
        name = key.partition("-")[2]
        found[name] += 1
        assert (await house.ask("GET", f"/photos/{key}")).body == pattern(name, PART_BYTES)
    return found


async def check_append(house: House, promised: Promises, key: str) -> None:
    got = await house.ask("GET", f"/photos/{key}")
    content = got.body if got.status == 200 else b""
    assert promised.done["append", key] * PIECE_BYTES <= len(content) <= promised.begun["append", key] * PIECE_BYTES
    assert len(content) % PIECE_BYTES == 0
    assert b"".join(pieces_of(key)[:PIECES]).startswith(content)


async def check_copy(house: House, promised: Promises, key: str, listed: list[str]) -> None:
    for step, name in (("copy", key), ("source", f"{key}-source")):
        if promised.done[step, key] and not (step == "source" and promised.begun["unsource", key]):
            assert name in listed
        if name in listed:
            assert (await house.ask("GET", f"/photos/{name}")).body == pattern(key, PART_BYTES)
    if promised.done["unsource", key]:
        assert f"{key}-source" not in listed


async def check_rekeyed(house: House, promised: Promises, key: str) -> None:
    """One key opens it, and never the other one."""
    answers = [await ask_s3(house, "GET", f"/photos/{key}", headers=customer_key(one)) for one in (ONE, TWO)]
    found = [answer.status for answer in answers]
    assert found in ([200, 403], [403, 200], [404, 404])
    assert all(answer.body == pattern(key, PART_BYTES) for answer in answers if answer.status == 200)
    if promised.done["locked", key]:
        assert found != [404, 404]
    if promised.done["rekeyed", key]:
        assert found == [403, 200]
    if not promised.begun["rekeyed", key]:
        assert found != [403, 200]


async def check_versions(house: House, promised: Promises, key: str) -> None:
    answer = await house.ask("GET", f"/versions/?versions&prefix={key}")
    expected = {"first": pattern(f"{key} first", PART_BYTES), "second": pattern(f"{key} second", 100)}
    contents = [
        (await house.ask("GET", f"/versions/{key}?versionId={version_id}")).body
        for version_id in answer.texts("Version/VersionId")
    ]
    for step, content in expected.items():
        assert contents.count(content) <= 1
        if promised.done[step, key] and not (step == "first" and promised.begun["unfirst", key]):
            assert content in contents
        if content in contents:
            assert promised.begun[step, key]
    if promised.done["unfirst", key]:
        assert expected["first"] not in contents
    markers = len(answer.texts("DeleteMarker/VersionId"))
    assert promised.done["marker", key] <= markers <= promised.begun["marker", key]


async def check_held(house: House, promised: Promises, key: str) -> None:
    """A retention and a hold are there if that was answered, and not if nobody asked for it; the version with them."""
    listed = (await house.ask("GET", f"/held/?versions&prefix={key}")).texts("Version/VersionId")
    assert promised.done["kept", key] <= len(listed) <= promised.begun["kept", key]
    for version_id in listed:
        one = f"/held/{key}?versionId={version_id}"
        got = await house.ask("GET", one)
        assert got.body == pattern(key, PART_BYTES)
        retained, on = "x-oss-object-worm-mode" in got.headers, "x-oss-object-worm-legal-hold" in got.headers
        assert promised.done["retain", key] <= retained <= promised.begun["retain", key]
        if promised.done["hold", key] and not promised.begun["lift", key]:
            assert on
        if promised.done["lift", key] or not promised.begun["hold", key]:
            assert not on
        if retained or on:
            assert (await house.ask("DELETE", one)).refusal == (409, "FileImmutable")
            assert (await house.ask("DELETE", "/held/")).refusal == (409, "BucketNotEmpty")


async def abort_what_is_open(house: House) -> None:
    """Then nothing may be left of them either."""
    uploads = await house.ask("GET", "/photos/?uploads")
    for key, upload_id in zip(uploads.texts("Upload/Key"), uploads.texts("Upload/UploadId"), strict=True):
        assert (await house.ask("DELETE", f"/photos/{key}?uploadId={upload_id}")).status == 204

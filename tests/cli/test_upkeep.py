"""`quota`, `backup`, `restore`, `check` and `scrub` as a person or a program meets them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from coatcheck.engines.local import open_local, prepare_local
from coatcheck.ports.quota import OverQuota

from ..ports.catalog_contract import a_bucket, an_object
from .conftest import call


@pytest.fixture(autouse=True)
def place(work: Path) -> Path:
    """A data directory with an object of 5 bytes in the owner's bucket "photos"."""
    place = work / "coatcheck-data"
    prepare_local(place).close()

    async def fill() -> None:
        with open_local(place) as engines:
            owner = await engines.keyring.root_account()
            bucket = await engines.catalog.create_bucket(a_bucket(owner=owner), most=9)
            await engines.catalog.put_object(bucket.bucket_id, an_object("a.txt", b"123456789", crc64=MEANT))

    asyncio.run(fill())
    return place


MEANT = 0x995DC9BBDF1939FA  # the CRC-64 of "123456789"


async def put(place: Path, key: str, body: bytes) -> None:
    with open_local(place) as engines:
        bucket = await engines.catalog.find_bucket("photos")
        assert bucket is not None
        await engines.catalog.put_object(bucket.bucket_id, an_object(key, body))


def test_a_bucket_s_quota_is_set_shown_and_lifted(place: Path) -> None:
    done = call("quota", "set", "--bucket", "photos", "--bytes", "10", "--objects", "2")
    assert (done.exit_code, done.stdout) == (0, "bucket photos: 9 of 10 bytes, 1 of 2 objects\n")
    with pytest.raises(OverQuota):
        asyncio.run(put(place, "b.txt", b"12"))
    done = call("quota", "set", "--bucket", "photos", "--bytes", "2KiB", "--json")
    assert json.loads(done.stdout) == {
        "bucket": "photos",
        "quota_bytes": 2048,
        "quota_objects": 2,
        "bytes": 9,
        "objects": 1,
    }
    asyncio.run(put(place, "b.txt", b"12"))
    call("quota", "set", "--bucket", "photos", "--bytes", "none", "--objects", "none")
    done = call("quota", "show", "--bucket", "photos")
    assert done.stdout == "bucket photos: 11 of any number of bytes, 2 of any number of objects\n"


def test_an_account_s_quota_holds_for_all_its_buckets(place: Path) -> None:
    done = call("quota", "set", "--account", "root", "--objects", "1", "--json")
    assert {**json.loads(done.stdout), "account": ""} == {
        "account": "",
        "quota_bytes": None,
        "quota_objects": 1,
        "bytes": 9,
        "objects": 1,
    }
    with pytest.raises(OverQuota):
        asyncio.run(put(place, "b.txt", b""))
    assert call("quota", "show").stdout.endswith(": 9 of any number of bytes, 1 of 1 objects\n")


@pytest.mark.parametrize(
    "words",
    [
        ["--bytes", "1"],
        ["--bucket", "photos", "--account", "root", "--bytes", "1"],
        ["--bucket", "photos"],
        ["--bucket", "photos", "--bytes", "-1"],
        ["--bucket", "photos", "--bytes", "1GB"],
        ["--bucket", "photos", "--bytes", "\u0661"],
        ["--bucket", "photos", "--bytes", "9" * 30],
        ["--bucket", "photos", "--objects", "1KiB"],
    ],
)
def test_what_is_no_quota_is_refused_in_one_line(words: list[str]) -> None:
    refused = call("quota", "set", *words)
    assert (refused.exit_code, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)


def test_a_quota_of_what_is_not_there_is_not_found() -> None:
    assert call("quota", "set", "--bucket", "nothing", "--bytes", "1").exit_code == 3
    assert call("quota", "set", "--account", "nobody", "--bytes", "1").exit_code == 3


def test_there_and_back(work: Path, place: Path) -> None:
    (work / "coatcheck.toml").write_text('region = ["cn-beijing"]\n')
    done = call("backup", str(work / "backup"))
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Backed up to {work / 'backup'}: 0 blobs copied (0 B), 0 linked, 0 there already; ")
    done = call("restore", str(work / "backup"), "--data", str(work / "new"))
    assert done.exit_code == 0
    assert f"The server's settings were put into {work / 'new' / 'settings'};" in done.stdout
    assert (work / "new" / "settings" / "coatcheck.toml").read_text() == 'region = ["cn-beijing"]\n'
    assert (call("check", "--data", str(work / "new")).exit_code, call("check").stdout) == (0, "")
    done = call("scrub", "--data", str(work / "new"), "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"checked_bytes": 9, "problems": 0})
    refused = call("restore", str(work / "backup"), "--data", str(work / "new"))
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    (work / "backup" / "manifest.jsonl").unlink()
    refused = call("restore", str(work / "backup"), "--data", str(work / "another"), "--json")
    assert (refused.exit_code, json.loads(refused.stderr)["error"]["code"]) == (1, "NoBackup")


def test_a_backup_has_a_url_and_its_keys_are_never_part_of_it(work: Path) -> None:
    backup = f"file://{work / 'backup'}"
    done = call("backup", backup, "--json")
    assert (done.exit_code, json.loads(done.stdout)["backup"]) == (0, backup)
    assert call("restore", backup, "--data", str(work / "new")).exit_code == 0
    assert call("check", "--data", str(work / "new")).stdout == ""
    for url in ("s3://key:secret@bucket/prefix", "s3://bucket/prefix?access_key=key", "s3://", "://bucket"):
        refused = call("backup", url)
        assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1), refused.stderr
        assert "keys come from AWS_* variables or --credentials" in refused.stderr
        assert "secret@" not in refused.stderr
    refused = call("backup", "nothing://bucket/prefix")
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert "nothing://bucket/prefix names no object store that can be used" in refused.stderr
    assert not (work / "nothing:").exists()


def test_problems_are_lines_or_objects_and_an_exit_code(place: Path) -> None:
    stray = place / "blobs" / "ab" / f"{'ab' * 15}a0"
    stray.parent.mkdir()
    stray.write_bytes(b"x")
    found = call("check")
    assert (found.exit_code, found.stdout) == (5, f"orphan blob {stray.name}: no row names its file\n")
    found = call("scrub", "--json")
    assert found.exit_code == 5
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    assert lines == [
        {"problem": "orphan", "what": f"blob {stray.name}", "why": "no row names its file", "objects": []},
        {"checked_bytes": 9, "problems": 1},
    ]

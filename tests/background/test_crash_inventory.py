"""kill -9 while an inventory is written: in the finished list each object is, once."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from coatcheck.configurations.inventory import KIND, Inventory, Target, to_json
from coatcheck.core.author import Author
from coatcheck.engines.local import LocalEngines, open_local, prepare_local
from coatcheck.ports.bucket import NewBucket
from coatcheck.ports.identities import StoredPolicy
from coatcheck.ports.keyring import Role

from ..audit import audit
from ..ports.catalog_contract import an_object
from ..server_process import clean_environment
from ..soak import count
from .test_acting import a_policy, a_trust

pytestmark = pytest.mark.live

SCRIPT = Path(__file__).parent / "listing_process.py"
KILLS = count(60)
NOW = 1_772_694_489
OBJECTS = 900
ROLE_UID = "301234567890123456"


async def a_bucket(engines: LocalEngines, name: str, account: str) -> int:
    new = NewBucket(name, account, "cn-hangzhou", "private", "Standard", "LRS", 0)
    return (await engines.catalog.create_bucket(new, most=9)).bucket_id


async def fill(data: Path) -> int:
    """A bucket of many objects with an inventory; the id of the one that the list goes to."""
    with open_local(data) as engines:
        account = await engines.keyring.root_account()
        identities = engines.identities
        await identities.put_role(Role(ROLE_UID, account, "writer", a_trust(Service="oss.aliyuncs.com")), replace=False)
        await identities.put_policy(StoredPolicy(account, "writes", a_policy("oss:PutObject")), replace=False)
        await identities.attach(account, "writes", role="writer")
        source, target = await a_bucket(engines, "photos", account), await a_bucket(engines, "lists", account)
        for number in range(OBJECTS):
            await engines.catalog.put_object(source, an_object(f"k{number:05}", crc64=11177612005948864433))
        where = Target("lists", account, f"acs:ram::{account}:role/writer")
        inventory = Inventory("one", True, "Current", "Once", where, author=Author(account, at=1))
        await engines.catalog.change_entry(source, KIND, "one", lambda _: to_json(inventory), most=1)
    return target


async def read(engines: LocalEngines, bucket_id: int, key: str) -> bytes:
    record = await engines.catalog.find_object(bucket_id, key)
    assert record is not None
    assert record.body is not None
    return record.body


@pytest.mark.soak(KILLS)
async def test_each_object_is_listed_once_however_often_it_is_killed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    prepare_local(data).close()
    target = await fill(data)
    words = [sys.executable, str(SCRIPT), str(data), str(NOW)]
    for seed in range(KILLS):
        with subprocess.Popen(words, env=clean_environment(), stdout=subprocess.PIPE, text=True) as run:
            assert run.stdout is not None
            for _ in range(random.Random(seed).randint(1, 8)):
                run.stdout.readline()
            run.kill()
        prepare_local(data).close()  # recovery
    last = subprocess.run(words, env=clean_environment(), stdout=subprocess.PIPE, text=True, check=True)
    assert last.stdout.splitlines()[-1] in ("done 1", "done 0")  # 0: it was finished before the last kill
    with open_local(data) as engines:
        manifest = json.loads(await read(engines, target, "photos/one/2026-03-05T07-08Z/manifest.json"))
        keys: list[str] = []
        for file in manifest["files"]:
            rows = csv.reader(io.StringIO(gzip.decompress(await read(engines, target, file["key"])).decode()))
            keys += [key for _, key in rows]
    assert keys == [f"k{number:05}" for number in range(OBJECTS)]
    assert len(manifest["files"]) > KILLS // 2
    assert audit(data).clean

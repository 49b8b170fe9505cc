"""A process that runs whole operations on a data directory and says on stdout what it has been promised.

Run as `python operating_process.py DATA SEED`; it goes on until it is killed. Every line is "+ WHAT" before a request
and "= WHAT" when it was answered with success. What is stored follows from the name of its key.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import sys
from itertools import count
from pathlib import Path
from typing import Any

from coatcheck.engines.local import LocalEngines, open_local
from tests.oss.house import Answer, House
from tests.s3.asking import ask as ask_s3
from tests.s3.keys import ONE, TWO, customer_key, source_key
from tests.tickets.desk import call, use

PART_BYTES = 102_400
PIECE_BYTES = 30_000
PARTS = 3
PIECES = 5
UNTIL = "2099-01-01T00:00:00.000Z"
RETENTION = f"<Retention><Mode>COMPLIANCE</Mode><RetainUntilDate>{UNTIL}</RetainUntilDate></Retention>".encode()
SHORTER = RETENTION.replace(b"2099", b"2098")


def pattern(name: str, size: int) -> bytes:
    digest = hashlib.sha256(name.encode()).digest()
    return (digest * (size // len(digest) + 1))[:size]


def parts_of(key: str) -> list[bytes]:
    return [pattern(f"{key} part {number}", PART_BYTES) for number in range(PARTS)]


def pieces_of(key: str) -> list[bytes]:
    return [pattern(f"{key} piece {number}", PIECE_BYTES) for number in range(PIECES)]


def a_house(engines: LocalEngines) -> House:
    """The gateway, on engines that last."""
    catalog: Any = engines.catalog  # the house is made for the memory engines; it needs nothing but the ports
    store: Any = engines.byte_store
    options = {"sse_c_over_http": True}
    return House(
        catalog, store, options=options, arrivals=engines.arrivals, links=engines.links, tickets=engines.tickets
    )


class Told:
    """Says before and after each request."""

    def __init__(self, house: House, data: Path) -> None:
        self._house = self.house = house
        self.data = data

    async def ask(self, what: str, method: str, address: str, body: bytes = b"", **headers: str) -> Answer:
        say("+", what)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self._house.ask(method, address, body, named)
        assert answer.status < 300, answer.body
        say("=", what)
        return answer

    async def ask_s3(self, what: str, address: str, body: bytes, headers: dict[str, str]) -> None:
        say("+", what)
        answer = await ask_s3(self._house, "PUT", address, body, headers)
        assert answer.status < 300, answer.body
        say("=", what)

    async def ask_in_vain(self, method: str, address: str, body: bytes = b"", **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        assert (await self._house.ask(method, address, body, named)).refusal == (409, "FileImmutable")


def say(kind: str, what: str) -> None:
    sys.stdout.write(f"{kind} {what}\n")
    sys.stdout.flush()


async def multipart(told: Told, key: str, chance: random.Random) -> None:
    begun = await told.ask(f"initiate {key}", "POST", f"/photos/{key}?uploads")
    upload_id = begun.text("UploadId")
    for number, part in enumerate(parts_of(key), 1):
        address = f"/photos/{key}?partNumber={number}&uploadId={upload_id}"
        await told.ask(f"part {key}", "PUT", address, part)
    address = f"/photos/{key}?uploadId={upload_id}"
    if chance.random() < 0.2:
        await told.ask(f"abort {key}", "DELETE", address)
    else:
        await told.ask(f"complete {key}", "POST", address, x_oss_complete_all="yes")


async def append(told: Told, key: str, chance: random.Random) -> None:
    for number, piece in enumerate(pieces_of(key)):
        address = f"/photos/{key}?append&position={number * PIECE_BYTES}"
        await told.ask(f"append {key}", "POST", address, piece)


async def copy(told: Told, key: str, chance: random.Random) -> None:
    """The source goes as soon as its bytes have another name."""
    await told.ask(f"source {key}", "PUT", f"/photos/{key}-source", pattern(key, PART_BYTES))
    await told.ask(f"copy {key}", "PUT", f"/photos/{key}", x_oss_copy_source=f"/photos/{key}-source")
    await told.ask(f"unsource {key}", "DELETE", f"/photos/{key}-source")


async def rekeyed(told: Told, key: str, chance: random.Random) -> None:
    """The key that a client keeps is exchanged: new bytes take the place of the old ones."""
    await told.ask_s3(f"locked {key}", f"/photos/{key}", pattern(key, PART_BYTES), customer_key(ONE))
    onto_itself = {"x-amz-copy-source": f"/photos/{key}", **source_key(ONE), **customer_key(TWO)}
    await told.ask_s3(f"rekeyed {key}", f"/photos/{key}", b"", onto_itself)


async def versions(told: Told, key: str, chance: random.Random) -> None:
    first = await told.ask(f"first {key}", "PUT", f"/versions/{key}", pattern(f"{key} first", PART_BYTES))
    await told.ask(f"second {key}", "PUT", f"/versions/{key}", pattern(f"{key} second", 100))
    await told.ask(f"marker {key}", "DELETE", f"/versions/{key}")
    if chance.random() < 0.5:
        version_id = first.headers["x-oss-version-id"]
        await told.ask(f"unfirst {key}", "DELETE", f"/versions/{key}?versionId={version_id}")


async def held(told: Told, key: str, chance: random.Random) -> None:
    """What was promised to stay is then attacked in every way."""
    put = await told.ask(f"kept {key}", "PUT", f"/held/{key}", pattern(key, PART_BYTES))
    one = f"/held/{key}?versionId={put.headers['x-oss-version-id']}"
    await told.ask(f"retain {key}", "PUT", f"{one}&retention", RETENTION)
    await told.ask(f"hold {key}", "PUT", f"{one}&legalHold", b"<LegalHold><Status>ON</Status></LegalHold>")
    await told.ask_in_vain("DELETE", one)
    await told.ask_in_vain("PUT", f"{one}&retention", SHORTER, x_oss_bypass_governance_retention="true")
    await told.ask(f"lift {key}", "PUT", f"{one}&legalHold", b"<LegalHold><Status>OFF</Status></LegalHold>")
    await told.ask_in_vain("DELETE", one, x_oss_bypass_governance_retention="true")


async def box(told: Told, key: str, chance: random.Random) -> None:
    """A stranger leaves a file; then its owner accepts or refuses it, or lets it wait."""
    house, made = told.house, json.loads((told.data.parent / "box").read_text())
    content = pattern(key, PART_BYTES)
    say("+", f"sent {key}")
    if chance.random() < 0.5:
        sent = await use(house, made["url"], f"/{key}", "PUT", body=content)
    else:
        begun = await use(house, made["url"], f"/?upload&name={key}&size={PART_BYTES}", "POST")
        upload = json.loads(begun.body)["id"]
        sent = await use(house, made["url"], f"/?upload={upload}&at=0", "PUT", body=content)
    assert sent.status < 300, sent.body
    say("=", f"sent {key}")
    waiting = await house.arrivals.list_arrivals(made["id"], most=10_000)
    (mine,) = (arrival.id for arrival in waiting if arrival.file_name == key)
    what = chance.choice(("accept", "refuse", ""))
    if what:
        say("+", f"{what} {key}")
        _, said = await call(
            house, "POST", f"tickets/{made['id']}/arrivals", {"ids": [mine], "refuse": what == "refuse"}
        )
        assert said["arrivals"][0]["error"] is None
        say("=", f"{what} {key}")


KINDS = {
    "box": box,
    "multipart": multipart,
    "append": append,
    "copy": copy,
    "rekeyed": rekeyed,
    "versions": versions,
    "held": held,
}


async def operate(data: Path, seed: int) -> None:
    chance = random.Random(seed)
    numbers = count()
    with open_local(data) as engines:
        told = Told(a_house(engines), data)
        say("#", "open")

        async def work() -> None:
            for number in numbers:
                kind = chance.choice(list(KINDS))
                await KINDS[kind](told, f"{kind}-{number:05d}", chance)

        await asyncio.gather(*(work() for _ in range(6)))


if __name__ == "__main__":
    asyncio.run(operate(Path(sys.argv[1]), int(sys.argv[2])))

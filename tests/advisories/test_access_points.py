"""A second way into a bucket is no wider than both who own it and who opened it said."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from ..oss.house import ANYBODY, OWNER, REGION, STRANGER, House
from .crafting import HOME, a_house, set_policy

_ARN: Final = f"acs:oss:{REGION}:{HOME}:accesspoint/way"
_NAMED: Final = {"x-oss-access-point-name": "way"}
_THROUGH: Final = {"StringEquals": {"oss:DataAccessPointArn": _ARN}}


async def a_way(house: House, *resources: str) -> str:
    """The alias of a point whose policy allows everybody everything on those objects."""
    document = "<AccessPointName>way</AccessPointName><NetworkOrigin>internet</NetworkOrigin>"
    root = "CreateAccessPointConfiguration"
    made = await house.ask("PUT", "/photos/?accessPoint", f"<{root}>{document}</{root}>".encode())
    statement: Mapping[str, Any] = {
        "Effect": "Allow",
        "Principal": ["*"],
        "Action": ["oss:*"],
        "Resource": [_ARN, *(f"{_ARN}/object/{resource}" for resource in resources or ("*",))],
    }
    policy = json.dumps({"Version": "1", "Statement": [statement]}).encode()
    put = await house.ask("PUT", "/photos/?accessPointPolicy", policy, _NAMED)
    assert (made.status, put.status) == (200, 200)
    return made.text("Alias") or ""


async def test_a_point_gives_nothing_that_the_bucket_did_not_delegate() -> None:
    house = await a_house(acl="public-read-write")
    alias = await a_way(house)
    for by in (OWNER, STRANGER):
        assert (await house.ask("GET", f"/{alias}/secret.txt", by=by)).refusal == (403, "AccessDenied")
        assert (await house.ask("PUT", f"/{alias}/new", b"x", by=by)).refusal == (403, "AccessDenied")
    await set_policy(house, {"Action": ["oss:GetObject"], "Condition": _THROUGH})
    assert (await house.ask("GET", f"/{alias}/secret.txt", by=STRANGER)).body == b"a secret"
    assert (await house.ask("PUT", f"/{alias}/new", b"x", by=STRANGER)).refusal == (403, "AccessDenied")


async def test_a_point_lets_in_nobody_who_does_not_sign() -> None:
    house = await a_house(acl="public-read-write")
    alias = await a_way(house)
    await set_policy(house, {"Action": ["oss:*"], "Condition": _THROUGH})
    assert (await house.ask("GET", f"/{alias}/secret.txt", by=STRANGER)).status == 200
    assert (await house.ask("GET", f"/{alias}/secret.txt", by=ANYBODY)).refusal == (403, "AccessDenied")
    assert (await house.ask("PUT", f"/{alias}/new", b"x", by=ANYBODY)).refusal == (403, "AccessDenied")


async def test_a_point_configures_nothing() -> None:
    house = await a_house()
    alias = await a_way(house)
    await set_policy(house, {"Action": ["oss:*"], "Condition": _THROUGH})
    before = house.contents()
    for method, address in (("DELETE", "?policy"), ("PUT", "?acl"), ("GET", "?bucketInfo"), ("DELETE", "")):
        headers = {"x-oss-acl": "public-read"}
        answer = await house.ask(method, f"/{alias}/{address}", headers=headers, by=STRANGER)
        assert answer.refusal == (400, "OperationNotSupported")
    assert house.contents() == before


async def test_a_copy_reads_by_the_name_it_is_given() -> None:
    house = await a_house()
    alias = await a_way(house, "in/*")
    await set_policy(house, {"Action": ["oss:*"], "Condition": _THROUGH})
    await house.put("/photos/in/a.txt")
    for source, status in ((f"{alias}/in/a.txt", 200), ("photos/in/a.txt", 403), (f"{alias}/secret.txt", 403)):
        copied = {"x-oss-copy-source": f"/{source}"}
        assert (await house.ask("PUT", f"/{alias}/in/b.txt", headers=copied, by=STRANGER)).status == status

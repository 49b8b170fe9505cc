"""Data redundancy transitions: a label that changes at once, and the task that tells of it."""

from __future__ import annotations

import pytest

from .house import STRANGER, House

CREATE = "/photos/?redundancyTransition&x-oss-target-redundancy-type=ZRS"


async def redundancy(house: House) -> str | None:
    return (await house.ask("GET", "/photos/?bucketInfo")).text("Bucket/DataRedundancyType")


async def begin(house: House, bucket: str = "photos") -> str:
    answer = await house.ask("POST", CREATE.replace("photos", bucket))
    assert (answer.status, answer.xml.tag) == (200, "BucketDataRedundancyTransition")
    task_id = answer.text("TaskId")
    assert task_id
    return task_id


def of_task(task_id: str) -> str:
    return f"/photos/?redundancyTransition&x-oss-redundancy-transition-taskid={task_id}"


async def test_a_bucket_becomes_zone_redundant_at_once_and_the_task_is_finished() -> None:
    house = await House().with_bucket()
    assert await redundancy(house) == "LRS"
    task_id = await begin(house)
    assert await redundancy(house) == "ZRS"
    answer = await house.ask("GET", of_task(task_id))
    assert (answer.status, answer.xml.tag) == (200, "BucketDataRedundancyTransition")
    assert {element.tag: element.text for element in answer.xml} == {
        "Bucket": "photos",
        "TaskId": task_id,
        "Status": "Finished",
        "CreateTime": "2026-03-05T07:08:09.000Z",
        "StartTime": "2026-03-05T07:08:09.000Z",
        "ProcessPercentage": "100",
        "EstimatedRemainingTime": "0",
        "EndTime": "2026-03-05T07:08:09.000Z",
    }


@pytest.mark.parametrize("target", ["", "LRS", "zrs", "GRS"])
async def test_there_is_no_other_way_to_go(target: str) -> None:
    house = await House().with_bucket()
    answer = await house.ask("POST", f"/photos/?redundancyTransition&x-oss-target-redundancy-type={target}")
    assert answer.refusal == (400, "InvalidArgument")
    assert answer.text("ArgumentName") == "x-oss-target-redundancy-type"
    assert await redundancy(house) == "LRS"


async def test_a_bucket_that_is_there_already_has_nowhere_to_go() -> None:
    house = await House().with_bucket()
    task_id = await begin(house)
    assert (await house.ask("POST", CREATE)).refusal == (400, "InvalidArgument")
    assert (await house.ask("GET", of_task(task_id))).status == 200


async def test_a_task_is_deleted_and_what_it_did_stays() -> None:
    house = await House().with_bucket()
    task_id = await begin(house)
    assert (await house.ask("DELETE", of_task("another"))).status == 204
    assert (await house.ask("GET", of_task(task_id))).status == 200
    assert (await house.ask("DELETE", of_task(task_id))).status == 204
    assert (await house.ask("DELETE", of_task(task_id))).status == 204
    refused = await house.ask("GET", of_task(task_id))
    assert (refused.refusal, refused.text("TaskId")) == ((404, "NoSuchDataRedundancyTransition"), task_id)
    assert await redundancy(house) == "ZRS"


async def test_a_buckets_tasks_are_listed() -> None:
    house = await House().with_bucket()
    empty = await house.ask("GET", "/photos/?redundancyTransition")
    assert (empty.status, empty.xml.tag, empty.text("IsTruncated")) == (
        *(200, "ListBucketDataRedundancyTransition", "false"),
    )
    assert empty.texts("BucketDataRedundancyTransition") == []
    task_id = await begin(house)
    answer = await house.ask("GET", "/photos/?redundancyTransition")
    assert answer.texts("BucketDataRedundancyTransition/TaskId") == [task_id]


async def test_an_accounts_tasks_are_listed_in_pages() -> None:
    house = House()
    for name in ("aaa", "bbb", "ccc", "ddd"):
        await house.with_bucket(name)
        if name != "bbb":
            await begin(house, name)
    theirs = await house.ask("PUT", "/theirs/", by=STRANGER)
    assert theirs.status == 200
    assert (await house.ask("POST", CREATE.replace("photos", "theirs"), by=STRANGER)).status == 200
    path = "BucketDataRedundancyTransition/Bucket"
    whole = await house.ask("GET", "/?redundancyTransition")
    assert (whole.texts(path), whole.text("IsTruncated")) == (["aaa", "ccc", "ddd"], "false")
    first = await house.ask("GET", "/?redundancyTransition&max-keys=2")
    assert (first.texts(path), first.text("IsTruncated")) == (["aaa", "ccc"], "true")
    token = first.text("NextContinuationToken")
    second = await house.ask("GET", f"/?redundancyTransition&max-keys=2&continuation-token={token}")
    assert (second.texts(path), second.text("IsTruncated")) == (["ddd"], "false")


async def test_strangers_may_neither_begin_nor_look() -> None:
    house = await House().with_bucket()
    task_id = await begin(house)
    for method, address in (("POST", CREATE), ("GET", of_task(task_id)), ("DELETE", of_task(task_id))):
        assert (await house.ask(method, address, by=STRANGER)).refusal == (403, "AccessDenied")

"""Callbacks that a bucket keeps under names, and uploads that ask for them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from .house import House
from .test_callback import URL, a_callback, a_house, encoded
from .test_post_object import a_form, post, signed

OTHER = "http://other.example.com/done"
PLACE = "/photos/?policy&comp=callback"


def an_item(name: str, callback: str, variables: str = "") -> str:
    return (
        f"<PolicyItem><PolicyName>{name}</PolicyName><Callback>{callback}</Callback>"
        f"<CallbackVar>{variables}</CallbackVar></PolicyItem>"
    )


def a_document(*items: str) -> bytes:
    return f"<BucketCallbackPolicy>{''.join(items)}</BucketCallbackPolicy>".encode()


TWO = a_document(
    an_item("first", a_callback()),
    an_item(
        "second", encoded({"callbackUrl": OTHER, "callbackBody": "${x:who} ${x:where}"}), encoded({"x:who": "ann"})
    ),
)


async def test_what_was_put_comes_back() -> None:
    house, _ = await a_house()
    assert (await house.ask("PUT", PLACE, TWO)).status == 200
    answer = await house.ask("GET", PLACE)
    assert (answer.status, answer.xml.tag) == (200, "BucketCallbackPolicy")
    assert answer.texts("PolicyItem/PolicyName") == ["first", "second"]
    assert json.loads(base64.b64decode(answer.texts("PolicyItem/Callback")[0]))["callbackUrl"] == URL
    assert answer.texts("PolicyItem/CallbackVar") == ["", encoded({"x:who": "ann"})]


async def test_it_is_dropped_and_the_bucket_policy_is_another_document() -> None:
    house, _ = await a_house()
    statement = {"Effect": "Deny", "Principal": "*", "Action": "oss:PutObject", "Resource": "acs:oss:*:*:photos/no"}
    policy = json.dumps({"Version": "1", "Statement": [statement]}).encode()
    assert (await house.ask("PUT", "/photos/?policy", policy)).status == 200
    assert (await house.ask("GET", PLACE)).refusal == (404, "NoSuchCallbackPolicy")
    await house.ask("PUT", PLACE, TWO)
    assert (await house.ask("DELETE", PLACE)).status == 204
    assert (await house.ask("DELETE", PLACE)).status == 204
    assert (await house.ask("GET", PLACE)).refusal == (404, "NoSuchCallbackPolicy")
    assert (await house.ask("GET", "/photos/?policy")).body == policy


@pytest.mark.parametrize(
    ("asked", "variables", "url", "body"),
    [
        ("first", None, URL, b"bucket=photos&object=a.txt"),
        ("second", None, OTHER, b"ann "),
        ("second", {"x:where": "here"}, OTHER, b"ann here"),
        ("second", {"x:who": "bob"}, OTHER, b"bob "),
    ],
)
async def test_an_upload_asks_for_a_callback_by_its_name(
    asked: str, variables: dict[str, str] | None, url: str, body: bytes
) -> None:
    house, application = await a_house()
    await house.ask("PUT", PLACE, TWO)
    headers = {"x-oss-callback": encoded({"callbackPolicy": asked})}
    if variables is not None:
        headers["x-oss-callback-var"] = encoded(variables)
    answer = await house.ask("PUT", "/photos/a.txt", b"hello", headers)
    assert (answer.status, answer.body) == (200, b'{"Status":"OK"}')
    (notice,) = application.heard
    assert (notice.url, notice.body) == (url, body)


async def test_a_form_and_a_completed_upload_ask_for_it_too() -> None:
    house, application = await a_house()
    await house.ask("PUT", PLACE, TWO)
    by_name = encoded({"callbackPolicy": "second"})
    assert (await post(house, a_form({**signed(), "callback": by_name, "x:where": "there"}))).status == 200
    begun = await house.ask("POST", "/photos/big?uploads")
    address = f"/photos/big?uploadId={begun.text('UploadId')}"
    await house.put(f"{address}&partNumber=1")
    headers = {"x-oss-callback": by_name, "x-oss-complete-all": "yes"}
    assert (await house.ask("POST", address, headers=headers)).status == 200
    assert [notice.body for notice in application.heard] == [b"ann there", b"ann "]


@pytest.mark.parametrize("name", ["third", "", 1, None, ["first"]])
@pytest.mark.parametrize("kept", [True, False])
async def test_a_name_that_is_none_stores_nothing(name: Any, kept: bool) -> None:
    house, application = await a_house()
    if kept:
        await house.ask("PUT", PLACE, TWO)
    headers = {"x-oss-callback": encoded({"callbackPolicy": name})}
    answer = await house.ask("PUT", "/photos/a.txt", b"hello", headers)
    assert answer.refusal == (400, "InvalidArgument")
    assert answer.text("Message") == "The callback policy does not exist."
    assert (await house.ask("GET", "/photos/a.txt")).status == 404
    assert application.heard == []


async def test_where_a_callback_may_go_is_judged_when_it_is_asked_for() -> None:
    house, application = await a_house()
    inside = encoded({"callbackUrl": "http://127.0.0.1/", "callbackBody": "x"})
    assert (await house.ask("PUT", PLACE, a_document(an_item("inside", inside)))).status == 200
    headers = {"x-oss-callback": encoded({"callbackPolicy": "inside"})}
    answer = await house.ask("PUT", "/photos/a.txt", b"hello", headers)
    assert answer.text("Message") == "Private address is forbidden to callback."
    assert application.heard == []


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"", "MalformedXML"),
        (a_document(), "MalformedXML"),
        (a_document("<PolicyItem/>"), "MalformedXML"),
        (a_document(an_item("", a_callback())), "MalformedXML"),
        (a_document(an_item("a", "")), "MalformedXML"),
        (a_document(an_item("a</PolicyName><PolicyName>b", a_callback())), "MalformedXML"),
        (a_document(*(an_item(str(number), a_callback()) for number in range(600))), "MalformedXML"),
        (a_document(an_item("a", a_callback()), an_item("a", a_callback())), "InvalidArgument"),
        (a_document(an_item("a" * 65, a_callback())), "InvalidArgument"),
        (a_document(an_item("a", "not base64!")), "InvalidArgument"),
        (a_document(an_item("a", encoded([1]))), "InvalidArgument"),
        (a_document(an_item("a", encoded({"callbackBody": "x"}))), "InvalidArgument"),
        (a_document(an_item("a", encoded({"callbackUrl": URL}))), "InvalidArgument"),
        (a_document(an_item("a", a_callback(callbackPolicy="b"))), "InvalidArgument"),
        (a_document(an_item("a", a_callback(more="x" * 5000))), "InvalidArgument"),
        (a_document(an_item("a", a_callback(), encoded({"who": 1}))), "InvalidArgument"),
        (a_document(an_item("a", a_callback(), "?")), "InvalidArgument"),
    ],
)
async def test_a_document_that_is_none_is_refused(document: bytes, code: str) -> None:
    house = await House().with_bucket()
    assert (await house.ask("PUT", PLACE, document)).refusal == (400, code)
    assert (await house.ask("GET", PLACE)).status == 404

"""Writes and deletes that mean one object: a lock is taken by one, and let go of by its holder alone."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import md5

import pytest

from coatcheck.ports.keyring import AccessKey

from ..oss.house import OWNER, STRANGER, Answer, House, together
from .asking import ask

HELLO = '"5d41402abc4b2a76b9719d911017c592"'
OTHER = '"00000000000000000000000000000000"'


@pytest.fixture
async def house() -> House:
    house = await House().with_bucket()
    await house.put("/photos/k", b"hello")
    return house


async def body_of(house: House, key: str = "k") -> bytes:
    return (await house.ask("GET", f"/photos/{key}")).body


@pytest.mark.parametrize("named", [HELLO, HELLO.upper(), HELLO.strip('"'), "*"])
async def test_a_write_takes_the_place_of_the_object_that_it_names(house: House, named: str) -> None:
    assert (await ask(house, "PUT", "/photos/k", b"next", {"if-match": named})).status == 200
    assert await body_of(house) == b"next"


@pytest.mark.parametrize("headers", [{}, {"x-amz-copy-source": "/photos/source"}])
async def test_a_write_that_names_another_object_is_refused(house: House, headers: dict[str, str]) -> None:
    await house.put("/photos/source", b"next")
    for named in (OTHER, "", f"W/{HELLO}", f"{OTHER}, {HELLO}"):
        answer = await ask(house, "PUT", "/photos/k", b"next", {"if-match": named, **headers})
        assert answer.refusal == (412, "PreconditionFailed")
        assert answer.text("Condition") == "If-Match"
    assert await body_of(house) == b"hello"


@pytest.mark.parametrize("named", [HELLO, "*"])
async def test_a_write_that_names_an_object_where_there_is_none_is_refused(house: House, named: str) -> None:
    answer = await ask(house, "PUT", "/photos/none", b"next", {"if-match": named})
    assert answer.refusal == (404, "NoSuchKey")
    assert (await house.ask("GET", "/photos/none")).status == 404


async def test_both_conditions_at_once_are_refused(house: House) -> None:
    answer = await ask(house, "PUT", "/photos/k", b"next", {"if-match": HELLO, "if-none-match": "*"})
    assert answer.refusal == (400, "InvalidArgument")


async def test_of_two_writers_with_the_same_condition_one_wins(house: House) -> None:
    answers = await together(
        ask(house, "PUT", "/photos/k", b"one", {"if-match": HELLO}),
        ask(house, "PUT", "/photos/k", b"two", {"if-match": HELLO}),
    )
    assert sorted(answer.status for answer in answers) == [200, 412]
    winner = b"one" if answers[0].status == 200 else b"two"
    assert await body_of(house) == winner


async def test_of_two_who_take_a_lock_one_gets_it_and_lets_it_go(house: House) -> None:
    answers = await together(
        ask(house, "PUT", "/photos/lock", b"one", {"if-none-match": "*"}),
        ask(house, "PUT", "/photos/lock", b"two", {"if-none-match": "*"}),
    )
    assert sorted(answer.status for answer in answers) == [200, 412]
    winner = next(answer for answer in answers if answer.status == 200)
    assert (await ask(house, "DELETE", "/photos/lock", headers={"if-match": OTHER})).status == 412
    assert (await ask(house, "DELETE", "/photos/lock", headers={"if-match": winner.headers["etag"]})).status == 204
    assert (await house.ask("GET", "/photos/lock")).status == 404


async def upload(house: House, key: str) -> tuple[str, bytes]:
    """An upload of one part, and the document that completes it."""
    begun = await ask(house, "POST", f"/photos/{key}?uploads")
    upload_id = begun.text("{*}UploadId") or ""
    await ask(house, "PUT", f"/photos/{key}?partNumber=1&uploadId={upload_id}", b"parts")
    etag = md5(b"parts", usedforsecurity=False).hexdigest()
    part = f"<Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>"
    return upload_id, f"<CompleteMultipartUpload>{part}</CompleteMultipartUpload>".encode()


async def test_an_upload_completes_in_place_of_the_object_that_it_names(house: House) -> None:
    upload_id, document = await upload(house, "k")
    address = f"/photos/k?uploadId={upload_id}"
    for headers in ({"if-match": OTHER}, {"if-none-match": "*"}):
        assert (await ask(house, "POST", address, document, headers)).refusal == (412, "PreconditionFailed")
    assert await body_of(house) == b"hello"
    assert (await ask(house, "POST", address, document, {"if-match": HELLO})).status == 200
    assert await body_of(house) == b"parts"


async def test_an_upload_that_names_an_object_where_there_is_none_stays_open(house: House) -> None:
    upload_id, document = await upload(house, "none")
    address = f"/photos/none?uploadId={upload_id}"
    assert (await ask(house, "POST", address, document, {"if-match": HELLO})).refusal == (404, "NoSuchKey")
    assert (await ask(house, "POST", address, document, {"if-none-match": "*"})).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"if-match": OTHER},
        {"if-match": HELLO, "x-amz-if-match-size": "4"},
        {"x-amz-if-match-last-modified-time": "Thu, 01 Jan 1970 00:00:00 GMT"},
    ],
)
async def test_a_delete_leaves_another_object_than_it_names(house: House, headers: dict[str, str]) -> None:
    assert (await ask(house, "DELETE", "/photos/k", headers=headers)).refusal == (412, "PreconditionFailed")
    assert await body_of(house) == b"hello"


async def test_a_delete_takes_what_it_names_and_doesnt_mind_nothing(house: House) -> None:
    modified = (await house.ask("HEAD", "/photos/k")).headers["last-modified"]
    headers = {"if-match": HELLO, "x-amz-if-match-size": "5", "x-amz-if-match-last-modified-time": modified}
    assert (await ask(house, "DELETE", "/photos/k", headers=headers)).status == 204
    assert (await house.ask("GET", "/photos/k")).status == 404
    assert (await ask(house, "DELETE", "/photos/k", headers=headers)).status == 204


@pytest.mark.parametrize("headers", [{"x-amz-if-match-size": "-1"}, {"x-amz-if-match-last-modified-time": "yesterday"}])
async def test_a_condition_that_cannot_be_read_is_refused(house: House, headers: dict[str, str]) -> None:
    assert (await ask(house, "DELETE", "/photos/k", headers=headers)).refusal == (400, "InvalidArgument")


async def test_each_of_many_deletes_has_its_own_conditions(house: House) -> None:
    for key in ("a", "b", "c"):
        await house.put(f"/photos/{key}", b"hello")
    modified = (await house.ask("HEAD", "/photos/b")).headers["last-modified"]
    document = f"""<Delete>
        <Object><Key>a</Key><ETag>{HELLO}</ETag><Size>5</Size></Object>
        <Object><Key>b</Key><LastModifiedTime>{modified}</LastModifiedTime></Object>
        <Object><Key>c</Key><ETag>{OTHER}</ETag></Object>
        <Object><Key>none</Key><ETag>{OTHER}</ETag></Object>
    </Delete>""".encode()
    answer = await delete_many(house, document)
    assert answer.texts("{*}Deleted/{*}Key") == ["a", "b", "none"]
    assert [answer.texts(f"{{*}}Error/{{*}}{name}") for name in ("Key", "Code")] == [["c"], ["PreconditionFailed"]]
    assert await body_of(house, "c") == b"hello"


async def delete_many(house: House, document: bytes, *, by: AccessKey = OWNER) -> Answer:
    digest = b64encode(md5(document, usedforsecurity=False).digest()).decode()
    return await ask(house, "POST", "/photos?delete", document, {"content-md5": digest}, by=by)


def allowing(*actions: str, resource: str = "photos/*") -> bytes:
    """A policy by which a stranger may do these."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{STRANGER.account}:root"},
        "Action": list(actions),
        "Resource": f"arn:aws:s3:::{resource}",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}).encode()


@pytest.mark.parametrize("named", [HELLO, OTHER])
async def test_who_may_write_and_not_read_is_not_told_which_object_is_there(house: House, named: str) -> None:
    assert (await ask(house, "PUT", "/photos?policy", allowing("s3:PutObject"))).status == 204
    upload_id = (await ask(house, "POST", "/photos/k?uploads", by=STRANGER)).text("{*}UploadId")
    part = await ask(house, "PUT", f"/photos/k?partNumber=1&uploadId={upload_id}", b"next", by=STRANGER)
    listed = f"<Part><PartNumber>1</PartNumber><ETag>{part.headers['etag']}</ETag></Part>"
    whole = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()
    for method, address, body in (("PUT", "/photos/k", b"next"), ("POST", f"/photos/k?uploadId={upload_id}", whole)):
        refused = await ask(house, method, address, body, {"if-match": named}, by=STRANGER)
        assert refused.refusal == (403, "AccessDenied")
    assert await body_of(house) == b"hello"
    assert (await ask(house, "PUT", "/photos?policy", allowing("s3:PutObject", "s3:GetObject"))).status == 204
    answer = await ask(house, "POST", f"/photos/k?uploadId={upload_id}", whole, {"if-match": named}, by=STRANGER)
    assert answer.status == (200 if named == HELLO else 412)


async def test_what_may_not_be_deleted_is_an_error_of_its_own(house: House) -> None:
    for key in ("a/1", "b/1", "a/2"):
        await house.put(f"/photos/{key}", b"hello")
    assert (await ask(house, "PUT", "/photos?policy", allowing("s3:DeleteObject", resource="photos/a/*"))).status == 204
    keys = ("b/1", "a/1", "b/none", "a/2", "a/none")
    objects = "".join(f"<Object><Key>{key}</Key></Object>" for key in keys)
    for quiet, deleted in (("true", []), ("false", ["a/1", "a/2", "a/none"])):
        document = f"<Delete><Quiet>{quiet}</Quiet>{objects}</Delete>".encode()
        answer = await delete_many(house, document, by=STRANGER)
        assert answer.status == 200
        assert answer.texts("{*}Deleted/{*}Key") == deleted
        assert answer.texts("{*}Error/{*}Key") == ["b/1", "b/none"]
        assert answer.texts("{*}Error/{*}Code") == ["AccessDenied", "AccessDenied"]
    assert (await house.ask("GET", "/photos/")).texts("Contents/Key") == ["b/1", "k"]
    only_others = b"<Delete><Object><Key>b/1</Key></Object></Delete>"
    assert (await delete_many(house, only_others, by=STRANGER)).texts("{*}Error/{*}Key") == ["b/1"]
    # In OSS one refusal refuses all.
    assert (await house.ask("POST", "/photos/?delete", document, by=STRANGER)).refusal == (403, "AccessDenied")
    # Who may delete nothing here is refused before the keys are looked at.
    assert (await ask(house, "DELETE", "/photos?policy")).status == 204
    assert (await delete_many(house, document, by=STRANGER)).refusal == (403, "AccessDenied")

"""Each fault as two official SDKs see it, with what they try again counted: oss2 never does, v2 up to three times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import alibabacloud_oss_v2 as v2
import oss2
import pytest
import requests

from coatcheck.testing import Oss, Refused

pytestmark = pytest.mark.live

CONTENT: Final = b"0123456789" * 1000
BUCKET: Final = "photos"


class Sdk(NamedTuple):
    """What an SDK does with an object, and how often it asks before it gives up on what may pass."""

    put: Callable[[str, bytes], Any]
    get: Callable[[str], bytes]
    tries: int


def of_oss2(oss: Oss) -> Sdk:
    bucket = oss.oss2(BUCKET)
    return Sdk(bucket.put_object, lambda key: bucket.get_object(key).read(), 1)


def of_v2(oss: Oss) -> Sdk:
    client = oss.v2(retry_max_attempts=3)

    def put(key: str, body: bytes) -> None:
        client.put_object(v2.PutObjectRequest(bucket=BUCKET, key=key, body=body))

    def get(key: str) -> bytes:
        body: bytes = client.get_object(v2.GetObjectRequest(bucket=BUCKET, key=key)).body.read()
        return body

    return Sdk(put, get, 3)


@pytest.fixture(params=[of_oss2, of_v2])
def sdk(request: pytest.FixtureRequest, oss: Oss) -> Sdk:
    oss.bucket(BUCKET).put("there", CONTENT)
    oss.requests.clear()
    made: Sdk = request.param(oss)
    return made


def code_of(error: BaseException) -> str:
    """By either SDK."""
    if isinstance(error, oss2.exceptions.OssError):
        return str(error.details.get("Code", "")) if isinstance(error.details, dict) else ""
    cause = error.unwrap() if isinstance(error, v2.exceptions.OperationError) else None
    return str(getattr(cause, "code", ""))


FAILS: Final = (oss2.exceptions.OssError, v2.exceptions.OperationError, requests.exceptions.RequestException)


@pytest.mark.parametrize(
    ("code", "status", "passes"),
    [("NoSuchKey", 404, False), ("AccessDenied", 403, False), ("InternalError", 500, True), ("SlowDown", 503, True)],
)
def test_a_code_of_the_table(oss: Oss, sdk: Sdk, code: str, status: int, passes: bool) -> None:
    with oss.faults.refuse(code, operation="GetObject") as fault, pytest.raises(FAILS) as failed:
        sdk.get("there")
    assert code_of(failed.value) == code
    assert fault.hits == (sdk.tries if passes else 1)
    told = [(request.status, request.code, request.fault) for request in oss.requests.of("GetObject")]
    assert told == [(status, code, fault.id)] * fault.hits
    assert sdk.get("there") == CONTENT


def test_throttling_passes_when_the_sdk_asks_again(oss: Oss, sdk: Sdk) -> None:
    fault = oss.faults.throttle(operation="GetObject", times=sdk.tries - 1 or 1)
    if sdk.tries == 1:
        with pytest.raises(FAILS):
            sdk.get("there")
    assert sdk.get("there") == CONTENT
    assert fault.hits == (sdk.tries - 1 or 1)
    assert [request.status for request in oss.requests.of("GetObject")] == [503] * fault.hits + [200]


def test_an_expired_token_and_a_wrong_region_are_not_tried_again(oss: Oss, sdk: Sdk) -> None:
    for order, code in (
        (oss.faults.expired_token, "SecurityTokenExpired"),
        (oss.faults.wrong_region, "AccessDenied"),
    ):
        with order() as fault, pytest.raises(FAILS) as failed:
            sdk.get("there")
        assert (code_of(failed.value), fault.hits) == (code, 1)
    assert "must be addressed using the specified endpoint" in oss.requests.refused()[-1].why


def test_a_connection_that_ends_without_an_answer(oss: Oss, sdk: Sdk) -> None:
    with oss.faults.reset(operation="PutObject") as fault, pytest.raises(FAILS):
        sdk.put("new", CONTENT)
    assert fault.hits == sdk.tries
    assert [(request.status, request.why) for request in oss.requests.of("PutObject")] == [
        (0, f"Fault {fault.id} ended it.")
    ] * sdk.tries
    with pytest.raises(FAILS) as missing:
        sdk.get("new")
    assert code_of(missing.value) == "NoSuchKey"


def test_an_upload_that_is_cut_stores_nothing(oss: Oss, sdk: Sdk) -> None:
    with oss.faults.truncate_upload(100, operation="PutObject") as fault, pytest.raises(FAILS):
        sdk.put("there", b"x" * 100_000)
    assert fault.hits == sdk.tries
    assert sdk.get("there") == CONTENT


def test_a_download_that_is_cut(oss: Oss, sdk: Sdk) -> None:
    with oss.faults.cut(500, operation="GetObject") as fault, pytest.raises(FAILS) as failed:
        sdk.get("there")
    assert "500 bytes read, 9500 more expected" in str(failed.value)
    (cut,) = oss.requests.of("GetObject")
    assert (cut.status, cut.sent_bytes, cut.whole, fault.hits) == (200, 500, False, 1)


def test_a_wrong_crc_of_an_upload_is_noticed(oss: Oss, sdk: Sdk) -> None:
    with oss.faults.wrong_crc(operation="PutObject") as fault, pytest.raises(FAILS) as failed:
        sdk.put("new", CONTENT)
    assert "crc" in str(failed.value).lower()
    assert fault.hits == sdk.tries
    assert sdk.get("new") == CONTENT  # the upload itself was fine


def test_a_delay_and_a_slow_body_are_waited_for(oss: Oss, sdk: Sdk) -> None:
    with oss.faults.delay(0.2, operation="GetObject") as late:
        assert sdk.get("there") == CONTENT
    with oss.faults.slow_body(50_000, operation="GetObject") as slow:
        assert sdk.get("there") == CONTENT
    assert (late.hits, slow.hits) == (1, 1)


def test_a_delay_that_is_longer_than_the_sdk_waits(oss: Oss) -> None:
    oss.bucket(BUCKET).put("there", CONTENT)
    with oss.faults.delay(3600, operation="GetObject") as fault:
        with pytest.raises(oss2.exceptions.RequestError, match="Read timed out"):
            oss.oss2(BUCKET, connect_timeout=0.2).get_object("there")
        with pytest.raises(v2.exceptions.OperationError, match="Read timed out"):
            oss.v2(readwrite_timeout=0.2, retry_max_attempts=2).get_object(
                v2.GetObjectRequest(bucket=BUCKET, key="there")
            )
        assert fault.hits == 3


def test_faults_of_chance_befall_the_same_requests_each_time(oss: Oss, sdk: Sdk) -> None:
    def outcomes() -> list[int]:
        oss.requests.clear()
        with oss.faults.refuse("NoSuchKey", operation="GetObject", probability=0.5, seed=7):
            for _ in range(12):
                try:
                    sdk.get("there")
                except FAILS:
                    continue
        return [request.status for request in oss.requests.of("GetObject")]

    first = outcomes()
    assert first == outcomes()
    assert set(first) == {200, 404}


def test_a_multipart_upload_survives_one_part_that_fails(oss: Oss) -> None:
    """v2 sends the part again; oss2, which never does, is resumed by its caller."""
    oss.bucket(BUCKET)
    fault = oss.faults.reset(operation="UploadPart", nth=2)
    body = bytes(range(256)) * 2048
    client = oss.v2()
    begun = client.initiate_multipart_upload(v2.InitiateMultipartUploadRequest(bucket=BUCKET, key="large"))
    parts = []
    for number, start in enumerate(range(0, len(body), 200_000), 1):
        part = client.upload_part(
            v2.UploadPartRequest(
                bucket=BUCKET,
                key="large",
                upload_id=begun.upload_id,
                part_number=number,
                body=body[start : start + 200_000],
            )
        )
        parts.append(v2.UploadPart(part_number=number, etag=part.etag))
    client.complete_multipart_upload(
        v2.CompleteMultipartUploadRequest(
            bucket=BUCKET,
            key="large",
            upload_id=begun.upload_id,
            complete_multipart_upload=v2.CompleteMultipartUpload(parts=parts),
        )
    )
    assert (fault.hits, fault.fitted) == (1, 4)
    assert client.get_object(v2.GetObjectRequest(bucket=BUCKET, key="large")).body.read() == body


def test_a_fault_that_is_none_is_refused_with_a_sentence(oss: Oss) -> None:
    with pytest.raises(Refused, match="'GetObjekt' is no operation"):
        oss.faults.reset(operation="GetObjekt")

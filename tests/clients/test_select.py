"""SelectObject through the official SDKs, against a server."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import alibabacloud_oss_v2 as oss_v2
import oss2
import pytest

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ..server_process import ServerProcess
from .test_sdk_v2 import a_client

PEOPLE = "name,age,city\n" + "".join(f"person {number},{number % 90},杭州\n" for number in range(20_000))


@pytest.fixture(params=["v4", "v1"])
def store(request: pytest.FixtureRequest, live_server: ServerProcess, bucket: str) -> Any:
    auth: Any = (oss2.AuthV4 if request.param == "v4" else oss2.Auth)(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
    return oss2.Bucket(auth, live_server.endpoint, bucket, region="cn-hangzhou", is_path_style=True)


def let_go(result: Any) -> None:
    """oss2 reads up to the end frame and leaves the connection there."""
    result.select_resp.response.response.close()


def read(result: Any) -> bytes:
    data: bytes = result.read()
    let_go(result)
    return data


def test_oss2_searches_csv(store: Any) -> None:
    store.put_object("people.csv", PEOPLE)
    options = {"CsvHeaderInfo": "USE", "EnablePayloadCrc": True}
    found = store.select_object(
        "people.csv", "select name from ossobject where age = 89 limit 2", select_params=options
    )
    assert read(found) == b"person 89\nperson 179\n"
    counted = store.select_object(
        "people.csv", "select count(*), max(cast(age as int)) from ossobject", select_params=options
    )
    assert read(counted) == b"20000,89\n"
    everything = read(store.select_object("people.csv", "select * from ossobject"))
    assert everything == PEOPLE.encode()
    store.put_object("people.csv.gz", gzip.compress(PEOPLE.encode()))
    packed = store.select_object(
        "people.csv.gz", "select _1 from ossobject where _2 = '7' limit 1", select_params={"CompressionType": "GZIP"}
    )
    assert read(packed) == b"person 7\n"


def test_oss2_counts_and_is_told_what_is_wrong(store: Any) -> None:
    store.put_object("people.csv", PEOPLE)
    meta = store.create_select_object_meta("people.csv", {"RecordDelimiter": "\n"})
    let_go(meta)
    assert (meta.csv_rows, meta.csv_splits) == (20_001, 1)
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        store.select_object("people.csv", "select nothing")
    assert (caught.value.status, caught.value.code) == (400, "SqlSyntaxError")
    options = {"CsvHeaderInfo": "USE", "LineRange": (0, 100)}
    some = store.select_object("people.csv", "select name from ossobject where _2 > 5", select_params=options)
    assert read(some).count(b"\n") == 88
    store.put_object("late.csv", "1\n" * 200_000 + "x\n")
    late = store.select_object("late.csv", "select _1 from ossobject where _1 > 5")
    with pytest.raises(oss2.exceptions.SelectOperationFailed) as failed:
        late.read()
    let_go(late)
    assert failed.value.status == 400
    assert failed.value.code == b"InvalidCsvLine"


def test_oss2_searches_json(store: Any) -> None:
    lines = "".join(json.dumps({"n": number, "tags": ["a", "b"]}) + "\n" for number in range(1000))
    store.put_object("lines.json", lines)
    options = {"Json_Type": "LINES"}
    found = store.select_object(
        "lines.json", "select s.n, s.tags[1] as t from ossobject s where s.n > 997", select_params=options
    )
    assert read(found) == b'{"n":998,"t":"b"}\n{"n":999,"t":"b"}\n'
    meta = store.create_select_object_meta("lines.json", options)
    let_go(meta)
    assert (meta.csv_rows, meta.csv_splits) == (1000, 1)
    store.put_object("document.json", json.dumps({"contacts": [{"n": 1}, {"n": 2}]}))
    options = {"Json_Type": "DOCUMENT", "OutputRecordDelimiter": ","}
    found = store.select_object("document.json", "select * from ossobject.contacts[*]", select_params=options)
    assert read(found) == b'{"n":1},{"n":2},'


def test_the_second_sdk_searches_too(live_server: ServerProcess, bucket: str) -> None:
    sdk_v2 = a_client(live_server)
    sdk_v2.put_object(oss_v2.PutObjectRequest(bucket, "people.csv", body=PEOPLE.encode()))
    asked = oss_v2.models.SelectRequest(
        expression=base64.b64encode(b"select name from ossobject where age > 88 limit 1").decode(),
        input_serialization=oss_v2.models.InputSerialization(csv=oss_v2.models.CSVInput(file_header_info="USE")),
        output_serialization=oss_v2.models.OutputSerialization(enable_payload_crc=True),
        options=oss_v2.models.SelectRequestOptions(max_skipped_records_allowed=3, skip_partial_data_record=True),
    )
    found = sdk_v2.select_object(
        oss_v2.models.SelectObjectRequest(bucket, "people.csv", process="csv/select", select_request=asked)
    )
    assert found.status_code == 206
    assert found.body.read() == b"person 89\n"
    meta = sdk_v2.create_select_object_meta(
        oss_v2.models.CreateSelectObjectMetaRequest(
            bucket, "people.csv", process="csv/meta", select_meta_request=oss_v2.models.CSVMetaRequest()
        )
    )
    assert (meta.rows_count, meta.cols_count, meta.splits_count) == (20_001, 3, 1)

"""Rules for faults: which requests, how often, and what is refused of a rule."""

from __future__ import annotations

import pytest

from coatcheck.core import errors
from coatcheck.testing.documents import Refused
from coatcheck.testing.rules import Asked, Rules, find_fault, read_operation, read_rule, write_operation

GET = Asked("get_object", "photos", "a/1.jpg")


def hits(rules: Rules, *asked: Asked) -> list[bool]:
    return [rules.find_hit(each) is not None for each in asked]


def test_a_rule_is_for_what_it_names() -> None:
    rules = Rules()
    rules.add({"operation": "GetObject", "bucket": "photos", "key": "a/*", "reset": True})
    others = [GET._replace(operation="put_object"), GET._replace(bucket="films"), GET._replace(key="b/1.jpg")]
    assert hits(rules, GET, *others) == [True, False, False, False]


def test_the_nth_and_no_more_than_so_many() -> None:
    nth, times = Rules(), Rules()
    nth.add({"nth": 2, "reset": True})
    times.add({"times": 2, "reset": True})
    assert hits(nth, GET, GET, GET) == [False, True, False]
    assert hits(times, GET, GET, GET) == [True, True, False]
    assert (nth.list()[0].fitted, nth.list()[0].hit) == (3, 1)


def test_the_same_seed_befalls_the_same_requests() -> None:
    def drawn(seed: int) -> list[bool]:
        rules = Rules()
        rules.add({"probability": 0.5, "seed": seed, "reset": True})
        return hits(rules, *[GET] * 40)

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert 10 < sum(drawn(1)) < 30


def test_the_first_that_befalls_a_request_counts() -> None:
    rules = Rules()
    first, second = rules.add({"nth": 1, "reset": True}), rules.add({"code": "NoSuchKey"})
    assert [rules.find_hit(GET), rules.find_hit(GET)] == [first, second]
    assert (first.fitted, second.fitted) == (2, 1)
    assert rules.remove(1).hit == 1
    with pytest.raises(Refused, match="There is no fault 1: it was removed, or a reset ended it"):
        rules.find(1)


@pytest.mark.parametrize(
    ("code", "status", "row"),
    [
        ("NoSuchKey", 404, errors.NO_SUCH_KEY),
        ("AccessDenied", 403, errors.ACCESS_DENIED),
        ("WRONG_ENDPOINT", 403, errors.WRONG_ENDPOINT),
        ("SecurityTokenExpired", 403, errors.SECURITY_TOKEN_EXPIRED),
    ],
)
def test_a_code_of_the_table_is_found_by_its_name_and_by_its_row(code: str, status: int, row: errors.Fault) -> None:
    assert find_fault(code) is row
    assert row.status == status


def test_every_row_of_the_error_table_can_be_ordered() -> None:
    rows = {name: row for name, row in vars(errors).items() if isinstance(row, errors.Fault)}
    assert len(rows) > 100
    assert all(find_fault(name) is row for name, row in rows.items())
    assert {find_fault(row.code).code for row in rows.values()} == {row.code for row in rows.values()}


def test_status_and_message_can_be_others_than_the_rows() -> None:
    fault = read_rule({"code": "NoSuchKey", "status": 410, "message": "gone"}).fault
    assert fault is not None
    assert (fault.code, fault.status, fault.message) == ("NoSuchKey", 410, "gone")
    only_status = read_rule({"status": 503}).fault
    assert only_status is not None
    assert only_status.code == "ServiceUnavailable"


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ({}, "says nothing of what is to happen"),
        ({"operation": "GetObject"}, "says nothing of what is to happen"),
        ({"code": "NoSuchKex"}, "'NoSuchKex' is no code of the error table. Is 'NoSuchKey' meant?"),
        ({"code": "X", "operatoin": "GetObject"}, "'operatoin' is no field of this. Is 'operation' meant?"),
        ({"operation": "GetObjekt", "reset": True}, "'GetObjekt' is no operation. Is 'GetObject' meant?"),
        ({"code": "NoSuchKey", "reset": True}, "code and reset exclude each other"),
        ({"nth": 0, "reset": True}, "'nth' is 0; it takes 1 or more."),
        ({"probability": 1.5, "reset": True}, "it takes 0 to 1."),
        ({"probability": float("nan"), "reset": True}, "it takes 0 to 1."),
        ({"nth": True, "reset": True}, "'nth' is True; it takes a value of the kind integer."),
        ({"delay_s": "1"}, "it takes a value of the kind number."),
        ({"status": 418}, "Status 418 needs a code to go with"),
        ({"message": "no", "reset": True}, "A message needs a code"),
    ],
)
def test_a_rule_that_is_none_is_refused_with_a_sentence(rule: dict[str, object], sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        read_rule(rule)
    assert sentence in str(refused.value)


def test_operations_are_named_as_oss_names_them() -> None:
    assert read_operation("GetObject") == read_operation("get_object") == "get_object"
    assert write_operation("list_objects_v2") == "ListObjectsV2"
    assert read_operation(write_operation("get_bucket_acl")) == "get_bucket_acl"

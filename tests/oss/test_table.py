from __future__ import annotations

from collections import Counter

import pytest

from coatcheck.core.errors import METHOD_NOT_ALLOWED, NOT_IMPLEMENTED, OssError
from coatcheck.oss.table import BESIDE, PROCESS, ROWS, SUB_RESOURCES, Level, find_row
from coatcheck.wire.query import read_query
from coatcheck.wire.target import Target

TARGETS = {Level.SERVICE: Target(), Level.BUCKET: Target("photos"), Level.OBJECT: Target("photos", "a.txt")}
METHODS = ["GET", "HEAD", "PUT", "POST", "DELETE"]

BUILT = {(row.level, row.sub_resource) for row in ROWS}


def route(method: str, level: Level, query: str = "") -> str:
    return find_row(method, TARGETS[level], read_query(query.encode())).name


def refusal_of(method: str, level: Level, query: str = "") -> OssError:
    with pytest.raises(OssError) as refusal:
        route(method, level, query)
    return refusal.value


def test_no_request_fits_two_rows() -> None:
    places = Counter((row.method, row.level, row.sub_resource, row.header) for row in ROWS)
    assert max(places.values()) == 1


def test_every_row_is_found_by_what_it_says() -> None:
    for row in ROWS:
        query = "list-type=2" if row.sub_resource == "list-type" else row.sub_resource
        headers = {row.header: "x"} if row.header else {}
        assert find_row(row.method, TARGETS[row.level], read_query(query.encode()), headers) is row
        if row.sub_resource and "=" not in query:  # some SDKs send "acl", some "acl="
            assert find_row(row.method, TARGETS[row.level], read_query(f"{query}=".encode()), headers) is row


def test_every_sub_resource_of_a_row_is_a_known_one() -> None:
    named = {name.partition("=")[0] for row in ROWS for name in row.sub_resource.split("&")}
    assert named - {"", PROCESS, *BESIDE} <= SUB_RESOURCES


def test_the_routes_of_the_plain_resources() -> None:
    assert route("GET", Level.SERVICE) == "list_buckets"
    assert route("PUT", Level.BUCKET) == "put_bucket"
    assert route("DELETE", Level.BUCKET) == "delete_bucket"
    assert route("GET", Level.BUCKET) == "list_objects"
    assert route("GET", Level.OBJECT) == "get_object"
    assert route("HEAD", Level.OBJECT) == "head_object"
    assert route("PUT", Level.OBJECT) == "put_object"
    assert route("DELETE", Level.OBJECT) == "delete_object"


def test_list_type_2_is_the_second_listing_and_any_other_the_first() -> None:
    assert route("GET", Level.BUCKET, "list-type=2") == "list_objects_v2"
    assert route("GET", Level.BUCKET, "list-type=1") == "list_objects"
    assert route("GET", Level.BUCKET, "list-type") == "list_objects"


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("method", METHODS)
def test_a_sub_resource_that_is_not_built_never_falls_through(method: str, level: Level) -> None:
    for name in SUB_RESOURCES:
        if (level, name) in BUILT:
            continue
        for query in (name, f"{name}=", f"{name}=x", f"x=y&{name}", f"{name}&x-oss-process=image/info"):
            refusal = refusal_of(method, level, query)
            assert (refusal.fault, refusal.status) == (NOT_IMPLEMENTED, 400), (method, level, query)
            assert refusal.facts == {"Header": name}


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_a_sub_resource_that_nobody_knows_yet_never_writes_or_deletes(method: str, level: Level) -> None:
    for query in ("ofTomorrow", "ofTomorrow=", "x=y&ofTomorrow"):
        refusal = refusal_of(method, level, query)
        assert refusal.fault in (NOT_IMPLEMENTED, METHOD_NOT_ALLOWED), (method, level, query)
    assert refusal_of("DELETE", Level.BUCKET, "ofTomorrow").facts == {"Header": "ofTomorrow"}


def test_parameters_that_select_nothing_are_no_sub_resources() -> None:
    assert route("PUT", Level.OBJECT, "callback=&callback-var=&x-oss-traffic-limit=&colour=red") == "put_object"
    assert route("DELETE", Level.OBJECT, "versionId=") == "delete_object"
    assert route("GET", Level.OBJECT, "download") == "get_object"


@pytest.mark.parametrize("method", METHODS)
def test_a_sub_resource_takes_no_method_that_means_nothing_to_it(method: str) -> None:
    routes = {(row.method, row.level, row.sub_resource) for row in ROWS}
    for level, name in BUILT:
        if name and not name.startswith(PROCESS) and (method, level, name) not in routes:
            refusal = refusal_of(method, level, name)
            assert (refusal.fault, refusal.status) == (METHOD_NOT_ALLOWED, 405), (method, level, name)
            assert refusal.facts == {"Method": method, "ResourceType": level.value}


def test_two_sub_resources_at_once_are_no_operation_of_ours() -> None:
    assert refusal_of("GET", Level.BUCKET, "acl&location").fault is NOT_IMPLEMENTED
    assert refusal_of("POST", Level.BUCKET, "delete&uploads").fault is NOT_IMPLEMENTED
    assert refusal_of("GET", Level.OBJECT, "acl&tagging").fault is NOT_IMPLEMENTED


def test_a_parameter_that_selects_nothing_changes_no_route() -> None:
    assert route("GET", Level.OBJECT, "x=y&response-content-type=text/plain&versionId=null") == "get_object"
    assert route("GET", Level.BUCKET, "prefix=a&ACL") == "list_objects"


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("method", ["PATCH", "TRACE", "CONNECT", "get", "PROPFIND", ""])
@pytest.mark.parametrize("query", ["", "acl", "uploads"])
def test_a_method_that_oss_does_not_have_is_not_allowed(method: str, level: Level, query: str) -> None:
    refusal = refusal_of(method, level, query)
    assert (refusal.fault, refusal.status) == (METHOD_NOT_ALLOWED, 405)
    assert refusal.facts == {"Method": method, "ResourceType": level.value}


@pytest.mark.parametrize(
    ("method", "level"),
    [
        ("PUT", Level.SERVICE),
        ("DELETE", Level.SERVICE),
        ("HEAD", Level.SERVICE),
        ("POST", Level.SERVICE),
        ("POST", Level.OBJECT),
    ],
)
def test_a_method_that_the_resource_has_no_meaning_for_is_not_allowed(method: str, level: Level) -> None:
    assert refusal_of(method, level).fault is METHOD_NOT_ALLOWED


def test_a_post_to_a_bucket_is_a_form() -> None:
    assert route("POST", Level.BUCKET) == "post_object"
    assert route("POST", Level.BUCKET, "x-oss-process=image/resize") == "post_object"


def test_processing_is_not_built() -> None:
    assert refusal_of("POST", Level.OBJECT, "x-oss-process=image/resize").fault is NOT_IMPLEMENTED


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("metaQuery", "MetaQuery is a search service of the cloud"),
        ("resourcePoolInfo", "a resource pool is bandwidth that is bought of the cloud; limit buckets with ?qosInfo"),
        ("x-oss-rename", "hierarchical namespaces aren't built"),
        ("link", "it isn't built"),
    ],
)
def test_what_has_no_sense_here_says_why(name: str, why: str) -> None:
    assert refusal_of("PUT", Level.BUCKET, name).message == f"The sub-resource {name} isn't here: {why}."

"""npm's ali-oss, OSS's own Node SDK, unmodified: V4 and V1, with every kind of endpoint it can be given."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from ..server_process import ServerProcess
from .conftest import make_bucket
from .programs import run_node

NAME = "node/ü 1+2 & %20.txt"


def facts_of(server: ServerProcess, options: dict[str, Any], **more: Any) -> dict[str, dict[str, Any]]:
    """What the script told, by name."""
    told = run_node("ali_oss.js", "ali-oss", server, bucket=make_bucket(server), options=options, **more)
    return {fact.pop("name"): fact for fact in told}


def check_objects(told: dict[str, dict[str, Any]]) -> None:
    assert told["put"] == {"status": 200}
    assert told["get"] == {"body": "hello", "type": "text/x-hello"}
    assert told["head"] == {"status": 200, "meta": {"colour": "green"}, "length": "5"}
    assert told["getObjectMeta"] == {"status": 200, "length": "5"}
    assert told["getStream"] == {"body": "hello"}
    assert told["listV2"] == {"names": ["node/second", "node/third", NAME]}
    assert told["list"] == {"names": ["node/second", "node/third", NAME], "truncated": False}
    assert told["acl"] == {"acl": "public-read", "open": {"status": 200, "body": "2"}}
    assert told["delete"] == {"status": 204}
    assert told["deleteMulti"] == {"deleted": ["node/none", "node/second", "node/third"]}
    assert told["gone"] == {"code": "NoSuchKey", "head": "NoSuchKey"}
    assert told["wrong secret"] == {"code": "SignatureDoesNotMatch"}


V4_LINKS = ("signatureUrlV4", "signatureUrlV4 response-*")
ALL_LINKS = (*V4_LINKS, "signatureUrl", "signatureUrl response")


def check_links(told: dict[str, dict[str, Any]], names: tuple[str, ...] = ALL_LINKS) -> None:
    for name in names:
        assert (told[name]["status"], told[name]["body"]) == (200, "by link"), told[name]
    assert told["signatureUrlV4 PUT"]["status"] == 200


def check_buckets(told: dict[str, dict[str, Any]]) -> None:
    assert told["putBucket"] == {"status": 200}
    assert len(told["listBuckets"]["names"]) == 1
    assert told["getBucketInfo"]["Location"] == "oss-cn-hangzhou"
    assert told["getBucketInfo"]["acl"] == "private"
    assert told["getBucketLocation"] == {"location": "oss-cn-hangzhou"}
    assert told["getBucketACL"] == {"acl": "public-read"}
    assert told["deleteBucket"] == {"status": 204}
    assert told["no bucket"] == {"code": "NoSuchBucket"}


@pytest.mark.parametrize("v4", [True, False], ids=["v4", "v1"])
def test_virtual_hosted_endpoint(live_server: ServerProcess, v4: bool) -> None:
    endpoint = f"http://oss-cn-hangzhou.localhost:{live_server.port}"
    told = facts_of(live_server, {"endpoint": endpoint, "authorizationV4": v4}, links=True, buckets=True)
    check_objects(told)
    check_links(told)
    check_buckets(told)
    assert (urlsplit(told["signatureUrlV4"]["url"]).hostname or "").endswith(".oss-cn-hangzhou.localhost")
    assert "x-oss-signature-version=OSS4-HMAC-SHA256" in told["signatureUrlV4"]["url"]
    assert "OSSAccessKeyId=" in told["signatureUrl"]["url"]


@pytest.mark.parametrize("v4", [True, False], ids=["v4", "v1"])
def test_address_as_endpoint(live_server: ServerProcess, v4: bool) -> None:
    """Its requests go to http://ADDRESS/key with the cloud's host name; its links then have no bucket at all."""
    told = facts_of(live_server, {"endpoint": live_server.endpoint, "authorizationV4": v4}, buckets=True)
    check_objects(told)
    check_buckets(told)


@pytest.mark.parametrize("v4", [True, False], ids=["v4", "v1"])
def test_address_as_endpoint_with_the_bucket_in_the_path(live_server: ServerProcess, v4: bool) -> None:
    options = {"endpoint": live_server.endpoint, "authorizationV4": v4, "sldEnable": True}
    told = facts_of(live_server, options, links=True)
    check_objects(told)
    check_links(told, V4_LINKS)
    assert urlsplit(told["signatureUrlV4"]["url"]).hostname == "127.0.0.1"


def test_localhost_as_endpoint(live_server: ServerProcess) -> None:
    told = facts_of(live_server, {"endpoint": f"http://localhost:{live_server.port}"}, links=True, buckets=True)
    check_objects(told)
    check_links(told)
    check_buckets(told)

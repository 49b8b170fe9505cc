"""OSS's older SDK for Go, which signs by V1 as well as by V4."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from ..server_process import ServerProcess
from .builds import go_program
from .conftest import make_bucket
from .raw import send
from .test_more_sdks import run_sdk


@pytest.mark.parametrize(("version", "signature"), [("v1", "Signature"), ("v4", "x-oss-signature")])
def test_it_works_and_its_links_are_accepted(live_server: ServerProcess, version: str, signature: str) -> None:
    told = run_sdk([go_program("sdk1")], live_server, make_bucket(live_server), version)
    link = told.pop("link")
    assert told == {
        "get": "hello from Go",
        "meta": "v",
        "list": "go/ü 1+2 & 文.txt",
        "none": "NoSuchKey",
        "parts": "true",
        "linked": "by link",
        "deleted": "4",
    }
    assert signature in dict(parse_qsl(urlsplit(link).query))
    gone = send(link, connect_to=live_server)
    assert (gone.status, b"NoSuchKey" in gone.body) == (404, True), "signed well, and the object was deleted since"

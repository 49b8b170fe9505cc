"""OSS's own SDKs for Java and Go over parts, copies, appends, links, tags and versions."""

from __future__ import annotations

from ..server_process import ServerProcess
from .builds import go_program, java_sdk
from .conftest import make_bucket
from .test_more_sdks import run_sdk


def test_go_does_all_of_it(live_server: ServerProcess) -> None:
    assert run_sdk([go_program("objects")], live_server, make_bucket(live_server), "") == {
        "upload": "true",
        "download": "true",
        "copy": "true",
        "uploads": "1",
        "append": "one|two|",
        "link": "log",
        "tag": "colour=red",
        "marker": "true",
        "pinned": "1",
        "refused": "MethodNotAllowed",
        "listed": "2 1",
    }


def test_java_does_all_of_it(live_server: ServerProcess) -> None:
    words = [*java_sdk()[:-1], "SdkObjects"]
    assert run_sdk(words, live_server, make_bucket(live_server), "") == {
        "parts": "2",
        "uploads": "1",
        "upload": "true",
        "copy": "true",
        "resumable": "true",
        "append": "one|two|",
        "link": "log",
        "tag": "red",
        "pinned": "1",
        "listed": "2 1",
        "refused": "NoSuchVersion",
    }

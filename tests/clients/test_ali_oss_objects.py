"""npm's ali-oss over parts (broken off and resumed), copies, appends, links, tags, restores and versions."""

from __future__ import annotations

import pytest

from ..server_process import ServerProcess
from .conftest import make_bucket
from .programs import run_node


@pytest.mark.parametrize("v4", [True, False], ids=["v4", "v1"])
def test_what_it_does_with_objects(live_server: ServerProcess, v4: bool) -> None:
    facts = run_node(
        "ali_oss_objects.js", "ali-oss", live_server, bucket=make_bucket(live_server), options={"authorizationV4": v4}
    )
    told = {fact.pop("name"): fact for fact in facts}
    assert told.pop("multipartUpload")["status"] == 200
    assert told.pop("copy") == {"status": 200, "etag": '"5D41402ABC4B2A76B9719D911017C592"'}
    assert told == {
        "get": {"same": True, "type": "text/x-multi"},
        "broken": {"error": "unplugged"},
        "listParts": {"parts": True},
        "resumed": {"status": 200, "same": True},
        "listUploads": {"ids": 1, "same": True},
        "aborted": {"left": 0},
        "multipartUploadCopy": {"same": True},
        "putMeta": {"meta": {"colour": "red"}},
        "append": {"next": "6"},
        "symlink": {"target": "dir/copy ü", "body": "hello"},
        "tagging": {"tag": {"k": "v"}},
        "tags": {"replaced": {"other": "tag"}, "none": {}},
        "restore": {"refused": "InvalidObjectState", "status": 202},
        "versioning": {"status": "Enabled"},
        "marker": {"marker": "true"},
        "pinned": {"body": "1"},
        "listed": {"versions": 2, "markers": 1},
        "left": {"versions": 1},
    }

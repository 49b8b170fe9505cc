"""Live tests: real clients, unmodified, against a real server. Everything here is marked live."""

from __future__ import annotations

import gc
import itertools
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from ..builders import a_presigner
from ..server_process import ServerProcess
from .raw import Answer, send

HERE: Final = Path(__file__).parent
_NUMBERS: Final = itertools.count(1)

Put = Callable[..., Answer]


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """With -m "not live" nothing here is asked for, and the clients take seconds to import."""
    return True if config.option.markexpr == "not live" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.live)


@pytest.fixture(scope="module", autouse=True)
def _what_sdks_left_open() -> Iterator[None]:
    """Some SDKs never close a connection. Collected here, none is found by a test of another file, which would fail."""
    yield
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "unclosed", ResourceWarning)
        gc.collect()


def make_bucket(server: ServerProcess) -> str:
    """A new private bucket."""
    bucket = f"live-{next(_NUMBERS)}"
    assert send(a_presigner(server.endpoint).presign("PUT", bucket, None).url, "PUT", body=b"").status == 200
    return bucket


@pytest.fixture(scope="module")
def bucket(live_server: ServerProcess) -> str:
    """One bucket for the module."""
    return make_bucket(live_server)


@pytest.fixture
def put(live_server: ServerProcess, bucket: str) -> Put:
    """Store an object through a link of ours: put("key", b"bytes")."""

    def put_object(key: str, body: bytes, **headers: str) -> Answer:
        link = a_presigner(live_server.endpoint).presign("PUT", bucket, key, headers=headers)
        answer = send(link.url, "PUT", headers, body)
        assert answer.status == 200, answer
        return answer

    return put_object

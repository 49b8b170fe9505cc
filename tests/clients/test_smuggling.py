"""Requests that two parsers could read in two ways. Each is refused, once, and the connection ends: nothing behind it
is ever taken for a request."""

from __future__ import annotations

import re

import pytest

from ..server_process import ServerProcess
from .raw import exchange
from .smuggling import BEHIND, CHUNKS, PUT, REFUSED, with_mark


def replies(answer: bytes) -> int:
    return len(re.findall(rb"HTTP/1\.1 \d\d\d ", answer))


def test_corpus_is_large() -> None:
    assert len(REFUSED) > 250


def test_ambiguous_requests_are_refused_and_nothing_behind_them_is_read(live_server: ServerProcess) -> None:
    wrong = {}
    for number, (name, request) in enumerate(REFUSED.items()):
        answer = exchange(live_server, with_mark(request + BEHIND, number))
        head, _, body = answer.partition(b"\r\n\r\n")
        refused = head.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")) and b"connection: close" in head
        if not refused or replies(answer) != 1 or not body.rstrip().endswith(b"</Error>"):
            wrong[name] = (request, answer[:200])
    assert wrong == {}


def test_request_behind_a_refused_one_is_read_where_nothing_is_ambiguous(live_server: ServerProcess) -> None:
    """So the test above can fail."""
    assert replies(exchange(live_server, PUT + b"Content-Length: 5\r\n\r\nhello" + BEHIND)) == 2


@pytest.mark.parametrize(
    "name", [b"Transfer_Encoding", b"X-Transfer-Encoding", b"Transfer-Encoding-X", b"TE", b"Content_Length"]
)
def test_header_of_another_name_frames_nothing(live_server: ServerProcess, name: bytes) -> None:
    request = PUT + b"Content-Length: 5\r\n" + name + b": chunked\r\n\r\n" + CHUNKS
    assert replies(exchange(live_server, request + BEHIND)) == 2

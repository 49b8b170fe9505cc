"""`coatcheck link log --csv`: what strangers have said is text in a sheet."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest

from coatcheck.cli.link_audit import _print_csv
from coatcheck.client.link_uses import LinkUse

USE = LinkUse(
    datetime(2026, 3, 5, 7, 8, 9, tzinfo=UTC),
    "lk_a",
    "photos",
    "=cmd|' /C calc'!A0",
    None,
    "get_object",
    200,
    None,
    "192.0.2.7",
    'a,"b"\r\n@SUM(1)',
    5,
    True,
    12,
    "R",
)


def test_a_use_is_one_row_and_no_formula(capsys: pytest.CaptureFixture[str]) -> None:
    _print_csv([USE, USE])
    out = capsys.readouterr().out
    assert out.count("\n") == 3
    head, row, again = csv.reader(io.StringIO(out))
    assert row == again
    assert dict(zip(head, row, strict=True)) == {
        "at": "2026-03-05T07:08:09+00:00",
        "link": "lk_a",
        "bucket": "photos",
        "key": "'=cmd|' /C calc'!A0",
        "version": "",
        "operation": "get_object",
        "status": "200",
        "code": "",
        "address": "192.0.2.7",
        "agent": 'a,"b"\\r\\n@SUM(1)',
        "bytes": "5",
        "whole": "true",
        "ms": "12",
        "request_id": "R",
    }

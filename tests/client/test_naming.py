from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.client.naming import NAME_MAX_BYTES, make_safe_name, read_disposition_name, read_url_name


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="a b.txt"', "a b.txt"),
        ("attachment; filename=plain.txt", "plain.txt"),
        (r'attachment; filename="say \"hi\".txt"', 'say "hi".txt'),
        ("attachment; filename=\"_.txt\"; filename*=UTF-8''%E6%96%87.txt", "文.txt"),
        ("attachment; filename*=utf-8'en'%41.txt; filename=x", "A.txt"),
        ("inline", None),
        ("", None),
        ("attachment; filename*=UTF-16''%41%00; filename=fallback", "fallback"),
    ],
)
def test_disposition_name(header: str, name: str | None) -> None:
    assert read_disposition_name(header) == name


@pytest.mark.parametrize(
    ("given_name", "safe"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\windows\\evil.exe", "evil.exe"),
        ("/", "download"),
        ("..", "download"),
        ("...", "download"),
        ("", "download"),
        (".bashrc", "bashrc"),
        (". . ssh", "ssh"),
        ("a\x00b\x1b[2J\n.txt", "ab[2J.txt"),
        ("gpj.\u202etxt", "gpj.txt"),
        ("dir/", "dir"),
        ("文件.txt", "文件.txt"),
    ],
)
def test_safe_name(given_name: str, safe: str) -> None:
    assert make_safe_name(given_name) == safe


def test_long_name_keeps_its_extension() -> None:
    name = make_safe_name("文" * 200 + ".jpeg")
    assert len(name.encode()) <= NAME_MAX_BYTES
    assert name.endswith("文.jpeg")


@given(st.text())
def test_any_text_becomes_a_plain_file_name(text: str) -> None:
    name = make_safe_name(text)
    assert name
    assert len(name.encode()) <= NAME_MAX_BYTES
    assert not name.startswith(".")
    assert not set(name) & set("/\\\0\n\r")


def test_url_name_is_decoded() -> None:
    assert read_url_name("http://h/b/dir/%E6%96%87%20x.txt?a=/b") == "文 x.txt"

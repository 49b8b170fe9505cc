from __future__ import annotations

import pytest

from coatcheck.core.reply_headers import OVERRIDDEN, ROWS, STANDARD, From, is_persistent, is_sent, is_token, keep_stored

# Obeyed by proxies (nginx, Apache, lighttpd, LiteSpeed, Perlbal, CDNs) or by browsers beyond the one reply.
OBEYED = [
    *("x-accel-redirect", "x-accel-buffering", "x-accel-charset", "x-accel-expires", "x-accel-limit-rate"),
    *("x-sendfile", "x-sendfile2", "x-lighttpd-send-file", "x-litespeed-location", "x-reproxy-url", "x-reproxy-file"),
    *("proxy-authenticate", "authentication-info", "clear-site-data", "alt-svc"),
    *("strict-transport-security", "permissions-policy", "report-to", "nel", "link"),
    *("refresh", "trailer", "te", "upgrade", "keep-alive", "proxy-connection", "service-worker-allowed"),
    *("access-control-allow-credentials", "timing-allow-origin", "surrogate-control", "surrogate-key", "age", "via"),
]


OURS_ALONE = ["content-security-policy", "set-cookie", "www-authenticate"]


@pytest.mark.parametrize("name", OURS_ALONE)
def test_what_pages_need_nobody_else_can_choose(name: str) -> None:
    assert is_sent(name)
    assert not is_persistent(name)
    assert name not in (*STANDARD, *OVERRIDDEN)
    assert keep_stored([name.encode()], ((name.encode(), b"x"),)) == ()


@pytest.mark.parametrize("name", OBEYED)
def test_what_proxies_and_browsers_obey_is_in_no_reply(name: str) -> None:
    assert not is_sent(name)
    assert not is_persistent(name)
    assert keep_stored([name.encode()], ((name.encode(), b"x"),)) == ()


def test_each_name_stands_there_once() -> None:
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)
    assert all(name == name.lower() and is_token(name) for name in names)


def test_what_an_uploader_and_a_link_may_say() -> None:
    standard = ("cache-control", "content-disposition", "content-encoding", "content-language", "content-type")
    assert (*standard, "expires") == STANDARD
    assert (*standard, "expires") == OVERRIDDEN
    persistent = {row.name for row in ROWS if From.PERSISTENT in row.words}
    assert persistent == {
        "cross-origin-resource-policy",
        "pragma",
        "referrer-policy",
        "sourcemap",
        "x-custom-*",
        "x-download-options",
        "x-frame-options",
        "x-robots-tag",
    }


def test_what_was_stored_before_goes_out_only_if_it_may() -> None:
    kept = (
        (b"content-type", b"text/plain"),
        (b"x-oss-meta-a", b"1"),
        (b"x-custom-b", b"2"),
        (b"x-robots-tag", b"none"),
    )
    gone = ((b"x-accel-redirect", b"/etc/passwd"), (b"key1", b"v"), (b"x-oss-meta-a b", b"1"), (b"Set-Cookie", b"a=b"))
    both = (*gone, *kept)
    assert keep_stored([name for name, _ in both], both) == kept

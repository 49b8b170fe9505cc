"""Whether a person's browser shows what is answered, or a program reads it.

Source: Fetch Metadata Request Headers (W3C): Sec-Fetch-Mode; RFC 9110, Accept.
"""

from __future__ import annotations

from .request import Request


def follows_link(request: Request) -> bool:
    """Somebody followed a presigned link."""
    query = request.query
    return request.method == "GET" and ("x-oss-signature" in query or "Signature" in query) and is_navigation(request)


def is_navigation(request: Request) -> bool:
    """Somebody followed a link: what comes back fills a window."""
    accept = request.headers.get("accept", "")
    if request.method not in ("GET", "HEAD", "POST") or "text/html" not in accept:
        return False
    mode = request.headers.get("sec-fetch-mode")
    if mode is None:  # without TLS browsers don't say; Java's HttpURLConnection takes text/html too, and no XHTML
        return "application/xhtml+xml" in accept
    return mode == "navigate"

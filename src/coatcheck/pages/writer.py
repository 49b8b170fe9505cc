"""Views -> HTML, by templates that escape what they are given. No page asks anybody else for anything."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from msgspec.structs import replace

from coatcheck.core.errors import OssError
from coatcheck.tickets.views import BoxView, FolderView, ObjectView
from coatcheck.wire.reply import RawHeader, Reply
from coatcheck.wire.request import Request

from .amounts import write_moment, write_size
from .language import choose_language
from .refusals import UPLOAD_REASONS, word_refusal, word_upload
from .texts import TEXTS

_HERE: Final = Path(__file__).parent / "templates"
_ADDED: Final[tuple[RawHeader, ...]] = (
    (b"Cache-Control", b"private, no-store"),
    (b"Content-Type", b"text/html; charset=utf-8"),
    (b"Referrer-Policy", b"no-referrer"),
    (b"Vary", b"Accept, Accept-Language, Sec-Fetch-Mode"),
    (b"X-Content-Type-Options", b"nosniff"),
    (b"X-Robots-Tag", b"noindex"),
)
_WRONG: Final = {
    "9000-00000026": "password_wrong",
    "9000-00000027": "password_wait",
    "9000-00000028": "password_busy",
}
_QR_MAX_CHARS: Final = 500


class PageWriter:
    """See `tickets.views.Pages`."""

    def write_object(self, request: Request, view: ObjectView, now: float) -> Reply:
        return _write("object.html", request, view=view, qr=_qr(request, view.ticket.path))

    def write_folder(self, request: Request, view: FolderView, now: float) -> Reply:
        return _write("folder.html", request, view=view, qr=_qr(request, view.ticket.path))

    def write_box(self, request: Request, view: BoxView, now: float) -> Reply:
        language = _language(request)
        refused = "" if view.refusal is None else word_upload(view.refusal, language)
        reasons = {ec: TEXTS[name][language] for ec, name in UPLOAD_REASONS.items()}
        facts: dict[str, Any] = {"view": view, "refused": refused, "reasons": reasons}
        return _write("box.html", request, script=_script(), qr=_qr(request, view.ticket.path), **facts)

    def write_password(self, request: Request, path: str, error: OssError) -> Reply:
        wrong = _WRONG.get(error.ec, "")
        return _write("password.html", request, error.status, path=path, wrong=wrong)

    def write_refusal(self, request: Request, error: OssError, request_id: str, now: float) -> Reply:
        sentences = word_refusal(error, _language(request), now)
        facts = {"code": error.code, "ec": error.ec, "request_id": request_id}
        reply = _write("refusal.html", request, error.status, **sentences._asdict(), **facts)
        ec = ((b"x-oss-ec", error.ec.encode()),) if error.ec else ()
        return replace(reply, headers=(*reply.headers, *error.headers, *ec))


def _write(template: str, request: Request, status: int = 200, *, script: str = "", **facts: Any) -> Reply:
    language = _language(request)

    def say(name: str, *values: object) -> str:
        return TEXTS[name][language].format(*values)

    html = _templates().get_template(template).render(language=language, say=say, script=script, **facts)
    body = html.encode("utf-8", "replace")
    headers = (*_ADDED, (b"Content-Security-Policy", _policy(script).encode()))
    if request.method == "HEAD":
        return Reply(status, headers, content_length=len(body))
    return Reply(status, headers, body)


def _language(request: Request) -> str:
    return choose_language(request.headers.get("accept-language", ""))


@cache
def _templates() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # a fifth of a second, at the first page
    from markupsafe import Markup

    found = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, auto_reload=False
    )
    found.globals |= {
        "style": Markup(_style()),  # noqa: S704 (our own file)
        "size": write_size,
        "moment": write_moment,
        "link_file": link_file,
    }
    return found


def link_file(path: str) -> str:
    """The URL of a file, behind the ticket's slash. Browsers walk "." and ".." as folders, which they aren't here."""
    if {"", ".", ".."} & set(path.split("/")):
        return f"?file={quote(path, safe='')}"
    return quote(path)


@cache
def _style() -> str:
    return (_HERE / "style.css").read_text()


@cache
def _script() -> str:
    from markupsafe import Markup

    return Markup((_HERE / "box.js").read_text())  # noqa: S704 (our own file)


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _policy(script: str) -> str:
    """A page runs our own script, where it has one, and nothing else."""
    runs = f"; script-src 'sha256-{_digest(script)}'; connect-src 'self'" if script else ""
    return (
        "default-src 'none'; img-src 'self' data:; media-src 'self'; form-action 'self'; base-uri 'none'; "
        f"frame-ancestors 'none'; style-src 'sha256-{_digest(_style())}'{runs}"
    )


def _qr(request: Request, path: str) -> str:
    """A picture of the link, as a data: URL; "" for one that is too long to be read."""
    import segno

    url = f"{'https' if request.secure else 'http'}://{request.host}{path}"
    if len(url) > _QR_MAX_CHARS:
        return ""
    code: str = segno.make_qr(url, error="l").svg_data_uri(border=3, scale=4)
    return code

"""docs/presigned-urls.md: every text of the worked example is what the code makes of the values named there."""

from __future__ import annotations

from pathlib import Path

from coatcheck import Presigner
from coatcheck.signing import v4
from coatcheck.wire.query import read_query
from coatcheck.wire.target import Target

PAGE = (Path(__file__).parents[2] / "docs" / "presigned-urls.md").read_text("utf-8")
SECRET = "CoatcheckFakeSecret0123456789a"
SCOPE = v4.Scope("20260305", "cn-hangzhou")


def block(name: str) -> str:
    """The fenced block of that name."""
    _, found, rest = PAGE.partition(f"```{name}\n")
    assert found
    return rest.partition("\n```")[0]


def test_the_canonical_request_is_the_pages() -> None:
    query = read_query(block("url").partition("?")[2].encode())
    text = v4.canonical_request(
        "GET",
        v4.canonical_uri(Target("examplebucket", "exampleobject.txt")),
        v4.canonical_query(query.parameters),
        v4.canonical_headers({"host": "anything", "range": "bytes=0-9"}),
        "",
    )
    assert text == block("canonical-request")


def test_the_string_to_sign_is_the_pages() -> None:
    assert v4.string_to_sign("20260305T070809Z", SCOPE, block("canonical-request")) == block("string-to-sign")


def test_the_signing_key_is_the_pages() -> None:
    assert v4.derive_key(SECRET, SCOPE).hex() == block("signing-key").split()[-1]


def test_the_signature_is_the_pages() -> None:
    signature = v4.sign(v4.signing_key(SECRET, SCOPE), block("string-to-sign"))
    assert block("url").endswith(f"&x-oss-signature={signature}")


def test_the_url_is_the_pages() -> None:
    presigner = Presigner("CoatcheckAk0001", SECRET, region="cn-hangzhou")
    assert presigner.presign("GET", "examplebucket", "exampleobject.txt", now=1772694489).url == block("url")

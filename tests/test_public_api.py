"""What `import coatcheck` gives, on purpose: its names, what each takes, and a page whose examples are true.

Whoever changes a line of the tables below changes what other people's programs rely on: docs/python.md, "The promise".
"""

from __future__ import annotations

import doctest
import inspect
import re
from pathlib import Path
from typing import Any, Final, ForwardRef

import pytest
from msgspec import Struct

import coatcheck

PAGE: Final = (Path(__file__).parents[1] / "docs" / "python.md").read_text("utf-8")

_PLACE: Final = (
    "region: str | None = None, endpoint: str | None = None, internal: bool = False, path_style: bool = False, "
    "custom_domain: str | None = None, scheme: Scheme | None = None"
)
_PLACE_NAMES: Final = {"region", "endpoint", "internal", "path_style", "custom_domain", "scheme"}
_PRESIGN: Final = "method: str, bucket: str, key: str | None"

SIGNATURES: Final = {
    "Credentials": "access_key_id: str, access_key_secret: str, security_token: str | None = None",
    "Where": f"bucket: str, key: str | None = None, {_PLACE}",
    "LinkOptions": (
        "expires: Expires = 3600, version_id: str | None = None, process: str | None = None, "
        "response_content_type: str | None = None, response_content_disposition: str | None = None, "
        "download_as: str | None = None, response_cache_control: str | None = None, "
        "response_expires: str | datetime | None = None, response_content_language: str | None = None, "
        "response_content_encoding: str | None = None, traffic_limit: int | None = None, "
        "query: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None, "
        "additional_headers: Iterable[str] = (), now: Moment | None = None, stable: Period | None = None"
    ),
    "FormOptions": (
        "expires: Expires = 3600, max_bytes: int | None = None, fields: Mapping[str, str] | None = None, "
        "conditions: Sequence[Any] = (), now: Moment | None = None"
    ),
    "PresignedUrl": "url: str, method: str, expires_at_s: int, signed_headers: dict[str, str]",
    "PostForm": "url: str, fields: dict[str, str], expires_at_s: int",
    "Explanation": (
        "version: Literal['V4', 'V2', 'V1'] | None = None, method: str = 'GET', access_key_id: str | None = None, "
        "region: str | None = None, bucket: str | None = None, key: str | None = None, "
        "starts_at_s: int | None = None, expires_at_s: int | None = None, left_s: int | None = None, "
        "state: State = 'unknown', required_headers: tuple[str, ...] = (), process: str | None = None, "
        "response_headers: dict[str, str] = <factory>, version_id: str | None = None, "
        "traffic_limit: str | None = None, source_ip: str | None = None, has_security_token: bool = False, "
        "notes: tuple[str, ...] = (), problems: tuple[str, ...] = (), verified: bool | None = None, "
        "dialect: Dialect | None = None"
    ),
    "explain": (
        "url: str, *, now: float, secret: str | None = None, method: str = 'GET', "
        "headers: Mapping[str, str] | None = None, bucket: str | None = None"
    ),
    "presign": (
        f"{_PRESIGN}, *, credentials: Credentials | None = None, signature_version: SignatureVersion = 'v4', "
        "**options: Unpack[PresignOptions]"
    ),
    "sign_request": (
        "method: str, bucket: str | None, key: str | None, *, credentials: Credentials, region: str, now: Moment, "
        "**options: Unpack[SignRequestOptions]"
    ),
    "Links": (
        "access_key_id: str, access_key_secret: str, *, endpoint: str, region: str, security_token: str | None = None, "
        "ca: Path | None = None"
    ),
    "Links.create": (
        "self, bucket: str, *, key: str | None = None, prefix: str | None = None, keys: Sequence[str] | None = None, "
        "box: Mapping[str, Any] | None = None, ends_at: datetime | None = None, forever: bool = False, "
        "**more: Any"
    ),
    "Links.show_ticket": "self, link_id: str",
    "Links.change": (
        "self, link_id: str, *, ends_at: datetime | None = None, forever: bool = False, password: str | None = None, "
        "**more: Any"
    ),
    "Links.list_arrivals": "self, link_id: str",
    "Links.save_arrival": "self, file_id: str, path: Path",
    "Links.accept": "self, link_id: str, ids: Iterable[str] | None = None",
    "Links.refuse": "self, link_id: str, ids: Iterable[str] | None = None",
    "Links.register": (
        "self, url: str, *, method: str = 'GET', headers: Mapping[str, str] | None = None, "
        "downloads: int | None = None, networks: Sequence[str] = (), starts_at: datetime | None = None, "
        "rate_bits_per_s: int | None = None, note: str = ''"
    ),
    "Links.cancel": "self, link: str, *, method: str = 'GET', headers: Mapping[str, str] | None = None",
    "Links.cancel_all": (
        "self, *, access_key_id: str | None = None, bucket: str | None = None, prefix: str | None = None, "
        "key: str | None = None, signed_before: datetime | None = None"
    ),
    "Links.need_registration": "self, *, bucket: str, prefix: str | None = None, key: str | None = None",
    "Links.remove_rule": (
        "self, *, access_key_id: str | None = None, bucket: str | None = None, prefix: str | None = None, "
        "key: str | None = None"
    ),
    "Links.show": "self, link_id: str",
    "Links.list_links": "self, *, bucket: str | None = None",
    "Links.list_rules": "self",
    "Links.explain": "self, request_id: str",
    "Links.log": (
        "self, link: str | None = None, *, bucket: str | None = None, key: str | None = None, "
        "address: str | None = None, since: datetime | None = None, until: datetime | None = None, "
        "newest_first: bool = True"
    ),
    "Links.tell": (
        "self, url: str, *, events: Sequence[str], bucket: str | None = None, link: str | None = None, "
        "signing: str = 'hmac-sha256'"
    ),
    "Links.stop_telling": "self, bucket: str, notice_id: str",
    "Links.notices": "self, bucket: str",
    "Links.close": "self",
    "ArrivedFile": (
        "id: str, name: str, key: str, size: int, content_type: str, sender: str, started_at: datetime, "
        "ends_at: datetime"
    ),
    "AnsweredFile": "id: str, key: str | None, error: str | None, message: str | None",
    "RefusalInfo": (
        "request_id: str, time: datetime, method: str, operation: str | None, bucket: str | None, access_key_id: str, "
        "signature_held: bool, status: int, code: str, ec: str | None, reason: str, hint: str | None"
    ),
    "LinkInfo": (
        "id: str, state: str, access_key_id: str, bucket: str, key: str, note: str, registered_at: datetime, "
        "ends_at: datetime | None, cancelled_at: datetime | None, downloads: int | None, "
        "downloads_taken: int | None, networks: tuple[str, ...], starts_at: datetime | None, "
        "rate_bits_per_s: int | None, uses: int = 0, bytes: int = 0, broken: int = 0, refused: int = 0, "
        "last_use_at: datetime | None = None"
    ),
    "Ticket": (
        "link: LinkInfo, url: str, names: str, keys: tuple[str, ...], has_password: bool, "
        "box: Mapping[str, Any] | None = None"
    ),
    "LinkRule": (
        "access_key_id: str | None, bucket: str | None, prefix: str | None, key: str | None, "
        "cancelled_before: datetime | None, registered_only: bool, made_at: datetime"
    ),
    "Presigner": (
        "access_key_id: str, access_key_secret: str, *, region: str, endpoint: str | None = None, "
        "security_token: str | None = None, token_expires_at: datetime | None = None, "
        "signature_version: SignatureVersion = 'v4'"
    ),
    "S3Presigner": (
        "access_key_id: str, access_key_secret: str, *, endpoint: str, region: str = 'us-east-1', "
        "security_token: str | None = None, token_expires_at: datetime | None = None, "
        "signature_version: S3SignatureVersion = 'v4'"
    ),
    "S3Presigner.from_env": "environ: Mapping[str, str] = ..., *, signature_version: S3SignatureVersion = 'v4'",
    "S3Presigner.presign": f"self, {_PRESIGN}, **options: Unpack[PresignOptions]",
    "S3Presigner.presign_at": "self, method: str, where: Where, options: LinkOptions = LinkOptions()",
    "S3Presigner.post_form": "self, bucket: str, key: str, **options: Unpack[PostFormOptions]",
    "S3Presigner.post_form_at": "self, where: Where, options: FormOptions = FormOptions()",
    "Presigner.from_env": "environ: Mapping[str, str] = ..., *, signature_version: SignatureVersion = 'v4'",
    "Presigner.presign": f"self, {_PRESIGN}, **options: Unpack[PresignOptions]",
    "Presigner.presign_at": "self, method: str, where: Where, options: LinkOptions = LinkOptions()",
    "Presigner.post_form": "self, bucket: str, key: str, **options: Unpack[PostFormOptions]",
    "Presigner.post_form_at": "self, where: Where, options: FormOptions = FormOptions()",
}
KEYWORDS: Final = {
    "PresignOptions": _PLACE_NAMES
    | {"expires", "version_id", "process", "download_as", "traffic_limit", "query", "headers", "additional_headers"}
    | {"response_content_type", "response_content_disposition", "response_cache_control", "response_expires"}
    | {"response_content_language", "response_content_encoding", "now", "stable"},
    "PostFormOptions": _PLACE_NAMES | {"expires", "max_bytes", "fields", "conditions", "now"},
}
EXCEPTIONS: Final[dict[str, type[Exception]]] = {"PresignError": ValueError, "PresignWarning": UserWarning}
NAMES: Final = (
    *("Credentials", "Explanation", "FormOptions", "LinkOptions", "PostForm", "PostFormOptions", "PresignError"),
    *("PresignOptions", "PresignWarning", "PresignedUrl", "Presigner", "Where", "__version__", "explain", "presign"),
    *("AnsweredFile", "ArrivedFile", "LinkInfo", "LinkRule", "Links", "RefusalInfo", "Ticket", "sign_request"),
    "S3Presigner",
)


def test_the_package_exports_these_names_and_no_other() -> None:
    assert sorted(coatcheck.__all__) == sorted(NAMES)
    assert dir(coatcheck) == sorted(NAMES)
    assert {name.partition(".")[0] for name in (*SIGNATURES, *KEYWORDS, *EXCEPTIONS)} == {*NAMES} - {"__version__"}


@pytest.mark.parametrize("name", [name for name in NAMES if name != "__version__"])
def test_every_exported_name_is_there(name: str) -> None:
    assert getattr(coatcheck, name).__name__ == name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        coatcheck.nothing  # noqa: B018


@pytest.mark.parametrize("name", SIGNATURES)
def test_an_exported_name_takes_what_it_promises(name: str) -> None:
    found: Any = coatcheck
    for part in name.split("."):
        found = getattr(found, part)
    assert write_signature(found) == SIGNATURES[name]


@pytest.mark.parametrize("name", KEYWORDS)
def test_the_keyword_arguments_are_those_promised(name: str) -> None:
    assert getattr(coatcheck, name).__optional_keys__ == KEYWORDS[name]
    assert getattr(coatcheck, name).__required_keys__ == set()


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_an_exported_exception_is_of_the_promised_kind(name: str) -> None:
    assert getattr(coatcheck, name).__base__ is EXCEPTIONS[name]


@pytest.mark.parametrize("name", ["Presigner", "S3Presigner", "Links"])
def test_it_has_no_other_public_part(name: str) -> None:
    promised = {method.partition(".")[2] for method in SIGNATURES if method.startswith(f"{name}.")}
    assert {part for part in dir(getattr(coatcheck, name)) if not part.startswith("_")} == promised


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(coatcheck.__file__).parent / "py.typed").is_file()


@pytest.mark.parametrize("name", NAMES)
def test_every_exported_name_has_a_section_whose_example_uses_it(name: str) -> None:
    sections = re.findall(rf"^### `{name}`\n(.*?)(?=^##|\Z)", PAGE, re.DOTALL | re.MULTILINE)
    assert len(sections) == 1
    assert name in "".join(re.findall(r"^```python\n(.*?)^```$", sections[0], re.DOTALL | re.MULTILINE))


@pytest.mark.parametrize("name", [*SIGNATURES, *KEYWORDS])
def test_the_page_names_every_method_and_every_option(name: str) -> None:
    if "." in name:
        assert f"{name.partition('.')[2]}(" in PAGE
    for option in KEYWORDS.get(name, ()):
        assert f"`{option}`" in PAGE


def test_the_examples_of_the_page_give_what_it_says() -> None:
    source = "".join(re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
    examples = doctest.DocTestParser().get_doctest(source, {}, "docs/python.md", None, 0)
    said: list[str] = []
    result = doctest.DocTestRunner(verbose=False).run(examples, out=said.append)
    assert "".join(said) == ""
    assert result.attempted > 40


def write_signature(function: Any) -> str:
    """Parameters, their types and their defaults; the environment, which is another on each machine, is left out."""
    written: list[str] = []
    named = _annotations_of(function)
    for parameter in inspect.signature(inspect.unwrap(getattr(function, "__func__", function))).parameters.values():
        if parameter.name == "cls":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in written:
            written.append("*")
        stars = "**" if parameter.kind is parameter.VAR_KEYWORD else ""
        kind = _write_type(named.get(parameter.name, parameter.annotation))
        written.append(f"{stars}{parameter.name}{kind}{_write_default(parameter.default)}")
    return ", ".join(written)


def _annotations_of(function: Any) -> dict[str, Any]:
    """Those of a record's fields, as they are written; a signature has them evaluated."""
    if not isinstance(function, type) or not issubclass(function, Struct):
        return {}
    return {
        name: text
        for kind in reversed(function.__mro__)
        for name, text in vars(kind).get("__annotations__", {}).items()
    }


def _write_type(annotation: Any) -> str:
    if annotation is inspect.Parameter.empty:
        return ""
    return f": {annotation.__forward_arg__ if isinstance(annotation, ForwardRef) else annotation}".replace('"', "'")


def _write_default(default: Any) -> str:
    if default is inspect.Parameter.empty:
        return ""
    if isinstance(default, tuple) and type(default) is not tuple and default == type(default)():
        return f" = {type(default).__name__}()"
    return " = ..." if type(default).__name__ == "_Environ" else f" = {default!r}"

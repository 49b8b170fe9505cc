"""Links: byte for byte the official SDK's, and refusals that say what would work."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_type_hints

import pytest

from coatcheck import (
    Credentials,
    FormOptions,
    LinkOptions,
    PostFormOptions,
    PresignedUrl,
    Presigner,
    PresignError,
    PresignOptions,
    PresignWarning,
    Where,
    presign,
    sign_request,
)
from coatcheck.signing.credentials import make_signer
from coatcheck.signing.signed_request import RequestOptions, SignRequestOptions

from ..each import each
from .builders import ACCESS_KEY_ID, BUCKET, NOW, REGION, SECRET, SECRETS, Vector, vectors

KEY = Credentials(ACCESS_KEY_ID, SECRET)
PRESIGNER = Presigner(ACCESS_KEY_ID, SECRET, region=REGION)
TOKEN = "CAISfakeToken+with/slash==and+plus/end="
TAIL = (
    "x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-date=20260305T070809Z&x-oss-expires=3600&x-oss-credential="
    "CoatcheckAk0001%2F20260305%2Fcn-hangzhou%2Foss%2Faliyun_v4_request&x-oss-signature="
)


def a_link(key: str | None = "exampleobject.txt", method: str = "GET", **options: Any) -> PresignedUrl:
    return PRESIGNER.presign(method, BUCKET, key, **{"now": NOW, **options})


def is_expressible(vector: Vector) -> bool:
    """Made by the Python SDK V2, and neither of an illegal key nor of a URL that was written by hand."""
    made_by = vector["id"].split(".")[1]
    queries = vector["input"].get("queries") or {}
    by_hand = "url" in queries or "note" in (vector["input"].get("headers") or {})
    return (
        made_by == "pyv2"
        and vector["verify"]["strict"]
        and not by_hand
        and vector["group"] not in ("key:leading-slash", "presign:GetObject")
    )


@each([v for v in vectors("v4-query", "v1-query") if is_expressible(v)], name=lambda vector: str(vector["id"]))
def test_a_link_is_byte_for_byte_the_sdks(vector: Vector) -> None:
    given = vector["input"]
    is_sts = vector["credentials"] == "sts"
    access_key_id = "STS.CoatcheckAk0002" if is_sts else ACCESS_KEY_ID
    presigner = Presigner(
        access_key_id,
        SECRETS[access_key_id],
        region=given["region"],
        security_token=TOKEN if is_sts else None,
        signature_version="v4" if vector["kind"] == "v4-query" else "v1",
    )
    place = {"custom_domain" if given["host_style"] == "cname" else "endpoint": given["endpoint"]}
    link = presigner.presign(
        given["method"],
        given["bucket"],
        given["key"],
        expires=given["expires"],
        query=given.get("queries"),
        headers=given.get("headers"),
        additional_headers=given.get("additional_headers", ()),
        now=NOW,
        **place,
    )
    assert link.url == vector["output"]["url"]


def test_the_sdks_vectors_are_used() -> None:
    assert sum(is_expressible(v) for v in vectors("v4-query")) > 40
    assert sum(is_expressible(v) for v in vectors("v1-query")) > 30


def test_named_options_come_in_the_sdks_order() -> None:
    link = a_link(
        "photo one.jpg",
        expires=900,
        version_id="CAEQAR",
        process="image/resize,w_100",
        response_content_disposition="attachment; filename=示例 1.txt",
    )
    assert link.url.endswith("&x-oss-signature=8f1185b6119be982cde3882fd8af55a97a86521759e571cbc8233a3349413360")
    assert link.url.partition("?")[2].startswith(
        "response-content-disposition=attachment%3B%20filename%3D%E7%A4%BA%E4%BE%8B%201.txt&versionId=CAEQAR"
        "&x-oss-process=image%2Fresize%2Cw_100&x-oss-signature-version="
    )


def test_a_link_knows_its_end_and_hides_its_signature() -> None:
    link = a_link()
    assert str(link) == link.url
    assert link.url.startswith(f"https://examplebucket.oss-cn-hangzhou.aliyuncs.com/exampleobject.txt?{TAIL}")
    assert link.expires_at == datetime(2026, 3, 5, 8, 8, 9, tzinfo=UTC)
    assert link.signed_headers == {}
    assert repr(link) == (
        "PresignedUrl(GET https://examplebucket.oss-cn-hangzhou.aliyuncs.com/exampleobject.txt, "
        "expires_at=2026-03-05T08:08:09Z)"
    )


def test_credentials_and_presigner_hide_the_secret() -> None:
    shown = repr(Credentials("id", "the-secret", "the-token")) + repr(Presigner("id", "the-secret", region=REGION))
    shown += repr(make_signer(Credentials("id", "the-secret", "the-token"), REGION, None))
    assert "the-secret" not in shown
    assert "the-token" not in shown


@pytest.mark.parametrize(
    "expires",
    [
        3600,
        timedelta(hours=1),
        datetime(2026, 3, 5, 8, 8, 9, tzinfo=UTC),
        datetime(2026, 3, 5, 16, 8, 9, tzinfo=timezone(timedelta(hours=8))),
    ],
)
def test_expires_has_three_forms(expires: int | timedelta | datetime) -> None:
    assert a_link(expires=expires).url == a_link().url


@pytest.mark.parametrize(
    ("options", "begin"),
    [
        ({}, "https://examplebucket.oss-cn-hangzhou.aliyuncs.com/k?"),
        ({"internal": True}, "https://examplebucket.oss-cn-hangzhou-internal.aliyuncs.com/k?"),
        ({"path_style": True}, "https://oss-cn-hangzhou.aliyuncs.com/examplebucket/k?"),
        ({"scheme": "http"}, "http://examplebucket.oss-cn-hangzhou.aliyuncs.com/k?"),
        ({"endpoint": "oss.example.com:9000"}, "https://examplebucket.oss.example.com:9000/k?"),
        ({"endpoint": "http://oss.example.com/"}, "http://examplebucket.oss.example.com/k?"),
        ({"endpoint": "http://127.0.0.1:8000"}, "http://127.0.0.1:8000/examplebucket/k?"),
        ({"endpoint": "http://[::1]:8000"}, "http://[::1]:8000/examplebucket/k?"),
        ({"endpoint": "http://localhost:8000"}, "http://localhost:8000/examplebucket/k?"),
        (
            {"endpoint": "http://oss-cn-hangzhou.localhost:8000"},
            "http://examplebucket.oss-cn-hangzhou.localhost:8000/k?",
        ),
        (
            {"endpoint": "http://oss-cn-hangzhou.localhost:8000", "internal": True},
            "http://examplebucket.oss-cn-hangzhou-internal.localhost:8000/k?",
        ),
        ({"custom_domain": "files.example.com"}, "https://files.example.com/k?"),
        ({"custom_domain": "http://files.example.com"}, "http://files.example.com/k?"),
        ({"region": "oss-cn-shanghai"}, "https://examplebucket.oss-cn-shanghai.aliyuncs.com/k?"),
    ],
    ids=str,
)
def test_where_a_link_points_is_chosen_for_each(options: dict[str, Any], begin: str) -> None:
    assert a_link("k", **options).url.startswith(begin)


def test_the_address_is_not_part_of_the_signature() -> None:
    signatures = {
        a_link(**options).url[-64:]
        for options in ({}, {"internal": True}, {"endpoint": "http://[::1]:1"}, {"custom_domain": "a.b"})
    }
    assert len(signatures) == 1


def test_the_host_is_signed_on_request() -> None:
    here, there = (
        a_link(additional_headers=["Host"], endpoint=f"http://{name}:80") for name in ("oss.here", "oss.there")
    )
    assert "&x-oss-additional-headers=host&" in here.url
    assert here.url[-64:] != there.url[-64:]


def test_a_place_and_a_choice_are_kept_for_many_links() -> None:
    where = Where(BUCKET, region="oss-cn-shanghai", endpoint="http://oss.example.com", path_style=True)
    options = LinkOptions(expires=600, download_as="名字.pdf", headers={"Range": "bytes=0-9"}, now=NOW)
    for key in ("a", "b"):
        link = a_link(
            key,
            region="cn-shanghai",
            endpoint="http://oss.example.com",
            path_style=True,
            expires=600,
            download_as="名字.pdf",
            headers={"Range": "bytes=0-9"},
        )
        assert PRESIGNER.presign_at("GET", where._replace(key=key), options) == link


def test_a_link_with_nothing_of_its_own_is_the_same_from_values() -> None:
    assert PRESIGNER.presign_at("GET", Where(BUCKET, "exampleobject.txt"), LinkOptions(now=NOW)) == a_link()
    with pytest.raises(PresignError, match="method must be"):
        PRESIGNER.presign_at("get", Where(BUCKET, "k"))


def test_options_that_say_nothing_change_nothing() -> None:
    nothing: dict[str, Any] = dict.fromkeys(PresignOptions.__optional_keys__) | {
        "expires": 3600,
        "internal": False,
        "path_style": False,
        "additional_headers": (),
        "query": {},
        "headers": {},
        "now": NOW,
    }
    assert a_link(**nothing) == a_link()


def test_every_option_is_a_field_of_a_value_under_the_same_name_and_type() -> None:
    place, link, form = get_type_hints(Where), get_type_hints(LinkOptions), get_type_hints(FormOptions)
    del place["bucket"], place["key"]
    assert get_type_hints(PresignOptions) == place | link
    assert get_type_hints(PostFormOptions) == place | form
    assert get_type_hints(SignRequestOptions) == get_type_hints(RequestOptions)


def test_a_misspelled_option_is_refused() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'expire'"):
        PRESIGNER.presign("GET", BUCKET, "k", expire=60)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'max_size'"):
        PRESIGNER.post_form(BUCKET, "k", max_size=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'header'"):
        sign_request("GET", BUCKET, "k", credentials=KEY, region=REGION, now=NOW, header={})  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'expire'"):
        presign("GET", BUCKET, "k", credentials=KEY, region=REGION, expire=60)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("name", "disposition"),
    [
        ("report.pdf", 'attachment; filename="report.pdf"'),
        ("my report.pdf", 'attachment; filename="my report.pdf"'),
        ("名字.pdf", "attachment; filename=\"__.pdf\"; filename*=UTF-8''%E5%90%8D%E5%AD%97.pdf"),
        ('a"b%41.txt', "attachment; filename=\"a_b_41.txt\"; filename*=UTF-8''a%22b%2541.txt"),
        ("naïve (1)!.txt", "attachment; filename=\"na_ve (1)!.txt\"; filename*=UTF-8''na%C3%AFve%20%281%29!.txt"),
    ],
)
def test_a_link_names_the_file_it_is_saved_as(name: str, disposition: str) -> None:
    assert a_link(download_as=name).url == a_link(response_content_disposition=disposition).url


def test_every_response_header_can_be_overridden() -> None:
    link = a_link(
        response_content_type="text/plain",
        response_cache_control="no-cache",
        response_content_language="zh-CN",
        response_content_encoding="gzip",
        response_expires=datetime(2026, 3, 5, 7, 8, 9, tzinfo=UTC),
        traffic_limit=819200,
    )
    query = link.url.partition("?")[2]
    assert query.startswith(
        "response-cache-control=no-cache&response-content-encoding=gzip&response-content-language=zh-CN"
        "&response-content-type=text%2Fplain&response-expires=Thu%2C%2005%20Mar%202026%2007%3A08%3A09%20GMT"
        "&x-oss-traffic-limit=819200&x-oss-signature-version="
    )


def test_headers_that_oss_signs_must_be_sent_again() -> None:
    headers = {"Content-Type": "image/png", "X-Oss-Meta-A": "1", "Range": "bytes=0-9", "Accept": "*/*"}
    link = a_link(method="PUT", headers=headers, additional_headers=["range"])
    assert link.signed_headers == {"Content-Type": "image/png", "X-Oss-Meta-A": "1", "Range": "bytes=0-9"}


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"expires": 604801}, "at most seven days"),
        ({"expires": timedelta(days=8)}, "at most seven days"),
        ({"expires": 0}, "in the future"),
        ({"expires": -5}, "in the future"),
        ({"expires": datetime(2026, 3, 5, 7, 8, 9, tzinfo=UTC)}, "in the future"),
        ({"expires": datetime(2026, 3, 6)}, "time zone"),
        ({"expires": "1h"}, "whole seconds"),
        ({"expires": True}, "whole seconds"),
        ({"now": datetime(2026, 3, 6)}, "time zone"),
        ({"now": 1e300}, "not a moment"),
        ({"now": float("nan")}, "not a moment"),
        ({"now": 253_402_300_799}, "year 9999"),
        ({"method": "get"}, "method must be"),
        ({"key": ""}, "can not be empty"),
        ({"key": "/leading"}, "can't be an object's"),
        ({"key": "a\0b"}, "can't be an object's"),
        ({"key": "x" * 1024}, "can't be an object's"),
        ({"key": "\ud800"}, "surrogate"),
        ({"endpoint": "https://host/path"}, "not an endpoint"),
        ({"endpoint": "ftp://host"}, "not an endpoint"),
        ({"endpoint": "user@host"}, "not an endpoint"),
        ({"endpoint": "host:port"}, "not an endpoint"),
        ({"endpoint": "a b"}, "not an endpoint"),
        ({"endpoint": "例子.com"}, "not an endpoint"),
        ({"endpoint": "oss.example.com", "internal": True}, "no internal side"),
        ({"custom_domain": "a.example.com", "internal": True}, "no internal side"),
        ({"region": "cn hangzhou"}, "not a region id"),
        ({"download_as": "a/b"}, "slash"),
        ({"download_as": "a\r\nb"}, "control character"),
        ({"download_as": ""}, "must not be empty"),
        ({"download_as": "a", "response_content_disposition": "inline"}, "not both"),
        ({"query": {"x-oss-date": "1"}}, "the signature uses it"),
        ({"query": {"": "1"}}, "the signature uses it"),
        ({"query": {"versionId": "1"}, "version_id": "2"}, "given twice"),
        ({"query": {"a": "\ud800"}}, "surrogate"),
        ({"headers": {"a": "1", "A": "2"}}, "given twice"),
        ({"headers": {"a b": "1"}}, "not a header name"),
        ({"headers": {"x-oss-meta-a": "1\r\nx-oss-meta-b: 2"}}, "line break"),
        ({"additional_headers": ["range"]}, "has no value"),
    ],
    ids=lambda value: ascii(value)[:60],
)
def test_what_cannot_be_signed_is_refused_in_words(options: dict[str, Any], why: str) -> None:
    with pytest.raises(PresignError, match=why):
        a_link(**options)


@pytest.mark.parametrize("bucket", ["", "ab", "Upper", "-a-b", "a_b", "a.b", "x" * 64])
def test_a_bad_bucket_is_refused(bucket: str) -> None:
    with pytest.raises(PresignError, match="is not a bucket name"):
        PRESIGNER.presign("GET", bucket, "k")


def test_a_v1_link_lives_as_long_as_one_likes_but_addresses_objects_only() -> None:
    presigner = Presigner(ACCESS_KEY_ID, SECRET, region=REGION, signature_version="v1")
    assert "Expires=1780470489&" in presigner.presign("GET", BUCKET, "k", expires=90 * 86400, now=NOW).url
    with pytest.raises(PresignError, match="only address an object"):
        presigner.presign("GET", BUCKET, None)
    with pytest.raises(PresignError, match="no additional headers"):
        presigner.presign("GET", BUCKET, "k", headers={"range": "x"}, additional_headers=["range"])


def test_a_v4_link_may_address_the_bucket() -> None:
    link = a_link(None, expires=600, query={"acl": ""})
    assert link.url == (
        "https://examplebucket.oss-cn-hangzhou.aliyuncs.com/?acl&x-oss-signature-version=OSS4-HMAC-SHA256"
        "&x-oss-date=20260305T070809Z&x-oss-expires=600&x-oss-credential=CoatcheckAk0001%2F20260305%2Fcn-hangzhou%2Foss"
        "%2Faliyun_v4_request&x-oss-signature=747da11b5270e99797f395be4f7b8dab8a9f8037118a525ecdd04c41915faf44"
    )


def test_a_token_that_dies_before_the_link_is_warned_of() -> None:
    dies = datetime(2026, 3, 5, 7, 30, tzinfo=UTC)
    presigner = Presigner("STS.k", "s", region=REGION, security_token="t", token_expires_at=dies)
    with pytest.warns(PresignWarning, match=r"dies at 2026-03-05 07:30:00 UTC, before the link"):
        presigner.presign("GET", BUCKET, "k", now=NOW)
    presigner.presign("GET", BUCKET, "k", expires=600, now=NOW)


def test_a_form_whose_token_dies_before_it_is_warned_of() -> None:
    dies = datetime(2026, 3, 5, 7, 30, tzinfo=UTC)
    presigner = Presigner("STS.k", "s", region=REGION, security_token="t", token_expires_at=dies)
    with pytest.warns(PresignWarning, match="before the link at 2026-03-05 08:08:09 UTC"):
        presigner.post_form(BUCKET, "k", now=NOW)


@pytest.mark.parametrize(
    "ask",
    [
        lambda presigner: presigner.presign("GET", BUCKET, "k", now=NOW),
        lambda presigner: presigner.presign("GET", BUCKET, "k", now=NOW, process="image/info"),
        lambda presigner: presigner.presign_at("GET", Where(BUCKET, "k"), LinkOptions(now=NOW)),
        lambda presigner: presigner.post_form(BUCKET, "k", now=NOW),
    ],
)
def test_the_warning_stands_at_the_line_that_asked_for_the_link(ask: Callable[[Presigner], object]) -> None:
    dies = datetime(2026, 3, 5, 7, 30, tzinfo=UTC)
    with pytest.warns(PresignWarning) as caught:
        ask(Presigner("STS.k", "s", region=REGION, security_token="t", token_expires_at=dies))
    assert [warning.filename for warning in caught] == [__file__]


def test_a_form_goes_and_is_signed_where_it_says() -> None:
    where = Where(BUCKET, "k", region="oss-cn-shanghai", internal=True)
    form = PRESIGNER.post_form_at(where, FormOptions(now=NOW))
    assert form == PRESIGNER.post_form(BUCKET, "k", region="cn-shanghai", internal=True, now=NOW)
    assert form.url == "https://examplebucket.oss-cn-shanghai-internal.aliyuncs.com/"
    assert form.fields["x-oss-credential"] == "CoatcheckAk0001/20260305/cn-shanghai/oss/aliyun_v4_request"
    with pytest.raises(PresignError, match="a form needs a key"):
        PRESIGNER.post_form_at(Where(BUCKET))


def test_the_clock_is_used_if_no_moment_is_given() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    link = PRESIGNER.presign("GET", BUCKET, "k", expires=60)
    assert before + timedelta(seconds=60) <= link.expires_at <= datetime.now(UTC) + timedelta(seconds=60)


def test_a_presigner_comes_from_the_environment() -> None:
    environ = {
        "OSS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "OSS_ACCESS_KEY_SECRET": SECRET,
        "OSS_REGION": REGION,
        "OSS_ENDPOINT": "http://127.0.0.1:8000",
        "OSS_SESSION_TOKEN": "t",
    }
    url = Presigner.from_env(environ).presign("GET", BUCKET, "k", now=NOW).url
    assert url.startswith("http://127.0.0.1:8000/examplebucket/k?")
    assert "&x-oss-security-token=t&" in url
    with pytest.raises(PresignError, match="set OSS_ACCESS_KEY_SECRET, OSS_REGION in the environment"):
        Presigner.from_env({"OSS_ACCESS_KEY_ID": "id"})


def test_one_call_makes_a_link(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OSS_ENDPOINT", "OSS_REGION", "OSS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    credentials = Credentials(ACCESS_KEY_ID, SECRET)
    link = presign("GET", BUCKET, "exampleobject.txt", credentials=credentials, region=REGION, now=NOW)
    assert link == a_link()
    with pytest.raises(PresignError, match="a region is needed"):
        presign("GET", BUCKET, "k", credentials=credentials)
    monkeypatch.setenv("OSS_ACCESS_KEY_ID", ACCESS_KEY_ID)
    monkeypatch.setenv("OSS_ACCESS_KEY_SECRET", SECRET)
    assert presign("GET", BUCKET, "exampleobject.txt", region=REGION, now=NOW) == a_link()


@pytest.mark.parametrize("arguments", [("", "s"), ("a/b", "s"), ("id", "")])
def test_half_an_access_key_is_refused(arguments: tuple[str, str]) -> None:
    with pytest.raises(PresignError, match="an access key is"):
        Presigner(*arguments, region=REGION)


def test_a_signed_request_is_the_sdks() -> None:
    headers = sign_request(
        "PUT",
        BUCKET,
        "exampleobject.txt",
        headers={
            "Content-Type": "image/png",
            "Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg==",
            "x-oss-meta-author": "alice",
            "x-oss-object-acl": "private",
        },
        credentials=Credentials(ACCESS_KEY_ID, SECRET),
        region=REGION,
        now=NOW,
    )
    assert headers == {
        "Content-Type": "image/png",
        "Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg==",
        "x-oss-meta-author": "alice",
        "x-oss-object-acl": "private",
        "x-oss-date": "20260305T070809Z",
        "x-oss-content-sha256": "UNSIGNED-PAYLOAD",
        "Authorization": "OSS4-HMAC-SHA256 Credential=CoatcheckAk0001/20260305/cn-hangzhou/oss/aliyun_v4_request,"
        "Signature=e1d5991d44ee4cde82ca7a957f0a52cb1d5592741d573a5b06e299f49fd82727",
    }


# --- stable links ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v4", "v1"])
@pytest.mark.parametrize("more", [{}, {"process": "image/info"}])
def test_a_stable_link_is_the_same_until_the_next_multiple(version: Any, more: dict[str, Any]) -> None:
    signer = Presigner("Id", "secret", region="cn-hangzhou", signature_version=version)

    def link(now: int) -> Any:
        return signer.presign("GET", "bkt", "k", now=now, stable=timedelta(hours=1), expires=4 * 3600, **more)

    seven, eight = 1_772_694_000, 1_772_697_600  # 07:00 and 08:00 UTC
    urls = {link(now).url for now in (seven, seven + 1, seven + 1800, eight - 1)}
    assert len(urls) == 1
    assert link(eight).url not in urls
    assert link(eight - 1).expires_at == datetime(2026, 3, 5, 11, 0, tzinfo=UTC)


def test_a_stable_link_is_an_ordinary_one_of_that_moment() -> None:
    signer = Presigner("Id", "secret", region="cn-hangzhou")
    stable = signer.presign("GET", "bkt", "k", now=1_772_694_489, stable=3600, expires=7200)
    assert stable.url == signer.presign("GET", "bkt", "k", now=1_772_694_000, expires=7200).url


def test_rounding_that_may_eat_more_than_half_of_the_life_warns() -> None:
    signer = Presigner("Id", "secret", region="cn-hangzhou")
    with pytest.warns(PresignWarning, match="up to 3600 of the link's 7199 seconds are over"):
        signer.presign("GET", "bkt", "k", now=1_772_694_489, stable=3600, expires=7199)
    with pytest.raises(PresignError, match="has to live longer"):
        signer.presign("GET", "bkt", "k", now=1_772_694_489, stable=3600, expires=3600)


@pytest.mark.parametrize("stable", [0, -1, 604_801, 1.5, True, timedelta(milliseconds=1), "1h"])
def test_a_period_is_whole_seconds_up_to_seven_days(stable: Any) -> None:
    signer = Presigner("Id", "secret", region="cn-hangzhou")
    with pytest.raises(PresignError, match="stable must be"):
        signer.presign("GET", "bkt", "k", now=1_772_694_489, stable=stable)

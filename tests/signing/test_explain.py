"""What `explain` makes of links: whole ones, broken ones, and each usual mistake."""

# ruff: noqa: E501
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck import Presigner, S3Presigner
from coatcheck.signing import v4
from coatcheck.signing.explain import explain
from coatcheck.signing.link import read_link

from ..each import each
from .builders import ACCESS_KEY_ID, BUCKET, HOST, NOW, REGION, SECRET, vectors

PRESIGNER = Presigner(ACCESS_KEY_ID, SECRET, region=REGION)
PRESIGNER_V1 = Presigner(ACCESS_KEY_ID, SECRET, region=REGION, signature_version="v1")


def a_link(
    key: str = "exampleobject.txt", method: str = "GET", presigner: Presigner = PRESIGNER, **options: Any
) -> str:
    return presigner.presign(method, BUCKET, key, now=NOW, **options).url


LINK = a_link()
NODE_WITHOUT_BUCKET = next(v for v in vectors("v4-query") if v["id"] == "v4-query.node.host-path-without-sld")


def problem(url: str, **options: Any) -> str:
    """The one problem of a link, read with its secret."""
    (only,) = explain(url, **{"now": NOW, "secret": SECRET, **options}).problems
    return only


def test_a_v4_link_is_explained() -> None:
    url = a_link(
        "photo 一.jpg",
        process="image/resize,w_100",
        version_id="CAEQAR",
        download_as="a.jpg",
        traffic_limit=819200,
        headers={"Range": "bytes=0-9"},
        additional_headers=["range"],
    )
    found = explain(url, now=NOW + 100)
    assert (found.version, found.access_key_id, found.region) == ("V4", "CoatcheckAk0001", "cn-hangzhou")
    assert (found.bucket, found.key) == ("examplebucket", "photo 一.jpg")
    assert (found.starts_at_s, found.expires_at_s, found.left_s) == (1772694489, 1772698089, 3500)
    assert found.state == "valid"
    assert found.required_headers == ("range",)
    assert found.process == "image/resize,w_100"
    assert found.response_headers == {"content-disposition": 'attachment; filename="a.jpg"'}
    assert (found.version_id, found.traffic_limit) == ("CAEQAR", "819200")
    assert found.problems == ()
    assert found.verified is None


def test_a_v1_link_is_explained() -> None:
    found = explain(a_link(presigner=PRESIGNER_V1), now=NOW, secret=SECRET)
    assert (found.version, found.access_key_id, found.region) == ("V1", "CoatcheckAk0001", None)
    assert (found.starts_at_s, found.expires_at_s, found.state) == (None, 1772698089, "valid")
    assert found.verified is True


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"endpoint": "http://127.0.0.1:8000"},
        {"endpoint": "http://localhost:8000"},
        {"endpoint": "http://oss-cn-hangzhou.localhost:8000"},
        {"internal": True},
        {"path_style": True},
    ],
    ids=str,
)
def test_bucket_and_key_are_found_in_every_style(options: dict[str, Any]) -> None:
    found = explain(a_link(**options), now=NOW)
    assert (found.bucket, found.key) == (BUCKET, "exampleobject.txt")


def test_the_bucket_of_an_own_domain_must_be_given() -> None:
    url = a_link(custom_domain="files.example.com")
    assert explain(url, now=NOW).notes[-1] == "The bucket can't be told from an own domain; give it to be sure."
    found = explain(url, now=NOW, bucket=BUCKET, secret=SECRET)
    assert (found.bucket, found.key, found.verified) == (BUCKET, "exampleobject.txt", True)


def test_time_is_told_in_words() -> None:
    assert explain(LINK, now=NOW + 3600 + 7260).problems == ("The link expired 2 h 1 min ago: ask for a new one.",)
    early = explain(LINK, now=NOW - 28800)
    assert early.state == "not yet valid"
    assert early.problems[0].startswith("The link starts in 8 h: the signer's clock is ahead")


@pytest.mark.parametrize(
    ("url", "options", "expected"),
    [
        (LINK, {"method": "HEAD"}, "It was signed for GET, not for HEAD"),
        (LINK, {"headers": {"Content-Type": "text/plain"}}, "Content-Type is sent but was not signed"),
        (LINK, {"headers": {"x-oss-meta-a": "1", "Content-Type": "a/b"}}, "x-oss-meta-a, Content-Type are sent but"),
        (a_link("a.png", "PUT", headers={"Content-Type": "image/png"}), {"method": "PUT"}, "with Content-Type image/png"),
        (
            a_link("a.png", "PUT", headers={"Content-Type": "image/png"}),
            {"method": "PUT", "headers": {"Content-Type": "image/PNG"}},
            "with Content-Type image/png, not 'image/PNG'",
        ),
        (a_link(headers={"Range": "x"}, additional_headers=["range"]), {}, "Signed headers are not sent: range."),
        (LINK + "&utm_source=x&utm_medium=y", {}, "Added to the link after it was signed: utm_source, utm_medium"),
        (a_link("a+b.txt").replace("%2B", "%20"), {}, "A plus of the key arrived as a space"),
        (a_link(query={"prefix": "a+b"}).replace("%2B", "+"), {}, "A '+' in the query was signed as a plus"),
        (a_link(query={"prefix": "a b"}).replace("%20", "%2B"), {}, "A space in the query was turned into a plus"),
        (a_link("my file.txt").replace("%20", "%2520"), {}, "percent-encoded twice"),
        (a_link("my%20file.txt").replace("%2520", "%20"), {}, "signed the key in its encoded form"),
        (LINK[:-3], {}, "cut off: its signature has 61 of 64 characters"),
        (LINK[:-64] + LINK[-64:].upper(), {}, "in upper case"),
        (LINK + ").", {}, "Something was appended to the link: ').'"),
        (LINK, {"secret": SECRET + "\n"}, "space or line break at its end"),
        (LINK, {"secret": "another"}, "no usual mistake explains it"),
        (a_link(presigner=PRESIGNER_V1)[:-8], {}, "cut off: its signature has"),
        (
            LINK.replace(HOST, f"otherbucket.oss-{REGION}.aliyuncs.com/{BUCKET}"),
            {},
            "bucket in the host name and bucket in the path were mixed up",
        ),
        (
            Presigner(ACCESS_KEY_ID, SECRET, region="cn-shanghai").presign("GET", BUCKET, "k", now=NOW).url.replace("cn-shanghai%2F", "cn-hangzhou%2F"),
            {},
            "The region of the credential was cn-shanghai when it was signed",
        ),
    ],
)  # fmt: skip
def test_the_mistake_that_fits_is_named(url: str, options: dict[str, Any], expected: str) -> None:
    found = explain(url, **{"now": NOW, "secret": SECRET, **options})
    assert any(expected in problem for problem in found.problems), found.problems
    assert found.verified is not True


def test_a_key_derived_for_another_region_is_told() -> None:
    scope = v4.Scope("20260305", "oss-cn-hangzhou")
    request = read_link(LINK, "GET")
    canonical_query = v4.canonical_query(request.query.parameters)
    text = v4.canonical_request("GET", "/examplebucket/exampleobject.txt", canonical_query, "", "")
    signature = v4.sign(v4.signing_key(SECRET, scope), v4.string_to_sign("20260305T070809Z", scope, text))
    assert problem(LINK[:-64] + signature).startswith("The key was derived for region oss-cn-hangzhou")


def test_a_region_that_was_changed_after_signing_is_told() -> None:
    changed = LINK.replace("%2Fcn-hangzhou%2F", "%2Fcn-beijing%2F")
    told = "The region of the credential was cn-hangzhou when it was signed; now it is cn-beijing. Sign it again."
    assert told in explain(changed, now=NOW, secret=SECRET).problems


def test_what_an_html_page_or_a_mailer_did_is_undone() -> None:
    for changed, sentence in (
        (LINK.replace("&", "&amp;"), "The link was copied out of HTML"),
        (LINK.replace("%", "%25"), "The link was percent-encoded twice"),
    ):
        found = explain(changed, now=NOW, secret=SECRET)
        assert found.problems[0].startswith(sentence)
        assert found.verified is True


def test_a_link_of_the_wrong_region_is_told() -> None:
    url = a_link().replace("oss-cn-hangzhou", "oss-cn-shanghai")
    assert (
        problem(url)
        == "It is signed for region cn-hangzhou, but its address is in cn-shanghai: sign it for that region."
    )


def test_a_date_of_another_day_is_told() -> None:
    assert "must have the day of x-oss-date" in problem(
        LINK.replace("x-oss-date=20260305", "x-oss-date=20260306"), now=NOW + 86400
    )


def test_a_link_that_the_shell_cut_at_its_first_ampersand_is_told() -> None:
    assert "quote it in a shell" in problem(LINK.partition("&")[0])
    assert "quote it in a shell" in problem(f"https://{HOST}/k?x-oss-process=image/info")


def test_what_is_not_ours_is_told() -> None:
    assert problem("https://example.com/") == "The link is not signed: it works only if the object is public."
    assert "X-Amz-Algorithm" in problem("https://example.com/?X-Amz-Signature=x")


def test_an_address_without_a_bucket_is_told() -> None:
    assert "The address holds no bucket and key" in problem(NODE_WITHOUT_BUCKET["output"]["url"])


def test_the_v1_signer_of_the_python_sdk_is_known() -> None:
    vector = next(v for v in vectors("v1-query") if v["id"] == "v1-query.pyv2.query-process")
    assert "leaves them out" in problem(vector["output"]["url"])


def is_readable(vector: dict[str, Any]) -> bool:
    """Strictly signed with the secret of these tests, and of a bucket and a legal key."""
    no_object = vector["group"] in ("service:list-buckets", "key:leading-slash")
    return bool(vector["verify"]["strict"]) and not no_object and vector["credentials"] == "long"


@each([v for v in vectors("v4-query", "v1-query") if is_readable(v)], name=lambda v: str(v["id"]))
def test_links_of_every_sdk_are_explained_and_verified(vector: dict[str, Any]) -> None:
    found = explain(
        vector["output"]["url"],
        now=NOW,
        secret=SECRET,
        method=vector["input"]["method"],
        headers={name: str(value) for name, value in vector["output"]["headers"].items()},
        bucket=vector["input"]["bucket"],
    )
    assert (found.bucket, found.key) == (vector["input"]["bucket"], vector["input"]["key"] or None)
    assert found.verified is True


@given(text=st.one_of(st.text(max_size=80), st.text("httpsx-o:/?&=%.+amp;0123\ud800", max_size=80)))
def test_any_text_is_answered(text: str) -> None:
    explain(text, now=NOW, secret=SECRET)


@given(data=st.data())
def test_any_damage_to_a_link_is_answered(data: st.DataObject) -> None:
    link = data.draw(st.sampled_from([LINK, a_link(presigner=PRESIGNER_V1)]))
    start, stop = sorted((data.draw(st.integers(0, len(link))), data.draw(st.integers(0, len(link)))))
    damaged = link[:start] + data.draw(st.text(max_size=5)) + link[stop:]
    explain(damaged, now=NOW, secret=data.draw(st.sampled_from([SECRET, "", "\udc80x"[1:]])))


@pytest.mark.parametrize(("key", "encoded"), [("my file.txt", "%20"), ("my+file.txt", "%2B")])
def test_a_plus_in_the_path_is_read_as_it_was_signed(key: str, encoded: str) -> None:
    seen = explain(a_link(key).replace(encoded, "+"), now=NOW, secret=SECRET)
    assert (seen.verified, seen.key) == (True, key)
    assert seen.notes[-1].startswith("A '+' in the path is a space; it is a plus only if the signer signed one.")


S3 = S3Presigner(ACCESS_KEY_ID, SECRET, endpoint="https://s3.cn-hangzhou.example.com", region=REGION)
S3_V2 = S3Presigner(ACCESS_KEY_ID, SECRET, endpoint="http://127.0.0.1:8000", signature_version="v2")


def an_s3_link(key: str = "dir/k", method: str = "GET", presigner: S3Presigner = S3, **options: Any) -> str:
    return presigner.presign(method, BUCKET, key, now=NOW, **options).url


S3_LINK = an_s3_link()
S3_HOST = f"{BUCKET}.s3.cn-hangzhou.example.com"
PUT_TYPED = an_s3_link("a.png", "PUT", headers={"Content-Type": "image/png"})


def test_a_link_of_s3_is_explained() -> None:
    found = explain(S3_LINK, now=NOW, secret=SECRET)
    assert (found.dialect, found.version, found.access_key_id, found.region) == ("S3", "V4", ACCESS_KEY_ID, REGION)
    assert (found.bucket, found.key, found.state, found.verified) == (BUCKET, "dir/k", "valid", True)
    assert found.problems == ()
    assert found.notes[0].startswith(f"S3 signs the host: the link works under {S3_HOST} alone")
    found = explain(an_s3_link(presigner=S3_V2), now=NOW, secret=SECRET)
    assert (found.dialect, found.version, found.bucket, found.verified) == ("S3", "V2", BUCKET, True)
    assert explain(LINK, now=NOW).dialect == "OSS"


@pytest.mark.parametrize(
    ("url", "options", "expected"),
    [
        (S3_LINK, {"method": "HEAD"}, "It was signed for GET, not for HEAD"),
        (S3_LINK, {"headers": {"x-amz-acl": "public-read"}, "secret": None}, "x-amz-acl: sent but not signed"),
        (S3_LINK, {"headers": {"Host": f"{S3_HOST}:443"}}, f"The signer signed the host as {S3_HOST}, and it came with"),
        (S3_LINK.replace(S3_HOST, "files.example.org"), {"bucket": BUCKET}, "signed for another host name than files"),
        (PUT_TYPED, {"method": "PUT"}, "Signed headers are not sent: content-type."),
        (PUT_TYPED, {"method": "PUT", "headers": {"Content-Type": "text/x"}}, "with Content-Type image/png, not 'text/x'"),
        (an_s3_link("a+b").replace("%2B", "%20"), {}, "A plus of the key arrived as a space"),
        (an_s3_link("a b").replace("a%20b", "a+b"), {}, "A space of the key was written as '+'"),
        (an_s3_link("a b").replace("a%20b", "a%2520b"), {}, "percent-encoded twice"),
        (S3_LINK.replace("cn-hangzhou%2Fs3", "us-east-1%2Fs3"), {}, "The region of the credential was cn-hangzhou"),
        (S3_LINK + "&utm_source=x", {}, "Added to the link after it was signed: utm_source"),
        (S3_LINK[:-4], {}, "cut off: its signature has 60 of 64 characters"),
        (S3_LINK.partition("&X-Amz-Signature")[0], {}, "The link is not whole"),
        (S3_LINK, {"now": NOW + 3600 + 7260}, "The link expired 2 h 1 min ago"),
        (S3_LINK, {"now": NOW - 28800}, "The link starts in 8 h: the signer's clock is ahead"),
        (S3_LINK, {"secret": "another"}, "no usual mistake explains it"),
        (an_s3_link(presigner=S3_V2), {"headers": {"Content-Type": "a/b"}}, "content-type is sent but was not signed"),
        (an_s3_link("k", "PUT", S3_V2), {"method": "GET"}, "It was signed for PUT, not for GET"),
    ],
)  # fmt: skip
def test_the_mistake_with_a_link_of_s3_is_named(url: str, options: dict[str, Any], expected: str) -> None:
    found = explain(url, **{"now": NOW, "secret": SECRET, **options})
    assert any(expected in problem for problem in found.problems), found.problems

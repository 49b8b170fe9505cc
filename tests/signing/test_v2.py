"""V2 signatures, as oss2's AuthV2 makes them: an official signature, and each thing in it that must not change."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from coatcheck.core.errors import OssError
from coatcheck.signing.claim import read_claim
from coatcheck.signing.explain import explain
from coatcheck.signing.verify import signed_text, verify
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target

from .builders import NOW, SECRET, a_request, check_all, vectors

LINK = vectors("v2-query")[0]["output"]["url"]
KEY = Target("examplebucket", "dir one/my file.txt")
DATE = "Thu, 05 Mar 2026 07:08:09 GMT"
HOST = "https://examplebucket.oss-cn-hangzhou.aliyuncs.com"
HEADERS = {"date": DATE, "content-type": "text/plain", "x-oss-meta-b": "2", "x-oss-meta-a": "1", "range": "bytes=0-1"}
TEXT = (
    "PUT\n\ntext/plain\nThu, 05 Mar 2026 07:08:09 GMT\nrange:bytes=0-1\nx-oss-meta-a:1\nx-oss-meta-b:2\nrange\n"
    "%2Fexamplebucket%2Fa%2Fb?acl&x=%2F"
)
SIGNATURE = "HXkXtgt0Axnx6SKn3BfoaYY8G3iZQLG491S8tsY2WvM="


def refusal(request: Request, target: Target = KEY, now: float = NOW, secret: str = SECRET) -> tuple[int, str, str]:
    with pytest.raises(OssError) as refused:
        accept(request, target, now, secret)
    return refused.value.status, refused.value.code, refused.value.ec


def accept(request: Request, target: Target = KEY, now: float = NOW, secret: str = SECRET) -> None:
    claim = read_claim(request)
    assert claim is not None
    check_all(claim, now=now, regions=("cn-hangzhou",), target=target)
    verify(claim, request, target, secret)


def a_put(**changes: str) -> Request:
    authorization = f"OSS2 AccessKeyId:CoatcheckAk0001,AdditionalHeaders:range,Signature:{SIGNATURE}"
    return a_request(f"{HOST}/a/b?x=%2F&acl", "PUT", {**HEADERS, "authorization": authorization, **changes})


def test_a_link_of_the_python_sdk_is_accepted_until_it_ends() -> None:
    claim = read_claim(a_request(LINK))
    assert claim is not None
    assert signed_text(claim, a_request(LINK), KEY).string_to_sign == vectors("v2-query")[0]["output"]["string_to_sign"]
    accept(a_request(LINK))
    accept(a_request(LINK), now=1772698089)
    assert refusal(a_request(LINK), now=1772698090) == (403, "AccessDenied", "")


@pytest.mark.parametrize(
    "url",
    [
        LINK.replace("1772698089", "1772698090"),
        LINK + "&x=y",
        LINK + "&acl",
        LINK + "&x-oss-process=image/info",
        LINK.replace("ybK3", "ybK4"),
    ],
)
def test_nothing_of_a_link_can_be_changed(url: str) -> None:
    assert refusal(a_request(url)) == (403, "SignatureDoesNotMatch", "")


def test_a_link_is_for_one_method_key_and_secret_and_takes_no_header() -> None:
    mismatch = (403, "SignatureDoesNotMatch", "")
    assert refusal(a_request(LINK, "PUT")) == mismatch
    assert refusal(a_request(LINK), Target("examplebucket", "dir one")) == mismatch
    assert refusal(a_request(LINK), secret="another") == mismatch
    for name in ("x-oss-meta-a", "content-type", "content-md5"):
        assert refusal(a_request(LINK, headers={name: "x"})) == mismatch


def test_a_doubled_parameter_is_refused() -> None:
    for name in ("x-oss-signature", "x-oss-expires", "x-oss-access-key-id"):
        assert refusal(a_request(f"{LINK}&{name}=x"))[:2] == (400, "InvalidArgument")


def test_a_header_signs_all_that_oss_reads() -> None:
    target = Target("examplebucket", "a/b")
    request = a_put()
    claim = read_claim(request)
    assert claim is not None
    assert signed_text(claim, request, target).string_to_sign == TEXT
    accept(request, target)
    for name, value in (("x-oss-meta-a", "2"), ("x-oss-meta-c", "3"), ("content-type", "x/y"), ("range", "bytes=0-9")):
        assert refusal(a_put(**{name: value}), target) == (403, "SignatureDoesNotMatch", "")
    assert refusal(a_put(), target, NOW + 901) == (403, "RequestTimeTooSkewed", "0002-00000504")
    absent = replace(request, headers={name: value for name, value in request.headers.items() if name != "range"})
    assert refusal(absent, target) == (400, "InvalidArgument", "0002-00000077")


def test_a_link_is_explained() -> None:
    seen = explain(LINK, now=NOW, secret=SECRET)
    assert (seen.version, seen.verified, seen.key, seen.expires_at_s) == ("V2", True, "dir one/my file.txt", 1772698089)
    assert explain(LINK[:-8], now=NOW, secret=SECRET).problems[0].startswith("The link was cut off")

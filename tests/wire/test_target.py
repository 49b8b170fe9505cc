from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.core.errors import INVALID_BUCKET_NAME, INVALID_OBJECT_NAME, NON_STANDARD_HOST, Fault, OssError
from coatcheck.wire.request import Request
from coatcheck.wire.target import (
    Addressing,
    Target,
    find_target,
    is_own_name,
    make_addressing,
    own_domain_target,
    read_host_name,
    second_reading,
)

REGION = "cn-hangzhou"
ADDRESSING = make_addressing((REGION,), ("localhost", "oss.example.net"))
OWN_DOMAINS = {"files.example.com": "photos", "www.oss.example.net": "photos"}
TWO_REGIONS = make_addressing((REGION, "eu-west-1"), ("localhost",))


def target_of(host: str, path: str | bytes = "/", addressing: Addressing = ADDRESSING) -> Target:
    raw_path = path.encode() if isinstance(path, str) else path
    request = Request("GET", raw_path, headers={"host": host})
    bound_to = OWN_DOMAINS.get(read_host_name(host))
    return find_target(request, addressing) or own_domain_target(request, addressing, bound_to)


def refusal_of(host: str, path: str = "/") -> Fault:
    with pytest.raises(OssError) as refusal:
        target_of(host, path)
    return refusal.value.fault


VIRTUAL_HOSTS = [
    "photos.oss-cn-hangzhou.localhost",
    "photos.oss-cn-hangzhou-internal.localhost",
    "photos.cn-hangzhou.oss.localhost",
    "photos.localhost",
    "photos.oss.example.net",
    "photos.oss-cn-hangzhou.oss.example.net",
    "photos.oss-cn-hangzhou.aliyuncs.com",
    "photos.oss-cn-hangzhou-internal.aliyuncs.com",
    "photos.cn-hangzhou.oss.aliyuncs.com",
    "photos.oss-accelerate.aliyuncs.com",
    "photos.oss-accelerate.localhost",
    "photos.oss-accelerate-overseas.oss.example.net",
    "PHOTOS.OSS-CN-Hangzhou.LocalHost",
    "photos.localhost:8000",
    "photos.localhost.",
    "photos.localhost.:8000",
    "files.example.com",
    "Files.Example.com:443",
]
PATH_STYLE_HOSTS = [
    "localhost",
    "localhost:8000",
    "127.0.0.1",
    "127.0.0.1:8000",
    "[::1]",
    "[::1]:8000",
    "[FE80::1]",
    "oss-cn-hangzhou.localhost",
    "oss-cn-hangzhou-internal.localhost:80",
    "cn-hangzhou.oss.localhost",
    "oss.example.net",
    "oss-cn-hangzhou.aliyuncs.com",
]
PATHS = [
    ("/a.txt", "a.txt"),
    ("/dir/a.txt", "dir/a.txt"),
    ("/dir%2Fa.txt", "dir/a.txt"),
    ("/%E5%86%99 +%2B", "写  +"),
    ("/a/../b//", "a/../b//"),
    ("/photos/a.txt", "photos/a.txt"),
    ("/?", "?"),
]


@pytest.mark.parametrize(("path", "key"), PATHS)
def test_every_way_of_addressing_an_object_gives_the_same_bucket_and_key(path: str, key: str) -> None:
    found = {target_of(host, path)[:2] for host in VIRTUAL_HOSTS}
    found |= {target_of(host, "/photos" + path)[:2] for host in PATH_STYLE_HOSTS}
    assert found == {("photos", key)}


@pytest.mark.parametrize("host", VIRTUAL_HOSTS)
def test_the_root_of_a_virtual_host_is_the_bucket(host: str) -> None:
    assert target_of(host, "/")[:2] == ("photos", None)


@pytest.mark.parametrize("host", PATH_STYLE_HOSTS)
@pytest.mark.parametrize(
    ("path", "key"),
    [("%2Fdir%2Fa.txt", "dir/a.txt"), ("%2fa.txt", "a.txt"), ("%2Fdir/a.txt", "dir/a.txt"), ("/dir%2Fa", "dir/a")],
)
def test_the_slash_behind_the_bucket_may_be_encoded(host: str, path: str, key: str) -> None:
    """The C SDK with an IP endpoint encodes it with the others."""
    assert target_of(host, f"/photos{path}")[:2] == ("photos", key)


@pytest.mark.parametrize("host", PATH_STYLE_HOSTS)
@pytest.mark.parametrize("path", ["/photos", "/photos/", "/%70hotos", "/photos%2F", "/photos%2f"])
def test_the_first_segment_of_a_path_is_the_bucket(host: str, path: str) -> None:
    assert target_of(host, path)[:2] == ("photos", None)


@pytest.mark.parametrize("host", [".oss-cn-hangzhou.aliyuncs.com", ".oss-cn-hangzhou.localhost"])
def test_no_bucket_before_an_endpoints_name_is_the_name_alone(host: str) -> None:
    assert target_of(host, "/") == Target(None, None, REGION)
    assert target_of(host, "/photos/a.txt") == Target("photos", "a.txt", REGION)


@pytest.mark.parametrize("host", PATH_STYLE_HOSTS)
def test_an_empty_path_is_the_service(host: str) -> None:
    assert target_of(host, "/")[:2] == (None, None)


def test_the_path_is_split_before_it_is_decoded() -> None:
    """oss2 sends the key's own slashes as %2F."""
    assert target_of("127.0.0.1", "/photos/dir%2Ffile") == Target("photos", "dir/file")
    assert refusal_of("127.0.0.1", "/photos%252Fdir/file") is INVALID_BUCKET_NAME


@pytest.mark.parametrize("path", ["/photos//a", "/photos/%2Fa", "/photos/%5Ca", "/photos/%FF", "/photos/a%00"])
def test_a_key_that_breaks_a_rule_is_refused(path: str) -> None:
    assert refusal_of("127.0.0.1", path) is INVALID_OBJECT_NAME


@pytest.mark.parametrize(
    ("host", "path"), [("127.0.0.1", "/Photos/a"), ("a.localhost", "/a"), ("_x_.localhost", "/a"), ("[::1]", "/p/a")]
)
def test_a_name_that_no_bucket_can_have_is_refused(host: str, path: str) -> None:
    assert refusal_of(host, path) is INVALID_BUCKET_NAME


@pytest.mark.parametrize(
    "host",
    [
        "",
        "example.com",
        "photos.example.com",
        "a.photos.localhost",
        "localhost.example.com",
        "xlocalhost",
        "photos.oss-us-west-1.localhost.evil.test",
        "photos.oss-accelerate.example.com",
        "127.0.0.1.5",
        "[]",
        "[localhost]",
        "photos.localhost,evil.test",
        "127.0.0.1:8000,photos.localhost",
        "localhost:x",
        "[::1]x",
        "::1",
    ],
)
def test_a_host_that_is_not_ours_is_refused(host: str) -> None:
    assert refusal_of(host) is NON_STANDARD_HOST


def test_a_refused_host_is_told_in_osss_words_and_in_ours() -> None:
    with pytest.raises(OssError) as refusal:
        target_of("files.example.org")
    assert refusal.value.message.startswith("Your host is invalid. Please use Open Storage Service standard host.")
    assert "does not answer to files.example.org" in refusal.value.message


def test_an_endpoint_that_stands_for_a_region_says_so() -> None:
    assert target_of("photos.oss-eu-west-1.localhost", "/a", TWO_REGIONS).region == "eu-west-1"
    assert target_of("oss-cn-hangzhou-internal.localhost", "/photos/a", TWO_REGIONS).region == "cn-hangzhou"
    assert target_of("photos.localhost", "/a", TWO_REGIONS).region is None
    assert target_of("127.0.0.1", "/photos/a", TWO_REGIONS).region is None


def test_with_one_region_the_bare_domain_stands_for_it() -> None:
    assert target_of("photos.localhost", "/a").region == REGION


def test_a_region_that_is_not_served_is_no_endpoint() -> None:
    assert refusal_of("photos.oss-us-west-1.localhost") is NON_STANDARD_HOST


def test_a_path_that_names_the_hosts_bucket_again_has_a_second_reading() -> None:
    """ali-oss with sldEnable and an IP endpoint."""
    request = Request("GET", b"/photos/a.txt", headers={"host": "photos.oss-cn-hangzhou.aliyuncs.com"})
    target = find_target(request, ADDRESSING)
    assert target is not None
    assert target == Target("photos", "photos/a.txt", REGION)
    assert second_reading(request, target) == Target("photos", "a.txt", REGION)


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("photos.localhost", b"/other/a.txt"),
        ("photos.localhost", b"/photos2/a.txt"),
        ("127.0.0.1", b"/photos/a.txt"),
        ("127.0.0.1", b"/"),
    ],
)
def test_other_requests_have_one_reading(host: str, path: bytes) -> None:
    request = Request("GET", path, headers={"host": host})
    assert second_reading(request, target_of(host, path)) is None


def test_accelerate_names_and_own_domains_stand_for_no_region() -> None:
    assert target_of("photos.oss-accelerate.localhost", "/a") == Target("photos", "a", None, accelerated=True)
    assert target_of("files.example.com", "/a") == Target("photos", "a", None, own_domain=True)


def test_own_domain_below_a_bare_domain_goes_before_the_bucket_of_that_name() -> None:
    assert target_of("www.oss.example.net", "/a") == Target("photos", "a", None, own_domain=True)
    assert target_of("www2.oss.example.net", "/a") == Target("www2", "a", REGION)
    assert target_of("www.oss-cn-hangzhou.oss.example.net", "/a") == Target("www", "a", REGION)


@pytest.mark.parametrize("host", ["files.example.com", "localhost.example.com", "xlocalhost"])
def test_a_name_that_is_not_ours_may_be_bound(host: str) -> None:
    assert not is_own_name(host, ADDRESSING)


@pytest.mark.parametrize(
    "host", ["localhost", "photos.localhost", "a.b.localhost", "oss-cn-hangzhou.aliyuncs.com", "127.0.0.1", "[::1]"]
)
def test_a_name_of_ours_may_not_be_bound(host: str) -> None:
    assert is_own_name(host, ADDRESSING)


hosts = st.sampled_from([*VIRTUAL_HOSTS, *PATH_STYLE_HOSTS]) | st.text()


@given(hosts, st.binary().map(lambda raw: b"/" + raw) | st.binary())
def test_any_host_and_path_are_a_target_or_a_refusal(host: str, raw_path: bytes) -> None:
    try:
        target = target_of(host, raw_path)
    except OssError:
        return
    assert target.key is None or target.bucket is not None
    assert target.key is None or 1 <= len(target.key.encode()) <= 1023

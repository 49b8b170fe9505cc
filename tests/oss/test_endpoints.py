"""One link, every endpoint: the answer doesn't depend on the name by which the server is reached."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck import Presigner
from coatcheck.wire.forwarded import TrustedProxies
from coatcheck.wire.query import read_query
from coatcheck.wire.request import Request

from .house import NOW, OWNER, Answer, House

REGIONS = ("cn-hangzhou", "eu-west-1")
DOMAINS = ("localhost", "oss.example.net")
BUCKET_NAMES = [
    f"photos.{name}.{domain}"
    for domain in (*DOMAINS, "aliyuncs.com")
    for name in ("oss-cn-hangzhou", "oss-cn-hangzhou-internal", "cn-hangzhou.oss", "oss-accelerate")
] + ["photos.localhost", "photos.oss.example.net:8443", "files.example.com", "Photos.OSS-cn-hangzhou.localhost."]
PATH_NAMES = ["127.0.0.1:8000", "[::1]", "localhost", "oss-cn-hangzhou.localhost", "oss-accelerate.oss.example.net"]


async def a_house() -> House:
    house = await House(regions=REGIONS, options={"domains": DOMAINS}).with_bucket()
    bucket = await house.catalog.find_bucket("photos")
    assert bucket is not None
    accelerated = b"<TransferAccelerationConfiguration><Enabled>true</Enabled></TransferAccelerationConfiguration>"
    assert (await house.ask("PUT", "/photos/?transferAcceleration", accelerated)).status == 200
    await house.domains.bind_domain("files.example.com", bucket.bucket_id, now=NOW, most=1)
    return house


async def through_every_endpoint(house: House, link: str) -> dict[str, Answer]:
    """`link` is path style; each endpoint gets the same path and query after its own way of naming the bucket."""
    parts = urlsplit(link)
    rest = link.partition(parts.netloc)[2]
    path = rest.removeprefix("/photos")
    answers = {host: await house.follow(f"http://{host}{path}") for host in BUCKET_NAMES}
    return answers | {host: await house.follow(f"http://{host}{rest}") for host in PATH_NAMES}


def told(answer: Answer) -> tuple[int, bytes | str | None, str | None]:
    if answer.status < 400:
        return answer.status, answer.body, answer.headers.get("content-type")
    return answer.status, answer.text("Code"), answer.text("Message")


keys = st.text("aé /+%?.~", min_size=1, max_size=12).filter(lambda key: key[0] not in "/\\")
changes = st.sampled_from(["", "&x=1", "&x-oss-process=", "0", "&versionId=null"])


@given(keys, st.integers(1, 604800), st.booleans(), changes, st.integers(-2000, 700000))
def test_random_link_gives_the_same_answer_under_every_endpoint(
    key: str, expires_s: int, stored: bool, change: str, later_s: int
) -> None:
    async def ask() -> set[tuple[int, bytes | str | None, str | None]]:
        house = await a_house()
        link = house.link("GET", key, expires=expires_s) + change
        if stored:
            put = await house.follow(house.link("PUT", key), "PUT", b"one coat")
            assert put.status == 200
        house.now = NOW + later_s
        return {told(answer) for answer in (await through_every_endpoint(house, link)).values()}

    assert len(asyncio.run(ask())) == 1


async def test_link_that_signs_its_host_answers_there_alone_and_the_refusal_says_so() -> None:
    house = await a_house()
    await house.put("/photos/a.txt", b"one coat")
    host = "photos.oss-cn-hangzhou.localhost"
    link = house.link(
        "GET", "a.txt", headers={"host": host}, additional_headers=["host"], endpoint="http://oss-cn-hangzhou.localhost"
    )
    assert (await house.follow(link)).body == b"one coat"
    elsewhere = await house.follow(link.replace(host, "photos.oss.example.net"))
    assert elsewhere.refusal == (403, "SignatureDoesNotMatch")
    assert "also signed the host" in (elsewhere.text("Message") or "")
    assert "'photos.oss.example.net'" in (elsewhere.text("Message") or "")


async def test_other_mismatches_say_nothing_of_hosts() -> None:
    house = await a_house()
    answer = await house.follow(house.link("GET", "a.txt") + "&x=1")
    assert "host" not in (answer.text("Message") or "")


# --- regions ---------------------------------------------------------------------------------------------------------


async def test_endpoint_of_another_region_is_refused_with_the_right_endpoint() -> None:
    house = await a_house()
    for host in ("oss-eu-west-1.localhost", "eu-west-1.oss.localhost", "oss-eu-west-1-internal.localhost"):
        answer = await house.ask("GET", "/photos/", host=host, region="eu-west-1")
        assert answer.refusal == (403, "AccessDenied")
        assert (answer.text("Message") or "").startswith("The bucket you are attempting to access must be addressed")
        assert answer.text("Endpoint") == "oss-cn-hangzhou.localhost"


async def test_signature_for_another_region_than_the_endpoints_is_refused() -> None:
    house = await a_house()
    answer = await house.ask("GET", "/photos/", host="oss-eu-west-1.localhost", region="cn-hangzhou")
    assert answer.refusal == (400, "InvalidArgument")


async def test_signature_for_another_region_than_the_buckets_is_refused_at_an_endpoint_of_none() -> None:
    house = await a_house()
    signer = Presigner(OWNER.access_key_id, OWNER.access_key_secret, region="eu-west-1", endpoint="http://127.0.0.1")
    link = signer.presign("GET", "photos", "a.txt", now=NOW).url
    answer = await house.follow(link)
    assert (answer.refusal, answer.text("Endpoint")) == ((403, "AccessDenied"), "oss-cn-hangzhou.localhost")


async def test_bucket_made_at_an_endpoint_of_no_region_lives_where_its_signer_said() -> None:
    house = await a_house()
    assert (await house.ask("PUT", "/west/", region="eu-west-1")).status == 200
    located = await house.ask("GET", "/west/?location", host="oss-eu-west-1.localhost", region="eu-west-1")
    assert b"oss-eu-west-1" in located.body


# --- proxies ---------------------------------------------------------------------------------------------------------

SEEN = TrustedProxies(["127.0.0.1"])


@pytest.mark.parametrize(
    ("host", "told", "path"),
    [
        ("127.0.0.1:8000", "photos.oss-cn-hangzhou.localhost", "/a.txt"),
        ("127.0.0.1:8000", "files.example.com", "/a.txt"),
        ("photos.oss-cn-hangzhou.localhost", "downloads.example.org", "/a.txt"),
        ("127.0.0.1:8000", "www.example.org", "/photos/a.txt"),
        ("photos.localhost", "", "/a.txt"),
    ],
)
async def test_host_that_the_client_used_counts_and_if_it_is_none_of_ours_the_proxys(
    host: str, told: str, path: str
) -> None:
    """Most proxies tell the client's host, also where they put another in its place."""
    house = await a_house()
    await house.put("/photos/a.txt", b"one coat")
    query = read_query(house.link("GET", "a.txt").partition("?")[2].encode())
    headers = {"host": host, **({"x-forwarded-host": told} if told else {})}
    request = SEEN.see_through(Request("GET", path.encode(), query, headers, client="127.0.0.1"))
    assert (await house.send(request)).body == b"one coat"


async def test_host_that_nobody_knows_is_refused_by_the_clients_name() -> None:
    house = await a_house()
    headers = {"host": "backend", "x-forwarded-host": "www.example.org"}
    answer = await house.send(SEEN.see_through(Request("GET", b"/a", headers=headers, client="127.0.0.1")))
    assert answer.refusal == (403, "NonStandardHostForbidden")


# --- browsers save instead of show -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "sent"),
    [
        (None, "attachment"),
        ("inline", "attachment"),
        ('Inline; filename="a.html"', 'attachment; filename="a.html"'),
        ('attachment; filename="b"', 'attachment; filename="b"'),
    ],
)
async def test_forced_download_under_the_servers_own_names_only(stored: str | None, sent: str) -> None:
    house = await House(options={"force_download": True}).with_bucket(acl="public-read")
    headers = {"content-type": "text/html"} | ({"content-disposition": stored} if stored else {})
    await house.put("/photos/a.html", b"<script>", headers)
    bucket = await house.catalog.find_bucket("photos")
    assert bucket is not None
    await house.domains.bind_domain("files.example.com", bucket.bucket_id, now=NOW, most=1)
    ours = await house.follow("http://photos.localhost/a.html")
    assert (ours.headers["content-disposition"], ours.headers["x-oss-force-download"]) == (sent, "true")
    own = await house.follow("http://files.example.com/a.html")
    assert (own.headers.get("content-disposition"), own.headers.get("x-oss-force-download")) == (stored, None)
    for answer in (ours, own):
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_downloads_are_not_forced_unless_asked_for() -> None:
    house = await House().with_bucket(acl="public-read")
    await house.put("/photos/a.html", b"<p>", {"content-type": "text/html"})
    assert "content-disposition" not in (await house.follow("http://photos.localhost/a.html")).headers


async def test_html_by_override_takes_a_signature() -> None:
    house = await House().with_bucket(acl="public-read")
    await house.put("/photos/a.txt", b"<p>")
    link = house.link("GET", "a.txt", response_content_type="text/html")
    assert (await house.follow(link)).headers["content-type"] == "text/html"
    bare = await house.follow("http://photos.localhost/a.txt?response-content-type=text/html")
    assert bare.refusal == (400, "InvalidRequest")

"""The holder of a link does what its signer meant, and nothing else."""

from __future__ import annotations

import base64
import json

import pytest

from ..oss.house import NOW, GivenBody, House
from ..test_asgi import Served, a_scope, ask, piece
from .crafting import a_house, a_policy, a_user, objects, v1_link, v4_headers, v4_link

CALLBACK = base64.b64encode(
    json.dumps({"callbackUrl": "http://app.example.com/", "callbackBody": "x"}).encode()
).decode()
COPY = {"x-oss-copy-source": "/photos/secret.txt"}
CONTROLS = [
    {"x-oss-object-acl": "public-read"},
    {"x-oss-tagging": "a=b"},
    {"x-oss-storage-class": "IA"},
    {"x-oss-forbid-overwrite": "true"},
    {"x-oss-server-side-encryption": "AES256"},
    {"x-oss-symlink-target": "secret.txt"},
    {"x-oss-callback": CALLBACK},
    {"x-oss-callback-var": CALLBACK},
    {"x-oss-traffic-limit": "819200"},
    {"x-oss-persistent-headers": "name:dmFsdWU="},
    {"x-oss-metadata-directive": "REPLACE"},
]


async def refused(house: House, link: str, method: str, headers: dict[str, str]) -> None:
    """The link with those headers does nothing, and without them what it was made for."""
    before = house.contents()
    answer = await house.ask(method, link, b"mine", headers, by=None)
    assert answer.refusal == (403, "SignatureDoesNotMatch")
    assert house.contents() == before
    assert (await house.ask(method, link, b"mine", by=None)).status == 200


async def test_a_link_to_upload_copies_nothing() -> None:
    """An unsigned copy source on a link makes no CopyObject that runs with its signer's rights."""
    await refused(await a_house(), v4_link("/photos/new.txt", "PUT"), "PUT", COPY)


async def test_a_v1_link_to_upload_copies_nothing() -> None:
    """The same for links of the older scheme."""
    await refused(await a_house(), v1_link("/photos/new.txt", "PUT"), "PUT", COPY)


async def test_a_signed_upload_that_was_overheard_copies_nothing() -> None:
    """Neither does a request signed in its header, repeated with a copy source."""
    house = await a_house()
    before = house.contents()
    answer = await house.ask("PUT", "/photos/new.txt", b"x", v4_headers("/photos/new.txt", "PUT") | COPY, by=None)
    assert answer.refusal == (403, "SignatureDoesNotMatch")
    assert house.contents() == before


async def test_a_link_to_upload_a_part_copies_nothing() -> None:
    """Nor does a link for a part become an UploadPartCopy."""
    house = await a_house()
    upload_id = (await house.ask("POST", "/photos/big?uploads")).text("UploadId")
    await refused(house, v4_link(f"/photos/big?partNumber=1&uploadId={upload_id}", "PUT"), "PUT", COPY)


@pytest.mark.parametrize("headers", CONTROLS, ids=lambda headers: next(iter(headers)))
async def test_a_link_takes_no_control_header_that_was_not_signed(headers: dict[str, str]) -> None:
    """ACL, tags, class, encryption, callback and their like on an upload are its signer's to choose."""
    await refused(await a_house(), v4_link("/photos/new.txt", "PUT"), "PUT", headers)


@pytest.mark.parametrize("sign", [v4_link, v1_link])
async def test_a_link_stores_no_metadata_that_was_not_signed(sign: object) -> None:
    """x-oss-meta-* headers are part of what is signed, so the holder of a link adds none."""
    assert callable(sign)
    await refused(await a_house(), sign("/photos/new.txt", "PUT"), "PUT", {"x-oss-meta-owner": "mallory"})


@pytest.mark.parametrize("name", ["x-oss-anything", "x-oss-range-behavior", "content-md5", "x-oss-security-token"])
async def test_a_header_that_arrives_is_never_left_out_of_the_text(name: str) -> None:
    """What is verified is what came: no header of OSS's is skipped because the signer didn't list it."""
    house = await a_house()
    answer = await house.ask("GET", v4_link("/photos/secret.txt"), headers={name: "1"}, by=None)
    assert answer.status in (400, 403)
    assert b"a secret" not in answer.body


@pytest.mark.parametrize("names", [(b"X-OSS-Copy-Source",), (b"x-oss-copy-source", b"X-Oss-Copy-Source")])
async def test_a_copy_source_is_seen_however_it_is_written(names: tuple[bytes, ...]) -> None:
    """A header in capitals, or given twice, is the same header: it is verified, and not passed by."""
    house = await a_house()
    path, _, query = v4_link("/photos/new.txt", "PUT").partition("?")
    headers = [(b"host", b"127.0.0.1"), (b"content-length", b"0"), *((name, b"/photos/secret.txt") for name in names)]
    client = await ask(
        a_scope("PUT", path.encode(), query.encode(), headers), piece(b"", more=False), answer=Served(house)
    )
    assert (client.status, b"SignatureDoesNotMatch" in client.body) == (403, True)
    assert (await house.ask("GET", "/photos/new.txt")).status == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"x-copy-from": "/photos/secret.txt", "x-copy-from-account": "1000000000000001"},
        {"x-amz-copy-source": "/photos/secret.txt", "x-amz-acl": "public-read", "x-amz-tagging": "a=b"},
        {"x-object-manifest": "photos/secret", "x-symlink-target": "photos/secret.txt"},
        {"x-minio-replication-server-side-encryption-sealed-key": "AAAA", "x-minio-source-replication-request": "true"},
        {"copy-source": "/photos/secret.txt", "oss-copy-source": "/photos/secret.txt"},
    ],
    ids=["swift", "s3", "manifest", "replication", "short"],
)
async def test_headers_of_other_servers_and_of_the_inside_mean_nothing(headers: dict[str, str]) -> None:
    """An upload with them is the plain upload: nothing is copied, nothing of theirs is kept or obeyed."""
    house = await a_house()
    assert (await house.ask("PUT", "/photos/new.txt", b"mine", headers)).status == 200
    got = await house.ask("GET", "/photos/new.txt")
    assert got.body == b"mine"
    assert not headers.keys() & got.headers.keys()
    assert (got.headers["x-oss-object-type"], "x-oss-tagging-count" in got.headers) == ("Normal", False)
    assert (await house.ask("GET", "/photos/new.txt", by=None)).status == 403


async def test_an_uploader_reads_nothing_through_a_name_that_points_elsewhere() -> None:
    """Whoever may write and read below one prefix makes no link there to what they may not read."""
    alice = a_user("alice", a_policy(["oss:PutObject", "oss:GetObject"], objects("alice/")))
    house = await a_house(alice)
    target = {"x-oss-symlink-target": "secret.txt"}
    assert (await house.ask("PUT", "/photos/alice/l?symlink", headers=target, by=alice)).status == 200
    assert (await house.ask("GET", "/photos/alice/l", by=alice)).refusal == (403, "AccessDenied")
    assert (await house.ask("GET", v4_link("/photos/alice/l", by=alice), by=None)).refusal == (403, "AccessDenied")


async def test_a_link_gives_no_more_than_its_signer_has() -> None:
    """Who may only read signs links and forms that only read."""
    alice = a_user("alice", a_policy("oss:GetObject"))
    house = await a_house(alice)
    before = house.contents()
    assert (await house.ask("GET", v4_link("/photos/secret.txt", by=alice), by=None)).status == 200
    for method, address in (
        ("PUT", "/photos/new.txt"),
        ("DELETE", "/photos/secret.txt"),
        ("GET", "/photos/secret.txt?acl"),
    ):
        answer = await house.ask(method, v4_link(address, method, by=alice), b"x", by=None)
        assert answer.refusal == (403, "AccessDenied")
    assert house.contents() == before


@pytest.mark.parametrize(("seconds", "status"), [(3600, 200), (3601, 403), (365 * 24 * 3600, 403)])
async def test_a_link_ends_when_it_says(seconds: int, status: int) -> None:
    """The end of a link is its date and its lifetime; a second later it is over."""
    house = await a_house()
    address, older = v4_link("/photos/secret.txt"), v1_link("/photos/secret.txt")
    house.now = NOW + seconds
    assert (await house.ask("GET", address, by=None)).status == status
    assert (await house.ask("GET", older, by=None)).status == status


@pytest.mark.parametrize(
    "timestamp", ["20261305T070809Z", "20260305T070809", "NaN", "20260305T070809+00:00", "", "99999999T999999Z"]
)
async def test_a_link_without_a_date_that_can_be_read_never_works(timestamp: str) -> None:
    """A date that is none doesn't make a link that never ends."""
    house = await a_house()
    link = v4_link("/photos/secret.txt", timestamp=timestamp)
    assert (await house.ask("GET", link, by=None)).refusal == (400, "InvalidArgument")


@pytest.mark.parametrize("expires", ["604801", "-1", "0", "1e9", "3600.5", "", " 60", "٣٦٠٠", "9" * 400])
async def test_no_link_lives_longer_than_seven_days(expires: str) -> None:
    """A lifetime is whole seconds from 1 to 604800, whatever its signer wrote."""
    house = await a_house()
    assert (await house.ask("GET", v4_link("/photos/secret.txt", expires="604800"), by=None)).status == 200
    link = v4_link("/photos/secret.txt", expires=expires)
    assert (await house.ask("GET", link, by=None)).refusal == (400, "InvalidArgument")


@pytest.mark.parametrize(
    "doubled",
    ["x-oss-expires=604800", "x-oss-date=20260306T070809Z", "x-oss-signature=00", "x-oss-signature-version=x"],
)
async def test_a_parameter_of_the_signature_comes_once(doubled: str) -> None:
    """Of two lifetimes nobody could say which is meant: refused, though the signature covers both."""
    house = await a_house()
    for link in (v4_link(f"/photos/secret.txt?{doubled}"), f"{v4_link('/photos/secret.txt')}&{doubled}"):
        assert (await house.ask("GET", link, by=None)).refusal == (400, "InvalidArgument")


@pytest.mark.parametrize(
    "added",
    [
        "x-oss-process=image/resize,w_100",
        "response-content-disposition=attachment%3Bfilename%3Dx.exe",
        "response-content-type=text%2Fhtml",
        "versionId=null",
        "acl",
        "x-oss-traffic-limit=819200",
        "anything=1",
    ],
)
async def test_nothing_can_be_added_to_a_link(added: str) -> None:
    """Every parameter of a V4 link is signed, also those that mean nothing."""
    house = await a_house()
    for link in (f"{v4_link('/photos/secret.txt')}&{added}", v4_link("/photos/secret.txt").replace("?", f"?{added}&")):
        assert (await house.ask("GET", link, by=None)).refusal == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize(
    "added",
    ["x-oss-process=image/resize,w_100", "response-content-type=text%2Fhtml", "acl", "versionId=null", "x-oss-new=1"],
)
async def test_nothing_that_is_obeyed_can_be_added_to_a_v1_link(added: str) -> None:
    """V1 leaves unknown parameters unsigned, so all that do something are known, and all x-oss-* ones."""
    house = await a_house()
    answer = await house.ask("GET", f"{v1_link('/photos/secret.txt')}&{added}", by=None)
    assert answer.refusal == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize("sign", [v4_link, v1_link])
async def test_the_holder_of_a_link_does_not_choose_the_type(sign: object) -> None:
    """A link for an upload stores no HTML unless its signer said so."""
    assert callable(sign)
    await refused(await a_house(), sign("/photos/new.txt", "PUT"), "PUT", {"content-type": "text/html"})


@pytest.mark.parametrize(
    "name", ["content-disposition", "content-encoding", "cache-control", "content-language", "expires"]
)
async def test_a_strict_server_stores_no_header_that_was_not_signed(name: str) -> None:
    """With --strict-link-headers also those that OSS leaves to the holder are the signer's."""
    house = await a_house(strict_link_headers=True)
    link = v4_link("/photos/new.txt", "PUT")
    assert (await house.ask("PUT", link, b"x", {name: "a"}, by=None)).refusal == (403, "AccessDenied")
    assert (await house.ask("PUT", link, b"x", by=None)).status == 200


async def test_a_link_to_upload_takes_no_other_body_kind() -> None:
    """A stalled or broken body on a link stores nothing, whatever the link allows."""
    house = await a_house()
    link = v4_link("/photos/new.txt", "PUT")
    answer = await house.ask("PUT", link, GivenBody([b"half"]), {"content-length": "9"}, by=None)
    assert answer.refusal == (400, "IncompleteBody")
    assert (await house.ask("GET", "/photos/new.txt")).status == 404

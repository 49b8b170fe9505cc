"""Downloads from a server that cuts, changes, lies and forgets."""

from __future__ import annotations

import io
import json
import threading
from pathlib import Path

import pytest

from coatcheck.client.download import Destination, Downloaded, Source, download, download_to_stream, link_source
from coatcheck.client.errors import ClientError, Damaged, NotFound, Unreachable
from coatcheck.client.transfer import Unwatched

from ..patience import HANG_S
from .fake import Fake

BODY = bytes(range(256)) * 40  # 10,240 bytes; the first range below is 1,000
FIRST_BYTES = 1000


def fetch(link: str, path: Path | None, *, connections: int = 4, tries: int = 3, force: bool = False) -> Downloaded:
    with link_source(link) as source:
        impatient = Source(source.open, source.name, (0.0,) * tries, FIRST_BYTES)
        return download(impatient, Destination(path, force), Unwatched(), connections=connections)


def pipe(link: str) -> tuple[bytes, Downloaded]:
    out = io.BytesIO()
    with link_source(link) as source:
        done = download_to_stream(Source(source.open, source.name, (0.0,) * 3), out, Unwatched())
    return out.getvalue(), done


def leftovers(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_small_object_comes_in_one_request(fake: Fake, tmp_path: Path) -> None:
    done = fetch(fake.store("b", "k.txt", b"hello"), tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == b"hello"
    assert (done.size_bytes, done.verified) == (5, True)
    assert fake.ranges() == ["bytes=0-999"]


def test_empty_object(fake: Fake, tmp_path: Path) -> None:
    assert fetch(fake.store("b", "k", b""), tmp_path / "f").size_bytes == 0
    assert leftovers(tmp_path) == ["f"]


def test_large_object_comes_in_ranges_that_cover_it_once(fake: Fake, tmp_path: Path) -> None:
    fetch(fake.store("b", "k", BODY), tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY
    spans = sorted(tuple(map(int, str(text).removeprefix("bytes=").split("-"))) for text in fake.ranges())
    assert spans[0] == (0, 999)
    assert [start for start, _ in spans[1:]] == [last + 1 for _, last in spans[:-1]]
    assert spans[-1][1] == len(BODY) - 1
    assert leftovers(tmp_path) == ["f"]


def test_pieces_after_the_first_carry_the_etag_they_must_match(fake: Fake, tmp_path: Path) -> None:
    fetch(fake.store("b", "k", BODY), tmp_path / "f")
    etags = {headers.get("if-match") for headers in fake.sent_headers[1:]}
    assert len(etags) == 1
    assert None not in etags


def test_no_header_that_a_signature_covers_is_sent(fake: Fake, tmp_path: Path) -> None:
    fetch(fake.store("b", "k", BODY), tmp_path / "f")
    for headers in fake.sent_headers:
        assert not [name for name in headers if name.startswith("x-oss-") or name in ("content-type", "content-md5")]
        assert headers["accept-encoding"] == "identity"


def test_one_connection_is_a_plain_get(fake: Fake, tmp_path: Path) -> None:
    fetch(fake.store("b", "k", BODY), tmp_path / "f", connections=1)
    assert fake.ranges() == [None]


def test_cut_connections_are_tried_again_from_where_they_broke(fake: Fake, tmp_path: Path) -> None:
    link = fake.store("b", "k", BODY)
    fake.cuts = [300, 200, 100, 50]
    fetch(link, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY
    assert "bytes=300-" in " ".join(map(str, fake.ranges()))


def test_server_errors_are_tried_again(fake: Fake, tmp_path: Path) -> None:
    link = fake.store("b", "k", BODY)

    def trouble_on_third_request(fake: Fake) -> None:
        if len(fake.seen) == 2:
            fake.refusals = [(503, "ServiceUnavailable", "later")]

    fake.on_get = trouble_on_third_request
    fetch(link, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY


def test_interrupted_download_goes_on_in_the_next_run(fake: Fake, tmp_path: Path) -> None:
    link = fake.store("b", "k", BODY)
    fake.cuts = [1000, 7] + [0] * 400
    with pytest.raises(Unreachable) as caught:
        fetch(link, tmp_path / "f", tries=0, connections=2)
    assert "the next run goes on from there" in caught.value.hint
    assert leftovers(tmp_path) == ["f.part", "f.part.json"]
    kept = sum(stop - start for start, stop in json.loads((tmp_path / "f.part.json").read_text())["done"])
    assert kept >= 1000

    fake.cuts, fake.seen = [], []
    done = fetch(link, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY
    assert done.resumed_bytes == kept
    assert leftovers(tmp_path) == ["f"]


def test_interrupted_download_starts_over_if_the_object_changed(fake: Fake, tmp_path: Path) -> None:
    link = fake.store("b", "k", BODY)
    fake.cuts = [1000, 7] + [0] * 400
    with pytest.raises(Unreachable):
        fetch(link, tmp_path / "f", tries=0)
    other = BODY[::-1]
    fake.cuts = []
    fake.store("b", "k", other)
    done = fetch(link, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == other
    assert done.resumed_bytes == 0


@pytest.mark.parametrize("state", ["", "{}", "[]", "null", '{"format": 1, "remote": 3, "done": [[0, 9]]}', "\xff"])
def test_strange_state_file_is_ignored(fake: Fake, tmp_path: Path, state: str) -> None:
    (tmp_path / "f.part").write_bytes(b"x" * 2000)
    (tmp_path / "f.part.json").write_text(state, "latin-1")
    fetch(fake.store("b", "k", BODY), tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY


def test_state_that_claims_more_than_the_part_holds_is_ignored(fake: Fake, tmp_path: Path) -> None:
    link = fake.store("b", "k", BODY)
    fake.cuts = [1000, 7] + [0] * 400
    with pytest.raises(Unreachable):
        fetch(link, tmp_path / "f", tries=0)
    (tmp_path / "f.part").write_bytes(b"")
    fake.cuts = []
    assert fetch(link, tmp_path / "f").resumed_bytes == 0
    assert (tmp_path / "f").read_bytes() == BODY


def test_object_that_changes_midway_is_fetched_anew(fake: Fake, tmp_path: Path) -> None:
    link = fake.store("b", "k", BODY)

    def change_once(fake: Fake) -> None:
        if len(fake.seen) == 3:
            fake.store("b", "k", BODY[::-1])

    fake.on_get = change_once
    fetch(link, tmp_path / "f", connections=2)
    assert (tmp_path / "f").read_bytes() == BODY[::-1]


def test_object_that_never_stands_still_is_given_up(fake: Fake, tmp_path: Path) -> None:
    link = fake.store("b", "k", BODY)
    fake.on_get = lambda fake: fake.store("b", "k", len(fake.seen).to_bytes(2, "big") * 5000)
    with pytest.raises(ClientError, match="ObjectChanged"):
        fetch(link, tmp_path / "f")


def test_damaged_bytes_never_get_the_name(fake: Fake, tmp_path: Path) -> None:
    link = fake.store("b", "k", BODY)
    fake.headers = {"x-oss-hash-crc64ecma": "1"}
    with pytest.raises(Damaged, match="ChecksumMismatch"):
        fetch(link, tmp_path / "f")
    assert leftovers(tmp_path) == []


def test_server_without_checksum_is_fine_but_told(fake: Fake, tmp_path: Path) -> None:
    fake.tells_crc64 = False
    assert fetch(fake.store("b", "k", BODY), tmp_path / "f").verified is False


def test_server_without_ranges(fake: Fake, tmp_path: Path) -> None:
    fake.answers_ranges = False
    fetch(fake.store("b", "k", BODY), tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY


def test_server_without_ranges_that_stops_early_leaves_nothing(fake: Fake, tmp_path: Path) -> None:
    fake.answers_ranges = False
    link = fake.store("b", "k", BODY)
    fake.cuts = [500]
    with pytest.raises(Unreachable):
        fetch(link, tmp_path / "f")
    assert leftovers(tmp_path) == []


def test_server_that_tells_no_length(fake: Fake, tmp_path: Path) -> None:
    fake.answers_ranges = fake.tells_length = False
    fetch(fake.store("b", "k", BODY), tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY


def test_chunked_body_cut_off_is_no_download(fake: Fake, tmp_path: Path) -> None:
    fake.answers_ranges = fake.tells_length = False
    link = fake.store("b", "k", BODY)
    fake.cuts = [500]
    with pytest.raises(Unreachable):
        fetch(link, tmp_path / "f")
    assert leftovers(tmp_path) == []


def test_missing_object_is_not_found_and_leaves_nothing(fake: Fake, tmp_path: Path) -> None:
    fake.store("b", "other", b"")
    with pytest.raises(NotFound, match="NoSuchKey"):
        fetch(f"{fake.endpoint}/b/k", tmp_path / "f")
    assert leftovers(tmp_path) == []


def test_expired_link_says_to_ask_for_a_new_one(fake: Fake, tmp_path: Path) -> None:
    link = fake.store("b", "k", BODY)
    fake.refusals = [(403, "AccessDenied", "Request has expired.")]
    with pytest.raises(ClientError) as caught:
        fetch(link, tmp_path / "f")
    assert "ask its owner for a new link" in caught.value.hint


def test_redirect_is_followed(fake: Fake, tmp_path: Path) -> None:
    fake.redirects = {"/short": fake.store("b", "k", BODY)}
    fetch(f"{fake.endpoint}/short", tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY


def test_redirects_in_a_circle_end(fake: Fake, tmp_path: Path) -> None:
    fake.redirects = {"/a": "/b", "/b": "/a"}
    with pytest.raises(ClientError, match="TooManyRedirects"):
        fetch(f"{fake.endpoint}/a", tmp_path / "f")


def test_path_goes_out_as_given(fake: Fake, tmp_path: Path) -> None:
    fake.store("b", "dots/./../x", b"yes")
    fetch(f"{fake.endpoint}/b/dots/./../x?a=%2b&b=~!", tmp_path / "f")
    assert fake.seen[0][0] == "GET /b/dots/./../x?a=%2b&b=~!"


def test_name_comes_from_the_disposition(fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    link = fake.store("b", "k", b"hello")
    fake.headers = {"Content-Disposition": "attachment; filename=\"_.txt\"; filename*=UTF-8''%E6%96%87.txt"}
    assert fetch(link, None).file == Path("文.txt")


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "..\\..\\evil", ".evil", "a/b/../evil"])
def test_malicious_name_stays_in_the_directory(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    monkeypatch.chdir(inside)
    link = fake.store("b", "k", b"hello")
    fake.headers = {"Content-Disposition": 'attachment; filename="{}"'.format(name.replace("\\", "\\\\"))}
    fetch(link, None)
    assert leftovers(inside) == ["evil"]
    assert leftovers(tmp_path) == ["inside"]


def test_file_that_is_there_is_not_replaced(fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "k").write_text("mine")
    with pytest.raises(ClientError, match="FileExists"):
        fetch(fake.store("b", "k", b"theirs"), None)
    assert (tmp_path / "k").read_text() == "mine"
    fetch(fake.store("b", "k", b"theirs"), None, force=True)
    assert (tmp_path / "k").read_text() == "theirs"


def test_file_named_by_the_person_is_replaced(fake: Fake, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")
    fetch(fake.store("b", "k", b"new"), tmp_path / "f")
    assert (tmp_path / "f").read_text() == "new"


def test_directory_takes_the_servers_name(fake: Fake, tmp_path: Path) -> None:
    fetch(fake.store("b", "folder/k.txt", b"hello"), tmp_path)
    assert leftovers(tmp_path) == ["k.txt"]


def test_two_downloads_to_one_file_do_not_mix(fake: Fake, tmp_path: Path) -> None:
    link = fake.store("b", "k", BODY)
    reached, go_on = threading.Event(), threading.Event()

    def hold(fake: Fake) -> None:
        if len(fake.seen) == 2:
            reached.set()
            go_on.wait(HANG_S)

    fake.on_get = hold
    first = threading.Thread(target=fetch, args=(link, tmp_path / "f"), kwargs={"connections": 2})
    first.start()
    assert reached.wait(HANG_S)
    with pytest.raises(ClientError, match="AlreadyRunning"):
        fetch(link, tmp_path / "f")
    go_on.set()
    first.join()
    assert (tmp_path / "f").read_bytes() == BODY


def test_stream_goes_on_where_it_was_cut(fake: Fake) -> None:
    link = fake.store("b", "k", BODY)
    fake.cuts = [3000, 100]
    body, done = pipe(link)
    assert body == BODY
    assert done.verified
    assert fake.ranges() == [None, "bytes=3000-", "bytes=3100-"]


def test_stream_of_a_changed_object_fails(fake: Fake) -> None:
    link = fake.store("b", "k", BODY)
    fake.cuts = [3000]

    def change(fake: Fake) -> None:
        if len(fake.seen) == 2:
            fake.store("b", "k", BODY[::-1])

    fake.on_get = change
    with pytest.raises(ClientError, match="ObjectChanged"):
        pipe(link)


def test_damaged_stream_is_told(fake: Fake) -> None:
    link = fake.store("b", "k", BODY)
    fake.headers = {"x-oss-hash-crc64ecma": "1"}
    with pytest.raises(Damaged):
        pipe(link)


def test_nobody_there_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="NoConnection"):
        fetch("http://127.0.0.1:9/k", tmp_path / "f")


@pytest.mark.parametrize("link", ["http://", "http://[", "http://x:99999/", "http://\x00/"])
def test_address_nobody_can_send_to(link: str, tmp_path: Path) -> None:
    with pytest.raises(ClientError):
        fetch(link, tmp_path / "f")

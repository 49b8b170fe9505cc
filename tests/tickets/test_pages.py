"""What people see in a browser, and that nothing that was stored or written runs there."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from coatcheck.core.errors import INTERNAL_ERROR, NO_SUCH_KEY, SERVICE_UNAVAILABLE, SIGNATURE_DOES_NOT_MATCH
from coatcheck.pages.amounts import write_ago, write_size
from coatcheck.pages.language import choose_language
from coatcheck.pages.refusals import word_refusal
from coatcheck.pages.texts import TEXTS
from coatcheck.pages.writer import link_file

from ..oss.house import NOW, Answer, House
from .desk import a_house, call, make, use

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8", "sec-fetch-mode": "navigate"}
CHINESE = BROWSER | {"accept-language": "zh-CN,zh;q=0.9,en;q=0.8"}


@pytest.fixture
async def house() -> House:
    return await a_house()


class Seen(HTMLParser):
    """The texts of a page, and the addresses that it names."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self._style = False
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._style = tag == "style"
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "action")]

    def handle_endtag(self, tag: str) -> None:
        self._style = False

    def handle_data(self, data: str) -> None:
        if data.strip() and not self._style:
            self.texts.append(data.strip())


def seen(answer: Answer) -> Seen:
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return Seen(answer.body)


async def test_a_person_sees_what_it_is_before_they_take_it(house: House) -> None:
    url = (await make(house, note="für Ben", downloads=2))["url"]
    page = seen(await use(house, url, headers=BROWSER))
    assert page.texts[:5] == ["cat.jpg", "A file for you", "cat.jpg", "10 B", "·"]
    assert "für Ben" in page.texts
    assert "Available until 2026-03-12 07:08 UTC · 2 downloads left" in " ".join(page.texts)
    path = url.partition("127.0.0.1:8000")[2]
    assert f"{path}?download" in page.addresses
    assert (await use(house, url, "?download", headers=BROWSER)).body == b"0123456789"


async def test_it_is_said_in_chinese_to_who_reads_chinese(house: House) -> None:
    answer = await use(house, (await make(house, downloads=1))["url"], headers=CHINESE)
    assert b'<html lang="zh">' in answer.body
    assert {"下载", "此链接只能使用一次。点击按钮之前不会消耗次数。"} <= set(seen(answer).texts)


async def test_a_page_uses_nothing_up(house: House) -> None:
    url = (await make(house, downloads=1))["url"]
    for _ in range(3):
        assert (await use(house, url, headers=BROWSER)).status == 200
    assert (await use(house, url, "?download", headers=BROWSER)).status == 200
    used_up = await use(house, url, "?download", headers=BROWSER)
    assert used_up.status == 410
    assert seen(used_up).texts[1] == "This link has been used up"


async def test_pages_ask_nobody_else_and_run_nothing(house: House) -> None:
    url = (await make(house, prefix="2026/"))["url"]
    for more in ("", "/", "/?after=b/bird.txt"):
        answer = await use(house, url, more, headers=BROWSER)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-robots-tag"] == "noindex"
        assert answer.headers["cache-control"] == "private, no-store"
        page = seen(answer)
        assert all(address.startswith(("/t/", "data:image/svg+xml")) for address in page.addresses), page.addresses
        assert "script" not in page.tags


NASTY = [
    "<script>alert(1)</script>.txt",
    '"><img src=x onerror=alert(1)>.txt',
    "{{ 7 * 7 }}{% raw %}.txt",
    "\u202etxt.exe",
    "a" * 900,
    "&lt;b&gt;'\".txt",
]


@pytest.mark.parametrize("name", NASTY)
async def test_what_a_name_or_a_note_says_is_only_text(house: House, name: str) -> None:
    await house.put(f"/photos/2026/nasty/{''.join(f'%{byte:02X}' for byte in name.encode())}", b"x")
    file = (await make(house, key=f"2026/nasty/{name}", note=name[:500]))["url"]
    folder = (await make(house, prefix="2026/nasty"))["url"]
    for url in (file, folder):
        page = seen(await use(house, url, headers=BROWSER))
        assert {"script", "b"}.isdisjoint(page.tags)
        assert any(name in text for text in page.texts)
        assert not any("49" in text for text in page.texts)


async def test_a_folder_is_a_list_of_links_to_files(house: House) -> None:
    url = (await make(house, prefix="2026/"))["url"]
    page = seen(await use(house, url, headers=BROWSER))
    path = url.partition("127.0.0.1:8000")[2]
    assert [address for address in page.addresses if address.startswith(path)] == [
        f"{path}/?zip",
        f"{path}/b/bird.txt",
        f"{path}/cat.jpg",
        f"{path}/dog.txt",
    ]
    assert page.texts[:3] == ["2026", "Files for you", "2026"]


async def test_names_that_browsers_would_walk_are_said_apart(house: House) -> None:
    await house.put("/photos/2026/%2E%2E/x", b"dots")
    url = (await make(house, prefix="2026/"))["url"]
    page = seen(await use(house, url, headers=BROWSER))
    address = next(address for address in page.addresses if "file=" in address)
    assert address.endswith("/?file=..%2Fx")
    assert (await use(house, url, "/?file=..%2Fx")).body == b"dots"
    assert (link_file("a/b c"), link_file("a//b"), link_file("./a")) == ("a/b%20c", "?file=a%2F%2Fb", "?file=.%2Fa")


async def test_a_short_text_is_shown(house: House) -> None:
    url = (await make(house, key="2026/dog.txt"))["url"]
    await house.put("/photos/2026/dog.txt", b"<b>woof</b>", {"content-type": "text/plain"})
    page = seen(await use(house, url, headers=BROWSER))
    assert "<b>woof</b>" in page.texts
    limited = (await make(house, key="2026/dog.txt", downloads=1))["url"]
    assert "<b>woof</b>" not in seen(await use(house, limited, headers=BROWSER)).texts


async def test_the_password_is_asked_for_by_a_form(house: House) -> None:
    url = (await make(house, password="swordfish", note="secret note"))["url"]
    answer = await use(house, url, headers=BROWSER)
    assert answer.status == 401
    assert "www-authenticate" not in answer.headers  # the browser's own window would hide the page
    page = seen(answer)
    assert page.texts[:2] == ["Password needed", "Password needed"]
    assert not {"cat.jpg", "secret note"} & set(page.texts)
    form = BROWSER | {"content-type": "application/x-www-form-urlencoded"}
    wrong = await use(house, url, method="POST", headers=form, body=b"password=x")
    assert wrong.status == 401
    assert "That password is wrong." in seen(wrong).texts


async def test_refusals_say_what_happened(house: House) -> None:
    ended = await make(house, ends_at="2026-03-05T07:10:09Z")
    house.now = NOW + 300
    answer = await use(house, ended["url"], headers=BROWSER)
    assert (answer.status, seen(answer).texts[1]) == (410, "This link ended 3 minutes ago")
    cancelled = await make(house)
    await call(house, "DELETE", f"links/{cancelled['id']}")
    answer = await use(house, cancelled["url"], headers=CHINESE)
    assert (answer.status, seen(answer).texts[1]) == (410, "此链接已被取消")
    answer = await use(house, "http://127.0.0.1:8000/t/nothing", headers=BROWSER)
    assert (answer.status, seen(answer).texts[1]) == (404, "There is no such link here")
    assert "Code NoSuchLink · 9000-00000020" in seen(answer).texts


async def test_ordinary_links_that_are_refused_tell_people_why(house: House) -> None:
    link = house.link("GET", "2026/cat.jpg", expires=60)
    assert (await house.follow(link, headers=BROWSER)).body == b"0123456789"
    house.now = NOW + 60 + 180
    page = await house.follow(link, headers=BROWSER)
    assert (page.status, seen(page).texts[1]) == (403, "This link ended 3 minutes ago")
    assert "Request 69A92BD9A1B2C3D4E5F60718" in seen(page).texts
    assert (await house.follow(link)).refusal == (403, "AccessDenied")
    fetched = {**BROWSER, "sec-fetch-mode": "cors"}
    assert (await house.follow(link, headers=fetched)).refusal == (403, "AccessDenied")
    assert (await house.follow(link, headers=CHINESE)).body.count("此链接已于 3 分钟前过期".encode()) == 2


async def test_a_link_that_was_changed_says_so_and_nothing_of_the_signature(house: House) -> None:
    link = house.link("GET", "2026/cat.jpg").replace("cat", "dog").replace("jpg", "txt")
    page = await house.follow(link, headers=BROWSER)
    assert (page.status, seen(page).texts[1]) == (403, "This link is not complete or was changed on its way")
    assert b"OwnerKey" not in page.body


PROGRAMS = [
    {"accept": "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"},  # Java's HttpURLConnection
    {"accept": "*/*"},  # curl, Go, Python
    {},
    {"accept": "text/html,application/xhtml+xml", "sec-fetch-mode": "cors"},  # a script in a page
    {"accept": "text/html,application/xhtml+xml", "sec-fetch-mode": "no-cors"},
]


@pytest.mark.parametrize("headers", PROGRAMS)
async def test_programs_get_bytes_and_xml(house: House, headers: dict[str, str]) -> None:
    ticket = await make(house)
    assert (await use(house, ticket["url"], headers=headers)).body == b"0123456789"
    await call(house, "DELETE", f"links/{ticket['id']}")
    assert (await use(house, ticket["url"], headers=headers)).refusal == (410, "LinkCancelled")


async def test_browsers_without_tls_say_no_mode(house: House) -> None:
    old = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    assert (await use(house, (await make(house))["url"], headers=old)).headers["content-type"].startswith("text/html")


async def test_what_a_page_refuses_is_noted_as_any_refusal(house: House) -> None:
    """So that the request id at its foot explains it."""
    ticket = await make(house)
    await call(house, "DELETE", f"links/{ticket['id']}")
    trace = (await use(house, ticket["url"], headers=BROWSER)).trace
    assert (trace.refusal, trace.ec) == ("LinkCancelled", "9000-00000022")
    assert trace.reason == "This link has been cancelled. Ask for a new one."
    link = house.link("GET", "2026/cat.jpg", expires=60)
    house.now = NOW + 240
    trace = (await house.follow(link, headers=BROWSER)).trace
    assert (trace.refusal, trace.ec) == ("AccessDenied", "0002-00000236")
    assert trace.hint == "The link ended 3 min ago: ask for a new one."


async def test_unsigned_requests_get_what_oss_gives(house: House) -> None:
    answer = await house.ask("GET", "/photos/2026/cat.jpg", headers=BROWSER, by=None)
    assert answer.refusal == (403, "AccessDenied")


def test_every_text_is_there_in_every_language() -> None:
    for name, texts in TEXTS.items():
        assert set(texts) == {"en", "zh"}, name
        assert all(("{0}" in texts["en"]) == ("{0}" in text) for text in texts.values()), name


@pytest.mark.parametrize(
    ("header", "language"),
    [
        *(("", "en"), ("zh", "zh"), ("zh-TW", "zh"), ("fr, zh;q=0.5", "zh"), ("en, zh", "en"), ("zh;q=0", "en")),
        *(("zh;q=x", "en"), ("," * 5000, "en"), ("de", "en"), ("en;q=0.1, zh;q=0.2", "zh")),
    ],
)
def test_the_language_is_the_readers(header: str, language: str) -> None:
    assert choose_language(header) == language


def test_sizes_and_times_are_for_people() -> None:
    assert [write_size(size) for size in (0, 1023, 1024, 1536, 200 * 1024, 5 * 1024**3)] == [
        *("0 B", "1023 B", "1.0 KB", "1.5 KB", "200 KB", "5.0 GB"),
    ]
    assert [write_ago(seconds, "en") for seconds in (0, 1, 59, 60, 7200, 90_000)] == [
        *("1 second ago", "1 second ago", "59 seconds ago", "1 minute ago", "2 hours ago", "1 day ago"),
    ]
    assert write_ago(180, "zh") == " 3 分钟前"


def test_every_refusal_has_its_sentence() -> None:
    said = [
        word_refusal(error, "en", NOW).what for error in (NO_SUCH_KEY(), SIGNATURE_DOES_NOT_MATCH(), INTERNAL_ERROR())
    ]
    assert said == [
        "The file behind this link is no longer there",
        "This link is not complete or was changed on its way",
        "This does not work at the moment",
    ]
    assert word_refusal(SERVICE_UNAVAILABLE(), "zh", NOW).next == "请稍候片刻再试。"

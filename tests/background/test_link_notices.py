"""Notices of links: what is told, once a minute a link, again and again until it arrives."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

import coatcheck.operations.link_notices as link_notices
from coatcheck.background.audit_run import Batch
from coatcheck.background.link_notices import NoticeFinding, NoticeSending
from coatcheck.engines.memory_keyring import MemoryKeyring
from coatcheck.links.uses import Content, Download, Use, Uses
from coatcheck.links.uses_text import write_uses
from coatcheck.ports.keyring import AccessKey, Principal
from coatcheck.ports.link_audit import AuditRow
from coatcheck.ports.notifier import Forbidden, NoNotifier, Unreachable, Webhook

from ..link_desk.test_desk import CLERK, READER, a_policy, ask, link, refused
from ..oss.house import NOW, OWNER, STRANGER, House

URL = "https://hooks.example.com/coatcheck"


class Receiver(NoNotifier):
    """Who is told: takes all, or fails as it is told to."""

    def __init__(self) -> None:
        self.heard: list[Webhook] = []
        self.failures: list[int | Exception] = []

    def may_reach(self, host: str) -> bool:
        return host != "10.0.0.1"

    async def post(self, webhook: Webhook) -> int:
        failure = self.failures.pop(0) if self.failures else 204
        if isinstance(failure, Exception):
            raise failure
        if 200 <= failure < 300:
            self.heard.append(webhook)
        return failure

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(webhook.body) for webhook in self.heard]


class Told:
    """A server and who it tells."""

    def __init__(self) -> None:
        self.receiver = Receiver()
        self.house = House(keyring=MemoryKeyring(OWNER, STRANGER, CLERK, READER), notifier=self.receiver, audit=_On())
        self.now = float(NOW)
        self.stop = 0

    async def use(self, *links: str, **changes: Any) -> Batch:
        """Rows of uses, found in the audit."""
        row = AuditRow(
            int(self.now * 1000), OWNER.account, "", "photos", "2026/cat.jpg", "", "get_object", 200, "", "192.0.2.7",
            "curl", 5, True, 1, "R",
        )  # fmt: skip
        self.stop += 100
        rows = [replace(row, link=link, **changes) for link in links]
        batch = Batch("s", self.stop - 100, self.stop, rows, [self.stop - 50 + n for n in range(len(rows))])
        await self.find(batch)
        return batch

    async def find(self, batch: Batch) -> None:
        await NoticeFinding(self.house.catalog, self.house.links).tell(batch, self.now)

    async def send(self) -> int:
        return await NoticeSending(self.house.catalog, self.house.keyring, self.receiver).run(self.now)

    async def tell(self, *events: str, **place: Any) -> dict[str, Any]:
        document = {"url": URL, "events": list(events), **(place or {"bucket": "photos"})}
        status, notice = await ask(self.house, "POST", "notices", document)
        assert status == 200, notice
        return dict(notice)

    async def waiting(self) -> list[dict[str, Any]]:
        return list((await ask(self.house, "GET", "notices?bucket=photos"))[1]["waiting"])


class _On:
    is_on = True

    async def list_rows(self, question: object, *, after: str = "", most: int) -> Any:
        raise NotImplementedError


LINK, OTHER = f"lk_{'a' * 24}", f"lk_{'b' * 24}"


@pytest.fixture
async def told() -> Told:
    told = Told()
    await told.house.with_bucket()
    await told.house.put("/photos/2026/cat.jpg")
    return told


async def test_the_key_is_shown_once_and_kept_sealed(told: Told) -> None:
    told.receiver.make_hmac_key = lambda: type("K", (), {"secret": "whsec_topsecret", "public": ""})()  # type: ignore[method-assign]
    notice = await told.tell("use")
    assert notice["secret"] == "whsec_topsecret"
    _, listed = await ask(told.house, "GET", "notices?bucket=photos")
    assert "secret" not in listed["notices"][0]
    assert "topsecret" not in json.dumps(listed)
    assert "topsecret" not in repr(told.house.catalog.entries)
    await told.use(LINK)
    await told.send()
    assert told.receiver.heard[0].key == "whsec_topsecret"
    assert "topsecret" not in repr(told.receiver.heard)


async def test_a_first_use_is_told_once_and_each_use_each_time(told: Told) -> None:
    first, each = await told.tell("first_use"), await told.tell("use")
    for _ in range(2):
        await told.use(LINK)
        await told.send()
        told.now += 61
    assert sorted(body["event"] for body in told.receiver.bodies) == ["first_use", "use", "use"]
    assert first["id"] != each["id"]


async def test_a_notice_says_what_happened(told: Told) -> None:
    await told.tell("use", "first_use")
    await told.use(LINK, key='a"<b>\u202e', agent="evil\r\nX: y")
    await told.send()
    (body,) = told.receiver.bodies
    assert body.pop("id") == told.receiver.heard[0].id
    assert body == {
        "time": "2026-03-05T07:08:09.000Z",
        "event": "first_use",
        "events": {"first_use": 1, "use": 1},
        "joined": 0,
        "link": LINK,
        "bucket": "photos",
        "key": 'a"<b>\u202e',
        "version": "",
        "operation": "get_object",
        "status": 200,
        "code": "",
        "address": "192.0.2.7",
        "agent": "evil\r\nX: y",
        "bytes": 5,
        "whole": True,
    }


async def test_what_happens_within_a_minute_is_one_notice_that_says_how_many(told: Told) -> None:
    await told.tell("use")
    await told.use(LINK)
    await told.send()
    for _ in range(3):
        told.now += 5
        await told.use(LINK, LINK)
        assert await told.send() == 0
    told.now += 60
    assert await told.send() == 1
    assert [(body["events"], body["joined"]) for body in told.receiver.bodies] == [({"use": 1}, 0), ({"use": 6}, 5)]


async def test_other_links_do_not_wait_for_one(told: Told) -> None:
    await told.tell("use")
    await told.use(LINK, OTHER)
    assert await told.send() == 2


async def test_a_notice_that_does_not_arrive_is_tried_again_as_the_same(told: Told) -> None:
    await told.tell("use")
    await told.use(LINK)
    told.receiver.failures = [500, Unreachable("no answer"), Forbidden("x"), 302]
    for pause in (0, 9.9, 0.2, 20, 40, 80):
        told.now += pause
        await told.send()
        if pause == 0:
            (waiting,) = await told.waiting()
            assert (waiting["attempts"], waiting["why"]) == (1, "it answered 500")
            queued = waiting["id"]
    assert [webhook.id for webhook in told.receiver.heard] == [queued]
    assert await told.waiting() == []


async def test_after_three_days_it_is_given_up_and_that_is_shown(told: Told) -> None:
    await told.tell("use")
    await told.use(LINK)
    told.receiver.failures = [Unreachable("no answer")] * 2
    await told.send()
    told.now += 3 * 86_400 + 1
    await told.send()
    _, listed = await ask(told.house, "GET", "notices?bucket=photos")
    assert (listed["waiting"], listed["notices"][0]["given_up"], listed["notices"][0]["given_up_why"]) == (
        [],
        1,
        "no answer",
    )


async def test_rows_that_are_looked_at_again_are_told_once(told: Told) -> None:
    """The process died before the rows were noted as counted: after its two writes, and between them."""
    await told.tell("use", "first_use")
    batch = await told.use(LINK)
    more = Batch("s", 0, 300, [*batch.rows, batch.rows[0]], [*batch.stops, 300])
    await told.find(batch)
    bucket = await told.house.catalog.find_bucket("photos")
    assert bucket is not None
    told.house.catalog.entries[(bucket.bucket_id, link_notices.TOLD)].clear()
    await told.find(more)  # another row has come meanwhile
    await told.send()
    assert [body["events"] for body in told.receiver.bodies] == [{"first_use": 1, "use": 2}]


async def test_rows_of_another_worker_come_between(told: Told) -> None:
    """The process died before it counted rows of one segment, and the next one tells of another segment's first."""
    await told.tell("use")
    batch = await told.use(LINK)
    of_another = batch._replace(segment="an earlier one")
    await told.find(of_another)
    await told.find(batch._replace(counted={"an earlier one": batch.stop}))
    await told.send()
    assert [body["events"] for body in told.receiver.bodies] == [{"use": 2}]


async def test_what_was_sent_before_it_was_noted_is_not_found_again(told: Told) -> None:
    await told.tell("use")
    batch = await told.use(LINK)
    bucket = await told.house.catalog.find_bucket("photos")
    assert bucket is not None
    told.house.catalog.entries[(bucket.bucket_id, link_notices.TOLD)].clear()
    await told.send()
    await told.find(batch)
    told.now += 61
    assert await told.send() == 0


async def test_what_comes_while_one_is_on_its_way_is_told_later(told: Told) -> None:
    await told.tell("use")
    await told.use(LINK)
    post = told.receiver.post

    async def slow(webhook: Webhook) -> int:
        await told.use(LINK)
        return await post(webhook)

    told.receiver.post = slow  # type: ignore[method-assign]
    await told.send()
    told.receiver.post = post  # type: ignore[method-assign]
    told.now += 61
    await told.send()
    assert [body["events"] for body in told.receiver.bodies] == [{"use": 1}, {"use": 1}]
    assert len({webhook.id for webhook in told.receiver.heard}) == 2


async def test_a_link_that_is_used_up_is_told_when_nothing_of_it_runs(told: Told) -> None:
    _, registered = await ask(told.house, "POST", "links", {"url": link(), "downloads": 1})
    await told.tell("exhausted", link=registered["id"])
    content, running = Content("v", 5), Download("d", 0, 5, 5, told.now)
    for downloads in ((running,), ()):
        uses = Uses(open=(Use("r", content, True, ((0, 5),), 5, downloads, told.now),))
        told.house.links._uses[registered["id"], ""] = write_uses(uses)
        await told.use(registered["id"])
        assert await told.send() == (0 if downloads else 1)
    await told.use(registered["id"])
    told.now += 61
    assert await told.send() == 0


async def test_ten_refusals_within_an_hour_are_too_often(told: Told) -> None:
    await told.tell("refused_too_often")
    for number in range(19):
        told.now += 400 if number < 9 else 1
        await told.use(LINK, status=403, code="AccessDenied")
    assert await told.send() == 1
    assert [body["events"] for body in told.receiver.bodies] == [{"refused_too_often": 1}]


async def test_an_upload_is_told_when_it_arrived(told: Told) -> None:
    await told.tell("upload_arrived")
    await told.use(LINK)
    await told.use(LINK, operation="put_object", key="in/box.bin")
    await told.use(LINK, operation="put_object", status=403, code="AccessDenied")
    await told.send()
    assert [(body["event"], body["joined"]) for body in told.receiver.bodies] == [("upload_arrived", 0)]


async def test_rows_of_other_accounts_and_buckets_are_told_to_nobody(told: Told) -> None:
    await told.tell("use")
    await told.use(LINK, account=STRANGER.account)
    await told.use(LINK, bucket="letters")
    assert await told.send() == 0
    assert await told.waiting() == []


async def test_a_bucket_has_a_thousand_waiting_at_most(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    import coatcheck.background.link_notices as background

    monkeypatch.setattr(background, "LINK_NOTICES_WAITING_MAX", 3)
    await told.tell("use")
    await told.use(*(f"lk_{number:024}" for number in range(5)))
    assert len(await told.waiting()) == 3


async def test_an_address_that_was_taken_back_hears_nothing(told: Told) -> None:
    notice = await told.tell("use")
    await told.use(LINK)
    assert (await ask(told.house, "DELETE", "notices", {"bucket": "photos", "id": notice["id"]}))[0] == 200
    assert await told.send() == 0
    assert await told.waiting() == []
    answer = await ask(told.house, "DELETE", "notices", {"bucket": "photos", "id": notice["id"]})
    assert refused(answer) == (404, "9000-00000046")


async def test_whoever_lost_the_right_has_nobody_told_any_more(told: Told) -> None:
    def ana(*actions: str) -> AccessKey:
        principal = Principal(f"2{0:017}", "ana", (a_policy(*actions),))
        return AccessKey("AnaKey", "ana-secret", OWNER.account, principal=principal)

    told.house.keyring.keys["AnaKey"] = ana("coatcheck:*")
    document = {"bucket": "photos", "url": URL, "events": ["use"]}
    assert (await ask(told.house, "POST", "notices", document, by=ana("coatcheck:*")))[0] == 200
    await told.use(LINK)
    told.house.keyring.keys["AnaKey"] = ana("coatcheck:CreateLink")
    assert await told.send() == 0
    (waiting,) = await told.waiting()
    assert waiting["why"] == "who set it up has no right coatcheck:ReadLinkAudit any more"


async def test_who_may_not_read_the_audit_has_nobody_told(told: Told) -> None:
    document = {"bucket": "photos", "url": URL, "events": ["use"]}
    for by in (STRANGER, READER, CLERK):
        assert refused(await ask(told.house, "POST", "notices", document, by=by)) == (403, "9000-00000007")
        assert refused(await ask(told.house, "GET", "notices?bucket=photos", by=by)) == (403, "9000-00000007")
    _, registered = await ask(told.house, "POST", "links", {"url": link()})
    told_of_link = {"link": registered["id"], "url": URL, "events": ["use"]}
    assert (await ask(told.house, "POST", "notices", told_of_link, by=CLERK))[0] == 200
    assert refused(await ask(told.house, "POST", "notices", told_of_link, by=STRANGER)) == (404, "9000-00000008")


BAD_URLS: Sequence[str] = (
    "ftp://a.example/", "https://", "https://user:pw@a.example/", "http://10.0.0.1/", "http://a.example/ b",
    "http://ä.example/", "https://a.example/" + "a" * 2048, "http://[::1", "",
)  # fmt: skip


@pytest.mark.parametrize("url", BAD_URLS)
async def test_an_address_that_is_none_is_refused(told: Told, url: str) -> None:
    status, document = await ask(told.house, "POST", "notices", {"bucket": "photos", "url": url, "events": ["use"]})
    assert (status, document["error"]["code"]) in ((400, "InvalidArgument"), (400, "MissingArgument"))


@pytest.mark.parametrize("events", [[], ["used"], "use", None, [["use"]]])
async def test_events_that_are_none_are_refused(told: Told, events: Any) -> None:
    status, _ = await ask(told.house, "POST", "notices", {"bucket": "photos", "url": URL, "events": events})
    assert status == 400


async def test_without_an_audit_nobody_can_be_told(told: Told) -> None:
    house = House()
    await house.with_bucket()
    answer = await ask(house, "POST", "notices", {"bucket": "photos", "url": URL, "events": ["use"]})
    assert refused(answer) == (409, "9000-00000045")

from __future__ import annotations

from msgspec.structs import replace

from coatcheck.core.author import Author
from coatcheck.links.notices import (
    Event,
    Signing,
    Target,
    Told,
    Waiting,
    failed,
    find_events,
    join,
    newest,
    read_target,
    read_told,
    read_waiting,
    sent,
    write_target,
    write_told,
    write_waiting,
)
from coatcheck.ports.link_audit import AuditRow

ROW = AuditRow(
    5_000_000, "1000", "lk_a", "photos", "k", "", "get_object", 200, "", "192.0.2.7", "curl", 5, True, 1, "R"
)  # fmt: skip
TARGET = Target("nt_1", "", "", "https://a.example/", tuple(Event), Signing.HMAC, "x", "", Author("1000", at=5), 5)


def test_what_is_kept_is_read_as_it_was() -> None:
    told = Told(7, (("s", 100),), True, False, 3, 4, 5.5, 6)
    waiting = Waiting("msg_1", told, 1.5, 2.5, {"use": 2}, {"at_ms": 1}, 3, "it answered 500")
    assert read_target(write_target(TARGET)) == TARGET
    assert read_told(write_told(told)) == told
    assert read_told(None) == Told()
    assert read_waiting(write_waiting(waiting)) == waiting


def test_refusals_long_apart_are_not_too_often() -> None:
    told, events = Told(), []
    for number in range(40):
        row = replace(ROW, at_ms=ROW.at_ms + number * 500_000, status=403, code="AccessDenied")
        told, found = find_events(TARGET, told, [row], exhausted=False)
        events += list(found)
    assert events == []


def test_a_broken_download_is_a_use() -> None:
    told, events = find_events(TARGET, Told(), [replace(ROW, whole=False)], exhausted=False)
    assert events == {Event.FIRST_USE: 1, Event.USE: 1}
    assert told.used


def test_the_pause_doubles_up_to_an_hour() -> None:
    waiting, pauses = Waiting("msg_1", Told(1), 0, 0), []
    for _ in range(12):
        waiting = failed(waiting, "no", 1000)
        pauses.append(waiting.due_at - 1000)
    assert pauses == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]


def test_a_clock_that_was_set_back_holds_nothing_up() -> None:
    waiting = join(None, {Event.USE: 1}, ROW, Told(1, sent_at=9_999), "nt_1/lk_a", 1_000)
    assert waiting.due_at == 1_000


def test_a_minute_lies_between_two() -> None:
    waiting = join(None, {Event.USE: 1}, ROW, Told(1, sent_at=990), "nt_1/lk_a", 1_000)
    assert waiting.due_at == 1_050
    more = join(waiting, {Event.USE: 2}, ROW, Told(2), "nt_1/lk_a", 1_001)
    assert (more.id, more.counts) == (waiting.id, {"use": 3})
    left = sent(more, waiting, "nt_1/lk_a", 1_050)
    assert left is not None
    assert (left.counts, left.due_at, left.id == waiting.id) == ({"use": 2}, 1_110, False)
    assert sent(more, more, "nt_1/lk_a", 1_050) is None


def test_what_waits_knows_what_its_entry_does_not() -> None:
    """The process died between the two writes, or before neither."""
    waiting = Waiting("msg_1", Told(5, (("s", 10),), used=True), 0, 0)
    assert newest(Told(4, (("r", 99),), sent_at=7), waiting) == Told(5, (("s", 10),), used=True, sent_at=7)
    assert newest(Told(6, (("t", 1),)), waiting) == Told(6, (("t", 1),))
    assert newest(Told(), None) == Told()

"""The uses of a limited link: single cases first, then random histories against what really went out."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from coatcheck.core.limits import LINK_FRAGMENTS_MAX, LINK_GAP_S, LINK_USES_OPEN_MAX
from coatcheck.links.intervals import measure
from coatcheck.links.uses import (
    Content,
    Download,
    UsedUp,
    Uses,
    allow,
    begin,
    end,
    settle,
)

from ..soak import SOAKING

NOW = 1_790_000_000.0
SIZE = 1000
PHOTO = Content("v1", SIZE)


def download(id: str, first: int = 0, last: int = SIZE - 1, *, at: float = NOW) -> Download:
    return Download(id, first, last + 1, last + 1, at)


def fetched(uses: Uses, id: str, receiver: str = "anna", *, limit: int = 1, sent: int = SIZE, at: float = NOW) -> Uses:
    return end(begin(uses, limit, receiver, PHOTO, download(id, at=at)), id, sent, at)


def test_a_whole_download_takes_a_use() -> None:
    assert fetched(Uses(), "1").taken == 1


def test_a_second_receiver_is_refused_after_the_last_use() -> None:
    with pytest.raises(UsedUp):
        begin(fetched(Uses(), "1"), 1, "ben", PHOTO, download("2"))


def test_the_use_is_taken_while_the_download_runs() -> None:
    running = begin(Uses(), 1, "anna", PHOTO, download("1"))
    assert running.taken == 1
    with pytest.raises(UsedUp):
        begin(running, 1, "ben", PHOTO, download("2"))


def test_a_broken_download_gives_its_use_back() -> None:
    broken = fetched(Uses(), "1", sent=400)
    assert broken.taken == 0
    assert broken.slack == 400
    assert fetched(broken, "2", "ben").taken == 1


def test_a_broken_download_that_the_slack_cannot_pay_for_keeps_its_use() -> None:
    twice = fetched(fetched(Uses(), "1", sent=400), "2", "ben", sent=700)
    assert twice.taken == 1
    with pytest.raises(UsedUp):
        begin(twice, 1, "carla", PHOTO, download("3"))


def test_a_resumed_download_is_one_use() -> None:
    broken = fetched(Uses(), "1", sent=400)
    resumed = end(begin(broken, 1, "anna", PHOTO, download("2", 400, at=NOW + 60)), "2", 600, NOW + 61)
    assert (resumed.taken, resumed.slack) == (1, 0)


def test_a_download_resumed_after_the_gap_is_a_new_use() -> None:
    broken = fetched(Uses(), "1", sent=400)
    late = begin(broken, 1, "anna", PHOTO, download("2", 400, at=NOW + LINK_GAP_S + 1))
    assert (late.taken, late.slack) == (1, 400)


def test_eight_parallel_ranges_are_one_use() -> None:
    uses = Uses()
    for part in range(8):
        uses = begin(uses, 1, "anna", PHOTO, download(str(part), part * 125, part * 125 + 124))
    for part in range(8):
        uses = end(uses, str(part), 125, NOW + 1)
    assert (uses.taken, uses.slack) == (1, 0)
    assert uses.open[0].whole


def test_a_player_may_read_again_what_the_slack_can_pay_for() -> None:
    seen = fetched(Uses(), "1")
    again = end(begin(seen, 1, "anna", PHOTO, download("2", 1)), "2", 999, NOW)
    assert (again.taken, again.slack) == (1, 999)
    with pytest.raises(UsedUp):
        begin(again, 1, "anna", PHOTO, download("3", 0, 0))


def test_a_whole_second_copy_is_a_second_use() -> None:
    assert begin(fetched(Uses(), "1", limit=2), 2, "anna", PHOTO, download("2")).taken == 2
    with pytest.raises(UsedUp):
        begin(fetched(Uses(), "1"), 1, "anna", PHOTO, download("2"))


def test_another_version_is_another_use() -> None:
    with pytest.raises(UsedUp):
        begin(fetched(Uses(), "1"), 1, "anna", Content("v2", SIZE), download("2"))


def test_a_small_version_cannot_be_copied_out_of_a_large_ones_slack() -> None:
    broken = fetched(Uses(), "1", sent=400)
    small = Content("v2", 10)
    uses = begin(broken, 1, "ben", small, Download("2", 0, 10, 10, NOW))
    uses = end(uses, "2", 10, NOW)
    assert uses.taken == 1
    with pytest.raises(UsedUp):
        begin(uses, 1, "ben", small, Download("3", 0, 9, 9, NOW))


def test_each_download_of_nothing_is_a_use() -> None:
    nothing = Content("v1", 0)
    uses = end(begin(Uses(), 2, "anna", nothing, Download("1", 0, 0, 0, NOW)), "1", 0, NOW)
    uses = begin(uses, 2, "anna", nothing, Download("2", 0, 0, 0, NOW))
    assert uses.taken == 2
    with pytest.raises(UsedUp):
        begin(uses, 2, "anna", nothing, Download("3", 0, 0, 0, NOW))


def test_a_download_whose_process_died_counts_until_the_gap_is_over() -> None:
    running = begin(Uses(), 1, "anna", PHOTO, Download("1", 0, SIZE, 300, NOW))
    assert settle(running, NOW + LINK_GAP_S).taken == 1
    assert settle(running, NOW + LINK_GAP_S + 1) == Uses(closed=0, slack_spent=300)


def test_a_download_that_was_allowed_everything_keeps_its_use_when_its_process_dies() -> None:
    running = begin(Uses(), 1, "anna", PHOTO, download("1"))
    assert settle(running, NOW + LINK_GAP_S + 1) == Uses(closed=1)


def test_a_download_that_was_given_up_is_allowed_no_more() -> None:
    running = begin(Uses(), 1, "anna", PHOTO, Download("1", 0, SIZE, 300, NOW))
    going_on = allow(running, "1", 600, NOW + 1)
    assert going_on is not None
    assert going_on.open[0].running[0].allowed_to == 600
    assert allow(settle(running, NOW + LINK_GAP_S + 1), "1", 600, NOW + LINK_GAP_S + 1) is None


def test_a_clock_set_back_ends_what_was_heard_in_its_future() -> None:
    running = begin(Uses(), 1, "anna", PHOTO, download("1"))
    assert settle(running, NOW - 86_400) == Uses(closed=1)


def test_the_end_of_a_download_that_was_given_up_changes_nothing() -> None:
    over = settle(begin(Uses(), 1, "anna", PHOTO, download("1")), NOW + LINK_GAP_S + 1)
    assert end(over, "1", SIZE, NOW + LINK_GAP_S + 2) == over


def test_a_use_takes_no_more_pieces_than_its_bound() -> None:
    uses = Uses()
    for piece in range(LINK_FRAGMENTS_MAX):
        uses = end(begin(uses, 1, "anna", PHOTO, download(str(piece), piece * 3, piece * 3)), str(piece), 1, NOW)
    assert len(uses.open) == 1
    further = begin(uses, 1, "anna", PHOTO, download("more", LINK_FRAGMENTS_MAX * 3, LINK_FRAGMENTS_MAX * 3))
    assert len(further.open) == 2  # the first was given back, so this is a new use


def test_many_whole_uses_are_closed_early() -> None:
    uses = Uses()
    for number in range(LINK_USES_OPEN_MAX + 10):
        uses = fetched(uses, str(number), f"receiver {number}", limit=10_000)
    assert len(uses.open) <= LINK_USES_OPEN_MAX
    assert uses.taken == LINK_USES_OPEN_MAX + 10


def test_a_whole_use_is_closed_when_its_receiver_has_a_newer_one() -> None:
    uses = Uses()
    for number in range(20):
        uses = fetched(uses, str(number), limit=20)
    assert (uses.taken, uses.slack, len(uses.open)) == (20, 0, 1)


# --- random histories -------------------------------------------------------------------------------------------------


@dataclass
class Sending:
    """A download as its worker knows it: what was stored of it, and what has really gone out."""

    id: str
    first: int
    end: int
    allowed_to: int
    at: int
    worker: int


@dataclass
class World:
    """Workers that send, die and stall; a store that keeps what it was told; a clock that jumps; and the truth."""

    random: random.Random
    limit: int
    size: int
    uses: Uses = field(default_factory=Uses)
    now: float = NOW
    sending: list[Sending] = field(default_factory=list)
    late: list[Sending] = field(default_factory=list)  # arrived whole, and nobody has said so yet
    out: list[int] = field(init=False)  # how often each position has gone out
    begun: int = 0

    def __post_init__(self) -> None:
        self.out = [0] * self.size

    def step(self) -> None:
        act = self.random.choices(
            (self.begin, self.send, self.finish, self.crash, self.wait, self.jump), (6, 12, 4, 0.3, 1, 0.2)
        )[0]
        act()

    def begin(self) -> None:
        first, until = sorted(self.random.sample(range(self.size + 1), 2))
        if self.random.random() < 0.5:
            first, until = 0, self.size
        self.begun += 1
        worker = self.random.randrange(3)
        self.tell_late(worker)
        allowed_to = min(until, first + max(1, self.size // 4))
        sending = Sending(str(self.begun), first, until, allowed_to, first, worker)
        receiver = self.random.choice(("anna", "ben", "carla"))
        running = Download(sending.id, first, until, allowed_to, self.now)
        try:
            self.uses = begin(self.uses, self.limit, receiver, Content("v1", self.size), running)
        except UsedUp:
            return
        self.sending.append(sending)

    def send(self) -> None:
        if not self.sending:
            return
        one = self.random.choice(self.sending)
        if one.at == one.allowed_to < one.end:
            to = min(one.end, one.allowed_to + max(1, self.size // 4))
            going_on = allow(self.uses, one.id, to, self.now)
            if going_on is None:
                self.sending.remove(one)
                return
            self.uses, one.allowed_to = going_on, to
        until = self.random.randint(one.at, one.allowed_to)
        for position in range(one.at, until):
            self.out[position] += 1
        one.at = until

    def finish(self) -> None:
        """One ends as it is: broken, or whole; that one is whole is told now, or later."""
        if self.sending:
            one = self.sending.pop(self.random.randrange(len(self.sending)))
            if one.at == one.end and self.random.random() < 0.8:
                self.late.append(one)
            else:
                self.uses = end(self.uses, one.id, one.at - one.first, self.now)

    def tell_late(self, worker: int) -> None:
        for one in self.late:
            if one.worker == worker:
                self.uses = end(self.uses, one.id, one.end - one.first, self.now)
        self.late = [one for one in self.late if one.worker != worker]

    def crash(self) -> None:
        """All of one worker's downloads stop, and nobody says how far they came."""
        worker = self.random.randrange(3)
        self.sending = [one for one in self.sending if one.worker != worker]
        self.late = [one for one in self.late if one.worker != worker]

    def wait(self) -> None:
        self.now += self.random.choice((1, 60, 300, LINK_GAP_S + 1))

    def jump(self) -> None:
        self.now += self.random.choice((-86_400, -300, 3_600, 86_400 * 30))

    def check(self) -> None:
        assert self.uses.taken <= self.limit
        assert sum(self.out) < (self.limit + 1) * self.size
        assert min(self.out) <= self.limit
        assert sum(self.out) < (self.uses.taken + 1) * self.size, "bytes went out that nothing has paid for"

    def check_given_back(self) -> None:
        """No use is kept for a broken download while slack is left."""
        uses = settle(self.uses, self.now)
        for use in uses.open:
            if use.taken and not use.running and not use.whole:
                assert uses.slack + measure(use.covered) >= self.size


HISTORIES = 1_000_000 if SOAKING else 10_000


@pytest.mark.soak(HISTORIES)
def test_no_history_passes_the_budget() -> None:
    refused = given_back = 0
    for seed in range(HISTORIES):
        chance = random.Random(seed)
        world = World(chance, limit=chance.choice((1, 1, 2, 5)), size=chance.choice((1, 2, 7, 40)))
        for _ in range(60):
            world.step()
            world.check()
            world.check_given_back()
        refused += world.begun > world.uses.taken + len(world.sending)
        given_back += any(not use.taken for use in world.uses.open)
    assert refused > HISTORIES // 10
    assert given_back > HISTORIES // 100

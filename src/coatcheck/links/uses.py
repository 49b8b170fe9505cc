"""The uses of a limited link: what one costs, when it is given back, and what may never go out.

The promise is a budget of bytes. A link of limit N hands out N uses; each pays for one size of the object. What is sent
twice, and what was sent of downloads that broke off, comes out of a slack of size - 1 bytes that the link has once. So
all that a link of limit N ever sends is less than (N + 1) x size, and never N + 1 whole copies, whoever asks for what,
in whatever order, and wherever a process dies. Where the object changed its size meanwhile, a download may draw on the
slack only while less than its own size is spent of it.

A use belongs to a receiver, who is known by address and agent, and to one version of an object. Ranges that the
receiver asks for belong to the use while no more than 15 minutes lie between them. A use that broke off is given back
as long as the slack can pay for what went out; its receiver takes a use again by going on.

Nothing here waits, reads a clock, or stores anything. The caller stores what comes out of `begin` and of `allow` before
the bytes go out, in a transaction that also read what went in; the end of a download may be stored later, and a
download whose end is never stored is taken to have sent all that it was allowed to.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from coatcheck.core.limits import LINK_FRAGMENTS_MAX, LINK_GAP_S, LINK_USES_OPEN_MAX

from .intervals import NONE, Interval, Intervals, join, measure


class Content(Struct, frozen=True):
    """What is fetched: one version of an object, or one picture made of it.

    Attributes:
        version: whatever tells it from all others that the link may mean.
        size: in bytes, before any compression on the way.
    """

    version: str
    size: int


class Download(Struct, frozen=True):
    """One reply that is on its way, or was when its process died.

    Attributes:
        id: unique within the link.
        first, end: the range that was asked for; `end` is without.
        allowed_to: no byte from here on may go out before `allow` has said so and that is stored.
        heard_at: Unix seconds: when it began, or was allowed more.
    """

    id: str
    first: int
    end: int
    allowed_to: int
    heard_at: float

    @property
    def range(self) -> Interval:
        return self.first, self.end


class Use(Struct, frozen=True):
    """What one receiver has of one content.

    Attributes:
        receiver: who, as an opaque word.
        taken: it holds one of the link's uses; else what it has sent counts against the slack.
        covered: what has gone out, each position once.
        sent: how many bytes have gone out in downloads that ended, repeats counted.
        running: downloads that haven't ended.
        heard_at: Unix seconds of the last news of it.
    """

    receiver: str
    content: Content
    taken: bool
    covered: Intervals
    sent: int
    running: tuple[Download, ...]
    heard_at: float

    @property
    def whole(self) -> bool:
        return measure(self.covered) == self.content.size

    @property
    def reach(self) -> Intervals:
        """What will have gone out if all that runs arrives whole."""
        return join(self.covered, (each.range for each in self.running))

    @property
    def slack(self) -> int:
        """What the link's slack has to pay for, if all that runs arrives whole."""
        sent = self.sent + sum(each.end - each.first for each in self.running)
        return sent - measure(self.reach) if self.taken else sent


class Uses(Struct, frozen=True):
    """All that is known of a limited link's uses.

    Attributes:
        closed: uses that were taken and can't be given back any more.
        slack_spent: bytes of the slack that uses which are over have spent.
        open: uses that their receivers may still go on with, the newest last.
    """

    closed: int = 0
    slack_spent: int = 0
    open: tuple[Use, ...] = ()

    @property
    def taken(self) -> int:
        """How many downloads the link's owner is told of; never more than its limit."""
        return self.closed + sum(use.taken for use in self.open)

    @property
    def slack(self) -> int:
        """Bytes of the slack that are spent, or may come to be by what runs."""
        return self.slack_spent + sum(use.slack for use in self.open)


class UsedUp(Exception):
    """No use is left, nor enough slack to go on without one."""


def begin(uses: Uses, limit: int, receiver: str, content: Content, download: Download) -> Uses:
    """With one more download running.

    Args:
        limit: how many uses the link has in all.
        download: its `heard_at` is now; its `allowed_to` is what may go out once the result is stored.
    Raises:
        UsedUp: the bytes may not go out. What `uses` says still holds.
    """
    uses = settle(uses, download.heard_at)
    going_on = _find(uses, receiver, content)
    joined = _joined(uses, limit, going_on, download) if going_on is not None else None
    if joined is not None:
        return joined
    if uses.taken >= limit:
        raise UsedUp
    new = Use(receiver, content, True, NONE, 0, (download,), download.heard_at)
    return replace(uses, open=(*uses.open, new))


def allow(uses: Uses, download_id: str, to: int, now: float) -> Uses | None:
    """A running download may send up to `to`, once this is stored; None if it was given up, and has to end at once."""
    for use in uses.open:
        for download in use.running:
            if download.id == download_id:
                going_on = replace(download, allowed_to=max(to, download.allowed_to), heard_at=now)
                running = tuple(going_on if each is download else each for each in use.running)
                return _with(uses, use, replace(use, running=running, heard_at=now))
    return None


def end(uses: Uses, download_id: str, sent: int, now: float) -> Uses:
    """A download is over, of which `sent` bytes were taken; one that was given up meanwhile changes nothing."""
    for use in uses.open:
        for download in use.running:
            if download.id == download_id:
                return settle(_with(uses, use, _ended(use, download, sent, now)), now)
    return settle(uses, now)


def settle(uses: Uses, now: float) -> Uses:
    """What time alone changes, and uses given back that the slack can pay for.

    A download that nothing was heard of for 15 minutes is taken to have sent all that it was allowed to. A clock that
    was set back by more than that counts as one that went on: what was heard later than now is over too.
    """
    for use in uses.open:
        ended = use
        for download in use.running:
            if _long_ago(download.heard_at, now):
                ended = _ended(ended, download, download.allowed_to - download.first, use.heard_at)
        if ended is not use:
            uses = _with(uses, use, ended)
    uses = _give_back(uses)
    kept, over = _sort_out(uses, now)
    if not over:
        return uses
    return Uses(
        uses.closed + sum(use.taken for use in over), uses.slack_spent + sum(use.slack for use in over), tuple(kept)
    )


def _sort_out(uses: Uses, now: float) -> tuple[list[Use], list[Use]]:
    """The uses that may go on; and those that are over: old; or whole, and their receiver has a newer one, or there
    are too many."""
    crowded = len(uses.open) > LINK_USES_OPEN_MAX
    kept: list[Use] = []
    over: list[Use] = []
    newer: set[tuple[str, Content]] = set()
    for use in reversed(uses.open):
        whose = (use.receiver, use.content)
        done = _long_ago(use.heard_at, now) or ((crowded or whose in newer) and use.whole)
        (over if done and not use.running else kept).append(use)
        newer.add(whose)
    kept.reverse()
    return kept, over


def _long_ago(heard_at: float, now: float) -> bool:
    return abs(now - heard_at) > LINK_GAP_S


def _find(uses: Uses, receiver: str, content: Content) -> Use | None:
    """The use that a receiver may go on with. Of an empty object each download is a use."""
    for use in reversed(uses.open):
        if use.receiver == receiver and use.content == content and content.size:
            return use
    return None


def _joined(uses: Uses, limit: int, use: Use, download: Download) -> Uses | None:
    """The download as a further part of a use; None where neither the use nor the slack can pay for it."""
    joined = replace(use, taken=True, running=(*use.running, download), heard_at=download.heard_at)
    if len(joined.reach) > LINK_FRAGMENTS_MAX:
        return None
    result = _with(uses, use, joined)
    affordable = result.slack < use.content.size or result.slack <= uses.slack
    return result if affordable and result.taken <= limit else None


def _ended(use: Use, download: Download, sent: int, now: float) -> Use:
    sent = min(max(sent, 0), download.end - download.first)
    return replace(
        use,
        covered=join(use.covered, ((download.first, download.first + sent),)),
        sent=use.sent + sent,
        running=tuple(each for each in use.running if each is not download),
        heard_at=now,
    )


def _give_back(uses: Uses) -> Uses:
    for use in uses.open:
        if use.taken and not use.running and not use.whole:
            freed = _with(uses, use, replace(use, taken=False))
            if freed.slack < use.content.size:
                uses = freed
    return uses


def _with(uses: Uses, old: Use, new: Use) -> Uses:
    return replace(uses, open=tuple(new if use is old else use for use in uses.open))

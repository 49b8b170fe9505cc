"""One request's life: begun, answered, ended. Whoever wants to know how a request went listens here, and nowhere else.

What carries bytes (`wire/asgi.py`, `wire/http1.py`) begins an exchange for each request it has read, asks it once for
the reply, sends that, and ends it once, in every path: when all was sent, when the client went away, when the start
could not be sent, when the server stops. Ending closes what the reply opened and tells the listeners how many bytes of
the body went out and whether that was all of it.
"""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from coatcheck.core.body import let_go
from coatcheck.core.errors import (
    BYTES_AWAY,
    INTERNAL_ERROR,
    NO_SPACE_LEFT,
    OUT_OF_RESOURCES,
    OUTCOME_UNKNOWN,
    SERVICE_UNAVAILABLE,
    UNWRITABLE,
    WRITES_BUSY,
    OssError,
)
from coatcheck.core.limits import SHORTAGE_LOG_S, SHORTAGE_RETRY_S
from coatcheck.identity.caller import UsedLink
from coatcheck.ports.catalog import Away, Busy, BytesAway, NoSpace, NotWritten, Unknown
from coatcheck.wire.faults import fault_reply
from coatcheck.wire.reply import Reply, Stream
from coatcheck.wire.request import Request

Pipeline = Callable[["Exchange"], Awaitable[Reply]]
Listener = Callable[["Exchange"], None]
Begin = Callable[[Request, str, float], "Exchange"]

log: Final = logging.getLogger("coatcheck")


class LogPlace(NamedTuple):
    """What all lines of a bucket's access log have in common.

    Attributes:
        document: where the log goes, as the bucket has it stored.
        fields: the stored document of the fields that were chosen; "" for none.
        owner: uid of the bucket's.
    """

    document: str
    fields: str = ""
    owner: str = ""


class Logged:
    """What a bucket's access log says of a request beside what the exchange knows. Filled in on the way.

    Attributes:
        requester: uid of the account, the user or the role; "" for anonymous, and before that is known.
        size, storage_class: of the object, where there is one and somebody looked; None and "".
        cost_s: seconds until the reply was ready.
    """

    __slots__ = ("cost_s", "place", "requester", "size", "storage_class")

    def __init__(self, place: LogPlace) -> None:
        self.place = place
        self.requester = self.storage_class = ""
        self.size: int | None = None
        self.cost_s = 0.0


class Exchange:
    """One request, its reply, and what is known of both. Filled in on the way; whole when listeners see it.

    Attributes:
        request: as it arrived; behind a trusted proxy, as the client sent it.
        request_id: the one that the reply and the log carry.
        now: Unix seconds, one value for the whole request.
        bucket, key, access_key_id, operation: what was found out of it, "" before that.
        cors: its bucket's rules, as stored; None where it has none, "" where that isn't known.
        logged: for the access log of its bucket; None where it has none.
        decided: what was decided when it was allowed (`rights_watch.Decided`); None before that.
        link: that brought it, once its signature held; None for all that is signed otherwise, or not.
        claimed: the access key id that the request names, whether or not it is believed; "" for none.
        region: of its bucket; "" where no bucket was found.
        refusal: the code of the error that it was answered with; "" for none. `ec` is the finer code, `reason` the
            sentence of its row, `hint` what would make it work.
        reply: what it was answered with; None before that.
        sent_bytes: of the body, as far as the layer below took them.
        whole: the whole reply went out.
        seconds: from the begin to the end.
    """

    __slots__ = (
        "_listeners",
        "_over",
        "_pipeline",
        "_started",
        "access_key_id",
        "bucket",
        "claimed",
        "cors",
        "decided",
        "ec",
        "hint",
        "key",
        "link",
        "logged",
        "now",
        "operation",
        "reason",
        "refusal",
        "region",
        "reply",
        "request",
        "request_id",
        "seconds",
        "sent_bytes",
        "whole",
    )

    def __init__(
        self, request: Request, request_id: str, now: float, pipeline: Pipeline, listeners: Sequence[Listener] = ()
    ) -> None:
        self.request = request
        self.request_id = request_id
        self.now = now
        self.bucket = self.key = self.access_key_id = self.operation = self.refusal = ""
        self.claimed = self.region = self.ec = self.reason = self.hint = ""
        self.cors: str | None = ""
        self.logged: Logged | None = None
        self.decided: object | None = None
        self.link: UsedLink | None = None
        self.reply: Reply | None = None
        self.sent_bytes = 0
        self.whole = False
        self.seconds = 0.0
        self._pipeline = pipeline
        self._listeners = listeners
        self._over = False
        self._started = time.perf_counter()

    def running_s(self) -> float:
        """Seconds since it began, by a clock that nobody can set."""
        return time.perf_counter() - self._started

    async def answer(self) -> Reply:
        """The reply. Called once; raises nothing but a cancellation."""
        try:
            reply = await self._pipeline(self)
        except OssError as error:
            reply = self.refuse(error)
        except (NotWritten, Unknown) as error:
            reply = self.refuse(read_unwritten(error))
        except Exception as error:
            if _is_shortage(error):
                _shortages.note(error)
                reply = self.refuse(OUT_OF_RESOURCES(headers=((b"Retry-After", b"%d" % SHORTAGE_RETRY_S),)))
            else:
                log.exception("request failed request_id=%s operation=%s", self.request_id, self.operation)
                reply = self.refuse(INTERNAL_ERROR())
        if self.reply is not None and self.reply.body is not reply.body:
            await _close(self.reply, 0)
        self.reply = reply
        return reply

    def note_refusal(self, error: OssError) -> None:
        """What logs, and `coatcheck explain`, will say, whatever the refusal looks like."""
        self.refusal, self.ec, self.reason, self.hint = error.code, error.ec, error.fault.message, error.hint

    def refuse(self, error: OssError) -> Reply:
        """The refusal as the client gets it."""
        self.note_refusal(error)
        request = self.request
        return fault_reply(error, method=request.method, host=request.host, request_id=self.request_id)

    async def end(self, sent_bytes: int, *, whole: bool) -> None:
        """Close what the reply opened, and tell the listeners. Only the first call counts."""
        if self.end_at_once(sent_bytes, whole=whole) or self.reply is None:
            return
        self._note_end(sent_bytes, whole=whole)
        try:
            await _close(self.reply, sent_bytes)
        finally:
            self._tell()

    def end_at_once(self, sent_bytes: int, *, whole: bool) -> bool:
        """As `end`, where nothing has to be waited for; whether that is so."""
        if self._over:
            return True
        reply = self.reply
        if reply is not None and isinstance(reply.body, Stream):
            body = reply.body
            if reply.when_ended is not None or body.let_go is None or not body.let_go():
                return False
        self._note_end(sent_bytes, whole=whole)
        self._tell()
        return True

    def _note_end(self, sent_bytes: int, *, whole: bool) -> None:
        self._over = True
        self.sent_bytes, self.whole, self.seconds = sent_bytes, whole, self.running_s()

    def _tell(self) -> None:
        for listener in self._listeners:
            listener(self)


class Exchanges:
    """How exchanges begin: each is answered by `pipeline`, and `listeners` are told of its end."""

    def __init__(self, pipeline: Pipeline, listeners: Sequence[Listener]) -> None:
        self._pipeline = pipeline
        self._listeners = listeners

    def begin(self, request: Request, request_id: str, now: float) -> Exchange:
        return Exchange(request, request_id, now, self._pipeline, self._listeners)


_RETRY_LATER: Final = ((b"Retry-After", b"5"),)  # seconds
_RETRY_SOON: Final = ((b"Retry-After", b"1"),)


def read_unwritten(error: NotWritten | Unknown) -> OssError:
    """What a client hears when a change could not be written, and nothing was; or when nobody knows."""
    match error:
        case Away():
            return SERVICE_UNAVAILABLE(headers=_RETRY_SOON)
        case NoSpace():
            return NO_SPACE_LEFT(headers=_RETRY_LATER)
        case BytesAway():
            return BYTES_AWAY(headers=_RETRY_SOON)
        case Busy():
            return WRITES_BUSY(headers=_RETRY_LATER)
        case Unknown():
            return OUTCOME_UNKNOWN(headers=_RETRY_LATER)
        case _:
            return UNWRITABLE(headers=_RETRY_LATER)


_SHORTAGES: Final = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


def _is_shortage(error: BaseException | None) -> bool:
    """Whether files or memory ran out: no fault of ours, and gone when others have ended."""
    while error is not None:
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _SHORTAGES):
            return True
        error = error.__cause__
    return False


class _ShortageLog:
    """One line now and then: a line for each request refused would make a shortage worse."""

    def __init__(self) -> None:
        self._said_at: float | None = None
        self._more = 0

    def note(self, error: Exception) -> None:
        now = time.monotonic()
        if self._said_at is not None and now - self._said_at < SHORTAGE_LOG_S:
            self._more += 1
            return
        log.error("requests are refused, files or memory ran out: %s (%d more since the last line)", error, self._more)
        self._said_at, self._more = now, 0


_shortages: Final = _ShortageLog()


async def _close(reply: Reply, sent_bytes: int) -> None:
    if not isinstance(reply.body, Stream):
        return
    failure: BaseException | None = None
    try:
        if reply.when_ended is not None:
            await reply.when_ended(sent_bytes)
        await let_go(reply.body.chunks)
        await let_go(reply.body.slices)
    except BaseException as error:  # not `finally`: to wait in one goes wrong where mypyc compiles it
        failure = error
    await reply.body.close()
    if failure is not None:
        try:
            raise failure
        finally:
            failure = None  # its traceback holds this frame: a circle

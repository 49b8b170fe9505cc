"""What stands around one server that is tested: its clock, the faults in force, the records of what arrived."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from coatcheck.app import Server
from coatcheck.clock import Clock, wall_clock
from coatcheck.core.errors import OssError
from coatcheck.core.names import is_access_key_id
from coatcheck.core.times import DAY_S
from coatcheck.exchange import Begin, Exchange, Listener, Pipeline
from coatcheck.operations.lifecycle_run import run_lifecycle
from coatcheck.oss.table import find_row
from coatcheck.root_credentials import RootCredentials
from coatcheck.settings import ServerSettings
from coatcheck.signing.claim import read_claim
from coatcheck.signing.scheme import Claim
from coatcheck.sts import is_sts
from coatcheck.wire.reply import Reply
from coatcheck.wire.request import Request
from coatcheck.wire.target import Target, find_target, make_addressing

from .befalling import befall
from .causes import find_cause
from .moving_clock import MovingClock
from .records import Record, Records
from .rules import Asked, Rules

_NOWHERE: Final = Target()


class Kit:
    """One a server. Nothing in it may be touched but on the server's event loop."""

    def __init__(self) -> None:
        self.real_clock = wall_clock
        self.clock = MovingClock(self.real_clock)
        self.rules = Rules()
        self.records = Records()
        self._lifecycle_day = self._day()

    def reset(self) -> None:
        self.clock.reset()
        self.rules.clear()
        self.records.clear()
        self._lifecycle_day = self._day()

    def _day(self) -> int:
        return int(self.clock() // DAY_S)

    async def follow(self, server: Server) -> dict[str, int]:
        """Carry lifecycle rules out where the clock has come to another day; what was done, by kind."""
        before, self._lifecycle_day = self._lifecycle_day, self._day()
        if before == self._lifecycle_day:
            return {}
        return await carry_out_lifecycle(server, self.clock)


async def carry_out_lifecycle(server: Server, clock: Clock) -> dict[str, int]:
    """What is due by now in every bucket; what was done, by kind."""
    return dict((await run_lifecycle(server.ports, now=clock())).done)


class SteeredServer(Server):
    """A server with a kit around it. It writes no log: the records say what arrived."""

    def __init__(self, settings: ServerSettings, root: RootCredentials, kit: Kit) -> None:
        super().__init__(settings, root, kit.clock)
        self.kit = kit
        self.root = root
        self.settings = settings
        self.made_keys: dict[str, str] = {}  # secrets by access key id, of keys made for a test
        self._addressing = make_addressing(settings.regions, settings.domains)

    def signers_now(self, claim: Claim, now: float) -> float:
        return self.kit.clock.signers_now(claim, now)

    def begin_with(self, answer: Pipeline) -> Begin:
        listeners = (self._note,)

        def begin(request: Request, request_id: str, now: float) -> Exchange:
            return SteeredExchange(request, request_id, now, answer, listeners, self)

        return begin

    def find_asked(self, request: Request) -> Asked:
        """What a request is, before anybody has looked at its signature."""
        try:
            target = find_target(request, self._addressing) or _NOWHERE
        except OssError:
            return Asked("", "", "")
        bucket, key = target.bucket or "", target.key or ""
        if target.bucket is None and is_sts(request):
            return Asked("sts", "", "")
        try:
            return Asked(find_row(request.method, target, request.query, request.headers).name, bucket, key)
        except OssError:
            return Asked("", bucket, key)

    def _note(self, exchange: Exchange) -> None:
        assert isinstance(exchange, SteeredExchange)
        asked, reply, refused_as = exchange.asked, exchange.reply, exchange.refusal
        if asked is None:
            known = Asked(exchange.operation, exchange.bucket, exchange.key)
            asked = known if known.operation else self.find_asked(exchange.request)
        access_key_id = exchange.access_key_id or _named_key(exchange.request)
        secret = self._find_secret(access_key_id) if refused_as else None
        self.kit.records.add(
            Record(
                self.kit.records.next_number(),
                exchange.now,
                exchange.request_id,
                exchange.request.method,
                exchange.request.raw_path.decode("ascii", "replace"),
                exchange.operation or asked.operation,
                exchange.bucket or asked.bucket,
                exchange.key or asked.key,
                access_key_id,
                0 if reply is None else reply.status,
                refused_as,
                find_cause(exchange, exchange.error, secret) if refused_as else exchange.broken,
                exchange.sent_bytes,
                exchange.whole,
                exchange.rule_number,
            )
        )

    def _find_secret(self, access_key_id: str) -> str | None:
        """Only of keys that a test has: the owner's, and those made for it."""
        if access_key_id == self.root.access_key_id:
            return self.root.access_key_secret
        return self.made_keys.get(access_key_id)


def _named_key(request: Request) -> str:
    """The access key id that a request names, whether or not it was verified."""
    with suppress(OssError):
        claim = read_claim(request)
        if claim is not None and is_access_key_id(claim.access_key_id):
            return claim.access_key_id
    return ""


class SteeredExchange(Exchange):
    """An exchange that a rule may befall.

    Attributes:
        asked: what the request is; None where no rule had to know.
        error: what it was refused with, where that was an OssError.
        rule_number: of the rule that befell it; 0 for none.
        broken: why there was no reply; "" where there was one.
    """

    __slots__ = ("_server", "asked", "broken", "error", "rule_number")

    def __init__(
        self,
        request: Request,
        request_id: str,
        now: float,
        pipeline: Pipeline,
        listeners: tuple[Listener, ...],
        server: SteeredServer,
    ) -> None:
        super().__init__(request, request_id, now, pipeline, listeners)
        self._server = server
        self.asked: Asked | None = None
        self.error: OssError | None = None
        self.rule_number = 0
        self.broken = ""

    def refuse(self, error: OssError) -> Reply:
        self.error = error
        return super().refuse(error)

    async def answer(self) -> Reply:
        """The reply. Raises: Broken, where a fault ends the connection without one."""
        rules = self._server.kit.rules
        if not rules:
            return await super().answer()
        self.asked = self._server.find_asked(self.request)
        standing = rules.find_hit(self.asked)
        if standing is None:
            return await super().answer()
        self.rule_number = standing.number
        self.broken = f"Fault {standing.number} ended it."
        return await befall(standing.rule, self, super().answer)

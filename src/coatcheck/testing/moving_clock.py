"""Wall time that a test moves. Those who sign requests needn't follow: real time is believed of them as well."""

from __future__ import annotations

from typing import Any

from coatcheck.clock import Clock, wall_clock
from coatcheck.core.limits import CLOCK_SKEW_MAX_S
from coatcheck.core.times import LAST_MOMENT_S
from coatcheck.signing.scheme import Claim

from .documents import Refused


class MovingClock:
    """Called, it says Unix seconds, as every clock of a server. Starts with real time."""

    def __init__(self, real: Clock = wall_clock) -> None:
        self._real = real
        self._ahead_s = 0.0
        self._stands_at: float | None = None

    def __call__(self) -> float:
        return self._real() + self._ahead_s if self._stands_at is None else self._stands_at

    @property
    def is_frozen(self) -> bool:
        return self._stands_at is not None

    def ahead_s(self) -> float:
        """Of real time."""
        return self._ahead_s if self._stands_at is None else self._stands_at - self._real()

    def reset(self) -> None:
        """Real time again."""
        self._ahead_s, self._stands_at = 0.0, None

    def move(self, seconds: float) -> None:
        """Ahead, or back. A frozen clock stays frozen. Raises: Refused."""
        if self._stands_at is None:
            _check(self() + seconds)
            self._ahead_s += seconds  # not by way of a moment: what was frozen and goes on loses nothing
        else:
            self._stands_at = _check(self._stands_at + seconds)

    def set(self, moment: float) -> None:
        """To a moment, Unix seconds. A frozen clock stays frozen. Raises: Refused."""
        _check(moment)
        if self._stands_at is None:
            self._ahead_s = moment - self._real()
        else:
            self._stands_at = moment

    def freeze(self) -> None:
        self._stands_at = self()

    def go_on(self) -> None:
        """From where it stands."""
        self._ahead_s, self._stands_at = self.ahead_s(), None

    def signers_now(self, claim: Claim, now: float) -> float:
        """What the clock of whoever signed says: real time, for a request whose date shows that it went by that.

        A link is taken at its word, since the moment when it ends is what a test moves the clock for.

        Args:
            now: by this clock, Unix seconds.
        """
        real, signed_at = self._real(), _signed_at(claim)
        return real if signed_at is not None and abs(signed_at - real) <= CLOCK_SKEW_MAX_S else now


def _check(moment: float) -> float:
    if not 0 <= moment <= LAST_MOMENT_S:
        raise Refused("The clock can't be moved there: it knows the years 1970 to 9999.")
    return moment


def _signed_at(claim: Any) -> float | None:
    """When a request was signed by the one who sends it, Unix seconds; None for a link or a form."""
    if claim.scheme.place == "rpc":
        return float(claim.expires_s - CLOCK_SKEW_MAX_S)
    if claim.scheme.place != "header":
        return None
    return float(claim.signed_at_s if claim.scheme.version == "V4" else claim.moment_s)

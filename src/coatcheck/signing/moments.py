"""When: the moments and lifetimes that callers may give, as whole seconds; and what V4 makes of a moment."""

from __future__ import annotations

import sys
import warnings
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from coatcheck.core.limits import PRESIGN_V4_MAX_AGE_S
from coatcheck.core.percent import encode
from coatcheck.core.times import LAST_MOMENT_S, write_basic_iso

from . import v4
from .refusal import PresignError, PresignWarning

Expires = int | timedelta | datetime
Moment = int | float | datetime
Period = int | timedelta


def read_moment(moment: Moment) -> int:
    """Whole Unix seconds. Raises: PresignError."""
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            raise PresignError("a datetime must say its time zone, e.g. datetime.now(UTC).")
        moment = moment.timestamp()
    if not 0 <= moment <= LAST_MOMENT_S:
        raise PresignError(f"{moment} is not a moment that can be written in a link.")
    return int(moment)


def read_expires(expires: Expires, now_s: int) -> int:
    """Seconds from now. Raises: PresignError."""
    if isinstance(expires, timedelta):
        return int(expires.total_seconds())
    if isinstance(expires, datetime):
        return read_moment(expires) - now_s
    if isinstance(expires, int) and not isinstance(expires, bool):
        return int(expires)
    raise PresignError(f"expires must be whole seconds, a timedelta or an aware datetime, not {expires!r}.")


def round_moment(now_s: int, period: Period) -> tuple[int, int]:
    """(the last whole multiple of the period, the period in seconds). Raises: PresignError."""
    period_s = int(period.total_seconds()) if isinstance(period, timedelta) else period
    if not isinstance(period_s, int) or isinstance(period_s, bool) or not 1 <= period_s <= PRESIGN_V4_MAX_AGE_S:
        raise PresignError(f"stable must be whole seconds from 1 to {PRESIGN_V4_MAX_AGE_S}, or a timedelta.")
    return now_s - now_s % period_s, period_s


def check_period(period_s: int, age_s: int) -> None:
    """A link lives from the rounded moment on: of its life up to a period is over when it is made.

    Raises: PresignError, where it might be over altogether.
    Warns: PresignWarning, where more than half of it may be.
    """
    if period_s >= age_s:
        raise PresignError(
            f"a link that is the same for {period_s} seconds has to live longer than that, not {age_s}: it would have "
            "expired before the next one."
        )
    if 2 * period_s > age_s:
        _warn(
            f"up to {period_s} of the link's {age_s} seconds are over when it is made, since it is signed as of the "
            "last multiple of stable; give it a longer life, or a shorter stable."
        )


def check_age(age_s: int, now_s: int, is_v4: bool) -> None:
    """Raises: PresignError: a link that lives `age_s` seconds from `now_s` can't be made."""
    if age_s < 1:
        raise PresignError("the link would have expired before it is made: expires must lie in the future.")
    if is_v4 and age_s > PRESIGN_V4_MAX_AGE_S:
        raise PresignError(
            f"a V4 link lives at most seven days ({PRESIGN_V4_MAX_AGE_S} seconds), not {age_s}; "
            "sign again later, or use a V1 link."
        )
    if now_s + age_s > LAST_MOMENT_S:
        raise PresignError("expires lies after the year 9999.")


def warn_of_token(token_expires_at_s: int, expires_at_s: int) -> None:
    """A PresignWarning at the line, outside this room, that asked for the link."""
    dies, ends = datetime.fromtimestamp(token_expires_at_s, UTC), datetime.fromtimestamp(expires_at_s, UTC)
    _warn(
        f"the security token dies at {dies:%Y-%m-%d %H:%M:%S} UTC, before the link at {ends:%Y-%m-%d %H:%M:%S} UTC; "
        "the link stops working with its token."
    )


def _warn(text: str) -> None:
    warnings.warn(text, PresignWarning, stacklevel=_callers_level())


def _callers_level() -> int:
    """How many frames above `_warn`, itself the first, the caller of this room stands."""
    room = __name__.rpartition(".")[0]
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(room):
        level, frame = level + 1, frame.f_back
    return level


class SigningMoment(NamedTuple):
    """What all V4 signatures of one key, region and second share."""

    timestamp: str
    scope: str
    credential: str  # encoded for a query
    key: v4.SigningKey


@lru_cache(maxsize=64)
def signing_moment(access_key_id: str, secret: str, region: str, now_s: int) -> SigningMoment:
    """Made once, remembered for the links of the same second."""
    timestamp = write_basic_iso(now_s)
    scope = v4.Scope(timestamp[:8], region)
    return SigningMoment(timestamp, str(scope), encode(f"{access_key_id}/{scope}"), v4.signing_key(secret, scope))

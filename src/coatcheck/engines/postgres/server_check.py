"""What a database's server must be before a gateway starts on it: new enough, and of one time with this machine."""

from __future__ import annotations

from typing import Final

from ...clock import wall_clock
from ...core.limits import CLOCKS_APART_MAX_S
from ..directory_faults import BadDatabase
from .connection import Connection

OLDEST: Final = 15
_ASK: Final = (
    "SELECT current_setting('server_version_num')::bigint / 10000, extract(epoch FROM now())::double precision"
)


def check_server(line: Connection) -> None:
    """Raises: BadDatabase."""
    rows, _ = line.ask(_ASK)
    version, then = rows[0]
    if version < OLDEST:
        raise BadDatabase(f"The database is PostgreSQL {version}; this needs {OLDEST} or newer. Upgrade it.")
    apart = wall_clock() - then
    if abs(apart) > CLOCKS_APART_MAX_S:
        how = "ahead of" if apart > 0 else "behind"
        raise BadDatabase(
            f"The clock of this machine is {abs(apart) / 60:.0f} minutes {how} the database's: links would end too "
            "early or too late. Set the wrong one right (timedatectl set-ntp true)."
        )

"""What a reply says of an archived object that was asked back. Source: OSS API reference, RestoreObject."""

from __future__ import annotations

from coatcheck.core.times import write_http_date
from coatcheck.ports.object import Restore


def write_restore(restore: Restore, now: float) -> str | None:
    """The text of x-oss-restore and RestoreInfo; None when the time is over."""
    if now < restore.ready_at:
        return 'ongoing-request="true"'
    if now < restore.until:
        return f'ongoing-request="false", expiry-date="{write_http_date(restore.until)}"'
    return None

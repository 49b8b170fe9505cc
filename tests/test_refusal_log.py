"""How refusals come into the ring, what of them is kept, and what isn't."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from coatcheck.core.errors import SIGNATURE_DOES_NOT_MATCH
from coatcheck.engines.refusal_ring import RefusalRing
from coatcheck.ports.refusals import Refusal
from coatcheck.refusal_log import RefusalLog

from .oss.house import NOW, OWNER, House
from .patience import HANG_S
from .test_request_log import an_entry


async def test_a_refused_link_is_kept_without_its_query_key_and_signature(tmp_path: Path) -> None:
    house = await House().with_bucket()
    url = house.link("PUT", "secret-name.txt", now=NOW)
    answer = await house.follow(url)
    ring = RefusalRing(tmp_path / "refusals")
    log = RefusalLog(ring.write)
    log.note(answer.trace)
    log.close()
    assert ring.find_now("69A92BD9A1B2C3D4E5F60718") == Refusal(
        "69A92BD9A1B2C3D4E5F60718",
        1772694489,
        "GET",
        "",
        "photos",
        "OwnerKey",
        False,
        403,
        "SignatureDoesNotMatch",
        "0002-00000201",
        SIGNATURE_DOES_NOT_MATCH.message,
        "It was signed for PUT, not for GET: use PUT, or sign it again.",
    )
    raw = (tmp_path / "refusals").read_bytes()
    for part in ("secret-name", url.rpartition("=")[2], "x-oss-date", OWNER.access_key_secret):
        assert part.encode() not in raw


def test_what_is_not_refused_is_not_kept() -> None:
    kept: list[Refusal] = []
    log = RefusalLog(kept.extend)
    log.note(an_entry())
    log.close()
    assert kept == []


def test_a_full_disk_holds_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    tried = threading.Event()
    kept: list[Refusal] = []

    def keep(batch: Sequence[Refusal]) -> None:
        if not tried.is_set():
            tried.set()
            raise OSError("the disk is nearly full")
        kept.extend(batch)

    log = RefusalLog(keep)
    log.note(an_entry(status=403, refusal="AccessDenied", reason="No."))
    assert tried.wait(HANG_S)
    log.note(an_entry(status=404, refusal="NoSuchKey", reason="No."))
    log.close()
    assert [refusal.code for refusal in kept] == ["NoSuchKey"]
    assert "refusals cannot be kept for `coatcheck explain`: the disk is nearly full" in caplog.text


def test_what_comes_faster_than_it_is_kept_is_counted_and_dropped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    writing, may_go_on = threading.Event(), threading.Event()
    kept: list[str] = []

    def keep(batch: Sequence[Refusal]) -> None:
        kept.extend(refusal.code for refusal in batch)
        writing.set()
        assert may_go_on.wait(HANG_S)

    log = RefusalLog(keep)
    log.note(an_entry(status=403, refusal="AccessDenied", reason="No."))
    assert writing.wait(HANG_S)
    entry = an_entry(status=404, refusal="NoSuchKey", reason="No.")
    for _ in range(20_003):
        log.note(entry)
    may_go_on.set()
    log.close()
    assert (kept[0], kept.count("NoSuchKey"), len(kept)) == ("AccessDenied", 20_000, 20_001)
    assert "refusals dropped=3: more than can be kept" in caplog.text

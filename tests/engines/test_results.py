"""Remembered results: found again, bounded in size, the least recently used dropped, never a wrong one."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from coatcheck.clock import wall_clock
from coatcheck.core.errors import NOT_A_PICTURE, OssError
from coatcheck.engines.results import RememberingRenderer, prepare_results
from coatcheck.ports.renderer import Job, Picture, Rendered


@dataclass
class CountingRenderer:
    size: int = 100
    asked: list[str] = field(default_factory=list)
    refusal: OssError | None = None

    async def render(self, job: Job) -> Rendered:
        self.asked.append(job.process)
        await asyncio.sleep(0)
        if self.refusal is not None:
            raise self.refusal
        body = job.process.encode().ljust(self.size, b".")
        return Rendered("image/webp", len(body), body)


async def _nothing() -> AsyncGenerator[bytes | bytearray, None]:
    raise AssertionError("the source is not read")
    yield b""


def job(width: int, identity: str = "an object") -> Job:
    return Job(f"image/resize,w_{width}", Picture(identity, 10, _nothing))


async def content(rendered: Rendered) -> bytes:
    if isinstance(rendered.body, bytes):
        return rendered.body
    data = b"".join([chunk async for chunk in rendered.body.chunks(0, rendered.size)])
    await rendered.body.close()
    return data


def remembering(
    tmp_path: Path, inner: CountingRenderer, most_bytes: int = 10**6, look: str = ""
) -> RememberingRenderer:
    prepare_results(tmp_path)
    return RememberingRenderer(inner, tmp_path, most_bytes=most_bytes, sharers=1, clock=wall_clock, look=look)


def files(tmp_path: Path) -> list[Path]:
    return [path for path in tmp_path.glob("??/*") if path.is_file()]


@pytest.mark.parametrize("size", [100, 64 * 1024, 64 * 1024 + 1, 200_000])
async def test_a_result_is_made_once(tmp_path: Path, size: int) -> None:
    inner = CountingRenderer(size)
    renderer = remembering(tmp_path, inner)
    expected = b"image/resize,w_7".ljust(size, b".")
    for _ in range(3):
        rendered = await renderer.render(job(7))
        assert (rendered.content_type, rendered.size) == ("image/webp", size)
        assert await content(rendered) == expected
    assert len(inner.asked) == 1
    assert await content(await remembering(tmp_path, inner).render(job(7))) == expected
    assert len(inner.asked) == 1


async def test_a_setting_that_changes_the_look_has_results_of_its_own(tmp_path: Path) -> None:
    inner = CountingRenderer()
    for look in ("16", "12", "16"):
        await remembering(tmp_path, inner, look=look).render(job(7))
    assert len(inner.asked) == 2


async def test_results_of_different_things_are_different(tmp_path: Path) -> None:
    inner = CountingRenderer()
    renderer = remembering(tmp_path, inner)
    marked = Job("image/resize,w_7", Picture("an object", 10, _nothing), {"m": Picture("a mark", 1, _nothing)})
    for asked in (job(7), job(8), job(7, "another object"), marked):
        await renderer.render(asked)
    assert len(inner.asked) == 4


async def test_those_who_ask_the_same_at_once_share_the_work(tmp_path: Path) -> None:
    inner = CountingRenderer(200_000)
    renderer = remembering(tmp_path, inner)
    answers = await asyncio.gather(*(renderer.render(job(7)) for _ in range(20)))
    assert len(inner.asked) == 1
    assert {await content(answer) for answer in answers} == {b"image/resize,w_7".ljust(200_000, b".")}


async def test_one_who_leaves_does_not_take_the_result_from_the_others(tmp_path: Path) -> None:
    inner = CountingRenderer()
    renderer = remembering(tmp_path, inner)
    first, second = (asyncio.create_task(renderer.render(job(7))) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).size == 100
    assert len(inner.asked) == 1


async def test_a_refusal_is_not_remembered(tmp_path: Path) -> None:
    inner = CountingRenderer(refusal=NOT_A_PICTURE())
    renderer = remembering(tmp_path, inner)
    for _ in range(2):
        with pytest.raises(OssError):
            await renderer.render(job(7))
    inner.refusal = None
    assert (await renderer.render(job(7))).size == 100
    assert len(inner.asked) == 3


async def test_all_together_stay_below_the_limit_and_the_used_ones_stay(tmp_path: Path) -> None:
    inner = CountingRenderer(1000)
    renderer = remembering(tmp_path, inner, most_bytes=20_000)
    await renderer.render(job(1))
    for width in range(2, 60):
        await renderer.render(job(width))
        [kept] = [path for path in files(tmp_path) if b"w_1." in path.read_bytes()]
        os.utime(kept)  # as a use does, when the last one is a minute ago
        for path in files(tmp_path):
            if path != kept:
                os.utime(path, (width, min(path.stat().st_mtime, width)))
        assert sum(path.stat().st_size for path in files(tmp_path)) <= 20_000
    inner.asked.clear()
    await renderer.render(job(1))
    await renderer.render(job(59))
    assert inner.asked == []


async def test_a_use_is_noted(tmp_path: Path) -> None:
    renderer = remembering(tmp_path, CountingRenderer())
    await renderer.render(job(7))
    [path] = files(tmp_path)
    os.utime(path, (1, 1))
    await renderer.render(job(7))
    assert path.stat().st_mtime > 1


async def test_what_nobody_asked_for_within_a_day_goes(tmp_path: Path) -> None:
    """Nobody asks for what was made of a deleted object."""
    inner = CountingRenderer()
    renderer = remembering(tmp_path, inner)
    await renderer.render(job(7))
    [old] = files(tmp_path)
    os.utime(old, (time.time() - 86_460, time.time() - 86_460))
    await renderer.render(job(8))
    [used] = set(files(tmp_path)) - {old}
    os.utime(used, (time.time() - 86_340, time.time() - 86_340))
    await renderer.forget_unused()
    assert files(tmp_path) == [used]
    await renderer.render(job(8))
    assert len(inner.asked) == 2
    await renderer.render(job(7))
    assert len(inner.asked) == 3


async def test_what_must_not_be_remembered_is_not(tmp_path: Path) -> None:
    inner = CountingRenderer()
    renderer = remembering(tmp_path, inner)
    secret = Picture("a secret", 10, _nothing, remember=False)
    for asked in (Job("image/info", secret), Job("image/info", job(1).source, {"m": secret})):
        for _ in range(2):
            assert (await renderer.render(asked)).size == 100
    assert (len(inner.asked), files(tmp_path)) == (4, [])


async def test_what_is_too_large_to_remember_is_delivered_all_the_same(tmp_path: Path) -> None:
    inner = CountingRenderer(200_000)
    renderer = remembering(tmp_path, inner, most_bytes=1000)
    for _ in range(2):
        assert (await renderer.render(job(7))).size == 200_000
    assert len(inner.asked) == 2
    assert files(tmp_path) == []


async def test_a_disk_that_is_full_costs_nothing_but_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = CountingRenderer()
    renderer = remembering(tmp_path, inner)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", full)
    assert (await renderer.render(job(7))).size == 100
    assert list((tmp_path / "new").iterdir()) == files(tmp_path) == []


async def test_a_file_cut_short_is_not_believed(tmp_path: Path) -> None:
    inner = CountingRenderer()
    renderer = remembering(tmp_path, inner)
    await renderer.render(job(7))
    files(tmp_path)[0].write_bytes(b"image/")
    assert (await renderer.render(job(7))).size == 100
    assert len(inner.asked) == 2


@pytest.mark.parametrize("size", [100, 200_000])
@pytest.mark.parametrize("at", [3, 70, 150, -1])
async def test_a_result_that_rotted_is_made_anew(
    tmp_path: Path, size: int, at: int, caplog: pytest.LogCaptureFixture
) -> None:
    inner = CountingRenderer(size)
    made = await content(await remembering(tmp_path, inner).render(job(7)))
    (path,) = files(tmp_path)
    data = bytearray(path.read_bytes())
    data[at] ^= 4
    path.write_bytes(data)
    renderer = remembering(tmp_path, inner)
    for _ in range(2):
        rendered = await renderer.render(job(7))
        assert (rendered.content_type, await content(rendered)) == ("image/webp", made)
    assert len(inner.asked) == 2
    assert f"damaged result={path.name}" in caplog.text


async def test_results_of_another_start_of_the_machine_are_dropped(tmp_path: Path) -> None:
    renderer = remembering(tmp_path, CountingRenderer())
    await renderer.render(job(7))
    prepare_results(tmp_path)
    assert len(files(tmp_path)) == 1
    (tmp_path / "boot").write_text("another")
    (tmp_path / "new" / "leftover").write_text("x")
    prepare_results(tmp_path)
    assert files(tmp_path) == list((tmp_path / "new").iterdir()) == []


async def test_a_directory_of_results_that_was_removed_comes_back(tmp_path: Path) -> None:
    inner = CountingRenderer()
    renderer = remembering(tmp_path, inner)
    await renderer.render(job(1))
    for file in files(tmp_path):
        file.unlink()
        file.parent.rmdir()
    await renderer.render(job(1))
    await renderer.render(job(1))
    renderer.close()
    assert inner.asked == ["image/resize,w_1"] * 2
    assert [file.parent.stat().st_mode & 0o777 for file in files(tmp_path)] == [0o700]


async def test_results_of_a_clock_that_was_ahead_go_first_unless_they_are_used(tmp_path: Path) -> None:
    """Else they would be in the way of all others until their time has come."""
    renderer = remembering(tmp_path, CountingRenderer(1000), most_bytes=10 * 1064)
    for width in range(1, 9):
        await renderer.render(job(width))
        for path in files(tmp_path):
            os.utime(path, (4_000_000_000, 4_000_000_000))
    await renderer.render(job(1))
    used = [path for path in files(tmp_path) if path.stat().st_mtime < 4_000_000_000]
    assert len(used) == 1
    for width in range(11, 20):
        await renderer.render(job(width))
        os.utime(used[0])  # as a use does, when the last one is a minute ago
    assert used[0].exists()
    assert [path for path in files(tmp_path) if path.stat().st_mtime >= 4_000_000_000] == []
    renderer.close()

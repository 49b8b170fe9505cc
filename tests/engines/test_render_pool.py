"""Render processes: what a picture does to one of them doesn't reach the server; the next picture has another one."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from coatcheck.core.errors import OssError
from coatcheck.engines import render_pool
from coatcheck.engines.render_pool import RenderLimits, RenderPool
from coatcheck.ports.damage import Damaged
from coatcheck.ports.renderer import Job, Picture, Rendered

from ..patience import HANG_S
from .vips.pictures import look, process, save, solid, textured

SMALL = save(textured(60, 40), "PNG")


def picture(data: bytes, *, announced: int | None = None, failing: Exception | None = None) -> Picture:
    async def chunks() -> AsyncGenerator[bytes | bytearray, None]:
        for start in range(0, len(data), 1000):
            yield data[start : start + 1000]
        if failing is not None:
            raise failing

    return Picture("a picture", len(data) if announced is None else announced, chunks)


def job(data: bytes = SMALL, actions: str = "resize,w_30") -> Job:
    return Job(f"image/{actions}", picture(data))


def a_file(tmp_path: Path, data: bytes, source: Picture, *, damage: Damaged | None = None) -> Job:
    """A job whose source is as long as SMALL and a file with `data`; read in pieces, `source` is what comes."""
    path = tmp_path / "source"
    path.write_bytes(data)

    @asynccontextmanager
    async def as_file() -> AsyncIterator[int]:
        with path.open("rb") as opened:
            yield opened.fileno()
        if damage is not None:
            raise damage

    return Job("image/resize,w_30", replace(source, size=len(SMALL), as_file=as_file))


@contextmanager
def pool(tmp_path: Path, **limits: Any) -> Iterator[RenderPool]:
    made = RenderPool(RenderLimits(**{"processes": 1, "timeout_s": HANG_S, **limits}), tmp_path / "scratch")
    try:
        yield made
    finally:
        made.close()


def process_ids(made: RenderPool) -> list[int]:
    return [process._process.pid for process in made._idle]


async def refusal_of(made: RenderPool, asked: Job) -> OssError:
    with pytest.raises(OssError) as caught:
        await made.render(asked)
    return caught.value


def content(rendered: Rendered) -> bytes:
    assert isinstance(rendered.body, bytes)
    assert rendered.size == len(rendered.body)
    return rendered.body


async def test_pictures_are_rendered_one_after_the_other_by_one_process(tmp_path: Path) -> None:
    with pool(tmp_path) as made:
        assert process_ids(made) == []
        for side in (30, 20, 10):
            rendered = await made.render(job(actions=f"resize,w_{side}/format,webp"))
            assert (rendered.content_type, look(content(rendered)).size[0]) == ("image/webp", side)
        [process] = process_ids(made)
        assert process != os.getpid()
        mark = Job("image/watermark,image_bS5wbmc", picture(SMALL), {"m.png": picture(SMALL)})
        assert (await made.render(mark)).content_type == "image/png"
        assert process_ids(made) == [process]


async def test_a_process_decodes_as_its_operator_wants(tmp_path: Path) -> None:
    """By a thirteenth: at a quarter, or at an eighth."""
    jpeg = save(textured(1040, 520), "JPEG")
    for eighth_from in (12, 16):
        with pool(tmp_path, eighth_from=eighth_from) as made:
            found = content(await made.render(job(jpeg, "resize,w_80/format,png")))
            assert found == process(jpeg, "resize,w_80/format,png", eighth_from)[1]
            assert found != process(jpeg, "resize,w_80/format,png", 28 - eighth_from)[1]


async def test_a_refusal_comes_over_whole(tmp_path: Path) -> None:
    with pool(tmp_path) as made:
        error = await refusal_of(made, job(actions="format,heic"))
        assert (error.code, error.ec, error.facts["ArgumentName"]) == ("InvalidArgument", "0040-00000206", "format")
        assert (await refusal_of(made, job(b"no picture"))).message == "This image format is not supported."
        assert len(process_ids(made)) == 1


async def test_a_picture_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    """A process that is stopped takes too long on any machine."""
    with pool(tmp_path) as made:
        await made.render(job())
        [before] = process_ids(made)
        os.kill(before, signal.SIGSTOP)
        made._limits = replace(made._limits, timeout_s=0.2)
        error = await refusal_of(made, job())
        assert (error.status, error.code) == (400, "MemLimitExceeded")
        assert process_ids(made) == []
        with pytest.raises(ProcessLookupError):
            os.kill(before, 0)
        made._limits = replace(made._limits, timeout_s=HANG_S)
        assert (await made.render(job())).content_type == "image/png"


async def test_a_picture_that_takes_too_much_memory_is_given_up(tmp_path: Path) -> None:
    with pool(tmp_path, memory_bytes=320 * 1024**2) as made:
        await made.render(job())
        big = save(solid(4000, 4000, "808080").convert("RGBA"), "PNG", compress_level=1)
        error = await refusal_of(made, job(big, "/".join(["rotate,45"] + ["rotate,90"] * 8) + "/format,png"))
        assert error.status == 400
        assert error.code in ("MemLimitExceeded", "BadRequest")
        assert (await made.render(job())).content_type == "image/png"


async def test_a_process_that_dies_costs_its_own_picture_only(tmp_path: Path) -> None:
    with pool(tmp_path) as made:
        await made.render(job())
        os.kill(process_ids(made)[0], signal.SIGKILL)
        assert (await refusal_of(made, job())).code == "MemLimitExceeded"
        assert (await made.render(job())).content_type == "image/png"


async def test_more_than_may_wait_are_turned_away(tmp_path: Path) -> None:
    with pool(tmp_path, queue=3) as made:
        jobs = [replace(job(), client=str(number), bucket=str(number)) for number in range(10)]
        asked = [asyncio.create_task(made.render(each)) for each in jobs]
        done = await asyncio.gather(*asked, return_exceptions=True)
        refused = [error for error in done if isinstance(error, OssError)]
        assert len(refused) == 6
        assert {(error.status, error.code) for error in refused} == {(503, "ServiceUnavailable")}
        assert sum(isinstance(rendered, Rendered) for rendered in done) == 4


async def test_a_second_clients_picture_is_rendered_while_the_first_one_floods(tmp_path: Path) -> None:
    """The flood is for one public picture; the second client asks for another size of it, after the flood."""
    with pool(tmp_path, queue=8) as made:
        done: list[str] = []

        async def ask(client: str, bucket: str = "public") -> None:
            await made.render(replace(job(), client=client, bucket=bucket))
            done.append(client)

        flood = [asyncio.create_task(ask("192.0.2.1")) for _ in range(20)]
        await asyncio.sleep(0)
        second, third = asyncio.create_task(ask("192.0.2.2")), asyncio.create_task(ask("192.0.2.3", "another"))
        outcomes = await asyncio.gather(*flood, second, third, return_exceptions=True)
        assert sum(isinstance(outcome, OssError) for outcome in outcomes) == 15  # one runs and half the queue waits
        assert outcomes[-2:] == [None, None]
        assert done[:4] == ["192.0.2.1", "192.0.2.1", "192.0.2.3", "192.0.2.2"]
        assert done[4:] == ["192.0.2.1"] * 3


async def test_a_source_that_fails_is_the_askers_affair(tmp_path: Path) -> None:
    with pool(tmp_path) as made:
        with pytest.raises(ValueError, match="gone"):
            await made.render(Job("image/info", picture(SMALL, announced=10**6, failing=ValueError("gone"))))
        short = Job("image/info", picture(SMALL, announced=10**6))
        assert (await refusal_of(made, short)).code == "MemLimitExceeded"
        assert (await made.render(job())).content_type == "image/png"


async def test_a_source_that_is_a_file_is_handed_over_and_closed(tmp_path: Path) -> None:
    with pool(tmp_path) as made:
        for _ in range(2):
            assert look(content(await made.render(a_file(tmp_path, SMALL, picture(b"never read"))))).size == (30, 20)
        [process] = process_ids(made)
        held = [os.readlink(entry) for entry in Path(f"/proc/{process}/fd").iterdir()]
        assert str(tmp_path / "source") not in held
        mark = replace(a_file(tmp_path, SMALL, picture(b"")), process="image/watermark,image_bS5wbmc")
        assert (await made.render(replace(mark, marks={"m.png": picture(SMALL)}))).content_type == "image/png"


async def test_a_file_that_cannot_be_read_is_asked_for_in_pieces(tmp_path: Path) -> None:
    """Whose reading says what is wrong, if something is."""
    with pool(tmp_path) as made:
        short = a_file(tmp_path, SMALL[:-1], picture(SMALL))
        assert look(content(await made.render(short))).size == (30, 20)
        assert len(process_ids(made)) == 1
        with pytest.raises(ValueError, match="gone"):
            await made.render(a_file(tmp_path, b"", picture(SMALL, failing=ValueError("gone"))))


async def test_a_file_that_turns_out_to_be_damaged_has_no_result(tmp_path: Path) -> None:
    with pool(tmp_path) as made:
        with pytest.raises(Damaged, match="rotten"):
            await made.render(a_file(tmp_path, SMALL, picture(SMALL), damage=Damaged("rotten")))
        assert (await made.render(job())).content_type == "image/png"


async def test_an_asker_who_leaves_takes_the_process_along(tmp_path: Path) -> None:
    with pool(tmp_path) as made:
        reached = asyncio.Event()

        async def endless() -> AsyncGenerator[bytes | bytearray, None]:
            yield SMALL
            reached.set()
            await asyncio.Event().wait()

        asked = asyncio.create_task(made.render(Job("image/info", Picture("a picture", 10**6, endless))))
        await reached.wait()
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert process_ids(made) == []
        assert (await made.render(job())).content_type == "image/png"


async def test_sizes_are_refused_before_a_byte_is_read(tmp_path: Path) -> None:
    with pool(tmp_path) as made:
        large = Job("image/info", picture(b"", announced=20 * 1024**2 + 1))
        assert (await refusal_of(made, large)).code == "ImageTooLarge"
        assert (await refusal_of(made, Job("image/info", picture(b"")))).code == "BadRequest"
        marked = Job("image/info", picture(SMALL), {"m": picture(b"", announced=20 * 1024**2 + 1)})
        assert (await refusal_of(made, marked)).code == "WatermarkError"
        assert process_ids(made) == []


async def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render_pool, "find_spec", lambda name: None)
    with pool(tmp_path) as made:
        error = await refusal_of(made, job())
        assert (error.status, error.code) == (400, "NotImplemented")
        assert "coatcheck[images]" in error.message


async def test_a_process_has_no_secrets_and_its_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSS_ACCESS_KEY_SECRET", "hush")
    monkeypatch.setenv("COATCHECK_SECRET_KEY", "hush")
    with pool(tmp_path) as made:
        await made.render(job())
        home = Path(f"/proc/{process_ids(made)[0]}")
        environment = (home / "environ").read_bytes()
        assert b"hush" not in environment
        assert b"VIPS_BLOCK_UNTRUSTED=1" in environment
        limits = (home / "limits").read_text()
        assert str(768 * 1024**2) in limits
        assert len(list((home / "fd").iterdir())) < 8


async def test_only_the_loaders_of_our_formats_are_open(tmp_path: Path) -> None:
    """A file whose first bytes are ours and that another loader of libvips would take."""
    with pool(tmp_path) as made:
        svg = b"BM<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>" + b" " * 100
        assert (await refusal_of(made, job(svg))).code == "BadRequest"


def test_the_servers_own_process_never_loads_libvips() -> None:
    program = "import sys, coatcheck.process, coatcheck.app; sys.exit(any('vips' in name for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

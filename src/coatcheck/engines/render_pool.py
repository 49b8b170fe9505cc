"""The renderer in processes of its own: a few a server process, started when the first picture is asked for.

A picture that makes its process take too long has it killed; one that makes it crash or run out of memory only loses
it. Either way the client gets a clear refusal, the next picture a new process, and the server's own process has never
held more of a picture than a piece on its way through. Of one that is a file it holds nothing: the process gets the
file, opened for reading.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from ..core import errors
from ..core.errors import (
    NOT_A_PICTURE,
    NOT_IMPLEMENTED,
    PICTURE_TOO_LARGE,
    RENDER_TOO_COSTLY,
    RENDERERS_BUSY,
    WATERMARK_ERROR,
    Fault,
    OssError,
)
from ..core.limits import (
    PICTURE_MAX_BYTES,
    RENDER_QUEUE_BUCKET_SHARE,
    RENDER_QUEUE_CLIENT_SHARE,
    RESULT_MAX_BYTES,
)
from ..ports.renderer import Job, Picture, Rendered
from .child import Child, Died
from .turns import Bounds, Full, Turns

_SETTLE_S: Final = 2.0  # what the process's own alarm has beyond ours
_JOBS_EACH: Final = 500  # then a process makes room for a new one, and with it what its heap has left unused
_NEEDED: Final = ("pyvips", "PIL", "noto_cjk_sans_otc")

log = logging.getLogger("coatcheck")


class RenderLimits(Struct, frozen=True):
    """Attributes: see `settings.ServerSettings`, the names with "image_" before them."""

    processes: int = 2
    queue: int = 64
    timeout_s: float = 20.0
    memory_bytes: int = 768 * 1024**2
    font_directories: tuple[Path, ...] = ()
    eighth_from: int = 16


class RenderPool:
    """See the module, and `ports.renderer`.

    Args:
        scratch: a directory for the font configuration and its cache; made if missing.
    """

    def __init__(self, limits: RenderLimits, scratch: Path) -> None:
        self._limits = limits
        self._scratch = scratch
        self._idle: list[_Process] = []
        queue = limits.queue
        bounds = Bounds(
            queue, math.ceil(queue * RENDER_QUEUE_CLIENT_SHARE), math.ceil(queue * RENDER_QUEUE_BUCKET_SHARE)
        )
        self.turns = Turns(limits.processes, bounds)
        self._closed = False
        self._installed: bool | None = None  # looked up when the first picture is asked for

    async def render(self, job: Job) -> Rendered:
        if self._installed is None:
            self._installed = all(find_spec(name) is not None for name in _NEEDED)
        if not self._installed:
            raise NOT_IMPLEMENTED(
                "Pictures are processed by an extra that is not installed on this server: "
                "pip install 'coatcheck[images]'."
            )
        _check_sizes(job)
        try:
            await self.turns.take(job.client, job.bucket)
        except Full:
            raise RENDERERS_BUSY() from None
        try:
            return await self._render(job)
        finally:
            self.turns.end()

    async def _render(self, job: Job) -> Rendered:
        process = self._idle.pop() if self._idle else await self._start()
        try:
            async with asyncio.timeout(self._limits.timeout_s):
                answer = await process.work(job)
        except BaseException as error:  # what it is doing now nobody knows
            process.end()
            if isinstance(error, (TimeoutError, Died)):
                log.info(
                    "a picture took too much: %s", "time" if isinstance(error, TimeoutError) else "its process died"
                )
                raise RENDER_TOO_COSTLY() from None
            raise
        if self._closed or process.jobs >= _JOBS_EACH:
            process.end()
        else:
            self._idle.append(process)
        if isinstance(answer, OssError):
            raise answer
        return answer

    async def _start(self) -> _Process:
        process = _Process(self._limits, self._scratch)
        await process.await_ready("render")
        return process

    def close(self) -> None:
        """End the processes. Jobs that are running end with theirs."""
        self._closed = True
        while self._idle:
            self._idle.pop().end()


def _check_sizes(job: Job) -> None:
    """Raises: OssError, before a byte is read."""
    if job.source.size > PICTURE_MAX_BYTES:
        raise PICTURE_TOO_LARGE()
    if job.source.size == 0:
        raise NOT_A_PICTURE()
    if any(not 0 < mark.size <= PICTURE_MAX_BYTES for mark in job.marks.values()):
        raise WATERMARK_ERROR()


class _Process(Child):
    """One render process. For one job at a time."""

    def __init__(self, limits: RenderLimits, scratch: Path) -> None:
        self.jobs = 0
        arguments = [str(limits.memory_bytes), str(limits.timeout_s + _SETTLE_S), str(limits.eighth_from)]
        super().__init__("coatcheck.engines.vips.process", arguments, _environment(limits, scratch))

    async def work(self, job: Job) -> Rendered | OssError:
        """Raises: Died, and what the pictures' `chunks` and `as_file` raise."""
        self.jobs += 1
        async with job.source.as_file() as file:
            answer = await self._ask(job, file)
        if "unread" in answer:  # whose reading fails here tells why
            answer = await self._ask(job, None)
        if "fault" in answer:
            return _read_refusal(answer)
        size = int(answer["size"])
        if not 0 <= size <= RESULT_MAX_BYTES:
            raise Died
        return Rendered(_read_content_type(answer), size, await self.receive(size))

    async def _ask(self, job: Job, file: int | None) -> dict[str, Any]:
        """Hand over the job, its source as a file if it is one, and wait for the head of the answer."""
        head = {
            "process": job.process,
            "source": job.source.size,
            "marks": [[key, picture.size] for key, picture in job.marks.items()],
        }
        try:
            await self.send_head(head, file)
            for picture in (*([job.source] if file is None else []), *job.marks.values()):
                await self._send_picture(picture)
        except ConnectionError:
            raise Died from None
        return await self.receive_head()

    async def _send_picture(self, picture: Picture) -> None:
        sent = 0
        async with contextlib.aclosing(picture.chunks()) as chunks:
            async for chunk in chunks:
                sent += len(chunk)
                await self.send(chunk)
        if sent != picture.size:
            raise Died  # what it waits for will never come


_FAULTS: Final = {name: fault for name, fault in vars(errors).items() if isinstance(fault, Fault)}
_CONTENT_TYPE_MAX_CHARS: Final = 64


def _read_refusal(answer: dict[str, Any]) -> OssError:
    fault = _FAULTS[str(answer["fault"])]
    facts = {str(name): str(value) for name, value in dict(answer["facts"]).items()}
    refusal = fault(str(answer["message"]), ec=str(answer["ec"]))
    refusal.facts.update(facts)
    return refusal


def _read_content_type(answer: dict[str, Any]) -> str:
    text = str(answer["content_type"])
    if len(text) > _CONTENT_TYPE_MAX_CHARS or not text.isascii() or not text.isprintable():
        raise Died
    return text


def _environment(limits: RenderLimits, scratch: Path) -> dict[str, str]:
    """What a render process is told beside where programs are."""
    return {
        "FONTCONFIG_FILE": str(_write_font_configuration(limits, scratch)),
        "HOME": str(scratch),
        "MALLOC_ARENA_MAX": "2",
        "MALLOC_MMAP_THRESHOLD_": "33554432",  # a picture's memory is kept for the next one: 5 % faster
        "MALLOC_TRIM_THRESHOLD_": "134217728",
        "VIPS_BLOCK_UNTRUSTED": "1",
        "VIPS_CONCURRENCY": "1",
        "VIPS_DISC_THRESHOLD": "100g",  # never to disk: the memory limit decides
    }


def _write_font_configuration(limits: RenderLimits, scratch: Path) -> Path:
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    spec = find_spec("noto_cjk_sans_otc")
    packaged = [Path(place) for place in (spec.submodule_search_locations or [])] if spec is not None else []
    directories = "".join(f"<dir>{_escape(str(path))}</dir>" for path in (*limits.font_directories, *packaged))
    text = f"<fontconfig>{directories}<cachedir>{_escape(str(scratch / 'fontconfig'))}</cachedir></fontconfig>\n"
    path = scratch / "fonts.conf"
    if not path.exists() or path.read_text() != text:
        fresh = scratch / f"fonts.{os.getpid()}"
        fresh.write_text(text)
        fresh.rename(path)
    return path


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

"""How fast are pictures made, beside npm's sharp and Pillow, and what do they cost the other requests?

    python benchmarks/resize.py [--rounds 5] [--pictures 20] [--only speed quality cached busy] [--sharp DIRECTORY]
                                [--json]

* speed: a JPEG of 12 megapixels to 400 pixels, as JPEG and as WebP, two at a time, from bytes in memory to bytes in
  memory. `coatcheck` is the render pool with two processes, what the server hands pictures to; sharp and Pillow run in
  processes of their own, two at a time as well (targets: at least 1.0 x sharp, 0.9 x Pillow with `draft`, 2.5 x Pillow
  without). `sharp, alike` is sharp with `fastShrinkOnLoad: false`, which reduces as little while decoding as coatcheck
  does. `over http` is a whole server, with signed links and nothing remembered.
* quality: how near each result is to a full decode scaled by Lanczos in Pillow, in dB; first a soft picture, then fine
  stripes, which show who aliases. Pillow's `draft` and sharp's default reduce by 8 while decoding; coatcheck and
  `sharp, alike` by 4.
* cached: a remembered result of 1 MiB beside a plain object of 1 MiB (target: at least 0.8 x).
* busy: 40 links to pictures of 12 megapixels at once, nothing remembered: memory of all processes together (target:
  below 1 GiB), and the p99 of plain GETs of 1 KiB meanwhile, beside their p99 next to two idle loops of another program
  (target: below 5 x).

Ways alternate within a round; a rate is the median of the rounds. sharp comes from npm into `--sharp` (a directory with
node_modules/sharp; made in the temporary directory if not given); without npm it is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

from coatcheck import Credentials, Presigner, sign_request
from coatcheck.engines.render_pool import RenderLimits, RenderPool
from coatcheck.ports.renderer import Job, Picture

KEY_ID, SECRET, REGION, BUCKET = "BenchmarkAk0001", "BenchmarkSecret0123456789abcdef", "cn-hangzhou", "pictures"
SIZE = 4000, 3000
RESULT = 400, 300
AT_ONCE = 2
SHARP = "0.34.4"
SHARP_PROGRAM = """
const sharp = require('sharp');
const fs = require('node:fs');
sharp.cache(false);
sharp.concurrency(1);
process.stdin.setEncoding('utf8');
require('node:readline').createInterface({ input: process.stdin }).on('line', async (line) => {
  const { source, format, fast, count, keep } = JSON.parse(line);
  const data = fs.readFileSync(source);
  const size = { width: 400, fastShrinkOnLoad: fast };
  const one = () => sharp(data).resize(size)[format](format === 'png' ? {} : { quality: 75 }).toBuffer();
  const began = process.hrtime.bigint();
  let left = count;
  const worker = async () => { while (left-- > 0) await one(); };
  await Promise.all([worker(), worker()]);
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  if (keep) fs.writeFileSync(keep, await one());
  console.log(JSON.stringify({ rate: count / seconds }));
});
"""

Way = Callable[[str, int], float]  # format, how many -> pictures a second


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pictures", type=int, default=20, help="of each way and format in a round")
    parser.add_argument("--only", nargs="*", default=["speed", "quality", "cached", "busy"])
    parser.add_argument("--sharp", type=Path)
    parser.add_argument("--json", action="store_true", help="the speeds once more, as the last line")
    given = parser.parse_args()
    speeds: dict[str, dict[str, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory(prefix="coatcheck-resize-") as scratch:
        directory = Path(scratch)
        photo = directory / "photo.jpg"
        photo.write_bytes(make_photo())
        print(f"JPEG of {SIZE[0]} x {SIZE[1]}, {photo.stat().st_size:,} bytes; {os.cpu_count()} cores")
        if {"speed", "quality"} & set(given.only):
            with sharp(directory, given.sharp) as by_sharp, ours(directory) as by_us, pillow() as by_pillow:
                if "speed" in given.only:
                    speeds = measure_speed(directory, photo, given.rounds, given.pictures, by_sharp, by_us, by_pillow)
                if "quality" in given.only:
                    measure_quality(directory, by_sharp, by_us)
        if "cached" in given.only:
            measure_cached(directory, given.rounds)
        if "busy" in given.only:
            measure_busy(directory, photo)
    if given.json:
        print(json.dumps(speeds))


def make_photo() -> bytes:
    """Something like a photograph: slopes, waves and grain."""
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]].astype(np.float32)
    grain = np.random.default_rng(1).normal(0, 6, (SIZE[1], SIZE[0], 1))
    waves = 127 + 60 * np.sin(x / 37) * np.cos(y / 53) + 30 * np.sin((x + y) / 11)
    return as_jpeg(np.stack([x * 255 / SIZE[0], y * 255 / SIZE[1], waves], -1) + grain)


def as_jpeg(pixels: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.clip(np.asarray(pixels), 0, 255).astype(np.uint8)).save(file, "JPEG", quality=90)
    return file.getvalue()


# --- the ways --------------------------------------------------------------------------------------------------------


def pillow_once(path: str, format: str, draft: bool) -> bytes:
    picture: Image.Image = Image.open(io.BytesIO(Path(path).read_bytes()))
    if draft:
        picture.draft("RGB", RESULT)
    file = io.BytesIO()
    picture.resize(RESULT, Image.Resampling.LANCZOS).save(file, format, quality=75)
    return file.getvalue()


@contextmanager
def pillow() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(AT_ONCE) as pool:
        yield pool


def pillow_rate(pool: ProcessPoolExecutor, photo: Path, *, draft: bool) -> Way:
    def rate(format: str, count: int) -> float:
        began = time.perf_counter()
        for waiting in [pool.submit(pillow_once, str(photo), format, draft) for _ in range(count)]:
            waiting.result()
        return count / (time.perf_counter() - began)

    return rate


@contextmanager
def ours(directory: Path) -> Iterator[Callable[[bytes, str, int], list[bytes]]]:
    """The render pool on a loop of its own."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()

    async def make() -> RenderPool:
        return RenderPool(RenderLimits(processes=AT_ONCE, queue=10_000), directory / "scratch")

    pool = asyncio.run_coroutine_threadsafe(make(), loop).result()

    def render(data: bytes, process: str, count: int) -> list[bytes]:
        async def all_of_them() -> list[bytes]:
            done = await asyncio.gather(*(pool.render(Job(process, picture(data))) for _ in range(count)))
            return [rendered.body for rendered in done if isinstance(rendered.body, bytes)]

        return asyncio.run_coroutine_threadsafe(all_of_them(), loop).result()

    try:
        yield render
    finally:
        loop.call_soon_threadsafe(pool.close)
        loop.call_soon_threadsafe(loop.stop)


def picture(data: bytes) -> Picture:
    async def chunks() -> AsyncGenerator[bytes | bytearray, None]:
        for start in range(0, len(data), 1024**2):
            yield data[start : start + 1024**2]

    return Picture("the picture", len(data), chunks)


@contextmanager
def sharp(directory: Path, installed: Path | None) -> Iterator[subprocess.Popen[str] | None]:
    node, npm = shutil.which("node"), shutil.which("npm")
    place = installed or directory
    if node is None or (npm is None and installed is None):
        print("without sharp: there is no npm")
        yield None
        return
    if installed is None:
        command = [str(npm), "install", "--no-audit", "--no-fund", "--loglevel=error", f"sharp@{SHARP}"]
        subprocess.run(command, cwd=directory, check=True)
    (place / "resize.js").write_text(SHARP_PROGRAM)
    process = subprocess.Popen(
        [node, str(place / "resize.js")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def sharp_rate(process: subprocess.Popen[str], photo: Path, *, fast: bool) -> Way:
    def rate(format: str, count: int) -> float:
        asked = {"source": str(photo), "format": format, "fast": fast, "count": count}
        return float(ask_sharp(process, asked)["rate"])

    return rate


def sharp_once(process: subprocess.Popen[str], source: Path, *, fast: bool) -> bytes:
    kept = source.with_suffix(".sharp.png")
    ask_sharp(process, {"source": str(source), "format": "png", "fast": fast, "count": 0, "keep": str(kept)})
    return kept.read_bytes()


def ask_sharp(process: subprocess.Popen[str], asked: Mapping[str, object]) -> dict[str, float]:
    assert process.stdin is not None
    assert process.stdout is not None
    print(json.dumps(asked), file=process.stdin, flush=True)
    answer: dict[str, float] = json.loads(process.stdout.readline())
    return answer


def measure_speed(
    directory: Path,
    photo: Path,
    rounds: int,
    count: int,
    by_sharp: subprocess.Popen[str] | None,
    by_us: Callable[[bytes, str, int], list[bytes]],
    by_pillow: ProcessPoolExecutor,
) -> dict[str, dict[str, dict[str, float]]]:
    """By format and way: what `report_speed` returns."""
    data = photo.read_bytes()

    def coatcheck(format: str, many: int) -> float:
        began = time.perf_counter()
        by_us(data, f"image/resize,w_400/quality,Q_75/format,{'jpg' if format == 'jpeg' else format}", many)
        return many / (time.perf_counter() - began)

    with server(directory, "--image-cache", "0") as endpoint:
        store(endpoint, None, b"")
        for number in range(4):
            store(endpoint, f"photo{number}", data)
        ways: dict[str, Way] = {
            "coatcheck": coatcheck,
            "over http": lambda format, many: http_rate(endpoint, format, many),
            "Pillow, draft": pillow_rate(by_pillow, photo, draft=True),
            "Pillow, full": pillow_rate(by_pillow, photo, draft=False),
        }
        if by_sharp is not None:
            ways["sharp"] = sharp_rate(by_sharp, photo, fast=True)
            ways["sharp, alike"] = sharp_rate(by_sharp, photo, fast=False)
        speeds = {}
        for format in ("jpeg", "webp"):
            rates: dict[str, list[float]] = {name: [] for name in ways}
            for way in ways.values():
                way(format, AT_ONCE)
            for _ in range(rounds):
                for name, way in ways.items():
                    rates[name].append(way(format, count))
            speeds[format] = report_speed(format, rates)
    return speeds


def report_speed(format: str, rates: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """Pictures a second of each way, and how many times as fast as it ours is: the median, and the range."""
    rows: dict[str, dict[str, float]] = {}
    targets = {"sharp, alike": 1.0, "Pillow, draft": 0.85, "Pillow, full": 2.5}
    for name, measured in rates.items():
        line = f"{format:5} {name:14} {statistics.median(measured):6.1f} pictures/s"
        ratios = [a / b for a, b in zip(rates["coatcheck"], measured, strict=True)]
        ratio, rate = statistics.median(ratios), statistics.median(measured)
        rows[name] = {"rate": rate, "ratio": ratio, "lowest": min(ratios), "highest": max(ratios)}
        if name in targets:
            line += f"   coatcheck is {ratio:.2f} x (target {targets[name]})"
        print(line, flush=True)
    return rows


def measure_quality(
    directory: Path, by_sharp: subprocess.Popen[str] | None, by_us: Callable[[bytes, str, int], list[bytes]]
) -> None:
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    stripes = np.where(((x + y // 3) // 7) % 2 == 0, 30, 220)
    for name, data in (("photo", make_photo()), ("stripes", as_jpeg(np.stack([stripes] * 3, -1)))):
        path = directory / f"{name}-quality.jpg"
        path.write_bytes(data)
        full = np.asarray(Image.open(path).convert("RGB").resize(RESULT, Image.Resampling.LANCZOS)).astype(float)
        results = {"coatcheck": by_us(data, "image/resize,w_400/format,png", 1)[0]}
        if by_sharp is not None:
            results["sharp"] = sharp_once(by_sharp, path, fast=True)
            results["sharp, alike"] = sharp_once(by_sharp, path, fast=False)
        results["Pillow, draft"] = pillow_once(str(path), "PNG", True)
        for way, result in results.items():
            print(f"quality of {name:8} {way:14} {psnr(look(result), full):5.1f} dB")


def look(content: bytes) -> object:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(float)


def psnr(one: object, other: object) -> float:
    error = float(np.mean((np.asarray(one) - np.asarray(other)) ** 2))
    return float(10 * np.log10(255**2 / max(error, 1e-6)))


# --- a whole server --------------------------------------------------------------------------------------------------


@contextmanager
def server(directory: Path, *options: str) -> Iterator[str]:
    data = tempfile.mkdtemp(dir=directory)
    environment = os.environ | {"OSS_ACCESS_KEY_ID": KEY_ID, "OSS_ACCESS_KEY_SECRET": SECRET}
    words = ["serve", "--data", data, "--listen", "127.0.0.1:0", "--workers", "2", *options]
    command = [sys.executable, "-m", "coatcheck", *words]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    endpoint = "http://" + process.stdout.readline().split("http://")[1].split()[0]
    _PIDS[endpoint] = process.pid
    try:
        yield endpoint
    finally:
        process.terminate()
        process.wait(60)


_PIDS: dict[str, int] = {}


def store(endpoint: str, key: str | None, body: bytes) -> None:
    headers = sign_request(
        "PUT",
        BUCKET,
        key,
        query={},
        headers={},
        credentials=Credentials(KEY_ID, SECRET),
        region=REGION,
        now=time.time(),
    )
    connection = HTTPConnection(urlsplit(endpoint).netloc, timeout=60)
    connection.request("PUT", f"/{BUCKET}/{key or ''}", body, headers)
    reply = connection.getresponse()
    assert reply.status == 200, reply.read()
    connection.close()


def link(endpoint: str, key: str, process: str | None = None) -> str:
    query = {"x-oss-process": process} if process else {}
    return Presigner(KEY_ID, SECRET, region=REGION, endpoint=endpoint).presign("GET", BUCKET, key, query=query).url


def fetch(connection: HTTPConnection, url: str) -> bytes:
    connection.request("GET", url[url.index("/", 8) :])
    reply = connection.getresponse()
    body = reply.read()
    assert reply.status == 200, body[:500]
    return body


def http_rate(endpoint: str, format: str, count: int) -> float:
    """Four connections, each with a picture of its own: the same picture asked for twice at once is made once."""
    process = f"image/resize,w_400/quality,Q_75/format,{'jpg' if format == 'jpeg' else format}"

    def some(number: int) -> None:
        connection = HTTPConnection(urlsplit(endpoint).netloc, timeout=60)
        url = link(endpoint, f"photo{number}", process)
        for _ in range(max(1, count // 4)):
            fetch(connection, url)
        connection.close()

    began = time.perf_counter()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(some, range(4)))
    return 4 * max(1, count // 4) / (time.perf_counter() - began)


def measure_cached(directory: Path, rounds: int) -> None:
    """wrk where it is installed, else one connection of ours."""
    noise = np.random.default_rng(2).integers(0, 256, (590, 590, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG")
    with server(directory) as endpoint:
        store(endpoint, None, b"")
        store(endpoint, "noise.png", file.getvalue())
        result = link(endpoint, "noise.png", "image/format,png")
        connection = HTTPConnection(urlsplit(endpoint).netloc, timeout=60)
        body = fetch(connection, result)
        store(endpoint, "plain", body)
        rates: dict[str, list[float]] = {"plain object": [], "remembered result": []}
        for _ in range(rounds):
            for name, url in (("plain object", link(endpoint, "plain")), ("remembered result", result)):
                rates[name].append(get_rate(url))
        ratio = statistics.median(b / a for a, b in zip(rates["plain object"], rates["remembered result"], strict=True))
        for name, measured in rates.items():
            print(f"{len(body):,} bytes, {name:18} {statistics.median(measured):8.0f} a second")
        print(f"a remembered result is {ratio:.2f} x a plain object (target 0.8)")


def get_rate(url: str) -> float:
    wrk = shutil.which("wrk")
    if wrk is not None:
        told = subprocess.run([wrk, "-t1", "-c16", "-d3s", url], capture_output=True, text=True, check=True).stdout
        return float(told.split("Requests/sec:")[1].split()[0])
    connection = HTTPConnection(urlsplit(url).netloc, timeout=60)
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < 3:
        fetch(connection, url)
        count += 1
    return count / 3


def measure_busy(directory: Path, photo: Path) -> None:
    data = photo.read_bytes()
    with server(directory, "--image-cache", "0") as endpoint:
        store(endpoint, None, b"")
        store(endpoint, "small", b"x" * 1024)
        for number in range(40):
            store(endpoint, f"photo{number}", data)
        burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
        beside = p99_ms(endpoint, lambda: len(LATENCIES) < 3000)
        for burner in burners:
            burner.kill()
            burner.wait()
        most = 0
        with ThreadPoolExecutor(40) as threads:
            urls = [link(endpoint, f"photo{number}", "image/resize,w_400/format,webp") for number in range(40)]
            asked = [threads.submit(fetch, HTTPConnection(urlsplit(endpoint).netloc, timeout=120), u) for u in urls]

            def going_on() -> bool:
                nonlocal most
                if len(LATENCIES) % 20 == 0:
                    most = max(most, sum(map(resident_bytes, family(_PIDS[endpoint]))))
                return not all(one.done() for one in asked)

            meanwhile = p99_ms(endpoint, going_on)
            for one in asked:
                one.result()
    print(f"40 pictures at once: {most / 1024**2:,.0f} MiB in all processes at most (target 1,024)")
    ratio = meanwhile / beside
    print(f"p99 of 1 KiB meanwhile {meanwhile:.1f} ms, beside idle loops {beside:.1f} ms: {ratio:.2f} x (target 5)")


LATENCIES: list[float] = []


def p99_ms(endpoint: str, going_on: Callable[[], bool]) -> float:
    LATENCIES.clear()
    connection = HTTPConnection(urlsplit(endpoint).netloc, timeout=60)
    url = link(endpoint, "small")
    while going_on() or len(LATENCIES) < 100:
        began = time.perf_counter()
        fetch(connection, url)
        LATENCIES.append((time.perf_counter() - began) * 1000)
    connection.close()
    return statistics.quantiles(LATENCIES, n=100)[98]


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            found += [int(child) for child in task.read_text().split()]
    return found


def resident_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


if __name__ == "__main__":
    main()

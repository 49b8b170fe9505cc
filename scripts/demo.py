"""`make demo`: the main job before your eyes. A server, a private picture, a link that works until it ends.

FILE as the only argument shares your own file; KEEP=1 in the environment leaves the server up until Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

from coatcheck import Credentials, Presigner, sign_request

KEY_ID, SECRET, REGION, BUCKET = "DemoAccessKey01", "a-secret-for-this-demo-only", "cn-hangzhou", "demo-bucket"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="coatcheck-demo-") as scratch:
        directory = Path(scratch)
        given = [argument for argument in sys.argv[1:] if argument]
        path = Path(given[0]).expanduser() if given else make_picture(directory / "sunset.png")
        if not path.is_file():
            fail(f"{path} is not a file.")
        server, endpoint = start_server(directory)
        try:
            show(directory, path, endpoint)
            if os.environ.get("KEEP"):
                print("\nThe server stays up; Ctrl-C ends it and removes what it stored.")
                signal.pause()
        except KeyboardInterrupt:
            print()
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(60)


def show(directory: Path, path: Path, endpoint: str) -> None:
    presigner = Presigner(KEY_ID, SECRET, region=REGION, endpoint=endpoint)
    say(1, "Make a private bucket and store a file in it")
    expect(signed_put(endpoint, BUCKET, None, None), "200", "the bucket was not made")
    expect(signed_put(endpoint, BUCKET, path.name, path), "200", "the file was not stored")
    print(f"   {path.name}, {path.stat().st_size:,} bytes, in {BUCKET}")

    say(2, "Ask for it without a signature: refused")
    plain = presigner.presign("GET", BUCKET, path.name).url.partition("?")[0]
    expect(curl(plain, directory / "refused"), "403", "an anonymous GET was not refused")
    expect_text(directory / "refused", "<Code>AccessDenied</Code>")
    print("   403 AccessDenied")

    say(3, "Sign a link that lives an hour, offline")
    link = presigner.presign("GET", BUCKET, path.name, expires=3600).url
    print(f"\n{link}\n")

    say(4, "Download it twice with curl and compare every byte")
    for copy in (directory / "first", directory / "second"):
        expect(curl(link, copy), "200", "the link was refused")
        if copy.read_bytes() != path.read_bytes():
            fail("the download differs from the file")
    print("   twice the same bytes as the file")

    say(5, "Let a link of two seconds end")
    short = presigner.presign("GET", BUCKET, path.name, expires=2).url
    expect(curl(short, directory / "short"), "200", "the short link was refused before its end")
    time.sleep(3.2)
    expect(curl(short, directory / "refused"), "403", "the short link outlived its end")
    expect_text(directory / "refused", "Request has expired.")
    print("   at first 200, then 403 AccessDenied: Request has expired.")
    if path.name == "sunset.png":
        show_processed(presigner, directory, path)
    print("\nDone. Run it with KEEP=1 to open the link of step 3 in a browser.")


def show_processed(presigner: Presigner, directory: Path, path: Path) -> None:
    say(6, "Sign a link to a small, marked copy of the picture, which leads to nothing else")
    process = "image/resize,w_240/watermark,text_Y29hdGNoZWNr,color_FFFFFF,size_20/format,webp"
    small = presigner.presign("GET", BUCKET, path.name, query={"x-oss-process": process}).url
    print(f"\n{small}\n")
    expect(curl(small, directory / "small.webp"), "200", "the picture was not processed")
    if (directory / "small.webp").read_bytes()[8:12] != b"WEBP":
        fail("what came back is no WebP")
    print(f"   {(directory / 'small.webp').stat().st_size:,} bytes instead of {path.stat().st_size:,}")
    expect(curl(small.replace("w_240", "w_4000"), directory / "refused"), "403", "a changed link was not refused")
    print("   asked for anything larger: 403 SignatureDoesNotMatch")


def start_server(directory: Path) -> tuple[subprocess.Popen[str], str]:
    environment = os.environ | {"OSS_ACCESS_KEY_ID": KEY_ID, "OSS_ACCESS_KEY_SECRET": SECRET}
    command = [sys.executable, "-m", "coatcheck", "serve", "--data", str(directory / "data"), "--listen", "127.0.0.1:0"]
    log = (directory / "server.log").open("w")
    server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
    assert server.stdout is not None
    line = server.stdout.readline()
    if "http://" not in line:
        fail(f"the server did not start: {(directory / 'server.log').read_text()}")
    print(line.strip())
    return server, "http://" + line.split("http://")[1].split()[0]


def signed_put(endpoint: str, bucket: str, key: str | None, path: Path | None) -> str:
    """PUT a bucket or an object with a signature in the header; returns the status."""
    headers = sign_request(
        "PUT",
        bucket,
        key,
        query={},
        headers={},
        credentials=Credentials(KEY_ID, SECRET),
        region=REGION,
        now=int(time.time()),
    )
    options = [option for name, value in headers.items() for option in ("-H", f"{name}: {value}")]
    body = ["-T", str(path)] if path is not None else ["-X", "PUT", "-H", "Content-Length: 0"]
    url = Presigner(KEY_ID, SECRET, region=REGION, endpoint=endpoint).presign("PUT", bucket, key or "x").url
    url = url.partition("?")[0] if key else url.partition("?")[0].removesuffix("x")
    return run_curl([*options, *body, "-o", os.devnull, url])


def curl(url: str, to: Path) -> str:
    """Download; returns the status."""
    return run_curl(["-o", str(to), url])


def run_curl(arguments: list[str]) -> str:
    done = subprocess.run(
        ["curl", "-sS", "-w", "%{http_code}", *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode:
        fail(done.stderr.strip())
    return done.stdout


def make_picture(path: Path, width: int = 640, height: int = 360) -> Path:
    """A PNG of a sun over the sea, computed."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            sun = (x - 420) ** 2 + (y - 150) ** 2 < 60**2
            sea = y > 240
            glow = max(0, 255 - abs(y - 240))
            rows += bytes((255, 214, 120) if sun else (20, 60 + (x * y) % 23, 110) if sea else (glow, glow // 2, 90))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(rows), 9)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))
    return path


def say(number: int, text: str) -> None:
    print(f"\n{number}. {text}", flush=True)


def expect(status: str, wanted: str, otherwise: str) -> None:
    if status != wanted:
        fail(f"{otherwise}: status {status} instead of {wanted}")


def expect_text(path: Path, text: str) -> None:
    if text not in path.read_text(errors="replace"):
        fail(f"the answer does not say {text!r}")


def fail(why: str) -> None:
    print(f"\nThe demo failed: {why}", file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()

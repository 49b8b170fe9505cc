"""A server in the place of the real endpoint, in a network and a hosts file of its own.

Run as root by test_stand_in.py, under `unshare --mount --net`: nothing of it is seen by the rest of the machine.
    python -m tests.clients.stand_in WORK
Prints what curl got through the link that OSS's sample signed, and what `coatcheck sync` counted, twice.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Final

import requests

from coatcheck.engines.certificates import tls_files

from ..builders import ACCESS_KEY_ID, ACCESS_KEY_SECRET, a_presigner
from ..patience import HANG_S
from ..server_process import ServerProcess, clean_environment
from .programs import NODE_FOLDER

NAMES: Final = "examplebucket.oss-cn-hangzhou.aliyuncs.com oss-cn-hangzhou.aliyuncs.com"
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1  # ioctls of Linux


def main(work: Path) -> None:
    switch_on_loopback()
    (work / "hosts").write_text(f"127.0.0.1 localhost {NAMES}\n")
    subprocess.run(["mount", "--bind", str(work / "hosts"), "/etc/hosts"], check=True)
    server = ServerProcess(work / "data", "--domain", "aliyuncs.com", "--tls-self-signed", port=443)
    try:
        download(str(tls_files(server.data).ca))
        synchronize(work, str(tls_files(server.data).ca))
        server.stop()
    finally:
        server.kill()


def switch_on_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack("16xh14x", fcntl.ioctl(any_socket, _GET_FLAGS, request))
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh14x", b"lo", flags | _UP))


def download(ca: str) -> None:
    """The owner stores, OSS's sample signs, and a third party downloads."""
    owner = a_presigner("https://oss-cn-hangzhou.aliyuncs.com")
    for key, body in ((None, b""), ("exampleobject.txt", b"hello from the place of the real endpoint")):
        link = owner.presign("PUT", "examplebucket", key).url
        assert requests.put(link, body, verify=ca, timeout=HANG_S).status_code == 200
    environment = clean_environment(
        OSS_ACCESS_KEY_ID=ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET=ACCESS_KEY_SECRET, NODE_EXTRA_CA_CERTS=ca
    )
    sample = ["node", str(NODE_FOLDER / "oss_sample.js")]
    told = subprocess.run(sample, env=environment, capture_output=True, text=True, check=True, timeout=HANG_S).stdout
    link = told.removeprefix("Generated URL: ").strip()
    assert link.startswith("https://examplebucket.oss-cn-hangzhou.aliyuncs.com/exampleobject.txt?"), told
    for _ in range(2):
        words = ["curl", "--disable", "--silent", "--show-error", "--fail", "--cacert", ca, link]
        print(subprocess.run(words, capture_output=True, text=True, check=True, timeout=HANG_S).stdout, flush=True)


def synchronize(work: Path, ca: str) -> None:
    """The verbs against an endpoint of OSS, with the bucket in the host's name."""
    for number in range(100):
        (work / "tree" / str(number % 10)).mkdir(parents=True, exist_ok=True)
        (work / "tree" / str(number % 10) / f"{number}.txt").write_text(f"file {number}")
    environment = clean_environment(
        OSS_ACCESS_KEY_ID=ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET=ACCESS_KEY_SECRET, SSL_CERT_FILE=ca, HOME=str(work)
    )
    endpoint = ["--endpoint", "https://oss-cn-hangzhou.aliyuncs.com", "--json"]
    for source, target in (("tree", "oss://examplebucket/p/"), ("oss://examplebucket/p/", "back")):
        for _ in range(2):
            words = [sys.executable, "-m", "coatcheck", "sync", source, target, *endpoint]
            done = subprocess.run(words, cwd=work, env=environment, capture_output=True, text=True, check=True)
            summary = json.loads(done.stdout.splitlines()[-1])["summary"]
            print(summary["files"], summary.get("unchanged", 0), flush=True)


if __name__ == "__main__":
    os.environ.pop("CI", None)  # what is missing was looked for before
    main(Path(sys.argv[1]))

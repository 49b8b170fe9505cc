"""Our parser of HTTP/1.1 beside h11 on whatever a fuzzer thinks of: one reading, however the bytes are cut.

    PYTHONPATH=src python -m tests.fuzz.http1 -max_total_time=600 [FOLDER]

On 2026-11-27 it ran for 40 minutes on a busy machine, some 560,000 inputs: refusals that had no row in the tables of
readings.py yet, no request that was read in two ways, and none that a cut changed. The last 157,000 found nothing.

FOLDER keeps what the fuzzer found worth mutating. It needs atheris, which is in no lock file: install it, with the
packages of requirements/test.txt, in an environment of its own. The same properties run on generated requests in every
test run (tests/wire/test_http1_parsing.py).
"""

from __future__ import annotations

import random
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any, Final

atheris: Final[Any] = import_module("atheris")

with atheris.instrument_imports(include=["h11", "coatcheck.wire.http1_parsing"]):
    from ..wire.readings import check_order, compare, compare_cut, feed

_CUTS: Final = 6
_WORDS: Final = [
    *(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", b" HTTP/1.0"),
    *(b"Transfer-Encoding: chunked\r\n", b"Content-Length: 3\r\n", b"Host: a\r\n", b"Expect: 100-continue\r\n"),
    *(b"Connection: close\r\n", b"Connection: upgrade\r\nUpgrade: h2c\r\n", b"3\r\nabc\r\n0\r\n\r\n", b'3;x="y"\r\n'),
    *(b"http://a/", b"\r\n", b"\r\n\r\n", b"\r\n ", b"\xc3\xbc", b"\x00", b"0\r\nX: y\r\n\r\n", b"CONNECT a:1 "),
]


def test_one_input(data: bytes) -> None:
    """Of the first bytes a byte each says where the rest is cut."""
    cuts, stream = data[:_CUTS], data[_CUTS:]
    compare(stream)
    compare_cut(stream, cuts)
    check_order(feed([stream]))


def _write_seeds(folder: Path) -> None:
    """A few hundred streams made of the words above, some of which are requests."""
    rng = random.Random(1)
    for number in range(400):
        words = rng.choices(_WORDS, k=rng.randint(1, 5))
        (folder / f"{number}").write_bytes(rng.randbytes(_CUTS) + b"".join(words))


def _write_dictionary(file: Path) -> None:
    lines = ("".join(f"\\x{byte:02x}" for byte in word) for word in _WORDS)
    file.write_text("".join(f'"{line}"\n' for line in lines))


def main() -> None:
    with tempfile.TemporaryDirectory() as work:
        seeds, dictionary = Path(work) / "seeds", Path(work) / "words"
        seeds.mkdir()
        _write_seeds(seeds)
        _write_dictionary(dictionary)
        folders: list[Any] = [word for word in sys.argv[1:] if not word.startswith("-")] or [tempfile.mkdtemp(dir=work)]
        options = [word for word in sys.argv[1:] if word.startswith("-")]
        atheris.Setup(
            [sys.argv[0], f"-dict={dictionary}", "-max_len=600", *options, *folders, str(seeds)], test_one_input
        )
        atheris.Fuzz()


if __name__ == "__main__":
    main()

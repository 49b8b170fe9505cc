"""What strangers send is forgotten: long names and values must not stay in what the server remembers."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from .oss.house import ANYBODY, House

LONG = 20_000
CLAIM = "OSS4-HMAC-SHA256 Credential=a/20260305/cn-hangzhou/oss/aliyun_v4_request,Signature=0"


@pytest.fixture
async def house() -> House:
    return await House().with_bucket()


@pytest.mark.parametrize(
    ("address", "headers", "host"),
    [
        ("/photos/a", {}, "{}"),
        ("/photos/a", {}, "{}.localhost"),
        ("/photos/a", {}, "[{}]"),
        ("/{}/a", {}, "localhost"),
        ("/photos/{}", {}, "localhost"),
        ("/photos/a?x={}", {}, "localhost"),
        ("/photos/a", {"authorization": CLAIM, "x-oss-date": "{}"}, "localhost"),
        ("/photos/a", {"authorization": CLAIM, "date": "{}"}, "localhost"),
        ("/photos/a", {"authorization": "OSS {}:x", "date": "{}"}, "localhost"),
        ("/photos/a", {"origin": "{}", "referer": "{}", "user-agent": "{}"}, "localhost"),
        ("/photos/a", {"range": "bytes={}", "if-none-match": "{}", "if-modified-since": "{}"}, "localhost"),
        ("/photos/a?x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-credential={0}&x-oss-date={0}", {}, "localhost"),
        ("/photos/a?OSSAccessKeyId={0}&Expires={0}&Signature={0}", {}, "localhost"),
    ],
)
async def test_long_texts_of_strangers_are_not_remembered(
    house: House, address: str, headers: dict[str, str], host: str
) -> None:
    async def ask(number: int) -> None:
        long = f"{number:04}".ljust(LONG, "a")
        sent = {name: value.format(long) for name, value in headers.items()}
        await house.ask("GET", address.format(long), headers=sent, by=ANYBODY, host=host.format(long))

    await ask(0)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(1, 31):
            await ask(number)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 5 * LONG

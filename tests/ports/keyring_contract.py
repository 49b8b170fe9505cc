"""What every keyring does. An engine joins by subclassing `KeyringContract` with an empty `keyring` fixture."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from coatcheck.ports.catalog import AlreadyThere, Gone
from coatcheck.ports.keyring import AccessKey, Keyring

from ..patience import HANG_S

ACCOUNT = "1234567890123456"
KEY = AccessKey("coat", "hanger", ACCOUNT)


async def was_used(keyring: Keyring, moment: int) -> None:
    """Wait until the only key says that it was last used then: it is written by and by."""
    async with asyncio.timeout(HANG_S):
        while [key.last_used_at for key in await keyring.list_keys()] != [moment]:
            await asyncio.sleep(0.005)


class KeyringContract:
    async def test_a_key_is_found_as_it_was_added(self, keyring: Keyring) -> None:
        await keyring.add_key(KEY)
        assert await keyring.find_key("coat") == AccessKey("coat", "hanger", ACCOUNT, enabled=True, principal=None)
        assert await keyring.find_key("coat") == KEY

    async def test_a_key_that_is_off_says_so(self, keyring: Keyring) -> None:
        off = AccessKey("off", "s", ACCOUNT, enabled=False)
        await keyring.add_key(off)
        assert await keyring.find_key("off") == off

    async def test_there_is_no_key_that_nobody_added(self, keyring: Keyring) -> None:
        assert await keyring.find_key("coat") is None
        await keyring.add_key(KEY)
        assert await keyring.find_key("Coat") is None

    async def test_a_key_looked_for_too_early_is_found_once_added(self, keyring: Keyring) -> None:
        await keyring.find_key("coat")
        await keyring.add_key(KEY)
        assert await keyring.find_key("coat") == KEY

    async def test_a_key_is_not_replaced(self, keyring: Keyring) -> None:
        await keyring.add_key(KEY)
        with pytest.raises(AlreadyThere):
            await keyring.add_key(AccessKey("coat", "other", ACCOUNT))
        assert await keyring.find_key("coat") == KEY

    async def test_a_removed_key_is_gone(self, keyring: Keyring) -> None:
        await keyring.add_key(KEY)
        assert await keyring.find_key("coat") == KEY
        await keyring.remove_key("coat")
        assert await keyring.find_key("coat") is None
        await keyring.remove_key("coat")

    async def test_a_key_is_switched_off_and_on(self, keyring: Keyring) -> None:
        await keyring.add_key(KEY)
        assert await keyring.find_key("coat") == KEY
        await keyring.set_key_enabled("coat", False)
        assert await keyring.find_key("coat") == replace(KEY, enabled=False)
        await keyring.set_key_enabled("coat", True)
        assert await keyring.find_key("coat") == KEY
        with pytest.raises(Gone):
            await keyring.set_key_enabled("nobody", False)

    async def test_a_use_is_remembered_to_the_hour(self, keyring: Keyring) -> None:
        await keyring.add_key(KEY)
        for now, remembered in ((10_000, 10_000), (13_599, 10_000), (13_600, 13_600), (10_000, 10_000)):
            keyring.note_use("coat", now)
            await was_used(keyring, remembered)
        await keyring.remove_key("coat")
        await keyring.add_key(KEY)
        assert [key.last_used_at for key in await keyring.list_keys()] == [None]

    async def test_a_token_gives_back_its_text_and_another_nothing(self, keyring: Keyring) -> None:
        token = keyring.seal_token('["a text", "ü"]')
        assert keyring.open_token(token) == '["a text", "ü"]'
        assert keyring.open_token(token) == '["a text", "ü"]'
        assert keyring.seal_token('["a text", "ü"]') != token
        for other in ("", "x", "!", token[:-2], f"A{token[1:]}" if token[0] != "A" else f"B{token[1:]}", "é"):
            assert keyring.open_token(other) is None

    async def test_a_token_has_one_writing(self, keyring: Keyring) -> None:
        token = keyring.seal_token("a text")
        last = token[-1]
        others = [chr(ord(last) + step) for step in (-1, 1)]  # may end in bits that base64 drops
        writings = [f"{token}=", f"{token}==", f"{token}\n", f" {token}", f"{token[:5]}!{token[5:]}", token + "A"]
        writings += [token[:-1] + other for other in others]
        swapped = token.translate(str.maketrans("-_", "+/"))
        for written in (*writings, *([swapped] if swapped != token else [])):
            assert keyring.open_token(written) is None, written
        assert keyring.open_token(token) == "a text"

    async def test_a_nonce_is_used_once(self, keyring: Keyring) -> None:
        assert await keyring.use_nonce("coat", "n", 2000, 1000)
        assert not await keyring.use_nonce("coat", "n", 2000, 1000)
        assert not await keyring.use_nonce("coat", "n", 2900, 1900)  # the same in a later request
        assert await keyring.use_nonce("coat", "N", 2000, 1000)
        assert await keyring.use_nonce("scarf", "n", 2000, 1000)

    async def test_of_many_who_use_a_nonce_at_once_one_does(self, keyring: Keyring) -> None:
        used = await asyncio.gather(*[keyring.use_nonce("coat", "n", 2000, 1000) for _ in range(20)])
        assert sorted(used) == [False] * 19 + [True]

    async def test_a_clock_that_goes_back_brings_no_nonce_back(self, keyring: Keyring) -> None:
        assert await keyring.use_nonce("coat", "n", 2000, 1000)
        assert await keyring.use_nonce("coat", "later", 6500, 5600)  # an hour beyond the end of the first
        assert not await keyring.use_nonce("coat", "n", 2000, 1000)
        year_s = 365 * 24 * 3600
        assert await keyring.use_nonce("coat", "ahead", year_s + 900, year_s)
        assert await keyring.use_nonce("coat", "back", 6500, 5600)  # and refuses nothing that is new
        assert not await keyring.use_nonce("coat", "ahead", year_s + 900, year_s)

    async def test_a_nonce_whose_request_is_long_over_may_come_again(self, keyring: Keyring) -> None:
        assert await keyring.use_nonce("coat", "n", 2000, 1000)
        assert await keyring.use_nonce("coat", "n", 7000, 5601)
        assert not await keyring.use_nonce("coat", "n", 7000, 5601)

    async def test_there_is_no_role_that_nobody_made(self, keyring: Keyring) -> None:
        assert await keyring.find_role(ACCOUNT, "reader") is None
        assert await keyring.find_role_by_uid("1") is None

    async def test_keys_are_listed_by_id(self, keyring: Keyring) -> None:
        other = AccessKey("brolly", "stand", "9999999999999999")
        for key in (KEY, other):
            await keyring.add_key(key)
        assert list(await keyring.list_keys()) == [other, KEY]

    async def test_the_root_account_has_sixteen_digits_and_stays(self, keyring: Keyring) -> None:
        account = await keyring.root_account()
        assert len(account) == 16
        assert account.isdigit()
        assert await keyring.root_account() == account

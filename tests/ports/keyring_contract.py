"""What every keyring does. An engine joins by subclassing `KeyringContract` with an empty `keyring` fixture."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coatcheck.ports.catalog import AlreadyThere, Gone
from coatcheck.ports.keyring import AccessKey, Keyring

ACCOUNT = "1234567890123456"
KEY = AccessKey("coat", "hanger", ACCOUNT)


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

    async def test_a_token_gives_back_its_text_and_another_nothing(self, keyring: Keyring) -> None:
        token = keyring.seal_token('["a text", "ü"]')
        assert keyring.open_token(token) == '["a text", "ü"]'
        assert keyring.open_token(token) == '["a text", "ü"]'
        assert keyring.seal_token('["a text", "ü"]') != token
        for other in ("", "x", "!", token[:-2], f"A{token[1:]}" if token[0] != "A" else f"B{token[1:]}", "é"):
            assert keyring.open_token(other) is None

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

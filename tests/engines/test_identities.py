"""What one process changes of identities, the keyring and the catalog of another see at their next look."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from coatcheck.engines.local import LocalEngines, open_local
from coatcheck.engines.sql.identities import SqlIdentities
from coatcheck.engines.sqlite.catalog import SqliteCatalog
from coatcheck.engines.sqlite.keyring import SqliteKeyring

from ..ports.identities_contract import IdentitiesContract, with_alice


@pytest.fixture
def there(data: Path, engines: LocalEngines) -> Iterator[LocalEngines]:
    """Another process's engines: they share nothing but the directory."""
    with open_local(data) as opened:
        yield opened


class TestSqlIdentities(IdentitiesContract):
    """Identities are changed here, and looked at there."""

    @pytest.fixture
    def identities(self, engines: LocalEngines) -> SqlIdentities:
        return engines.identities

    @pytest.fixture
    def keyring(self, there: LocalEngines) -> SqliteKeyring:
        return there.keyring

    @pytest.fixture
    def catalog(self, there: LocalEngines) -> SqliteCatalog:
        return there.catalog


async def test_a_token_sealed_here_opens_there_and_shows_nothing(engines: LocalEngines, there: LocalEngines) -> None:
    token = engines.keyring.seal_token("who I am")
    assert there.keyring.open_token(token) == "who I am"
    assert "who" not in token
    assert all(character.isalnum() or character in "-_" for character in token)


async def test_a_noted_use_is_nothing_to_look_again_for(engines: LocalEngines, there: LocalEngines) -> None:
    await with_alice(engines.identities, engines.keyring)
    generation = there._reader.generation()
    for now, noted in ((10_000, 10_000), (10_001, 10_000), (13_600, 13_600)):
        engines.keyring.note_use("coat", now)
        for task in list(engines.keyring._notes):
            await task
        listed = {key.access_key_id: key for key in await there.keyring.list_keys()}
        assert listed["coat"].last_used_at == noted
    assert there._reader.generation() == generation  # nobody has to forget what they know

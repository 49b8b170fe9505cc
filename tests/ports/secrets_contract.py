"""What every place for secrets does. An engine joins by subclassing `SecretsContract` with its fixture."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from coatcheck.ports.secrets import CALLBACK, ENCRYPTION, SECRET, TLS, Secrets

NAMES = [SECRET, ENCRYPTION, CALLBACK, TLS]
AT_ONCE = 8


@pytest.mark.parametrize("name", NAMES)
class SecretsContract:
    def test_what_was_kept_first_is_the_secret(self, secrets: Secrets, name: str) -> None:
        assert secrets.find(name) is None
        assert secrets.keep(name, b"first\n") == b"first\n"
        assert secrets.keep(name, b"second") == b"first\n"
        assert secrets.find(name) == b"first\n"

    def test_a_secret_is_replaced_and_so_is_none(self, secrets: Secrets, name: str) -> None:
        secrets.replace(name, b"first")
        assert secrets.find(name) == b"first"
        secrets.replace(name, b"2")
        assert secrets.find(name) == b"2"
        assert secrets.keep(name, b"third") == b"2"

    def test_the_others_are_not_touched(self, secrets: Secrets, name: str) -> None:
        for each in NAMES:
            secrets.keep(each, each.encode())
        secrets.replace(name, b"another")
        others = {each: secrets.find(each) for each in NAMES if each != name}
        assert others == {each: each.encode() for each in NAMES if each != name}

    def test_of_several_at_once_one_wins(self, secrets: Secrets, name: str) -> None:
        together = Barrier(AT_ONCE)

        def keep(number: int) -> bytes:
            together.wait()
            return secrets.keep(name, b"%d" % number)

        with ThreadPoolExecutor(AT_ONCE) as threads:
            kept = set(threads.map(keep, range(AT_ONCE)))
        assert kept == {secrets.find(name)}

    def test_its_place_can_be_told(self, secrets: Secrets, name: str) -> None:
        for _ in range(2):
            place = secrets.place(name)
            assert (bool(place.where), bool(place.remedy), place.is_given) == (True, True, False)
            assert [each for each in NAMES if secrets.place(each).where == place.where] == [name]
            secrets.keep(name, b"first")

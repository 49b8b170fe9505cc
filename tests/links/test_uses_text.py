"""What is written of uses is read again."""

from __future__ import annotations

import pytest

from coatcheck.links.uses import Content, Download, Use, Uses
from coatcheck.links.uses_text import read_uses, write_uses

USES = Uses(
    2,
    400,
    (
        Use("anna", Content("v1", 1000), False, ((0, 400), (500, 600)), 500, (), 1000.5),
        Use("ben", Content("v1", 1000), True, (), 0, (Download("1", 0, 1000, 250, 1001.25),), 1001.25),
    ),
)


def test_uses_have_their_text() -> None:
    assert write_uses(USES) == (
        '{"closed":2,"slack":400,"open":[["anna","v1",1000,false,[[0,400],[500,600]],500,1000.5,[]],'
        '["ben","v1",1000,true,[],0,1001.25,[["1",0,1000,250,1001.25]]]]}'
    )


@pytest.mark.parametrize("uses", [Uses(), USES])
def test_what_was_written_is_read(uses: Uses) -> None:
    assert read_uses(write_uses(uses)) == uses


def test_no_text_is_no_use() -> None:
    assert read_uses("") == Uses()


@pytest.mark.parametrize("text", ["{", "[]", '{"closed":1}', '{"closed":1,"slack":0,"open":[[]]}'])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_uses(text)

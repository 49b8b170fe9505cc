"""What the readers of elements make of one that is there but empty."""

from __future__ import annotations

import pytest

from coatcheck.configurations.elements import find_choice, need_choice
from coatcheck.core.errors import OssError
from coatcheck.core.xml import read_xml

CHOICES = ("internal", "oss_acc")


@pytest.mark.parametrize(
    ("text", "value"),
    [("<a/>", None), ("<a><b/></a>", None), ("<a><b> </b></a>", None), ("<a><b>oss_acc</b></a>", "oss_acc")],
)
def test_an_empty_choice_is_none(text: str, value: str | None) -> None:
    """OSS's Go SDK V2 sends an empty element for a choice that isn't set."""
    assert find_choice(read_xml(text.encode(), "a"), "b", CHOICES) == value


def test_an_empty_choice_is_refused_where_one_is_needed() -> None:
    with pytest.raises(OssError, match="MalformedXML"):
        need_choice(read_xml(b"<a><b/></a>", "a"), "b", CHOICES)


def test_another_choice_is_refused() -> None:
    with pytest.raises(OssError, match="InvalidArgument"):
        find_choice(read_xml(b"<a><b>OSS_ACC</b></a>", "a"), "b", CHOICES)

"""The words of a statement."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from .errors import SelectError

WORD: Final = "word"  # a keyword or a name
QUOTED: Final = "quoted"  # a name in double quotes or backquotes
TEXT: Final = "text"
NUMBER: Final = "number"
MARK: Final = "mark"
END: Final = "end"

# Each alternative begins with another character than the others, and none can be matched in two ways.
_TOKEN: Final = re.compile(
    r"""(?P<space>\s+)
    |(?P<number>[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?)
    |(?P<word>[^\W0-9]\w*)
    |(?P<text>'[^']*(?:''[^']*)*')
    |(?P<quoted>"[^"]+"|`[^`]+`)
    |(?P<mark><=|>=|!=|<>|\|\||[-+*/%(),.<>=\[\];])""",
    re.VERBOSE,
)
_SHOWN_MAX_CHARS: Final = 40


class Token(NamedTuple):
    """`text` is what it means: without quotes, keywords in lower case too in `word`."""

    kind: str
    text: str
    at: int

    @property
    def word(self) -> str:
        """In lower case, for keywords; "" for anything else than a word."""
        return self.text.lower() if self.kind == WORD else ""


def read_tokens(sql: str) -> Iterator[Token]:
    """All of them, and END. Raises: SelectError SqlSyntaxError."""
    at = 0
    while at < len(sql):
        found = _TOKEN.match(sql, at)
        if found is None:
            raise SelectError("SqlSyntaxError", f"At character {at + 1}: {sql[at : at + _SHOWN_MAX_CHARS]!r}.")
        kind = str(found.lastgroup)
        if kind != "space":
            yield Token(kind, _unquote(kind, found[0]), at)
        at = found.end()
    yield Token(END, "", at)


def _unquote(kind: str, text: str) -> str:
    if kind == TEXT:
        return text[1:-1].replace("''", "'")
    return text[1:-1] if kind == QUOTED else text

"""JSON text that comes piece by piece -> the nodes that the path behind `ossobject` names.

Of lines each line is a value, or several with blanks or commas between them. A document is walked token by token along
the path, without keeping what lies beside it; only the nodes themselves are read whole, and their size is bounded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NoReturn

from msgspec import Struct

from coatcheck.core.limits import SELECT_ARRAY_MAX, SELECT_NODE_MAX_BYTES

from .errors import SelectError
from .options import JsonInput
from .tree import Path, Star, Step

_BLANK: Final = re.compile(r"[ \t\n\r]*")
_BETWEEN: Final = re.compile(r"[ \t\n\r,]*")
# One token: a bracket or mark, a text, or a word or number. A text's parts can be matched in one way only.
_TOKEN: Final = re.compile(r"""[{}\[\],:]|"[^"\\]*(?:\\.[^"\\]*)*"|[^\s{}\[\],:"]+""", re.DOTALL)
# What matters while a value is passed over.
_BRACKET: Final = re.compile(r"""[{}\[\]]|"[^"\\]*(?:\\.[^"\\]*)*"|"|\Z""", re.DOTALL)
_OPENING: Final = ("{", "[")
_CLOSING: Final = ("}", "]")
_NO_VALUES: Final = frozenset("}],:")
_DEPTH_MAX: Final = 512
_UNFINISHED_MARGIN: Final = 8  # a literal or an escape that is cut off is wrong at most so far before its end


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _decoder(form: JsonInput) -> json.JSONDecoder:
    if form.numbers_as_text:
        return json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse_constant)
    return json.JSONDecoder(parse_constant=_refuse_constant)


def find_nodes(value: Any, path: Path) -> Iterator[Any]:
    """What a path leads to within a value; nothing where it leads nowhere."""
    if not path:
        yield value
        return
    step, rest = path[0], path[1:]
    if step is Star.STAR:
        children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        for child in children:
            yield from find_nodes(child, rest)
    elif (child := find_child(value, step)) is not MISSING:
        yield from find_nodes(child, rest)


class _Missing:
    """That there is no such child; null is one."""


MISSING: Final = _Missing()


def find_child(value: Any, step: Step) -> Any:
    if isinstance(step, int):
        return value[step] if isinstance(value, list) and step < len(value) else MISSING
    return value.get(step, MISSING) if isinstance(value, dict) else MISSING


def _check_node(node: Any) -> Any:
    if isinstance(node, list) and len(node) > SELECT_ARRAY_MAX:
        raise SelectError("ExceedsMaxJsonArraySize")
    return node


class JsonLines:
    """Raises: SelectError InvalidJsonData, JsonNodeExceedsMaxSize, JsonNodeExceedsMaxDepth, ExceedsMaxJsonArraySize."""

    def __init__(self, form: JsonInput, path: Path) -> None:
        self._decoder = _decoder(form)
        self._path = path
        self._rest = ""
        self.line = 0

    def feed(self, text: str) -> Iterator[tuple[str, list[Any]]]:
        """Of each line its text and its nodes."""
        *lines, self._rest = (self._rest + text).split("\n")
        self._check_size(self._rest)
        for line in lines:
            self.line += 1
            yield line, self._nodes(line)

    def end(self) -> Iterator[tuple[str, list[Any]]]:
        if self._rest.strip():
            self.line += 1
            yield self._rest, self._nodes(self._rest)

    def _nodes(self, line: str) -> list[Any]:
        self._check_size(line)
        nodes: list[Any] = []
        at = _match_end(_BETWEEN, line, 0)
        while at < len(line):
            try:
                value, at = self._decoder.raw_decode(line, at)
            except ValueError:
                raise SelectError("InvalidJsonData", f"Line {self.line}.") from None
            except RecursionError:
                raise SelectError("JsonNodeExceedsMaxDepth", f"Line {self.line}.") from None
            nodes.extend(map(_check_node, find_nodes(value, self._path)))
            at = _match_end(_BETWEEN, line, at)
        return nodes

    def _check_size(self, line: str) -> None:
        if len(line) > SELECT_NODE_MAX_BYTES // 4 and len(line.encode()) > SELECT_NODE_MAX_BYTES:
            raise SelectError("JsonNodeExceedsMaxSize")


class _Container(Struct):
    """One that the path leads through."""

    step: Step
    is_array: bool
    index: int = 0  # of the element that comes next
    key: str | None = None  # whose value comes next


class _More(Exception):
    """The text ends in the middle of something."""


class JsonDocument:
    """One document. Raises: SelectError, as JsonLines; where the path leads by is only looked at as far as needed."""

    def __init__(self, form: JsonInput, path: Path) -> None:
        self._decoder = _decoder(form)
        self._path = path
        self._text = ""
        self._at = 0
        self._stack: list[_Container] = []
        self._passing = 0  # brackets open of a value that is passed over
        self._before_value = True
        self._aside = False  # the path doesn't lead through the value that comes next
        self._done = False
        self._ended = False
        self.line = 0  # nodes so far

    def feed(self, text: str) -> Iterator[tuple[str, list[Any]]]:
        self._text = self._text[self._at :] + text
        self._at = 0
        yield from self._walk()
        if len(self._text) - self._at > SELECT_NODE_MAX_BYTES:
            raise SelectError("JsonNodeExceedsMaxSize")

    def end(self) -> Iterator[tuple[str, list[Any]]]:
        self._ended = True
        yield from self._walk()
        if not self._done or self._text[self._at :].strip():
            raise SelectError("InvalidJsonData", "The document ends too early.")

    def _walk(self) -> Iterator[tuple[str, list[Any]]]:
        while not self._done:
            try:
                nodes = self._step()
            except _More:
                return
            for node in nodes:
                self.line += 1
                yield "", [node]
        if _match_end(_BLANK, self._text, self._at) < len(self._text):
            raise SelectError("InvalidJsonData", "Something follows the document.")

    def _step(self) -> list[Any]:
        """One token, or one value; the nodes in it. Raises: _More, and nothing has happened."""
        if self._passing:
            self._pass_over()
            return []
        self._at = _match_end(_BLANK, self._text, self._at)
        if self._before_value:
            return self._value()
        self._between()
        return []

    # --- values ---

    def _value(self) -> list[Any]:
        depth = len(self._stack)
        if depth == len(self._path) and not self._aside:
            node = self._decode()
            self._after_value()
            return [_check_node(node)]
        opening = self._text[self._at : self._at + 1]
        if not opening:
            raise _More
        if opening not in "{[":
            if self._token() in _NO_VALUES:
                raise SelectError("InvalidJsonData")
            self._after_value()
        elif self._aside or not self._fits(opening):
            self._at += 1
            self._passing = 1
        else:
            self._at += 1
            self._stack.append(_Container(self._path[depth], opening == "["))
            self._before_value = False
        return []

    def _fits(self, opening: str) -> bool:
        """Whether the path goes on within such a container."""
        step = self._path[len(self._stack)]
        return step is Star.STAR or isinstance(step, int) == (opening == "[")

    def _decode(self) -> Any:
        try:
            value, end = self._decoder.raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            unfinished = error.msg.startswith("Unterminated") or error.pos >= len(self._text) - _UNFINISHED_MARGIN
            if unfinished and not self._ended:
                raise _More from None
            raise SelectError("InvalidJsonData") from None
        except ValueError:
            raise SelectError("InvalidJsonData") from None
        except RecursionError:
            raise SelectError("JsonNodeExceedsMaxDepth") from None
        if end == len(self._text) and not self._ended and self._text[end - 1] not in '"}]':
            raise _More  # a number may go on
        if end - self._at > SELECT_NODE_MAX_BYTES:
            raise SelectError("JsonNodeExceedsMaxSize")
        self._at = end
        return value

    def _pass_over(self) -> None:
        found = _BRACKET.search(self._text, self._at)
        assert found is not None  # the end is found
        token = found[0]
        if token in ("", '"'):  # the end, or a text that goes on behind it
            self._at = found.start()
            raise _More
        self._at = found.end()
        if token in _OPENING:
            self._passing += 1
            if self._passing > _DEPTH_MAX:
                raise SelectError("JsonNodeExceedsMaxDepth")
        elif token in _CLOSING:
            self._passing -= 1
            if not self._passing:
                self._after_value()

    def _after_value(self) -> None:
        self._before_value = self._aside = False
        if not self._stack:
            self._done = True

    # --- between values ---

    def _token(self) -> str:
        """The next one. Raises: _More."""
        found = _TOKEN.match(self._text, self._at)
        unfinished = found is None or (found.end() == len(self._text) and found[0][0] not in '{}[],:"')
        if unfinished and not self._ended:
            raise _More
        if found is None:
            raise SelectError("InvalidJsonData")
        self._at = found.end()
        return found[0]

    def _between(self) -> None:
        """In a container: a comma, a key with its colon, or the end of it."""
        start = self._at
        try:
            self._read_between()
        except _More:
            self._at = start
            raise

    def _read_between(self) -> None:
        container = self._stack[-1]
        token = self._token()
        if token == ("]" if container.is_array else "}"):
            self._stack.pop()
            self._after_value()
            return
        first = container.index == 0
        if token.startswith(",") == first:
            raise SelectError("InvalidJsonData")
        if container.is_array:
            if first:
                self._at -= len(token)
        else:
            self._at = _match_end(_BLANK, self._text, self._at)
            key = token if first else self._token()
            self._at = _match_end(_BLANK, self._text, self._at)
            if key[0] != '"' or self._token() != ":":
                raise SelectError("InvalidJsonData")
            container.key = _read_key(key)
        self._choose(container)

    def _choose(self, container: _Container) -> None:
        """Whether the path goes through the value that comes now; else it is passed over."""
        step, name = container.step, container.index if container.is_array else container.key
        container.index += 1
        self._before_value = True
        self._aside = step is not Star.STAR and step != name


def _read_key(text: str) -> str:
    try:
        return str(json.loads(text))
    except ValueError:
        raise SelectError("InvalidJsonData") from None


def _match_end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return at if found is None else found.end()

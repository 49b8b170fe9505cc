"""A statement on JSON: its paths, and the objects that come out, one a line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from .errors import Mismatch, SelectError
from .evaluation import Read, Row
from .json_nodes import MISSING, JsonDocument, JsonLines, find_child
from .options import JsonInput, Query
from .selection import Selection, check_output, column_of
from .tree import Column, Item, Statement
from .values import Value


class JsonReading:
    """A statement on the nodes of JSON."""

    one_record_each: Final = False

    def __init__(self, query: Query, form: JsonInput, statement: Statement | None) -> None:
        path = () if statement is None else statement.root
        self.rows: JsonLines | JsonDocument = JsonLines(form, path) if form.lines else JsonDocument(form, path)
        self.record_delimiter = "\n"
        self._output = query.output
        self._skip_partial = query.skip_partial
        self._items = () if statement is None else statement.items
        self._selection = None if statement is None else Selection(statement, self._find)
        self._keys = [_key_of(item, number) for number, item in enumerate(self._items, 1)]

    @property
    def done(self) -> bool:
        return self._selection is not None and self._selection.done

    def count_columns(self, row: list[Any]) -> int:
        return 0

    def begins(self, row: list[Any]) -> bool:
        return True

    def take(self, node: Any) -> str:
        """Raises: Mismatch."""
        values = None if self._selection is None else self._selection.take(node)
        if values is None:
            return ""
        if not self._items:
            return self._write(node if isinstance(node, dict) else {"_1": node})
        return self._write(self._object(node, values))

    def _object(self, node: Any, values: Sequence[Value]) -> dict[str, Any]:
        """Keys that the node doesn't have aren't in the result either."""
        found = {}
        for item, key, value in zip(self._items, self._keys, values, strict=True):
            if value is not None or find_path(node, column_of(item)) is not MISSING:
                found[key] = value
        return found

    def end(self) -> bytes:
        values = None if self._selection is None else self._selection.end()
        return b"" if values is None else self._write(dict(zip(self._keys, values, strict=True))).encode()

    def _write(self, document: dict[str, Any]) -> str:
        try:
            text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
            text.encode()
        except UnicodeEncodeError:  # half a character, which JSON can write and UTF-8 can't
            text = json.dumps(document, separators=(",", ":"))
        except RecursionError:
            raise SelectError("JsonNodeExceedsMaxDepth") from None
        return check_output(text) + self._output.record_delimiter

    def _find(self, column: Column) -> Read:
        skip = self._skip_partial

        def read(node: Row) -> Value:
            found = find_path(node, column)
            if found is not MISSING:
                return found  # type: ignore[no-any-return]
            if skip:
                raise Mismatch
            return None

        return read


def find_path(node: Any, column: Column) -> Any:
    for step in column.path:
        node = find_child(node, step)
        if node is MISSING:
            return MISSING
    return node


def _key_of(item: Item, number: int) -> str:
    """The alias; the key at the end of the path; else the number of the column."""
    if item.alias:
        return item.alias
    path = () if item.aggregate is not None else column_of(item).path
    return path[-1] if path and isinstance(path[-1], str) else f"_{number}"

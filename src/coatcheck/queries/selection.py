"""What is selected of the rows that fit: values of each, or one row of aggregates at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from coatcheck.core.limits import SELECT_AGGREGATES_MAX, SELECT_OUTPUT_ROW_MAX_BYTES

from .errors import Mismatch, SelectError
from .evaluation import Compiled, Compiler, Find, Row
from .timestamps import write_timestamp
from .tree import Aggregate, Cast, CastType, Column, Item, Statement, Type
from .values import Value, to_number

_BOOLEAN_CASTS: Final = (CastType.BOOL, CastType.TEXT)


class Selection:
    """Rows in, rows out. Raises: SelectError, for what the statement can't mean."""

    def __init__(self, statement: Statement, find: Find) -> None:
        _check(statement)
        compiler = Compiler(find)
        self._where = None if statement.where is None else compiler.condition(statement.where)
        self._left = statement.limit
        self._columns: list[Compiled] = []
        self._aggregates: list[_Gathering] = []
        for item in statement.items:
            compiled = None if item.operand is None else compiler.value(item.operand)
            if item.aggregate is None:
                assert compiled is not None
                self._columns.append(compiled)
            else:
                self._aggregates.append(_Gathering(item.aggregate, compiled))

    @property
    def done(self) -> bool:
        """Whether LIMIT is reached."""
        return self._left == 0

    def take(self, row: Row) -> Sequence[Value] | None:
        """The values of a row: () for `*`, None for a row that doesn't fit or is only counted. Raises: Mismatch."""
        if self._where is not None and self._where(row) is not True:
            return None
        values: Sequence[Value] | None
        if self._aggregates:
            found = [gathering.read(row) for gathering in self._aggregates]
            for gathering, value in zip(self._aggregates, found, strict=True):
                gathering.add(value)
            values = None
        else:
            values = [_shown(column.type, column.read(row)) for column in self._columns]
        if self._left is not None:
            self._left -= 1
        return values

    def end(self) -> Sequence[Value] | None:
        """The row of aggregates; None if there are none."""
        return [gathering.result() for gathering in self._aggregates] if self._aggregates else None


def _check(statement: Statement) -> None:
    plain = [item for item in statement.items if item.aggregate is None]
    if statement.aggregates and plain:
        raise SelectError("SqlInvalidMixOfAggregationAndColumn")
    if len(statement.items) - len(plain) > SELECT_AGGREGATES_MAX:
        raise SelectError("SqlExceedsMaxAggregationCount")
    casts: dict[Column, CastType] = {}
    for item in statement.items:
        cast = item.operand
        if isinstance(cast, Cast) and casts.setdefault(column_of(item), cast.to) is not cast.to:
            raise SelectError("SqlOneColumnCastToDifferentTypes")
        _check_aggregate(item)


def _check_aggregate(item: Item) -> None:
    if item.aggregate in (None, Aggregate.COUNT) or not isinstance(item.operand, Cast):
        return
    if item.operand.to in _BOOLEAN_CASTS:
        raise SelectError("SqlAggregationOnNonNumericType")
    if item.operand.to is CastType.TIMESTAMP and item.aggregate in (Aggregate.SUM, Aggregate.AVG):
        raise SelectError("SqlInvalidAggregationOnTimestamp")


def _shown(type: Type, value: Value) -> Value:
    return write_timestamp(value) if type is Type.TIMESTAMP and isinstance(value, int) else value


class _Gathering:
    """One aggregate under way: NULL counts for nothing."""

    def __init__(self, aggregate: Aggregate, operand: Compiled | None) -> None:
        self._aggregate = aggregate
        self._operand = operand
        self._count = 0
        self._found: int | float | None = None

    def read(self, row: Row) -> int | float | None:
        """Raises: Mismatch, before anything is gathered of the row."""
        if self._operand is None:
            return 1
        return to_number(self._operand.read(row))

    def add(self, value: int | float | None) -> None:
        if value is None:
            return
        self._count += 1
        if self._found is None:
            self._found = value
        elif self._aggregate is Aggregate.MIN:
            self._found = min(self._found, value)
        elif self._aggregate is Aggregate.MAX:
            self._found = max(self._found, value)
        elif self._aggregate is not Aggregate.COUNT:
            self._found = _add(self._found, value)

    def result(self) -> Value:
        if self._aggregate is Aggregate.COUNT:
            return self._count
        if self._found is None:
            return None
        if self._aggregate is Aggregate.AVG:
            return self._found / self._count
        return self._found if self._operand is None else _shown(self._operand.type, self._found)


def _add(one: int | float, other: int | float) -> int | float:
    try:
        return one + other
    except OverflowError:
        raise Mismatch from None


def column_of(item: Item) -> Column:
    """The column that is selected, bare or in a CAST."""
    operand = item.operand.operand if isinstance(item.operand, Cast) else item.operand
    assert isinstance(operand, Column)
    return operand


def check_output(text: str) -> str:
    """A row of the output. Raises: SelectError OutputExceedsMaxSize."""
    if len(text) > SELECT_OUTPUT_ROW_MAX_BYTES // 4 and len(text.encode()) > SELECT_OUTPUT_ROW_MAX_BYTES:
        raise SelectError("OutputExceedsMaxSize")
    return text

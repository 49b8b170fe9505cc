"""An expression -> a function of a row. Types are settled once, while the function is made; NULL is None, and what is
compared with it is neither true nor false.

A column has no type of its own. Beside a number it is taken as a number, beside a text as a text: a row whose value
isn't one raises Mismatch, and is skipped.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from .errors import Mismatch, SelectError
from .likes import read_like
from .timestamps import timestamp_reader
from .tree import (
    Arithmetic,
    Between,
    Cast,
    CastType,
    Column,
    Comparison,
    Every,
    Expression,
    In,
    IsNull,
    Like,
    Literal,
    Negated,
    Not,
    Some,
    Type,
)
from .values import CASTS, TAKEN_AS, Convert, Value, timestamp_converter, to_any_text

Row = Any  # a CSV's fields, a JSON node
Read = Callable[[Row], Value]
Find = Callable[[Column], Read]  # how a column is read: of a CSV, of JSON

_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}
_CALCULATE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
}
_NUMBER_MAX_BITS: Final = 4096  # a whole number beyond is of no use, and would only cost time


class Compiled(NamedTuple):
    type: Type
    read: Read


class Compiler:
    """Makes functions of expressions; `find` knows the columns. Every method raises SelectError."""

    def __init__(self, find: Find) -> None:
        self._find = find

    def condition(self, expression: Expression) -> Read:
        """Of WHERE: True, False or None of each row."""
        return self._condition(expression, "SqlInvalidSqlAfterAnalysis")

    def _condition(self, expression: Expression, code: str) -> Read:
        compiled = self.value(expression)
        if compiled.type is not Type.CONDITION:
            raise SelectError(code)
        return compiled.read

    def value(self, expression: Expression) -> Compiled:
        match expression:
            case Literal(value, type):
                return Compiled(type, lambda _: value)
            case Column():
                return Compiled(Type.ANY, self._find(expression))
            case Cast():
                return self._cast(expression)
            case Arithmetic("||"):
                return self._concatenation(expression)
            case Arithmetic():
                return self._arithmetic(expression)
            case Negated(operand):
                read = self._number(operand)
                return Compiled(Type.NUMBER, lambda row: _negate(read(row)))
            case Comparison():
                return self._comparison(expression.operator, expression.left, expression.right)
            case Between(operand, low, high):
                pair = Comparison(">=", operand, low), Comparison("<=", operand, high)
                return self.value(Every(pair))
            case In():
                return self._in(expression)
            case Like():
                return self._like(expression)
            case IsNull(operand):
                found = self._find(operand)
                return Compiled(Type.CONDITION, lambda row: found(row) is None)
            case Not(operand):
                inner = self._condition(operand, "SqlInvalidNotOperand")
                return Compiled(Type.CONDITION, lambda row: _not(inner(row)))
            case Every(operands):
                return _every([self._condition(each, "SqlInvalidAndOperand") for each in operands])
            case Some(operands):
                return _some([self._condition(each, "SqlInvalidOrOperand") for each in operands])

    def _cast(self, cast: Cast) -> Compiled:
        read = self.value(cast.operand).read
        if cast.to is CastType.TIMESTAMP:
            type, convert = Type.TIMESTAMP, timestamp_converter(timestamp_reader(cast.format))
        else:
            type, convert = CASTS[cast.to]
        return Compiled(type, lambda row: convert(read(row)))

    def _number(self, expression: Expression) -> Read:
        compiled = self.value(expression)
        if compiled.type not in (Type.ANY, Type.NUMBER):
            raise SelectError("InvalidArithmeticOperand")
        return _taken_as(compiled, Type.NUMBER)

    def _arithmetic(self, expression: Arithmetic) -> Compiled:
        left, right = self._number(expression.left), self._number(expression.right)
        calculate = _CALCULATE[expression.operator]

        def read(row: Row) -> Value:
            first, second = left(row), right(row)
            if first is None or second is None:
                return None
            try:
                found = calculate(first, second)
            except ZeroDivisionError:
                return None
            except (OverflowError, ValueError):
                raise Mismatch from None
            if isinstance(found, int) and found.bit_length() > _NUMBER_MAX_BITS:
                raise Mismatch
            return found  # type: ignore[no-any-return]

        return Compiled(Type.NUMBER, read)

    def _concatenation(self, expression: Arithmetic) -> Compiled:
        sides = [self.value(expression.left), self.value(expression.right)]
        constant = all(isinstance(side, Literal) for side in (expression.left, expression.right))
        if constant or any(side.type not in (Type.ANY, Type.TEXT) for side in sides):
            raise SelectError("SqlInvalidConcatOperand")
        left, right = sides[0].read, sides[1].read

        def read(row: Row) -> Value:
            first, second = to_any_text(left(row)), to_any_text(right(row))
            return None if first is None or second is None else first + second

        return Compiled(Type.TEXT, read)

    def _comparison(self, sign: str, left: Expression, right: Expression) -> Compiled:
        first, second = self.value(left), self.value(right)
        type = _common_type(first.type, second.type)
        compare = _COMPARE[sign]
        read_first, read_second = _taken_as(first, type), _taken_as(second, type)

        def read(row: Row) -> Value:
            one, other = read_first(row), read_second(row)
            if one is None or other is None:
                return None
            if type is Type.ANY:
                _need_alike(one, other)
            return compare(one, other)

        return Compiled(Type.CONDITION, read)

    def _in(self, expression: In) -> Compiled:
        compiled = self.value(expression.operand)
        read = _taken_as(compiled, _common_type(compiled.type, expression.values[0].type))
        values = frozenset(value.value for value in expression.values)
        return Compiled(Type.CONDITION, lambda row: None if (found := read(row)) is None else found in values)

    def _like(self, expression: Like) -> Compiled:
        compiled = self.value(expression.operand)
        if isinstance(expression.operand, Literal) or compiled.type not in (Type.ANY, Type.TEXT):
            raise SelectError("SqlInvalidLikeOperand")
        fits, read = read_like(expression.pattern, expression.escape), _taken_as(compiled, Type.TEXT)
        return Compiled(Type.CONDITION, lambda row: None if (text := read(row)) is None else fits(str(text)))


def _common_type(one: Type, other: Type) -> Type:
    if Type.ANY in (one, other):
        return other if one is Type.ANY else one
    if one is not other:
        raise SelectError("SqlComparerOperandTypeMismatch")
    return one


def _taken_as(compiled: Compiled, type: Type) -> Read:
    if compiled.type is type:
        return compiled.read
    convert: Convert = timestamp_converter(timestamp_reader("")) if type is Type.TIMESTAMP else TAKEN_AS[type]
    read = compiled.read
    return lambda row: convert(read(row))


def _need_alike(one: Value, other: Value) -> None:
    """Two columns: of CSV both are texts, of JSON they may be anything."""
    numbers = [isinstance(value, (int, float)) and not isinstance(value, bool) for value in (one, other)]
    if not all(numbers) and not (type(one) is type(other) and isinstance(one, (str, bool))):
        raise Mismatch


def _negate(value: Value) -> Value:
    assert value is None or isinstance(value, (int, float))
    return None if value is None else -value


def _not(value: Value) -> Value:
    return None if value is None else not value


def _every(reads: list[Read]) -> Compiled:
    def read(row: Row) -> Value:
        unknown = False
        for each in reads:
            found = each(row)
            if found is False:
                return False
            unknown = unknown or found is None
        return None if unknown else True

    return Compiled(Type.CONDITION, read)


def _some(reads: list[Read]) -> Compiled:
    def read(row: Row) -> Value:
        unknown = False
        for each in reads:
            found = each(row)
            if found is True:
                return True
            unknown = unknown or found is None
        return None if unknown else False

    return Compiled(Type.CONDITION, read)

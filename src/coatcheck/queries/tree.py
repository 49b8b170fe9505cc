"""A statement as values: what `parser` makes of its text, and `evaluation` carries out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Star(Enum):
    """The step `[*]` of a path: every child of an array or object."""

    STAR = "[*]"


Step = str | int | Star
Path = tuple[Step, ...]


class Type(Enum):
    """What a value is; ANY is a column's, which takes the type of what it stands beside."""

    ANY = "column"
    NUMBER = "number"
    TEXT = "text"
    TIMESTAMP = "timestamp"
    CONDITION = "condition"


class CastType(Enum):
    """What CAST makes of a value."""

    INT = "int"
    DOUBLE = "double"
    TEXT = "string"
    TIMESTAMP = "timestamp"
    BOOL = "bool"


class Aggregate(Enum):
    """What is gathered over all rows."""

    COUNT = "count"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant. `type` is NUMBER, TEXT or CONDITION (true, false)."""

    value: int | float | str | bool
    type: Type


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a CSV by index (from 1) or by name, or a path into a JSON node; () is the node itself."""

    path: Path = ()
    index: int = 0


@dataclass(frozen=True, slots=True)
class Cast:
    operand: Expression
    to: CastType
    format: str = ""


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`+ - * / %` of two numbers; `||` of two texts."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Negated:
    """The number with the other sign."""

    operand: Expression


@dataclass(frozen=True, slots=True)
class Comparison:
    """`< <= > >= = !=`."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Between:
    operand: Expression
    low: Expression
    high: Expression


@dataclass(frozen=True, slots=True)
class In:
    operand: Expression
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Like:
    operand: Expression
    pattern: str
    escape: str = ""


@dataclass(frozen=True, slots=True)
class IsNull:
    operand: Column


@dataclass(frozen=True, slots=True)
class Not:
    operand: Expression


@dataclass(frozen=True, slots=True)
class Every:
    """AND of two or more."""

    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """OR of two or more."""

    operands: tuple[Expression, ...]


Expression = (
    Literal | Column | Cast | Arithmetic | Negated | Comparison | Between | In | Like | IsNull | Not | Every | Some
)


@dataclass(frozen=True, slots=True)
class Item:
    """One selected thing: a column, a CAST, or an aggregate of one (COUNT has no operand)."""

    operand: Column | Cast | None
    aggregate: Aggregate | None = None
    alias: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """Attributes:
    items: () is `*`.
    root: the path behind `ossobject`.
    where: None takes every row.
    limit: None takes all of them.
    """

    items: tuple[Item, ...]
    root: Path = ()
    where: Expression | None = None
    limit: int | None = None

    @property
    def aggregates(self) -> bool:
        return any(item.aggregate is not None for item in self.items)

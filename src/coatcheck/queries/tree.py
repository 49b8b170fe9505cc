"""A statement as values: what `parser` makes of its text, and `evaluation` carries out."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct


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


class Literal(Struct, frozen=True):
    """A constant. `type` is NUMBER, TEXT or CONDITION (true, false)."""

    value: int | float | str | bool
    type: Type


class Column(Struct, frozen=True):
    """A column of a CSV by index (from 1) or by name, or a path into a JSON node; () is the node itself."""

    path: Path = ()
    index: int = 0


class Cast(Struct, frozen=True):
    operand: Expression
    to: CastType
    format: str = ""


class Arithmetic(Struct, frozen=True):
    """`+ - * / %` of two numbers; `||` of two texts."""

    operator: str
    left: Expression
    right: Expression


class Negated(Struct, frozen=True):
    """The number with the other sign."""

    operand: Expression


class Comparison(Struct, frozen=True):
    """`< <= > >= = !=`."""

    operator: str
    left: Expression
    right: Expression


class Between(Struct, frozen=True):
    operand: Expression
    low: Expression
    high: Expression


class In(Struct, frozen=True):
    operand: Expression
    values: tuple[Literal, ...]


class Like(Struct, frozen=True):
    operand: Expression
    pattern: str
    escape: str = ""


class IsNull(Struct, frozen=True):
    operand: Column


class Not(Struct, frozen=True):
    operand: Expression


class Every(Struct, frozen=True):
    """AND of two or more."""

    operands: tuple[Expression, ...]


class Some(Struct, frozen=True):
    """OR of two or more."""

    operands: tuple[Expression, ...]


Expression = (
    Literal | Column | Cast | Arithmetic | Negated | Comparison | Between | In | Like | IsNull | Not | Every | Some
)


class Item(Struct, frozen=True):
    """One selected thing: a column, a CAST, or an aggregate of one (COUNT has no operand)."""

    operand: Column | Cast | None
    aggregate: Aggregate | None = None
    alias: str = ""


class Statement(Struct, frozen=True):
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

"""SQL -> Statement: OSS's subset, by recursive descent.

    SELECT * | item [AS alias], ... FROM ossobject[path] [[AS] alias] [WHERE condition] [LIMIT n]
    item       column | CAST(column AS type) | AVG|SUM|MIN|MAX(column or cast) | COUNT(*)
    condition  OR < AND < NOT < comparison, LIKE, IN, BETWEEN, IS NULL < || < + - < * / % < - < value

Keywords in any case. How deep it may nest is bounded, so it can't exhaust the stack. Source: OSS, SelectObject.
"""

from __future__ import annotations

from typing import Final

from coatcheck.core.limits import (
    SELECT_COLUMN_NAME_MAX_BYTES,
    SELECT_COLUMNS_MAX,
    SELECT_CONDITIONS_MAX,
    SELECT_DEPTH_MAX,
    SELECT_IN_MAX,
    SELECT_OPERATORS_MAX,
    SELECT_SQL_MAX_BYTES,
)

from .errors import SelectError
from .tokens import END, MARK, NUMBER, QUOTED, TEXT, WORD, Token, read_tokens
from .tree import (
    Aggregate,
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
    Item,
    Like,
    Literal,
    Negated,
    Not,
    Path,
    Some,
    Star,
    Statement,
    Step,
    Type,
)

_TABLE: Final = "ossobject"
_KEYWORDS: Final = frozenset(
    {
        *("select", "from", "where", "limit", "and", "or", "not", "in", "like", "escape", "between", "is", "null"),
        *("as", "cast", "true", "false"),
    }
)
_CAST_TYPES: Final = {
    "int": CastType.INT,
    "integer": CastType.INT,
    "bigint": CastType.INT,
    "double": CastType.DOUBLE,
    "float": CastType.DOUBLE,
    "decimal": CastType.DOUBLE,
    "string": CastType.TEXT,
    "varchar": CastType.TEXT,
    "char": CastType.TEXT,
    "timestamp": CastType.TIMESTAMP,
    "bool": CastType.BOOL,
    "boolean": CastType.BOOL,
}
_AGGREGATES: Final = {aggregate.value: aggregate for aggregate in Aggregate}
_COMPARISONS: Final = {"<": "<", "<=": "<=", ">": ">", ">=": ">=", "=": "=", "!=": "!=", "<>": "!="}
_INTEGER_MAX_CHARS: Final = 18
_LIMIT_MAX_CHARS: Final = 18
_INDEX_MAX_CHARS: Final = 9


def read_statement(sql: str, *, json: bool) -> Statement:
    """Raises: SelectError."""
    if not sql.strip() or len(sql.encode("utf-8", "replace")) > SELECT_SQL_MAX_BYTES:
        raise SelectError("InvalidSqlParameter")
    return _Parser(sql, json).statement()


class _Parser:
    def __init__(self, sql: str, json: bool) -> None:
        self._tokens = list(read_tokens(sql))
        self._at = 0
        self._json = json
        self._alias = ""
        self._depth = 0
        self._conditions = 0
        self._operators = 0

    # --- tokens ---

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._next
        if token.kind != END:
            self._at += 1
        return token

    def _take_word(self, *words: str) -> str:
        """The word if it is one of those; "" and nothing taken if not."""
        return self._take().word if self._next.word in words else ""

    def _take_mark(self, *marks: str) -> str:
        return self._take().text if self._next.kind == MARK and self._next.text in marks else ""

    def _need_word(self, word: str) -> None:
        if not self._take_word(word):
            raise self._unexpected(f"{word.upper()} is expected")

    def _need_mark(self, mark: str) -> None:
        if not self._take_mark(mark):
            raise self._unexpected(f"{mark} is expected")

    def _unexpected(self, why: str) -> SelectError:
        token = self._next
        where = "at the end" if token.kind == END else f"at character {token.at + 1}, before {token.text[:40]!r}"
        return SelectError("SqlSyntaxError", f"{why} {where}.")

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > SELECT_DEPTH_MAX:
            raise SelectError("SqlExceedsMaxConditionDepth")

    # --- the statement ---

    def statement(self) -> Statement:
        self._need_word("select")
        start = self._at
        self._skip_to_from()
        self._need_word("from")
        root = self._table()
        behind = self._at
        self._at = start
        items = self._items()
        if self._next.word != "from":
            raise self._unexpected("FROM is expected")
        self._at = behind
        where = self._where() if self._take_word("where") else None
        limit = self._limit() if self._take_word("limit") else None
        self._take_mark(";")
        if self._next.kind != END:
            raise self._unexpected("WHERE, LIMIT or the end is expected")
        return Statement(items, root, where, limit)

    def _skip_to_from(self) -> None:
        """The alias of the table is needed for what stands before it."""
        while self._next.kind != END and not (self._next.word == "from" and self._tokens[self._at - 1].text != "."):
            self._at += 1

    def _table(self) -> Path:
        if self._take().word != _TABLE:
            self._at -= 1
            raise self._unexpected(f"{_TABLE} is expected")
        if self._next.kind == MARK and self._next.text in (".", "["):
            if not self._json:
                raise SelectError("TableRootNodeOnlySupportInJson")
            root = self._path(stars=True)
        else:
            root = ()
        named = self._take_word("as")
        if named or (self._next.kind in (WORD, QUOTED) and self._next.word not in _KEYWORDS):
            self._alias = self._name()
        return root

    def _limit(self) -> int:
        token = self._take()
        if token.kind != NUMBER or not token.text.isdigit() or len(token.text) > _LIMIT_MAX_CHARS:
            raise SelectError("SqlInvalidLimitValue")
        if int(token.text) < 1:
            raise SelectError("SqlInvalidLimitValue")
        return int(token.text)

    def _items(self) -> tuple[Item, ...]:
        if self._take_mark("*"):
            if self._next.kind == MARK and self._next.text == ",":
                raise SelectError("SqlInvalidMixOfStarAndColumn")
            return ()
        items = [self._item()]
        while self._take_mark(","):
            if self._next.kind == MARK and self._next.text == "*":
                raise SelectError("SqlInvalidMixOfStarAndColumn")
            items.append(self._item())
        if len(items) > SELECT_COLUMNS_MAX:
            raise SelectError("SqlUnsupportedSql")
        return tuple(items)

    def _item(self) -> Item:
        aggregate = _AGGREGATES.get(self._next.word)
        if aggregate is None or self._tokens[self._at + 1].text != "(":
            return Item(self._projection(), alias=self._item_alias())
        self._at += 2
        if aggregate is Aggregate.COUNT:
            self._need_mark("*")
            operand = None
        else:
            operand = self._projection()
        self._need_mark(")")
        return Item(operand, aggregate, self._item_alias())

    def _projection(self) -> Column | Cast:
        """A column or a CAST of one: OSS selects nothing else."""
        if self._next.word == "cast":
            found = self._cast()
            if not isinstance(found.operand, Column):
                raise SelectError("SqlSyntaxError", "Only a column can be CAST in what is selected.")
            return found
        if self._next.kind not in (WORD, QUOTED) or self._next.word in _KEYWORDS:
            raise self._unexpected("a column, CAST or an aggregation is expected")
        return self._column()

    def _item_alias(self) -> str:
        if self._take_word("as"):
            return self._name()
        if self._next.kind in (WORD, QUOTED) and self._next.word not in _KEYWORDS:
            return self._name()
        return ""

    # --- names ---

    def _name(self) -> str:
        token = self._take()
        if token.kind not in (WORD, QUOTED, TEXT) or token.word in _KEYWORDS:
            self._at -= token.kind != END
            raise self._unexpected("a name is expected")
        return self._check_name(token.text)

    def _check_name(self, name: str) -> str:
        if len(name.encode("utf-8", "replace")) > SELECT_COLUMN_NAME_MAX_BYTES:
            raise SelectError("SqlExceedsMaxColumnNameLength")
        return name

    def _column(self) -> Column:
        token = self._take()
        first = self._check_name(token.text)
        path: Path = self._path(stars=False)
        if first != self._alias and token.word != _TABLE:
            path = (first, *path)
        if self._json:
            if len(path) > SELECT_DEPTH_MAX:
                raise SelectError("ExceedsMaxNestedColumnDepth")
            return Column(path)
        if len(path) != 1 or not isinstance(path[0], str):
            raise SelectError("NestedColumnNotSupportInCsv")
        return _csv_column(path[0], quoted=token.kind == QUOTED)

    def _path(self, *, stars: bool) -> Path:
        steps: list[Step] = []
        while True:
            if self._take_mark("."):
                steps.append(self._name_step())
            elif self._take_mark("["):
                steps.append(self._bracketed(stars))
                self._need_mark("]")
            else:
                break
            if len(steps) > SELECT_DEPTH_MAX:
                raise SelectError("ExceedsMaxNestedColumnDepth")
        return tuple(steps)

    def _name_step(self) -> str:
        """Behind a period a keyword is a name like any other."""
        token = self._take()
        if token.kind not in (WORD, QUOTED, TEXT):
            self._at -= token.kind != END
            raise self._unexpected("a name is expected")
        return self._check_name(token.text)

    def _bracketed(self, stars: bool) -> Step:
        token = self._take()
        if token.kind == MARK and token.text == "*":
            if not stars:
                raise SelectError("WildCardNotAllowed")
            return Star.STAR
        if token.kind == MARK and token.text == "-":
            raise SelectError("NegativeRowIndex")
        if token.kind == NUMBER and token.text.isdigit() and len(token.text) <= _INTEGER_MAX_CHARS:
            return int(token.text)
        if token.kind in (TEXT, QUOTED):
            return self._check_name(token.text)
        self._at -= token.kind != END
        raise self._unexpected("an index, '*' or a name in quotes is expected")

    # --- conditions ---

    def _where(self) -> Expression:
        return self._either()

    def _either(self) -> Expression:
        operands = [self._all()]
        while self._take_word("or"):
            operands.append(self._all())
        return operands[0] if len(operands) == 1 else Some(tuple(operands))

    def _all(self) -> Expression:
        operands = [self._negation()]
        while self._take_word("and"):
            operands.append(self._negation())
        return operands[0] if len(operands) == 1 else Every(tuple(operands))

    def _negation(self) -> Expression:
        if not self._take_word("not"):
            return self._predicate()
        self._deeper()
        operand = self._negation()
        self._depth -= 1
        return Not(operand)

    def _predicate(self) -> Expression:
        left = self._concatenation()
        operator = _COMPARISONS.get(self._next.text) if self._next.kind == MARK else None
        if operator is not None:
            self._at += 1
            return self._counted(Comparison(operator, left, self._concatenation()))
        if self._take_word("is"):
            return self._is_null(left)
        negated = bool(self._take_word("not"))
        found = self._worded(left)
        if found is None:
            if negated:
                raise self._unexpected("LIKE, IN or BETWEEN is expected")
            return left
        return Not(self._counted(found)) if negated else self._counted(found)

    def _counted(self, condition: Expression) -> Expression:
        self._conditions += 1
        if self._conditions > SELECT_CONDITIONS_MAX:
            raise SelectError("SqlExceedsMaxConditionCount")
        return condition

    def _is_null(self, left: Expression) -> Expression:
        negated = bool(self._take_word("not"))
        self._need_word("null")
        if not isinstance(left, Column):
            raise SelectError("SqlInvalidIsNullOperand")
        found = self._counted(IsNull(left))
        return Not(found) if negated else found

    def _worded(self, left: Expression) -> Expression | None:
        if self._take_word("like"):
            return self._like(left)
        if self._take_word("in"):
            return In(left, self._constants())
        if self._take_word("between"):
            low = self._concatenation()
            self._need_word("and")
            return Between(left, low, self._concatenation())
        return None

    def _like(self, left: Expression) -> Like:
        pattern = self._take()
        if pattern.kind != TEXT:
            raise SelectError("SqlInvalidLikeOperand")
        if not self._take_word("escape"):
            return Like(left, pattern.text)
        escape = self._take()
        if escape.kind != TEXT or len(escape.text) != 1:
            raise SelectError("SqlOnlyOneEscapeCharIsAllowed")
        if escape.text in "?%*":
            raise SelectError("SqlInvalidEscapeChar")
        return Like(left, pattern.text, escape.text)

    def _constants(self) -> tuple[Literal, ...]:
        self._need_mark("(")
        values: list[Literal] = []
        while not values or self._take_mark(","):
            negative = bool(self._take_mark("-"))
            value = self._literal()
            if value is None or (negative and value.type is not Type.NUMBER):
                raise self._unexpected("a constant is expected")
            values.append(_minus(value) if negative else value)
            if len(values) > SELECT_IN_MAX:
                raise SelectError("SqlExceedsMaxInCount")
        self._need_mark(")")
        if len({value.type for value in values}) > 1:
            raise SelectError("SqlValueTypeOfInMustBeSame")
        return tuple(values)

    # --- values ---

    def _concatenation(self) -> Expression:
        left = self._sum()
        while self._take_mark("||"):
            left = self._joined("||", left, self._sum())
        return left

    def _sum(self) -> Expression:
        left = self._product()
        while operator := self._take_mark("+", "-"):
            left = self._joined(operator, left, self._product())
        return left

    def _product(self) -> Expression:
        left = self._signed()
        while operator := self._take_mark("*", "/", "%"):
            left = self._joined(operator, left, self._signed())
        return left

    def _joined(self, operator: str, left: Expression, right: Expression) -> Expression:
        self._operators += 1
        if self._operators > SELECT_OPERATORS_MAX:
            raise SelectError("SqlInvalidSqlAfterAnalysis", f"It has more than {SELECT_OPERATORS_MAX} operators.")
        return Arithmetic(operator, left, right)

    def _signed(self) -> Expression:
        if not self._take_mark("-"):
            return self._value()
        self._deeper()
        operand = self._signed()
        self._depth -= 1
        return _minus(operand) if isinstance(operand, Literal) and operand.type is Type.NUMBER else Negated(operand)

    def _value(self) -> Expression:
        if self._take_mark("("):
            self._deeper()
            inner = self._either()
            self._need_mark(")")
            self._depth -= 1
            return inner
        if self._next.word == "cast":
            return self._cast()
        literal = self._literal()
        if literal is not None:
            return literal
        if self._next.word in _AGGREGATES and self._tokens[self._at + 1].text == "(":
            raise SelectError("SqlSyntaxError", "WHERE cannot hold aggregations.")
        if self._next.kind in (WORD, QUOTED) and self._next.word not in _KEYWORDS:
            return self._column()
        raise self._unexpected("a value is expected")

    def _literal(self) -> Literal | None:
        token = self._next
        if token.kind == TEXT:
            self._at += 1
            return Literal(token.text, Type.TEXT)
        if token.kind == NUMBER:
            self._at += 1
            whole = token.text.isdigit() and len(token.text) <= _INTEGER_MAX_CHARS
            return Literal(int(token.text) if whole else float(token.text), Type.NUMBER)
        if token.word in ("true", "false"):
            self._at += 1
            return Literal(token.word == "true", Type.CONDITION)
        return None

    def _cast(self) -> Cast:
        self._need_word("cast")
        self._need_mark("(")
        self._deeper()
        operand = self._concatenation()
        self._depth -= 1
        self._need_word("as")
        to = _CAST_TYPES.get(self._next.word)
        if to is None:
            raise self._unexpected("INT, DOUBLE, STRING, TIMESTAMP or BOOL is expected")
        self._at += 1
        format = ""
        if self._take_word("format"):
            token = self._take()
            if token.kind != TEXT or to is not CastType.TIMESTAMP:
                raise SelectError("SqlNotSupportedTimestampFormat")
            format = token.text
        self._need_mark(")")
        return Cast(operand, to, format)


def _csv_column(name: str, *, quoted: bool) -> Column:
    if quoted or name[0] != "_" or not name[1:].isdigit() or not name.isascii():
        return Column((name,))
    if len(name) > _INDEX_MAX_CHARS or not 1 <= int(name[1:]) <= SELECT_COLUMNS_MAX:
        raise SelectError("SqlInvalidColumnIndex")
    return Column(index=int(name[1:]))


def _minus(literal: Literal) -> Literal:
    assert not isinstance(literal.value, str)
    return Literal(-literal.value, Type.NUMBER)

"""What a statement means, and what it can't: every refusal by OSS's code."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.queries.errors import SelectError
from coatcheck.queries.options import Output, Query
from coatcheck.queries.parser import read_statement
from coatcheck.queries.running import Running
from coatcheck.queries.tree import Column, Star

from .run import DOCUMENT, USE, ask

ROWS = "1,a,2.5\n2,b,\n3,c,-4\n"


@pytest.mark.parametrize(
    ("where", "firsts"),
    [
        ("_1 > 1", "2 3"),
        ("_1 >= 2 and _1 != 3", "2"),
        ("_1 <> 2", "1 3"),
        ("1 = _1 or _2 = 'c'", "1 3"),
        ("not _1 = 1", "2 3"),
        ("not (_1 = 1 or _1 = 2)", "3"),
        ("_2 = 'a' or _2 = 'b' and _1 = 9", "1"),
        ("(_2 = 'a' or _2 = 'b') and _1 = 2", "2"),
        ("_1 between 2 and 3", "2 3"),
        ("_1 not between 2 and 3", "1"),
        ("_2 in ('a', 'c')", "1 3"),
        ("_2 not in ('a', 'c')", "2"),
        ("_1 in (-1, 3)", "3"),
        ("_3 > 0", "1"),  # an empty field is NULL, neither above nor below
        ("not _3 > 0", "3"),
        ("_9 is null", "1 2 3"),
        ("_2 is not null", "1 2 3"),
        ("_1 + 2 * 3 = 8", "2"),
        ("(_1 + 2) * 3 = 12", "2"),
        ("_1 - 1 - 1 = 1", "3"),
        ("_1 % 2 = 1", "1 3"),
        ("_1 / 2 = 1.5", "3"),
        ("_1 / 0 = 1", ""),
        ("-_1 < -2", "3"),
        ("_3 = -4.0", "3"),
        ("_1 || _2 = '2b'", "2"),
        ("_2 || '!' = 'a!'", "1"),
        ("cast(_1 as int) * 1.5 > 4", "3"),
        ("cast(_1 as string) = '2'", "2"),
        ("_2 like 'a'", "1"),
        ("_2 like '%'", "1 2 3"),
        ("_2 LIKE '?' AND _1 IN (1)", "1"),
        ("_2 not like 'a%'", "2 3"),
        ("_1 < _3", "1"),  # two columns of a CSV are texts
    ],
)
def test_conditions_mean_what_they_say(where: str, firsts: str) -> None:
    assert ask(f"select _1 from ossobject where {where}", ROWS).split() == firsts.split()


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        (" ", "InvalidSqlParameter"),
        ("select _1 from ossobject" + " " * 16_384, "InvalidSqlParameter"),
        ("update ossobject set _1 = 1", "SqlSyntaxError"),
        ("select _1", "SqlSyntaxError"),
        ("select _1 from elsewhere", "SqlSyntaxError"),
        ("select _1 from ossobject; drop table x", "SqlSyntaxError"),
        ("select _1 from ossobject group by _1", "SqlSyntaxError"),
        ("select _1 from ossobject order by _1", "SqlSyntaxError"),
        ("select _1 + _2 from ossobject", "SqlSyntaxError"),
        ("select 1 from ossobject", "SqlSyntaxError"),
        ("select count(_1) from ossobject", "SqlSyntaxError"),
        ("select _1 from ossobject where max(_1) > 1", "SqlSyntaxError"),
        ("select _1 from ossobject where _1 = null", "SqlSyntaxError"),
        ("select _1 from ossobject where _1 = 'open", "SqlSyntaxError"),
        ("select _1 from ossobject where \0", "SqlSyntaxError"),
        ("select cast('1' as int) from ossobject", "SqlSyntaxError"),
        ("select *, _1 from ossobject", "SqlInvalidMixOfStarAndColumn"),
        ("select _1, * from ossobject", "SqlInvalidMixOfStarAndColumn"),
        ("select count(*), _1 from ossobject", "SqlInvalidMixOfAggregationAndColumn"),
        ("select _0 from ossobject", "SqlInvalidColumnIndex"),
        ("select _1001 from ossobject", "SqlInvalidColumnIndex"),
        ("select _1 from ossobject where _99999999999999 = 1", "SqlInvalidColumnIndex"),
        ("select name from ossobject", "SqlInvalidColumnName"),
        (f"select {'n' * 1025} from ossobject", "SqlExceedsMaxColumnNameLength"),
        (f"select {','.join(['_1'] * 1001)} from ossobject", "SqlUnsupportedSql"),
        (f"select {','.join(['count(*)'] * 101)} from ossobject", "SqlExceedsMaxAggregationCount"),
        ("select a.b from ossobject", "NestedColumnNotSupportInCsv"),
        ("select _1[0] from ossobject", "NestedColumnNotSupportInCsv"),
        ("select * from ossobject.a", "TableRootNodeOnlySupportInJson"),
        ("select _1 from ossobject limit 0", "SqlInvalidLimitValue"),
        ("select _1 from ossobject limit -1", "SqlInvalidLimitValue"),
        ("select _1 from ossobject limit 1.5", "SqlInvalidLimitValue"),
        ("select _1 from ossobject where _1 in (1, 'a')", "SqlValueTypeOfInMustBeSame"),
        (f"select _1 from ossobject where _1 in ({','.join(['1'] * 1025)})", "SqlExceedsMaxInCount"),
        ("select _1 from ossobject where " + " and ".join(["_1 = 1"] * 21), "SqlExceedsMaxConditionCount"),
        ("select _1 from ossobject where " + "(" * 11 + "_1 = 1" + ")" * 11, "SqlExceedsMaxConditionDepth"),
        ("select _1 from ossobject where " + "not " * 2000 + "_1 = 1", "SqlExceedsMaxConditionDepth"),
        ("select _1 from ossobject where " + "-" * 5000 + "_1 = 1", "SqlExceedsMaxConditionDepth"),
        ("select _1 from ossobject where _1" + "+1" * 101 + " = 1", "SqlInvalidSqlAfterAnalysis"),
        ("select _1 from ossobject where _1", "SqlInvalidSqlAfterAnalysis"),
        ("select _1 from ossobject where 1 + 1", "SqlInvalidSqlAfterAnalysis"),
        ("select _1 from ossobject where _1 = 1 and _2", "SqlInvalidAndOperand"),
        ("select _1 from ossobject where _1 or _2 = 1", "SqlInvalidOrOperand"),
        ("select _1 from ossobject where not _1", "SqlInvalidNotOperand"),
        ("select _1 from ossobject where 1 is null", "SqlInvalidIsNullOperand"),
        ("select _1 from ossobject where 'a' || 'b' = 'ab'", "SqlInvalidConcatOperand"),
        ("select _1 from ossobject where 'a' + 1 = 2", "InvalidArithmeticOperand"),
        ("select _1 from ossobject where 1 = 'a'", "SqlComparerOperandTypeMismatch"),
        ("select _1 from ossobject where cast(_1 as int) = 'a'", "SqlComparerOperandTypeMismatch"),
        ("select _1 from ossobject where _1 like 5", "SqlInvalidLikeOperand"),
        ("select _1 from ossobject where 'a' like 'a'", "SqlInvalidLikeOperand"),
        ("select _1 from ossobject where cast(_1 as int) like 'a'", "SqlInvalidLikeOperand"),
        ("select _1 from ossobject where _1 like '%a%b%c%d%e%'", "SqlExceedsMaxWildCardCount"),
        (f"select _1 from ossobject where _1 like '{'a' * 1025}'", "SqlInvalidSqlAfterAnalysis"),
        ("select _1 from ossobject where _1 like 'a#' escape '#'", "SqlNoCharAfterEscapeChar"),
        ("select _1 from ossobject where _1 like 'a' escape '##'", "SqlOnlyOneEscapeCharIsAllowed"),
        ("select _1 from ossobject where _1 like 'a' escape '%'", "SqlInvalidEscapeChar"),
        ("select cast(_1 as int), cast(_1 as double) from ossobject", "SqlOneColumnCastToDifferentTypes"),
        ("select sum(cast(_1 as timestamp)) from ossobject", "SqlInvalidAggregationOnTimestamp"),
        ("select max(cast(_1 as string)) from ossobject", "SqlAggregationOnNonNumericType"),
        ("select cast(_1 as timestamp format 'JJJJ') from ossobject", "SqlNotSupportedTimestampFormat"),
    ],
)
def test_what_is_not_in_the_subset_is_refused_by_oss_code(sql: str, code: str) -> None:
    with pytest.raises(SelectError) as caught:
        ask(sql, ROWS)
    assert caught.value.code == code
    assert len(caught.value.message) < 500


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("select s.a[*] from ossobject s", "WildCardNotAllowed"),
        ("select s.a from ossobject s where s.b[*] > 1", "WildCardNotAllowed"),
        ("select s.a[-1] from ossobject s", "NegativeRowIndex"),
        ("select s." + ".".join("abcdefghijk") + " from ossobject s", "ExceedsMaxNestedColumnDepth"),
        ("select * from ossobject" + "[0]" * 11, "ExceedsMaxNestedColumnDepth"),
    ],
)
def test_paths_are_bounded(sql: str, code: str) -> None:
    with pytest.raises(SelectError) as caught:
        ask(sql, "{}", DOCUMENT)
    assert caught.value.code == code


def test_columns_that_go_with_all_columns() -> None:
    for sql, code in (
        ("select count(*) from ossobject", "SqlInvalidKeepAllColumnsWithAggregation"),
        ("select _1, _1 from ossobject", "SqlInvalidKeepAllColumnsWithDuplicateColumn"),
    ):
        with pytest.raises(SelectError) as caught:
            ask(sql, ROWS, output=Output(all_columns=True))
        assert caught.value.code == code


def test_a_path_is_read_as_its_steps() -> None:
    statement = read_statement("select s.from, s['x y'][2] as z from ossobject.a[*].\"b c\"[0] s", json=True)
    assert statement.root == ("a", Star.STAR, "b c", 0)
    assert [item.operand for item in statement.items] == [Column(("from",)), Column(("x y", 2))]
    assert [item.alias for item in statement.items] == ["", "z"]


def test_names_are_those_of_the_header_in_any_case() -> None:
    people = 'Name,"Age in years"\nJohn,45\nAnn,30\n'
    assert ask('select NAME from ossobject where "age in YEARS" > 40', people, USE) == "John\n"
    assert ask("select p.name n from ossobject as p where p._2 < 40", people, USE) == "Ann\n"


@given(st.text(max_size=200))
def test_any_text_is_a_statement_or_refused(text: str) -> None:
    for json in (True, False):
        with suppress(SelectError):
            read_statement(f"select _1 from ossobject where {text}", json=json)


_PARTS = [
    "_1",
    "a",
    "'x'",
    "1",
    "2.5",
    "(",
    ")",
    "and",
    "or",
    "not",
    "in",
    "like",
    "between",
    "is",
    "null",
    "=",
    "<",
    ",",
    "+",
    "-",
    "*",
    "||",
    "cast",
    "as",
    "int",
    "select",
    "from",
    "ossobject",
    "where",
    "limit",
    ".",
    "[",
    "]",
    "true",
]


@given(st.lists(st.sampled_from(_PARTS), max_size=30))
def test_any_words_in_any_order_are_a_query_or_refused(words: list[str]) -> None:
    """Also carried out: no row makes it anything but a result or a refusal."""
    with suppress(SelectError):
        ask("select _1 from ossobject where " + " ".join(words), "1,2\na,b\n\n", skipped=9)


def test_a_statement_that_costs_much_has_no_long_numbers() -> None:
    """Whole numbers grow no further than is of use."""
    product = "*".join(["_1"] * 101)
    query = Query(f"select _2 from ossobject where {product} > 1", USE, most_skipped=9)
    running = Running(Query(query.sql, query.input))
    with pytest.raises(SelectError, match="does not fit"):
        list(running.feed(b"a,b\n" + b"9" * 18 + b",x\n"))

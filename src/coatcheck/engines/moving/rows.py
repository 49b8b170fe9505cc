"""The rows of a store, copied from one catalog to the other in the order of their keys. Nobody writes meanwhile.

What the other end has already says where to go on: a page is there whole or not at all, and in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from .tables import NUMBERED, Catalog, Row, Table

Note = Callable[[str, int, int], None]


class Differs(Exception):
    """A table isn't at the new place what it is at the old one."""


def count_rows(source: Catalog, tables: Sequence[Table]) -> int:
    return sum(source.count(table.name) for table in tables)


def copy_rows(source: Catalog, target: Catalog, tables: Sequence[Table], note: Note) -> int:
    """Copy all that isn't there yet; how many rows that were."""
    total, done = count_rows(source, tables), 0
    for table in tables:
        after = None
        if table.is_ordered:
            after = target.last(table)
        else:
            target.clear([table.name])
        for page in _pages(source, table, after):
            target.write(table, page)
            done += len(page)
            note("rows", done, total)
        if table.name in NUMBERED:
            target.set_highest(table.name, source.highest(table.name))
    return done


def compare_rows(source: Catalog, target: Catalog, tables: Sequence[Table], note: Note) -> None:
    """Hold every row against its copy. Raises: Differs."""
    total, done = count_rows(source, tables), 0
    for table in tables:
        if not table.is_ordered:
            if set(_rows(source, table)) != set(_rows(target, table)):
                raise Differs(f"The rows of {table.name} differ at the new place.")
            continue
        ours, theirs = _pages(source, table, None), _pages(target, table, None)
        for page in ours:
            if page != next(theirs, []):
                raise Differs(f"Rows of {table.name} from {page[0][: len(table.keys)]} on differ at the new place.")
            done += len(page)
            note("rows compared", done, total)
        if next(theirs, None) is not None:
            raise Differs(f"There are more rows of {table.name} at the new place.")


def _pages(end: Catalog, table: Table, after: Row | None) -> Iterator[list[Row]]:
    at = [table.columns.index(key) for key in table.keys]
    while page := end.read(table, after):
        yield page
        after = tuple(page[-1][number] for number in at)


def _rows(end: Catalog, table: Table) -> Iterator[Row]:
    for page in _pages(end, table, None):
        yield from page

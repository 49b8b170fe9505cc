"""Running a query on bytes, in pieces of any size."""

from __future__ import annotations

from coatcheck.queries.options import CsvInput, Header, JsonInput, Output, Query
from coatcheck.queries.running import Running

USE = CsvInput(header=Header.USE)
DOCUMENT = JsonInput()
LINES = JsonInput(lines=True)


def finish(running: Running, data: bytes, piece: int = 7) -> bytes:
    output = b""
    for start in range(0, len(data), piece):
        output += b"".join(running.feed(data[start : start + piece]))
        if running.done:
            break
    return output + b"".join(running.end())


def ask(
    sql: str,
    data: bytes | str,
    form: CsvInput | JsonInput = CsvInput(),  # noqa: B008  a frozen value
    output: Output = Output(),  # noqa: B008
    *,
    skipped: int = 0,
    skip_partial: bool = False,
    piece: int = 7,
) -> str:
    query = Query(sql, form, output, skip_partial=skip_partial, most_skipped=skipped)
    return finish(Running(query), data.encode() if isinstance(data, str) else data, piece).decode()

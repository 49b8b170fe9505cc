"""A query as JSON, as it is handed to the process that carries it out."""

from __future__ import annotations

import json
from typing import Any

from msgspec import to_builtins

from .options import CsvInput, Header, JsonInput, Output, Query, Span


def write_query(query: Query) -> str:
    document = to_builtins(query)
    document["csv"] = isinstance(query.input, CsvInput)
    return json.dumps(document)


def read_query(text: str) -> Query:
    """What `write_query` wrote."""
    document: dict[str, Any] = json.loads(text)
    is_csv, form = document.pop("csv"), document.pop("input")
    span = None if form["span"] is None else Span(**form["span"])
    if is_csv:
        read: CsvInput | JsonInput = CsvInput(**form | {"span": span, "header": Header(form["header"])})
    else:
        read = JsonInput(**form | {"span": span})
    return Query(**document | {"input": read, "output": Output(**document["output"])})

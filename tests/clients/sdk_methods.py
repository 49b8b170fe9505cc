"""Which methods of OSS's SDKs work: the table, its page, and what a session with one of them found.

`sdk_methods.json` has, for each SDK, each public method and what its call came to: "works", or the code of the refusal;
with `why` where it isn't obvious from the code. `docs/compatibility-sdk.md` is written from it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ..patience import wait_until

WORKS: Final = "works"
TABLE: Final = Path(__file__).parent / "sdk_methods.json"
PAGE: Final = Path(__file__).parents[2] / "docs" / "compatibility-sdk.md"


@dataclass
class Attempts:
    """What came of each method; the first refusal counts.

    Attributes:
        account: the uid that the keys belong to.
        code_of: reads the code of a refusal from the SDK's exception, "" if it is none.
    """

    account: str
    code_of: Callable[[Exception], str]
    found: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, call: Callable[[], Any]) -> Any:
        """The result, or None where it failed."""
        try:
            result = call()
        except Exception as error:
            code = self.code_of(error) or f"{type(error).__name__}: {error}"
            if self.found.get(method, WORKS) == WORKS:
                self.found[method] = code
            return None
        self.found.setdefault(method, WORKS)
        return result

    def wait_restored(self, headers: Callable[[], Mapping[str, str]]) -> None:
        wait_until(lambda: 'ongoing-request="false"' in headers().get("x-oss-restore", ""), lambda: str(headers()))


def read_table() -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = json.loads(TABLE.read_text("utf-8"))
    return table

"""Which methods of OSS's SDKs work: the table, its page, and what a session with one of them found.

`sdk_methods.json` has, for each SDK, its version, its methods that send nothing (`local`), and what the call of every
other public method comes to: "works", or the code of the refusal. `reasons` says why, by method (the same in all SDKs
that write it with the same letters) or by code. The page `docs/compatibility-sdk.md` is written from it:
`python -m tests.clients.sdk_methods`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import wrap
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


def read_table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(TABLE.read_text("utf-8"))
    return table


def write_page(table: dict[str, Any]) -> str:
    """What stands on the page behind its introduction."""
    lines = []
    reasons = {letters(name): reason for name, reason in table["reasons"].items()}
    for sdk in table["sdks"]:
        methods: dict[str, str] = sdk["methods"]
        working = [name for name, answer in methods.items() if answer == WORKS]
        lines += [
            f"## {sdk['title']}",
            "",
            f"Version {sdk['version']}: {len(working)} of {len(methods)} methods work.",
            "",
            "| Differs | Answer | Why |",
            "| --- | --- | --- |",
            *(_row(name, answer, reasons) for name, answer in methods.items() if answer != WORKS),
            "",
            "Work: " + ", ".join(f"`{name}`" for name in working) + ".",
            "",
        ]
        if sdk["local"]:
            lines += ["Send nothing: " + ", ".join(f"`{name}`" for name in sdk["local"]) + ".", ""]
    return "\n".join(line for text in lines for line in _wrapped(text)).rstrip("\n") + "\n"


def _wrapped(text: str) -> list[str]:
    return [text] if text.startswith("|") else wrap(text, 120, break_long_words=False, break_on_hyphens=False) or [""]


def _row(name: str, answer: str, reasons: dict[str, str]) -> str:
    return f"| `{name}` | `{answer}` | {reasons.get(letters(name)) or reasons[letters(answer)]} |"


def letters(name: str) -> str:
    """What a method's name has in common in all languages: its letters, not their case."""
    return name.replace("_", "").lower()


def write() -> None:
    """The page anew, with the introduction that it has."""
    introduction = PAGE.read_text("utf-8").partition("\n## ")[0].rstrip("\n")
    PAGE.write_text(f"{introduction}\n\n{write_page(read_table())}", "utf-8")


def access_point_policy(account: str) -> str:
    """Of the access point ap-session: its account may read."""
    statement = {
        "Effect": "Allow",
        "Action": ["oss:GetObject"],
        "Principal": [account],
        "Resource": [f"acs:oss:cn-hangzhou:{account}:accesspoint/ap-session/object/*"],
    }
    return json.dumps({"Version": "1", "Statement": [statement]})


if __name__ == "__main__":
    write()

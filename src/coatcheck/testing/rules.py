"""Faults on demand as rules: which requests, and what befalls them. Pure: counts, and draws by a seed of its own."""

from __future__ import annotations

import fnmatch
import random
import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final, NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from coatcheck.core import errors
from coatcheck.core.errors import Fault
from coatcheck.oss.table import ROWS

from .documents import Field, Refused, Shape, check

FAULTS: Final[Mapping[str, Fault]] = {name: row for name, row in vars(errors).items() if isinstance(row, Fault)}

SHAPE: Final[Shape] = {
    "operation": Field("string", 'Of these requests alone, by OSS\'s name: "GetObject".'),
    "bucket": Field("string", "Of this bucket alone."),
    "key": Field("string", 'Of keys that fit the pattern: "*" stands for anything, "?" for one character.'),
    "nth": Field("integer", "Only the nth of the requests that fit, counted from 1.", least=1),
    "times": Field("integer", "No more than so many of them.", least=1),
    "probability": Field("number", "Each of them with this probability.", least=0, most=1),
    "seed": Field("integer", "What the probability is drawn by: the same seed, the same requests."),
    "code": Field("string", 'Refused with this code of docs/errors.md, or its row: "NoSuchKey", "WRONG_ENDPOINT".'),
    "status": Field("integer", "With this status in place of the code's own.", least=400, most=599),
    "message": Field("string", "With this message in place of the code's own."),
    "delay_s": Field("number", "Answered so many seconds later.", least=0, most=3600),
    "bytes_per_s": Field("number", "The body of the reply comes no faster than this.", least=1),
    "cut_after": Field("integer", "The connection ends behind so many bytes of the reply's body.", least=0),
    "reset": Field("boolean", "The connection ends without an answer, and nothing is done."),
    "truncate_upload": Field(
        "integer", "The connection ends when so many bytes of the upload have come, and nothing is stored.", least=0
    ),
    "wrong_crc": Field("boolean", "The reply's x-oss-hash-crc64ecma isn't that of the content."),
}
_WHAT: Final = frozenset(
    {"code", "status", "delay_s", "bytes_per_s", "cut_after", "reset", "truncate_upload", "wrong_crc"}
)
_ENDS: Final = ("code", "reset", "truncate_upload", "cut_after")


class Asked(NamedTuple):
    """What a request is, as far as rules look: the operation in OSS's snake case, "" where it is none."""

    operation: str
    bucket: str
    key: str


class Rule(Struct, frozen=True):
    """One rule. What is "", 0, None or False says nothing. See `SHAPE` for what each means."""

    operation: str = ""
    bucket: str = ""
    key: str = ""
    nth: int = 0
    times: int = 0
    probability: float = 1.0
    seed: int = 0
    fault: Fault | None = None
    delay_s: float = 0.0
    bytes_per_s: float = 0.0
    cut_after: int | None = None
    reset: bool = False
    truncate_upload: int | None = None
    wrong_crc: bool = False

    def fits(self, asked: Asked) -> bool:
        return (
            self.operation in ("", asked.operation)
            and self.bucket in ("", asked.bucket)
            and (not self.key or fnmatch.fnmatchcase(asked.key, self.key))
        )


def read_rule(document: Mapping[str, Any]) -> Rule:
    """Raises: Refused."""
    check(document, SHAPE)
    if not _WHAT & document.keys():
        raise Refused(f"The rule says nothing of what is to happen: give one of {', '.join(sorted(_WHAT))}.")
    ends = [name for name in _ENDS if document.get(name) not in (None, False)]
    if len(ends) > 1:
        raise Refused(f"{' and '.join(ends)} exclude each other: a request ends once.")
    given = {name: value for name, value in document.items() if name not in ("code", "status", "message", "operation")}
    return Rule(operation=read_operation(document.get("operation", "")), fault=_read_fault(document), **given)


def _read_fault(document: Mapping[str, Any]) -> Fault | None:
    code, status, message = document.get("code"), document.get("status"), document.get("message")
    if code is None and status is None:
        if message is not None:
            raise Refused("A message needs a code to go with.")
        return None
    fault = _of_status(status) if code is None else find_fault(code)
    return replace(fault, status=status or fault.status, message=message or fault.message)


def _of_status(status: int | None) -> Fault:
    common = {500: "InternalError", 503: "ServiceUnavailable", 403: "AccessDenied", 404: "NoSuchKey"}
    if status not in common:
        raise Refused(f"Status {status} needs a code to go with; see docs/errors.md.")
    return find_fault(common[status])


def find_fault(code: str) -> Fault:
    """The row of a code, or of its name in the table; of several with one code the plainest. Raises: Refused."""
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", code).upper()
    found = FAULTS.get(code) or FAULTS.get(plain) or next((row for row in FAULTS.values() if row.code == code), None)
    if found is not None:
        return found
    near = get_close_matches(code, [row.code for row in FAULTS.values()], 1)
    hint = f" Is {near[0]!r} meant?" if near else " docs/errors.md lists them."
    raise Refused(f"{code!r} is no code of the error table.{hint}")


def write_operation(name: str) -> str:
    """ "get_object" -> "GetObject"."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


_OPERATIONS: Final = {
    write_operation(name).lower(): name for name in [*(row.name for row in ROWS), "sts", "callback_key"]
}


def read_operation(name: str) -> str:
    """ "GetObject" or "get_object" -> "get_object". Raises: Refused."""
    if not name:
        return ""
    found = _OPERATIONS.get(name.replace("_", "").lower())
    if found is None:
        near = get_close_matches(name, [write_operation(known) for known in _OPERATIONS.values()], 1)
        hint = f" Is {near[0]!r} meant?" if near else " docs/compatibility.md lists them."
        raise Refused(f"{name!r} is no operation.{hint}")
    return found


class Standing(Struct):
    """A rule that is in force, and what came of it.

    Attributes:
        fitted: requests that it was about.
        hit: those that it befell.
    """

    number: int
    rule: Rule
    document: Mapping[str, Any]
    fitted: int = 0
    hit: int = 0
    draws: random.Random = field(default_factory=random.Random)

    def befalls(self, asked: Asked) -> bool:
        """Counts the request, if it is one that the rule is about."""
        rule = self.rule
        if not rule.fits(asked):
            return False
        self.fitted += 1
        is_drawn = rule.probability >= 1 or self.draws.random() < rule.probability
        if not is_drawn or (rule.nth and self.fitted != rule.nth) or (rule.times and self.hit >= rule.times):
            return False
        self.hit += 1
        return True

    def told(self) -> dict[str, Any]:
        return {"id": self.number, "fitted": self.fitted, "hit": self.hit, "rule": dict(self.document)}


class Rules:
    """Those in force, in the order in which they came; the first that befalls a request is the one that counts."""

    def __init__(self) -> None:
        self._standing: dict[int, Standing] = {}
        self._last = 0

    def __bool__(self) -> bool:
        return bool(self._standing)

    def add(self, document: Mapping[str, Any]) -> Standing:
        """Raises: Refused."""
        rule = read_rule(document)
        self._last += 1
        draws = random.Random(rule.seed)  # noqa: S311  repeated, not guessed
        standing = self._standing[self._last] = Standing(self._last, rule, dict(document), draws=draws)
        return standing

    def find(self, number: int) -> Standing:
        """Raises: Refused."""
        if number not in self._standing:
            raise Refused(f"There is no fault {number}: it was removed, or a reset ended it.")
        return self._standing[number]

    def remove(self, number: int) -> Standing:
        """What came of it. Raises: Refused."""
        standing = self.find(number)
        del self._standing[number]
        return standing

    def clear(self) -> None:
        self._standing.clear()

    def list(self) -> list[Standing]:
        return [*self._standing.values()]

    def find_hit(self, asked: Asked) -> Standing | None:
        """The one that befalls a request; those behind it know nothing of it."""
        return next((standing for standing in self._standing.values() if standing.befalls(asked)), None)

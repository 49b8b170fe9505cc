"""Names by wildcards: in addresses, and in --include and --exclude."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence
from typing import Final

_WILD: Final = re.compile(r"[*?[]")


def has_wildcards(text: str) -> bool:
    """Whether a key or path has `*`, `?` or `[`."""
    return _WILD.search(text) is not None


def split_wildcards(key: str) -> tuple[str, str]:
    """ "2026/*/a.jpg" -> ("2026/", "2026/"): what all matching keys begin with, and the folder of it.

    Names in a target are what comes behind the folder.
    """
    found = _WILD.search(key)
    prefix = key[: found.start()] if found else key
    return prefix, prefix[: prefix.rfind("/") + 1]


def compile_wildcards(pattern: str, *, below: bool = False) -> Callable[[str], bool]:
    """A test of whole keys. `*` and `?` stop at "/", `**` doesn't; `[abc]` is one of these.

    Args:
        below: what lies below a matching name matches too, as with -r.
    """
    text = "".join(_translate(token) for token in re.findall(r"\*\*|\[!?\]?[^]]*\]|.", pattern, re.DOTALL))
    wanted = re.compile(text + ("(?:/.*)?" if below else ""), re.DOTALL)
    return lambda key: wanted.fullmatch(key) is not None


def _translate(token: str) -> str:
    match token:
        case "**":
            return ".*"
        case "*":
            return "[^/]*"
        case "?":
            return "[^/]"
        case _ if len(token) > 1:
            return fnmatch.translate(token).removeprefix("(?s:").removesuffix(")\\Z").removesuffix(")\\z")
        case _:
            return re.escape(token)


def compile_filters(include: Sequence[str], exclude: Sequence[str]) -> Callable[[str], bool]:
    """Whether a name below the folder is wanted: any of `include`, if there are any, and none of `exclude`.

    A pattern without "/" is held against the last part of a name too; here `*` goes over "/", as in ossutil.
    """
    included, excluded = _compile_all(include), _compile_all(exclude)
    return lambda name: (not included or _is_any(included, name)) and not _is_any(excluded, name)


def _compile_all(patterns: Sequence[str]) -> list[tuple[re.Pattern[str], bool]]:
    return [(re.compile(fnmatch.translate(pattern)), "/" not in pattern) for pattern in patterns]


def _is_any(patterns: list[tuple[re.Pattern[str], bool]], name: str) -> bool:
    last = name.rpartition("/")[2]
    return any(wanted.match(name) or (by_last and wanted.match(last)) for wanted, by_last in patterns)

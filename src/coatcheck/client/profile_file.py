"""Writing the profile file: one table is replaced, all other lines stay as the person wrote them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from .errors import NotConfigured

_NAME = re.compile(r"[A-Za-z0-9_-]+")


def write_profile(file: Path, name: str, facts: Mapping[str, Any]) -> None:
    """Put the table [profile.NAME] into the file, which only its owner can read.

    Raises: NotConfigured: the name; OSError.
    """
    if not _NAME.fullmatch(name):
        raise NotConfigured("InvalidProfile", f"{name!r}: a profile's name has letters, digits, '-' and '_'.")
    lines = _without(_read(file), name)
    while lines and not lines[-1].strip():
        lines.pop()
    table = [f"[profile.{name}]", *(f"{key} = {_write_value(value)}" for key, value in facts.items())]
    _write(file, [*lines, *([""] if lines else []), *table])


def remove_profile(file: Path, name: str) -> bool:
    """Whether there was such a profile."""
    lines = _read(file)
    kept = _without(lines, name)
    if kept == lines:
        return False
    _write(file, kept)
    return True


def _read(file: Path) -> list[str]:
    try:
        return file.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []


def _without(lines: list[str], name: str) -> list[str]:
    kept, within = [], False
    head = re.compile(rf"""\s*\[\s*profile\s*\.\s*["']?{re.escape(name)}["']?\s*\]\s*(#.*)?""")
    for line in lines:
        if line.lstrip().startswith("["):
            within = head.fullmatch(line) is not None
        if not within:
            kept.append(line)
    return kept


def _write_value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else json.dumps(value, ensure_ascii=False)


def _write(file: Path, lines: list[str]) -> None:
    """Whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = file.with_name(f"{file.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")
    os.replace(fresh, file)

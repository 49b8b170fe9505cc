"""What the opened engines of a process have in common."""

from __future__ import annotations

from types import TracebackType
from typing import Self


class Opened:
    """For a `with`. Close it when no call is running any more."""

    __slots__ = ()

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

"""Functions whose modules are loaded when one of them is first called: nothing that a start waits for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


class LaterModule:
    """Stands for a module of functions, each of which is a `LaterFunction`. Nothing else of the module can be had."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> LaterFunction:
        return LaterFunction(self._name, name)


class LaterFunction:
    """Called as the function is that it stands for; the first call loads its module.

    Two threads may call at once: Python loads a module once, and the second waits.
    """

    def __init__(self, module: str, name: str) -> None:
        self.__name__ = name
        self._module = module
        self._function: Callable[..., Any] | None = None

    def __call__(self, *given: Any, **named: Any) -> Any:
        return (self._function or self.load())(*given, **named)

    def load(self) -> Callable[..., Any]:
        """The function. Raises: ImportError, AttributeError."""
        function: Callable[..., Any] = getattr(import_module(self._module), self.__name__)
        self._function = function
        return function

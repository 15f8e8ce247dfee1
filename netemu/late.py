"""Modules that are imported when one of their functions is first called.

A start imports what a start needs; what the first pod, patch or exec needs is named by `late`, and
`load_all` brings it in when the daemon has nothing better to do. Type checkers see the real import:

    if TYPE_CHECKING:
        from netemu.node import worker
    else:
        worker = late("netemu.node.worker")

    table = {"pod": worker.run}  # imports nothing; table["pod"]() does
"""

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

_named: dict[str, None] = {}


class LateModule:
    """Stands for a module: its attributes are functions (or classes) that are called later."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Callable[..., Any]:
        found: Callable[..., Any] | None = None
        name = self._name

        def call(*args: Any, **more: Any) -> Any:
            nonlocal found
            if found is None:
                found = getattr(import_module(name), attribute)
            return found(*args, **more)

        return call


def late(name: str) -> Any:
    """The module of that (whole) name, to be imported when one of its functions is called."""
    _named[name] = None
    return LateModule(name)


def load_all() -> Iterator[str]:
    """Import what was named so far and isn't there yet, one module a step; give its name."""
    while _named:
        name = next(iter(_named))
        del _named[name]
        import_module(name)
        yield name

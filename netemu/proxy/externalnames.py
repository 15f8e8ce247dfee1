"""Finds the addresses behind the names of ExternalName Services that the proxy stands in for.

A name is asked for when the first Service has it and again every `AGAIN_SECONDS`, as nothing tells
how long an answer holds. While a name can't be resolved its last addresses are kept.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from ipaddress import ip_address
from typing import Final

from netemu.clock import Clock

AGAIN_SECONDS: Final = 30.0
"""Between two looks at names that were found."""
RETRY_SECONDS: Final = 3.0
"""Between two looks while some name isn't found."""

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""The addresses of a name, all of one family. Raises OSError."""

log = logging.getLogger(__name__)


class ExternalNames:
    """Names and their addresses."""

    def __init__(self, resolve: Resolve, clock: Clock, changed: Callable[[str], None]) -> None:
        """`changed` is told each name whose addresses became others."""
        self._resolve = resolve
        self._clock = clock
        self._changed = changed
        self._wanted: frozenset[str] = frozenset()
        self._found: dict[str, tuple[str, ...]] = {}
        self._due = asyncio.Event()

    @property
    def addresses(self) -> Mapping[str, tuple[str, ...]]:
        """By name."""
        return self._found

    def want(self, names: Collection[str]) -> None:
        """The names that matter from now on."""
        names = frozenset(names)
        if names == self._wanted:
            return
        self._wanted = names
        for name in self._found.keys() - names:
            del self._found[name]
        self._due.set()

    async def run(self) -> None:
        """Look names up for ever."""
        while True:
            self._due.clear()
            found = [await self._look_up(name) for name in sorted(self._wanted)]
            if not self._wanted:
                await self._due.wait()
                continue
            timer = self._clock.call_later(
                AGAIN_SECONDS if all(found) else RETRY_SECONDS, self._due.set
            )
            await self._due.wait()
            timer.cancel()

    async def _look_up(self, name: str) -> bool:
        try:
            addresses = await self._addresses(name)
        except OSError as error:
            log.info("proxy: %s: %s", name, error)
            return False
        if name in self._wanted and addresses != self._found.get(name):
            self._found[name] = addresses
            self._changed(name)
        return bool(addresses)

    async def _addresses(self, name: str) -> tuple[str, ...]:
        try:
            return (str(ip_address(name)),)
        except ValueError:
            return tuple(sorted(set(await self._resolve(name.rstrip(".")))))


async def no_resolver(name: str) -> Sequence[str]:
    """Find nothing but addresses."""
    raise OSError(f"{name} cannot be resolved here")

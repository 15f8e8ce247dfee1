"""With dual stack each address family has openings of its own; a listener's address tells whose.

Nothing leads from one family to the other, as kube-proxy is two proxies then. Where the cluster has
a single one, there is none of this.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING

from netemu.config.settings import ProxyMode
from netemu.model.addressing import family_of
from netemu.model.service import NodePlace
from netemu.proxy.choose import Address
from netemu.proxy.entrance import Way
from netemu.proxy.gate import OPEN, Gate
from netemu.proxy.ledger import Row
from netemu.proxy.openings import ModeRefused, Openings
from netemu.proxy.site import Backend, Listener

if TYPE_CHECKING:
    from netemu.proxy.kernelview import Stuck


class Families:
    """The openings of two families, as one."""

    def __init__(self, openings: Mapping[str, Openings]) -> None:
        """By family, the primary one first."""
        self._openings = openings
        self._all = tuple(openings.values())

    @property
    def problem(self) -> str:
        """Why there are no packet rules, where there should be some."""
        return next((each.problem for each in self._all if each.problem), "")

    @property
    def mode(self) -> ProxyMode:
        """What was asked for last."""
        return self._all[0].mode

    @property
    def failures(self) -> Mapping[Listener, str]:
        """Listeners that are wanted and can't be opened, with the reason."""
        return dict(chain.from_iterable(each.failures.items() for each in self._all))

    @property
    def settled(self) -> bool:
        """Nothing is left to be opened or closed, failures aside."""
        return all(each.settled for each in self._all)

    @property
    def translated(self) -> int:
        """How many listeners the kernel stands for."""
        return sum(each.translated for each in self._all)

    def __len__(self) -> int:
        return sum(map(len, self._all))

    def set_mode(self, mode: ProxyMode) -> None:
        """Let the kernel translate, or no longer; both or neither. Raises ModeRefused."""
        before = self.mode
        try:
            for each in self._all:
                each.set_mode(mode)
        except ModeRefused:
            for each in self._all:
                if each.mode is not before:
                    each.set_mode(before)
            raise

    def translated_connections(self, now: float) -> Iterator[Row]:
        """What the kernel carries, `now` being seconds since the epoch."""
        return chain.from_iterable(each.translated_connections(now) for each in self._all)

    def translated_clients(self) -> "Iterator[Stuck]":
        """The clients that the kernel leads where they were led before."""
        return chain.from_iterable(each.translated_clients() for each in self._all)

    def break_off(self, unwanted: Callable[[Address, Address], bool]) -> None:
        """Have connections that the kernel carries end."""
        for each in self._all:
            each.break_off(unwanted)

    def know(self, nodes: Mapping[str, NodePlace]) -> None:
        """These are the nodes."""
        for each in self._all:
            each.know(nodes)

    def want(self, listener: Listener, way: Way | None, gate: Gate = OPEN) -> None:
        """From `sync` on, `listener` leads `way` and lets in whom `gate` allows; None: it isn't
        wanted any more.
        """
        self._openings[family_of(listener.address)].want(listener, way, gate)

    def review(self, backend: Backend) -> None:
        """The endpoints of a Service port changed, or its affinity."""
        self._openings[backend.family].review(backend)

    def refuse(self, listener: Listener, wanted: bool) -> None:
        """From `sync` on, clients of a listener that isn't wanted are refused, or not let in."""
        self._openings[family_of(listener.address)].refuse(listener, wanted)

    def sync(self) -> None:
        """Open and close what changed."""
        for each in self._all:
            each.sync()

    def try_again(self) -> None:
        """Something changed that may let those open that couldn't."""
        for each in self._all:
            each.try_again()

    def close(self) -> None:
        """Want nothing and close everything."""
        for each in self._all:
            each.close()

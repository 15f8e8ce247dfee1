"""Opens what the plan asks for, each listener in the way that suits it best.

The kernel translates, if that is the mode; else the catch-all stands for a listener; else it is a
socket of its own. Where rules turn out to be impossible, everything goes back to sockets.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple, assert_never

from netemu.config.settings import ProxyMode
from netemu.model.service import NodePlace
from netemu.proxy.catchall import CatchAll
from netemu.proxy.choose import Address
from netemu.proxy.entrance import Way
from netemu.proxy.gate import OPEN, Gate
from netemu.proxy.ledger import Row
from netemu.proxy.listeners import Listeners
from netemu.proxy.route import Path
from netemu.proxy.site import Backend, Listener, Network

if TYPE_CHECKING:
    from netemu.proxy.kernel import Kernel
    from netemu.proxy.kernelview import Stuck

log = logging.getLogger(__name__)


class ModeRefused(Exception):
    """The mode isn't possible here; the text says why."""


class Wanted(NamedTuple):
    """Where a listener leads, and whom it lets in."""

    way: Way
    gate: Gate


class Openings:
    """Everything at which clients can knock."""

    def __init__(
        self,
        listeners: Listeners,
        catch_all: CatchAll | None = None,
        kernel: "Callable[[], Kernel] | None" = None,
        problem: str = "",
    ) -> None:
        """`kernel` makes the rules of the kernel mode, when that is first asked for: with them the
        kernel keeps track of all connections.
        """
        self.problem = problem
        """Why there are no packet rules, where there should be some."""
        self.mode = ProxyMode.USERSPACE
        """What was asked for last."""
        self._listeners = listeners
        self._catch_all = catch_all
        self._make_kernel = kernel
        self._kernel: Kernel | None = None
        self._nodes: Mapping[str, NodePlace] = {}
        self._wanted: dict[Listener, Wanted] = {}
        self._places: dict[Listener, Listeners | CatchAll | Kernel] = {}

    @property
    def failures(self) -> Mapping[Listener, str]:
        """Listeners that are wanted and can't be opened, with the reason."""
        return self._listeners.failures

    @property
    def settled(self) -> bool:
        """Nothing is left to be opened or closed, failures aside."""
        return self._listeners.settled

    @property
    def translated(self) -> int:
        """How many listeners the kernel stands for."""
        return 0 if self._kernel is None else len(self._kernel)

    def __len__(self) -> int:
        return len(self._listeners) + (self._catch_all is not None)

    def set_mode(self, mode: ProxyMode) -> None:
        """Let the kernel translate, or no longer. Raises ModeRefused."""
        if mode is not ProxyMode.USERSPACE and self._kernel is None:
            self._start_kernel()
        self.mode = mode
        for listener, wanted in self._wanted.items():
            self._put(listener, wanted)
        self.sync()

    def _start_kernel(self) -> None:
        if self._make_kernel is None:
            raise ModeRefused(self.problem or "the cluster has no network namespace of its own")
        try:
            self._kernel = self._make_kernel()
        except OSError as error:
            raise ModeRefused(str(error)) from error
        self._kernel.know(self._nodes)

    def translated_connections(self, now: float) -> Iterator[Row]:
        """What the kernel carries, `now` being seconds since the epoch."""
        return iter(()) if self._kernel is None else self._kernel.connections(now)

    def translated_clients(self) -> "Iterator[Stuck]":
        """The clients that the kernel leads where they were led before."""
        return iter(()) if self._kernel is None else self._kernel.stuck()

    def break_off(self, unwanted: Callable[[Address, Address], bool]) -> None:
        """Have connections that the kernel carries end."""
        if self._kernel is not None:
            try:
                self._kernel.break_off(unwanted)
            except OSError:
                log.exception("proxy: connections that should end go on")

    def know(self, nodes: Mapping[str, NodePlace]) -> None:
        """These are the nodes."""
        self._nodes = nodes
        if self._kernel is not None:
            self._kernel.know(nodes)

    def want(self, listener: Listener, way: Way | None, gate: Gate = OPEN) -> None:
        """From `sync` on, `listener` leads `way`, which may have changed, and lets in whom `gate`
        allows; None: it isn't wanted any more.
        """
        if way is None:
            self._wanted.pop(listener, None)
            self._leave(listener)
        else:
            self._wanted[listener] = Wanted(way, gate)
            self._put(listener, self._wanted[listener])

    def review(self, backend: Backend) -> None:
        """The endpoints of a Service port changed, or its affinity."""
        if self._kernel is not None:
            self._kernel.review(backend)

    def refuse(self, listener: Listener, wanted: bool) -> None:
        """From `sync` on, clients of a listener that isn't wanted are refused, or just aren't let
        in; the difference shows where the address isn't the cluster network's own.
        """
        if self._catch_all is not None and listener.network is Network.CLUSTER:
            self._catch_all.refuse(listener, wanted)

    def _put(self, listener: Listener, wanted: Wanted) -> None:
        place, (way, gate) = self._place(listener, wanted), wanted
        if self._places.get(listener) is not place:
            self._leave(listener)
            self._places[listener] = place
        if place is self._listeners:
            self._listeners.want(listener, way, gate)
        elif place is self._catch_all:
            self._catch_all.want((listener.address, listener.port), way)
        elif self._kernel is not None and isinstance(way, Path):
            self._kernel.want(listener, way)

    def _place(self, listener: Listener, wanted: Wanted) -> "Listeners | CatchAll | Kernel":
        kernel, catch_all = self._kernel, self._catch_all
        if wanted.way.outside:
            return self._listeners  # which knows how to get there
        if kernel is not None and self._translates(wanted.way) and kernel.takes(listener, *wanted):
            return kernel
        if catch_all is not None and catch_all.takes(listener, wanted.gate):
            return catch_all
        return self._listeners

    def _translates(self, way: Way) -> bool:
        match self.mode:
            case ProxyMode.USERSPACE:
                return False
            case ProxyMode.NFTABLES:
                return True
            case ProxyMode.AUTO:
                return isinstance(way, Path) and not way.relayed
        assert_never(self.mode)

    def _leave(self, listener: Listener) -> None:
        place = self._places.pop(listener, None)
        if isinstance(place, CatchAll):
            place.want((listener.address, listener.port), None)
        elif place is not None:
            place.want(listener, None)

    def sync(self) -> None:
        """Open and close what changed."""
        try:
            if self._kernel is not None:
                self._kernel.sync()
            if self._catch_all is not None:
                self._catch_all.sync()
        except OSError as error:
            self._give_up(error)
        self._listeners.sync()

    def try_again(self) -> None:
        """Something changed that may let those open that couldn't."""
        self._listeners.try_again()

    def _give_up(self, error: OSError) -> None:
        self.problem = str(error)
        log.error("proxy: no rules any more, so a socket for each address instead: %s", error)
        if self._catch_all is not None:
            self._catch_all.close()
        self._catch_all = self._kernel = self._make_kernel = None
        self._places = {
            listener: place for listener, place in self._places.items() if place is self._listeners
        }
        for listener, wanted in self._wanted.items():
            self._put(listener, wanted)

    def close(self) -> None:
        """Want nothing and close everything."""
        if self._catch_all is not None:
            self._catch_all.close()
        self._listeners.close()

"""Opens what the plan asks for, each listener in the way that suits it best.

A listener is a socket of its own, unless the catch-all stands for it. Where rules turn out to be
impossible, everything goes back to sockets.
"""

import logging
from collections.abc import Mapping

from netemu.proxy.catchall import CatchAll
from netemu.proxy.entrance import Way
from netemu.proxy.gate import OPEN, Gate
from netemu.proxy.listeners import Listeners
from netemu.proxy.ports import Listener, Network

log = logging.getLogger(__name__)


class Openings:
    """Everything at which clients can knock."""

    def __init__(
        self, listeners: Listeners, catch_all: CatchAll | None = None, problem: str = ""
    ) -> None:
        self.problem = problem
        """Why there is no catch-all, where there should be one."""
        self._listeners = listeners
        self._catch_all = catch_all
        self._caught: dict[Listener, Way] = {}
        self._bound: set[Listener] = set()

    @property
    def failures(self) -> Mapping[Listener, str]:
        """Listeners that are wanted and can't be opened, with the reason."""
        return self._listeners.failures

    @property
    def settled(self) -> bool:
        """Nothing is left to be opened or closed, failures aside."""
        return self._listeners.settled

    def __len__(self) -> int:
        return len(self._listeners) + (self._catch_all is not None)

    def want(self, listener: Listener, way: Way | None, gate: Gate = OPEN) -> None:
        """From `sync` on, `listener` leads `way`, which may have changed, and lets in whom `gate`
        allows; None: it isn't wanted any more.
        """
        caught = self._catch_all is not None and self._catch_all.takes(listener, gate)
        if way is None or caught:
            self._unbind(listener)
        if way is None or not caught:
            self._release(listener)
        if way is not None and caught:
            self._catch(listener, way)
        elif way is not None:
            self._bound.add(listener)
            self._listeners.want(listener, way, gate)

    def refuse(self, listener: Listener, wanted: bool) -> None:
        """From `sync` on, clients of a listener that isn't wanted are refused, or just aren't let
        in; the difference shows where the address isn't the cluster network's own.
        """
        if self._catch_all is not None and listener.network is Network.CLUSTER:
            self._catch_all.refuse(listener, wanted)

    def _catch(self, listener: Listener, way: Way) -> None:
        assert self._catch_all is not None
        self._caught[listener] = way
        self._catch_all.want((listener.address, listener.port), way)

    def _release(self, listener: Listener) -> None:
        if self._caught.pop(listener, None) is not None and self._catch_all is not None:
            self._catch_all.want((listener.address, listener.port), None)

    def _unbind(self, listener: Listener) -> None:
        if listener in self._bound:
            self._bound.remove(listener)
            self._listeners.want(listener, None)

    def sync(self) -> None:
        """Open and close what changed."""
        if self._catch_all is not None:
            try:
                self._catch_all.sync()
            except OSError as error:
                self._give_up(self._catch_all, error)
        self._listeners.sync()

    def try_again(self) -> None:
        """Something changed that may let those open that couldn't."""
        self._listeners.try_again()

    def _give_up(self, catch_all: CatchAll, error: OSError) -> None:
        self.problem = str(error)
        log.error("proxy: no rules any more, so a socket for each address instead: %s", error)
        catch_all.close()
        self._catch_all = None
        for listener, way in self._caught.items():
            self._bound.add(listener)
            self._listeners.want(listener, way)
        self._caught.clear()

    def close(self) -> None:
        """Want nothing and close everything."""
        if self._catch_all is not None:
            self._catch_all.close()
        self._listeners.close()

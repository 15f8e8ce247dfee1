"""Keeps the open sockets equal to the wanted ones, by difference.

A listener that stays wanted keeps its socket, whatever stands behind it by now. One that cannot be
opened (a port another program holds, or may not be bound) is kept as a failure, told once, and
tried again from time to time; the others aren't held up by it.
"""

import logging
import socket
from collections.abc import Callable, Mapping
from typing import Final

from netemu.clock import Clock, Timer
from netemu.model.service import Protocol
from netemu.model.sockets import Sockets
from netemu.proxy.choose import written
from netemu.proxy.datagrams import Datagrams
from netemu.proxy.entrance import Entrance, Way
from netemu.proxy.flows import Front
from netemu.proxy.gate import OPEN, Gate, guard, unguard
from netemu.proxy.limits import LISTENERS_AT_ONCE
from netemu.proxy.relay import Relay
from netemu.proxy.site import Listener, Network

RETRY_SECONDS: Final = 2.0
"""Until a listener that failed is tried again."""

log = logging.getLogger(__name__)


class Listeners:
    """Listening sockets on both sides of the fabric."""

    def __init__(
        self,
        relay: Relay,
        datagrams: Datagrams,
        networks: Mapping[Network, Sockets],
        clock: Clock,
        call_soon: Callable[[Callable[[], None]], object],
        outside: Callable[[str], tuple[Relay, Datagrams]] | None = None,
    ) -> None:
        """`call_soon` runs its argument in the event loop's next turn; `outside` has what relays to
        hosts of an address family that the cluster's own network doesn't reach.
        """
        self.failures: dict[Listener, str] = {}
        """Listeners that are wanted and can't be opened, with the reason."""
        self._inside = relay, datagrams
        self._outside = outside
        self._leads_outside: dict[Listener, str] = {}
        """Those of the open listeners that lead to hosts outside, with the family of those."""
        self._networks = networks
        self._clock = clock
        self._call_soon = call_soon
        self._wanted: dict[Listener, Way] = {}
        self._open: dict[Listener, Entrance | Front] = {}
        self._gates: dict[Listener, Gate] = {}
        self._guarded: dict[Listener, Gate] = {}
        """What the open sockets' filters say."""
        self._due: dict[Listener, None] = {}
        self._retry: Timer | None = None
        self._continues = False

    @property
    def settled(self) -> bool:
        """Nothing is left to be opened or closed, failures aside."""
        return not self._due

    def __len__(self) -> int:
        return len(self._open)

    def want(self, listener: Listener, way: Way | None, gate: Gate = OPEN) -> None:
        """From `sync` on, `listener` leads `way`, which may have changed, and lets in whom `gate`
        allows; None: it isn't wanted any more.
        """
        if gate != OPEN:
            self._gates[listener] = gate
        else:
            self._gates.pop(listener, None)
        if way is None:
            self._wanted.pop(listener, None)
        else:
            self._wanted[listener] = way
        self._due[listener] = None

    def sync(self) -> None:
        """Open and close what changed, in the order in which it did."""
        for _ in range(min(LISTENERS_AT_ONCE, len(self._due))):
            listener = next(iter(self._due))
            del self._due[listener]
            self._apply(listener)
        if self._due and not self._continues:
            self._continues = True
            self._call_soon(self._continue)
        if self.failures and self._retry is None:
            self._retry = self._clock.call_later(RETRY_SECONDS, self._try_again)

    def _continue(self) -> None:
        self._continues = False
        self.sync()

    def _apply(self, listener: Listener) -> None:
        way, opened = self._wanted.get(listener), self._open.get(listener)
        if way is None:
            self.failures.pop(listener, None)
            self._guarded.pop(listener, None)
            if opened is not None:
                self._shut(listener)
        elif opened is None or self._leads_outside.get(listener, "") != way.outside:
            if opened is not None:
                self._shut(listener)
                self._guarded.pop(listener, None)
            self._try(listener, way)
        else:
            self._lead(listener, opened, way)

    def _lead(self, listener: Listener, opened: Entrance | Front, way: Way) -> None:
        try:
            self._guard(listener, opened.sock)
        except OSError as error:  # better closed than open to everybody
            self._shut(listener)
            self._guarded.pop(listener, None)
            self._failed(listener, error)
            return
        if isinstance(opened, Entrance):
            opened.route = way
        else:
            opened.way = way
            self._relays(listener)[1].review(opened)

    def _guard(self, listener: Listener, sock: socket.socket) -> None:
        gate = self._gates.get(listener)
        if gate == self._guarded.get(listener):
            return
        if gate is not None:
            guard(sock, gate)
            self._guarded[listener] = gate
        else:
            unguard(sock)
            del self._guarded[listener]

    def _shut(self, listener: Listener) -> None:
        relay, datagrams = self._relays(listener)
        opened = self._open.pop(listener)
        self._guarded.pop(listener, None)
        if isinstance(opened, Entrance):
            relay.unlisten(opened)
        else:
            datagrams.unlisten(opened)

    def _relays(self, listener: Listener) -> tuple[Relay, Datagrams]:
        family = self._leads_outside.get(listener)
        return self._outside(family) if family and self._outside else self._inside

    def _listen(self, listener: Listener, way: Way) -> Entrance | Front:
        sockets = self._networks[listener.network]
        udp = listener.protocol is Protocol.UDP
        sock = (sockets.bind_udp if udp else sockets.listen)(listener.address, listener.port)
        try:
            self._guard(listener, sock)
        except OSError:
            sock.close()
            raise
        if way.outside:
            self._leads_outside[listener] = way.outside
        else:
            self._leads_outside.pop(listener, None)
        relay, datagrams = self._relays(listener)
        return datagrams.listen(sock, way) if udp else relay.listen(sock, way)

    def _try(self, listener: Listener, way: Way) -> None:
        try:
            self._open[listener] = self._listen(listener, way)
        except OSError as error:
            self._failed(listener, error)
        else:
            self.failures.pop(listener, None)

    def _failed(self, listener: Listener, error: OSError) -> None:
        reason = error.strerror or str(error)
        if self.failures.get(listener) != reason:
            log.warning(
                "proxy: %s/%s: %s",
                written((listener.address, listener.port)),
                listener.protocol,
                reason,
            )
        self.failures[listener] = reason

    def try_again(self) -> None:
        """Something changed that may let those open that couldn't."""
        if self._retry is not None:
            self._retry.cancel()
        self._try_again()

    def _try_again(self) -> None:
        self._retry = None
        self._due.update(dict.fromkeys(self.failures))
        self.sync()

    def close(self) -> None:
        """Want nothing and close everything."""
        if self._retry is not None:
            self._retry.cancel()
        self._wanted.clear()
        self._due.clear()
        for listener in tuple(self._open):
            self._shut(listener)
        self._open.clear()

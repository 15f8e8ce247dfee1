"""The UDP relay: one backend socket per client and front, so that answers find their way back.

A flow is a client's address and port at one front (a bound socket). Its backend socket is connected
to one endpoint for as long as the flow lives: until it is idle for `IDLE_SECONDS`, until its
endpoint is no longer for it (`review`), or until there are too many flows and its client was silent
longest. The client's next datagram then makes a new one. What comes back is sent from the front, so
it comes from the address the client sent to. Datagrams for which there is no endpoint are dropped:
a front that nobody can serve is closed by its owner, so that the kernel refuses.
"""

import asyncio
import logging
import select
import socket
from collections import OrderedDict
from collections.abc import Callable
from time import perf_counter
from typing import Final, TypeAlias

from netemu.clock import Clock, SystemClock, Timer
from netemu.proxy.choose import Address
from netemu.proxy.dial import speak_for
from netemu.proxy.entrance import Candidates, Way
from netemu.proxy.flows import Flow, Front
from netemu.proxy.inbox import Inbox
from netemu.proxy.ledger import Ledger
from netemu.proxy.limits import FLOWS

IDLE_SECONDS: Final = 60.0
"""Without a datagram either way before a flow ends (conntrack keeps 30 s one way, 120 s both)."""
SWEEP_SECONDS: Final = 5.0
"""How exactly idle deadlines are kept."""
TURN_SECONDS: Final = 0.001
"""Time after which a turn ends, once the sockets at hand have had theirs."""
BATCH: Final = 32
"""Events taken from epoll at a time."""
BUFFER_BYTES: Final = 1024 * 1024
"""Receive buffer asked for per front, where bursts of all clients arrive; the kernel caps it at
net.core.rmem_max."""

Named: TypeAlias = Callable[[Candidates, str], bool]
"""Whether endpoints are to see a client's own address, by where it is led."""

log = logging.getLogger(__name__)


class Datagrams:
    """Relays UDP; lives on one event loop and is left by `close`."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connector: Callable[[], socket.socket],
        clock: Clock | None = None,
        limit: int = FLOWS,
        ledger: Ledger | None = None,
        named: Named | None = None,
        near: Callable[[str], bool] | None = None,
        node_of: Callable[[Address], str] | None = None,
    ) -> None:
        """`connector` makes the non-blocking socket to connect to an endpoint from; `named`,
        `near` and `node_of` are as for the relay of connections.
        """
        self._ledger = ledger
        self._named = named
        self._near = near
        self._node_of = node_of
        self.now = 0.0
        """The time of this turn."""
        self.evicted = 0
        """Flows that ended early because there were too many."""
        self._loop = loop
        self._connector = connector
        self._clock: Clock = clock or SystemClock()
        self._limit = limit
        self._flows: OrderedDict[Flow, None] = OrderedDict()
        self.touch: Callable[[Flow], None] = self._flows.move_to_end
        """A datagram passes: the flow is the one that was idle for the shortest."""
        self._handlers: dict[int, Front | Flow] = {}
        self._inboxes: dict[int, Inbox] = {}
        """By address family, for all fronts."""
        self._tick: Timer | None = None
        self._epoll = select.epoll()
        loop.add_reader(self._epoll.fileno(), self._turn)

    @property
    def flows(self) -> tuple[Flow, ...]:
        """What is relayed, the one whose client was silent longest first."""
        return tuple(self._flows)

    def __len__(self) -> int:
        return len(self._flows)

    def listen(self, sock: socket.socket, way: Way) -> Front:
        """Relay from a bound, non-blocking socket, which is the relay's from now on."""
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        inbox = self._inboxes.get(sock.family) or Inbox(sock.family)
        self._inboxes[sock.family] = inbox
        front = Front(self, sock, way, inbox)
        self._handlers[sock.fileno()] = front
        self._epoll.register(sock.fileno(), select.EPOLLIN)
        return front

    def unlisten(self, front: Front) -> None:
        """Close a front and its flows: from now on the kernel refuses (ICMP port unreachable)."""
        for flow in tuple(front.flows.values()):
            self._end(flow)
        if self._handlers.pop(front.sock.fileno(), None) is not None:
            front.sock.close()

    def review(self, front: Front) -> None:
        """End the flows whose endpoints are no longer for them; the next datagram finds another."""
        for flow in tuple(front.flows.values()):
            if not front.way.serves(flow.client, flow.endpoint):
                self._end(flow)

    def close(self) -> None:
        """Close everything."""
        self._loop.remove_reader(self._epoll.fileno())
        if self._tick is not None:
            self._tick.cancel()
        for flow in tuple(self._flows):
            self._end(flow)
        for handler in tuple(self._handlers.values()):
            if isinstance(handler, Front):
                self.unlisten(handler)
        self._epoll.close()

    def _turn(self) -> None:
        """Handle what is ready, for about `TURN_SECONDS`; the loop calls again if there is more."""
        self.now = self._clock.monotonic()
        until = perf_counter() + TURN_SECONDS
        poll, handlers = self._epoll.poll, self._handlers
        while events := poll(0, BATCH):
            for fd, _ in events:
                handler = handlers.get(fd)
                if handler is None:
                    continue
                try:
                    handler.readable()
                except Exception:
                    log.exception("datagrams: a flow failed")
                    if isinstance(handler, Flow):
                        self._end(handler)
            if perf_counter() > until:
                return

    # What fronts and flows ask for

    def open(self, front: Front, name: bytes) -> Flow | None:
        """A new flow of the client of that name (a socket address); None when no endpoint is for it
        or descriptors have run out.
        """
        if len(self._flows) >= self._limit:
            self.evicted += 1
            self._end(next(iter(self._flows)))
        flow = Flow(self, front, name)
        if not self._dial(flow):
            return None
        front.flows[name] = flow
        self._flows[flow] = None
        if self._tick is None:
            self._tick = self._clock.call_later(SWEEP_SECONDS, self._sweep)
        return flow

    def redial(self, flow: Flow) -> bool:
        """The endpoint refused: go on to another, or end the flow. False when it ended."""
        self._hang_up(flow, broken=True)
        if self._dial(flow):
            return True
        self._forget(flow)
        return False

    def _dial(self, flow: Flow) -> bool:
        for endpoint in flow.candidates:
            try:
                sock = self._connector()
            except OSError:
                return False
            try:
                self._speak(sock, flow, endpoint[0])
                sock.connect(endpoint)
            except OSError:
                sock.close()
                continue
            flow.join(endpoint, sock)
            self._handlers[sock.fileno()] = flow
            self._epoll.register(sock.fileno(), select.EPOLLIN)
            if self._ledger is not None:
                flow.link = self._ledger.opened(flow.front.way, flow.client, endpoint, flow.counted)
            return True
        return False

    def _speak(self, sock: socket.socket, flow: Flow, endpoint: str) -> None:
        """Have the endpoint see the client's own address where it is to. Raises OSError."""
        if self._near is not None and self._near(endpoint):
            return
        client, source = flow.client[0], ""
        if self._named is not None and self._named(flow.front.way, client):
            source = client
        elif self._node_of is not None:
            source = self._node_of(flow.client)
        if source and source != endpoint:
            speak_for(sock, source)

    def _hang_up(self, flow: Flow, *, broken: bool = False) -> None:
        if flow.link is not None and self._ledger is not None:
            self._ledger.closed(flow.link, broken=broken)
        del self._handlers[flow.sock.fileno()]
        flow.sock.close()

    def _forget(self, flow: Flow) -> None:
        del self._flows[flow]
        del flow.front.flows[flow.name]

    def _end(self, flow: Flow) -> None:
        self._hang_up(flow)
        self._forget(flow)

    def _sweep(self) -> None:
        """End what was idle too long."""
        self._tick = None
        deadline = self._clock.monotonic() - IDLE_SECONDS
        for flow in tuple(self._flows):
            if flow.seen <= deadline:
                self._end(flow)
        if self._flows:
            self._tick = self._clock.call_later(SWEEP_SECONDS, self._sweep)

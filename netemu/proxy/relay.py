"""The TCP relay: accepts, finds an endpoint, and moves bytes between the two.

It has an epoll of its own, which the asyncio loop watches as one file descriptor: no task,
coroutine or stream per connection. Each turn of the loop gives it a bounded time, so a busy relay
doesn't starve the rest of the daemon. Sockets that end are closed after the batch of events in
which they ended, so a number in that batch never means another socket.
"""

import asyncio
import logging
import select
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter
from typing import Final, TypeAlias

from netemu.clock import Clock, SystemClock, Timer
from netemu.proxy.choose import Address
from netemu.proxy.dial import Dial
from netemu.proxy.entrance import Candidates, Entrance, Entrances, Find
from netemu.proxy.ledger import Ledger
from netemu.proxy.limits import CONNECTIONS
from netemu.proxy.pipes import PipePool
from netemu.proxy.stream import INTEREST, End

TURN_SECONDS: Final = 0.001
"""Time after which a turn ends, once the events at hand are done."""
BATCH: Final = 32
"""Events taken from epoll at a time."""
DIAL_TICK: Final = 0.05
"""How exactly dial deadlines are kept."""
DRAIN_SECONDS: Final = 1.0
"""How long bytes that were read may still be delivered on exit."""
DRAIN_TICK: Final = 0.01
"""How often exit looks whether they have been."""
Named: TypeAlias = Callable[[Candidates, str], bool]
"""Whether endpoints are to see a client's own address, by where it is led."""
NodeOf: TypeAlias = Callable[[Address], str]
"""The address of the node on which a client in the cluster's own network stands; "" for others."""
_RESET: Final = struct.pack("ii", 1, 0)
log = logging.getLogger(__name__)


class Relay:
    """Relays TCP connections; lives on one event loop and is left by `close`."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connector: Callable[[], socket.socket],
        clock: Clock | None = None,
        limit: int = CONNECTIONS,
        ledger: Ledger | None = None,
        named: Named | None = None,
        near: Callable[[str], bool] | None = None,
        node_of: NodeOf | None = None,
    ) -> None:
        """`connector` makes the non-blocking socket to connect to an endpoint from; `named` says
        which clients' connections are made in their own name, if that is possible here, and `near`
        which endpoints are in the cluster's own network, where it isn't: what they answer would
        go to the client itself.
        """
        self._ledger = ledger
        self.pipes = PipePool()
        self.connections = 0
        """Clients that are being served or wait for an endpoint."""
        self._clock: Clock = clock or SystemClock()
        self._limit = limit
        self._named = named
        self._near = near
        self._node_of = node_of
        self._handlers: dict[int, End | Dial] = {}
        self._dead: list[socket.SocketType] = []
        self._deadlines: dict[Dial, float] = {}
        self._tick: Timer | None = None
        self._loop = loop
        self._epoll = select.epoll()
        self._entrances = Entrances(
            self._epoll, connector, self._clock, full=self._full, serve=self._serve
        )
        loop.add_reader(self._epoll.fileno(), self._turn)

    @property
    def pauses(self) -> int:
        """How often accepting had to stop for want of descriptors or at the limit."""
        return self._entrances.pauses

    def listen(
        self, sock: socket.socket, candidates: Candidates, find: Find | None = None
    ) -> Entrance:
        """Accept from a listening, non-blocking socket, which is the relay's from now on."""
        return self._entrances.listen(sock, candidates, find)

    def unlisten(self, entrance: Entrance) -> None:
        """Close the listening socket; connections that were accepted stay."""
        self._entrances.unlisten(entrance)

    def break_off(self, unwanted: Callable[[Address, Address], bool]) -> None:
        """Reset connections by their client and what it addressed."""
        clients = [
            handler
            for handler in self._handlers.values()
            if isinstance(handler, End) and handler.link is not None
        ]
        for end in clients:
            with suppress(OSError):  # it broke by itself
                if unwanted(end.sock.getpeername(), end.sock.getsockname()):
                    self.reset(end)
        self._bury()

    async def drain(self, seconds: float = DRAIN_SECONDS) -> None:
        """Accept no more and deliver what was read, as far as the receivers take it in time."""
        self._entrances.unlisten_all()
        self._turn()
        deadline = self._clock.monotonic() + seconds
        while self._undelivered() and self._clock.monotonic() < deadline:
            await self._clock.sleep(DRAIN_TICK)

    def _undelivered(self) -> bool:
        return any(isinstance(each, End) and each.blocked for each in self._handlers.values())

    def close(self) -> None:
        """Close everything."""
        self._loop.remove_reader(self._epoll.fileno())
        if self._tick is not None:
            self._tick.cancel()
        for handler in tuple(self._handlers.values()):
            if isinstance(handler, Dial):
                self._abort(handler.fd)
            elif handler.fd in self._handlers:
                self.finish(handler)
        self._bury()
        self._entrances.close()
        self.pipes.close()
        self._epoll.close()

    # One turn of the event loop

    def _turn(self) -> None:
        """Handle what is ready, for about `TURN_SECONDS`; the loop calls again if there is more."""
        until = perf_counter() + TURN_SECONDS
        poll, handlers, listening = self._epoll.poll, self._handlers, self._entrances.fileno
        while events := poll(0, BATCH):
            for fd, mask in events:
                handler = handlers.get(fd)
                if handler is not None:
                    try:
                        handler.event(mask)
                    except OSError:
                        self._abort(fd)
                    except Exception:
                        log.exception("relay: a connection failed")
                        self._abort(fd)
                elif fd == listening:
                    self._entrances.accept()
            if self._dead:
                self._bury()
            if perf_counter() > until:
                return

    def _bury(self) -> None:
        for sock in self._dead:
            sock.close()
        self._dead.clear()
        self._entrances.resume()

    def _abort(self, fd: int) -> None:
        handler = self._handlers.get(fd)
        if isinstance(handler, End):
            self.reset(handler)
        elif handler is not None:
            self.hung_up(handler)
            self.given_up(handler)

    # Clients

    def _full(self) -> bool:
        return self.connections >= self._limit

    def _serve(self, client: socket.SocketType, peer: Address, candidates: Candidates) -> None:
        self.connections += 1
        dial = Dial(self, client, candidates(peer), (candidates, peer))
        if self._named is not None and self._named(candidates, peer[0]):
            dial.source, dial.near = peer[0], self._near
        elif self._node_of is not None and (node := self._node_of(peer)):
            dial.source, dial.near = node, self._near
        dial.advance()

    # What dials ask for

    def connector(self) -> socket.socket:
        """A socket to connect from."""
        return self._entrances.connector()

    def dialing(self, dial: Dial, seconds: float) -> None:
        """Watch a socket that connects."""
        self._epoll.register(dial.fd, INTEREST)
        self._handlers[dial.fd] = dial
        self._deadlines[dial] = self._clock.monotonic() + seconds
        if self._tick is None:
            self._tick = self._clock.call_later(DIAL_TICK, self._check_deadlines)

    def _check_deadlines(self) -> None:
        now = self._clock.monotonic()
        self._tick = None
        for dial in [dial for dial, deadline in self._deadlines.items() if deadline <= now]:
            dial.timed_out()
        if self._dead:
            self._bury()
        if self._deadlines and self._tick is None:
            self._tick = self._clock.call_later(DIAL_TICK, self._check_deadlines)

    def hung_up(self, dial: Dial) -> None:
        """Forget a socket that led nowhere."""
        del self._handlers[dial.fd]
        del self._deadlines[dial]
        self._dead.append(dial.sock)

    def answered(self, dial: Dial) -> None:
        """Watch it no more."""
        self._epoll.unregister(dial.fd)
        del self._handlers[dial.fd], self._deadlines[dial]

    def connected(self, dial: Dial) -> None:
        """Join the two ends."""
        near, far = End(self, dial.client), End(self, dial.sock)
        near.other, far.other = far, near
        self._epoll.register(near.fd, INTEREST)
        self._epoll.register(far.fd, INTEREST)
        self._handlers[near.fd], self._handlers[far.fd] = near, far
        if self._ledger is not None:
            near.link = self._ledger.opened(*dial.origin, dial.target, near.counted)

    def given_up(self, dial: Dial) -> None:
        """Tell the client by a reset: a refusal isn't possible any more."""
        self.connections -= 1
        _break_off(dial.client)
        self._dead.append(dial.client)

    # What ends ask for

    def rearm(self, end: End) -> None:
        """Have epoll report the end again."""
        if end.fd in self._handlers:
            self._epoll.modify(end.fd, INTEREST)

    def finish(self, end: End) -> None:
        """Close both sockets; the kernel delivers what they still hold."""
        self._part(end, reset=False)

    def reset(self, end: End) -> None:
        """Close both sockets with a reset, so each side learns that the other broke off."""
        self._part(end, reset=True)

    def _part(self, end: End, *, reset: bool) -> None:
        self.connections -= 1
        for each in (end, end.other):
            if each.link is not None and self._ledger is not None:
                self._ledger.closed(each.link, broken=reset)
                each.link = None
        for each in (end, end.other):
            each.ended, each.blocked = True, False
            if each.pipe is not None:
                each.release()
            del each.other  # or each pair would be garbage that only the collector finds
            del self._handlers[each.fd]
            if reset:
                _break_off(each.sock)
            self._dead.append(each.sock)


def _break_off(sock: socket.SocketType) -> None:
    """Have closing it send a reset, whatever waits in it."""
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)

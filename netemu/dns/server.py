"""The DNS server: one responder for each listener and transport, all reading one snapshot."""

import os
import random
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from ipaddress import ip_address
from typing import TypeAlias

from msgspec import Struct

from netemu.clock import Clock, SystemClock
from netemu.config.hostfiles import environment, matching, read_text
from netemu.config.settings import DnsSettings
from netemu.dns.chain import Configuration
from netemu.dns.configuration import Configurer
from netemu.dns.datagrams import serve_datagrams
from netemu.dns.defaults import corefile_of
from netemu.dns.forward import Forwarder, Tell
from netemu.dns.nodes import View, same
from netemu.dns.observation import Observers
from netemu.dns.replies import Room
from netemu.dns.responder import Responder
from netemu.dns.streams import serve_streams
from netemu.dns.world import World
from netemu.model.latest import Latest
from netemu.model.snapshot import Snapshot
from netemu.model.sockets import Connector, Sockets
from netemu.tasks import task_group

ANYWHERE = ("0.0.0.0", "::")
BESIDE = "/etc/coredns/Corefile"
"""Where pods of CoreDNS have their Corefile: what one of ours imports is sought beside it."""


def here(kind: socket.SocketKind, family: socket.AddressFamily) -> socket.socket:
    """An unbound socket in this thread's network."""
    return socket.socket(family, kind | socket.SOCK_NONBLOCK)


class DnsListener(Struct, frozen=True):
    """Where one kind of client asks. The server closes the sockets."""

    udp: socket.socket
    """Bound to one address: its replies come from there."""
    tcp: socket.socket
    """Listening."""
    view: Callable[[str], str] = same
    """What these clients are told for a cluster address."""
    meant: Callable[[str], str] = same
    """Its inverse, for reverse names."""
    connector: Connector = here
    """Makes further sockets in the network of these, for worker processes."""

    def sees_as(self, other: "DnsListener") -> bool:
        """Whether both kinds of clients are told the same."""
        return (self.view, self.meant) == (other.view, other.meant)


Both: TypeAlias = tuple[Responder, Responder]
"""Over UDP and over TCP."""
Served: TypeAlias = tuple[socket.socket, View, Responder, Connector]


class Dns(Struct, frozen=True):
    """A server that is answering."""

    configurer: Configurer
    observers: Observers
    forwarder: Forwarder | None
    """None: names of others are refused."""
    latest: Latest[Snapshot]

    @property
    def configuration(self) -> Latest[Configuration]:
        """What is in force."""
        return self.configurer.latest

    @property
    def ready(self) -> bool:
        """Whether what isn't there is denied: the first list is in."""
        return self.latest.value.synced


@asynccontextmanager
async def serve_dns(
    latest: Latest[Snapshot],
    settings: DnsSettings,
    listeners: Sequence[DnsListener],
    rng: random.Random,
    *,
    clock: Clock | None = None,
    outside: Sockets | None = None,
    corefile: Latest[str] | None = None,
    observers: Observers | None = None,
    tell: Tell | None = None,
) -> AsyncIterator[Dns]:
    """Answer on all listeners inside the block, as the settings say or, from its first text on,
    `corefile`; ask other servers through sockets made `outside`. Raises BadCorefile, OSError for
    a Corefile in the settings that can't be used.
    """
    clock, observers = clock or SystemClock(), observers or Observers()
    configurer = Configurer(_world(listeners, settings), first_corefile(settings), tell)
    async with AsyncExitStack() as stack:
        tasks = await stack.enter_async_context(task_group())
        tasks.start(configurer.follow_files(clock), name="dns files")
        if corefile is not None:
            tasks.start(configurer.follow_text(corefile), name="dns corefile")
        forwarder = None
        if outside is not None:
            connector = outside.connector
            forwarder = Forwarder(connector, rng, tasks, clock, observers=observers, tell=tell)
            configurer.latest.subscribe(forwarder.configure)
        responder = partial(
            Responder,
            latest,
            configurer.latest,
            rng=rng,
            asker=forwarder,
            observers=observers,
            room=Room(),
        )
        alike, served = dict[tuple[View, bool], Both](), list[Served]()
        for listener, view in zip(listeners, _views(listeners), strict=True):
            by_ipv6 = listener.udp.family == socket.AF_INET6
            if (view, by_ipv6) not in alike:
                make = partial(responder, view=view, by_ipv6=by_ipv6)
                alike[view, by_ipv6] = make(), make(stream=True)
            datagrams, streams = alike[view, by_ipv6]
            stack.enter_context(serve_datagrams(listener.udp, datagrams))
            served.append((listener.udp, view, datagrams, listener.connector))
            await stack.enter_async_context(serve_streams(listener.tcp, streams, clock))
        if settings.workers > 1:
            from netemu.dns.workers import run_workers  # late: hardly anybody asks for them

            others, configuration = settings.workers - 1, configurer.latest
            await stack.enter_async_context(
                run_workers(others, latest, configuration, served, rng, observers)
            )
        yield Dns(configurer, observers, forwarder, latest)


def first_corefile(settings: DnsSettings) -> str:
    """The Corefile before the cluster says another. Raises OSError."""
    if settings.corefile is None:
        return corefile_of(settings)
    return read_text(str(settings.corefile))


def _world(listeners: Sequence[DnsListener], settings: DnsSettings) -> World:
    bound = (listener.udp.getsockname()[:2] for listener in listeners)
    return World(
        read=read_text,
        paths=partial(matching, os.path.dirname(str(settings.corefile or BESIDE))),
        environment=environment(),
        own=frozenset((str(address), int(port)) for address, port in bound),
    )


def _views(listeners: Sequence[DnsListener]) -> list[View]:
    """One for each; those that are told the same have the same, so that what is kept serves all."""
    return [
        View(
            shown=listener.view,
            meant=listener.meant,
            own=_addresses([each for each in listeners if each.sees_as(listener)]),
        )
        for listener in listeners
    ]


def _addresses(listeners: Sequence[DnsListener]) -> tuple[str, ...]:
    """Where these clients can ask; a loopback address, which means another machine to most of
    them, only if there is nothing else.
    """
    bound = dict.fromkeys(str(listener.udp.getsockname()[0]) for listener in listeners)
    known = [address for address in bound if address not in ANYWHERE]
    return tuple([each for each in known if not ip_address(each).is_loopback] or known)

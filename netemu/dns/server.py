"""The DNS server: one responder for each listener and transport, all reading one snapshot."""

import random
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from netemu.clock import Clock, SystemClock
from netemu.config.settings import DnsSettings
from netemu.dns.datagrams import serve_datagrams
from netemu.dns.forward import Forwarder
from netemu.dns.nodes import Domain, View, same
from netemu.dns.records import lowered, name_from
from netemu.dns.responder import Responder
from netemu.dns.streams import serve_streams
from netemu.model.latest import Latest
from netemu.model.snapshot import Snapshot
from netemu.model.sockets import Sockets
from netemu.tasks import task_group

ANYWHERE = ("0.0.0.0", "::")


@dataclass(frozen=True, slots=True)
class DnsListener:
    """Where one kind of client asks. The server closes the sockets."""

    udp: socket.socket
    """Bound to one address: its replies come from there."""
    tcp: socket.socket
    """Listening."""
    view: Callable[[str], str] = same
    """What these clients are told for a cluster address."""
    meant: Callable[[str], str] = same
    """Its inverse, for reverse names."""


@asynccontextmanager
async def serve_dns(
    latest: Latest[Snapshot],
    settings: DnsSettings,
    listeners: Sequence[DnsListener],
    rng: random.Random,
    *,
    clock: Clock | None = None,
    outside: Sockets | None = None,
) -> AsyncIterator[None]:
    """Answer on all listeners inside the block; ask the servers of `settings.forward` through
    sockets made `outside`.
    """
    domain = Domain(lowered(name_from(settings.zone)), settings.ttl)
    async with AsyncExitStack() as stack:
        elsewhere = None
        if settings.upstreams and outside is not None:
            tasks = await stack.enter_async_context(task_group())
            elsewhere = Forwarder(settings.upstreams, outside.connector, rng, tasks).take
        for listener in listeners:
            own = str(listener.udp.getsockname()[0])
            view = View(
                shown=listener.view,
                meant=listener.meant,
                own=() if own in ANYWHERE else (own,),
            )
            responder = partial(Responder, latest, domain, view, rng, elsewhere=elsewhere)
            stack.enter_context(serve_datagrams(listener.udp, responder()))
            await stack.enter_async_context(
                serve_streams(listener.tcp, responder(stream=True), clock or SystemClock())
            )
        yield

"""The object graph of a running cluster, and the order in which it starts and stops.

Each part is entered after what it needs and left before it; what listens is listening before the
report that all is ready.
"""

import asyncio
import os
import random
import re
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from netemu.api.credentials import load, write_kubeconfig
from netemu.api.http import serve_api
from netemu.api.registry import Registry
from netemu.clock import SystemClock
from netemu.config.settings import Settings
from netemu.controllers.bootstrap import bootstrap
from netemu.controllers.table import run_controllers
from netemu.daemon.answers import Answers
from netemu.daemon.boot import Reports
from netemu.daemon.control import serve_control
from netemu.daemon.follow import follow, tell
from netemu.daemon.home import Home
from netemu.dns.server import DnsListener, serve_dns
from netemu.model.latest import Latest
from netemu.model.snapshot import EMPTY, Snapshot
from netemu.node.agent import NodeAgent
from netemu.node.spawner.launch import Launched
from netemu.proxy.server import serve_proxy
from netemu.scheduler.loop import run_scheduler
from netemu.store.sqlite import open_sqlite
from netemu.tasks import Tasks, task_group

LOOPBACK = "127.0.0.1"
API_PORT = 6443
"""Where the API listens inside the cluster's network."""
DNS_PORTS = (1053, 0)
"""Ports for DNS on the host, in order of preference; 53 comes before them for root."""


@dataclass(frozen=True, slots=True)
class Start:
    """What the daemon has when its loop begins."""

    settings: Settings
    home: Home
    launched: Launched
    reports: Reports
    started: float
    """When the daemon began, by the monotonic clock."""
    lifeline: int | None
    credentials: int
    """Pid of the process that makes them."""


class PortTaken(Exception):
    """A port that was asked for can't be had; the message says which and why."""


async def serve(start: Start) -> None:
    """Run the cluster until a signal, the lifeline's end, or a part's failure."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if start.lifeline is not None:
        loop.add_reader(start.lifeline, stop.set)
    try:
        async with _cluster(start):
            await stop.wait()
            if start.lifeline is not None:
                loop.remove_reader(start.lifeline)
    except ExceptionGroup as group:
        raise _first(group) from group


def _first(error: BaseException) -> BaseException:
    """What really happened, out of the groups that task groups wrap around it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


@asynccontextmanager
async def _cluster(start: Start) -> AsyncIterator[None]:
    settings, home, launched = start.settings, start.home, start.launched
    addressing, clock, rng = launched.addressing, SystemClock(), random.Random()
    latest: Latest[Snapshot] = Latest(EMPTY)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_sqlite(home.store, settings.store))
        registry = await stack.enter_async_context(
            Registry(store, clock=clock, rng=rng, addressing=addressing, network=settings.network)
        )
        await bootstrap(registry.client("netemu"), addressing)
        base = await stack.enter_async_context(task_group())
        base.start(launched.runtime.run(), name="spawner")
        base.start(follow(registry.client("netemu"), latest), name="snapshot")

        dns_sockets = _dns_sockets(settings, launched)
        dns = "{}:{}".format(*dns_sockets[0].udp.getsockname())
        await stack.enter_async_context(
            serve_dns(latest, settings.dns, dns_sockets, rng, clock=clock, outside=launched.host)
        )
        proxy = await stack.enter_async_context(
            serve_proxy(
                latest,
                addressing,
                nodes=settings.node.count,
                cluster=launched.cluster,
                host=launched.host if launched.runtime.isolated else None,
                clock=clock,
                rng=rng,
            )
        )
        agent = NodeAgent(
            client_for=registry.client,
            recorder_for=registry.recorder,
            runtime=launched.runtime,
            clock=clock,
            settings=settings,
            addressing=addressing,
            home=home.folder,
            dns=dns,
        )
        _await_credentials(start.credentials)
        credentials = load(home.credentials)
        api_socket = _api_socket(settings, home, launched)
        api = f"https://{LOOPBACK}:{api_socket.getsockname()[1]}"
        write_kubeconfig(home.kubeconfig, credentials, server=api, name=home.name)
        ready = asyncio.Event()
        await stack.enter_async_context(
            serve_api(
                registry,
                settings=settings.api,
                sockets=[api_socket, launched.cluster.listen(addressing.control_plane, API_PORT)],
                credentials=credentials,
                streams=agent.streams,
                ready=ready.is_set,
            )
        )
        await stack.enter_async_context(agent)
        top = await stack.enter_async_context(task_group())
        top.start(
            run_controllers(
                registry.client,
                registry.recorder,
                clock,
                addressing,
                settings.controllers,
                credentials.ca.decode(),
                str(home.folder.absolute() / "volumes"),
            ),
            name="controllers",
        )
        top.start(
            run_scheduler(
                registry.client("kube-scheduler"),
                registry.recorder("default-scheduler"),
                clock,
                rng,
            ),
            name="scheduler",
        )
        await latest.newer_than(EMPTY)
        await agent.registered()
        answers = Answers(start, registry, proxy, latest, api=api, dns=dns)
        await stack.enter_async_context(serve_control(home.socket, answers.handlers))
        ready.set()
        _report(start, answers, registry, top)
        yield


def _report(start: Start, answers: Answers, registry: Registry, tasks: Tasks) -> None:
    facts = answers.facts()
    start.home.write_facts(facts)
    seconds = time.monotonic() - start.started
    start.reports.send("ready", {**facts, "startSeconds": round(seconds, 3)})
    if start.lifeline is not None:
        tasks.start(tell(registry.client("netemu"), start.reports), name="events")


def _await_credentials(pid: int) -> None:
    """Wait for the process that makes them; it began long before, so this takes no time."""
    _, status = os.waitpid(pid, 0)
    if status:
        raise RuntimeError("keys and certificates could not be made")


def _api_socket(settings: Settings, home: Home, launched: Launched) -> socket.socket:
    """The API's port on the host: the one asked for, else the one used last time, else any."""
    if settings.api.port:
        return _listen(launched, settings.api.port)
    try:
        used = re.search(rf"server: https://{LOOPBACK}:(\d+)", home.kubeconfig.read_text())
        if used is not None:
            return launched.host.listen(LOOPBACK, int(used[1]))
    except OSError:
        pass  # there was no last time, or somebody else has the port now
    return launched.host.listen(LOOPBACK, 0)


def _listen(launched: Launched, port: int) -> socket.socket:
    try:
        return launched.host.listen(LOOPBACK, port)
    except OSError as error:
        raise PortTaken(f"cannot listen on {LOOPBACK}:{port}: {error.strerror}") from error


def _dns_sockets(settings: Settings, launched: Launched) -> list[DnsListener]:
    """Where DNS is asked: on the host, and at the cluster's own address if that can be bound."""
    addressing = launched.addressing
    host = _host_dns(settings, launched)
    try:
        inside = DnsListener(
            launched.cluster.bind_udp(addressing.dns, 53),
            launched.cluster.listen(addressing.dns, 53),
        )
    except PermissionError:
        return [host]  # loopback mode as an ordinary user: there is no other network to bind it in
    return [host, inside]


def _host_dns(settings: Settings, launched: Launched) -> DnsListener:
    wanted = settings.dns.port
    ports: tuple[int, ...] = DNS_PORTS if wanted is None else (wanted,)
    if wanted is None and launched.uplink:
        ports = (53, *ports)
    last: OSError | None = None
    for port in ports:
        try:
            udp = launched.host.bind_udp(LOOPBACK, port)
            try:
                tcp = launched.host.listen(LOOPBACK, udp.getsockname()[1])
            except OSError:
                udp.close()
                raise
        except OSError as error:
            last = error
            continue
        addressing = launched.addressing
        return DnsListener(udp, tcp, addressing.host_view, addressing.cluster_view)
    assert last is not None
    raise PortTaken(f"cannot listen on {LOOPBACK}:{ports[0]} for DNS: {last.strerror}")

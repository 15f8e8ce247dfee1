"""The object graph of a running cluster, and the order in which it starts and stops.

Each part is entered after what it needs and left before it; what listens is listening before the
report that all is ready.
"""

import asyncio
import gc
import os
import random
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from netemu.api.credentials import load, token_key, write_kubeconfig
from netemu.api.http import serve_api
from netemu.api.registry import Registry
from netemu.controllers.bootstrap import bootstrap
from netemu.controllers.table import run_controllers
from netemu.daemon import corefile
from netemu.daemon.addresses import ForeignAddresses
from netemu.daemon.control import serve_control
from netemu.daemon.facts import facts_of, follow_nodes
from netemu.daemon.follow import follow, settled, tell
from netemu.daemon.movableclock import MovableClock
from netemu.daemon.parts import MANAGER, Core, Start
from netemu.daemon.places import Places, open_places
from netemu.daemon.ports import open_ports
from netemu.dns.records import lowered, name_from
from netemu.dns.seen import Seen, see, serve_metrics
from netemu.dns.server import Dns, serve_dns
from netemu.fabric.owners import Owners
from netemu.late import late, load_all
from netemu.model.latest import Latest
from netemu.model.resources import CONFIG_MAPS
from netemu.model.snapshot import EMPTY
from netemu.node.agent import NodeAgent
from netemu.proxy.server import Proxy, serve_proxy
from netemu.proxy.site import Site
from netemu.store.sqlite import open_sqlite
from netemu.tasks import Tasks, task_group

if TYPE_CHECKING:
    from netemu.api import signing
    from netemu.api.tokens import ServiceAccountTokens
    from netemu.daemon.announcements import Announcements
    from netemu.daemon.answers import Answers
    from netemu.scheduler import loop as scheduling
else:
    signing = late("netemu.api.signing")
    ServiceAccountTokens = late("netemu.api.tokens").ServiceAccountTokens
    Announcements = late("netemu.daemon.announcements").Announcements
    Answers = late("netemu.daemon.answers").Answers
    scheduling = late("netemu.scheduler.loop")


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
    async with AsyncExitStack() as stack:
        core = await _core(start, stack)
        ready = asyncio.Event()
        ca = await _serve_api(start, stack, core, ready)
        # The agent first takes back what pods of an earlier run promised, then the controllers
        # take them out of their Services: only then may DNS and proxy believe the stored slices.
        await stack.enter_async_context(core.agent)
        top = await stack.enter_async_context(task_group())
        _control(start, top, core, ca, ready)
        await settled(core.registry.client(MANAGER), core.clock)
        top.start(follow(core.registry.client(MANAGER), core.latest), name="snapshot")
        await core.latest.newer_than(EMPTY)
        places = open_places(start, core)
        stack.callback(places.close)
        seen, proxy = await _serve_network(start, stack, core, places)
        latency = seen.programming.follow(core.registry.client(MANAGER), core.latest)
        top.start(latency, name="dns programming latency")
        foreign = _reach_foreign(start, top, core, proxy)
        announcements = _announce(start, top, core, proxy) if start.launched.uplink else None
        follow_nodes(proxy, core.agent, announcements)  # some may be from an earlier run
        facts = facts_of(start, core)

        @cache
        def answers() -> Answers:
            return Answers(start, core, proxy, seen, foreign, places, facts, announcements)

        control = serve_control(start.home.socket, lambda: answers().handlers)
        await stack.enter_async_context(control)
        ready.set()
        _report(start, facts, core, top)
        top.start(_load_the_rest(answers), name="the rest")
        try:
            yield
        finally:
            core.clock.resume()  # what ends, ends in time


async def _core(start: Start, stack: AsyncExitStack) -> Core:
    """Store and registry, with what a cluster has from the start; and every port there will be."""
    settings, launched = start.settings, start.launched
    clock, rng = MovableClock(start.home.ahead()), random.Random()
    store = await stack.enter_async_context(open_sqlite(start.home.store, settings.store))
    registry = await stack.enter_async_context(
        Registry(
            store,
            clock=clock,
            rng=rng,
            addressing=launched.addressing,
            network=settings.network,
            eviction_seconds=settings.api.eviction_seconds,
        )
    )
    registry.gate.inside = launched.addressing.has
    registry.gate.outside = launched.host if launched.runtime.isolated else None
    await bootstrap(registry.client(MANAGER), launched.addressing)
    tasks = await stack.enter_async_context(task_group())
    tasks.start(launched.runtime.run(), name="spawner")
    ports = open_ports(settings, start.home, launched)

    @cache
    def tokens() -> ServiceAccountTokens:
        key = token_key(start.home.credentials)  # not there yet when the agent is made
        return ServiceAccountTokens(registry.lookup, clock, key)

    agent = NodeAgent(
        client_for=registry.client,
        recorder_for=registry.recorder,
        runtime=launched.runtime,
        clock=clock,
        settings=settings,
        addressing=launched.addressing,
        home=start.home.folder,
        dns=ports.dns_address,
        tokens=lambda *asked: tokens().for_pod(*asked),
    )
    return Core(registry, clock, rng, ports, agent, Latest(EMPTY))


async def _serve_api(start: Start, stack: AsyncExitStack, core: Core, ready: asyncio.Event) -> str:
    """Serve the API; the CA's certificate."""
    _await_credentials(start.credentials)
    credentials = load(start.home.credentials)
    write_kubeconfig(
        start.home.kubeconfig, credentials, server=core.ports.api_url, name=start.home.name
    )
    await stack.enter_async_context(
        serve_api(
            core.registry,
            settings=start.settings.api,
            sockets=core.ports.api,
            credentials=credentials,
            streams=core.agent.streams,
            ready=ready.is_set,
            usage=core.agent.usage,
        )
    )
    return credentials.ca.decode()


def _control(start: Start, tasks: Tasks, core: Core, ca: str, ready: asyncio.Event) -> None:
    """Start the loops that make what is what should be."""
    registry = core.registry
    controllers = run_controllers(
        registry.client,
        registry.recorder,
        core.clock,
        start.launched.addressing,
        start.settings.controllers,
        ca,
        str(start.home.folder.absolute() / "volumes"),
        core.agent.usage,
        ready,
        partial(signing.sign, start.home.credentials),
    )
    tasks.start(controllers, name="controllers")

    async def schedule() -> None:
        await ready.wait()
        await scheduling.run_scheduler(
            registry.client("kube-scheduler"),
            registry.recorder("default-scheduler"),
            core.clock,
            core.rng,
        )

    tasks.start(schedule(), name="scheduler")


async def _serve_network(
    start: Start, stack: AsyncExitStack, core: Core, places: Places
) -> tuple[Seen, Proxy]:
    """Serve DNS and the virtual IPs."""
    settings, launched = start.settings, start.launched
    dns = await _serve_dns(start, stack, core)
    zone = lowered(name_from(settings.dns.zone))
    seen = stack.enter_context(see(dns, zone, core.clock))
    await stack.enter_async_context(serve_metrics(seen, **core.ports.dns_pages))
    if core.ports.web_proxy is not None:
        names = core.ports.dns_address, settings.dns.zone
        from netemu.daemon.webproxy import serve_web_proxy  # late: only loopback mode has it

        await stack.enter_async_context(serve_web_proxy(core.ports.web_proxy, *names))
    proxy = await stack.enter_async_context(
        serve_proxy(
            core.latest,
            launched.addressing,
            nodes=settings.node.count,
            cluster=launched.cluster,
            host=launched.host if launched.runtime.isolated else None,
            clock=core.clock,
            rng=core.rng,
            interception=places.interception,
            interception6=places.interception6,
            problem=places.problem,
            mode=settings.proxy.mode,
            resolve=launched.host.resolve,
            owners=Owners(launched.runtime.hosted),
        )
    )
    return seen, proxy


async def _serve_dns(start: Start, stack: AsyncExitStack, core: Core) -> Dns:
    """Serve DNS as the Corefile in the cluster says, and tell there what is wrong with it."""
    client, recorder = core.registry.client(MANAGER), core.registry.recorder("coredns")
    text = await corefile.prepare(client, start.settings.dns)
    tasks = await stack.enter_async_context(task_group())
    tasks.start(corefile.follow(client, text), name="corefile")

    def tell(reason: str, message: str) -> None:
        about = client.get(CONFIG_MAPS, *corefile.KEY)
        if about is not None:
            recorder.event(about, "Warning", reason, message)

    return await stack.enter_async_context(
        serve_dns(
            core.latest,
            start.settings.dns,
            core.ports.dns,
            core.rng,
            outside=start.launched.host,
            corefile=text,
            tell=tell,
        )
    )


def _reach_foreign(start: Start, tasks: Tasks, core: Core, proxy: Proxy) -> ForeignAddresses:
    launched = start.launched
    site = Site(launched.addressing, start.settings.node.count, loopback=False)
    foreign = ForeignAddresses(
        launched.runtime.reach, lambda ip: site.owns(ip) or not site.binds(str(ip)), proxy.try_again
    )
    if launched.runtime.isolated:
        tasks.start(foreign.run(core.latest), name="foreign addresses")
    return foreign


def _announce(start: Start, tasks: Tasks, core: Core, proxy: Proxy) -> Announcements:
    """Announce load balancers' addresses to who hangs on the uplink."""
    announcements = Announcements(
        core.registry.client(MANAGER),
        core.registry.recorder("metallb-speaker"),
        core.latest,
        start.launched.addressing,
        proxy.break_off,
    )
    tasks.start(announcements.run(), name="announcements")
    return announcements


def _report(start: Start, facts: dict[str, Any], core: Core, tasks: Tasks) -> None:
    start.home.write_facts(facts)
    start.reports.send("ready", facts)
    if start.lifeline is not None:
        tasks.start(tell(core.registry.client(MANAGER), start.reports), name="events")


async def _load_the_rest(answers: "Callable[[], Answers]") -> None:
    """Import, bit by bit, what the start could do without and the first pod or request can't; then
    follow what nobody waits for.
    """
    for _name in load_all():
        await asyncio.sleep(0)
    gc.freeze()  # nothing of all that becomes garbage
    gc.enable()
    await answers().record_rollouts()


def _await_credentials(pid: int) -> None:
    """Wait for the process that makes them; it began long before, so this takes no time."""
    _, status = os.waitpid(pid, 0)
    if status:
        raise RuntimeError("keys and certificates could not be made")

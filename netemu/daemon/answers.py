"""What the control socket answers: status, the way into the cluster, and manifests to apply."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from netemu.config.settings import ProxyMode
from netemu.daemon import manifests
from netemu.daemon.addresses import ForeignAddresses
from netemu.daemon.asking import Refused
from netemu.daemon.control import Handler
from netemu.daemon.facts import follow_nodes
from netemu.daemon.nodecontrol import NodeControl
from netemu.daemon.parts import MANAGER, Core, Start
from netemu.daemon.places import Places
from netemu.daemon.timecontrol import TimeControl
from netemu.dns.questions import Unanswered
from netemu.dns.seen import Seen
from netemu.fabric.enter import Entrance
from netemu.model.errors import NotFound
from netemu.model.resources import NODES, PODS
from netemu.node.launch import pod_resolver
from netemu.node.runtime import SandboxSpec
from netemu.proxy.choose import written
from netemu.proxy.openings import ModeRefused
from netemu.proxy.reachability import Range
from netemu.proxy.server import Proxy

if TYPE_CHECKING:
    from netemu.daemon.announcements import Announcements
    from netemu.daemon.rollouts import Rollouts


class Answers:
    """One running cluster's answers; made when it is ready."""

    def __init__(
        self,
        start: Start,
        core: Core,
        proxy: Proxy,
        seen: Seen,
        foreign: ForeignAddresses,
        outside: Places,
        facts: Mapping[str, Any],
        announcements: "Announcements | None",
    ) -> None:
        self._start = start
        self._facts = facts
        self._registry = core.registry
        self._client = core.registry.client(MANAGER)
        self._ports = core.ports
        self._latest = core.latest
        self._proxy = proxy
        self._core = core
        self._foreign = foreign
        self._outside = outside
        self._announcements = announcements
        self._runtime = start.launched.runtime
        self._places: set[str] = set()
        self._rollouts = cache(partial(_rollouts, core, proxy))
        self._time = TimeControl(
            core.clock, self._client, start.home, lambda: core.agent.underway.count > 0
        )
        changed = partial(follow_nodes, proxy, core.agent, announcements)
        core.agent.power.watch(changed)
        self._nodes = NodeControl(core.registry, core.agent.power, changed)
        self._dns = seen.questions(self._resolver_of)
        self._files = {"/etc/resolv.conf": _resolv_conf(start)}

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """Question -> its answer."""
        return {
            "status": self.status,
            "entrance": self.entrance,
            "apply": self.apply,
            "declare": self.declare,
            "prune": self.prune,
            "clock": self._time.answer,
            "node": self._nodes.answer,
            "proxy-mode": self.proxy_mode,
            "connections": self.connections,
            "affinity": self.affinity,
            "weights": self.weights,
            "rollout-report": self.rollout_report,
            "dns-log": _refusing(self._dns.log),
            "dns-explain": _refusing(self._dns.explain),
        }

    async def status(self, question: dict[str, Any]) -> dict[str, Any]:
        """The facts, and how things are now."""
        facts = self._facts
        return {
            **facts,
            "uptimeSeconds": round(time.monotonic() - self._start.started, 1),
            "nodes": [
                {"name": node["metadata"]["name"], "address": _internal_ip(node)}
                for node in self._client.list(NODES)
            ],
            "pods": len(self._client.list(PODS)),
            "services": len(self._latest.value.services),
            "proxy": str(self._proxy.mode),
            "connections": self._proxy.connections,
            "announced": self._announced(),
            "notes": [
                *facts["notes"],
                *self._without_rules(),
                *self._unannounced(),
                *self._unreachable(),
            ],
        }

    def _announced(self) -> dict[str, str]:
        """The node that neighbours on the uplink find each load balancer's address at."""
        return {} if self._announcements is None else dict(self._announcements.balanced)

    def _unannounced(self) -> list[str]:
        problem = "" if self._announcements is None else self._announcements.problem
        return [f"load balancers' addresses are not announced: {problem}"] if problem else []

    def _without_rules(self) -> list[str]:
        """What users notice where there can be no packet rules."""
        if not self._proxy.problem:
            return []
        lost = "each virtual address takes a socket of its own, and pods see not their clients but"
        return [f"{lost} their node: {self._proxy.problem}"]

    def _unreachable(self) -> list[str]:
        """Addresses the host should reach a Service at, and can't; the API has one of its own."""
        addressing = self._start.launched.addressing
        foreign = [
            f"{address} is reached from inside the cluster only: {note}"
            for address, note in sorted(self._foreign.notes.items())
        ]
        return foreign + [
            f"{written((listener.address, listener.port))} on the host is not served: {reason}"
            + (" (ports below 1024 are for root)" if listener.port < 1024 else "")
            for listener, reason in sorted(self._proxy.failures.items())
            if listener.address != addressing.mirror(addressing.api)
        ]

    async def proxy_mode(self, question: dict[str, Any]) -> dict[str, Any]:
        """Who carries Services' traffic, after a change if one is asked for."""
        wanted = question.get("mode")
        if wanted:
            try:
                self._proxy.set_mode(ProxyMode(wanted))
            except ValueError:
                modes = ", ".join(ProxyMode)
                raise Refused(f'"{wanted}" is no mode: there are {modes}') from None
            except ModeRefused as refusal:
                raise Refused(f"the kernel cannot carry the traffic here: {refusal}") from None
        return {"mode": str(self._proxy.mode), "translated": self._proxy.translated}

    async def entrance(self, question: dict[str, Any]) -> dict[str, Any]:
        """How to get to a place: "" is the cluster's own network."""
        kind, _, name = str(question.get("place", "")).partition(":")
        try:
            if not kind:
                found = await self._into_cluster()
            elif kind == "node" and name:
                found = await self._into_node(name)
            elif kind == "pod" and name.count("/") == 1:
                found = await self._into_pod(*name.split("/"))
            elif kind in list(Range) and not name:
                found = await self._outside.entrance(Range(kind))
            else:
                place = question["place"]
                raise Refused(
                    f'"{place}" is no place: use pod:NAMESPACE/NAME, node:NAME, vpc or internet'
                )
        except NotFound as error:
            raise Refused(str(error)) from None
        except OSError as error:
            raise Refused(f"cannot get there: {error}") from None
        namespace = name.partition("/")[0] if kind == "pod" else "default"
        return {
            "namespaces": dict(found.namespaces),
            "env": {**found.env, **self._names(namespace)},
        }

    def _names(self, namespace: str) -> dict[str, str]:
        """What makes HTTP clients find names where there is no resolv.conf of our own."""
        web = self._ports.web_proxy
        if web is None:
            return {}
        url = "http://{}@{}:{}".format(namespace, *web.getsockname())
        return {
            "NETEMU_DNS": self._ports.dns_address,
            "http_proxy": url,
            "https_proxy": url,
            "no_proxy": "localhost,127.0.0.0/8",
        }

    async def _into_cluster(self) -> Entrance:
        return await self._runtime.entrance(None, self._files)

    async def _into_node(self, name: str) -> Entrance:
        node = self._client.get(NODES, "", name)
        if node is None:
            raise NotFound(NODES, name)
        place = f"node-{name}"
        if place not in self._places:
            spec = SandboxSpec(
                id=place,
                hostname=name,
                address="",
                node_address=_internal_ip(node),
                files=self._files,
            )
            await self._runtime.create_sandbox(spec)
            self._places.add(place)
        return await self._runtime.entrance(place)

    async def _into_pod(self, namespace: str, name: str) -> Entrance:
        pod = self._client.get(PODS, namespace, name)
        if pod is None:
            raise NotFound(PODS, name)
        return await self._runtime.entrance(pod["metadata"]["uid"])

    async def connections(self, question: dict[str, Any]) -> list[dict[str, object]]:
        """Connections and flows through Services that are open, the oldest first."""
        return list(self._proxy.open_connections())

    async def affinity(self, question: dict[str, Any]) -> list[dict[str, object]]:
        """Which clients stick to which endpoint."""
        return sorted(self._proxy.affinities(), key=lambda row: tuple(map(str, row.values())))

    async def record_rollouts(self) -> None:
        """Follow rollouts until cancelled; begun when the cluster is ready, as nobody waits."""
        await self._rollouts().run()

    async def rollout_report(self, question: dict[str, Any]) -> dict[str, Any]:
        """What a rollout cost."""
        told = await self._rollouts().answer(question)
        return {**told, "connectionsSeen": self._proxy.mode is ProxyMode.USERSPACE}

    async def weights(self, question: dict[str, Any]) -> list[dict[str, object]]:
        """The shares of Services with weights, as declared and as they came out."""
        return [
            {
                "namespace": backend.service[0],
                "service": backend.service[1],
                "port": backend.port,
                "protocol": str(backend.protocol),
                "family": backend.family,
                **row,
            }
            for backend, route in sorted(self._proxy.routes.items())
            if route.weigher is not None
            for row in route.weigher.rows(route.endpoints)
        ]

    def _resolver_of(self, namespace: str, name: str) -> tuple[Sequence[str], Sequence[str]] | None:
        pod = self._client.get(PODS, namespace, name)
        if pod is None:
            return None
        zone, dns = self._start.settings.dns.zone, self._start.launched.addressing.dns
        found = pod_resolver(pod, zone, dns)
        return found.searches, found.options

    async def apply(self, question: dict[str, Any]) -> list[str]:
        """Apply manifests; a line for each object."""
        return await manifests.apply(self._registry, question["manifests"])

    async def declare(self, question: dict[str, Any]) -> dict[str, Any]:
        """Apply one file for ``netemu watch``."""
        from netemu.daemon import declared  # late: few clusters are watched for

        return await declared.apply(self._registry, question["source"], question["text"])

    async def prune(self, question: dict[str, Any]) -> list[str]:
        """Delete what files no longer declare."""
        from netemu.daemon import declared

        return await declared.prune(self._registry, question["objects"])


def _rollouts(core: Core, proxy: Proxy) -> "Rollouts":
    from netemu.daemon.rollouts import Rollouts  # late: the cluster is ready without

    return Rollouts(core.registry.client(MANAGER), core.clock, lambda: proxy.routes)


def _refusing(answer: Callable[[dict[str, Any]], Awaitable[Any]]) -> Handler:
    """The answers of the DNS server, which knows nothing of control sockets."""

    async def handler(question: dict[str, Any]) -> Any:
        try:
            return await answer(question)
        except Unanswered as error:
            raise Refused(str(error)) from None

    return handler


def _internal_ip(node: dict[str, Any]) -> str:
    addresses = (node.get("status") or {}).get("addresses") or ()
    return next((a["address"] for a in addresses if a["type"] == "InternalIP"), "")


def _resolv_conf(start: Start) -> str:
    """What a process in the cluster's network, but in no pod, finds names by."""
    zone = start.settings.dns.zone
    return (
        f"nameserver {start.launched.addressing.dns}\n"
        f"search default.svc.{zone} svc.{zone} {zone}\n"
        "options ndots:5\n"
    )

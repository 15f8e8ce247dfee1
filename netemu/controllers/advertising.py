"""Which node announces a load balancer's address to its neighbours on the network. Pure.

MetalLB's speakers agree without a word: each computes the same order of the nodes that may announce
an address, by a hash of both, and the first one does. So an address moves only when its node goes.
Source: MetalLB's speaker/layer2_controller.go and internal/config.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Final

from msgspec import Struct

from netemu.controllers.balancerpick import PREFIXES
from netemu.controllers.balancerpools import BadPool, Pool
from netemu.model.meta import Object, annotations_of, labels_of, name_of
from netemu.model.selector import Selector, from_object, matches
from netemu.model.service import Endpoint, TrafficPolicy
from netemu.model.snapshot import ServiceEntry

EXCLUDED: Final = "node.kubernetes.io/exclude-from-external-load-balancers"
"""The label of nodes that no load balancer may use, whatever its value."""

Nodes = Mapping[str, Mapping[str, str]]
"""The labels of the nodes that live, by name."""


class Advertisement(Struct, frozen=True, kw_only=True):
    """What an L2Advertisement says."""

    pools: frozenset[str] = frozenset()
    pool_selectors: tuple[Selector, ...] = ()
    node_selectors: tuple[Selector, ...] = ()
    """If there are some, only nodes that one of them matches announce."""
    service_selectors: tuple[Selector, ...] = ()
    """If there are some, it is only about Services that one of them matches."""
    preferences: tuple[tuple[int, Selector], ...] = ()
    """Nodes that had better announce, and by how much."""
    interfaces: frozenset[str] = frozenset()
    """Where to announce; none for wherever there is somebody to hear it."""

    def covers(self, pool: Pool) -> bool:
        """Whether it is about a pool; one that names none is about all."""
        if not self.pools and not self.pool_selectors:
            return True
        return pool.name in self.pools or any(matches(s, pool.labels) for s in self.pool_selectors)

    def concerns(self, service: Mapping[str, str]) -> bool:
        """Whether it is about a Service with these labels."""
        return not self.service_selectors or any(
            matches(s, service) for s in self.service_selectors
        )

    def allows(self, labels: Mapping[str, str]) -> bool:
        """Whether a node with these labels may announce."""
        return not self.node_selectors or any(matches(s, labels) for s in self.node_selectors)

    def weight(self, labels: Mapping[str, str]) -> int:
        """How much better than others a node is."""
        return sum(weight for weight, selector in self.preferences if matches(selector, labels))


class Announcer(Struct, frozen=True):
    """Who announces the addresses of a Service."""

    node: str
    interfaces: frozenset[str] = frozenset()
    """Where it is asked to; none for wherever there is somebody to hear it."""


def advertisement_from(obj: Object) -> Advertisement:
    """Read an L2Advertisement. Raises BadPool."""
    spec = obj.get("spec") or {}
    try:
        return Advertisement(
            pools=frozenset(spec.get("ipAddressPools") or ()),
            pool_selectors=_selectors(spec.get("ipAddressPoolSelectors")),
            node_selectors=_selectors(spec.get("nodeSelectors")),
            service_selectors=_selectors(spec.get("serviceSelectors")),
            preferences=tuple(
                (each["weight"], from_object(each.get("preference") or {}) or ())
                for each in spec.get("preferredNodeSelectors") or ()
            ),
            interfaces=frozenset(spec.get("interfaces") or ()),
        )
    except (KeyError, ValueError) as error:
        raise BadPool(f'invalid selector in L2Advertisement "{name_of(obj)}": {error}') from error


def _selectors(written: Iterable[Object] | None) -> tuple[Selector, ...]:
    return tuple(from_object(each) or () for each in written or ())


def announcer(
    service: Object,
    entry: ServiceEntry,
    pools: Sequence[Pool],
    advertisements: Iterable[Advertisement],
    nodes: Nodes,
) -> Announcer | None:
    """The node that announces a Service's addresses, both of them if there are two; None: nobody
    does.
    """
    ips = entry.service.load_balancer_ips
    pool = next((pool for pool in pools if ips and pool.has(ips[0])), None)
    if pool is None:
        return None
    asking = [a for a in advertisements if a.covers(pool) and a.concerns(labels_of(service))]
    if not _clear(service, asking):
        return None
    usable = _able(entry, pool, nodes) & _allowed(pool, asking, nodes)
    if not usable:
        return None

    def rank(name: str) -> tuple[int, bytes]:
        return -sum(a.weight(nodes[name]) for a in asking), _rank(name, ips[0])

    chosen = min(usable, key=rank)
    own = [] if pool.layer2 else [each for each in asking if each.allows(nodes[chosen])]
    anywhere = any(not each.interfaces for each in own)
    return Announcer(
        chosen, frozenset() if anywhere else frozenset().union(*(a.interfaces for a in own))
    )


def _clear(service: Object, asking: Iterable[Advertisement]) -> bool:
    """Whether it is clear who announces: Services that share an address must agree on that."""
    shared = any(f"{prefix}/allow-shared-ip" in annotations_of(service) for prefix in PREFIXES)
    return not (shared and any(each.service_selectors for each in asking))


def _rank(node: str, address: str) -> bytes:
    return sha256(f"{node}#{address}".encode()).digest()


def _able(entry: ServiceEntry, pool: Pool, nodes: Nodes) -> set[str]:
    """Those that could serve: with the Local policy only nodes that have an endpoint."""
    able = {name for name, labels in nodes.items() if EXCLUDED not in labels}
    endpoints = [each for part in entry.slices for each in part.endpoints if _serves(each)]
    if entry.service.external_policy is TrafficPolicy.LOCAL:
        return able & {each.node for each in endpoints}
    return able if endpoints or pool.always else set()


def _serves(endpoint: Endpoint) -> bool:
    return endpoint.ready or endpoint.serving


def _allowed(pool: Pool, asking: Iterable[Advertisement], nodes: Nodes) -> set[str]:
    """Those that are asked to: pools of the newer kind are silent unless somebody asks."""
    if pool.layer2:
        return set(nodes)
    return {name for name, labels in nodes.items() if any(a.allows(labels) for a in asking)}

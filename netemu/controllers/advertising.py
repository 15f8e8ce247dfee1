"""Which node announces a load balancer's address to its neighbours on the network. Pure.

MetalLB's speakers agree without a word: each computes the same order of the nodes that may announce
an address, by a hash of both, and the first one does. So an address moves only when its node goes.
Source: MetalLB's speaker/layer2_controller.go and internal/config.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Final

from msgspec import Struct

from netemu.controllers.balancerpools import BadPool, Pool
from netemu.model.meta import Object, name_of
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

    def covers(self, pool: Pool) -> bool:
        """Whether it is about a pool; one that names none is about all."""
        if not self.pools and not self.pool_selectors:
            return True
        return pool.name in self.pools or any(matches(s, pool.labels) for s in self.pool_selectors)

    def allows(self, labels: Mapping[str, str]) -> bool:
        """Whether a node with these labels may announce."""
        return not self.node_selectors or any(matches(s, labels) for s in self.node_selectors)


def advertisement_from(obj: Object) -> Advertisement:
    """Read an L2Advertisement. Raises BadPool."""
    spec = obj.get("spec") or {}
    try:
        return Advertisement(
            pools=frozenset(spec.get("ipAddressPools") or ()),
            pool_selectors=_selectors(spec.get("ipAddressPoolSelectors")),
            node_selectors=_selectors(spec.get("nodeSelectors")),
        )
    except (KeyError, ValueError) as error:
        raise BadPool(f'invalid selector in L2Advertisement "{name_of(obj)}": {error}') from error


def _selectors(written: Iterable[Object] | None) -> tuple[Selector, ...]:
    return tuple(from_object(each) or () for each in written or ())


def announcer(
    address: str,
    entry: ServiceEntry,
    pools: Sequence[Pool],
    advertisements: Iterable[Advertisement],
    nodes: Nodes,
) -> str | None:
    """The node that announces an address of a Service; None: nobody does."""
    pool = next((pool for pool in pools if pool.has(address)), None)
    if pool is None:
        return None
    usable = _able(entry, pool, nodes) & _allowed(pool, advertisements, nodes)
    return min(usable, key=lambda name: _rank(name, address), default=None)


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


def _allowed(pool: Pool, advertisements: Iterable[Advertisement], nodes: Nodes) -> set[str]:
    """Those that are asked to: pools of the newer kind are silent unless somebody asks."""
    if pool.layer2:
        return set(nodes)
    asking = [each for each in advertisements if each.covers(pool)]
    return {name for name, labels in nodes.items() if any(a.allows(labels) for a in asking)}

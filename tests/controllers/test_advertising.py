"""Who announces which address: as MetalLB's speakers decide it."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address
from typing import Any

import pytest
from msgspec import structs

from netemu.controllers.advertising import (
    EXCLUDED,
    Advertisement,
    Announcer,
    Nodes,
    advertisement_from,
    announcer,
)
from netemu.controllers.balancerpools import BadPool, Pool, own_pool, pool_from, pools_from_config
from netemu.model.service import Endpoint, EndpointSlice, Service, ServiceType, TrafficPolicy
from netemu.model.snapshot import ServiceEntry
from tests.support.samples import service

OURS, THEIRS = "172.30.0.240", "10.64.140.43"
OWN = own_pool((IPv4Address("172.30.0.240"), IPv4Address("172.30.0.250")))
NODES: dict[str, dict[str, str]] = {f"node-{n}": {"rack": f"r{n}"} for n in (1, 2, 3)}


def entry(*endpoints: Endpoint, local: bool = False, ips: tuple[str, ...] = ()) -> ServiceEntry:
    service = Service(
        namespace="default",
        name="web",
        type=ServiceType.LOAD_BALANCER,
        load_balancer_ips=ips,
        external_policy=TrafficPolicy.LOCAL if local else TrafficPolicy.CLUSTER,
    )
    part = EndpointSlice(namespace="default", name="web-1", service="web", endpoints=endpoints)
    return ServiceEntry(service, (part,))


def who(
    address: str,
    web: ServiceEntry,
    pools: Sequence[Pool],
    asking: Iterable[Advertisement],
    nodes: Nodes,
) -> str | None:
    """The node that announces an address."""
    own = ServiceEntry(structs.replace(web.service, load_balancer_ips=(address,)), web.slices)
    found = announcer(service(), own, pools, asking, nodes)
    return None if found is None else found.node


def on(node: str, **more: Any) -> Endpoint:
    return Endpoint(address="10.244.0.2", node=node, **more)


def pool(**labels: str) -> Pool:
    spec = {"addresses": ["10.64.140.43-10.64.140.49"]}
    return pool_from({"metadata": {"name": "lan", "labels": labels}, "spec": spec})


def asking(**spec: Any) -> Advertisement:
    return advertisement_from({"metadata": {"name": "lan"}, "spec": spec})


def rack(number: int) -> dict[str, Any]:
    return {"matchLabels": {"rack": f"r{number}"}}


UNREADY = {"ready": False, "serving": False}
WHO = [
    # entry, pool, advertisements, nodes that may be it
    pytest.param(entry(), OWN, [], {1, 2, 3}, id="of our own pool, though nobody serves"),
    pytest.param(entry(on("node-2")), OWN, [], {1, 2, 3}, id="any node, wherever endpoints are"),
    pytest.param(entry(on("node-2"), local=True), OWN, [], {2}, id="a local endpoint's node"),
    pytest.param(entry(local=True), OWN, [], set(), id="no local endpoint"),
    pytest.param(
        entry(on("node-2", **UNREADY), on("node-3"), local=True), OWN, [], {3}, id="one that serves"
    ),
    pytest.param(entry(on("node-1")), pool(), [], set(), id="nobody was asked to"),
    pytest.param(entry(on("node-1")), pool(), [asking()], {1, 2, 3}, id="asked for all pools"),
    pytest.param(
        entry(on("node-1")), pool(), [asking(ipAddressPools=["wan"])], set(), id="another pool"
    ),
    pytest.param(
        entry(on("node-1")), pool(), [asking(ipAddressPools=["lan"])], {1, 2, 3}, id="by name"
    ),
    pytest.param(
        entry(on("node-1")),
        pool(kind="lan"),
        [asking(ipAddressPoolSelectors=[{"matchLabels": {"kind": "lan"}}])],
        {1, 2, 3},
        id="by label",
    ),
    pytest.param(
        entry(on("node-1")),
        pool(),
        [asking(nodeSelectors=[rack(2)]), asking(ipAddressPools=["lan"], nodeSelectors=[rack(3)])],
        {2, 3},
        id="nodes that one of several names",
    ),
    pytest.param(entry(), pool(), [asking()], set(), id="of another pool, while nobody serves"),
    pytest.param(
        entry(on("node-1")),
        pool(),
        [asking(serviceSelectors=[{"matchLabels": {"tier": "front"}}], nodeSelectors=[rack(2)])],
        {2},
        id="asked for Services like this",
    ),
    pytest.param(
        entry(on("node-1")),
        pool(),
        [asking(serviceSelectors=[{"matchLabels": {"tier": "back"}}])],
        set(),
        id="asked for other Services",
    ),
]


@pytest.mark.parametrize(("given", "pool", "advertisements", "expected"), WHO)
def test_who_announces(
    given: ServiceEntry, pool: Pool, advertisements: list[Advertisement], expected: set[int]
) -> None:
    address, left, seen = (OURS if pool is OWN else THEIRS), dict(NODES), set()
    while (node := who(address, given, [pool], advertisements, left)) is not None:
        seen.add(int(node[-1]))
        del left[node]  # it dies, and the next one takes over
    assert seen == expected


def test_both_addresses_of_a_service_are_announced_by_one_node() -> None:
    """MetalLB's speakers go by the first address."""
    for n in range(240, 250):
        both = entry(ips=(f"172.30.0.{n}", "fd00::1"))
        first = entry(ips=(f"172.30.0.{n}",))
        found = [announcer(service(), each, [OWN], [], NODES) for each in (both, first)]
        assert found[0] == found[1] is not None


def test_nodes_may_be_preferred() -> None:
    preferred = [{"weight": 5, "preference": rack(3)}, {"weight": 2, "preference": rack(2)}]
    left, seen = dict(NODES), []
    while node := who(
        THEIRS, entry(on("node-1")), [pool()], [asking(preferredNodeSelectors=preferred)], left
    ):
        seen.append(node)
        del left[node]
    assert seen == ["node-3", "node-2", "node-1"]


@pytest.mark.parametrize(
    ("advertisements", "expected"),
    [
        ([asking(interfaces=["eth7"])], {"eth7"}),
        ([asking(interfaces=["eth7"]), asking(interfaces=["uplink"])], {"eth7", "uplink"}),
        ([asking(interfaces=["eth7"]), asking()], set()),
        ([asking(interfaces=["eth7"]), asking(nodeSelectors=[rack(9)])], {"eth7"}),
    ],
)
def test_interfaces_are_those_that_the_nodes_advertisements_name(
    advertisements: list[Advertisement], expected: set[str]
) -> None:
    web = entry(on("node-1"), ips=(THEIRS,))
    found = announcer(service(), web, [pool()], advertisements, NODES)
    assert isinstance(found, Announcer)
    assert found.interfaces == expected


def test_who_shares_an_address_is_not_told_apart_by_labels() -> None:
    web, shared = entry(on("node-1"), ips=(THEIRS,)), service()
    shared["metadata"]["annotations"] = {"metallb.io/allow-shared-ip": "key"}
    asked = [asking(serviceSelectors=[{"matchLabels": {"tier": "front"}}])]
    assert announcer(shared, web, [pool()], asked, NODES) is None
    assert announcer(shared, web, [pool()], [asking()], NODES) is not None


def test_only_addresses_of_the_announcer_that_went_move() -> None:
    web, addresses = entry(on("node-1")), [f"172.30.0.{n}" for n in range(240, 250)]
    before = {a: who(a, web, [OWN], [], NODES) for a in addresses}
    assert len(set(before.values())) > 1
    left = {name: labels for name, labels in NODES.items() if name != before[OURS]}
    after = {a: who(a, web, [OWN], [], left) for a in addresses}
    moved = {a for a in addresses if before[a] != after[a]}
    assert moved == {a for a in addresses if before[a] == before[OURS]}


def test_a_node_that_is_kept_from_balancers_announces_nothing() -> None:
    nodes = {"node-1": {EXCLUDED: ""}, "node-2": {}}
    assert {who(f"172.30.0.{n}", entry(), [OWN], [], nodes) for n in range(240, 250)} == {"node-2"}


def test_metallbs_config_map_announces_by_itself_unless_it_says_bgp() -> None:
    config = """
address-pools:
- {name: one, protocol: layer2, addresses: [10.64.140.43-10.64.140.43]}
- {name: two, protocol: bgp, addresses: [10.64.140.44-10.64.140.44]}
"""
    pools = pools_from_config({"data": {"config": config}})
    web = entry(on("node-1"))
    assert who("10.64.140.43", web, pools, [], NODES) in NODES
    assert who("10.64.140.44", web, pools, [], NODES) is None


def test_an_address_of_no_pool_is_nobodys() -> None:
    assert who("192.0.2.1", entry(on("node-1")), [OWN], [asking()], NODES) is None
    assert who("fd00::1", entry(on("node-1")), [OWN], [asking()], NODES) is None


def test_a_selector_that_is_none_is_a_mistake() -> None:
    wrong = {"matchExpressions": [{"key": "rack", "operator": "Is"}]}
    with pytest.raises(BadPool, match='invalid selector in L2Advertisement "lan"'):
        asking(nodeSelectors=[wrong])

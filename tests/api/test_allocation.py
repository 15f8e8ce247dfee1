import random
from ipaddress import IPv4Address, IPv4Network
from typing import Any, NamedTuple

import pytest

from netemu.api.allocation import ServiceAddresses
from netemu.api.defaults import with_defaults
from netemu.api.strategies import prepare_create, prepare_update
from netemu.model.addressing import Addressing, family_of
from netemu.model.errors import InternalError, Invalid
from netemu.model.meta import Object, copied
from netemu.model.resources import BY_KEY
from tests.support.families import BOTH, IPV4, IPV6, IPV6_FIRST
from tests.support.objects import a_service

SERVICES = BY_KEY["services"]
ADDRESSING = Addressing(
    services=IPv4Network("10.96.0.0/12"),
    pods=IPv4Network("10.244.0.0/16"),
    nodes=IPv4Network("172.30.0.0/24"),
    load_balancers=(IPv4Address("172.30.0.240"), IPv4Address("172.30.0.250")),
    block=77,
    mirrored=True,
)
TINY = Addressing(
    services=IPv4Network("127.77.0.0/28"),
    pods=ADDRESSING.pods,
    nodes=ADDRESSING.nodes,
    load_balancers=ADDRESSING.load_balancers,
    block=77,
    mirrored=False,
)
PORTS = (30000, 32767)


def addresses(
    *stored: Object, addressing: Addressing = ADDRESSING, ports: tuple[int, int] = PORTS
) -> ServiceAddresses:
    return ServiceAddresses(addressing, ports, random.Random(1), stored)


def sent(**spec: Any) -> Object:
    return prepare_create(SERVICES, with_defaults(SERVICES, a_service(**spec)))


def create(pool: ServiceAddresses, **spec: Any) -> Any:
    obj, reservation = pool.allocate(sent(**spec), None)
    pool.commit(reservation)
    return obj


def update(pool: ServiceAddresses, old: Object, **spec: Any) -> Any:
    given = with_defaults(SERVICES, a_service(**spec))
    obj, reservation = pool.allocate(prepare_update(SERVICES, given, old), old)
    pool.commit(reservation)
    return obj


def refusal(pool: ServiceAddresses, **spec: Any) -> str:
    with pytest.raises(Invalid) as caught:
        pool.allocate(sent(**spec), None)
    (cause,) = caught.value.causes
    return f"{cause.field}: {cause.message}"


def node_ports(service: Object) -> list[int]:
    return [port.get("nodePort", 0) for port in service["spec"]["ports"]]


NODE_PORT: dict[str, Any] = {"type": "NodePort"}
BALANCED: dict[str, Any] = {"type": "LoadBalancer"}
LOCAL = {**BALANCED, "externalTrafficPolicy": "Local"}
TWO = [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53}]


def test_a_service_gets_an_address_and_a_family() -> None:
    given = sent()
    before = copied(given)
    obj, _ = addresses().allocate(given, None)
    spec = obj["spec"]
    assert given == before
    assert spec["clusterIPs"] == [spec["clusterIP"]]
    assert (spec["ipFamilies"], spec["ipFamilyPolicy"]) == (["IPv4"], "SingleStack")


def test_addresses_come_from_the_mirrored_part_above_what_people_pick() -> None:
    pool = addresses()
    ips = [IPv4Address(create(pool)["spec"]["clusterIP"]) for _ in range(200)]
    assert len(set(ips)) == 200
    assert all(ip in IPv4Network("10.96.0.0/16") for ip in ips)
    assert min(ips) >= IPv4Address("10.96.1.1")
    assert all(ADDRESSING.mirror(str(ip)) for ip in ips)


def test_a_tiny_range_is_used_up_but_for_the_two_that_are_known() -> None:
    pool = addresses(addressing=TINY)
    ips = {create(pool)["spec"]["clusterIP"] for _ in range(12)}
    assert ips == {f"127.77.0.{n}" for n in range(2, 15)} - {"127.77.0.10"}
    with pytest.raises(InternalError, match="failed to allocate a serviceIP: range is full"):
        create(pool)


def test_an_address_may_be_chosen_once() -> None:
    pool = addresses()
    assert create(pool, clusterIP="10.96.0.1")["spec"]["clusterIPs"] == ["10.96.0.1"]
    assert create(pool, clusterIP="10.100.0.9")["spec"]["clusterIP"] == "10.100.0.9"
    assert refusal(pool, clusterIP="10.96.0.1") == (
        'spec.clusterIPs: Invalid value: []string{"10.96.0.1"}: failed to allocate IP 10.96.0.1: '
        "provided IP is already allocated"
    )


@pytest.mark.parametrize("ip", ["10.95.0.1", "10.96.0.0", "10.111.255.255"])
def test_an_address_elsewhere_cannot_be_had(ip: str) -> None:
    assert refusal(addresses(), clusterIP=ip) == (
        f'spec.clusterIPs: Invalid value: []string{{"{ip}"}}: failed to allocate IP {ip}: the '
        f"provided IP ({ip}) is not in the valid range. The range of valid IPs is 10.96.0.0/12"
    )


@pytest.mark.parametrize(
    "spec", [{"clusterIP": "None"}, {"type": "ExternalName", "externalName": "x.org"}]
)
def test_some_have_no_address(spec: dict[str, Any]) -> None:
    obj = create(addresses(), **spec)
    assert obj["spec"].get("clusterIP") == spec.get("clusterIP")


def test_two_stacks_cannot_be_had() -> None:
    assert refusal(addresses(), ipFamilyPolicy="RequireDualStack") == (
        'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured '
        "for dual-stack services"
    )


def test_stored_services_have_what_they_have() -> None:
    first = addresses()
    stored = create(
        first, clusterIP="10.96.0.7", ports=[{"port": 80, "nodePort": 30080}], **NODE_PORT
    )
    second = addresses(stored)
    assert "already allocated" in refusal(second, clusterIP="10.96.0.7")
    assert "already allocated" in refusal(
        second, ports=[{"port": 80, "nodePort": 30080}], **NODE_PORT
    )


def test_each_port_gets_a_node_port_above_what_people_pick() -> None:
    pool = addresses()
    service = create(
        pool, ports=[{"name": "a", "port": 80}, {"name": "b", "port": 81}], **NODE_PORT
    )
    first, second = node_ports(service)
    assert first != second
    assert all(30086 <= port <= 32767 for port in (first, second))


def test_a_new_services_tcp_and_udp_share_a_node_port() -> None:
    first, second = node_ports(create(addresses(), ports=TWO, **NODE_PORT))
    assert first == second


def test_also_when_one_of_them_is_chosen() -> None:
    chosen = [TWO[0], {**TWO[1], "nodePort": 30053}]
    assert node_ports(create(addresses(), ports=chosen, **NODE_PORT)) == [30053, 30053]


def test_a_port_added_later_has_its_own() -> None:
    pool = addresses()
    old = create(pool, ports=TWO[:1], **NODE_PORT)
    first, second = node_ports(update(pool, old, ports=TWO, **NODE_PORT))
    assert first == node_ports(old)[0] != second


def test_a_node_port_may_be_chosen_once() -> None:
    pool = addresses()
    create(pool, ports=[{"port": 80, "nodePort": 30080}], **NODE_PORT)
    ports = [
        {"name": "a", "port": 80, "nodePort": 30081},
        {"name": "b", "port": 81, "nodePort": 30080},
    ]
    assert refusal(pool, ports=ports, **NODE_PORT) == (
        "spec.ports[1].nodePort: Invalid value: 30080: provided port is already allocated"
    )
    assert create(pool, ports=ports[:1], **NODE_PORT), "the failed write took nothing"


@pytest.mark.parametrize("port", [80, 29999, 32768])
def test_a_node_port_elsewhere_cannot_be_had(port: int) -> None:
    assert refusal(addresses(), ports=[{"port": 80, "nodePort": port}], **NODE_PORT) == (
        f"spec.ports[0].nodePort: Invalid value: {port}: provided port is not in the valid range. "
        "The range of valid ports is 30000-32767"
    )


def test_when_all_node_ports_are_taken_a_service_says_so() -> None:
    pool = addresses(ports=(30000, 30000))
    create(pool, **NODE_PORT)
    with pytest.raises(InternalError, match="failed to allocate a nodePort: range is full"):
        create(pool, **NODE_PORT)


def test_a_balancer_may_do_without_node_ports() -> None:
    pool = addresses()
    without = {**BALANCED, "allocateLoadBalancerNodePorts": False}
    old = create(pool, ports=[{"port": 80}, {"port": 81, "nodePort": 30081}], **without)
    assert node_ports(old) == [0, 30081]
    new = update(pool, old, ports=[{"port": 80}, {"port": 81, "nodePort": 30081}], **BALANCED)
    assert node_ports(new)[0] != 0
    again = update(pool, new, ports=new["spec"]["ports"], **without)
    assert node_ports(again) == node_ports(new)


def test_a_local_balancer_has_a_port_for_health_checks() -> None:
    pool = addresses()
    drawn = create(pool, **LOCAL)["spec"]["healthCheckNodePort"]
    assert 30086 <= drawn <= 32767
    assert create(pool, healthCheckNodePort=30001, **LOCAL)["spec"]["healthCheckNodePort"] == 30001
    with pytest.raises(
        InternalError,
        match="failed to allocate requested HealthCheck NodePort 30001: provided port is already",
    ):
        create(pool, healthCheckNodePort=30001, **LOCAL)


def test_health_checks_and_node_ports_share_one_pool() -> None:
    pool = addresses()
    create(pool, healthCheckNodePort=30001, **LOCAL)
    assert "already allocated" in refusal(
        pool, ports=[{"port": 80, "nodePort": 30001}], **NODE_PORT
    )


def test_what_is_not_committed_was_never_taken() -> None:
    pool = addresses()
    spec: dict[str, Any] = {
        "clusterIP": "10.96.0.7",
        "ports": [{"port": 80, "nodePort": 30080}],
        **NODE_PORT,
    }
    _, reservation = pool.allocate(sent(**spec), None)
    assert "already allocated" in refusal(pool, **spec), "reserved while the write is under way"
    pool.rollback(reservation)
    create(pool, **spec)


def test_what_a_change_gives_back_is_free_when_it_is_stored() -> None:
    pool = addresses()
    spec: dict[str, Any] = {"clusterIP": "10.96.0.7", "ports": [{"port": 80, "nodePort": 30080}]}
    old = create(pool, **spec, **NODE_PORT)
    alias = prepare_update(
        SERVICES,
        with_defaults(SERVICES, a_service(type="ExternalName", externalName="x.org", ports=[])),
        old,
    )
    obj, reservation = pool.allocate(alias, old)
    assert "clusterIP" not in obj["spec"]
    assert "already allocated" in refusal(pool, **spec, **NODE_PORT)
    pool.commit(reservation)
    create(pool, **spec, **NODE_PORT)


def test_a_change_that_fails_gives_nothing_back() -> None:
    pool = addresses()
    old = create(pool, clusterIP="10.96.0.7")
    alias = with_defaults(SERVICES, a_service(type="ExternalName", externalName="x.org"))
    _, reservation = pool.allocate(prepare_update(SERVICES, alias, old), old)
    pool.rollback(reservation)
    assert "already allocated" in refusal(pool, clusterIP="10.96.0.7")


def test_an_alias_that_becomes_a_service_gets_an_address() -> None:
    pool = addresses()
    old = create(pool, type="ExternalName", externalName="x.org")
    assert update(pool, old)["spec"]["clusterIP"].startswith("10.96.")


def test_an_unchanged_service_takes_nothing() -> None:
    pool = addresses()
    old = create(pool, ports=TWO, **LOCAL)
    obj, reservation = pool.allocate(prepare_update(SERVICES, old, old), old)
    assert obj == old
    assert not reservation.taken_ips | reservation.taken_ports
    assert not reservation.freed_ips | reservation.freed_ports


def test_all_is_free_again_when_a_service_is_gone() -> None:
    pool = addresses(ports=(30000, 30002))
    for _ in range(3):
        service = create(pool, clusterIP="10.96.0.7", **LOCAL)
        pool.release(service)


# Two families: rules 18 and 19 of the Service semantics, on a cluster that has both.

PREFER, REQUIRE = {"ipFamilyPolicy": "PreferDualStack"}, {"ipFamilyPolicy": "RequireDualStack"}
SINGLE = {"ipFamilyPolicy": "SingleStack"}


class Got(NamedTuple):
    """What a Service has: its policy, and the families of its addresses in their order."""

    policy: str
    families: list[str]


def got(service: Any) -> Got:
    spec = service["spec"]
    assert spec["clusterIP"] == spec["clusterIPs"][0]
    families = [family_of(ip) for ip in spec["clusterIPs"]]
    assert families == spec["ipFamilies"]
    return Got(spec["ipFamilyPolicy"], families)


FOUR, SIX = ["IPv4"], ["IPv6"]
GRANTED: list[tuple[str, Addressing, dict[str, Any], Got]] = [
    ("the primary range by default", BOTH, {}, Got("SingleStack", FOUR)),
    ("whichever that is", IPV6_FIRST, {}, Got("SingleStack", SIX)),
    ("IPv6 alone, where there is no other", IPV6, {}, Got("SingleStack", SIX)),
    ("IPv4 as asked", IPV6_FIRST, {"ipFamilies": FOUR}, Got("SingleStack", FOUR)),
    ("IPv6 as asked", BOTH, {"ipFamilies": SIX}, Got("SingleStack", SIX)),
    ("both", BOTH, REQUIRE, Got("RequireDualStack", FOUR + SIX)),
    ("both, the primary first", IPV6_FIRST, REQUIRE, Got("RequireDualStack", SIX + FOUR)),
    (
        "both in the order asked", BOTH, {**REQUIRE, "ipFamilies": SIX + FOUR},
        Got("RequireDualStack", SIX + FOUR),
    ),
    (
        "both, from one family", BOTH, {**PREFER, "ipFamilies": SIX},
        Got("PreferDualStack", SIX + FOUR),
    ),
    ("both if there are", BOTH, PREFER, Got("PreferDualStack", FOUR + SIX)),
    ("what there is", IPV6, PREFER, Got("PreferDualStack", SIX)),
    ("by the address asked", BOTH, {"clusterIP": "fd00:10:96::77"}, Got("SingleStack", SIX)),
    (
        "both by one address", BOTH, {**REQUIRE, "clusterIP": "fd00:10:96::77"},
        Got("RequireDualStack", SIX + FOUR),
    ),
    (
        "both addresses as asked", BOTH, {**REQUIRE, "clusterIPs": ["10.96.0.7", "fd00:10:96::7"]},
        Got("RequireDualStack", FOUR + SIX),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("_", "cluster", "spec", "expected"), GRANTED, ids=[g[0] for g in GRANTED])
def test_a_service_of_two_families_gets(
    _: str, cluster: Addressing, spec: dict[str, Any], expected: Got
) -> None:
    assert got(create(addresses(addressing=cluster), **spec)) == expected


ON_ONE = "this cluster is not configured for dual-stack services"
REFUSED: list[tuple[str, Addressing, dict[str, Any], str]] = [
    (
        "both where there is one",
        IPV6,
        REQUIRE,
        f'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": {ON_ONE}',
    ),
    (
        "a family there isn't",
        IPV6,
        {"ipFamilies": FOUR},
        'spec.ipFamilies[0]: Invalid value: "IPv4": not configured on this cluster',
    ),
    (
        "an address of a family there isn't",
        IPV4,
        {"clusterIP": "fd00::5"},
        (
            'spec.clusterIPs[0]: Invalid value: []string{"fd00::5"}: IPv6 is not configured on '
            "this cluster"
        ),
    ),
    (
        "an address elsewhere",
        BOTH,
        {"clusterIP": "fd00:10:97::5"},
        (
            'spec.clusterIPs: Invalid value: []string{"fd00:10:97::5"}: failed to allocate IP '
            "fd00:10:97::5: the provided IP (fd00:10:97::5) is not in the valid range. "
            "The range of valid IPs is fd00:10:96::/112"
        ),
    ),
    (
        "one stack with two families",
        BOTH,
        {**SINGLE, "ipFamilies": FOUR + SIX},
        (
            "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or "
            "'PreferDualStack' when multiple IP families are specified"
        ),
    ),
]


@pytest.mark.parametrize(("_", "cluster", "spec", "words"), REFUSED, ids=[r[0] for r in REFUSED])
def test_a_service_of_two_families_is_refused(
    _: str, cluster: Addressing, spec: dict[str, Any], words: str
) -> None:
    assert refusal(addresses(addressing=cluster), **spec) == words


def test_one_stack_with_two_addresses_is_refused_for_either() -> None:
    two = ["10.96.0.7", "fd00:10:96::7"]
    with pytest.raises(Invalid) as caught:
        addresses(addressing=BOTH).allocate(sent(**SINGLE, clusterIPs=two), None)
    assert [cause.message.rpartition(": ")[2] for cause in caught.value.causes] == [
        "must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified"
    ]


@pytest.mark.parametrize("policy", [PREFER, REQUIRE], ids=["prefer", "require"])
def test_a_live_service_is_upgraded_and_keeps_its_address(policy: dict[str, Any]) -> None:
    pool = addresses(addressing=BOTH)
    old = create(pool)
    both = update(pool, old, **policy)
    assert both["spec"]["clusterIP"] == old["spec"]["clusterIP"]
    assert got(both) == Got(policy["ipFamilyPolicy"], FOUR + SIX)


def test_a_live_service_is_downgraded_and_its_second_address_is_free_at_once() -> None:
    pool = addresses(addressing=BOTH)
    both = create(pool, **REQUIRE, clusterIPs=["10.96.0.7", "fd00:10:96::7"])
    assert "already allocated" in refusal(pool, clusterIP="fd00:10:96::7")
    assert got(update(pool, both, **SINGLE)) == Got("SingleStack", FOUR)
    assert got(create(pool, clusterIP="fd00:10:96::7")) == Got("SingleStack", SIX)


def test_an_omitted_policy_is_inherited() -> None:
    pool = addresses(addressing=BOTH)
    both = create(pool, **REQUIRE)
    assert got(update(pool, both)) == got(both)


def test_what_preferred_both_and_has_one_is_not_upgraded_by_itself() -> None:
    alone = create(addresses(addressing=IPV4), **PREFER)
    later = addresses(alone, addressing=BOTH)
    assert got(update(later, alone, **PREFER, ipFamilies=FOUR)) == Got("PreferDualStack", FOUR)
    assert got(update(later, alone, **REQUIRE)) == Got("RequireDualStack", FOUR + SIX)


def test_an_alias_gives_both_addresses_back() -> None:
    pool = addresses(addressing=BOTH)
    both = create(pool, **REQUIRE, clusterIPs=["10.96.0.7", "fd00:10:96::7"])
    alias = update(pool, both, type="ExternalName", externalName="x.org")
    assert not {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"} & alias["spec"].keys()
    create(pool, **REQUIRE, clusterIPs=["10.96.0.7", "fd00:10:96::7"])


def test_headless_without_selector_takes_both_on_any_cluster() -> None:
    for cluster in (IPV4, IPV6, BOTH):
        spec = create(addresses(addressing=cluster), clusterIP="None", selector={})["spec"]
        assert spec["ipFamilyPolicy"] == "RequireDualStack"
        assert sorted(spec["ipFamilies"]) == FOUR + SIX


def test_the_last_address_of_a_range_of_ipv6_is_like_any_other() -> None:
    pool = addresses(addressing=IPV6)
    assert got(create(pool, clusterIP="fd00:10:96::ffff")).families == SIX
    assert "not in the valid range" in refusal(pool, clusterIP="fd00:10:96::")


def test_the_addresses_of_the_api_and_of_dns_are_kept_in_each_family() -> None:
    pool = addresses(addressing=BOTH)
    kept = {"fd00:10:96::1", "fd00:10:96::a", "10.96.0.1", "10.96.0.10"}
    for _ in range(300):
        assert not kept & {*create(pool, **REQUIRE)["spec"]["clusterIPs"]}


FURTHER = IPv4Network("10.196.196.0/29")


def test_addresses_of_further_ranges_may_be_asked_for() -> None:
    pool = addresses()
    assert "not in the valid range" in refusal(pool, clusterIP="10.196.196.2")
    pool.offer([FURTHER, ADDRESSING.services])
    kept = create(pool, clusterIP="10.196.196.2")
    assert kept["spec"]["clusterIPs"] == ["10.196.196.2"]
    assert "provided IP is already allocated" in refusal(pool, clusterIP="10.196.196.2")
    for outside in ("10.196.196.0", "10.196.196.7", "192.0.2.1"):
        words = "the provided network does not match the current range"
        assert words in refusal(pool, clusterIP=outside)
    pool.offer([])
    assert "not in the valid range" in refusal(pool, clusterIP="10.196.196.3")
    assert update(pool, kept, clusterIP="10.196.196.2")["spec"]["clusterIP"] == "10.196.196.2"
    pool.release(kept)
    pool.offer([FURTHER])
    create(pool, clusterIP="10.196.196.2")


def test_a_further_range_is_drawn_from_when_the_clusters_own_is_full() -> None:
    pool = addresses(addressing=TINY)
    pool.offer([FURTHER])
    own = {create(pool)["spec"]["clusterIP"] for _ in range(12)}
    assert all(IPv4Address(ip) in TINY.services for ip in own)
    more = {create(pool)["spec"]["clusterIP"] for _ in range(6)}
    assert more == {f"10.196.196.{number}" for number in range(1, 7)}
    with pytest.raises(InternalError, match="failed to allocate a serviceIP: range is full"):
        create(pool)


def test_overlapping_ranges_hand_out_an_address_once() -> None:
    pool = addresses(addressing=TINY)
    pool.offer([IPv4Network("127.77.0.0/27"), FURTHER])
    ips = [create(pool)["spec"]["clusterIP"] for _ in range(28)]
    assert len(set(ips)) == 28
    assert not {TINY.api, TINY.dns} & set(ips)

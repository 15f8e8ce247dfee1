import pytest

from netemu.config.settings import DnsSettings
from netemu.dns.chain import Configuration, Order
from netemu.dns.defaults import corefile_of
from netemu.dns.domain import PodNames
from netemu.dns.forwarding import Cache, Policy
from netemu.dns.plugins.table import configuration_from
from netemu.dns.records import name_from
from netemu.dns.world import World

KUBEADM = """.:53 {
    errors
    health {
        lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
        max_concurrent 1000
        policy random
    }
    cache 30 {
        disable success cluster.local
        disable denial cluster.local
    }
    loop
    reload
    loadbalance round_robin
}
"""


def meant(settings: DnsSettings) -> Configuration:
    world = World(read=lambda path: "nameserver 192.0.2.1\n" * (path == "/etc/resolv.conf"))
    made = configuration_from(corefile_of(settings), world)
    assert made.remarks == ()
    return made


def test_the_default_is_kubeadms() -> None:
    assert corefile_of(DnsSettings(ttl=30)) == KUBEADM


def test_settings_become_what_they_say() -> None:
    settings = DnsSettings(
        zone="k8s.example",
        forward="192.0.2.7:5353 192.0.2.8",
        policy="sequential",
        max_concurrent=7,
        cache=9,
        stub_domains={"corp.example": "192.0.2.9"},
        hosts={"db.example": "192.0.2.10 fd00::1"},
        ttls={"web.default.svc.k8s.example": 1},
        pods="verified",
        autopath=True,
        order="rotate",
        transfer="192.0.2.11",
    )
    made = meant(settings)
    (block,) = made.blocks
    stub, other = block.forwards
    assert (stub.origin, stub.servers) == (name_from("corp.example"), (("192.0.2.9", 53),))
    assert other.servers == (("192.0.2.7", 5353), ("192.0.2.8", 53))
    assert (other.policy, other.max_concurrent) == (Policy.SEQUENTIAL, 7)
    assert isinstance(other.cache, Cache)
    assert (other.cache.success, other.cache.denial) == (9, 9)
    assert block.hosts is not None
    assert block.hosts.addresses == {name_from("db.example"): ("192.0.2.10", "fd00::1")}
    assert block.kubernetes is not None
    assert block.kubernetes.domains[0].pods is PodNames.VERIFIED
    assert block.autopath is not None
    assert block.transfer is not None
    assert block.transfer.clients == frozenset({"192.0.2.11"})
    assert len(block.rewrites) == 2
    assert made.order is Order.ROTATE


def test_nothing_may_be_left_out_too() -> None:
    made = meant(DnsSettings(forward="", cache=0, order="keep"))
    assert (made.blocks[0].forwards, made.order) == ((), Order.KEEP)


def test_a_seed_is_passed_on() -> None:
    made = meant(DnsSettings(seed=5))
    assert (made.order, made.seed) == (Order.RANDOM, 5)


@pytest.mark.parametrize("scheme", ["tls", "https"])
def test_servers_may_be_asked_securely(scheme: str) -> None:
    made = meant(DnsSettings(forward=f"{scheme}://9.9.9.9%dns.quad9.net"))
    ((_, tls),) = made.blocks[0].forwards[0].secured
    assert (tls.name, tls.https) == ("dns.quad9.net", scheme == "https")

from typing import Any

import pytest

from netemu.model.meta import Object
from netemu.node.sandbox_files import (
    Resolver,
    Surroundings,
    hostname,
    hosts,
    parse_resolv_conf,
    resolv_conf,
    resolver,
    sandbox_files,
)

AROUND = Surroundings(
    zone="cluster.local",
    dns="10.96.0.10",
    node="node-1",
    host_hosts="127.0.0.1 localhost\n",
    host_resolv_conf="# by hand\nnameserver 127.0.0.53\nnameserver 9.9.9.9\nsearch lan\n",
)
SEARCHES = ("shop.svc.cluster.local", "svc.cluster.local", "cluster.local")


def pod(**spec: Any) -> Object:
    return {"metadata": {"name": "web-0", "namespace": "shop"}, "spec": spec}


def test_a_pods_files() -> None:
    files = sandbox_files(pod(), ["10.244.0.7"], AROUND)
    assert files["/etc/hostname"] == "web-0\n"
    assert files["/etc/resolv.conf"] == (
        "search shop.svc.cluster.local svc.cluster.local cluster.local\n"
        "nameserver 10.96.0.10\n"
        "options ndots:5\n"
    )
    assert files["/etc/hosts"].startswith(
        "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n"
    )
    assert files["/etc/hosts"].endswith("\n10.244.0.7\tweb-0\n")


def test_hostname_and_subdomain_make_a_full_name() -> None:
    text = hosts(pod(hostname="a", subdomain="db"), ["10.244.0.7"], AROUND)
    assert text.splitlines()[-1] == "10.244.0.7\ta.db.shop.svc.cluster.local\ta"


def test_with_dual_stack_each_address_has_a_line() -> None:
    text = hosts(pod(hostname="a", subdomain="db"), ["10.244.0.7", "fd00:10:244::7"], AROUND)
    assert text.splitlines()[-2:] == [
        "10.244.0.7\ta.db.shop.svc.cluster.local\ta",
        "fd00:10:244::7\ta.db.shop.svc.cluster.local\ta",
    ]


def test_host_aliases_come_last() -> None:
    aliases = [{"ip": "1.2.3.4", "hostnames": ["x.test", "y.test"]}]
    text = hosts(pod(hostAliases=aliases), ["10.244.0.7"], AROUND)
    assert text.endswith("web-0\n\n# Entries added by HostAliases.\n1.2.3.4\tx.test\ty.test\n")


def test_a_pod_on_the_hosts_network_has_the_hosts_file_and_name() -> None:
    host_pod = pod(hostNetwork=True, subdomain="db")
    assert hostname(host_pod, "node-1") == "node-1"
    assert hosts(host_pod, ["172.30.0.11"], AROUND) == (
        "# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost\n"
    )


def test_a_long_name_is_cut() -> None:
    long = pod()
    long["metadata"]["name"] = "a" * 62 + "-b"
    assert hostname(long, "node-1") == "a" * 62


CASES = [
    ("ClusterFirst is the default", {}, Resolver(("10.96.0.10",), SEARCHES, ("ndots:5",))),
    (
        "hostNetwork turns ClusterFirst into Default",
        {"hostNetwork": True},
        Resolver(("10.96.0.10", "9.9.9.9"), ("lan",)),
    ),
    (
        "unless it says otherwise",
        {"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"},
        Resolver(("10.96.0.10",), SEARCHES, ("ndots:5",)),
    ),
    (
        "None has exactly what is configured",
        {
            "dnsPolicy": "None",
            "dnsConfig": {
                "nameservers": ["1.1.1.1"],
                "searches": ["a.test"],
                "options": [{"name": "ndots", "value": "2"}, {"name": "edns0"}],
            },
        },
        Resolver(("1.1.1.1",), ("a.test",), ("ndots:2", "edns0")),
    ),
    (
        "dnsConfig is added, options of one name replaced",
        {
            "dnsConfig": {
                "nameservers": ["1.1.1.1", "10.96.0.10"],
                "searches": ["a.test"],
                "options": [{"name": "ndots", "value": "1"}],
            }
        },
        Resolver(("10.96.0.10", "1.1.1.1"), (*SEARCHES, "a.test"), ("ndots:1",)),
    ),
]


@pytest.mark.parametrize(("name", "spec", "expected"), CASES, ids=[case[0] for case in CASES])
def test_resolver(name: str, spec: Object, expected: Resolver) -> None:
    assert resolver(pod(**spec), AROUND) == expected


def test_a_resolv_conf_is_read_as_it_is_written() -> None:
    written = Resolver(("1.1.1.1", "fe80::1%eth0"), ("a", "b"), ("ndots:2",))
    assert parse_resolv_conf(resolv_conf(written)) == written


def test_no_nameserver_at_all_means_the_clusters() -> None:
    around = Surroundings(zone="cluster.local", dns="10.96.0.10", node="n")
    assert resolver(pod(dnsPolicy="Default"), around).nameservers == ("10.96.0.10",)

from typing import Any

import pytest

from netemu.model.service import node_place_from, pod_address_from, service_from, slice_from


def service(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "n", "name": "s"}, "spec": spec}


def test_a_cluster_ip_service_keeps_its_addresses_and_ports() -> None:
    made = service_from(
        service(
            clusterIP="10.96.0.5",
            clusterIPs=["10.96.0.5", "fd00::5"],
            ports=[
                {"name": "http", "port": 80, "nodePort": 31000},
                {"port": 53, "protocol": "UDP"},
            ],
        )
    )
    assert made.cluster_ips == ("10.96.0.5", "fd00::5")
    assert not made.headless
    assert [(p.name, p.protocol, p.port, p.node_port) for p in made.ports] == [
        ("http", "TCP", 80, 31000),
        ("", "UDP", 53, None),
    ]


def test_a_headless_service_has_no_address() -> None:
    made = service_from(service(clusterIP="None", clusterIPs=["None"]))
    assert made.headless
    assert made.cluster_ips == ()


@pytest.mark.parametrize(
    ("spec", "seconds"),
    [
        ({}, None),
        ({"sessionAffinity": "None"}, None),
        ({"sessionAffinity": "ClientIP"}, 10800),
        (
            {
                "sessionAffinity": "ClientIP",
                "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 5}},
            },
            5,
        ),
    ],
)
def test_affinity_is_a_time_or_nothing(spec: dict[str, Any], seconds: int | None) -> None:
    assert service_from(service(**spec)).affinity_seconds == seconds


def test_a_label_hands_a_service_to_another_proxy() -> None:
    obj = service()
    assert service_from(obj).proxied
    obj["metadata"]["labels"] = {"service.kubernetes.io/service-proxy-name": "other"}
    assert not service_from(obj).proxied


def test_only_virtual_ips_of_a_balancer_are_taken() -> None:
    obj = service(type="LoadBalancer")
    ingress = [{"ip": "1.1.1.1"}, {"ip": "2.2.2.2", "ipMode": "Proxy"}, {"hostname": "x"}]
    obj["status"] = {"loadBalancer": {"ingress": ingress}}
    assert service_from(obj).load_balancer_ips == ("1.1.1.1",)


def test_a_slice_lists_each_address_and_leaves_out_ports_without_number() -> None:
    made = slice_from(
        {
            "metadata": {"namespace": "n", "name": "s-1"},
            "addressType": "IPv4",
            "endpoints": [
                {
                    "addresses": ["1", "2"],
                    "targetRef": {"kind": "Pod", "namespace": "n", "name": "p"},
                },
                {"addresses": ["3"], "conditions": {"ready": False, "serving": True}},
            ],
            "ports": [{"name": None, "port": 80}, {"name": "all", "port": None}],
        }
    )
    assert [e.address for e in made.endpoints] == ["1", "2", "3"]
    assert made.endpoints[0].target == ("n", "p")
    assert (made.endpoints[2].ready, made.endpoints[2].serving) == (False, True)
    assert [port.name for port in made.ports] == [""]
    assert made.service == ""


@pytest.mark.parametrize(
    ("status", "spec", "has"),
    [
        ({"podIP": "1"}, {}, True),
        ({"podIPs": [{"ip": "1"}, {"ip": "::1"}]}, {}, True),
        ({"podIP": "1", "phase": "Succeeded"}, {}, False),
        ({"podIP": "1", "phase": "Failed"}, {}, False),
        ({"podIP": "1"}, {"hostNetwork": True}, False),
        ({}, {}, False),
    ],
)
def test_a_pod_holds_its_address_until_it_has_ended(
    status: dict[str, Any], spec: dict[str, Any], has: bool
) -> None:
    pod = {"metadata": {"namespace": "n", "name": "p"}, "spec": spec, "status": status}
    assert (pod_address_from(pod) is not None) is has


def test_addresses_of_ipv6_are_kept_in_the_form_that_sockets_tell() -> None:
    made = service_from(
        service(
            clusterIPs=["10.96.0.5", "FD00:10:96:0::5"],
            externalIPs=["2001:DB8::0001"],
            type="LoadBalancer",
        )
        | {"status": {"loadBalancer": {"ingress": [{"ip": "fd00:172:30:0::F0"}]}}}
    )
    assert made.cluster_ips == ("10.96.0.5", "fd00:10:96::5")
    assert made.families == ("IPv4", "IPv6")
    assert made.external_ips == ("2001:db8::1",)
    assert made.load_balancer_ips == ("fd00:172:30::f0",)
    part = slice_from(
        {
            "metadata": {"namespace": "n", "name": "s-1"},
            "addressType": "IPv6",
            "endpoints": [{"addresses": ["fd00:0::7"]}],
        }
    )
    assert [each.address for each in part.endpoints] == ["fd00::7"]


def test_a_node_has_an_address_of_each_family() -> None:
    addresses = [
        {"type": "InternalIP", "address": "172.30.0.11"},
        {"type": "Hostname", "address": "node-1"},
        {"type": "InternalIP", "address": "fd00:172:30::b"},
    ]
    made = node_place_from({"metadata": {"name": "node-1"}, "status": {"addresses": addresses}})
    assert made.addresses == ("172.30.0.11", "fd00:172:30::b")
    assert (made.of("IPv4"), made.of("IPv6")) == made.addresses
    alone = node_place_from({"metadata": {"name": "n"}, "status": {"addresses": addresses[:1]}})
    assert (alone.addresses, alone.of("IPv6")) == (("172.30.0.11",), "")


def test_a_node_that_goes_takes_nothing_more() -> None:
    obj: dict[str, Any] = {"metadata": {"name": "node-1"}, "spec": {}, "status": {}}
    assert node_place_from(obj).eligible
    taint = {"key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule"}
    assert not node_place_from({**obj, "spec": {"taints": [taint]}}).eligible
    deleted = {"name": "node-1", "deletionTimestamp": "2026-01-01T00:00:00Z"}
    assert not node_place_from({**obj, "metadata": deleted}).eligible


def test_leading_zeros_of_addresses_mean_nothing() -> None:
    spec = {"clusterIPs": ["10.096.000.077"], "externalIPs": ["192.000.2.010"]}
    found = service_from({"metadata": {"namespace": "default", "name": "web"}, "spec": spec})
    assert found.cluster_ips == ("10.96.0.77",)
    assert found.external_ips == ("192.0.2.10",)

from typing import Any

import pytest

from netemu.api import servicetype

LOCAL = {"type": "LoadBalancer", "externalTrafficPolicy": "Local"}


@pytest.mark.parametrize(
    ("rule", "spec", "expected"),
    [
        ("type_of", {}, "ClusterIP"),
        ("needs_cluster_ip", {}, True),
        ("needs_cluster_ip", {"clusterIP": "None"}, True),
        ("needs_cluster_ip", {"type": "ExternalName"}, False),
        ("needs_node_port", {}, False),
        ("needs_node_port", {"type": "NodePort"}, True),
        ("needs_node_port", {"type": "LoadBalancer"}, True),
        ("allocates_node_ports", {"type": "NodePort"}, True),
        ("allocates_node_ports", {"type": "LoadBalancer"}, True),
        (
            "allocates_node_ports",
            {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False},
            False,
        ),
        ("needs_health_check", LOCAL, True),
        ("needs_health_check", {**LOCAL, "type": "NodePort"}, False),
        ("is_externally_accessible", {}, False),
        ("is_externally_accessible", {"externalIPs": ["1.2.3.4"]}, True),
        ("is_headless", {"clusterIPs": ["None"]}, True),
        ("is_headless", {"clusterIPs": ["10.0.0.1"]}, False),
    ],
)
def test_what_follows_from_a_type(rule: str, spec: dict[str, Any], expected: object) -> None:
    assert getattr(servicetype, rule)(spec) == expected

from typing import NamedTuple

import pytest

from netemu.api.defaults import with_defaults
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY
from tests.support.objects import in_cluster, named


class Case(NamedTuple):
    name: str
    resource: str
    given: Object
    expected: Object


CASES = [
    Case(
        "a namespace carries its name as a label",
        "namespaces",
        in_cluster("dev"),
        {
            "metadata": {"name": "dev", "labels": {"kubernetes.io/metadata.name": "dev"}},
            "status": {"phase": "Active"},
        },
    ),
    Case(
        "a nameless namespace has no such label yet",
        "namespaces",
        {"metadata": {"generateName": "dev-"}},
        {"metadata": {"generateName": "dev-"}, "status": {"phase": "Active"}},
    ),
    Case(
        "a secret is opaque, and its plain text is encoded over the rest",
        "secrets",
        named(stringData={"a": "x"}, data={"a": "eQ==", "b": "eg=="}),
        named(type="Opaque", data={"a": "eA==", "b": "eg=="}),
    ),
    Case(
        "all of a node is allocatable, and it has a spec",
        "nodes",
        in_cluster(status={"capacity": {"cpu": "2"}}),
        in_cluster(status={"capacity": {"cpu": "2"}, "allocatable": {"cpu": "2"}}, spec={}),
    ),
    Case(
        "endpoints speak TCP",
        "endpoints",
        named(subsets=[{"ports": [{"port": 80}]}]),
        named(subsets=[{"ports": [{"port": 80, "protocol": "TCP"}]}]),
    ),
    Case(
        "a slice's port has a name, if an empty one",
        "endpointslices.discovery.k8s.io",
        named(ports=[{"port": 80}, {"name": "dns", "port": 53, "protocol": "UDP"}]),
        named(
            ports=[
                {"name": "", "port": 80, "protocol": "TCP"},
                {"name": "dns", "port": 53, "protocol": "UDP"},
            ]
        ),
    ),
    Case("a config map has none", "configmaps", named(data={"a": "b"}), named(data={"a": "b"})),
    Case("a lease has none", "leases.coordination.k8s.io", named(), named()),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_defaults(case: Case) -> None:
    assert with_defaults(BY_KEY[case.resource], case.given) == case.expected

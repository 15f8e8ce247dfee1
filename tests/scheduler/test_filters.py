"""Why a pod cannot run on a node, in upstream's words."""

import pytest

from netemu.model.placement import Taint, Term, Toleration
from netemu.model.selector import Operator, Requirement
from netemu.scheduler.facts import Node, Pod
from netemu.scheduler.filters import objections
from netemu.scheduler.usage import Usage

ROOM = {"cpu": 1000, "memory": 2**30, "pods": 10}
PLAIN = Pod(key=("default", "a"), uid="a")
NODE = Node(name="n1", labels={"disk": "ssd"}, allocatable=ROOM)
RED = Taint("color", "red", "NoSchedule")
SSD = Term((Requirement("disk", Operator.IN, ("ssd",)),), ())
HDD = Term((Requirement("disk", Operator.IN, ("hdd",)),), ())
BY_NAME = Term((), (Requirement("metadata.name", Operator.IN, ("n1",)),))
MISMATCH = "node(s) didn't match Pod's node affinity/selector"


def wanting(**fields: object) -> Pod:
    return Pod(key=("default", "b"), uid="b", **fields)  # type: ignore[arg-type]  # any field


def used(*pods: Pod) -> Usage:
    usage = Usage()
    for pod in pods:
        usage.add(pod)
    return usage


def port(address: str, number: int = 80, protocol: str = "TCP") -> Pod:
    return wanting(host_ports=frozenset({(address, protocol, number)}))


CASES = [
    pytest.param(PLAIN, NODE, Usage(), (), id="nothing against it"),
    pytest.param(
        PLAIN,
        Node(name="n1", unschedulable=True, taints=(RED,)),
        Usage(),
        ("node(s) were unschedulable",),
        id="cordoned, said before all else",
    ),
    pytest.param(
        PLAIN,
        Node(name="n1", taints=(RED,), allocatable=ROOM),
        Usage(),
        ("node(s) had untolerated taint {color: red}",),
        id="tainted",
    ),
    pytest.param(
        wanting(tolerations=(Toleration("color", "", "", exists=True),)),
        Node(name="n1", taints=(RED,), allocatable=ROOM),
        Usage(),
        (),
        id="tolerated",
    ),
    pytest.param(
        PLAIN,
        Node(name="n1", taints=(Taint("x", "", "PreferNoSchedule"),), allocatable=ROOM),
        Usage(),
        (),
        id="only disliked",
    ),
    pytest.param(wanting(required=(HDD, SSD)), NODE, Usage(), (), id="one term matches"),
    pytest.param(wanting(required=(HDD,)), NODE, Usage(), (MISMATCH,), id="no term matches"),
    pytest.param(wanting(required=(BY_NAME,)), NODE, Usage(), (), id="a term on the name"),
    pytest.param(wanting(required=(Term((), ()),)), NODE, Usage(), (MISMATCH,), id="empty term"),
    pytest.param(wanting(node_selector=HDD.labels), NODE, Usage(), (MISMATCH,), id="selector"),
    pytest.param(
        port("0.0.0.0"),
        NODE,
        used(port("127.0.0.1")),
        ("node(s) didn't have free ports for the requested pod ports",),
        id="every address meets one",
    ),
    pytest.param(port("127.0.0.2"), NODE, used(port("127.0.0.1")), (), id="other address"),
    pytest.param(port("0.0.0.0"), NODE, used(port("0.0.0.0", 80, "UDP")), (), id="other protocol"),
    pytest.param(
        wanting(requests={"cpu": 600, "memory": 2**30}),
        NODE,
        used(wanting(requests={"cpu": 500, "memory": 1})),
        ("Insufficient cpu", "Insufficient memory"),
        id="too little of two things",
    ),
    pytest.param(
        PLAIN, NODE, used(*[PLAIN] * 10), ("Too many pods",), id="as many pods as it takes"
    ),
]


@pytest.mark.parametrize(("pod", "node", "usage", "expected"), CASES)
def test_objections(pod: Pod, node: Node, usage: Usage, expected: tuple[str, ...]) -> None:
    assert tuple(reason.text for reason in objections(pod, node, usage)) == expected

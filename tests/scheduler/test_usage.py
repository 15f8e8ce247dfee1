"""What is taken on each node."""

from hypothesis import given, settings
from hypothesis import strategies as st

from netemu.scheduler.facts import Node, Pod
from netemu.scheduler.usage import Cluster


def pod(name: str, cpu: int = 100) -> Pod:
    ports = frozenset({("0.0.0.0", "TCP", cpu)})
    key = ("default", name)
    return Pod(key=key, uid=name, owner="rs", requests={"cpu": cpu}, host_ports=ports)


STEPS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["n1", "n2", ""])))


@settings(deadline=None)  # a busy machine is no failure
@given(steps=STEPS)
def test_the_sums_are_those_of_the_pods_that_are_there(steps: list[tuple[str, str]]) -> None:
    cluster, where = Cluster(), dict[str, str]()
    for name, node in steps:
        if node:
            cluster.place(pod(name), node)
            where[name] = node
        else:
            assert cluster.remove(("default", name)) == (name in where)
            where.pop(name, None)
    for node in ("n1", "n2"):
        count = sum(place == node for place in where.values())
        usage = cluster.usage(node)
        assert usage.pods == usage.owners["rs"] == count
        assert usage.requested["cpu"] == usage.assumed["cpu"] == 100 * count
        assert sum(usage.ports.values()) == count


def test_an_equal_node_makes_no_difference() -> None:
    cluster = Cluster()
    assert cluster.put_node(Node(name="n1"))
    assert not cluster.put_node(Node(name="n1"))
    assert cluster.put_node(Node(name="n1", unschedulable=True))
    cluster.drop_node("n1")
    assert not cluster.nodes


def test_a_namesake_is_another_pod() -> None:
    cluster = Cluster()
    cluster.place(pod("a"), "n1")
    assert cluster.is_placed(("default", "a"), "a", "n1")
    assert not cluster.is_placed(("default", "a"), "another", "n1")

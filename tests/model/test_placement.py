import pytest

from netemu.model.placement import (
    Taint,
    Term,
    Toleration,
    host_ports,
    ports_meet,
    required_terms,
    taints_of,
    tolerations_of,
)

TAINT = Taint("k", "v", "NoSchedule")


@pytest.mark.parametrize(
    ("toleration", "tolerates"),
    [
        (Toleration("k", "v", "NoSchedule", exists=False), True),
        (Toleration("k", "v", "", exists=False), True),
        (Toleration("k", "x", "", exists=False), False),
        (Toleration("k", "", "", exists=True), True),
        (Toleration("", "", "", exists=True), True),
        (Toleration("", "", "", exists=False), False),
        (Toleration("k", "v", "NoExecute", exists=False), False),
    ],
)
def test_tolerations(toleration: Toleration, tolerates: bool) -> None:
    assert toleration.tolerates(TAINT) is tolerates


def test_they_are_read_from_specs() -> None:
    node = {"spec": {"taints": [{"key": "k", "value": "v", "effect": "NoSchedule"}]}}
    assert taints_of(node) == [TAINT]
    spec = {"tolerations": [{"key": "k", "operator": "Exists"}]}
    assert tolerations_of(spec) == (Toleration("k", "", "", exists=True),)


def test_a_term_without_requirements_matches_nothing() -> None:
    assert not Term((), ()).matches("n", {})


def test_required_affinity_by_label_and_by_name() -> None:
    expression = {"key": "disk", "operator": "Exists"}
    field = {"key": "metadata.name", "operator": "In", "values": ["n1"]}
    terms = [{"matchExpressions": [expression], "matchFields": [field]}]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    found = required_terms({"affinity": {"nodeAffinity": required}})
    assert found is not None
    assert found[0].matches("n1", {"disk": "x"})
    assert not found[0].matches("n2", {"disk": "x"})
    assert not found[0].matches("n1", {})
    assert required_terms({}) is None


def test_host_ports_meet_by_protocol_and_address() -> None:
    ports = [{"containerPort": 1}, {"containerPort": 80, "hostPort": 80}]
    [port] = host_ports({"containers": [{"ports": ports}]})
    assert port == ("0.0.0.0", "TCP", 80)
    assert ports_meet(port, ("127.0.0.1", "TCP", 80))
    assert not ports_meet(port, ("127.0.0.1", "UDP", 80))
    assert not ports_meet(("127.0.0.2", "TCP", 80), ("127.0.0.1", "TCP", 80))

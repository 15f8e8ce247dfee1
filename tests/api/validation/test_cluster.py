from typing import Any, NamedTuple

import pytest

from netemu.model.meta import Object
from tests.support.objects import changed, in_cluster, named, refusals

ABOUT = {"kind": "Pod", "name": "web", "namespace": "default"}


class Case(NamedTuple):
    name: str
    resource: str
    given: Object
    refusals: list[str]


def an_event(**fields: Any) -> Object:
    return named("web.1", involvedObject=ABOUT, **fields)


LEASES = "leases.coordination.k8s.io"
BAD_RANGE = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
CASES = [
    Case("a namespace", "namespaces", in_cluster("dev", spec={"finalizers": ["kubernetes"]}), []),
    Case(
        "a namespace held by something unknown",
        "namespaces",
        in_cluster("dev", spec={"finalizers": ["mine"]}),
        [
            ('spec.finalizers: Invalid value: "mine": name is neither a standard finalizer name '
            "nor is it fully qualified")
        ],
    ),
    Case("a service account", "serviceaccounts", named("robot"), []),
    Case("a node", "nodes", in_cluster("n", spec={"podCIDRs": ["10.0.0.0/24", "fd00::/64"]}), []),
    Case(
        "a node with strange ranges",
        "nodes",
        in_cluster("n", spec={"podCIDRs": ["x", "10.0.0.0/24", "10.0.0.0/24"]}),
        [
            f'spec.podCIDRs[0]: Invalid value: "x": {BAD_RANGE}',
            ('spec.podCIDRs: Invalid value: []string{"x", "10.0.0.0/24", "10.0.0.0/24"}: may '
            "specify no more than one CIDR for each IP family"),
            'spec.podCIDRs[2]: Duplicate value: "10.0.0.0/24"',
        ],
    ),
    Case("a lease", LEASES, named(spec={"leaseDurationSeconds": 40}), []),
    Case(
        "a lease that is over",
        LEASES,
        named(spec={"leaseDurationSeconds": 0, "leaseTransitions": -1, "preferredHolder": "a"}),
        [
            "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
            "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0",
            "spec.preferredHolder: Forbidden: may only be specified if `strategy` is defined",
        ],
    ),
    Case("an event", "events", an_event(reason="Started"), []),
    Case(
        "an event about a pod elsewhere",
        "events",
        named("web.1", involvedObject={**ABOUT, "namespace": "dev"}),
        [
            'involvedObject.namespace: Invalid value: "dev": does not match event.namespace',
        ],
    ),
    Case(
        "an event about a node",
        "events",
        named("n.1", involvedObject={"kind": "Node", "name": "n"}),
        [],
    ),
    Case(
        "an event of the new style that says little",
        "events",
        an_event(eventTime="2026-01-01T00:00:00.000000Z", reason="x" * 129, action="a",
                 reportingComponent="c"),
        [
            "reportingInstance: Required value",
            'reason: Invalid value: "": can have at most 128 characters',
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_new_objects(case: Case) -> None:
    assert refusals(case.resource, case.given) == case.refusals


def test_a_node_keeps_its_range_and_its_provider() -> None:
    old = in_cluster("n", spec={"podCIDRs": ["10.0.0.0/24"], "providerID": "x"})
    new = in_cluster("n", spec={"podCIDRs": ["10.0.1.0/24"]})
    assert refusals("nodes", changed(old, "spec.unschedulable", True), old) == []
    assert refusals("nodes", new, old) == [
        'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
        (
            'spec.providerID: Forbidden: node updates may not change providerID except from "" to '
            "valid"
        ),
    ]


@pytest.mark.parametrize(
    "case", [case for case in CASES if not case.refusals], ids=lambda case: case.name
)
def test_an_update_that_changes_nothing_is_fine(case: Case) -> None:
    assert refusals(case.resource, case.given, case.given) == []


def test_a_runtime_class_keeps_its_handler() -> None:
    kind = "runtimeclasses.node.k8s.io"
    made = {"metadata": {"name": "fast"}, "handler": "Fast!"}
    assert refusals(kind, made)[0].startswith('handler: Invalid value: "Fast!": ')
    old = in_cluster("fast", handler="fast")
    [refusal] = refusals(kind, {**old, "handler": "slow"}, old)
    assert refusal == 'handler: Invalid value: "slow": field is immutable'

"""Rules of storage drivers' kinds, RuntimeClasses and PodTemplates."""

from typing import Any, NamedTuple

import pytest

from netemu.model.meta import Object
from netemu.model.names import dns_label, dns_subdomain
from tests.support.objects import a_pod, created, in_cluster, named, refusals


class Case(NamedTuple):
    name: str
    key: str
    obj: Object
    refusals: list[str]


def of(key: str, **spec: Any) -> tuple[str, Object]:
    return f"{key}.storage.k8s.io", in_cluster(spec=spec)


ONE = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
EMPTY = dns_subdomain("")[0]
CASES = [
    Case("a driver", *of("csidrivers"), []),
    Case(
        "a driver of another policy",
        *of("csidrivers", fsGroupPolicy="Any", volumeLifecycleModes=["Eternal"]),
        [
            (
                'spec.fsGroupPolicy: Unsupported value: "Any": supported values: "File", "None", '
                '"ReadWriteOnceWithFSType"'
            ),
            (
                'spec.volumeLifecycleModes: Unsupported value: "Eternal": supported values: '
                '"Ephemeral", "Persistent"'
            ),
        ],
    ),
    Case("a node's drivers", *of("csinodes", drivers=[{"name": "a", "nodeID": "n"}]), []),
    Case(
        "a driver twice, without an id",
        *of("csinodes", drivers=[{"name": "a", "nodeID": "n"}, {"name": "a"}]),
        [
            "spec.drivers[1].nodeID: Required value",
            'spec.drivers[1].name: Duplicate value: "a"',
        ],
    ),
    Case(
        "an attachment of nothing",
        *of("volumeattachments", attacher="a", nodeName="n", source={}),
        [f"spec.source: Required value: {ONE}"],
    ),
    Case(
        "an attachment to nowhere",
        *of("volumeattachments", source={"persistentVolumeName": ""}),
        [
            "spec.attacher: Required value",
            (
                "spec.source.persistentVolumeName: Required value: must specify non empty "
                "persistentVolumeName"
            ),
            f'spec.nodeName: Invalid value: "": {EMPTY}',
        ],
    ),
    Case(
        "less than nothing of a class without a name",
        "csistoragecapacities.storage.k8s.io",
        named(capacity="-1", storageClassName=""),
        [
            f'storageClassName: Invalid value: "": {EMPTY}',
            'capacity: Invalid value: "-1": must be greater than or equal to 0',
        ],
    ),
    Case("a runtime", "runtimeclasses.node.k8s.io", in_cluster(handler="fast"), []),
    Case(
        "a runtime by no name",
        "runtimeclasses.node.k8s.io",
        in_cluster(handler="A"),
        [f'handler: Invalid value: "A": {dns_label("A")[0]}'],
    ),
    Case("a template", "podtemplates", named(template={"spec": a_pod()["spec"]}), []),
    Case(
        "a template of no containers",
        "podtemplates",
        named(template={"spec": {"containers": []}}),
        ["template.spec.containers: Required value"],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_new_ones(case: Case) -> None:
    assert refusals(case.key, created(case.key, case.obj)) == case.refusals


STAYS = [
    ("runtimeclasses.node.k8s.io", in_cluster(handler="a"), {"handler": "b"}, "handler"),
    (
        "csidrivers.storage.k8s.io",
        in_cluster(spec={}),
        {"spec": {"attachRequired": False}},
        "spec.attachRequired",
    ),
    (
        "csistoragecapacities.storage.k8s.io",
        named(storageClassName="a"),
        {"storageClassName": "b"},
        "storageClassName",
    ),
    (
        "volumeattachments.storage.k8s.io",
        in_cluster(
            spec={"attacher": "a", "nodeName": "n", "source": {"persistentVolumeName": "v"}}
        ),
        {"spec": {"attacher": "a", "nodeName": "m", "source": {"persistentVolumeName": "v"}}},
        "spec",
    ),
]


@pytest.mark.parametrize(("key", "obj", "change", "field"), STAYS, ids=[s[0] for s in STAYS])
def test_what_stays(key: str, obj: Object, change: Object, field: str) -> None:
    old = created(key, obj)
    new = created(key, {**obj, **change})
    for one in (old, new):
        one["metadata"]["resourceVersion"] = "1"
    assert [said.partition(":")[0] for said in refusals(key, new, old)] == [field]

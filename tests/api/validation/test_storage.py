from typing import Any

import pytest

from netemu.model.meta import Object
from tests.support.objects import changed, created, in_cluster, named, refusals

PV, PVC, SC = "persistentvolumes", "persistentvolumeclaims", "storageclasses.storage.k8s.io"
IMMUTABLE_CLAIM = (
    "spec: Forbidden: spec is immutable after creation except resources.requests and "
    "volumeAttributesClassName for bound claims"
)


def a_volume(**spec: Any) -> Object:
    whole = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "hostPath": {"path": "/data"},
        **spec,
    }
    return in_cluster("v", spec=whole)


def a_claim(**spec: Any) -> Object:
    whole = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Mi"}},
        **spec,
    }
    return named("data", spec=whole)


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        ({}, []),
        (
            {"accessModes": []},
            ["spec.accessModes: Required value: at least 1 access mode is required"],
        ),
        ({"capacity": {}}, ["spec.capacity: Required value"]),
        ({"hostPath": None}, ["spec: Required value: must specify a volume type"]),
        (
            {"capacity": {"storage": "-1"}},
            [
                'spec.capacity[storage]: Invalid value: "-1": must be a valid resource quantity',
                'spec.capacity[storage]: Invalid value: "-1": must be greater than zero',
            ],
        ),
        (
            {"hostPath": {"path": "../a"}},
            ["spec.hostPath.path: Invalid value: \"../a\": must not contain '..'"],
        ),
        (
            {"persistentVolumeReclaimPolicy": "Burn"},
            [
                (
                    'spec.persistentVolumeReclaimPolicy: Unsupported value: "Burn": supported '
                    'values: "Delete", "Recycle", "Retain"'
                )
            ],
        ),
        (
            {"local": {"path": "/x"}},
            ["spec.local: Forbidden: may not specify more than 1 volume type"],
        ),
        (
            {"hostPath": None, "local": {"path": "/x"}},
            ["metadata.annotations: Required value: Local volume requires node affinity"],
        ),
        (
            {"nodeAffinity": {}},
            ["spec.nodeAffinity.required: Required value: must specify required node constraints"],
        ),
        (
            {"nodeAffinity": {"required": {}}},
            [
                (
                    "spec.nodeAffinity.required.nodeSelectorTerms: Required value: must have at "
                    "least one node selector term"
                )
            ],
        ),
    ],
)
def test_volumes(spec: dict[str, Any], wrong: list[str]) -> None:
    assert refusals(PV, created(PV, a_volume(**spec))) == wrong


def test_where_a_volumes_data_is_stays() -> None:
    old = created(PV, a_volume())
    moved = changed(old, "spec.hostPath.path", "/elsewhere")
    assert refusals(PV, moved, old) == [
        (
            "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable "
            "after creation"
        )
    ]
    kept = changed(old, "spec.persistentVolumeReclaimPolicy", "Retain")
    assert refusals(PV, kept, old) == []


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        ({}, []),
        (
            {"accessModes": ["Sometimes"]},
            [
                (
                    'spec.accessModes[0]: Unsupported value: "Sometimes": supported values: '
                    '"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"'
                )
            ],
        ),
        ({"resources": {}}, ["spec.resources[storage]: Required value"]),
        (
            {"volumeMode": "Tape"},
            [
                (
                    'spec.volumeMode: Unsupported value: "Tape": supported values: "Block", '
                    '"Filesystem"'
                )
            ],
        ),
    ],
)
def test_claims(spec: dict[str, Any], wrong: list[str]) -> None:
    assert refusals(PVC, created(PVC, a_claim(**spec))) == wrong


def test_a_claim_is_bound_and_grows_but_else_stays() -> None:
    old = created(PVC, a_claim())
    bound = changed(changed(old, "spec.volumeName", "v"), "spec.storageClassName", "standard")
    assert refusals(PVC, bound, old) == []
    bound["status"] = {"phase": "Bound"}
    grown = changed(bound, "spec.resources.requests.storage", "2Mi")
    assert refusals(PVC, grown, bound) == []
    assert refusals(PVC, changed(bound, "spec.volumeName", "w"), bound) == [IMMUTABLE_CLAIM]
    shared = changed(bound, "spec.accessModes", ["ReadWriteMany"])
    assert refusals(PVC, shared, bound) == [IMMUTABLE_CLAIM]


def test_storage_classes() -> None:
    fine = created(SC, in_cluster("fast", provisioner="netemu.dev/local"))
    assert (fine["reclaimPolicy"], fine["volumeBindingMode"]) == ("Delete", "Immediate")
    assert refusals(SC, fine) == []
    assert refusals(SC, created(SC, in_cluster("fast"))) == ["provisioner: Required value"]
    assert refusals(SC, changed(fine, "provisioner", "other.io/x"), fine) == [
        "provisioner: Forbidden: updates to provisioner are forbidden."
    ]
    assert refusals(SC, changed(fine, "volumeBindingMode", "WaitForFirstConsumer"), fine) == [
        'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable'
    ]


def test_what_is_in_use_is_protected_from_the_start() -> None:
    assert created(PV, a_volume())["metadata"]["finalizers"] == ["kubernetes.io/pv-protection"]
    claim = created(PVC, a_claim())
    assert claim["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    assert claim["status"] == {"phase": "Pending"}
    assert claim["spec"]["volumeMode"] == "Filesystem"


def test_where_a_volume_can_be_used_stays() -> None:
    term = {"matchExpressions": [{"key": "a", "operator": "Exists"}]}
    affinity = {"required": {"nodeSelectorTerms": [term]}}
    old = created(PV, a_volume(nodeAffinity=affinity))
    old["metadata"]["resourceVersion"] = "1"
    assert refusals(PV, changed(old, "spec.nodeAffinity", None), old) == [
        "nodeAffinity: Invalid value: …: field is immutable"
    ]
    assert refusals(PV, old, changed(old, "spec.nodeAffinity", None)) == []


def test_a_claim_asks_for_something() -> None:
    claim = created(PVC, a_claim(resources={"requests": {"storage": "0"}}))
    assert refusals(PVC, claim) == [
        'spec.resources[storage]: Invalid value: "0": must be greater than zero'
    ]


def test_topologies_have_values_each_once() -> None:
    items = [{"key": "a"}, {"key": "b", "values": ["x", "x"]}]
    storage = in_cluster(provisioner="a/b", allowedTopologies=[{"matchLabelExpressions": items}])
    at = "allowedTopologies[0].matchLabelExpressions"
    assert refusals(SC, created(SC, storage)) == [
        f"{at}[0].values: Required value",
        f'{at}[1].values[1]: Duplicate value: "x"',
    ]

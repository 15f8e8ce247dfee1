from typing import Any

import pytest

from netemu.model.meta import Object
from netemu.model.storage import (
    best_volume,
    claims_of,
    default_class,
    refers_to,
    satisfies,
    waits_for_consumer,
)

CLAIM: Object = {
    "metadata": {"namespace": "default", "name": "data", "uid": "u"},
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Mi"}},
        "storageClassName": "fast",
    },
}


def volume(name: str = "v", size: str = "1Mi", **spec: Any) -> Object:
    whole = {
        "capacity": {"storage": size},
        "accessModes": ["ReadWriteOnce", "ReadOnlyMany"],
        "storageClassName": "fast",
        **spec,
    }
    return {"metadata": {"name": name}, "spec": whole, "status": {"phase": "Available"}}


@pytest.mark.parametrize(
    ("candidate", "fits"),
    [
        (volume(), True),
        (volume(size="1Ki"), False),
        (volume(accessModes=["ReadOnlyMany"]), False),
        (volume(storageClassName="slow"), False),
        (volume(volumeMode="Block"), False),
    ],
    ids=["all of it", "too small", "modes", "class", "block"],
)
def test_what_can_be_a_claims(candidate: Object, fits: bool) -> None:
    assert satisfies(candidate, CLAIM) is fits


def test_the_smallest_is_chosen_and_a_reserved_one_before_it() -> None:
    large, small = volume("large", "1Gi"), volume("small", "2Mi")
    assert best_volume([large, small], CLAIM) is small
    mine = volume("mine", "1Ki", claimRef={"namespace": "default", "name": "data"})
    assert best_volume([large, small, mine], CLAIM) is mine
    taken = {**small, "status": {"phase": "Bound"}}
    assert best_volume([taken], CLAIM) is None


def test_a_reference_with_another_uid_is_of_an_earlier_claim() -> None:
    reference = {"namespace": "default", "name": "data"}
    assert refers_to(volume(claimRef=reference), CLAIM)
    assert not refers_to(volume(claimRef={**reference, "uid": "old"}), CLAIM)


def test_the_newest_class_marked_so_is_the_default() -> None:
    def marked(name: str, stamp: str, default: str = "true") -> Object:
        annotations = {"storageclass.kubernetes.io/is-default-class": default}
        metadata = {"name": name, "creationTimestamp": stamp, "annotations": annotations}
        return {"metadata": metadata}

    newest = marked("b", "2024-01-02T00:00:00Z")
    classes = [marked("a", "2024-01-01T00:00:00Z"), newest, marked("c", "2025", "false")]
    assert default_class(classes) is newest
    assert default_class([]) is None


def test_claims_of_a_pod() -> None:
    volumes = [
        {"name": "a", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "b", "emptyDir": {}},
        {"name": "c", "ephemeral": {}},
    ]
    assert claims_of({"metadata": {"name": "web"}, "spec": {"volumes": volumes}}) == [
        "data",
        "web-c",
    ]


def test_binding_modes() -> None:
    assert waits_for_consumer({"volumeBindingMode": "WaitForFirstConsumer"})
    assert not waits_for_consumer({"volumeBindingMode": "Immediate"})
    assert not waits_for_consumer(None)

from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netemu.controllers.actions import Delete, Tell
from netemu.controllers.reclaimplan import Erase, Step, VolumeSeen, plan_volume
from netemu.controllers.volumeplan import ClaimSeen, plan_claim
from netemu.model import storage
from netemu.model.meta import Object, name_of
from netemu.model.resources import PERSISTENT_VOLUME_CLAIMS as PVC
from netemu.model.resources import PERSISTENT_VOLUMES as PV
from netemu.model.resources import STORAGE_CLASSES as SC
from tests.support.workload import TinyWorld

FOLDER = "/home/volumes"


class World(TinyWorld):
    """A world with a default class."""

    def __init__(self, **fields: Any) -> None:
        super().__init__()
        self.erased: list[str] = []
        metadata = {"name": "standard", "annotations": {storage.DEFAULT_CLASS: "true"}}
        whole = {"provisioner": storage.LOCAL_PROVISIONER, "reclaimPolicy": "Delete", **fields}
        self.put(SC, {"metadata": metadata, **whole})

    def put(self, resource: str, obj: Object) -> Object:
        if resource == PV:  # as the API's admission does it
            obj["metadata"].setdefault("finalizers", [storage.PV_PROTECTION])
        return super().put(resource, obj)

    def claim(self, name: str = "data", size: str = "1Mi", **spec: Any) -> None:
        whole = {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": size}},
            "volumeMode": "Filesystem",
            **spec,
        }
        metadata = {"name": name, "finalizers": [storage.PVC_PROTECTION]}
        self.put(PVC, {"metadata": metadata, "spec": whole, "status": {"phase": "Pending"}})

    def volume(self, name: str, size: str, **spec: Any) -> None:
        whole = {
            "capacity": {"storage": size},
            "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": "/srv"},
            "persistentVolumeReclaimPolicy": "Retain",
            **spec,
        }
        metadata = {"name": name, "finalizers": [storage.PV_PROTECTION]}
        self.put(PV, {"metadata": metadata, "spec": whole, "status": {"phase": "Pending"}})

    def pod(self, node: str = "", claim: str = "data") -> None:
        volume = {"name": "v", "persistentVolumeClaim": {"claimName": claim}}
        spec = {"volumes": [volume], **({"nodeName": node} if node else {})}
        self.put("pods", {"metadata": {"name": f"of-{claim}"}, "spec": spec})

    def steps(self) -> list[Step]:
        done: list[Step] = []
        for claim in self.all(PVC):
            seen = ClaimSeen(
                claim=claim,
                volumes=self.all(PV),
                classes=self.all(SC),
                consumers=[
                    pod for pod in self.all("pods") if name_of(claim) in storage.claims_of(pod)
                ],
                folder=FOLDER,
            )
            done += self._carry_out(plan_claim(seen))
        for volume in self.all(PV):
            name = (volume["spec"].get("claimRef") or {}).get("name", "")
            seen_volume = VolumeSeen(
                volume=volume, claim=self.objects.get((PVC, name)), folder=FOLDER
            )
            done += self._carry_out(plan_volume(seen_volume))
        return done

    def _carry_out(self, steps: list[Step]) -> list[Step]:
        for step in steps:
            if isinstance(step, Erase):
                self.erased.append(step.path)
            elif isinstance(step, Delete):
                self.delete(step.resource, name_of(step.obj))
            else:
                self.run([step])
        for key, obj in tuple(self.objects.items()):
            metadata = obj["metadata"]
            if "deletionTimestamp" in metadata and not metadata.get("finalizers"):
                del self.objects[key]
        return steps

    def delete(self, resource: str, name: str) -> None:
        self.change(resource, name, lambda o: o["metadata"].update(deletionTimestamp="x"))

    def settle_storage(self) -> None:
        for _ in range(30):
            if all(isinstance(step, Tell) for step in self.steps()):
                return
        raise AssertionError("it never comes to rest")

    def phases(self, resource: str) -> dict[str, str]:
        return {name_of(obj): storage.phase_of(obj) for obj in self.all(resource)}


def test_a_claim_gets_a_volume_of_the_default_class() -> None:
    world = World()
    world.claim()
    world.settle_storage()
    [volume], [claim] = world.all(PV), world.all(PVC)
    assert world.phases(PVC) == {"data": "Bound"}
    assert world.phases(PV) == {name_of(volume): "Bound"}
    assert claim["spec"]["storageClassName"] == "standard"
    assert claim["spec"]["volumeName"] == name_of(volume) == f"pvc-{claim['metadata']['uid']}"
    assert volume["spec"]["hostPath"]["path"].startswith(f"{FOLDER}/pvc-")
    assert claim["status"]["capacity"] == {"storage": "1Mi"}
    assert [line.partition(":")[0] for line in world.told] == [
        "ExternalProvisioning",
        "Provisioning",
        "ProvisioningSucceeded",
    ]
    assert world.steps() == []


def test_a_volume_that_is_there_is_preferred_the_smallest_that_will_do() -> None:
    world = World()
    for name, size in (("small", "1Ki"), ("large", "1Gi"), ("right", "2Mi")):
        world.volume(name, size)
    world.claim(storageClassName="")
    world.settle_storage()
    assert world.phases(PV) == {"small": "Available", "large": "Available", "right": "Bound"}
    assert world.all(PVC)[0]["status"]["capacity"] == {"storage": "2Mi"}


def test_a_volume_reserved_by_name_is_for_that_claim_alone() -> None:
    world = World()
    world.volume("mine", "1Gi", claimRef={"namespace": "default", "name": "data"})
    world.claim("other", storageClassName="")
    world.settle_storage()
    assert world.phases(PVC) == {"other": "Pending"}
    assert world.phases(PV) == {"mine": "Available"}
    world.claim("data", storageClassName="")
    world.settle_storage()
    assert world.phases(PVC) == {"data": "Bound", "other": "Pending"}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (
            {"storageClassName": ""},
            (
                "FailedBinding: no persistent volumes available for this claim and no storage "
                "class is set"
            ),
        ),
        (
            {"storageClassName": "gold"},
            'ProvisioningFailed: storageclass.storage.k8s.io "gold" not found',
        ),
    ],
)
def test_a_claim_that_stays_pending_says_why(spec: dict[str, str], words: str) -> None:
    world = World()
    world.claim(**spec)
    world.settle_storage()
    assert world.phases(PVC) == {"data": "Pending"}
    assert words in world.told


def test_with_wait_for_first_consumer_a_claim_waits_for_a_pods_node() -> None:
    world = World(volumeBindingMode="WaitForFirstConsumer")
    world.claim()
    world.settle_storage()
    waiting = "WaitForFirstConsumer: waiting for first consumer to be created before binding"
    assert waiting in world.told
    world.pod()
    world.settle_storage()
    assert "WaitForPodScheduled: waiting for pod of-data to be scheduled" in world.told
    assert world.all(PV) == []
    selected = {storage.SELECTED_NODE: "node-1"}
    world.change(
        PVC, "data", lambda o: o["metadata"].setdefault("annotations", {}).update(selected)
    )
    world.settle_storage()
    assert world.phases(PVC) == {"data": "Bound"}


def test_a_claim_in_use_goes_only_after_its_pod_and_takes_its_volume_along() -> None:
    world = World()
    world.claim()
    world.settle_storage()
    world.pod(node="node-1")
    path = world.all(PV)[0]["spec"]["hostPath"]["path"]
    world.delete(PVC, "data")
    world.settle_storage()
    assert world.phases(PVC) == {"data": "Bound"}
    del world.objects["pods", "of-data"]
    world.settle_storage()
    assert world.all(PVC) == world.all(PV) == []
    assert world.erased == [path]


def test_retained_volumes_stay_released_with_their_data() -> None:
    world = World(reclaimPolicy="Retain")
    world.claim()
    world.settle_storage()
    world.delete(PVC, "data")
    world.settle_storage()
    assert list(world.phases(PV).values()) == ["Released"]
    assert world.erased == []


def _set_path(place: Object, volume: Object) -> None:
    volume["spec"]["hostPath"] = place


def test_nothing_outside_of_our_own_folder_is_ever_erased() -> None:
    world = World()
    world.volume("theirs", "1Gi", persistentVolumeReclaimPolicy="Delete")
    gone = {"namespace": "default", "name": "none", "uid": "gone"}
    for path in ("/srv", FOLDER, f"{FOLDER}/../x", f"{FOLDER}/a/b", f"{FOLDER}/.."):
        place = {"path": path}
        world.change(PV, "theirs", partial(_set_path, place))
        world.change(PV, "theirs", lambda o: o["spec"].update(claimRef=gone))
        world.change(PV, "theirs", lambda o: o.update(status={"phase": "Bound"}))
        world.settle_storage()
        assert world.phases(PV) == {"theirs": "Failed"}
    assert world.erased == []


def test_a_claim_whose_volume_is_gone_is_lost() -> None:
    world = World()
    world.claim()
    world.settle_storage()
    del world.objects[PV, name_of(world.all(PV)[0])]
    world.settle_storage()
    assert world.phases(PVC) == {"data": "Lost"}


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["claim", "volume", "delete claim", "delete volume", "forget volume"]),
        st.integers(0, 3),
        st.sampled_from(["1Ki", "1Mi", "1Gi"]),
    ),
    max_size=15,
)


@settings(max_examples=100, deadline=None)
@given(events=EVENTS)
def test_no_volume_is_ever_bound_to_two_claims_and_it_comes_to_rest(
    events: list[tuple[str, int, str]],
) -> None:
    world = World()
    for what, number, size in events:
        _happens(world, what, number, size)
        world.steps()
        _check(world)
    world.settle_storage()
    _check(world)


def _happens(world: World, what: str, number: int, size: str) -> None:
    claim, volume = (PVC, f"c{number}"), (PV, f"v{number}")
    match what:
        case "claim" if claim not in world.objects:
            world.claim(claim[1], size, storageClassName="" if number % 2 else "standard")
        case "volume" if volume not in world.objects:
            world.volume(volume[1], size, storageClassName="" if number % 2 else "standard")
        case "delete claim" if claim in world.objects:
            world.delete(*claim)
        case "delete volume" if volume in world.objects:
            world.delete(*volume)
        case "forget volume" if volume in world.objects:
            del world.objects[volume]


def _check(world: World) -> None:
    names = [claim["spec"].get("volumeName") for claim in world.all(PVC)]
    bound = [name for name in names if name]
    assert len(bound) == len(set(bound))

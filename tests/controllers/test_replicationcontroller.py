from netemu.controllers.replicasetplan import Observed, new_pod, plan
from netemu.controllers.replicationcontroller import REPLICATION_CONTROLLER
from netemu.model.meta import Object, controller_of
from tests.support.workload import NOW, workload


def look(obj: Object, *pods: Object) -> Observed:
    return Observed(
        flavour=REPLICATION_CONTROLLER, replica_set=obj, pods=pods, related=lambda: pods, now=NOW
    )


def a_controller() -> Object:
    return workload("ReplicationController", selector={"app": "web"}, replicas=2)


def test_it_makes_pods_that_belong_to_it() -> None:
    obj = a_controller()
    assert plan(look(obj)).create == 2
    owner = controller_of(new_pod(obj, REPLICATION_CONTROLLER))
    assert owner is not None
    assert (owner["apiVersion"], owner["kind"]) == ("v1", "ReplicationController")


def test_it_adopts_by_its_plain_selector_and_releases_what_no_longer_matches() -> None:
    obj = a_controller()
    orphan = {
        "metadata": {"name": "p", "namespace": "default", "uid": "p", "labels": {"app": "web"}},
        "spec": {},
    }
    [mine] = plan(look(obj, orphan)).adopt
    assert (controller_of(mine) or {})["uid"] == "u0"
    strange = {**mine, "metadata": {**mine["metadata"], "labels": {"app": "other"}}}
    [released] = plan(look(obj, strange)).release
    assert controller_of(released) is None

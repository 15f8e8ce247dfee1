"""A Deployment's steps as plans, applied to a pile of objects."""

from hypothesis import given, settings
from hypothesis import strategies as st

from netemu.controllers.deploymentplan import Observed, plan
from netemu.model import resources
from netemu.model.meta import Object
from tests.support.pile import Pile
from tests.support.samples import NOW, deployment, template

MOST_STEPS = 8


def look(pile: Pile) -> Observed:
    sets = pile.all(resources.REPLICA_SETS)
    return Observed(
        deployment=pile.one(resources.DEPLOYMENTS),
        sets=sets,
        taken=frozenset(item["metadata"]["name"] for item in sets),
        now=NOW,
    )


def settle(pile: Pile) -> None:
    """Take steps until there is none left."""
    for _ in range(MOST_STEPS):
        actions = plan(look(pile))
        if not actions:
            return
        pile.apply(actions)
    raise AssertionError("the plans never end")


def obey(pile: Pile, available: int) -> None:
    """Every ReplicaSet has its pods; up to `available` of each are available."""
    for item in pile.all(resources.REPLICA_SETS):
        size = item["spec"]["replicas"]
        ready = min(size, available)
        status = {
            "replicas": size,
            "readyReplicas": ready,
            "availableReplicas": ready,
            "observedGeneration": item["metadata"]["generation"],
        }
        pile.put(resources.REPLICA_SETS, {**item, "status": status})


STRATEGIES = st.sampled_from(
    [
        {"type": "Recreate"},
        {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
        {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
        {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 3, "maxUnavailable": 0}},
    ]
)


@settings(deadline=None)  # a busy machine is no failure
@given(
    first=st.integers(0, 9),
    then=st.integers(0, 9),
    available=st.integers(0, 9),
    image=st.sampled_from(["v1", "v2"]),
    paused=st.booleans(),
    strategy=STRATEGIES,
)
def test_planning_on_its_own_result_gives_nothing(
    first: int, then: int, available: int, image: str, paused: bool, strategy: Object
) -> None:
    pile = Pile()
    obj = pile.put(resources.DEPLOYMENTS, deployment(first, strategy=strategy))
    settle(pile)
    obey(pile, available)
    settle(pile)
    obj = pile.one(resources.DEPLOYMENTS)
    changed = {**obj["spec"], "replicas": then, "template": template(image), "paused": paused}
    pile.put(resources.DEPLOYMENTS, {**obj, "spec": changed})
    settle(pile)
    assert plan(look(pile)) == []


def test_the_deployments_annotations_reach_its_replica_set() -> None:
    pile = Pile()
    web = deployment()
    web["metadata"]["annotations"] = {
        "kubernetes.io/change-cause": "kubectl apply",
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
    }
    pile.put(resources.DEPLOYMENTS, web)
    settle(pile)
    annotations = pile.one(resources.REPLICA_SETS)["metadata"]["annotations"]
    assert annotations == {
        "kubernetes.io/change-cause": "kubectl apply",
        "deployment.kubernetes.io/revision": "1",
        "deployment.kubernetes.io/desired-replicas": "3",
        "deployment.kubernetes.io/max-replicas": "4",
    }


def test_a_new_min_ready_seconds_reaches_the_replica_set_without_a_rollout() -> None:
    pile = Pile()
    obj = pile.put(resources.DEPLOYMENTS, deployment())
    settle(pile)
    obj = pile.one(resources.DEPLOYMENTS)
    pile.put(resources.DEPLOYMENTS, {**obj, "spec": {**obj["spec"], "minReadySeconds": 5}})
    settle(pile)
    assert pile.one(resources.REPLICA_SETS)["spec"]["minReadySeconds"] == 5


def test_a_stranger_that_no_longer_matches_is_released() -> None:
    pile = Pile()
    pile.put(resources.DEPLOYMENTS, deployment())
    settle(pile)
    item = pile.one(resources.REPLICA_SETS)
    metadata = {**item["metadata"], "labels": {"app": "other"}}
    pile.put(resources.REPLICA_SETS, {**item, "metadata": metadata})
    settle(pile)
    owners = [i["metadata"].get("ownerReferences") for i in pile.all(resources.REPLICA_SETS)]
    assert sorted(map(bool, owners)) == [False, True]


def test_a_deployment_that_is_being_deleted_only_counts() -> None:
    pile = Pile()
    obj = pile.put(resources.DEPLOYMENTS, deployment())
    metadata = {**obj["metadata"], "deletionTimestamp": "2023-11-14T22:13:20Z"}
    pile.put(resources.DEPLOYMENTS, {**obj, "metadata": metadata})
    settle(pile)
    assert pile.all(resources.REPLICA_SETS) == []
    assert pile.one(resources.DEPLOYMENTS)["status"]["observedGeneration"] == 1

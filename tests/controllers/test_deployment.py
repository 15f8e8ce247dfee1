"""Deployments in motion: real API, real controllers, a test in the node's place."""

from netemu.clock import rfc3339
from netemu.controllers.podtemplate import HASH_LABEL
from netemu.model import resources
from netemu.model.client import DeleteOptions
from netemu.model.conditions import condition
from netemu.model.meta import Object, annotations_of, controller_of, labels_of, name_of, uid_of
from tests.support.control import Control, control
from tests.support.samples import deployment, template

REVISION = "deployment.kubernetes.io/revision"


def sizes(plane: Control) -> dict[str, int]:
    """Wanted replicas by image."""
    return {
        item["spec"]["template"]["spec"]["containers"][0]["image"]: item["spec"]["replicas"]
        for item in plane.all(resources.REPLICA_SETS)
    }


def web(plane: Control) -> Object:
    return plane.get(resources.DEPLOYMENTS, "web")


def progress(plane: Control) -> Object:
    found = condition(web(plane), "Progressing")
    assert found is not None
    return found


async def rolled_out(plane: Control, *images: str, replicas: int = 3, **spec: object) -> None:
    """Apply the first image, roll on to the others, each to its end."""
    await plane.apply(resources.DEPLOYMENTS, deployment(replicas, images[0], **spec))
    await plane.all_ready()
    for image in images[1:]:
        await plane.change(resources.DEPLOYMENTS, "web", template=template(image))
        await plane.all_ready()


async def test_a_rolling_update_starts_with_one_pod_more() -> None:
    async with control() as plane:
        await rolled_out(plane, "v1")
        await plane.change(resources.DEPLOYMENTS, "web", template=template("v2"))
        assert sizes(plane) == {"v1": 3, "v2": 1}  # 25 % of 3: one more, none less


async def test_a_fresh_deployment_is_of_its_first_generation() -> None:
    async with control() as plane:
        await rolled_out(plane, "v1")
        assert annotations_of(web(plane))[REVISION] == "1"
        assert web(plane)["metadata"]["generation"] == 1  # the revision came with the status
        owners = {
            (entry["manager"], entry.get("subresource", ""))
            for entry in web(plane)["metadata"]["managedFields"]
            if "f:annotations" in entry["fieldsV1"].get("f:metadata", ())
        }
        assert {subresource for _, subresource in owners} == {"status"}


async def test_a_rolling_update_ends_with_the_new_template_alone() -> None:
    async with control() as plane:
        await rolled_out(plane, "v1", "v2")
        assert sizes(plane) == {"v1": 0, "v2": 3}
        assert progress(plane)["reason"] == "NewReplicaSetAvailable"
        new = max(plane.all(resources.REPLICA_SETS), key=lambda item: item["spec"]["replicas"])
        assert progress(plane)["message"] == (
            f'ReplicaSet "{name_of(new)}" has successfully progressed.'
        )
        assert annotations_of(new)[REVISION] == annotations_of(web(plane))[REVISION] == "2"


async def test_availability_never_falls_below_the_limit() -> None:
    async with control() as plane:
        await rolled_out(plane, "v1", replicas=4)
        await plane.change(resources.DEPLOYMENTS, "web", template=template("v2"))
        for _ in range(20):
            pods = plane.running()
            ready = [p for p in pods if (condition(p, "Ready") or {}).get("status") == "True"]
            assert len(ready) >= 3
            assert len(pods) <= 5
            unready = [p for p in pods if p not in ready]
            if not unready:
                break
            await plane.report(unready[0])
            await plane.settled()
        assert sizes(plane) == {"v1": 0, "v2": 4}


async def test_undo_finds_its_replica_set_though_go_wrote_the_template() -> None:
    async with control() as plane:
        await rolled_out(plane, "v1", "v2")
        before = {name_of(item) for item in plane.all(resources.REPLICA_SETS)}
        again = template("v1")
        again["metadata"]["creationTimestamp"] = None
        again["spec"]["containers"][0]["resources"] = {}
        await plane.change(resources.DEPLOYMENTS, "web", template=again)
        await plane.all_ready()
        assert {name_of(item) for item in plane.all(resources.REPLICA_SETS)} == before
        assert sizes(plane) == {"v1": 3, "v2": 0}
        (old,) = [item for item in plane.all(resources.REPLICA_SETS) if item["spec"]["replicas"]]
        assert annotations_of(old)[REVISION] == "3"
        assert annotations_of(old)["deployment.kubernetes.io/revision-history"] == "1"


async def test_the_history_limit_is_kept() -> None:
    async with control() as plane:
        await rolled_out(plane, "v1", "v2", "v3", "v4", revisionHistoryLimit=1)
        assert sizes(plane) == {"v3": 0, "v4": 3}


async def test_recreate_never_runs_two_templates_at_once() -> None:
    async with control() as plane:
        await rolled_out(plane, "v1", strategy={"type": "Recreate"})
        await plane.change(resources.DEPLOYMENTS, "web", template=template("v2"))
        assert sizes(plane) == {"v1": 0}
        terminating = plane.all(resources.PODS)
        for pod in terminating[:-1]:
            await plane.end(pod)
        await plane.settled()
        assert sizes(plane) == {"v1": 0}
        await plane.end(terminating[-1])
        await plane.settled()
        assert sizes(plane) == {"v1": 0, "v2": 3}


async def test_a_paused_deployment_rolls_nothing_out_but_scales() -> None:
    async with control() as plane:
        await rolled_out(plane, "v1")
        await plane.change(resources.DEPLOYMENTS, "web", paused=True)
        assert progress(plane)["reason"] == "DeploymentPaused"
        await plane.change(resources.DEPLOYMENTS, "web", template=template("v2"))
        assert sizes(plane) == {"v1": 3}
        await plane.change(resources.DEPLOYMENTS, "web", replicas=5)
        assert sizes(plane) == {"v1": 5}
        await plane.change(resources.DEPLOYMENTS, "web", paused=False)
        await plane.all_ready()
        assert sizes(plane) == {"v1": 0, "v2": 5}


async def test_a_pod_counts_as_available_after_min_ready_seconds() -> None:
    async with control() as plane:
        await rolled_out(plane, "v1", minReadySeconds=10)
        assert "availableReplicas" not in web(plane)["status"]
        await plane.advance(9.0)
        assert "availableReplicas" not in web(plane)["status"]
        await plane.advance(2.0)
        assert web(plane)["status"]["availableReplicas"] == 3


async def test_a_stuck_rollout_is_reported_after_its_deadline() -> None:
    async with control() as plane:
        await rolled_out(plane, "v1", progressDeadlineSeconds=60)
        await plane.change(resources.DEPLOYMENTS, "web", template=template("v2"))
        await plane.advance(59.0)
        assert progress(plane)["reason"] == "ReplicaSetUpdated"
        await plane.advance(5.0)
        assert progress(plane)["reason"] == "ProgressDeadlineExceeded"
        assert progress(plane)["status"] == "False"
        assert progress(plane)["message"].endswith("has timed out progressing.")


async def test_scaling_amid_a_rollout_keeps_the_proportions() -> None:
    """8.5 of the upstream catalogue: 8 old and 5 new of 13 become 20 and 13 of 33."""
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}}
    async with control() as plane:
        await rolled_out(plane, "v1", replicas=10, strategy=rolling)
        await plane.change(resources.DEPLOYMENTS, "web", template=template("bad"))
        assert sizes(plane) == {"v1": 8, "bad": 5}
        for pod in plane.all(resources.PODS):
            if "deletionTimestamp" in pod["metadata"]:
                await plane.end(pod)
        await plane.settled()
        await plane.change(resources.DEPLOYMENTS, "web", replicas=30)
        assert sizes(plane) == {"v1": 20, "bad": 13}


async def test_a_rollout_can_be_rolled_over() -> None:
    async with control() as plane:
        await rolled_out(plane, "v1")
        await plane.change(resources.DEPLOYMENTS, "web", template=template("stuck"))
        await plane.change(resources.DEPLOYMENTS, "web", template=template("v3"))
        await plane.all_ready()
        assert sizes(plane) == {"stuck": 0, "v1": 0, "v3": 3}


async def test_an_orphaned_replica_set_is_adopted_with_its_revision() -> None:
    async with control() as plane:
        await rolled_out(plane, "v1")
        (before,) = plane.all(resources.REPLICA_SETS)
        options = DeleteOptions(propagation="Orphan")
        await plane.client.delete(resources.DEPLOYMENTS, "default", "web", options)
        await plane.settled()
        (orphan,) = plane.all(resources.REPLICA_SETS)
        assert controller_of(orphan) is None
        assert len(plane.running()) == 3
        await plane.apply(resources.DEPLOYMENTS, deployment())
        (after,) = plane.all(resources.REPLICA_SETS)
        assert uid_of(after) == uid_of(before)
        assert (controller_of(after) or {})["uid"] == uid_of(web(plane))


async def test_a_foreign_revision_is_counted_on_from() -> None:
    """8.3: the adopted ReplicaSet's revision is larger than any counter would make it."""
    async with control() as plane:
        old = template("old")
        labels = {**old["metadata"]["labels"], HASH_LABEL: "x"}
        adopted = {
            "metadata": {
                "namespace": "default",
                "name": "web-x",
                "labels": labels,
                "annotations": {REVISION: "3546343826724305832"},
            },
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {**old, "metadata": {"labels": labels}},
            },
        }
        await plane.apply(resources.REPLICA_SETS, adopted)
        await plane.all_ready()
        await rolled_out(plane, "v1", replicas=1)
        assert annotations_of(web(plane))[REVISION] == "3546343826724305833"
        assert sizes(plane) == {"old": 0, "v1": 1}


async def test_a_taken_name_is_hashed_anew() -> None:
    async with control() as plane:
        await rolled_out(plane, "v1")
        (mine,) = plane.all(resources.REPLICA_SETS)
        await plane.client.delete(resources.DEPLOYMENTS, "default", "web")
        await plane.settled()
        await plane.all_ready()
        foreign = {
            "metadata": {"namespace": "default", "name": name_of(mine)},
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": {"app": "other"}},
                "template": {**template(), "metadata": {"labels": {"app": "other"}}},
            },
        }
        await plane.apply(resources.REPLICA_SETS, foreign)
        await plane.apply(resources.DEPLOYMENTS, deployment())
        assert web(plane)["status"]["collisionCount"] == 1
        names = {name_of(item) for item in plane.all(resources.REPLICA_SETS)}
        assert name_of(mine) in names
        assert len(names) == 2


async def test_pods_carry_the_hash_of_their_template() -> None:
    async with control() as plane:
        await rolled_out(plane, "v1")
        (replica_set,) = plane.all(resources.REPLICA_SETS)
        number = labels_of(replica_set)[HASH_LABEL]
        assert name_of(replica_set) == f"web-{number}"
        assert {labels_of(pod)[HASH_LABEL] for pod in plane.running()} == {number}
        assert all(name_of(pod).startswith(f"web-{number}-") for pod in plane.running())


async def test_scaling_down_is_told() -> None:
    async with control() as plane:
        await rolled_out(plane, "v1")
        await plane.change(resources.DEPLOYMENTS, "web", replicas=1)
        (item,) = plane.all(resources.REPLICA_SETS)
        told = f"web: Scaled down replica set {name_of(item)} from 3 to 1"
        assert told in plane.events("ScalingReplicaSet")
        assert len(plane.running()) == 1


async def test_a_deployment_in_the_foreground_waits_for_its_pods() -> None:
    async with control() as plane:
        await rolled_out(plane, "v1")
        options = DeleteOptions(propagation="Foreground")
        await plane.client.delete(resources.DEPLOYMENTS, "default", "web", options)
        await plane.settled()
        assert web(plane)["metadata"]["deletionTimestamp"] == rfc3339(plane.clock.now())
        for pod in plane.all(resources.PODS):
            await plane.end(pod)
        await plane.settled()
        assert plane.client.get(resources.DEPLOYMENTS, "default", "web") is None
        assert plane.all(resources.REPLICA_SETS) == []


async def test_a_deployment_whose_own_labels_match_its_selector() -> None:
    async with control() as plane:
        obj = deployment(2, "v1")
        obj["metadata"]["labels"] = obj["spec"]["selector"]["matchLabels"]  # as kubectl create does
        await plane.apply(resources.DEPLOYMENTS, obj)
        await plane.all_ready()
        found = web(plane)
        assert found["status"]["observedGeneration"] == found["metadata"]["generation"]
        assert found["status"]["availableReplicas"] == 2

"""sig-apps: Deployment, row by row of the catalogue of upstream's tests."""

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.rows import PAUSE, Space, agnhost, condition, pause, status_of, workload

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

OTHER = f"{PAUSE[:-3]}3.8"
BAD = "registry.example/nothing-known:1"


def deployed(space: Space, name: str = "web", seconds: float = 40) -> Any:
    """Wait until a rollout is done, as `kubectl rollout status` counts it."""

    def done() -> Any:
        obj = space.get("deployments", name)
        status, wanted = obj["status"], obj["spec"]["replicas"]
        counts = ("replicas", "updatedReplicas", "availableReplicas")
        return status.get("observedGeneration") == obj["metadata"]["generation"] and all(
            status.get(count, 0) == wanted for count in counts
        )

    space.wait(done, f"the rollout of {name}", seconds)
    return space.get("deployments", name)


def sets(space: Space) -> Any:
    """ReplicaSets by the image of their first container."""
    return {
        rs["spec"]["template"]["spec"]["containers"][0]["image"]: rs
        for rs in space.all("replicasets")
    }


def image(space: Space, image: str, **more: Any) -> None:
    containers = [{"name": "c", "image": image}]
    spec = {"template": {"spec": {"containers": containers}}, **more}
    space.patch("deployments", "web", {"spec": spec}, kind="strategic")


def test_8_1_a_working_scale_subresource(space: Space) -> None:
    space.create("deployments", workload("web", replicas=1))
    deployed(space)
    scale = space.get("deployments", "web", "scale")
    assert scale["kind"] == "Scale"
    assert (scale["spec"], scale["status"]["replicas"]) == ({"replicas": 1}, 1)
    scale["metadata"]["resourceVersion"] = ""
    space.put("deployments", {**scale, "spec": {"replicas": 2}}, "scale")
    assert space.get("deployments", "web")["spec"]["replicas"] == 2
    space.patch("deployments", "web", {"spec": {"replicas": 4}}, "scale")
    assert deployed(space)["status"]["replicas"] == 4


def test_8_2_recreate_never_runs_old_and_new_together(space: Space) -> None:
    space.create("deployments", workload("web", replicas=2, strategy={"type": "Recreate"}))
    deployed(space)
    start = space.version("pods")
    image(space, OTHER)
    deployed(space)
    live: dict[str, str] = {}
    for kind, obj in space.watched("pods", start):
        name, runs = obj["metadata"]["name"], obj["spec"]["containers"][0]["image"]
        if kind == "DELETED":
            live.pop(name, None)
        else:
            live[name] = runs
        assert set(live.values()) != {PAUSE, OTHER}
    assert set(live.values()) == {OTHER}


def test_8_3_rolling_update_adopts_and_counts_revisions_on(space: Space) -> None:
    old = workload("old", app="web", replicas=1)
    old["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "3546343826724305832"}
    old["metadata"]["labels"]["pod"] = "httpd"
    old["spec"]["selector"]["matchLabels"]["pod"] = "httpd"
    old["spec"]["template"]["metadata"]["labels"]["pod"] = "httpd"
    space.create("replicasets", old)
    space.wait(lambda: space.get("replicasets", "old")["status"].get("readyReplicas") == 1)
    new = workload("web", pause(image=OTHER), replicas=1)
    new["spec"]["selector"]["matchLabels"]["pod"] = "httpd"
    new["spec"]["template"]["metadata"]["labels"]["pod"] = "httpd"
    space.create("deployments", new)
    done = deployed(space)
    annotation = "deployment.kubernetes.io/revision"
    assert done["metadata"]["annotations"][annotation] == "3546343826724305833"
    assert sets(space)[PAUSE]["spec"]["replicas"] == 0
    assert space.get("replicasets", "old")["metadata"]["ownerReferences"][0]["name"] == "web"
    assert len(space.all("replicasets")) == 2


def test_8_4_old_replica_sets_go_at_a_history_of_none(space: Space) -> None:
    space.create("replicasets", workload("old", app="web", replicas=1))
    space.wait(lambda: space.get("replicasets", "old")["status"].get("readyReplicas") == 1)
    start = space.version("pods")
    made = workload("web", pause(image=OTHER), replicas=1, revisionHistoryLimit=0)
    space.create("deployments", made)
    deployed(space)
    space.wait(lambda: not space.exists("replicasets", "old"), "the old set to go")
    added = [obj for kind, obj in space.watched("pods", start) if kind == "ADDED"]
    assert [p["spec"]["containers"][0]["image"] for p in added] == [OTHER]


def test_8_5_scaling_mid_rollout_is_proportional(space: Space) -> None:
    strategy = {"rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}}
    space.create("deployments", workload("web", replicas=10, strategy=strategy))
    deployed(space)
    image(space, BAD)
    space.wait(
        lambda: [sets(space)[i]["spec"]["replicas"] for i in (PAUSE, BAD)] == [8, 5],
        "the rollout to hang",
    )
    space.patch("deployments", "web", {"spec": {"replicas": 30}}, "scale")
    space.wait(
        lambda: [sets(space)[i]["spec"]["replicas"] for i in (PAUSE, BAD)] == [20, 13],
        "shares of 20 and 13",
    )


def test_8_6_a_rollout_rolls_over_a_stuck_one(space: Space) -> None:
    space.create("replicasets", workload("first", app="web", replicas=1))
    space.wait(lambda: space.get("replicasets", "first")["status"].get("readyReplicas") == 1)
    strategy = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    made = workload("web", pause(image=BAD), replicas=1, minReadySeconds=10, strategy=strategy)
    space.create("deployments", made)
    space.wait(lambda: BAD in sets(space), "the stuck set")
    image(space, OTHER)
    space.wait(lambda: space.get("deployments", "web")["status"].get("updatedReplicas") == 1)
    space.wait(lambda: space.get("deployments", "web")["status"].get("readyReplicas") == 2)
    assert sets(space)[PAUSE]["spec"]["replicas"] == 1  # held by minReadySeconds
    space.pass_time("10s")
    done = deployed(space)
    assert done["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
    assert [sets(space)[i]["spec"]["replicas"] for i in (PAUSE, BAD, OTHER)] == [0, 0, 1]


def test_8_7_the_life_of_a_deployment(space: Space) -> None:
    start = space.version("deployments")
    made = workload("web", replicas=1)
    made["metadata"]["labels"]["static"] = "true"
    space.create("deployments", made)
    deployed(space)
    image(space, OTHER, replicas=2)
    assert deployed(space)["status"]["readyReplicas"] == 2
    assert [d["metadata"]["name"] for d in space.all("deployments", "static=true")] == ["web"]
    patch = {"status": {"readyReplicas": 0}, "metadata": {"labels": {"status": "patched"}}}
    space.patch("deployments", "web", patch, "status", kind="strategic")
    space.update("deployments", "web", lambda d: d["spec"].update(replicas=1))
    deployed(space)
    space.delete_all("deployments", "static=true")
    space.wait(lambda: not space.exists("deployments", "web"), "the end")
    kinds = [kind for kind, _ in space.watched("deployments", start, "static=true")]
    assert (kinds[0], kinds[-1], set(kinds[1:-1])) == ("ADDED", "DELETED", {"MODIFIED"})


def test_8_8_status_endpoints(space: Space) -> None:
    space.create("deployments", workload("web", replicas=1))
    deployed(space)
    obj = space.get("deployments", "web", "status")
    new = {"type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "Set from e2e"}
    obj["status"]["conditions"].append(new)
    space.put("deployments", obj, "status")
    assert condition(space.get("deployments", "web"), "StatusUpdate")["reason"] == "E2E"
    more = {"status": {"conditions": [{"type": "StatusPatched", "status": "True"}]}}
    space.patch("deployments", "web", more, "status")
    assert status_of(space.get("deployments", "web"), "StatusPatched") == "True"


def test_8_9_deletion_cascades(space: Space) -> None:
    space.create("deployments", workload("web", replicas=2))
    deployed(space)
    space.delete("deployments", "web", propagationPolicy="Foreground")
    space.wait(lambda: not space.exists("deployments", "web"), "the end")
    assert (space.all("replicasets"), space.pods()) == ([], [])


def test_8_10_iterative_rollouts_eventually_progress(space: Space) -> None:
    chance = random.Random(8)
    space.create("deployments", workload("web", replicas=4))
    for step in range(20):
        match chance.randrange(5):
            case 0:
                space.patch("deployments", "web", {"spec": {"replicas": chance.randint(2, 6)}})
            case 1:
                image(space, PAUSE.replace("3.9", f"3.{chance.randint(1, 9)}"))
            case 2:
                space.patch("deployments", "web", {"spec": {"paused": bool(step % 2)}})
            case 3:
                for victim in chance.sample(space.pods(), k=min(2, len(space.pods()))):
                    name = victim["metadata"]["name"]
                    space.api.raw("DELETE", space.path("pods", name))
            case _ if len(space.all("replicasets")) > 1:
                space.patch("deployments", "web", {"spec": {"paused": None}})
                space.kubectl("rollout", "undo", "deploy/web")
    space.patch("deployments", "web", {"spec": {"paused": None}})
    deployed(space)
    assert status_of(space.get("deployments", "web"), "Progressing") == "True"
    wanted = space.get("deployments", "web")["spec"]["template"]["spec"]["containers"][0]["image"]
    live = {n: rs["spec"]["replicas"] for n, rs in sets(space).items() if rs["spec"]["replicas"]}
    assert list(live) == [wanted]


def test_8_11_an_orphaned_set_is_adopted_again(space: Space) -> None:
    space.create("deployments", workload("web", replicas=1))
    deployed(space)
    before = space.all("replicasets")[0]["metadata"]
    space.delete("deployments", "web", propagationPolicy="Orphan")
    space.wait(lambda: not space.exists("deployments", "web"), "the Deployment to go")
    space.wait(
        lambda: not space.all("replicasets")[0]["metadata"].get("ownerReferences"), "an orphan"
    )
    space.create("deployments", workload("web", replicas=1))
    deployed(space)
    (after,) = space.all("replicasets")
    assert after["metadata"]["uid"] == before["uid"]
    assert after["metadata"]["ownerReferences"][0]["name"] == "web"


def test_8_12_a_rollout_does_not_disrupt_a_load_balancer(space: Space) -> None:
    ready = {"httpGet": {"path": "/readyz", "port": 80}, "periodSeconds": 1}
    server = agnhost("netexec", "--http-port=80", "--delay-shutdown=5", readinessProbe=ready)
    pod = {"terminationGracePeriodSeconds": 30}
    space.create("deployments", workload("web", server, pod=pod, replicas=3))
    ports = [{"port": 80}]
    balancer = {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "ports": ports}
    spec = {**balancer, "selector": {"app": "web"}}
    space.create("services", {"metadata": {"name": "web"}, "spec": spec})
    deployed(space)
    ingress = space.wait(lambda: space.get("services", "web")["status"]["loadBalancer"]["ingress"])
    url = f"http://{ingress[0]['ip']}/echo?msg=x"
    ask = f"curl -s -m 2 -o /dev/null -w '%{{http_code}} ' {url}"
    script = f"for i in $(seq 60); do {ask}; sleep 0.1; done"
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(space.cluster.exec, "sh", "-c", script)
        space.kubectl("rollout", "restart", "deploy/web")
        deployed(space)
        codes = asking.result().stdout.split()
    assert len(codes) == 60
    assert codes.count("200") >= 57  # 95 %, upstream's bound for rollouts behind balancers


def test_8_hash_collision_takes_another_name(space: Space) -> None:
    """Somebody else's set of the same name and another template: the count goes up."""
    space.create("deployments", workload("web", replicas=1))
    deployed(space)
    (first,) = space.all("replicasets")
    space.delete("deployments", "web")
    space.wait(lambda: space.all("replicasets") == [], "the end")
    thief = workload(first["metadata"]["name"], app="thief", replicas=0)
    space.create("replicasets", thief)
    space.create("deployments", workload("web", replicas=1))
    done = deployed(space)
    assert done["status"]["collisionCount"] == 1
    assert len(space.all("replicasets")) == 2


def test_8_a_deadline_is_told_and_forgiven(space: Space) -> None:
    made = workload("web", replicas=1, progressDeadlineSeconds=20)
    space.create("deployments", made)
    deployed(space)
    image(space, BAD)
    space.wait(lambda: BAD in sets(space), "the new set")
    space.pass_time("25s")
    space.wait(
        lambda: (
            condition(space.get("deployments", "web"), "Progressing").get("reason")
            == "ProgressDeadlineExceeded"
        ),
        "the deadline",
    )
    name = sets(space)[BAD]["metadata"]["name"]
    told = condition(space.get("deployments", "web"), "Progressing")["message"]
    assert told == f'ReplicaSet "{name}" has timed out progressing.'
    space.kubectl("rollout", "undo", "deploy/web")
    deployed(space)
    reason = condition(space.get("deployments", "web"), "Progressing")["reason"]
    assert reason == "NewReplicaSetAvailable"

"""sig-apps: ReplicaSet and ReplicationController, row by row of the catalogue."""

from typing import Any

import pytest

from tests.support.rows import (
    PAUSE,
    RefusedError,
    Space,
    agnhost,
    condition,
    pod,
    status_of,
    template,
    workload,
)

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

RS, RC = "replicasets", "replicationcontrollers"
KINDS = pytest.mark.parametrize("kind", [RS, RC])
OTHER = f"{PAUSE[:-3]}3.8"


def controller(name: str, *containers: Any, replicas: int, app: str = "web") -> Any:
    spec = {"replicas": replicas, "selector": {"app": app}}
    spec["template"] = template(*containers, app=app)
    return {"metadata": {"name": name, "labels": {"app": app}}, "spec": spec}


def make(space: Space, kind: str, replicas: int, *containers: Any) -> None:
    made = controller if kind == RC else workload
    space.create(kind, made("web", *containers, replicas=replicas))


def ready(space: Space, kind: str, number: int) -> None:
    space.wait(
        lambda: space.get(kind, "web")["status"].get("readyReplicas", 0) == number,
        f"{number} ready",
    )


def serves_on_each_replica(space: Space, kind: str) -> None:
    server = agnhost("serve-hostname", ports=[{"containerPort": 9376}])
    make(space, kind, 2, server)
    ready(space, kind, 2)
    for found in space.pods("app=web"):
        name = found["metadata"]["name"]
        said = space.wait(lambda name=name: answer(space, name), "an answer")  # type: ignore[misc]
        assert said == name


def answer(space: Space, name: str) -> str:
    status, text = space.api.raw("GET", space.path("pods", f"{name}:9376", "proxy") + "/")
    assert status == 200
    return text.decode()


def surfaces_a_quota(space: Space, kind: str) -> None:
    quota = {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "2"}}}
    space.create("resourcequotas", quota)
    space.wait(lambda: space.get("resourcequotas", "q")["status"].get("hard") == {"pods": "2"})
    make(space, kind, 3)
    space.wait(
        lambda: status_of(space.get(kind, "web"), "ReplicaFailure") == "True", "the condition"
    )
    failure = condition(space.get(kind, "web"), "ReplicaFailure")
    assert failure["reason"] == "FailedCreate"
    assert (
        "exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2"
        in (failure["message"])
    )
    assert any("exceeded quota" in text for text in space.events("web", "FailedCreate"))
    space.patch(kind, "web", {"spec": {"replicas": 2}})
    space.wait(lambda: not status_of(space.get(kind, "web"), "ReplicaFailure"), "no condition")


def adopts_and_releases(space: Space, kind: str) -> None:
    space.create("pods", pod("lonely", labels={"app": "web"}))
    make(space, kind, 1)
    space.wait(lambda: owner(space, "lonely") == "web", "its adoption")
    assert len(space.pods()) == 1
    space.patch("pods", "lonely", {"metadata": {"labels": {"app": "else"}}})
    space.wait(lambda: owner(space, "lonely") == "", "its release")
    space.wait(lambda: len(space.pods("app=web")) == 1, "another pod")


def owner(space: Space, name: str) -> str:
    owners = space.get("pods", name)["metadata"].get("ownerReferences") or ({"name": ""},)
    return str(owners[0]["name"])


def scales(space: Space, kind: str) -> None:
    make(space, kind, 1)
    ready(space, kind, 1)
    scale = space.get(kind, "web", "scale")
    assert scale["spec"] == {"replicas": 1}
    assert scale["status"] == {"replicas": 1, "selector": "app=web"}
    scale["metadata"]["resourceVersion"] = ""
    space.put(kind, {**scale, "spec": {"replicas": 2}}, "scale")
    ready(space, kind, 2)
    space.patch(kind, "web", {"spec": {"replicas": 3}}, "scale")
    ready(space, kind, 3)


def test_9_1_serves_on_each_replica(space: Space) -> None:
    serves_on_each_replica(space, RS)


def test_9_3_an_exceeded_quota_shows(space: Space) -> None:
    surfaces_a_quota(space, RS)


def test_9_4_adopts_and_releases(space: Space) -> None:
    adopts_and_releases(space, RS)


def test_9_5_replace_and_patch(space: Space) -> None:
    make(space, RS, 1)
    ready(space, RS, 1)
    space.update(RS, "web", lambda rs: rs["spec"].update(replicas=2))
    ready(space, RS, 2)
    containers = [{"name": "c", "image": OTHER}]
    spec = {"replicas": 3, "template": {"spec": {"containers": containers}}}
    space.patch(RS, "web", {"spec": spec}, kind="strategic")
    ready(space, RS, 3)
    images = sorted(p["spec"]["containers"][0]["image"] for p in space.pods())
    assert images == [OTHER, PAUSE, PAUSE]  # those that run are left as they are


def test_9_6_a_working_scale_subresource(space: Space) -> None:
    scales(space, RS)


def test_9_7_list_and_delete_a_collection(space: Space) -> None:
    make(space, RS, 1)
    assert [rs["metadata"]["name"] for rs in space.all(RS, "app=web")] == ["web"]
    space.delete_all(RS, "app=web")
    space.wait(lambda: space.all(RS) == [], "no set")
    space.wait(lambda: space.pods() == [], "no pod")


@KINDS
def test_9_8_status_endpoints(space: Space, kind: str) -> None:
    make(space, kind, 1)
    ready(space, kind, 1)
    obj = space.get(kind, "web", "status")
    obj["status"]["conditions"] = [{"type": "StatusUpdate", "status": "True", "reason": "E2E"}]
    space.put(kind, obj, "status")
    space.patch(kind, "web", {"spec": {"replicas": 2}})
    ready(space, kind, 2)
    assert status_of(space.get(kind, "web"), "StatusUpdate") == "True"
    space.patch(
        kind,
        "web",
        {"status": {"conditions": [{"type": "StatusPatched", "status": "True"}]}},
        "status",
    )
    assert status_of(space.get(kind, "web"), "StatusPatched") == "True"


def test_9_9_serves_on_each_replica(space: Space) -> None:
    serves_on_each_replica(space, RC)


def test_9_11_an_exceeded_quota_shows(space: Space) -> None:
    surfaces_a_quota(space, RC)


def test_9_12_adopts(space: Space) -> None:
    space.create("pods", pod("lonely", labels={"app": "web"}))
    make(space, RC, 1)
    space.wait(lambda: owner(space, "lonely") == "web", "its adoption")
    [reference] = space.get("pods", "lonely")["metadata"]["ownerReferences"]
    assert (reference["kind"], reference["controller"]) == ("ReplicationController", True)


def test_9_13_releases(space: Space) -> None:
    adopts_and_releases(space, RC)


def test_9_14_the_life_of_a_replication_controller(space: Space) -> None:
    start = space.version(RC)
    make(space, RC, 1)
    ready(space, RC, 1)
    space.patch(RC, "web", {"metadata": {"labels": {"test": "patched"}}})
    space.patch(RC, "web", {"status": {"availableReplicas": 0}}, "status")
    ready(space, RC, 1)
    space.patch(RC, "web", {"spec": {"replicas": 2}}, "scale")
    ready(space, RC, 2)
    found = space.all(RC, "test=patched", everywhere=True)
    assert [rc["metadata"]["name"] for rc in found] == ["web"]
    space.delete_all(RC, "test=patched")
    space.wait(lambda: space.all(RC) == [], "the end")
    kinds = [kind for kind, _ in space.watched(RC, start)]
    assert (kinds[0], kinds[-1], set(kinds[1:-1])) == ("ADDED", "DELETED", {"MODIFIED"})
    with pytest.raises(RefusedError):
        space.get(RC, "web")


def test_9_15_a_working_scale_subresource(space: Space) -> None:
    scales(space, RC)

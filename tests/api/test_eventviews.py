"""One Event under two groups."""

from netemu.api.eventviews import shown, stored
from tests.support.api import Cluster

EVENT = {
    "apiVersion": "v1",
    "kind": "Event",
    "metadata": {"name": "e", "namespace": "default"},
    "involvedObject": {"kind": "Pod", "name": "p", "namespace": "default"},
    "reason": "Started",
    "message": "hello",
    "type": "Normal",
    "count": 2,
}


def test_there_and_back_is_the_same() -> None:
    assert stored(shown(EVENT)) == EVENT


async def test_both_groups_show_the_same_objects(cluster: Cluster) -> None:
    await cluster.json("POST", "/api/v1/namespaces/default/events", EVENT)
    path = "/apis/events.k8s.io/v1/namespaces/default/events"
    (item,) = (await cluster.json("GET", path))["items"]
    assert (item["note"], item["regarding"]["name"]) == ("hello", "p")
    assert item["apiVersion"] == "events.k8s.io/v1"
    given = {**item, "metadata": {"name": "f"}, "note": "again"}
    await cluster.json("POST", path, given)
    found = await cluster.json("GET", "/api/v1/namespaces/default/events/f")
    assert (found["message"], found["count"], found["apiVersion"]) == ("again", 2, "v1")

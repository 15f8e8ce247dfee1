from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.model.meta import Object
from netemu.model.resources import ENDPOINT_SLICES, NAMESPACES, NODES, PODS, SECRETS, SERVICES
from netemu.model.service import HostPort, NodePlace, Protocol
from netemu.model.snapshot import EMPTY, Snapshot, advance, changed_services, listed

KEY = ("default", "web")


def service(name: str = "web", ip: str = "10.96.0.5", **spec: Any) -> dict[str, Any]:
    ports = [{"port": 80, "protocol": "TCP"}]
    return {
        "metadata": {"namespace": "default", "name": name},
        "spec": {"clusterIP": ip, "clusterIPs": [ip], "ports": ports, **spec},
    }


def part(name: str, *addresses: str, service: str = "web", ready: bool = True) -> dict[str, Any]:
    return {
        "metadata": {
            "namespace": "default",
            "name": name,
            "labels": {"kubernetes.io/service-name": service},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": [ip], "conditions": {"ready": ready}} for ip in addresses],
        "ports": [{"port": 8080, "protocol": "TCP"}],
    }


def pod(name: str, ip: str, phase: str = "Running") -> dict[str, Any]:
    return {
        "metadata": {"namespace": "default", "name": name},
        "spec": {"nodeName": "node-1"},
        "status": {"podIP": ip, "phase": phase},
    }


def test_a_service_and_its_slices_meet_whichever_comes_first() -> None:
    one = advance(advance(EMPTY, SERVICES, None, service()), ENDPOINT_SLICES, None, part("b", "1"))
    two = advance(advance(EMPTY, ENDPOINT_SLICES, None, part("b", "1")), SERVICES, None, service())
    assert one.services[KEY] == two.services[KEY]
    assert [each.name for each in one.services[KEY].slices] == ["b"]


def test_owners_tell_who_holds_an_address() -> None:
    snapshot = advance(EMPTY, SERVICES, None, service())
    slice_ = part("a", "10.244.0.2", "10.244.0.3")
    snapshot = advance(snapshot, ENDPOINT_SLICES, None, slice_)
    assert set(snapshot.owners) == {"10.96.0.5", "10.244.0.2", "10.244.0.3"}
    snapshot = advance(snapshot, ENDPOINT_SLICES, slice_, part("a", "10.244.0.3"))
    assert set(snapshot.owners) == {"10.96.0.5", "10.244.0.3"}
    assert snapshot.owners["10.244.0.3"] == {KEY}
    assert set(advance(snapshot, SERVICES, service(), None).owners) == set()


def test_a_slice_may_move_to_another_service() -> None:
    before, after = part("a", "1"), part("a", "1", service="other")
    snapshot = advance(advance(EMPTY, SERVICES, None, service()), ENDPOINT_SLICES, None, before)
    snapshot = advance(snapshot, ENDPOINT_SLICES, before, after)
    assert snapshot.services[KEY].slices == ()
    snapshot = advance(snapshot, SERVICES, None, service("other", "10.96.0.6"))
    assert [each.name for each in snapshot.services["default", "other"].slices] == ["a"]


def test_what_makes_no_difference_changes_nothing() -> None:
    snapshot = advance(EMPTY, SERVICES, None, service())
    annotated = {**service(), "metadata": {**service()["metadata"], "annotations": {"a": "b"}}}
    assert advance(snapshot, SERVICES, service(), annotated) is snapshot
    assert advance(snapshot, SECRETS, None, {"metadata": {"name": "node-1"}}) is snapshot


def test_nodes_are_known_by_where_they_are_not_by_how_they_are() -> None:
    node: Object = {
        "metadata": {"name": "node-1", "labels": {"topology.kubernetes.io/zone": "zone-a"}},
        "spec": {"podCIDRs": ["10.244.0.0/24"]},
        "status": {"addresses": [{"type": "InternalIP", "address": "172.30.0.11"}]},
    }
    snapshot = advance(EMPTY, NODES, None, node)
    place = NodePlace(
        name="node-1", address="172.30.0.11", pod_ranges=("10.244.0.0/24",), zone="zone-a"
    )
    assert dict(snapshot.nodes) == {"node-1": place}
    beat = {**node, "status": {**node["status"], "conditions": [{"type": "Ready"}]}}
    assert advance(snapshot, NODES, node, beat) is snapshot
    assert dict(advance(snapshot, NODES, node, None).nodes) == {}


def test_pods_that_take_ports_of_their_node_are_kept_apart() -> None:
    def pod(*ports: Object) -> Object:
        return {
            "metadata": {"namespace": "default", "name": "a"},
            "spec": {"nodeName": "node-1", "containers": [{"name": "c", "ports": list(ports)}]},
            "status": {"podIP": "10.244.0.2", "phase": "Running"},
        }

    plain = pod({"containerPort": 80})
    taking = pod({"containerPort": 80, "hostPort": 8080, "hostIP": "0.0.0.0"})
    assert dict(advance(EMPTY, PODS, None, plain).host_ports) == {}
    snapshot = advance(EMPTY, PODS, None, taking)
    [held] = snapshot.host_ports.values()
    assert held.host_ports == (HostPort("", Protocol.TCP, 8080, 80),)
    assert dict(advance(snapshot, PODS, taking, None).host_ports) == {}


def test_a_change_moves_the_revision_and_leaves_the_rest_the_same_object() -> None:
    snapshot = advance(advance(EMPTY, SERVICES, None, service()), SERVICES, None, service("b", "2"))
    changed = advance(snapshot, SERVICES, service(), service(ip="10.96.0.9"))
    assert changed.revision == snapshot.revision + 1
    assert changed.services["default", "b"] is snapshot.services["default", "b"]
    assert snapshot.services[KEY].service.cluster_ips == ("10.96.0.5",)


def test_what_dns_does_not_serve_leaves_the_revision() -> None:
    """A serial moves on served changes only."""
    snapshot = advance(EMPTY, SERVICES, None, service())
    annotated = service() | {"metadata": {**service()["metadata"], "annotations": {"a": "b"}}}
    assert advance(snapshot, SERVICES, service(), annotated) is snapshot
    with_pod = advance(snapshot, PODS, None, pod("a", "10.244.0.2"))
    assert with_pod is not snapshot
    assert with_pod.revision == snapshot.revision
    space = {"metadata": {"name": "default"}}
    assert advance(snapshot, NAMESPACES, None, space).revision == snapshot.revision + 1


def test_a_finished_pod_frees_its_address_and_never_anothers() -> None:
    old = pod("a", "10.244.0.2")
    snapshot = advance(EMPTY, PODS, None, old)
    snapshot = advance(snapshot, PODS, None, pod("b", "10.244.0.2"))
    snapshot = advance(snapshot, PODS, old, pod("a", "10.244.0.2", "Succeeded"))
    assert snapshot.pods["10.244.0.2"].name == "b"
    snapshot = advance(snapshot, PODS, pod("b", "10.244.0.2"), None)
    assert "10.244.0.2" not in snapshot.pods


def test_namespaces_come_and_go() -> None:
    space = {"metadata": {"name": "default"}}
    snapshot = advance(EMPTY, NAMESPACES, None, space)
    assert "default" in snapshot.namespaces
    assert advance(snapshot, NAMESPACES, space, space) is snapshot
    assert "default" not in advance(snapshot, NAMESPACES, space, None).namespaces


_names = st.sampled_from(["web", "db"])
_parts = st.builds(
    part,
    st.sampled_from(["s1", "s2", "s3"]),
    st.sampled_from(["10.244.0.1", "10.244.0.2"]),
    service=_names,
    ready=st.booleans(),
)
_services = st.builds(service, _names, st.sampled_from(["10.96.0.5", "10.96.0.6"]))
_steps = st.lists(
    st.one_of(
        st.tuples(st.just(SERVICES), _services, st.booleans()),
        st.tuples(st.just(ENDPOINT_SLICES), _parts, st.booleans()),
    ),
    max_size=25,
)


@given(_steps)
def test_steps_end_where_starting_from_the_final_objects_ends(
    steps: list[tuple[str, dict[str, Any], bool]],
) -> None:
    objects: dict[tuple[str, str], dict[str, Any]] = {}
    snapshot: Snapshot = EMPTY
    for resource, obj, stays in steps:
        key = resource, obj["metadata"]["name"]
        snapshot = advance(snapshot, resource, objects.get(key), obj if stays else None)
        if stays:
            objects[key] = obj
        else:
            objects.pop(key, None)
    fresh = EMPTY
    for (resource, _), obj in objects.items():
        fresh = advance(fresh, resource, None, obj)
    at_once = listed((resource, obj) for (resource, _), obj in objects.items())
    assert snapshot.services == fresh.services == at_once.services
    assert snapshot.owners == fresh.owners == at_once.owners
    assert snapshot.slices == fresh.slices == at_once.slices


def test_what_is_listed_at_once_is_as_by_steps_and_changes_go_on_from_there() -> None:
    objects = [
        (SERVICES, service()),
        (ENDPOINT_SLICES, part("a", "10.244.0.2")),
        (SERVICES, service("db", "10.96.0.6")),
        (PODS, pod("p", "10.244.0.2")),
        (NAMESPACES, {"metadata": {"name": "default"}}),
    ]
    first, steps = listed(objects), EMPTY
    for resource, obj in objects:
        steps = advance(steps, resource, None, obj)
    assert replace(first, revision=steps.revision) == steps
    assert first.revision > EMPTY.revision
    assert changed_services(EMPTY, first) == {KEY, ("default", "db")}
    second = advance(first, SERVICES, service("db", "10.96.0.6"), None)
    assert changed_services(first, second) == {("default", "db")}


@pytest.mark.parametrize("ready", [True, False, None])
def test_an_endpoint_without_a_say_is_ready(ready: bool | None) -> None:
    made = part("a", "1")
    made["endpoints"][0]["conditions"] = {} if ready is None else {"ready": ready}
    snapshot = advance(advance(EMPTY, SERVICES, None, service()), ENDPOINT_SLICES, None, made)
    assert snapshot.services[KEY].slices[0].endpoints[0].ready is (ready is not False)

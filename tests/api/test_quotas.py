"""What ResourceQuotas refuse."""

from typing import Any

from netemu.api.quotas import problem
from netemu.model.meta import Object
from tests.support.objects import a_container, a_pod, a_service


def a_quota(name: str = "q", **hard: Any) -> Object:
    limits = {key.replace("_", "."): value for key, value in hard.items()}
    return {"metadata": {"name": name}, "spec": {"hard": limits}}


def asked(resource: str, new: Object, quota: Object, *there: Object, old: Any = None) -> str | None:
    return problem(resource, new, old, [quota], lambda kind: there if kind == resource else ())


def test_there_is_room_until_there_is_none() -> None:
    quota = a_quota(pods="2")
    assert asked("pods", a_pod(), quota, a_pod()) is None
    assert asked("pods", a_pod(), quota, a_pod(), a_pod()) == (
        "exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2"
    )


def test_only_what_is_exceeded_is_told() -> None:
    pod = a_container(resources={"requests": {"cpu": "600m"}, "limits": {"memory": "2Gi"}})
    quota = a_quota(pods="5", requests_cpu="1", limits_memory="3Gi")
    assert asked("pods", pod, quota, pod) == (
        "exceeded quota: q, requested: limits.memory=2Gi,requests.cpu=600m, "
        "used: limits.memory=2Gi,requests.cpu=600m, limited: limits.memory=3Gi,requests.cpu=1"
    )


def test_what_is_limited_must_be_said() -> None:
    pod = a_pod(containers=[{"name": "a"}, {"name": "b", "resources": {"limits": {"cpu": "1"}}}])
    assert asked("pods", pod, a_quota(limits_cpu="1", requests_memory="1Gi")) == (
        "failed quota: q: must specify limits.cpu for: a; requests.memory for: a,b"
    )


def test_a_change_counts_for_what_it_adds() -> None:
    quota = a_quota(services_nodeports="1", services="1")
    inside, outside = a_service(type="ClusterIP"), a_service(type="NodePort")
    assert asked("services", outside, quota, inside, old=inside) is None
    assert asked("services", outside, quota, outside, inside, old=inside) == (
        "exceeded quota: q, requested: services.nodeports=1, used: services.nodeports=1, "
        "limited: services.nodeports=1"
    )
    assert asked("services", inside, quota, outside, outside, old=outside) is None


def test_others_are_none_of_its_business() -> None:
    quota = a_quota(secrets="0")
    assert asked("pods", a_pod(), quota) is None
    scoped = {**quota, "spec": {"hard": {"pods": "0"}, "scopes": ["Terminating"]}}
    assert asked("pods", a_pod(), scoped) is None

import pytest

from netemu.controllers.statefulpods import (
    Retention,
    claim_names,
    identified,
    is_member,
    new_pod,
    ordinal_of,
    owned_claim,
    retention_of,
)
from netemu.model.meta import Object
from tests.support.workload import workload


def named(name: str, **metadata: object) -> Object:
    return {"metadata": {"name": name, "namespace": "default", "uid": f"u-{name}", **metadata}}


@pytest.mark.parametrize(
    ("name", "ordinal", "member"),
    [("web-0", 0, True), ("web-12", 12, True), ("web", -1, False), ("web-a-1", 1, False)],
)
def test_a_name_says_whose_and_which_it_is(name: str, ordinal: int, member: bool) -> None:
    assert ordinal_of(named(name)) == ordinal
    assert is_member(workload("StatefulSet"), named(name)) is member


def test_claims_are_called_after_template_set_and_number() -> None:
    templates = [{"metadata": {"name": "data"}}, {"metadata": {"name": "logs"}}]
    obj = workload("StatefulSet", volumeClaimTemplates=templates)
    assert claim_names(obj, 3) == {"data": "data-web-3", "logs": "logs-web-3"}


def test_a_claim_takes_the_place_of_a_volume_of_its_name() -> None:
    templates = [{"metadata": {"name": "data"}}]
    obj = workload("StatefulSet", volumeClaimTemplates=templates)
    volumes = [{"name": "data", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}]
    template = {"spec": {"containers": [], "volumes": volumes}}
    assert new_pod(obj, template, "web-x", 0)["spec"]["volumes"] == [
        {"name": "data", "persistentVolumeClaim": {"claimName": "data-web-0"}},
        {"name": "tmp", "emptyDir": {}},
    ]


def test_a_pod_gets_its_labels_back() -> None:
    pod = named("web-1", labels={"app": "web"})
    labelled = identified(pod)
    assert labelled["metadata"]["labels"]["apps.kubernetes.io/pod-index"] == "1"
    assert identified(labelled) is labelled


def test_a_foreign_owner_of_a_claim_is_left_alone() -> None:
    obj = workload("StatefulSet", persistentVolumeClaimRetentionPolicy={"whenDeleted": "Delete"})
    other = {"apiVersion": "v1", "kind": "Thing", "name": "t", "uid": "t", "controller": True}
    claim = named("data-web-0", ownerReferences=[other])
    assert owned_claim(obj, retention_of(obj), claim, None, condemned=False) is claim


def test_an_earlier_pods_claim_is_taken_over() -> None:
    obj = workload("StatefulSet")
    earlier = {"apiVersion": "v1", "kind": "Pod", "name": "web-0", "uid": "gone"}
    claim = named("data-web-0", ownerReferences=[earlier])
    freed = owned_claim(obj, Retention(scaled=True), claim, named("web-0"), condemned=False)
    assert "ownerReferences" not in freed["metadata"]

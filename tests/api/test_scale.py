import pytest

from netemu.api.scale import scale_of, scaled
from netemu.model.errors import BadRequest, Invalid
from netemu.model.meta import Object

DEPLOYMENT: Object = {
    "metadata": {"name": "web", "namespace": "a", "uid": "u", "resourceVersion": "4", "labels": {}},
    "spec": {"replicas": 3, "selector": {"matchLabels": {"b": "c", "app": "web"}}},
    "status": {"replicas": 2},
}


def test_a_workloads_scale_has_its_replicas_and_its_selector_as_text() -> None:
    assert scale_of(DEPLOYMENT) == {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {"name": "web", "namespace": "a", "uid": "u", "resourceVersion": "4"},
        "spec": {"replicas": 3},
        "status": {"replicas": 2, "selector": "app=web,b=c"},
    }


def test_a_scale_of_nothing_has_an_empty_spec_as_gos_has() -> None:
    stopped = {**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"], "replicas": 0}}
    assert scale_of(stopped)["spec"] == {}


def test_writing_a_scale_changes_the_replicas_alone() -> None:
    found = scaled(DEPLOYMENT, {**scale_of(DEPLOYMENT), "spec": {"replicas": 5}})
    assert found == {**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"], "replicas": 5}}


def test_an_empty_spec_means_none() -> None:
    assert scaled(DEPLOYMENT, {"spec": {}})["spec"]["replicas"] == 0


def test_the_version_a_scale_names_counts() -> None:
    found = scaled(DEPLOYMENT, {"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 1}})
    assert found["metadata"]["resourceVersion"] == "1"


def test_fewer_than_none_is_invalid() -> None:
    with pytest.raises(Invalid, match=r'Scale.autoscaling "web" is invalid: spec.replicas: Inv'):
        scaled(DEPLOYMENT, {"spec": {"replicas": -1}})


def test_only_a_scale_scales() -> None:
    with pytest.raises(BadRequest, match="expected a autoscaling/v1 Scale"):
        scaled(DEPLOYMENT, {"kind": "Pod", "apiVersion": "v1"})

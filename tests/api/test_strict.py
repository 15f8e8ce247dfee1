"""Objects against their schema, in the words of a real API server."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.api import strict
from netemu.model.errors import ApiError, BadRequest
from netemu.model.meta import Object, copied
from netemu.model.resources import BY_KEY

DEPLOYMENTS = BY_KEY["deployments.apps"]


def deployment(**changes: Any) -> Object:
    """A whole Deployment; changes go into its only container."""
    container = {
        "name": "c",
        "image": "nginx",
        "ports": [{"containerPort": 80, "protocol": "TCP"}],
        "env": [{"name": "A", "value": "b"}],
        "resources": {"limits": {"cpu": "500m", "memory": "64Mi"}},
        "readinessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1},
        **changes,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 1}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [container]},
            },
        },
    }


def test_a_good_object_comes_out_equal_and_apart() -> None:
    given_object = deployment()
    before = copied(given_object)
    checked, problems = strict.check(DEPLOYMENTS, given_object)
    assert checked == given_object == before
    assert problems == []
    assert checked["spec"]["template"] is not given_object["spec"]["template"]


def test_unknown_fields_are_dropped_and_told_in_order() -> None:
    obj = deployment(readinessProbe={"httpGrt": {"port": 1}, "periodSeconds": 1})
    obj["metadata"]["foo"] = 1
    obj["spec"]["minReadySecond"] = 10
    obj["volumeCliamTemplates"] = []
    checked, problems = strict.check(DEPLOYMENTS, obj)
    assert problems == [
        'unknown field "metadata.foo"',
        'unknown field "spec.template.spec.containers[0].readinessProbe.httpGrt"',
        'unknown field "spec.minReadySecond"',
        'unknown field "volumeCliamTemplates"',
    ]
    container = checked["spec"]["template"]["spec"]["containers"][0]
    assert container["readinessProbe"] == {"periodSeconds": 1}
    assert "minReadySecond" not in checked["spec"]


def test_no_more_than_a_hundred_problems_are_told() -> None:
    _, problems = strict.check(DEPLOYMENTS, {"spec": {f"x{n}": n for n in range(300)}})
    assert len(problems) == strict.MAX_PROBLEMS


def test_nulls_are_dropped_from_structs_and_zero_elsewhere() -> None:
    obj = deployment(command=None, args=["a", None], resources={"limits": {"cpu": None}})
    obj["metadata"]["labels"]["empty"] = None
    checked, problems = strict.check(DEPLOYMENTS, obj)
    container = checked["spec"]["template"]["spec"]["containers"][0]
    assert "command" not in container
    assert container["args"] == ["a", ""]
    assert container["resources"] == {"limits": {"cpu": "0"}}
    assert checked["metadata"]["labels"] == {"app": "web", "empty": ""}
    assert problems == []


def test_empty_lists_and_maps_are_left_out_where_go_leaves_them_out() -> None:
    given_object = {
        "metadata": {"labels": {}, "annotations": {}, "finalizers": []},
        "spec": {"containers": [{"name": "c", "env": [], "volumeMounts": []}], "nodeSelector": {}},
    }
    checked, _ = strict.check(BY_KEY["pods"], given_object)
    assert checked == {"metadata": {}, "spec": {"containers": [{"name": "c"}]}}
    # Structs are there or not, whatever is in them.
    volume = {"volumes": [{"name": "v", "emptyDir": {}}], "containers": [{"name": "c"}]}
    checked, _ = strict.check(BY_KEY["pods"], {"spec": volume})
    assert checked == {"spec": volume}
    role = {"metadata": {"name": "r"}, "rules": list[Any]()}
    assert strict.check(BY_KEY["roles.rbac.authorization.k8s.io"], role) == (role, [])


def test_quantities_and_times_are_written_as_a_cluster_writes_them() -> None:
    obj = deployment(resources={"limits": {"cpu": 0.5, "memory": "1024Mi"}, "requests": {"cpu": 1}})
    obj["metadata"]["creationTimestamp"] = "2024-01-02T03:04:05+01:00"
    checked, _ = strict.check(DEPLOYMENTS, obj)
    resources = checked["spec"]["template"]["spec"]["containers"][0]["resources"]
    assert resources == {"limits": {"cpu": "500m", "memory": "1Gi"}, "requests": {"cpu": "1"}}
    assert checked["metadata"]["creationTimestamp"] == "2024-01-02T02:04:05Z"


@dataclass(frozen=True)
class Case:
    name: str
    resource: str
    obj: Object
    said: str
    """What follows `cannot be handled as a X: `."""


def pod(container: Object) -> Object:
    return {"spec": {"containers": [{"name": "c"}, container]}}


GO = "json: cannot unmarshal"
CASES = [
    Case(
        "a number in quotes",
        "deployments.apps",
        {"spec": {"replicas": "3"}},
        f"{GO} string into Go struct field DeploymentSpec.spec.replicas of type int32",
    ),
    Case(
        "a fraction",
        "deployments.apps",
        {"spec": {"replicas": 1.5}},
        f"{GO} number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32",
    ),
    Case(
        "more than 32 bits",
        "deployments.apps",
        {"spec": {"replicas": 2**31}},
        f"{GO} number 2147483648 into Go struct field DeploymentSpec.spec.replicas of type int32",
    ),
    Case(
        "a bool where a whole number must be",
        "deployments.apps",
        {"spec": {"replicas": True}},
        f"{GO} bool into Go struct field DeploymentSpec.spec.replicas of type int32",
    ),
    Case(
        "more than 64 bits",
        "pods",
        {"spec": {"terminationGracePeriodSeconds": 2**63}},
        f"{GO} number 9223372036854775808 into Go struct field "
        "PodSpec.spec.terminationGracePeriodSeconds of type int64",
    ),
    Case(
        "a label that isn't text",
        "pods",
        {"metadata": {"labels": {"version": 1}}},
        f"{GO} number into Go struct field ObjectMeta.metadata.labels of type string",
    ),
    Case(
        "an environment variable that isn't text, without the list's indices",
        "pods",
        pod({"env": [{"name": "A", "value": True}]}),
        f"{GO} bool into Go struct field EnvVar.spec.containers.env.value of type string",
    ),
    Case(
        "a string where a struct must be",
        "deployments.apps",
        {"spec": "x"},
        f"{GO} string into Go struct field Deployment.spec of type v1.DeploymentSpec",
    ),
    Case(
        "an object where a list must be",
        "pods",
        {"spec": {"containers": {"name": "c"}}},
        f"{GO} object into Go struct field PodSpec.spec.containers of type []v1.Container",
    ),
    Case(
        "a list where a map must be",
        "pods",
        {"metadata": {"labels": []}},
        f"{GO} array into Go struct field ObjectMeta.metadata.labels of type map[string]string",
    ),
    Case(
        "a list of limits",
        "pods",
        pod({"resources": {"limits": ["cpu"]}}),
        f"{GO} array into Go struct field ResourceRequirements.spec.containers.resources.limits "
        "of type v1.ResourceList",
    ),
    Case(
        "text where a bool must be",
        "pods",
        {"spec": {"hostNetwork": "yes"}},
        f"{GO} string into Go struct field PodSpec.spec.hostNetwork of type bool",
    ),
    Case(
        "a bool as a port",
        "services",
        {"spec": {"ports": [{"targetPort": False}]}},
        f"{GO} bool into Go struct field ServicePort.spec.ports.targetPort of type int32",
    ),
    Case(
        "a time that is a number",
        "pods",
        {"metadata": {"creationTimestamp": 5}},
        f"{GO} number into Go struct field ObjectMeta.metadata.creationTimestamp of type string",
    ),
    Case(
        "a time that is none",
        "pods",
        {"metadata": {"creationTimestamp": "now"}},
        'parsing time "now" as "2006-01-02T15:04:05Z07:00": cannot parse "now" as "2006"',
    ),
    Case(
        "a quantity that is none",
        "pods",
        pod({"resources": {"limits": {"memory": "64mb"}}}),
        "quantities must match the regular expression "
        "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ),
    Case(
        "a secret that is no base64",
        "secrets",
        {"data": {"password": "not base64"}},
        "illegal base64 data at input byte 3",
    ),
    Case(
        "a secret that is no text",
        "secrets",
        {"data": {"password": 5}},
        f"{GO} number into Go struct field Secret.data of type []uint8",
    ),
    Case(
        "the first of two mismatches",
        "pods",
        {"spec": {"hostNetwork": 1, "hostPID": 2}},
        f"{GO} number into Go struct field PodSpec.spec.hostNetwork of type bool",
    ),
    Case(
        "a type that decodes itself, before mismatches that came earlier",
        "pods",
        {"metadata": {"labels": 5, "creationTimestamp": "x"}},
        'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"',
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_wrong_type_is_refused_in_gos_words(case: Case) -> None:
    resource = BY_KEY[case.resource]
    with pytest.raises(BadRequest) as refused:
        strict.check(resource, case.obj)
    kind = resource.kind
    head = f'{kind} in version "v1" cannot be handled as a {kind}: '
    assert refused.value.message == head + case.said


def test_free_json_stays_as_it_is() -> None:
    entry = {"manager": "x", "fieldsV1": {"f:spec": {"f:x": {}}, "odd": None}}
    obj = {"metadata": {"name": "x", "managedFields": [entry]}}
    checked, problems = strict.check(DEPLOYMENTS, obj)
    assert checked == obj
    assert problems == []


NAMES = ["metadata", "spec", "template", "containers", "labels", "replicas", "nope", "limits"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4))
def test_any_json_is_checked_or_refused_and_checking_twice_changes_nothing(obj: Object) -> None:
    try:
        checked, _ = strict.check(DEPLOYMENTS, obj)
    except ApiError:
        return
    assert strict.check(DEPLOYMENTS, checked) == (checked, [])

import base64

import pytest

from netemu.model.meta import Object
from netemu.node.environment import ConfigError, Sources, environment
from netemu.node.field_values import Place

POD: Object = {
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {
        "containers": [{"name": "main"}, {"name": "side", "resources": {"limits": {"cpu": "2"}}}]
    },
}
OBJECTS: dict[tuple[str, str], Object] = {
    ("configmaps", "app"): {"data": {"color": "blue", "size.max": "9"}},
    ("secrets", "db"): {"data": {"password": base64.b64encode(b"s3cret").decode()}},
}
SOURCES = Sources(
    services={"REDIS_SERVICE_HOST": "10.96.0.9"},
    place=Place(pod_ips=("10.244.0.7",), host_ips=("172.30.0.11",), allocatable={}),
    lookup=lambda resource, name: OBJECTS.get((resource, name)),
)


def env_of(*env: Object, env_from: list[Object] | None = None) -> dict[str, str]:
    container = {"name": "main", "env": list(env), "envFrom": env_from or []}
    found = environment(POD, container, SOURCES)
    return {name: value for name, value in found.items() if name != "REDIS_SERVICE_HOST"}


def config_key(name: str, key: str, **fields: bool) -> Object:
    return {"valueFrom": {"configMapKeyRef": {"name": name, "key": key, **fields}}}


def test_values_see_earlier_ones_and_services() -> None:
    found = env_of(
        {"name": "A", "value": "1"},
        {"name": "B", "value": "$(A)/$(REDIS_SERVICE_HOST)/$(LATER)"},
        {"name": "LATER", "value": "x"},
    )
    assert found == {"A": "1", "B": "1/10.96.0.9/$(LATER)", "LATER": "x"}


def test_a_pods_own_variable_hides_that_of_a_service() -> None:
    container = {"env": [{"name": "REDIS_SERVICE_HOST", "value": "mine"}]}
    assert environment(POD, container, SOURCES) == {"REDIS_SERVICE_HOST": "mine"}


def test_everything_of_a_config_map_and_a_secret() -> None:
    sources: list[Object] = [
        {"configMapRef": {"name": "app"}, "prefix": "APP_"},
        {"secretRef": {"name": "db"}},
        {"configMapRef": {"name": "missing", "optional": True}},
    ]
    assert env_of({"name": "password", "value": "over"}, env_from=sources) == {
        "APP_color": "blue",
        "APP_size.max": "9",
        "password": "over",
    }


def test_one_key_of_each() -> None:
    secret = {"valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}
    assert env_of({"name": "C", **config_key("app", "color")}, {"name": "S", **secret}) == {
        "C": "blue",
        "S": "s3cret",
    }


def test_an_optional_reference_that_is_missing_leaves_the_variable_out() -> None:
    found = env_of(
        {"name": "A", **config_key("none", "x", optional=True)},
        {"name": "B", **config_key("app", "none", optional=True)},
    )
    assert found == {}


def test_fields_and_resources() -> None:
    resource = {"containerName": "side", "resource": "limits.cpu"}
    found = env_of(
        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "CPU", "valueFrom": {"resourceFieldRef": resource}},
    )
    assert found == {"IP": "10.244.0.7", "CPU": "2"}


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"name": "A", **config_key("none", "x")}, 'configmap "none" not found'),
        ({"name": "A", **config_key("app", "x")}, "couldn't find key x in ConfigMap shop/app"),
        (
            {"name": "A", "valueFrom": {"secretKeyRef": {"name": "db", "key": "x"}}},
            "couldn't find key x in Secret shop/db",
        ),
        (
            {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.x"}}},
            "unsupported fieldPath: spec.x",
        ),
        (
            {
                "name": "A",
                "valueFrom": {"resourceFieldRef": {"containerName": "q", "resource": "limits.cpu"}},
            },
            "container q not found",
        ),
    ],
)
def test_what_is_missing_is_said_in_the_kubelets_words(item: Object, words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        env_of(item)
    assert str(raised.value) == words


def test_a_missing_secret_as_a_whole() -> None:
    with pytest.raises(ConfigError, match='secret "none" not found'):
        env_of(env_from=[{"secretRef": {"name": "none"}}])

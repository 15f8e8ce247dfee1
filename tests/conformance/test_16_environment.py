"""sig-node: environment, ConfigMaps, Secrets, downward API, row by row of the catalogue."""

import base64
from typing import Any

import pytest

from tests.support.rows import RefusedError, Space, sh

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def variables(**given: Any) -> list[Any]:
    """A dict is where the value comes from."""
    return [
        {"name": name, **({"valueFrom": value} if isinstance(value, dict) else {"value": value})}
        for name, value in given.items()
    ]


def field(path: str) -> Any:
    return {"fieldRef": {"fieldPath": path}}


def amount(resource: str) -> Any:
    return {"resourceFieldRef": {"resource": resource}}


def said(space: Space, container: Any, **spec: Any) -> list[str]:
    return space.output("p", container, **spec).splitlines()


def test_16_1_composed_variables(space: Space) -> None:
    env = variables(FOO="foo-value", BAR="bar-value", FOOBAR="$(FOO);;$(BAR)")
    assert "FOOBAR=foo-value;;bar-value" in said(space, sh("env", env=env))


def test_16_1_in_a_command(space: Space) -> None:
    env = variables(TEST_VAR="test-value")
    script = 'TEST_VAR=wrong echo "$(TEST_VAR)"'
    assert said(space, sh(script, env=env)) == ["test-value"]


def test_16_1_in_arguments(space: Space) -> None:
    env = variables(TEST_VAR="test-value")
    container = sh("", env=env) | {
        "command": ["sh", "-c"],
        "args": ['TEST_VAR=wrong echo "$(TEST_VAR)"'],
    }
    assert said(space, container) == ["test-value"]


def mount(**fields: Any) -> Any:
    return {"volumeMounts": [{"name": "work", "mountPath": "/logscontainer", **fields}]}


EMPTY = {"volumes": [{"name": "work", "emptyDir": {}}]}


def test_16_2_in_a_sub_path(space: Space) -> None:
    env = variables(POD_NAME="foo")
    whole = {"name": "work", "mountPath": "/testcontainer"}
    mounts = mount(subPathExpr="$(POD_NAME)")
    mounts["volumeMounts"].append(whole)
    script = "test -d /testcontainer/foo; echo $?; touch /logscontainer/f; ls /testcontainer/foo"
    assert said(space, sh(script, env=env, **mounts), **EMPTY) == ["0", "f"]


@pytest.mark.parametrize("value", ["..", "/tmp", "`hostname`"])
def test_16_2_a_path_that_is_none_fails(space: Space, value: str) -> None:
    env = variables(POD_NAME=value)
    if value == "`hostname`":  # upstream: is taken as it is written, no shell looks at it
        found = said(
            space, sh("ls -d /logscontainer", env=env, **mount(subPathExpr="$(POD_NAME)")), **EMPTY
        )
        assert found == ["/logscontainer"]
        return
    space.pod("p", sh("true", env=env, **mount(subPathExpr="$(POD_NAME)")), **EMPTY)
    space.wait(
        lambda: (
            space.container("p")["state"].get("waiting", {}).get("reason")
            == "CreateContainerConfigError"
        )
    )


def test_16_2_a_path_that_changes_with_an_annotation(space: Space) -> None:
    env = variables(POD_NAME=field("metadata.annotations['mysubpath']"))
    container = sh("exec sleep 100", env=env, **mount(subPathExpr="$(POD_NAME)"))
    made = {
        "metadata": {"name": "p", "annotations": {"mysubpath": "/absolute"}},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [container], **EMPTY},
    }
    space.create("pods", made)
    space.wait(lambda: "waiting" in space.container("p")["state"], "the refusal")
    space.patch("pods", "p", {"metadata": {"annotations": {"mysubpath": "mypath"}}})
    space.wait_ready("p")


def test_16_2_a_path_stays_over_restarts(space: Space) -> None:
    env = variables(POD_NAME=field("metadata.annotations['mysubpath']"))
    script = (
        "echo >> /logscontainer/n; [ $(wc -l < /logscontainer/n) -ge 2 ] && exec sleep 100; exit 1"
    )
    container = sh(script, env=env, **mount(subPathExpr="$(POD_NAME)"))
    space.create(
        "pods",
        {
            "metadata": {"name": "p", "annotations": {"mysubpath": "foo"}},
            "spec": {"terminationGracePeriodSeconds": 1, "containers": [container], **EMPTY},
        },
    )
    space.wait_restart("p")
    space.wait(lambda: "running" in space.container("p")["state"], "it to stay")


def test_16_3_name_namespace_and_address(space: Space) -> None:
    env = variables(
        POD_NAME=field("metadata.name"),
        POD_NAMESPACE=field("metadata.namespace"),
        POD_IP=field("status.podIP"),
    )
    found = said(space, sh("env", env=env))
    address = space.get("pods", "p")["status"]["podIP"]
    assert {"POD_NAME=p", f"POD_NAMESPACE={space.name}", f"POD_IP={address}"} <= set(found)


def test_16_3_the_hosts_address(space: Space) -> None:
    env = variables(HOST_IP=field("status.hostIP"))
    found = said(space, sh("env", env=env))
    assert f"HOST_IP={space.get('pods', 'p')['status']['hostIP']}" in found


def test_16_3_uid(space: Space) -> None:
    found = said(space, sh("env", env=variables(POD_UID=field("metadata.uid"))))
    assert f"POD_UID={space.get('pods', 'p')['metadata']['uid']}" in found


AMOUNTS = variables(
    CPU_LIMIT=amount("limits.cpu"),
    MEMORY_LIMIT=amount("limits.memory"),
    CPU_REQUEST=amount("requests.cpu"),
    MEMORY_REQUEST=amount("requests.memory"),
)


def test_16_3_limits_and_requests(space: Space) -> None:
    resources = {
        "requests": {"cpu": "250m", "memory": "32Mi"},
        "limits": {"cpu": "1250m", "memory": "64Mi"},
    }
    found = said(space, sh("env", env=AMOUNTS, resources=resources))
    wanted = {"CPU_LIMIT=2", "MEMORY_LIMIT=67108864", "CPU_REQUEST=1", "MEMORY_REQUEST=33554432"}
    assert wanted <= set(found)


def test_16_3_without_limits_the_nodes_allocatable(space: Space) -> None:
    found = dict(line.split("=", 1) for line in said(space, sh("env", env=AMOUNTS)))
    node = space.get("nodes", space.get("pods", "p")["spec"]["nodeName"])
    assert found["CPU_LIMIT"] == node["status"]["allocatable"]["cpu"]
    assert int(found["MEMORY_LIMIT"]) > 0


def config_map(space: Space, **data: str) -> None:
    space.create("configmaps", {"metadata": {"name": "c"}, "data": data})


def secret(space: Space, **data: str) -> None:
    coded = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
    space.create("secrets", {"metadata": {"name": "s"}, "data": coded})


def test_16_4_a_key_of_a_config_map(space: Space) -> None:
    config_map(space, **{"data-1": "value-1"})
    env = variables(CONFIG_DATA_1={"configMapKeyRef": {"name": "c", "key": "data-1"}})
    assert "CONFIG_DATA_1=value-1" in said(space, sh("env", env=env))


def test_16_4_all_of_a_config_map(space: Space) -> None:
    config_map(space, data_1="value-1", data_2="value-2")
    sources = [{"configMapRef": {"name": "c"}}, {"prefix": "p_", "configMapRef": {"name": "c"}}]
    found = said(space, sh("env", envFrom=sources))
    assert {"data_1=value-1", "data_2=value-2", "p_data_1=value-1", "p_data_2=value-2"} <= set(
        found
    )


def test_16_5_an_empty_key_is_refused(space: Space) -> None:
    with pytest.raises(RefusedError) as refused:
        space.create("configmaps", {"metadata": {"name": "c"}, "data": {"": "value-1"}})
    assert refused.value.code == 422


def test_16_6_the_life_of_a_config_map(space: Space) -> None:
    start = space.version("configmaps")
    labels = {"test-configmap-static": "true"}
    made = {"metadata": {"name": "c", "labels": labels}, "data": {"valueName": "value"}}
    space.create("configmaps", made)
    patch = {"metadata": {"labels": {"patched": "yes"}}, "data": {"valueName": "value1"}}
    assert space.patch("configmaps", "c", patch)["data"] == {"valueName": "value1"}
    found = space.all("configmaps", "test-configmap-static=true", everywhere=True)
    assert "c" in [c["metadata"]["name"] for c in found]
    space.delete_all("configmaps", "test-configmap-static=true")
    assert space.all("configmaps", "test-configmap-static=true") == []
    events = space.watched("configmaps", start, "test-configmap-static=true")
    assert [kind for kind, _ in events] == ["ADDED", "MODIFIED", "DELETED"]


def test_16_7_update_of_a_config_map(space: Space) -> None:
    config_map(space, data="value")
    space.update("configmaps", "c", lambda c: c.update(data={"data": "value-2"}))
    assert space.get("configmaps", "c")["data"] == {"data": "value-2"}


def test_16_8_a_key_of_a_secret(space: Space) -> None:
    secret(space, **{"data-1": "value-1"})
    env = variables(SECRET_DATA={"secretKeyRef": {"name": "s", "key": "data-1"}})
    assert "SECRET_DATA=value-1" in said(space, sh("env", env=env))


def test_16_8_all_of_a_secret(space: Space) -> None:
    secret(space, data_1="value-1", data_2="value-2")
    sources = [{"secretRef": {"name": "s"}}, {"prefix": "p_", "secretRef": {"name": "s"}}]
    found = said(space, sh("env", envFrom=sources))
    assert {"data_1=value-1", "data_2=value-2", "p_data_1=value-1", "p_data_2=value-2"} <= set(
        found
    )


def test_16_9_an_empty_key_of_a_secret_is_refused(space: Space) -> None:
    with pytest.raises(RefusedError) as refused:
        space.create("secrets", {"metadata": {"name": "s"}, "data": {"": "dmFsdWUtMQ=="}})
    assert refused.value.code == 422


def test_16_10_patch_a_secret(space: Space) -> None:
    labels = {"testsecret-constant": "true"}
    made = {"metadata": {"name": "s", "labels": labels}, "data": {"key": "dmFsdWU="}}
    space.create("secrets", made)
    patch = {
        "metadata": {"labels": {"testsecret": "true"}},
        "data": {"key": base64.b64encode(b"value1").decode()},
    }
    space.patch("secrets", "s", patch)
    [found] = space.all("secrets", "testsecret=true", everywhere=True)
    assert base64.b64decode(found["data"]["key"]) == b"value1"
    space.delete_all("secrets", "testsecret=true")
    assert space.all("secrets", "testsecret-constant=true") == []

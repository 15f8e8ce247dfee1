from typing import Any

from netemu.api.defaults import with_defaults
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY
from tests.support.objects import a_container


def defaulted(obj: Object) -> Any:
    return with_defaults(BY_KEY["pods"], obj)


def test_probes_have_their_periods_and_an_http_get_its_path() -> None:
    pod = a_container(
        readinessProbe={"httpGet": {"port": 80}, "initialDelaySeconds": 0},
        livenessProbe={"grpc": {"port": 9}, "periodSeconds": 3},
        lifecycle={"preStop": {"httpGet": {"port": 80}}},
    )
    container = defaulted(pod)["spec"]["containers"][0]
    numbers = {
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }
    get = {"port": 80, "path": "/", "scheme": "HTTP"}
    assert container["readinessProbe"] == {"httpGet": get, **numbers}
    assert container["livenessProbe"] == {
        "grpc": {"port": 9, "service": ""},
        **numbers,
        "periodSeconds": 3,
    }
    assert container["lifecycle"]["preStop"]["httpGet"] == get


def test_ports_are_tcp_and_references_name_their_version() -> None:
    pod = a_container(
        ports=[{"containerPort": 80, "hostPort": 0}, {"containerPort": 53, "protocol": "UDP"}],
        env=[
            {"name": "A", "value": ""},
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
        ],
    )
    container = defaulted(pod)["spec"]["containers"][0]
    assert container["ports"] == [
        {"containerPort": 80, "protocol": "TCP"},
        {"containerPort": 53, "protocol": "UDP"},
    ]
    field, resource = (variable["valueFrom"] for variable in container["env"][1:])
    assert container["env"][0] == {"name": "A"}
    assert field["fieldRef"]["apiVersion"] == "v1"
    assert resource["resourceFieldRef"]["divisor"] == "0"

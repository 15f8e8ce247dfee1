from typing import Any, NamedTuple

import pytest

from netemu.model.names import dns_label, port_name
from tests.support.objects import a_container, a_pod, created, refusals

AT = "spec.containers[0]"


class Case(NamedTuple):
    name: str
    fields: dict[str, Any]
    refusals: list[str]


CASES = [
    Case("nameless", {"name": ""}, [f"{AT}.name: Required value"]),
    Case("ill named", {"name": "A"}, [f'{AT}.name: Invalid value: "A": {dns_label("A")[0]}']),
    Case("without image", {"image": ""}, [f"{AT}.image: Required value"]),
    Case(
        "with space about its image",
        {"image": " nginx"},
        [f'{AT}.image: Invalid value: " nginx": must not have leading or trailing whitespace'],
    ),
    Case(
        "pulled never ever",
        {"imagePullPolicy": "NeverEver"},
        [
            (
                f'{AT}.imagePullPolicy: Unsupported value: "NeverEver": supported values: '
                '"Always", '
                '"IfNotPresent", "Never"'
            )
        ],
    ),
    Case(
        "ports",
        {
            "ports": [
                {"containerPort": 80, "name": "http"},
                {"containerPort": 70000, "name": "HTTP"},
                {"name": "http", "protocol": "tcp"},
            ]
        },
        [
            f'{AT}.ports[1].name: Invalid value: "HTTP": {port_name("HTTP")[0]}',
            f'{AT}.ports[1].name: Invalid value: "HTTP": {port_name("HTTP")[1]}',
            (
                f"{AT}.ports[1].containerPort: Invalid value: 70000: must be between 1 and 65535, "
                "inclusive"
            ),
            f'{AT}.ports[2].name: Duplicate value: "http"',
            f"{AT}.ports[2].containerPort: Required value",
            (
                f'{AT}.ports[2].protocol: Unsupported value: "tcp": supported values: "SCTP", '
                '"TCP", '
                '"UDP"'
            ),
        ],
    ),
    Case(
        "twice on one port of the host",
        {
            "ports": [
                {"containerPort": 80, "hostPort": 8080},
                {"containerPort": 81, "hostPort": 8080},
            ]
        },
        [f'{AT}.ports[1].hostPort: Duplicate value: "TCP//8080"'],
    ),
    Case(
        "restarted on its own terms",
        {"restartPolicy": "Always"},
        [f"{AT}.restartPolicy: Forbidden: may not be set for non-init containers"],
    ),
    Case(
        "run by nobody",
        {"securityContext": {"runAsUser": -1}},
        [
            (
                f"{AT}.securityContext.runAsUser: Invalid value: -1: must be between 0 and "
                "4294967295, inclusive"
            )
        ],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_container(case: Case) -> None:
    assert refusals("pods", created("pods", a_container(**case.fields))) == case.refusals


def test_names_are_unique_in_a_pod() -> None:
    one = {"name": "a", "image": "x"}
    pod = created("pods", a_pod(containers=[one, one], initContainers=[one]))
    assert refusals("pods", pod) == [
        'spec.containers[1].name: Duplicate value: "a"',
        'spec.initContainers[0].name: Duplicate value: "a"',
    ]


def test_only_a_sidecar_may_be_probed_among_init_containers() -> None:
    probe = {"tcpSocket": {"port": 80}}
    sidecar = {"name": "a", "image": "x", "restartPolicy": "Always", "readinessProbe": probe}
    once = {"name": "b", "image": "x", "readinessProbe": probe}
    never = {"name": "c", "image": "x", "restartPolicy": "Never"}
    pod = created("pods", a_pod(initContainers=[sidecar, once, never]))
    assert refusals("pods", pod) == [
        (
            "spec.initContainers[1].readinessProbe: Forbidden: may not be set for init containers "
            "without restartPolicy=Always"
        ),
        (
            'spec.initContainers[2].restartPolicy: Unsupported value: "Never": supported values: '
            '"Always"'
        ),
    ]

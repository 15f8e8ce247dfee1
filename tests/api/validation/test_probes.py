from typing import Any, NamedTuple

import pytest

from netemu.model.names import http_header, port_name
from tests.support.objects import a_container, created, refusals

AT = "spec.containers[0]"
TCP = {"tcpSocket": {"port": 80}}


class Case(NamedTuple):
    name: str
    fields: dict[str, Any]
    refusals: list[str]


CASES = [
    Case(
        "of every kind",
        {
            "livenessProbe": {"exec": {"command": ["true"]}},
            "readinessProbe": {"httpGet": {"port": "http"}},
            "startupProbe": {"grpc": {"port": 9}},
            "lifecycle": {"preStop": {"sleep": {"seconds": 30}}, "postStart": TCP},
        },
        [],
    ),
    Case(
        "of no kind",
        {"readinessProbe": {"periodSeconds": 1}},
        [f"{AT}.readinessProbe: Required value: must specify a handler type"],
    ),
    Case(
        "of two kinds",
        {"readinessProbe": {**TCP, "exec": {"command": ["true"]}}},
        [f"{AT}.readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type"],
    ),
    Case(
        "without a command",
        {"readinessProbe": {"exec": {}}},
        [f"{AT}.readinessProbe.exec.command: Required value"],
    ),
    Case(
        "strange requests",
        {
            "readinessProbe": {
                "httpGet": {"port": "8 0", "scheme": "http", "httpHeaders": [{"name": "a b"}]}
            }
        },
        [
            *(
                f'{AT}.readinessProbe.httpGet.port: Invalid value: "8 0": {problem}'
                for problem in port_name("8 0")
            ),
            (
                f'{AT}.readinessProbe.httpGet.scheme: Unsupported value: "http": supported values: '
                '"HTTP", "HTTPS"'
            ),
            (
                f'{AT}.readinessProbe.httpGet.httpHeaders: Invalid value: "a b": '
                f"{http_header('a b')[0]}"
            ),
        ],
    ),
    Case(
        "no port",
        {"livenessProbe": {"tcpSocket": {"port": 0}}},
        [
            (
                f"{AT}.livenessProbe.tcpSocket.port: Invalid value: 0: must be between 1 and "
                "65535, "
                "inclusive"
            )
        ],
    ),
    Case(
        "numbers below zero",
        {"readinessProbe": {**TCP, "initialDelaySeconds": -1, "failureThreshold": -2}},
        [
            (
                f"{AT}.readinessProbe.initialDelaySeconds: Invalid value: -1: must be greater "
                "than or "
                "equal to 0"
            ),
            (
                f"{AT}.readinessProbe.failureThreshold: Invalid value: -2: must be greater than or "
                "equal to 0"
            ),
        ],
    ),
    Case(
        "one success is enough to live",
        {"livenessProbe": {**TCP, "successThreshold": 2}},
        [f"{AT}.livenessProbe.successThreshold: Invalid value: 2: must be 1"],
    ),
    Case(
        "who isn't ready isn't stopped",
        {
            "readinessProbe": {**TCP, "terminationGracePeriodSeconds": 5},
            "startupProbe": {**TCP, "terminationGracePeriodSeconds": 0},
        },
        [
            (
                f"{AT}.readinessProbe.terminationGracePeriodSeconds: Invalid value: 5: must not be "
                "set for readinessProbes"
            ),
            (
                f"{AT}.startupProbe.terminationGracePeriodSeconds: Invalid value: 0: must be "
                "greater "
                "than 0"
            ),
        ],
    ),
    Case(
        "a nap longer than life",
        {"lifecycle": {"preStop": {"sleep": {"seconds": 31}}}},
        [
            (
                f"{AT}.lifecycle.preStop.sleep: Invalid value: 31: must be greater than 0 and less "
                "than terminationGracePeriodSeconds (30). Enable "
                "AllowPodLifecycleSleepActionZeroValue feature gate for zero sleep."
            )
        ],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_probes_and_hooks(case: Case) -> None:
    assert refusals("pods", created("pods", a_container(**case.fields))) == case.refusals

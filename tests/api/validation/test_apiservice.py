from typing import Any

import pytest

from netemu.api.validation.apiservice import api_service
from netemu.model.meta import Object

SERVICE = {"namespace": "n", "name": "s", "port": 443}


def an_api_service(name: str = "v1.a.io", **spec: Any) -> Object:
    whole = {"group": "a.io", "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1}
    return {"metadata": {"name": name}, "spec": {**whole, **spec}}


NAME = 'must be `spec.version+"."+spec.group`: "v1.a.io"'
LEGACY = "only v1 may have an empty group and it better be legacy kube"
SKIP = "spec.insecureSkipTLSVerify: Invalid value: true"
PORT = "port is not valid: must be between 1 and 65535, inclusive"
CASES: list[tuple[Object, list[str]]] = [
    (an_api_service(), []),
    (an_api_service(service=SERVICE), []),
    (an_api_service("v1.", group=""), []),
    (an_api_service("x"), [f'metadata.name: Invalid value: "x": {NAME}']),
    (an_api_service("v2.", group="", version="v2"), [f"spec.group: Required value: {LEGACY}"]),
    (
        an_api_service(groupPriorityMinimum=0, versionPriority=1001),
        [
            "spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000",
            "spec.versionPriority: Invalid value: 1001: must be positive and less than 1000",
        ],
    ),
    (
        an_api_service(caBundle="YWI=", insecureSkipTLSVerify=True),
        [
            'spec.caBundle: Invalid value: "2 bytes": local APIServices may not have a caBundle',
            f"{SKIP}: local APIServices may not have insecureSkipTLSVerify",
        ],
    ),
    (
        an_api_service(service={"port": 0}, caBundle="YWI=", insecureSkipTLSVerify=True),
        [
            "spec.service.namespace: Required value",
            "spec.service.name: Required value",
            f"spec.service.port: Invalid value: 0: {PORT}",
            f"{SKIP}: may not be true if caBundle is present",
        ],
    ),
]


@pytest.mark.parametrize(("obj", "said"), CASES)
def test_an_api_service_hears_all_that_is_wrong(obj: Object, said: list[str]) -> None:
    assert [f"{cause.field}: {cause.message}" for cause in api_service(obj)] == said

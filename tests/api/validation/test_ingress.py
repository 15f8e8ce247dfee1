from typing import Any

import pytest

from netemu.api.validation import validate
from netemu.model.resources import BY_KEY


def refusals(plural: str, **spec: Any) -> list[str]:
    resource = BY_KEY[f"{plural}.networking.k8s.io"]
    metadata = {"name": "x", **({"namespace": "default"} if resource.namespaced else {})}
    found = validate(resource, {"metadata": metadata, "spec": spec}, None)
    return [f"{cause.field}: {cause.message}" for cause in found]


BACKEND = {"service": {"name": "web", "port": {"number": 80}}}


def path(**changed: Any) -> dict[str, Any]:
    item = {"path": "/", "pathType": "Prefix", "backend": BACKEND, **changed}
    return {"rules": [{"http": {"paths": [item]}}]}


END_PORT = "spec.egress[0].ports[0].endPort"
AT = "spec.rules[0].http.paths[0]"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (path(), []),
        (
            {},
            ["spec: Invalid value: []: either `defaultBackend` or `rules` must be specified"],
        ),
        (path(pathType=None), [f"{AT}.pathType: Required value: pathType must be specified"]),
        (path(path="x"), [f'{AT}.path: Invalid value: "x": must be an absolute path']),
        (
            path(backend={"service": {"name": "web"}}),
            [f"{AT}.backend: Required value: port name or number is required"],
        ),
        ({"defaultBackend": BACKEND}, []),
    ],
)
def test_ingresses(spec: dict[str, Any], words: list[str]) -> None:
    found = refusals("ingresses", **spec)
    assert [
        text.replace("[]string{}", "[]").replace("[]interface {}{}", "[]") for text in found
    ] == words


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"podSelector": {}, "policyTypes": ["Ingress"]}, []),
        (
            {"policyTypes": ["Up"]},
            ['spec.policyTypes[0]: Unsupported value: "Up": supported values: "Egress", "Ingress"'],
        ),
        (
            {"ingress": [{"from": [{}]}]},
            ["spec.ingress[0].from[0]: Required value: must specify a peer"],
        ),
        (
            {"egress": [{"ports": [{"endPort": 2}]}]},
            [f"{END_PORT}: Invalid value: 2: may not be specified when `port` is not specified"],
        ),
    ],
)
def test_network_policies(spec: dict[str, Any], words: list[str]) -> None:
    assert refusals("networkpolicies", **spec) == words

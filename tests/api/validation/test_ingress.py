"""Rules of Ingresses and IngressClasses."""

from typing import Any, NamedTuple

import pytest

from netemu.api.validation import validate
from netemu.model.meta import Object
from netemu.model.names import dns_subdomain, wildcard_subdomain
from netemu.model.resources import BY_KEY
from tests.support.objects import told

BACKEND = {"service": {"name": "web", "port": {"number": 80}}}
AT = "spec.rules[0].http.paths[0]"
MISSING = "Required value"


class Case(NamedTuple):
    name: str
    spec: dict[str, Any]
    refusals: list[str]


def refusals(plural: str, spec: Object, **metadata: Any) -> list[str]:
    resource = BY_KEY[f"{plural}.networking.k8s.io"]
    home = {"namespace": "default"} if resource.namespaced else {}
    return told(
        validate(resource, {"metadata": {"name": "x", **home, **metadata}, "spec": spec}, None)
    )


def path(**changed: Any) -> dict[str, Any]:
    item = {"path": "/", "pathType": "Prefix", "backend": BACKEND, **changed}
    return {"rules": [{"http": {"paths": [item]}}]}


def host(name: str) -> dict[str, Any]:
    return {"rules": [{"host": name}]}


def served(**service: Any) -> dict[str, Any]:
    return path(backend={"service": service})


INGRESSES = [
    Case("usual", path(), []),
    Case("a backend for all", {"defaultBackend": BACKEND}, []),
    Case(
        "nothing",
        {},
        [
            (
                "spec: Invalid value: []networking.IngressRule(nil): either `defaultBackend` or "
                "`rules` must be specified"
            )
        ],
    ),
    Case("no type", path(pathType=None), [f"{AT}.pathType: {MISSING}: pathType must be specified"]),
    Case(
        "an unknown type",
        path(pathType="Regex"),
        [
            (
                f'{AT}.pathType: Unsupported value: "Regex": supported values: "Exact", '
                '"ImplementationSpecific", "Prefix"'
            )
        ],
    ),
    Case(
        "a relative path",
        path(path="x"),
        [f'{AT}.path: Invalid value: "x": must be an absolute path'],
    ),
    Case(
        "a path that goes back",
        path(path="/a//b/.."),
        [
            f"{AT}.path: Invalid value: \"/a//b/..\": must not contain '//'",
            f"{AT}.path: Invalid value: \"/a//b/..\": cannot end with '/..'",
        ],
    ),
    Case("anything, to whom it may concern", path(path="", pathType="ImplementationSpecific"), []),
    Case("no paths", {"rules": [{"http": {}}]}, [f"spec.rules[0].http.paths: {MISSING}"]),
    Case(
        "no backend",
        path(backend={}),
        [f'{AT}.backend: Invalid value: "": resource or service backend is required'],
    ),
    Case(
        "two backends",
        path(backend={**BACKEND, "resource": {"kind": "a", "name": "b"}}),
        [f'{AT}.backend: Invalid value: "": cannot set both resource and service backends'],
    ),
    Case(
        "a backend of another kind",
        path(backend={"resource": {"apiGroup": "a_b", "kind": "x/y"}}),
        [
            f'{AT}.backend.resource.apiGroup: Invalid value: "a_b": {dns_subdomain("a_b")[0]}',
            f"{AT}.backend.resource.kind: Invalid value: \"x/y\": may not contain '/'",
            f"{AT}.backend.resource.name: {MISSING}",
        ],
    ),
    Case(
        "a Service without name and port",
        served(),
        [
            f"{AT}.backend.service.name: {MISSING}",
            f"{AT}.backend: {MISSING}: port name or number is required",
        ],
    ),
    Case(
        "a port twice",
        served(name="web", port={"number": 80, "name": "http"}),
        [f'{AT}.backend: Invalid value: "": cannot set both port name & port number'],
    ),
    Case(
        "a port out of range",
        served(name="web", port={"number": 70000}),
        [
            (
                f"{AT}.backend.service.port.number: Invalid value: 70000: must be between 1 and "
                "65535, inclusive"
            )
        ],
    ),
    Case("any host below", host("*.example.com"), []),
    Case(
        "an address as host",
        host("10.0.0.1"),
        ['spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address'],
    ),
    Case(
        "a star inside",
        host("a.*.com"),
        [f'spec.rules[0].host: Invalid value: "a.*.com": {wildcard_subdomain("a.*.com")[0]}'],
    ),
    Case(
        "hosts and a secret that are no names",
        {"defaultBackend": BACKEND, "tls": [{"hosts": ["A", "*"], "secretName": "B"}]},
        [
            f'spec.tls[0].hosts[0]: Invalid value: "A": {dns_subdomain("A")[0]}',
            f'spec.tls[0].hosts[1]: Invalid value: "*": {wildcard_subdomain("*")[0]}',
            f'spec.tls[0].secretName: Invalid value: "B": {dns_subdomain("B")[0]}',
        ],
    ),
]


@pytest.mark.parametrize("case", INGRESSES, ids=lambda case: case.name)
def test_ingresses(case: Case) -> None:
    assert refusals("ingresses", case.spec) == case.refusals


def test_the_old_annotation_says_the_same_as_the_field() -> None:
    key = "kubernetes.io/ingress.class"
    found = refusals("ingresses", {**path(), "ingressClassName": "a"}, annotations={key: "b"})
    assert found == [
        (
            f'annotations.{key}: Invalid value: "b": must match `ingressClassName` when both are '
            "specified"
        )
    ]


def test_addresses_in_the_status() -> None:
    obj: Object = {
        "metadata": {"name": "x", "namespace": "a", "resourceVersion": "1"},
        "spec": path(),
    }
    ingress = [{"ip": "x"}, {"hostname": "1.2.3.4"}]
    new = {**obj, "status": {"loadBalancer": {"ingress": ingress}}}
    found = told(validate(BY_KEY["ingresses.networking.k8s.io"], new, obj))
    at = "status.loadBalancer.ingress"
    assert found == [
        (
            f'{at}[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or '
            "2001:db8::ffff)"
        ),
        f'{at}[1].hostname: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
    ]


def parameters(**said: Any) -> dict[str, Any]:
    given = {"kind": "K", "name": "n", "scope": "Cluster", **said}
    return {"controller": "acme.io/foo", "parameters": given}


P = "spec.parameters"
CLASSES = [
    Case("usual", {"controller": "acme.io/ingress"}, []),
    Case("no controller", {}, [f"spec.controller: {MISSING}"]),
    Case(
        "a controller without a domain",
        {"controller": "nginx"},
        [
            (
                'spec.controller: Invalid value: "nginx": must be a domain-prefixed path (such as '
                '"acme.io/foo")'
            )
        ],
    ),
    Case(
        "a controller of a bad path",
        {"controller": "acme.io/a b"},
        [
            (
                'spec.controller: Invalid value: "a b": Invalid path (regex used for validation is '
                "'[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')"
            )
        ],
    ),
    Case("parameters of the cluster", parameters(), []),
    Case(
        "the cluster's parameters in a namespace",
        parameters(namespace="a"),
        [f"{P}.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"],
    ),
    Case(
        "a namespace's parameters nowhere",
        parameters(scope="Namespace"),
        [f"{P}.namespace: {MISSING}: `parameters.scope` is set to 'Namespace'"],
    ),
    Case(
        "parameters of another scope",
        parameters(scope="World"),
        [f'{P}.scope: Unsupported value: "World": supported values: "Cluster", "Namespace"'],
    ),
    Case("parameters of no scope", parameters(scope=None), [f"{P}.scope: {MISSING}"]),
]


@pytest.mark.parametrize("case", CLASSES, ids=lambda case: case.name)
def test_classes(case: Case) -> None:
    assert refusals("ingressclasses", case.spec) == case.refusals


def test_a_classs_controller_stays() -> None:
    old: Object = {
        "metadata": {"name": "x", "resourceVersion": "1"},
        "spec": {"controller": "a.b/c"},
    }
    new = {**old, "spec": {"controller": "a.b/d"}}
    assert told(validate(BY_KEY["ingressclasses.networking.k8s.io"], new, old)) == [
        'spec.controller: Invalid value: "a.b/d": field is immutable'
    ]

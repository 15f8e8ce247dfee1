import random
from typing import Any

import pytest

from netemu.api.paths import target_of
from netemu.api.proxying import Kubelet, Location, location, split
from netemu.model.errors import ApiError, BadRequest
from netemu.model.meta import Object

POD = {
    "spec": {"containers": [{"name": "a"}, {"name": "b", "ports": [{"containerPort": 8080}]}]},
    "status": {"podIP": "10.244.0.5"},
}
OBJECTS: dict[tuple[str, str], Object] = {
    ("pods", "web"): POD,
    ("pods", "waiting"): {**POD, "status": {}},
    ("nodes", "node-1"): {
        "status": {"addresses": [{"type": "InternalIP", "address": "172.30.0.11"}]}
    },
    ("services", "web"): {
        "spec": {"ports": [{"port": 80, "name": "http"}, {"port": 443, "name": "https"}]}
    },
    ("endpoints", "web"): {
        "subsets": [
            {
                "addresses": [{"ip": "10.244.0.5"}],
                "notReadyAddresses": [{"ip": "10.244.0.6"}],
                "ports": [{"name": "http", "port": 8080}],
            },
            {"notReadyAddresses": [{"ip": "10.244.0.6"}], "ports": [{"name": "https", "port": 1}]},
        ]
    },
    ("services", "plain"): {"spec": {"ports": [{"port": 80}]}},
    ("endpoints", "plain"): {
        "subsets": [{"addresses": [{"ip": "10.244.0.7"}], "ports": [{"port": 9000}]}]
    },
    ("endpoints", "empty"): {},
}


def found(path: str) -> Any:
    target = target_of(f"/api/v1/{path}/proxy/some/path")
    assert target is not None
    assert target.subresource == "proxy"
    return location(target, lambda kind, _, name: OBJECTS.get((kind, name)), random.Random(1))


NS = "namespaces/default"
PLACES = [
    (f"{NS}/pods/web", Location("http", "10.244.0.5", 8080)),
    (f"{NS}/pods/web:9000", Location("http", "10.244.0.5", 9000)),
    (f"{NS}/pods/https:web:443", Location("https", "10.244.0.5", 443)),
    (f"{NS}/pods/https:web:", Location("https", "10.244.0.5", 8080)),
    (f"{NS}/services/web:http", Location("http", "10.244.0.5", 8080)),
    (f"{NS}/services/web:80", Location("http", "10.244.0.5", 8080)),
    (f"{NS}/services/plain", Location("http", "10.244.0.7", 9000)),
    (f"{NS}/services/plain:80", Location("http", "10.244.0.7", 9000)),
    ("nodes/node-1", Kubelet("node-1")),
    ("nodes/node-1:10250", Kubelet("node-1")),
    ("nodes/node-1:30080", Location("http", "172.30.0.11", 30080)),
]


@pytest.mark.parametrize(("path", "place"), PLACES)
def test_places(path: str, place: Location | Kubelet) -> None:
    assert found(path) == place


REFUSED = [
    (f"{NS}/pods/nope", 404, 'pods "nope" not found'),
    (f"{NS}/pods/waiting", 400, "address not allowed"),
    (f"{NS}/pods/ftp:web:21", 400, 'invalid pod request "ftp:web:21"'),
    (f"{NS}/services/a:b:c:d", 400, 'invalid service request "a:b:c:d"'),
    (f"{NS}/services/:80", 400, 'invalid service request ":80"'),
    (f"{NS}/services/nope", 404, 'endpoints "nope" not found'),
    (f"{NS}/services/web:81", 503, 'no service port 81 found for service "web"'),
    (f"{NS}/services/web", 503, 'no endpoints available for service "web"'),
    (f"{NS}/services/web:https", 503, 'no endpoints available for service "web:https"'),
    (f"{NS}/services/empty", 503, 'no endpoints available for service "empty"'),
    ("nodes/nope", 404, 'nodes "nope" not found'),
    ("nodes/node-1:x", 503, "error trying to reach service: unknown port x"),
]


@pytest.mark.parametrize(("path", "code", "said"), REFUSED)
def test_refusals(path: str, code: int, said: str) -> None:
    with pytest.raises(ApiError) as refused:
        found(path)
    assert (refused.value.code, refused.value.message) == (code, said)


def test_a_name_is_split() -> None:
    assert split("pod", "web") == ("", "web", "")
    assert split("pod", "https:web:443") == ("https", "web", "443")
    with pytest.raises(BadRequest):
        split("pod", "")


def test_an_address_of_version_6_stands_in_brackets() -> None:
    assert Location("http", "fd00::1", 80).authority == "[fd00::1]:80"

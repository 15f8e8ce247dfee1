"""Bodies in Protocol Buffers, from bytes written here and from the real kubectl."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.api import body
from netemu.model.errors import BadRequest, UnsupportedMediaType
from netemu.model.meta import Object
from tests.support.api import ApiServer, Cluster
from tests.support.kubectls import kubectls
from tests.support.protobuf import body_of, field, unknown

PROTOBUF = "application/vnd.kubernetes.protobuf"


def decoded(message: bytes, kind: str = "Pod", api_version: str = "v1") -> Object:
    obj, problems = body.parse(unknown(message, kind, api_version), PROTOBUF, kind)
    assert problems == []
    assert (obj.pop("apiVersion"), obj.pop("kind")) == (api_version, kind)
    return obj


NAMED = field(1, field(1, "web"))


def test_kind_and_message() -> None:
    assert decoded(NAMED) == {"metadata": {"name": "web"}}


def test_what_nobody_set_stays_out() -> None:
    metadata = field(1, "web") + field(2, "") + field(7, 0) + field(8, b"")
    spec = field(3, "") + field(11, 0)
    assert decoded(field(1, metadata) + field(2, spec) + field(3, b"")) == {
        "metadata": {"name": "web"},
        "spec": {},
        "status": {},
    }


def test_a_zero_that_was_set_stays() -> None:
    assert decoded(field(2, field(1, 0)), "Deployment", "apps/v1") == {"spec": {"replicas": 0}}
    assert decoded(field(5, 0), "Secret") == {"immutable": False}
    claim = field(2, field(5, ""))
    assert decoded(claim, "PersistentVolumeClaim") == {"spec": {"storageClassName": ""}}


def test_kinds_of_a_version_that_is_not_yet_stable_are_read() -> None:
    ranges = field(2, field(1, "10.1.0.0/24") + field(1, "fd00::/112"))
    assert decoded(ranges, "ServiceCIDR", "networking.k8s.io/v1beta1") == {
        "spec": {"cidrs": ["10.1.0.0/24", "fd00::/112"]}
    }


OBJECTS = [
    {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "creationTimestamp": "2023-11-14T22:13:20Z"},
        "spec": {
            "volumes": [
                {"name": "tmp", "emptyDir": {}},
                {"name": "more", "configMap": {"name": "web", "optional": False}},
            ],
            "containers": [
                {
                    "name": "main",
                    "env": [
                        {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
                    ],
                    "envFrom": [{"configMapRef": {"name": "web"}}],
                    "resources": {"limits": {"cpu": "100m"}},
                    "readinessProbe": {
                        "httpGet": {"path": "/", "port": "http"},
                        "periodSeconds": 5,
                    },
                    "lifecycle": {"preStop": {"exec": {"command": ["true"]}}},
                }
            ],
            "ephemeralContainers": [
                {"name": "debug", "image": "sh", "targetContainerName": "main"}
            ],
        },
    },
    {
        "apiVersion": "v1",
        "kind": "Service",
        "spec": {"ports": [{"port": 80, "targetPort": 8080}, {"port": 81, "targetPort": "http"}]},
    },
    {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "spec": {
            "ingressClassName": "",
            "rules": [{"host": "web", "http": {"paths": [{"path": "/", "backend": {}}]}}],
        },
    },
    {"apiVersion": "v1", "kind": "ResourceQuota", "spec": {"hard": {"pods": "10"}}},
    {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": "jane", "extra": {"scopes": ["one", "two"]}},
    },
]


@pytest.mark.parametrize("obj", OBJECTS, ids=lambda obj: str(obj["kind"]))
def test_objects_are_what_they_would_be_in_json(obj: Object) -> None:
    found, _ = body.parse(body_of(obj), PROTOBUF, obj["kind"])
    assert found == obj


def test_times_have_as_many_digits_as_their_type() -> None:
    never = field(1, field(8, b""))
    assert decoded(never) == {"metadata": {}}
    lease = field(2, field(4, field(1, 1_700_000_000) + field(2, 123_456_789)))
    assert decoded(lease, "Lease", "coordination.k8s.io/v1") == {
        "spec": {"renewTime": "2023-11-14T22:13:20.123456Z"}
    }


def test_own_fields_are_json() -> None:
    entry = field(1, "kubectl") + field(7, field(1, b'{"f:data":{}}'))
    assert decoded(field(1, field(17, entry)))["metadata"]["managedFields"] == [
        {"manager": "kubectl", "fieldsV1": {"f:data": {}}}
    ]
    with pytest.raises(BadRequest, match="unexpected end of JSON input"):
        decoded(field(1, field(17, field(7, field(1, b"{")))))


def test_bytes_become_base64_and_empty_values_of_maps_stay() -> None:
    data = field(2, field(1, "a") + field(2, b"\0\1")) + field(2, field(1, "b"))
    assert decoded(data, "Secret") == {"data": {"a": "AAE=", "b": ""}}


def test_a_part_that_comes_twice_is_merged() -> None:
    twice = field(1, field(1, "web")) + field(1, field(3, "default"))
    assert decoded(twice) == {"metadata": {"name": "web", "namespace": "default"}}


def test_what_belongs_to_every_group_is_found() -> None:
    options = field(1, 0) + field(4, "Foreground")
    for api_version in ("v1", "apps/v1", "networking.k8s.io/v1"):
        assert decoded(options, "DeleteOptions", api_version) == {
            "gracePeriodSeconds": 0,
            "propagationPolicy": "Foreground",
        }


def test_the_kind_that_was_not_said_is_that_of_the_path() -> None:
    data = b"k8s\0" + field(2, NAMED)
    obj, _ = body.parse(data, PROTOBUF, "Pod", "v1")
    assert obj == {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}}


def test_fields_of_newer_clients_are_passed_over() -> None:
    assert decoded(NAMED + field(4000, "new")) == {"metadata": {"name": "web"}}


UNRECOGNISED = "the object provided is unrecognized (must be of type Pod): "
CANNOT = 'Pod in version "v1" cannot be handled as a Pod: '
SCHEME = 'in scheme "pkg/api/legacyscheme/scheme.go:30"'


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", UNRECOGNISED + "empty data (<empty>)"),
        (b"k8s\0", UNRECOGNISED + "empty body (6b387300)"),
        (
            b"no",
            UNRECOGNISED + "provided data does not appear to be a protobuf message, "
            "expected prefix [107 56 115 0] (6e6f)",
        ),
        (b"k8s\0\x0a\x05", UNRECOGNISED + "unexpected EOF (6b3873000a05)"),
        (
            b"k8s\0\x08\x05",
            UNRECOGNISED + "proto: wrong wireType = 0 for field TypeMeta (6b3873000805)",
        ),
        (unknown(b"\x0a\x7f"), CANNOT + "unexpected EOF"),
        (unknown(b"\x08\x01"), CANNOT + "proto: wrong wireType = 0 for field Metadata"),
        (
            unknown(field(1, b"\x0c")),
            CANNOT + "proto: ObjectMeta: wiretype end group for non-group",
        ),
        (
            unknown(b"", "Car"),
            CANNOT.replace("Pod", "Car", 1)
            + f'no kind "Car" is registered for version "v1" {SCHEME}',
        ),
        (
            unknown(field(1, field(8, field(1, 2**60)))),
            CANNOT + "Time.MarshalJSON: year outside of range [0,9999]",
        ),
    ],
)
def test_what_is_malformed_is_refused_in_upstreams_words(data: bytes, said: str) -> None:
    with pytest.raises(BadRequest) as refused:
        body.parse(data, PROTOBUF, "Pod", "v1")
    assert refused.value.message == said


def test_other_types_are_told_what_is_taken() -> None:
    with pytest.raises(UnsupportedMediaType, match=f"application/yaml, {PROTOBUF}"):
        body.parse(b"", "application/cbor")


@given(st.binary(max_size=300), st.sampled_from(["Pod", "Deployment", "Event", "TokenRequest"]))
def test_any_bytes_are_an_object_or_refused(data: bytes, kind: str) -> None:
    for given_body in (data, b"k8s\0" + data, unknown(data, kind), unknown(field(2, data), kind)):
        try:
            obj, _ = body.parse(given_body, PROTOBUF, kind, "v1")
        except BadRequest:
            continue
        json.dumps(obj, allow_nan=False)


PARTS = st.recursive(
    st.binary(max_size=12) | st.integers(0, 2**64 - 1),
    lambda inner: st.lists(st.tuples(st.integers(1, 20), inner), max_size=5),
    max_leaves=20,
)
KINDS = [("v1", "Pod"), ("v1", "Service"), ("apps/v1", "Deployment"), ("events.k8s.io/v1", "Event")]


def message(value: Any) -> bytes | int:
    if isinstance(value, list):
        return b"".join(field(number, message(part)) for number, part in value)
    assert isinstance(value, bytes | int)
    return value


@given(st.lists(st.tuples(st.integers(1, 8), PARTS), max_size=6), st.sampled_from(KINDS))
def test_any_message_is_an_object_or_refused(parts: Any, named: tuple[str, str]) -> None:
    data, (api_version, kind) = message(parts), named
    assert isinstance(data, bytes)
    try:
        obj, _ = body.parse(unknown(data, kind, api_version), PROTOBUF, kind, api_version)
    except BadRequest:
        return
    json.dumps(obj, allow_nan=False)


async def test_the_server_takes_them(cluster: Cluster) -> None:
    path = "/api/v1/namespaces/default/configmaps"
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": ""}}
    made = await cluster.json("POST", path, body_of(obj), content_type=PROTOBUF)
    assert made["data"] == {"a": ""}
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "dryRun": ["All"]}
    await cluster.json("DELETE", f"{path}/c", body_of(options), content_type=PROTOBUF)
    assert (await cluster.json("GET", f"{path}/c"))["data"] == {"a": ""}
    wrong = await cluster.refused("POST", path, unknown(b""), content_type=PROTOBUF)
    assert "Pod" in wrong["message"]


CREATED = [
    "configmap c --from-literal=a=b --from-literal=empty=",
    "deployment d --image=nginx --replicas=0 --port=80",
    "namespace n",
    "secret generic s --from-literal=a=b",
    "service clusterip one --tcp=80:8080",
    "service clusterip headless --clusterip=None --tcp=80",
    "service externalname outside --external-name=example.com",
    "service loadbalancer balanced --tcp=80:http",
    "service nodeport open --tcp=80:8080 --node-port=30080",
    "serviceaccount sa",
]
PROTOBUF_SINCE = 32
WRITERS = {minor: program for minor, program in kubectls().items() if minor >= PROTOBUF_SINCE}


@pytest.mark.parametrize("minor", WRITERS)
async def test_what_kubectl_creates_is_what_it_shows(
    minor: int, api_server: ApiServer, tmp_path: Path
) -> None:
    async def run(*words: str) -> Any:
        process = await asyncio.create_subprocess_exec(
            WRITERS[minor],
            *words,
            "-o=json",
            f"--kubeconfig={api_server.kubeconfig}",
            f"--cache-dir={tmp_path}",
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
        assert process.returncode == 0, words
        return json.loads(out)

    for line in CREATED:
        words = ["create", *line.split()]
        wanted, made = await run(*words, "--dry-run=client"), await run(*words)
        assert missing(wanted, made) == [], line


def missing(wanted: Any, made: Any, path: str = "") -> list[str]:
    """Where something isn't as it was wanted, but for what is empty."""
    if isinstance(wanted, dict) and isinstance(made, dict):
        return [
            problem
            for key, value in wanted.items()
            if value not in (None, {}, []) and path + key != "status"
            for problem in missing(value, made.get(key), f"{path}{key}.")
        ]
    if isinstance(wanted, list) and isinstance(made, list) and len(wanted) == len(made):
        return [
            problem
            for number, pair in enumerate(zip(wanted, made, strict=True))
            for problem in missing(*pair, f"{path}{number}.")
        ]
    return [] if wanted == made else [path]

"""Write the API's schema file from the definitions that `kubernetes-validate` ships.

The file is two gzip members, so that what every request needs can be read without the rest:
first the definitions without their descriptions, then the descriptions alone. Each is one JSON
object; bytes depend on nothing but the input (no time stamp, sorted keys).

    python scripts/build_schema.py [FILE]
"""

import json
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

RELEASE = "v1.32.0"
OUTPUT = Path(__file__).parent.parent / "netemu" / "api" / "data" / "schema.json.gz"

GROUPS = (
    "io.k8s.api.admissionregistration.v1.",
    "io.k8s.api.apps.v1.",
    "io.k8s.api.authentication.v1.",
    "io.k8s.api.authorization.v1.",
    "io.k8s.api.autoscaling.v1.",
    "io.k8s.api.autoscaling.v2.",
    "io.k8s.api.batch.v1.",
    "io.k8s.api.certificates.v1.",
    "io.k8s.api.coordination.v1.",
    "io.k8s.api.core.v1.",
    "io.k8s.api.discovery.v1.",
    "io.k8s.api.events.v1.",
    "io.k8s.api.flowcontrol.v1.",
    "io.k8s.api.networking.v1.",
    "io.k8s.api.networking.v1beta1.IPAddress",
    "io.k8s.api.networking.v1beta1.ServiceCIDR",
    "io.k8s.api.node.v1.",
    "io.k8s.api.policy.v1.",
    "io.k8s.api.rbac.v1.",
    "io.k8s.api.scheduling.v1.",
    "io.k8s.api.storage.v1.",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.",
    "io.k8s.apimachinery.pkg.apis.meta.v1.",
    "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.",
)
"""Definitions kept, with all they refer to."""

SPECIAL: Mapping[str, Mapping[str, str]] = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": "string", "format": "quantity"},
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {
        "type": "string",
        "format": "int-or-string",
    },
}
"""Two types that the input writes as `oneOf`, as a cluster's own document writes them."""

DEFAULTS: Mapping[tuple[str, str], str] = {
    ("io.k8s.api.core.v1.ContainerPort", "protocol"): "TCP",
    ("io.k8s.api.core.v1.ServicePort", "protocol"): "TCP",
}
"""Defaults of fields that are part of a list's key; the input has lost them."""

ALWAYS: Mapping[str, tuple[str, ...]] = {
    "io.k8s.api.apps.v1.DaemonSetSpec": ("updateStrategy",),
    "io.k8s.api.apps.v1.DeploymentSpec": ("strategy",),
    "io.k8s.api.apps.v1.ReplicaSetSpec": ("template",),
    "io.k8s.api.apps.v1.StatefulSetSpec": ("updateStrategy",),
    "io.k8s.api.authentication.v1.SelfSubjectReviewStatus": ("userInfo",),
    "io.k8s.api.authentication.v1.TokenReviewStatus": ("user",),
    "io.k8s.api.batch.v1.JobTemplateSpec": ("spec",),
    "io.k8s.api.core.v1.Container": ("resources",),
    "io.k8s.api.core.v1.ContainerStatus": ("lastState", "state"),
    "io.k8s.api.core.v1.Event": ("source",),
    "io.k8s.api.core.v1.NodeDaemonEndpoints": ("kubeletEndpoint",),
    "io.k8s.api.core.v1.NodeStatus": ("daemonEndpoints", "nodeInfo"),
    "io.k8s.api.core.v1.PersistentVolumeClaimSpec": ("resources",),
    "io.k8s.api.core.v1.PodTemplate": ("template",),
    "io.k8s.api.core.v1.PodTemplateSpec": ("spec",),
    "io.k8s.api.core.v1.ServiceStatus": ("loadBalancer",),
    "io.k8s.api.discovery.v1.Endpoint": ("conditions",),
    "io.k8s.api.events.v1.Event": ("deprecatedSource",),
    "io.k8s.api.networking.v1.IngressStatus": ("loadBalancer",),
}
"""Optional fields that a cluster writes even when empty: their Go type is a struct and no pointer
(k8s.io/api at v0.32.0). Which manager owns a parent depends on it; no schema says so."""

Schema = dict[str, Any]


def definitions() -> dict[str, Schema]:
    """Read the input, whole."""
    folder = files("kubernetes_validate") / "kubernetes-json-schema" / f"{RELEASE}-local"
    found: dict[str, Schema] = json.loads((folder / "_definitions.json").read_bytes())["$defs"]
    return found


def cleaned(schema: Schema) -> Schema:
    """Undo what was done to a cluster's own document: nullable types, enums of kind names."""
    result = {key: value for key, value in schema.items() if key not in ("description", "enum")}
    if isinstance(result.get("type"), list):
        result["type"] = next(kind for kind in result["type"] if kind != "null")
    if "$ref" in result:
        result["$ref"] = result["$ref"].rpartition("/")[2]
    if "properties" in result:
        fields = result["properties"].items()
        result["properties"] = {name: cleaned(field) for name, field in fields}
    for key in ("items", "additionalProperties"):
        if key in result:
            result[key] = cleaned(result[key])
    return result


def definition(name: str, schema: Schema) -> Schema:
    """One definition, cleaned, with the defaults that lists' keys need."""
    result = cleaned({**schema, **SPECIAL[name]} if name in SPECIAL else schema)
    result.pop("oneOf", None)
    for (owner, field), value in DEFAULTS.items():
        if owner == name:
            result["properties"][field]["default"] = value
    return result


def always(name: str, schema: Schema) -> list[str]:
    """Fields that are never absent in a cluster: required structs and lists, a kind's three parts,
    and what ALWAYS names.
    """
    parts = {"metadata"}
    if "x-kubernetes-group-version-kind" in schema:
        parts |= {"spec", "status"}
    parts.update(schema.get("required", ()), ALWAYS.get(name, ()))
    fields = schema.get("properties", {})
    return sorted(
        part for part in parts if "$ref" in fields.get(part, ()) or "items" in fields.get(part, ())
    )


def described(schema: Schema) -> dict[str, str]:
    """The descriptions of a definition ("") and of its fields."""
    fields = {
        name: field.get("description") for name, field in schema.get("properties", {}).items()
    }
    return {name: text for name, text in {"": schema.get("description"), **fields}.items() if text}


def references(schema: Any) -> Iterator[str]:
    """Every definition that one refers to."""
    if isinstance(schema, dict):
        if "$ref" in schema and isinstance(schema["$ref"], str):
            yield schema["$ref"].rpartition("/")[2]
        for value in schema.values():
            yield from references(value)


def reachable(every: Mapping[str, Schema], names: Iterable[str]) -> set[str]:
    """`names` and all they refer to."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(references(every[name]))
    return found


def gzipped(value: Any) -> bytes:
    """One gzip member without name and time."""
    packer = zlib.compressobj(9, wbits=31)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return packer.compress(text.encode()) + packer.flush()


def kinds(every: Mapping[str, Schema]) -> dict[str, str]:
    """Which definition a kind has, by "apiVersion/kind"."""
    found = {}
    for name, schema in every.items():
        for gvk in schema.get("x-kubernetes-group-version-kind", ()):
            parts = (gvk["group"], gvk["version"], gvk["kind"])
            found["/".join(part for part in parts if part)] = name
    return found


def build() -> bytes:
    """The whole file."""
    every = definitions()
    names = sorted(reachable(every, (name for name in every if name.startswith(GROUPS))))
    kept = {name: definition(name, every[name]) for name in names}
    present = {name: fields for name in names if (fields := always(name, every[name]))}
    types = {
        "source": f"kubernetes-validate {version('kubernetes-validate')}, Kubernetes {RELEASE}",
        "kinds": kinds(kept),
        "always": present,
        "definitions": kept,
    }
    return gzipped(types) + gzipped({name: described(every[name]) for name in names})


def main(arguments: list[str]) -> None:
    """Write the file and say what it holds."""
    target = Path(arguments[0]) if arguments else OUTPUT
    data = build()
    target.write_bytes(data)
    print(f"{target}: {len(data)} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])

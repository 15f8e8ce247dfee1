"""The downward API: fields of a pod and resources of a container as text (KEP-less, since 1.1)."""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_CEILING, Decimal

from msgspec import Struct

from netemu.model.meta import Object, annotations_of, labels_of, name_of, namespace_of, uid_of
from netemu.model.quantity import parse_quantity

_SUBSCRIPT = re.compile(r"(metadata\.(?:labels|annotations))\['([^']*)'\]\Z")


class Place(Struct, frozen=True, kw_only=True):
    """Where the pod is."""

    pod_ips: Sequence[str]
    """The pod's addresses, the primary family's first; at least one."""
    host_ips: Sequence[str]
    allocatable: Mapping[str, str]
    """The node's cpu and memory, the limits of containers that have none."""


_FIELDS: dict[str, Callable[[Object, Place], str]] = {
    "metadata.name": lambda pod, _: name_of(pod),
    "metadata.namespace": lambda pod, _: namespace_of(pod),
    "metadata.uid": lambda pod, _: uid_of(pod),
    "metadata.labels": lambda pod, _: _listed(labels_of(pod)),
    "metadata.annotations": lambda pod, _: _listed(annotations_of(pod)),
    "spec.nodeName": lambda pod, _: str(pod["spec"].get("nodeName", "")),
    "spec.serviceAccountName": lambda pod, _: str(pod["spec"].get("serviceAccountName", "")),
    "status.hostIP": lambda _, place: place.host_ips[0],
    "status.hostIPs": lambda _, place: ",".join(place.host_ips),
    "status.podIP": lambda _, place: place.pod_ips[0],
    "status.podIPs": lambda _, place: ",".join(place.pod_ips),
}


def field_value(pod: Object, path: str, place: Place) -> str:
    """The text of a field. Raises ValueError for a path that isn't served."""
    subscript = _SUBSCRIPT.match(path)
    if subscript:
        source = labels_of(pod) if subscript[1] == "metadata.labels" else annotations_of(pod)
        return source.get(subscript[2], "")
    if path not in _FIELDS:
        raise ValueError(f"unsupported fieldPath: {path}")
    return _FIELDS[path](pod, place)


def _listed(values: Mapping[str, str]) -> str:
    quoted = (f'{key}="{_go_quoted(values[key])}"' for key in sorted(values))
    return "\n".join(quoted)


def _go_quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def resource_value(container: Object, resource: str, divisor: str, place: Place) -> str:
    """A limit or request in units of `divisor`, rounded up. Raises ValueError."""
    kind, _, name = resource.partition(".")
    if kind not in ("limits", "requests") or not name:
        raise ValueError(f"unsupported container resource : {resource}")
    given = (container.get("resources") or {}).get(kind) or {}
    text = given.get(name)
    if text is None:
        text = place.allocatable.get(name, "0") if kind == "limits" else "0"
    unit = parse_quantity(divisor or "1") or Decimal(1)
    return str(int((parse_quantity(text) / unit).to_integral_value(ROUND_CEILING)))

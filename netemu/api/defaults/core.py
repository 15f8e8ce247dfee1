"""Defaults of the smaller kinds."""

from base64 import b64encode

from netemu.api.defaults.containers import amounts
from netemu.api.defaults.parts import child, drop_zero, fill, fill_absent
from netemu.model.meta import Object, copied

_NAME = "kubernetes.io/metadata.name"


def namespace(obj: Object) -> None:
    """A Namespace: a label with its name, so that selectors can name it."""
    name = (obj.get("metadata") or {}).get("name")
    if name:
        child(obj["metadata"], "labels")[_NAME] = name
    fill(child(obj, "status"), phase="Active")


def node(obj: Object) -> None:
    """A Node: all of its capacity is allocatable unless it says otherwise; it always has a spec."""
    obj.setdefault("spec", {})
    status = obj.get("status") or {}
    amounts(status.get("capacity"))
    amounts(status.get("allocatable"))
    if status.get("capacity"):
        fill_absent(status, allocatable=copied(status["capacity"]))


def secret(obj: Object) -> None:
    """A Secret: its type, and its plain text encoded among the rest."""
    fill(obj, type="Opaque")
    plain = obj.pop("stringData", None) or {}
    if plain:
        data = child(obj, "data")
        for key, value in plain.items():
            data[key] = b64encode(value.encode()).decode()


def endpoints(obj: Object) -> None:
    """Endpoints."""
    for subset in obj.get("subsets") or ():
        for port in subset.get("ports") or ():
            fill(port, protocol="TCP")
            drop_zero(port, "name")


def endpoint_slice(obj: Object) -> None:
    """An EndpointSlice."""
    for port in obj.get("ports") or ():
        fill_absent(port, name="", protocol="TCP")

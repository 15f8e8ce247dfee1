"""Rows of nodes, namespaces, configuration and events."""

from typing import Any

from netemu.api.tables.wording import age, or_none, since
from netemu.model.conditions import condition
from netemu.model.meta import Object, labels_of, name_of

_ROLE_PREFIX = "node-role.kubernetes.io/"
_READY = {"True": "Ready"}
_ROLE = "kubernetes.io/role"


def node(obj: Object, now: float) -> list[Any]:
    """Name, Status, Roles, Age, Version, addresses, and what it runs."""
    info = (obj.get("status") or {}).get("nodeInfo") or {}
    return [
        name_of(obj),
        _node_status(obj),
        _roles(obj),
        age(obj, now),
        info.get("kubeletVersion", ""),
        _address(obj, "InternalIP"),
        _address(obj, "ExternalIP"),
        info.get("osImage") or "<unknown>",
        info.get("kernelVersion") or "<unknown>",
        info.get("containerRuntimeVersion") or "<unknown>",
    ]


def _node_status(obj: Object) -> str:
    ready = condition(obj, "Ready")
    words = [_READY.get(ready["status"], "NotReady") if ready else "Unknown"]
    if (obj.get("spec") or {}).get("unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def _roles(obj: Object) -> str:
    roles = set()
    for label, value in labels_of(obj).items():
        if label.startswith(_ROLE_PREFIX):
            roles.add(label.removeprefix(_ROLE_PREFIX))
        elif label == _ROLE and value:
            roles.add(value)
    return or_none(",".join(sorted(roles - {""})))


def _address(obj: Object, kind: str) -> str:
    for item in (obj.get("status") or {}).get("addresses") or ():
        if item["type"] == kind:
            return str(item["address"])
    return "<none>"


def namespace(obj: Object, now: float) -> list[Any]:
    """Name, Status, Age."""
    return [name_of(obj), (obj.get("status") or {}).get("phase", ""), age(obj, now)]


def config_map(obj: Object, now: float) -> list[Any]:
    """Name, Data, Age."""
    entries = len(obj.get("data") or ()) + len(obj.get("binaryData") or ())
    return [name_of(obj), entries, age(obj, now)]


def secret(obj: Object, now: float) -> list[Any]:
    """Name, Type, Data, Age."""
    return [name_of(obj), obj.get("type", ""), len(obj.get("data") or ()), age(obj, now)]


def service_account(obj: Object, now: float) -> list[Any]:
    """Name, Secrets, Age."""
    return [name_of(obj), len(obj.get("secrets") or ()), age(obj, now)]


def lease(obj: Object, now: float) -> list[Any]:
    """Name, Holder, Age."""
    return [name_of(obj), (obj.get("spec") or {}).get("holderIdentity") or "", age(obj, now)]


def event(obj: Object, now: float) -> list[Any]:
    """When, what and about whom; the count of a series where there is one."""
    first = since(obj.get("firstTimestamp") or obj.get("eventTime"), now)
    last = since(obj["lastTimestamp"], now) if obj.get("lastTimestamp") else first
    count = obj.get("count") or 1
    if series := obj.get("series"):
        last, count = since(series.get("lastObservedTime"), now), series.get("count", 1)
    about = obj.get("involvedObject") or {}
    kind = about.get("kind", "").lower()
    return [
        last,
        obj.get("type", ""),
        obj.get("reason", ""),
        f"{kind}/{about['name']}" if about.get("name") else kind,
        about.get("fieldPath", ""),
        _event_source(obj),
        obj.get("message", "").strip(),
        first,
        count,
        name_of(obj),
    ]


def _event_source(obj: Object) -> str:
    source = obj.get("source") or {}
    component = source.get("component") or obj.get("reportingComponent") or ""
    host = source.get("host") or obj.get("reportingInstance") or ""
    return f"{component}, {host}" if host else component

"""Defaults of containers."""

import contextlib

from netemu.api.defaults.images import pull_policy
from netemu.api.defaults.parts import child, drop_zero, fill
from netemu.api.defaults.volumes import reference
from netemu.model.meta import Object
from netemu.model.quantity import canonical

_LISTS = ("args", "command", "env", "envFrom", "ports", "resizePolicy", "volumeDevices")
_FLAGS = ("stdin", "stdinOnce", "tty", "workingDir", "volumeMounts")


def container(item: Object) -> None:
    """One container of whatever sort."""
    fill(
        item,
        imagePullPolicy=pull_policy(item.get("image", "")),
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
    )
    drop_zero(item, *_LISTS, *_FLAGS)
    for port in item.get("ports") or ():
        fill(port, protocol="TCP")
        drop_zero(port, "hostPort", "hostIP", "name")
    for variable in item.get("env") or ():
        drop_zero(variable, "value")
        reference(variable.get("valueFrom") or {})
    for mount in item.get("volumeMounts") or ():
        drop_zero(mount, "readOnly", "subPath", "subPathExpr")
    resources(child(item, "resources"))
    for key in ("livenessProbe", "readinessProbe", "startupProbe"):
        if item.get(key) is not None:
            _probe(item[key])
    for hook in (item.get("lifecycle") or {}).values():
        _http_get(hook or {})


def resources(item: Object) -> None:
    """Requests and limits; nothing is finer than a thousandth."""
    drop_zero(item, "limits", "requests", "claims")
    for key in ("limits", "requests"):
        amounts(item.get(key))


def amounts(quantities: Object | None) -> None:
    """Round up to thousandths; what isn't a quantity is left for the rules to refuse."""
    for name, value in (quantities or {}).items():
        with contextlib.suppress(ValueError):
            assert quantities is not None
            quantities[name] = canonical(value, 3)


def _probe(probe: Object) -> None:
    fill(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
    drop_zero(probe, "initialDelaySeconds")
    _http_get(probe)
    if probe.get("grpc") is not None and probe["grpc"].get("service") is None:
        probe["grpc"]["service"] = ""


def _http_get(handler: Object) -> None:
    action = handler.get("httpGet")
    if action is not None:
        fill(action, path="/", scheme="HTTP")
        drop_zero(action, "host", "httpHeaders")

"""Rules of probes and lifecycle hooks."""

from collections.abc import Callable
from typing import Any

from netemu.api.validation import field
from netemu.api.validation.field import Causes, Path, each_invalid
from netemu.model import names
from netemu.model.meta import Object


def port_or_name(value: Any, path: Path) -> Causes:
    """A port by number, or by the name of a container port."""
    problems = names.port_name(value) if isinstance(value, str) else names.port_number(value)
    return each_invalid(path, value, problems)


def _exec(action: Object, path: Path) -> Causes:
    if not action.get("command"):
        yield field.required(path.child("command"))


def _http_get(action: Object, path: Path) -> Causes:
    if not action.get("path"):
        yield field.required(path.child("path"))
    yield from port_or_name(action.get("port", 0), path.child("port"))
    scheme = action.get("scheme", "")
    if scheme not in ("HTTP", "HTTPS"):
        yield field.not_supported(path.child("scheme"), scheme, ("HTTP", "HTTPS"))
    for header in action.get("httpHeaders") or ():
        name = header.get("name", "")
        yield from each_invalid(path.child("httpHeaders"), name, names.http_header(name))


def _port(action: Object, path: Path) -> Causes:
    return port_or_name(action.get("port", 0), path.child("port"))


_ACTIONS: dict[str, Callable[[Object, Path], Causes]] = {
    "exec": _exec,
    "httpGet": _http_get,
    "tcpSocket": _port,
    "grpc": _port,
}


def _handler(handler: Object, grace: int | None, path: Path) -> Causes:
    found = 0
    for kind in (*_ACTIONS, "sleep"):
        action = handler.get(kind)
        if action is None:
            continue
        found += 1
        if found > 1:
            yield field.forbidden(path.child(kind), "may not specify more than 1 handler type")
        elif kind == "sleep":
            yield from _sleep(action, grace, path.child(kind))
        else:
            yield from _ACTIONS[kind](action, path.child(kind))
    if not found:
        yield field.required(path, "must specify a handler type")


def _sleep(action: Object, grace: int | None, path: Path) -> Causes:
    seconds = action.get("seconds", 0)
    if grace is not None and not 0 < seconds <= grace:
        yield field.invalid(
            path,
            seconds,
            f"must be greater than 0 and less than terminationGracePeriodSeconds ({grace}). "
            "Enable AllowPodLifecycleSleepActionZeroValue feature gate for zero sleep.",
        )


_NUMBERS = (
    "initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"
)  # fmt: skip


def _probe(probe: Object, grace: int | None, path: Path) -> Causes:
    yield from _handler({**probe, "sleep": None}, grace, path)
    for key in _NUMBERS:
        yield from field.not_negative(path.child(key), probe.get(key))
    own = probe.get("terminationGracePeriodSeconds")
    if own is not None and own <= 0:
        rule = "must be greater than 0"
        yield field.invalid(path.child("terminationGracePeriodSeconds"), own, rule)


def probes(container: Object, grace: int | None, path: Path) -> Causes:
    """The hooks and the three probes of a container that keeps running."""
    if container.get("lifecycle") is not None:
        yield from _lifecycle(container["lifecycle"], grace, path.child("lifecycle"))
    for key in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe, below = container.get(key), path.child(key)
        if probe is None:
            continue
        yield from _probe(probe, grace, below)
        if key == "readinessProbe":
            own = probe.get("terminationGracePeriodSeconds")
            if own is not None:
                rule = "must not be set for readinessProbes"
                yield field.invalid(below.child("terminationGracePeriodSeconds"), own, rule)
        elif probe.get("successThreshold") != 1:
            value = probe.get("successThreshold", 0)
            yield field.invalid(below.child("successThreshold"), value, "must be 1")


def _lifecycle(lifecycle: Object, grace: int | None, path: Path) -> Causes:
    for key in ("postStart", "preStop"):
        if lifecycle.get(key) is not None:
            yield from _handler({**lifecycle[key], "grpc": None}, grace, path.child(key))

"""Rules of containers and init containers."""

from collections.abc import Iterable, Mapping, Sequence

from netemu.api.validation import field
from netemu.api.validation.env import env, env_from
from netemu.api.validation.field import Causes, Path, each_invalid
from netemu.api.validation.probes import probes
from netemu.api.validation.resources import requirements
from netemu.api.validation.security import container_security
from netemu.api.validation.volumes import mounts
from netemu.model import names
from netemu.model.meta import Object

PROTOCOLS = ("SCTP", "TCP", "UDP")
"""In the order in which messages name them."""
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")


def one_of(value: str, allowed: Sequence[str], path: Path) -> Causes:
    """A value of a closed set, and not empty."""
    if not value:
        yield field.required(path)
    elif value not in allowed:
        yield field.not_supported(path, value, allowed)


def _common(container: Object, volumes: Mapping[str, Object], path: Path) -> Causes:
    if name := container.get("name"):
        yield from each_invalid(path.child("name"), name, names.dns_label(name))
    else:
        yield field.required(path.child("name"))
    if not container.get("image"):
        yield field.required(path.child("image"))
    key = "terminationMessagePolicy"
    yield from one_of(container.get(key, ""), _MESSAGE_POLICIES, path.child(key))
    yield from _ports(container.get("ports") or (), path.child("ports"))
    yield from env(container.get("env") or (), path.child("env"))
    yield from env_from(container.get("envFrom") or (), path.child("envFrom"))
    yield from mounts(container, volumes, path.child("volumeMounts"))
    policy = container.get("imagePullPolicy", "")
    yield from one_of(policy, _PULL_POLICIES, path.child("imagePullPolicy"))
    yield from requirements(container.get("resources") or {}, path.child("resources"))
    security = container.get("securityContext") or {}
    yield from container_security(security, path.child("securityContext"))


def _ports(ports: Iterable[Object], path: Path) -> Causes:
    taken: set[str] = set()
    for number, port in enumerate(ports):
        below = path.index(number)
        yield from _port_name(port.get("name", ""), taken, below.child("name"))
        if value := port.get("containerPort"):
            problems = names.port_number(value)
            yield from each_invalid(below.child("containerPort"), value, problems)
        else:
            yield field.required(below.child("containerPort"))
        if value := port.get("hostPort"):
            yield from each_invalid(below.child("hostPort"), value, names.port_number(value))
        yield from one_of(port.get("protocol", ""), PROTOCOLS, below.child("protocol"))


def _port_name(name: str, taken: set[str], path: Path) -> Causes:
    if not name:
        return
    problems = names.port_name(name)
    yield from each_invalid(path, name, problems)
    if not problems and name in taken:
        yield field.duplicate(path, name)
    elif not problems:
        taken.add(name)


def _host_ports(containers: Iterable[Object], path: Path) -> Causes:
    taken: set[str] = set()
    for number, container in enumerate(containers):
        for index, port in enumerate(container.get("ports") or ()):
            if not port.get("hostPort"):
                continue
            shown = f"{port.get('protocol', '')}/{port.get('hostIP', '')}/{port['hostPort']}"
            if shown in taken:
                below = path.index(number).child("ports").index(index)
                yield field.duplicate(below.child("hostPort"), shown)
            taken.add(shown)


def containers(
    items: Sequence[Object], volumes: Mapping[str, Object], grace: int | None, path: Path
) -> Causes:
    """The containers of a pod, `grace` being its grace period in seconds."""
    if not items:
        yield field.required(path)
        return
    taken: set[str] = set()
    for number, container in enumerate(items):
        below, name = path.index(number), container.get("name", "")
        yield from _common(container, volumes, below)
        if name in taken:
            yield field.duplicate(below.child("name"), name)
        taken.add(name)
        yield from probes(container, grace, below)
        if container.get("restartPolicy") is not None:
            rule = "may not be set for non-init containers"
            yield field.forbidden(below.child("restartPolicy"), rule)
    yield from _host_ports(items, path)


def init_containers(
    spec: Object, volumes: Mapping[str, Object], grace: int | None, path: Path
) -> Causes:
    """The init containers of a pod, sidecars (restartPolicy Always, KEP-753) among them."""
    taken = {container.get("name", "") for container in spec.get("containers") or ()}
    for number, container in enumerate(spec.get("initContainers") or ()):
        below, name = path.index(number), container.get("name", "")
        yield from _common(container, volumes, below)
        restart = container.get("restartPolicy")
        if restart not in (None, "Always"):
            yield field.not_supported(below.child("restartPolicy"), restart, ("Always",))
        if name in taken:
            yield field.duplicate(below.child("name"), name)
        elif name:
            taken.add(name)
        yield from _host_ports([container], path)
        if restart == "Always":
            yield from probes(container, grace, below)
        else:
            yield from _runs_once(container, below)


EPHEMERAL_FORBIDDEN = (
    "ports",
    "resources",
    "resizePolicy",
    "restartPolicy",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
)
"""What no pod should rely on a debugging container for."""


def ephemeral_containers(spec: Object, volumes: Mapping[str, Object], path: Path) -> Causes:
    """The ephemeral containers of a pod (KEP-277)."""
    kinds = ("containers", "initContainers")
    others = {item.get("name", "") for kind in kinds for item in spec.get(kind) or ()}
    taken = set(others)
    for number, container in enumerate(spec.get("ephemeralContainers") or ()):
        below, name = path.index(number), container.get("name", "")
        yield from _common(container, volumes, below)
        if name in taken:
            yield field.duplicate(below.child("name"), name)
        taken.add(name)
        target = container.get("targetContainerName")
        if target and target not in others:
            yield field.not_found(below.child("targetContainerName"), target)
        rule = "cannot be set for an Ephemeral Container"
        for key in EPHEMERAL_FORBIDDEN:
            if container.get(key):
                yield field.forbidden(below.child(key), rule)
        for index, mount in enumerate(container.get("volumeMounts") or ()):
            if mount.get("subPath"):
                where = below.child("volumeMounts").index(index).child("subPath")
                yield field.forbidden(where, rule)


def _runs_once(container: Object, path: Path) -> Causes:
    for key in ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(key) is not None:
            rule = "may not be set for init containers without restartPolicy=Always"
            yield field.forbidden(path.child(key), rule)


def trimmed_images(items: Iterable[Object], path: Path) -> Causes:
    """Images of a pod have no spaces around them; those of a template may."""
    for number, container in enumerate(items):
        image = container.get("image", "")
        if image != image.strip():
            rule = "must not have leading or trailing whitespace"
            yield field.invalid(path.index(number).child("image"), image, rule)

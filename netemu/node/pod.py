"""Pods, shrunk once from their JSON to what the node agent asks of them."""

from enum import StrEnum

from msgspec import Struct

from netemu.model.meta import Object, is_deleting, name_of, namespace_of, uid_of
from netemu.node.probe import Probe, probe_from

GRACE_SECONDS = 30
"""terminationGracePeriodSeconds where a pod doesn't say."""


class RestartPolicy(StrEnum):
    """Which containers are started again."""

    ALWAYS = "Always"
    ON_FAILURE = "OnFailure"
    NEVER = "Never"


class Role(StrEnum):
    """What a container is to its pod."""

    INIT = "init"
    """Runs to completion before the next one."""
    SIDECAR = "sidecar"
    """An init container with restartPolicy Always (KEP-753)."""
    MAIN = "main"
    EPHEMERAL = "ephemeral"
    """Added to a running pod to look into it; never restarted (KEP-277)."""

    @property
    def initialises(self) -> bool:
        """Whether the main containers wait for it."""
        return self in (Role.INIT, Role.SIDECAR)


class ContainerSpec(Struct, frozen=True, kw_only=True):
    """One container."""

    name: str
    image: str
    role: Role
    raw: Object
    """The container as the pod has it, for environment, ports and hooks."""
    startup: Probe | None = None
    liveness: Probe | None = None
    readiness: Probe | None = None


class Pod(Struct, frozen=True, kw_only=True):
    """One pod."""

    obj: Object
    namespace: str
    name: str
    uid: str
    node: str
    policy: RestartPolicy
    host_network: bool
    containers: tuple[ContainerSpec, ...]
    """Init containers first, ephemeral ones last, in the order of the spec."""
    deleting: bool
    grace: float
    """Seconds between SIGTERM and SIGKILL."""

    @property
    def terminal(self) -> bool:
        """Whether somebody, perhaps not us, wrote that it has succeeded or failed: there is no way
        back from that, so what still runs is stopped.
        """
        return (self.obj.get("status") or {}).get("phase") in ("Succeeded", "Failed")

    @property
    def full_name(self) -> str:
        """``name_namespace(uid)``, as the kubelet's messages have it."""
        return f"{self.name}_{self.namespace}({self.uid})"

    def spec(self, name: str) -> ContainerSpec:
        """The container of that name. Raises KeyError."""
        for spec in self.containers:
            if spec.name == name:
                return spec
        raise KeyError(name)


def pod_from(obj: Object) -> Pod:
    """Shrink a pod object."""
    spec, meta = obj["spec"], obj["metadata"]
    grace = spec.get("terminationGracePeriodSeconds", GRACE_SECONDS)
    return Pod(
        obj=obj,
        namespace=namespace_of(obj),
        name=name_of(obj),
        uid=uid_of(obj),
        node=spec.get("nodeName", ""),
        policy=RestartPolicy(spec.get("restartPolicy", "Always")),
        host_network=bool(spec.get("hostNetwork")),
        containers=(
            *(_container(item, _init_role(item)) for item in spec.get("initContainers") or ()),
            *(_container(item, Role.MAIN) for item in spec["containers"]),
            *(_container(item, Role.EPHEMERAL) for item in spec.get("ephemeralContainers") or ()),
        ),
        deleting=is_deleting(obj),
        grace=float(meta.get("deletionGracePeriodSeconds", grace)),
    )


def _init_role(item: Object) -> Role:
    return Role.SIDECAR if item.get("restartPolicy") == "Always" else Role.INIT


def _container(item: Object, role: Role) -> ContainerSpec:
    return ContainerSpec(
        name=item["name"],
        image=item.get("image", ""),
        role=role,
        raw=item,
        startup=probe_from(item, "startupProbe"),
        liveness=probe_from(item, "livenessProbe"),
        readiness=probe_from(item, "readinessProbe"),
    )

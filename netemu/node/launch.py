"""From a container to a process: its program, arguments and environment."""

import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from netemu.config.images import Program, Unknown, Wanted
from netemu.model.meta import Object
from netemu.model.resources import SERVICES
from netemu.model.service import ServiceType, service_from
from netemu.node.context import Node
from netemu.node.environment import Sources, environment
from netemu.node.expansion import expand
from netemu.node.field_values import Place
from netemu.node.folders import own_folder
from netemu.node.pod import ContainerSpec, Pod
from netemu.node.sandbox_files import (
    Resolver,
    Surroundings,
    fqdn,
    hostname,
    resolver,
    sandbox_files,
)
from netemu.node.service_env import kubernetes_environment, service_environment

DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def files_of(pod: Pod, node: Node, addresses: Sequence[str]) -> dict[str, str]:
    """The pod's /etc/hosts, /etc/resolv.conf and /etc/hostname."""
    return sandbox_files(pod.obj, addresses, _surroundings(node))


def _surroundings(node: Node) -> Surroundings:
    cluster = node.cluster
    return Surroundings(
        zone=cluster.zone,
        dns=cluster.dns,
        node=node.name,
        host_hosts=_content("/etc/hosts"),
        host_resolv_conf=_content("/etc/resolv.conf"),
    )


def pod_resolver(pod: Object, zone: str, dns: str) -> Resolver:
    """What a pod's /etc/resolv.conf says, wherever it runs."""
    text = _content("/etc/resolv.conf")
    return resolver(pod, Surroundings(zone=zone, dns=dns, node="", host_resolv_conf=text))


def _content(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""


def base_environment(pod: Pod, spec: ContainerSpec, node: Node, address: str) -> dict[str, str]:
    """What every container has; its image and the pod may say otherwise."""
    cluster = node.cluster
    base = {
        "PATH": _path(node),
        "HOME": str(own_folder(cluster.home, pod.uid, spec.name)),
        "HOSTNAME": hostname(pod.obj, node.name),
    }
    if cluster.runtime.isolated:
        return base
    # One network for everybody: the program has to be told where to listen and whom to ask.
    told = fqdn(pod.obj, _surroundings(node))
    if told:
        base["NETEMU_FQDN"] = told
    return base | {
        "HOST": address,
        "POD_IP": address,
        "NETEMU_DNS": cluster.loopback_dns,
        "NETEMU_SEARCH": " ".join(resolver(pod.obj, _surroundings(node)).searches),
    }


def _path(node: Node) -> str:
    return node.cluster.environment.get("PATH") or DEFAULT_PATH


def pod_environment(
    pod: Pod, spec: ContainerSpec, node: Node, addresses: Sequence[str]
) -> dict[str, str]:
    """What the pod says, and the Services. Raises ConfigError."""
    cluster = node.cluster
    place = Place(pod_ips=addresses, host_ips=node.own, allocatable=cluster.allocatable)

    def lookup(resource: str, name: str) -> Object | None:
        return cluster.client.get(resource, pod.namespace, name)

    sources = Sources(services=_services(pod, node), place=place, lookup=lookup)
    return environment(pod.obj, spec.raw, sources)


def _services(pod: Pod, node: Node) -> dict[str, str]:
    """The Services that exist now; with enableServiceLinks false the API's alone."""
    cluster = node.cluster
    env: dict[str, str] = {}
    if pod.obj["spec"].get("enableServiceLinks", True):
        found = map(service_from, cluster.client.list(SERVICES, pod.namespace))
        env = service_environment(s for s in found if s.type is not ServiceType.EXTERNAL_NAME)
    return {**env, **kubernetes_environment(cluster.api)}


def _everywhere(address: str) -> str:
    return "::" if ":" in address else "0.0.0.0"  # told to programs, not bound


def program_of(
    pod: Pod, spec: ContainerSpec, node: Node, addresses: Sequence[str], env: Mapping[str, str]
) -> Program | Unknown:
    """What the container's image and command come to on this machine."""
    cluster = node.cluster
    own = addresses if not cluster.runtime.isolated else [*map(_everywhere, addresses)]
    wanted = Wanted(
        image=spec.image,
        command=[expand(word, env) for word in spec.raw.get("command") or ()],
        args=[expand(word, env) for word in spec.raw.get("args") or ()],
        values={
            "dir": str(own_folder(cluster.home, pod.uid, spec.name)),
            "listen": own[0],
            "also": own[1] if len(own) > 1 else "",
        },
    )
    return cluster.images.resolve(wanted, partial(shutil.which, path=_path(node)))

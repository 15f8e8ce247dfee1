"""Rules of pods, and of the pod templates inside workloads."""

import re
from collections.abc import Iterable
from typing import Final

from netemu.api.validation import field
from netemu.api.validation.containers import (
    containers,
    init_containers,
    one_of,
    trimmed_images,
)
from netemu.api.validation.field import METADATA, SPEC, Causes, Path, each_invalid
from netemu.api.validation.ips import address
from netemu.api.validation.meta import annotations, label_name, labels, object_meta
from netemu.api.validation.scheduling import affinity, spreading, tolerations
from netemu.api.validation.security import operating_system, pod_security, shared_processes
from netemu.api.validation.volumes import volumes
from netemu.model import names
from netemu.model.meta import Object

MOST_SECONDS: Final = 2**31 - 1
"""The highest activeDeadlineSeconds."""
_RESTART_POLICIES = ("Always", "OnFailure", "Never")
_DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_NAMESERVERS: Final = 3
"""What libc reads of resolv.conf."""
_SEARCHES: Final = 32
_SEARCH_LENGTH: Final = 2048
_DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"


def pod(obj: Object) -> Causes:
    """A new pod."""
    spec = obj.get("spec") or {}
    yield from pod_object(obj)
    if spec.get("ephemeralContainers"):
        yield field.forbidden(SPEC.child("ephemeralContainers"), "cannot be set on create")
    if spec.get("nodeName") and spec.get("schedulingGates"):
        rule = "cannot be set until all schedulingGates have been cleared"
        yield field.forbidden(SPEC.child("nodeName"), rule)


def pod_object(obj: Object) -> Causes:
    """What holds for a pod at any time."""
    spec = obj.get("spec") or {}
    yield from object_meta(obj, True, names.dns_subdomain)
    yield from _annotations(obj.get("metadata") or {}, METADATA.child("annotations"))
    yield from pod_spec(spec, SPEC, is_pod=True)
    for key in ("containers", "initContainers"):
        yield from trimmed_images(spec.get(key) or (), SPEC.child(key))


def _annotations(meta: Object, path: Path) -> Causes:
    cost = (meta.get("annotations") or {}).get(_DELETION_COST)
    if cost is None:
        return
    fine = re.fullmatch(r"0|[1-9]\d*|-\d+", cost) and -(2**31) <= int(cost) < 2**31
    if not fine:
        yield field.invalid(path.key(_DELETION_COST), cost, "must be a 32bit integer")


def template(value: Object, path: Path) -> Causes:
    """The pod template of a workload."""
    meta, spec = value.get("metadata") or {}, value.get("spec") or {}
    # Upstream's paths for a template's metadata lack "metadata".
    yield from labels(meta.get("labels"), path.child("labels"))
    yield from annotations(meta.get("annotations"), path.child("annotations"))
    yield from _annotations(meta, path.child("annotations"))
    yield from pod_spec(spec, path.child("spec"), is_pod=False)
    if spec.get("ephemeralContainers"):
        rule = "ephemeral containers not allowed in pod template"
        yield field.forbidden(path.child("spec", "ephemeralContainers"), rule)


def pod_spec(spec: Object, path: Path, *, is_pod: bool) -> Causes:
    """A pod's spec, defaulted."""
    grace = spec.get("terminationGracePeriodSeconds")
    if grace is None:
        yield field.required(path.child("terminationGracePeriodSeconds"))
    sound, wrong = volumes(spec.get("volumes") or (), path.child("volumes"))
    yield from wrong
    items = spec.get("containers") or []
    yield from containers(items, sound, grace, path.child("containers"))
    yield from init_containers(spec, sound, grace, path.child("initContainers"))
    yield from _host_network(spec, path.child("containers"), is_pod)
    restart, dns = spec.get("restartPolicy", ""), spec.get("dnsPolicy", "")
    yield from one_of(restart, _RESTART_POLICIES, path.child("restartPolicy"))
    yield from one_of(dns, _DNS_POLICIES, path.child("dnsPolicy"))
    yield from labels(spec.get("nodeSelector"), path.child("nodeSelector"))
    yield from shared_processes(spec, path.child("securityContext"))
    yield from pod_security(spec.get("securityContext") or {}, path.child("securityContext"))
    yield from affinity(spec.get("affinity") or {}, path.child("affinity"))
    yield from _dns_config(spec, path.child("dnsConfig"))
    yield from _gates(spec, path)
    spread = "topologySpreadConstraints"
    yield from spreading(spec.get(spread) or [], path.child(spread))
    yield from _names(spec, path)
    yield from tolerations(spec.get("tolerations") or (), path.child("tolerations"))
    yield from _host_aliases(spec.get("hostAliases") or (), path.child("hostAliases"))
    for key in ("priorityClassName", "runtimeClassName"):
        if name := spec.get(key):
            yield from each_invalid(path.child(key), name, names.dns_subdomain(name))
    preemption = spec.get("preemptionPolicy")
    if preemption is not None:
        known = ("PreemptLowerPriority", "Never")
        yield from one_of(preemption, known, path.child("preemptionPolicy"))
    yield from operating_system(spec.get("os"), path.child("os"))


def _host_network(spec: Object, path: Path, is_pod: bool) -> Causes:
    if not spec.get("hostNetwork"):
        return
    for number, container in enumerate(spec.get("containers") or ()):
        for index, port in enumerate(container.get("ports") or ()):
            host = port.get("hostPort", 0)
            # A template's port may be unset: it is filled in when the pod is made.
            if (is_pod or host) and host != port.get("containerPort", 0):
                below = path.index(number).child("ports").index(index).child("hostPort")
                rule = "must match `containerPort` when `hostNetwork` is true"
                yield field.invalid(below, host, rule)


def _dns_config(spec: Object, path: Path) -> Causes:
    config = spec.get("dnsConfig")
    if spec.get("dnsPolicy") == "None" and not (config or {}).get("nameservers"):
        if config is None:
            yield field.required(path, "must provide `dnsConfig` when `dnsPolicy` is None")
        else:
            rule = "must provide at least one DNS nameserver when `dnsPolicy` is None"
            yield field.required(path.child("nameservers"), rule)
        return
    config = config or {}
    servers, searches = config.get("nameservers") or [], config.get("searches") or []
    if len(servers) > _NAMESERVERS:
        rule = f"must not have more than {_NAMESERVERS} nameservers"
        yield field.invalid(path.child("nameservers"), servers, rule)
    for number, server in enumerate(servers):
        yield from address(path.child("nameservers").index(number), server)
    yield from _searches(searches, path.child("searches"))
    for number, option in enumerate(config.get("options") or ()):
        if not option.get("name"):
            yield field.required(path.child("options").index(number), "must not be empty")


def _searches(searches: list[str], path: Path) -> Causes:
    if len(searches) > _SEARCHES:
        rule = f"must not have more than {_SEARCHES} search paths"
        yield field.invalid(path, searches, rule)
    if len(" ".join(searches)) > _SEARCH_LENGTH:
        rule = (
            f"must not have more than {_SEARCH_LENGTH} characters (including spaces) in the "
            "search list"
        )
        yield field.invalid(path, searches, rule)
    for number, search in enumerate(searches):
        bare = search.removesuffix(".")
        yield from each_invalid(path.index(number), bare, names.dns_subdomain(bare))


def _gates(spec: Object, path: Path) -> Causes:
    for number, gate in enumerate(spec.get("readinessGates") or ()):
        below = path.child("readinessGates").index(number).child("conditionType")
        yield from label_name(gate.get("conditionType", ""), below)
    seen: set[str] = set()
    for number, gate in enumerate(spec.get("schedulingGates") or ()):
        below, name = path.child("schedulingGates").index(number), gate.get("name", "")
        yield from label_name(name, below)
        if name in seen:
            yield field.duplicate(below, name)
        seen.add(name)


def _names(spec: Object, path: Path) -> Causes:
    for key in ("serviceAccountName", "nodeName"):
        if name := spec.get(key):
            yield from each_invalid(path.child(key), name, names.dns_subdomain(name))
    seconds = spec.get("activeDeadlineSeconds")
    if seconds is not None and not 1 <= seconds <= MOST_SECONDS:
        rule = names.out_of_range(1, MOST_SECONDS)
        yield field.invalid(path.child("activeDeadlineSeconds"), seconds, rule)
    for key in ("hostname", "subdomain"):
        if name := spec.get(key):
            yield from each_invalid(path.child(key), name, names.dns_label(name))


def _host_aliases(items: Iterable[Object], path: Path) -> Causes:
    for number, alias in enumerate(items):
        below = path.index(number)
        yield from address(below.child("ip"), alias.get("ip", ""))
        for index, name in enumerate(alias.get("hostnames") or ()):
            problems = names.dns_subdomain(name)
            yield from each_invalid(below.child("hostnames").index(index), name, problems)

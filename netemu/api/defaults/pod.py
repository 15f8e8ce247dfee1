"""Defaults of pods and pod templates."""

from netemu.api.defaults.containers import container
from netemu.api.defaults.parts import child, drop_zero, fill, fill_absent
from netemu.api.defaults.volumes import volume
from netemu.model.meta import Object, copied

_KINDS = ("containers", "initContainers", "ephemeralContainers")
_ZERO = (
    "hostIPC", "hostNetwork", "hostPID", "hostname", "nodeName", "nodeSelector",
    "priorityClassName", "subdomain", "volumes", "initContainers", "ephemeralContainers",
    "imagePullSecrets", "hostAliases", "tolerations", "readinessGates", "schedulingGates",
    "topologySpreadConstraints",
)  # fmt: skip


def pod(obj: Object) -> None:
    """A pod: what a template's pods share, and what only a pod of flesh gets."""
    spec = child(obj, "spec")
    pod_spec(spec)
    for kind in ("containers", "initContainers"):
        for item in spec.get(kind) or ():
            _requests_from_limits(item)
    fill_absent(spec, enableServiceLinks=True)
    if spec.get("hostNetwork"):
        for kind in ("containers", "initContainers"):
            for item in spec.get(kind) or ():
                _host_ports(item)


def _requests_from_limits(item: Object) -> None:
    limits = (item.get("resources") or {}).get("limits")
    if limits:
        requests = child(item["resources"], "requests")
        item["resources"]["requests"] = {**copied(limits), **requests}


def _host_ports(item: Object) -> None:
    for port in item.get("ports") or ():
        if port.get("containerPort"):
            fill(port, hostPort=port["containerPort"])


def template(item: Object) -> None:
    """The pod template of a workload."""
    meta = child(item, "metadata")
    drop_zero(meta, "labels", "annotations", "name", "namespace", "generateName", "finalizers")
    pod_spec(child(item, "spec"))


def pod_spec(spec: Object) -> None:
    """What every pod spec gets."""
    fill(spec, dnsPolicy="ClusterFirst", restartPolicy="Always", schedulerName="default-scheduler")
    fill_absent(spec, securityContext={}, terminationGracePeriodSeconds=30)
    drop_zero(spec, *_ZERO)
    _service_account(spec)
    for kind in _KINDS:
        for item in spec.get(kind) or ():
            container(item)
    for item in spec.get("volumes") or ():
        volume(item)
    for item in spec.get("tolerations") or ():
        drop_zero(item, "key", "operator", "value", "effect")
    for item in spec.get("topologySpreadConstraints") or ():
        drop_zero(item, "matchLabelKeys")


def _service_account(spec: Object) -> None:
    # serviceAccount is the old name of serviceAccountName; a cluster always shows both.
    name = spec.get("serviceAccountName") or spec.get("serviceAccount")
    drop_zero(spec, "serviceAccountName", "serviceAccount")
    if name:
        spec["serviceAccountName"] = spec["serviceAccount"] = name

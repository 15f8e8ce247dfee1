"""Defaults of the kinds that keep pods running."""

from netemu.api.defaults.parts import child, drop_zero, fill, fill_absent
from netemu.api.defaults.pod import template
from netemu.api.defaults.volumes import claim_spec
from netemu.model.meta import Object

_HISTORY = 10
_DEADLINE = 600
_SHARE = "25%"


def deployment(obj: Object) -> None:
    """A Deployment."""
    spec = child(obj, "spec")
    _workload(spec)
    fill_absent(spec, revisionHistoryLimit=_HISTORY, progressDeadlineSeconds=_DEADLINE)
    drop_zero(spec, "paused")
    strategy = child(spec, "strategy")
    fill(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = child(strategy, "rollingUpdate")
        fill_absent(rolling, maxUnavailable=_SHARE, maxSurge=_SHARE)


def replica_set(obj: Object) -> None:
    """A ReplicaSet."""
    _workload(child(obj, "spec"))


def stateful_set(obj: Object) -> None:
    """A StatefulSet."""
    spec = child(obj, "spec")
    _workload(spec)
    fill_absent(spec, revisionHistoryLimit=_HISTORY)
    fill(spec, podManagementPolicy="OrderedReady")
    strategy = child(spec, "updateStrategy")
    if not strategy.get("type"):
        strategy["type"] = "RollingUpdate"
        child(strategy, "rollingUpdate")
    if strategy["type"] == "RollingUpdate" and strategy.get("rollingUpdate") is not None:
        fill_absent(strategy["rollingUpdate"], partition=0)
    retention = child(spec, "persistentVolumeClaimRetentionPolicy")
    fill(retention, whenDeleted="Retain", whenScaled="Retain")
    for claim in spec.get("volumeClaimTemplates") or ():
        fill(claim, apiVersion="v1", kind="PersistentVolumeClaim")
        claim_spec(claim)
        fill(child(claim, "status"), phase="Pending")


def daemon_set(obj: Object) -> None:
    """A DaemonSet."""
    spec = child(obj, "spec")
    drop_zero(spec, "minReadySeconds")
    template(child(spec, "template"))
    fill_absent(spec, revisionHistoryLimit=_HISTORY)
    strategy = child(spec, "updateStrategy")
    fill(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = child(strategy, "rollingUpdate")
        fill_absent(rolling, maxUnavailable=1, maxSurge=0)


def replication_controller(obj: Object) -> None:
    """A ReplicationController, which learns its labels and selector from its template."""
    spec = child(obj, "spec")
    _workload(spec)
    labels = child(spec["template"], "metadata").get("labels")
    if labels and not spec.get("selector"):
        spec["selector"] = {**labels}
    if labels and not obj["metadata"].get("labels"):
        obj["metadata"]["labels"] = {**labels}


def _workload(spec: Object) -> None:
    fill_absent(spec, replicas=1)
    drop_zero(spec, "minReadySeconds")
    template(child(spec, "template"))

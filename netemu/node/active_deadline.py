"""activeDeadlineSeconds: how long a pod may be active on its node (pkg/kubelet/active_deadline)."""

from netemu.model.meta import Object
from netemu.node.pod import Pod

REASON = "DeadlineExceeded"
MESSAGE = "Pod was active on the node longer than the specified deadline"


def expires(pod: Pod, started: float | None) -> float | None:
    """When the pod's time is over, in seconds since the epoch; None: never."""
    seconds = pod.obj["spec"].get("activeDeadlineSeconds")
    if seconds is None or started is None or pod.terminal or pod.deleting:
        return None
    return started + float(seconds)


def expired(status: Object) -> Object:
    """The status of a pod whose time is over."""
    return {**status, "phase": "Failed", "reason": REASON, "message": MESSAGE}

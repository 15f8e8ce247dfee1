"""What the server itself decides about a Job: the selector by which it knows its pods; pure."""

from netemu.model.meta import Object, uid_of

CONTROLLER_UID = "batch.kubernetes.io/controller-uid"
JOB_NAME = "batch.kubernetes.io/job-name"
_LEGACY = {"controller-uid": CONTROLLER_UID, "job-name": JOB_NAME}
"""Labels from before they had a prefix; both are set (pkg/registry/batch/job/strategy.go)."""


def create_job(obj: Object) -> None:
    """A new Job selects its own pods, unless it says that it brings a selector."""
    obj["status"] = {}
    spec = obj["spec"]
    if spec.get("manualSelector"):
        return
    metadata = spec["template"].setdefault("metadata", {})
    labels = metadata.get("labels") or {}
    own = {CONTROLLER_UID: uid_of(obj), JOB_NAME: obj["metadata"].get("name", "")}
    own |= {old: own[new] for old, new in _LEGACY.items()}
    metadata["labels"] = {**labels, **{k: v for k, v in own.items() if k not in labels}}
    if spec.get("selector") is None:
        spec["selector"] = {}
    selected = spec["selector"].get("matchLabels") or {}
    spec["selector"]["matchLabels"] = {**selected, CONTROLLER_UID: uid_of(obj)}

"""Defaults of volumes."""

from netemu.api.defaults.images import pull_policy
from netemu.api.defaults.parts import child, fill, fill_absent
from netemu.model.meta import Object

_MODE = 0o644
_MODED = ("secret", "configMap", "downwardAPI", "projected")
_TOKEN_SECONDS = 3600


def volume(item: Object) -> None:
    """One volume; one that says nothing is an emptyDir."""
    if not any(value is not None for key, value in item.items() if key != "name"):
        item["emptyDir"] = {}
    for kind in _MODED:
        if item.get(kind) is not None:
            fill_absent(item[kind], defaultMode=_MODE)
    if item.get("hostPath") is not None:
        fill_absent(item["hostPath"], type="")
    if item.get("image") is not None:
        fill(item["image"], pullPolicy=pull_policy(item["image"].get("reference", "")))
    projected = item.get("projected") or {}
    for source in projected.get("sources") or ():
        if source.get("serviceAccountToken") is not None:
            fill_absent(source["serviceAccountToken"], expirationSeconds=_TOKEN_SECONDS)
        downward_files(source.get("downwardAPI"))
    downward_files(item.get("downwardAPI"))
    template = (item.get("ephemeral") or {}).get("volumeClaimTemplate")
    if template is not None:
        claim_spec(template)


def downward_files(source: Object | None) -> None:
    """The files of a downwardAPI volume."""
    for file in (source or {}).get("items") or ():
        reference(file)


def reference(holder: Object) -> None:
    """Where a value comes from the pod itself: fieldRef and resourceFieldRef."""
    if holder.get("fieldRef") is not None:
        fill(holder["fieldRef"], apiVersion="v1")
    if holder.get("resourceFieldRef") is not None:
        fill(holder["resourceFieldRef"], divisor="0")


def claim_spec(claim: Object) -> None:
    """The spec of a volume claim."""
    fill_absent(child(claim, "spec"), volumeMode="Filesystem")

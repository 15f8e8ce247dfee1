"""A pod's account: which one it runs as, and how its programs get at the account's token. Pure.

Upstream's ServiceAccount admission plugin: the volume ``kube-api-access-…`` with a token, the
cluster's CA and the namespace, mounted where every client library looks for them.
"""

from collections.abc import Iterator
from typing import Final

from netemu.model.errors import Forbidden
from netemu.model.meta import Object, copied

MOUNT_PATH: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
VOLUME_PREFIX: Final = "kube-api-access-"
TOKEN_SECONDS: Final = 3607
"""An hour and a bit, by which upstream tells tokens that may be extended."""
DEFAULT: Final = "default"


def admitted(pod: Object, account: Object | None, suffix: str) -> Object:
    """The pod with its account's token and pull secrets; `suffix` ends the volume's name.

    The default account may be missing: a new namespace gets it in the next moment.
    Raises Forbidden when another one is.
    """
    name = pod["spec"].get("serviceAccountName") or DEFAULT
    if account is None and name != DEFAULT:
        raise _no_account(pod, name)
    spec = pod["spec"]
    result = spec
    secrets = (account or {}).get("imagePullSecrets")
    if secrets and not spec.get("imagePullSecrets"):
        result = {**result, "imagePullSecrets": copied(secrets)}
    if _wants_token(spec, account):
        result = _with_token(result, suffix)
    return pod if result is spec else {**pod, "spec": result}


def _no_account(pod: Object, name: str) -> Forbidden:
    namespace = pod["metadata"].get("namespace", "")
    said = pod["metadata"].get("name", "")
    why = f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
    return Forbidden(f'pods "{said}" is forbidden: {why}', name=said, kind="pods")


def _wants_token(spec: Object, account: Object | None) -> bool:
    for said in (spec, account or {}):
        if said.get("automountServiceAccountToken") is not None:
            return bool(said["automountServiceAccountToken"])
    return True


def _containers(spec: Object) -> Iterator[Object]:
    for kind in ("initContainers", "containers"):
        yield from spec.get(kind) or ()


def _mounts_one(container: Object) -> bool:
    return any(
        mount.get("mountPath") == MOUNT_PATH for mount in container.get("volumeMounts") or ()
    )


def _with_token(spec: Object, suffix: str) -> Object:
    if all(map(_mounts_one, _containers(spec))):
        return spec
    present = [item["name"] for item in spec.get("volumes") or () if item.get("projected")]
    name = next((name for name in present if name.startswith(VOLUME_PREFIX)), "")
    result = {**spec}
    if not name:
        name = VOLUME_PREFIX + suffix
        result["volumes"] = [*(spec.get("volumes") or ()), _volume(name)]
    for kind in ("initContainers", "containers"):
        if spec.get(kind):
            result[kind] = [_mounting(container, name) for container in spec[kind]]
    return result


def _mounting(container: Object, volume: str) -> Object:
    if _mounts_one(container):
        return container
    mount = {"name": volume, "readOnly": True, "mountPath": MOUNT_PATH}
    return {**container, "volumeMounts": [*(container.get("volumeMounts") or ()), mount]}


def _volume(name: str) -> Object:
    field = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    ca = [{"key": "ca.crt", "path": "ca.crt"}]
    return {
        "name": name,
        "projected": {
            "sources": [
                {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
                {"configMap": {"name": "kube-root-ca.crt", "items": ca}},
                {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": field}]}},
            ],
            "defaultMode": 420,
        },
    }


def account_name(pod: Object) -> str:
    """The account a pod runs as."""
    return str(pod["spec"].get("serviceAccountName") or DEFAULT)

"""Objects that tests begin with."""

from netemu.clock import rfc3339
from netemu.model.meta import Object

NOW = 1_700_000_000.0


def pod(
    name: str,
    *,
    ip: str = "",
    ready: bool = True,
    node: str = "node-1",
    phase: str = "Running",
    labels: dict[str, str] | None = None,
    deleting: bool = False,
    owner: Object | None = None,
    since: float = NOW,
    **spec: object,
) -> Object:
    metadata: Object = {
        "namespace": "default",
        "name": name,
        "uid": f"uid-{name}",
        "labels": {"app": "web"} if labels is None else labels,
        "creationTimestamp": rfc3339(since),
    }
    if deleting:
        metadata["deletionTimestamp"] = rfc3339(since)
    if owner is not None:
        metadata["ownerReferences"] = [owner]
    status: Object = {
        "phase": phase,
        "conditions": [
            {
                "type": "Ready",
                "status": "True" if ready else "False",
                "lastTransitionTime": rfc3339(since),
            }
        ],
    }
    if ip:
        ips = ip.split(",")
        status |= {"podIP": ips[0], "podIPs": [{"ip": each} for each in ips]}
    containers = [{"name": "main", "image": "pause"}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": containers, **({"nodeName": node} if node else {}), **spec},
        "status": status,
    }


def service(name: str = "web", **spec: object) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "namespace": "default",
            "name": name,
            "uid": f"uid-svc-{name}",
            "labels": {"tier": "front"},
            "creationTimestamp": rfc3339(NOW),
        },
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "10.96.0.20",
            "ipFamilies": ["IPv4"],
            "selector": {"app": "web"},
            "ports": [{"name": "http", "protocol": "TCP", "port": 80, "targetPort": 8080}],
            **spec,
        },
    }


def deployment(replicas: int = 3, image: str = "v1", **spec: object) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"namespace": "default", "name": "web"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": template(image),
            **spec,
        },
    }


def template(image: str = "v1") -> Object:
    return {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "main", "image": image}]},
    }


def node(name: str, *, cpu: str = "4", memory: str = "8Gi", pods: str = "110") -> Object:
    amounts = {"cpu": cpu, "memory": memory, "pods": pods}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "spec": {},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "capacity": amounts,
            "allocatable": amounts,
        },
    }

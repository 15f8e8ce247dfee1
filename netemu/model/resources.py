"""The kinds netemu serves: one table for the store, the API's discovery and the controllers."""

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Resource:
    """One kind and how the API names it."""

    group: str
    """"" is the core group."""
    version: str
    kind: str
    plural: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    """Served beside the object: status, scale, log, …"""
    controlled: bool = True
    """False: objects are kept and shown, but nothing acts on them yet; creating one says so."""

    @cached_property
    def key(self) -> str:
        """Plural and group, as messages name it: ``pods``, ``deployments.apps``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @cached_property
    def api_version(self) -> str:
        """What objects say in ``apiVersion``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self) -> str:
        """The name for one."""
        return self.kind.lower()

    @property
    def has_status(self) -> bool:
        """Whether status is written apart from the rest."""
        return "status" in self.subresources


_ALL = ("all",)
_POD_PARTS = (
    "status",
    "log",
    "binding",
    "eviction",
    "ephemeralcontainers",
    "exec",
    "attach",
    "portforward",
    "proxy",
)

RESOURCES: tuple[Resource, ...] = (
    Resource("", "v1", "ConfigMap", "configmaps", short_names=("cm",)),
    Resource("", "v1", "Endpoints", "endpoints", short_names=("ep",)),
    Resource("", "v1", "Event", "events", short_names=("ev",)),
    Resource("", "v1", "Namespace", "namespaces", False, ("ns",), (), ("status", "finalize")),
    Resource("", "v1", "Node", "nodes", False, ("no",), (), ("status", "proxy")),
    Resource("", "v1", "PersistentVolume", "persistentvolumes", False, ("pv",), (), ("status",)),
    Resource("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", True, ("pvc",), (),
             ("status",)),
    Resource("", "v1", "Pod", "pods", True, ("po",), _ALL, _POD_PARTS),
    Resource("", "v1", "ReplicationController", "replicationcontrollers", True, ("rc",), _ALL,
             ("status", "scale")),
    Resource("", "v1", "Secret", "secrets"),
    Resource("", "v1", "Service", "services", True, ("svc",), _ALL, ("status", "proxy")),
    Resource("", "v1", "ServiceAccount", "serviceaccounts", short_names=("sa",)),
    Resource("apps", "v1", "ControllerRevision", "controllerrevisions"),
    Resource("apps", "v1", "DaemonSet", "daemonsets", True, ("ds",), _ALL, ("status",)),
    Resource("apps", "v1", "Deployment", "deployments", True, ("deploy",), _ALL,
             ("status", "scale")),
    Resource("apps", "v1", "ReplicaSet", "replicasets", True, ("rs",), _ALL, ("status", "scale")),
    Resource("apps", "v1", "StatefulSet", "statefulsets", True, ("sts",), _ALL,
             ("status", "scale")),
    Resource("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", True,
             ("hpa",), _ALL, ("status",)),
    Resource("batch", "v1", "CronJob", "cronjobs", True, ("cj",), _ALL, ("status",)),
    Resource("batch", "v1", "Job", "jobs", True, (), _ALL, ("status",)),
    Resource("coordination.k8s.io", "v1", "Lease", "leases"),
    Resource("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
    Resource("metallb.io", "v1beta1", "IPAddressPool", "ipaddresspools"),
    Resource("metallb.io", "v1beta1", "L2Advertisement", "l2advertisements", controlled=False),
    Resource("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", True, ("pdb",), (),
             ("status",)),
    Resource("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", False, ("pc",)),
    Resource("storage.k8s.io", "v1", "StorageClass", "storageclasses", False, ("sc",)),
)  # fmt: skip

MEASURED: tuple[Resource, ...] = (
    Resource("metrics.k8s.io", "v1beta1", "NodeMetrics", "nodes", False),
    Resource("metrics.k8s.io", "v1beta1", "PodMetrics", "pods"),
)
"""What is made on the spot when somebody asks, and stored nowhere."""

BY_KEY: dict[str, Resource] = {resource.key: resource for resource in RESOURCES}
BY_KIND: dict[tuple[str, str], Resource] = {(r.api_version, r.kind): r for r in RESOURCES}
CONVERTED: tuple[Resource, ...] = (
    Resource(
        "autoscaling", "v1", "HorizontalPodAutoscaler", "horizontalpodautoscalers", True, ("hpa",),
        _ALL,
    ),
)  # fmt: skip
"""Older forms of what is stored otherwise; they are converted at the door."""

BY_PATH: dict[tuple[str, str, str], Resource] = {
    (r.group, r.version, r.plural): r for r in (*RESOURCES, *CONVERTED)
}
"""(group, version, plural), as a URL names it."""

CONFIG_MAPS = "configmaps"
CONTROLLER_REVISIONS = "controllerrevisions.apps"
DAEMON_SETS = "daemonsets.apps"
DEPLOYMENTS = "deployments.apps"
ENDPOINTS = "endpoints"
ENDPOINT_SLICES = "endpointslices.discovery.k8s.io"
EVENTS = "events"
IP_ADDRESS_POOLS = "ipaddresspools.metallb.io"
L2_ADVERTISEMENTS = "l2advertisements.metallb.io"
LEASES = "leases.coordination.k8s.io"
NAMESPACES = "namespaces"
NODES = "nodes"
PERSISTENT_VOLUMES = "persistentvolumes"
PERSISTENT_VOLUME_CLAIMS = "persistentvolumeclaims"
PODS = "pods"
REPLICATION_CONTROLLERS = "replicationcontrollers"
REPLICA_SETS = "replicasets.apps"
SECRETS = "secrets"
SERVICES = "services"
SERVICE_ACCOUNTS = "serviceaccounts"
STATEFUL_SETS = "statefulsets.apps"
STORAGE_CLASSES = "storageclasses.storage.k8s.io"
CRON_JOBS = "cronjobs.batch"
JOBS = "jobs.batch"
POD_AUTOSCALERS = "horizontalpodautoscalers.autoscaling"
POD_DISRUPTION_BUDGETS = "poddisruptionbudgets.policy"
PRIORITY_CLASSES = "priorityclasses.scheduling.k8s.io"

"""The kinds netemu serves: one table for the store, the API's discovery and the controllers."""

from dataclasses import dataclass
from functools import cached_property

from netemu.model.scalepaths import USUAL, ScalePaths


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
    verbs: tuple[str, ...] = ()
    """What can be done with it; (): everything."""
    custom: bool = False
    """Whether a CustomResourceDefinition makes it."""
    stored_as: str = ""
    """The key of the kind that this one is another view of; "": its own."""

    warning: str = ""
    """What whoever uses it is told; "": nothing."""

    @cached_property
    def key(self) -> str:
        """Plural and group, as messages name it: ``pods``, ``deployments.apps``."""
        if self.stored_as:
            return self.stored_as
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
    def list_kind(self) -> str:
        """The kind of a list."""
        return self.kind + "List"

    @property
    def is_kept(self) -> bool:
        """Whether there are objects of it: reviews are answered and forgotten."""
        return not self.verbs or "list" in self.verbs

    @property
    def scale_paths(self) -> ScalePaths:
        """Where its objects keep what a Scale shows."""
        return USUAL

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

_RBAC = "rbac.authorization.k8s.io"
_ACCESS: tuple[Resource, ...] = (
    Resource(_RBAC, "v1", "ClusterRole", "clusterroles", False),
    Resource(_RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings", False),
    Resource(_RBAC, "v1", "Role", "roles"),
    Resource(_RBAC, "v1", "RoleBinding", "rolebindings"),
)
"""Who may do what."""

_ADMISSION = "admissionregistration.k8s.io"
_FLOW = "flowcontrol.apiserver.k8s.io"
_NETWORKING, _STORAGE = "networking.k8s.io", "storage.k8s.io"
_STATUS = ("status",)
_STORED: tuple[Resource, ...] = (
    Resource(
        "", "v1", "ComponentStatus", "componentstatuses", False, ("cs",), verbs=("get", "list")
    ),
    Resource("", "v1", "LimitRange", "limitranges", True, ("limits",)),
    Resource("", "v1", "PodTemplate", "podtemplates"),
    Resource("", "v1", "ResourceQuota", "resourcequotas", True, ("quota",), (), _STATUS),
    Resource(
        _ADMISSION,
        "v1",
        "MutatingWebhookConfiguration",
        "mutatingwebhookconfigurations",
        False,
        categories=("api-extensions",),
    ),
    Resource(
        _ADMISSION,
        "v1",
        "ValidatingAdmissionPolicy",
        "validatingadmissionpolicies",
        False,
        categories=("api-extensions",),
        subresources=_STATUS,
    ),
    Resource(
        _ADMISSION,
        "v1",
        "ValidatingAdmissionPolicyBinding",
        "validatingadmissionpolicybindings",
        False,
        categories=("api-extensions",),
    ),
    Resource(
        _ADMISSION,
        "v1",
        "ValidatingWebhookConfiguration",
        "validatingwebhookconfigurations",
        False,
        categories=("api-extensions",),
    ),
    Resource(
        "apiregistration.k8s.io",
        "v1",
        "APIService",
        "apiservices",
        False,
        categories=("api-extensions",),
        subresources=_STATUS,
    ),
    Resource(
        "certificates.k8s.io",
        "v1",
        "CertificateSigningRequest",
        "certificatesigningrequests",
        False,
        ("csr",),
        (),
        ("status", "approval"),
    ),
    Resource("events.k8s.io", "v1", "Event", "events", True, ("ev",), stored_as="events"),
    Resource(_FLOW, "v1", "FlowSchema", "flowschemas", False, (), (), _STATUS, False),
    Resource(
        _FLOW,
        "v1",
        "PriorityLevelConfiguration",
        "prioritylevelconfigurations",
        False,
        (),
        (),
        _STATUS,
        False,
    ),
    Resource(_NETWORKING, "v1", "Ingress", "ingresses", True, ("ing",), (), _STATUS, False),
    Resource(_NETWORKING, "v1", "IngressClass", "ingressclasses", False, controlled=False),
    Resource(
        _NETWORKING, "v1", "NetworkPolicy", "networkpolicies", True, ("netpol",), controlled=False
    ),
    Resource(_NETWORKING, "v1beta1", "IPAddress", "ipaddresses", False, ("ip",)),
    Resource(_NETWORKING, "v1beta1", "ServiceCIDR", "servicecidrs", False, (), (), _STATUS),
    Resource("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses", False),
    Resource(_STORAGE, "v1", "CSIDriver", "csidrivers", False, controlled=False),
    Resource(_STORAGE, "v1", "CSINode", "csinodes", False, controlled=False),
    Resource(_STORAGE, "v1", "CSIStorageCapacity", "csistoragecapacities", controlled=False),
    Resource(
        _STORAGE, "v1", "VolumeAttachment", "volumeattachments", False, (), (), _STATUS, False
    ),
)
"""Kinds that are stored and shown; those that something would act on in a cluster say so."""

_CREATE = ("create",)
_AUTHENTICATION, _AUTHORIZATION = "authentication.k8s.io", "authorization.k8s.io"
REVIEWS: tuple[Resource, ...] = (
    Resource("", "v1", "Binding", "bindings", verbs=_CREATE),
    Resource(
        _AUTHENTICATION, "v1", "SelfSubjectReview", "selfsubjectreviews", False, verbs=_CREATE
    ),
    Resource(_AUTHENTICATION, "v1", "TokenReview", "tokenreviews", False, verbs=_CREATE),
    Resource(
        _AUTHORIZATION, "v1", "LocalSubjectAccessReview", "localsubjectaccessreviews", verbs=_CREATE
    ),
    Resource(
        _AUTHORIZATION,
        "v1",
        "SelfSubjectAccessReview",
        "selfsubjectaccessreviews",
        False,
        verbs=_CREATE,
    ),
    Resource(
        _AUTHORIZATION,
        "v1",
        "SelfSubjectRulesReview",
        "selfsubjectrulesreviews",
        False,
        verbs=_CREATE,
    ),
    Resource(
        _AUTHORIZATION, "v1", "SubjectAccessReview", "subjectaccessreviews", False, verbs=_CREATE
    ),
)
"""Questions, and the wish to bind a pod: answered at once, and kept nowhere."""

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
    Resource("", "v1", "ServiceAccount", "serviceaccounts", True, ("sa",), (), ("token",)),
    Resource("apps", "v1", "ControllerRevision", "controllerrevisions"),
    Resource("apps", "v1", "DaemonSet", "daemonsets", True, ("ds",), _ALL, ("status",)),
    Resource("apps", "v1", "Deployment", "deployments", True, ("deploy",), _ALL,
             ("status", "scale")),
    Resource("apps", "v1", "ReplicaSet", "replicasets", True, ("rs",), _ALL, ("status", "scale")),
    Resource("apps", "v1", "StatefulSet", "statefulsets", True, ("sts",), _ALL,
             ("status", "scale")),
    Resource("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", True,
             ("hpa",), _ALL, ("status",)),
    Resource("autoscaling", "v1", "HorizontalPodAutoscaler", "horizontalpodautoscalers", True,
             ("hpa",), _ALL, ("status",), stored_as="horizontalpodautoscalers.autoscaling"),
    Resource("batch", "v1", "CronJob", "cronjobs", True, ("cj",), _ALL, ("status",)),
    Resource("batch", "v1", "Job", "jobs", True, (), _ALL, ("status",)),
    Resource("coordination.k8s.io", "v1", "Lease", "leases"),
    Resource("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
    Resource("metallb.io", "v1beta1", "IPAddressPool", "ipaddresspools"),
    Resource("metallb.io", "v1beta1", "L2Advertisement", "l2advertisements"),
    Resource("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", True, ("pdb",), (),
             ("status",)),
    Resource("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", False, ("pc",)),
    Resource(_STORAGE, "v1", "StorageClass", "storageclasses", False, ("sc",)),
    *_ACCESS,
    *_STORED,
    Resource("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions",
             False, ("crd", "crds"), ("api-extensions",), ("status",)),
)  # fmt: skip
"""Kinds whose objects are kept; of two views of the same objects, how they are stored comes first.
"""

MEASURED: tuple[Resource, ...] = (
    Resource("metrics.k8s.io", "v1beta1", "NodeMetrics", "nodes", False, verbs=("get", "list")),
    Resource("metrics.k8s.io", "v1beta1", "PodMetrics", "pods", verbs=("get", "list")),
)
"""What is made on the spot when somebody asks, and stored nowhere."""

BY_KEY: dict[str, Resource] = {resource.key: resource for resource in reversed(RESOURCES)}
BY_KIND: dict[tuple[str, str], Resource] = {(r.api_version, r.kind): r for r in RESOURCES}

API_SERVICES = "apiservices.apiregistration.k8s.io"
CLUSTER_ROLES = "clusterroles.rbac.authorization.k8s.io"
CLUSTER_ROLE_BINDINGS = "clusterrolebindings.rbac.authorization.k8s.io"
CONFIG_MAPS = "configmaps"
CONTROLLER_REVISIONS = "controllerrevisions.apps"
CSI_DRIVERS = "csidrivers.storage.k8s.io"
CSI_NODES = "csinodes.storage.k8s.io"
CUSTOM_RESOURCE_DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"
DAEMON_SETS = "daemonsets.apps"
DEPLOYMENTS = "deployments.apps"
ENDPOINTS = "endpoints"
ENDPOINT_SLICES = "endpointslices.discovery.k8s.io"
EVENTS = "events"
IP_ADDRESSES = "ipaddresses.networking.k8s.io"
IP_ADDRESS_POOLS = "ipaddresspools.metallb.io"
L2_ADVERTISEMENTS = "l2advertisements.metallb.io"
LIMIT_RANGES = "limitranges"
LEASES = "leases.coordination.k8s.io"
NAMESPACES = "namespaces"
NODES = "nodes"
PERSISTENT_VOLUMES = "persistentvolumes"
PERSISTENT_VOLUME_CLAIMS = "persistentvolumeclaims"
PODS = "pods"
POD_TEMPLATES = "podtemplates"
REPLICATION_CONTROLLERS = "replicationcontrollers"
REPLICA_SETS = "replicasets.apps"
RESOURCE_QUOTAS = "resourcequotas"
ROLES = "roles.rbac.authorization.k8s.io"
ROLE_BINDINGS = "rolebindings.rbac.authorization.k8s.io"
RUNTIME_CLASSES = "runtimeclasses.node.k8s.io"
SECRETS = "secrets"
SERVICES = "services"
SERVICE_ACCOUNTS = "serviceaccounts"
SERVICE_CIDRS = "servicecidrs.networking.k8s.io"
SIGNING_REQUESTS = "certificatesigningrequests.certificates.k8s.io"
STATEFUL_SETS = "statefulsets.apps"
STORAGE_CLASSES = "storageclasses.storage.k8s.io"
VOLUME_ATTACHMENTS = "volumeattachments.storage.k8s.io"
CRON_JOBS = "cronjobs.batch"
JOBS = "jobs.batch"
POD_AUTOSCALERS = "horizontalpodautoscalers.autoscaling"
POD_DISRUPTION_BUDGETS = "poddisruptionbudgets.policy"
PRIORITY_CLASSES = "priorityclasses.scheduling.k8s.io"

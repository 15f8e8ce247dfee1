"""All controllers, and how they are started: the list of what netemu keeps in line."""

from collections.abc import Callable
from typing import Any

from netemu.clock import Clock
from netemu.config.settings import ControllerSettings
from netemu.controllers.aggregation import AggregationController
from netemu.controllers.autoscale import AutoscalingController
from netemu.controllers.bootstrap import BootstrapController
from netemu.controllers.cronjob import CronJobController
from netemu.controllers.customresources import CustomResourceFinalizer
from netemu.controllers.daemonset import DaemonSetController
from netemu.controllers.deployment import DeploymentController
from netemu.controllers.disruption import DisruptionController
from netemu.controllers.endpoints import EndpointsController
from netemu.controllers.endpointslice import EndpointSliceController
from netemu.controllers.externalproxy import ExternalProxyController
from netemu.controllers.garbagecollector import GarbageCollector
from netemu.controllers.job import JobController
from netemu.controllers.loadbalancer import LoadBalancerController
from netemu.controllers.mirroring import MirroringController
from netemu.controllers.namespace import NamespaceController
from netemu.controllers.nodelifecycle import NodeLifecycleController
from netemu.controllers.podgc import PodGarbageCollector
from netemu.controllers.reload import ReloadController
from netemu.controllers.replicaset import ReplicaSetController
from netemu.controllers.replicationcontroller import replication_controller
from netemu.controllers.rootca import RootCaController
from netemu.controllers.runner import Context, Controller, run
from netemu.controllers.serviceaccount import ServiceAccountController
from netemu.controllers.statefulset import StatefulSetController
from netemu.controllers.tainteviction import TaintEvictionController
from netemu.controllers.ttlafterfinished import TtlAfterFinishedController
from netemu.controllers.volumes import VolumeController
from netemu.model.addressing import Addressing
from netemu.model.client import Client, Recorder
from netemu.model.usage import NoUsage, Usage
from netemu.tasks import run_all

MANAGER = "kube-controller-manager"
"""The field manager of all that controllers write, as in a real cluster."""

CONTROLLERS: dict[str, Callable[[Context], Controller[Any]]] = {
    "deployment-controller": DeploymentController,
    "replicaset-controller": ReplicaSetController,
    "replication-controller": replication_controller,
    "statefulset-controller": StatefulSetController,
    "daemonset-controller": DaemonSetController,
    "persistentvolume-controller": VolumeController,
    "endpoint-slice-controller": EndpointSliceController,
    "endpoint-controller": EndpointsController,
    "endpoint-slice-mirroring-controller": MirroringController,
    "namespace-controller": NamespaceController,
    "garbage-collector-controller": GarbageCollector,
    "service-account-controller": ServiceAccountController,
    "root-ca-certificate-publisher-controller": RootCaController,
    "pod-garbage-collector-controller": PodGarbageCollector,
    "customresourcedefinition-finalizer": CustomResourceFinalizer,
    "clusterrole-aggregation-controller": AggregationController,
    "job-controller": JobController,
    "cronjob-controller": CronJobController,
    "ttl-after-finished-controller": TtlAfterFinishedController,
    "disruption-controller": DisruptionController,
    "horizontal-pod-autoscaler": AutoscalingController,
    "node-controller": NodeLifecycleController,
    "taint-eviction-controller": TaintEvictionController,
    "service-controller": LoadBalancerController,
    "external-proxy-controller": ExternalProxyController,
    "reload-controller": ReloadController,
    "kubernetes-service-controller": BootstrapController,
}
"""By the name under which each records its events."""


async def run_controllers(
    client_for: Callable[[str], Client],
    recorder_for: Callable[[str], Recorder],
    clock: Clock,
    addressing: Addressing,
    settings: ControllerSettings,
    ca: str,
    volumes: str = "",
    usage: Usage | None = None,
) -> None:
    """Run all controllers until cancelled; `ca` is the cluster's CA certificate, PEM; `volumes` the
    folder in which volumes are made.
    """
    client = client_for(MANAGER)
    parts = {}
    for name, controller in CONTROLLERS.items():
        context = Context(
            client=client,
            recorder=recorder_for(name),
            clock=clock,
            addressing=addressing,
            settings=settings,
            ca=ca,
            volumes=volumes,
            usage=usage or NoUsage(),
        )
        parts[name] = run(name, controller(context), client, clock)
    await run_all(parts)

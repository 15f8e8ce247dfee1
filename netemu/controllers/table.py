"""All controllers, and how they are started: the list of what netemu keeps in line.

What a cluster is made of comes first; what only acts on workloads is imported and started one by
one as soon as the cluster is ready, so that a start doesn't wait for it. (On a real cluster, too,
the controller manager comes after the API.)
"""

import asyncio
from collections.abc import Callable
from importlib import import_module
from typing import Any

from netemu.clock import Clock
from netemu.config.settings import ControllerSettings
from netemu.controllers.runner import Context, Controller, Sign, no_authority, run
from netemu.model.addressing import Addressing
from netemu.model.client import Client, Recorder
from netemu.model.usage import NoUsage, Usage
from netemu.tasks import Tasks, task_group

MANAGER = "kube-controller-manager"
"""The field manager of all that controllers write, as in a real cluster."""

FIRST = {
    "endpoint-slice-controller": "endpointslice:EndpointSliceController",
    "endpoint-controller": "endpoints:EndpointsController",
    "endpoint-slice-mirroring-controller": "mirroring:MirroringController",
    "service-account-controller": "serviceaccount:ServiceAccountController",
    "root-ca-certificate-publisher-controller": "rootca:RootCaController",
    "node-controller": "nodelifecycle:NodeLifecycleController",
    "kubernetes-service-controller": "bootstrap:BootstrapController",
}
"""What must be right before the cluster is ready: its own objects, and where Services lead.

By the name under which each records its events; the values are module and factory.
"""

THEN = {
    "deployment-controller": "deployment:DeploymentController",
    "replicaset-controller": "replicaset:ReplicaSetController",
    "replication-controller": "replicationcontroller:replication_controller",
    "statefulset-controller": "statefulset:StatefulSetController",
    "daemonset-controller": "daemonset:DaemonSetController",
    "persistentvolume-controller": "volumes:VolumeController",
    "namespace-controller": "namespace:NamespaceController",
    "garbage-collector-controller": "garbagecollector:GarbageCollector",
    "pod-garbage-collector-controller": "podgc:PodGarbageCollector",
    "customresourcedefinition-finalizer": "customresources:CustomResourceFinalizer",
    "customresourcedefinition-naming": "customresources:CustomResourceNaming",
    "clusterrole-aggregation-controller": "aggregation:AggregationController",
    "job-controller": "job:JobController",
    "cronjob-controller": "cronjob:CronJobController",
    "ttl-after-finished-controller": "ttlafterfinished:TtlAfterFinishedController",
    "disruption-controller": "disruption:DisruptionController",
    "horizontal-pod-autoscaler": "autoscale:AutoscalingController",
    "taint-eviction-controller": "tainteviction:TaintEvictionController",
    "service-controller": "loadbalancer:LoadBalancerController",
    "ipallocator-repair-controller": "ipaddress:IpAddressController",
    "service-cidr-controller": "servicecidr:ServiceCidrController",
    "apiservice-registration-controller": "apiservice:ApiServiceController",
    "certificate-controller": "signer:SigningController",
    "external-proxy-controller": "externalproxy:ExternalProxyController",
    "reload-controller": "reload:ReloadController",
    "resourcequota-controller": "resourcequota:ResourceQuotaController",
}
"""The others."""


def load(place: str) -> Callable[[Context], Controller[Any]]:
    """The factory of a controller."""
    module, _, name = place.partition(":")
    factory: Callable[[Context], Controller[Any]] = getattr(
        import_module(f"netemu.controllers.{module}"), name
    )
    return factory


async def run_controllers(
    client_for: Callable[[str], Client],
    recorder_for: Callable[[str], Recorder],
    clock: Clock,
    addressing: Addressing,
    settings: ControllerSettings,
    ca: str,
    volumes: str = "",
    usage: Usage | None = None,
    ready: asyncio.Event | None = None,
    sign: Sign = no_authority,
) -> None:
    """Run all controllers until cancelled; `ca` is the cluster's CA certificate, PEM; `volumes` the
    folder in which volumes are made; `ready` when there is time for those that come later; `sign`
    signs certificates with the CA's key.
    """
    client = client_for(MANAGER)

    def start(tasks: Tasks, name: str, place: str) -> None:
        context = Context(
            client=client,
            recorder=recorder_for(name),
            clock=clock,
            addressing=addressing,
            settings=settings,
            ca=ca,
            sign=sign,
            volumes=volumes,
            usage=usage or NoUsage(),
        )
        tasks.start(run(name, load(place)(context), client, clock), name=name)

    async with task_group() as tasks:
        for name, place in FIRST.items():
            start(tasks, name, place)
        if ready is not None:
            await ready.wait()
        for name, place in THEN.items():
            start(tasks, name, place)
            await asyncio.sleep(0)
        await asyncio.Event().wait()

"""All controllers together, over the real API."""

import asyncio

from netemu.controllers.table import FIRST, THEN, load
from netemu.model import resources
from netemu.model.client import DeleteOptions
from netemu.model.meta import annotations_of, labels_of, name_of
from tests.support.control import CA, control
from tests.support.samples import deployment, service


async def test_a_deployment_becomes_bound_pods() -> None:
    async with control() as plane:
        await plane.apply(resources.DEPLOYMENTS, deployment())
        pods = plane.all(resources.PODS)
        assert sorted(pod["spec"]["nodeName"] for pod in pods)[0] == "node-1"
        assert {pod["spec"]["nodeName"] for pod in pods} == {"node-1", "node-2"}
        assert len(pods) == 3
        (replica_set,) = plane.all(resources.REPLICA_SETS)
        name = name_of(replica_set)
        assert plane.events("ScalingReplicaSet") == [
            f"web: Scaled up replica set {name} from 0 to 3"
        ]
        assert len(plane.events("SuccessfulCreate")) == 3
        assert len(plane.events("Scheduled")) == 3


async def test_deleting_a_deployment_deletes_everything_under_it() -> None:
    async with control() as plane:
        await plane.apply(resources.DEPLOYMENTS, deployment())
        await plane.all_ready()
        await plane.client.delete(resources.DEPLOYMENTS, "default", "web")
        await plane.settled()
        await plane.all_ready()
        assert plane.all(resources.REPLICA_SETS) == []
        assert plane.all(resources.PODS) == []


async def test_a_rolled_out_deployment_says_so() -> None:
    async with control() as plane:
        await plane.apply(resources.DEPLOYMENTS, deployment())
        await plane.all_ready()
        web = plane.get(resources.DEPLOYMENTS, "web")
        conditions = {item["type"]: item for item in web["status"]["conditions"]}
        assert conditions["Available"]["reason"] == "MinimumReplicasAvailable"
        assert conditions["Progressing"]["reason"] == "NewReplicaSetAvailable"
        assert web["status"]["updatedReplicas"] == web["status"]["availableReplicas"] == 3
        assert annotations_of(web)["deployment.kubernetes.io/revision"] == "1"


async def test_a_service_has_slices_and_endpoints() -> None:
    async with control() as plane:
        await plane.apply(resources.DEPLOYMENTS, deployment(2))
        web = service()
        await plane.apply(
            resources.SERVICES,
            {
                "metadata": {"namespace": "default", "name": "web"},
                "spec": {"selector": {"app": "web"}, "ports": web["spec"]["ports"]},
            },
        )
        await plane.all_ready()
        slices = [
            part
            for part in plane.all(resources.ENDPOINT_SLICES)
            if labels_of(part).get("kubernetes.io/service-name") == "web"
        ]
        (part,) = slices
        assert len(part["endpoints"]) == 2
        endpoints = plane.get(resources.ENDPOINTS, "web")
        assert len(endpoints["subsets"][0]["addresses"]) == 2
        await plane.client.delete(resources.SERVICES, "default", "web")
        await plane.settled()
        assert [name_of(p) for p in plane.all(resources.ENDPOINT_SLICES)] == ["kubernetes"]
        assert plane.client.get(resources.ENDPOINTS, "default", "web") is None


async def test_every_namespace_has_an_account_and_the_ca() -> None:
    async with control() as plane:
        await plane.apply(resources.NAMESPACES, {"metadata": {"name": "shop"}})
        assert plane.get(resources.SERVICE_ACCOUNTS, "default", "shop")
        published = plane.get(resources.CONFIG_MAPS, "kube-root-ca.crt", "shop")
        assert published["data"] == {"ca.crt": CA}


async def test_a_namespace_goes_with_its_contents() -> None:
    async with control() as plane:
        await plane.apply(resources.NAMESPACES, {"metadata": {"name": "shop"}})
        web = deployment()
        web["metadata"]["namespace"] = "shop"
        await plane.apply(resources.DEPLOYMENTS, web)
        await plane.client.delete(resources.NAMESPACES, "", "shop")
        await plane.settled()
        shop = plane.get(resources.NAMESPACES, "shop", "")
        remaining = {item["type"]: item for item in shop["status"]["conditions"]}
        assert remaining["NamespaceContentRemaining"]["message"] == (
            "Some resources are remaining: pods. has 3 resource instances"
        )
        for pod in plane.all(resources.PODS, "shop"):
            await plane.end(pod)
        await plane.settled()
        assert plane.client.get(resources.NAMESPACES, "", "shop") is None


async def test_pods_of_a_lost_node_move() -> None:
    async with control() as plane:
        await plane.apply(resources.DEPLOYMENTS, deployment(4))
        await plane.all_ready()
        await plane.client.delete(resources.NODES, "", "node-2", DeleteOptions())
        await plane.settled()
        await plane.advance(1.0)
        pods = plane.all(resources.PODS)
        assert [pod["spec"]["nodeName"] for pod in pods] == ["node-1"] * 4


async def test_nobody_writes_when_nothing_happens() -> None:
    async with control() as plane:
        await plane.apply(resources.DEPLOYMENTS, deployment())
        await plane.all_ready()
        kept = [r.key for r in resources.RESOURCES if r.key != resources.EVENTS]
        watch = plane.store.watch(kept)
        await plane.advance(3600.0)
        assert watch.pending() == ()


def test_the_table_lists_every_controller_once() -> None:
    places = [*FIRST.values(), *THEN.values()]
    assert len({id(load(place)) for place in places}) == len(FIRST.keys() | THEN.keys())


async def test_what_acts_on_workloads_waits_until_the_cluster_is_ready() -> None:
    ready = asyncio.Event()
    async with control(ready=ready) as plane:
        await plane.apply(resources.DEPLOYMENTS, deployment())
        assert plane.all(resources.REPLICA_SETS) == []
        account = plane.get(resources.SERVICE_ACCOUNTS, "default")
        assert account["metadata"]["namespace"] == "default"
        ready.set()
        await plane.settled()
        assert len(plane.all(resources.REPLICA_SETS)) == 1

from netemu.model import resources
from tests.support.control import control
from tests.support.samples import deployment


async def test_a_quota_tells_of_what_is_used() -> None:
    async with control() as plane:
        metadata = {"name": "q", "namespace": "default"}
        hard = {"pods": "2", "count/deployments.apps": "5"}
        await plane.apply(resources.RESOURCE_QUOTAS, {"metadata": metadata, "spec": {"hard": hard}})
        await plane.apply(resources.DEPLOYMENTS, deployment(3))
        status = plane.get(resources.RESOURCE_QUOTAS, "q")["status"]
        assert status == {"hard": hard, "used": {"pods": "2", "count/deployments.apps": "1"}}
        (replica_set,) = plane.all(resources.REPLICA_SETS)
        [failure] = replica_set["status"]["conditions"]
        assert (failure["type"], failure["reason"]) == ("ReplicaFailure", "FailedCreate")
        assert "exceeded quota: q" in failure["message"]
        await plane.change(resources.DEPLOYMENTS, "web", replicas=1)
        status = plane.get(resources.RESOURCE_QUOTAS, "q")["status"]
        (replica_set,) = plane.all(resources.REPLICA_SETS)
        assert "conditions" not in replica_set["status"]

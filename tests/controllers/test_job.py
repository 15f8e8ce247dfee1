"""Jobs over the real API, with a node that a test plays."""

from netemu.controllers.jobpods import is_tracked
from netemu.model import resources
from netemu.model.client import DeleteOptions
from netemu.model.conditions import holds
from netemu.model.meta import controller_of, name_of, uid_of
from tests.controllers.jobs import end, manifest, open_pods
from tests.support.control import control


async def test_runs_to_completion() -> None:
    """12.1 of the upstream catalogue."""
    async with control() as plane:
        await plane.apply(resources.JOBS, manifest(completions=4, parallelism=2))
        most = 0
        while pods := open_pods(plane):
            most = max(most, len(pods))
            await end(plane, pods[0])
        job = plane.get(resources.JOBS, "pi")
        assert most == 2
        assert job["status"]["succeeded"] == 4
        assert holds(job, "Complete")
        assert plane.events("Completed") == ["pi: Job completed"]
        assert not any(map(is_tracked, plane.all(resources.PODS)))


async def test_failed_pods_are_replaced_until_the_limit() -> None:
    """12.3 and 12.7: three failures are two too many for backoffLimit 1... plus one."""
    async with control() as plane:
        await plane.apply(resources.JOBS, manifest(backoffLimit=1))
        await end(plane, open_pods(plane)[0], 1)
        assert open_pods(plane) == []
        await plane.advance(10.0)
        await end(plane, open_pods(plane)[0], 1)
        job = plane.get(resources.JOBS, "pi")
        assert holds(job, "Failed")
        assert job["status"]["failed"] == 2
        assert plane.events("BackoffLimitExceeded") == [
            "pi: Job has reached the specified backoff limit"
        ]


async def test_deleting_a_job_removes_its_pods() -> None:
    """12.5, 12.8: the finalizers of pods whose Job is gone hold nothing."""
    async with control() as plane:
        await plane.apply(resources.JOBS, manifest(completions=3, parallelism=3))
        assert len(plane.running()) == 3
        options = DeleteOptions(propagation="Background")
        await plane.client.delete(resources.JOBS, "default", "pi", options)
        await plane.settled()
        for pod in plane.all(resources.PODS):
            await plane.end(pod)
        await plane.settled()
        assert plane.all(resources.PODS) == []


async def test_adopts_orphans_and_releases_what_no_longer_matches() -> None:
    """12.9."""
    async with control() as plane:
        job = await plane.apply(resources.JOBS, manifest(parallelism=2, completions=2))
        first, second = plane.running()
        orphaned = {k: v for k, v in first["metadata"].items() if k != "ownerReferences"}
        await plane.client.update(resources.PODS, {**first, "metadata": orphaned})
        await plane.settled()
        again = plane.get(resources.PODS, name_of(first))
        assert (controller_of(again) or {})["uid"] == uid_of(job)
        await plane.client.update(
            resources.PODS, {**second, "metadata": {**second["metadata"], "labels": {}}}
        )
        await plane.settled()
        released = plane.get(resources.PODS, name_of(second))
        assert controller_of(released) is None
        assert not is_tracked(released)


async def test_too_long_is_a_failure() -> None:
    """12.6."""
    async with control() as plane:
        await plane.apply(resources.JOBS, manifest(activeDeadlineSeconds=5))
        await plane.advance(5.0)
        for pod in plane.all(resources.PODS):
            await plane.end(pod)
        await plane.settled()
        job = plane.get(resources.JOBS, "pi")
        assert holds(job, "Failed")
        assert plane.events("DeadlineExceeded") == [
            "pi: Job was active longer than specified deadline"
        ]


async def test_suspend_and_resume() -> None:
    """12.10."""
    async with control() as plane:
        await plane.apply(resources.JOBS, manifest(suspend=True))
        assert plane.running() == []
        await plane.change(resources.JOBS, "pi", suspend=False)
        assert len(plane.running()) == 1
        await plane.change(resources.JOBS, "pi", suspend=True)
        for pod in plane.all(resources.PODS):
            await plane.end(pod)
        await plane.settled()
        assert plane.all(resources.PODS) == []
        assert holds(plane.get(resources.JOBS, "pi"), "Suspended")

"""CronJobs over the real API."""

from netemu.model import resources
from netemu.model.conditions import holds
from netemu.model.meta import Object, name_of
from tests.controllers.jobs import CONTAINER, end, manifest, open_pods
from tests.support.control import control


def cron_job(**spec: object) -> Object:
    template = {"spec": {"restartPolicy": "OnFailure", "containers": [CONTAINER]}}
    metadata = {"namespace": "default", "name": "tick"}
    job = {"spec": {"template": template}}
    return {"metadata": metadata, "spec": {"schedule": "* * * * *", "jobTemplate": job, **spec}}


async def test_a_job_a_minute_as_time_goes() -> None:
    """12.16 of the upstream catalogue."""
    async with control() as plane:
        await plane.apply(resources.CRON_JOBS, cron_job())
        await plane.advance(121.0)
        assert len(plane.all(resources.JOBS)) == 2
        cron = plane.get(resources.CRON_JOBS, "tick")
        assert len(cron["status"]["active"]) == 2
        for pod in open_pods(plane):
            await end(plane, pod)
        cron = plane.get(resources.CRON_JOBS, "tick")
        assert "active" not in cron["status"]
        assert cron["status"]["lastSuccessfulTime"]
        assert plane.events("UnexpectedJob") == []


async def test_its_history_has_an_end() -> None:
    """12.24."""
    async with control() as plane:
        await plane.apply(resources.CRON_JOBS, cron_job(successfulJobsHistoryLimit=1))
        for _ in range(3):
            await plane.advance(60.0)
            for pod in open_pods(plane):
                await end(plane, pod)
        done = [job for job in plane.all(resources.JOBS) if holds(job, "Complete")]
        assert len(done) == 1


async def test_a_finished_job_goes_after_its_time() -> None:
    """12.15."""
    async with control() as plane:
        await plane.apply(resources.JOBS, manifest(ttlSecondsAfterFinished=30))
        await end(plane, open_pods(plane)[0])
        await plane.advance(29.0)
        assert [name_of(job) for job in plane.all(resources.JOBS)] == ["pi"]
        await plane.advance(2.0)
        assert plane.all(resources.JOBS) == []
        assert plane.all(resources.PODS) == []

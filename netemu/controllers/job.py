"""The job controller: runs pods until enough of them have succeeded.

The order of writes is what makes the count exact over crashes: first the status notes which pods
have ended, then their finalizers go, then the numbers change (KEP-2307).
"""

from collections.abc import Iterable

from netemu.controllers.actions import namespace_ends
from netemu.controllers.claims import adopted, claim, spec_selector, touched_by, without_owner
from netemu.controllers.index import Index, ownership
from netemu.controllers.jobplan import Observed, Plan, plan
from netemu.controllers.jobpods import is_tracked, owned_by_job, tracked, untracked
from netemu.controllers.runner import Context
from netemu.model import resources
from netemu.model.client import Change, DeleteOptions
from netemu.model.errors import ApiError, NotFound
from netemu.model.meta import (
    Key,
    Object,
    controller_of,
    key_of,
    name_of,
    namespace_of,
    uid_of,
)

Entry = tuple[str, str, str]
"""("job", namespace, name), or ("pod", namespace, name) of a pod whose Job may be gone."""


class JobController:
    """Brings Jobs in line."""

    resources = (resources.JOBS, resources.PODS)

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        self._clock = context.clock
        self._settings = context.settings
        self._pods = Index(context.client, ownership)

    def observe(self, change: Change) -> Iterable[Entry]:
        """A Job's own change, its pods', and pods that it might adopt."""
        if change.resource == resources.JOBS:
            yield ("job", *key_of(change.object))
            if change.new is None:  # the pods it leaves behind are freed
                for left in self._pods.objects(("owner", uid_of(change.object))):
                    yield ("pod", *key_of(left))
            return
        self._pods.observe(change)
        for key in touched_by(self._client, resources.JOBS, "Job", change):
            yield ("job", *key)
        pod = change.new
        if pod is not None and is_tracked(pod) and _may_be_lost(pod) and self._job_of(pod) is None:
            yield ("pod", *key_of(pod))

    def _job_of(self, pod: Object) -> Object | None:
        owner = controller_of(pod)
        if owner is None:
            return None
        job = self._client.get(resources.JOBS, namespace_of(pod), owner["name"])
        return job if job is not None and uid_of(job) == owner["uid"] else None

    async def sync(self, key: Entry) -> float | None:
        """See to one Job, or to one pod that may have lost its own."""
        what, namespace, name = key
        if what == "pod":
            await self._free(namespace, name)
            return None
        job = self._client.get(resources.JOBS, namespace, name)
        if job is None:
            return None
        await self._claim(job)
        # As often as there is something to do at once: what is created tells of itself later.
        return await self._bring_in_line(job)

    async def _free(self, namespace: str, name: str) -> None:
        """Nobody will count a pod whose Job is gone, so nothing holds it."""
        pod = self._client.get(resources.PODS, namespace, name)
        if pod is not None and is_tracked(pod) and self._job_of(pod) is None:
            await self._update(untracked(pod))

    async def _claim(self, job: Object) -> None:
        groups: list[tuple[str, str]] = [("owner", uid_of(job)), ("orphan", namespace_of(job))]
        pods = [pod for group in groups for pod in self._pods.objects(group)]
        claims = claim(job, spec_selector(job), pods)
        for pod in claims.adopt:
            await self._update(tracked(adopted(pod, job, "batch/v1", "Job")))
        for pod in claims.release:
            await self._update(untracked(without_owner(pod, uid_of(job))))

    async def _update(self, pod: Object) -> None:
        try:
            self._pods.put(resources.PODS, await self._client.update(resources.PODS, pod))
        except NotFound:
            return

    async def _bring_in_line(self, job: Object) -> float | None:
        what = plan(
            Observed(
                job=job,
                pods=[p for p in self._pods.objects(("owner", uid_of(job))) if owned_by_job(p)],
                now=self._clock.now(),
                first_backoff=self._settings.job_backoff_seconds,
                longest_backoff=self._settings.job_backoff_limit_seconds,
            )
        )
        if what.note is not None:
            await self._write(job, what.note)
        for pod in what.strip:
            await self._update(untracked(pod))
        try:
            await self._change_pods(job, what)
        except ApiError as error:
            if namespace_ends(error):
                return None
            raise
        if what.status is not None:
            await self._write(job, what.status)
        for kind, reason, message in what.events:
            self._recorder.event(job, kind, reason, message)
        return what.again

    async def _change_pods(self, job: Object, what: Plan) -> None:
        for pod in what.delete:
            try:
                options = DeleteOptions(uid=uid_of(pod))
                await self._client.delete(resources.PODS, *key_of(pod), options)
            except NotFound:
                continue
            self._recorder.event(job, "Normal", "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")
        for pod in what.create:
            try:
                made = await self._client.create(resources.PODS, pod)
            except ApiError as error:
                if not namespace_ends(error):
                    self._recorder.event(job, "Warning", "FailedCreate", f"Error creating: {error}")
                raise
            self._pods.put(resources.PODS, made)
            self._recorder.event(job, "Normal", "SuccessfulCreate", f"Created pod: {name_of(made)}")

    async def _write(self, job: Object, status: Object) -> None:
        key: Key = key_of(job)
        current = self._client.get(resources.JOBS, *key)
        if current is not None and uid_of(current) == uid_of(job):
            await self._client.update_status(resources.JOBS, {**current, "status": status})


def _may_be_lost(pod: Object) -> bool:
    """Whether no Job is known by name to count it: an orphan, or a Job's."""
    owner = controller_of(pod)
    return owner is None or owner["kind"] == "Job"

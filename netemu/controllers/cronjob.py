"""The cronjob controller: starts Jobs at the times that CronJobs name."""

from collections.abc import Iterable

from netemu.controllers.actions import execute, namespace_ends
from netemu.controllers.cronjobplan import Observed, Plan, plan, status_of
from netemu.controllers.index import Index, ownership
from netemu.controllers.runner import Context
from netemu.model import resources
from netemu.model.client import Change
from netemu.model.errors import AlreadyExists, ApiError
from netemu.model.meta import Key, Object, controller_of, key_of, name_of, namespace_of, uid_of


class CronJobController:
    """Brings CronJobs in line."""

    resources = (resources.CRON_JOBS, resources.JOBS)

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        self._clock = context.clock
        self._jobs = Index(context.client, ownership)

    def observe(self, change: Change) -> Iterable[Key]:
        """A CronJob's own change, and its Jobs'."""
        if change.resource == resources.CRON_JOBS:
            yield key_of(change.object)
            return
        self._jobs.observe(change)
        owner = controller_of(change.object)
        if owner is not None and owner["kind"] == "CronJob":
            yield namespace_of(change.object), owner["name"]

    async def sync(self, key: Key) -> float | None:
        """See to one CronJob."""
        cron = self._client.get(resources.CRON_JOBS, *key)
        if cron is None:
            return None
        jobs = self._jobs.objects(("owner", uid_of(cron)))
        what = plan(Observed(cron=cron, jobs=jobs, now=self._clock.now()))
        await execute(self._client, self._recorder, what.actions)
        try:
            made = await self._create(cron, what)
        except ApiError as error:
            if namespace_ends(error):
                return None
            said = f"Error creating job: {error}"
            self._recorder.event(cron, "Warning", "FailedCreate", said)
            raise
        await self._write(cron, status_of(what, made))
        return what.again

    async def _create(self, cron: Object, what: Plan) -> Object | None:
        if what.create is None:
            return None
        try:
            made = await self._client.create(resources.JOBS, what.create)
        except AlreadyExists:
            # Made before a restart, or by somebody else: its status was not written.
            made = self._client.get(resources.JOBS, *key_of(what.create)) or what.create
            owner = controller_of(made)
            return made if owner is not None and owner["uid"] == uid_of(cron) else None
        self._jobs.put(resources.JOBS, made)
        self._recorder.event(cron, "Normal", "SuccessfulCreate", f"Created job {name_of(made)}")
        return made

    async def _write(self, cron: Object, status: Object) -> None:
        current = self._client.get(resources.CRON_JOBS, *key_of(cron))
        if current is None or uid_of(current) != uid_of(cron):
            return
        if (current.get("status") or {}) != status:
            await self._client.update_status(resources.CRON_JOBS, {**current, "status": status})

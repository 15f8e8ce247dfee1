"""CronJobs over time: whatever becomes of the Jobs, no start is twice and no limit is broken."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from netemu.clock import rfc3339
from netemu.controllers.actions import Delete
from netemu.controllers.cronjobplan import Observed, Plan, plan, status_of
from netemu.model.meta import Object, name_of
from tests.controllers.test_cronjobplan import NOON, cron, deleted, job, reasons

POLICIES = st.sampled_from(["Allow", "Forbid", "Replace"])
STEPS = st.lists(
    st.tuples(st.integers(1, 900), st.sampled_from(["Complete", "Failed", "", "gone"])), max_size=25
)
"""Seconds that pass, and what becomes of the oldest Job that runs meanwhile."""


class Run:
    """A CronJob, its Jobs and the time."""

    def __init__(self, **spec: Any) -> None:
        self.cron, self.now = cron(**spec), NOON
        self.jobs: dict[str, Object] = {}
        self.ever: list[str] = []

    def sync(self) -> Plan:
        """One look, and what the controller makes of it."""
        what = plan(Observed(cron=self.cron, jobs=list(self.jobs.values()), now=self.now))
        for action in what.actions:
            if isinstance(action, Delete):
                self.jobs.pop(name_of(action.obj), None)
        if what.create is not None:
            name = name_of(what.create)
            self.ever.append(name)
            self.jobs[name] = {**what.create, "metadata": {**what.create["metadata"], "uid": name}}
            self.jobs[name]["status"] = {"startTime": rfc3339(self.now)}
        made = None if what.create is None else self.jobs[name_of(what.create)]
        self.cron = {**self.cron, "status": status_of(what, made)}
        return what

    def running(self) -> list[str]:
        return [name for name, obj in self.jobs.items() if not obj["status"].get("conditions")]

    def end(self, how: str) -> None:
        """The oldest Job that runs ends, or is deleted by somebody."""
        for name in self.running()[:1] if how else ():
            if how == "gone":
                del self.jobs[name]
            else:
                status = job(name, how, at=self.now)["status"]
                self.jobs[name] = {**self.jobs[name], "status": status}


@settings(deadline=None, max_examples=150)  # a busy machine is no failure
@given(
    policy=POLICIES, steps=STEPS, good=st.integers(0, 3), bad=st.integers(0, 2), late=st.booleans()
)
def test_every_run(
    policy: str, steps: list[tuple[int, str]], good: int, bad: int, late: bool
) -> None:
    limits = {"successfulJobsHistoryLimit": good, "failedJobsHistoryLimit": bad}
    deadline = {"startingDeadlineSeconds": 60} if late else {}
    run = Run(concurrencyPolicy=policy, **limits, **deadline)
    for seconds, how in steps:
        run.now += seconds
        run.end(how)
        run.sync()
        assert len(run.ever) == len(set(run.ever)), "a start time was taken twice"
        assert policy == "Allow" or len(run.running()) <= 1
        again = run.sync()  # on what it has just done
        assert again.create is None
        assert deleted(again) == []
        assert set(reasons(again)) <= {"JobAlreadyActive"}
        ended = [each for each in run.jobs.values() if each["status"].get("conditions")]
        kinds = [each["status"]["conditions"][0]["type"] for each in ended]
        assert kinds.count("Complete") <= good
        assert kinds.count("Failed") <= bad
        named = {each["name"] for each in run.cron["status"].get("active", ())}
        assert named == set(run.running())

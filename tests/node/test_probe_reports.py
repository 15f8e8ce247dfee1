from typing import Any, cast

import pytest
from msgspec.structs import replace

from netemu.node.context import Cluster
from netemu.node.handlers import Target
from netemu.node.pod import Pod, pod_from
from netemu.node.probe import Outcome, ProbeKind, Result
from netemu.node.probe_reports import reports
from netemu.node.prober import Reports
from netemu.node.state import Container, Life, PodState
from netemu.node.volumes import Volumes
from tests.support.node import container, pod

NO_CLUSTER = cast("Cluster", None)
"""Only attempts need one; none is made here."""
PROBE = {"exec": {"command": ["true"]}, "terminationGracePeriodSeconds": 5}


class Holder:
    """An `Owner` without a worker."""

    def __init__(self) -> None:
        self.pod: Pod = pod_from(pod(container(livenessProbe=PROBE)))
        life = Life(id="now", started=1.0)
        self.state = PodState(containers={"main": Container(life=life)})
        self.volumes = cast("Volumes", None)  # probes have nothing to do with them
        self.woken = 0
        self.events: list[tuple[str, str, str, str]] = []

    def container(self, name: str) -> Container:
        return self.state.containers[name]

    def change(self, name: str, **changes: Any) -> None:
        self.state = PodState(containers={name: replace(self.container(name), **changes)})

    def wake(self) -> None:
        self.woken += 1

    def event(self, kind: str, reason: str, message: str, container: str = "") -> None:
        self.events.append((kind, reason, message, container))

    def reports(self, life: str = "now") -> Reports:
        target = Target(sandbox="p", address="", pid=1, env={}, cwd="/", ports=())
        return reports(self, NO_CLUSTER, self.pod.containers[0], life, target)


def test_readiness_wakes_the_worker_only_when_it_changes() -> None:
    holder = Holder()
    for good in (True, True, False):
        holder.reports().verdict(ProbeKind.READINESS, good)
    assert holder.woken == 2
    assert holder.container("main").serving is False


def test_a_startup_probe_that_passes_starts_the_container() -> None:
    holder = Holder()
    holder.reports().verdict(ProbeKind.STARTUP, True)
    assert holder.container("main").started


def test_a_failed_liveness_probe_says_why_and_with_which_grace() -> None:
    holder = Holder()
    holder.reports().verdict(ProbeKind.LIVENESS, True)
    assert holder.woken == 0
    holder.reports().verdict(ProbeKind.LIVENESS, False)
    found = holder.container("main")
    assert found.unhealthy == "Container main failed liveness probe, will be restarted"
    assert found.unhealthy_grace == 5.0


def test_a_verdict_on_a_life_that_is_over_is_not_heard() -> None:
    holder = Holder()
    holder.reports("before").verdict(ProbeKind.LIVENESS, False)
    assert holder.container("main").unhealthy == ""


@pytest.mark.parametrize(
    ("outcome", "event"),
    [
        (
            Outcome(Result.FAILURE, "HTTP probe failed with statuscode: 500"),
            ("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 500"),
        ),
        (
            Outcome(Result.ERROR, "no port"),
            ("Unhealthy", "Readiness probe errored and resulted in unknown state: no port"),
        ),
        (Outcome(Result.WARNING, "moved"), ("ProbeWarning", "Readiness probe warning: moved")),
    ],
)
def test_what_events_say(outcome: Outcome, event: tuple[str, str]) -> None:
    holder = Holder()
    holder.reports().failed(ProbeKind.READINESS, outcome)
    assert holder.events == [("Warning", *event, "main")]

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from netemu.model.meta import Object
from netemu.node.pod import pod_from
from netemu.node.probe import Outcome, Probe, ProbeKind, Result
from netemu.node.prober import Prober, Reports
from netemu.tasks import task_group
from tests.support.clock import FakeClock
from tests.support.node import container, pod

GOOD = Outcome(Result.SUCCESS)
BAD = Outcome(Result.FAILURE, "bad")
REFUSED = Outcome(Result.FAILURE, "refused", refused=True)
LIVENESS, READINESS, STARTUP = ProbeKind.LIVENESS, ProbeKind.READINESS, ProbeKind.STARTUP


@dataclass
class Told:
    """What a prober did and said, with the time of each."""

    clock: FakeClock = field(default_factory=FakeClock)
    attempts: list[float] = field(default_factory=list)
    verdicts: list[tuple[float, ProbeKind, bool]] = field(default_factory=list)
    failures: list[tuple[float, ProbeKind]] = field(default_factory=list)

    @property
    def now(self) -> float:
        return round(self.clock.monotonic(), 3)


@asynccontextmanager
async def probing(
    answer: Callable[[int], Outcome], **probes: Object
) -> AsyncIterator[tuple[Told, Prober]]:
    """Probe a container whose n-th attempt has that answer."""
    told = Told()
    handler: Object = {"exec": {"command": ["true"]}}
    more = {field: handler | probe for field, probe in probes.items()}
    spec = pod_from(pod(container(more=more))).containers[0]

    async def attempt(probe: Probe) -> Outcome:
        told.attempts.append(told.now)
        return answer(len(told.attempts) - 1)

    reports = Reports(
        attempt=attempt,
        verdict=lambda kind, good: told.verdicts.append((told.now, kind, good)),
        failed=lambda kind, _: told.failures.append((told.now, kind)),
    )
    async with task_group() as tasks:
        yield told, Prober(spec, reports, told.clock, tasks)


async def test_a_readiness_probe_runs_at_once_and_goes_on() -> None:
    async with probing(lambda _: GOOD, readinessProbe={}) as (told, _):
        await told.clock.advance(0)
        assert told.verdicts == [(0.0, READINESS, True)]
        await told.clock.advance(20)
    assert told.attempts == [0.0, 10.0, 20.0]


async def test_the_initial_delay_is_waited_for() -> None:
    probe = {"initialDelaySeconds": 3, "periodSeconds": 1}
    async with probing(lambda _: GOOD, readinessProbe=probe) as (told, _):
        await told.clock.advance(4)
    assert told.attempts == [3.0, 4.0]


async def test_failures_in_a_row_make_a_container_unready() -> None:
    async with probing(lambda n: GOOD if n < 1 else BAD, readinessProbe={"periodSeconds": 1}) as (
        told,
        _,
    ):
        await told.clock.advance(3)
    assert told.verdicts == [(0.0, READINESS, True), (3.0, READINESS, False)]
    assert [when for when, _ in told.failures] == [1.0, 2.0, 3.0]


async def test_while_nobody_listens_yet_asking_again_costs_nothing() -> None:
    async with probing(lambda n: GOOD if n >= 3 else REFUSED, readinessProbe={}) as (told, _):
        await told.clock.advance(1)
    assert told.attempts == [0.0, 0.01, 0.03, 0.07]
    assert told.verdicts == [(0.07, READINESS, True)]
    assert told.failures == []


async def test_liveness_waits_for_the_first_to_listen_too() -> None:
    probe = {"periodSeconds": 1, "failureThreshold": 1}
    async with probing(lambda n: GOOD if n < 5 and n > 2 else REFUSED, livenessProbe=probe) as (
        told,
        _,
    ):
        await told.clock.advance(5)
    assert told.attempts == [0.0, 0.01, 0.03, 0.07, 1.0, 2.0]
    assert told.verdicts[-1] == (2.0, LIVENESS, False)


async def test_but_after_a_period_it_is_a_failure() -> None:
    async with probing(lambda _: REFUSED, readinessProbe={"periodSeconds": 1}) as (told, _):
        await told.clock.advance(3.5)
    times = [when for when, _ in told.failures]
    assert 0.5 < times[0] < 1.0
    assert times[1:] == [1.0, 2.0, 3.0]


async def test_a_liveness_probe_ends_its_work_with_the_verdict() -> None:
    async with probing(lambda _: BAD, livenessProbe={"periodSeconds": 2}) as (told, _):
        await told.clock.advance(20)
    assert told.attempts == [0.0, 2.0, 4.0]
    assert told.verdicts == [(4.0, LIVENESS, False)]


async def test_an_attempt_that_could_not_be_made_counts_for_nothing() -> None:
    error = Outcome(Result.ERROR, "no such port")
    async with probing(lambda _: error, livenessProbe={"periodSeconds": 1}) as (told, _):
        await told.clock.advance(5)
    assert told.verdicts == []
    assert len(told.failures) == 6


async def test_nothing_else_is_probed_until_the_startup_probe_has_passed() -> None:
    async with probing(
        lambda n: GOOD if n >= 2 else BAD,
        startupProbe={"periodSeconds": 5},
        readinessProbe={"periodSeconds": 30},
        livenessProbe={"periodSeconds": 30},
    ) as (told, _):
        await told.clock.advance(10)
    assert told.attempts == [0.0, 5.0, 10.0, 10.0, 10.0]
    assert (10.0, STARTUP, True) in told.verdicts
    assert (10.0, READINESS, True) in told.verdicts


async def test_a_startup_probe_gives_up_after_its_failures() -> None:
    probe = {"periodSeconds": 1, "failureThreshold": 2}
    async with probing(lambda _: BAD, startupProbe=probe, livenessProbe={}) as (told, _):
        await told.clock.advance(5)
    assert told.verdicts == [(1.0, STARTUP, False)]


async def test_a_container_that_is_being_stopped_is_probed_for_readiness_alone() -> None:
    async with probing(
        lambda _: BAD, livenessProbe={"periodSeconds": 1}, readinessProbe={"periodSeconds": 1}
    ) as (told, prober):
        prober.only_readiness()
        await told.clock.advance(2)
        assert {kind for _, kind in told.failures} == {READINESS}
        prober.close()
        await told.clock.advance(5)
    assert len(told.attempts) == 3

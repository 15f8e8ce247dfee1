"""The probes of one life of a container: attempts in time, verdicts as soon as they are reached.

Order: nothing but the startup probe runs until it has passed (KEP-950); then readiness and liveness
begin, at once unless their initial delay says otherwise.
"""

import asyncio
from collections.abc import Awaitable, Callable

from msgspec import Struct

from netemu.clock import Clock
from netemu.node.pod import ContainerSpec
from netemu.node.probe import Outcome, Probe, ProbeKind, Result, Tally
from netemu.tasks import Tasks

FIRST_RETRY = 0.01
LONGEST_RETRY = 0.25
"""Seconds between attempts while nobody listens yet, see `_Follower.attempts`."""


class Reports(Struct, frozen=True, kw_only=True):
    """Whom the prober tells."""

    attempt: Callable[[Probe], Awaitable[Outcome]]
    verdict: Callable[[ProbeKind, bool], None]
    """The probe now says this; called for changes and repetitions alike."""
    failed: Callable[[ProbeKind, Outcome], None]
    """An attempt that an event should tell of."""


class Prober:
    """Runs the probes of one life, until `close`."""

    def __init__(self, spec: ContainerSpec, reports: Reports, clock: Clock, tasks: Tasks) -> None:
        self._reports = reports
        self._clock = clock
        self._begun = clock.monotonic()
        self._started = asyncio.Event()
        if spec.startup is None:
            self._started.set()
        probes = {
            ProbeKind.STARTUP: spec.startup,
            ProbeKind.READINESS: spec.readiness,
            ProbeKind.LIVENESS: spec.liveness,
        }
        self._running = {
            kind: tasks.start(self._follow(kind, probe), name=f"{kind} probe of {spec.name}")
            for kind, probe in probes.items()
            if probe is not None
        }

    def close(self) -> None:
        """Stop probing."""
        for task in self._running.values():
            task.cancel()

    def only_readiness(self) -> None:
        """Stop what could end the container: it is being stopped anyway."""
        for kind, task in self._running.items():
            if kind is not ProbeKind.READINESS:
                task.cancel()

    async def _follow(self, kind: ProbeKind, probe: Probe) -> None:
        if kind is not ProbeKind.STARTUP:
            await self._started.wait()
        delay = self._begun + probe.delay - self._clock.monotonic()
        if delay > 0:
            await self._clock.sleep(delay)
        due = self._clock.monotonic()
        tally = Tally()
        patience = due + probe.period
        while True:
            outcome = await self._attempt(probe, patience)
            patience = due
            if outcome.result is not Result.SUCCESS:
                self._reports.failed(kind, outcome)
            if outcome.result is not Result.ERROR:
                tally = tally.plus(outcome.ok)
                if self._told(kind, tally.verdict(probe)):
                    return
            due = max(due + probe.period, self._clock.monotonic())
            await self._clock.sleep(due - self._clock.monotonic())

    async def _attempt(self, probe: Probe, patience: float) -> Outcome:
        """Try; while nobody listens yet, again and again until `patience` (monotonic).

        A program that has just been started needs a moment to listen. Upstream's kubelet asks for
        the first time somewhere within the first period, and for readiness again on the next change
        it sees; since a refused connection is nothing that the program could notice, asking sooner
        is the same, only faster.
        """
        pause = FIRST_RETRY
        while True:
            outcome = await self._reports.attempt(probe)
            if not outcome.refused or self._clock.monotonic() + pause >= patience:
                return outcome
            await self._clock.sleep(pause)
            pause = min(2 * pause, LONGEST_RETRY)

    def _told(self, kind: ProbeKind, verdict: bool | None) -> bool:
        """Pass a verdict on; whether this probe has done its work."""
        if verdict is None:
            return False
        self._reports.verdict(kind, verdict)
        if kind is ProbeKind.STARTUP and verdict:
            self._started.set()
            return True
        return kind is not ProbeKind.READINESS and not verdict

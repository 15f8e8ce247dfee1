"""The autoscaling controller: as many replicas as the target's pods need, by what they use.

Processor time and memory are those of the pods' real processes. What was recommended and done is
remembered while the controller runs, as upstream does.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from netemu.clock import rfc3339
from netemu.controllers.autoscalebehavior import Memory, Verdict, decided
from netemu.controllers.autoscalemetrics import NoMetric, Pods, Proposal, proposed
from netemu.controllers.runner import Context
from netemu.controllers.scaletargets import NoTarget, Target, target_of
from netemu.model import resources
from netemu.model.client import Change
from netemu.model.conditions import with_condition
from netemu.model.errors import ApiError
from netemu.model.meta import Key, Object, key_of, namespace_of, uid_of

_ACTIVE = "the HPA was able to successfully calculate a replica count from"


@dataclass(slots=True)
class _Said:
    """A status in the making."""

    conditions: list[Object]
    now: float
    metrics: list[Object] = field(default_factory=list)
    desired: int = 0
    current: int = 0
    scaled: bool = False

    def condition(self, kind: str, holds: bool, reason: str, message: str) -> None:
        new = {
            "type": kind,
            "status": "True" if holds else "False",
            "reason": reason,
            "message": message,
        }
        self.conditions = with_condition(self.conditions, new, self.now)


class AutoscalingController:
    """Looks at each autoscaler every few seconds."""

    resources = (resources.POD_AUTOSCALERS,)

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        self._clock = context.clock
        self._usage = context.usage
        self._period = context.settings.autoscaling_seconds
        self._memories: dict[str, Memory] = {}

    def observe(self, change: Change) -> Iterable[Key]:
        """An autoscaler whose spec changed; its status is ours."""
        if change.new is None:
            self._memories.pop(uid_of(change.object), None)
            return ()
        if change.old is not None and change.old.get("spec") == change.new.get("spec"):
            return ()
        return (key_of(change.new),)

    async def sync(self, key: Key) -> float | None:
        """Look at one autoscaler."""
        scaler = self._client.get(resources.POD_AUTOSCALERS, *key)
        if scaler is None:
            return None
        before = scaler.get("status") or {}
        said = _Said(list(before.get("conditions") or ()), self._clock.now())
        try:
            await self._scale(scaler, said)
        except ApiError as error:
            said.condition("AbleToScale", False, "FailedUpdateScale", str(error))
            self._recorder.event(scaler, "Warning", "FailedUpdateScale", str(error))
        await self._write(scaler, said)
        return self._period

    async def _scale(self, scaler: Object, said: _Said) -> None:
        spec = scaler["spec"]
        try:
            target = target_of(self._client, scaler)
        except NoTarget as error:
            words = f"the HPA controller was unable to get the target's current scale: {error}"
            said.condition("AbleToScale", False, "FailedGetScale", words)
            self._recorder.event(scaler, "Warning", "FailedGetScale", words)
            return
        words = "the HPA controller was able to get the target's current scale"
        said.condition("AbleToScale", True, "SucceededGetScale", words)
        asked = target.replicas
        said.current = said.desired = asked
        if asked == 0:
            words = "scaling is disabled since the replica count of the target is zero"
            said.condition("ScalingActive", False, "ScalingDisabled", words)
            return
        most, least = int(spec["maxReplicas"]), int(spec.get("minReplicas") or 1)
        why = ""
        if asked > most:
            said.desired, why = most, "Current number of replicas above Spec.MaxReplicas"
        elif asked < least:
            said.desired, why = least, "Current number of replicas below Spec.MinReplicas"
        else:
            proposal = await self._proposal(scaler, target, asked, said)
            if proposal is None:
                return
            memory = self._memories.setdefault(uid_of(scaler), Memory())
            verdict = decided(spec, memory, asked, proposal.replicas, said.now)
            self._explain(verdict, said)
            said.desired = verdict.replicas
            grows = said.desired > asked
            why = f"{proposal.name} above target" if grows else "All metrics below target"
        if said.desired != asked:
            await self._resize(scaler, target, said, why)

    def _explain(self, verdict: Verdict, said: _Said) -> None:
        said.condition("AbleToScale", True, *verdict.stable)
        reason, words = verdict.limited
        if reason:
            said.condition("ScalingLimited", True, reason, words)
        else:
            words = "the desired count is within the acceptable range"
            said.condition("ScalingLimited", False, "DesiredWithinRange", words)

    async def _proposal(
        self, scaler: Object, target: Target, asked: int, said: _Said
    ) -> Proposal | None:
        """The metric that asks for most, and what all of them show."""
        seen = Pods(
            pods=self._client.list(resources.PODS, namespace_of(scaler), target.selector),
            usage=await self._usage.pods(),
            replicas=asked,
            now=said.now,
        )
        proposals: list[Proposal] = []
        problems: list[NoMetric] = []
        for metric in scaler["spec"].get("metrics") or ():
            try:
                proposals.append(proposed(metric, seen))
            except NoMetric as problem:
                problems.append(problem)
                self._recorder.event(scaler, "Warning", problem.reason, problem.message)
        said.metrics = [proposal.status for proposal in proposals]
        best = max(proposals, key=lambda item: item.replicas, default=None)
        # With a metric missing the others may only make more of it (upstream).
        if problems and (best is None or best.replicas < asked):
            words = f"the HPA was unable to compute the replica count: {problems[0].message}"
            said.condition("ScalingActive", False, problems[0].reason, words)
            total = len(problems) + len(proposals)
            invalid = f"invalid metrics ({len(problems)} invalid out of {total}), first error is: "
            text = invalid + problems[0].message
            self._recorder.event(scaler, "Warning", "FailedComputeMetricsReplicas", text)
            return None
        if best is not None:
            words = f"{_ACTIVE} {best.name}"
            said.condition("ScalingActive", True, "ValidMetricFound", words)
        return best

    async def _resize(self, scaler: Object, target: Target, said: _Said, why: str) -> None:
        await self._client.update(target.resource, target.scaled(said.desired))
        memory = self._memories.setdefault(uid_of(scaler), Memory())
        memory.scaled(said.now, said.current, said.desired)
        said.scaled = True
        words = f"the HPA controller was able to update the target scale to {said.desired}"
        said.condition("AbleToScale", True, "SucceededRescale", words)
        text = f"New size: {said.desired}; reason: {why}"
        self._recorder.event(scaler, "Normal", "SuccessfulRescale", text)

    async def _write(self, scaler: Object, said: _Said) -> None:
        current = self._client.get(resources.POD_AUTOSCALERS, *key_of(scaler))
        if current is None or uid_of(current) != uid_of(scaler):
            return
        before = current.get("status") or {}
        last = rfc3339(said.now) if said.scaled else before.get("lastScaleTime")
        status: Object = {
            **({"lastScaleTime": last} if last else {}),
            **({"currentReplicas": said.current} if said.current else {}),
            "desiredReplicas": said.desired,
            "currentMetrics": said.metrics or None,
            "conditions": said.conditions,
        }
        if status != before:
            new = {**current, "status": status}
            await self._client.update_status(resources.POD_AUTOSCALERS, new)

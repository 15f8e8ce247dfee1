"""What probes say becomes state and events: readiness at once, restarts by way of the plan."""

from functools import partial

from netemu.clock import SystemClock
from netemu.node.context import Cluster
from netemu.node.handlers import Target, carry_out
from netemu.node.owner import Owner
from netemu.node.pod import ContainerSpec
from netemu.node.probe import Outcome, Probe, ProbeKind, Result
from netemu.node.prober import Reports

_REAL = SystemClock()
"""An attempt is sockets and processes: those live in real time, only the periods don't."""


def reports(
    owner: Owner, cluster: Cluster, spec: ContainerSpec, life: str, target: Target
) -> Reports:
    """How the probes of one life are made and told."""
    return Reports(
        attempt=partial(_attempt, cluster, target),
        verdict=partial(_verdict, owner, spec, life),
        failed=partial(_failed, owner, spec.name),
    )


async def _attempt(cluster: Cluster, target: Target, probe: Probe) -> Outcome:
    with cluster.underway:
        return await carry_out(probe.handler, target, cluster.runtime, _REAL, probe.timeout)


def _verdict(owner: Owner, spec: ContainerSpec, life: str, kind: ProbeKind, good: bool) -> None:
    container = owner.container(spec.name)
    if container.life is None or container.life.id != life:
        return
    match kind:
        case ProbeKind.READINESS:
            if container.serving == good:
                return
            owner.change(spec.name, serving=good)
        case ProbeKind.STARTUP if good:
            owner.change(spec.name, started=True)
        case ProbeKind.LIVENESS if good:
            return
        case _:
            probe = spec.startup if kind is ProbeKind.STARTUP else spec.liveness
            words = f"Container {spec.name} failed {kind.lower()} probe, will be restarted"
            grace = probe.grace if probe else None
            owner.change(spec.name, unhealthy=words, unhealthy_grace=grace)
    owner.wake()


def _failed(owner: Owner, name: str, kind: ProbeKind, outcome: Outcome) -> None:
    match outcome.result:
        case Result.WARNING:
            message = f"{kind} probe warning: {outcome.message}"
            owner.event("Warning", "ProbeWarning", message, name)
        case Result.ERROR:
            message = f"{kind} probe errored and resulted in unknown state: {outcome.message}"
            owner.event("Warning", "Unhealthy", message, name)
        case _:
            owner.event("Warning", "Unhealthy", f"{kind} probe failed: {outcome.message}", name)

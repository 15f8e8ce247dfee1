"""What to do next for one pod: a pure function of the pod, of what is so, and of the time.

Every action, once carried out, changes the state so that the plan no longer asks for it; when
nothing is due the plan is empty and says when to look again.
"""

from collections.abc import Iterator

from msgspec import Struct

from netemu.node.pod import ContainerSpec, Pod, Role
from netemu.node.state import Container, PodState, done, finished

PULL_ERROR_SECONDS = 1.0
"""How long ErrImagePull is shown before it becomes ImagePullBackOff."""


SHORTEST_GRACE = 2.0
"""Seconds that a sidecar has to end, even when the others used up all of the pod's grace period
(the kubelet's minimumGracePeriodInSeconds)."""


class CreateSandbox(Struct, frozen=True):
    """Give the pod its network."""


class RemoveSandbox(Struct, frozen=True):
    """Take it away, with whatever still runs in it."""


class Start(Struct, frozen=True):
    """Start a container."""

    name: str


class Hold(Struct, frozen=True):
    """Say that a container waits for its back-off."""

    name: str
    seconds: float
    """The delay in force."""


class Stop(Struct, frozen=True):
    """Ask a container to end: preStop hook, then SIGTERM."""

    name: str
    grace: float
    message: str


class Prepare(Struct, frozen=True):
    """Run the preStop hook of a container that is to be stopped after others."""

    name: str
    grace: float


class Kill(Struct, frozen=True):
    """SIGKILL."""

    name: str


class Delete(Struct, frozen=True):
    """Delete the pod's object for good."""


Action = CreateSandbox | RemoveSandbox | Start | Hold | Stop | Prepare | Kill | Delete


class Plan(Struct, frozen=True):
    """What to do now and when to ask again."""

    actions: tuple[Action, ...] = ()
    wake: float | None = None
    """Monotonic; None: nothing changes by time alone."""


Step = Action | float | None
"""An action, or the time at which there will be one."""


def plan(pod: Pod, state: PodState, now: float) -> Plan:
    """The next actions; `now` is monotonic."""
    return _collected(_steps(pod, state, now), now)


def ending(pod: Pod, state: PodState) -> bool:
    """Whether the pod has to end, whatever its restart policy says."""
    return pod.deleting or state.gone or state.halted


def _collected(steps: Iterator[Step], now: float) -> Plan:
    actions: list[Action] = []
    wake: float | None = None
    for step in steps:
        if isinstance(step, float):
            wake = step if wake is None else min(wake, step)
        elif step is not None:
            actions.append(step)
    return Plan(tuple(actions), wake)


def _steps(pod: Pod, state: PodState, now: float) -> Iterator[Step]:
    if state.deleted:
        return
    if ending(pod, state):
        yield from _end(pod, state, now)
    elif state.over:
        return
    elif pod.terminal or finished(pod, state):
        yield from _wind_down(pod, state, now)
    elif not state.sandbox:
        yield CreateSandbox() if now >= state.sandbox_retry_at else state.sandbox_retry_at
    else:
        yield from _run(pod, state, now)


def _end(pod: Pod, state: PodState, now: float) -> Iterator[Step]:
    grace = min(pod.grace, state.halt_grace) if state.halted else pod.grace
    since = now if state.ending_since is None else state.ending_since
    # An object that is gone was deleted by force: nobody waits for its processes any more.
    deadline = now if state.gone else since + grace
    running = _to_stop(pod, state)
    if not state.gone and deadline > now:
        yield from _prepare(pod, state, running, deadline - since)
    for spec in running:
        container = state.containers[spec.name]
        if state.gone:
            yield None if _killed(container) else Kill(spec.name)
        else:
            yield _stop(spec, container, now, deadline - since, deadline)
    if running:
        return
    if state.sandbox:
        yield RemoveSandbox()
    elif pod.deleting and not state.gone:
        yield Delete()


def _prepare(
    pod: Pod, state: PodState, stopping: list[ContainerSpec], grace: float
) -> Iterator[Step]:
    """The kubelet runs every preStop hook at once; only the signals wait for their turn."""
    for spec in pod.containers:
        container = state.containers[spec.name]
        hooked = bool((spec.raw.get("lifecycle") or {}).get("preStop"))
        if hooked and container.running and spec not in stopping and not container.prepared:
            yield Prepare(spec.name, grace)


def _wind_down(pod: Pod, state: PodState, now: float) -> Iterator[Step]:
    running = _to_stop(pod, state)
    for spec in running:
        yield _stop(spec, state.containers[spec.name], now, pod.grace, None)
    if not running and state.sandbox:
        yield RemoveSandbox()


def _to_stop(pod: Pod, state: PodState) -> list[ContainerSpec]:
    """What is to be stopped now: sidecars come last and one by one, backwards (KEP-753)."""
    running = [spec for spec in pod.containers if state.containers[spec.name].running]
    return [spec for spec in running if spec.role is not Role.SIDECAR] or running[-1:]


def _killed(container: Container) -> bool:
    return container.stopping is not None and container.stopping.killed


def _stop(
    spec: ContainerSpec,
    container: Container,
    now: float,
    grace: float,
    deadline: float | None,
    message: str = "",
) -> Step:
    """Ask, wait for the grace period, kill."""
    stopping = container.stopping
    if stopping is None:
        return Stop(spec.name, grace, message or f"Stopping container {spec.name}")
    if stopping.killed:
        return None
    due = stopping.since + stopping.grace
    due = max(due if deadline is None else min(due, deadline), stopping.earliest_kill)
    if spec.role is Role.SIDECAR:
        due = max(due, stopping.since + SHORTEST_GRACE)
    return Kill(spec.name) if now >= due else due


def _run(pod: Pod, state: PodState, now: float) -> Iterator[Step]:
    for spec in pod.containers:
        container = state.containers[spec.name]
        if spec.role is Role.EPHEMERAL and not container.running and not done(pod, spec, container):
            yield from _start(spec, container, now)  # even while an init container fails
    # Once a main container has run, a sidecar that crashes no longer holds up the others.
    initialised = any(
        state.containers[spec.name].life is not None
        for spec in pod.containers
        if spec.role is Role.MAIN
    )
    for spec in pod.containers:
        container = state.containers[spec.name]
        if spec.role is Role.EPHEMERAL:
            continue
        if container.running:
            yield _heed(pod, spec, container, now)
        elif not done(pod, spec, container):
            yield from _start(spec, container, now)
        if _holds_up(spec, container) or not (initialised or passed(spec, container)):
            return


def _holds_up(spec: ContainerSpec, container: Container) -> bool:
    """Whether the containers after this one wait for its postStart hook (the kubelet starts one
    after the other, each with its hook).
    """
    hooked = bool((spec.raw.get("lifecycle") or {}).get("postStart"))
    return hooked and (container.hooking or not container.life)


def passed(spec: ContainerSpec, container: Container) -> bool:
    """Whether the next container of the pod may start."""
    match spec.role:
        case Role.MAIN | Role.EPHEMERAL:
            return True
        case Role.SIDECAR:
            return container.running and container.started
        case Role.INIT:
            return container.exited and container.life is not None and container.life.code == 0


def _heed(pod: Pod, spec: ContainerSpec, container: Container, now: float) -> Step:
    """What a failed probe or a changed image asks for."""
    message, grace = container.unhealthy, container.unhealthy_grace
    if not message and container.image not in ("", spec.image):
        message = f"Container {spec.name} definition changed, will be restarted"
        grace = None
    if not message:
        return None
    return _stop(spec, container, now, pod.grace if grace is None else grace, None, message)


def _start(spec: ContainerSpec, container: Container, now: float) -> Iterator[Step]:
    due = container.retry_at
    if container.exited and container.image in ("", spec.image):
        due = max(due, container.restarting.due(container.ended))
    if now >= due:
        yield Start(spec.name)
        return
    yield due
    reason = container.waiting.reason if container.waiting else ""
    if reason == "ErrImagePull":
        shown_until = container.pulling.tried + PULL_ERROR_SECONDS
        yield Hold(spec.name, container.pulling.delay) if now >= shown_until else shown_until
    elif container.exited and reason in ("", "RunContainerError"):
        yield Hold(spec.name, container.restarting.delay)

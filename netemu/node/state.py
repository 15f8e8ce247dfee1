"""What is so on this node for one pod: the observed half of every plan. Frozen values."""

from collections.abc import Mapping

from msgspec import Struct, field

from netemu.node.backoff import BackOff
from netemu.node.pod import ContainerSpec, Pod, RestartPolicy, Role


class Life(Struct, frozen=True, kw_only=True):
    """One run of a container; times in seconds since the epoch."""

    id: str
    started: float = 0.0
    """0.0 (1970) when it never came to run, as containerd says."""
    finished: float | None = None
    code: int = 0
    reason: str = ""
    message: str = ""

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self.finished is None


class Waiting(Struct, frozen=True):
    """Why a container doesn't run."""

    reason: str
    message: str = ""


class Stopping(Struct, frozen=True, kw_only=True):
    """A container that was asked to end."""

    since: float
    """Monotonic."""
    grace: float
    killed: bool = False
    """SIGKILL was sent."""
    earliest_kill: float = 0.0
    """Not before this (monotonic): a preStop hook took its time."""


class Container(Struct, frozen=True, kw_only=True):
    """One container of a pod."""

    life: Life | None = None
    """The current run, or the latest one while none goes on."""
    previous: Life | None = None
    """The one before."""
    restarts: int = 0
    """Of the current run, or of the next one if there was none yet."""
    ended: float = 0.0
    """When the latest run ended (monotonic)."""
    waiting: Waiting | None = None
    retry_at: float = 0.0
    """When a start that failed is tried again (monotonic)."""
    restarting: BackOff = field(default_factory=BackOff)
    pulling: BackOff = field(default_factory=BackOff)
    image: str = ""
    """What the latest run was made of; the pod's may have changed since."""
    stopping: Stopping | None = None
    started: bool = False
    """The startup probe, if any, has passed."""
    serving: bool = False
    """The readiness probe's word; True where there is none."""
    prepared: bool = False
    """Its preStop hook was begun while others had still to end before it."""
    hooking: bool = False
    """Its postStart hook runs; the containers after it wait for that."""
    unhealthy: str = ""
    """What the kubelet says before it restarts the container for a failed probe."""
    unhealthy_grace: float | None = None

    @property
    def running(self) -> bool:
        """Whether its process runs."""
        return self.life is not None and self.life.running

    @property
    def exited(self) -> bool:
        """Whether it has run and ended."""
        return self.life is not None and not self.life.running

    @property
    def ready(self) -> bool:
        """Whether it counts for the pod's readiness."""
        return self.running and self.started and self.serving


class PodState(Struct, frozen=True, kw_only=True):
    """One pod on this node."""

    containers: Mapping[str, Container]
    sandbox: bool = False
    address: str = ""
    """The pod's address; kept when the sandbox is gone."""
    secondary: str = ""
    """With dual stack, its address of the other family."""
    start_time: float | None = None
    sandbox_retry: BackOff = BackOff(first=1.0, longest=60.0)
    sandbox_retry_at: float = 0.0
    ending_since: float | None = None
    """When the agent learned that the pod has to end (monotonic)."""
    gone: bool = False
    """Its object no longer exists."""
    halted: bool = False
    """The agent stops."""
    halt_grace: float = 0.0
    """Longest grace while the agent stops."""
    deleted: bool = False
    """The object was deleted for good, by us."""
    over: bool = False
    """It had succeeded or failed before the agent started; nothing but its deletion is left."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """The pod's addresses, the primary family's first."""
        return tuple(filter(None, (self.address, self.secondary)))

    @property
    def running(self) -> bool:
        """Whether any container runs."""
        return any(container.running for container in self.containers.values())

    @property
    def has_run(self) -> bool:
        """Whether any container ever ran."""
        return any(c.life or c.previous for c in self.containers.values())


def done(pod: Pod, spec: ContainerSpec, container: Container) -> bool:
    """Whether a container has ended for good."""
    life = container.life
    if life is None or life.running or spec.role is Role.SIDECAR:
        return False
    if spec.role is Role.EPHEMERAL:
        return True
    match pod.policy:
        case RestartPolicy.NEVER:
            return True
        case RestartPolicy.ON_FAILURE:
            return life.code == 0
        case RestartPolicy.ALWAYS:
            return spec.role is Role.INIT and life.code == 0


def failed_init(pod: Pod, state: PodState) -> bool:
    """Whether an init container failed for good."""
    for spec in pod.containers:
        container = state.containers[spec.name]
        if spec.role is Role.INIT and done(pod, spec, container):
            life = container.life
            if life is not None and life.code != 0:
                return True
    return False


def finished(pod: Pod, state: PodState) -> bool:
    """Whether nothing of the pod will run again: it has succeeded or failed."""
    if failed_init(pod, state):
        return True
    return all(
        done(pod, spec, state.containers[spec.name])
        for spec in pod.containers
        if spec.role is Role.MAIN
    )

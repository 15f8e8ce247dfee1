"""Why a container doesn't run, said in its status and by events: what can't be configured, found
or started, and whose turn hasn't come again.
"""

from msgspec.structs import replace

from netemu.clock import Clock
from netemu.config.images import Unknown
from netemu.node.backoff import go_duration
from netemu.node.owner import Owner
from netemu.node.pod import ContainerSpec
from netemu.node.state import Waiting

CONFIG_RETRY_SECONDS = 10.0
"""Between attempts to start what is configured wrongly (the kubelet's own pace)."""
IMAGE_ERROR = "ErrImagePull"
CONFIG_ERROR = "CreateContainerConfigError"


def misconfigured(owner: Owner, clock: Clock, name: str, reason: str, why: str) -> None:
    """It can't be started as it is configured; it is tried again at the kubelet's pace."""
    retry_at = clock.monotonic() + CONFIG_RETRY_SECONDS
    owner.change(name, waiting=Waiting(reason, why), retry_at=retry_at)
    owner.event("Warning", "Failed", f"Error: {why}", name)


def unresolved(owner: Owner, clock: Clock, spec: ContainerSpec, unknown: Unknown) -> None:
    """No program stands for its image; it is looked for again after a back-off."""
    name, image = spec.name, spec.image
    if unknown.reason != IMAGE_ERROR:
        if unknown.reason == "InvalidImageName":
            owner.event("Warning", "InspectFailed", unknown.message, name)
        misconfigured(owner, clock, name, unknown.reason, unknown.message)
        return
    now = clock.monotonic()
    pulling = owner.container(name).pulling.after(now, now)
    waiting = Waiting(IMAGE_ERROR, unknown.message)
    owner.change(name, pulling=pulling, waiting=waiting, retry_at=now + pulling.delay)
    owner.event("Normal", "Pulling", f'Pulling image "{image}"', name)
    failed = f'Failed to pull image "{image}": {unknown.message}'
    owner.event("Warning", "Failed", failed, name)
    owner.event("Warning", "Failed", f"Error: {IMAGE_ERROR}", name)


def never_ran(owner: Owner, clock: Clock, name: str, why: str) -> None:
    """The runtime refused: a life of no length, which containerd dates to 1970."""
    life = owner.container(name).life
    assert life is not None
    ended = replace(
        life, started=0.0, finished=clock.now(), code=128, reason="StartError", message=why
    )
    waiting = Waiting("RunContainerError", why)
    owner.change(name, life=ended, waiting=waiting, ended=clock.monotonic())
    owner.event("Warning", "Failed", f"Error: {why}", name)


def hold(owner: Owner, spec: ContainerSpec, seconds: float) -> None:
    """Show that a container waits for its back-off."""
    name = spec.name
    before = owner.container(name).waiting
    if before is not None and before.reason == IMAGE_ERROR:
        message = f'Back-off pulling image "{spec.image}"'
        said = f"{message}: {before.reason}: {before.message}"
        owner.change(name, waiting=Waiting("ImagePullBackOff", said))
        owner.event("Normal", "BackOff", message, name)
        owner.event("Warning", "Failed", "Error: ImagePullBackOff", name)
        return
    pod = owner.pod.full_name
    words = f"back-off {go_duration(seconds)} restarting failed container={name} pod={pod}"
    owner.change(name, waiting=Waiting("CrashLoopBackOff", words))
    words = f"Back-off restarting failed container {name} in pod {pod}"
    owner.event("Warning", "BackOff", words, name)

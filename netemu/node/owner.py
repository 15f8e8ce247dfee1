"""A pod's worker as its parts see it: the holder of the state, and the one to wake."""

from typing import Any, Protocol

from netemu.node.pod import Pod
from netemu.node.state import Container, PodState
from netemu.node.volumes import Volumes


class Owner(Protocol):
    """What containers and probes need of the worker."""

    pod: Pod
    state: PodState
    volumes: Volumes

    def container(self, name: str) -> Container:
        """What is so of one container."""

    def change(self, name: str, **changes: Any) -> None:
        """Replace fields of one container."""

    def wake(self) -> None:
        """Look at everything again, soon."""

    def event(self, kind: str, reason: str, message: str, container: str = "") -> None:
        """Tell of the pod, or of one of its containers."""

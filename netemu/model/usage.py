"""What pods use of the machine, as the node measures it and others read it."""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct


class Amount(Struct, frozen=True):
    """What one container uses."""

    cpu: float
    """Cores."""
    memory: int
    """Bytes that are nobody else's, too."""


class PodUsage(Struct, frozen=True, kw_only=True):
    """What a pod's containers use, each by its name."""

    containers: Mapping[str, Amount]
    at: float
    """When it was measured, in seconds since the epoch."""
    window: float
    """Seconds over which the processor time is an average."""


class Usage(Protocol):
    """Who measures."""

    async def pods(self) -> Mapping[str, PodUsage]:
        """By uid: every pod that has a running container."""


class NoUsage:
    """Nobody measures."""

    async def pods(self) -> Mapping[str, PodUsage]:
        """None."""
        return {}

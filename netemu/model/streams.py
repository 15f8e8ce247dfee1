"""What the API asks of the node a pod runs on: its logs (and later exec, attach, port-forward)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from netemu.model.meta import Object


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """Which part of a container's log."""

    container: str
    follow: bool = False
    previous: bool = False
    """The log of the container's last life before this one."""
    since: float | None = None
    """Only lines at or after this time, in seconds since the epoch."""
    tail_lines: int | None = None
    limit_bytes: int | None = None
    timestamps: bool = False


class PodStreams(Protocol):
    """Streams from running pods."""

    def logs(self, pod: Object, options: LogOptions) -> AsyncIterator[bytes]:
        """The log in pieces of whole lines. Raises BadRequest before the first piece when there is
        none.
        """

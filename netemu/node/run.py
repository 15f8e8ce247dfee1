"""What belongs to one life of a container while it runs: process, log, probes, hooks."""

import asyncio
import contextlib
import os
from dataclasses import dataclass
from typing import Any

from netemu.node.handlers import Target
from netemu.node.logs import LifeLog
from netemu.node.pod import ContainerSpec
from netemu.node.probe import Handler, handler_from
from netemu.node.prober import Prober
from netemu.node.runtime import Process, ProcessSpec


@dataclass(slots=True)
class Run:
    """One life that goes on."""

    life: str
    process: Process
    log: LifeLog
    target: Target
    prober: Prober | None = None
    hook: asyncio.Task[Any] | None = None
    oom_kills: int = 0
    """How many processes the kernel had killed for want of memory when it began."""

    def close(self) -> None:
        """The process has ended: stop what was for it."""
        if self.prober is not None:
            self.prober.close()
        if self.hook is not None:
            self.hook.cancel()
        self.log.close()


def hook_of(spec: ContainerSpec, name: str) -> Handler | None:
    """A lifecycle hook: postStart or preStop."""
    return handler_from((spec.raw.get("lifecycle") or {}).get(name) or {})


def close_outputs(spec: ProcessSpec) -> None:
    """Close our copies of what the process writes to; the process has its own."""
    for descriptor in (spec.stdout, spec.stderr):
        if descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(descriptor)

"""What belongs to one life of a container while it runs: process, log, probes, hooks."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from netemu.node.handlers import Target
from netemu.node.logs import LifeLog
from netemu.node.pod import ContainerSpec
from netemu.node.probe import Handler, handler_from
from netemu.node.prober import Prober
from netemu.node.runtime import Process
from netemu.node.stdio import Keyboard


@dataclass(slots=True)
class Run:
    """One life that goes on."""

    life: str
    process: Process
    log: LifeLog
    target: Target
    keyboard: Keyboard
    prober: Prober | None = None
    hooks: list[asyncio.Task[Any]] = field(default_factory=list)
    preparation: asyncio.Task[Any] | None = None
    """Its preStop hook, if that was begun before its turn to be stopped came."""
    over_limit: bool = False
    """It was killed because it had more memory than it may have."""
    oom_kills: int = 0
    """How many processes the kernel had killed for want of memory when it began."""

    def close(self) -> None:
        """The process has ended: stop what was for it."""
        if self.prober is not None:
            self.prober.close()
        for hook in self.hooks:
            hook.cancel()
        self.keyboard.close()
        self.log.close()


def hook_of(spec: ContainerSpec, name: str) -> Handler | None:
    """A lifecycle hook: postStart or preStop."""
    return handler_from((spec.raw.get("lifecycle") or {}).get(name) or {})

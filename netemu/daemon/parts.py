"""What the parts of a daemon share: what it began with, and what everything else is made with."""

import random

from msgspec import Struct

from netemu.api.registry import Registry
from netemu.config.settings import Settings
from netemu.daemon.home import Home
from netemu.daemon.movableclock import MovableClock
from netemu.daemon.ports import Ports
from netemu.daemon.reports import Reports
from netemu.model.latest import Latest
from netemu.model.snapshot import Snapshot
from netemu.node.agent import NodeAgent
from netemu.node.spawner.launch import Launched

MANAGER = "netemu"
"""What the daemon's own writes are owned by."""


class Start(Struct, frozen=True):
    """What the daemon has when its loop begins."""

    settings: Settings
    home: Home
    launched: Launched
    reports: Reports
    started: float
    """When the daemon began, by the monotonic clock."""
    lifeline: int | None
    credentials: int
    """Pid of the process that makes them."""


class Core(Struct, frozen=True):
    """What every other part is made with."""

    registry: Registry
    clock: MovableClock
    rng: random.Random
    ports: Ports
    agent: NodeAgent
    latest: Latest[Snapshot]

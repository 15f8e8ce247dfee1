"""What the workers of all pods of one node share."""

import asyncio
import random
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field

from netemu.clock import Clock
from netemu.config.images import ImageMap
from netemu.config.settings import NodeSettings
from netemu.model.client import Client, Recorder
from netemu.node.addresses import PodAddresses
from netemu.node.runtime import Runtime
from netemu.node.volume_files import Tokens, no_tokens
from netemu.tasks import Tasks


class Underway:
    """Counts what nodes are just doing in real time: time that is advanced waits for it."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> None:
        self.count += 1

    def __exit__(self, *_: object) -> None:
        self.count -= 1


class Cluster(Struct, frozen=True, kw_only=True):
    """What all nodes have in common."""

    client: Client
    runtime: Runtime
    clock: Clock
    tasks: Tasks
    rng: random.Random
    settings: NodeSettings
    images: ImageMap
    zone: str
    """The cluster domain."""
    api: str
    """Address of default/kubernetes."""
    dns: str
    """Address of the cluster DNS inside the cluster's network."""
    loopback_dns: str
    """``host:port`` of DNS for pods without a network of their own."""
    home: Path
    """Where pods' folders are kept: logs, and what containers may write."""
    environment: Mapping[str, str]
    """The daemon's own environment, of which containers get the PATH."""
    allocatable: Mapping[str, str]
    """cpu and memory of a node."""
    tokens: Tokens = no_tokens
    """Makes the tokens that projected volumes ask for."""
    underway: Underway = field(default_factory=Underway)


class Standing(Struct):
    """Whether a node runs, and whether it reaches the API and the other nodes."""

    running: bool = True
    reaches: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.reaches.set()


class Node(Struct, frozen=True, kw_only=True):
    """One node."""

    cluster: Cluster
    name: str
    address: str
    secondary: str = ""
    """With dual stack, its address of the other family."""
    addresses: PodAddresses
    recorder: Recorder
    standing: Standing = field(default_factory=Standing)

    @property
    def own(self) -> tuple[str, ...]:
        """Its addresses, the primary family's first."""
        return (self.address, self.secondary) if self.secondary else (self.address,)

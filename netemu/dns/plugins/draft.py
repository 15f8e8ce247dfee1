"""A server block on its way from lines to values."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from netemu.dns.chain import Autopath, Block, Hosts, Kubernetes, Order, Ranges, Transfer, Weights
from netemu.dns.corefile import Line
from netemu.dns.forwarding import Cache, Forward, Zones
from netemu.dns.world import World

if TYPE_CHECKING:  # rules are imported by whoever has some
    from netemu.dns.rewriting import Rule
    from netemu.dns.templating import Template


class Draft(Struct):
    """What the plugins of one block have said so far."""

    world: World
    zones: Zones
    rewrites: "list[Rule]" = field(default_factory=list)
    rewrites_options: bool = False
    autopath: Autopath | None = None
    templates: "list[Template]" = field(default_factory=list)
    transfer: Transfer | None = None
    hosts: Hosts | None = None
    kubernetes: Kubernetes | None = None
    forwards: list[Forward] = field(default_factory=list)
    cache: Cache | None = None
    check_loops: bool = False
    logged: Zones | None = None
    order: Order | None = None
    seed: int | None = None
    weights: Weights | None = None
    preferred: Ranges = ()
    files: list[str] = field(default_factory=list)
    named: list[str] = field(default_factory=list)
    """The plugins, as they stand there."""
    served: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def block(self) -> Block:
        """What came of it."""
        return Block(
            zones=self.zones,
            rewrites=tuple(self.rewrites),
            rewrites_options=self.rewrites_options,
            autopath=self.autopath,
            templates=tuple(self.templates),
            transfer=self.transfer,
            hosts=self.hosts,
            kubernetes=self.kubernetes,
            forwards=tuple(
                replace(forward, cache=self.cache, check_loops=self.check_loops)
                for forward in self.forwards
            ),
            logged=self.logged,
            named=tuple(self.named),
        )

    def remark(self, line: Line, text: str) -> None:
        """Note what will have no effect."""
        self.remarks.append(f"Corefile:{line.number}: {text}")


Plugin: TypeAlias = Callable[[Line, Draft], None]
"""Reads the lines of one plugin into the draft. Raises BadCorefile."""

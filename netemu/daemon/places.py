"""Places outside the cluster, for `netemu exec --from`; made when first asked for."""

import logging
from collections.abc import Callable
from typing import Final

from netemu.daemon.parts import Core, Start
from netemu.fabric.enter import Entrance
from netemu.fabric.interception import LocalInterception, Unavailable
from netemu.model.addressing import Addressing
from netemu.model.latest import Latest
from netemu.model.nft import IPV6
from netemu.model.snapshot import Snapshot
from netemu.node.runtime import SandboxSpec
from netemu.node.spawner.client import SpawnerClient
from netemu.proxy.reachability import Outside, Range, client

NO_RULES: Final = "there are no packet rules that would keep outside and inside apart"

log = logging.getLogger(__name__)


class Places:
    """The VPC and the internet, and the packet rules of the cluster's network."""

    def __init__(
        self,
        runtime: SpawnerClient,
        addressing: Addressing,
        latest: Latest[Snapshot],
        *,
        vpc_native: bool,
    ) -> None:
        self.interception: LocalInterception | None = None
        """The means to make rules; None where there are none."""
        self.problem = ""
        """Why there are none, where there should be."""
        self.interception6: LocalInterception | None = None
        """The same for IPv6."""
        if runtime.isolated:
            try:
                if addressing.of("IPv4") is not None:
                    self.interception = LocalInterception()
                if addressing.of("IPv6") is not None:
                    self.interception6 = LocalInterception(IPV6)
            except Unavailable as reason:
                self.problem = str(reason)
        self._runtime = runtime
        self._addressing = addressing
        self._latest = latest
        self._vpc_native = vpc_native
        self._made: set[Range] = set()
        self._rules: list[Outside] = []
        self._unsubscribe: Callable[[], None] = _nothing

    def close(self) -> None:
        """Take the rules away."""
        self._unsubscribe()
        for each in (self.interception, self.interception6):
            if each is not None:
                each.close()

    async def entrance(self, where: Range) -> Entrance:
        """How to get there. Raises OSError."""
        if not self._rules:
            self._rules = self._begin()
            self._unsubscribe = self._latest.subscribe(self._follow)
        if where not in self._made:
            await self._runtime.create_sandbox(self._sandbox(where))
            self._made.add(where)
        return await self._runtime.entrance(f"outside-{where}")

    def _begin(self) -> list[Outside]:
        made = []
        for ranges in self._addressing.families:
            means = self.interception if ranges.family == "IPv4" else self.interception6
            if means is None:
                raise OSError(NO_RULES)
            native = self._vpc_native
            outside = Outside(means.rules, ranges.pods, vpc_native=native, stack=means.stack)
            outside.follow(self._latest.value)
            made.append(outside)
        return made

    def _sandbox(self, where: Range) -> SandboxSpec:
        """Whoever stands there has an address of each family the cluster has."""
        primary, *others = (
            (client(where, ranges.services.version), ranges.control_plane)
            for ranges in self._addressing.families
        )
        return SandboxSpec(
            id=f"outside-{where}",
            hostname=where,
            address=primary[0],
            node_address=primary[1],
            files={},
            secondary=others[0] if others else None,
        )

    def _follow(self, snapshot: Snapshot) -> None:
        """Others follow the same snapshot: what fails here must not keep them from it."""
        try:
            for outside in self._rules:
                outside.follow(snapshot)
        except OSError:
            log.exception("places outside may reach what they shouldn't, or not what they should")


def _nothing() -> None:
    """Nothing was subscribed to."""


def open_places(start: Start, core: Core) -> Places:
    """The places of a running cluster."""
    launched, native = start.launched, start.settings.network.vpc_native
    return Places(launched.runtime, launched.addressing, core.latest, vpc_native=native)

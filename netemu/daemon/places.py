"""Places outside the cluster, for `netemu exec --from`; made when first asked for."""

from typing import Final

from netemu.fabric.enter import Entrance
from netemu.model.addressing import Addressing
from netemu.model.latest import Latest
from netemu.model.nft import Interception
from netemu.model.snapshot import Snapshot
from netemu.node.runtime import SandboxSpec
from netemu.node.spawner.client import SpawnerClient
from netemu.proxy.reachability import Outside, Range, client

UNAVAILABLE: Final = "there are no packet rules that would keep outside and inside apart"


class Places:
    """The VPC and the internet."""

    def __init__(
        self,
        runtime: SpawnerClient,
        interception: Interception | None,
        addressing: Addressing,
        latest: Latest[Snapshot],
        *,
        vpc_native: bool,
    ) -> None:
        self._runtime = runtime
        self._interception = interception
        self._addressing = addressing
        self._latest = latest
        self._vpc_native = vpc_native
        self._made: set[Range] = set()
        self._rules: Outside | None = None

    async def entrance(self, where: Range) -> Entrance:
        """How to get there. Raises OSError."""
        if self._interception is None:
            raise OSError(UNAVAILABLE)
        if self._rules is None:
            pods = self._addressing.pods
            rules = Outside(self._interception.rules, pods, vpc_native=self._vpc_native)
            self._rules = rules
            rules.follow(self._latest.value)
            self._latest.subscribe(rules.follow)
        if where not in self._made:
            spec = SandboxSpec(
                id=f"outside-{where}",
                hostname=where,
                address=client(where),
                node_address=self._addressing.control_plane,
                files={},
            )
            await self._runtime.create_sandbox(spec)
            self._made.add(where)
        return await self._runtime.entrance(f"outside-{where}")

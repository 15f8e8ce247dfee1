"""Session affinity of one Service port: which endpoint a client (by address) went to last.

All paths to the port (virtual IP, node port, load balancer) share the table; other ports of the
same Service have their own.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterator

from netemu.clock import Clock
from netemu.proxy.choose import Address
from netemu.proxy.limits import STICKY_CLIENTS


class AffinityTable:
    """Clients and their endpoints, the one that connected longest ago first."""

    def __init__(self, clock: Clock, limit: int = STICKY_CLIENTS) -> None:
        self._clock = clock
        self._limit = limit
        self._entries: OrderedDict[str, tuple[Address, float]] = OrderedDict()

    def find(self, client: str, seconds: float) -> Address | None:
        """The client's endpoint if it connected less than `seconds` ago.

        The time-out is asked for each time, so a changed one acts on the next connection.
        """
        entry = self._entries.get(client)
        if entry is None:
            return None
        endpoint, since = entry
        return endpoint if self._clock.monotonic() - since < seconds else None

    def remember(self, client: str, endpoint: Address) -> None:
        """The client opened a connection to `endpoint`: its time starts again."""
        self._entries[client] = endpoint, self._clock.monotonic()
        self._entries.move_to_end(client)
        if len(self._entries) > self._limit:
            self._entries.popitem(last=False)

    def forget(self, client: str) -> None:
        """The client's endpoint could not be reached."""
        self._entries.pop(client, None)

    def keep(self, endpoints: Collection[Address]) -> None:
        """Forget the clients of endpoints that are no longer there; the others keep theirs."""
        gone = [client for client, (each, _) in self._entries.items() if each not in endpoints]
        for client in gone:
            del self._entries[client]

    def entries(self, seconds: float) -> Iterator[tuple[str, Address, float]]:
        """Clients that still stick: address, endpoint, and for how many seconds more."""
        now = self._clock.monotonic()
        for client, (endpoint, since) in self._entries.items():
            left = since + seconds - now
            if left > 0:
                yield client, endpoint, left

    def __len__(self) -> int:
        return len(self._entries)

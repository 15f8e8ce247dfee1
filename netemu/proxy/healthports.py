"""Which health ports there are on each node's address, and who answers there."""

from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus

from netemu.clock import Clock
from netemu.metrics import CONTENT_TYPE
from netemu.model.meta import Key
from netemu.model.service import NodePlace
from netemu.proxy.choose import Address
from netemu.proxy.health import (
    HEALTHZ_PORT,
    METRICS_PORT,
    TEXT,
    HealthCheck,
    proxy_page,
    service_page,
)
from netemu.proxy.metrics import ProxyMetrics
from netemu.proxy.statusports import NOT_FOUND, Page, StatusPorts

MODE = "userspace"


class HealthPorts:
    """The proxy's own ports on every node, and the Services' health check node ports."""

    def __init__(
        self, ports: StatusPorts, clock: Clock, metrics: ProxyMetrics, also: tuple[str, ...]
    ) -> None:
        """`also`: other addresses at which the proxy itself answers."""
        self.updated = clock.now()
        """When the proxy last did what the snapshot says, in seconds since the epoch."""
        self.mode = MODE
        self._ports = ports
        self._clock = clock
        self._metrics = metrics
        self._nodes: dict[str, str] = {}
        """Names by address; with dual stack a node has two."""
        self._going: frozenset[str] = frozenset()
        """Addresses of nodes that balancers are to send nothing more."""
        self._checks: dict[Key, HealthCheck] = {}
        for address in also:
            self._own(address, wanted=True)

    def follow_nodes(self, nodes: Mapping[str, NodePlace]) -> None:
        """Answer on these nodes' addresses."""
        after = {address: name for name, node in nodes.items() for address in node.addresses}
        going = (node.addresses for node in nodes.values() if not node.eligible)
        self._going = frozenset(address for some in going for address in some)
        checks = dict(self._checks)
        for key in checks:
            self.check(key, None)
        for address in self._nodes.keys() ^ after.keys():
            self._own(address, wanted=address in after)
        self._nodes = after
        for key, check in checks.items():
            self.check(key, check)

    def check(self, key: Key, check: HealthCheck | None) -> None:
        """A Service's health check from now on; None: it has none."""
        before = self._checks.pop(key, None)
        if check is not None:
            self._checks[key] = check
        if before is not None and (check is None or check.port != before.port):
            for address in self._nodes:
                self._ports.want((address, before.port), None)
        if check is not None and (before is None or check.port != before.port):
            for address, name in self._nodes.items():
                self._ports.want((address, check.port), partial(self._of_service, key, name))

    def _own(self, address: str, *, wanted: bool) -> None:
        answers: dict[int, Callable[[str], Page]] = {
            HEALTHZ_PORT: partial(self._healthz, address),
            METRICS_PORT: partial(self._of_proxy, address),
        }
        for port, answer in answers.items():
            place: Address = (address, port)
            self._ports.want(place, answer if wanted else None)

    def _of_service(self, key: Key, node: str, _path: str) -> Page:
        return service_page(key, self._checks[key].ready.get(node, 0))

    def _healthz(self, address: str, path: str) -> Page:
        eligible = address not in self._going
        page = proxy_page(path, self.updated, self._clock.now(), eligible=eligible)
        if path in ("/healthz", "/livez"):
            family = self._metrics.healthz if path == "/healthz" else self._metrics.livez
            family.of(str(page.status.value)).add()
        return page

    def _of_proxy(self, address: str, path: str) -> Page:
        if path == "/proxyMode":
            return Page(HTTPStatus.OK, TEXT, self.mode)
        if path == "/metrics":
            return Page(HTTPStatus.OK, CONTENT_TYPE, self._metrics.at(self._nodes.get(address, "")))
        if path in ("/healthz", "/livez"):
            return Page(HTTPStatus.OK, TEXT, "ok")
        return NOT_FOUND

"""What kube-proxy's health ports say, of itself (10256) and of Services (health check node ports).

Sources: pkg/proxy/healthcheck (proxy_health.go, service_health.go).
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from msgspec import Struct

from netemu.clock import rfc3339
from netemu.model.meta import Key
from netemu.proxy.statusports import NOT_FOUND, Page

HEALTHZ_PORT: Final = 10256
METRICS_PORT: Final = 10249
JSON: Final = "application/json"
TEXT: Final = "text/plain; charset=utf-8"
_NO_SNIFF: Final = {"X-Content-Type-Options": "nosniff"}


class HealthCheck(Struct, frozen=True):
    """A Service that wants each node to tell whether it has ready endpoints."""

    port: int
    ready: Mapping[str, int]
    """By node."""


def service_page(service: Key, local: int) -> Page:
    """Whether a node has endpoints of its own; any path will do (rule 38)."""
    body = {
        "service": {"namespace": service[0], "name": service[1]},
        "localEndpoints": local,
        "serviceProxyHealthy": True,
    }
    status = HTTPStatus.OK if local else HTTPStatus.SERVICE_UNAVAILABLE
    headers = {**_NO_SNIFF, "X-Load-Balancing-Endpoint-Weight": str(local)}
    return Page(status, JSON, json.dumps(body, indent=1) + "\n", headers)


def proxy_page(path: str, updated: float, now: float, *, eligible: bool) -> Page:
    """The proxy's own health; ``/livez`` doesn't ask whether the node takes traffic (rule 58).

    Whoever is healthy was "updated" just now, however long nothing has changed; metrics tell more.
    """
    if path not in ("/healthz", "/livez"):
        return NOT_FOUND
    healthy = eligible or path == "/livez"
    times = {"lastUpdated": rfc3339(now if healthy else updated), "currentTime": rfc3339(now)}
    body = {**times, "nodeEligible": eligible} if path == "/healthz" else times
    status = HTTPStatus.OK if healthy else HTTPStatus.SERVICE_UNAVAILABLE
    return Page(status, JSON, json.dumps(body), _NO_SNIFF)

"""Probes: what they ask (shrunk from JSON) and what a run of results means. Pure.

The rules are those of the kubelet's prober worker: results count in a row; an attempt that could
not be made at all (a port name nobody declared) counts neither way.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from netemu.model.meta import Object


class ProbeKind(StrEnum):
    """Which probe; the value begins the kubelet's sentences."""

    STARTUP = "Startup"
    LIVENESS = "Liveness"
    READINESS = "Readiness"


class Result(StrEnum):
    """What one attempt showed."""

    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"
    """It could not be made."""
    WARNING = "warning"
    """Success, with something to be said about it."""


class Outcome(Struct, frozen=True):
    """One attempt."""

    result: Result
    message: str = ""
    refused: bool = False
    """Nobody listened: the program did not notice the attempt."""

    @property
    def ok(self) -> bool:
        """Whether it counts as a success."""
        return self.result in (Result.SUCCESS, Result.WARNING)


class HttpGet(Struct, frozen=True, kw_only=True):
    """GET a path; 200 to 399 is success."""

    port: int | str
    path: str = "/"
    host: str = ""
    """"": the pod's address."""
    scheme: str = "http"
    headers: tuple[tuple[str, str], ...] = ()


class TcpSocket(Struct, frozen=True):
    """Open a connection."""

    port: int | str
    host: str = ""


class Grpc(Struct, frozen=True):
    """Ask grpc.health.v1 (KEP-2727)."""

    port: int
    service: str = ""


class Exec(Struct, frozen=True):
    """Run a command in the container; exit code 0 is success."""

    command: tuple[str, ...]


class Sleep(Struct, frozen=True):
    """Wait (lifecycle hooks alone, KEP-3960)."""

    seconds: float


Handler = HttpGet | TcpSocket | Grpc | Exec | Sleep


class Probe(Struct, frozen=True, kw_only=True):
    """One probe of a container; times in seconds."""

    handler: Handler
    delay: float = 0.0
    period: float = 10.0
    timeout: float = 1.0
    successes: int = 1
    failures: int = 3
    grace: float | None = None
    """Between SIGTERM and SIGKILL when this probe ends the container; None: the pod's."""


def probe_from(container: Object, field: str) -> Probe | None:
    """Shrink one probe of a container; None without one."""
    item = container.get(field)
    handler = handler_from(item or {})
    if not item or handler is None:
        return None
    grace = item.get("terminationGracePeriodSeconds")
    return Probe(
        handler=handler,
        delay=float(item.get("initialDelaySeconds") or 0),
        period=float(item.get("periodSeconds") or 10),
        timeout=float(item.get("timeoutSeconds") or 1),
        successes=item.get("successThreshold") or 1,
        failures=item.get("failureThreshold") or 3,
        grace=None if grace is None else float(grace),
    )


def handler_from(item: Object) -> Handler | None:
    """Shrink a handler, of a probe or of a lifecycle hook."""
    if "httpGet" in item:
        return _http_get(item["httpGet"])
    if "tcpSocket" in item:
        return TcpSocket(item["tcpSocket"]["port"], item["tcpSocket"].get("host") or "")
    if "grpc" in item:
        return Grpc(int(item["grpc"]["port"]), item["grpc"].get("service") or "")
    if "exec" in item:
        return Exec(tuple(item["exec"].get("command") or ()))
    if "sleep" in item:
        return Sleep(float(item["sleep"].get("seconds") or 0))
    return None


def _http_get(item: Object) -> HttpGet:
    path = item.get("path") or "/"
    return HttpGet(
        port=item["port"],
        path=path if path.startswith("/") else f"/{path}",
        host=item.get("host") or "",
        scheme=(item.get("scheme") or "HTTP").lower(),
        headers=tuple((h["name"], h.get("value") or "") for h in item.get("httpHeaders") or ()),
    )


def port_number(port: int | str, ports: Sequence[Mapping[str, object]]) -> int:
    """A port by number or by the name a container gave it. Raises ValueError, in Go's words."""
    if isinstance(port, str):
        named = (item for item in ports if item.get("name") == port)
        found = next(named, None)
        if found is not None:
            return int(str(found["containerPort"]))
        if not port.isdecimal():
            raise ValueError(f'strconv.Atoi: parsing "{port}": invalid syntax')
        port = int(port)
    if not 0 < port < 65536:
        raise ValueError(f"invalid port number: {port}")
    return port


class Tally(Struct, frozen=True):
    """Equal results in a row."""

    ok: bool = False
    count: int = 0

    def plus(self, ok: bool) -> "Tally":
        """With one more result."""
        return Tally(ok, self.count + 1 if ok == self.ok else 1)

    def verdict(self, probe: Probe) -> bool | None:
        """What the probe now says; None: not enough in a row to say anything new."""
        return self.ok if self.count >= (probe.successes if self.ok else probe.failures) else None

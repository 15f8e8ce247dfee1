"""Handlers of pods' exec, attach and portforward: the checks, and what follows the upgrade.

A client whose WebSocket is refused tries again with SPDY, so a refusal is the same for both. What
an API server refuses is a Status; what it hears from the kubelet it passes on, as text.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

from netemu.api import portforward, remotecommand
from netemu.api.context import Context, Handlers
from netemu.api.duplex import Duplex
from netemu.api.logs import container_of
from netemu.api.paths import Target
from netemu.api.remotespdy import SPDY_PROTOCOLS, SpdyClient
from netemu.api.remotewebsocket import DIALECTS, WebSocketClient
from netemu.api.request import TEXT, Answer, Request, Transport, Upgrade
from netemu.model.errors import BadRequest
from netemu.model.meta import Object, name_of, namespace_of
from netemu.model.streams import ExecOptions, NotRunning, Output

TUNNEL: Final = "SPDY/3.1+portforward.k8s.io"
"""WebSocket messages that carry SPDY's bytes (KEP-4006)."""
_FORWARD: Final = "portforward.k8s.io"
_FORWARD_CHANNELS: Final = ("v4.channel.k8s.io", "v4.base64.channel.k8s.io")


async def exec_(context: Context, target: Target, request: Request) -> Answer | Upgrade:
    """A command beside a container."""
    pod = context.registry.get(target.resource, target.key).obj
    options = _options(pod, request, request.values("command"))
    if not options.command:
        raise BadRequest("you must specify at least one command for the container")
    return _session(context, pod, request, options)


async def attach(context: Context, target: Target, request: Request) -> Answer | Upgrade:
    """A container's own streams."""
    pod = context.registry.get(target.resource, target.key).obj
    return _session(context, pod, request, _options(pod, request, ()))


def _options(pod: Object, request: Request, command: Sequence[str]) -> ExecOptions:
    """Read the query. Raises BadRequest."""
    asked = {output for output in Output if request.flag(output.name.lower())}
    tty = request.flag("tty")
    options = ExecOptions(
        container=container_of(pod, request.query.get("container", "")),
        command=tuple(command),
        stdin=request.flag("stdin"),
        outputs=frozenset(asked - {Output.STDERR} if tty else asked),
        tty=tty,
    )
    if not (options.stdin or options.outputs):
        raise BadRequest("you must specify at least 1 of stdin, stdout, stderr")
    return options


def _session(
    context: Context, pod: Object, request: Request, options: ExecOptions
) -> Answer | Upgrade:
    _require_host(pod)
    transport = _transport(request)
    known = SPDY_PROTOCOLS if transport is Transport.SPDY else tuple(filter(None, DIALECTS))
    protocol = _agreed(request.protocols, known, known[-1] if transport is Transport.SPDY else "")
    try:
        context.streams.require_running(pod, options.container)
    except NotRunning as error:
        return _not_running(str(error), transport, protocol)
    if protocol is None:
        return _no_common(request.protocols, known)
    opened = (context.streams.exec if options.command else context.streams.attach)(pod, options)

    async def run(duplex: Duplex) -> None:
        client: remotecommand.Client
        if transport is Transport.SPDY:
            client = SpdyClient(duplex, protocol, options)
        else:
            client = WebSocketClient(duplex, DIALECTS[protocol])
        await remotecommand.serve(client, opened, options)

    return Upgrade(transport=transport, protocol=protocol, run=run)


async def forward(context: Context, target: Target, request: Request) -> Answer | Upgrade:
    """Connections to a pod's ports."""
    pod = context.registry.get(target.resource, target.key).obj
    _require_host(pod)
    transport = _transport(request)
    connect = partial(context.streams.connect, pod)
    name = f"{namespace_of(pod)}/{name_of(pod)}"
    over_spdy = partial(portforward.over_spdy, connect=connect, pod=name)
    if transport is Transport.SPDY:
        protocol = _agreed(request.protocols, (_FORWARD,), _FORWARD)
        if protocol is None:
            return _no_common(request.protocols, (_FORWARD,))
        return Upgrade(transport=transport, protocol=protocol, run=over_spdy)
    if TUNNEL in request.protocols:
        return Upgrade(transport=transport, protocol=TUNNEL, run=over_spdy)
    protocol = _agreed(request.protocols, _FORWARD_CHANNELS, "")
    if protocol is None:
        return _no_common(request.protocols, _FORWARD_CHANNELS)
    ports = _ports(request)

    async def run(duplex: Duplex) -> None:
        await portforward.over_websocket(duplex, protocol, ports, connect, name)

    return Upgrade(transport=transport, protocol=protocol, run=run)


def _ports(request: Request) -> list[int]:
    given = [text for text in request.values("ports") if text]
    if not given:
        raise BadRequest('query parameter "port" is required')
    try:
        return portforward.ports_from(given)
    except ValueError as error:
        raise BadRequest(f"unable to parse {given} as ports: {error}") from None


def _require_host(pod: Object) -> None:
    if not pod["spec"].get("nodeName"):
        raise BadRequest(f"pod {name_of(pod)} does not have a host assigned")


def _transport(request: Request) -> Transport:
    for transport in Transport:
        if request.upgrade.lower() == transport.lower():
            return transport
    raise BadRequest("Upgrade request required")


def _agreed(offered: Sequence[str], known: Sequence[str], default: str) -> str | None:
    """The first protocol offered that is known; None if there are only others."""
    if not offered:
        return default
    return next((protocol for protocol in offered if protocol in known), None)


def _not_running(why: str, transport: Transport, protocol: str | None) -> Answer | Upgrade:
    """What the kubelet says, as it is; a client of v5 hears it after the API server's upgrade."""
    if transport is Transport.SPDY or protocol is None or not DIALECTS[protocol].closes:
        return Answer(body=why.encode() + b"\n", status=500, content_type=TEXT)

    async def run(duplex: Duplex) -> None:
        status = {"status": "Failure", "message": f"unable to upgrade connection: {why}"}
        await WebSocketClient(duplex, DIALECTS[protocol]).finish(status)

    return Upgrade(transport=transport, protocol=protocol, run=run)


def _no_common(offered: Sequence[str], known: Sequence[str]) -> Answer:
    supports, accepts = " ".join(offered), " ".join(known)
    text = (
        "unable to upgrade: unable to negotiate protocol: "
        f"client supports [{supports}], server accepts [{accepts}]\n"
    )
    headers = [("X-Accepted-Stream-Protocol-Versions", protocol) for protocol in known]
    return Answer(body=text.encode(), status=403, content_type=TEXT, headers=headers)


HANDLERS: Final[Handlers] = {
    (subresource, method): handler
    for subresource, handler in (("exec", exec_), ("attach", attach), ("portforward", forward))
    for method in ("GET", "POST")
}

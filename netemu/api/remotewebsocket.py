"""exec and attach in WebSocket messages: the first byte of each names the channel."""

from base64 import b64decode, b64encode
from binascii import Error as BadBase64
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from netemu.api.duplex import Backlog, Duplex
from netemu.api.remotecommand import RESIZES_LIMIT, STDIN_LIMIT, Size, size_from
from netemu.model.errors import InternalError
from netemu.model.meta import Object
from netemu.model.streams import Output

STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
"""Channels; CLOSE (v5) names another that is finished (KEP-4006)."""


class Dialect(Struct, frozen=True):
    """How a WebSocket subprotocol writes its messages."""

    base64: bool = False
    """Text: a digit and base64."""
    closes: bool = False
    """Channels can be closed one by one (v5), and what the kubelet says is translated."""
    status: bool = True
    """The error channel carries a Status, not just its message."""


DIALECTS: Final[Mapping[str, Dialect]] = {
    "v5.channel.k8s.io": Dialect(closes=True),
    "v4.channel.k8s.io": Dialect(),
    "v4.base64.channel.k8s.io": Dialect(base64=True),
    "channel.k8s.io": Dialect(status=False),
    "base64.channel.k8s.io": Dialect(base64=True, status=False),
    "": Dialect(status=False),
}


class WebSocketClient:
    """A client that names the channel in each message's first byte."""

    def __init__(self, duplex: Duplex, dialect: Dialect) -> None:
        self.stdin: Backlog[bytes] = Backlog(STDIN_LIMIT)
        self.sizes: Backlog[Size] = Backlog(RESIZES_LIMIT)
        self._duplex = duplex
        self._dialect = dialect

    async def run(self) -> None:
        """Sort messages by channel until the client goes."""
        try:
            while (message := await self._duplex.receive()) is not None:
                if message:
                    await self._sort(*unpacked(message, self._dialect))
        finally:
            self.stdin.end()
            self.sizes.end()

    async def _sort(self, channel: int, data: bytes) -> None:
        if channel == STDIN and data:
            await self.stdin.add(data, len(data))
        elif channel == RESIZE:
            size = size_from(data)
            if size is not None:
                await self.sizes.add(size)
        elif channel == CLOSE and self._dialect.closes and data[:1] == bytes([STDIN]):
            self.stdin.end()

    async def ready(self) -> bool:
        """It always is."""
        return True

    async def write(self, output: Output, data: bytes) -> None:
        """Send what the process wrote."""
        await self._send(int(output), data)

    async def finish(self, status: Object) -> None:
        """Send the Status."""
        if self._dialect.closes:
            status = translated(status)
        if self._dialect.status:
            await self._send(ERROR, msgspec.json.encode(status))
        elif status["status"] != "Success":
            await self._send(ERROR, str(status["message"]).encode())

    async def _send(self, channel: int, data: bytes) -> None:
        message, dialect = packed(channel, data, self._dialect), self._dialect
        await self._duplex.send(message, text=dialect.base64)


def translated(status: Object) -> Object:
    """A kubelet's Status in an API server's words: v5 ends there, and goes on to the kubelet as v4
    (k8s.io/apiserver/pkg/util/proxy/streamtranslator.go).
    """
    if status["status"] == "Success":
        return status
    if status.get("reason") != "NonZeroExitCode":
        said = InternalError(str(status["message"])).status()
        return {key: value for key, value in said.items() if key not in ("kind", "apiVersion")}
    code = status["details"]["causes"][0]["message"]
    words = f"command terminated with exit code {code}"
    return {**status, "message": f"command terminated with non-zero exit code: {words}"}


def packed(channel: int, data: bytes, dialect: Dialect) -> bytes:
    """A message."""
    if dialect.base64:
        return str(channel).encode() + b64encode(data)
    return bytes([channel]) + data


def unpacked(message: bytes, dialect: Dialect) -> tuple[int, bytes]:
    """A message's channel and data; what makes no sense is of no channel."""
    if not dialect.base64:
        return message[0], message[1:]
    try:
        return message[0] - ord("0"), b64decode(message[1:])
    except BadBase64:
        return -1, b""

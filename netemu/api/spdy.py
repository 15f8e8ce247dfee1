"""SPDY/3.1 as Kubernetes clients speak it: bytes in, events out; no I/O.

exec and attach of kubectl before 1.30, and port-forward of every kubectl, multiplex their streams
with it, over a bare connection or inside WebSocket messages. What the protocol has beyond that
(priorities, push, settings, flow control) those clients neither use nor heed, so it is passed over
here. (SPDY Protocol Draft 3.1; the other side is github.com/moby/spdystream.)
"""

import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
from typing import Final

from msgspec import Struct

FRAME_LIMIT: Final = 1024 * 1024
"""Bytes of one frame's payload; clients write 32 KiB at a time."""
HEADERS_LIMIT: Final = 64 * 1024
"""Bytes of one stream's headers, unpacked."""

FIN: Final = 1
_CONTROL: Final = 0x8000
_VERSION: Final = 3
_HEAD: Final = struct.Struct(">II")


class Frame(IntEnum):
    """Types of control frames."""

    SYN_STREAM = 1
    SYN_REPLY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PING = 6
    GOAWAY = 7
    HEADERS = 8
    WINDOW_UPDATE = 9


class Reset(IntEnum):
    """Why a stream is reset."""

    PROTOCOL_ERROR = 1
    INVALID_STREAM = 2
    REFUSED_STREAM = 3
    CANCEL = 5


class SpdyError(Exception):
    """The other side doesn't speak SPDY/3.1."""


class Opened(Struct, frozen=True):
    """The other side opens a stream."""

    stream: int
    headers: Mapping[str, str]
    finished: bool
    """It won't send anything on it."""


class Received(Struct, frozen=True):
    """Data of a stream; `finished`: the last of it."""

    stream: int
    data: bytes
    finished: bool


class WasReset(Struct, frozen=True):
    """The other side has given up a stream."""

    stream: int


class Pinged(Struct, frozen=True):
    """The other side wants this frame back."""

    frame: bytes


class GoneAway(Struct, frozen=True):
    """The other side opens no more streams."""


Event = Opened | Received | WasReset | Pinged | GoneAway


class Receiver:
    """Reads one connection's incoming side."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._unpack = zlib.decompressobj(zdict=DICTIONARY)

    def feed(self, data: bytes) -> Iterator[Event]:
        """What whole frames say, in order. Raises SpdyError."""
        self._data += data
        while (frame := self._next()) is not None:
            event = self._event(*frame)
            if event is not None:
                yield event

    def _next(self) -> tuple[int, int, bytes] | None:
        """First word, flags and payload of the next frame that is there whole."""
        if len(self._data) < _HEAD.size:
            return None
        first, second = _HEAD.unpack_from(self._data)
        size = second & 0xFFFFFF
        if size > FRAME_LIMIT:
            raise SpdyError(f"a frame of {size} bytes is too large")
        end = _HEAD.size + size
        if len(self._data) < end:
            return None
        payload = bytes(self._data[_HEAD.size : end])
        del self._data[:end]
        return first, second >> 24, payload

    def _event(self, first: int, flags: int, payload: bytes) -> Event | None:
        if not first >> 31:
            return Received(first, payload, bool(flags & FIN))
        version, kind = first >> 16 & 0x7FFF, first & 0xFFFF
        if version != _VERSION:
            raise SpdyError(f"version {version} is not supported")
        try:
            return self._control(kind, flags, payload)
        except (struct.error, zlib.error, ValueError) as error:
            raise SpdyError(f"frame of type {kind}: {error}") from None

    def _control(self, kind: int, flags: int, payload: bytes) -> Event | None:
        match kind:
            case Frame.SYN_STREAM:
                (stream,) = struct.unpack_from(">I", payload)
                return Opened(stream, self._headers(payload[10:]), bool(flags & FIN))
            case Frame.SYN_REPLY | Frame.HEADERS:
                # Unpacked all the same: the packer's state goes on from one frame to the next.
                self._headers(payload[4:])
                return None
            case Frame.RST_STREAM:
                (stream,) = struct.unpack_from(">I", payload)
                return WasReset(stream)
            case Frame.PING:
                return Pinged(_control(Frame.PING, payload))
            case Frame.GOAWAY:
                return GoneAway()
            case _:
                return None

    def _headers(self, packed: bytes) -> dict[str, str]:
        block = self._unpack.decompress(packed, HEADERS_LIMIT)
        if self._unpack.unconsumed_tail:
            raise SpdyError("headers are too large")
        (count,) = struct.unpack_from(">I", block)
        texts = _texts(block, 4)
        return dict(zip(texts[0 : 2 * count : 2], texts[1 : 2 * count : 2], strict=True))


def _texts(block: bytes, at: int) -> list[str]:
    found = []
    while at < len(block):
        (size,) = struct.unpack_from(">I", block, at)
        found.append(block[at + 4 : at + 4 + size].decode())
        at += 4 + size
    return found


class Sender:
    """Writes one connection's outgoing side."""

    def __init__(self) -> None:
        self._packer = zlib.compressobj(zdict=DICTIONARY)

    def opened(self, stream: int, headers: Mapping[str, str], *, finished: bool = False) -> bytes:
        """Open a stream."""
        payload = struct.pack(">IIH", stream, 0, 0) + self._packed(headers)
        return _control(Frame.SYN_STREAM, payload, FIN if finished else 0)

    def accepted(self, stream: int) -> bytes:
        """Take a stream that the other side opened."""
        return _control(Frame.SYN_REPLY, struct.pack(">I", stream) + self._packed({}))

    def _packed(self, headers: Mapping[str, str]) -> bytes:
        texts = [text for pair in headers.items() for text in pair]
        block = struct.pack(">I", len(headers)) + _block(texts)
        return self._packer.compress(block) + self._packer.flush(zlib.Z_SYNC_FLUSH)


def data(stream: int, content: bytes, *, finished: bool = False) -> bytes:
    """Send data on a stream; `finished`: nothing follows."""
    return _HEAD.pack(stream, (FIN if finished else 0) << 24 | len(content)) + content


def reset(stream: int, why: Reset) -> bytes:
    """Give up a stream."""
    return _control(Frame.RST_STREAM, struct.pack(">II", stream, why))


def ping(number: int) -> bytes:
    """Ask for this frame back."""
    return _control(Frame.PING, struct.pack(">I", number))


def going_away(last: int) -> bytes:
    """Take no more streams; `last` is the newest that was taken."""
    return _control(Frame.GOAWAY, struct.pack(">II", last, 0))


def _control(kind: Frame, payload: bytes, flags: int = 0) -> bytes:
    return _HEAD.pack((_CONTROL | _VERSION) << 16 | kind, flags << 24 | len(payload)) + payload


def _block(texts: Iterable[str]) -> bytes:
    return b"".join(struct.pack(">I", len(raw)) + raw for raw in (t.encode() for t in texts))


_NAMES: Final = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language "
    "accept-ranges age allow authorization cache-control connection content-base "
    "content-encoding content-language content-length content-location content-md5 "
    "content-range content-type date etag expect expires from host if-match if-modified-since "
    "if-none-match if-range if-unmodified-since last-modified location max-forwards pragma "
    "proxy-authenticate proxy-authorization range referer retry-after server te trailer "
    "transfer-encoding upgrade user-agent vary via warning www-authenticate method get "
    "status"
)
DICTIONARY: Final = (
    _block(_NAMES.split())
    + _block(["200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive"])
    + _block(["origin"])
    + b"100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    b"203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 "
    b"Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 "
    b"Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, "
    b"Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,"
    b"application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,"
    b"sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)
"""What headers are packed against (draft 3, 2.6.10.1)."""

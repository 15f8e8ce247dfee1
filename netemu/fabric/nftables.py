"""Tells the kernel's nftables what `netemu.model.nft` says, straight by netlink.

No program and no library: the library there is takes 155 ms and 24 MB to import, and knows less.
Commands go in batches; the kernel does a batch whole or not at all.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterable, Iterator
from typing import Final

from netemu.fabric import nft_encoding
from netemu.model import nft
from netemu.model.nft import Command, Member

BATCH_BYTES: Final = 96 * 1024
"""Of one batch: it must fit an ordinary user's send buffer (net.core.wmem_default, 208 KiB)."""
RECEIVE_BYTES: Final = 1024 * 1024

_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_FAMILY = struct.Struct("!BBH")  # family, version, resource
_REQUEST, _DUMP = 0x1, 0x300
_ERROR, _DONE, _BATCH_BEGIN, _BATCH_END = 2, 3, 16, 17
_NETLINK_NETFILTER = 12  # <linux/netlink.h>
_NFTABLES, _GETSETELEM = 10, 13


class NftError(OSError):
    """The kernel refused a batch; the text names the command."""


class Nftables:
    """One table of rules, for one IP version, in the network of the thread that makes this."""

    def __init__(self, table: str, version: int = 4) -> None:
        """Raises OSError when there is no nftables here."""
        self._table = table
        self._family = nft.FAMILIES[version]
        kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
        self._socket = socket.socket(socket.AF_NETLINK, kind, _NETLINK_NETFILTER)
        self._socket.bind((0, 0))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        self._sequence = 0

    def close(self) -> None:
        """Stop talking to the kernel; the rules stay."""
        self._socket.close()

    def apply(self, commands: Iterable[Command]) -> None:
        """Do all of it: what fits one batch at once, or nothing of it. Raises NftError."""
        messages: list[bytes] = []
        what: dict[int, Command] = {}
        size = 0
        for command in commands:
            for kind, flags, body in nft_encoding.messages(self._table, command):
                message = self._message(_NFTABLES << 8 | kind, flags, self._family, 0, body)
                if size + len(message) > BATCH_BYTES:
                    self._send(messages, what)
                    messages, what, size = [], {}, 0
                messages.append(message)
                what[self._sequence] = command
                size += len(message)
        if messages:
            self._send(messages, what)

    def members(self, set: str) -> list[Member]:
        """What a set holds. Raises OSError."""
        body = nft_encoding.attribute(1, nft_encoding.text(self._table))
        body += nft_encoding.attribute(2, nft_encoding.text(set))
        kind = _NFTABLES << 8 | _GETSETELEM
        self._socket.send(self._message(kind, _DUMP, self._family, 0, body))
        asked = self._sequence
        found: list[Member] = []
        while True:
            for kind, sequence, body in _messages(self._socket.recv(RECEIVE_BYTES)):
                if sequence != asked:
                    continue
                if kind in (_ERROR, _DONE):
                    _raise(body, None)
                    return found
                found += nft_encoding.members(body[_FAMILY.size :])

    def _message(self, kind: int, flags: int, family: int, resource: int, body: bytes) -> bytes:
        self._sequence += 1
        length = _HEADER.size + _FAMILY.size + len(body)
        header = _HEADER.pack(length, kind, _REQUEST | flags, self._sequence, 0)
        return header + _FAMILY.pack(family, 0, resource) + body

    def _send(self, messages: list[bytes], what: dict[int, Command]) -> None:
        begin = self._message(_BATCH_BEGIN, 0, 0, _NFTABLES, b"")
        end = self._message(_BATCH_END, 0, 0, _NFTABLES, b"")
        self._socket.send(b"".join((begin, *messages, end)))
        # The kernel has done it, or not, by now; only failures are answered.
        failure: tuple[bytes, Command | None] | None = None
        while (answer := self._pending()) is not None:
            for kind, sequence, body in _messages(answer):
                if kind == _ERROR and failure is None:
                    failure = body, what.get(sequence)
        if failure is not None:
            _raise(*failure)

    def _pending(self) -> bytes | None:
        try:
            return self._socket.recv(RECEIVE_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None


def _raise(body: bytes, command: Command | None) -> None:
    """Raise what an error message says, if it says something."""
    (code,) = struct.unpack_from("=i", body)
    if code:
        what = type(command).__name__ if command is not None else "nftables"
        subject = getattr(command, "name", None) or getattr(command, "set", None)
        subject = subject or getattr(command, "chain", "")
        raise NftError(-code, f"{os.strerror(-code)} ({what} {subject})".rstrip())


def _messages(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    start = 0
    while start + _HEADER.size <= len(data):
        length, kind, _, sequence, _ = _HEADER.unpack_from(data, start)
        yield kind, sequence, data[start + _HEADER.size : start + length]
        start += max(length + -length % 4, _HEADER.size)


def available() -> str | None:
    """Why there is no nftables in the network of this thread; None when there is."""
    try:
        rules = Nftables("netemu-trial")
    except OSError as error:
        return error.strerror or str(error)
    try:
        rules.apply([nft.AddTable(), nft.DeleteTable()])
    except OSError as error:
        if error.errno == errno.EPERM:
            return "no rights over this network"
        return error.strerror or str(error)
    finally:
        rules.close()
    return None

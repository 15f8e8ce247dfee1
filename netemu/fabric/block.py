"""Claims an instance's own part of the host's loopback, 127.B.0.0/16.

The claim is a socket bound to a fixed address and port inside the block. The kernel lets nobody
else bind it, whoever they are, and frees it however the daemon ends: no file to lock or clean up.
"""

import errno
import socket
import zlib
from collections.abc import Iterator

from msgspec import Struct

FIRST, LAST = 64, 254
"""Blocks to choose from: 127.0 to 127.63 are left to the host (127.0.0.1, 127.0.0.53, ...)."""

CLAIM_PORT = 61127
"""Above Linux' range of ephemeral ports (32768-60999), so no client happens to sit on it."""


class NoBlockError(OSError):
    """Every block is taken, or something else listens on the claim's port on all addresses."""


class Block(Struct, frozen=True):
    """A claimed 127.B.0.0/16; ours until `release` or the end of the process."""

    number: int
    claim: socket.socket

    def release(self) -> None:
        """Let others have it."""
        self.claim.close()


def candidates(name: str) -> Iterator[int]:
    """Every block, from the one an instance of that name prefers, so it mostly gets the same."""
    count = LAST - FIRST + 1
    start = zlib.crc32(name.encode())
    return (FIRST + (start + step) % count for step in range(count))


def claim(name: str) -> Block:
    """Claim a free block in the network of the calling thread. Raises NoBlockError."""
    for number in candidates(name):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.bind((f"127.{number}.255.254", CLAIM_PORT))
        except OSError as error:
            sock.close()
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            return Block(number, sock)
    message = f"no free block of loopback addresses: UDP port {CLAIM_PORT} is taken in all of them"
    raise NoBlockError(errno.EADDRINUSE, message)

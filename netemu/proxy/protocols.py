"""Transports by their numbers (RFC 5237's registry)."""

import socket
from typing import Final

from netemu.model.service import Protocol

NUMBERS: Final = {
    Protocol.TCP: socket.IPPROTO_TCP,
    Protocol.UDP: socket.IPPROTO_UDP,
    Protocol.SCTP: socket.IPPROTO_SCTP,
}

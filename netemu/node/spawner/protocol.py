"""What the daemon and the spawner say to each other, and how it travels.

One message is one packet of a SOCK_SEQPACKET socket pair, with file descriptors attached where it
needs them. What is too large for a packet goes into an anonymous file and the descriptor of that
comes first. Requests have numbers; each gets exactly one answer with the same number.
"""

import array
import os
import socket
from collections.abc import Sequence

import msgspec

from netemu.node.runtime import Security

PACKET_LIMIT = 8 * 1024
"""Bytes of a message sent as a packet. Many of them fit the kernel's socket buffer (about 200 KiB),
so a sender practically never waits."""

MESSAGE_LIMIT = 16 * 1024 * 1024
"""Bytes of any message; the kernel refuses to start programs with arguments of more than 6 MiB."""

DESCRIPTOR_LIMIT = 16
"""File descriptors of one message."""

SEND_SECONDS = 5.0
"""Longest wait for the other side to take a message."""

_INLINE, _FILE = b"i", b"f"


class MessageTooLargeError(ValueError):
    """A message is larger than MESSAGE_LIMIT."""


class Ranges(msgspec.Struct, frozen=True, array_like=True):
    """The ranges of one address family."""

    services: str
    pods: str
    nodes: str
    load_balancers: tuple[str, str]


class SetUp(msgspec.Struct, frozen=True, tag=True):
    """Make the cluster namespace. Answered by Failed, or by Ready with descriptors: of it, and of
    the folder in which terminals are made, if there is one.
    """

    uplink: bool
    block: int
    ranges: list[Ranges]
    """The primary family's first."""


class Mount(msgspec.Struct, frozen=True, array_like=True):
    """What a container sees at `target`."""

    source: str
    target: str
    read_only: bool


class CreateSandbox(msgspec.Struct, frozen=True, tag=True):
    """Make a sandbox. Answered by Done or Failed."""

    request: int
    id: str
    hostname: str
    address: str
    node_address: str
    files: dict[str, str]
    memory: list[tuple[str, int]] = []
    """Folders to cover with memory, and how many bytes of it."""
    secondary: tuple[str, str] | None = None
    """An address of the other family, and the node's."""


class RemoveSandbox(msgspec.Struct, frozen=True, tag=True):
    """End a sandbox's processes and remove it. Answered by Done when it has happened, or Failed."""

    request: int
    id: str


class Start(msgspec.Struct, frozen=True, tag=True):
    """Start a process; descriptors: those of stdin, stdout and stderr that are given.

    Answered by Started with a pidfd, or NotStarted. The request's number is the process' from then
    on.
    """

    request: int
    sandbox: str
    argv: list[str]
    env: dict[str, str]
    cwd: str
    stdio: tuple[bool, bool, bool]
    join: int | None
    """The number of the process beside which to run, in its namespaces."""
    mounts: list[Mount] = []
    security: Security = Security()


class Describe(msgspec.Struct, frozen=True, tag=True):
    """Tell which descriptors of the spawner stand for a sandbox's namespaces: Description."""

    request: int
    id: str


class Cut(msgspec.Struct, frozen=True, tag=True):
    """Cut a node and its pods off from all others, or undo it. Answered by Done or Failed."""

    request: int
    pods: str
    node: str
    off: bool


class Reach(msgspec.Struct, frozen=True, tag=True):
    """Make an address outside the instance's ranges end in the cluster, or no longer.

    Answered by Reached or Failed.
    """

    request: int
    network: str
    wanted: bool


class Stop(msgspec.Struct, frozen=True, tag=True):
    """End everything, and then the spawner itself. Not answered."""


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The cluster namespace exists."""

    uplinks: list[str]
    """The address families in which the host reaches it."""
    note: str


class Done(msgspec.Struct, frozen=True, tag=True):
    """It has happened."""

    request: int


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The system refused: an OSError."""

    request: int
    number: int
    text: str


class Started(msgspec.Struct, frozen=True, tag=True):
    """The process runs."""

    request: int


class NotStarted(msgspec.Struct, frozen=True, tag=True):
    """The process could not be started: a StartError."""

    request: int
    code: int
    text: str


class Description(msgspec.Struct, frozen=True, tag=True):
    """A sandbox's namespaces: kind ("net", "mnt", ...) to the spawner's descriptor."""

    request: int
    handles: dict[str, int]


class Reached(msgspec.Struct, frozen=True, tag=True):
    """It ends in the cluster (or no longer)."""

    request: int
    note: str
    """Why the host doesn't reach it; "" if it does."""


class Ended(msgspec.Struct, frozen=True, tag=True):
    """A process has ended; sent once for every process that was started, unasked."""

    process: int
    code: int
    signal: int


Ask = CreateSandbox | RemoveSandbox | Start | Describe | Cut | Reach
Request = SetUp | Ask | Stop
Answer = Done | Failed | Started | NotStarted | Description | Reached
Event = Ready | Answer | Ended

decode_request = msgspec.msgpack.Decoder(Request).decode
decode_event = msgspec.msgpack.Decoder(Event).decode
_encode = msgspec.msgpack.Encoder().encode


def send(channel: socket.socket, message: Request | Event, fds: Sequence[int] = ()) -> None:
    """Send one message, with copies of descriptors. Raises OSError and MessageTooLargeError."""
    payload = _encode(message)
    if len(payload) <= PACKET_LIMIT:
        socket.send_fds(channel, [_INLINE, payload], list(fds))
        return
    if len(payload) > MESSAGE_LIMIT:
        raise MessageTooLargeError(f"{len(payload)} bytes are too many for one message")
    file = os.memfd_create("message", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(file), "wb") as out:
            out.write(payload)
        socket.send_fds(channel, [_FILE], [file, *fds])
    finally:
        os.close(file)


def receive(channel: socket.socket) -> tuple[bytes, list[int]] | None:
    """Receive one message, still encoded, with its descriptors; None: the other side is gone.

    Raises OSError, among them BlockingIOError.
    """
    try:
        packet, fds = _receive_packet(channel)
    except ConnectionResetError:
        return None
    if not packet:
        return None
    if packet[:1] == _INLINE:
        return packet[1:], fds
    with os.fdopen(fds[0], "rb") as file:
        file.seek(0)
        return file.read(MESSAGE_LIMIT), fds[1:]


def _receive_packet(channel: socket.socket) -> tuple[bytes, list[int]]:
    # Not socket.recv_fds: it forgets its flags, and no program may inherit these descriptors.
    fds = array.array("i")
    room = socket.CMSG_LEN(DESCRIPTOR_LIMIT * fds.itemsize)
    packet, ancillary, _, _ = channel.recvmsg(PACKET_LIMIT + 1, room, socket.MSG_CMSG_CLOEXEC)
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    return packet, list(fds)

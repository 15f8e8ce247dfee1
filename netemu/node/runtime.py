"""What the node agent asks of whoever runs processes: sandboxes (one a pod) and processes in them.

The spawner implements `Runtime`; the agent decides, the runtime does.
"""

import socket
from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from netemu.model.addressing import IpNetwork


class MountSpec(Struct, frozen=True, kw_only=True):
    """A file or folder of the host that a container sees somewhere else."""

    source: str
    """If it isn't there yet, it is made, a folder."""
    target: str
    """A missing mount point is made in the container's own view, never on the host's disk."""
    read_only: bool = False


class MemorySpec(Struct, frozen=True):
    """A folder that a pod's containers share in memory."""

    path: str
    """An existing folder; in the pod's view it is covered."""
    size: int
    """Bytes that fit; 0: half of the machine's memory."""


class SandboxSpec(Struct, frozen=True, kw_only=True):
    """A pod's own network, hostname and files."""

    id: str
    """The pod's uid."""
    hostname: str
    address: str
    """The pod's address; "" for hostNetwork pods, which live in the cluster namespace."""
    node_address: str
    """The node's; the source address of traffic from the node to the pod."""
    files: Mapping[str, str]
    """Files that differ from the host's, whole: /etc/hosts, /etc/resolv.conf, /etc/hostname."""
    memory: Sequence[MemorySpec] = ()
    secondary: tuple[str, str] | None = None
    """With dual stack: the pod's address of the other family, and the node's."""


class Security(Struct, frozen=True, kw_only=True, array_like=True):
    """As whom a process runs. What this machine doesn't allow (no root, or a user namespace that
    knows only one user) is left as it is.
    """

    user: int | None = None
    """None: as the daemon."""
    group: int | None = None
    groups: tuple[int, ...] = ()
    """More groups."""
    no_new_privileges: bool = False
    read_only_root: bool = False
    """Whether it may write to its volumes only."""


class ProcessSpec(Struct, frozen=True, kw_only=True):
    """A process to start in a sandbox."""

    sandbox: str
    argv: Sequence[str]
    """argv[0] is looked up in PATH of `env` if it has no slash."""
    env: Mapping[str, str]
    """The whole environment."""
    cwd: str = "/"
    stdin: int | None = None
    """A file descriptor for the process (the caller closes its own copy), None: /dev/null."""
    stdout: int | None = None
    stderr: int | None = None
    join: int | None = None
    """Pid of a container's first process: run beside it, in its namespaces (exec)."""
    mounts: Sequence[MountSpec] = ()
    """What its view of the file system has besides the sandbox's; nothing in loopback mode."""
    security: Security = Security()


class Exited(Struct, frozen=True):
    """How a process ended."""

    code: int
    """Exit code; 128 + signal when a signal ended it."""
    signal: int = 0


class StartError(Exception):
    """The process could not be started; the text is what a container runtime would say."""

    def __init__(self, message: str, code: int = 128) -> None:
        super().__init__(message)
        self.code = code
        """127: not found, 126: may not be executed, 128: anything else."""


class Process(Protocol):
    """A process that was started."""

    @property
    def pid(self) -> int:
        """Its process id as the host sees it."""

    async def wait(self) -> Exited:
        """Wait for its end; may be called more than once."""

    def signal(self, number: int) -> None:
        """Send a signal; nothing happens if it has ended."""


class Runtime(Protocol):
    """Runs sandboxes and processes."""

    @property
    def isolated(self) -> bool:
        """False in loopback mode: no namespaces; pods are told their address (POD_IP, HOST)."""

    def terminal(self) -> tuple[int, int]:
        """A terminal whose name processes in sandboxes know: our end and theirs. Raises OSError."""

    async def create_sandbox(self, spec: SandboxSpec) -> None:
        """Make a pod's sandbox. Raises OSError."""

    async def remove_sandbox(self, id: str) -> None:
        """End all its processes (SIGKILL) and remove it; nothing happens if it isn't there."""

    async def cut(self, pods: IpNetwork, node: str, off: bool) -> None:
        """Cut a node and its range of pods off from all others, or undo it. Raises OSError."""

    async def start(self, spec: ProcessSpec) -> Process:
        """Start a process. Raises StartError."""

    async def tcp_socket(self, sandbox: str, family: socket.AddressFamily) -> socket.socket:
        """An unconnected, non-blocking TCP socket in a sandbox's own network, if it has one.

        Raises OSError.
        """

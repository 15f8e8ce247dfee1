"""Packet rules as values: what the proxy asks of nftables, in the kernel's own terms.

Whoever decides on rules writes these; whoever talks to the kernel encodes them (nft(8) has the
language these are the parts of). Registers are the kernel's 32-bit ones, numbered from 0: longer
values fill several in a row, each part padded to four bytes.
"""

import socket
from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum, StrEnum
from typing import Final, NamedTuple, Protocol, TypeAlias

from msgspec import Struct

TRANSPARENT_MARK: Final = 0x8000_0000
"""The bit of a packet's mark that makes the cluster's network keep it, whatever its address: a
transparent socket waits for it."""


Address: TypeAlias = tuple[str, int]


class Verdict(IntEnum):
    """What happens to a packet next (<linux/netfilter/nf_tables.h>)."""

    DROP = 0
    ACCEPT = 1
    JUMP = -3
    GOTO = -4
    RETURN = -5


class Go(Struct, frozen=True):
    """A verdict, and the chain it leads to if it leads to one."""

    verdict: Verdict
    chain: str = ""


class Kind(IntEnum):
    """Types of values: nft's own numbers, so that it shows them readably."""

    VERDICT = 0xFFFFFF00
    ADDRESS = 7
    ADDRESS6 = 8
    PROTOCOL = 12
    PORT = 13
    MARK = 19


WIDTHS: dict[Kind, int] = {
    Kind.ADDRESS: 4,
    Kind.ADDRESS6: 16,
    Kind.PROTOCOL: 1,
    Kind.PORT: 2,
    Kind.MARK: 4,
}
"""Bytes of a value."""


class Load(StrEnum):
    """What can be read of a packet into a register."""

    SOURCE = "ip saddr"
    DESTINATION = "ip daddr"
    SOURCE6 = "ip6 saddr"
    DESTINATION6 = "ip6 daddr"
    SOURCE_PORT = "th sport"
    DESTINATION_PORT = "th dport"
    TCP_FLAGS = "tcp flags"
    PROTOCOL = "meta l4proto"
    MARK = "meta mark"
    STATE = "ct state"
    STATUS = "ct status"
    TRANSPARENT = "socket transparent"
    INPUT = "meta iif"
    OUTPUT = "meta oif"


class Stack(Struct, frozen=True):
    """What rules of one IP version are made of; a table has rules of one."""

    version: int
    address: Kind
    words: int
    """Registers that an address fills."""
    source: Load
    destination: Load

    def packed(self, address: str) -> bytes:
        """An address as packets have it."""
        return socket.inet_pton(FAMILIES[self.version], address)


FAMILIES: Final = {4: socket.AF_INET, 6: socket.AF_INET6}
IPV4: Final = Stack(4, Kind.ADDRESS, 1, Load.SOURCE, Load.DESTINATION)
IPV6: Final = Stack(6, Kind.ADDRESS6, 4, Load.SOURCE6, Load.DESTINATION6)


class Read(Struct, frozen=True):
    """Read something into a register."""

    what: Load
    register: int = 0


class Value(Struct, frozen=True):
    """Put a constant into a register."""

    value: bytes
    register: int = 0


class Masked(Struct, frozen=True):
    """Keep of a register the bits of a mask."""

    mask: bytes
    register: int = 0


class Equal(Struct, frozen=True):
    """Go on with the rule if a register has a value; or if it has not."""

    value: bytes
    register: int = 0
    negated: bool = False


class Random(Struct, frozen=True):
    """A random number below `modulus` (numgen); the machine's byte order."""

    modulus: int
    register: int = 0


class Find(Struct, frozen=True):
    """Go on if a set has the value of a register; a map also gives what belongs to it."""

    set: str
    register: int = 0
    into: int | None = None
    """The register for what a map gives."""
    decides: bool = False
    """The map gives the verdict."""
    negated: bool = False


class Remember(Struct, frozen=True):
    """Put the value of a register into a set, or renew it there, for a time."""

    set: str
    register: int
    data: int | None
    """The register of what belongs to it, for a map."""
    seconds: int


class Translate(Struct, frozen=True):
    """Network address translation to what registers hold; of destinations or of sources."""

    address: int
    port: int | None = None
    source: bool = False
    version: int = 4


class Redirect(Struct, frozen=True):
    """Hand the packet to a transparent socket (tproxy) at the address and port in registers."""

    address: int
    port: int
    version: int = 4


class SetMark(Struct, frozen=True):
    """The packet's mark becomes what a register holds."""

    register: int = 0


class Refuse(Struct, frozen=True):
    """Answer with a TCP reset, or else with ICMP "port unreachable"."""

    reset: bool
    host: bool = False
    """It is the host that is unreachable, not just the port."""
    version: int = 4


Expression: TypeAlias = (
    Read
    | Value
    | Masked
    | Equal
    | Random
    | Find
    | Remember
    | Translate
    | Redirect
    | SetMark
    | Refuse
    | Go
)


class Hook(Struct, frozen=True):
    """Where the kernel calls a chain: "filter", "nat" or "route", the hook, the order."""

    kind: str
    place: str
    priority: int


class Element(NamedTuple):
    """A member of a set; in a map, with what belongs to it."""

    key: bytes
    data: bytes | Go | None = None
    last: bytes | None = None
    """For ranges: the key is the first, this the last."""


class AddChain(Struct, frozen=True):
    """Make a chain, unless it is there."""

    name: str
    hook: Hook | None = None


class AddSet(Struct, frozen=True):
    """Make a set; a map if `data` says of what."""

    name: str
    key: tuple[Kind, ...]
    data: tuple[Kind, ...] = ()
    ranges: bool = False
    expiring: bool = False
    """Members have a time after which they go; rules add them."""


class AddRule(Struct, frozen=True):
    """Append a rule to a chain."""

    chain: str
    expressions: tuple[Expression, ...]


class ClearChain(Struct, frozen=True):
    """Remove every rule of a chain."""

    name: str


class ClearSet(Struct, frozen=True):
    """Take every member out of a set."""

    name: str


class AddElements(Struct, frozen=True):
    """Put members into a set."""

    set: str
    elements: Sequence[Element]


class DeleteElements(Struct, frozen=True):
    """Take members out of a set. They must be there."""

    set: str
    elements: Sequence[Element]


class AddTable(Struct, frozen=True):
    """Make the table."""


class DeleteTable(Struct, frozen=True):
    """Remove the table with all that is in it."""


Command: TypeAlias = (
    AddTable
    | DeleteTable
    | AddChain
    | ClearChain
    | AddRule
    | AddSet
    | ClearSet
    | AddElements
    | DeleteElements
)


class Member(Struct, frozen=True):
    """A member of a set that exists."""

    key: bytes
    data: bytes
    seconds_left: float | None = None
    """Until it goes by itself."""


class Tracked(NamedTuple):
    """A connection or flow that the kernel keeps track of."""

    protocol: int
    client: Address
    front: Address
    """What the client addressed."""
    back: Address
    """Who answers."""
    since: float | None
    """When it began, in seconds since the epoch; None if the kernel doesn't note it."""
    received: int
    """Bytes from the client with their headers, 0 if the kernel doesn't count them."""
    sent: int


class Rules(Protocol):
    """A table of packet rules in one network namespace."""

    def apply(self, commands: Iterable[Command]) -> None:
        """Do all of it: what fits one message at once, or nothing of it. Raises OSError."""

    def members(self, set: str) -> list[Member]:
        """What a set holds. Raises OSError."""

    def close(self) -> None:
        """Stop talking to the kernel; the rules stay."""


class Interception(Protocol):
    """The means to serve addresses that nothing is bound to, and to speak in a client's name."""

    @property
    def stack(self) -> Stack:
        """The IP version it is for."""

    @property
    def rules(self) -> Rules:
        """The table."""

    def listen(self) -> socket.socket:
        """A listening socket to which rules may redirect what is for others. Raises OSError."""

    def account(self) -> None:
        """Have connections counted and timed from now on, where the kernel lets one."""

    def tracked(self) -> Sequence[Tracked]:
        """The connections that are open, and flows. Raises OSError."""

    def forget(self, unwanted: Callable[[Address, Address], bool]) -> None:
        """Forget UDP flows by what their client addressed and who answers it. Raises OSError."""

    def cut(self, unwanted: Callable[[Address, Address], bool]) -> None:
        """Forget TCP connections by their client and what it addressed, so that it is told when it
        next says something. Raises OSError.
        """

    def close(self) -> None:
        """Take the rules away."""

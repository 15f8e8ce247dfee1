"""``rewrite edns0``: options of a query's OPT record, as other servers are told them (RFC 6891).

The cluster's own answers don't depend on them. As with CoreDNS the reply repeats the local options
that rules have made, unless a rule says ``revert``.
"""

from enum import StrEnum
from ipaddress import ip_address, ip_network
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from netemu.dns.answer import Answer
from netemu.dns.outcome import Around
from netemu.dns.records import EdnsOption, Question, text_of
from netemu.dns.renaming import Mend

NSID, SUBNET = 3, 8
"""Codes of options (RFC 5001, RFC 7871)."""
FAMILIES = {4: 1, 6: 2}
"""How an option tells the family of an address."""


class Action(StrEnum):
    """What becomes of the option."""

    SET = "set"
    APPEND = "append"
    """Only if there is none."""
    REPLACE = "replace"
    """Only if there is one."""
    UNSET = "unset"


class Text(Struct, frozen=True):
    """Data as it was written."""

    octets: bytes

    def data(self, _: Question, __: Around) -> bytes:
        """The data of the option."""
        return self.octets


class Variable(Struct, frozen=True):
    """Data that depends on the query."""

    name: str

    def data(self, question: Question, around: Around) -> bytes:
        """The data of the option."""
        match self.name:
            case "qname":
                return text_of(question.name).encode("latin-1")
            case "qtype":
                return question.type.to_bytes(2, "big")
            case "client_ip":
                return ip_address(around.client).packed if around.client else b""
            case "client_port":
                return around.port.to_bytes(2, "big")
            case "protocol":
                return around.protocol.encode()
            case "server_ip":
                return ip_address(around.server).packed if around.server else b""
            case _:
                return around.server_port.to_bytes(2, "big")


VARIABLES = (
    *("qname", "qtype", "client_ip", "client_port", "protocol", "server_ip", "server_port"),
)


class Subnet(Struct, frozen=True):
    """The network of the client, as an option of its own (RFC 7871)."""

    ipv4: int
    ipv6: int
    """Bits of it that are told."""

    def data(self, _: Question, around: Around) -> bytes:
        """The data of the option."""
        if not around.client:
            return b""
        address = ip_address(around.client)
        bits = self.ipv4 if address.version == 4 else self.ipv6
        network = ip_network((address, bits), strict=False)
        head = FAMILIES[address.version].to_bytes(2, "big") + bytes([bits, 0])
        return head + network.network_address.packed[: -(-bits // 8)]


Source: TypeAlias = Text | Variable | Subnet


class RewriteOption(Struct, frozen=True, kw_only=True):
    """One rule."""

    code: int
    action: Action
    source: Source = Text(b"")
    revert: bool = False
    told: bool = True
    """Whether replies repeat the option."""
    last: bool = True

    def rewritten(self, question: Question, around: Around) -> tuple[Question, Mend] | None:
        """The question with other options, and how its answer is told; None if nothing changes."""
        have = next((option for option in question.options if option[0] == self.code), None)
        others = tuple(option for option in question.options if option[0] != self.code)
        if self.action is Action.UNSET:
            return replace(question, options=others), _same
        if self.action is (Action.REPLACE if have is None else Action.APPEND):
            return None
        made = self.code, self.source.data(question, around)
        changed = replace(question, options=(*others, made))
        return changed, (lambda answer: self._mended(answer, have, made)) if self.told else _same

    def _mended(self, answer: Answer, have: EdnsOption | None, made: EdnsOption) -> Answer:
        """Undone after the rules behind it: what those made stays, unless this one is reverted."""
        others = tuple(option for option in answer.options if option[0] != self.code)
        told = have if self.revert else made
        if not self.revert and others != answer.options:
            return answer
        return replace(answer, options=(*others, told) if told else others, shared=False)


def _same(answer: Answer) -> Answer:
    return answer

"""Encodes rules for the kernel: the attributes of netlink's nftables messages.

The numbers are those of <linux/netfilter/nf_tables.h>; `nft list ruleset` shows what came of them.
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from netemu.model import nft
from netemu.model.nft import Command, Element, Expression, Go, Kind, Load, Member

Messages = Iterator[tuple[int, int, bytes]]

ELEMENTS_AT_ONCE: Final = 400
"""Members in one message: attributes hold up to 64 KiB."""

_ATTRIBUTE = struct.Struct("=HH")
_CREATE, _APPEND = 0x400, 0x800
_NESTED, _TYPE_MASK = 0x8000, 0x3FFF
_NEWTABLE, _DELTABLE, _NEWCHAIN, _NEWRULE, _DELRULE = 0, 2, 3, 6, 8
_NEWSET, _NEWSETELEM, _DELSETELEM = 9, 12, 14
_INTERVAL, _MAP, _TIMEOUT, _EVAL = 4, 8, 16, 32
_INTERVAL_END = 1
_FIRST_REGISTER = 8  # NFT_REG32_00
_VERDICT_REGISTER = 0

HOOKS: Final = {"prerouting": 0, "input": 1, "forward": 2, "output": 3, "postrouting": 4}
_PAYLOADS: Final = {
    Load.SOURCE: (1, 12, 4),
    Load.DESTINATION: (1, 16, 4),
    Load.SOURCE6: (1, 8, 16),
    Load.DESTINATION6: (1, 24, 16),
    Load.SOURCE_PORT: (2, 0, 2),
    Load.DESTINATION_PORT: (2, 2, 2),
    Load.TCP_FLAGS: (2, 13, 1),
}
_METAS: Final = {Load.MARK: 3, Load.INPUT: 4, Load.OUTPUT: 5, Load.PROTOCOL: 16}
_TRACKED: Final = {Load.STATE: 0, Load.STATUS: 2}


def messages(table: str, command: Command) -> Iterator[tuple[int, int, bytes]]:
    """Message type, flags and body of what does a command."""
    head = attribute(1, text(table))
    encode = _COMMANDS[type(command)]
    for kind, flags, body in encode(command):
        yield kind, flags, head + body


def _new_table(_command: nft.AddTable) -> Messages:
    yield _NEWTABLE, _CREATE, b""


def _no_table(_command: nft.DeleteTable) -> Messages:
    yield _DELTABLE, 0, b""


def _new_chain(command: nft.AddChain) -> Messages:
    yield _NEWCHAIN, _CREATE, _chain(command)


def _no_rules(command: nft.ClearChain) -> Messages:
    yield _DELRULE, 0, attribute(2, text(command.name))


def _new_rule(command: nft.AddRule) -> Messages:
    listed = b"".join(attribute(1 | _NESTED, _expression(e)) for e in command.expressions)
    body = attribute(2, text(command.chain)) + attribute(4 | _NESTED, listed)
    yield _NEWRULE, _CREATE | _APPEND, body


def _new_set(command: nft.AddSet) -> Messages:
    yield _NEWSET, _CREATE, _set(command)


def _empty_set(command: nft.ClearSet) -> Messages:
    yield _DELSETELEM, 0, attribute(2, text(command.name))


def _new_members(command: nft.AddElements) -> Messages:
    for body in _elements(command.set, command.elements):
        yield _NEWSETELEM, _CREATE, body


def _no_members(command: nft.DeleteElements) -> Messages:
    for body in _elements(command.set, command.elements):
        yield _DELSETELEM, 0, body


_COMMANDS: Final[dict[type, Callable[[Any], "Messages"]]] = {
    nft.AddTable: _new_table,
    nft.DeleteTable: _no_table,
    nft.AddChain: _new_chain,
    nft.ClearChain: _no_rules,
    nft.AddRule: _new_rule,
    nft.AddSet: _new_set,
    nft.ClearSet: _empty_set,
    nft.AddElements: _new_members,
    nft.DeleteElements: _no_members,
}


def _elements(name: str, elements: Sequence[Element]) -> Iterator[bytes]:
    left = iter(elements)
    while part := b"".join(map(_element, islice(left, ELEMENTS_AT_ONCE))):
        yield attribute(2, text(name)) + attribute(3 | _NESTED, part)


def _chain(chain: nft.AddChain) -> bytes:
    body = attribute(3, text(chain.name))
    if chain.hook is None:
        return body
    hook = chain.hook
    where = attribute(1, _number(HOOKS[hook.place])) + attribute(
        2, struct.pack("!i", hook.priority)
    )
    return body + attribute(4 | _NESTED, where) + attribute(7, text(hook.kind))


def _types(kinds: tuple[Kind, ...]) -> tuple[int, int]:
    """The number nft gives to a concatenation, and its length in bytes."""
    if kinds == (Kind.VERDICT,):
        return Kind.VERDICT, 0
    number = 0
    for kind in kinds:
        number = number << 6 | kind
    if len(kinds) == 1:
        return number, nft.WIDTHS[kinds[0]]
    return number, sum(nft.WIDTHS[kind] + -nft.WIDTHS[kind] % 4 for kind in kinds)


def _set(wanted: nft.AddSet) -> bytes:
    flags = _INTERVAL * wanted.ranges | _MAP * bool(wanted.data)
    flags |= (_TIMEOUT | _EVAL) * wanted.expiring
    number, length = _types(wanted.key)
    body = attribute(2, text(wanted.name)) + attribute(3, _number(flags))
    body += attribute(4, _number(number)) + attribute(5, _number(length))
    if wanted.data:
        number, length = _types(wanted.data)
        body += attribute(6, _number(number))
        body += attribute(7, _number(length)) if length else b""
    # Asked for by older kernels; it only has to differ within a batch, and isn't referred to.
    return body + attribute(10, _number(hash(wanted.name) & 0x7FFFFFFF))


def _element(element: Element) -> bytes:
    key, data, last = element
    body = attribute(1 | _NESTED, attribute(1, key))
    if data is not None:
        body += attribute(2 | _NESTED, _data(data))
    body = attribute(1 | _NESTED, body)
    if last is None:
        return body
    after = int.from_bytes(last, "big") + 1
    if after >> 8 * len(last):
        return body  # up to the very last one: no end
    end = attribute(1 | _NESTED, attribute(1, after.to_bytes(len(last), "big")))
    end += attribute(3, _number(_INTERVAL_END))
    return body + attribute(1 | _NESTED, end)


def _data(data: bytes | Go) -> bytes:
    if isinstance(data, bytes):
        return attribute(1, data)
    body = attribute(1, struct.pack("!i", data.verdict))
    if data.chain:
        body += attribute(2, text(data.chain))
    return attribute(2 | _NESTED, body)


def _register(number: int) -> bytes:
    return _number(_FIRST_REGISTER + number)


def _read(read: nft.Read) -> bytes:
    register, what = _register(read.register), read.what
    if what in _PAYLOADS:
        base, offset, length = map(_number, _PAYLOADS[what])
        parts = (register, base, offset, length)
        return _named("payload", *((n, part) for n, part in enumerate(parts, 1)))
    if what in _METAS:
        return _named("meta", (1, register), (2, _number(_METAS[what])))
    if what in _TRACKED:
        return _named("ct", (1, register), (2, _number(_TRACKED[what])))
    return _named("socket", (1, _number(0)), (2, register))


def _masked(masked: nft.Masked) -> bytes:
    register, size = _register(masked.register), _number(len(masked.mask))
    mask, nothing = attribute(1, masked.mask), attribute(1, bytes(len(masked.mask)))
    nested = ((4 | _NESTED, mask), (5 | _NESTED, nothing))
    return _named("bitwise", (1, register), (2, register), (3, size), *nested)


def _equal(equal: nft.Equal) -> bytes:
    data = 3 | _NESTED, attribute(1, equal.value)
    return _named("cmp", (1, _register(equal.register)), (2, _number(equal.negated)), data)


def _find(find: nft.Find) -> bytes:
    parts = [(1, text(find.set)), (2, _register(find.register))]
    if find.decides:
        parts.append((3, _number(_VERDICT_REGISTER)))
    elif find.into is not None:
        parts.append((3, _register(find.into)))
    if find.negated:
        parts.append((5, _number(1)))
    return _named("lookup", *parts)


def _remember(remember: nft.Remember) -> bytes:
    parts = [(1, text(remember.set)), (3, _number(1)), (4, _register(remember.register))]
    if remember.data is not None:
        parts.append((5, _register(remember.data)))
    parts.append((6, struct.pack("!Q", remember.seconds * 1000)))
    return _named("dynset", *parts)


def _translate(translate: nft.Translate) -> bytes:
    kind = 0 if translate.source else 1
    family = _number(nft.FAMILIES[translate.version])
    parts = [(1, _number(kind)), (2, family), (3, _register(translate.address))]
    if translate.port is not None:
        parts.append((5, _register(translate.port)))
    return _named("nat", *parts)


def _redirect(redirect: nft.Redirect) -> bytes:
    registers = (2, _register(redirect.address)), (3, _register(redirect.port))
    return _named("tproxy", (1, _number(nft.FAMILIES[redirect.version])), *registers)


_UNREACHABLE: Final = {(4, False): 3, (4, True): 1, (6, False): 4, (6, True): 3}
"""Codes for an unreachable port (and host: True), by IP version (RFC 792, RFC 4443 §3.1)."""


def _refuse(refuse: nft.Refuse) -> bytes:
    code = bytes([0 if refuse.reset else _UNREACHABLE[refuse.version, refuse.host]])
    return _named("reject", (1, _number(int(refuse.reset))), (2, code))


_EXPRESSIONS: Final[dict[type, Callable[[Any], bytes]]] = {
    nft.Read: _read,
    nft.Masked: _masked,
    nft.Equal: _equal,
    nft.Find: _find,
    nft.Remember: _remember,
    nft.Translate: _translate,
    nft.Redirect: _redirect,
    nft.Refuse: _refuse,
    nft.Value: lambda value: _named(
        "immediate", (1, _register(value.register)), (2 | _NESTED, attribute(1, value.value))
    ),
    nft.Random: lambda random: _named(
        "numgen", (1, _register(random.register)), (2, _number(random.modulus)), (3, _number(1))
    ),
    nft.SetMark: lambda mark: _named("meta", (2, _number(3)), (3, _register(mark.register))),
    Go: lambda go: _named("immediate", (1, _number(_VERDICT_REGISTER)), (2 | _NESTED, _data(go))),
}


def _expression(expression: Expression) -> bytes:
    return _EXPRESSIONS[type(expression)](expression)


def _named(name: str, *attributes: tuple[int, bytes]) -> bytes:
    body = b"".join(attribute(kind, value) for kind, value in attributes)
    return attribute(1, text(name)) + attribute(2 | _NESTED, body)


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute: length, type, value, and nothing up to a whole group of four bytes."""
    size = len(value)
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + size, kind) + value + bytes(-size % 4)


def text(name: str) -> bytes:
    """A name, as attributes have it."""
    return name.encode() + b"\0"


def _number(value: int) -> bytes:
    return struct.pack("!I", value)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    start = 0
    while start + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, start)
        yield kind & _TYPE_MASK, data[start + _ATTRIBUTE.size : start + length]
        start += max(length + -length % 4, _ATTRIBUTE.size)


def members(body: bytes) -> Iterator[Member]:
    """The members a GETSETELEM answer lists."""
    for listed in (value for kind, value in _attributes(body) if kind == 3):
        for _, element in _attributes(listed):
            parts = dict(_attributes(element))
            left = parts.get(5)
            yield Member(
                key=_plain(parts.get(1, b"")),
                data=_plain(parts.get(2, b"")),
                seconds_left=None if left is None else struct.unpack("!Q", left)[0] / 1000,
            )


def _plain(data: bytes) -> bytes:
    return dict(_attributes(data)).get(1, b"")

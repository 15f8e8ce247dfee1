"""Rules arrive in the kernel as nft(8) would have written them."""

import errno
import re
import shutil
import socket
import struct
import subprocess
from collections.abc import Sequence

import pytest

from netemu.fabric.nftables import Nftables, NftError, available
from netemu.model.nft import (
    AddChain,
    AddElements,
    AddRule,
    AddSet,
    AddTable,
    ClearChain,
    Command,
    DeleteElements,
    DeleteTable,
    Element,
    Equal,
    Expression,
    Find,
    Go,
    Hook,
    Kind,
    Load,
    Masked,
    Random,
    Read,
    Redirect,
    Refuse,
    Remember,
    SetMark,
    Translate,
    Value,
    Verdict,
)
from tests.support.forked import in_bare_network, needs_root

NFT = shutil.which("nft")
pytestmark = needs_root
shown = pytest.mark.skipif(NFT is None, reason="needs nft to show what the kernel holds")

A, P, N, M = Kind.ADDRESS, Kind.PORT, Kind.PROTOCOL, Kind.MARK
TCP = Read(Load.PROTOCOL), Equal(b"\x06")


def mark(number: int) -> bytes:
    return struct.pack("=I", number)


def ip(address: str) -> bytes:
    return socket.inet_aton(address)


def port(number: int) -> bytes:
    return struct.pack("!HH", number, 0)


SETS = (
    AddSet("open", (A, P)),
    AddSet("names", (A, N, P), (M,)),
    AddSet("ways", (A, P), (Kind.VERDICT,)),
    AddSet("endpoints", (M, M), (A, P)),
    AddSet("nodes", (A,), (A,), ranges=True),
    AddSet("clients", (M, A), (A, P), expiring=True),
    AddChain("other"),
)

RULES: Sequence[tuple[str, Hook | None, tuple[Expression, ...], str]] = (
    (
        "packets for a set of addresses and ports go to a transparent socket",
        Hook("filter", "prerouting", -150),
        (
            *TCP,
            Read(Load.DESTINATION, 0),
            Read(Load.DESTINATION_PORT, 1),
            Find("open", 0),
            Value(ip("127.0.0.1"), 0),
            Value(b"\x04\xd2", 1),
            Redirect(0, 1),
            Value(mark(1)),
            SetMark(),
            Go(Verdict.ACCEPT),
        ),
        "ip daddr . tcp dport @open tproxy to 127.0.0.1:1234 meta mark set 0x00000001 accept",
    ),
    (
        "packets of transparent sockets are marked",
        Hook("filter", "prerouting", -150),
        (
            *TCP,
            Read(Load.TRANSPARENT),
            Equal(b"\x01"),
            Value(mark(1)),
            SetMark(),
            Go(Verdict.ACCEPT),
        ),
        "meta l4proto tcp socket transparent 1 meta mark set 0x00000001 accept",
    ),
    ("TCP is reset", Hook("filter", "input", 0), (*TCP, Refuse(reset=True)), "reject with tcp"),
    ("all else is refused", Hook("filter", "input", 0), (Refuse(reset=False),), "reject"),
    (
        "a map decides where to go on",
        Hook("nat", "prerouting", -100),
        (
            Read(Load.DESTINATION, 0),
            Read(Load.DESTINATION_PORT, 1),
            Find("ways", 0, decides=True),
        ),
        "ip daddr . th dport vmap @ways",
    ),
    (
        "a map gives the mark",
        None,
        (
            Read(Load.DESTINATION, 0),
            Read(Load.PROTOCOL, 1),
            Read(Load.DESTINATION_PORT, 2),
            Find("names", 0, into=4),
            SetMark(4),
        ),
        "meta mark set ip daddr . meta l4proto . th dport map @names",
    ),
    (
        "the destination is chosen by chance",
        None,
        (
            Read(Load.MARK, 0),
            Masked(mark(0xFFFFFF), 0),
            Random(3, 1),
            Find("endpoints", 0, into=4),
            Translate(4, 5),
        ),
        "dnat ip to meta mark & 0x00ffffff . numgen random mod 3 map @endpoints",
    ),
    (
        "the source is translated for what was translated before",
        Hook("nat", "postrouting", 100),
        (
            Read(Load.STATUS, 0),
            Masked(mark(0x20), 0),
            Equal(mark(0), 0, negated=True),
            Read(Load.DESTINATION, 0),
            Find("nodes", 0, into=0),
            Translate(0, source=True),
        ),
        "ct status dnat snat to ip daddr map @nodes",
    ),
    (
        "a client is remembered for a time",
        Hook("nat", "postrouting", 100),
        (
            Read(Load.MARK, 0),
            Read(Load.SOURCE, 1),
            Read(Load.DESTINATION, 4),
            Read(Load.DESTINATION_PORT, 5),
            Remember("clients", 0, 4, 100),
        ),
        "update @clients { meta mark . ip saddr timeout 1m40s : ip daddr . th dport }",
    ),
)


def listed(*commands: Command) -> str:
    """What nft shows of them, in a network of their own; white space made one."""

    def inside() -> str:
        rules = Nftables("trial")
        rules.apply([AddTable(), *SETS, *commands])
        rules.close()
        assert NFT is not None
        command = [NFT, "list", "ruleset"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    return re.sub(r"\s+", " ", in_bare_network(inside))


@shown
@pytest.mark.parametrize(
    ("hook", "expressions", "text"), [rule[1:] for rule in RULES], ids=[rule[0] for rule in RULES]
)
def test_a_rule_reads_as_meant(
    hook: Hook | None, expressions: tuple[Expression, ...], text: str
) -> None:
    found = listed(AddChain("tried", hook), AddRule("tried", expressions))
    assert f" {text} " in found or text in found


@shown
def test_chains_say_where_they_are_called() -> None:
    found = listed(AddChain("early", Hook("filter", "prerouting", -150)))
    assert "chain early { type filter hook prerouting priority mangle; policy accept; }" in found


@shown
def test_members_read_as_meant() -> None:
    found = listed(
        AddElements("open", [Element(ip("10.96.0.5") + port(80))]),
        AddElements("ways", [Element(ip("10.96.0.5") + port(80), Go(Verdict.GOTO, "other"))]),
        AddElements("nodes", [Element(ip("10.244.0.0"), ip("172.30.0.11"), ip("10.244.0.255"))]),
        AddElements("endpoints", [Element(mark(7) + mark(0), ip("10.244.0.2") + port(8080))]),
    )
    assert "elements = { 10.96.0.5 . 80 }" in found
    assert "10.96.0.5 . 80 : goto other" in found
    assert "10.244.0.0/24 : 172.30.0.11" in found
    assert "0x00000007 . 0x00000000 : 10.244.0.2 . 8080" in found


@shown
def test_a_range_may_end_at_the_last_address_there_is() -> None:
    all_of_it = Element(ip("0.0.0.0"), ip("172.30.0.11"), ip("255.255.255.255"))
    assert "0.0.0.0/0 : 172.30.0.11" in listed(AddElements("nodes", [all_of_it]))


@shown
def test_a_cleared_chain_has_no_rules() -> None:
    rule = AddRule("other", (Refuse(reset=False),))
    assert "reject" in listed(rule)
    assert "reject" not in listed(rule, ClearChain("other"))


def test_many_members_are_put_in_taken_out_and_read() -> None:
    everything = [Element(mark(n) + mark(0), ip("10.244.0.2") + port(80)) for n in range(5000)]

    def inside() -> tuple[int, list[bytes]]:
        rules = Nftables("trial")
        rules.apply([AddTable(), *SETS, AddElements("endpoints", everything)])
        before = len(rules.members("endpoints"))
        rules.apply([DeleteElements("endpoints", [Element(e.key) for e in everything[1:]])])
        left = [member.key for member in rules.members("endpoints")]
        rules.close()
        return before, left

    assert in_bare_network(inside) == (5000, [everything[0].key])


def test_a_refused_batch_does_nothing_and_names_the_command() -> None:
    def inside() -> tuple[int | None, str, int]:
        rules = Nftables("trial")
        rules.apply([AddTable(), *SETS])
        known = AddElements("open", [Element(ip("10.96.0.5") + port(80))])
        try:
            rules.apply([known, DeleteElements("open", [Element(ip("10.96.0.6") + port(80))])])
        except NftError as error:
            return error.errno, str(error), len(rules.members("open"))
        raise AssertionError("it was not refused")

    number, text, members = in_bare_network(inside)
    assert number == errno.ENOENT
    assert "DeleteElements open" in text
    assert members == 0


def test_trying_whether_there_is_nftables_leaves_nothing() -> None:
    def inside() -> tuple[str | None, int | None]:
        reason = available()
        rules = Nftables("netemu-trial")
        try:
            rules.apply([DeleteTable()])
        except NftError as error:
            return reason, error.errno
        return reason, None

    assert in_bare_network(inside) == (None, errno.ENOENT)

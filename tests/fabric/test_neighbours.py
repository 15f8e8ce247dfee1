"""Frames as neighbours send and expect them."""

import pytest
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, IPv6
from scapy.layers.l2 import ARP, Ether

from netemu.fabric.neighbours import BROADCAST, announcements, hardware_address, reply

WHO, WHERE = "02:00:00:00:00:99", "169.254.77.11"
OURS = {"172.30.0.240": "02:42:ac:1e:00:0b", "fd00:172:30::f0": "02:42:ac:1e:00:0c"}


def question(target: str, **more: object) -> bytes:
    ethernet = Ether(src=WHO, dst=BROADCAST)
    if ":" not in target:
        return bytes(ethernet / ARP(op=1, hwsrc=WHO, psrc=WHERE, pdst=target))
    ip = IPv6(src=more.get("src", "fe80::99"), dst="ff02::1:ff00:f0", hlim=more.get("hlim", 255))
    return bytes(ethernet / ip / ICMPv6ND_NS(tgt=target))


def test_who_asks_by_arp_is_told_alone() -> None:
    found = reply(question("172.30.0.240"), OURS.get)
    assert found is not None
    frame = Ether(found)
    assert (frame.src, frame.dst) == ("02:42:ac:1e:00:0b", WHO)
    told = frame[ARP]
    assert (told.op, told.hwsrc, told.psrc) == (2, "02:42:ac:1e:00:0b", "172.30.0.240")
    assert (told.hwdst, told.pdst) == (WHO, WHERE)


def test_who_asks_by_ndp_is_told_alone() -> None:
    found = reply(question("fd00:172:30::f0"), OURS.get)
    assert found is not None
    frame = Ether(found)
    assert (frame.dst, frame[IPv6].dst, frame[IPv6].hlim) == (WHO, "fe80::99", 255)
    told = frame[ICMPv6ND_NA]
    assert (told.tgt, told.S, told.O, told.R) == ("fd00:172:30::f0", 1, 1, 0)
    assert frame[ICMPv6NDOptDstLLAddr].lladdr == "02:42:ac:1e:00:0c"


def test_who_looks_for_doubles_learns_that_there_is_one() -> None:
    found = reply(question("fd00:172:30::f0", src="::"), OURS.get)
    assert found is not None
    assert (Ether(found)[IPv6].dst, Ether(found)[ICMPv6ND_NA].S) == ("ff02::1", 0)


GRATUITOUS = bytes(Ether() / ARP(op=1, psrc="172.30.0.240", pdst="172.30.0.240"))
IGNORED = [
    pytest.param(question("172.30.0.241"), id="somebody else's address"),
    pytest.param(question("fd00::1"), id="somebody else's address, by NDP"),
    pytest.param(question("fd00:172:30::f0", hlim=64), id="a question from afar"),
    pytest.param(GRATUITOUS, id="an announcement"),
    pytest.param(bytes(Ether() / ARP(op=2, psrc=WHERE, pdst="172.30.0.240")), id="an answer"),
    pytest.param(b"\0" * 14, id="an empty frame"),
    pytest.param(question("172.30.0.240")[:20], id="half a question"),
]


@pytest.mark.parametrize("frame", IGNORED)
def test_not_answered(frame: bytes) -> None:
    assert reply(frame, OURS.get) is None


def test_a_move_is_told_to_everybody() -> None:
    frames = [Ether(each) for each in announcements("172.30.0.240", "02:42:ac:1e:00:0d")]
    assert [each[ARP].op for each in frames] == [1, 2]
    for each in frames:
        assert each.dst == BROADCAST
        assert each[ARP].psrc == each[ARP].pdst == "172.30.0.240"
        assert each[ARP].hwsrc == each.src == "02:42:ac:1e:00:0d"
    [told] = [Ether(each) for each in announcements("fd00:172:30::f0", "02:42:ac:1e:00:0d")]
    assert (told[IPv6].dst, told[ICMPv6ND_NA].S, told[ICMPv6ND_NA].O) == ("ff02::1", 0, 1)


def test_hardware_addresses_follow_from_nodes_addresses() -> None:
    assert hardware_address("172.30.0.11") == "02:42:ac:1e:00:0b"

import struct

import dnslib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.dns import wire
from netemu.dns.foreign import MOST_POINTERS, Unreadable, read
from netemu.dns.records import Rcode, Record, Srv, Type, Wire, name_from
from tests.dns.cluster import packet
from tests.dns.upstream import answered

QUERY = packet("www.example.org")
RECORDS = """
www.example.org. 60 IN CNAME web.example.org.
web.example.org. 60 IN A 192.0.2.1
web.example.org. 60 IN AAAA fd00::1
example.org. 60 IN MX 10 mail.example.org.
example.org. 60 IN NS ns.example.org.
example.org. 60 IN SOA ns.example.org. root.example.org. 1 2 3 4 5
example.org. 60 IN TXT "a" "b c"
_x._tcp.example.org. 60 IN SRV 1 2 3 web.example.org.
example.org. 60 IN CAA 0 issue "ca.example.net"
1.2.0.192.in-addr.arpa. 60 IN PTR web.example.org.
""".strip().splitlines()


def with_record(kind: int, data: bytes, *, owner: bytes = b"\xc0\x0c", ttl: int = 60) -> bytes:
    """A reply with one record of any octets."""
    head = QUERY[:2] + struct.pack("!5H", 0x8180, 1, 1, 0, 0)
    return head + QUERY[12:] + owner + struct.pack("!2HIH", kind, 1, ttl, len(data)) + data


def test_a_reply_is_read_and_written_again_the_same() -> None:
    octets = answered(QUERY, *RECORDS)
    reply = read(octets)
    assert (reply.ident, reply.name, reply.type) == (1, name_from("www.example.org"), Type.A)
    written = wire.build(wire.parse(QUERY), reply.answer, 65535).with_id(b"\0\1")
    ours, theirs = dnslib.DNSRecord.parse(written), dnslib.DNSRecord.parse(octets)
    assert [str(rr) for rr in ours.rr] == [str(rr) for rr in theirs.rr]


def test_types_we_dont_know_pass_octet_for_octet() -> None:
    data = bytes(range(200))
    for kind in (65, 257, 46, 65280, Type.TXT):
        (record,) = read(with_record(kind, data)).answer.records
        assert record == Record(name_from("www.example.org"), kind, 60, Wire(data))
        written = wire.build(wire.parse(QUERY), read(with_record(kind, data)).answer, 65535)
        assert data in written.with_id(b"\0\1")


def test_shortened_names_in_old_types_are_written_out() -> None:
    (record,) = read(with_record(Type.MX, b"\0\x0a\xc0\x0c")).answer.records
    assert record.data == Wire(b"\0\x0a\3www\7example\3org\0")
    (record,) = read(with_record(Type.SRV, b"\0\1\0\2\0\3\xc0\x0c")).answer.records
    assert record.data == Srv(2, 3, name_from("www.example.org"), 1)


def test_flags_and_codes() -> None:
    answer = read(answered(QUERY, "", rcode=3, flags=0x0220)).answer
    assert (answer.rcode, answer.truncated, answer.authentic) == (Rcode.NXDOMAIN, True, True)
    assert not answer.authoritative
    assert read(answered(QUERY, "", rcode=11)).answer.rcode is Rcode.SERVFAIL


def test_an_extended_code_and_no_opt_record() -> None:
    octets = bytearray(answered(QUERY, "") + b"\0\0\x29\x04\xd0\x01\0\0\0\0\0")
    octets[11] = 1
    answer = read(bytes(octets)).answer
    assert (answer.rcode, answer.additional) == (Rcode.BADVERS, ())


def test_each_record_once_and_other_classes_never() -> None:
    line = "www.example.org. 60 IN A 192.0.2.1"
    assert len(read(answered(QUERY, line, line)).answer.records) == 1
    octets = bytearray(with_record(Type.A, bytes(4)))
    octets[-11] = 3
    assert read(bytes(octets)).answer.records == ()


def test_a_ttl_with_its_highest_bit_set_is_none() -> None:
    assert read(with_record(Type.A, bytes(4), ttl=0x80000001)).answer.records[0].ttl == 0


def test_an_address_of_odd_size_is_no_address() -> None:
    (record,) = read(with_record(Type.A, bytes(5))).answer.records
    assert isinstance(record.data, Wire)


BAD = {
    "a query": QUERY,
    "a scrap": QUERY[:5],
    "two questions": QUERY[:2] + struct.pack("!5H", 0x8180, 2, 0, 0, 0) + QUERY[12:] * 2,
    "an update": QUERY[:2] + struct.pack("!5H", 0xA980, 1, 0, 0, 0) + QUERY[12:],
    "a pointer to itself": with_record(Type.A, bytes(4), owner=b"\xc0\x21"),
    "a pointer forwards": with_record(Type.A, bytes(4), owner=b"\xc0\x40"),
    "an odd label": with_record(Type.A, bytes(4), owner=b"\x80"),
    "half a record": with_record(Type.A, bytes(4))[:-1],
    "half a question": QUERY[:2] + struct.pack("!5H", 0x8180, 1, 0, 0, 0) + QUERY[12:-1],
    "a name past its record": with_record(Type.MX, b"\0\x0a\3ab"),
    "a name shorter than its record": with_record(Type.CNAME, b"\xc0\x0c\0"),
    "a long name": with_record(Type.CNAME, (b"\x3f" + b"a" * 63) * 4 + b"\0"),
}


@pytest.mark.parametrize("octets", BAD.values(), ids=BAD.keys())
def test_what_is_no_reply_is_said_to_be_none(octets: bytes) -> None:
    with pytest.raises(Unreadable):
        read(octets)


def test_pointers_to_pointers_end() -> None:
    octets = with_record(Type.TXT, b"".join(_pointers(MOST_POINTERS + 10)))
    octets = octets[:7] + b"\2" + octets[8:]
    last = struct.pack("!H", 0xC000 | len(octets) - 2)
    octets += last + struct.pack("!2HIH", Type.A, 1, 60, 4) + bytes(4)
    with pytest.raises(Unreadable, match="too many"):
        read(octets)


def _pointers(count: int) -> list[bytes]:
    at = len(QUERY) + 12
    return [struct.pack("!H", 0xC000 | (at + 2 * n - 2 if n else 12)) for n in range(count)]


@given(st.data())
def test_damage_is_read_or_refused(data: st.DataObject) -> None:
    octets = bytearray(answered(QUERY, *RECORDS))
    for _ in range(data.draw(st.integers(1, 5))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    try:
        reply = read(bytes(octets))
    except Unreadable:
        return
    assert len(wire.build(wire.parse(QUERY), reply.answer, 512).with_id(b"\0\1")) <= 512


@given(st.binary(max_size=200))
def test_garbage_is_refused(octets: bytes) -> None:
    try:
        read(b"\0\1\x81\x80\0\1\0\2\0\0\0\0" + octets)
    except Unreadable:
        return

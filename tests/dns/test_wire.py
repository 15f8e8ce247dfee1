"""Octets in, octets out; dnslib, which the server doesn't use, judges what is written."""

import struct
from typing import Any

import dnslib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.dns import wire
from netemu.dns.answer import Answer
from netemu.dns.records import Name, Question, Rcode, Record, Soa, Srv, Type, name_from
from tests.dns.cluster import packet

WEB = name_from("web.default.svc.cluster.local")
ZONE = name_from("cluster.local")


def header(flags: int = 0x0100, *counts: int) -> bytes:
    return struct.pack("!6H", 7, flags, *(counts or (1, 0, 0, 0)))


def labels(*parts: bytes) -> bytes:
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def question(name: bytes = labels(*WEB), kind: int = 1, klass: int = 1) -> bytes:
    return name + struct.pack("!2H", kind, klass)


def opt(size: int = 1232, ttl: int = 0, data: bytes = b"", owner: bytes = b"\0") -> bytes:
    return owner + struct.pack("!2HIH", 41, size, ttl, len(data)) + data


def written(query: wire.Query, answer: Answer, limit: int = 512, ident: int = 7) -> bytes:
    return wire.build(query, answer, limit).with_id(ident.to_bytes(2, "big"))


def read(octets: bytes) -> Any:
    return dnslib.DNSRecord.parse(octets)


def addresses(count: int, owner: Name = WEB) -> tuple[Record, ...]:
    return tuple(Record(owner, Type.A, 5, bytes([10, 244, 0, number])) for number in range(count))


SOA = Record(ZONE, Type.SOA, 5, Soa(ZONE, 77, 5))


def test_a_query_is_read() -> None:
    query = wire.parse(packet("web.default.svc.cluster.local", "SRV"))
    assert query.question == Question(WEB, 33, 1)
    assert query.flags == 0x0100
    assert query.asked == question(kind=33)
    assert query.edns is None
    assert query.limit == 512


def test_labels_are_octets() -> None:
    for label in (b"svc1.testns", bytes(range(63)), bytes(range(192, 255)), b"\x80" * 63, b"\0"):
        query = wire.parse(header() + question(labels(label, *ZONE)))
        assert query.question.name == (label, *ZONE)
        assert written(query, Answer())[12:] == query.asked


def test_the_longest_name_is_read() -> None:
    parts = [b"a" * 63] * 3 + [b"a" * 61]
    assert wire.parse(header() + question(labels(*parts))).question.name == tuple(parts)


UNANSWERABLE = {
    "nothing": b"",
    "less than a header": header()[:11],
    "a reply": header(0x8180) + question(),
    "a reply that is malformed": header(0x8180, 9, 9, 9, 9),
}
MALFORMED = {
    "no question": (header(0, 0, 0, 0, 0), Rcode.FORMERR),
    "two questions": (header(0, 2, 0, 0, 0) + question() * 2, Rcode.FORMERR),
    "a notification": (header(0x2000) + question(), Rcode.NOTIMP),
    "an update": (header(0x2800) + question(), Rcode.NOTIMP),
    "a status request": (header(0x1000), Rcode.NOTIMP),
    "only a header": (header(), Rcode.FORMERR),
    "a name without end": (header() + b"\x03web", Rcode.FORMERR),
    "a label without end": (header() + b"\x3fweb", Rcode.FORMERR),
    "no type": (header() + labels(*WEB), Rcode.FORMERR),
    "half a class": (header() + question()[:-1], Rcode.FORMERR),
    "a pointer to itself": (header() + question(b"\xc0\x0c"), Rcode.FORMERR),
    "a pointer into the header": (header() + question(b"\x03web\xc0\x00"), Rcode.FORMERR),
    "a label of a kind never used": (header() + question(b"\x40web\0"), Rcode.FORMERR),
    "a name of 256 octets": (
        header() + question(labels(*[b"a" * 63] * 3, b"a" * 62)),
        Rcode.FORMERR,
    ),
    "a missing record": (header(0, 1, 0, 0, 1) + question(), Rcode.FORMERR),
    "a record without end": (header(0, 1, 0, 0, 1) + question() + opt()[:-1], Rcode.FORMERR),
    "data without end": (
        header(0, 1, 0, 0, 1) + question() + b"\0" + struct.pack("!2HIH", 41, 512, 0, 9) + b"x",
        Rcode.FORMERR,
    ),
    "two OPT records": (header(0, 1, 0, 0, 2) + question() + opt() * 2, Rcode.FORMERR),
    "an OPT record with a name": (
        header(0, 1, 0, 0, 1) + question() + opt(owner=labels(b"x")),
        Rcode.FORMERR,
    ),
    "an OPT record as answer": (header(0, 1, 1, 0, 0) + question() + opt(), Rcode.FORMERR),
    "too many records": (header(0, 1, 0, 0, 3) + question() + opt(), Rcode.FORMERR),
    "too many answers": (header(0, 1, 2, 0, 0) + question(), Rcode.FORMERR),
}


@pytest.mark.parametrize("octets", UNANSWERABLE.values(), ids=UNANSWERABLE.keys())
def test_some_packets_get_no_reply(octets: bytes) -> None:
    with pytest.raises(wire.Unanswerable):
        wire.parse(octets)


@pytest.mark.parametrize(("octets", "rcode"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_queries_are_refused(octets: bytes, rcode: Rcode) -> None:
    with pytest.raises(wire.Malformed) as raised:
        wire.parse(octets)
    assert raised.value.rcode is rcode
    reply = read(wire.refusal(octets, rcode))
    assert (reply.header.id, reply.header.qr, reply.header.rcode) == (
        int.from_bytes(octets[:2], "big"),
        1,
        rcode,
    )
    assert reply.header.opcode == octets[2] >> 3 & 15
    assert reply.header.rd == octets[2] & 1


@given(st.binary(max_size=600))
def test_garbage_raises_nothing_else(octets: bytes) -> None:
    try:
        wire.parse(octets)
    except (wire.Unanswerable, wire.Malformed):
        return


@given(
    st.lists(st.integers(0, 3), min_size=4, max_size=4),
    st.lists(
        st.sampled_from([question(), opt(), b"\xc0\x0c", b"\xff", b"\x03web", b"\0"]), max_size=6
    ),
)
def test_nearly_right_queries_raise_nothing_else(counts: list[int], parts: list[bytes]) -> None:
    try:
        wire.parse(header(0x0100, *counts) + b"".join(parts))
    except (wire.Unanswerable, wire.Malformed):
        return


def test_records_that_mean_nothing_to_us_are_skipped() -> None:
    tsig = labels(b"key") + struct.pack("!2HIH", 250, 255, 0, 3) + b"abc"
    query = wire.parse(header(0, 1, 0, 0, 2) + question() + tsig + opt(4096))
    assert query.edns == wire.Edns(4096, 0, False, True)


EDNS = {
    "plain": (opt(1232), wire.Edns(1232, 0, False, True), 1232),
    "DO": (opt(1232, 0x8000), wire.Edns(1232, 0, True, True), 1232),
    "a version": (opt(1232, 0x10000), wire.Edns(1232, 1, False, True), 1232),
    "less than 512 means 512": (opt(100), wire.Edns(100, 0, False, True), 512),
    "more than a datagram means a datagram": (opt(65535), wire.Edns(65535, 0, False, True), 65507),
    "a cookie": (
        opt(data=b"\0\x0a\0\x08abcdefgh"),
        wire.Edns(1232, 0, False, False, b"\0\x0a\0\x08abcdefgh"),
        1232,
    ),
    "a client subnet": (
        opt(data=b"\0\x08\0\x04\0\x01\0\0"),
        wire.Edns(1232, 0, False, False, b"\0\x08\0\x04\0\x01\0\0"),
        1232,
    ),
    "padding": (
        opt(data=b"\0\x0c\0\x02\0\0"),
        wire.Edns(1232, 0, False, False, b"\0\x0c\0\x02\0\0"),
        1232,
    ),
    "an option that is malformed": (opt(data=b"\0"), wire.Edns(1232, 0, False, False, b"\0"), 1232),
}


@pytest.mark.parametrize(
    ("octets", "options"),
    [
        (b"", ()),
        (b"\0\x0a\0\x02ab\0\x03\0\0", ((10, b"ab"), (3, b""))),
        (b"\0\x0a\0\x02ab\0\x03", ((10, b"ab"),)),
        (b"\0\x0a\0\xffab", ((10, b"ab"),)),
    ],
)
def test_options_are_read_as_far_as_they_go(octets: bytes, options: object) -> None:
    assert wire.Edns(1232, 0, False, False, octets).options == options


@pytest.mark.parametrize(("record", "edns", "limit"), EDNS.values(), ids=EDNS.keys())
def test_edns_is_read(record: bytes, edns: wire.Edns, limit: int) -> None:
    query = wire.parse(header(0, 1, 0, 0, 1) + question() + record)
    assert (query.edns, query.limit) == (edns, limit)


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (0x0000, 0x8480),  # RD=0 is answered too
        (0x0100, 0x8580),
        (0x0110, 0x8590),  # CD is copied
        (0x0170, 0x8590),  # Z and AD are not
        (0x0780, 0x8580),  # nor what only replies say
    ],
)
def test_flags(asked: int, given: int) -> None:
    reply = written(wire.parse(header(asked) + question()), Answer())
    assert reply[:4] == struct.pack("!2H", 7, given)


def test_refused_isnt_authoritative() -> None:
    refused = Answer(rcode=Rcode.REFUSED, authoritative=False)
    assert read(written(wire.parse(header() + question()), refused)).header.aa == 0


def test_the_question_is_echoed_octet_for_octet() -> None:
    asked = question(labels(b"wEb", b"DEFAULT", b"sVc", b"Cluster", b"LOCAL"))
    query = wire.parse(header() + asked)
    reply = written(query, Answer(records=addresses(1, query.question.name)))
    assert reply[12 : 12 + len(asked)] == asked
    assert str(read(reply).rr[0].rname) == "wEb.DEFAULT.sVc.Cluster.LOCAL."


@pytest.mark.parametrize("dnssec_ok", [0, 0x8000])
def test_opt_answers_opt(dnssec_ok: int) -> None:
    asked = opt(4096, dnssec_ok, b"\0\x0a\0\x08abcdefgh")
    query = wire.parse(header(0, 1, 0, 0, 1) + question() + asked)
    reply = written(query, Answer(records=addresses(1)))
    assert reply.endswith(opt(wire.OUR_SIZE, dnssec_ok))
    assert len(read(reply).ar) == 1
    plain = written(wire.parse(header() + question()), Answer(records=addresses(1)))
    assert read(plain).ar == []


def test_badvers_needs_both_halves() -> None:
    query = wire.parse(header(0, 1, 0, 0, 1) + question() + opt(ttl=0x20000))
    reply = written(query, Answer(rcode=Rcode.BADVERS, authoritative=False))
    assert read(reply).header.rcode == 0
    assert reply.endswith(opt(wire.OUR_SIZE, 0x01000000))


TARGET = name_from("db-0.db.default.svc.cluster.local")
RECORDS = [
    Record(WEB, Type.A, 5, bytes([10, 0, 0, 1])),
    Record(WEB, Type.AAAA, 5, bytes(15) + b"\x01"),
    Record(WEB, Type.CNAME, 5, TARGET),
    Record(ZONE, Type.NS, 5, TARGET),
    Record(WEB, Type.PTR, 5, TARGET),
    SOA,
    Record(WEB, Type.SRV, 5, Srv(33, 80, TARGET)),
    Record(WEB, Type.TXT, 28800, b"1.1.0"),
]


@pytest.mark.parametrize("record", RECORDS, ids=[Type(record.type).name for record in RECORDS])
def test_each_type_is_written(record: Record) -> None:
    query = wire.parse(header() + question())
    (got,) = read(written(query, Answer(authority=(record,)))).auth
    expected = {
        Type.A: "10.0.0.1",
        Type.AAAA: "::1",
        Type.SOA: "ns.dns.cluster.local. hostmaster.cluster.local. 77 7200 1800 86400 5",
        Type.SRV: "0 33 80 db-0.db.default.svc.cluster.local.",
        Type.TXT: '"1.1.0"',
    }
    assert str(got.rdata) == expected.get(Type(record.type), "db-0.db.default.svc.cluster.local.")
    assert (str(got.rname), got.rtype, got.ttl) == (
        str(dnslib.DNSLabel(list(record.owner))),
        record.type,
        record.ttl,
    )


def test_every_type_has_a_writer() -> None:
    assert {record.type for record in RECORDS} == set(wire.ENCODERS)


def test_names_are_compressed_but_never_a_targets() -> None:
    query = wire.parse(header() + question(kind=33))
    reply = written(query, Answer(records=(Record(WEB, Type.SRV, 5, Srv(1, 80, WEB)),)))
    assert reply.count(labels(*WEB)) == 2  # the question and the target (RFC 2782)
    reply = written(query, Answer(authority=(SOA,)))
    assert reply.count(b"cluster") == 1


def test_the_serial_is_where_it_is_said_to_be() -> None:
    reply = wire.build(wire.parse(header() + question()), Answer(authority=(SOA,)), 512)
    assert reply.serial_at is not None
    at = reply.serial_at - 2
    assert int.from_bytes(reply.head[at : at + 4], "big") == 77


def test_26_addresses_fit_512_octets_by_compression() -> None:
    query = wire.parse(header() + question())
    reply = read(written(query, Answer(records=addresses(26))))
    assert (len(reply.rr), reply.header.tc) == (26, 0)


@pytest.mark.parametrize("limit", [512, 600, 1232])
def test_what_doesnt_fit_is_cut_between_records(limit: int) -> None:
    asked = opt(limit)
    query = wire.parse(header(0, 1, 0, 0, 1) + question() + asked)
    octets = written(query, Answer(records=addresses(200)), query.limit)
    reply = read(octets)
    assert limit - 16 < len(octets) <= limit
    assert reply.header.tc == 1
    assert len(reply.ar) == 1, "OPT stays"
    whole = read(written(query, Answer(records=addresses(200)), wire.STREAM_LIMIT))
    assert (len(whole.rr), whole.header.tc) == (200, 0)


def test_services_and_their_glue_are_cut_too() -> None:
    query = wire.parse(header() + question(kind=33))
    targets = [(b"10-244-0-%d" % number, *WEB) for number in range(20)]
    services = tuple(Record(WEB, Type.SRV, 5, Srv(5, 80, target)) for target in targets)
    glue = tuple(Record(target, Type.A, 5, b"\x0a\0\0\1") for target in targets)
    for limit in range(512, 2400, 7):
        octets = written(query, Answer(records=services, additional=glue), limit)
        reply = read(octets)
        assert len(octets) <= limit
        assert reply.header.tc == (len(reply.rr) < 20 or len(reply.ar) < 20)
        assert not reply.ar or len(reply.rr) == 20


def test_names_beyond_what_a_pointer_reaches_are_written_out() -> None:
    query = wire.parse(header() + question(kind=33))
    targets = [(b"10-244-%d-%d" % divmod(number, 250), *WEB) for number in range(400)]
    services = tuple(Record(WEB, Type.SRV, 5, Srv(5, 80, target)) for target in targets)
    glue = tuple(Record(target, Type.A, 5, b"\x0a\0\0\1") for target in targets)
    octets = written(query, Answer(records=services, additional=glue), wire.STREAM_LIMIT)
    assert len(octets) > 0x4000
    assert [rr.rname.label for rr in read(octets).ar] == targets


def test_a_chain_that_is_cut_has_no_addresses() -> None:
    query = wire.parse(header() + question())
    names = [WEB, *((bytes([97 + n]) * 63,) * 3 for n in range(4))]
    chain = tuple(
        Record(owner, Type.CNAME, 5, to) for owner, to in zip(names, names[1:], strict=False)
    )
    octets = written(query, Answer(records=(*chain, *addresses(3, names[-1]))))
    reply = read(octets)
    assert reply.header.tc == 1
    assert {rr.rtype for rr in reply.rr} == {5}
    assert len(octets) <= 512


NAMES = st.lists(
    st.sampled_from([b"a", b"b", b"local", b"A", b"x" * 63]), min_size=1, max_size=3
).map(tuple)
ANY_RECORD = st.one_of(
    st.builds(Record, NAMES, st.sampled_from([Type.CNAME, Type.NS, Type.PTR]), st.just(5), NAMES),
    st.builds(
        Record, NAMES, st.just(Type.SRV), st.just(5), st.builds(Srv, st.just(1), st.just(80), NAMES)
    ),
    st.builds(
        Record, NAMES, st.just(Type.SOA), st.just(5), st.builds(Soa, NAMES, st.just(1), st.just(5))
    ),
    st.builds(Record, NAMES, st.just(Type.A), st.just(5), st.binary(min_size=4, max_size=4)),
)


@given(NAMES, st.lists(ANY_RECORD, max_size=40), st.sampled_from([512, 1232, 65535]))
def test_whatever_is_written_can_be_read(asked: Name, records: list[Record], limit: int) -> None:
    query = wire.parse(header() + question(labels(*asked)))
    octets = written(query, Answer(authority=tuple(records)), limit)
    reply = read(octets)
    assert len(octets) <= limit
    assert reply.header.tc == (len(reply.auth) < len(records))
    for got, meant in zip(reply.auth, records, strict=False):
        assert got.rname.label == meant.owner
        if meant.type in (Type.CNAME, Type.NS, Type.PTR):
            assert got.rdata.label.label == meant.data

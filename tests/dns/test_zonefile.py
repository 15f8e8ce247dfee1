import pytest

from netemu.dns.records import Record, Srv, Type, Wire, name_from
from netemu.dns.zonefile import READERS, BadRecord, record_from

A = name_from("a.b")
TIMES = Wire(b"\1a\0\1b\0" + b"".join(n.to_bytes(4, "big") for n in range(1, 6)))
LINES = {
    "a.b. 60 IN A 10.0.0.1": Record(A, Type.A, 60, bytes([10, 0, 0, 1])),
    "a.b IN 60 A 10.0.0.1": Record(A, Type.A, 60, bytes([10, 0, 0, 1])),
    "a.b A 10.0.0.1": Record(A, Type.A, 3600, bytes([10, 0, 0, 1])),
    "a.b 1 AAAA ::1": Record(A, Type.AAAA, 1, bytes(15) + b"\1"),
    "a.b 1 CNAME c.": Record(A, Type.CNAME, 1, name_from("c")),
    "a.b 1 NS c.": Record(A, Type.NS, 1, name_from("c")),
    "a.b 1 PTR c.": Record(A, Type.PTR, 1, name_from("c")),
    "a.b 1 MX 10 c.": Record(A, Type.MX, 1, Wire(b"\0\x0a\1c\0")),
    "a.b 1 SRV 1 2 3 c.": Record(A, Type.SRV, 1, Srv(2, 3, name_from("c"), 1)),
    'a.b 1 TXT "a b" c': Record(A, Type.TXT, 1, Wire(b"\3a b\1c")),
    'a.b 1 HINFO "x" y': Record(A, Type.HINFO, 1, Wire(b"\1x\1y")),
    'a.b 1 TXT "(a)" (b)': Record(A, Type.TXT, 1, Wire(b"\3(a)\1b")),
    **dict.fromkeys(
        [
            "a.b 1 SOA a. b. (1 2 3 4 5)",
            "a.b 1 SOA a. b. ( 1 2 3 4 5 )",
            "a.b 1 IN SOA (a. b. 1 2 3 4 5)",
        ],
        Record(A, Type.SOA, 1, TIMES),
    ),
    ". 1 SOA a. b. 1 2 3 4 5": Record((), Type.SOA, 1, TIMES),
}


@pytest.mark.parametrize(("line", "record"), LINES.items())
def test_lines_are_records(line: str, record: Record) -> None:
    assert record_from(line) == record


def test_every_type_has_a_line() -> None:
    assert {record.type for record in LINES.values()} == set(READERS)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "a.b",
        "a.b 60",
        "a.b A",
        "a.b A x",
        "a.b FOO x",
        "a..b A 1.2.3.4",
        "a.b MX x y",
        "a.b OPT x",
    ],
)
def test_other_lines_are_none(line: str) -> None:
    with pytest.raises(BadRecord):
        record_from(line)


def test_texts_are_bounded() -> None:
    with pytest.raises(BadRecord):
        record_from("a.b TXT " + "x" * 256)

import pytest

from netemu.dns.presentation import (
    data_line,
    rcode_name,
    shown,
    type_name,
    type_number,
)
from netemu.dns.records import Data, Name, Record, Soa, Srv, Type, Wire


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ((b"web", b"default"), "web.default."),
        ((), "."),
        ((b"a.b", b"c\\d"), "a\\.b.c\\\\d."),
        ((b"\x1b[31m", b"\x00 \xff"), "\\027[31m.\\000\\032\\255."),
    ],
)
def test_names(name: Name, text: str) -> None:
    assert shown(name) == text


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        (Type.A, bytes((10, 96, 0, 7)), "10.96.0.7"),
        (Type.AAAA, bytes(15) + b"\1", "::1"),
        (Type.CNAME, (b"a", b"b"), "a.b."),
        (Type.SRV, Srv(50, 5432, (b"db",)), "0 50 5432 db."),
        (Type.TXT, b'1.1.0 "x"', '"1.1.0 \\"x\\""'),
        (Type.SOA, Soa((b"z",), 7, 5), "ns.dns.z. hostmaster.z. 7 7200 1800 86400 5"),
        (Type.TXT, Wire(b"\2ab\1c"), '"ab" "c"'),
        (Type.TXT, Wire(b"\7ab"), '"ab"'),
        (Type.MX, Wire(b"\0\x0a\2mx\0"), "10 mx."),
        (Type.SOA, Wire(b"\1a\0\1b\0" + bytes(19) + b"\5"), "a. b. 0 0 0 0 5"),
        (65, Wire(b"\0\1"), "\\# 2 0001"),
        (65, Wire(), "\\# 0"),
    ],
)
def test_data(kind: int, data: Data, text: str) -> None:
    assert data_line(Record((b"x",), kind, 5, data)) == text


@pytest.mark.parametrize(
    ("number", "name"), [(1, "A"), (28, "AAAA"), (65, "HTTPS"), (255, "ANY"), (4711, "TYPE4711")]
)
def test_types(number: int, name: str) -> None:
    assert type_name(number) == name
    assert type_number(name.lower()) == number


@pytest.mark.parametrize("text", ["", "B", "TYPE", "TYPE-1", "TYPE65536", "17"])
def test_no_types(text: str) -> None:
    with pytest.raises(ValueError, match="is no type"):
        type_number(text)


def test_codes() -> None:
    assert rcode_name(3) == "NXDOMAIN"
    assert rcode_name(9) == "NOTAUTH"
    assert rcode_name(16) == "BADVERS"
    assert rcode_name(11) == "RCODE11"

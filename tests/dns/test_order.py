import random
from ipaddress import ip_network

from netemu.dns.chain import Order
from netemu.dns.order import arranger

THREE = (b"a", b"b", b"c")


def test_each_order() -> None:
    assert arranger(Order.KEEP, random.Random(1))(THREE) == THREE
    rotate = arranger(Order.ROTATE, random.Random(1))
    assert rotate(THREE) == (b"b", b"c", b"a")
    assert rotate(rotate(rotate(THREE))) == THREE
    assert rotate((b"a",)) == (b"a",)
    shuffle = arranger(Order.RANDOM, random.Random(1))
    assert len({shuffle(THREE) for _ in range(200)}) == 6


def record(owner: bytes, data: bytes) -> bytes:
    return owner + bytes(8) + len(data).to_bytes(2, "big") + data


def test_preferred_addresses_come_first_and_the_order_holds_among_them() -> None:
    ranges = (ip_network("10.1.0.0/16"), ip_network("fd00::/8"))
    for owner in (b"\xc0\x0c", b"\3web\xc0\x10", b"\3web\7example\0", b"\0"):
        near, nearer = record(owner, b"\x0a\1\0\1"), record(owner, b"\x0a\1\0\2")
        far, six = record(owner, b"\x0a\2\0\1"), record(owner, b"\xfd" + bytes(15))
        keep = arranger(Order.KEEP, random.Random(1), ranges)
        assert keep((far, near, nearer)) == (near, nearer, far)
        assert keep((record(owner, bytes(16)), six)) == (six, record(owner, bytes(16)))
        shuffle = arranger(Order.RANDOM, random.Random(1), ranges)
        seen = {shuffle((far, near, nearer)) for _ in range(50)}
        assert seen == {(near, nearer, far), (nearer, near, far)}

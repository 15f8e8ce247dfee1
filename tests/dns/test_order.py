import random

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

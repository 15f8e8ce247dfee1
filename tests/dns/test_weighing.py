"""Weights from a file, and which address they bring to the front."""

import random
from collections import Counter

import pytest

from netemu.dns.answer import Answer
from netemu.dns.records import Record, Srv, Type, name_from
from netemu.dns.weighing import BadWeights, weighed, weights_in
from tests.dns.cluster import configured, packet, reply_to, responder

NAME = name_from("Www.example.com")
FILE = """# comment
www.example.com
100.64.1.1 3
100.64.1.2 1
100.64.1.3 2

other.example.com.
100.64.1.1 255
2001:db8::1 7
"""


def address(last: int) -> Record:
    return Record(NAME, Type.A, 60, bytes([100, 64, 1, last]))


def test_a_file_has_names_and_below_them_addresses() -> None:
    weights = weights_in(FILE, "w")
    assert set(weights) == {name_from("www.example.com"), name_from("other.example.com")}
    assert weights[name_from("www.example.com")][bytes([100, 64, 1, 3])] == 2
    assert sorted(weights[name_from("other.example.com")].values()) == [7, 255]


BAD = {
    "100.64.1.1 3": "missing domain name in weight file w",
    "1.1.1.1": 'wrong domain name:"1.1.1.1" in weight file w. (Maybe a missing weight value?)',
    "a..b": 'wrong domain name:"a..b" in weight file w',
    "a\nb 3": 'wrong IP address:"b" in weight file w',
    "a\n1.1.1.1 0": 'wrong weight value:"0" in weight file w',
    "a\n1.1.1.1 256": 'wrong weight value:"256" in weight file w',
    "a b c": 'could not parse weight line:"a b c" in weight file w',
}


@pytest.mark.parametrize(("text", "why"), BAD.items())
def test_other_files_are_refused(text: str, why: str) -> None:
    with pytest.raises(BadWeights) as raised:
        weights_in(text, "w")
    assert str(raised.value) == why


def test_the_first_address_is_drawn_by_weight() -> None:
    weights, rng = weights_in(FILE, "w"), random.Random(7)
    answer = Answer(records=(address(1), address(2), address(3)))
    firsts = Counter(weighed(answer, weights, rng).records[0].data for _ in range(6000))
    shares = [round(firsts[bytes([100, 64, 1, last])] / 1000) for last in (1, 2, 3)]
    assert shares == [3, 1, 2]


def test_it_changes_places_and_the_others_stay() -> None:
    alias = Record(name_from("x"), Type.CNAME, 60, NAME)
    answer = Answer(records=(alias, address(1), address(2), address(3)))
    heavy = {name_from("www.example.com"): {bytes([100, 64, 1, 3]): 10**9}}
    made = weighed(answer, heavy, random.Random(7))
    assert made.records == (alias, address(3), address(2), address(1))
    assert not made.shared


def test_a_single_address_and_other_records_are_left_alone() -> None:
    answer = Answer(records=(address(1), Record(NAME, Type.SRV, 60, Srv(1, 2, NAME))))
    assert weighed(answer, {}, random.Random(7)) is answer


def test_a_server_draws_anew_for_each_query() -> None:
    corefile = """. {
        hosts {
            100.64.1.1 www.example.com
            100.64.1.2 www.example.com
        }
        loadbalance weighted /etc/weights
    }"""
    made = configured(corefile, weights="www.example.com\n100.64.1.2 3\n")
    assert made.files == ("/etc/hosts", "/etc/weights")
    one = responder(corefile=corefile)
    firsts = {str(reply_to(one, packet("www.example.com")).rr[0].rdata) for _ in range(50)}
    assert firsts == {"100.64.1.1", "100.64.1.2"}

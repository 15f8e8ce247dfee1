"""Names in answers, of every kind of record and in every section."""

import re

import pytest

from netemu.dns.answer import Answer
from netemu.dns.records import Data, Name, Record, Soa, Srv, Type, Wire, name_from
from netemu.dns.renaming import AnswerRule, filled, mended_by, renamed
from netemu.dns.zonefile import record_from

OLD, NEW, OTHER = name_from("old.test"), name_from("new.example"), name_from("other.test")


def rename(name: Name) -> Name:
    return NEW if name == OLD else name


def wire_of(line: str) -> Data:
    return record_from(line).data


CASES: dict[str, tuple[int, Data, Data]] = {
    "CNAME": (Type.CNAME, OLD, NEW),
    "NS": (Type.NS, OLD, NEW),
    "PTR": (Type.PTR, OLD, NEW),
    "SRV": (Type.SRV, Srv(1, 2, OLD), Srv(1, 2, NEW)),
    "our SOA": (Type.SOA, Soa(OLD, 7, 5), Soa(NEW, 7, 5)),
    "SOA": (
        Type.SOA,
        wire_of("x SOA old.test other.test 1 2 3 4 5"),
        wire_of("x SOA new.example other.test 1 2 3 4 5"),
    ),
    "MX": (Type.MX, wire_of("x MX 10 old.test"), wire_of("x MX 10 new.example")),
    "an address": (Type.A, bytes(4), bytes(4)),
    "text": (Type.TXT, Wire(b"\x03old"), Wire(b"\x03old")),
    "another name": (Type.CNAME, OTHER, OTHER),
}


@pytest.mark.parametrize(("kind", "old", "new"), CASES.values(), ids=CASES)
def test_values_are_renamed(kind: int, old: Data, new: Data) -> None:
    record = Record(OTHER, kind, 60, old)
    answer = renamed(rename)(Answer(records=(record,), authority=(record,), additional=(record,)))
    changed = (Record(OTHER, kind, 60, new),)
    assert (answer.records, answer.authority, answer.additional) == (changed,) * 3


def test_owners_values_or_both() -> None:
    answer = Answer(records=(Record(OLD, Type.CNAME, 60, OLD),))
    assert renamed(rename, values=False)(answer).records[0] == Record(NEW, Type.CNAME, 60, OLD)
    assert renamed(rename, owners=False)(answer).records[0] == Record(OLD, Type.CNAME, 60, NEW)


def test_rules_follow_each_other() -> None:
    rules = (
        AnswerRule(True, r"^old\.(.*)$", "mid.{1}"),
        AnswerRule(True, "^mid.*$", "new.example."),
    )
    answer = Answer(records=(Record(OLD, Type.CNAME, 60, OLD),))
    assert mended_by(rules)(answer).records[0] == Record(OLD, Type.CNAME, 60, NEW)


def test_groups_are_filled_in() -> None:
    fit = re.match(r"(a)(b)?", "ac")
    assert fit is not None
    assert filled("{0}-{1}-{2}-{3}", fit) == "a-a--{3}"

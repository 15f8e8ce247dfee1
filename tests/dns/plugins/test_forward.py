"""Which names are asked of whom."""

import pytest

from netemu.dns.answer import Answer
from netemu.dns.consult import Consultation
from netemu.dns.nodes import View
from netemu.dns.records import Question, Rcode, Type, name_from
from netemu.model import resources
from netemu.model.snapshot import advance
from tests.dns.cluster import answers
from tests.dns.consulting import (
    AAAA,
    CLIENT,
    CNAME,
    NXDOMAIN,
    PTR,
    REFUSED,
    SNAPSHOT,
    SVC,
    WEB,
    A,
    Case,
    block,
    others,
    resolve,
)

CASES = [
    Case(
        "a foreign name", "", "www.example.org", A, ("A 192.0.2.1",), asked=("www.example.org U",)
    ),
    Case("a foreign name that isn't there", "", "x.org", A, (), NXDOMAIN, ("x.org U",)),
    Case("a name of the cluster", "", f"web.{SVC}", A, WEB),
    Case("one that isn't there", "", f"nope.{SVC}", A, (), NXDOMAIN),
    Case("a miss of the search list", "", f"www.example.org.{SVC}", A, (), NXDOMAIN),
    Case("our reverse name", "", "7.0.96.10.in-addr.arpa", PTR, (f"PTR web.{SVC}",)),
    Case(
        "a foreign reverse name",
        "",
        "1.2.0.192.in-addr.arpa",
        PTR,
        (),
        NXDOMAIN,
        ("1.2.0.192.in-addr.arpa U",),
    ),
    Case("one without fallthrough", "", f"1.{'0.' * 31}ip6.arpa", PTR, (), NXDOMAIN),
    Case("a transfer of others", "", "example.org", Type.AXFR, (), REFUSED),
    Case(
        "an alias to others",
        "",
        f"ext.{SVC}",
        A,
        ("CNAME www.example.org", "A 192.0.2.1"),
        asked=("www.example.org U",),
    ),
    Case(
        "an alias to others without that family",
        "",
        f"ext.{SVC}",
        AAAA,
        ("CNAME www.example.org",),
        asked=("www.example.org U",),
    ),
    Case(
        "two aliases to others",
        "",
        f"ext-ext-out.{SVC}",
        A,
        (f"CNAME ext.{SVC}", "CNAME www.example.org", "A 192.0.2.1"),
        asked=("www.example.org U",),
    ),
    Case("the alias itself", "", f"ext.{SVC}", CNAME, ("CNAME www.example.org",)),
    Case(
        "a stub domain",
        "forward corp.example 192.0.2.99",
        "web.corp.example",
        A,
        ("A 192.0.2.2",),
        asked=("web.corp.example 192.0.2.99",),
    ),
    Case(
        "an exception",
        "forward example.org 192.0.2.99 {\n except www.example.org\n}",
        "www.example.org",
        A,
        ("A 192.0.2.1",),
        asked=("www.example.org U",),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_question_is_answered_so(case: Case) -> None:
    case.check()


def test_without_forward_others_are_refused_and_aliases_stand_alone() -> None:
    made = block("kubernetes cluster.local in-addr.arpa {\n fallthrough\n}")
    assert resolve(made, "www.example.org", A)[0].rcode is REFUSED
    assert resolve(made, "1.2.3.4.in-addr.arpa", PTR)[0].rcode is NXDOMAIN
    answer, _ = resolve(made, f"ext.{SVC}", A)
    assert (answer.rcode, answers(answer)) == (Rcode.NOERROR, ["CNAME www.example.org"])


def test_a_forward_may_leave_a_name_to_the_next() -> None:
    made = block(
        "forward corp.example 192.0.2.51 {\n next NXDOMAIN\n next_on_nodata\n}",
        "forward example 192.0.2.52 {\n next SERVFAIL\n}",
        "forward . 192.0.2.53",
    )
    for name, kind, servers in (
        ("web.corp.example", A, ["51"]),
        ("web.corp.example", AAAA, ["51", "52"]),
        ("nope.corp.example", A, ["51", "52"]),
        ("failing.example", A, ["52", "53"]),
        ("www.example.org", A, ["53"]),
    ):
        answer, asked = resolve(made, name, kind)
        assert asked == [f"{name} 192.0.2.{server}" for server in servers]
        assert (answer.rcode is NXDOMAIN) == name.startswith("nope")


def test_an_alias_to_what_isnt_there_or_fails() -> None:
    for target, rcode in (("nope.example", NXDOMAIN), ("failing.example", Rcode.NOERROR)):
        obj = {
            "metadata": {"namespace": "default", "name": "x"},
            "spec": {"type": "ExternalName", "externalName": target},
        }
        snapshot = advance(SNAPSHOT, resources.SERVICES, None, obj)
        made = block("kubernetes cluster.local", "forward . 192.0.2.53")
        outcome = Consultation(made, snapshot, View(), CLIENT).outcome(
            Question(name_from(f"x.{SVC}"), A)
        )
        assert not isinstance(outcome, Answer)
        answer = outcome.then(others(outcome.question, outcome.forward))
        assert isinstance(answer, Answer)
        assert (answer.rcode, answers(answer)) == (rcode, [f"CNAME {target}"])

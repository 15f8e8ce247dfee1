"""In which order the plugins of a block have their say, and what a server-side search finds."""

import pytest

from netemu.dns.answer import Answer
from netemu.dns.consult import Consultation
from netemu.dns.nodes import View
from netemu.dns.records import Question, name_from
from tests.dns.cluster import answers, configured
from tests.dns.consulting import (
    AAAA,
    CLIENT,
    KUBERNETES,
    NXDOMAIN,
    REFUSED,
    SNAPSHOT,
    SVC,
    WEB,
    A,
    Case,
    block,
    resolve,
)

AUTO = "autopath @kubernetes"

CASES = [
    Case("the first of the search list", AUTO, f"web.{SVC}", A, WEB),
    Case(
        "the second", AUTO, f"svc.svc.{SVC}", A, ("CNAME svc.svc.svc.cluster.local", "A 10.96.0.20")
    ),
    Case(
        "the bare name",
        AUTO,
        f"www.example.org.{SVC}",
        A,
        ("CNAME www.example.org", "A 192.0.2.1"),
        asked=("www.example.org U",),
    ),
    Case("nothing anywhere", AUTO, f"x.org.{SVC}", A, (), NXDOMAIN, ("x.org U",)),
    Case("no data ends it", AUTO, f"www.example.org.{SVC}", AAAA, (), asked=("www.example.org U",)),
    Case(
        "another namespace's search list",
        AUTO,
        "www.example.org.bare.svc.cluster.local",
        A,
        (),
        NXDOMAIN,
    ),
    Case(
        "a foreign name", AUTO, "www.example.org", A, ("A 192.0.2.1",), asked=("www.example.org U",)
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_question_is_answered_so(case: Case) -> None:
    case.check()


def test_what_depends_on_the_client_is_not_shared() -> None:
    made = block(AUTO, "kubernetes cluster.local", "forward . 192.0.2.53")
    for name, client, shared in (
        (f"web.{SVC}", CLIENT, True),
        (f"svc.svc.{SVC}", CLIENT, False),
        (f"x.org.{SVC}", CLIENT, False),
        (f"svc.svc.{SVC}", "10.244.0.99", False),
        (f"web.{SVC}", "10.244.0.99", True),
    ):
        assert resolve(made, name, A, client)[0].shared is shared, (name, client)
    assert resolve(made, f"svc.svc.{SVC}", A, "10.244.0.99")[0].rcode is NXDOMAIN


def test_foreign_classes_are_refused_even_with_a_forwarder() -> None:
    made = block("kubernetes cluster.local", "forward . 192.0.2.53")
    for name in (f"web.{SVC}", "www.example.org"):
        outcome = Consultation(made, SNAPSHOT, View(), CLIENT).outcome(
            Question(name_from(name), A, 3)
        )
        assert isinstance(outcome, Answer)
        assert outcome.rcode is REFUSED
    served = block("rewrite class CH IN", "kubernetes cluster.local")
    outcome = Consultation(served, SNAPSHOT, View(), CLIENT).outcome(
        Question(name_from(f"web.{SVC}"), A, 3)
    )
    assert isinstance(outcome, Answer)
    assert answers(outcome) == ["A 10.96.0.7"]


def test_the_search_list_may_come_from_a_file() -> None:
    corefile = f""". {{
        autopath /etc/resolv.conf
        {KUBERNETES}
        forward . 192.0.2.53
    }}"""
    made = configured(corefile, resolv_conf="search corp.example svc.cluster.local\n")
    answer, asked = resolve(made, "web.default.corp.example", A, "192.0.2.200")
    assert answers(answer) == [f"CNAME web.{SVC}", *WEB]
    assert asked == ["web.default.corp.example 192.0.2.53"]
    assert answer.walked
    assert "/etc/resolv.conf" in made.files


def test_found_with_the_first_name_nothing_was_walked() -> None:
    made = block(AUTO, "kubernetes cluster.local", "forward . 192.0.2.53")
    assert not resolve(made, f"web.{SVC}", A)[0].walked
    assert resolve(made, f"svc.svc.{SVC}", A)[0].walked

"""What ``hosts`` answers and leaves to others."""

import pytest

from netemu.dns.records import Rcode
from tests.dns.cluster import answers, configured
from tests.dns.consulting import (
    AAAA,
    NXDOMAIN,
    PTR,
    REFUSED,
    SERVFAIL,
    SVC,
    TXT,
    A,
    Case,
    block,
    resolve,
)

HOSTS = """hosts /etc/hosts example {
    192.0.2.9 db.example DB2.example
    fd00::9 db.example
    ttl 7
    fallthrough
}"""

WILD = "hosts {\n 192.0.2.10 *.example\n 192.0.2.11 a.example\n fallthrough\n}"
CASES = [
    Case("a static name", HOSTS, "db.example", A, ("A 192.0.2.9",)),
    Case("in any spelling", HOSTS, "dB2.eXample", A, ("A 192.0.2.9",)),
    Case("its other family", HOSTS, "db.example", AAAA, ("AAAA fd00::9",)),
    Case("a wildcard", WILD, "apps.example", A, ("A 192.0.2.10",)),
    Case("a name of its own beside it", WILD, "a.example", A, ("A 192.0.2.11",)),
    Case("no label for it", WILD, "example", A, (), NXDOMAIN, ("example U",)),
    Case("two labels for it", WILD, "b.c.example", A, (), NXDOMAIN, ("b.c.example U",)),
    Case(
        "its reverse name",
        WILD,
        "10.2.0.192.in-addr.arpa",
        PTR,
        (),
        NXDOMAIN,
        ("10.2.0.192.in-addr.arpa U",),
    ),
    Case(
        "another type, left to the next",
        HOSTS.replace("ttl 7", "fallthrough_unsupported"),
        "db.example",
        TXT,
        (),
        NXDOMAIN,
        ("db.example U",),
    ),
    Case(
        "a missing family is not left to the next",
        HOSTS.replace("ttl 7", "fallthrough_unsupported"),
        "db2.example",
        AAAA,
    ),
    Case("a missing family", HOSTS, "db2.example", AAAA),
    Case("another type", HOSTS, "db.example", TXT),
    Case(
        "its reverse name",
        HOSTS,
        "9.2.0.192.in-addr.arpa",
        PTR,
        ("PTR db.example", "PTR db2.example"),
    ),
    Case("one that isn't in the table", HOSTS, "x.example", A, (), NXDOMAIN, ("x.example U",)),
    Case(
        "a reverse name that isn't in the table, even without fallthrough",
        HOSTS.replace("example {", ". {").replace("fallthrough", ""),
        "1.2.0.192.in-addr.arpa",
        PTR,
        (),
        NXDOMAIN,
        ("1.2.0.192.in-addr.arpa U",),
    ),
    Case(
        "without fallthrough it fails",
        HOSTS.replace("fallthrough", ""),
        "x.example",
        A,
        (),
        SERVFAIL,
    ),
    Case(
        "outside its zones",
        HOSTS.replace("fallthrough", ""),
        "www.example.org",
        A,
        ("A 192.0.2.1",),
        asked=("www.example.org U",),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_question_is_answered_so(case: Case) -> None:
    case.check()


def test_dual_stack_hosts_come_from_files_too() -> None:
    made = configured(
        ". {\n hosts /etc/hosts {\n no_reverse\n }\n}", hosts="# x\n::1 six six.b\nbad\n"
    )
    assert answers(resolve(made, "six.b", AAAA)[0]) == ["AAAA ::1"]
    # Left to the next step, and there is none.
    assert resolve(made, f"1.{'0.' * 31}ip6.arpa", PTR)[0].rcode is REFUSED


def test_an_alias_may_lead_to_a_static_name_and_back() -> None:
    hosts = "hosts /etc/hosts {\n 192.0.2.9 www.example.org\n fallthrough\n}"
    answer, asked = resolve(block(hosts, "kubernetes cluster.local"), f"ext.{SVC}", A)
    assert (answers(answer), asked) == (["CNAME www.example.org", "A 192.0.2.9"], [])
    back = f"rewrite name www.example.org ext.{SVC}"
    answer, _ = resolve(block(back, "kubernetes cluster.local"), f"ext.{SVC}", A)
    assert answer.rcode in (Rcode.NOERROR, SERVFAIL)

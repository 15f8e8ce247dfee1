"""What ``template`` answers and leaves to others."""

import pytest

from netemu.dns.observation import Observers
from tests.dns.cluster import packet, reply_to, responder
from tests.dns.consulting import (
    CNAME,
    NXDOMAIN,
    REFUSED,
    SERVFAIL,
    SVC,
    WEB,
    A,
    Case,
)

TEMPLATE = """template IN A example {
    match "^ip-(?P<a>[0-9]+)-([0-9]+)[.]example[.]$"
    answer "{{ .Name }} 60 IN A 10.0.{{ .Group.a }}.{{ index .Match 2 }}"
    fallthrough
}
template IN MX {
    match "example[.]$"
    answer "{{ .Name }} 60 IN MX 10 mail.{{ .Name }}"
    additional "mail.{{ .Name }} 60 IN A 192.0.2.25"
    fallthrough
}
template ANY HTTPS {
    rcode NOERROR
}
"""

CASES = [
    Case("a synthetic address", TEMPLATE, "ip-3-4.example", A, ("A 10.0.3.4",)),
    Case("in any spelling", TEMPLATE, "IP-3-4.Example", A, ("A 10.0.3.4",)),
    Case("a name that doesn't fit", TEMPLATE, "ip-x.example", A, (), NXDOMAIN, ("ip-x.example U",)),
    Case("a type without records", TEMPLATE, "anything.org", 65),
    Case(
        "a code",
        "template ANY ANY bad.example {\n rcode REFUSED\n}",
        "x.bad.example",
        A,
        (),
        REFUSED,
    ),
    Case(
        "one that doesn't fit, without fallthrough",
        'template IN A example {\n match "^a[.]"\n}',
        "b.example",
        A,
        (),
        SERVFAIL,
    ),
    Case(
        "an alias of a template to others",
        'template IN ANY x.example {\n answer "{{ .Name }} 60 IN CNAME www.example.org"\n}',
        "x.example",
        A,
        ("CNAME www.example.org", "A 192.0.2.1"),
        asked=("www.example.org U",),
    ),
    Case(
        "an alias of a template into the cluster",
        f'template IN ANY x.example {{\n answer "x.example 60 IN CNAME web.{SVC}"\n}}',
        "x.example",
        A,
        (f"CNAME web.{SVC}", *WEB),
    ),
    Case(
        "the alias of a template itself",
        'template IN ANY x.example {\n answer "x.example 60 IN CNAME www.example.org"\n}',
        "x.example",
        CNAME,
        ("CNAME www.example.org",),
    ),
    Case(
        "an alias of a template to itself",
        'template IN ANY x.example {\n answer "x.example 60 IN CNAME x.example"\n}',
        "x.example",
        A,
        ("CNAME x.example",),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_question_is_answered_so(case: Case) -> None:
    case.check()


def test_an_extended_error_reaches_clients_that_speak_edns() -> None:
    corefile = """. {
        template ANY ANY invalid {
            rcode NXDOMAIN
            ederror 21 "Blocked according to RFC2606"
        }
    }"""
    one = responder(corefile=corefile)
    reply = reply_to(one, packet("x.invalid", edns=1232))
    (opt,) = reply.ar
    assert [(option.code, bytes(option.data)) for option in opt.rdata] == [
        (15, b"\0\x15Blocked according to RFC2606")
    ]
    assert reply_to(one, packet("x.invalid")).ar == []


def test_a_text_that_makes_no_record_is_no_panic() -> None:
    corefile = """. {
        template IN A example {
            match "^(?P<a>[^.]*)[.]"
            answer "{{ .Name }} 60 IN A {{ .Group.a }}"
        }
    }"""
    observers = Observers()
    one = responder(corefile=corefile, observers=observers)
    assert reply_to(one, packet("x.example")).header.rcode == SERVFAIL
    assert observers.panics == 0

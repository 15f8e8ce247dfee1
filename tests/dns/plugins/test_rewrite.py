"""What ``rewrite`` does with questions and answers."""

import pytest

from netemu.dns.answer import Answer
from netemu.dns.consult import Consultation
from netemu.dns.corefile import BadCorefile
from netemu.dns.nodes import View
from netemu.dns.outcome import Around
from netemu.dns.records import Question, name_from
from tests.dns.cluster import shown
from tests.dns.consulting import (
    AAAA,
    CLIENT,
    NXDOMAIN,
    SNAPSHOT,
    SRV,
    SVC,
    WEB,
    A,
    Case,
    block,
    resolve,
)

CASES = [
    Case("a name", f"rewrite name web.example web.{SVC}", "web.example", A, WEB),
    Case(
        "a name, said exactly", f"rewrite name exact web.example. web.{SVC}.", "WEB.example", A, WEB
    ),
    Case("a suffix", f"rewrite name suffix .example .{SVC}", "web.example", A, WEB),
    Case("a prefix", "rewrite name prefix my- we", f"my-b.{SVC}", A, WEB),
    Case(
        "a substring",
        "rewrite name substring .prod. .svc.",
        "web.default.prod.cluster.local",
        A,
        WEB,
    ),
    Case(
        "a regular expression",
        r"rewrite name regex (.*)\.(.*)\.short {1}.{2}.svc.cluster.local",
        "web.default.short",
        A,
        WEB,
    ),
    Case(
        "a name that doesn't fit",
        "rewrite name a.example b.example",
        "x.example",
        A,
        (),
        NXDOMAIN,
        ("x.example U",),
    ),
    Case(
        "the first rule that fits",
        f"rewrite name a.b web.{SVC}\nrewrite name a.b idle.{SVC}",
        "a.b",
        A,
        WEB,
    ),
    Case(
        "rules that go on",
        f"rewrite continue name a.b c.d\nrewrite name c.d web.{SVC}",
        "a.b",
        A,
        WEB,
    ),
    Case(
        "names and values, one after the other",
        r"rewrite name regex (.*)\.x {1}.default.svc.cluster.local answer name "
        r"(.*)\.default\.svc\.cluster\.local {1}.x value (.*)\.default.* {1}.told",
        "ext-web.x",
        A,
        ("CNAME web.told", *WEB),
    ),
    Case(
        "an exact name is put back beside other rules",
        rf"rewrite name exact x.example ext-web.{SVC} answer value (.*)\.default.* {{1}}.told",
        "x.example",
        A,
        ("CNAME web.told", *WEB),
    ),
    Case(
        "an alias that leads into the cluster",
        f"rewrite cname exact www.example.org web.{SVC}",
        f"ext.{SVC}",
        A,
        (f"CNAME web.{SVC}", *WEB),
        asked=("www.example.org U",),
    ),
    Case(
        "an alias that leads to others",
        "rewrite cname suffix .default.svc.cluster.local. .example.org.\n"
        "rewrite name www.example.org www.example.org",
        f"ext-web.{SVC}",
        A,
        ("CNAME web.example.org",),
        asked=("web.example.org U",),
    ),
    Case("a code by its number", "rewrite rcode suffix .x 3 0", "nope.x", A, asked=("nope.x U",)),
    Case("a type", "rewrite type AAAA A", f"web.{SVC}", AAAA, WEB),
    Case(
        "SRV of a suffix",
        f"rewrite name suffix .example .{SVC}",
        "_http._tcp.web.example",
        SRV,
        ("SRV 0 100 80 web.example",),
    ),
    Case(
        "an alias's target stays",
        f"rewrite name x.example ext-web.{SVC}",
        "x.example",
        A,
        (f"CNAME web.{SVC}", *WEB),
    ),
    Case(
        "the answers as the rule says",
        f"""rewrite stop {{
            name suffix .example .{SVC}
            answer name (.*)\\.default\\.svc\\.cluster\\.local {{1}}.example
            answer value (.*)\\.default\\.svc\\.cluster\\.local {{1}}.told
        }}""",
        "ext-web.example",
        A,
        ("CNAME web.told", *WEB),
    ),
    Case(
        "a name that becomes none",
        "rewrite name prefix a " + "x" * 70,
        "a.example",
        A,
        (),
        NXDOMAIN,
        ("a.example U",),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_question_is_answered_so(case: Case) -> None:
    case.check()


def test_single_names_have_ttls_of_their_own() -> None:
    made = block(
        f"rewrite continue ttl exact web.{SVC} 1",
        "rewrite ttl suffix .idle.default.svc.cluster.local 10-20",
        "kubernetes cluster.local",
    )
    assert [record.ttl for record in resolve(made, f"web.{SVC}", A)[0].records] == [1]
    assert [record.ttl for record in resolve(made, f"dual.{SVC}", A)[0].records] == [5]


def test_the_soa_of_a_denial_is_above_the_name_that_was_asked() -> None:
    made = block("rewrite name suffix .example .cluster.local", "kubernetes cluster.local")
    answer, _ = resolve(made, "nope.default.svc.example", A)
    assert answer.rcode is NXDOMAIN
    assert [shown(record) for record in answer.authority] == ["SOA example 5"]
    assert [record.owner for record in answer.authority] == [(b"example",)]


OPTIONS = {
    "local set 0xffee 0x61626364": (0xFFEE, b"abcd"),
    "local set 0xffee abcd": (0xFFEE, b"abcd"),
    "local append 65518 {client_port}": (0xFFEE, b"\x9c\x40"),
    "nsid set": (3, b""),
    "subnet set 24 56 revert": (8, b"\0\x01\x18\0\x0a\xf4\0"),
}


@pytest.mark.parametrize(("text", "option"), OPTIONS.items())
def test_options_reach_other_servers(text: str, option: tuple[int, bytes]) -> None:
    made = block(f"rewrite edns0 {text}", "forward . 192.0.2.53")
    consultation = Consultation(made, SNAPSHOT, View(), CLIENT, Around(port=40000))
    outcome = consultation.outcome(Question(name_from("www.example.org"), A))
    assert not isinstance(outcome, Answer)
    assert outcome.question.options == (option,)


BAD_OPTIONS = {
    "local": "rewrite edns0 takes local, nsid or subnet, and set, append, replace, unset",
    "local grow 1 a": "rewrite edns0 takes local, nsid or subnet",
    "local set 0xffee": "rewrite edns0 local set takes other arguments",
    "local set 70000 a": 'rewrite edns0: "70000" is no code of an option',
    "local set 1 0xabc": 'rewrite edns0: "0xabc" is no octets',
    "local set 1 {nope}": 'rewrite edns0: unsupported variable name "{nope}"',
    "subnet set 33 1": "no whole number within 0..32",
    "nsid set x": "rewrite edns0 nsid set takes other arguments",
}


@pytest.mark.parametrize(("text", "why"), BAD_OPTIONS.items())
def test_bad_options_are_named_with_their_line(text: str, why: str) -> None:
    with pytest.raises(BadCorefile, match="^Corefile:2: ") as raised:
        block(f"rewrite edns0 {text}")
    assert why in str(raised.value)


def test_what_is_between_the_client_and_us_goes_no_further() -> None:
    made = block("rewrite edns0 local append 0xffee x", "forward . 192.0.2.53")
    given = ((8, b"net"), (10, b"cookie"), (11, b""), (12, b"\0\0"))
    consultation = Consultation(made, SNAPSHOT, View(), CLIENT, Around(options=given))
    outcome = consultation.outcome(Question(name_from("www.example.org"), A))
    assert not isinstance(outcome, Answer)
    assert outcome.question.options == ((8, b"net"), (0xFFEE, b"x"))

"""What each plugin does with a question, one case a row."""

from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from netemu.dns.answer import Answer
from netemu.dns.chain import Configuration, Forward
from netemu.dns.consult import Consultation
from netemu.dns.nodes import View
from netemu.dns.outcome import Outcome
from netemu.dns.records import Question, Rcode, Record, Type, name_from
from netemu.model import resources
from netemu.model.snapshot import advance
from tests.dns.cluster import CLUSTER, answers, configured, text_of

A, AAAA, CNAME, MX, PTR, SRV, TXT = (
    Type.A,
    Type.AAAA,
    Type.CNAME,
    Type.MX,
    Type.PTR,
    Type.SRV,
    Type.TXT,
)
SVC = "default.svc.cluster.local"
CLIENT = "10.244.0.5"
POD = {
    "metadata": {"namespace": "default", "name": "one"},
    "spec": {},
    "status": {"podIP": CLIENT, "phase": "Running"},
}
SNAPSHOT = advance(CLUSTER, resources.PODS, None, POD)
OUTSIDE = {"www.example.org": "192.0.2.1", "web.corp.example": "192.0.2.2"}
"""What other servers know; all else doesn't exist there."""
KUBERNETES = """kubernetes cluster.local in-addr.arpa ip6.arpa {
    fallthrough in-addr.arpa
    pods insecure
}"""


def others(question: Question, forward: Forward) -> Answer:
    """Any other server."""
    name = text_of(question.name)
    if name == "failing.example":
        return Answer(rcode=Rcode.SERVFAIL, authoritative=False)
    address = OUTSIDE.get(name.lower())
    if address is None:
        return Answer(rcode=Rcode.NXDOMAIN, authoritative=False)
    octets = bytes(map(int, address.split(".")))
    record = Record(question.name, A, 60, octets)
    return Answer(records=(record,) if question.type == A else (), authoritative=False)


def resolve(
    configuration: Configuration, name: str, kind: int, client: str = CLIENT
) -> tuple[Answer, list[str]]:
    """The answer, and what was asked of whom for it."""
    asked: list[str] = []
    consultation = Consultation(configuration, SNAPSHOT, View(), client)
    outcome: Outcome = consultation.outcome(Question(name_from(name), kind))
    while not isinstance(outcome, Answer):
        asked.append(f"{text_of(outcome.question.name)} {outcome.forward.servers[0][0]}")
        outcome = outcome.then(others(outcome.question, outcome.forward))
    return outcome, asked


@dataclass(frozen=True)
class Case:
    name: str
    lines: str
    """Of the server block for everything, before `kubernetes` and `forward`."""
    qname: str
    type: int
    answers: tuple[str, ...] = ()
    rcode: Rcode = Rcode.NOERROR
    asked: tuple[str, ...] = ()


NXDOMAIN, SERVFAIL, REFUSED = Rcode.NXDOMAIN, Rcode.SERVFAIL, Rcode.REFUSED
WEB = ("A 10.96.0.7",)
AUTO = "autopath @kubernetes"
HOSTS = """hosts /etc/hosts example {
    192.0.2.9 db.example DB2.example
    fd00::9 db.example
    ttl 7
    fallthrough
}"""
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
    # forward: what is asked of others
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
    # hosts
    Case("a static name", HOSTS, "db.example", A, ("A 192.0.2.9",)),
    Case("in any spelling", HOSTS, "dB2.eXample", A, ("A 192.0.2.9",)),
    Case("its other family", HOSTS, "db.example", AAAA, ("AAAA fd00::9",)),
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
    # template
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
    # rewrite
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
    # autopath
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


@pytest.mark.parametrize("case", CASES, ids=[f"{case.name} {case.qname}" for case in CASES])
def test_each_plugin_does_as_corednss(case: Case) -> None:
    body = f"{case.lines}\n{KUBERNETES}\nforward . 192.0.2.53"
    made, asked = resolve(configured(f". {{\n{body}\n}}"), case.qname, case.type)
    assert (made.rcode, tuple(answers_of(made))) == (case.rcode, case.answers)
    assert asked == [question.replace(" U", " 192.0.2.53") for question in case.asked]
    owner = made.records[0].owner if made.records else ()
    assert not owner or text_of(owner) == case.qname, "the owner in the question's spelling"


def answers_of(answer: Answer) -> list[str]:
    return answers(replace(answer, records=tuple(r for r in answer.records if r.type != MX)))


def block(*lines: str) -> Configuration:
    return configured(". {\n" + "\n".join(lines) + "\n}")


def test_pods_may_be_disabled_insecure_or_verified() -> None:
    names = ("10-244-0-5.default", "10-244-0-5.bare", "10-244-0-6.default")
    expected = {
        "disabled": [NXDOMAIN, NXDOMAIN, NXDOMAIN],
        "insecure": [Rcode.NOERROR, Rcode.NOERROR, Rcode.NOERROR],
        "verified": [Rcode.NOERROR, NXDOMAIN, NXDOMAIN],
    }
    for mode, rcodes in expected.items():
        made = block(f"kubernetes cluster.local {{\n pods {mode}\n}}")
        found = [resolve(made, f"{name}.pod.cluster.local", A)[0].rcode for name in names]
        assert found == rcodes, mode


def test_an_ended_pod_holds_no_address() -> None:
    ended = POD | {"status": {"podIP": CLIENT, "phase": "Succeeded"}}
    snapshot = advance(SNAPSHOT, resources.PODS, POD, ended)
    made = block("kubernetes cluster.local {\n pods verified\n}")
    question = Question(name_from("10-244-0-5.default.pod.cluster.local"), A)
    outcome = Consultation(made, snapshot, View(), CLIENT).outcome(question)
    assert isinstance(outcome, Answer)
    assert outcome.rcode is NXDOMAIN


OPTIONS = {
    "noendpoints": {f"db.{SVC}": NXDOMAIN, f"web.{SVC}": Rcode.NOERROR},
    "namespaces svc com": {f"web.{SVC}": NXDOMAIN, "svc.svc.svc.cluster.local": Rcode.NOERROR},
    "ignore empty_service": {f"idle.{SVC}": NXDOMAIN, f"web.{SVC}": Rcode.NOERROR},
    "": {f"idle.{SVC}": Rcode.NOERROR, f"db.{SVC}": Rcode.NOERROR},
}


@pytest.mark.parametrize(("option", "expected"), OPTIONS.items())
def test_options_hide_names(option: str, expected: dict[str, Rcode]) -> None:
    made = block(f"kubernetes cluster.local {{\n {option}\n}}")
    for name, rcode in expected.items():
        assert resolve(made, name, A)[0].rcode is rcode


def test_there_may_be_several_zones() -> None:
    made = block("kubernetes cluster.local other.zone in-addr.arpa")
    for zone in ("cluster.local", "other.zone"):
        answer, _ = resolve(made, f"_http._tcp.web.default.svc.{zone}", SRV)
        assert answers(answer) == [f"SRV 0 100 80 web.default.svc.{zone}"]
        assert answers(resolve(made, zone, Type.SOA)[0]) == [f"SOA {zone} 5"]
    assert answers(resolve(made, "7.0.96.10.in-addr.arpa", PTR)[0]) == [f"PTR web.{SVC}"]


def test_only_the_reverse_zones_that_were_named_are_ours() -> None:
    made = block("kubernetes cluster.local 10.96.0.0/16", "forward . 192.0.2.53")
    assert resolve(made, "7.0.96.10.in-addr.arpa", PTR) == (
        resolve(block("kubernetes cluster.local in-addr.arpa"), "7.0.96.10.in-addr.arpa", PTR)[0],
        [],
    )
    assert resolve(made, "5.0.244.10.in-addr.arpa", PTR)[1] == [
        "5.0.244.10.in-addr.arpa 192.0.2.53"
    ]
    assert answers(resolve(made, "96.10.in-addr.arpa", Type.SOA)[0]) == ["SOA 96.10.in-addr.arpa 5"]


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


def test_an_alias_may_lead_to_a_static_name_and_back() -> None:
    hosts = "hosts /etc/hosts {\n 192.0.2.9 www.example.org\n fallthrough\n}"
    answer, asked = resolve(block(hosts, "kubernetes cluster.local"), f"ext.{SVC}", A)
    assert (answers(answer), asked) == (["CNAME www.example.org", "A 192.0.2.9"], [])
    back = f"rewrite name www.example.org ext.{SVC}"
    answer, _ = resolve(block(back, "kubernetes cluster.local"), f"ext.{SVC}", A)
    assert answer.rcode in (Rcode.NOERROR, SERVFAIL)


def test_single_names_have_ttls_of_their_own() -> None:
    made = block(
        f"rewrite continue ttl exact web.{SVC} 1",
        "rewrite ttl suffix .idle.default.svc.cluster.local 10-20",
        "kubernetes cluster.local",
    )
    assert [record.ttl for record in resolve(made, f"web.{SVC}", A)[0].records] == [1]
    assert [record.ttl for record in resolve(made, f"dual.{SVC}", A)[0].records] == [5]


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


def test_dual_stack_hosts_come_from_files_too() -> None:
    made = configured(
        ". {\n hosts /etc/hosts {\n no_reverse\n }\n}", hosts="# x\n::1 six six.b\nbad\n"
    )
    assert answers(resolve(made, "six.b", AAAA)[0]) == ["AAAA ::1"]
    # Left to the next step, and there is none.
    assert resolve(made, f"1.{'0.' * 31}ip6.arpa", PTR)[0].rcode is REFUSED


def test_endpoints_may_go_by_the_names_of_their_pods() -> None:
    part = {
        "metadata": {
            "namespace": "default",
            "name": "db-9",
            "labels": {"kubernetes.io/service-name": "db"},
        },
        "addressType": "IPv4",
        "ports": [{"name": "pg", "port": 1, "protocol": "TCP"}],
        "endpoints": [
            {
                "addresses": ["10.9.9.9"],
                "targetRef": {"kind": "Pod", "name": "x", "namespace": "default"},
            }
        ],
    }
    snapshot = advance(SNAPSHOT, resources.ENDPOINT_SLICES, None, part)
    made = block("kubernetes cluster.local {\n endpoint_pod_names\n}")
    outcome = Consultation(made, snapshot, View(), CLIENT).outcome(
        Question(name_from(f"x.db.{SVC}"), A)
    )
    assert isinstance(outcome, Answer)
    assert answers(outcome) == ["A 10.9.9.9"]


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

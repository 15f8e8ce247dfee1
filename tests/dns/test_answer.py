"""Each rule of the Kubernetes DNS specification, and what CoreDNS adds, as one named case."""

from dataclasses import dataclass

import pytest

from netemu.dns.answer import BUILDERS, LONGEST_CHAIN, Answer, answer
from netemu.dns.nodes import View
from netemu.dns.records import Question, Rcode, Type, lowered, name_from
from netemu.model.snapshot import EMPTY, Snapshot
from tests.dns.cluster import (
    CLUSTER,
    DOMAIN,
    NAMESPACES,
    SERVICES,
    SLICES,
    answers,
    shown,
    snapshot_of,
    text_of,
)

NXDOMAIN, REFUSED, SERVFAIL = Rcode.NXDOMAIN, Rcode.REFUSED, Rcode.SERVFAIL
MX, CAA, SVCB, HTTPS, ANY, UNKNOWN = 15, 257, 64, 65, 255, 65280
A, AAAA, CNAME, NS, PTR = Type.A, Type.AAAA, Type.CNAME, Type.NS, Type.PTR
SOA, SRV, TXT = Type.SOA, Type.SRV, Type.TXT
SVC = "default.svc.cluster.local"
CNAME_WEB = f"CNAME web.{SVC}"
EXTERNAL = "CNAME www.example.org"


@dataclass(frozen=True)
class Case:
    name: str
    """As a sentence."""
    qname: str
    type: int
    answers: tuple[str, ...] = ()
    """None and NOERROR: no data."""
    rcode: Rcode = Rcode.NOERROR
    additional: tuple[str, ...] | None = None
    """As owner and record; None: not looked at."""


def nodata(name: str, qname: str, *types: int) -> list[Case]:
    return [Case(f"{name} ({kind})", qname, kind) for kind in types]


def denied(name: str, qname: str, *types: int) -> list[Case]:
    return [Case(f"{name} ({kind})", qname, kind, rcode=NXDOMAIN) for kind in types or (A,)]


PG = f"SRV 0 25 5433 db-0.db.{SVC}", f"SRV 0 25 5433 10-244-0-11.db.{SVC}"
GLUE = (
    f"db-0.db.{SVC} A 10.244.0.10",
    f"10-244-0-11.db.{SVC} A 10.244.0.11",
    f"db-0.db.{SVC} AAAA fd00:10:244::10",
)

CASES = [
    # 1: another type of a name that exists
    *nodata("a missing family is no data", f"web.{SVC}", AAAA),
    *nodata("a missing type is no data", f"web.{SVC}", TXT, MX, HTTPS, SVCB, CAA, UNKNOWN, ANY),
    *nodata("a Service is no zone", f"web.{SVC}", SOA, NS),
    *nodata("a Service has no alias", f"web.{SVC}", CNAME, PTR),
    # 2: names that don't exist, whatever the type
    *denied("an unknown Service", f"nope.{SVC}", A, AAAA, SRV, TXT, ANY, CNAME, SOA, NS, PTR),
    *denied("an unknown namespace", "web.nope.svc.cluster.local", A, AAAA, SRV, ANY),
    *denied("an unknown hostname", f"nope.db.{SVC}", A, SRV, ANY),
    *denied("an unknown port", f"_nope._tcp.web.{SVC}", SRV, A, ANY),
    *denied("an unknown protocol", f"_http._nope.web.{SVC}", SRV),
    *denied("an unknown tree", "web.default.cluster.local", A, ANY),
    *denied("a bare label", "web.cluster.local"),
    # 4: names between
    *nodata("the apex", "cluster.local", A, AAAA, TXT, ANY, CNAME),
    *nodata("svc", "svc.cluster.local", A, SOA, NS, TXT),
    *nodata("pod", "pod.cluster.local", A, SOA, NS),
    *nodata("a namespace", SVC, A, SRV, TXT, NS, SOA),
    *nodata("a namespace without Services", "bare.svc.cluster.local", A),
    *nodata("a namespace of pods", "default.pod.cluster.local", A),
    *denied("a missing namespace", "nope.svc.cluster.local", A, TXT, NS),
    *denied("a missing namespace of pods", "nope.pod.cluster.local"),
    *nodata("dns is above ns.dns (RFC 8020)", "dns.cluster.local", A, TXT),
    *nodata("_tcp is above _http._tcp (RFC 8020)", f"_tcp.web.{SVC}", A, SRV),
    *denied("_udp is above nothing", f"_udp.web.{SVC}"),
    *denied("_tcp of an unnamed port is above nothing", f"_tcp.unnamed.{SVC}"),
    # 5: without endpoints
    Case("a virtual IP needs no endpoints", f"idle.{SVC}", A, ("A 10.96.0.9",)),
    *denied("a headless Service with nothing ready", f"down.{SVC}", A, AAAA, SRV, TXT),
    *denied("a port of one with nothing ready", f"_pg._tcp.down.{SVC}", SRV),
    # 6
    *nodata("a headless Service of one family", f"only6.{SVC}", A),
    Case("its family is answered", f"only6.{SVC}", AAAA, ("AAAA fd00:10:244::",)),
    # 7
    Case(
        "ready endpoints count, serving and terminating don't",
        f"db.{SVC}",
        A,
        ("A 10.244.0.10", "A 10.244.0.11"),
    ),
    Case("published not-ready ones stay", f"early.{SVC}", A, ("A 10.244.0.14",)),
    *denied("a hostname that isn't ready", f"db-2.db.{SVC}"),
    # 8
    Case("a virtual IP once, however many ports", f"web.{SVC}", A, ("A 10.96.0.7",)),
    Case("a NodePort Service likewise", f"node-port.{SVC}", A, ("A 10.96.0.8",)),
    # 9
    Case("both families of a headless Service", f"db.{SVC}", AAAA, ("AAAA fd00:10:244::10",)),
    Case("a hostname", f"db-0.db.{SVC}", A, ("A 10.244.0.10",)),
    Case("a hostname's other family", f"db-0.db.{SVC}", AAAA, ("AAAA fd00:10:244::10",)),
    Case(
        "a hostname that several pods share",
        f"same.crowd.{SVC}",
        A,
        ("A 10.244.0.16", "A 10.244.0.17"),
    ),
    Case("one SRV per target and port", f"_pg._tcp.db.{SVC}", SRV, PG, additional=GLUE),
    Case(
        "one SRV for a shared hostname",
        f"_http._tcp.crowd.{SVC}",
        SRV,
        (f"SRV 0 50 80 same.crowd.{SVC}",),
        additional=(f"same.crowd.{SVC} A 10.244.0.16", f"same.crowd.{SVC} A 10.244.0.17"),
    ),
    # 10, 11
    Case(
        "SRV has the Service's port",
        f"_http._tcp.web.{SVC}",
        SRV,
        (f"SRV 0 100 80 web.{SVC}",),
        additional=(f"web.{SVC} A 10.96.0.7",),
    ),
    Case(
        "SRV of the Service lists all ports",
        f"web.{SVC}",
        SRV,
        (f"SRV 0 50 80 web.{SVC}", f"SRV 0 50 9090 web.{SVC}"),
        additional=(f"web.{SVC} A 10.96.0.7",),
    ),
    Case(
        "SRV of two families",
        f"dual.{SVC}",
        SRV,
        (f"SRV 0 50 80 dual.{SVC}",),
        additional=(f"dual.{SVC} AAAA fd00:10:96::3", f"dual.{SVC} A 10.96.0.3"),
    ),
    Case("SRV of a headless Service lists all endpoints", f"db.{SVC}", SRV, PG, additional=GLUE),
    Case(
        "a slice without that port contributes nothing",
        f"_admin._tcp.mixed.{SVC}",
        SRV,
        (f"SRV 0 100 81 10-244-0-19.mixed.{SVC}",),
        additional=(f"10-244-0-19.mixed.{SVC} A 10.244.0.19",),
    ),
    Case(
        "SRV of an endpoint",
        f"db-0.db.{SVC}",
        SRV,
        (f"SRV 0 50 5433 db-0.db.{SVC}",),
        additional=(GLUE[0], GLUE[2]),
    ),
    Case(
        "the same port over UDP and TCP is one target",
        f"both.{SVC}",
        SRV,
        (f"SRV 0 50 53 both.{SVC}",),
    ),
    Case("UDP ports", f"_dns._udp.both.{SVC}", SRV, (f"SRV 0 100 53 both.{SVC}",)),
    *nodata("a port's name has no address (CoreDNS gives one)", f"_http._tcp.web.{SVC}", A, AAAA),
    Case(
        "SRV of a headless Service of IPv6 only",
        f"_pg._tcp.only6.{SVC}",
        SRV,
        (f"SRV 0 100 5432 fd00-10-244--0.only6.{SVC}",),
        additional=(f"fd00-10-244--0.only6.{SVC} AAAA fd00:10:244::",),
    ),
    # 12
    *denied("an unnamed port has no name", f"_http._tcp.unnamed.{SVC}", SRV),
    *denied("nor an empty one", f"_._tcp.unnamed.{SVC}", SRV),
    Case("an unnamed port is listed", f"unnamed.{SVC}", SRV, (f"SRV 0 100 80 unnamed.{SVC}",)),
    Case("without ports: addresses", f"portless.{SVC}", A, ("A 10.244.0.15",)),
    *nodata("without ports: no SRV", f"portless.{SVC}", SRV),
    *denied("without ports: no SRV by name", f"_http._tcp.portless.{SVC}", SRV),
    # 13
    *denied("the wrong protocol", f"_http._udp.web.{SVC}", SRV, A),
    *denied("deeper names", f"a.b.c.web.{SVC}", A, SRV),
    *denied("deeper names below a port", f"x._http._tcp.web.{SVC}", A, SRV),
    *denied("ports without underscores (RFC 2782)", f"http.tcp.web.{SVC}", SRV, A),
    # 14
    Case("dual-stack A, with IPv6 first", f"dual.{SVC}", A, ("A 10.96.0.3",)),
    Case("dual-stack AAAA", f"dual.{SVC}", AAAA, ("AAAA fd00:10:96::3",)),
    # 15
    Case("PTR of a virtual IP", "7.0.96.10.in-addr.arpa", PTR, (f"PTR web.{SVC}",)),
    Case(
        "PTR of a virtual IP of the other family",
        "3." + "0." * 19 + "6.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa",
        PTR,
        (f"PTR dual.{SVC}",),
    ),
    Case(
        "PTR of an endpoint, one per Service",
        "10.0.244.10.in-addr.arpa",
        PTR,
        (f"PTR db-0.db.{SVC}", f"PTR 10-244-0-10.mixed.{SVC}"),
    ),
    Case(
        "PTR of an endpoint behind a virtual IP",
        "5.0.244.10.in-addr.arpa",
        PTR,
        (f"PTR web-0.web.{SVC}",),
    ),
    Case(
        "PTR of an endpoint of the other family",
        "0.1.0.0." + "0." * 16 + "4.4.2.0.0.1.0.0.0.0.d.f.ip6.arpa",
        PTR,
        (f"PTR db-0.db.{SVC}",),
    ),
    Case(
        "PTR of an endpoint by its IPv6 address, which ends in ::",
        "0." * 20 + "4.4.2.0.0.1.0.0.0.0.d.f.ip6.arpa",
        PTR,
        (f"PTR fd00-10-244--0.only6.{SVC}",),
    ),
    *denied("PTR of an endpoint that isn't ready", "13.0.244.10.in-addr.arpa", PTR),
    *nodata("a reverse name has no address", "7.0.96.10.in-addr.arpa", A, ANY),
    # 16
    *denied("an unknown reverse name", "1.2.3.4.in-addr.arpa", PTR),
    *denied("half a reverse name", "96.10.in-addr.arpa", PTR),
    *denied("too much of one", "1.7.0.96.10.in-addr.arpa", PTR),
    *denied("a malformed one", "x.0.96.10.in-addr.arpa", PTR),
    *denied("an octet too large", "256.0.96.10.in-addr.arpa", PTR),
    *denied("half an IPv6 one", "1.0.ip6.arpa", PTR),
    *denied("a malformed IPv6 one", "g." + "0." * 31 + "ip6.arpa", PTR),
    *denied("an IPv6 one with long labels", "00." + "0." * 30 + "ip6.arpa", PTR),
    *nodata("the apex of the reverse tree", "in-addr.arpa", PTR, A),
    # 17
    Case("CNAME of an ExternalName", f"ext.{SVC}", CNAME, (EXTERNAL,)),
    Case("only the first link", f"ext-ext.{SVC}", CNAME, (f"CNAME ext-web.{SVC}",)),
    Case("a final dot doesn't matter", f"ext-dot.{SVC}", CNAME, (EXTERNAL,)),
    Case("one outside leaves the rest to others", f"ext.{SVC}", A, (EXTERNAL,)),
    Case("one inside is followed", f"ext-web.{SVC}", A, (CNAME_WEB, "A 10.96.0.7")),
    Case(
        "links come in the chain's order",
        f"ext-ext.{SVC}",
        A,
        (f"CNAME ext-web.{SVC}", CNAME_WEB, "A 10.96.0.7"),
    ),
    Case("a chain may leave the zone", f"ext-ext-out.{SVC}", A, (f"CNAME ext.{SVC}", EXTERNAL)),
    Case("a loop to itself ends", f"ext-self.{SVC}", A, (f"CNAME ext-self.{SVC}",)),
    Case(
        "a loop of two ends",
        f"ext-ping.{SVC}",
        AAAA,
        (f"CNAME ext-pong.{SVC}", f"CNAME ext-ping.{SVC}"),
    ),
    Case(
        "TXT is followed",
        f"ext-version.{SVC}",
        TXT,
        ("CNAME dns-version.cluster.local", "TXT 1.1.0"),
    ),
    *denied("an address is no alias", f"ext-ip.{SVC}", A, CNAME, ANY),
    *denied("an IPv6 address neither", f"ext-ip6.{SVC}", AAAA, CNAME),
    *denied("nothing is below an alias", f"x.ext.{SVC}", A, CNAME),
    *denied("no port either", f"_http._tcp.ext.{SVC}", SRV),
    *denied("no protocol either", f"_tcp.ext.{SVC}", SRV),
    *nodata("an alias has no SRV, nor other types", f"ext.{SVC}", SRV, MX, ANY, HTTPS),
    # 18
    Case("a target without that family", f"ext-web.{SVC}", AAAA, (CNAME_WEB,)),
    Case("a target that isn't there", f"ext-gone.{SVC}", A, (f"CNAME gone.{SVC}",)),
    # 19
    Case("a pod's IPv4 name", "10-244-0-7.default.pod.cluster.local", A, ("A 10.244.0.7",)),
    Case("a pod's IPv6 name", "fd00--7.default.pod.cluster.local", AAAA, ("AAAA fd00::7",)),
    Case(
        "a pod's IPv6 name that ends in 0", "fd00--0.bare.pod.cluster.local", AAAA, ("AAAA fd00::",)
    ),
    *nodata("a pod's name of the other family", "10-244-0-7.default.pod.cluster.local", AAAA),
    *denied("no address", "256-1-1-1.default.pod.cluster.local", A, AAAA),
    *denied("not even like one", "web.default.pod.cluster.local"),
    *denied("an address with a scope", "fe80--1%eth0.default.pod.cluster.local", AAAA),
    *denied("a pod in a missing namespace", "10-244-0-7.nope.pod.cluster.local"),
    *denied("nothing is below a pod", "x.10-244-0-7.default.pod.cluster.local"),
    # 20
    *denied("* is a label", f"*.{SVC}"),
    *denied("any is a label", f"any.{SVC}"),
    *denied("* in the middle is one too", "web.*.svc.cluster.local"),
    *denied("* as a hostname", f"*.db.{SVC}"),
    # 21
    Case("the version of the schema", "dns-version.cluster.local", TXT, ("TXT 1.1.0",)),
    *nodata("its other types", "dns-version.cluster.local", A),
    Case("SOA", "cluster.local", SOA, ("SOA cluster.local 5",)),
    Case("SOA of the reverse tree", "in-addr.arpa", SOA, ("SOA in-addr.arpa 5",)),
    Case(
        "NS",
        "cluster.local",
        NS,
        ("NS kube-dns.kube-system.svc.cluster.local",),
        additional=("kube-dns.kube-system.svc.cluster.local A 10.96.0.10",),
    ),
    Case("the name server in the SOA", "ns.dns.cluster.local", A, ("A 10.96.0.10",)),
    *nodata("its other family", "ns.dns.cluster.local", AAAA),
    *denied("nothing is below the name server", "x.ns.dns.cluster.local"),
    # 22
    Case("a Service svc in a namespace svc", "svc.svc.svc.cluster.local", A, ("A 10.96.0.20",)),
    Case("a Service pod", "pod.svc.svc.cluster.local", A, ("A 10.96.0.21",)),
    Case(
        "a namespace com captures google.com",
        "google.com.svc.cluster.local",
        A,
        ("A 10.96.0.22",),
    ),
    *denied("else the search list misses", f"google.com.{SVC}", A, AAAA),
    # endpoints by address
    Case("an endpoint by its address", f"10-244-0-11.db.{SVC}", A, ("A 10.244.0.11",)),
    *denied("not by its address if it has a hostname", f"10-244-0-10.db.{SVC}"),
    Case(
        "an IPv6 address that ends in ::",
        f"fd00-10-244--0.only6.{SVC}",
        AAAA,
        ("AAAA fd00:10:244::",),
    ),
    Case("hostnames below a virtual IP", f"web-0.web.{SVC}", A, ("A 10.244.0.5",)),
    # 23: in any spelling
    Case("any spelling", "WeB.dEfAuLt.SvC.cLuStEr.LoCaL", A, ("A 10.96.0.7",)),
    Case("any spelling of a port", f"_HtTp._TcP.web.{SVC}", SRV, (f"SRV 0 100 80 web.{SVC}",)),
    Case("any spelling of a hostname", f"DB-0.db.{SVC}", A, ("A 10.244.0.10",)),
    Case("any spelling of a reverse name", "7.0.96.10.IN-ADDR.arpa", PTR, (f"PTR web.{SVC}",)),
    # 25, 35: names of others
    Case("a zone that ends like ours", "web.default.svc.mycluster.local", A, rcode=REFUSED),
    Case("a zone that begins like ours", f"web.{SVC}.example.net", A, rcode=REFUSED),
    Case("a foreign name", "www.example.org", A, rcode=REFUSED),
    Case("the root", ".", NS, rcode=REFUSED),
    Case("above the zone", "local", A, rcode=REFUSED),
    # 30
    Case("AXFR", "cluster.local", Type.AXFR, rcode=REFUSED),
    Case("IXFR", "cluster.local", Type.IXFR, rcode=REFUSED),
]


def ask(snapshot: Snapshot, qname: str, kind: int, view: View | None = None) -> Answer:
    name = () if qname == "." else name_from(qname)
    return answer(snapshot, Question(name, kind), DOMAIN, view or View())


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_cluster_is_told_truly(case: Case) -> None:
    made = ask(CLUSTER, case.qname, case.type)
    assert (made.rcode, tuple(answers(made))) == (case.rcode, case.answers)
    if case.additional is not None:
        glue = tuple(f"{text_of(record.owner)} {shown(record)}" for record in made.additional)
        assert glue == case.additional


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_every_answer_has_its_form(case: Case) -> None:
    made = ask(CLUSTER, case.qname, case.type)
    assert made.authoritative == (case.rcode is not REFUSED)
    if case.rcode is not REFUSED and not made.elsewhere:
        addressed = any(record.type is not CNAME for record in made.records)
        alias_asked = case.type == CNAME and made.records
        # Negative answers carry the SOA of the zone: owner the apex, TTL the minimum (RFC 2308).
        assert [shown(record) for record in made.authority] == (
            []
            if addressed or alias_asked
            else [f"SOA {text_of(made.authority[0].owner).lower()} 5"]
        )
        assert all(record.ttl == 5 for record in made.authority)
    for section in (made.records, made.authority, made.additional):
        assert len(set(section)) == len(section), "a record twice"
    ttls = {(lowered(record.owner), record.type): set[int]() for record in made.records}
    for record in made.records:
        ttls[lowered(record.owner), record.type].add(record.ttl)
    assert all(len(each) == 1 for each in ttls.values()), "two TTLs in one set of records"


def test_every_srv_target_resolves_to_its_glue() -> None:
    for name in ("web", "db", "crowd", "dual", "mixed", "_pg._tcp.db", "_http._tcp.crowd"):
        made = ask(CLUSTER, f"{name}.{SVC}", SRV)
        for record in made.additional:
            target = ask(CLUSTER, text_of(record.owner), record.type)
            assert shown(record) in answers(target)


def test_ttls_are_the_zones_except_the_versions() -> None:
    assert {record.ttl for record in ask(CLUSTER, f"ext-web.{SVC}", A).records} == {5}
    assert {record.ttl for record in ask(CLUSTER, "dns-version.cluster.local", TXT).records} == {
        28800
    }


def test_owners_keep_the_spelling_of_the_question() -> None:
    (record,) = ask(CLUSTER, f"WEB.{SVC}", A).records
    assert text_of(record.owner) == f"WEB.{SVC}"
    (soa,) = ask(CLUSTER, "web.default.svc.Cluster.LOCAL", AAAA).authority
    assert text_of(soa.owner) == "Cluster.LOCAL"


def test_an_endless_chain_is_cut() -> None:
    made = ask(CLUSTER, f"hop-0.{SVC}", A)
    assert len(made.records) == LONGEST_CHAIN
    assert answers(ask(CLUSTER, f"hop-3.{SVC}", A))[-1] == "A 10.96.0.30"


def test_what_others_may_know_is_named() -> None:
    cases = {
        "www.example.org": "www.example.org",
        "1.2.3.4.in-addr.arpa": "1.2.3.4.in-addr.arpa",
        f"ext.{SVC}": "www.example.org",
        f"nope.{SVC}": None,
        f"google.com.{SVC}": None,
        "7.0.96.10.in-addr.arpa": None,
    }
    for qname, expected in cases.items():
        made = ask(CLUSTER, qname, PTR if qname.endswith("arpa") else A)
        assert (made.elsewhere and text_of(made.elsewhere)) == expected, qname


UNSYNCED = snapshot_of(NAMESPACES, SERVICES[:1], [], synced=False)


@pytest.mark.parametrize(
    ("qname", "kind", "rcode"),
    [
        (f"web.{SVC}", A, Rcode.NOERROR),
        (f"web.{SVC}", AAAA, Rcode.NOERROR),
        (f"nope.{SVC}", A, SERVFAIL),
        ("nope.svc.cluster.local", A, SERVFAIL),
        ("1.0.96.10.in-addr.arpa", PTR, SERVFAIL),
        ("cluster.local", SOA, Rcode.NOERROR),
        ("www.example.org", A, REFUSED),
    ],
)
def test_before_the_first_list_nothing_is_denied(qname: str, kind: int, rcode: Rcode) -> None:
    assert ask(UNSYNCED, qname, kind).rcode is rcode


def test_foreign_classes_are_refused() -> None:
    for klass in (3, 4, 255):
        made = answer(CLUSTER, Question(name_from(f"web.{SVC}"), A, klass), DOMAIN, View())
        assert made.rcode is REFUSED


def test_the_serial_is_the_snapshots_revision() -> None:
    (soa,) = ask(CLUSTER, "cluster.local", SOA).records
    assert getattr(soa.data, "serial", None) == CLUSTER.revision


def test_without_a_dns_service_the_listener_is_the_name_server() -> None:
    view = View(own=("127.0.0.1",))
    made = ask(EMPTY, "cluster.local", NS, view)
    assert answers(made) == ["NS ns.dns.cluster.local"]
    assert [shown(record) for record in made.additional] == ["A 127.0.0.1"]
    assert answers(ask(EMPTY, "ns.dns.cluster.local", A, view)) == ["A 127.0.0.1"]


def test_a_view_maps_what_is_shown_and_what_is_meant() -> None:
    view = View(
        shown=lambda address: address.replace("10.96.", "127.5."),
        meant=lambda address: address.replace("127.5.", "10.96."),
    )
    assert answers(ask(CLUSTER, f"web.{SVC}", A, view)) == ["A 127.5.0.7"]
    assert answers(ask(CLUSTER, f"ext-web.{SVC}", A, view)) == [CNAME_WEB, "A 127.5.0.7"]
    made = ask(CLUSTER, f"_http._tcp.web.{SVC}", SRV, view)
    assert [shown(record) for record in made.additional] == ["A 127.5.0.7"]
    assert answers(ask(CLUSTER, "7.0.5.127.in-addr.arpa", PTR, view)) == [f"PTR web.{SVC}"]
    assert answers(ask(CLUSTER, f"db-0.db.{SVC}", A, view)) == ["A 10.244.0.10"]


def test_what_a_view_does_not_show_is_left_out() -> None:
    view = View(shown=lambda address: "" if ":" in address else address)
    dual = ask(CLUSTER, f"dual.{SVC}", AAAA, view)
    assert (dual.rcode, answers(dual)) == (Rcode.NOERROR, [])
    assert answers(ask(CLUSTER, f"dual.{SVC}", A, view)) == ["A 10.96.0.3"]
    assert answers(ask(CLUSTER, f"db.{SVC}", AAAA, view)) == []
    made = ask(CLUSTER, f"_pg._tcp.db.{SVC}", SRV, view)
    assert {shown(record).split()[0] for record in made.additional} == {"A"}


def test_every_type_served_is_in_a_case() -> None:
    given = {case.type for case in CASES if case.answers}
    assert given == set(BUILDERS)


def test_the_cluster_has_one_of_each() -> None:
    assert len(CLUSTER.services) == len(SERVICES)
    assert sum(len(slices) for slices in CLUSTER.slices.values()) == len(SLICES)

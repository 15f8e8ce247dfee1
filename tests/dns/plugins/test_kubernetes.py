"""``kubernetes``: which Services, namespaces and endpoints have names, by its options."""

from typing import Any

import pytest

from netemu.dns.answer import Answer
from netemu.dns.consult import Consultation
from netemu.dns.corefile import BadCorefile
from netemu.dns.nodes import View
from netemu.dns.records import Question, Rcode, Type, name_from
from netemu.model import resources
from netemu.model.meta import Object
from netemu.model.snapshot import Snapshot, advance
from tests.dns import consulting
from tests.dns.cluster import CLUSTER, answers, configured, endpoint, endpoint_slice, service
from tests.dns.consulting import CLIENT, POD, SVC, block, resolve

A, PTR, SRV = Type.A, Type.PTR, Type.SRV

NXDOMAIN, NOERROR = Rcode.NXDOMAIN, Rcode.NOERROR


def labelled(obj: Object, **labels: str) -> Object:
    return obj | {"metadata": obj["metadata"] | {"labels": labels}}


def in_zone(address: str, zone: str) -> Object:
    return endpoint(address) | {"zone": zone}


WEB = service("web", "10.96.0.7", ports=("http:80",))
OBJECTS: list[tuple[str, Object]] = [
    (resources.NAMESPACES, labelled({"metadata": {"name": "default"}}, team="a", tier="x")),
    (resources.NAMESPACES, labelled({"metadata": {"name": "svc"}}, team="b")),
    (resources.SERVICES, labelled(WEB, app="nginx", env="qa")),
    (resources.SERVICES, service("zoned", "None", ports=("http:80",))),
    (
        resources.ENDPOINT_SLICES,
        endpoint_slice(
            "zoned",
            in_zone("10.244.3.1", "west-2a"),
            in_zone("10.244.3.2", "corp.example.com"),
            endpoint("10.244.3.3"),
            ports=("http:80",),
        ),
    ),
]


def with_all(snapshot: Snapshot, objects: list[tuple[str, Object]]) -> Snapshot:
    for resource, obj in objects:
        snapshot = advance(snapshot, resource, None, obj)
    return snapshot


SNAPSHOT = with_all(CLUSTER, OBJECTS)


def ask(options: str, name: str, kind: int = Type.A, snapshot: Snapshot = SNAPSHOT) -> Answer:
    made = configured(f". {{\n kubernetes cluster.local in-addr.arpa {{\n{options}\n}}\n}}")
    question = Question(name_from(name), kind)
    outcome = Consultation(made, snapshot, View(), "").outcome(question)
    assert isinstance(outcome, Answer)
    return outcome


LABELS = {
    "labels app=nginx": (NOERROR, NXDOMAIN),
    "labels app in (nginx, caddy), env!=prod": (NOERROR, NXDOMAIN),
    "labels app=nginx,env=prod": (NXDOMAIN, NXDOMAIN),
    "labels !app": (NXDOMAIN, NOERROR),
    "namespace_labels team=a": (NOERROR, NXDOMAIN),
    "namespace_labels team": (NOERROR, NOERROR),
    "namespace_labels team notin (a)": (NXDOMAIN, NOERROR),
}


@pytest.mark.parametrize(("option", "expected"), LABELS.items())
def test_labels_choose_services_and_namespaces(option: str, expected: tuple[Rcode, Rcode]) -> None:
    names = ("web.default.svc.cluster.local", "svc.svc.svc.cluster.local")
    assert tuple(ask(option, name).rcode for name in names) == expected


def test_a_hidden_namespace_has_no_name_and_its_addresses_point_nowhere() -> None:
    option = "namespace_labels team=b\npods insecure"
    for name in ("default.svc.cluster.local", "1-2-3-4.default.pod.cluster.local"):
        assert ask(option, name).rcode is NXDOMAIN
    assert ask(option, "7.0.96.10.in-addr.arpa", Type.PTR).rcode is NXDOMAIN
    assert ask(option, "svc.svc.cluster.local").rcode is NOERROR


ZONAL = {
    "west-2a.pin": ["A 10.244.3.1"],
    "WEST-2a.PIN": ["A 10.244.3.1"],
    "corp.example.com.pin": ["A 10.244.3.2"],
    "nowhere.pin": [],
    "west-2a.prefer": ["A 10.244.3.1"],
    "nowhere.prefer": ["A 10.244.3.1", "A 10.244.3.2", "A 10.244.3.3"],
}


@pytest.mark.parametrize(("zone", "expected"), ZONAL.items())
def test_headless_services_have_names_by_zone(zone: str, expected: list[str]) -> None:
    name = f"{zone}._zone.zoned.default.svc.cluster.local"
    answer = ask("zonal", name)
    assert (answer.rcode, answers(answer)) == (NOERROR, expected)
    assert len(ask("zonal", name, Type.SRV).records) == len(expected)
    assert ask("zonal", name, Type.TXT).records == ()
    assert ask("", name).rcode is NXDOMAIN


@pytest.mark.parametrize("of", ["web.default", "ext.default", "nope.default"])
def test_other_services_have_none(of: str) -> None:
    assert ask("zonal", f"west-2a.prefer._zone.{of}.svc.cluster.local").rcode is NXDOMAIN


def test_an_unknown_directive_is_no_name() -> None:
    name = "west-2a.near._zone.zoned.default.svc.cluster.local"
    assert ask("zonal", name).rcode is NXDOMAIN


def test_a_pod_name_too_long_for_a_label_gives_way_to_the_address() -> None:
    long: Any = endpoint("10.244.3.9") | {
        "targetRef": {"kind": "Pod", "namespace": "default", "name": "p" * 64}
    }
    part = endpoint_slice("zoned", long, ports=("http:80",), name="zoned-2")
    snapshot = advance(SNAPSHOT, resources.ENDPOINT_SLICES, None, part)
    name = "10-244-3-9.zoned.default.svc.cluster.local"
    assert answers(ask("endpoint_pod_names", name, snapshot=snapshot)) == ["A 10.244.3.9"]


MISTAKES = {
    "labels": "Corefile:3: labels takes 1 or more arguments, not 0",
    "labels a==b==c": "unable to parse label selector value: 'a==b==c'",
    "namespaces a\nnamespace_labels b": "namespaces and namespace_labels cannot both be set",
    "zonal\nnoendpoints": "zonal requires the endpoint cache; remove noendpoints",
    "multicluster clusterset.local": "multicluster is not supported",
    "nonsense": 'unknown option "nonsense"',
}


@pytest.mark.parametrize(("options", "why"), MISTAKES.items())
def test_mistakes_are_named_with_their_line(options: str, why: str) -> None:
    with pytest.raises(BadCorefile, match="Corefile:") as raised:
        configured(f". {{\n kubernetes cluster.local {{\n{options}\n}}\n}}")
    assert why in str(raised.value)


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
    snapshot = advance(consulting.SNAPSHOT, resources.PODS, POD, ended)
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
    snapshot = advance(consulting.SNAPSHOT, resources.ENDPOINT_SLICES, None, part)
    made = block("kubernetes cluster.local {\n endpoint_pod_names\n}")
    outcome = Consultation(made, snapshot, View(), CLIENT).outcome(
        Question(name_from(f"x.db.{SVC}"), A)
    )
    assert isinstance(outcome, Answer)
    assert answers(outcome) == ["A 10.9.9.9"]
